from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from glassnet.core.activations import Activation, LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from glassnet.core.backprop import forward
from glassnet.core.dropout import Dropout
from glassnet.core.errors import BadFile, BadInput
from glassnet.core.losses import BinaryCrossEntropy, CrossEntropy, Pinball, SquaredError
from glassnet.core.network import Dense, Network
from glassnet.core.optimizers import LBFGS, SGD, Adam
from glassnet.core.schedules import Cosine
from glassnet.engines.base import Task
from glassnet.exchange import container
from glassnet.exchange.encodings import fit_inputs
from glassnet.exchange.model import Model, load_model, save_model, shapes
from glassnet.exchange.tables import table_of
from glassnet.exchange.targets import Classes, Numbers, fit_target

TABLE = table_of(
    {
        "age": [30, 41, None, 52],
        "member": [True, True, None, False],
        "since": np.array(["2020-01-01", "2020-01-03", "NaT", "2020-01-05"], dtype="M8[D]"),
        "city": ["Oslo", 'Paris "ä"', "Paris", None],
        "y": ["no", "yes", "no", "yes"],
        "z": [0.5, 1.5, 2.5, 9.5],
    }
)


def classifier(dtype: type = np.float64, seed: int = 0) -> Model:
    inputs, _ = fit_inputs(TABLE, ["y", "z"])
    target, _ = fit_target(TABLE, "y")
    net = Network.mlp(6, 3, 1, activation=Tanh(), output=Sigmoid())
    task = Task(net, BinaryCrossEntropy(), Adam(Cosine(0.1, 50)), l2=1e-3, clip=1.0)
    settings = {"epochs": 10, "patience": None, "hidden": (3,), "tol": np.float64(1e-4)}
    history = {"loss": np.array([0.5, np.nan]), "note": "ä"}
    return Model(task, net.init(seed, dtype=dtype), inputs, target, settings, history)


def regressor() -> Model:
    inputs, _ = fit_inputs(TABLE, ["y", "z"])
    target, _ = fit_target(TABLE, "z")
    net = Network.mlp(6, 2, 1, activation=LeakyReLU(0.2), bias=False)
    return Model(Task(net, Pinball(0.9), LBFGS(), "sum"), net.init(1), inputs, target)


def bare() -> Model:
    net = Network((Dense(2, 3, ReLU()), Dense(3, 4, Softmax(), bias=False)))
    return Model(Task(net, CrossEntropy(), SGD(0.1)), net.init(2))


def dropping(rate: float | tuple[float, ...] = (0.25, 0.5)) -> Model:
    net = Network.mlp(2, 3, 3, 1)
    return Model(Task(net, Pinball(0.9), dropout=Dropout(rate, 2**64 - 1)), net.init(3))


MODELS = [
    *(classifier(), classifier(np.float32), regressor(), bare()),
    *(dropping(), dropping(0.3), dropping(0.0)),
]


def same(a: Model, b: Model) -> bool:
    return (
        a.task == b.task
        and a.theta.dtype == b.theta.dtype
        and a.theta.tobytes() == b.theta.tobytes()
        and (a.inputs, a.target, a.versions) == (b.inputs, b.target, b.versions)
        and container.plain([a.settings, a.history]) == container.plain([b.settings, b.history])
    )


