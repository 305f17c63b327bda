"""Metrics: how good outputs a are beside targets y, both (n, n_out), in numbers that people use.

None of them is what is minimised; that is a loss (`core/losses.py`).
"""

from __future__ import annotations

import numpy as np

from glassnet.core.formula import Array


def classes(a: Array) -> np.ndarray:
    """The class (n,) that each row of outputs or targets names.

    One column: 1 where it is above ½, else 0. More: the column with the largest number, the first
    of equals.
    """
    return (a[:, 0] > 0.5).astype(np.intp) if a.shape[1] == 1 else a.argmax(axis=1)


def accuracy(a: Array, y: Array) -> float:
    """The share of rows whose class is right."""
    return float((classes(a) == classes(y)).mean())


def r2(a: Array, y: Array) -> float:
    """1 - Σ(a - y)²/Σ(y - ȳ)², the mean over the outputs: 1 is perfect, 0 as good as the mean.

    An output whose targets do not vary counts as 1 where it is met exactly, else as 0.
    """
    residual = ((a - y) ** 2).sum(axis=0, dtype=np.float64)
    total = ((y - y.mean(axis=0)) ** 2).sum(axis=0, dtype=np.float64)
    varies = total > 0
    scores = np.where(residual == 0, 1.0, 0.0)
    scores[varies] = 1.0 - residual[varies] / total[varies]
    return float(scores.mean())


def rmse(a: Array, y: Array) -> float:
    """√(mean of (a - y)²), in the unit of y."""
    return float(np.sqrt(np.mean((a - y) ** 2, dtype=np.float64)))


def mae(a: Array, y: Array) -> float:
    """The mean of |a - y|, in the unit of y."""
    return float(np.mean(np.abs(a - y), dtype=np.float64))
