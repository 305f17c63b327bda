"""One call of `fit` or `partial_fit`: the stream of epochs, and what is noted of it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from math import inf, isnan, nan
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from glassnet.core.formula import Array
from glassnet.core.losses import Loss, SquaredError
from glassnet.core.network import Network
from glassnet.core.schedules import Schedule
from glassnet.engines.base import Engine, Losses, Samples, State, Task, complete
from glassnet.engines.chance import Carried, Chance
from glassnet.engines.divergence import Divergence
from glassnet.estimators.files import Checkpoint
from glassnet.estimators.patience import Patience
from glassnet.training.lbfgs import End, lbfgs_epochs
from glassnet.training.progress import progress
from glassnet.training.stream import Epoch, Run

SECONDS = 30.0
"""Between two checkpoints of a run; another is written at its end, however that comes."""

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and"
    " need to be preprocessed."
)


def batch_size(wanted: Any, rows: int) -> int:
    """Rows an update."""
    if wanted == "auto":
        return min(200, rows)
    if wanted > rows:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=2,
        )
    return int(np.clip(wanted, 1, rows))


def reported(loss: Loss, outputs: int, costs: Losses) -> list[float]:
    """The losses of epochs as scikit-learn tells them: penalty included.

    The squared error is told as the mean over the outputs; what is minimised is the sum over them.
    """
    if isinstance(loss, SquaredError) and outputs > 1:
        return (costs.objective - costs.loss + costs.loss / outputs).tolist()
    return costs.objective.tolist()


class Fitting:
    """What both kinds of optimizer have in common: the stream, and the stages around it."""

    def __init__(
        self, est: Any, net: Network, engine: Engine, samples: Samples, held_out: Samples | None
    ) -> None:
        self.est, self.net, self.engine = est, net, engine
        self.samples, self.held_out = samples, held_out
        self.rows = len(samples[0])
        self.callbacks = est.callbacks or []
        if callable(self.callbacks):
            self.callbacks = [self.callbacks]

    def stream(
        self, task: Any, chunks: Generator[tuple[State, Losses], None, None], epochs: int
    ) -> Iterator[Epoch]:
        """The records, through the user's stages."""
        run = Run(task, self.samples, self.held_out, self.engine, self.est._metrics())
        stream: Iterator[Epoch] = run.records(chunks)
        for stage in self.callbacks:
            stream = stage(stream)
        if self.est.progress:
            stream = progress(stream, epochs)
        return stream


