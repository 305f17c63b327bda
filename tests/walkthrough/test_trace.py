"""The trace: every number says what it was made from, and that is what the engine computed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from glassnet.core.activations import Identity, Sigmoid, Softmax, Softplus, Tanh
from glassnet.core.errors import BadInput
from glassnet.core.initializers import Uniform
from glassnet.core.losses import BinaryCrossEntropy, CrossEntropy, Poisson, SquaredError
from glassnet.core.network import Network
from glassnet.core.optimizers import LBFGS, SGD, Adam, Optimizer
from glassnet.engines.base import Task
from glassnet.engines.divergence import Divergence
from glassnet.engines.reference import Reference
from glassnet.tabular import fit
from glassnet.walkthrough.trace import Trace, trace
from tests.core.instances import ALL_LOSSES
from tests.test_notebook import NUMBER, PRINTED, agree, numbers
from tests.walkthrough.instances import Drawn, samples_of, state_of, tasks

RELAXED = [HealthCheck.too_slow, HealthCheck.filter_too_much]


def recompute(made: Trace, *, rtol: float, atol: float) -> None:
    """Each step's value from its operands, by its own formula, in both layouts."""
    for layout in ("rows", "columns"):
        values = made.environment(layout)
        for step in made:
            tree = step.written(layout)
            if tree is None:
                continue
            shown, found = step.shown(layout), tree.evaluate(values)
            said = f"{layout} {step.name} = {tree.text(str)}"
            assert np.shape(found) == np.shape(shown), said
            # a sum of large terms may be small: measured by the largest number around
            around = [1.0, *(np.abs(values[key]).max() for key in tree.names()
                             if np.size(values[key]) and values[key] is not None)]  # fmt: skip
            size = min(max(around), 1e6) ** 2
            np.testing.assert_allclose(found, shown, rtol=rtol, atol=atol * size, err_msg=said)


def lead_back(made: Trace) -> None:
    """Operands are steps before it, or settings; the end of every way is given."""
    settings_of = set(made.environment()) - {step.name for step in made}
    before: set[str] = set()
    for step in made:
        for operand in step.operands:
            assert operand in before or operand in settings_of, (step.name, operand)
        assert [one.name for one in made.of(step)] == [o for o in step.operands if o in made]
        if not step.operands and step.name != "N":
            assert step.part == "given" or step.name in {"lr", "t"} or "_new_" not in step.name
        before.add(step.name)


def names_are_unique(made: Trace) -> None:
    for spell in ("name", "symbol", "seed_name", "latex"):
        spelled = [getattr(step, spell) for step in made]
        assert len(set(spelled)) == len(spelled), spell
        if spell != "latex":
            assert all(made[key] is step for key, step in zip(spelled, made, strict=True))


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=RELAXED)
@given(tasks(), st.integers(1, 7), st.booleans(), st.integers(0, 2**32 - 1), st.integers(0, 9),
       st.sampled_from([np.float64, np.float64, np.float32]))  # fmt: skip
def test_any_trace(drawn: Drawn, n: int, weighted: bool, seed: int, step: int, dtype: Any) -> None:
    task = drawn.task
    rng = np.random.default_rng(seed)
    X, y, w = samples_of(task, rng, n, weighted=weighted)
    state = state_of(task, rng, step, dtype)
    with np.errstate(all="ignore"):
        made = trace(task, X, y, weight=w, state=state)
        assume(all(np.isfinite(v).all() and np.abs(v).max(initial=0.0) < 1e8
                   for v in made.values.values()))  # fmt: skip
        fine = dtype is np.float64
        recompute(made, rtol=1e-9 if fine else 1e-3, atol=1e-12 if fine else 1e-5)
    lead_back(made)
    names_are_unique(made)
    assert all(made.values[key].dtype == dtype for key in (*task.net.names, "X", "y", "losses"))
    assert [a.shape for a in made.activations] == [(n, k) for k in task.net.sizes[1:]]
    if isinstance(task.optimizer, LBFGS):
        assert not any(one.part == "update" for one in made)
        return
    try:
        after, losses = Reference().epochs(task, state, made.samples, shuffle=False)  # type: ignore[arg-type]
    except Divergence:
        return
    for part, value in task.net.named(after.theta).items():
        assert made[f"new_{part}"].value.tobytes() == np.ascontiguousarray(value).tobytes(), part
    for slot, flat in zip(task.optimizer.slots, after.slots, strict=True):
        for part, value in task.net.named(flat).items():
            assert made[f"{slot}_new_{part}"].value.tobytes() == value.tobytes()
    assert losses.objective[0] == pytest.approx(float(made["J"].value), rel=1e-6)
    objective, grad = Reference().loss_and_grad(task, state.theta, made.samples)  # type: ignore[arg-type]
    assert made["J"].value == objective
    for part, value in task.net.named(grad).items():
        assert made.gradients[part].tobytes() == value.tobytes()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("loss", ALL_LOSSES, ids=repr)
