"""Formulas as trees: made by running a definition on names; shown, and evaluated.

An expression answers to NumPy's protocols, so that the very lines of `core` (or of one's own
activation) can be run on `name("z")` instead of an array; what comes back is their formula.

>>> import numpy as np
>>> z = name("z")
>>> formula = np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))
>>> formula.text()
'max(z, 0) + ln(1 + e^(-|z|))'
>>> float(formula.evaluate({"z": 0.0}).round(6))
0.693147
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Spell = Callable[[str], str]  # a name as a face spells it
Value = Any  # a number or an array

# how tightly an operation binds; what binds less is put in brackets
BINDS = {"where": 0, "compare": 1, "+": 2, "-": 2, "*": 3, "@": 3, "/": 4, "neg": 4, "**": 6}
ATOM = 9

UFUNCS = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "power": "**",
    "matmul": "@",
    "negative": "neg",
    "positive": "pos",
    "greater": ">",
    "greater_equal": ">=",
    "less": "<",
    "less_equal": "<=",
}


@dataclass(frozen=True, slots=True)
class Expression(np.lib.mixins.NDArrayOperatorsMixin):
    """An operation and what it is applied to. Equal trees are equal."""

    op: str
    args: tuple[Any, ...]

    # ------------------------------------------------------------ made by running definitions

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **rest: Any) -> Any:
        if method != "__call__" or rest:
            raise Unwritable(f"{ufunc.__name__}.{method}")
        parts = tuple(map(_wrapped, inputs))
        if getattr(np, ufunc.__name__, None) is not ufunc:  # SciPy's erf, for example
            return call(Own(ufunc.__name__, ufunc), *parts)
        op = UFUNCS.get(ufunc.__name__)
        if op == "pos":
            return parts[0]
        return Expression(op, parts) if op else call(ufunc.__name__, *parts)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, rest: Any
    ) -> Any:
        written = FUNCTIONS.get(function)
        if written is None or rest:
            raise Unwritable(function.__name__)
        return written(*map(_wrapped, args))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, int | float | np.generic | np.ndarray):
            raise Unwritable("==")  # a definition asks about numbers, which a tree does not have
        return isinstance(other, Expression) and (self.op, self.args) == (other.op, other.args)

    def __hash__(self) -> int:
        return hash((self.op, self.args))

    def __bool__(self) -> bool:
        raise Unwritable("if")

    # ------------------------------------------------------------ faces

    def text(self, spell: Spell | None = None) -> str:
        """The formula in plain text: z·e^(-z)/2."""
        from glassnet.walkthrough.as_text import plain, text_of

        return text_of(self, spell or plain)[0]

    def latex(self, spell: Spell | None = None) -> str:
        """The formula in LaTeX."""
        from glassnet.walkthrough.as_latex import latex_name, latex_of

        return latex_of(self, spell or latex_name)[0]

    def code(self, spell: Spell | None = None) -> str:
        """The formula in Python with NumPy."""
        from glassnet.walkthrough.as_code import code_of

        return code_of(self, spell or str)[0]

    def evaluate(self, values: Mapping[str, Value]) -> Value:
        """The number or array that the formula gives with these values of its names."""
        with np.errstate(all="ignore"):  # 1/(1 + e^(-z)) is right at z = -1000 too
            return _evaluate(self, values)

    def names(self) -> Iterator[str]:
        """The names in it, each once, in order."""
        seen: dict[str, None] = {}
        for part in walk(self):
            if part.op == "name":
                seen.setdefault(part.args[0])
        return iter(seen)

    def replace(self, old: Expression, new: Expression) -> Expression:
        """The same tree with one part put in the place of another wherever it stands."""
        if self == old:
            return new
        parts = (a.replace(old, new) if isinstance(a, Expression) else a for a in self.args)
        return Expression(self.op, tuple(parts))

    @property
    def T(self) -> Expression:
        """Its transpose."""
        return Expression("T", (self,))


class Unwritable(TypeError):
    """Something in a definition that has no formula: a branch, or a function not known here."""


class Own(str):
    """The name of a function that NumPy does not have, and the function that it stands for."""

    __slots__ = ("function",)
    function: Callable[..., Any]

    def __new__(cls, text: str, function: Callable[..., Any]) -> Own:
        """`text`, which stands for `function`."""
        made = super().__new__(cls, text)
        made.function = function
        return made


def name(text: str) -> Expression:
    """A name in a formula."""
    return Expression("name", (text,))


def number(value: float) -> Expression:
    """A number in a formula."""
    return Expression("number", (float(value),))


def call(function: str, *args: Expression) -> Expression:
    """A function by its name in NumPy, one of `PRIMITIVES`, or one that brings itself along."""
    return Expression("call", (function, *args))


def where(condition: Expression, yes: Any, no: Any) -> Expression:
    """`yes` where the condition holds, else `no`."""
    return Expression("where", (condition, _wrapped(yes), _wrapped(no)))


def total(x: Expression, over: str = "samples") -> Expression:
    """Σ over the samples (each neuron for itself), over the outputs, or over all there is."""
    return Expression("sum", (x, over))


def column(b: Expression) -> Expression:
    """A bias as a column, for the layout in which samples are columns."""
    return Expression("column", (b,))


def walk(tree: Expression) -> Iterator[Expression]:
    """The tree and all its parts."""
    yield tree
    for part in tree.args:
        if isinstance(part, Expression):
            yield from walk(part)


def parse(source: str) -> Expression:
    """The formula that a line of Python says: "1/(1 + exp(-z))". For forms written by hand."""
    import ast

    def built(node: ast.expr) -> Expression:
        match node:
            case ast.Name(id):
                return name(id)
            case ast.Constant(value) if isinstance(value, int | float):
                return number(value)
            case ast.UnaryOp(ast.USub(), operand):
                return Expression("neg", (built(operand),))
            case ast.BinOp(left, op, right):
                return Expression(OPERATORS[type(op).__name__], (built(left), built(right)))
            case ast.Compare(left, [op], [right]):
                return Expression(OPERATORS[type(op).__name__], (built(left), built(right)))
            case ast.Call(ast.Name("where"), [condition, yes, no]):
                return where(built(condition), built(yes), built(no))
            case ast.Call(ast.Name("total"), [x, ast.Constant(over)]):
                return total(built(x), str(over))
            case ast.Call(ast.Name(function), args):
                return call(function, *map(built, args))
        raise Unwritable(ast.unparse(node))

    return built(ast.parse(source, mode="eval").body)


OPERATORS = {
    "Add": "+",
    "Sub": "-",
    "Mult": "*",
    "Div": "/",
    "Pow": "**",
    "MatMult": "@",
    "Gt": ">",
    "GtE": ">=",
    "Lt": "<",
    "LtE": "<=",
}


def _wrapped(value: Any) -> Expression:
    if isinstance(value, Expression):
        return value
    if isinstance(value, int | float | np.number):
        return number(float(value))
    raise Unwritable(type(value).__name__)


def _clip(x: Expression, low: Expression, high: Expression) -> Expression:
    return call("minimum", call("maximum", x, low), high)


FUNCTIONS: dict[Any, Callable[..., Expression]] = {
    np.where: where,
    np.clip: _clip,
    np.ones_like: lambda _: number(1.0),
    np.zeros_like: lambda _: number(0.0),
}


def bracket(part: tuple[str, int], least: int) -> str:
    """A part in brackets where it binds less tightly than what stands around it."""
    return part[0] if part[1] >= least else f"({part[0]})"


def signed(tree: Expression) -> bool:
    """Whether its face begins with a minus, so that it needs brackets right of an operation."""
    return tree.op == "neg" or (tree.op == "number" and tree.args[0] < 0)


def shown_number(value: float) -> str:
    """A constant as one would write it: 1, 0.5, 1e-30."""
    return f"{value:.15g}"


# ---------------------------------------------------------------- evaluation


# core's own lines, of a single row too: a formula's names may stand for one sample


def _by_rows(function: Callable[[Value], Value], z: Value) -> Value:
    return function(z) if np.ndim(z) == 2 else function(np.asarray(z)[None])[0]


def _softmax(z: Value) -> Value:
    from glassnet.core.activations import Softmax

    return _by_rows(Softmax.f, z)


def _log_softmax(z: Value) -> Value:
    from glassnet.core.losses import CrossEntropy

    return _by_rows(lambda rows: CrossEntropy.fz(rows, -np.ones_like(rows)), z)


def _phi(z: Value) -> Value:
    from glassnet.core.normal import normal_cdf

    return normal_cdf(np.asarray(z))


def _density(z: Value) -> Value:
    from glassnet.core.normal import normal_pdf

    return normal_pdf(np.asarray(z))


def _softmax_slope(a: Value) -> Value:
    from glassnet.core.activations import Softmax

    return Softmax.df(a, a)  # of a alone


def _contract(dL_da: Value, da_dz: Value) -> Value:
    from glassnet.core.activations import Softmax

    return Softmax().chain(dL_da, da_dz)


def _xlogy(x: Value, y: Value) -> Value:
    x, y = np.asarray(x), np.asarray(y)
    return np.where(x == 0, 0.0, x * np.log(np.where(x == 0, 1.0, y)))


PRIMITIVES: dict[str, Callable[..., Value]] = {
    "softmax": _softmax,
    "softmax_slope": _softmax_slope,
    "log_softmax": _log_softmax,
    "contract": _contract,
    "xlogy": _xlogy,
    "Phi": _phi,
    "phi": _density,
    "ln": np.log,
    "max": np.maximum,
    "min": np.minimum,
}
"""Functions beyond NumPy's ufuncs that a formula may name; the exported notebook defines them."""


