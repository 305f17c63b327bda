"""An engine by name, or the engine itself."""

from __future__ import annotations

import subprocess
import sys
import warnings

import pytest

from glassnet.core.errors import BadInput
from glassnet.engines import choice
from glassnet.engines.choice import choose
from glassnet.engines.fused import Fused, target
from glassnet.engines.reference import Reference
from tests.engines.instances import engines


@pytest.fixture
def nowhere(monkeypatch):
    """A machine for which there is no compiler."""

    def host():
        raise OSError("no LLVM for this machine")

    monkeypatch.setattr(target, "host", host)
    choice._missing.cache_clear()
    yield
    choice._missing.cache_clear()


def test_by_name():
    assert choose() == choose("auto") == choose("fused") == Fused()
    assert choose("reference") == Reference()


@engines
def test_the_engine_itself(engine):
    assert choose(engine) is engine


@pytest.mark.parametrize("wrong", ["numba", "", None, 3, Fused, object()])
def test_what_is_no_engine(wrong):
    with pytest.raises(BadInput, match=r"engine=.* expected"):
        choose(wrong)


def test_without_a_compiler_the_reference_runs_and_it_is_said_once(nowhere):
    with pytest.warns(RuntimeWarning, match="no fused engine .*no LLVM for this machine") as told:
        assert choose() == Reference()
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert choose() == choose("auto") == Reference()


def test_without_a_compiler_the_fused_engine_is_refused(nowhere):
    with (
        pytest.warns(RuntimeWarning, match="no fused engine"),
        pytest.raises(BadInput, match=r"not to be had: OSError: no LLVM .* engine=.auto"),
    ):
        choose("fused")


def test_where_llvmlite_is_not_installed():
    program = """
import sys, warnings
sys.modules["llvmlite"] = None
import glassnet as gn
task = gn.Task(gn.Network.mlp(1, 2, 1), gn.SquaredError())
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    for _ in range(3):
        list(gn.train(task, [[1.0]], [[2.0]], epochs=2))
print(len(told), told[0].message)
"""
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert printed.startswith("1 no fused engine")