@pytest.mark.parametrize("model", MODELS)
def test_there_and_back(tmp_path: Path, model: Model) -> None:
    path = tmp_path / "m.safetensors"
    save_model(model, path)
    loaded = load_model(path)
    assert same(loaded, model)
    assert not loaded.theta.flags.writeable
    # the same model, the same bytes, also after a round
    before = path.read_bytes()
    save_model(loaded, path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_the_file_is_plain_safetensors(tmp_path: Path) -> None:
    model = classifier()
    save_model(model, tmp_path / "m.safetensors")
    tensors = safetensors.numpy.load_file(tmp_path / "m.safetensors")
    assert {name: t.shape for name, t in tensors.items()} == shapes(model.net)
    for name, view in model.net.named(model.theta).items():
        assert np.array_equal(tensors[name], view)


def test_settings_come_back_as_plain_json(tmp_path: Path) -> None:
    save_model(classifier(), tmp_path / "m.safetensors")
    loaded = load_model(tmp_path / "m.safetensors")
    assert loaded.settings == {"epochs": 10, "patience": None, "hidden": [3], "tol": 1e-4}
    assert loaded.history == {"loss": [0.5, None], "note": "ä"}
    assert set(loaded.versions) == {"glassnet", "numpy", "python"}


@pytest.mark.parametrize("model", MODELS)
def test_predictions_are_the_networks(model: Model) -> None:
    X = np.random.default_rng(0).standard_normal((5, model.net.n_in)).astype(model.theta.dtype)
    assert np.array_equal(model.predict(X), forward(model.net, model.theta, X)[-1].a)
    assert model.predict(X[:0]).shape == (0, model.net.n_out)
    with pytest.raises(BadInput, match=r"X has .* columns, the network expects"):
        model.predict(np.zeros((3, model.net.n_in + 1)))


def test_long_tables_are_predicted_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    model = bare()
    X = np.random.default_rng(0).standard_normal((25, 2))
    whole = model.predict(X)
    monkeypatch.setattr("glassnet.exchange.model.ROWS", 10)
    np.testing.assert_allclose(model.predict(X), whole, rtol=1e-12)


def test_classes_of_a_table() -> None:
    model = classifier()
    prediction = model.predict_table(TABLE)
    X, notes = model.encode(TABLE)
    a = model.predict(X)[:, 0]
    assert prediction.values.tolist() == ["yes" if p >= 0.5 else "no" for p in a]
    columns = prediction.columns(proba=True)
    assert list(columns) == ["y", "P(y=no)", "P(y=yes)"]
    assert np.array_equal(columns["P(y=yes)"], a)
    np.testing.assert_allclose(columns["P(y=no)"] + a, 1)
    assert list(prediction.columns()) == ["y"]
    assert prediction.notes == tuple(notes)
    assert len(notes) == 4


def test_numbers_of_a_table_are_in_their_own_units() -> None:
    model = regressor()
    prediction = model.predict_table(TABLE)
    X, _ = model.encode(TABLE)
    z = np.array([0.5, 1.5, 2.5, 9.5])
    expected = model.predict(X)[:, 0] * z.std() + z.mean()
    np.testing.assert_allclose(prediction.values.astype(float), expected, rtol=1e-14)
    with pytest.raises(BadInput, match="probabilities belong to classes"):
        prediction.columns(proba=True)


def test_a_model_without_a_table() -> None:
    with pytest.raises(BadInput, match="was not made from a table"):
        bare().encode(TABLE)
    with pytest.raises(BadInput, match="was not made from a table"):
        bare().predict_table(TABLE)
    assert classifier().as_text == ("city",)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"theta": np.zeros(3)}, r"theta has shape \(3,\)"),
        ({"theta": np.full(25, np.nan)}, "W1 holds nan"),
        ({"inputs": classifier().inputs[:1]}, "the encodings make 1 inputs"),
        ({"target": Classes("y", ("a", "b", "c"))}, "the target has 3 outputs"),
    ],
)
def test_what_does_not_fit_together_is_no_model(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        replace(classifier(), **change)


@dataclass(frozen=True)
class Swish(Activation):
    """a = z·σ(z)."""


def test_what_could_not_be_read_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(b"old")
    task = Task(Network((Dense(1, 1, Swish()),)), SquaredError())
    with pytest.raises(BadInput, match="class of your own"):
        save_model(Model(task, np.zeros(2)), path)
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("settings", [{"f": print}, {"f": {1, 2}}, {"f": b"x"}])
def test_settings_are_plain(tmp_path: Path, settings: Any) -> None:
    with pytest.raises(BadInput, match=r"settings.*\.f holds a"):
        save_model(replace(bare(), settings=settings), tmp_path / "m.safetensors")


# ---------------------------------------------------------------- damage


def saved(tmp_path: Path, model: Model | None = None) -> tuple[Path, bytes]:
    path = tmp_path / "m.safetensors"
    save_model(model or classifier(), path)
    return path, path.read_bytes()


def parts(data: bytes) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    return header, json.loads(header["__metadata__"]["glassnet"]), data[8 + length :]


def put(header: dict[str, Any], description: Any, tail: bytes) -> bytes:
    """A file with this description and a checksum that fits it: forged, not damaged."""
    tensors = {
        name: np.frombuffer(
            tail[slice(*one["data_offsets"])], {"F64": "<f8", "F32": "<f4"}[one["dtype"]]
        ).reshape(one["shape"])
        for name, one in header.items()
        if name != "__metadata__"
    }
    if isinstance(description, dict) and "sha256" in description:
        checksum = container._checksum(description["kind"], description["content"], tensors)
        description = {**description, "sha256": checksum}
    text = description if isinstance(description, str) else json.dumps(description)
    raw = json.dumps({**header, "__metadata__": {"glassnet": text}}).encode()
    return struct.pack("<Q", len(raw)) + raw + tail


def refusal(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(BadFile) as caught:
        load_model(path)
    line = str(caught.value)
    assert "\n" not in line
    assert str(path) in line
    assert len(line) < 600
    return line


def test_cut_short_at_every_length(tmp_path: Path) -> None:
    path, data = saved(tmp_path)
    for length in range(0, len(data), 7):
        line = refusal(path, data[:length])
        assert "cut short" in line or "is empty" in line or "is no model" in line
    assert "cut short" in refusal(path, data[:-1])
    assert "cut short" in refusal(path, data[:100])
    assert "1 bytes too many" in refusal(path, data + b"\0")


def test_flipped_weights(tmp_path: Path) -> None:
    path, data = saved(tmp_path)
    for i in range(1, 25 * 8, 3):
        flipped = bytearray(data)
        flipped[-i] ^= 1
        assert "checksum" in refusal(path, bytes(flipped))


@pytest.mark.parametrize(
    "data",
    [b"a,b\n1,2\n" * 100, b"\x80\x04\x95" + b"pickle" * 20, b"PK\x03\x04" + b"zip" * 50, b"x"],
)
def test_a_file_that_is_no_model(tmp_path: Path, data: bytes) -> None:
    assert "is no model file" in refusal(tmp_path / "m.safetensors", data)


def test_safetensors_of_others(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    for metadata in (None, {"format": "pt"}):
        data = safetensors.numpy.save({"w": np.zeros(2)}, metadata=metadata)
        assert "is no model file" in refusal(path, data)


def test_a_newer_format(tmp_path: Path) -> None:
    path, data = saved(tmp_path)
    header, description, tail = parts(data)
    line = refusal(path, put(header, {**description, "format": 2, "novelty": 1}, tail))
    assert "format 2, from a newer glassnet" in line
    assert "upgrade" in line


def test_a_header_that_claims_too_much(tmp_path: Path) -> None:
    path, data = saved(tmp_path)
    for length in (2**63, 2**32, container.HEADER_LIMIT + 1):
        assert "is no model file" in refusal(path, struct.pack("<Q", length) + data[8:])
    header, description, tail = parts(data)
    description["content"]["task"]["layers"][0]["n_out"] = 2**31
    description["content"]["task"]["layers"][1]["n_in"] = 2**31
    assert "W1 has shape (6, 3), its network has (6, 2147483648)" in refusal(
        path, put(header, description, tail)
    )


def test_without_dropout_a_file_is_what_it_was_before_there_was_any(tmp_path: Path) -> None:
    save_model(bare(), tmp_path / "model")
    _, description, _ = parts((tmp_path / "model").read_bytes())
    assert set(description["content"]["task"]) == {
        *("layers", "loss", "optimizer", "reduction", "l1", "l2", "clip"),
    }


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ({"rate": 1.5, "seed": 0}, "rate=1.5 of Dropout"),
        ({"rate": [0.5, 0.5], "seed": 0}, "2 rates of dropout for 1 hidden layer"),
        ({"rate": [0.5, [0.5]], "seed": 0}, "of Dropout"),
        ({"rate": 0.5, "seed": -1}, "seed=-1 of Dropout"),
        ({"rate": 0.5, "seed": 0.5}, "dropout.seed is float"),
        ({"rate": 0.5}, "no key 'seed'"),
        ("half", "dropout is str"),
    ],
)
def test_forged_dropout(tmp_path: Path, stored: object, said: str) -> None:
    path = tmp_path / "model.safetensors"
    save_model(classifier(), path)
    assert said in forged(path, lambda content: content["task"].update(dropout=stored))


def forged(path: Path, change: Callable[[dict[str, Any]], object]) -> str:
    header, description, tail = parts(path.read_bytes())
    change(description["content"])
    return refusal(path, put(header, description, tail))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c["task"]["layers"].pop(), "tensor"),
        (lambda c: c["task"]["layers"].clear(), "0 layers"),
        (lambda c: c["task"]["layers"][0].update(n_in=7), "W1 has shape (6, 3)"),
        (lambda c: c["task"]["layers"][0].update(n_in=-1), "-1 inputs"),
        (lambda c: c["task"]["layers"][0].update(n_in=True), "layer 1.n_in is bool"),
        (lambda c: c["task"]["layers"][0].update(n_in=6.0), "layer 1.n_in is float"),
        (lambda c: c["task"]["layers"][0].update(bias=False), "should not: b1"),
        (lambda c: c["task"]["layers"][0].update(x=1), "unknown key 'x'"),
        (lambda c: c["task"]["layers"][0].pop("bias"), "no key 'bias'"),
        (lambda c: c["task"]["layers"][0]["activation"].update(name="os.system"), "not known"),
        (lambda c: c["task"]["layers"][0].update(activation={"name": "softplush"}), "softplus"),
        (lambda c: c["task"].update(loss={"name": "adam"}), "loss 'adam' is not known"),
        (lambda c: c["task"]["optimizer"].update(beta1=2), "below 1"),
        (lambda c: c["task"]["optimizer"].update(lr=None), "a finite number of 0 or more"),
        (lambda c: c["task"].update(reduction="max"), "reduction='max'"),
        (lambda c: c["task"].update(l2=-1.0), "l2=-1.0"),
        (lambda c: c["task"].update(clip=0), "clip=0"),
        (lambda c: c["inputs"][0].update(scale=0.0), "scale 0.0"),
        (lambda c: c["inputs"][0].update(kind="magic"), "no known kind"),
        (lambda c: c["inputs"][0].update(mean="1"), "mean is str"),
        (lambda c: c["inputs"][1].update(column="age"), "twice"),
        (lambda c: c["inputs"][3].update(levels=["a", "a"]), "twice"),
        (lambda c: c["inputs"][3].update(levels=["a", 1]), "different texts"),
        (lambda c: c["inputs"][3].update(fill="Rome"), "fill"),
        (lambda c: c["inputs"].pop(0), "the encodings make 5 inputs"),
        (lambda c: c["inputs"].append(None), "no known kind"),
        (lambda c: c["target"].update(labels=["a"]), "1 labels"),
        (lambda c: c["target"].update(labels=["a", "b", "c"]), "3 outputs"),
        (lambda c: c["target"].update(kind="magic"), "no known kind"),
        (lambda c: c.update(settings=[]), "settings is list"),
        (lambda c: c.update(pickle="x"), "unknown key 'pickle'"),
        (lambda c: c.pop("history"), "no key 'history'"),
    ],
)
def test_forged_descriptions(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    path, _ = saved(tmp_path)
    assert said in forged(path, change)


def test_forging_nothing_loads(tmp_path: Path) -> None:
    path, data = saved(tmp_path)
    path.write_bytes(put(*parts(data)))
    assert same(load_model(path), classifier())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite(tmp_path: Path, value: float) -> None:
    path, data = saved(tmp_path)
    header, description, tail = parts(data)
    start, _ = header["W2"]["data_offsets"]
    broken = tail[:start] + struct.pack("<d", value) + tail[start + 8 :]
    assert "W2 holds nan or infinity" in refusal(path, put(header, description, broken))


def test_tensors_of_other_shapes_and_dtypes(tmp_path: Path) -> None:
    path, data = saved(tmp_path)
    header, description, tail = parts(data)
    turned = {**header, "W1": {**header["W1"], "shape": [3, 6]}}
    assert "W1 has shape (3, 6), its network has (6, 3)" in refusal(
        path, put(turned, description, tail)
    )
    mixed = {**header, "W1": {**header["W1"], "dtype": "F32", "shape": [6, 6]}}
    assert "W1 has shape (6, 6)" in refusal(path, put(mixed, description, tail))
    text = json.dumps(description)
    integers = {**header, "W1": {**header["W1"], "dtype": "I64"}}
    integers["__metadata__"] = {"glassnet": text}
    raw = json.dumps(integers).encode()
    assert "checksum" in refusal(path, struct.pack("<Q", len(raw)) + raw + tail)


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        '{"content": {}, "content": {}}',
        '{"content": Infinity}',
        '{"content": 1e999}',
        "[" * 5000,
        "[" * 100 + "]" * 100,
        '{"a":' * 20 + "1" + "}" * 20,
        "not JSON",
        "[]",
        "3",
        '{"content": {}, "format": 0, "kind": "model", "sha256": ""}',
        '{"content": [], "format": 1, "kind": "model", "sha256": ""}',
        '{"content": {}, "format": 1, "kind": "model", "sha256": 1}',
        '{"content": {}, "format": 1, "kind": "model", "sha256": "00"}',
        '{"content": {}, "format": 1.0, "kind": "model", "sha256": ""}',
        '{"content": {"a": ' + "1" * 5000 + '}, "format": 1, "kind": "model", "sha256": ""}',
    ],
)
def test_descriptions_that_are_no_strict_json(tmp_path: Path, text: str) -> None:
    path, data = saved(tmp_path)
    header, _, tail = parts(data)
    assert "damaged" in refusal(path, put(header, text, tail))


