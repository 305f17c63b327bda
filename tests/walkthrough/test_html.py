"""The trace in HTML: well made, escaped, self-contained, legible whatever a viewer takes away."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass, replace
from functools import cache
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet import (
    ELU,
    GELU,
    SGD,
    Absolute,
    Activation,
    Adam,
    AdamW,
    BadInput,
    BinaryCrossEntropy,
    CrossEntropy,
    Exp,
    Huber,
    Identity,
    LeakyReLU,
    Momentum,
    Nesterov,
    Network,
    Pinball,
    Poisson,
    ReLU,
    RMSProp,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    SquaredError,
    Tanh,
    Task,
    Uniform,
)
from glassnet.walkthrough import html
from glassnet.walkthrough.as_html import html_of
from glassnet.walkthrough.blackboard import blackboard
from glassnet.walkthrough.card import card
from glassnet.walkthrough.expression import Expression, call, name, number, total, where
from glassnet.walkthrough.html_table import kept
from glassnet.walkthrough.look import Look
from glassnet.walkthrough.numerals import Numerals
from glassnet.walkthrough.trace import Trace, trace

VOID = {"br", "meta"}
BLOCKS = {"p", "div", "table", "details", "pre"}
ALLOWED = {
    "div": {"class", "style", "id"},
    "a": {"href"},
    "details": {"open", "style"},
    "th": {"scope", "style"},
    "td": {"style", "colspan"},
    **{tag: {"style"} for tag in ("span", "p", "summary", "table", "caption", "pre")},
    **{tag: set() for tag in ("b", "i", "br", "sub", "sup", "small", "code", "tr")},
}


class Read(HTMLParser):
    """What a page holds; it may close only what is open, and put no block into a paragraph."""

    def __init__(self, source: str, *, styled: bool = False) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.hidden: list[bool] = []
        self.styled = styled
        self.texts: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(source)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, key, value or "") for key, value in attrs]
        found = dict(attrs)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if "href" in found else []
        if tag in BLOCKS:
            assert "p" not in self.open, (tag, self.open)
        if tag == "br":
            self.texts.append("\n")
        if tag not in VOID:
            self.open.append(tag)
            self.hidden.append("display:none" in (found.get("style") or ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag
        self.hidden.pop()
        if tag in BLOCKS | {"tr", "td", "th", "caption", "summary"}:
            self.texts.append("\n")

    def handle_data(self, data: str) -> None:
        if not (self.styled and any(self.hidden)):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def bare(source: str) -> str:
    return Read(source).text.strip("\n")


def seed(**settings: object) -> Trace:
    X = [[1.0, 0, 0, 0], [1.0, 0, 1, 1], [0.0, 1, 0, 1]]
    net = Network.mlp(4, 3, 1, activation=Sigmoid(), output=Sigmoid(), bias=False)
    task = Task(net, SquaredError(), SGD(0.1), reduction="sum")
    theta = net.init(np.random.RandomState(42), Uniform())
    return trace(replace(task, **settings), X, [[1.0], [1.0], [0.0]], theta=theta)  # type: ignore[arg-type]


KINDS = [
    ((Sigmoid(),), Sigmoid(), SquaredError(), SGD(0.1)),
    ((Tanh(), LeakyReLU(0.2)), Softmax(), CrossEntropy(), Adam(0.01)),
    ((GELU(), Softmax()), Sigmoid(), BinaryCrossEntropy(), Momentum()),
    ((ELU(0.5), SiLU()), Exp(), Poisson(), AdamW()),
    ((Softplus(),), Identity(), Pinball(0.3), RMSProp()),
    ((ReLU(),), Tanh(), Huber(0.3), Nesterov()),
    ((ReLU(),), Softmax(), SquaredError(), SGD(0.1)),
    ((Tanh(),), Identity(), Absolute(), SGD(0.1)),
]


@cache
def made(kind: int) -> Trace:
    hidden, output, loss, optimizer = KINDS[kind]
    rng = np.random.default_rng(kind)
    net = Network.mlp(4, *[3] * len(hidden), 3, activation=hidden, output=output)
    weight = rng.random(5) if kind % 2 else None
    regular = {"l1": 0.01, "l2": 0.1, "clip": 0.5} if kind % 3 else {}
    task = Task(net, loss, optimizer, reduction="sum" if kind % 2 else "mean", **regular)
    y = np.eye(3)[rng.integers(0, 3, 5)]
    return trace(task, rng.normal(size=(5, 4)), y, theta=net.init(1), weight=weight)


every_kind = pytest.mark.parametrize("kind", range(len(KINDS)))
LAYOUTS = ["rows", "columns"]
NAMES = ["math", "seed"]
every_look = pytest.mark.parametrize(
    "look", [Look(layout=one, names=other) for one in LAYOUTS for other in NAMES], ids=str
)


# ---------------------------------------------------------------- formulas


def leaf(spelled: str) -> str:
    return spelled.replace("<", "&lt;")


@every_kind
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_formula_stripped_of_its_tags_is_its_text(kind: int, layout: str) -> None:
    for step in made(kind):
        tree = step.written(layout)
        if tree is None:
            continue
        for one in (tree, blackboard(tree)):
            assert bare(html_of(one, leaf)[0]).replace("−", "-") == one.text(str)


trees = st.recursive(
    st.sampled_from(["z", "a1", "alpha"]).map(name)
    | st.sampled_from([0.5, 2.0, -1.0, 1e-8]).map(number),
    lambda part: st.one_of(
        st.builds(
            lambda op, a, b: Expression(op, (a, b)),
            st.sampled_from(["+", "-", "*", "/", "**", "@", ">", "<="]),
            part,
            part,
        ),
        st.builds(
            lambda op, a: Expression(op, (a,)), st.sampled_from(["neg", "T", "column"]), part
        ),
        st.builds(
            call,
            st.sampled_from(["exp", "sqrt", "square", "abs", "log1p", "expm1", "tanh", "ln"]),
            part,
        ),
        st.builds(call, st.sampled_from(["logaddexp", "maximum", "minimum", "xlogy"]), part, part),
        st.builds(total, part, st.sampled_from(["samples", "outputs", "all"])),
        st.builds(where, part, part, part),
    ),
    max_leaves=8,
)


@given(trees)
def test_any_formula_stripped_of_its_tags_is_its_text(tree: Expression) -> None:
    assert bare(html_of(tree, leaf)[0]).replace("−", "-") == tree.text(str)


def test_what_a_layout_makes_needless_is_hidden() -> None:
    tree = seed()["a1"].formula
    assert tree is not None
    source = html_of(tree, str)[0]
    assert bare(source) == "1/(1 + e^(−z1))"
    assert Read(source, styled=True).text == "11 + e−z1"


def test_the_blackboard_says_what_a_computer_calls_by_a_name() -> None:
    said = {
        call("softmax", name("z1")): "e^z1/(Σ_k e^z1)",
        call("softmax", name("z1").T).T: "e^z1/(Σ_k e^z1)",
        call("softmax_slope", name("a1")): "a1[k]·(1 - a1[k]) where k = j, else -a1[k]·a1[j]",
        call("softmax_slope", name("a1").T): "a1[k]·(1 - a1[k]) where k = j, else -a1[k]·a1[j]",
        call("contract", name("g"), name("s")): "Σ_k g[k]·s[k,j]",
        call("contract", name("g").T, name("s")).T: "Σ_k g[k]·s[k,j]",
        call("ones_like", name("z")): "1",
    }
    for tree, text in said.items():
        assert blackboard(tree).text(str) == text


@every_kind
def test_the_blackboard_changes_no_value(kind: int) -> None:
    one = made(kind)
    values = one.environment()
    for step in one:
        tree = step.formula
        if tree is None or "softmax" in tree.text(str) or "contract" in tree.text(str):
            continue
        with np.errstate(all="ignore"):
            found = np.broadcast_to(blackboard(tree).evaluate(values), step.shape)
        here = np.isfinite(found)  # 0·ln 0 is 0 only for the computer
        np.testing.assert_allclose(found[here], step.value[here], rtol=1e-9, atol=1e-12)


# ---------------------------------------------------------------- pages


def pages(one: Trace, look: Look) -> list[str]:
    place = f"dL_dW1[{one['dL_dW1'].shape[0] - 1},0]"
    return [
        html.of_trace(one, look),
        html.of_explanation(one.explain(place), look),
        html.of_card(card(one)),
        *(html.of_step(step, look) for step in one),
    ]


@every_kind
@every_look
def test_well_made_and_alone(kind: int, look: Look) -> None:
    for source in pages(made(kind), look):
        page = Read(source)
        for tag, key, value in page.attributes:
            assert key in ALLOWED[tag], (tag, key)
            assert "url" not in value
        assert page.tags <= set(ALLOWED)
        assert not re.search(r"https?:|//|src=|@import|<script|<style", source)
        assert len(set(page.ids)) == len(page.ids)
        assert {link.removeprefix("#") for link in page.links} <= set(page.ids)


@every_look
def test_a_page_of_its_own(look: Look) -> None:
    source = html.page(seed(), look)
    assert source.startswith("<!DOCTYPE html>")
    assert not re.search(r"https?:|//|src=|@import|<script|<link|url\(", source)
    page = Read(source)
    assert page.tags >= {"html", "head", "title", "style", "body"}


def test_every_step_of_a_trace_is_on_its_page_and_linked() -> None:
    one = made(1)
    page = Read(html.of_trace(one))
    assert len(page.ids) == len(one)
    text = page.text
    for k, step in enumerate(one, 1):
        assert f"[{k}/{len(one)}] {step.symbol}" in text
        assert step.seed_name in text
        assert step.words in text
        assert str(step.dtype) in text
        assert step.when in text
    wanted = [f"#{page.ids[0].rpartition('-')[0]}-{part}" for s in one for part in s.operands]
    assert set(wanted) & set(page.links) == {w for w in wanted if w[1:] in page.ids}


def test_the_same_for_the_same_numbers_and_apart_for_others() -> None:
    first, again = html.of_trace(seed()), html.of_trace(seed())
    assert first == again
    ids = {
        Read(html.of_trace(one, look)).ids[0]
        for one, look in [
            (seed(), Look()),
            (seed(), Look(layout="columns")),
            (seed(), Look(names="seed")),
            (seed(), Look(sample=1)),
            (seed(reduction="mean"), Look()),
            (replace(seed(), step=1), Look()),
            (replace(seed(), theta=seed().theta + 1.0), Look()),
            (made(0), Look()),
        ]
    }
    assert len(ids) == 8


def test_notebooks_show_them() -> None:
    one = seed()
    assert one._repr_html_() == html.of_trace(one)
    assert one["z1"]._repr_html_() == html.of_step(one["z1"])
    assert one.explain("z1[0,0]")._repr_html_() == html.of_explanation(one.explain("z1[0,0]"))
    assert card(one)._repr_html_() == html.of_card(card(one))
    assert one.html() == html.page(one)
    wanted = Look("columns", "seed", Numerals(3, exact=True), 2, 1, unfolded=True)
    asked = one.html(
        layout="columns", names="seed", digits=3, exact=True, sample=2, neuron=1, unfolded=True
    )
    assert asked == html.page(one, wanted)


def test_folded_or_not() -> None:
    assert html.of_trace(seed()).count("<details open") == 1
    opened = html.of_trace(seed(), Look(unfolded=True))
    assert opened.count("<details open") == opened.count("<details")


SIDES = [
    ("W2", [f"from neuron {i}" for i in range(3)], ["neuron 0"]),
    ("dz2_da1", [f"from neuron {i}" for i in range(3)], ["neuron 0"]),
    ("dL_dW1", [f"from input {i}" for i in range(4)], [f"neuron {i}" for i in range(3)]),
    ("a1", [f"sample {i}" for i in range(3)], [f"neuron {i}" for i in range(3)]),
    ("X", [f"sample {i}" for i in range(3)], [f"input {i}" for i in range(4)]),
    ("losses", [f"sample {i}" for i in range(3)], [""]),
]


@pytest.mark.parametrize(("name", "rows", "columns"), SIDES)
def test_the_sides_of_a_matrix_are_called_as_in_the_terminal(
    name: str, rows: list[str], columns: list[str]
) -> None:
    # the rows of W2 are the hidden neurons, not the inputs of the network
    step = seed()[name]
    source = html.table(step, Look(), None)
    assert re.findall(r'<th scope="row"[^>]*>(.*?)</th>', source) == rows
    assert re.findall(r'<th scope="col"[^>]*>(.*?)</th>', source) == columns
    turned = html.table(step, Look("columns"), None)
    across = rows if step.kind in {"data", "sample"} else columns
    assert re.findall(r'<th scope="col"[^>]*>(.*?)</th>', turned) == across


# ---------------------------------------------------------------- text from elsewhere


HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)> & $a$'


@dataclass(frozen=True)
class Hostile:
    """Two inputs of a column with a name that someone chose with care."""

    names: tuple[str, ...] = (HOSTILE, HOSTILE + "2")

    def explain(self, cell: object) -> list[str]:
        return [f"{cell} is {HOSTILE}", f"{cell} is {HOSTILE}"]


@every_look
def test_names_from_a_table_are_text(look: Look) -> None:
    plain = seed()
    cells = (Hostile(), Hostile())
    one = replace(plain, cells=cells, raw=([HOSTILE] * 3, [HOSTILE] * 3))
    source = html.of_trace(one, look)
    page = Read(source)
    assert page.tags <= set(ALLOWED)
    assert HOSTILE in page.text
    assert f"{HOSTILE} is {HOSTILE}" in page.text
    for step in ("X", "W1", "dL_dW1"):
        assert HOSTILE in bare(html.table(one[step], look, (0, 0), html.input_names(one)))
    Read(html.of_explanation(one.explain("X[0,1]"), look))


def test_notebooks_leave_dollars_alone() -> None:
    assert '<div class="tex2jax_ignore mathjax_ignore"' in html.of_trace(seed())


def test_an_activation_with_a_hostile_name_is_text() -> None:
    class Odd(Activation):
        def __str__(self) -> str:
            return HOSTILE

        @staticmethod
        def f(z):
            return z * 2.0

        @staticmethod
        def df(z, a):
            return np.full_like(z, 2.0)

    net = Network.mlp(1, 1, output=Odd())
    one = trace(net, [[1.0]], [[1.0]], theta=[1.0, 0.0])
    for source in (*pages(one, Look()), one.explain("a1[0,0]")._repr_html_()):
        assert Read(source).tags <= set(ALLOWED)


# ---------------------------------------------------------------- numbers


def cells_of(source: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", source)
    return [[bare(cell) for cell in re.findall(r"<t[dh].*?>.*?</t[dh]>", row)] for row in rows]


@every_kind
@pytest.mark.parametrize("layout", LAYOUTS)
def test_tables_show_the_values_with_headers(kind: int, layout: str) -> None:
    look = Look(layout=layout, numerals=Numerals(exact=True))
    for step in made(kind):
        shown = step.shown(layout)
        if shown.ndim == 0 or step.kind == "jacobian":
            continue
        source = html.table(step, look, None)
        (_, *heads), *rows = cells_of(source)
        assert source.count('<th scope="col"') == len(heads)
        assert source.count('<th scope="row"') == len(rows)
        value = shown if shown.ndim == 2 else shown[None]
        if shown.ndim == 1 and step.kind == "sample" and layout == "rows":
            value = shown[:, None]
        assert len(rows) == value.shape[0]
        assert len(heads) == value.shape[1]
        found = [[float(cell.replace("−", "-")) for cell in row[1:]] for row in rows]
        np.testing.assert_array_equal(found, value)
        if step.kind == "data":
            sides = ([row[0] for row in rows], heads)
            samples, others = sides if layout == "rows" else sides[::-1]
            assert samples == [f"sample {i}" for i in range(5)]
            kinds = {one.split()[0] for one in others}
            assert kinds <= {"neuron", "input", "output"}


def test_the_number_worked_out_is_framed_in_both_layouts() -> None:
    for layout in LAYOUTS:
        look = Look(layout=layout, sample=2, neuron=1, numerals=Numerals(exact=True))
        for step in seed():
            if step.shape:
                index = html.chosen(step, look)
                source = html.table(step, look, index)
                framed = re.findall(r'outline[^"]*"><b>(.*?)</b>', source)
                value = float(step.value[index])
                assert [float(one.replace("−", "-")) for one in framed] == [value], step.name


def test_signs_are_written_and_coloured() -> None:
    source = html.of_step(seed()["dL_dz2"])
    (_, *low), (_, *high) = cells_of(source)[1], cells_of(source)[3]
    assert low == ["−0.06852"]
    assert high == ["+0.1459"]
    blue, orange = "rgba(38,128,220", "rgba(235,125,10"
    cells = re.findall(r"<td style=\"([^\"]*)\">(.[\d.]+)</td>", source)
    assert all((orange if shown[0] == "−" else blue) in style for style, shown in cells)
    assert len(cells) == 3


@pytest.mark.parametrize("size", [1, 3, 9, 10, 300])
@pytest.mark.parametrize("chosen", [0, 5, 8, 299])
def test_what_is_left_out_is_counted(size: int, chosen: int) -> None:
    shown = list(kept(size, chosen))
    rows = [one for one in shown if isinstance(one, int)]
    left_out = [int(one.split()[1]) for one in shown if isinstance(one, str)]
    assert len(rows) + sum(left_out) == size
    assert rows == sorted(set(rows))
    assert min(chosen, size - 1) in rows
    assert len(shown) <= 11
    assert (size > 9) == bool(left_out)


def test_a_wide_matrix_is_elided_with_a_count() -> None:
    net = Network.mlp(4, 300, 1, activation=Tanh())
    one = trace(net, np.ones((20, 4)), np.ones((20, 1)), theta=net.init(0))
    text = Read(html.of_step(one["a1"])).text
    assert "… 293 more" in text
    assert "… 13 more" in text
    assert "neuron 299" in text
    assert "sample 19" in text
    asked = Read(html.of_trace(one, Look(neuron=100))).text
    assert "neuron 100" in asked
    assert "… 94 more" in asked
    working = Read(html.of_explanation(one.explain("a2[0,0]"))).text
    assert "a₂" in working
    assert "(294 smaller terms)" in Read(html.of_explanation(one.explain("z2[0,0]"))).text


MATHS = {k: getattr(math, k) for k in ("e", "sqrt", "tanh", "log")}
MATHS |= {"min": min, "max": max, "ln": lambda x: math.log(x) if x > 0 else math.nan, "abs": abs}
NUMERIC = re.compile(r"(?:[\d.\s·+\-/()^,]|e-?\d|e\^|ln\(|tanh\(|max\(|min\(|√(?=\d))+")


def checked(source: str) -> int:
    """How many lines of numbers there are; each comes to the number below it."""
    read = 0
    for part in re.findall(r"<p style=\"font-variant.*?</p>", source):
        _, *lines = bare(part).replace("−", "-").split("\n= ")
        if not lines:
            continue
        value = float(lines[-1])
        for shown in lines[:-1]:
            line = re.sub(r"\(\d+ smaller terms?\)", "", shown)
            if not NUMERIC.fullmatch(line):
                continue
            code = re.sub(r"√([\d.e\-]+)", r"sqrt(\1)", line).replace("·", "*").replace("^", "**")
            found = eval(code, {"__builtins__": {}}, MATHS)
            if math.isnan(found):  # 0·ln 0, which is 0
                continue
            assert found == pytest.approx(value, rel=1e-9, abs=1e-12), (line, value)
            read += 1
    return read


@every_kind
@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_line_of_numbers_comes_to_the_number(kind: int, layout: str) -> None:
    look = Look(layout=layout, sample=3, neuron=2, numerals=Numerals(exact=True))
    read = checked(html.of_trace(made(kind), look))
    assert read > 15


def test_the_rest_of_a_long_sum_is_in_the_sum() -> None:
    net = Network.mlp(4, 300, 1, activation=Tanh())
    one = trace(net, np.ones((20, 4)), np.ones((20, 1)), theta=net.init(0))
    exact = Look(numerals=Numerals(exact=True))
    assert checked(html.of_explanation(one.explain("z2[0,0]"), exact)) == 1
    assert checked(html.of_explanation(one.explain("dL_dW1[0,0]"), exact)) >= 1


def test_the_seed_reads_as_the_notes_wish() -> None:
    text = Read(html.of_trace(seed(), Look(unfolded=True))).text
    assert "a₁ = 1/(1 + e^(−z₁))" in text
    assert "∂L/∂W₂ = ∂z₂/∂W₂ᵀ @ ∂L/∂z₂" in text
    assert "= 0.5926·(−0.06852) + 0.7578·(−0.05419) + 0.7870·0.1459\n" in text
    assert "= −0.04060 − 0.04107 + 0.1149\n= +0.03318\n" in text
    assert "∂L/∂W₂[0,0] is measured as 0.0331847; computed 0.0331847" in text


def test_places_follow_the_layout() -> None:
    text = Read(html.of_trace(seed(), Look(layout="columns", sample=2, neuron=1))).text
    assert "a₁[1,2]" in text
    assert "W₁[0,1]" in text
    assert "a₁[2,1]" not in text


# ---------------------------------------------------------------- proofs


def test_every_derivative_has_its_proof() -> None:
    one = made(1)
    text = Read(html.of_trace(one)).text
    derivatives = [step for step in one if re.fullmatch(r"d\w+_d\w+", step.name)]
    assert text.count("Proof: ") == len(derivatives)
    assert text.count("right ✓") == len(derivatives)


def test_a_wrong_derivative_is_told() -> None:
    class Wrong(Activation):
        @staticmethod
        def f(z):
            return np.tanh(z)

        @staticmethod
        def df(z, a):
            return 1.0 - a

    net = Network.mlp(2, 2, 1, activation=Wrong())
    one = trace(net, [[0.3, 0.4]], [[1.0]], theta=net.init(0) + 0.1)
    assert "wrong ✗" in Read(html.of_trace(one)).text


def test_a_kink_is_told() -> None:
    net = Network.mlp(1, 1, 1, activation=ReLU(), bias=False)
    one = trace(net, [[0.0]], [[1.0]], theta=[1.0, 1.0])
    assert "at a kink, not measurable" in Read(html.of_trace(one)).text


# ---------------------------------------------------------------- edges


def test_the_way_forward_alone() -> None:
    net = Network.mlp(2, 2, 1)
    text = Read(html.of_trace(trace(net, [[1.0, 2.0]], theta=net.init(0)))).text
    assert "The way forward" in text
    assert "Backward" not in text
    assert "Proof:" not in text


@pytest.mark.parametrize(
    ("look", "said"),
    [
        (Look(sample=3), "sample=3, 0 to 2 is expected"),
        (Look(sample=-1), "sample=-1"),
        (Look(neuron=4), "neuron=4, 0 to 3 is expected"),
    ],
)
def test_what_is_not_there_is_an_error(look: Look, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        html.of_trace(seed(), look)


def test_words_that_are_none_of_the_choices() -> None:
    with pytest.raises(BadInput, match="layout='diagonal', 'rows' or 'columns' is expected"):
        seed().html(layout="diagonal")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="names='greek'"):
        seed().html(names="greek")  # type: ignore[arg-type]


def test_numbers_that_are_none() -> None:
    net = Network.mlp(1, 1, bias=False)
    with np.errstate(all="ignore"):
        one = trace(net, [[1e200]], [[1.0]], theta=[1e200])
        text = Read(html.of_trace(one)).text
    assert "inf" in text


def test_a_large_network_makes_a_small_page_soon() -> None:
    rng = np.random.default_rng(0)
    net = Network.mlp(784, 512, 512, 10, activation=ReLU(), output=Softmax())
    y = np.eye(10)[rng.integers(0, 10, 32)]
    one = trace(Task(net, CrossEntropy()), rng.normal(size=(32, 784)), y, theta=net.init(0))
    began = time.perf_counter()
    source = one._repr_html_()
    assert time.perf_counter() - began < 1.0
    assert len(source.encode()) < 2_000_000
    assert 'trace.proof("dL_dW1[0,0]")' in Read(source).text
