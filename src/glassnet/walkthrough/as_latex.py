"""A formula in LaTeX."""

from __future__ import annotations

from glassnet.walkthrough.expression import (
    ATOM,
    BINDS,
    Expression,
    Spell,
    shown_number,
    signed,
    walk,
)

COMPARED = {">": " > ", ">=": r" \ge ", "<": " < ", "<=": r" \le "}
LATEX_GREEK = {
    "alpha": r"\alpha",
    "beta1": r"\beta_1",
    "beta2": r"\beta_2",
    "delta": r"\delta",
    "rho": r"\rho",
    "tau": r"\tau",
    "theta": r"\theta",
    "momentum": r"\mu",
    "eps": r"\varepsilon",
    "decay": r"\lambda",
}


def latex_name(text: str) -> str:
    """A name in LaTeX; a long one upright."""
    if text in LATEX_GREEK:
        return LATEX_GREEK[text]
    upright = text.replace("_", r"\_")
    return text if len(text) == 1 else rf"\mathrm{{{upright}}}"


def _paren(part: tuple[str, int], least: int) -> str:
    return part[0] if part[1] >= least else rf"\left({part[0]}\right)"


def latex_of(tree: Expression, spell: Spell) -> tuple[str, int]:
    """The LaTeX, and how tightly its outermost operation binds."""
    op, args = tree.op, tree.args
    if op == "name":
        return spell(args[0]), ATOM
    if op == "number":
        shown = shown_number(args[0])
        if "e" in shown:
            digits, power = shown.split("e")
            shown = rf"{digits} \cdot 10^{{{int(power)}}}"
        return shown, ATOM if args[0] >= 0 else BINDS["neg"]
    if op == "call":
        return _call(args[0], [latex_of(part, spell) for part in args[1:]])
    if op == "sum":
        over = {"samples": "_s", "outputs": "_k", "columns": "_s", "rows": "_k", "all": ""}[args[1]]
        return rf"\sum{over} {_paren(latex_of(args[0], spell), BINDS['*'])}", BINDS["+"]
    parts = [latex_of(part, spell) for part in args]
    match op:
        case "T":
            return rf"{_paren(parts[0], ATOM)}^{{\top}}", ATOM
        case "column":
            return parts[0]
        case "neg":
            return f"-{_paren(parts[0], BINDS['*'])}", BINDS["neg"]
        case "**":
            return f"{{{_paren(parts[0], ATOM)}}}^{{{parts[1][0]}}}", BINDS["**"]
        case "/":
            # a fraction stands alone everywhere but under an exponent
            return rf"\frac{{{parts[0][0]}}}{{{parts[1][0]}}}", ATOM - 1
        case "where":
            condition, yes, no = (text for text, _ in parts)
            cases = rf"{yes} & \text{{where }} {condition} \\ {no} & \text{{else}}"
            return rf"\begin{{cases}} {cases} \end{{cases}}", ATOM
    times = r" \odot " if _matrices(tree) else r" \cdot "
    sign = {"+": " + ", "-": " - ", "*": times, "@": r" \, ", **COMPARED}[op]
    binds = BINDS.get(op, BINDS["compare"])
    left = binds + (op in COMPARED)
    right = ATOM if signed(args[1]) else left + (op in "-@" or args[1].op == "@")
    return f"{_paren(parts[0], left)}{sign}{_paren(parts[1], right)}", binds


def _matrices(tree: Expression) -> bool:
    # number by number between two arrays is written ⊙; a constant or a letter beside one is not
    def array(part: Expression) -> bool:
        return any(p.op == "name" and len(p.args[0]) > 1 and p.args[0] not in LATEX_GREEK
                   for p in walk(part))  # fmt: skip

    return all(array(part) for part in tree.args)


def _call(function: str, parts: list[tuple[str, int]]) -> tuple[str, int]:
    inside = ", ".join(text for text, _ in parts)
    match function:
        case "exp":
            return f"e^{{{inside}}}", BINDS["**"]
        case "absolute" | "abs" | "fabs":
            return rf"\left|{inside}\right|", ATOM
        case "sqrt":
            return rf"\sqrt{{{inside}}}", ATOM
        case "square":
            return f"{{{_paren(parts[0], ATOM)}}}^2", BINDS["**"]
        case "log1p":
            return rf"\ln\left(1 + {_paren(parts[0], BINDS['+'])}\right)", ATOM
        case "expm1":
            return f"e^{{{inside}}} - 1", BINDS["+"]
        case "xlogy":
            first = _paren(parts[0], BINDS["*"])
            return rf"{first} \cdot \ln\left({parts[1][0]}\right)", BINDS["*"]
        case "logaddexp":
            return rf"\ln\left(e^{{{parts[0][0]}}} + e^{{{parts[1][0]}}}\right)", ATOM
    known = {
        "maximum": r"\max",
        "minimum": r"\min",
        "max": r"\max",
        "min": r"\min",
        "log": r"\ln",
        "ln": r"\ln",
        "tanh": r"\tanh",
        "sin": r"\sin",
        "cos": r"\cos",
        "Phi": r"\Phi",
        "phi": r"\varphi",
    }
    spelled = known.get(function, rf"\operatorname{{{function.replace('_', chr(92) + '_')}}}")
    return rf"{spelled}\left({inside}\right)", ATOM
