"""Formulas in MathML: read back as formulas of Python's, they give the same numbers."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from glassnet.core.activations import Softmax
from glassnet.walkthrough import as_mathml, formulas
from glassnet.walkthrough.blackboard import blackboard
from glassnet.walkthrough.expression import BINDS, Expression, Own, parse, walk
from tests.core.instances import ALL_ACTIVATIONS, ALL_LOSSES, OPTIMIZERS
from tests.walkthrough.instances import OWN_ACTIVATIONS, OWN_LOSSES, OWN_OPTIMIZERS

SIGNS = {"−": "-", "·": "*", "⁡": "", "≥": ">=", "≤": "<=", "∂": "d"}
CALLED = {"e": "e", "ln": "log", "Φ": "Phi", "φ": "phi"}
MADE = {
    name: getattr(np, name)
    for name in ("log", "tanh", "sqrt", "exp", "cosh", "sin", "cos", "where")
} | {
    "max": np.maximum,
    "min": np.minimum,
    "sign": np.sign,
    "fabs": np.abs,
    "e": np.e,
    "Phi": lambda z: parse("Phi(z)").evaluate({"z": z}),
    "phi": lambda z: parse("phi(z)").evaluate({"z": z}),
}


def read(element: Any) -> str:
    """A formula of Python's from MathML, brackets only where MathML groups or writes them."""
    tag, parts = element.tag, list(element)
    if tag in {"mi", "mn", "mtext"}:
        text = (element.text or "").replace("−", "-")
        return CALLED.get(text, text)
    if tag == "mo":
        return SIGNS.get(element.text, element.text)
    if tag == "mfrac":
        return f"(({read(parts[0])})/({read(parts[1])}))"
    if tag == "msup":
        return f"({read(parts[0])}**({read(parts[1])}))"
    if tag == "msub":
        return read(parts[0]) + read(parts[1])
    if tag == "msqrt":
        return f"sqrt({in_row(parts)})"
    assert tag == "mrow", tag
    if parts[0].text == "{":
        yes, no = parts[1]
        return f"where({in_row(list(yes[1])[1:])}, {in_row(list(yes[0]))}, {in_row(list(no[0]))})"
    if parts[0].text == "|":
        return f"fabs({in_row(parts[1:-1])})"
    return in_row(parts)


def in_row(parts: list[Any]) -> str:
    return "".join(map(read, parts))


def number_of(tree: Expression, values: dict[str, Any]) -> Any:
    """What the MathML of a formula says, computed by Python."""
    spelled = {key: f"q{k}" for k, key in enumerate(values)}
    said = "".join(
        f"{SIGNS.get(sign, sign)} {read(ET.fromstring(inside))}"
        for sign, inside in as_mathml.pieces(tree, lambda key: f"<mi>{spelled[key]}</mi>")
    )
    return eval(said, {**MADE, **{spelled[key]: value for key, value in values.items()}})


rng = np.random.default_rng(3)
VALUES = {
    name: rng.uniform(0.1, 0.9, 5)
    for name in ("z", "a", "y", "theta", "g", "lr", "m", "v", "m_new", "v_new", "m_hat", "v_hat")
} | {
    "u": rng.uniform(0.1, 0.9, 5),
    "u_new": rng.uniform(0.1, 0.9, 5),
    "s": rng.uniform(0.1, 0.9, 5),
}
VALUES |= {"s_new": VALUES["u"] + 1, "p": VALUES["a"], "q": VALUES["y"], "t": 3}
TREES = [
    (function, tree)
    for function in [*ALL_ACTIVATIONS, *OWN_ACTIVATIONS]
    for way in (True, False)
    for written in [formulas.of_activation(function, blackboard=way)]
    for tree in (written.f, written.df)
    if not isinstance(function, Softmax)
]
TREES += [
    (function, tree)
    for function in [*ALL_LOSSES, *OWN_LOSSES]
    for written in [formulas.of_loss(function)]
    for tree in (written.f, written.df)
]
TREES += [
    (function, tree)
    for function in [*OPTIMIZERS, *OWN_OPTIMIZERS]
    for _, tree in formulas.of_optimizer(function)
]
TREES = [(f, t) for f, t in TREES if not any(isinstance(p.args[0], Own) for p in walk(t))]


