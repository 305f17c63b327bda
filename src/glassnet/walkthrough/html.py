"""The trace as HTML: folded steps for a notebook, and a page of its own as a handout.

It has to be read in many places: Jupyter, VS Code and marimo, light and dark; viewers of notebooks
without a kernel, which take styles away; on paper. So there is no script, no style sheet inside a
notebook and nothing loaded from elsewhere; steps fold by themselves, and whatever is taken away,
the text that is left says it all.

>>> import glassnet as gn
>>> from glassnet.walkthrough.trace import trace
>>> net = gn.Network.mlp(1, 1)
>>> lines = of_step(trace(net, [[2.0]], theta=[0.5, 0.1])["z1"])
>>> "z₁ = X" in lines, "<table" in lines, "<script" in lines
(True, True, False)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from html import escape

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.walkthrough.as_html import symbol
from glassnet.walkthrough.card import Card, card
from glassnet.walkthrough.explain import Explanation, at, work
from glassnet.walkthrough.html_table import table
from glassnet.walkthrough.html_working import chip, shown_formula, working
from glassnet.walkthrough.look import HEAD, LINE, LINES, OUTER, SCROLL, SMALL, Look
from glassnet.walkthrough.numerals import Numerals
from glassnet.walkthrough.proof import Proof, is_derivative
from glassnet.walkthrough.step import Part, Step
from glassnet.walkthrough.trace import Trace

MEASURED = 200_000
"""Proofs stand in the page up to this many samples times parameters; beyond, on request."""

PARTS: dict[Part, tuple[str, str]] = {
    "given": ("Given", "data and parameters"),
    "forward": ("Forward", "from the inputs to the answer"),
    "loss": ("Loss", "how wrong the answer is"),
    "backward": ("Backward", "what each number did to the loss, by the chain rule"),
    "gradient": ("Gradient", "which way training goes"),
    "update": ("Update", "the optimizer's arithmetic"),
}

# ---------------------------------------------------------------- what is asked for


def of_trace(trace: Trace, look: Look | None = None) -> str:
    """The whole trace: card, and the steps of each part folded."""
    look = look or Look()
    _check(trace, look)
    look = replace(look, anchor=look.anchor or anchor(trace, look))
    if look.layout == "columns":
        data = frozenset(step.name for step in trace.steps if step.kind == "data")
        look = replace(look, turned=data)
    samples = f"{len(trace.X)} sample{'s' if len(trace.X) != 1 else ''}"
    title = f"Update {trace.step + 1} of a network {trace.net}, on {samples}"
    if trace.samples is None:
        title = f"The way forward through a network {trace.net}, on {samples}"
    return _outer(
        f'<p style="margin:.3em 0"><b>{escape(title)}</b></p>'
        + legend()
        + conventions(
            card(
                trace,
                layout=look.layout,
                digits=None if look.numerals.exact else look.numerals.digits,
            ),
            look,
        )
        + "".join(_parts(trace, look))
    )


def _check(trace: Trace, look: Look) -> None:
    widest = max(trace.net.sizes)
    for what, got, size in (("sample", look.sample, len(trace.X)), ("neuron", look.neuron, widest)):
        if not 0 <= got < size:
            raise BadInput(f"{what}={got}", f"0 to {size - 1} is expected, counted from 0")


def of_step(step: Step, look: Look | None = None) -> str:
    """One step alone: its formula and its value."""
    look = look or Look()
    return _outer(
        f'<p style="margin:.3em 0">{_heading(step, look)}</p>'
        f'<p style="margin:.3em 0">{escape(step.words)}</p>'
        + formula(step, look)
        + table(step, look, None, ())
        + _facts(step, look)
    )


def of_explanation(explanation: Explanation, look: Look | None = None) -> str:
    """One number: all its workings, one below the other."""
    look = look or Look()
    parts = [f'<p style="margin:.3em 0">{escape(line)}</p>' for line in explanation.cell]
    for one in explanation:
        mark = "<b>" if one.place == explanation.asked else ""
        parts.append(
            f'<p style="margin:.8em 0 0">{mark}{escape(one.step.words)}{mark and "</b>"}</p>'
            + working(one, look)
        )
    return _outer("".join(parts))


def of_card(found: Card) -> str:
    """The conventions alone, open."""
    return _outer(conventions(found, Look(unfolded=True)))


def conventions(found: Card, look: Look) -> str:
    """The conventions, folded, and the same network elsewhere."""
    rows = "".join(
        f'<tr><th scope="row" style="{HEAD}left;vertical-align:top">{escape(label)}</th>'
        f'<td style="padding:.2em .6em;text-align:left">{escape(text)}</td></tr>'
        for label, text in found.rows
    )
    code = "".join(
        f'<p style="margin:.6em 0 .2em">{escape(library)}</p>'
        f'<pre style="margin:0;{SCROLL}"><code>{escape(source)}</code></pre>'
        for library, source in found.spellings.items()
    )
    told = f'<table style="border-collapse:collapse;margin:.3em 0">{rows}</table>'
    return _fold("<b>Conventions</b>, said aloud", told, look) + _fold(
        "<b>The same network</b> in other libraries", code, look
    )


def page(trace: Trace, look: Look | None = None) -> str:
    """A page of its own, whole: for a handout, to be printed or sent."""
    body = of_trace(trace, look)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Every number of {escape(str(trace.net))}</title>\n<style>{SHEET}</style>\n"
        f"</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


# light or dark as the reader has it; on paper nothing is folded
SHEET = (
    ":root{color-scheme:light dark;font-family:system-ui,sans-serif}"
    "body{margin:1em auto;padding:0 1em;max-width:60em}"
    "summary{cursor:pointer}:target{outline:2px solid;outline-offset:.3em}"
    "@media print{details::details-content{content-visibility:visible;height:auto}"
    "summary{break-after:avoid}table,tr{break-inside:avoid}pre{white-space:pre-wrap}body{print-color-adjust:exact}}"
)


def anchor(trace: Trace, look: Look) -> str:
    """What the links of a trace begin with: the same for the same numbers, another for others."""
    mixed = hashlib.blake2b(digest_size=5)
    mixed.update(repr((trace.task, trace.step, replace(look, anchor=""))).encode())
    arrays = [trace.theta, trace.X, *trace.slots]
    arrays += [part for part in trace.samples or () if part is not None]
    for array in arrays:
        mixed.update(repr((array.shape, array.dtype)).encode())
        mixed.update(np.ascontiguousarray(array).tobytes())
    return f"gn-{mixed.hexdigest()}"


# ---------------------------------------------------------------- steps


def _parts(trace: Trace, look: Look) -> Iterator[str]:
    values = trace.environment()
    total = len(trace.steps)
    used: dict[str, list[Step]] = {}
    for step in trace.steps:
        for operand in step.operands:
            used.setdefault(operand, []).append(step)
    first_open = next((s for s in trace.steps if s.formula is not None), None)
    for part, (title, words) in PARTS.items():
        steps = [(k, s) for k, s in enumerate(trace.steps, 1) if s.part == part]
        if not steps:
            continue
        yield (
            f'<p style="margin:1.2em 0 .4em"><b>{title}</b>'
            f'<span style="opacity:.75">: {words}</span></p>'
        )
        for k, step in steps:
            index = chosen(step, look)
            inside = (
                f'<div id="{look.anchor}-{step.name}" style="scroll-margin-top:4em">'
                f'<p style="margin:.3em 0">{escape(step.words)}</p>'
                + formula(step, look)
                + (working(work(step, index, values), look) if step.formula is not None else "")
                + _cell(trace, step, index)
                + table(step, look, index, input_names(trace))
                + _facts(step, look)
                + _proved(trace, step, index, look)
                + _links("Made from", trace.of(step), look)
                + _links("Goes into", used.get(step.name, ()), look)
                + "</div>"
            )
            head = f'<span style="opacity:.6">[{k}/{total}]</span> {_heading(step, look)}'
            yield _fold(head, inside, look, opened=step is first_open)


def _heading(step: Step, look: Look) -> str:
    shape = f' <span style="opacity:.6">{escape(_shape(step, look))}</span>'
    sign, words = f"<b>{escape(step.symbol)}</b>", f"<code>{escape(step.seed_name)}</code>"
    if step.symbol == step.seed_name:
        return sign + shape
    return (f"{sign} {words}" if look.names == "math" else f"{words} {sign}") + shape


def _shape(step: Step, look: Look) -> str:
    shape = np.shape(step.shown(look.layout))
    return str(shape) if shape else "one number"


def chosen(step: Step, look: Look) -> tuple[int, ...]:
    """Which number of a step is worked out: that of the sample and the neuron, or the last."""
    wanted = {
        "data": (look.sample, look.neuron),
        "sample": (look.sample,),
        "jacobian": (look.sample, look.neuron, look.neuron),
        "number": (),
    }.get(step.kind, (0, look.neuron) if len(step.shape) == 2 else (look.neuron,))
    return tuple(min(i, size - 1) for i, size in zip(wanted, step.shape, strict=True))


def formula(step: Step, look: Look) -> str:
    """The formula of a step, in the layout."""
    written = step.written(look.layout)
    if written is None:
        return ""
    body = shown_formula(written, step, look)
    own = symbol(look.spelled(step.name, step))
    return f'<p style="font-size:1.1em;{LINES}">{own} = {body}</p>'


def _facts(step: Step, look: Look) -> str:
    said = f"shape {escape(_shape(step, look))}" if step.shape else "one number"
    return f'<p style="{SMALL}">{said}, {step.dtype}, {escape(step.when)}</p>'


def _cell(trace: Trace, step: Step, index: tuple[int, ...]) -> str:
    if step.name != "X" or not trace.cells:
        return ""
    lines = trace.explain(step.name, *index).cell
    return "".join(f'<p style="margin:.3em 0">{escape(line)}</p>' for line in lines)


def _proved(trace: Trace, step: Step, index: tuple[int, ...], look: Look) -> str:
    if trace.samples is None or not is_derivative(step.name):
        return ""
    if len(trace.X) * trace.net.n_params > MEASURED:
        asked = f'trace.proof("{at(step.name, index)}")'
        return f'<p style="{SMALL}">Proof: <code>{escape(asked)}</code> measures it.</p>'
    return proved(trace.proof(step.name, *index), step, look)


def proved(found: Proof, step: Step, look: Look) -> str:
    """A derivative beside its measurement, and the verdict."""
    own = escape(look.spelled(found.place, step))
    if found.kink:
        return f'<p style="{SMALL}">Proof: {own} is {escape(found.verdict)}.</p>'
    mark = "✓" if found.agrees else "✗"
    finer = replace(look.numerals, digits=max(look.numerals.digits, 6))
    return (
        f'<p style="{SMALL}">Proof: moved a little up and down, {own} is measured as '
        f"{finer.of(found.measured)}; computed {finer.of(found.computed)}, relative error "
        f"{Numerals(1).of(found.error)}: <b>{escape(found.verdict)} {mark}</b></p>"
    )


def _links(words: str, steps: Iterable[Step], look: Look) -> str:
    links = ", ".join(
        f'<a href="#{look.anchor}-{step.name}">{escape(look.spelled(step.name, step))}</a>'
        for step in steps
    )
    return f'<p style="{SMALL}">{words}: {links}</p>' if links else ""


def input_names(trace: Trace) -> list[str]:
    """The names of the inputs, where they come from a table."""
    return [name for one in trace.cells for name in one.names]


# ---------------------------------------------------------------- around them


def legend() -> str:
    """What the colours and the frame mean."""
    plus, minus = chip(1.0, "+ positive"), chip(-1.0, "− negative")
    return (
        f'<p style="{SMALL}">{plus} {minus}, the fuller the larger. Framed and bold: the number '
        "that is worked out. Open a step to see its formula, the numbers in it, and its proof.</p>"
    )


def _fold(head: str, inside: str, look: Look, *, opened: bool = False) -> str:
    state = " open" if opened or look.unfolded else ""
    return (
        f'<details{state} style="margin:.2em 0"><summary style="padding:.2em 0">{head}</summary>'
        f'<div style="border-left:{LINE};margin:.2em 0 .8em .3em;padding-left:1em">{inside}</div>'
        "</details>"
    )


def _outer(inside: str) -> str:
    # notebooks take $ in a column's name for a formula, unless told otherwise
    return f'<div class="tex2jax_ignore mathjax_ignore" style="{OUTER}">{inside}</div>'
