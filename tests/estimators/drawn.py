"""Configurations drawn by chance from every parameter that scikit-learn's estimators have."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from sklearn import neural_network as theirs

from glassnet import estimators as ours

CLASSES = ("binary", "texts", "three", "multilabel")
NUMBERS = ("one", "column", "several", "counts", "several counts")


@dataclass(frozen=True)
class Drawn:
    """One configuration with its data."""

    seed: int
    name: str  # of the estimator
    kind: str  # of the target
    params: dict[str, Any]
    X: Any
    y: Any
    weight: Any
    legacy: bool  # a RandomState that goes on, else an int

    def fitted(self, room: Any, **more: Any) -> Any:
        """The estimator of a library, fitted, and its generator where it has one."""
        rng = np.random.RandomState(self.seed) if self.legacy else self.seed
        est = getattr(room, self.name)(**self.params, random_state=rng, **more)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            est.fit(
                self.X, self.y, **({} if self.weight is None else {"sample_weight": self.weight})
            )
        return est

    def both(self, **more: Any) -> tuple[Any, Any]:
        """scikit-learn's, and ours."""
        return self.fitted(theirs), self.fitted(ours, **more)


def draw(seed: int) -> Drawn:
    """The configuration of a number."""
    rng = np.random.default_rng([seed, 5])

    def one(*options: Any) -> Any:
        return options[rng.integers(len(options))]

    classifies = bool(rng.integers(2))
    kind = one(*(CLASSES if classifies else NUMBERS))
    n, features = int(rng.integers(30, 90)), int(rng.integers(1, 9))
    solver = one("sgd", "adam")
    low, high = (-3.5, -1.2) if solver == "sgd" else (-3.5, -1.5)
    params: dict[str, Any] = {
        "hidden_layer_sizes": one((), (5,), (7, 4), (3, 3, 3), 6, [4, 2]),
        "activation": one("identity", "logistic", "tanh", "relu"),
        "solver": solver,
        "alpha": one(0, 1e-4, 0.1, 1.0),
        "batch_size": one("auto", 1, 7, 16, 32, 200),
        "learning_rate": one("constant", "invscaling", "adaptive"),
        "learning_rate_init": float(10 ** rng.uniform(low, high)),
        "power_t": one(0.5, 0.25, 1.0),
        "max_iter": int(rng.integers(1, 21)),
        "shuffle": one(True, True, False),
        "tol": one(1e-4, 1e-2, 0.0, 0.1),
        "momentum": one(0.9, 0.5, 0.0, 1.0),
        "nesterovs_momentum": one(True, False),
        "early_stopping": one(True, False, False),
        "validation_fraction": one(0.1, 0.25),
        "beta_1": one(0.9, 0.0, 0.5),
        "beta_2": one(0.999, 0.9, 0.5),
        "epsilon": one(1e-8, 1e-3),
        "n_iter_no_change": one(10, 1, 2, np.inf if not classifies else 4),
    }
    # where a run explodes, or turns on the sign of a weight that has died away, rounding decides
    if params["batch_size"] == 1 or kind == "several counts":
        params["learning_rate_init"] /= 5
        params["alpha"] /= 100
    if params["momentum"] == 1.0:
        params["learning_rate_init"] /= 10
    X = rng.normal(size=(n, features))
    score = X @ rng.normal(size=(features, 3)) + 0.5 * rng.normal(size=(n, 3))
    y = {
        "binary": lambda: (score[:, 0] > 0).astype(int),
        "texts": lambda: np.array(["no", "yes"])[(score[:, 0] > 0).astype(int)],
        "three": lambda: score.argmax(axis=1) * 10,
        "multilabel": lambda: (score > 0).astype(int),
        "one": lambda: score[:, 0],
        "column": lambda: score[:, [0]],
        "several": lambda: score,
        "counts": lambda: rng.poisson(np.exp(np.clip(0.3 * score[:, 0], -2, 1.5))),
        "several counts": lambda: rng.poisson(np.exp(np.clip(0.3 * score, -2, 1.5))),
    }[kind]()
    if kind in ("counts", "several counts"):
        params["loss"] = "poisson"
    form = one("C", "C", "F", "csr", "csc", "strided")
    if form in ("csr", "csc"):
        X[rng.random(X.shape) < 0.6] = 0.0
        X = getattr(scipy.sparse, f"{form}_{one('matrix', 'array')}")(X)
    elif form == "F":
        X = np.asfortranarray(X)
    elif form == "strided":
        X = np.repeat(X, 2, axis=0)[::2]
    weight = one(None, None, rng.uniform(0.1, 3.0, n), rng.integers(0, 3, n) + 0.0)
    if weight is not None and params["batch_size"] not in ("auto", 200):
        weight = weight + 0.5  # scikit-learn divides by the weight of a batch
    name = "MLPClassifier" if classifies else "MLPRegressor"
    return Drawn(seed, name, kind, params, X, y, weight, bool(rng.integers(2)))


def differences(a: Any, b: Any, rtol: float = 1e-9) -> list[str]:
    """What is not the same in two fitted estimators."""
    plain = ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_")
    found = [
        f"{name}: {getattr(a, name)} and {getattr(b, name)}"
        for name in (*plain, "_no_improvement_count")
        if getattr(a, name) != getattr(b, name)
    ]
    for name in (
        "loss_curve_",
        "validation_scores_",
        "loss_",
        "best_loss_",
        "best_validation_score_",
    ):
        one, two = getattr(a, name), getattr(b, name)
        if (one is None) != (two is None) or (one is not None and not close(one, two, rtol)):
            found.append(f"{name}: {one} and {two}")
    for name in ("coefs_", "intercepts_"):
        for layer, (one, two) in enumerate(zip(getattr(a, name), getattr(b, name), strict=True)):
            if one.shape != two.shape or one.dtype != two.dtype:
                found.append(f"{name}[{layer}]: {one.shape} {one.dtype}, {two.shape} {two.dtype}")
            elif not close(one, two, rtol):
                worst = np.abs(one - two).max() / np.abs(one).max()
                found.append(f"{name}[{layer}] differ by {worst:.1e} of the largest")
    if abs(a._optimizer.learning_rate / b._optimizer.learning_rate - 1) > rtol:
        found.append(f"rate {a._optimizer.learning_rate} and {b._optimizer.learning_rate}")
    if a._random_state.randint(2**30) != b._random_state.randint(2**30) and not isinstance(
        a.random_state, int
    ):
        found.append("the generators stand at different places")
    return found


def close(one: Any, two: Any, rtol: float) -> bool:
    """Within rtol, number by number; what is far below the largest is held to that."""
    one, two = np.asarray(one, float), np.asarray(two, float)
    if one.shape != two.shape:
        return False
    size = np.abs(one[np.isfinite(one)]).max(initial=0.0)
    return bool(np.allclose(two, one, rtol=rtol, atol=rtol * 1e-2 * size, equal_nan=True))
