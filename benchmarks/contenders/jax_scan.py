"""JAX: one jit of a scan over epochs of a scan over batches; the short last batch by itself.

The orders come from NumPy: `jax.random.permutation` sorts, which on a processor costs JAX two to
three times the whole epoch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.workloads import Job, Turn, some

jax.config.update("jax_enable_x64", True)

CHUNK = 8000


def prepare(job: Job) -> Callable[[], Turn]:
    match job.workload.kind:
        case "train":
            return full_batch(job) if job.full_batch else minibatches(job)
        case "row":
            return one_row(job)
        case _:
            return all_rows(job)


def full_batch(job: Job) -> Callable[[], Turn]:
    X, y = jnp.asarray(job.X.T), jnp.asarray(job.y.T)  # samples: columns
    n, lr = X.shape[1], jnp.asarray(job.lr, X.dtype)

    def epoch(weights: Any, _: Any) -> Any:
        W1, W2 = weights
        h = jax.nn.sigmoid(W1.T @ X)
        o = jax.nn.sigmoid(W2.T @ h)
        e = o - y
        d = e * o * (1 - o)
        dW2 = h @ d.T
        dW1 = X @ (h * (1 - h) * (W2 @ d)).T
        return (W1 - lr * dW1, W2 - lr * dW2), (e * e).sum()

    run = jax.jit(lambda weights: lax.scan(epoch, weights, length=job.epochs))
    start = tuple(jnp.asarray(W) for W, _ in job.parameters())

    def turn() -> Turn:
        began = job.clock()
        for _ in range(job.workload.repeats):
            _, losses = jax.block_until_ready(run(start))
        seconds = job.clock() - began
        losses = np.asarray(losses) / (2 * n)
        return Turn(seconds / job.epochs / job.workload.repeats, tuple(losses.tolist()))

    return turn


def network(job: Job) -> tuple[Callable[[Any, Any], Any], list[Any]]:
    act = {"relu": jax.nn.relu, "tanh": jnp.tanh}[job.hidden]
    start = [(jnp.asarray(W), jnp.asarray(b)) for W, b in job.parameters()]

    def forward(layers: Any, x: Any) -> Any:
        for W, b in layers[:-1]:
            x = act(x @ W + b)
        W, b = layers[-1]
        return x @ W + b

    return forward, start


def minibatches(job: Job) -> Callable[[], Turn]:
    forward, start = network(job)
    X, y, n, size = jnp.asarray(job.X), jnp.asarray(job.y), len(job.X), job.batch
    whole, left = divmod(n, size)
    optimizer, lr = job.task.optimizer, job.lr
    beta1, beta2, eps = optimizer.beta1, optimizer.beta2, optimizer.eps

    def loss_of(layers: Any, x: Any, y: Any) -> Any:
        z = forward(layers, x)
        if job.classifies:
            return -(y * jax.nn.log_softmax(z)).sum(axis=1).mean()
        return 0.5 * ((z - y) ** 2).mean()

    value_and_grad = jax.value_and_grad(loss_of)

    def step(state: Any, index: Any) -> Any:
        layers, m, v, t = state
        loss, grad = value_and_grad(layers, X[index], y[index])
        t = t + 1
        rate = (lr / (1 - beta1**t)).astype(X.dtype)
        root = lax.rsqrt(1 - beta2**t).astype(X.dtype)
        m = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, m, grad)
        v = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, v, grad)
        layers = jax.tree.map(
            lambda p, m, v: p - rate * m / (jnp.sqrt(v) * root + eps), layers, m, v
        )
        return (layers, m, v, t), loss * len(index)

    def epoch(state: Any, order: Any) -> Any:
        state, losses = lax.scan(step, state, order[: whole * size].reshape(whole, size))
        total = losses.sum()
        if left:
            state, loss = step(state, order[whole * size :])
            total = total + loss
        return state, total / n

    run = jax.jit(lambda state, orders: lax.scan(epoch, state, orders))

    def turn() -> Turn:
        zeros, order_of = jax.tree.map(jnp.zeros_like, start), job.orders()
        state = (start, zeros, zeros, jnp.zeros((), jnp.float64))
        began = job.clock()
        orders = np.stack([order_of() for _ in range(job.epochs)])
        _, losses = jax.block_until_ready(run(state, orders))
        seconds = job.clock() - began
        return Turn(seconds / job.epochs, tuple(np.asarray(losses).tolist()))

    return turn


def one_row(job: Job) -> Callable[[], Turn]:
    forward, layers = network(job)
    answer = jax.jit(lambda layers, x: jax.nn.softmax(forward(layers, x)))
    rows = [x[None] for x in job.X]

    def turn() -> Turn:
        began = job.clock()
        for _ in range(job.workload.repeats):
            for x in rows:
                a = np.asarray(answer(layers, x))
        seconds = job.clock() - began
        return Turn(seconds / job.workload.repeats / len(rows), outputs=some(a))

    return turn


def all_rows(job: Job) -> Callable[[], Turn]:
    """All at once, and chunk by chunk: the faster of the two counts."""
    forward, layers = network(job)
    X, n = jnp.asarray(job.X), len(job.X)

    def in_chunks(layers: Any, X: Any) -> Any:
        chunks = X.reshape(n // CHUNK, CHUNK, -1)
        return lax.map(lambda x: forward(layers, x), chunks).reshape(n, -1)

    ways = [jax.jit(in_chunks), jax.jit(forward)]

    def turn() -> Turn:
        seconds = []
        for way in ways:
            began = job.clock()
            a = jax.block_until_ready(way(layers, X))
            seconds.append(job.clock() - began)
        return Turn(min(seconds), outputs=some(np.asarray(a)))

    return turn
