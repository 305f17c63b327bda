"""The functions of a notebook: activations, loss, helpers, in plain NumPy and only where used.

A function is written as on a blackboard where that gives glassnet's numbers on these data. Where it
does not (a saturated output, ln 0), it is written as it is computed; and where it has no formula,
its source goes into the notebook.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassnet.core.activations import Activation, Identity, Softmax
from glassnet.core.errors import BadInput
from glassnet.core.formula import Formula
from glassnet.core.losses import CrossEntropy
from glassnet.core.optimizers import LBFGS
from glassnet.core.schedules import Schedule
from glassnet.walkthrough import formulas
from glassnet.walkthrough.expression import (
    PRIMITIVES,
    Expression,
    call,
    column,
    name,
    number,
    parse,
    total,
    walk,
)
from glassnet.walkthrough.notebook.recording import tolerance
from glassnet.walkthrough.notebook.sources import source_of
from glassnet.walkthrough.step import Layout
from glassnet.walkthrough.trace import Trace

OWN = "own:"  # before a function that the notebook defines, so that it is not taken for NumPy's

TAKEN = {
    "check", "network", "initial_weights", "new_weights", "learning_rate", "history", "losses",
    "epochs", "epoch", "epoch_loss", "epoch_weight", "order", "orders", "rows", "first", "stored",
    "l1", "l2", "limit", "mask", "X_all", "y_all", "w_all", "plt", "np", "math",
}  # fmt: skip

HELPERS = {
    "softmax": '''
def softmax(z):
    """Each row becomes a distribution; the largest is taken off so that no e^z overflows."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
''',
    "softmax_slope": '''
def softmax_slope(a):
    """da_i/dz_j = a_i (δ_ij - a_j), a matrix for each sample: (n, k, k)."""
    return a[:, :, None] * (np.eye(a.shape[1], dtype=a.dtype) - a[:, None, :])
''',
    "contract": '''
def contract(dL_da, da_dz):
    """dL/dz_j = Σ_i dL/da_i · da_i/dz_j, sample by sample."""
    return np.einsum("ni,nij->nj", dL_da, da_dz)
''',
    "xlogy": '''
def xlogy(x, y):
    """x ln y, and 0 where x is 0."""
    return np.where(x == 0, 0, x * np.log(np.where(x == 0, 1, y)))
''',
    "Phi": '''
def Phi(z):
    """The share of the standard normal distribution below z."""
    share = np.vectorize(lambda x: math.erfc(-x / math.sqrt(2)) / 2)
    return share(z).astype(z.dtype)
''',
    "phi": '''
def phi(z):
    """The density of the standard normal distribution."""
    return np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
''',
    "log_softmax": '''
def log_softmax(z):
    """ln softmax(z), from z: the logarithm of a tiny a would lose it."""
    z = z - z.max(axis=AXIS, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=AXIS, keepdims=True))
