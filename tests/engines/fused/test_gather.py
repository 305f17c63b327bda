"""Rows on their way into tiles: as many columns as there are ways to load them, in any order."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.engines.fused import Fused

COLUMNS = [1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 20, 31, 32, 33]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("lay", [np.ascontiguousarray, np.asfortranarray], ids=["rows", "columns"])
@pytest.mark.parametrize("columns", COLUMNS)
def test_each_row_is_found_whole(columns, lay, dtype):
    # a wide layer of the identity: what it answers to is every number of X and of y
    net = gn.Network.mlp(columns, 24, columns, activation=gn.Identity())
    task = gn.Task(net, gn.SquaredError(), gn.SGD(1e-3))
    rng = np.random.default_rng(columns)
    X, y = (lay(rng.normal(size=(53, columns)).astype(dtype)) for _ in range(2))
    start = gn.start(task, 2, dtype=dtype)
    ours, expected = (
        engine.epochs(task, start, (X, y, None), n=2, batch_size=19)[0].theta
        for engine in (Fused(threads=1), gn.Reference())
    )
    far = np.abs(ours - expected).max() / np.abs(expected).max()
    assert far < (1e-13 if dtype == "float64" else 3e-6)


def test_many_rows_are_asked_for_ahead_and_are_the_same():
    """X is larger than the second-level cache, so the next tile's rows are fetched meanwhile."""
    net = gn.Network.mlp(20, 32, 1, activation=gn.Tanh())
    task = gn.Task(net, gn.SquaredError(), gn.Adam(1e-3))
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6001, 20)), rng.normal(size=(6001, 1))
    start = gn.start(task, 2)
    ours, expected = (
        engine.epochs(task, start, (X, y, None), n=1, batch_size=256)[0].theta
        for engine in (Fused(threads=1), gn.Reference())
    )
    np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-13)
