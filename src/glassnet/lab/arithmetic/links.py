"""The links of a neuron or an input: its weights, with what goes through them on one sample."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from glassnet.lab.arithmetic.reading import Reading
from glassnet.lab.arithmetic.rows import TERMS, Row, closing, count, left_out, table
from glassnet.lab.pick import Pick
from glassnet.walkthrough.explain import Index, Working, largest
from glassnet.walkthrough.naming import handed


def links_in(read: Reading, k: int, j: int) -> str:
    """w · input of all that leads to a neuron, and its bias: together they are z."""
    head = ["from", "w", "input", "w · input"]
    if not read.has("forward"):
        W = read.array(f"W{k}")[:, j]
        rows = [_waiting(read, Pick("weight", k, j, i), W[i], k - 1, i) for i in _largest(W)]
        return table(head, rows, left_out(len(W), len(head)))
    one = read.working(f"z{k}", (read.s, j))
    if _done(read):
        rows = [_changed(read, k, term.factors[-1].index) for term in one.terms]
        return table(["from", "w", "after"], rows, _rest(one, 3))
    rows = []
    for term in one.terms:
        amount = read.number(term.value, signed=True)
        if len(term.factors) == 1:
            rows.append(Row("bias", [read.number(term.value), "", amount], Pick("bias", k, j)))
            continue
        x, w = term.factors
        i = w.index[0]
        cells = [read.number(w.value), read.number(x.value), amount]
        rows.append(Row(read.short(k - 1, i), cells, Pick("weight", k, j, i)))
    return table(head, rows, closing("z", one, 2, lambda v: read.number(v, signed=True)))


def links_out(read: Reading, k: int, j: int) -> str:
    """w · δ of all that a neuron or an input leads to: together they are its own slope."""
    if k == len(read.trace.net.layers):
        return "<p>None: this is what the network answers.</p>"
    head = ["to", "w", "δ there", "w · δ"]
    if not read.has("backward"):
        W = read.array(f"W{k + 1}")[j]
        rows = [_waiting(read, Pick("weight", k + 1, i, j), W[i], k + 1, i) for i in _largest(W)]
        return table(head, rows, left_out(len(W), len(head)))
    one = read.working(f"dL_d{handed(k, read.trace.values)}", (read.s, j))
    if _done(read):
        rows = [_changed(read, k + 1, term.factors[-1].index, out=True) for term in one.terms]
        return table(["to", "w", "after"], rows, _rest(one, 3))
    rows = []
    for term in one.terms:
        slope, w = term.factors
        to = slope.index[1]
        cells = [read.number(w.value)]
        cells += [read.number(value, signed=True) for value in (slope.value, term.value)]
        rows.append(Row(read.short(k + 1, to), cells, Pick("weight", k + 1, to, j)))
    return table(head, rows, closing("sum", one, 2, lambda v: read.number(v, signed=True)))


def _done(read: Reading) -> bool:
    # whether Next has just made the update: then what it made of each weight is of interest
    return read.asked.reached == "update" and read.has("update")


def _changed(read: Reading, k: int, index: Index, *, out: bool = False) -> Row:
    # a weight (i, j) or a bias (j,) of layer k, before and after the update
    *source, j = index
    part = f"W{k}" if source else f"b{k}"
    cells = [read.number(read.value(called, index)) for called in (part, f"new_{part}")]
    if not source:
        return Row("bias", cells, Pick("bias", k, j))
    label = read.short(k, j) if out else read.short(k - 1, source[0])
    return Row(label, cells, Pick("weight", k, j, source[0]))


def _rest(one: Working, wide: int) -> list[Row]:
    return [Row(count(one.hidden, "more"), [""] * (wide - 1))] if one.hidden else []


def _largest(weights: np.ndarray) -> Iterator[int]:
    return map(int, largest(weights, TERMS))


def _waiting(read: Reading, pick: Pick, w: float, layer: int, unit: int) -> Row:
    # what goes through it is not computed yet
    return Row(read.short(layer, unit), [read.number(w), "not yet", "not yet"], pick)
