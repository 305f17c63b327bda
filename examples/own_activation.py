"""A function of one's own: written once, with its derivative under it, and passed as an object."""

from dataclasses import dataclass

import numpy as np

import glassnet as gn


@dataclass(frozen=True)
class Mish(gn.Activation):
    """a = z·tanh(ln(1 + e^z)).

    Misra, "Mish: a self regularized non-monotonic activation function", 2019.
    """

    @staticmethod
    def f(z):
        return z * np.tanh(np.logaddexp(0.0, z))

    @staticmethod
    def df(z, a):
        t = np.tanh(np.logaddexp(0.0, z))
        return t + z * (1.0 - t * t) * np.exp(-np.logaddexp(0.0, -z))


data = gn.datasets.moons(200, noise=0.1, seed=0)
net = gn.Network.mlp(2, 8, 1, activation=Mish(), output=gn.Sigmoid())
task = gn.Task(net, gn.BinaryCrossEntropy(), gn.Adam(lr=0.03))

record = gn.last(gn.train(task, data.X, data.y, epochs=300, metrics={"accuracy": gn.accuracy}))
print(f"loss {record.loss:.4f}, accuracy {record.metrics['accuracy']:.3f}")

# is the derivative right? each parameter is moved a little, and the slope measured
for part in gn.check_gradients(task, record.state.theta, data.X, data.y):
    print(f"{part.name}: largest relative error {part.error:.1e}, {part.verdict}")
