"""A trace as data: every step with all its names, its formula in each face, and its value."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from glassnet.core.formula import Array
from glassnet.walkthrough import naming
from glassnet.walkthrough.card import card
from glassnet.walkthrough.explain import Explanation, at, place
from glassnet.walkthrough.ladder import rungs
from glassnet.walkthrough.spelling import NAME, Spelling
from glassnet.walkthrough.step import Step
from glassnet.walkthrough.text import Page


def as_data(page: Page, steps: Iterable[Step]) -> dict[str, Any]:
    """The card and the steps, ready for JSON, in the page's layout."""
    return {
        "layout": page.layout,
        "samples": len(page.trace.X),
        "inputs": list(page.inputs),
        "card": dict(card(page.trace, layout=page.layout, digits=None).rows),
        "steps": [step_as_data(page, step) for step in steps],
    }


def step_as_data(page: Page, step: Step) -> dict[str, Any]:
    """One step."""
    spelling = page.spelling
    tree = step.written(page.layout)
    shown = step.shown(page.layout)
    return {
        "name": step.name,
        "symbol": step.symbol,
        "latex": step.latex,
        "seed_name": step.seed_name,
        "part": step.part,
        "layer": step.layer,
        "words": page.words(step),
        "formula": None if tree is None else spelling.text(tree),
        "formula_latex": None if tree is None else tree.latex(naming.latex),
        "operands": list(step.operands),
        "shape": list(np.shape(shown)),
        "dtype": str(step.dtype),
        "when": step.when,
        "value": plain_values(shown),
    }


def explanation_as_data(spelling: Spelling, found: Explanation) -> dict[str, Any]:
    """One number explained; places as the layout has them."""

    def coded(key: str) -> str:
        called, index = place(key) if NAME.fullmatch(key) else (key, ())
        known = called in spelling.trace
        return spelling.place(spelling.trace[called], index, code=True) if known else key

    return {
        "asked": coded(found.asked),
        "value": plain_value(found.value),
        "cell": list(found.cell),
        "workings": [
            {
                "place": spelling.place(one.step, one.index, code=True),
                "spelled": spelling.place(one.step, one.index),
                "words": one.step.words,
                "when": one.step.when,
                "lines": [text for text, _ in rungs(spelling, one)],
                "numbers": {coded(key): plain_value(value) for key, value in one.values.items()},
                "terms": [
                    {
                        "label": term.label,
                        "factors": {
                            coded(at(factor.name, factor.index)): plain_value(factor.value)
                            for factor in term.factors
                        },
                        "value": plain_value(term.value),
                    }
                    for term in one.terms
                ],
                "hidden": one.hidden,
                "rest": plain_value(one.rest),
                "value": plain_value(one.value),
            }
            for one in found
        ],
    }


def plain_values(values: Array) -> Any:
    """Lists of numbers; what is not finite as text, which JSON has no number for."""
    found = np.asarray(values)
    if found.dtype.kind != "f" or np.isfinite(found).all():
        return found.tolist()
    if not found.ndim:
        return plain_value(float(found))
    return [plain_values(part) for part in found]


def plain_value(value: float) -> float | str:
    """A number, or "nan", "inf", "-inf"."""
    return value if math.isfinite(value) else str(value)
