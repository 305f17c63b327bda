"""The arithmetic of an input, a sample, a layer, the loss, an epoch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from glassnet.exchange.encodings import Number
from glassnet.lab.arithmetic.rows import TERMS
from glassnet.lab.pick import Pick
from glassnet.walkthrough.numerals import Numerals
from tests.lab.arithmetic.reading import TRACES, show


def test_an_input_says_where_it_comes_from():
    found = TRACES["2-8-1"]
    pick = Pick("input", 0, 1)
    scaling = ("x1: as it is", "x2: minus its mean <2>, divided by 3")
    assert scaling[1] in show(found, pick, scaling=scaling).text
    cells = replace(found, cells=(Number("a", 1.0, 2.0, 1.0), Number("b", 3.0, 4.0, 3.0)),
                    raw=([1.0] * 30, [5.0] * 30))  # fmt: skip
    for layout in ("rows", "columns"):
        said = show(cells, pick, scaling=scaling, layout=layout).text
        assert "b: (5 - 3) / 4 = 0.5" in said
        assert scaling[1] not in said


def test_a_sample_goes_the_whole_way():
    found = TRACES["4-20-16-3"]
    read = show(found, Pick("sample"), sample=9)
    for heading, key in (("Hidden layer 1", "z1"), ("Hidden layer 2", "a2"), ("Output layer", "y")):
        row = found.values[key][9]
        shown = np.argsort(-np.abs(found.values[f"a{key[1:]}" if key != "y" else "a3"][9]))[:TERMS]
        for x in row[shown]:
            assert Numerals().of(float(x)) in read.sections[heading]
    assert Numerals().of(float(found.values["losses"][9])) in read.sections["Loss of this sample"]


def test_a_layer_shows_its_shapes_and_every_weight_can_be_chosen():
    found = TRACES["2-8-1"]
    read = show(found, Pick("layer", 1))
    assert "(30,2) @ (2,8) + (8,) → (30,8)" in read.text
    weights = {Pick.of(pick) for pick in read.picks if pick["kind"] == "weight"}
    assert weights == {Pick("weight", 1, j, i) for i in range(2) for j in range(8)}
    turned = show(found, Pick("layer", 1), layout="columns")
    assert "(8,30)" in turned.text


def test_the_losses_add_up_to_the_objective():
    found = TRACES["4-20-16-3"]
    read = show(found, Pick("loss"))
    losses = found.values["losses"]
    largest = np.sort(np.argsort(-np.abs(losses), kind="stable")[:TERMS])
    rows = [row for row in read.rows if row[0].startswith("sample ")]
    assert [row[0] for row in rows] == [f"sample {s + 1}" for s in largest]
    assert [row[1] for row in rows] == [Numerals().of(x) for x in losses[largest]]
    assert next(row for row in read.rows if row[0] == "L")[1] == Numerals().of(
        float(found.values["L"])
    )
    assert Numerals().of(float(found.values["penalty"])) in read.sections["The penalty"]
    assert Numerals().of(float(found.values["J"])) in read.sections["The objective J"]


def test_a_point_of_the_curve_shows_what_was_recorded():
    recorded = (("training loss", 0.125), ("rows", "1 to <64>"))
    read = show(TRACES["2-8-1"], Pick("epoch", 0, 7), recorded=recorded)
    assert ["training loss", "0.1250"] in read.rows
    assert ["rows", "1 to <64>"] in read.rows


# ---------------------------------------------------------------- neurons left out by chance


def test_a_neuron_that_is_left_out_says_so_and_hands_on_nothing():
    found = TRACES["dropped"]
    s, j = next(zip(*np.nonzero(found.values["m1"] == 0), strict=True))
    read = show(found, Pick("neuron", 1, int(j)), sample=int(s))
    mask = read.sections["The mask m: kept, or left out by chance"]
    assert "left out, with probability 0.4" in mask
    assert mask.endswith(f"m1[{s},{j}]= 0")
    assert read.sections["What goes on, h"].endswith("= 0")
    sample = show(found, Pick("sample"), sample=int(s))
    row = next(row for row in sample.rows if row[0] == f"neuron {j + 1}")
    shown = [float(found.values[name][s, j]) for name in ("z1", "a1", "h1")]
    assert row[1:4] == [Numerals().of(float(x)) for x in shown]
    assert shown[2] == 0 != shown[1]


def test_a_layer_with_dropout_shows_its_mask_and_the_card_tells_of_it():
    found = TRACES["dropped"]
    read = show(found, Pick("layer", 1))
    assert "left out, with probability 0.4" in read.sections["m₁"]
    assert "h1 = m1·a1" in read.sections["h₁"]
    assert "m₃" not in show(found, Pick("layer", 3)).sections
    said = show(found, Pick("none")).sections["Conventions"]
    assert "shortened to the norm 0.05" in said
    assert "rate 0.4, 0.4 of the hidden layers, seed 2" in said
    assert "clipping" not in show(TRACES["2-8-1"], Pick("none")).sections["Conventions"]
