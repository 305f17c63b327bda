"""A run that is interrupted and goes on ends in the same bits as one that is not."""

import glassnet as gn
from glassnet.exchange.checkpoint import load_checkpoint, save_checkpoint

data = gn.datasets.spiral(300, noise=0.1, seed=1)
net = gn.Network.mlp(2, 16, 16, data.y.shape[1], output=gn.Sigmoid())
task = gn.Task(net, gn.BinaryCrossEntropy(), gn.Adam(lr=0.02))
settings = {"batch_size": 32}

whole = gn.last(gn.train(task, data.X, data.y, gn.start(task, 7), epochs=60, **settings))

for record in gn.train(task, data.X, data.y, gn.start(task, 7), **settings):
    if record.epoch == 25:
        save_checkpoint("run.safetensors", task, record.state)
        break  # stop is `break`; pause would be not calling `next`

found = load_checkpoint("run.safetensors")
rest = gn.last(gn.train(found.task, data.X, data.y, found.state, epochs=35, **settings))

same = rest.state.theta.tobytes() == whole.state.theta.tobytes()
print(f"epoch {rest.epoch}: loss {rest.loss:.6f}, the same bits: {same}")
assert same
