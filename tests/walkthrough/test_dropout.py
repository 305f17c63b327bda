"""A trace with dropout: masks, what a layer hands on, and the proofs with the masks held fixed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from glassnet.core.activations import GELU, ReLU, Sigmoid, Softmax, Tanh
from glassnet.core.dropout import Dropout
from glassnet.core.errors import BadInput
from glassnet.core.losses import BinaryCrossEntropy, CrossEntropy, SquaredError
from glassnet.core.network import Network
from glassnet.core.optimizers import SGD, Adam
from glassnet.engines.base import State, Task
from glassnet.engines.chance import Chance
from glassnet.engines.reference import Reference, take
from glassnet.walkthrough.card import card
from glassnet.walkthrough.explain import work
from glassnet.walkthrough.notebook import export_notebook
from glassnet.walkthrough.trace import trace
from tests.walkthrough.test_notebook_export import run

TASKS = {
    "deep": Task(
        Network.mlp(3, 5, 4, 2, activation=[Tanh(), Softmax()], output=Softmax()), CrossEntropy(),
        Adam(0.01), l2=0.01, dropout=Dropout((0.5, 0.25), seed=3),
    ),
    "one masked layer of two": Task(
        Network.mlp(3, 5, 4, 1, activation=GELU(), output=Sigmoid(), bias=False),
        BinaryCrossEntropy(), SGD(0.1), reduction="sum", clip=0.1, dropout=Dropout((0.0, 0.4)),
    ),
    "relu": Task(Network.mlp(3, 6, 2, activation=ReLU()), SquaredError(), dropout=Dropout(0.5)),
}  # fmt: skip
each = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)


def rows(task, n=7, seed=0):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, 3)), np.eye(2)[rng.integers(2, size=n)]
    return X, y[:, : task.net.n_out], rng.uniform(0.5, 2.0, n)


def begin(task, step=5, dtype=np.float64):
    theta = task.net.init(1, dtype=dtype)
    return State(theta, task.optimizer.start(theta), step, 0, Chance.of(0))


def opened(task, dtype=np.float64):
    X, y, weight = rows(task)
    return trace(task, X, y, weight=weight, state=begin(task, dtype=dtype))


@each
def test_masks_are_those_of_the_update_and_the_rest_follows(task):
    found = opened(task)
    masks = task.dropout.masks(task.net, 5, 7)
    for k, m in enumerate(masks, 1):
        if m is None:
            assert f"m{k}" not in found
            assert f"h{k}" not in found
            assert f"dL_dh{k}" not in found
            continue
        np.testing.assert_array_equal(found[f"m{k}"].value, m)
        np.testing.assert_array_equal(found[f"h{k}"].value, m * found[f"a{k}"].value)
        np.testing.assert_array_equal(found[f"dz{k + 1}_dW{k + 1}"].value, found[f"h{k}"].value)
        np.testing.assert_array_equal(found[f"dL_da{k}"].value, m * found[f"dL_dh{k}"].value)
        assert [step.name for step in found.of(f"h{k}")] == [f"m{k}", f"a{k}"]
        assert f"h{k}" in found[f"z{k + 1}"].operands


@each
def test_it_ends_where_the_engine_does(task):
    X, y, weight = rows(task)
    after, costs = Reference().epochs(task, begin(task), (X, y, weight))
    found = opened(task)
    for part, value in task.net.named(after.theta).items():
        np.testing.assert_array_equal(found[f"new_{part}"].value, value)
    assert costs.objective[0] == pytest.approx(float(found["J"].value), rel=1e-15)


def test_any_update_of_an_epoch_of_batches_can_be_opened():
    task = TASKS["deep"]
    samples = rows(task, 10)
    state = begin(task)
    order, _ = state.chance.permutation(10)
    for step, first in enumerate((0, 4, 8)):
        X, y, weight = take(samples, slice(first, first + 4), order)
        found = trace(task, X, y, weight=weight, state=replace(state, step=5 + step))
        theta = np.concatenate([found[f"new_{part}"].value.ravel() for part in task.net.names])
        slots = tuple(
            np.concatenate([found[f"{slot}_new_{part}"].value.ravel() for part in task.net.names])
            for slot in task.optimizer.slots
        )
        state = replace(state, theta=theta, slots=slots)
    after, _ = Reference().epochs(task, begin(task), samples, batch_size=4)
    np.testing.assert_array_equal(after.theta, state.theta)


@pytest.mark.parametrize("layout", ["rows", "columns"])
@each
def test_every_formula_gives_its_number(task, layout):
    found = opened(task)
    values = found.environment(layout)
    for step in found:
        if step.formula is not None:
            made = np.asarray(step.written(layout).evaluate(values))
            np.testing.assert_allclose(made, step.shown(layout), rtol=1e-12, atol=1e-15)
            index = tuple(size - 1 for size in step.shape)
            assert work(step, index, found.environment()).value == step.value[index]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@each
def test_every_derivative_is_proved_with_the_masks_held_fixed(task, dtype):
    found = opened(task, dtype)
    proofs = [
        proof
        for step in found
        if step.name.startswith(("dL", "dJ", "da", "dz"))
        for proof in found.proofs(step.name, most=40)
    ]
    assert {proof.name for proof in proofs} >= {"dL_dh1", "dz2_dh1"} - {
        name for name in ("dL_dh1", "dz2_dh1") if name not in found
    }
    assert all(proof.agrees for proof in proofs)
    assert sum(proof.kink for proof in proofs) < 5


def test_a_wrong_mask_is_found_out():
    found = opened(TASKS["relu"])
    found._exact.values["dL_da1"][:] = found._exact.values["dL_dh1"]
    assert not all(proof.agrees for proof in found.proofs("dL_da1"))


def test_names_words_and_spellings():
    found = opened(TASKS["deep"])
    h, back = found["h1"], found["dL_dh1"]
    assert (h.symbol, h.latex, h.seed_name) == ("h₁", "h_{1}", "hidden1Layer_masked")
    assert (back.symbol, back.seed_name) == ("∂L/∂h₁", "error_wrt_hidden1Layer_masked")
    assert found["m1"].words == (
        "Dropout: 0 where a neuron is left out, with probability 0.5, else 2. Drawn from seed 3, "
        "this update, layer, sample and neuron."
    )
    assert "1.33333" in found["m2"].words
    assert found["hidden2Layer_mask"] is found["m2"]
    text = found.text()
    assert "h₁ = m₁·a₁" in text
    assert "∂L/∂a₁ = m₁ · ∂L/∂h₁" in text
    assert "z₂ = h₁ @ W₂ + b₂" in text
    assert "h₁[0,0]·W₂[0,0]" in found.text("z2[0,0]")
    html = found.html(layout="columns", names="seed")
    assert "hidden1Layer_masked" in html
    assert ">m₁</b>" in found.html() or "m₁" in found.html()


def test_the_card_says_it_and_the_others_say_it_in_their_words():
    told = card(opened(TASKS["deep"]))
    assert dict(told.rows)["dropout"].startswith("rate 0.5, 0.25 of the hidden layers, seed 3")
    assert "dropout=gn.Dropout((0.5, 0.25), seed=3)" in told.spellings["glassnet"]
    assert "nn.Tanh(), nn.Dropout(0.5), nn.Linear" in told.spellings["PyTorch"]
    assert "keras.layers.Dropout(0.25)" in told.spellings["Keras"]
    plain = card(opened(replace(TASKS["relu"], dropout=None)))
    none = card(opened(replace(TASKS["relu"], dropout=Dropout(0.0))))
    assert plain.rows == none.rows
    assert plain.spellings == none.spellings
    assert "no dropout" in card(opened(TASKS["relu"])).spellings["scikit-learn"]


def test_without_targets_the_network_is_whole():
    task = TASKS["deep"]
    X, _, _ = rows(task)
    found = trace(task, X, state=begin(task))
    answer = Reference().predict(task.net, begin(task).theta, X)
    np.testing.assert_array_equal(found["a3"].value, answer)
    assert "m1" not in found
    with pytest.raises(BadInput, match="m1 is not computed yet"):
        found["m1"]
    assert "dropout" not in dict(card(found).rows)


def test_the_quiz_asks_about_masks_and_knows_what_goes_wrong():
    found = opened(TASKS["relu"])
    asked = {
        q.working.step.name: q for seed in range(8) for q in found.quiz(60, seed=seed).questions
    }
    assert {"h1", "dL_dh1", "dL_da1"} <= set(asked)
    words = {slip.words for q in asked.values() for slip in q.slips}
    assert "the mask is missing" in words or "that is a, before the mask" in words


def test_without_dropout_a_trace_is_what_it_was():
    X, y, weight = rows(TASKS["relu"])
    bare = replace(TASKS["relu"], dropout=None)
    a, b = (
        trace(task, X, y, weight=weight, state=begin(task))
        for task in (bare, replace(bare, dropout=Dropout(0.0)))
    )
    assert [step.name for step in a] == [step.name for step in b]
    assert a.text() == b.text()


# ---- the notebook


@pytest.mark.parametrize("names", ["math", "seed"])
@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize("batch_size", [None, 3])
@each
def test_the_notebook_draws_the_same_masks(tmp_path, task, batch_size, layout, names):
    """It compares each number of the first update, the losses and the weights with glassnet's."""
    X, y, weight = rows(task)
    (path, *_) = export_notebook(
        task, X, y, weight=weight, state=begin(task), epochs=6, batch_size=batch_size,
        layout=layout, names=names, path=tmp_path / "lesson.py",
    )  # fmt: skip
    printed = run(path)
    called = {"math": "h2", "seed": "hidden2Layer_masked"}[names]
    if len(task.net.layers) == 3:
        assert f"✓ {called}" in printed
    assert "def mask(" in path.read_text("utf-8")


