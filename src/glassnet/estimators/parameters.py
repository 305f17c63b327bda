"""From an estimator's parameters, text or objects, to the objects of `core`; and their checks."""

from __future__ import annotations

import os
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    mean_absolute_error,
    r2_score,
    root_mean_squared_error,
)
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
)

from glassnet.core.activations import Activation, Exp, Identity, Sigmoid, Softmax
from glassnet.core.dropout import Dropout
from glassnet.core.errors import BadInput
from glassnet.core.formula import Formula
from glassnet.core.initializers import Initializer
from glassnet.core.losses import Loss, SquaredError
from glassnet.core.optimizers import LBFGS, Optimizer
from glassnet.core.schedules import Schedule
from glassnet.estimators.formulas import AdamHat, BinaryLogLoss, LogLoss, sgd
from glassnet.exchange import names

FTOL = 2.220446049250313e-09
"""SciPy's own, which scikit-learn leaves as it is."""


class Named(Options):
    """A text that makes an object, `leakyrelu:alpha=0.2`; for the message, the names there are.

    Where the name is one of them and its constants are the trouble, the error says so itself.
    """

    def __init__(self, parse: Callable[[str], Any], known: Any) -> None:
        super().__init__(str, set(known))
        self.parse = parse

    def is_satisfied_by(self, value: Any) -> bool:
        """Whether it is such a text."""
        if not isinstance(value, str):
            return False
        try:
            self.parse(value)
        except BadInput:
            if names.known(value, self.options):
                raise
            return False
        return True

    def __str__(self) -> str:
        known = ", ".join(sorted(self.options))
        return f"a name of glassnet's ({known}), with constants or without"


ACTIVATION = [
    StrOptions({"identity", "logistic", "tanh", "relu"}),
    Activation,
    Named(names.activation, names.ACTIVATIONS),
]
LOSS = [Loss, Named(names.loss, names.LOSSES)]

CONSTRAINTS: dict[str, Any] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [*ACTIVATION, "array-like"],
    "solver": [
        StrOptions({"lbfgs", "sgd", "adam"}),
        Optimizer,
        LBFGS,
        Named(names.optimizer, names.OPTIMIZERS),
    ],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [
        StrOptions({"constant", "invscaling", "adaptive"}),
        Schedule,
        Named(names.schedule, names.SCHEDULES),
    ],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [
        Interval(Integral, 1, None, closed="left"),
        Options(Real, {np.inf}),
    ],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    # ---- what scikit-learn has not
    "output_activation": [None, Activation, Named(names.activation, names.ACTIVATIONS)],
    "l1": [Interval(Real, 0, None, closed="left")],
    "clip_norm": [None, Interval(Real, 0, None, closed="neither")],
    "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
    "initializer": [None, Initializer, Named(names.initializer, names.INITIALIZERS)],
    "dtype": [
        None,
        StrOptions({"float32", "float64"}),
        Options(type, {np.float32, np.float64, float}),
        Options(np.dtype, {np.dtype(np.float32), np.dtype(np.float64)}),
    ],
    "metrics": [None, str, callable, "array-like"],
    "callbacks": [None, callable, "array-like"],
    "progress": ["boolean"],
    "restore_best": [None, "boolean"],
    "history_size": [None, Interval(Integral, 1, None, closed="left")],
    "checkpoint": [None, str, os.PathLike],
    "engine": [
        StrOptions({"auto", "fused", "reference"}),
        HasMethods(["predict", "sums", "loss_and_grad", "epochs"]),
    ],
}


def hidden_sizes(value: Any) -> list[int]:
    """The neurons of each hidden layer."""
    sizes = list(value) if hasattr(value, "__iter__") else [value]
    if np.any(np.array(sizes) <= 0):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return sizes


def activations(value: Any, hidden: int) -> list[Activation]:
    """The activation of each hidden layer: one for all, or one for each."""
    if isinstance(value, str | Activation):
        return [_object(value, names.activation)] * hidden
    if len(value) != hidden:
        raise BadInput(
            f"activation has {len(value)} entries", f"{hidden} are expected, one a hidden layer"
        )
    return [_object(one, names.activation) for one in value]


def dropout(value: Any, seed: int) -> Dropout | None:
    """Neurons left out by chance; None where all are kept."""
    rate = value if isinstance(value, Real) else tuple(value)
    found = Dropout(rate, seed)  # type: ignore[arg-type]
    return found if np.any(found.rate) else None


def initializer(value: Any) -> Initializer | None:
    """The initializer; None for scikit-learn's initial weights."""
    return None if value is None else _object(value, names.initializer)