def test_every_loss_with_its_own_output(loss: Any, weighted: bool, dtype: Any) -> None:
    net = Network.mlp(3, 4, 2, activation=Softmax(), output=loss.link or Identity())
    task = Task(net, loss, Adam(0.01), l1=0.01, l2=0.1, clip=0.5)
    rng = np.random.default_rng(4)
    X, y, w = samples_of(task, rng, 6, weighted=weighted)
    made = trace(task, X, y, weight=w, state=state_of(task, rng, 3, dtype))
    fine = dtype is np.float64
    recompute(made, rtol=1e-10 if fine else 1e-3, atol=1e-13 if fine else 1e-6)
    chained = made["dL_da2"].value, made["da2_dz2"].value
    found = net.layers[-1].activation.chain(*chained)
    np.testing.assert_allclose(found, made["dL_dz2"].value, rtol=1e-3, atol=1e-9 if fine else 1e-5)


# ---- the notebook


def notebook() -> Trace:
    net = Network.mlp(4, 3, 1, activation=Sigmoid(), output=Sigmoid(), bias=False)
    X = np.array([[1, 0, 0, 0], [1, 0, 1, 1], [0, 1, 0, 1]])
    y = np.array([[1], [1], [0]])
    theta = net.init(np.random.RandomState(42), Uniform())
    return trace(Task(net, SquaredError(), SGD(0.01), reduction="sum"), X, y, theta=theta)


OUT, HIDDEN = "outputLayer_LinearTransform", "hiddenLayer_linearTransform"
CELLS: dict[int, list[str]] = {  # cell -> what it prints, in its own words; (…) for the shape
    13: [HIDDEN, "hiddenLayer_activations"],
    15: ["output"],
    16: ["error"],
    18: ["error_wrt_output"],
    19: [f"output_wrt_{OUT}"],
    21: ["(error_wrt_output)", f"(output_wrt_{OUT})", f"({OUT}_wrt_weights_hidden_output)"],
    22: ["(weights_hidden_output)"],
    24: ["(error_wrt_weights_hidden_output)"],
    26: ["error_wrt_output"],
    27: [f"output_wrt_{OUT}"],
    29: [f"hiddenLayer_activations_wrt_{HIDDEN}"],
    31: ["(error_wrt_output)", f"(output_wrt_{OUT})", f"({OUT}_wrt_hiddenLayer_activations)",
         "(hiddenLayer_activations_wrt_hiddenLayer_LinearTransform)",
         f"({HIDDEN}_wrt_weights_input_hidden)"],
    32: ["(weights_input_hidden)"],
    34: ["error_wrt_weights_input_hidden", "(error_wrt_weights_input_hidden)"],
    36: ["weights_hidden_output"],
    37: ["weights_input_hidden"],
    39: ["new_weights_hidden_output"],
    40: ["new_weights_input_hidden"],
}  # fmt: skip


@pytest.mark.parametrize("cell", CELLS)
def test_the_notebooks_cells_by_name_and_by_digit(cell: int) -> None:
    made, found = notebook(), []
    for key in CELLS[cell]:
        shown = made[key.strip("()")].shown("columns")
        found += numbers(shown.shape) if key.startswith("(") else numbers(shown)
    printed = NUMBER.findall(PRINTED[cell])
    assert len(printed) == len(found) > 0
    assert all(agree(token, value, 8) for token, value in zip(printed, found, strict=True))


def test_all_cells_from_13_to_40_are_there() -> None:
    assert set(CELLS) == {cell for cell in PRINTED if 13 <= cell <= 40}


# ---- forms of the question


