"""What both estimators have in common: a network, its parameters, and how it is fitted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf
from operator import index
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from glassnet.core.activations import Activation, Identity
from glassnet.core.dropout import Dropout
from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.core.losses import Loss
from glassnet.core.network import Network
from glassnet.core.optimizers import LBFGS, Optimizer
from glassnet.engines.base import Engine, Samples, Task
from glassnet.engines.choice import choose
from glassnet.engines.reference import Reference
from glassnet.estimators import parameters
from glassnet.estimators.descent import Descent
from glassnet.estimators.fitting import Descending, Minimising
from glassnet.estimators.formulas import initial
from glassnet.estimators.looking import Looking
from glassnet.estimators.parameters import CONSTRAINTS
from glassnet.estimators.rows import SparseRows, as_rows
from glassnet.estimators.sparse import Blockwise
from glassnet.training.history import History
from glassnet.training.stream import Metric

NUMBERS_AT_ONCE = 2**20
"""Numbers of the widest layer that the reference engine computes at a time in a prediction."""


class Perceptron(Looking, BaseEstimator):
    """A network with scikit-learn's face: an abstract family of two."""

    _parameter_constraints: ClassVar[dict[str, Any]] = CONSTRAINTS

    loss_curve_: list[float]

    # ---- what the two know and this one does not

    def _read(
        self, X: Any, y: Any, *, incremental: bool, reset: bool, fitting: bool = True
    ) -> tuple[Any, np.ndarray, np.ndarray]:
        """X, targets (n, n_out) and the labels as they came, all checked.

        fitting : to learn from; rows to measure on or to look at need not have every class.
        """
        raise NotImplementedError

    def _loss(self) -> Loss:
        """The loss that is minimised."""
        raise NotImplementedError

    def _output(self, loss: Loss) -> Activation:
        """The output's activation where the user names none."""
        raise NotImplementedError

    def _score_of(self, outputs: Array, targets: Array, weight: Array | None) -> float:
        """How good outputs are beside targets, for early stopping."""
        raise NotImplementedError

    def _decode(self, outputs: Array) -> np.ndarray:
        """What `predict` answers, from outputs (n, n_out)."""
        raise NotImplementedError

    def _answers(self) -> dict[str, Callable[[Array], Any]]:
        """What each method answers for one row, from its outputs (n_out,)."""
        raise NotImplementedError

    def _weights(self, sample_weight: Any, X: Any, labels: np.ndarray) -> Array | None:
        """The weight of each sample."""
        if sample_weight is None:
            return None
        return checked_weight(sample_weight, X)

    # ---- fitting

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Any:
        """Fit the network to samples X and targets y.

        Parameters
        ----------
        X : (n, n_features), an array or one of SciPy's sparse matrices.
        y : (n,) or (n, n_outputs): labels, or numbers.
        sample_weight : (n,), or None for equal weights.
        X_val, y_val, sample_weight_val : samples to measure on, not to learn from. With
            `early_stopping` they take the place of a part of X.
        """
        if (X_val is None) != (y_val is None):
            raise BadInput("one of X_val and y_val without the other", "both are expected")
        if X_val is None and sample_weight_val is not None:
            raise BadInput("sample_weight_val without X_val", "X_val and y_val are expected too")
        held_out = None if X_val is None else (X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, held_out)

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        held_out: Any = None,
        *,
        incremental: bool = False,
    ) -> Any:
        sizes = [index(size) for size in parameters.hidden_sizes(self.hidden_layer_sizes)]
        parameters.check_solver(self)
        self._check_dropout(sizes)
        first = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        X, y, labels = self._read(X, y, incremental=incremental, reset=first)
        weight = self._weights(sample_weight, X, labels)
        self.n_outputs_ = y.shape[1]
        loss = self._loss_for(X.dtype if first else self.coefs_[0].dtype)
        loss.check_targets(y)
        validation = None if held_out is None else self._read_validation(*held_out)
        if validation is not None:
            loss.check_targets(validation[1])
        self._random_state = check_random_state(self.random_state)
        if first:
            self._initialize([X.shape[1], *sizes, y.shape[1]], X.dtype)
        if not hasattr(self, "history_"):  # coefs_ that came from elsewhere
            self.history_ = History()
        net = self.network_
        _same_shape(net, X, y, incremental=incremental)
        if self._whole:
            fitting: Any = Minimising
        else:
            fitting = partial(Descending, incremental=incremental)
            self._ready(net, incremental=incremental)
            if self.early_stopping and validation is None:
                if not first and isinstance(self.random_state, int | np.integer):
                    # past the initial weights, so that the rows held out are those of the first fit
                    self._initial(net)
                X, y, weight, validation = self._split(X, y, weight)
        engine: Engine = choose(self.engine)
        if hasattr(X, "tocsr") or (validation is not None and hasattr(validation[0], "tocsr")):
            # a fused kernel reads rows that lie whole in memory
            engine = engine if isinstance(engine, Reference) else Blockwise()
        dtype = self.coefs_[0].dtype
        samples = in_dtype((X, y, weight), dtype)
        del X, y, weight
        if parameters.dropout(self.dropout, 0) is not None and self._optimizer.seed is None:
            self._optimizer.seed = int(self._random_state.randint(2**31))
        held = None if validation is None else in_dtype(validation, dtype)
        if self.early_stopping and not self._whole:
            fitting = partial(fitting, judge=self._judge(engine, net, validation))
        self.n_iter_ = 0
        fitting(self, net, engine, samples, held).run()
        return self

    def _ready(self, net: Network, *, incremental: bool) -> None:
        """What a stepwise optimizer begins with, or goes on from."""
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        if not hasattr(self, "loss_curve_"):  # what went before was no descent, or not ours
            self.loss_curve_, self._no_improvement_count = [], 0
        scores = getattr(self, "validation_scores_", None) is not None
        if scores != bool(self.early_stopping) or not hasattr(self, "best_loss_"):
            self._watch(self._theta())
        if not incremental or not hasattr(self, "_optimizer"):
            self._optimizer = self._descent(net)

    def _check_dropout(self, sizes: list[int]) -> None:
        wanted = parameters.dropout(self.dropout, 0)
        if wanted is None:
            return
        wanted.rates(Network.mlp(1, *sizes, 1))  # refuses another number of them
        if self._whole:
            raise BadInput(
                f"dropout={self.dropout!r} with solver={self.solver!r}",
                "a stepwise solver is expected, for the objective changes from step to step",
                "Try solver='adam'.",
            )

    def _read_validation(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
        X, y, _ = self._read(X, y, incremental=True, reset=False, fitting=False)
        return X, y, None if sample_weight is None else checked_weight(sample_weight, X)

    def _split(self, X: Any, y: Any, weight: Any) -> tuple[Any, Any, Any, tuple[Any, Any, Any]]:
        """Rows to learn from, and rows to measure on, drawn from the same stream as all else."""
        stratify = y if self._stratifies else None
        parts = train_test_split(
            *(part for part in (X, y, weight) if part is not None),
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=stratify,
        )
        if weight is None:
            parts += [None, None]
        X_train, X_val, y_train, y_val, weight_train, weight_val = parts
        if X_val.shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of"
                " your dataset."
            )
        return X_train, y_train, weight_train, (X_val, y_val, weight_val)

    def _judge(self, engine: Engine, net: Network, validation: Any) -> Callable[[Array], float]:
        X, y, weight = validation
        rows = as_rows(X)

        def judge(theta: Array) -> float:
            with np.errstate(all="ignore"):
                outputs = engine.predict(net, theta, rows)
            if not np.isfinite(outputs).all():
                return float("nan")
            return float(self._score_of(outputs, y, weight))

        return judge

    def _initialize(self, sizes: list[int], dtype: Any) -> None:
        """All that a first fit begins with."""
        self.n_iter_ = 0
        self.t_ = 0
        self.n_layers_ = len(sizes)
        net = self._network(sizes)
        theta = self._initial(net).astype(dtype, copy=False)
        self._bind(net, theta)
        self._named_output()
        self.history_ = History()
        for name in ("loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_"):
            self.__dict__.pop(name, None)
        if not self._whole:
            self.loss_curve_ = []
            self._no_improvement_count = 0
            self._watch(theta)

    def _initial(self, net: Network) -> Array:
        if len(net.layers) > 1:
            last = net.layers[-2].activation
        else:  # without hidden layers the name still counts, as there
            named = self.activation if isinstance(self.activation, str | Activation) else Identity()
            (last,) = parameters.activations(named, 1)
        return initial(net, self._random_state, last, parameters.initializer(self.initializer))

    def _watch(self, theta: Array) -> None:
        """Begin to look for the best score, or the lowest loss."""
        self.best_loss_ = None if self.early_stopping else inf
        self.validation_scores_: list[float] | None = [] if self.early_stopping else None
        self.best_validation_score_ = -inf if self.early_stopping else None
        if self.early_stopping:
            self._keep_best(theta, copy=False)  # nobody writes on it while a fit lasts

    # ---- parts of the task

    @property
    def _whole(self) -> bool:
        """Whether the solver takes all rows at once: L-BFGS."""
        return isinstance(self._rule(), LBFGS)

    def _rule(self) -> Optimizer | LBFGS:
        return parameters.optimizer(self)

    def _descent(self, net: Network) -> Descent:
        rule = self._rule()
        assert isinstance(rule, Optimizer)
        kind, _ = parameters.schedule_kind(self)
        theta = self._theta()
        return Descent(rule, net, rule.start(theta), kind, float(self.power_t))

    def _loss_for(self, dtype: Any) -> Loss:
        binary = getattr(getattr(self, "_label_binarizer", None), "y_type_", None) != "multiclass"
        return parameters.loss(self.loss, binary=binary, eps=float(np.finfo(dtype).eps))

    def _task(self, net: Network, rule: Optimizer | LBFGS) -> Task:
        return Task(
            net,
            self._loss_for(self.coefs_[0].dtype),
            rule,
            reduction="batch",
            l1=float(self.l1),
            l2=float(self.alpha),
            clip=None if self.clip_norm is None else float(self.clip_norm),
            dropout=None if isinstance(rule, LBFGS) else self._dropout(),
        )

    def _dropout(self) -> Dropout | None:
        """The masks of the updates to come; None before their seed is drawn."""
        seed = getattr(getattr(self, "_optimizer", None), "seed", None)
        return None if seed is None else parameters.dropout(self.dropout, seed)

    def _network(self, sizes: list[int]) -> Network:
        hidden = parameters.activations(self.activation, len(sizes) - 2)
        if self.output_activation is None:
            output = self._output(self._loss_for(np.float64))
        else:
            (output,) = parameters.activations(self.output_activation, 1)
        return Network.mlp(*sizes, activation=hidden, output=output)

    @property
    def network_(self) -> Network:
        """The architecture, as glassnet's `Network`."""
        check_is_fitted(self, "coefs_")
        sizes = [*(len(W) for W in self.coefs_), self.coefs_[-1].shape[1]]
        return self._network(sizes)

    def _named_output(self) -> None:
        self.out_activation_ = parameters.name_of(self.network_.layers[-1].activation)

    def _metrics(self) -> dict[str, Metric]:
        """The metrics as the stream takes them, from outputs and targets; the user's see labels."""

        def decoded(metric: Callable[[Any, Any], Any]) -> Metric:
            return lambda outputs, targets: metric(self._decode(targets), self._decode(outputs))

        return {name: decoded(f) for name, f in parameters.metrics(self.metrics).items()}

    # ---- parameters: coefs_ and intercepts_ are the truth

    def _bind(self, net: Network, theta: Array) -> None:
        views = net.views(theta)
        self.coefs_ = [W for W, _ in views]
        self.intercepts_ = [b for _, b in views if b is not None]
        self._flat = (theta, tuple(self.coefs_), tuple(self.intercepts_))

    def _set_theta(self, theta: Array, *, shared: bool = True) -> None:
        """Take over parameters; with `shared` False nobody else has them, and none are copied."""
        if shared or theta.base is not None:
            theta = theta.copy()
        theta.setflags(write=True)
        self._bind(self.network_, theta)

    def _theta(self, *, copy: bool = False) -> Array:
        """theta, from `coefs_` and `intercepts_` as they are now, whoever put them there."""
        flat = self.__dict__.get("_flat")
        if flat is not None:
            theta, coefs, intercepts = flat
            if same(self.coefs_, coefs) and same(self.intercepts_, intercepts):
                return theta.copy() if copy else theta
        return gathered(self.coefs_, self.intercepts_)

    def _keep_best(self, theta: Array, *, copy: bool = True) -> None:
        views = self.network_.views(theta.copy() if copy else theta)
        self._best_coefs = [W for W, _ in views]
        self._best_intercepts = [b for _, b in views if b is not None]

    def _best_theta(self) -> Array:
        return gathered(self._best_coefs, self._best_intercepts)

    def _forget(self) -> None:
        """Keep no more than the last `history_size` epochs."""
        size = self.history_size
        if size is None:
            return
        for curve in ("loss_curve_", "validation_scores_"):
            if getattr(self, curve, None) is not None:
                del getattr(self, curve)[:-size]
        history = self.history_
        for column in (history.epoch, history.loss, history.objective, history.val_loss):
            del column[:-size]
        for pairs in history.metrics.values():
            del pairs[:-size]

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("_flat", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "coefs_" in self.__dict__:
            self._bind(self.network_, gathered(self.coefs_, self.intercepts_))

    # ---- answers

    def _forward_pass_fast(self, X: Any, check_input: bool = True) -> Array:  # noqa: FBT001, FBT002
        """The network's answer (n, n_out)."""
        if check_input:
            X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        theta, net = self._theta(), self.network_
        dtype = self._dtype_of_answers(X.dtype, theta.dtype)
        X, theta = as_rows(X.astype(dtype, copy=False)), theta.astype(dtype, copy=False)
        engine = choose(self.engine)
        if isinstance(X, SparseRows):
            engine = Reference()
        step = max(1, NUMBERS_AT_ONCE // max(net.sizes[1:]))
        if not isinstance(engine, Reference) or len(X) <= step:
            return engine.predict(net, theta, X)
        out = np.empty((len(X), net.n_out), theta.dtype)
        for start in range(0, len(X), step):
            out[start : start + step] = engine.predict(net, theta, X[start : start + step])
        return out

    def _dtype_of_answers(self, rows: Any, weights: Any) -> Any:
        """Of the wider of the two, as in scikit-learn; the one asked for, where one was."""
        if self.dtype is not None:
            return weights
        found = np.result_type(rows, weights)
        return found if found in (np.float32, np.float64) else np.dtype(np.float64)

    def _loss_grad_lbfgs(
        self,
        packed_coef_inter: Array,
        X: Any,
        y: Array,
        sample_weight: Array | None,
        activations: Any = None,
        deltas: Any = None,
        coef_grads: Any = None,
        intercept_grads: Any = None,
    ) -> tuple[float, Array]:
        """Objective and gradient, with all weights before all biases, as scikit-learn packs them.

        The objective is the one that the gradient belongs to, with several outputs too.
        """
        net = self.network_
        parts = np.split(packed_coef_inter, np.cumsum([W.size for W in self.coefs_]))
        *coefs, rest = parts
        biases = np.split(rest, np.cumsum([b.size for b in self.intercepts_])[:-1])
        theta = gathered(coefs, biases)
        samples = (as_rows(X), np.asarray(y, theta.dtype), sample_weight)
        task = self._task(net, LBFGS())
        loss, grad = choose(self.engine).loss_and_grad(task, theta, samples)
        views = net.views(grad)
        return loss, np.concatenate(
            [W.ravel() for W, _ in views] + [b for _, b in views if b is not None]
        )

    def _check_solver(self) -> bool:
        try:
            whole = self._whole
        except BadInput:  # no solver at all: `hasattr` is to answer all the same, `fit` says why
            whole = True
        if whole:
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers."
                f" {self.solver} is not stochastic."
            )
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _same_shape(net: Network, X: Any, y: np.ndarray, *, incremental: bool) -> None:
    if (net.n_in, net.n_out) != (X.shape[1], y.shape[1]):
        features, outputs = X.shape[1], y.shape[1]
        raise BadInput(
            f"{features} feature{'s' * (features != 1)} and {outputs} output{'s' * (outputs != 1)}",
            f"the network that goes on has {net.n_in} and {net.n_out}",
            "To begin anew, call fit." if incremental else "Set warm_start=False to begin anew.",
        )


def same(now: list[Array], then: tuple[Array, ...]) -> bool:
    """Whether these are the very same arrays."""
    return len(now) == len(then) and all(a is b for a, b in zip(now, then, strict=True))


def gathered(coefs: Any, intercepts: Any) -> Array:
    """Theta (n_params,): W1, b1, W2, b2, …"""
    return np.concatenate(
        [np.ravel(part) for pair in zip(coefs, intercepts, strict=True) for part in pair]
    )


def in_dtype(samples: Any, dtype: Any) -> Samples:
    """Samples as an engine takes them; no copy where there is none to make."""
    X, y, weight = samples
    X = X.astype(dtype, copy=False)
    y = y.astype(dtype, copy=False)
    return as_rows(X), y, None if weight is None else weight.astype(dtype, copy=False)


def checked_weight(sample_weight: Any, X: Any) -> Array:
    """Weights (n,), none negative, not all 0."""
    weight = _check_sample_weight(sample_weight, X)
    if (weight < 0).any():
        raise BadInput(
            f"sample_weight goes down to {weight.min():g}", "weights of 0 or more are expected"
        )
    if not weight.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weight
