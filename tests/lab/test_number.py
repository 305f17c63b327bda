"""Several numbers in one box, as people write them."""

import pytest

from glassnet.core.errors import BadInput
from glassnet.lab.number import numbers


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("0.5", (0.5,)),
        ("0,5", (0.5,)),
        (" 1 / 4 ", (0.25,)),
        ("0.5 0.2", (0.5, 0.2)),
        ("0.5,0.2", (0.5, 0.2)),
        ("0.25, 0.5,0.125", (0.25, 0.5, 0.125)),
        ("0,5 0,2", (0.5, 0.2)),
        ("0,5;0,2 ; 1/8", (0.5, 0.2, 0.125)),
        ("−1 2", (-1.0, 2.0)),
    ],
)
def test_numbers_as_they_are_typed(typed, read):
    assert numbers(typed) == read


@pytest.mark.parametrize("typed", ["", "half", "0.5 half", "0.5;", "0.5,", "1/0 2"])
def test_what_is_no_row_of_numbers_is_refused(typed):
    with pytest.raises(BadInput, match="typed"):
        numbers(typed)