def optimizer(est: Any) -> Optimizer | LBFGS:
    """What `solver` says. `sgd`, `adam` and `lbfgs` are scikit-learn's, with its parameters."""
    _, lr = schedule_kind(est)
    match est.solver:
        case "lbfgs":
            return LBFGS(gtol=float(est.tol), ftol=FTOL, evaluations=int(est.max_fun))
        case "sgd":
            return sgd(lr, float(est.momentum), nesterov=bool(est.nesterovs_momentum))
        case "adam":
            rate = lr if isinstance(lr, Schedule) else float(est.learning_rate_init)
            return AdamHat(rate, float(est.beta_1), float(est.beta_2), float(est.epsilon))
    return _object(est.solver, names.optimizer)


def check_solver(est: Any) -> None:
    """Refuse what the solver would pass over in silence; scikit-learn's parameters it may."""
    rule = optimizer(est)
    if isinstance(rule, LBFGS) and est.clip_norm is not None:
        raise BadInput(
            f"clip_norm={est.clip_norm!r} with solver={est.solver!r}",
            "a stepwise solver is expected, for L-BFGS chooses the length of its steps itself",
            "Try solver='adam'.",
        )
    own = not (isinstance(est.learning_rate, str) and est.learning_rate in KINDS)
    if own and not (isinstance(est.solver, str) and est.solver in ("sgd", "adam")):
        schedule = _object(est.learning_rate, names.schedule)
        hint = "Try solver='adam'."
        if isinstance(rule, Optimizer):
            hint = f"Try solver={type(rule).__name__}({schedule!r})."
        raise BadInput(
            f"learning_rate={est.learning_rate!r} with solver={est.solver!r}",
            "a solver that does not bring its own learning rate is expected",
            hint,
        )


KINDS = ("constant", "invscaling", "adaptive")
"""scikit-learn's learning rates."""


def schedule_kind(est: Any) -> tuple[str, float | Schedule]:
    """(how the learning rate moves from epoch to epoch, the rate or schedule of the first)."""
    value = est.learning_rate
    if isinstance(value, str) and value in KINDS:
        return (value if est.solver == "sgd" else "constant"), float(est.learning_rate_init)
    return "constant", _object(value, names.schedule)


def loss(value: Any, *, binary: bool = False, eps: float) -> Loss:
    """What `loss` says; `binary` where each output is a probability of its own."""
    match value:
        case "log_loss":
            return BinaryLogLoss(eps) if binary else LogLoss(eps)
        case "squared_error":
            return SquaredError()
    return _object(value, names.loss)


def output_of(loss: Loss) -> Activation:
    """The output activation that belongs to a loss."""
    return loss.link if loss.link is not None else Identity()


METRICS: dict[str, Callable[..., Any]] = {
    "accuracy": accuracy_score,
    "balanced_accuracy": balanced_accuracy_score,
    "r2": r2_score,
    "rmse": root_mean_squared_error,
    "mae": mean_absolute_error,
}


def metrics(value: Any) -> dict[str, Callable[..., Any]]:
    """Functions of what is true and what is predicted, by name; of two with one, "f" and "f 2"."""
    found: dict[str, Callable[..., Any]] = {}
    for one in (
        [] if value is None else [value] if isinstance(value, str) or callable(value) else value
    ):
        if callable(one):
            inner = getattr(one, "func", one)  # of a partial
            name = getattr(inner, "__name__", type(inner).__name__)
            alike = sum(1 for other in found if other == name or other.startswith(f"{name} "))
            found[f"{name} {alike + 1}" if alike else name] = one
        elif one in METRICS:
            found[one] = METRICS[one]
        else:
            raise BadInput(
                f"metric {one!r}",
                f"one of {', '.join(METRICS)} or a function of y_true and y_pred is expected",
            )
    return found


NAMES: dict[Activation, str] = {
    Identity(): "identity",
    Sigmoid(): "logistic",
    Softmax(): "softmax",
    Exp(): "exp",
}
"""scikit-learn's names of output activations."""


def name_of(activation: Activation) -> str:
    """`out_activation_`."""
    known = NAMES.get(activation)
    if known is not None:
        return known
    try:
        return names.as_text(activation)
    except BadInput:
        return type(activation).__name__.lower()


def as_plain(value: Any) -> Any:
    """A parameter as JSON has it; an error where it is a class of one's own."""
    if isinstance(value, Formula):
        return names.as_text(value)
    if isinstance(value, list | tuple | np.ndarray):
        return [as_plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


def _object(value: Any, parse: Callable[[str], Any]) -> Any:
    return parse(value) if isinstance(value, str) else value
