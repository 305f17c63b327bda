"""A lesson: one network on some samples, its first update by hand, then its training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.core.network import Network
from glassnet.core.optimizers import Optimizer
from glassnet.core.schedules import Schedule
from glassnet.engines.base import Samples, State, Task
from glassnet.walkthrough import formulas, naming
from glassnet.walkthrough.expression import Expression, name
from glassnet.walkthrough.notebook.cells import WIDTH, assigned
from glassnet.walkthrough.notebook.functions import Functions, written
from glassnet.walkthrough.notebook.literals import Literals, power
from glassnet.walkthrough.notebook.literals import number as shown
from glassnet.walkthrough.notebook.recording import (
    Batches,
    Recording,
    batches,
    check_finite,
    record,
    slack,
    tolerance,
)
from glassnet.walkthrough.step import Layout, Step
from glassnet.walkthrough.trace import Trace, trace


@dataclass(frozen=True, eq=False)
class Lesson:
    """What a notebook tells of one network.

    by_hand : the update that is followed number by number; None leaves it out.
    task, samples, state, taken, run : the training, as glassnet recorded it.
    opening, closing : traces of its first update and of its end, for formulas that hold in both.
    """

    task: Task
    samples: Samples
    state: State
    taken: Batches
    run: Recording
    by_hand: Trace | None
    opening: Trace
    closing: Trace
    prefix: str = ""
    title: str = ""
    off: Mapping[str, float] = field(default_factory=dict)

    @property
    def net(self) -> Network:
        """The architecture."""
        return self.task.net

    @property
    def batched(self) -> bool:
        """Whether an epoch has more updates than one."""
        return self.taken.size < len(self.samples[0])

    @property
    def again(self) -> bool:
        """Whether training begins with other weights than the update by hand."""
        return self.by_hand is None or not np.array_equal(self.by_hand.theta, self.state.theta)


def lesson(
    task: Task,
    samples: Samples,
    state: State,
    epochs: int,
    *,
    batch_size: int | None = None,
    shuffle: bool = True,
    by_hand: Trace | None = None,
    walked: bool = True,
    prefix: str = "",
    title: str = "",
) -> Lesson:
    """Record the run, and the update by hand: the run's first where no other is given."""
    if task.reduction == "batch":
        raise BadInput(
            "the reduction 'batch' in a notebook", "'mean' or 'sum' is expected",
            "Try replace(task, reduction='mean').",
        )  # fmt: skip
    X, y, weight = samples
    taken = batches(state, len(X), batch_size, epochs, shuffle=shuffle)
    rows = first_rows(taken)
    some = (X[rows], y[rows], None if weight is None else weight[rows])
    opening = trace(task, some[0], some[1], weight=some[2], state=state)
    check_finite(opening)
    run = record(task, samples, state, epochs, taken)
    end = State(run.theta, state.slots, state.step, 0, state.chance)
    closing = trace(task, X, y, weight=weight, state=end)
    followed = (by_hand or opening) if walked else None
    off = {} if followed is None else slack(followed)
    return Lesson(task, samples, state, taken, run, followed, opening, closing, prefix, title, off)


def first_rows(taken: Batches) -> np.ndarray | slice:
    """The rows of the first update."""
    return slice(taken.size) if taken.orders is None else taken.orders[0][: taken.size]


def arrays(one: Lesson, layout: Layout) -> dict[str, np.ndarray]:
    """All arrays that the notebook of a lesson holds, by name."""
    X, y, weight = one.samples
    turned = layout == "columns"
    found: dict[str, np.ndarray] = {"X": X.T if turned else X, "y": y.T if turned else y}
    if weight is not None:
        found["w"] = weight
    if one.taken.orders is not None:
        kind = np.int16 if len(X) < 2**15 else np.int32
        found["orders"] = one.taken.orders.astype(kind)
    if one.by_hand is not None:
        walked = one.by_hand
        found |= walked.net.named(walked.theta)
        for slot, values in _remembered(walked.task, walked.slots):
            found |= {f"{slot}_{p}": v for p, v in walked.net.named(values).items()}
        for step in checked_steps(walked):
            if step.part == "update" and not step.name.startswith("new_"):
                continue
            found[f"recorded_{step.name}"] = np.asarray(step.shown(layout))
    if one.again:
        found |= {f"start_{p}": v for p, v in one.net.named(one.state.theta).items()}
        for slot, values in _remembered(one.task, one.state.slots):
            found |= {f"start_{slot}_{p}": v for p, v in one.net.named(values).items()}
    found |= {f"trained_{p}": v for p, v in one.net.named(one.run.theta).items()}
    return {one.prefix + key: value for key, value in found.items()}


