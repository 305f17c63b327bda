"""One number explained: the sum with the numbers in it, down to the weight after the update.

An explanation is a list of workings. A working is a formula at one place, the same with its
numbers, and the result; a long sum shows its largest terms and the total of the rest.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.walkthrough import naming
from glassnet.walkthrough.expression import Expression, Own, call, name, number
from glassnet.walkthrough.step import Layout, Step

MOST = 6
"""The most terms of a sum that are shown one by one."""

Index = tuple[int, ...]


@dataclass(frozen=True)
class Factor:
    """A number in a term, and where it stands: a1[0,2]."""

    name: str
    index: Index
    value: float


@dataclass(frozen=True)
class Term:
    """One term of a sum: a product of factors."""

    label: str  # "sample 3", "input 2", "bias"
    factors: tuple[Factor, ...]
    value: float


@dataclass(frozen=True, eq=False)
class Working:
    """How one number comes about.

    formula : at this place, in names such as a1[0,2]; `filled` is the same with numbers for names.
    terms : where it is a sum, those shown, in order; `hidden` others add up to `rest`.
    """

    step: Step
    index: Index
    formula: Expression
    values: Mapping[str, float]
    terms: tuple[Term, ...]
    hidden: int
    rest: float
    value: float

    @property
    def place(self) -> str:
        """dL_dW2[1,0]."""
        return at(self.step.name, self.index)


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """A number, and all that leads to it or on from it.

    cell : for an input, how it came from the cell of a table.
    """

    asked: str
    workings: tuple[Working, ...]
    cell: tuple[str, ...] = ()

    @property
    def value(self) -> float:
        """The number that was asked for."""
        return next(w.value for w in self.workings if w.place == self.asked)

    def __iter__(self) -> Iterator[Working]:
        return iter(self.workings)

    def __repr__(self) -> str:
        return (
            f"<{self.asked} = {self.value:.6g}, in {len(self.workings)} "
            f"working{'s' * (len(self.workings) != 1)}. "
            f'print(trace.text("{self.asked}")) writes it out>'
        )

    def _repr_html_(self) -> str:
        from glassnet.walkthrough.html import of_explanation

        return of_explanation(self)


def at(name_of: str, index: Index) -> str:
    """A place in an array: dL_dW2[1,0]."""
    return f"{name_of}[{','.join(map(str, index))}]" if index else name_of


# dL_dW2[1,0] or m̂[W₂][1,0]: a name, which may end in that of a parameter, and a place
PLACE = re.compile(
    r"\s*(?P<name>[^\[\]]+?(?:\[[Wb][₀-₉]+\])?)\s*"
    r"(?:\[\s*(?P<index>-?\d+(?:\s*,\s*-?\d+)*)\s*\])?\s*"
)


def place(text: str) -> tuple[str, Index]:
    """The name and index in "dL_dW2[1,0]"."""
    found = PLACE.fullmatch(text)
    if found is None:
        raise BadInput(f"{text!r} as the name of a number", "a form like dL_dW2[1,0] is expected")
    index = found["index"]
    return found["name"], tuple(map(int, index.split(","))) if index else ()


def check_index(step: Step, index: Sequence[int], layout: Layout = "rows") -> Index:
    """The index with samples as rows, from one in the array as the layout shows it.

    Counted from 0; negative ones from its end.
    """
    shape = np.shape(step.shown(layout))
    whole = all(hasattr(i, "__index__") for i in index)
    fits = len(index) == len(shape) and all(
        -size <= i < size for i, size in zip(index, shape, strict=True)
    )
    if not (whole and fits):
        got = at(step.name, tuple(index))
        last = at(step.name, tuple(size - 1 for size in shape))
        hint = f"Try {last}, the last." if shape else f"Try {last} without a place."
        raise BadInput(got, f"{step.name} has shape {shape}, counted from 0", hint)
    found = tuple(int(i) % size for i, size in zip(index, shape, strict=True))
    return found[::-1] if layout == "columns" and step.kind == "data" else found


def chain(steps: Mapping[str, Step], step: Step, index: Index) -> list[tuple[Step, Index]]:
    """What is explained together: a parameter's gradient with all that follows from it."""
    found = re.fullmatch(r"(?:.*_)?d?([Wb]\d+)", step.name)
    about_parameter = (
        found
        and found[1] in steps
        and step.shape == steps[found[1]].shape
        and not step.name.startswith("dz")
    )
    if not about_parameter or found is None:
        return [(step, index)]
    part = found[1]
    wanted = (f"dL_d{part}", f"dJ_d{part}", f"g_{part}")
    return [
        (one, index)
        for one in steps.values()
        if one.formula is not None
        and (one.name in wanted or (one.part == "update" and one.name.endswith(f"_{part}")))
    ] or [(step, index)]