def _power(base: Value, exponent: Value) -> Value:
    # beta1**t is Python's in an optimizer, whose last bit is not always NumPy's
    if isinstance(base, float) and base > 0 and isinstance(exponent, int):
        return base**exponent
    return np.asarray(base) ** exponent


BINARY: dict[str, Callable[[Value, Value], Value]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": np.divide,  # as NumPy divides by 0, of single numbers too
    "**": _power,
    "@": lambda a, b: a @ b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}


def _evaluate(tree: Expression, values: Mapping[str, Value]) -> Value:
    op, args = tree.op, tree.args
    if op == "name":
        return values[args[0]]
    if op == "number":
        return args[0]
    if op == "sum":
        x = np.asarray(_evaluate(args[0], values))
        return x.sum() if args[1] == "all" else x.sum(axis=AXES[args[1]])
    if op == "call":
        called = args[0]
        if isinstance(called, Own):
            function = called.function
        else:
            function = PRIMITIVES.get(called) or getattr(np, called)
        return function(*(_evaluate(part, values) for part in args[1:]))
    found = [_evaluate(part, values) for part in args]
    match op:
        case "neg":
            return -found[0]
        case "T":
            return np.asarray(found[0]).T
        case "column":
            return np.asarray(found[0])[:, None]
        case "where":
            return np.where(*found)
    return BINARY[op](*found)


AXES = {"samples": 0, "outputs": 1, "columns": 1, "rows": 0}
"""Samples are rows, so that a sum over samples is one along axis 0; `columns` and `rows` say the
axis itself, for the layout in which samples are columns."""
