"""Picks: what the page may select."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.core.errors import BadInput
from glassnet.lab.pick import Pick
from tests.lab.arithmetic.reading import network


def test_a_bias_that_there_is_not_is_refused():
    with pytest.raises(BadInput, match="it has none"):
        Pick("bias", 1).check(network(2, 3, 1, bias=False))


@pytest.mark.parametrize(
    "given_",
    [{"kind": "script"}, {"kind": "neuron", "layer": "1"}, {"kind": "neuron", "layer": 1.0},
     {"kind": "neuron", "layer": True}, {"kind": "weight", "source": -1}, {"layer": 2**40}, [],
     "none", {"kind": None}, {"kind": ["neuron"]}],
)  # fmt: skip
def test_what_the_page_sends_is_checked(given_):
    with pytest.raises(BadInput):
        Pick.of(given_)


@given(st.builds(Pick, st.sampled_from(["neuron", "weight", "bias", "sample"]),
                 *[st.integers(0, 2**31 - 1)] * 3))  # fmt: skip
def test_a_pick_comes_back_from_the_page(pick):
    assert Pick.of(json.loads(pick.json)) == pick