def test_a_notebook_in_float32_and_of_a_trace(tmp_path):
    task = TASKS["relu"]
    X, y, _ = rows(task)
    state = begin(task, step=2**32 - 2, dtype=np.float32)
    found = trace(task, X.astype(np.float32), y, state=state)
    (path, *_) = export_notebook(found, path=tmp_path / "lesson.py", epochs=5)
    assert "✓ h1" in run(path)


def test_a_notebook_with_another_mask_refuses_itself(tmp_path):
    task = TASKS["relu"]
    X, y, _ = rows(task)
    (path, *_) = export_notebook(
        task, X, y, state=begin(task), epochs=3, path=tmp_path / "lesson.py"
    )
    source = path.read_text("utf-8")
    path.write_text(source.replace("range(10)", "range(9)"), "utf-8")
    with pytest.raises(AssertionError, match="h1 is off by"):
        run(path)


def test_a_notebook_without_dropout_has_no_masks(tmp_path):
    task = TASKS["relu"]
    X, y, _ = rows(task)
    texts = []
    for dropout in (None, Dropout(0.0)):
        (path, *_) = export_notebook(
            replace(task, dropout=dropout), X, y, state=begin(task), epochs=3,
            path=tmp_path / "lesson.py",
        )  # fmt: skip
        texts.append(path.read_text("utf-8"))
    assert texts[0] == texts[1]
    assert "mask" not in texts[0]
