"""scikit-learn's MLPClassifier and MLPRegressor, from our start weights, in our order of rows.

It has no estimator with a sigmoid at the end of a squared error and none without biases: W1 and W2
are the nearest it does, a little less work (an identity at the end) and a little more (biases).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.workloads import SEED, Job, Turn, some
from glassnet import SGD

ACTIVATIONS = {"sigmoid": "logistic", "relu": "relu", "tanh": "tanh"}


class Orders(np.random.RandomState):
    """Draws the orders that everybody has (in the first epoch; then they add up)."""

    def __init__(self) -> None:
        super().__init__(SEED)
        self.generator = np.random.default_rng(SEED)

    def shuffle(self, x: Any) -> None:
        x[:] = self.generator.permutation(len(x))


def estimator(job: Job, **options: Any) -> Any:
    kind = MLPClassifier if job.classifies else MLPRegressor
    layers = iter(job.parameters())

    class FromOurWeights(kind):  # type: ignore[valid-type,misc]
        def _init_coef(self, fan_in: int, fan_out: int, dtype: Any) -> tuple[Any, Any]:
            W, b = next(layers)
            return W.astype(dtype), np.zeros(fan_out, dtype) if b is None else b.astype(dtype)

    return FromOurWeights(
        hidden_layer_sizes=job.net.sizes[1:-1],
        activation=ACTIVATIONS[job.hidden],
        batch_size=min(job.batch, len(job.X)),
        learning_rate_init=job.lr,
        alpha=0.0,
        tol=0.0,
        n_iter_no_change=10**9,
        random_state=Orders(),
        **options,
    )


def prepare(job: Job) -> Callable[[], Turn]:
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    y = job.labels if job.classifies else job.y.ravel()
    if job.workload.kind == "train":
        return lambda: training(job, y)
    # one epoch for the shapes and the rest, then our weights in the place of its own
    if job.classifies:
        y = np.arange(len(job.X)) % 10
    fitted = estimator(job, max_iter=1).fit(job.X[:1000], y[:1000])
    fitted.coefs_ = [W for W, _ in job.parameters()]
    fitted.intercepts_ = [b for _, b in job.parameters()]
    if job.workload.kind == "row":
        return lambda: one_row(job, fitted)
    return lambda: all_rows(job, fitted)


def training(job: Job, y: np.ndarray) -> Turn:
    options: dict[str, Any] = {"solver": "adam", "shuffle": True}
    if isinstance(job.task.optimizer, SGD):
        options = {"solver": "sgd", "momentum": 0.0, "shuffle": False}
    seconds = 0.0
    for _ in range(job.workload.repeats):
        model = estimator(job, max_iter=job.epochs, **options)
        began = job.clock()
        model.fit(job.X, y)
        seconds += job.clock() - began
    return Turn(seconds / job.epochs / job.workload.repeats, tuple(model.loss_curve_))


def one_row(job: Job, model: Any) -> Turn:
    rows = [x[None] for x in job.X]
    began = job.clock()
    for _ in range(job.workload.repeats):
        for x in rows:
            a = model.predict_proba(x)
    seconds = job.clock() - began
    return Turn(seconds / job.workload.repeats / len(rows), outputs=some(a))


def all_rows(job: Job, model: Any) -> Turn:
    began = job.clock()
    a = model.predict(job.X)
    return Turn(job.clock() - began, outputs=some(a))
