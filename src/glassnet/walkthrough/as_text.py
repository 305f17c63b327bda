"""A formula in plain text: z·e^(-z)/2. It wraps at its operators and needs no fonts."""

from __future__ import annotations

from glassnet.walkthrough.expression import (
    ATOM,
    BINDS,
    Expression,
    Spell,
    bracket,
    shown_number,
    signed,
)

COMPARISONS = {">": ">", ">=": "≥", "<": "<", "<=": "≤"}
GREEK = {
    "alpha": "α",
    "beta1": "β₁",
    "beta2": "β₂",
    "delta": "δ",
    "rho": "ρ",
    "tau": "τ",
    "theta": "θ",
    "momentum": "μ",
    "eps": "ε",
    "decay": "λ",
}


def plain(text: str) -> str:
    """A name in plain text, constants in Greek."""
    return GREEK.get(text, text)


def _exponent(part: tuple[str, int]) -> str:
    # one name or number stands alone, all else in brackets: e^z, e^(-z), e^(min(z, 0))
    alone = part[1] == ATOM and part[0][-1:] not in ")|"
    return part[0] if alone else f"({part[0]})"


def text_of(tree: Expression, spell: Spell) -> tuple[str, int]:
    """The text, and how tightly its outermost operation binds."""
    op, args = tree.op, tree.args
    if op == "name":
        return spell(args[0]), ATOM
    if op == "number":
        return shown_number(args[0]), ATOM if args[0] >= 0 else BINDS["neg"]
    if op == "call":
        return _call(args[0], [text_of(part, spell) for part in args[1:]])
    if op == "sum":
        sign = {"samples": "Σ_s", "outputs": "Σ_k", "columns": "Σ_s", "rows": "Σ_k", "all": "Σ"}
        return f"{sign[args[1]]} {bracket(text_of(args[0], spell), BINDS['*'])}", BINDS["+"]
    parts = [text_of(part, spell) for part in args]
    match op:
        case "T":
            return f"{bracket(parts[0], ATOM)}ᵀ", ATOM
        case "column":
            return parts[0]
        case "neg":
            return f"-{bracket(parts[0], BINDS['*'])}", BINDS["neg"]
        case "**":
            return f"{bracket(parts[0], ATOM)}^{bracket(parts[1], ATOM)}", BINDS["**"]
        case "where":
            condition, no = parts[0][0], parts[2][0]
            yes = bracket(parts[1], BINDS["compare"])
            return f"{yes} where {condition}, else {no}", BINDS["where"]
        case ">" | ">=" | "<" | "<=":
            left, right = (bracket(part, BINDS["+"]) for part in parts)
            return f"{left} {COMPARISONS[op]} {right}", BINDS["compare"]
    between = {"+": " + ", "-": " - ", "*": "·", "@": " @ ", "/": "/"}[op]
    binds = BINDS[op]
    # what stands right of - or / binds tighter, so that a - (b - c) keeps its brackets
    least = binds + 1 if op in "-/@" or args[1].op == "@" else binds
    left = bracket(parts[0], BINDS["*"] if op == "/" else binds)
    right = bracket(parts[1], ATOM if signed(args[1]) else least)
    return f"{left}{between}{right}", min(binds, BINDS["*"])


def _call(function: str, parts: list[tuple[str, int]]) -> tuple[str, int]:
    # what stands between commas: a choice, which has a comma itself, in brackets
    least = BINDS["compare"] if len(parts) > 1 else 0
    inside = ", ".join(bracket(part, least) for part in parts)
    match function:
        case "exp":
            return f"e^{_exponent(parts[0])}", BINDS["**"]
        case "absolute" | "abs" | "fabs":
            return f"|{inside}|", ATOM
        case "sqrt":
            return f"√{bracket(parts[0], ATOM)}", BINDS["**"]
        case "square":
            return f"{bracket(parts[0], ATOM)}^2", BINDS["**"]
        case "log1p":
            return f"ln(1 + {bracket(parts[0], BINDS['+'])})", ATOM
        case "expm1":
            return f"e^{_exponent(parts[0])} - 1", BINDS["+"]
        case "logaddexp":
            first, second = (bracket(part, ATOM) for part in parts)
            return f"ln(e^{first} + e^{second})", ATOM
        case "xlogy":  # which is 0 where its first number is 0
            return f"{bracket(parts[0], BINDS['*'])}·ln({parts[1][0]})", BINDS["*"]
    spelled = {"maximum": "max", "minimum": "min", "log": "ln", "Phi": "Φ", "phi": "φ"}
    return f"{spelled.get(function, function)}({inside})", ATOM