def checked_steps(walked: Trace) -> list[Step]:
    """The steps of an update by hand that are computed and compared."""
    bare = skipped(walked)
    return [
        step for step in walked.steps
        if step.formula is not None and step.name not in bare and not step.name.startswith("dL_dX")
        and step.name != "dz1_dX"
    ]  # fmt: skip


def skipped(walked: Trace) -> dict[str, Expression]:
    """Gradients that are no more than another name: ∂J/∂W where J is L."""
    return {
        step.name: step.formula
        for step in walked.steps
        if step.part == "gradient" and step.formula is not None and step.formula.op == "name"
    }


def aliases(walked: Trace) -> dict[str, Expression]:
    """All steps that are no more than another name: ∂z/∂W is the input."""
    return {
        step.name: step.formula
        for step in walked.steps
        if step.formula is not None and step.formula.op == "name"
        and step.part not in {"update", "forward"}
    }  # fmt: skip


def _remembered(task: Task, slots: tuple[Array, ...]) -> list[tuple[str, Array]]:
    """Slots that do not begin at 0."""
    if not isinstance(task.optimizer, Optimizer):
        return []
    named = zip(task.optimizer.slots, slots, strict=True)
    return [(slot, values) for slot, values in named if values.any()]


@dataclass(frozen=True, eq=False)
class Pen:
    """Writes the code of a lesson's formulas, in a layout and in names."""

    one: Lesson
    layout: Layout
    names: str
    functions: Functions
    literals: Literals

    def spell(self, quantity: str) -> str:
        """A quantity's name in the code."""
        return naming.seed(quantity, self.one.net) if self.names == "seed" else quantity

    def code(self, tree: Expression) -> str:
        """A formula in the code."""
        return written(tree, self.spell)

    def tree(self, step: Step, replaced: Mapping[str, Expression]) -> Expression:
        """The formula of a step as the notebook writes it, other names for the same put in."""
        found = step.written(self.layout)
        assert found is not None
        found = self.functions.formula(found, step.name)
        for _ in range(2):  # the target of an alias may be one
            for old, new in replaced.items():
                found = found.replace(name(old), new)
        return found

    def step(self, step: Step, replaced: Mapping[str, Expression]) -> list[str]:
        """`name = formula`."""
        formula = self.code(self.tree(step, replaced))
        if step.name == "N" and "w" not in self.one.opening.values:
            formula = "len(X)" if self.layout == "rows" else "X.shape[1]"
        return assigned(self.spell(step.name), formula)

    def array(self, key: str, used: int = 0, block: int = 0) -> str:
        """Code that makes one of the arrays."""
        return self.literals.array(self.one.prefix + key, used, block)

    def plain(self, key: str, used: int = 0, block: int = 0) -> str:
        """An array's numbers."""
        return self.literals.plain(self.one.prefix + key, used, block)

    def weights(self) -> str:
        """W1, b1, W2, b2."""
        return ", ".join(map(self.spell, self.one.net.names))

    def objective(self, task: Task) -> list[str]:
        """The numbers in the formulas of penalty and clipping."""
        lines = []
        if task.l1:
            lines.append(f"l1 = {shown(task.l1)}")
        if task.l2:
            lines.append(f"l2 = {shown(task.l2)}")
        if task.clip is not None:
            lines.append(f"limit = {shown(task.clip)}  # of the gradient's length")
        return lines

    def rate(self, task: Task, *, by_hand: bool) -> list[str]:
        """The learning rate and the other numbers in the formulas of the update."""
        optimizer = task.optimizer
        if not isinstance(optimizer, Optimizer):
            return []
        lines = [
            f"{constant} = {shown(value)}"
            for constant, value in formulas.constants(optimizer).items()
            if self.uses(constant)
        ]
        if not isinstance(optimizer.lr, Schedule):
            lines.append(f"lr = {shown(optimizer.lr)}  # the learning rate")
        elif by_hand:
            lines.append(f"lr = learning_rate({self.one.opening.step})  # of this update")
        return lines

    def uses(self, quantity: str) -> bool:
        """Whether a formula of the update speaks of it."""
        return any(
            quantity in step.operands for step in self.one.opening.steps if step.part == "update"
        )

    def begin(self, function: str, start: str, task: Task, slots: tuple[Array, ...]) -> list[str]:
        """A function that gives the initial weights, the same each time it is called."""
        lines = [f"def {function}():"]
        for part in self.one.net.names:
            made = self.array(f"{start}{part}", len(self.spell(part)) + 8, 4)
            if made.startswith("stored"):
                made += ".copy()"
            lines.append(f"    {self.spell(part)} = {made}")
        lines += [f"    return {self.weights()}"]
        return lines

    def memory(self, start: str, task: Task, slots: tuple[Array, ...]) -> list[str]:
        """The optimizer's slots before the first update."""
        optimizer = task.optimizer
        if not isinstance(optimizer, Optimizer):
            return []
        known = {slot for slot, _ in _remembered(task, slots)}
        lines = []
        for slot in optimizer.slots:
            for part in self.one.net.names:
                called = self.spell(f"{slot}_{part}")
                if slot in known:
                    made = self.array(f"{start}{slot}_{part}", len(called) + 4)
                else:
                    made = f"np.zeros_like({self.spell(part)})"
                lines.append(f"{called} = {made}")
        return lines

    def check(self, step: Step) -> list[str]:
        """The comparison of one number or array with what was recorded."""
        called = self.spell(step.name)
        scale = float(np.abs(step.value).max(initial=0.0))
        off = self.one.off.get(step.name, 0.0)
        allowed = tolerance(self.one.state.theta.dtype) * scale
        loose = f", atol={power(off)}" if off > allowed else ""
        if len(called) * 2 + 13 > WIDTH:
            recorded = self.plain(f"recorded_{step.name}", 5, 4)
            lines = [f'    "{called}",', f"    {called},", f"    {recorded}{loose},"]
            return ["check(", *lines, ")"]
        recorded = self.plain(f"recorded_{step.name}", len(called) * 2 + 13)
        return [f'check("{called}", {called}, {recorded}{loose})']


