"""Expressions: the faces of a formula say what it evaluates to, and nothing else."""

from __future__ import annotations

import copy
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf

from glassnet.walkthrough.expression import (
    PRIMITIVES,
    Expression,
    Unwritable,
    call,
    column,
    name,
    number,
    parse,
    total,
    where,
)

x, y, z = name("x"), name("y"), name("z")
RNG = np.random.default_rng(0)
VALUES: dict[str, Any] = {key: RNG.uniform(0.2, 2.0, (3, 3)) for key in "xyz"}
OWN = {key: PRIMITIVES[key] for key in ("softmax", "log_softmax", "xlogy", "Phi", "phi")}


def run(code: str, values: dict[str, Any] = VALUES) -> Any:
    return eval(code, {"np": np, **OWN}, dict(values))


def read(text: str) -> Any:
    """A formula in plain text, read as one reads it: Python's rules, with · for * and ^ for **."""
    code = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)
    code = code.replace("·", "*").replace("^", "**").replace("√", "sqrt ")
    code = re.sub(r"sqrt (\w+|\([^()]*\))", r"sqrt(\1)", code)
    code = code.replace("≥", ">=").replace("≤", "<=")
    functions = {"ln": np.log, "max": np.maximum, "min": np.minimum, "sqrt": np.sqrt, "e": np.e}
    return eval(code, {**functions, "abs": np.abs}, dict(VALUES))


# ---- stored faces, each looked at

FACES = [
    ("x - (y - z)", "x - (y - z)", "x - \\left(y - z\\right)", "x - (y - z)"),
    ("x - y - z", "x - y - z", "x - y - z", "x - y - z"),
    ("x/(y*z)", "x/(y·z)", r"\frac{x}{y \cdot z}", "x / (y * z)"),
    ("x/y/z", "x/y/z", r"\frac{\frac{x}{y}}{z}", "x / y / z"),
    ("x/(y/z)", "x/(y/z)", r"\frac{x}{\frac{y}{z}}", "x / (y / z)"),
    ("x*(y + z)", "x·(y + z)", r"x \cdot \left(y + z\right)", "x * (y + z)"),
    ("(x/y)**2", "(x/y)^2", r"{\left(\frac{x}{y}\right)}^{2}", "(x / y)**2"),
    ("-x**2", "-x^2", "-{x}^{2}", "-x**2"),
    ("(-x)**2", "(-x)^2", r"{\left(-x\right)}^{2}", "(-x)**2"),
    ("x*-y", "x·(-y)", r"x \cdot \left(-y\right)", "x * -y"),
    ("x - -2", "x - (-2)", r"x - \left(-2\right)", "x - -2"),
    ("-(x + y)", "-(x + y)", r"-\left(x + y\right)", "-(x + y)"),
    ("exp(-z)", "e^(-z)", "e^{-z}", "np.exp(-z)"),
    ("exp(z)**2", "(e^z)^2", r"{\left(e^{z}\right)}^{2}", "np.exp(z)**2"),
    ("expm1(z)*x", "(e^z - 1)·x", r"\left(e^{z} - 1\right) \cdot x", "np.expm1(z) * x"),
    ("log1p(exp(z))", "ln(1 + e^z)", r"\ln\left(1 + e^{z}\right)", "np.log1p(np.exp(z))"),
    ("logaddexp(x, y)", "ln(e^x + e^y)", r"\ln\left(e^{x} + e^{y}\right)", "np.logaddexp(x, y)"),
    ("sqrt(x + y)", "√(x + y)", r"\sqrt{x + y}", "np.sqrt(x + y)"),
    ("square(x/y)", "(x/y)^2", r"{\left(\frac{x}{y}\right)}^2", "np.square(x / y)"),
    ("abs(x - y)", "|x - y|", r"\left|x - y\right|", "np.abs(x - y)"),
    ("max(min(x, y), 0)", "max(min(x, y), 0)",
     r"\max\left(\min\left(x, y\right), 0\right)", "np.maximum(np.minimum(x, y), 0)"),
    ("where(x > 0, x, 0.5*x)", "x where x > 0, else 0.5·x",
     r"\begin{cases} x & \text{where } x > 0 \\ 0.5 \cdot x & \text{else} \end{cases}",
     "np.where(x > 0, x, 0.5 * x)"),
    ("max(where(x > y, x, y), 0)", "max((x where x > y, else y), 0)",
     r"\max\left(\begin{cases} x & \text{where } x > y \\ y & \text{else} \end{cases}, 0\right)",
     "np.maximum(np.where(x > y, x, y), 0)"),
    ("(x >= y)*z", "(x ≥ y)·z", r"\left(x \ge y\right) \cdot z", "(x >= y) * z"),
    ("x @ (y*z)", "x @ (y·z)", r"x \, \left(y \cdot z\right)", "x @ (y * z)"),
    ("x*(y @ z)", "x·(y @ z)", r"x \cdot \left(y \, z\right)", "x * (y @ z)"),
    ("-xlogy(x, y)", "-x·ln(y)", r"-x \cdot \ln\left(y\right)", "-xlogy(x, y)"),
    ("z*xlogy(1 - x, y)", "z·(1 - x)·ln(y)",
     r"z \cdot \left(1 - x\right) \cdot \ln\left(y\right)", "z * xlogy(1 - x, y)"),
    ("x + 1e-30", "x + 1e-30", r"x + 1 \cdot 10^{-30}", "x + 1e-30"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "text", "latex", "code"), FACES, ids=[f[0] for f in FACES])
