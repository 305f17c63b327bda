"""A sample: the whole way through the network, to its loss."""

from __future__ import annotations

from glassnet.lab.arithmetic.reading import Reading, Told
from glassnet.lab.arithmetic.rows import TERMS, Row, left_out, section, table
from glassnet.lab.pick import Pick, layer_words
from glassnet.walkthrough.explain import largest


def sample(read: Reading) -> Told:
    """The current sample, layer by layer."""
    net, place = read.trace.net, (read.s,)
    parts = [inputs(read)]
    parts += [
        section(layer_words(net, k).capitalize(), _answers(read, k), phase="backward")
        for k in range(1, len(net.layers) + 1)
    ]
    loss = f"<p>{read.pending('loss')}</p>"
    if read.trace.samples is not None:
        loss = read.shown("losses", place)
    parts.append(section("Loss of this sample", loss, phase="loss"))
    return Told((read.sample_words,), tuple(parts), ("losses", place))


def inputs(read: Reading) -> str:
    """Its inputs, the largest one by one."""
    x = read.array("X")[read.s]
    rows = [
        Row(read.short(0, i), [read.number(x[i])], Pick("input", 0, i))
        for i in map(int, largest(x, TERMS))
    ]
    return section("Inputs", table(["input", "x"], rows, left_out(len(x), 2)), phase="forward")


def _answers(read: Reading, k: int) -> str:
    # z, a and δ of a layer's neurons; with dropout what goes on, too
    s, last = read.s, k == len(read.trace.net.layers)
    columns = [("z", f"z{k}"), ("a", f"a{k}")]
    columns += [("h", f"h{k}")] * (f"h{k}" in read.trace)
    if read.trace.samples is not None:
        columns += [("target", "y")] * last + [("δ", f"dL_dz{k}")]
    a = read.array(f"a{k}")[s]
    rows = []
    for j in map(int, largest(a, TERMS)):
        cells = [
            read.number(read.value(called, (s, j)), signed=called.startswith("dL"))
            if read.has(read.step(called).part)
            else "not yet"
            for _, called in columns
        ]
        rows.append(Row(read.short(k, j), cells, Pick("neuron", k, j)))
    head = ["neuron", *(head for head, _ in columns)]
    return read.formula(f"a{k}") + table(head, rows, left_out(len(a), len(head)))
