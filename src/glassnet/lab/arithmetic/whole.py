"""The whole network, where nothing is selected: its layers, its objective, its conventions."""

from __future__ import annotations

from html import escape

from glassnet.lab.arithmetic.reading import Reading, Told
from glassnet.lab.arithmetic.rows import Row, link, section, table
from glassnet.lab.pick import Pick, layer_words
from glassnet.walkthrough.card import card

SAID = ("loss", "reduction", "penalty", "clipping", "dropout", "update", "dtype")
"""What is told of the conventions."""


def whole(read: Reading) -> Told:
    """A short summary of the network and its loss."""
    net = read.trace.net
    rows = [
        Row(
            layer_words(net, k),
            [f"{one.n_in} × {one.n_out}", escape(str(one.activation)), str(one.n_params)],
            Pick("layer", k),
        )
        for k, one in enumerate(net.layers, 1)
    ]
    together = Row("together", ["", "", str(net.n_params)])
    network = table(["layer", "W", "activation", "parameters"], rows, [together])
    said = escape(f"{read.sample_words}, from input to loss")
    links = [
        link(Pick("loss"), "the loss, sample by sample"),
        link(Pick("sample", 0, read.row(read.s)), said),
    ]
    lines = "".join(
        f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>"
        for label, text in card(read.trace, layout=read.look.layout).rows
        if label in SAID
    )
    shown = read.shown("J") + "".join(f"<p>{one}</p>" for one in links)
    parts = (
        section("The network", network),
        section("The objective J", shown, phase="loss"),
        section("Conventions", f'<dl class="sum-card">{lines}</dl>'),
    )
    return Told((f"network {net}",), parts)
