"""PyTorch, eager: `nn.Sequential` and the fused Adam; the notebook's two by hand, in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from benchmarks.workloads import Job, Turn, some

CHUNK = 8192


def prepare(job: Job) -> Callable[[], Turn]:
    torch.set_num_threads(job.threads)
    match job.workload.kind:
        case "train":
            return lambda: full_batch(job) if job.full_batch else minibatches(job)
        case "row":
            return lambda: one_row(job)
        case _:
            return lambda: all_rows(job)


def model(job: Job) -> nn.Sequential:
    parts: list[Any] = []
    layers = job.parameters()
    for i, (W, b) in enumerate(layers):
        linear = nn.Linear(*W.shape, dtype=torch.from_numpy(W).dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T))
            linear.bias.copy_(torch.from_numpy(b))
        parts.append(linear)
        if i < len(layers) - 1:
            parts.append({"relu": nn.ReLU, "tanh": nn.Tanh}[job.hidden]())
    return nn.Sequential(*parts)


@torch.no_grad()
def full_batch(job: Job) -> Turn:
    """The gradient by hand: on networks so small autograd would cost more than the arithmetic."""
    X, y = (torch.from_numpy(array.T).contiguous() for array in (job.X, job.y))  # samples: columns
    n, lr = X.shape[1], job.lr
    began = job.clock()
    for _ in range(job.workload.repeats):
        W1, W2 = (torch.from_numpy(W.copy()) for W, _ in job.parameters())
        losses = torch.empty(job.epochs, dtype=X.dtype)
        for loss in losses:
            h = torch.mm(W1.T, X).sigmoid_()
            o = torch.mm(W2.T, h).sigmoid_()
            e = o - y
            torch.dot(e[0], e[0], out=loss)
            d = torch.addcmul(o, o, o, value=-1).mul_(e)
            slope = torch.addcmul(h, h, h, value=-1).mul_(W2 * d)
            dW2 = torch.mm(h, d.T)
            W1.addmm_(X, slope.T, alpha=-lr)
            W2.sub_(dW2, alpha=lr)
    seconds = job.clock() - began
    return Turn(seconds / job.epochs / job.workload.repeats, tuple((losses / (2 * n)).tolist()))


def minibatches(job: Job) -> Turn:
    X, n, size, order_of = torch.from_numpy(job.X), len(job.X), job.batch, job.orders()
    if job.classifies:
        y, loss_of = torch.from_numpy(job.labels), functional.cross_entropy
    else:
        y, loss_of = torch.from_numpy(job.y), half_squares
    net = model(job)
    optimizer = torch.optim.Adam(net.parameters(), lr=job.lr, fused=True)
    losses = []
    began = job.clock()
    for _ in range(job.epochs):
        total = torch.zeros((), dtype=X.dtype)
        for index in torch.from_numpy(order_of()).split(size):
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(net(X[index]), y[index])
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(index)
        losses.append(total)
    seconds = job.clock() - began
    return Turn(seconds / job.epochs, tuple(float(total) / n for total in losses))


def half_squares(a: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return 0.5 * functional.mse_loss(a, y)


@torch.inference_mode()
def one_row(job: Job) -> Turn:
    net, rows = model(job).eval(), [torch.from_numpy(x[None]) for x in job.X]
    began = job.clock()
    for _ in range(job.workload.repeats):
        for x in rows:
            a = functional.softmax(net(x), dim=1)
    seconds = job.clock() - began
    return Turn(seconds / job.workload.repeats / len(rows), outputs=some(a.numpy()))


@torch.inference_mode()
def all_rows(job: Job) -> Turn:
    net, X = model(job).eval(), torch.from_numpy(job.X)
    began = job.clock()
    a = torch.empty(len(X), job.net.n_out, dtype=X.dtype)
    for first in range(0, len(X), CHUNK):
        a[first : first + CHUNK] = net(X[first : first + CHUNK])
    return Turn(job.clock() - began, outputs=some(a.numpy()))