@pytest.mark.parametrize(
    "text",
    ['{"a":1,"a":1}', "NaN", "-Infinity", "[1e999]", "[" * 25 + "]" * 25, "\xff", '{"a":1}x'],
)
def test_json_is_read_strictly(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of json, or one of ours
        container._strict(text.encode("latin-1"))
    assert container._strict(b'{"a": [1, 2.5, null, "\xc3\xa4"]}') == {"a": [1, 2.5, None, "ä"]}


def test_the_order_of_settings_changes_no_byte(tmp_path: Path) -> None:
    path, data = saved(tmp_path, replace(bare(), settings={"a": 1, "b": 2}))
    assert saved(tmp_path, replace(bare(), settings={"b": 2, "a": 1})) == (path, data)


def test_a_target_of_numbers_keeps_its_units(tmp_path: Path) -> None:
    path, _ = saved(tmp_path, regressor())
    assert load_model(path).target == Numbers("z", 3.5, float(np.std([0.5, 1.5, 2.5, 9.5])))
    assert "scale" in forged(path, lambda c: c["target"].update(scale=-1))


# ---- what the optimizer remembers


def test_the_optimizers_memory_goes_with_the_model(tmp_path):
    model = classifier()
    slots = {name: np.full(model.net.n_params, fill) for name, fill in (("m", 0.1), ("v", 2.0))}
    save_model(replace(model, slots=slots), tmp_path / "a")
    again = load_model(tmp_path / "a")
    assert sorted(again.slots) == ["m", "v"]
    for name, slot in slots.items():
        np.testing.assert_array_equal(again.slots[name], slot)
    assert load_model(_saved(model, tmp_path / "b")).slots == {}


def _saved(model: Model, path: Path) -> Path:
    save_model(model, path)
    return path


@pytest.mark.parametrize("names", [["m"], ["m", "w"], ["v", "m", "w"]], ids=str)
def test_slots_that_are_not_the_optimizers_are_refused(names):
    model = classifier()
    with pytest.raises(BadInput, match="the optimizer has m, v, as long as theta"):
        replace(model, slots={name: np.zeros(model.net.n_params) for name in names})
    with pytest.raises(BadInput, match="as long as theta"):
        replace(model, slots={"m": np.zeros(3), "v": np.zeros(3)})