''',
}


@dataclass(frozen=True)
class Chosen:
    """A formula that gives glassnet's numbers, and whether its dtype has to be put right."""

    tree: Expression
    cast: bool = False


@dataclass
class Functions:
    """What a notebook defines before it begins, gathered while its formulas are written.

    traces : of the run's beginning and end, on whose numbers each way of writing is tried.
    """

    traces: Sequence[Trace]
    layout: Layout
    helpers: dict[str, str] = field(default_factory=dict)
    defined: dict[str, list[str]] = field(default_factory=dict)
    own: dict[tuple[Formula, str], str] = field(default_factory=dict)  # (function, which) -> name
    changed: dict[str, Expression] = field(default_factory=dict)  # formulas by the step's name

    def __post_init__(self) -> None:
        task = self.traces[0].task
        for k, layer in enumerate(task.net.layers, 1):
            self._activation(k, layer.activation)
        if self.traces[0].samples is not None:
            self._loss()

    @property
    def dtype(self) -> str:
        """The dtype of the network, as NumPy calls it."""
        return str(self.traces[0].theta.dtype)

    def formula(self, tree: Expression, step: str = "") -> Expression:
        """A step's formula as the notebook writes it."""
        return self._marked(self.changed.get(step, tree))

    def lines(self) -> Iterator[tuple[str, list[str]]]:
        """(name, source) of each function, helpers first."""
        for helper, source in self.helpers.items():
            yield helper, source.strip("\n").splitlines()
        yield from self.defined.items()

    @property
    def needs_math(self) -> bool:
        """Whether Python's `math` is used."""
        return any("math." in "\n".join(lines) for _, lines in self.lines())

    # ------------------------------------------------------------ activations and loss

    def _activation(self, k: int, activation: Activation) -> None:
        z, a = name(f"z{k}"), name(f"a{k}")
        mixes = isinstance(activation, Softmax)
        if not mixes and not isinstance(activation, Identity):
            f = self._choose(activation, "f", ("z",), lambda t: {"z": t.values[f"z{k}"]}, f"a{k}")
            called = self._define(activation, ("z",), f)
            self.changed[f"a{k}"] = call(called, z)
            df = self._choose(
                activation,
                "df",
                ("z", "a"),
                lambda t: {"z": t.values[f"z{k}"], "a": t.values[f"a{k}"]},
                f"da{k}_dz{k}",
            )
            tree = _fixed(df.tree, activation).replace(name("z"), z).replace(name("a"), a)
            self.changed[f"da{k}_dz{k}"] = self._cast(_spread(tree, z), cast=df.cast)

    def _loss(self) -> None:
        task = self.traces[0].task
        loss, depth = task.loss, len(task.net.layers)
        z, a, y = name(f"z{depth}"), name(f"a{depth}"), name("y")

        def given(t: Trace) -> dict[str, Any]:
            assert t.samples is not None
            return {"z": t.values[f"z{depth}"], "a": t.values[f"a{depth}"], "y": t.samples[1]}

        closed = loss.closes(task.net.layers[-1].activation)
        f = self._choose(loss, "f", ("a", "y"), given, "losses", closed=closed)
        from_z = "z" in set(f.tree.names())
        called = self._define(loss, ("z" if from_z else "a", "y"), f)
        over = "outputs" if self.layout == "rows" else "rows"
        self.changed["losses"] = total(call(called, z if from_z else a, y), over)
        df = self._choose(loss, "df", ("a", "y"), given, f"dL_da{depth}")
        tree = _spread(_fixed(df.tree, loss).replace(name("a"), a), a)
        tree = self._cast(tree, cast=df.cast)
        if "w" in self.traces[0].values:
            tree = (column(name("w")) if self.layout == "rows" else name("w")) * tree
        self.changed[f"dL_da{depth}"] = tree

    def _choose(
        self,
        function: Any,
        which: str,
        arguments: tuple[str, ...],
        given: Callable[[Trace], dict[str, Any]],
        step: str,
        *,
        closed: bool = False,
    ) -> Chosen:
        """The plainest way to write a function that gives the numbers of every trace."""
        of = formulas.of_loss if arguments[-1] == "y" else formulas.of_activation
        own = re.sub(r"\W", "", type(function).__name__).lower()
        values = [number(v) for v in function.constants if isinstance(v, int | float)]
        candidates = [getattr(of(function), which)]
        if closed:  # from z, where the logarithm of a would lose it
            candidates.append(symbolic(function.fz, name("z"), name("y"), *values))
            if isinstance(function, CrossEntropy):
                return next(
                    (
                        Chosen(c)
                        for c in candidates[:1]
                        if self._agrees(c, function, given, step)[0]
                    ),
                    Chosen(parse("-y*log_softmax(z)")),
                )
        candidates.append(symbolic(getattr(function, which), *map(name, arguments), *values))
        known = [c for c in candidates if c is not None and not {own, f"{own}_slope"} & _called(c)]
        for strict in (True, False):  # one that never overflows first
            for tree in known:
                agrees, cast = self._agrees(tree, function, given, step, strict=strict)
                if agrees:
                    return Chosen(tree, cast)
        # no formula says it: its source goes into the notebook
        called = self._place(function, which)
        trace = self.traces[0]
        numbers = given(trace)
        made = getattr(function, which)(*(numbers[n] for n in arguments), *function.constants)
        cast = np.asarray(made).dtype != trace.theta.dtype
        return Chosen(call(OWN + called, *map(name, arguments)), cast=cast)

    def _agrees(
        self,
        tree: Expression,
        function: Formula,
        given: Callable[[Trace], dict[str, Any]],
        step: str,
        *,
        strict: bool = False,
    ) -> tuple[bool, bool]:
        """Whether a formula gives a step's numbers in every trace; whether its dtype is off."""
        cast = False
        for t in self.traces:
            recorded = np.asarray(t.values[step])
            fixed, values = _fixed(tree, function), given(t)
            if strict and _overflows(fixed, values, t.theta.dtype):
                return False, cast
            with np.errstate(all="ignore"):
                found = np.asarray(fixed.evaluate(values))
            cast = cast or (found.dtype != recorded.dtype)
            if step == "losses":
                found = found.sum(axis=1)
            if step.startswith("dL_da") and t.samples is not None and t.samples[2] is not None:
                found = t.samples[2][:, None] * found
            scale = np.abs(recorded).max(initial=0.0)
            near = np.abs(found - recorded) <= tolerance(t.theta.dtype) * scale / 10
            # a loss is compared sample by sample: the small ones are the mean of a good network
            if step == "losses":
                near &= np.abs(found - recorded) <= 1e-3 * np.abs(recorded) + 1e-15
            if not near.all():
                return False, cast
        return True, cast

    def _define(self, function: Formula, arguments: tuple[str, ...], chosen: Chosen) -> str:
        """Write the function down; two with other constants get two names."""
        if chosen.tree.op == "call" and chosen.tree.args[0].startswith(OWN) and not chosen.cast:
            return str(chosen.tree.args[0])  # its own source
        if (function, "written") not in self.own:
            tree = self._marked(_fixed(chosen.tree, function))
            body = written(self._cast(tree, cast=chosen.cast, like=arguments[0]))
            called = self._free(snake(type(function).__name__))
            self.defined[called] = [
                f"def {called}({', '.join(arguments)}):",
                *([f'    """{said}"""'] if (said := docstring(function)) else []),
                f"    return {body}",
            ]
            self.own[function, "written"] = called
        return OWN + self.own[function, "written"]

    def _place(self, function: Formula, which: str) -> str:
        """The source of a definition among the functions; its name there."""
        if (function, which) not in self.own:
            base = snake(type(function).__name__)
            base = {"f": base, "df": f"{base}_slope", "step": f"{base}_step"}[which]
            _, before = source_of(function, which.replace("step", "f"), base)
            for needed, lines in before.items():
                if needed in self.taken or self.defined.get(needed, lines) != lines:
                    raise BadInput(
                        f"{type(function).__name__} uses a global {needed}",
                        "the notebook has that name for something else",
                        "Rename it.",
                    )
                self.defined[needed] = lines
            called = self._free(base)
            self.defined[called] = source_of(function, which.replace("step", "f"), called)[0]
            self.own[function, which] = called
        return self.own[function, which]

    @property
    def taken(self) -> set[str]:
        """Names that the notebook has for other things."""
        steps = self.traces[0].steps
        quantities = {step.name for step in steps} | {step.seed_name for step in steps}
        return quantities | TAKEN | set(HELPERS)

    def _free(self, base: str) -> str:
        called, again = base, 2
        while called in self.defined or called in self.taken:
            called, again = f"{base}{again}", again + 1
        return called

    def _cast(self, tree: Expression, *, cast: bool, like: str = "") -> Expression:
        if not cast:
            return tree
        return Expression("cast", (tree, f"{like}.dtype" if like else f"np.{self.dtype}"))

    # ------------------------------------------------------------ names of functions

    def _marked(self, tree: Expression) -> Expression:
        """The tree with the notebook's own functions told from NumPy's, and those noted."""
        parts = tuple(self._marked(p) if isinstance(p, Expression) else p for p in tree.args)
        if tree.op == "call":
            called = str(parts[0])
            if called in HELPERS:
                self._helper(called)
                parts = (OWN + called, *parts[1:])
                return Expression(tree.op, parts)
            if called not in PRIMITIVES and not called.startswith(OWN) and not _numpy(called):
                parts = (OWN + self._optimizer(called), *parts[1:])
        return Expression(tree.op, parts)

    def _helper(self, helper: str) -> None:
        axis = "1" if self.layout == "rows" else "0"
        self.helpers.setdefault(helper, HELPERS[helper].replace("AXIS", axis))

    def _optimizer(self, fallback: str) -> str:
        """A part of what an optimizer without a formula gives back, by the step's own source."""
        optimizer = self.traces[0].task.optimizer
        assert not isinstance(optimizer, LBFGS)
        own = type(optimizer).__name__.lower()
        parts = [f"{own}_{part}" for part in ("theta", *optimizer.slots)]
        step = self._place(optimizer, "step")
        lines = [f"def {fallback}(*args):", f"    return {step}(*args)[{parts.index(fallback)}]"]
        self.defined.setdefault(fallback, lines)
        return fallback

    def learning_rate(self, schedule: Schedule) -> list[str]:
        """A schedule as a function of the step, counted from 0."""
        values = [number(v) for v in schedule.constants]
        tree = symbolic(schedule.f, name("step"), *values)
        if tree is None:
            lines, before = source_of(schedule, "f", "learning_rate")
            return [line for part in (*before.values(), lines) for line in part]
        said = f'    """{docstring(schedule)}"""'
        return ["def learning_rate(step):", said, f"    return {written(self._marked(tree))}"]


def written(tree: Expression, spell: Callable[[str], str] = str) -> str:
    """A formula as code."""
    if tree.op == "cast":
        inside = tree.args[0].code(spell)
        bare = re.fullmatch(r"[\w.:]+(\([^()]*\))?", inside) is not None
        shown = f"{inside if bare else f'({inside})'}.astype({tree.args[1]})"
    elif any(part.op == "cast" for part in walk(tree)):
        left, right = tree.args  # a weight times what is cast
        shown = f"{left.code(spell)} * {written(right, spell)}"
    else:
        shown = tree.code(spell)
    return re.sub(rf"(np\.)?{OWN}", "", shown)


def docstring(function: Formula) -> str:
    """Its formula, as the one line of a docstring."""
    return function.formula.replace("\\", "").replace('"', "'")


def snake(text: str) -> str:
    """leaky_relu for LeakyReLU."""
    return re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", re.sub(r"\W", "", text)).lower()


def symbolic(definition: Callable[..., Any], *names: Expression) -> Expression | None:
    """The formula of a definition, or None where it has none."""
    try:
        made = definition(*names)
        return made if isinstance(made, Expression) else number(float(made))
    except (TypeError, AttributeError, ValueError, IndexError):
        return None


def _fixed(tree: Expression, function: Formula) -> Expression:
    for constant, value in formulas.constants(function).items():
        if isinstance(value, int | float):
            tree = tree.replace(name(constant), number(value))
    return tree


def _spread(tree: Expression, like: Expression) -> Expression:
    """A slope that is one number, as an array."""
    return tree if list(tree.names()) else tree * call("ones_like", like)


def _overflows(tree: Expression, values: dict[str, Any], dtype: np.dtype[Any]) -> bool:
    """Whether an e^x in a formula has no finite value: right in the end, but NumPy warns."""
    most = np.log(np.finfo(dtype).max)
    exponents = [p.args[1] for p in walk(tree) if p.op == "call" and p.args[0] == "exp"]
    return any(np.max(one.evaluate(values)) > most for one in exponents)


def _called(tree: Expression) -> set[str]:
    return {part.args[0] for part in walk(tree) if part.op == "call"}


def _numpy(function: str) -> bool:
    return function in {"ln", "max", "min", "absolute"} or hasattr(np, function)