@pytest.mark.parametrize(("function", "tree"), TREES, ids=[f"{f}: {t.text()}" for f, t in TREES])
@pytest.mark.parametrize("negative", [False, True])
def test_every_formula_says_in_mathml_what_it_computes(function, tree, negative):
    values = {**VALUES, **formulas.constants(function)}
    if negative and not any(part.args[0] in ("ln", "log", "xlogy") for part in walk(tree)):
        values["z"], values["g"], values["theta"] = -values["z"], -values["g"], -values["theta"]
    known = {name: values[name] for name in tree.names()}
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(
            number_of(blackboard(tree), known), tree.evaluate(known), rtol=1e-12
        )


@pytest.mark.parametrize(
    "source",
    ["a - (b - c)", "a - (b + c)", "a - b - c", "-(a + b)", "(-a)*b", "a*(b + c)", "a/(b/c)",
     "(a + b)**2", "(a/b)**2", "(-a)**2", "a**(b + 1)", "a - (-b)", "a*(-b)", "-a**2", "a + (-b)",
     "(a - (b - c))*a", "a*(a - (b + c))",
     "a*(b - c)/c", "exp(-a)/b", "(a - b)*c - a", "a - b*c"],
)  # fmt: skip
def test_brackets_stand_where_they_are_needed(source):
    values = {"a": 0.7, "b": -1.3, "c": 2.1}
    tree = parse(source)
    assert number_of(tree, values) == pytest.approx(eval(source, {**MADE, "exp": np.exp, **values}))


@pytest.mark.parametrize(
    "source", ["a*b", "a - b", "a + b", "a**2", "b/a", "a - b*a", "-a", "tanh(a)"]
)
def test_a_negative_number_put_in_is_bracketed_where_it_must_be(source):
    values = {"a": -0.5, "b": -3.0}

    def leaf(name):
        return f"<mn>−{-values[name]}</mn>", BINDS["neg"]

    tree = parse(source)
    said = "".join(
        f"{SIGNS.get(sign, sign)}{read(ET.fromstring(inside))}"
        for sign, inside in as_mathml.pieces(tree, leaf)
    )
    assert eval(said, MADE) == pytest.approx(float(tree.evaluate(values)))
    assert not any(twice in said for twice in ("--", "+-", "*-", "((-0.5))", "-(-(-"))


def plain(inside: str) -> str:
    return "".join(ET.fromstring(f"<math>{inside}</math>").itertext())


@pytest.mark.parametrize(
    ("spelled", "said"),
    [("z₁", "z1"), ("z₁[0,2]", "z1[0,2]"), ("W₁₂′[0,1]", "W12′[0,1]"),
     ("∂L/∂W₂[1,0]", "∂L∂W2[1,0]"), ("m̂[W₂][1,0]", "m̂W2[1,0]"), ("m′[b₁][0]", "mb1′[0]"),
     ("ℓ[3]", "ℓ[3]"), ("X", "X"), ("lr", "lr"),
     ("‖∂J/∂θ‖", "‖∂J∂θ‖"), ("Σ ∂J/∂W₁^2", "∑∂J∂W12"), ("<b>[0]", "<b>[0]")],
)  # fmt: skip
def test_names_keep_index_prime_and_place(spelled, said):
    assert plain(as_mathml.symbol(spelled)) == said


def test_a_derivative_is_a_fraction_and_an_index_stands_below():
    found = ET.fromstring(as_mathml.symbol("∂L/∂W₂[1,0]"))
    above, below = found[0]
    assert (found[0].tag, plain_of(above), plain_of(below)) == ("mfrac", "∂L", "∂W2")
    assert [part.tag for part in below] == ["mo", "msub"]


def plain_of(element: Any) -> str:
    return "".join(element.itertext())


def test_a_sum_over_samples_says_what_it_is_over():
    inside, _ = as_mathml.mathml_of(parse("total(a*b, 'samples')"), as_mathml.symbol)
    assert plain(inside) == "∑sa·b"
    inside, _ = as_mathml.mathml_of(parse("total(a + b, 'outputs')"), as_mathml.symbol)
    assert plain(inside) == "∑k(a+b)"


def test_transposes_and_products_of_matrices():
    a, b = parse("a"), parse("b")
    assert plain(as_mathml.mathml_of(a.T @ (a + b), as_mathml.symbol)[0]) == "a⊤@(a+b)"
