"""Stages: generators around the stream of training stop it, keep its best, and note its history."""

import glassnet as gn

data = gn.datasets.iris()
net = gn.Network.mlp(4, 16, 3, output=gn.Softmax())
task = gn.Task(net, gn.CrossEntropy(), gn.Adam(lr=0.01), l2=1e-4)

odd, even = slice(1, None, 2), slice(0, None, 2)
X = (data.X - data.X[even].mean(axis=0)) / data.X[even].std(axis=0)
stream = gn.train(
    task,
    X[even],
    data.y[even],
    gn.start(task, 0),
    batch_size=25,
    validation=(X[odd], data.y[odd]),
    metrics={"accuracy": gn.accuracy},
)

history = gn.History()
record = gn.last(gn.keep_best(gn.until_flat(history.follow(stream), patience=20)))

print(f"stopped after epoch {record.epoch}, best was epoch {record.best.epoch}:")
print(f"validation loss {record.best.val_loss:.4f}, accuracy {record.best.metrics['accuracy']:.3f}")
