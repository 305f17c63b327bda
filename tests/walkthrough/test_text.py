"""The trace as text: stored texts at three widths, the same with and without colour, none too wide.

After a change on purpose: python -m tests.walkthrough.test_text writes the stored texts anew. Look
at them before they are committed; a reader on the first day should understand each line.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from glassnet.core.activations import (
    ELU,
    GELU,
    Activation,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from glassnet.core.errors import BadInput
from glassnet.core.losses import BinaryCrossEntropy, CrossEntropy, Loss, Poisson, SquaredError
from glassnet.core.network import Network
from glassnet.core.optimizers import SGD, Adam, Momentum, Optimizer
from glassnet.engines.base import Task
from glassnet.walkthrough import labels
from glassnet.walkthrough.explain import work
from glassnet.walkthrough.ladder import rungs
from glassnet.walkthrough.matrices import NEGATIVE, POSITIVE, matrix
from glassnet.walkthrough.numerals import MINUS, Numerals, aligned
from glassnet.walkthrough.spelling import Spelling
from glassnet.walkthrough.step import Layout
from glassnet.walkthrough.text import Page, plain_text
from glassnet.walkthrough.trace import Trace, trace
from glassnet.walkthrough.wrapping import wrap_formula, wrap_words

STORED = Path(__file__).parents[1] / "data" / "walk"
WIDTHS = (60, 80, 120)
NEURONS = (1, 3, 300)
LAYOUTS: tuple[Layout, ...] = ("rows", "columns")
ESCAPE = re.compile(r"\x1b\[[\d;]*m")
ERROR = re.compile(r"relative error \S+")  # of rounding: another machine has another one


@cache
def traced(neurons: int) -> Trace:
    """A small problem through a hidden layer of so many neurons."""
    rng = np.random.default_rng(5)
    net = Network.mlp(3, neurons, 2, activation=Tanh(), output=Softmax())
    task = Task(net, CrossEntropy(), Adam(0.01), l2=0.1)
    X, y = rng.normal(size=(4, 3)), np.eye(2)[[0, 1, 1, 0]]
    return trace(task, X, y, theta=net.init(rng))


def pages(neurons: int, width: int) -> list[Text]:
    """What is stored: the card, one neuron, its layer, steps of each kind."""
    page = Page(traced(neurons), width, neuron=neurons // 2, sample=1)
    lines = [*page.card(), *page.account(), *page.as_matrices()]
    for name in ("y", "a2", "losses", "L", "N", "J", "da2_dz2", "dL_dz2", "dL_dW2", "dL_db2"):
        lines += [Text(""), *page.step(page.trace[name])]
    for name in ("dz2_da1", "dL_dX", "dJ_dW2", "m_b2", "new_b2"):
        lines += [Text(""), *page.step(page.trace[name])]
    return lines


def coloured(lines: list[Text], width: int) -> str:
    """As a terminal of 256 colours gets it."""
    screen = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=True,
        color_system="256",
        highlight=False,
        _environ={},
    )
    for line in lines:
        line.rstrip()
    screen.print(Text("\n").join(lines), soft_wrap=True)
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def comparable(text: str) -> str:
    return ERROR.sub("relative error …", text)


@pytest.mark.parametrize("neurons", NEURONS)
@pytest.mark.parametrize("width", WIDTHS)
def test_as_stored(width: int, neurons: int) -> None:
    lines = pages(neurons, width)
    stored = STORED / f"{neurons}-{width}"
    assert comparable(plain_text(lines)) == comparable(
        stored.with_suffix(".txt").read_text("utf-8")
    )
    shown = coloured(lines, width)
    assert comparable(shown) == comparable(stored.with_suffix(".ansi").read_text("utf-8"))
    assert ESCAPE.sub("", shown) == plain_text(lines)


# ---------------------------------------------------------------- any network, any width


def network(
    *hidden: Activation,
    output: Activation,
    loss: Loss,
    optimizer: Optimizer,
    n_out: int = 2,
) -> Trace:
    rng = np.random.default_rng(3)
    net = Network.mlp(5, *[11] * len(hidden), n_out, activation=hidden, output=output)
    task = Task(net, loss, optimizer, l1=0.01, l2=0.1, clip=0.5)
    y = np.eye(n_out)[rng.integers(0, n_out, 12)]
    weight = rng.random(12)
    return trace(task, rng.normal(size=(12, 5)), y, theta=net.init(rng), weight=weight)


MADE: dict[str, Callable[[], Trace]] = {
    "seed-like": lambda: network(
        Sigmoid(), output=Sigmoid(), loss=SquaredError(), optimizer=SGD(), n_out=1
    ),
    "classes": lambda: network(
        ReLU(), Softmax(), output=Softmax(), loss=CrossEntropy(), optimizer=Adam(), n_out=9
    ),
    "two classes": lambda: network(
        LeakyReLU(0.2), GELU(), output=Sigmoid(), loss=BinaryCrossEntropy(), optimizer=Momentum()
    ),
    "counts": lambda: network(ELU(), output=Sigmoid(), loss=Poisson(), optimizer=SGD()),
    "one layer": lambda: network(output=Identity(), loss=SquaredError(), optimizer=SGD()),
}
networks = pytest.mark.parametrize("made", MADE.values(), ids=MADE)


@pytest.mark.parametrize("width", [40, 60])
@pytest.mark.parametrize("names", ["math", "seed"])
@networks
def test_no_line_is_longer_than_the_width(
    made: Callable[[], Trace], names: str, width: int
) -> None:
    layout = LAYOUTS[width // 60]
    for numerals in (Numerals(), Numerals(exact=True)):
        page = Page(made(), width, layout, names, numerals)  # type: ignore[arg-type]
        lines = plain_text([*page.card(), *page.account(), *page.as_matrices(), *page.whole()])
        assert max(map(cell_len, lines.splitlines())) <= width
        if numerals.exact:
            for computed in ("softmax_slope", "contract", "xlogy", "ones_like", "\x01", "nan"):
                assert computed not in lines


@networks
def test_lines_of_a_sum_come_to_the_number(made: Callable[[], Trace]) -> None:
    found = made()
    exact = Numerals(exact=True)
    values = found.environment()
    seen = 0
    for layout in LAYOUTS:
        spelling = Spelling(found, layout, "math", exact)
        for step in found.steps:
            if step.formula is None or not step.shape:
                continue
            one = work(step, tuple(size - 1 for size in step.shape), values, most=10**6)
            texts = [text for text, _ in rungs(spelling, one)]
            assert number(texts[-1]) == one.value
            if one.terms and all(len(term.factors) < 3 for term in one.terms) and len(texts) > 2:
                if step.formula.op == "sum" and step.name == "losses":
                    continue
                assert number(texts[1]) == pytest.approx(one.value, rel=1e-9, abs=1e-12)
                assert number(texts[-2]) == pytest.approx(one.value, rel=1e-9, abs=1e-12)
                seen += 1
    assert seen > 4


def number(text: str) -> float:
    """A line of products and sums, calculated as one would type it in."""
    return float(eval(text.replace(MINUS, "-").replace("·", "*")))


def test_places_are_where_the_matrix_beside_them_has_them() -> None:
    found = traced(3)
    turned, plain = (Spelling(found, layout) for layout in ("columns", "rows"))  # type: ignore[arg-type]
    assert plain.place(found["a1"], (3, 2)) == "a₁[3,2]"
    assert turned.place(found["a1"], (3, 2)) == "a₁[2,3]"
    assert turned.place(found["W1"], (0, 2)) == "W₁[0,2]"
    lines = plain_text(Page(found, 80, "columns", sample=3, neuron=2).step(found["a1"]))
    row = next(line for line in lines.splitlines() if line.strip().startswith("neuron 2"))
    assert row.split()[-1] == lines.splitlines()[-1].split()[-1]


def test_a_hidden_rest_is_counted_and_added() -> None:
    lines = plain_text(Page(traced(300), 80, neuron=0, layer=2).account_forward())
    assert "… 294 more" in lines
    found = re.search(r"= (\+\S+|−\S+)(.*)\(the 294 more\)", lines.replace("\n", " "))
    assert found


def test_nothing_to_go_back_from_is_not_computed_yet_rather_than_0() -> None:
    net = Network.mlp(2, 3, 1)
    found = trace(Task(net, SquaredError()), [[1.0, 2.0]], theta=net.init(0))
    page = Page(found, 60)
    for lines in (page.account_back(), page.whole()):
        text = plain_text(lines)
        assert "not computed yet" in text
        assert not re.search(r"= \+?0\b", text.partition("not computed")[2])
    assert "∂L/∂z₁   not computed yet" in plain_text(page.account_back())


def test_a_kink_is_said_and_a_wrong_derivative_has_a_cross() -> None:
    net = Network.mlp(1, 1, 1, activation=ReLU(), bias=False)
    found = trace(Task(net, SquaredError()), [[0.0]], [[1.0]], theta=np.ones(2))
    assert "at a kink" in plain_text(Page(found, 80).step(found["da1_dz1"]))

    class Crooked(Tanh):
        """A slope that is wrong."""

        @staticmethod
        def df(z: object, a: object) -> object:  # type: ignore[override]
            return 0 * np.asarray(z) + 0.5

    net = Network.mlp(1, 1, 1, activation=Crooked(), bias=False)
    found = trace(Task(net, SquaredError()), [[1.0]], [[1.0]], theta=np.ones(2))
    assert "✗ wrong" in plain_text(Page(found, 80).step(found["da1_dz1"]))


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"sample": 4}, "samples are counted from 0 to 3"),
        ({"layer": 3}, "layers are counted from 1 to 2"),
        ({"layer": 0}, "layers are counted from 1 to 2"),
        ({"neuron": 3}, "neurons of layer 1 are counted from 0 to 2"),
        ({"neuron": -1}, "neurons of layer 1 are counted from 0 to 2"),
        ({"layer": 2, "neuron": 2}, "neurons of layer 2 are counted from 0 to 1"),
    ],
)
def test_what_is_not_there_cannot_be_looked_at(where: dict[str, int], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Page(traced(3), **where)  # type: ignore[arg-type]


# ---------------------------------------------------------------- small pieces


@pytest.mark.parametrize(
    ("x", "shown"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "+1"),
        (-3.0, "−3"),
        (0.787, "+0.7870"),
        (-0.0685171, "−0.06852"),
        (9.99996, "+10.00"),
        (0.99999999, "+1.000"),
        (123.456, "+123.5"),
        (123456.7, "+123457"),
        (123456789.5, "+1.235e8"),
        (1.5e-5, "+1.500e−5"),
        (0.00012345, "+0.0001234"),
        (-1e-300, "−1.000e−300"),
        (np.inf, "+inf"),
        (-np.inf, "−inf"),
        (np.nan, "nan"),
    ],
)
def test_numbers(x: float, shown: str) -> None:
    assert Numerals().of(x, signed=True) == shown


@pytest.mark.parametrize("x", [0.1 + 0.2, -1e-17 / 3, 2.0**-1074, 1.7976931348623157e308, 1e22])
def test_all_digits_can_be_read_back(x: float) -> None:
    assert float(Numerals(exact=True).of(x).replace(MINUS, "-")) == x


def test_decimal_points_stand_one_below_the_other() -> None:
    column = aligned(["+0.4980", "−12.3", "0", "+1.5e−7", "+123457"])
    assert len(set(map(len, column))) == 1
    points = [text.index(".") for text in column if "." in text]
    assert len(set(points)) == 1
    assert column[2].rstrip().endswith("0")
    assert len(column[2].rstrip()) == points[0]


def test_a_matrix_says_how_much_it_leaves_out_and_colours_by_sign() -> None:
    values = np.arange(-3000.0, 3000.0).reshape(20, 300) + 0.5
    lines = matrix(
        values, labels.SAMPLES, labels.NEURONS, numerals=Numerals(), signed=True, width=60
    )
    text = plain_text(lines)
    columns = len(re.findall("neuron", text.splitlines()[0]))
    assert f"… {300 - columns} more neurons, 12 more samples" in text
    styles = {span.style for line in lines for span in line.spans}
    assert NEGATIVE in styles
    assert POSITIVE not in styles  # all eight rows shown are below 0


@pytest.mark.parametrize("width", [40, 60, 100])
@pytest.mark.parametrize("keep", [(0, 0), (19, 1), (7, 2), (8, 150), (0, 299), (12, 298)])
def test_the_place_that_is_looked_at_is_always_shown(keep: tuple[int, int], width: int) -> None:
    values = np.arange(6000.0).reshape(20, 300) + 0.5
    i, j = keep
    options = {"numerals": Numerals(6), "signed": False, "width": width, "keep": keep}
    lines = plain_text(matrix(values, labels.SAMPLES, labels.NEURONS, **options)).splitlines()  # type: ignore[arg-type]
    head = re.findall(r"neuron \d+|…", lines[0])
    row = next(line for line in lines if line.startswith(f"    sample {i} "))
    shown = [word for word in head if word != "…"]
    assert row.split()[2:][shown.index(f"neuron {j}")] == Numerals(6).of(values[i, j])
    assert f"{300 - len(shown)} more neurons" in lines[-1]
    assert max(map(len, lines)) <= width
    # a … stands wherever neurons are left out, and nowhere else
    places = [int(word.split()[1]) for word in shown]
    gaps = sum(b > a + 1 for a, b in itertools.pairwise([-1, *places, 300]))
    assert head.count("…") == gaps


@pytest.mark.parametrize("width", range(12, 60, 5))
def test_formulas_break_before_operators_and_lose_nothing(width: int) -> None:
    text = "= a₁[0,0]·W₁[0,0] + (b + c·d)·(e − f) − error_wrt_weights_hidden_output[1,0] @ x/y"
    lines = wrap_formula(text, width, "  ", "    ")
    assert max(map(cell_len, lines)) <= width
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    if width > 45:
        assert all(line.strip()[0] in "=+−@" for line in lines)


def test_words_wrap_at_blanks() -> None:
    assert wrap_words("many small words", 10, " ") == [" many", " small", " words"]
    assert wrap_words("unbreakable", 6) == ["unbrea", "kable"]


def write() -> None:
    """The stored texts anew."""
    STORED.mkdir(exist_ok=True)
    for neurons in NEURONS:
        for width in WIDTHS:
            lines = pages(neurons, width)
            stored = STORED / f"{neurons}-{width}"
            stored.with_suffix(".txt").write_text(plain_text(lines), "utf-8")
            stored.with_suffix(".ansi").write_text(coloured(lines, width), "utf-8")


if __name__ == "__main__":
    write()
