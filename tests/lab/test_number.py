"""Numbers as people type them: one, or several in one box."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.core.errors import BadInput
from glassnet.lab.number import number, numbers
from glassnet.walkthrough.numerals import Numerals


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


@pytest.mark.parametrize(
    ("text", "value"),
    [("-1/3", -1 / 3), ("0,5", 0.5), ("1e-3", 1e-3), ("−0.2", -0.2), ("  3 ", 3.0), ("+.5", 0.5),
     ("2.", 2.0), ("1 / 4", 0.25), ("1/−4", -0.25), ("1E+2", 100.0), ("0", 0.0)],
)  # fmt: skip
def test_numbers_as_people_type_them(text, value):
    assert number(text) == value


@pytest.mark.parametrize(
    "text",
    ["", " ", "x", "1/0", "0/0", "1/3/2", "--1", "1e", "1.2.3", "1,2,3", "nan", "inf", "1e999",
     "1/1e-320", "0x10", "1_000", "__import__('os')", "2**3", "1+1", "٣", "1" * 61, "1\n2", "½",
     "."],
)  # fmt: skip
def test_anything_else_is_refused_in_one_line(text):
    with pytest.raises(BadInput, match=r"typed, .+\. Try ") as refused:
        number(text)
    assert "\n" not in str(refused.value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_reads_back_as_it_is_written(value):
    assert number(repr(value)) == value
    assert number(Numerals(exact=True).of(value)) == value
