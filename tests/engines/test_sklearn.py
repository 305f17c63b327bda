"""scikit-learn's networks as an outsider, where they compute the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

from glassnet.core.activations import Exp, Identity, ReLU, Sigmoid, Softmax, Tanh
from glassnet.core.losses import BinaryCrossEntropy, CrossEntropy, Poisson, SquaredError
from glassnet.core.network import Network
from glassnet.core.optimizers import SGD, Adam, Momentum, Nesterov
from glassnet.engines.base import State, Task
from glassnet.engines.chance import Chance
from tests.engines.instances import engines

ROWS, STEPS, ALPHA = 40, 7, 0.3
ACTIVATIONS = {"logistic": Sigmoid(), "tanh": Tanh(), "relu": ReLU(), "identity": Identity()}
OPTIMIZERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "sgd": (SGD(0.05), {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False}),
    "momentum": (
        Momentum(0.05, 0.8),
        {"solver": "sgd", "momentum": 0.8, "nesterovs_momentum": False},
    ),
    "nesterov": (Nesterov(0.05, 0.8), {"solver": "sgd", "momentum": 0.8}),
    # its eps stands beside √v, ours beside √v̂: so small that it does not matter
    "adam": (
        Adam(0.05, 0.8, 0.9, 1e-14),
        {"solver": "adam", "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-14},
    ),
}


def theirs(net: Network, activation: str, seed: int) -> Any:
    """Initial weights as scikit-learn draws them, in the layout of theta."""
    rng, theta = np.random.RandomState(seed), np.zeros(net.n_params)
    for W, b in net.views(theta):
        bound = np.sqrt((2.0 if activation == "logistic" else 6.0) / sum(W.shape))
        assert b is not None
        W[:] = rng.uniform(-bound, bound, W.shape)
        b[:] = rng.uniform(-bound, bound, b.shape)
    return theta


def together(
    engine: Any, model: Any, net: Network, loss: Any, y: Any, targets: Any, optimizer: Any,
    weight: Any, **fit: Any,
) -> None:  # fmt: skip
    """The same seven full-batch epochs, both ways: objectives, weights, predictions."""
    X = np.random.default_rng(1).normal(size=(ROWS, net.n_in))
    whole = ROWS if weight is None else weight.sum()
    for _ in range(STEPS):
        model.partial_fit(X, y, sample_weight=weight, **fit)

    task = Task(net, loss, optimizer, l2=ALPHA / whole)
    theta = theirs(net, model.activation, model.random_state)
    start = State(theta, optimizer.start(theta), 0, 0, Chance.of(0))
    state, costs = engine.epochs(task, start, (X, targets, weight), n=STEPS)

    np.testing.assert_allclose(costs.objective, model.loss_curve_, rtol=1e-9)
    for (W, b), coef, intercept in zip(
        net.views(state.theta), model.coefs_, model.intercepts_, strict=True
    ):
        np.testing.assert_allclose(W, coef, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(b, intercept, rtol=1e-8, atol=1e-10)
    a = engine.predict(net, state.theta, X)
    if isinstance(model, MLPClassifier):
        np.testing.assert_allclose(a, model.predict_proba(X)[:, -net.n_out :], rtol=1e-8)
    else:
        np.testing.assert_allclose(a[:, 0], model.predict(X), rtol=1e-8)


def settings(activation: str, hidden: tuple[int, ...], **more: Any) -> dict[str, Any]:
    return dict(
        hidden_layer_sizes=hidden, activation=activation, alpha=ALPHA, learning_rate_init=0.05,
        batch_size=ROWS, random_state=3, **more,
    )  # fmt: skip


weights = pytest.mark.parametrize(
    "weight",
    [None, np.random.default_rng(5).uniform(0.5, 2.0, ROWS)],
    ids=["unweighted", "weighted"],
)


@weights
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@engines
def test_regression(engine: Any, activation: str, name: str, weight: Any) -> None:
    optimizer, options = OPTIMIZERS[name]
    net = Network.mlp(3, 6, 4, 1, activation=ACTIVATIONS[activation])
    y = np.random.default_rng(2).normal(size=ROWS)
    model = MLPRegressor(**settings(activation, (6, 4), **options))
    together(engine, model, net, SquaredError(), y, y[:, None], optimizer, weight)


@weights
@engines
def test_counts(engine: Any, weight: Any) -> None:
    optimizer, options = OPTIMIZERS["sgd"]
    net = Network.mlp(3, 5, 1, activation=Tanh(), output=Exp())
    y = np.random.default_rng(2).poisson(2.0, ROWS).astype(float)
    model = MLPRegressor(loss="poisson", **settings("tanh", (5,), **options))
    together(engine, model, net, Poisson(), y, y[:, None], optimizer, weight)


@weights
@pytest.mark.parametrize("name", OPTIMIZERS)
@engines
def test_two_classes(engine: Any, name: str, weight: Any) -> None:
    optimizer, options = OPTIMIZERS[name]
    net = Network.mlp(3, 5, 1, activation=Tanh(), output=Sigmoid())
    y = np.random.default_rng(2).integers(0, 2, ROWS)
    model = MLPClassifier(**settings("tanh", (5,), **options))
    targets = y[:, None].astype(float)
    together(
        engine, model, net, BinaryCrossEntropy(), y, targets, optimizer, weight, classes=[0, 1]
    )


@weights
@pytest.mark.parametrize("name", OPTIMIZERS)
@engines
def test_more_classes(engine: Any, name: str, weight: Any) -> None:
    optimizer, options = OPTIMIZERS[name]
    net = Network.mlp(3, 5, 4, activation=ReLU(), output=Softmax())
    y = np.arange(ROWS) % 4
    model = MLPClassifier(**settings("relu", (5,), **options))
    together(
        engine, model, net, CrossEntropy(), y, np.eye(4)[y], optimizer, weight, classes=range(4)
    )