def work(step: Step, index: Index, values: Mapping[str, Any], most: int = MOST) -> Working:
    """The working of one number of a step."""
    value = float(np.asarray(step.value)[index])
    if step.formula is None:
        formula = name(at(step.name, index))
        return Working(step, index, formula, {at(step.name, index): value}, (), 0, 0.0, value)
    numbers: dict[str, float] = {}
    terms, hidden, rest = _terms(step.formula, index, values, most, numbers)
    formula = _at(step.formula, index, values, numbers)
    return Working(step, index, formula, numbers, terms, hidden, rest, value)


# ---------------------------------------------------------------- one place of a formula


def _at(
    tree: Expression, index: Index, values: Mapping[str, Any], numbers: dict[str, float]
) -> Expression:
    """The formula at one place: names become names of single numbers, which `numbers` collects.

    A sum becomes a name of its own, sum(…), since its terms are listed beside it.
    """
    op, args = tree.op, tree.args
    match op:
        case "number":
            return tree
        case "name":
            return _place(args[0], index, values, numbers)
        case "T":
            return _at(args[0], index[::-1], values, numbers)
        case "column":
            return _at(args[0], index[:1], values, numbers)
        case "@" if len(index) == 2:  # of a product of matrices one row and one column are enough
            left, right = (np.asarray(part.evaluate(values)) for part in args)
            numbers[SUM] = float(left[index[0]] @ right[:, index[1]])
            return name(SUM)
        case "@" | "sum":
            found = tree.evaluate(values)
            total = float(found if np.ndim(found) == 0 else found[_fitting(found, index)])
            # several may stand in one formula, each over all there is: Σ W1^2 + Σ W2^2
            key = tree.text(str) if op == "sum" and args[1] == "all" else SUM
            numbers[key] = total
            return name(key)
        case "call" if args[0] in {"softmax", "log_softmax", "softmax_slope", "contract"}:
            return _mixed(tree, index, values, numbers)
        case "call" if isinstance(args[0], Own):
            return _own(tree, index, values, numbers)
    parts = (_at(a, index, values, numbers) if isinstance(a, Expression) else a for a in args)
    return Expression(op, tuple(parts))


SUM = "Σ"
"""The name of a sum in a formula at one place."""


def _place(
    of: str, index: Index, values: Mapping[str, Any], numbers: dict[str, float]
) -> Expression:
    array = np.asarray(values[of])
    where = _fitting(array, index)
    numbers[at(of, where)] = float(array[where])
    return name(at(of, where))


def _fitting(array: Any, index: Index) -> Index:
    # (s, j) of a bias (n_out,) is its j; of a sample's number (n,) given as a column, its s
    return index[len(index) - np.ndim(array) :] if np.ndim(array) <= len(index) else index


def _mixed(
    tree: Expression, index: Index, values: Mapping[str, Any], numbers: dict[str, float]
) -> Expression:
    """Softmax and its slope, which look at all neurons of a sample."""
    function, *parts = tree.args
    if function == "softmax":
        of = _name_of(parts[0])
        s, j = index
        sums = np.asarray(values[of], dtype=np.float64)[s]
        row = [_place(of, (s, k), values, numbers) for k in range(len(sums))]
        if abs(sums.max()) > LARGE:  # the largest taken from all: it cancels, and e^z exists
            sums, row = sums - sums.max(), [z - number(float(sums.max())) for z in row]
        if len(row) > MOST:
            numbers[SUM] = float(np.exp(sums).sum())
            return call("exp", row[j]) / name(SUM)
        below = call("exp", row[0])
        for other in row[1:]:
            below = below + call("exp", other)
        return call("exp", row[j]) / below
    if function == "log_softmax":
        of = _name_of(parts[0])
        z = np.asarray(values[of], dtype=np.float64)[index[0]]
        key = f"ln Σ e^{of}[{index[0]}]"
        numbers[key] = float(z.max() + np.log(np.exp(z - z.max()).sum()))
        return _place(of, index, values, numbers) - name(key)
    if function == "softmax_slope":
        of = _name_of(parts[0])
        s, i, j = index
        a_i, a_j = (_place(of, (s, k), values, numbers) for k in (i, j))
        return a_i * (number(1.0) - a_j) if i == j else -a_i * a_j
    numbers[SUM] = float(tree.evaluate(values)[index])
    return name(SUM)


LARGE = 500.0
"""Sums z beyond it have no e^z."""


def _own(
    tree: Expression, index: Index, values: Mapping[str, Any], numbers: dict[str, float]
) -> Expression:
    """A function without a formula: of single numbers if it can, else as a number of its own."""
    whole = np.asarray(tree.evaluate(values))
    here = float(whole[_fitting(whole, index)])
    own: dict[str, float] = {}
    function, *parts = tree.args
    single = call(function, *(_at(part, index, values, own) for part in parts))
    try:
        if np.isclose(single.evaluate(own), here, rtol=1e-12, atol=0.0, equal_nan=True):
            numbers.update(own)
            return single
    except (TypeError, AttributeError, ValueError, IndexError):
        pass  # it looks at more than one neuron
    numbers[tree.text(str)] = here
    return name(tree.text(str))