def updates(pen: Pen, replaced: Mapping[str, Expression]) -> list[str]:
    """The update of all parameters in place, as a training loop does it."""
    one = pen.one
    optimizer = one.task.optimizer
    assert isinstance(optimizer, Optimizer)
    steps = {step.name: step for step in one.opening.steps}
    lines: list[str] = []
    for part in one.net.names:
        results = [
            step
            for step in one.opening.steps
            if step.part == "update" and step.formula is not None and _of(step.name, part)
        ]
        late: list[str] = []
        spelled = {f"new_{part}": part}
        for slot in optimizer.slots:
            new, old = f"{slot}_new_{part}", f"{slot}_{part}"
            place = [s.name for s in results].index(new)
            # in place, unless a later formula still speaks of the old one
            if any(old in s.operands for s in results[place + 1 :]):
                late.append(f"{pen.spell(old)} = {pen.spell(new)}")
            else:
                spelled[new] = old
        for step in results:
            tree = pen.tree(steps[step.name], replaced)
            for new, old in spelled.items():
                tree = tree.replace(name(new), name(old))
            lines += assigned(pen.spell(spelled.get(step.name, step.name)), pen.code(tree))
        lines += late
    return lines


def _of(quantity: str, part: str) -> bool:
    return quantity.endswith(f"_{part}")


def needed(pen: Pen, replaced: Mapping[str, Expression]) -> set[str]:
    """The steps that the update and the recorded loss are made from: no others go into the loop."""
    steps = {step.name: step for step in pen.one.opening.steps}
    # all of the update: what an optimizer remembers may count for later updates alone
    wanted = [s.name for s in steps.values() if s.part == "update" and s.formula is not None]
    wanted += ["L", "N"]
    found: set[str] = set()
    while wanted:
        quantity = wanted.pop()
        if quantity in found or quantity not in steps:
            continue
        found.add(quantity)
        step = steps[quantity]
        if step.formula is not None:
            wanted += pen.tree(step, replaced).names()
    return found
