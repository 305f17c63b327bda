"""The teaching notebook's first network, trained with glassnet: the same digits, in 20 lines."""

import numpy as np

import glassnet as gn

chance = np.random.RandomState(42)  # the notebook's one stream, drawn from in its order
net = gn.Network.mlp(4, 3, 1, activation=gn.Sigmoid(), output=gn.Sigmoid(), bias=False)
task = gn.Task(net, gn.SquaredError(), gn.SGD(lr=0.1), reduction="sum")

X = [[1, 0, 0, 0], [1, 0, 1, 1], [0, 1, 0, 1]]  # samples are rows here, columns in the notebook
y = [[1], [1], [0]]

gn.start(task, chance, initializer=gn.Uniform())  # the weights of its first part: drawn, passed by
state = gn.start(task, chance, initializer=gn.Uniform())
for record in gn.train(task, X, y, state, epochs=1000):
    if (record.epoch - 1) % 100 == 0:
        print(f"Error at epoch {record.epoch - 1} is {record.loss:.5f}")

(W1, _), (W2, _) = net.views(record.state.theta)
print(W1, W2, sep="\n")
