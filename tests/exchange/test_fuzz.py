"""Whatever happens to a file's bytes: a BadFile of one line, or the very same model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glassnet.core.errors import BadFile
from glassnet.core.losses import BinaryCrossEntropy
from glassnet.core.optimizers import Adam
from glassnet.engines.base import Task
from glassnet.exchange.checkpoint import load_checkpoint, save_checkpoint
from glassnet.exchange.model import load_model, save_model
from glassnet.training.stream import start
from tests.exchange import test_checkpoint, test_model

QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@st.composite
def damages(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """One to three changes: bytes flipped, set, cut out, put in, doubled, moved, or cut off."""
    changes = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["flip", "set", "cut", "insert", "double", "end", "digit"]),
                st.floats(0, 1, exclude_max=True),
                st.integers(1, 12),
                st.binary(min_size=1, max_size=12),
            ),
            min_size=1,
            max_size=3,
        )
    )

    def apply(data: bytes) -> bytes:
        for how, where, size, extra in changes:
            i = int(where * len(data))
            match how:
                case "flip":
                    flipped = bytes([data[i] ^ (1 << size % 8)]) if data else b""
                    data = data[:i] + flipped + data[i + 1 :]
                case "set":
                    data = data[:i] + extra + data[i + len(extra) :]
                case "cut":
                    data = data[:i] + data[i + size :]
                case "insert":
                    data = data[:i] + extra + data[i:]
                case "double":
                    data = data[: i + size] + data[i:]
                case "digit":
                    digits = [j for j, byte in enumerate(data[:2000]) if 48 <= byte < 58]
                    if digits:
                        j = digits[int(where * len(digits))]
                        data = data[:j] + bytes([48 + size % 10]) + data[j + 1 :]
                case "end":
                    data = data[:i]
        return data

    return apply


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("fuzz")
    save_model(test_model.classifier(), folder / "model")
    task = Task(test_checkpoint.NET, BinaryCrossEntropy(), Adam())
    save_checkpoint(folder / "checkpoint", task, start(task, 1), curves=test_checkpoint.CURVES)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def loads(call: Callable[[Path], Any], path: Path) -> Any:
    line = ""
    try:
        return call(path)
    except BadFile as error:
        line = str(error)
    assert "\n" not in line
    assert len(line) < 700
    return None


@settings(max_examples=400, deadline=None, suppress_health_check=QUIET)
@given(damage=damages())
def test_a_damaged_model(tmp_path: Path, files: dict[str, bytes], damage: Any) -> None:
    path = tmp_path / "m"
    path.write_bytes(damage(files["model"]))
    model = loads(load_model, path)
    assert model is None or test_model.same(model, test_model.classifier())


@settings(max_examples=200, deadline=None, suppress_health_check=QUIET)
@given(damage=damages())
def test_a_damaged_checkpoint(tmp_path: Path, files: dict[str, bytes], damage: Any) -> None:
    path = tmp_path / "c"
    path.write_bytes(damage(files["checkpoint"]))
    found = loads(load_checkpoint, path)
    task = Task(test_checkpoint.NET, BinaryCrossEntropy(), Adam())
    assert found is None or (
        found.task == task and test_checkpoint.same(found.state, start(task, 1))
    )


@settings(max_examples=100, deadline=None, suppress_health_check=QUIET)
@given(data=st.binary(max_size=300))
def test_noise(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "n"
    path.write_bytes(data)
    assert loads(load_model, path) is None
    path.write_bytes(len(data).to_bytes(8, "little") + data)
    assert loads(load_model, path) is None


@settings(max_examples=150, deadline=None, suppress_health_check=QUIET)
@given(data=st.data())
def test_a_forged_description(tmp_path: Path, files: dict[str, bytes], data: st.DataObject) -> None:
    """Any value anywhere replaced by any other, with a checksum that fits: still one line."""
    header, description, tail = test_model.parts(files["model"])
    node: Any = description["content"]
    while True:
        key = data.draw(
            st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node)))
        )
        if not (isinstance(node[key], (dict, list)) and node[key] and data.draw(st.booleans())):
            break
        node = node[key]
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    values = st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    )
    node[key] = data.draw(
        values.filter(lambda value: "nan" not in repr(value) and "inf" not in repr(value))
    )
    path = tmp_path / "f"
    path.write_bytes(test_model.put(header, description, tail))
    model = loads(load_model, path)
    if model is not None:  # what loads can be used and saved again
        model.predict([[0.0] * model.net.n_in])
        save_model(model, path)
