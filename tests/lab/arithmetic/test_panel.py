"""What the panel asks the arithmetic for."""

import re

import numpy as np
import pytest

from glassnet.lab.arithmetic import arithmetic
from glassnet.lab.panels.arithmetic import asked
from glassnet.lab.pick import Pick
from glassnet.lab.session import Session
from glassnet.lab.setting import Setting


def test_a_sample_is_found_in_its_batch_or_only_followed_forward():
    session = Session(Setting(batch=10))
    session.choose_sample(int(session.rows[3]))
    session.pick = Pick("weight", 1)
    assert asked(session).sample == 3
    np.testing.assert_array_equal(asked(session).rows, session.rows)
    session.choose_sample(next(row for row in range(150) if row not in session.rows))
    assert (asked(session).sample, asked(session).trace) == (None, session.trace)
    session.pick = Pick("neuron", 1)
    one = asked(session)
    assert (one.sample, one.trace.samples, one.rows) == (0, None, [session.position.row])
    assert one.called == f"sample {session.position.row + 1}"
    session.choose_sample(2, held=True)
    assert asked(session).called == "validation sample 3"
    np.testing.assert_array_equal(asked(session).trace.X[0], session.data.held_X[2])


def test_a_row_of_the_validation_points_is_no_row_of_the_batch():
    session = Session(Setting(batch=10))
    session.pick = Pick("weight", 1)
    session.choose_sample(int(min(session.rows)), held=True)
    assert asked(session).sample is None


PARTS = {
    Pick("neuron", 1): ["forward", "loss", "backward", "update"],
    Pick("neuron", 2): ["forward", "loss", "backward", "update"],
    Pick("weight", 1): ["forward", "backward", "update"],
    Pick("bias", 1): ["forward", "backward", "update"],
    Pick("input"): ["backward"],
    Pick("sample"): ["forward", "loss", "backward"],
    Pick("loss"): ["loss"],
    Pick("none"): ["loss"],
}


@pytest.mark.parametrize("pick", PARTS, ids=lambda pick: pick.json)
def test_each_part_says_which_phase_it_tells_of(pick):
    session = Session()
    session.pick = pick
    for _ in range(4):
        session.next()
    found = re.findall(r'data-phase="(\w+)"', arithmetic(asked(session)).html)
    assert set(found) == set(PARTS[pick])