def test_faces(source: str, text: str, latex: str, code: str) -> None:
    tree = parse(source)
    assert tree.text() == text
    assert tree.latex() == latex
    assert tree.code() == code
    np.testing.assert_array_equal(run(code), tree.evaluate(VALUES))


def test_faces_of_what_only_a_trace_writes() -> None:
    W, s = name("W1"), total(x * y, "samples")
    faces = [(t.text(), t.latex(), t.code()) for t in ((x + W).T @ z, s - column(y), s / 2.0)]
    assert faces == [
        ("(x + W1)ᵀ @ z", r"\left(x + \mathrm{W1}\right)^{\top} \, z", "(x + W1).T @ z"),
        ("Σ_s x·y - y", r"\sum_s x \cdot y - y", "(x * y).sum(axis=0) - y[:, None]"),
        ("(Σ_s x·y)/2", r"\frac{\sum_s x \cdot y}{2}", "(x * y).sum(axis=0) / 2"),
    ]  # fmt: skip
    for over, sign, said in [
        ("outputs", "Σ_k", "axis=1"), ("columns", "Σ_s", "axis=1"),
        ("rows", "Σ_k", "axis=0"), ("all", "Σ", ""),
    ]:  # fmt: skip
        tree = total(x, over)
        assert (tree.text(), tree.code()) == (f"{sign} x", f"x.sum({said})")
        np.testing.assert_array_equal(run(tree.code()), tree.evaluate(VALUES))


def test_names_are_spelled_by_the_reader() -> None:
    tree = parse("beta1*m + eps")
    assert tree.text() == "β₁·m + ε"
    assert tree.latex() == r"\beta_1 \cdot m + \varepsilon"
    assert tree.code() == "beta1 * m + eps"
    assert tree.text(lambda n: f"<{n}>") == "<beta1>·<m> + <eps>"
    assert name("long_name").latex() == r"\mathrm{long\_name}"
    # two arrays number by number; a letter or a constant beside one is plainly a product
    assert parse("dL_da1*da1_dz1").latex(str) == r"dL_da1 \odot da1_dz1"
    assert parse("beta1*dL_da1").latex(str) == r"beta1 \cdot dL_da1"


# ---- random trees: what the faces say is what evaluate gives

leaves = st.sampled_from([x, y, z]) | st.sampled_from([-2.0, 0.5, 3.0]).map(number)


