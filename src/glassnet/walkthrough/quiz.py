"""A quiz on a trace: numbers are hidden, the learner types them, and likely slips are named.

    quiz = trace.quiz(questions=5, seed=1)
    for question in quiz:
        print(question.ask())
        print(question.judge(input("? ")).said)

An answer is right within 1 % of the number, or within a thousandth of the largest number in its
array where that is more; a parameter after the update within a twentieth of its step, so that the
one before it is wrong. The numbers to work with are shown with as many digits as that needs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.core.losses import SquaredError
from glassnet.walkthrough import naming
from glassnet.walkthrough.explain import SUM, Index, Working, at, place, work
from glassnet.walkthrough.step import Part, Step

if TYPE_CHECKING:
    from glassnet.walkthrough.trace import Trace

RELATIVE, OF_LARGEST = 0.01, 0.001
OF_STEP = 0.05
TOLERANCE = (
    "within 1 % of the number, or a thousandth of the largest in its array; "
    "a parameter after the update within a twentieth of its step"
)
ASKED: tuple[Part, ...] = ("forward", "loss", "backward", "gradient", "update")


@dataclass(frozen=True)
class Slip:
    """A wrong answer that someone is likely to give, and what went wrong."""

    value: float
    words: str


@dataclass(frozen=True)
class Verdict:
    """What came of an answer. `right` is None where it could not be read as a number."""

    right: bool | None
    said: str
    slip: Slip | None = None


@dataclass(frozen=True, eq=False)
class Question:
    """One hidden number.

    tolerance : how far an answer may be from it.
    """

    working: Working
    slips: tuple[Slip, ...]
    tolerance: float

    @property
    def answer(self) -> float:
        """The number."""
        return self.working.value

    @property
    def symbol(self) -> str:
        """∂L/∂W₂[1,0]."""
        return at(self.working.step.symbol, self.working.index)

    @property
    def digits(self) -> int:
        """How many digits the given numbers need so that an answer can be right: 4 or more."""
        largest = max((abs(value) for value in self._given().values()), default=0.0)
        if largest == 0.0 or self.tolerance == 0.0:
            return 4
        return max(4, math.ceil(math.log10(largest / self.tolerance)) + 1)

    def ask(self) -> str:
        """The question in plain text: what is asked, how it is computed, and from which numbers."""
        step = self.working.step
        lines = [f"{self.symbol} = ?    ({step.seed_name})", f"  {step.words}"]
        if step.formula is not None:
            lines.append(f"  {step.symbol} = {step.formula.text(_symbol)}")
        given = self._given()
        width = max((len(_reader(key)) for key in given), default=0)
        for key, value in given.items():
            lines.append(f"    {_reader(key):<{width}} = {value:.{self.digits}g}")
        return "\n".join(lines)

    def solution(self) -> str:
        """How the number comes about, in one line."""
        digits, working = self.digits, self.working
        result = f"{self.answer:.{digits}g}"
        products = [math.prod(factor.value for factor in term.factors) for term in working.terms]
        multiplied = all(
            math.isclose(product, term.value, rel_tol=1e-6)
            for product, term in zip(products, working.terms, strict=True)
        )
        if working.terms and multiplied and not working.hidden:
            shown = " + ".join(
                "·".join(_bracketed(factor.value, digits) for factor in term.factors)
                for term in working.terms
            )
        elif working.terms:
            parts = [_bracketed(term.value, digits) for term in working.terms]
            rest = [_bracketed(working.rest, digits)] if working.hidden else []
            shown = " + ".join(parts + rest)
        else:
            shown = working.formula.text(lambda key: _bracketed(working.values[key], digits))
        shown = result if shown == result else f"{shown} = {result}"
        return f"{self.symbol} = {shown}"

    def judge(self, typed: str) -> Verdict:
        """Right, wrong, or wrong for a reason that can be named."""
        given = read(typed)
        if given is None:
            said = f"{typed.strip()!r} is no number. Try 0.5, 0,5, -1/3 or 2e-3."
            return Verdict(right=None, said=said)
        if abs(given - self.answer) <= self.tolerance:
            return Verdict(right=True, said=f"Right: {self.answer:.6g}.")
        for slip in self.slips:
            near = min(max(RELATIVE * abs(slip.value), 1e-12), self.tolerance)
            if abs(given - slip.value) <= near:
                return Verdict(right=False, said=f"Not quite: {slip.words}.", slip=slip)
        return Verdict(right=False, said="Not so. Try again, or ask for the answer.")

    def _given(self) -> dict[str, float]:
        # the numbers that the answer is made of; a long sum shows all its factors, or says the rest
        formula = self.working.formula
        answers = {SUM, formula.args[0] if formula.op == "name" else SUM}  # Σ losses is L itself
        found = {key: value for key, value in self.working.values.items() if key not in answers}
        for term in self.working.terms:
            for factor in term.factors:
                found.setdefault(at(factor.name, factor.index), factor.value)
        if self.working.hidden:
            found[f"{self.working.hidden} other terms together"] = self.working.rest
        return found


@dataclass(frozen=True, eq=False)
class Quiz:
    """Questions in the order in which a network computes."""

    questions: tuple[Question, ...]

    def __iter__(self) -> Iterator[Question]:
        return iter(self.questions)

    def __len__(self) -> int:
        return len(self.questions)

    def handout(self) -> str:
        """All questions on one sheet, and the answers at its end."""
        sheet = [f"{i}. {question.ask()}\n" for i, question in enumerate(self, 1)]
        answers = [f"{i}. {question.solution()}" for i, question in enumerate(self, 1)]
        return "\n".join([*sheet, "Answers", f"Right is: {TOLERANCE}.", "", *answers])


def make_quiz(
    trace: Trace, questions: int = 10, seed: int = 0, parts: Sequence[Part] = ASKED
) -> Quiz:
    """Questions drawn from a trace, spread over its steps; the same seed, the same questions."""
    if questions < 1:
        raise BadInput(f"{questions} questions", "1 or more are expected")
    odd = [part for part in parts if part not in ASKED]
    if odd:
        raise BadInput(f"{odd[0]!r} as a part", f"one of {', '.join(ASKED)} is expected")
    rng = np.random.default_rng(seed)
    steps = [s for s in trace.steps if s.part in parts and s.formula is not None and _worthy(s)]
    if not steps:
        raise BadInput(f"no number in {', '.join(parts)}", "a trace with such steps is expected")
    order = rng.permutation(len(steps))
    chosen = sorted(order[: min(questions, len(steps))].tolist())
    again = rng.integers(0, len(steps), max(0, questions - len(steps))).tolist()
    values = trace.environment()
    found = []
    for i in sorted(chosen + again):
        step = steps[i]
        array = np.asarray(step.value)
        # a number other than 0 where there is one: 0 says nothing of how it came about
        places = np.argwhere(array != 0) if (array != 0).any() else np.argwhere(array == 0)
        index = tuple(int(k) for k in places[rng.integers(len(places))])
        found.append(_question(trace, step, index, values))
    return Quiz(tuple(found))


def _worthy(step: Step) -> bool:
    # what is only another name for a number that is already there asks nothing
    return step.formula is not None and step.formula.op not in {"name", "number"}


def _question(trace: Trace, step: Step, index: Index, values: dict[str, Any]) -> Question:
    working = work(step, index, values)
    array = np.abs(np.asarray(step.value, dtype=np.float64))
    tolerance = max(RELATIVE * abs(working.value), OF_LARGEST * float(array.max()))
    if step.name.startswith("new_"):
        before = float(trace.values[step.name.removeprefix("new_")][index])
        tolerance = OF_STEP * abs(working.value - before) or tolerance
    slips = tuple(
        slip
        for slip in _slips(trace, step, index, working)
        if math.isfinite(slip.value) and abs(slip.value - working.value) > tolerance
    )
    return Question(working, slips, tolerance)


def _slips(trace: Trace, step: Step, index: Index, working: Working) -> Iterator[Slip]:
    """What people get wrong, the most telling first."""
    value, values, name = working.value, trace.values, step.name
    n = float(values["N"]) if "N" in values else 1.0
    if found := re.fullmatch(r"z(\d+)", name):
        yield from _of_sums(trace, int(found[1]), index, value)
    elif found := re.fullmatch(r"a(\d+)", name):
        yield Slip(float(values[f"z{found[1]}"][index]), "that is z, before the activation")
    elif name == "L":
        yield Slip(value / n, "that is the mean over the samples, asked is the sum")
    elif name == "J" and trace.task.reduction == "mean":
        yield Slip(value * n, "that is the sum over the samples, asked is the mean")
    elif found := re.fullmatch(r"h(\d+)", name):
        yield Slip(float(values[f"a{found[1]}"][index]), "that is a, before the mask")
    elif found := re.fullmatch(r"dL_d([zah])(\d+)", name):
        yield from _of_activations(trace, found[1], int(found[2]), index)
    elif found := re.fullmatch(r"d([LJ])_d([Wb])(\d+)", name):
        yield from _of_gradients(trace, step, index, value)
    elif found := re.fullmatch(r"new_([Wb]\d+)", name):
        yield from _of_updates(trace, found[1], index, value)
    yield Slip(-value, "the sign is the other way round")
    yield Slip(2.0 * value, "there is a factor 2 too many")
    yield Slip(0.5 * value, "a factor 2 is missing")
    if n > 1 and step.kind in {"parameter", "number"}:
        yield Slip(value / n, "it was divided by the number of samples")
        yield Slip(value * n, "it was multiplied by the number of samples")


def _of_sums(trace: Trace, k: int, index: Index, value: float) -> Iterator[Slip]:
    values, (s, j) = trace.values, index
    W = values[f"W{k}"]
    x = values[naming.handed(k - 1, values)]
    bias = float(values[f"b{k}"][j]) if f"b{k}" in values else 0.0
    if bias:
        yield Slip(value - bias, "the bias is missing")
    if f"m{k - 1}" in values:
        whole = float(values[f"a{k - 1}"][s] @ W[:, j])
        yield Slip(whole + bias, "the mask is missing: take what the layer below hands on")
    if W.shape[0] == W.shape[1]:
        yield Slip(float(x[s] @ W[j]) + bias, "W is transposed: column j holds neuron j's weights")
    yield Slip(float(values[f"a{k}"][index]), "that is a, after the activation")


def _of_activations(trace: Trace, letter: str, k: int, index: Index) -> Iterator[Slip]:
    values, depth = trace.values, len(trace.net.layers)
    if letter == "z":
        yield Slip(float(values[f"dL_da{k}"][index]), "σ′ is missing: the slope of the activation")
        return
    if letter == "a" and f"dL_dh{k}" in values:
        yield Slip(float(values[f"dL_dh{k}"][index]), "the mask is missing")
        return
    if k == depth:
        if isinstance(trace.task.loss, SquaredError):
            doubled = 2.0 * float(values[f"dL_da{k}"][index])
            yield Slip(doubled, "the half of ½(a - y)² takes the factor 2 away")
        return
    s, i = index
    above, W = values[f"dL_dz{k + 1}"], values[f"W{k + 1}"]
    yield Slip(
        float(values[f"dL_da{k + 1}"][s] @ W[i]), "σ′ of the layer above is missing: take ∂L/∂z"
    )
    if W.shape[0] == W.shape[1]:
        yield Slip(float(above[s] @ W[:, i]), "W is transposed: row i leads away from neuron i")
    if f"new_W{k + 1}" in values:
        new = values[f"new_W{k + 1}"]
        yield Slip(float(above[s] @ new[i]), "that takes W after the update, not before it")


def _of_gradients(trace: Trace, step: Step, index: Index, value: float) -> Iterator[Slip]:
    values, task = trace.values, trace.task
    of, letter, k = step.name[1], step.name[4], int(step.name[5:])
    part, n = f"{letter}{k}", float(values["N"])
    dL_da, x = values[f"dL_da{k}"], values[f"dz{k}_dW{k}"]
    if letter == "W":
        i, j = index
        without = float(x[:, i] @ dL_da[:, j])
        if step.shape[0] == step.shape[1]:
            turned = float(np.asarray(step.value)[j, i])
            yield Slip(turned, "that is the weight the other way: row and column are exchanged")
    else:
        without = float(dL_da[:, index[0]].sum())
    yield Slip(without, "σ′ is missing: the slope of the activation")
    if of == "J":
        plain = float(values[f"dL_d{part}"][index])
        if task.reduction == "mean":
            yield Slip(plain, "that is the sum over the samples, asked is the mean")
            yield Slip(plain / n, "the penalty's term is missing")
        else:
            yield Slip(plain, "the penalty's term is missing")
    else:
        yield Slip(value / n, "that is the mean over the samples, asked is the sum")


def _of_updates(trace: Trace, part: str, index: Index, value: float) -> Iterator[Slip]:
    values = trace.values
    before = float(values[part][index])
    yield Slip(before, "that is the parameter before the update, asked is after it")
    yield Slip(
        2.0 * before - value, "the step goes the wrong way: along the gradient, not against it"
    )
    gradient = values.get(f"g_{part}", values[f"dJ_d{part}"])
    yield Slip(before - float(gradient[index]), "the learning rate is missing")


def read(typed: str) -> float | None:
    """The number that someone typed: 0.5, 0,5, -1/3, 2e-3, ½ and − among it; None if it is none."""
    text = re.sub(r"(?<!\d)½", "0.5", typed.strip().replace("−", "-").replace(" ", ""))
    text = text if "." in text else text.replace(",", ".")
    number = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
    found = re.fullmatch(rf"({number})(?:/({number}))?", text)
    if found is None:
        return None
    below = float(found[2]) if found[2] else 1.0
    value = float(found[1]) / below if below else math.nan
    return value if math.isfinite(value) else None


def _reader(key: str) -> str:
    """A place as a reader sees it: ∂L/∂W₂[1,0] for dL_dW2[1,0]."""
    if "term" in key or " " in key:
        return key
    called, index = place(key)
    return at(_symbol(called), index)


def _symbol(name: str) -> str:
    from glassnet.walkthrough.as_text import plain

    spelled = plain(name)
    return naming.math(name) if spelled == name else spelled


def _bracketed(value: float, digits: int) -> str:
    shown = f"{value:.{digits}g}"
    return f"({shown})" if value < 0 else shown
