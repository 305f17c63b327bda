"""The trace: every number of one update of a network, with its name, formula and operands.

    given → forward → loss → backward → gradient → update

Recording runs `core` once and keeps what it computed; nothing is computed a second time or in
another way. Formulas, words and pictures are made from a trace when they are asked for.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from glassnet.core.backprop import backward, flatten, forward, sample_losses, weighted
from glassnet.core.data import check_samples, check_X
from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.core.losses import SquaredError
from glassnet.core.network import Network
from glassnet.core.objective import norm, penalty
from glassnet.core.optimizers import SGD, Optimizer
from glassnet.engines.base import (
    Samples,
    State,
    Sums,
    Task,
    clipped,
    complete,
    total_weight,
    weighted_sum,
)
from glassnet.engines.blas import one_thread
from glassnet.walkthrough import formulas
from glassnet.walkthrough.explain import MOST, Explanation, at, chain, check_index, place, work
from glassnet.walkthrough.making import steps_of
from glassnet.walkthrough.naming import handed
from glassnet.walkthrough.proof import Proof, prove
from glassnet.walkthrough.quiz import ASKED, Quiz, make_quiz
from glassnet.walkthrough.step import Layout, Part, Step

if TYPE_CHECKING:
    from glassnet.walkthrough.step import Names


LATER = re.compile(
    r"∂.*|d[A-Z]\w*_d\w+|d[az]\d+_d\w+|[mh]\d+|\w+_wrt_\w+|J|L|N|y|lr|t|losses|penalty|norm|\w*error"
    r"|objective|number_of_samples|(new|g|[mv](_new|_hat)?)_\w+"
)
"""Names of what comes after the way forward."""


class Cells(Protocol):
    """How an input came from a cell of a table: an encoding has it (`exchange/encodings.py`)."""

    @property
    def names(self) -> list[str]:
        """The names of its inputs."""
        ...

    def explain(self, cell: Any) -> list[str]:
        """How one cell becomes its numbers: a line for each input."""
        ...


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """One update of a network on some samples, open to be read.

    values : every quantity by name, as core computed it.
    """

    task: Task
    theta: Array
    samples: Samples | None  # None where there are no targets
    X: Array
    values: Mapping[str, Array]
    slots: tuple[Array, ...]
    step: int  # updates before this one
    cells: tuple[Cells, ...] = ()
    raw: tuple[Sequence[Any], ...] = ()  # the table's columns, one a encoding

    @property
    def net(self) -> Network:
        """The architecture."""
        return self.task.net

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """All quantities, in the order in which they are computed."""
        return tuple(steps_of(self))

    @cached_property
    def _by_name(self) -> dict[str, Step]:
        return {step.name: step for step in self.steps}

    def __repr__(self) -> str:
        samples = f"{len(self.X)} sample{'s' * (len(self.X) != 1)}"
        return (
            f"<update {self.step + 1} of a network {self.net} on {samples}: {len(self)} steps. "
            f"print(trace.text()) shows them>"
        )

    def __getitem__(self, wanted: str) -> Step:
        """A step by any of its names: dL_dW2, ∂L/∂W₂ or error_wrt_weights_hidden_output."""
        found = self._by_name.get(wanted)
        if found is not None:
            return found
        for step in self.steps:
            # the notebook says linearTransform here and LinearTransform there
            if wanted == step.symbol or wanted.lower() == step.seed_name.lower():
                return step
        if self.samples is None and LATER.fullmatch(wanted):
            asked = "without targets only the way forward is"
            raise BadInput(f"{wanted} is not computed yet", asked, "Give the targets y too.")
        spellings = {s: s for step in self.steps for s in (step.name, step.seed_name)}
        near = [s for s in spellings if s.lower() == wanted.lower()]
        near = near or difflib.get_close_matches(wanted, spellings, n=4, cutoff=0.5)
        hint = f"Did you mean {', '.join(near)}?" if near else ""
        shown = ", ".join(list(self._by_name)[:12])
        raise BadInput(f"the trace has no number {wanted!r}", f"it has {shown}, …", hint)

    def __contains__(self, wanted: object) -> bool:
        return wanted in self._by_name

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def activations(self) -> list[Array]:
        """What each layer answered, (n, n_out), first layer first."""
        return [self.values[f"a{k}"] for k in range(1, len(self.net.layers) + 1)]

    @property
    def gradients(self) -> dict[str, Array]:
        """dJ/dW1, dJ/db1, … by the name of the parameter."""
        self._need_targets("gradients")
        return {part: self.values[f"dJ_d{part}"] for part in self.net.names}

    def of(self, step: Step | str) -> list[Step]:
        """The steps that a step was made from, one level down."""
        one = self[step] if isinstance(step, str) else step
        return [self._by_name[part] for part in one.operands if part in self._by_name]

    def explain(
        self, wanted: str, *index: int, most: int = MOST, layout: Layout = "rows"
    ) -> Explanation:
        """How one number comes about: `explain("dL_dW2", 1, 0)` or `explain("dL_dW2[1,0]")`.

        A parameter's gradient is followed to the parameter after the update; an input is led back
        to its cell of the table. `most` terms of a sum are shown, the largest. In the layout of
        columns the place is meant as the transposed data show it.
        """
        called, given = place(wanted)
        step = self[called]
        where = check_index(step, index or given, layout)
        values = self.environment()
        found = chain(self._by_name, step, where)
        workings = [work(one, at_, values, most) for one, at_ in found]
        if step.name not in {one.name for one, _ in found}:
            workings.insert(0, work(step, where, values, most))
        return Explanation(at(step.name, where), tuple(workings), self._cell(step, where))

    def proof(self, wanted: str, *index: int) -> Proof:
        """One derivative beside its measurement: `proof("dL_dz2", 0, 1)` or `proof("dL_dz2[0,1]")`.

        Both in float64, whatever the network was trained in.
        """
        self._need_targets("a proof")
        called, given = place(wanted)
        step = self[called]
        asked = step.name, check_index(step, index or given)
        found = self._proved.get(asked)
        if found is None:
            found = self._proved[asked] = prove(self._exact, *asked)
        return found

    def proofs(self, wanted: str, most: int = 1000) -> list[Proof]:
        """The proofs of all numbers of a step; of `most` evenly spread ones where it has more."""
        self._need_targets("a proof")
        step = self[wanted]
        every = list(np.ndindex(*step.shape))
        chosen = every if len(every) <= most else every[:: -(-len(every) // most)]
        return [prove(self._exact, step.name, index) for index in chosen]

    def quiz(self, questions: int = 10, seed: int = 0, parts: Sequence[Part] = ASKED) -> Quiz:
        """Numbers of this trace to be worked out by hand; the same seed, the same questions."""
        return make_quiz(self, questions, seed, parts)

    def html(
        self,
        *,
        layout: Layout = "rows",
        names: Names = "math",
        digits: int = 4,
        exact: bool = False,
        sample: int = 0,
        neuron: int = 0,
        unfolded: bool = False,
    ) -> str:
        """The trace as one page of HTML that needs nothing else: a handout, to write to a file.

        sample, neuron : of which one number of each step is worked out.
        unfolded : every step open from the start.
        """
        from glassnet.walkthrough.html import Look, Numerals, page

        shown = Numerals(digits, exact)
        return page(self, Look(layout, names, shown, sample, neuron, unfolded))

    def text(
        self,
        wanted: str | None = None,
        *,
        width: int = 88,
        layout: Layout = "rows",
        names: Names = "math",
        digits: int | None = 4,
    ) -> str:
        """What `glassnet walk` prints: of one number such as "dL_dW2[1,0]", or of all there is.

        digits : None for all of them.
        """
        from glassnet.walkthrough.numerals import Numerals
        from glassnet.walkthrough.text import Page, plain_text

        page = Page(
            self,
            width,
            layout,
            names,
            Numerals(4 if digits is None else digits, exact=digits is None),
        )
        if wanted is not None:
            return plain_text(page.explanation(self.explain(wanted, layout=layout)))
        return plain_text([*page.card(), *page.account(), *page.whole()])

    def _repr_html_(self) -> str:
        from glassnet.walkthrough.html import of_trace

        return of_trace(self)

    @cached_property
    def _proved(self) -> dict[tuple[str, tuple[int, ...]], Proof]:
        # what was asked for once: to prove it again takes a way forward for each measurement
        return {}

    @cached_property
    def _exact(self) -> Trace:
        # the same in float64, to be measured
        assert self.samples is not None
        if self.theta.dtype == np.float64:  # so are its samples
            return self
        double = [None if part is None else part.astype(np.float64) for part in self.samples]
        X, y, weight = double
        assert X is not None
        assert y is not None
        theta = self.theta.astype(np.float64)
        slots = tuple(slot.astype(np.float64) for slot in self.slots)
        values = _record(self.task, theta, (X, y, weight), slots, self.step)
        return replace(self, theta=theta, samples=(X, y, weight), X=X, values=values, slots=slots)

    def _cell(self, step: Step, index: tuple[int, ...]) -> tuple[str, ...]:
        # the line of the encoding that made this input
        if step.name != "X" or not self.cells:
            return ()
        sample, column = index
        for one, cells in zip(self.cells, self.raw, strict=True):
            if column < len(one.names):
                line = one.explain(cells[sample])[column]
                return (f"{one.names[column]}: {line}",)
            column -= len(one.names)
        return ()

    def environment(self, layout: Layout = "rows") -> dict[str, Any]:
        """The values of all names that formulas speak of, in a layout."""
        # those of activations and losses stand as numbers in the formulas: two layers, two alphas
        found: dict[str, Any] = {"l1": self.task.l1, "l2": self.task.l2, "limit": self.task.clip}
        found |= {step.name: step.shown(layout) for step in self.steps}
        optimizer = self.task.optimizer
        if isinstance(optimizer, Optimizer):
            found |= formulas.constants(optimizer)
            found |= {"lr": optimizer.rate(self.step), "t": self.step + 1}
        return found

    def _need_targets(self, what: str) -> None:
        if self.samples is None:
            raise BadInput(
                f"{what} of a trace without targets",
                "only the way forward was computed",
                "Pass y as well: trace(model, X, y).",
            )


def trace(
    what: Any,
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    weight: ArrayLike | None = None,
    theta: ArrayLike | None = None,
    state: State | None = None,
) -> Trace:
    """Every number of one update: forward, loss, backward, gradient, and the optimizer's step.

    Parameters
    ----------
    what : a model, a task or a network. A network has no loss: squared error and SGD are assumed
        where targets are given.
    X : (n, n_in), as the network sees it. y : (n, n_out), or None for the way forward alone.
    weight : (n,), one a sample.
    theta, state : the parameters; a state brings the optimizer's slots and its step too. A model
        has its own, and slots that begin at 0.

    With dropout the masks are those of this very update, where X is its batch in its order. Without
    targets there is no update, and no neuron is left out.
    """
    task, parameters = _task_of(what)
    if state is not None:
        parameters = state.theta
    if theta is not None:
        parameters = np.asarray(theta)
    if parameters is None:
        raise BadInput("no parameters", "theta= or state= is expected", "Try theta=net.init(0).")
    if parameters.dtype not in (np.float64, np.float32):
        parameters = parameters.astype(np.float64)
    net = task.net
    if parameters.shape != (net.n_params,):
        raise BadInput(f"theta has shape {parameters.shape}", f"({net.n_params},) is expected")
    optimizer = task.optimizer
    slots: tuple[Array, ...] = ()
    if isinstance(optimizer, Optimizer):
        slots = optimizer.start(parameters) if state is None else state.slots
    step = 0 if state is None else state.step
    if y is None:  # nothing is reduced
        rows = check_X(net, X, parameters.dtype)
        return Trace(task, parameters, None, rows, _forward(net, parameters, rows), slots, step)
    samples = check_samples(net, task.loss, X, y, weight, parameters.dtype)
    if task.reduction == "batch":  # these samples are the batch: a mean, its penalty divided by Σw
        W = total_weight(samples[0], samples[2])
        task = replace(task, reduction="mean", l1=task.l1 / W, l2=task.l2 / W)
    with one_thread(net, len(samples[0])):  # the bits are those of the engine
        values = _record(task, parameters, samples, slots, step)
    return Trace(task, parameters, samples, samples[0], values, slots, step)


def _task_of(what: Any) -> tuple[Task, Array | None]:
    if isinstance(what, Network):
        return Task(what, SquaredError(), SGD()), None
    if isinstance(what, Task):
        return what, None
    task, theta = getattr(what, "task", None), getattr(what, "theta", None)
    if not isinstance(task, Task) or theta is None:
        raise BadInput(
            f"{type(what).__name__} to trace", "a model, a task or a network is expected"
        )
    return task, np.asarray(theta)


def _forward(net: Network, theta: Array, X: Array) -> dict[str, Array]:
    values: dict[str, Any] = {"X": X, **net.named(theta)}
    for k, p in enumerate(forward(net, theta, X), 1):
        values[f"z{k}"], values[f"a{k}"] = p.z, p.a
    return values


def _record(
    task: Task, theta: Array, samples: Samples, slots: tuple[Array, ...], step: int
) -> dict[str, Array]:
    """Everything that one update computes, by name."""
    X, y, w = samples
    net, loss, depth = task.net, task.loss, len(task.net.layers)
    passes = forward(net, theta, X, task.masks(step, len(X), theta.dtype))
    values: dict[str, Any] = {"X": X, "y": y, **net.named(theta)}
    if w is not None:
        values["w"] = w
    for k, p in enumerate(passes, 1):
        values[f"z{k}"], values[f"a{k}"] = p.z, p.a
        if p.m is not None:
            values[f"m{k}"], values[f"h{k}"] = p.m, p.h
    losses = sample_losses(net, loss, passes, y)  # (n,)
    partials = backward(net, theta, passes, loss, y, w)
    sums = Sums(weighted_sum(losses, w), flatten(partials), total_weight(X, w))
    objective, grad = complete(task, theta, sums)
    values |= {"losses": losses, "L": np.asarray(sums.loss), "N": np.asarray(sums.weight)}
    if task.l1 or task.l2:
        values["penalty"] = np.asarray(penalty(net, theta, task.l1, task.l2))
    values["J"] = np.asarray(objective)
    for k in range(depth, 0, -1):
        p, back, layer = passes[k - 1], partials[k - 1], net.layers[k - 1]
        below = handed(k - 1, values)
        dL_da, da_dz = back.dL_da, back.da_dz
        if dL_da is None:  # the closed form was used; the long way is shown beside it
            dL_da = weighted(loss.slope(p.a, y), w)
        values[f"dL_da{k}"] = dL_da
        values[f"da{k}_dz{k}"] = layer.activation.slope(p.z, p.a) if da_dz is None else da_dz
        values[f"dL_dz{k}"] = back.dL_dz
        values[f"dz{k}_dW{k}"] = p.x
        values[f"dL_dW{k}"] = back.dL_dW
        if back.dL_db is not None:
            values[f"dL_db{k}"] = back.dL_db
        values[f"dz{k}_d{below}"] = values[f"W{k}"]
        values[f"dL_d{below}"] = back.dL_dx
    for part, value in net.named(grad).items():
        values[f"dJ_d{part}"] = value
    g = clipped(task, grad)
    if task.clip is not None:
        values["norm"] = np.asarray(norm(grad))
        values |= {f"g_{part}": value for part, value in net.named(g).items()}
    if isinstance(task.optimizer, Optimizer):
        new, new_slots = task.optimizer.step(theta, g, slots, step)
        for slot, before, after in zip(task.optimizer.slots, slots, new_slots, strict=True):
            values |= {f"{slot}_{part}": value for part, value in net.named(before).items()}
            values |= {f"{slot}_new_{part}": value for part, value in net.named(after).items()}
        values |= {f"new_{part}": value for part, value in net.named(new).items()}
    return values
