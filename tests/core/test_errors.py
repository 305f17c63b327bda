"""Errors are one line with got, wanted, try, and cross processes as they are."""

from __future__ import annotations

import pickle

import pytest

from glassnet.core.errors import BadFile, BadInput, GlassnetError


@pytest.mark.parametrize("kind", [GlassnetError, BadInput, BadFile])
def test_one_line_that_pickles(kind):
    error = kind("X has 3\ncolumns", "the network  expects 5", "Did you pass X.T?")
    assert str(error) == "X has 3 columns, the network expects 5. Did you pass X.T?"
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)
    assert (again.got, again.wanted, again.hint) == (error.got, error.wanted, error.hint)


def test_without_a_hint():
    assert str(BadInput("this", "that")) == "this, that."


def test_bad_input_is_a_value_error():
    assert issubclass(BadInput, ValueError)
    assert issubclass(BadInput, GlassnetError)
