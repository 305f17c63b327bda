"""The arithmetic's HTML read back, and traces to read it of."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from glassnet import (
    SGD,
    Adam,
    BinaryCrossEntropy,
    CrossEntropy,
    Network,
    Sigmoid,
    Softmax,
    SquaredError,
    Tanh,
    Task,
)
from glassnet.core.activations import Activation, Identity
from glassnet.core.dropout import Dropout
from glassnet.lab.arithmetic import Asked, arithmetic
from glassnet.lab.pick import Pick
from glassnet.walkthrough.naming import handed
from glassnet.walkthrough.numerals import Numerals
from glassnet.walkthrough.trace import Trace, trace
from tests.walkthrough.instances import state_of

MATHML = {"math", "mrow", "mi", "mn", "mo", "mtext", "mfrac", "msub", "msup", "msqrt", "mtable",
          "mtr", "mtd"}  # fmt: skip
ALLOWED = {
    "div": {"class"}, "p": {"class"}, "section": {"class", "data-phase"}, "h3": set(),
    "span": {"class", "style"},
    "code": {"class"}, "wbr": set(), "b": set(), "sub": set(), "sup": set(), "i": set(),
    "data": {"class", "value", "title"}, "dl": {"class"}, "dt": set(), "dd": set(),
    "table": {"class"}, "caption": set(), "thead": set(), "tbody": set(), "tfoot": set(),
    "tr": {"class", "data-pick", "aria-current"}, "th": {"scope"}, "td": set(),
    "button": {"type", "class", "data-pick"},
    **{tag: {"lspace", "rspace", "style"} for tag in MATHML},
}  # fmt: skip
BLOCKS = {"p", "tr", "dd"}


class Read(HTMLParser):
    """What a content holds: its numbers, each with the line it stands in; what can be chosen."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.numbers: list[tuple[float, str, str]] = []  # value, as shown, the line around it
        self.picks: list[dict[str, Any]] = []
        self.rows: list[list[str]] = []
        self.sections: dict[str, str] = {}
        self.text = ""
        self.line: list[str] = []
        self.value: str | None = None
        self._waiting: list[tuple[float, str]] = []
        self._heading = ""
        self.feed(source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert {name for name, _ in attrs} <= ALLOWED[tag], (tag, attrs)
        assert not (tag == "button" and "button" in self.open)
        if tag == "wbr":
            return
        if tag in BLOCKS:
            self.line = []
        self.open.append(tag)
        given = dict(attrs)
        if tag == "data":
            self.value, self._shown = given["value"], ""
            assert given["title"] == given["value"].replace("e-0", "e-").replace("-", "−")
        if given.get("data-pick"):
            self.picks.append(json.loads(given["data-pick"] or ""))
        if tag == "tr":
            self.rows.append([])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "data":
            self._waiting.append((float(self.value or "nan"), self._shown))
            self.value = None
        if tag in BLOCKS:
            line = " ".join(self.rows[-1]) if tag == "tr" else "".join(self.line)
            self.numbers += [(*one, line) for one in self._waiting]
            self._waiting = []
        if tag in {"td", "th"}:
            self.rows[-1].append("".join(self.line))
            self.line = []

    def handle_data(self, text: str) -> None:
        self.text += text
        self.line.append(text)
        if self.value is not None:
            self._shown += text
        if self.open and self.open[-1] == "h3":
            self._heading = text
        self.sections[self._heading] = self.sections.get(self._heading, "") + text


def network(*sizes: int, output: Activation | None = None, **made: Any) -> Network:
    output = output or Sigmoid()
    return Network.mlp(*sizes, activation=Tanh(), output=output, **made)


def example(
    *sizes: int, n: int = 30, loss: Any = None, optimizer: Any = None, output: Any = None,
    step: int = 120, **task: Any,
) -> Trace:  # fmt: skip
    rng = np.random.default_rng(5)
    net = network(*(sizes or (2, 8, 1)), output=output)
    made = Task(net, loss or BinaryCrossEntropy(), optimizer or SGD(0.5), **task)
    X = rng.normal(size=(n, net.n_in))
    y = (X[:, :1] > 0).astype(float)
    if net.n_out > 1:
        y = np.eye(net.n_out)[rng.integers(0, net.n_out, n)]
    return trace(made, X, y, state=state_of(made, rng, step))


DEEP = {"loss": CrossEntropy(), "output": Softmax(), "optimizer": Adam(0.01), "l2": 0.01}
TRACES = {
    "2-8-1": example(),
    "sum": example(2, 3, 1, reduction="sum", loss=SquaredError()),
    "4-20-16-3": example(4, 20, 16, 3, n=40, **DEEP),
    "clipped": example(3, 4, 2, loss=SquaredError(), output=Identity(), clip=0.01, l1=0.1),
    "1-1": example(1, 1, n=1),
    "dropped": example(
        3,
        5,
        4,
        2,
        loss=SquaredError(),
        output=Identity(),
        optimizer=Adam(0.1),
        dropout=Dropout(0.4, seed=2),
        clip=0.05,
    ),
}


def picks_of(found: Trace) -> list[Pick]:
    net, depth = found.net, len(found.net.layers)
    last = net.n_out - 1
    return [
        Pick("neuron", 1, net.sizes[1] - 1), Pick("neuron", depth, last), Pick("neuron", depth),
        Pick("weight", 1, 0, net.n_in - 1), Pick("weight", depth, last, net.sizes[-2] - 1),
        Pick("bias", 1), Pick("bias", depth, last), Pick("input", 0, net.n_in - 1), Pick("sample"),
        Pick("layer", 0), Pick("layer", 1), Pick("layer", depth), Pick("loss"),
        Pick("epoch", 0, 7), Pick("none"),
    ]  # fmt: skip


EVERY = [
    pytest.param(found, pick, id=f"{label} {pick.json}")
    for label, found in TRACES.items()
    for pick in picks_of(found)
]


def show(found: Trace, pick: Pick, **asked: Any) -> Read:
    return Read(arithmetic(Asked(found, pick, **asked)).html)


def known(found: Trace) -> set[float]:
    """All numbers of a trace, and the terms of its sums."""
    v = {key: np.asarray(value, dtype=np.float64) for key, value in found.environment().items()
         if value is not None}  # fmt: skip
    arrays = [*v.values()]
    for k in range(1, len(found.net.layers) + 1):
        below = handed(k - 1, v)
        arrays.append(v[below][:, :, None] * v[f"W{k}"])
        if found.samples is not None:
            dL_dz = v[f"dL_dz{k}"]
            arrays += [v[below][:, :, None] * dL_dz[:, None], dL_dz[:, None] * v[f"W{k}"]]
    if found.samples is not None:
        arrays.append(v.get("lr", np.zeros(())) * v["N"])
        if "w" in v:
            arrays.append(v["w"] * v["losses"])
    return {abs(float(x)) for array in arrays for x in array.ravel()} | {float(found.net.n_params)}


def inner(found: Trace) -> np.ndarray:
    """Sums that stand inside a formula: of squares, of e^z, the loss of one output."""
    v = found.values
    last = len(found.net.layers)
    if found.samples is None:
        return np.zeros(0)
    sums = [np.sum(v[name] ** 2) for name in v if name.startswith(("W", "dJ_d"))]
    sums += [np.sum(np.abs(v[name])) for name in v if name.startswith("W")]
    z, a, y = v[f"z{last}"], v[f"a{last}"], v["y"]
    spread = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    arrays = [np.array(sums), 0.5 * (a - y) ** 2, y * spread, np.log(np.exp(z).sum(axis=1))]
    return np.concatenate([np.abs(array).ravel() for array in arrays])


OWN = re.compile(r"measured as|more")
"""Lines with numbers of their own, which other tests look at: measurements, what is left over."""


def check_numbers(found: Trace, read: Read, numerals: Numerals) -> None:
    numbers, sums = known(found), inner(found)
    assert read.numbers or "not computed" in read.text or "recorded" in read.text
    for value, shown, line in read.numbers:
        bare = shown.removeprefix("+").removeprefix("−")
        if "measured as" in line:
            numerals = replace(numerals, digits=max(numerals.digits, 6))
        assert bare == numerals.of(abs(value)), line
        if shown.startswith("+"):
            assert value > 0
        if shown.startswith("−"):
            assert value < 0
        assert (
            abs(value) in numbers
            or OWN.search(line)
            or np.isclose(abs(value), sums, rtol=1e-12, atol=0).any()
        ), (value, line)
