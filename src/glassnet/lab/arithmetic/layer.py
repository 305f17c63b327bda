"""A layer: its formulas with their shapes, and its weights."""

from __future__ import annotations

from html import escape

from glassnet.lab.arithmetic.reading import Reading, Told
from glassnet.lab.arithmetic.rows import Row, link, section, table, target
from glassnet.lab.arithmetic.sample import inputs
from glassnet.lab.pick import Pick, layer_words
from glassnet.walkthrough.html_table import kept
from glassnet.walkthrough.spelling import Spelling


def layer(read: Reading) -> Told:
    """The inputs, or a layer with weights."""
    k, net = read.pick.layer, read.trace.net
    if k == 0:
        return Told(("inputs",), (_shapes(read, "X"), inputs(read)))
    one = net.layers[k - 1]
    parts = [_shapes(read, step.name) for step in read.forward_of(k)]
    parts.append(section(f"Weights {read.spelled(f'W{k}')}", _matrix(read, k)))
    if read.has("backward"):
        parts += [_shapes(read, f"dL_dz{k}"), _shapes(read, f"dL_dW{k}")]
    else:
        parts.append(section("∂L/∂W", f"<p>{read.pending('backward')}</p>"))
    on = f"{one.n_in} → {one.n_out}, {one.activation}"
    return Told((layer_words(net, k), on), tuple(parts))


def _shapes(read: Reading, called: str) -> str:
    # the formula of a whole array, with the shapes in it
    step, look = read.step(called), read.look
    body = read.formula(called)
    if not read.has(step.part):
        body += f"<p>{read.pending(step.part)}</p>"
    shapes = Spelling(read.trace, look.layout, look.names, look.numerals).shapes(step)
    body += f'<p class="sum-shapes">{escape(shapes)}</p>'
    return section(read.spelled(called), body, step.words)


def _matrix(read: Reading, k: int) -> str:
    # W and b, each number a button; of a large one the first and the last
    one, W = read.trace.net.layers[k - 1], read.array(f"W{k}")
    columns = list(kept(one.n_out, 0))
    head = ["from"] + [
        j if isinstance(j, str) else link(Pick("neuron", k, j), escape(read.short(k, j)))
        for j in columns
    ]
    rows = []
    for i in kept(one.n_in, 0):
        if isinstance(i, str):
            rows.append(Row(i, [""] * len(columns)))
            continue
        cells = [
            "…" if isinstance(j, str) else _button(read, Pick("weight", k, j, i), W[i, j])
            for j in columns
        ]
        rows.append(Row(read.short(k - 1, i), cells))
    if not one.bias:
        return table(head, rows)
    b = read.array(f"b{k}")
    cells = [
        "…" if isinstance(j, str) else _button(read, Pick("bias", k, j), b[j]) for j in columns
    ]
    return table(head, rows, [Row("bias", cells)])


def _button(read: Reading, pick: Pick, value: float) -> str:
    return f'<button type="button" class="sum-cell" {target(pick)}>{read.number(value)}</button>'
