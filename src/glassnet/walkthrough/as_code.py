"""A formula in Python with NumPy, as a teacher would type it."""

from __future__ import annotations

import numpy as np

from glassnet.walkthrough.expression import (
    ATOM,
    AXES,
    BINDS,
    Expression,
    Own,
    Spell,
    bracket,
)


def code_of(tree: Expression, spell: Spell) -> tuple[str, int]:
    """The code, and how tightly its outermost operation binds."""
    op, args = tree.op, tree.args
    if op == "name":
        return spell(args[0]), ATOM
    if op == "number":
        value = args[0]
        shown = str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        return shown, ATOM if value >= 0 else BINDS["neg"]
    if op == "call":
        inside = ", ".join(code_of(part, spell)[0] for part in args[1:])
        numpy_name = {"ln": "log", "max": "maximum", "min": "minimum", "absolute": "abs"}
        called = numpy_name.get(args[0], args[0])
        own = isinstance(called, Own) or not hasattr(np, called)
        return f"{'' if own else 'np.'}{called}({inside})", ATOM
    if op == "sum":
        summed = code_of(args[0], spell)
        axis = "" if args[1] == "all" else f"axis={AXES[args[1]]}"
        return f"{bracket(summed, ATOM)}.sum({axis})", ATOM
    parts = [code_of(part, spell) for part in args]
    match op:
        case "T":
            return f"{bracket(parts[0], ATOM)}.T", ATOM
        case "column":
            return f"{bracket(parts[0], ATOM)}[:, None]", ATOM
        case "neg":
            return f"-{bracket(parts[0], BINDS['neg'])}", BINDS["neg"]
        case "**":
            return f"{bracket(parts[0], ATOM)}**{bracket(parts[1], ATOM)}", BINDS["**"]
        case "where":
            return f"np.where({', '.join(text for text, _ in parts)})", ATOM
        case ">" | ">=" | "<" | "<=":
            left, right = (bracket(part, BINDS["+"]) for part in parts)
            return f"{left} {op} {right}", BINDS["compare"]
    binds = {"+": 2, "-": 2, "*": 3, "/": 3, "@": 3}[op]
    least = binds + 1  # a + (b + c) is not rounded as (a + b) + c is
    return f"{bracket(parts[0], binds)} {op} {bracket(parts[1], least)}", binds
