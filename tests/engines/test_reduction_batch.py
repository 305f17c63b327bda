"""The reduction "batch": each batch is a data set of its own, as in scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from glassnet.core.losses import SquaredError
from glassnet.core.network import Network
from glassnet.core.objective import penalty, penalty_slope
from glassnet.core.optimizers import SGD
from glassnet.engines.base import Task
from tests.engines.instances import begin, data, engines

NET = Network.mlp(2, 4, 2)
BATCH = Task(NET, SquaredError(), SGD(0.1), reduction="batch", l1=0.02, l2=0.7)
PLAIN = Task(NET, SquaredError(), SGD(0.1), reduction="sum")


@engines
def test_the_penalty_is_divided_by_the_weight_too(engine):
    theta, samples = begin(BATCH).theta, data(BATCH)
    J, g = engine.loss_and_grad(BATCH, theta, samples)
    total = engine.sums(PLAIN, theta, samples)
    expected = (total.loss + penalty(NET, theta, 0.02, 0.7)) / total.weight
    slope = (total.grad + penalty_slope(NET, theta, 0.02, 0.7)) / total.weight
    assert pytest.approx(expected, rel=1e-12) == J
    np.testing.assert_allclose(g, slope, rtol=1e-12, atol=1e-15)


@engines
def test_an_epoch_costs_the_mean_over_its_batches_by_their_rows(engine):
    X, y, weight = data(BATCH, 23)
    state, costs = engine.epochs(BATCH, begin(BATCH), (X, y, weight), batch_size=5, shuffle=False)
    theta, losses, objectives, rows = begin(BATCH).theta, [], [], []
    for start in range(0, 23, 5):
        part = slice(start, start + 5)
        batch = (X[part], y[part], weight[part])
        total = engine.sums(PLAIN, theta, batch)
        J, g = engine.loss_and_grad(BATCH, theta, batch)
        losses.append(total.loss / total.weight)
        objectives.append(J)
        rows.append(len(batch[0]))
        theta = theta - 0.1 * g
    np.testing.assert_allclose(state.theta, theta, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(costs.loss, np.average(losses, weights=rows), rtol=1e-12)
    np.testing.assert_allclose(costs.objective, np.average(objectives, weights=rows), rtol=1e-12)