def moons() -> tuple[Task, Any, Any, Any]:
    net = Network.mlp(2, 3, 2, activation=Tanh(), output=Softmax())
    rng = np.random.default_rng(3)
    return (Task(net, CrossEntropy(), Adam(0.01), clip=1.0), rng.normal(size=(5, 2)),
            np.eye(2)[rng.integers(0, 2, 5)], net.init(1))  # fmt: skip


def test_forward_alone() -> None:
    task, X, _, theta = moons()
    made = trace(task, X, theta=theta)
    assert [step.name for step in made] == ["X", "W1", "b1", "W2", "b2", "z1", "a1", "z2", "a2"]
    recompute(made, rtol=1e-12, atol=1e-14)
    lead_back(made)
    for ask in (
        lambda: made.gradients,
        lambda: made.proof("dL_dW1", 0, 0),
        lambda: made.proofs("W1"),
    ):
        with pytest.raises(BadInput, match=r"without targets.*Pass y as well"):
            ask()
    with pytest.raises(BadInput, match="dL_dW1 is not computed yet"):
        made["dL_dW1"]
    np.testing.assert_array_equal(trace(task.net, X, theta=theta)["a2"].value, made["a2"].value)


def test_a_network_alone_gets_squared_error_and_sgd() -> None:
    task, X, y, theta = moons()
    made = trace(task.net, X, y, theta=theta)
    assert made.task == Task(task.net, SquaredError(), SGD())
    assert made["J"].formula.text() == "L/N"


def test_a_model_brings_its_own() -> None:
    table = {"x": [0.0, 1.0, 2.0, 3.0] * 3, "y": [1.0, 3.0, 5.0, 7.0] * 3}
    model, _ = fit(table, "y", epochs=3, hidden=(2,))
    made = trace(model, np.zeros((2, 1)), np.zeros((2, model.task.net.n_out)))
    assert made.task == model.task
    np.testing.assert_array_equal(made["W1"].value, model.task.net.named(model.theta)["W1"])


def test_lbfgs_has_no_update_of_ours() -> None:
    task, X, y, theta = moons()
    made = trace(replace(task, optimizer=LBFGS()), X, y, theta=theta)
    assert [step.name for step in made][-1] == "g_b2"
    recompute(made, rtol=1e-9, atol=1e-12)


def test_before_and_after() -> None:
    task, X, y, _ = moons()
    state = state_of(task, np.random.default_rng(0), 4)
    made = trace(task, X, y, state=state)
    when = {step.name: step.when for step in made}
    after = {name for name, said in when.items() if said == "after update 5"}
    made_of = ("new", "m_new", "v_new", "m_hat", "v_hat")
    assert after == {f"{what}_{part}" for what in made_of for part in task.net.names}
    assert {said for name, said in when.items() if name not in after} == {"before update 5"}


def test_shapes_kinds_and_layouts() -> None:
    task, X, y, theta = moons()
    made = trace(task, X, y, weight=np.ones(5), theta=theta)
    shapes = {step.name: (step.shape, step.shown("columns").shape, step.kind) for step in made}
    assert shapes["X"] == ((5, 2), (2, 5), "data")
    assert shapes["W1"] == ((2, 3), (2, 3), "parameter")
    assert shapes["da2_dz2"] == ((5, 2, 2), (5, 2, 2), "jacobian")
    assert shapes["dz2_dW2"] == ((5, 3), (3, 5), "data")
    assert shapes["dz2_da1"] == ((3, 2), (3, 2), "parameter")
    assert shapes["w"] == ((5,), (5,), "sample")
    assert shapes["J"] == ((), (), "number")
    assert all((step.words.endswith((".", ":")) and step.words[0].isupper())
               for step in made if step.part != "update")  # fmt: skip


# ---- saturation: the formula that is shown is the one that was computed


@pytest.mark.parametrize(
    ("output", "loss", "y"),
    [
        (Sigmoid(), BinaryCrossEntropy(), [[1.0], [0.0], [1.0]]),
        (Softmax(), CrossEntropy(), [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]),
        (Sigmoid(), CrossEntropy(), [[1.0], [1.0], [1.0]]),
        (Softplus(), SquaredError(), [[1.0], [0.0], [1.0]]),
        (Identity(), Poisson(), [[1.0], [0.0], [1.0]]),
    ],
)
def test_saturated(output: Any, loss: Any, y: list[list[float]]) -> None:
    net = Network.mlp(1, len(y[0]), output=output, bias=False)
    theta = np.linspace(1.0, -1.0, net.n_params)
    task = Task(net, loss, SGD(0.1))
    with np.errstate(all="ignore"):
        made = trace(task, [[900.0], [900.0], [-900.0]], y, theta=theta)
    recompute(made, rtol=1e-12, atol=0.0)
    calm = trace(task, [[0.5], [0.3], [0.2]], y, theta=np.abs(theta))
    assert calm["losses"].formula.text() != made["losses"].formula.text() or loss == SquaredError()