def _name_of(tree: Expression) -> str:
    return str(tree.args[0]) if tree.op == "name" else _name_of(tree.args[0])


# ---------------------------------------------------------------- the terms of a sum


def _terms(
    tree: Expression,
    index: Index,
    values: Mapping[str, Any],
    most: int,
    numbers: dict[str, float],
) -> tuple[tuple[Term, ...], int, float]:
    """The terms of the sum in a formula at one place, those that are shown, and the rest."""
    match tree.op:
        case "+" | "-" | "/":
            # z = a @ W + b and dL/dW / N: the sum is on the left
            terms, hidden, rest = _terms(tree.args[0], index, values, most, numbers)
            if terms and tree.op == "+" and tree.args[1].op in {"name", "column"}:
                of = _name_of(tree.args[1])
                array = np.asarray(values[of])
                where = _fitting(array, index)
                value = float(array[where])
                bias = Term(naming.math(of), (Factor(of, where, value),), value)
                return (*terms, bias), hidden, rest
            return terms, hidden, rest
        case "@":
            left, right = tree.args
            i, j = index
            first, second = np.asarray(left.evaluate(values)), np.asarray(right.evaluate(values))
            factors = [
                (_name_of(left), lambda k: _turned(left, (i, k)), first[i]),
                (_name_of(right), lambda k: _turned(right, (k, j)), second[:, j]),
            ]
            return _products(factors, _label(left), most)
        case "sum":
            return _summed(tree, index, values, most)
        case "call" if tree.args[0] == "contract":
            s, j = index
            of, slope = (_name_of(part) for part in tree.args[1:])
            first, second = np.asarray(values[of]), np.asarray(values[slope])
            return _products(
                [(of, lambda i: (s, i), first[s]), (slope, lambda i: (s, i, j), second[s, :, j])],
                "output",
                most,
            )
    return (), 0, 0.0


def _turned(tree: Expression, index: Index) -> Index:
    return index[::-1] if tree.op == "T" else index


def _label(left: Expression) -> str:
    # x.T @ dL_dz adds up over the samples, x @ W over the inputs, dL_dz @ W.T over the neurons
    if left.op == "T":
        return "sample"
    return "neuron" if _name_of(left).startswith("dL_dz") else "input"


def _products(factors: list[Any], label: str, most: int) -> tuple[tuple[Term, ...], int, float]:
    products = np.prod([vector for _, _, vector in factors], axis=0)
    shown = largest(products, most)
    terms = tuple(
        Term(
            f"{label} {k}",
            tuple(Factor(of, where(int(k)), float(vector[k])) for of, where, vector in factors),
            float(products[k]),
        )
        for k in shown
    )
    return terms, len(products) - len(shown), _others(products, shown)


def _summed(
    tree: Expression, index: Index, values: Mapping[str, Any], most: int
) -> tuple[tuple[Term, ...], int, float]:
    inner, over = tree.args
    array = np.asarray(inner.evaluate(values))
    if over == "all" and array.ndim != 1:
        return (), 0, 0.0  # over a whole matrix: the total says it
    vector = array
    if array.ndim == 2:
        vector = array[:, index[-1]] if over == "samples" else array[index[0]]
    label = "output" if over == "outputs" else "sample"
    shown = largest(vector, most)
    terms = []
    for k in shown:
        where: Index = (int(k),)
        if array.ndim == 2:
            where = (int(k), index[-1]) if over == "samples" else (index[0], int(k))
        own: dict[str, float] = {}
        _at(inner, where, values, own)
        found = tuple(Factor(*place(key), value) for key, value in own.items() if key != SUM)
        terms.append(Term(f"{label} {k}", found, float(vector[k])))
    return tuple(terms), len(vector) - len(shown), _others(vector, shown)


def largest(values: np.ndarray, most: int) -> np.ndarray:
    """The places of the `most` largest by size, in their order; all where there are fewer."""
    if len(values) <= most:
        return np.arange(len(values))
    if most < 1:
        return np.arange(0)
    size = np.abs(values)
    size[np.isnan(size)] = -1.0  # what is no number comes last
    bound = np.partition(size, -most)[-most]
    above, equal = np.flatnonzero(size > bound), np.flatnonzero(size == bound)
    return np.sort(np.concatenate([above, equal[: most - len(above)]]))


def _others(values: np.ndarray, shown: np.ndarray) -> float:
    rest = np.ones(len(values), dtype=bool)
    rest[shown] = False
    return added_up(values[rest])


def added_up(values: Iterable[float]) -> float:
    """Their sum, rounded once; of a run that diverged, what floats make of it.

    >>> added_up([1e16, 1.0, -1e16]), added_up([math.inf, -math.inf])
    (1.0, nan)
    """
    numbers = np.fromiter(values, dtype=np.float64)
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):  # ∞ − ∞, or more than a float holds on the way
        with np.errstate(all="ignore"):
            return float(numbers.sum())
