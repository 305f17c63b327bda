"""NumPy, written well: buffers with `out=`, updates in place, BLAS for every product."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.workloads import Job, Turn, some

CHUNK = 4096  # rows predicted at a time: their activations stay in the cache


def prepare(job: Job) -> Callable[[], Turn]:
    match job.workload.kind:
        case "train":
            return lambda: full_batch(job) if job.full_batch else minibatches(job)
        case "row":
            return lambda: one_row(job)
        case _:
            return lambda: all_rows(job)


def full_batch(job: Job) -> Turn:
    """Two layers of sigmoids, samples as columns."""
    X, y = np.ascontiguousarray(job.X.T), np.ascontiguousarray(job.y.T)  # (n_in, n), (1, n)
    n, lr = X.shape[1], job.dtype.type(job.lr)
    began = job.clock()
    for _ in range(job.workload.repeats):
        (W1, _), (W2, _) = job.parameters()
        h = np.empty((len(W2), n), job.dtype)
        slope, o, d = np.empty_like(h), np.empty_like(y), np.empty_like(y)
        losses = np.empty(job.epochs)
        W1T, W2T, XT = W1.T, W2.T, X.T
        for epoch in range(job.epochs):
            sigmoid(np.dot(W1T, X, out=h))
            sigmoid(np.dot(W2T, h, out=o))
            np.subtract(o, y, out=d)
            losses[epoch] = np.dot(d[0], d[0])
            d *= o
            d *= np.subtract(1, o, out=o)  # dL/dz of the output, (1, n)
            dW2 = np.dot(h, d.T)
            np.multiply(W2, d, out=slope)
            slope *= h
            slope *= np.subtract(1, h, out=h)  # dL/dz of the hidden layer, (hidden, n)
            dW1 = np.dot(slope, XT).T
            W1 -= lr * dW1
            W2 -= lr * dW2
    seconds = job.clock() - began
    return Turn(seconds / job.epochs / job.workload.repeats, tuple(losses / (2 * n)))


def sigmoid(z: np.ndarray) -> None:
    np.negative(z, out=z)
    np.exp(z, out=z)
    z += 1
    np.reciprocal(z, out=z)


def activate(job: Job) -> Callable[[np.ndarray], np.ndarray]:
    if job.hidden == "relu":
        return lambda z: np.maximum(z, 0, out=z)
    return lambda z: np.tanh(z, out=z)


def forward(layers: list, act: Callable, x: np.ndarray) -> list[np.ndarray]:
    """Input, hidden activations, and the sums z of the output."""
    passes = [x]
    for i, (W, b) in enumerate(layers):
        z = passes[-1] @ W
        z += b
        passes.append(act(z) if i < len(layers) - 1 else z)
    return passes


def minibatches(job: Job) -> Turn:
    """Adam; gradients and moments lie in flat vectors, so that a step is a dozen calls."""
    X, y, n, size, act = job.X, job.y, len(job.X), job.batch, activate(job)
    labels, real = job.labels, job.dtype.type
    optimizer, order_of = job.task.optimizer, job.orders()
    beta1, beta2, eps = optimizer.beta1, optimizer.beta2, real(optimizer.eps)
    losses = np.zeros(job.epochs)
    theta = job.theta.copy()
    layers = job.net.views(theta)
    grad, m, v = np.empty_like(theta), np.zeros_like(theta), np.zeros_like(theta)
    grads = job.net.views(grad)
    a, b = np.empty_like(theta), np.empty_like(theta)
    step = 0
    began = job.clock()
    for epoch in range(job.epochs):
        order = order_of()
        for first in range(0, n, size):
            index = order[first : first + size]
            rows = len(index)
            passes = forward(layers, act, X[index])
            z = passes[-1]
            if job.classifies:
                at = np.arange(rows), labels[index]
                z -= z.max(axis=1, keepdims=True)
                chosen = z[at]
                np.exp(z, out=z)
                total = z.sum(axis=1, keepdims=True)
                losses[epoch] += float((np.log(total[:, 0]) - chosen).sum())
                z /= total
                z[at] -= 1
                d = z
            else:
                d = z - y[index]
                losses[epoch] += float(np.vdot(d, d)) / 2
            d /= rows
            for i in reversed(range(len(layers))):
                dW, db = grads[i]
                np.dot(passes[i].T, d, out=dW)
                np.sum(d, axis=0, out=db)
                if i:
                    d = d @ layers[i][0].T
                    h = passes[i]
                    d *= (h > 0) if job.hidden == "relu" else (1 - h * h)
            step += 1
            m *= real(beta1)
            m += np.multiply(grad, real(1 - beta1), out=a)
            v *= real(beta2)
            np.multiply(grad, grad, out=a)
            a *= real(1 - beta2)
            v += a
            np.sqrt(v, out=a)
            a *= real((1 - beta2**step) ** -0.5)
            a += eps
            np.divide(m, a, out=b)
            b *= real(job.lr / (1 - beta1**step))
            theta -= b
    seconds = job.clock() - began
    return Turn(seconds / job.epochs, tuple(losses / n))


def one_row(job: Job) -> Turn:
    layers, act, rows = job.parameters(), activate(job), [x[None] for x in job.X]
    began = job.clock()
    for _ in range(job.workload.repeats):
        for x in rows:
            z = forward(layers, act, x)[-1]
            z -= z.max()
            np.exp(z, out=z)
            z /= z.sum()
    seconds = job.clock() - began
    return Turn(seconds / job.workload.repeats / len(rows), outputs=some(z))


def all_rows(job: Job) -> Turn:
    layers, act = job.parameters(), activate(job)
    began = job.clock()
    a = np.empty((len(job.X), job.net.n_out), job.dtype)
    for first in range(0, len(a), CHUNK):
        a[first : first + CHUNK] = forward(layers, act, job.X[first : first + CHUNK])[-1]
    return Turn(job.clock() - began, outputs=some(a))