class Descending(Fitting):
    """With a stepwise optimizer.

    judge : the validation score of parameters, by which to stop early; None to watch the loss.
    """

    def __init__(
        self,
        est: Any,
        net: Network,
        engine: Engine,
        samples: Samples,
        held_out: Samples | None,
        *,
        incremental: bool,
        judge: Callable[[Array], float] | None = None,
    ) -> None:
        super().__init__(est, net, engine, samples, held_out)
        self.judge, self.incremental = judge, incremental
        self.batch = batch_size(est.batch_size, self.rows)
        self.updates = -(-self.rows // self.batch)
        self.epochs = 1 if incremental else est.max_iter
        self.patience = Patience(
            est.n_iter_no_change,
            est.tol,
            est.best_loss_ if judge is None else est.best_validation_score_,
            est._no_improvement_count,
            rising=judge is not None,
        )
        self.descent = descent = est._optimizer
        rule = descent.over(self.rows, self.updates, est.t_, whole=not incremental)
        self.task = est._task(net, rule)
        self.behind = behind = est.history_.epoch[-1] if len(est.history_) else 0
        chance = Carried(Chance.of(est._random_state))
        self.state = State(est._theta().view(), descent.slots, descent.step, behind, chance)
        self.over = False
        self.lowest = inf  # of what `restore_best` goes by where there is no judge
        self.checkpoint: Checkpoint | None = None
        self.keep = judge is not None if est.restore_best is None else bool(est.restore_best)
        self.best: Array | None = None
        if est.checkpoint is not None and not incremental:
            self._resume()
        # somebody wants to see every epoch: then each is a call of its own
        self.watched = bool(
            judge or est.verbose or est.metrics or self.callbacks or est.progress or self.keep
        )

    def _resume(self) -> None:
        """Go on where the checkpoint says that this run stood."""
        est = self.est
        self.checkpoint = Checkpoint(est, self.samples, self.held_out)
        found = self.checkpoint.load(est, carried=True)
        if found is None:
            return
        self.state, self.best, curves = found
        count, best, rate, lowest, over = curves["patience"].tolist()
        self.patience.count, self.patience.best, self.lowest = int(count), best, lowest
        self.over = bool(over)
        if not isnan(rate):
            self.descent.rate = rate
            if self.descent.kind == "adaptive":
                self.task = replace(self.task, optimizer=self.descent.over(1, 1, 0, whole=False))
        est.loss_curve_ = curves["loss_curve"].tolist()
        est.n_iter_ = len(est.loss_curve_)
        est.t_ = est.n_iter_ * self.rows
        est.loss_ = est.loss_curve_[-1]
        if self.judge is not None:
            est.validation_scores_ = curves["validation_scores"].tolist()

    def _save(self) -> None:
        est, rate = self.est, self.descent.rate
        if self.checkpoint is None or not est.loss_curve_:
            return
        constant = nan if isinstance(rate, Schedule) else rate
        patience = [self.patience.count, self.patience.best, constant, self.lowest, self.over]
        curves = {
            "patience": np.array(patience, np.float64),
            "loss_curve": est.loss_curve_,
            "validation_scores": est.validation_scores_ or [],
        }
        self.checkpoint.save(est, self.task, self.state, self.best, curves)

    def chunks(self) -> Generator[tuple[State, Losses], None, None]:
        """States, as many epochs apart as can be without running past the end."""
        state, left = self.state, self.epochs - self.est.n_iter_
        while left > 0 and not self.over:
            n = 1 if self.watched else min(left, self.patience.room)
            state, costs = self.engine.epochs(
                self.task,
                state,
                self.samples,
                n=n,
                batch_size=self.batch,
                shuffle=bool(self.est.shuffle),
                validation=self.held_out,
            )
            left -= n
            yield state, costs

    def run(self) -> None:
        """Train, and leave what is known of it in the estimator."""
        try:
            self._follow()
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)
        except Divergence as trouble:
            self.state = trouble.state
            if self.judge is None:
                raise ValueError(NOT_FINITE) from trouble
            self._give_up()
        finally:
            self._leave()

    def _follow(self) -> None:
        history = self.est.history_
        before, saved = history.seconds, time.monotonic()
        with closing(self.stream(self.task, self.chunks(), self.epochs)) as stream:  # type: ignore[type-var]
            for record in stream:
                history.add(record)
                history.seconds = before + record.seconds
                self._take(record)
                if self.checkpoint is not None and time.monotonic() - saved >= SECONDS:
                    self._save()
                    saved = time.monotonic()

    def _take(self, record: Epoch) -> None:
        """Note the epochs of a record, and whether it is the last."""
        est, self.state = self.est, record.state
        self.descent.slots = record.state.slots  # those before are let go
        est._bind(self.net, record.state.theta)  # and the parameters that the fit began with
        for loss in reported(self.task.loss, self.net.n_out, record.costs):
            est.n_iter_ += 1
            est.loss_ = loss
            est.t_ += self.rows
            est.loss_curve_.append(loss)
            if est.verbose:
                print(f"Iteration {est.n_iter_}, loss = {loss:.8f}")
            better = self.patience.note(self._value(record, loss))
            if self.judge is None and self.keep:
                value = loss if record.val_loss is None else record.val_loss
                better, self.lowest = value < self.lowest, min(value, self.lowest)
            if better and self.keep:
                self.best = record.state.theta
                if self.judge is not None:  # the best before is let go
                    est._keep_best(self.best, copy=False)
            self.descent.ended(est.t_)
            if self.patience.over:
                self._flat()
            if not (self.over or self.incremental) and est.n_iter_ == est.max_iter:
                self._not_converged()

    def _value(self, record: Epoch, loss: float) -> float:
        """What patience watches."""
        if self.judge is None:
            return loss
        score = self.judge(record.state.theta)
        self.est.validation_scores_.append(score)
        if self.est.verbose:
            print(f"Validation score: {score:f}")
        return score

    def _flat(self) -> None:
        """Nothing gained for too long: stop, or go on with a smaller learning rate."""
        est = self.est
        what = "Training loss" if self.judge is None else "Validation score"
        why = (
            f"{what} did not improve more than tol={est.tol:f} for {est.n_iter_no_change:d}"
            " consecutive epochs."
        )
        self.over = self.descent.stops(why, verbose=bool(est.verbose))
        if not self.over:
            self.patience.count = 0
            rule = self.descent.over(self.rows, self.updates, est.t_, whole=False)
            self.task = replace(self.task, optimizer=rule)

    def _not_converged(self) -> None:
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({self.est.max_iter}) reached and the"
            " optimization hasn't converged yet.",
            ConvergenceWarning,
            stacklevel=2,
        )

    def _give_up(self) -> None:
        # scikit-learn goes through the epochs that are left, and every number in them is NaN
        est = self.est
        left = est.max_iter - est.n_iter_
        est.loss_ = nan
        est.loss_curve_ += [nan] * left
        est.validation_scores_ += [nan] * left
        est.n_iter_ = est.max_iter
        est.t_ += left * self.rows
        self.descent.ended(est.t_)
        self.patience.count = 0
        self._not_converged()

    def _leave(self) -> None:
        est, state = self.est, self.state
        self._save()
        self.descent.slots, self.descent.step = state.slots, state.step
        est._no_improvement_count = self.patience.count
        if self.judge is None:
            est.best_loss_ = self.patience.best
        else:
            est.best_validation_score_ = self.patience.best
            if self.best is None:  # none better than before this fit
                self.best = est._best_theta()
            est._keep_best(self.best)
        theta = self.best if self.keep and self.best is not None else state.theta
        est._set_theta(theta, shared=bool(self.callbacks) or self.judge is not None)
        est._forget()
        if not isinstance(est.random_state, int | np.integer):
            # the generator is the user's: it stands where scikit-learn would leave it
            rng = state.chance.generator()
            drawn = state.epoch - self.behind if self.updates > 1 else 0
            for _ in range(est.n_iter_ - drawn if est.shuffle else 0):
                rng.permutation(self.rows)  # orders that the engine had no need of
            est._random_state.set_state(rng.get_state())


