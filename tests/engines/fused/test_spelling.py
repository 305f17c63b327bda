"""One's own formulas follow what their code reads: a variable, a function, a method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from glassnet.core.activations import Activation, Tanh
from glassnet.core.network import Network
from glassnet.engines.fused import Fused
from glassnet.engines.fused.spelling import spelling
from glassnet.engines.reference import Reference

STEEPNESS = 1.0


def bent(z: Any) -> Any:
    return np.tanh(z)


@dataclass(frozen=True)
class Steep(Activation):
    """a = s·bent(z), with s and bent from outside."""

    @staticmethod
    def f(z):
        return STEEPNESS * bent(z)

    @staticmethod
    def df(z, a):
        return np.ones_like(z)


@pytest.fixture
def case():
    net = Network.mlp(2, 3, 1, activation=Steep())
    return net, net.init(0), np.random.default_rng(0).normal(size=(5, 2))


def together(case):
    one, other = (engine.predict(*case) for engine in (Fused(), Reference()))
    np.testing.assert_allclose(one, other, rtol=1e-12)
    return one


def test_a_variable_that_changed(case, monkeypatch):
    before = together(case)
    monkeypatch.setitem(Steep.f.__globals__, "STEEPNESS", 3.0)
    assert not np.allclose(together(case), before)


def test_a_function_that_is_another_one(case, monkeypatch):
    before = together(case)
    monkeypatch.setitem(Steep.f.__globals__, "bent", lambda z: 0.1 * z * z)
    assert not np.allclose(together(case), before)


def test_a_method_written_anew(case, monkeypatch):
    before = together(case)
    monkeypatch.setattr(Steep, "f", staticmethod(lambda z: -z))
    assert not np.allclose(together(case), before)


def test_a_variable_of_the_function_around(monkeypatch):
    cells = {"s": 1.0}

    def kind(s):
        @dataclass(frozen=True)
        class Inner(Activation):
            """a = s·z."""

            @staticmethod
            def f(z):
                return s * z

            @staticmethod
            def df(z, a):
                return np.ones_like(z) * s

        return Inner()

    one, other = kind(cells["s"]), kind(2.0)
    assert spelling([one]) != spelling([other])
    assert spelling([one]) == spelling([one])


def test_the_library_needs_no_spelling():
    assert spelling([Tanh()]) == ()
