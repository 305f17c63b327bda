"""Looking inside a fitted estimator: trace, gradient check, picture, one row at a time, files."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.core.optimizers import SGD, Optimizer
from glassnet.engines.base import State, Task
from glassnet.engines.chance import Chance
from glassnet.engines.choice import choose
from glassnet.estimators import files
from glassnet.estimators.formulas import twin
from glassnet.walkthrough.check import Checked, check_gradients

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from glassnet.walkthrough.trace import Trace


class Looking:
    """What an estimator shows of itself."""

    def trace(self: Any, X: Any, y: Any = None, sample_weight: Any = None) -> Trace:
        """Every number of one update on these rows: `glassnet.trace` of the fitted network.

        The objective is the one that these rows alone would have: the penalty divided by their
        weight. The learning rate, what the optimizer remembers and the neurons that dropout leaves
        out are those of the next update.
        """
        from glassnet.walkthrough.trace import trace

        task, theta, rows = self._open(X, y, sample_weight)
        X, targets, weight = rows
        if targets is None:
            return trace(task, X, theta=theta)
        descent = getattr(self, "_optimizer", None)
        slots = () if descent is None else descent.slots
        step = 0 if descent is None else descent.step
        state = State(theta.copy(), slots, step, 0, Chance.of(0))
        return trace(task, X, targets, weight=weight, state=state)

    def check_gradients(
        self: Any, X: Any, y: Any, sample_weight: Any = None, **options: Any
    ) -> list[Checked]:
        """Measured slopes beside computed ones, for every weight and bias of the fitted network."""
        task, theta, (X, targets, weight) = self._open(X, y, sample_weight)
        return check_gradients(task, theta, X, targets, weight, **options)

    def _open(self: Any, X: Any, y: Any, sample_weight: Any) -> tuple[Task, Array, tuple[Any, ...]]:
        """Task, theta and rows as the floors below take them."""
        check_is_fitted(self)
        theta, net, weight, targets = self._theta(), self.network_, None, None
        if y is None:
            from sklearn.utils.validation import validate_data

            X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        else:
            X, targets, labels = self._read(X, y, incremental=True, reset=False, fitting=False)
            self._loss_for(theta.dtype).check_targets(targets)
            weight = self._weights(sample_weight, X, labels)
        X = X.toarray() if hasattr(X, "toarray") else X
        descent = getattr(self, "_optimizer", None)
        rule: Optimizer = SGD(float(self.learning_rate_init))
        if descent is not None:
            rule = descent.over(1, 1, self.t_, whole=False)
        share = float(len(X) if weight is None else weight.sum())
        task = Task(
            net,
            twin(self._loss_for(theta.dtype)),
            rule,
            l1=self.l1 / share,
            l2=self.alpha / share,
            clip=self.clip_norm,
            dropout=self._dropout(),
        )
        return task, theta, (X, targets, weight)

    def plot_history(self: Any, ax: Axes | None = None, **options: Any) -> Axes:
        """The losses over the epochs, with matplotlib: `glassnet.plots.loss_curve`."""
        from glassnet import plots

        check_is_fitted(self, "history_")
        return plots.loss_curve(self.history_, ax, **options)

    def predictor(self: Any, method: str = "predict") -> Callable[[Any], Any]:
        """A function of one row x (n_features,) that answers as `method` does, with little ado.

        It keeps the parameters as they are now, and does not check x.
        """
        check_is_fitted(self)
        answers = self._answers()
        if method not in answers:
            raise BadInput(f"method={method!r}", f"one of {', '.join(answers)} is expected")
        engine, net, theta = choose(self.engine), self.network_, self._theta(copy=True)
        if hasattr(engine, "predictor"):
            answer = engine.predictor(net, theta)
        else:
            dtype = theta.dtype

            def answer(x: Any) -> Array:
                return engine.predict(net, theta, np.asarray(x, dtype)[None])[0]

        told = answers[method]

        def one(x: Any) -> Any:
            try:
                return told(answer(x))
            except (TypeError, ValueError) as error:
                if isinstance(error, BadInput):
                    raise
                shown = f"a row of shape {np.shape(x)}" if np.size(x) > 1 else repr(x)[:60]
                raise BadInput(shown, f"{net.n_in} numbers in a row are expected") from error

        return one

    # ---- files

    def save(self: Any, path: str | os.PathLike[str]) -> None:
        """Write the estimator into a model file, without pickle; `load` reads it.

        What the optimizer remembers goes with it, so that `partial_fit` after `load` goes on to the
        same bits. Objects of the program do not: a generator as `random_state`, metrics, callbacks,
        an engine. Of `history_` a summary is kept.
        """
        check_is_fitted(self)
        files.save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Any:
        """The estimator that `save` wrote."""
        return files.load(cls, path)