def grown(parts: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    binary = st.tuples(st.sampled_from("+-*/"), parts, parts)
    return st.one_of(
        binary.map(lambda t: Expression(t[0], t[1:])),
        parts.map(lambda p: Expression("neg", (p,))),
        parts.map(lambda p: Expression("**", (call("abs", p), number(2.0)))),
        st.tuples(st.sampled_from(["max", "min"]), parts, parts).map(lambda t: call(*t)),
        parts.map(lambda p: call("sqrt", call("abs", p))),
    )


trees = st.recursive(leaves, grown, max_leaves=8)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(trees)
def test_text_and_code_say_what_is_computed(tree: Expression) -> None:
    expected = np.broadcast_to(tree.evaluate(VALUES), (3, 3))
    with np.errstate(all="ignore"):
        try:
            np.testing.assert_array_equal(np.broadcast_to(run(tree.code()), (3, 3)), expected)
            if "√" not in tree.text() and tree.text().count("|") <= 2:
                said = np.broadcast_to(read(tree.text()), (3, 3))
                np.testing.assert_allclose(said, expected, rtol=1e-9, atol=1e-12)
        except ZeroDivisionError:  # Python's own numbers, 2/0
            assert not list(tree.names()) or not np.isfinite(expected).all()
    latex = tree.latex()
    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\left") == latex.count(r"\right")
    depth = 0
    for sign in re.findall(r"[{}]", latex):
        depth += 1 if sign == "{" else -1
        assert depth >= 0
    assert parse(tree.code().replace("np.", "").replace("maximum", "max")
                 .replace("minimum", "min")).code() == tree.code()  # fmt: skip


@settings(max_examples=100, deadline=None, derandomize=True)
@given(trees, trees)
def test_equality_hash_and_replace(one: Expression, other: Expression) -> None:
    assert one == copy.deepcopy(one)
    assert hash(one) == hash(copy.deepcopy(one))
    assert (one == other) == (repr(one) == repr(other))
    put = one.replace(name("x"), other)
    moved = {**VALUES, "x": other.evaluate(VALUES)}
    np.testing.assert_array_equal(put.evaluate(VALUES), one.evaluate(moved))
    assert one.replace(x, x) == one
    assert set(one.replace(x, y).names()) == {"y" if n == "x" else n for n in one.names()}


# ---- made by running NumPy on names


@pytest.mark.parametrize(
    "made",
    [
        lambda a: np.maximum(a, 0.0) + np.log1p(np.exp(-np.abs(a))),
        lambda a: np.where(a > 1.0, a**2, np.clip(a, 0.5, 0.8)),
        lambda a: np.square(a) / (2 - a) + (1 + a) * (3 / a) - (a**-0.5),
        lambda a: +a - np.sign(a - 1) * np.tanh(a) @ a,
        lambda a: np.power(2.0, a) + np.ones_like(a) * a - np.zeros_like(a),
        lambda a: (a != 0.5) * erf(a),
    ],
)
def test_definitions_become_formulas(made: Any) -> None:
    tree = made(x)
    assert isinstance(tree, Expression)
    np.testing.assert_allclose(tree.evaluate(VALUES), made(VALUES["x"]), rtol=1e-15)


@pytest.mark.parametrize(
    "made",
    [
        lambda a: a if a > 0 else -a,
        lambda a: 1.0 if a == 0.0 else a,
        lambda a: np.where(a == 0.0, 1.0, a),
        lambda a: np.where(a == np.zeros(3), 1.0, a),
        np.sum,
        np.add.reduce,
        np.nan_to_num,
        lambda a: np.where(a > 0, "yes", "no"),
        lambda a: np.exp(a, where=True),
    ],
)
def test_what_has_no_formula_is_refused(made: Any) -> None:
    with pytest.raises(Unwritable):
        made(x)


@pytest.mark.parametrize("source", ["x.y", "x[0]", "lambda: 1", "not x", "x < y < z", "'x'"])
def test_parse_refuses_what_is_no_formula(source: str) -> None:
    with pytest.raises(Unwritable):
        parse(source)


def test_names_are_told_once_in_order() -> None:
    assert list(parse("z*x + y - x/z").names()) == ["z", "x", "y"]


def test_numbers_alone_divide_as_arrays_do() -> None:
    values = {"x": 1.0, "y": 0.0, "z": -8.0}
    assert parse("x/y").evaluate(values) == np.inf
    assert parse("min(1, x/y)").evaluate(values) == 1.0
    assert np.isnan(parse("z**0.5").evaluate(values))


def test_primitives_at_saturation() -> None:
    z = np.array([[1000.0, -1000.0, 0.0], [-2000.0, -2000.0, -2001.0]])
    for key in ("softmax", "log_softmax"):
        found = call(key, name("z")).evaluate({"z": z})
        assert np.isfinite(found).all()
    softmax = call("softmax", name("z"))
    np.testing.assert_allclose(softmax.evaluate({"z": z}).sum(axis=1), 1.0, rtol=1e-15)
    np.testing.assert_array_equal(softmax.evaluate({"z": z[0]}), softmax.evaluate({"z": z})[0])
    np.testing.assert_allclose(
        call("log_softmax", name("z")).evaluate({"z": z[1]})[0], -np.log(2 + np.exp(-1.0))
    )
    x, y = np.array([0.0, 2.0]), np.array([0.0, 3.0])
    np.testing.assert_array_equal(
        parse("xlogy(x, y)").evaluate({"x": x, "y": y}), [0.0, 2.0 * np.log(3.0)]
    )


def test_where_keeps_its_parts() -> None:
    tree = where(x > y, x, 0.5)
    assert tree == parse("where(x > y, x, 0.5)")
    np.testing.assert_array_equal(
        tree.evaluate(VALUES), np.where(VALUES["x"] > VALUES["y"], VALUES["x"], 0.5)
    )
