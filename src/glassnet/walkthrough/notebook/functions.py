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
    owners: dict[str, Formula] = field(default_factory=dict)
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
        for tree in candidates:
            if tree is None or own in _called(tree) or f"{own}_slope" in _called(tree):
                continue
            agrees, cast = self._agrees(tree, function, given, step)
            if agrees:
                return Chosen(tree, cast)
        fallback = own if which == "f" else f"{own}_slope"
        self.owners[fallback] = function
        return Chosen(call(fallback, *map(name, arguments)), cast=True)

    def _agrees(
        self,
        tree: Expression,
        function: Formula,
        given: Callable[[Trace], dict[str, Any]],
        step: str,
    ) -> tuple[bool, bool]:
        """Whether a formula gives a step's numbers in every trace; whether its dtype is off."""
        cast = False
        for t in self.traces:
            recorded = np.asarray(t.values[step])
            with np.errstate(all="ignore"):
                found = np.asarray(_fixed(tree, function).evaluate(given(t)))
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
        """Write the function down once; two with other constants get two names."""
        base = snake(type(function).__name__)
        taken = {"check", "network", "initial_weights", "learning_rate", *HELPERS}
        called, again = base if base not in taken else f"{base}_", 2
        while called in self.defined and self.owners.get(called) != function:
            called, again = f"{base}{again}", again + 1
        self.owners[called] = function
        if called not in self.defined:
            tree = self._marked(_fixed(chosen.tree, function))
            body = written(self._cast(tree, cast=chosen.cast, like=arguments[0]))
            lines = [f"def {called}({', '.join(arguments)}):"]
            said = function.formula.replace("\\", "")
            lines += [f'    """{said}"""', f"    return {body}"]
            # what it is made from stands before it
            self.defined[called] = lines
        return OWN + called

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
            # a definition's fallback name goes before NumPy's: one may be called Sinc
            own = called in self.owners or not _numpy(called)
            if own and called not in PRIMITIVES and not called.startswith(OWN):
                parts = (OWN + self._source(called), *parts[1:])
        return Expression(tree.op, parts)

    def _helper(self, helper: str) -> None:
        axis = "1" if self.layout == "rows" else "0"
        self.helpers.setdefault(helper, HELPERS[helper].replace("AXIS", axis))

    def _source(self, fallback: str) -> str:
        """A function without a formula, by its source; its name in the notebook."""
        task = self.traces[0].task
        owner: Any = self.owners.get(fallback)
        optimizer = task.optimizer
        if owner is None and not isinstance(optimizer, LBFGS):
            own = type(optimizer).__name__.lower()
            for place, part in enumerate(("theta", *optimizer.slots)):
                if fallback == f"{own}_{part}":
                    step = f"{own}_step"
                    self.defined.setdefault(step, source_of(optimizer, "f", step))
                    self.defined.setdefault(
                        fallback, [f"def {fallback}(*args):", f"    return {step}(*args)[{place}]"]
                    )
                    return fallback
        if owner is None:
            raise KeyError(fallback)
        which = "df" if fallback.endswith("_slope") else "f"
        called = f"{snake(type(owner).__name__)}_{'slope' if which == 'df' else 'value'}"
        same = [n for n in self.defined if n.startswith(called)]
        found = source_of(owner, which, called)
        for one in same:
            if (
                self.defined[one][1:] == found[1:]
                and self.defined[one][0][len(one) :] == found[0][len(called) :]
            ):
                return one
        if same:
            called = f"{called}{len(same) + 1}"
            found = source_of(owner, which, called)
        self.defined[called] = found
        return called

    def learning_rate(self, schedule: Schedule) -> list[str]:
        """A schedule as a function of the step, counted from 0."""
        values = [number(v) for v in schedule.constants]
        tree = symbolic(schedule.f, name("step"), *values)
        if tree is None:
            return source_of(schedule, "f", "learning_rate")
        said = f'    """{schedule.formula}"""'
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


def _called(tree: Expression) -> set[str]:
    return {part.args[0] for part in walk(tree) if part.op == "call"}


def _numpy(function: str) -> bool:
    return function in {"ln", "max", "min", "absolute"} or hasattr(np, function)
