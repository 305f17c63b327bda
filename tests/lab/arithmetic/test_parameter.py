"""The arithmetic of a weight or a bias: what it carries, its gradient, its update."""

from __future__ import annotations

import numpy as np
import pytest

from glassnet import (
    Adam,
)
from glassnet.lab.arithmetic import Asked, arithmetic
from glassnet.lab.arithmetic.rows import TERMS
from glassnet.lab.pick import Pick
from glassnet.walkthrough.numerals import Numerals
from tests.lab.arithmetic.reading import TRACES, example, show


@pytest.mark.parametrize(
    ("part", "pick"), [("W2", Pick("weight", 2, 3, 7)), ("b2", Pick("bias", 2, 3))]
)
def test_the_terms_of_a_gradient_add_up_to_it(part, pick):
    found = TRACES["4-20-16-3"]
    read = show(found, pick)
    rows = [row for row in read.rows if row and row[0].startswith("sample ")]
    assert len(rows) == TERMS
    index = (7, 3) if part == "W2" else (3,)
    terms = found.values["dL_dz2"][:, 3] * (found.values["a1"][:, 7] if part == "W2" else 1.0)
    largest = np.sort(np.argsort(-np.abs(terms), kind="stable")[:TERMS])
    assert [row[0] for row in rows] == [f"sample {s + 1}" for s in largest]
    assert [row[-1] for row in rows] == [Numerals().of(t, signed=True) for t in terms[largest]]
    rest = next(row for row in read.rows if row[0] == f"{40 - TERMS} more")
    left = float(np.delete(terms, largest).sum())
    assert rest[-1] == Numerals().of(left, signed=True)
    whole = float(found.values[f"dL_d{part}"][index])
    assert next(row for row in read.rows if row[0] == "sum")[-1] == Numerals().of(
        whole, signed=True
    )


def test_the_update_goes_through_the_optimizers_arithmetic_to_the_new_weight():
    found = TRACES["4-20-16-3"]
    said = show(found, Pick("weight", 2, 3, 7)).sections["The update"]
    for key in ("m_new_W2", "v_new_W2", "m_hat_W2", "v_hat_W2", "new_W2"):
        assert Numerals().of(float(found[key].value[7, 3])) in said
    before, after = (Numerals().of(float(found[key].value[7, 3])) for key in ("W2", "new_W2"))
    assert f"before {before} → after update 121: {after}" in said


def test_a_clipped_gradient_is_shown_before_and_after():
    found = TRACES["clipped"]
    said = show(found, Pick("weight", 1, 0, 0)).sections["The gradient"]
    for key in ("dJ_dW1", "g_W1"):
        assert Numerals().of(abs(float(found[key].value[0, 0]))) in said
    assert Numerals().of(float(found["norm"].value)) in said


def test_what_comes_after_the_update_waits_for_it():
    found = TRACES["2-8-1"]
    before = show(found, Pick("bias", 1, 3), reached="backward").sections["The update"]
    assert "not computed yet: press Next until update" in before
    assert "→" not in before


def test_a_sum_says_what_it_does_to_the_step():
    said = show(TRACES["sum"], Pick("weight", 1)).sections["The update"]
    assert "The sum over 30 samples: the gradient is 30 times that of the mean" in said
    assert "this step is 30 times that of the mean" in said
    assert "the learning rate 0.5·30 = 15." in said
    assert "times that of" not in show(TRACES["2-8-1"], Pick("weight", 1)).text


def test_a_sum_under_adam_says_no_more_than_is_true():
    found = example(reduction="sum", optimizer=Adam(0.1))
    said = show(found, Pick("weight", 1)).sections["The update"]
    assert "the gradient is 30 times" in said
    assert "this step" not in said


def test_proofs_stand_beside_derivatives_and_can_be_left_out():
    found = TRACES["2-8-1"]
    pick = Pick("weight", 1, 2, 0)
    proof = found.proof("dL_dW1", 0, 2)
    said = show(found, pick).text
    assert f"measured as {Numerals(6).of(proof.measured, signed=True)}" in said
    assert "right\xa0✓" in said
    assert "Proof" not in show(found, pick, proofs=False).text


def test_a_batch_keeps_the_rows_of_the_training_data():
    found = TRACES["2-8-1"]
    rows = [*range(100, 130)]
    read = show(found, Pick("weight", 1), sample=2, rows=rows)
    chosen = {pick["unit"] for pick in read.picks if pick["kind"] == "sample"}
    assert len(chosen) == TERMS
    assert chosen <= set(rows)
    assert f"On sample {102 + 1} it carries" in read.text


def test_a_weight_is_explained_without_a_current_sample():
    read = show(TRACES["2-8-1"], Pick("weight", 1), sample=None)
    assert "it carries" not in read.text
    for sample, marked in ((0, True), (None, False)):
        html = arithmetic(Asked(TRACES["1-1"], Pick("weight", 1), sample)).html
        assert ("aria-current" in html) == marked