def test_zero_gradient_is_clipped_to_itself() -> None:
    net = Network.mlp(1, 1, bias=False)
    made = trace(Task(net, SquaredError(), SGD(0.1), clip=1.0), [[1.0]], [[0.0]], theta=np.zeros(1))
    assert made["norm"].value == 0.0
    recompute(made, rtol=0.0, atol=0.0)


# ---- bad input


def test_unknown_names_list_the_nearest() -> None:
    made = notebook()
    with pytest.raises(BadInput, match=r"no number 'dL_dw2'.*Did you mean dL_dW2"):
        made["dL_dw2"]
    with pytest.raises(BadInput, match=r"Did you mean error_wrt_weights_hidden_output"):
        made["error_wrt_weight_hidden_output"]
    with pytest.raises(BadInput, match=r"no number 'qqqq', it has X, y, W1"):
        made["qqqq"]
    assert "dL_dW2" in made
    assert "dL_dw2" not in made
    assert len(made) == len(made.steps)


@pytest.mark.parametrize(
    ("name", "index", "said"),
    [
        ("dL_dW2", (3, 0), r"dL_dW2\[3,0\], dL_dW2 has shape \(3, 1\), counted.*dL_dW2\[2,0\]"),
        ("dL_dW2", (0,), r"dL_dW2\[0\], dL_dW2 has shape \(3, 1\)"),
        ("dL_dW2", (), r"dL_dW2, dL_dW2 has shape \(3, 1\)"),
        ("dL_dW2[-4,0]", (), r"dL_dW2\[-4,0\], dL_dW2 has shape"),
        ("J[0]", (), r"J\[0\], J has shape \(\).*Try J without a place"),
        ("dL_dW2[0", (), r"form like dL_dW2\[1,0\]"),
        ("dL_dW2[a]", (), r"form like dL_dW2\[1,0\]"),
    ],
)  # fmt: skip
def test_places_that_are_not_there_say_the_shape(name: str, index: Any, said: str) -> None:
    for ask in (notebook().explain, notebook().proof):
        with pytest.raises(BadInput, match=said):
            ask(name, *index)


def test_wrong_data_are_told() -> None:
    task, X, y, theta = moons()
    with pytest.raises(BadInput, match=r"X has 5 columns.*Did you pass X\.T"):
        trace(task, X.T[:, :5], y, theta=theta)
    with pytest.raises(BadInput, match=r"y has shape"):
        trace(task, X, y[:3], theta=theta)
    with pytest.raises(BadInput, match="no parameters"):
        trace(task, X, y)
    with pytest.raises(BadInput, match=r"theta has shape \(3,\)"):
        trace(task, X, y, theta=np.zeros(3))
    with pytest.raises(BadInput, match="a model, a task or a network is expected"):
        trace("model", X, y)


def test_whole_numbers_become_float64() -> None:
    task, X, y, _ = moons()
    made = trace(task, X, y, theta=np.ones(task.net.n_params, dtype=int))
    assert made.theta.dtype == np.float64
    assert isinstance(task.optimizer, Optimizer)
    assert made["lr"].value == 0.01
    assert made["t"].value == 1


def test_a_batch_by_itself_is_a_mean_whose_penalty_is_divided_by_its_weight() -> None:
    net = Network.mlp(2, 3, 1)
    task = Task(net, SquaredError(), SGD(0.1), reduction="batch", l2=0.3)
    rng = np.random.default_rng(0)
    X, y, weight = rng.normal(size=(5, 2)), rng.normal(size=(5, 1)), rng.uniform(0.5, 2.0, 5)
    theta = net.init(1)
    opened = trace(task, X, y, weight=weight, theta=theta)
    J, grad = Reference().loss_and_grad(task, theta, (X, y, weight))
    assert float(opened["J"].value) == pytest.approx(J, rel=1e-13)
    np.testing.assert_allclose(opened["dJ_dW1"].value.ravel(), grad[:6], rtol=1e-12)