class Minimising(Fitting):
    """With L-BFGS, which sees all rows at once and chooses its steps itself."""

    end: End | None = None

    def run(self) -> None:
        """Train, and leave what is known of it in the estimator."""
        est = self.est
        task = est._task(self.net, est._rule())
        theta = est._theta(copy=True)
        state = State(theta, (theta,), 0, 0, Chance.of(est._random_state))  # nobody writes on it
        checkpoint = None
        if est.checkpoint is not None:
            checkpoint = Checkpoint(est, self.samples, self.held_out)
            found = checkpoint.load(est, carried=False)
            state = state if found is None else found[0]
        chunks = self.chunks(task, state)
        try:
            with closing(self.stream(task, chunks, est.max_iter)) as stream:  # type: ignore[type-var]
                for record in stream:
                    est.history_.add(record)
                    state = record.state
                    if est.verbose:
                        print(f"Iteration {record.epoch}, loss = {record.loss:.8f}")
        except Divergence as trouble:
            raise ValueError(NOT_FINITE) from trouble
        finally:
            if checkpoint is not None and state.epoch:
                checkpoint.save(est, task, state, None, {})
        if self.end is None:  # a stage ended it
            total = self.engine.sums(task, state.theta, self.samples)
            objective, _ = complete(task, state.theta, total)
            self.end = End(objective, total.loss / total.weight, (0, ""))
        last = Losses(np.array([self.end.loss]), np.array([self.end.objective]), None)
        (est.loss_,) = reported(task.loss, self.net.n_out, last)
        est.n_iter_ = state.epoch
        est._set_theta(state.theta)
        est._forget()
        status, message = self.end.reason or (1, "STOP: TOTAL NO. OF ITERATIONS REACHED LIMIT")
        if status:
            self._not_converged(status, message)

    def chunks(self, task: Task, state: State) -> Generator[tuple[State, Losses], None, None]:
        """The iterations, and where and why there are no more."""
        most = max(0, int(self.est.max_iter) - state.epoch)
        self.end = yield from lbfgs_epochs(
            self.engine, task, state, self.samples, self.held_out, most
        )

    def _not_converged(self, status: int, message: str) -> None:
        said = (
            f"lbfgs failed to converge after {self.est.n_iter_} iteration(s)"
            f" (status={status}):\n{message}\n"
        )
        if self.est.n_iter_ == self.est.max_iter:
            said += (
                "\nIncrease the number of iterations to improve the convergence"
                f" (max_iter={self.est.max_iter})."
            )
        said += "\nYou might also want to scale the data, with StandardScaler for example."
        warnings.warn(said, ConvergenceWarning, stacklevel=2)
