"""torch.compile: forward, gradient and update as one compiled function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from benchmarks.workloads import Job, Turn, some

CHUNK = 8000  # divides a million: one shape, one compilation
AT_ONCE = 10  # epochs within one call, where an epoch takes microseconds


def prepare(job: Job) -> Callable[[], Turn]:
    torch.set_num_threads(job.threads)
    torch.compiler.reset()  # a workload is compiled for itself: no code that fits several shapes
    match job.workload.kind:
        case "train":
            return full_batch(job) if job.full_batch else minibatches(job)
        case "row":
            return one_row(job)
        case _:
            return all_rows(job)


def full_batch(job: Job) -> Callable[[], Turn]:
    X, y = (torch.from_numpy(array.T).contiguous() for array in (job.X, job.y))  # samples: columns
    n, lr = X.shape[1], job.lr

    @torch.compile(fullgraph=True)
    def epochs(W1: Any, W2: Any, X: Any, y: Any) -> Any:
        losses = []
        for _ in range(AT_ONCE):
            h = torch.sigmoid(W1.T @ X)
            o = torch.sigmoid(W2.T @ h)
            e = o - y
            losses.append((e * e).sum())
            d = e * o * (1 - o)
            dW2 = h @ d.T
            dW1 = X @ (h * (1 - h) * (W2 @ d)).T
            W1, W2 = W1 - lr * dW1, W2 - lr * dW2
        return W1, W2, torch.stack(losses)

    @torch.no_grad()
    def turn() -> Turn:
        began = job.clock()
        for _ in range(job.workload.repeats):
            W1, W2 = (torch.from_numpy(W.copy()) for W, _ in job.parameters())
            losses = []
            for _ in range(job.epochs // AT_ONCE):
                W1, W2, some_losses = epochs(W1, W2, X, y)
                losses.append(some_losses)
        seconds = job.clock() - began
        all_losses = torch.cat(losses) / (2 * n)
        return Turn(seconds / job.epochs / job.workload.repeats, tuple(all_losses.tolist()))

    return turn


def tensors(job: Job) -> list[torch.Tensor]:
    """W, b, W, b, …"""
    return [torch.from_numpy(part) for pair in job.parameters() for part in pair]


def network(job: Job) -> Callable[[list[Any], Any], Any]:
    act = {"relu": torch.relu, "tanh": torch.tanh}[job.hidden]

    def forward(parameters: list[Any], x: Any) -> Any:
        for i in range(0, len(parameters), 2):
            x = torch.addmm(parameters[i + 1], x, parameters[i])
            if i < len(parameters) - 2:
                x = act(x)
        return x

    return forward


def minibatches(job: Job) -> Callable[[], Turn]:
    X, n, size, forward = torch.from_numpy(job.X), len(job.X), job.batch, network(job)
    optimizer, lr = job.task.optimizer, job.lr
    beta1, beta2, eps = optimizer.beta1, optimizer.beta2, optimizer.eps
    y = torch.from_numpy(job.labels if job.classifies else job.y)

    def loss_of(parameters: list[Any], x: Any, y: Any) -> Any:
        z = forward(parameters, x)
        return functional.cross_entropy(z, y) if job.classifies else 0.5 * functional.mse_loss(z, y)

    grad_and_value = torch.func.grad_and_value(loss_of)

    @torch.compile(fullgraph=True, dynamic=False)
    def step(
        parameters: Any, ms: Any, vs: Any, rate: Any, root: Any, total: Any, index: Any
    ) -> None:
        grads, loss = grad_and_value(parameters, X[index], y[index])
        for p, g, m, v in zip(parameters, grads, ms, vs, strict=True):
            m.mul_(beta1).add_(g, alpha=1 - beta1)
            v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
            p.sub_(rate * m / (v.sqrt() * root + eps))
        total.add_(loss * index.shape[0])

    @torch.no_grad()
    def turn() -> Turn:
        parameters, order_of = [p.clone() for p in tensors(job)], job.orders()
        ms, vs = ([torch.zeros_like(p) for p in parameters] for _ in range(2))
        t, losses = 0, []
        began = job.clock()
        for _ in range(job.epochs):
            # not of shape (): what is added to such a float64 within compiled code is lost
            total = torch.zeros(1, dtype=X.dtype)
            for index in torch.from_numpy(order_of()).split(size):
                t += 1
                rate = torch.tensor(lr / (1 - beta1**t), dtype=X.dtype)
                root = torch.tensor((1 - beta2**t) ** -0.5, dtype=X.dtype)
                step(parameters, ms, vs, rate, root, total, index)
            losses.append(total)
        seconds = job.clock() - began
        return Turn(seconds / job.epochs, tuple(float(total) / n for total in losses))

    return turn


def one_row(job: Job) -> Callable[[], Turn]:
    forward, parameters = network(job), tensors(job)
    rows = [torch.from_numpy(x[None]) for x in job.X]
    answer = torch.compile(lambda p, x: functional.softmax(forward(p, x), dim=1), fullgraph=True)

    @torch.inference_mode()
    def turn() -> Turn:
        began = job.clock()
        for _ in range(job.workload.repeats):
            for x in rows:
                a = answer(parameters, x)
        seconds = job.clock() - began
        return Turn(seconds / job.workload.repeats / len(rows), outputs=some(a.numpy()))

    return turn


def all_rows(job: Job) -> Callable[[], Turn]:
    parameters, X = tensors(job), torch.from_numpy(job.X)
    answer = torch.compile(network(job), fullgraph=True)

    @torch.inference_mode()
    def turn() -> Turn:
        began = job.clock()
        a = torch.empty(len(X), job.net.n_out, dtype=X.dtype)
        for first in range(0, len(X), CHUNK):
            a[first : first + CHUNK] = answer(parameters, X[first : first + CHUNK])
        return Turn(job.clock() - began, outputs=some(a.numpy()))

    return turn
