"""One call of `fit` or `partial_fit`: the stream of epochs, and what is noted of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from math import inf, isnan, nan
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.core.losses import Loss, SquaredError
from glassnet.core.network import Network
from glassnet.core.schedules import Schedule
from glassnet.engines.base import Engine, Losses, Samples, State, Task, complete
from glassnet.engines.chance import Carried, Chance
from glassnet.engines.divergence import Divergence
from glassnet.estimators.files import Checkpoint
from glassnet.estimators.notices import warn
from glassnet.estimators.patience import Patience
from glassnet.training.lbfgs import End, lbfgs_epochs
from glassnet.training.progress import progress
from glassnet.training.stream import Epoch, Run

SECONDS = 30.0
"""Between two checkpoints of a run; another is written at its end, however that comes."""

WORK = 10**8
"""Rows times parameters in one call of the engine, about: a fifth of a second on a slow core."""

UPDATE = 10**4
"""What an update takes beside its rows, in the same unit."""

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and"
    " need to be preprocessed."
)


def batch_size(wanted: Any, rows: int) -> int:
    """Rows an update."""
    if wanted == "auto":
        return min(200, rows)
    if wanted > rows:
        warn("Got `batch_size` less than 1 or larger than sample size. It is going to be clipped")
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

    @contextmanager
    def stream(
        self, task: Any, chunks: Generator[tuple[State, Losses], None, None], epochs: int
    ) -> Iterator[Iterator[Epoch]]:
        """The records, through the user's stages; what can be closed is, the last stage first."""
        run = Run(task, self.samples, self.held_out, self.engine, self.est._metrics())
        stages = [*self.callbacks]
        if self.est.progress:
            stages.append(lambda stream: progress(stream, epochs))
        stream: Iterator[Epoch] = run.records(chunks)
        with ExitStack() as ends:
            ends.callback(stream.close)  # type: ignore[attr-defined]
            for stage in stages:
                stream = staged(stage, stream)
                if hasattr(stream, "close"):  # takewhile and its kin have none
                    ends.callback(stream.close)
            yield stream


def staged(stage: Any, stream: Iterator[Epoch]) -> Iterator[Epoch]:
    """The stream through a stage of the user's."""
    wanted = "a function of a stream of epochs, which answers a stream, is expected"
    hint = "Try def stage(stream): for record in stream: yield record."
    if not callable(stage):
        raise BadInput(f"{stage!r} among the callbacks", wanted, hint)
    answer = stage(stream)
    if not isinstance(answer, Iterator):
        name = getattr(stage, "__name__", type(stage).__name__)
        raise BadInput(f"the callback {name} answers {type(answer).__name__}", wanted, hint)
    return answer


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
        measured = self.rows if held_out is None else self.rows + len(held_out[0])
        work = measured * net.n_params + self.updates * UPDATE  # of an epoch
        self.at_once = max(1, WORK // work)  # Ctrl-C loses no more, and checkpoints wait no longer
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
        self.checkpoint = Checkpoint(est, self.task, self.samples, self.held_out)
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
            n = 1 if self.watched else min(left, self.patience.room, self.at_once)
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
            warn("Training interrupted by user.")
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
        with self.stream(self.task, self.chunks(), self.epochs) as stream:
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
        warn(
            f"Stochastic Optimizer: Maximum iterations ({self.est.max_iter}) reached and the"
            " optimization hasn't converged yet.",
            ConvergenceWarning,
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
        if not isinstance(est.random_state, int | np.integer):
            # the generator is the user's: it stands where scikit-learn would leave it
            rng = state.chance.generator()
            drawn = state.epoch - self.behind if self.updates > 1 else 0
            for _ in range(est.n_iter_ - drawn if est.shuffle else 0):
                rng.permutation(self.rows)  # orders that the engine had no need of
            est._random_state.set_state(rng.get_state())
        try:
            self._save()  # last: what was learnt is there also where this fails
        finally:
            est._forget()


class Minimising(Fitting):
    """With L-BFGS, which sees all rows at once and chooses its steps itself."""

    end: End | None = None
    best: Array | None = None
    lowest = inf  # of the validation losses

    def run(self) -> None:
        """Train, and leave what is known of it in the estimator."""
        est = self.est
        task = est._task(self.net, est._rule())
        theta = est._theta(copy=True)
        self.state = State(
            theta, (theta,), 0, 0, Chance.of(est._random_state)
        )  # nobody writes on it
        checkpoint = None
        if est.checkpoint is not None:
            checkpoint = Checkpoint(est, task, self.samples, self.held_out)
            self._resume(checkpoint)
        chunks = self.chunks(task, self.state)
        try:
            with self.stream(task, chunks, est.max_iter) as stream:
                for record in stream:
                    self._take(record)
        except Divergence as trouble:
            raise ValueError(NOT_FINITE) from trouble
        else:
            self._leave(task)
        finally:
            if checkpoint is not None and self.state.epoch:
                curves = {"lowest": np.array([self.lowest])}
                checkpoint.save(est, task, self.state, self.best, curves)
            est._forget()
        assert self.end is not None
        status, message = self.end.reason or (1, "STOP: TOTAL NO. OF ITERATIONS REACHED LIMIT")
        if status:
            self._not_converged(status, message)

    def _resume(self, checkpoint: Checkpoint) -> None:
        found = checkpoint.load(self.est, carried=False)
        if found is not None:
            self.state, self.best, curves = found
            self.lowest = curves["lowest"].item() if "lowest" in curves else inf

    def _take(self, record: Epoch) -> None:
        est, self.state = self.est, record.state
        est.history_.add(record)
        # without validation rows the last is the best, for the objective falls and falls
        if est.restore_best and record.val_loss is not None and record.val_loss < self.lowest:
            self.best, self.lowest = record.state.theta, record.val_loss
        if est.verbose:
            print(f"Iteration {record.epoch}, loss = {record.loss:.8f}")

    def _leave(self, task: Task) -> None:
        est, state = self.est, self.state
        if self.end is None:  # a stage ended it
            total = self.engine.sums(task, state.theta, self.samples)
            objective, _ = complete(task, state.theta, total)
            self.end = End(objective, total.loss / total.weight, (0, ""))
        last = Losses(np.array([self.end.loss]), np.array([self.end.objective]), None)
        (est.loss_,) = reported(task.loss, self.net.n_out, last)
        est.n_iter_ = state.epoch
        est._set_theta(state.theta if self.best is None else self.best)

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
        said += (
            "\nYou might also want to scale the data as shown in:\n"
            "    https://scikit-learn.org/stable/modules/preprocessing.html"
        )
        warn(said, ConvergenceWarning)
