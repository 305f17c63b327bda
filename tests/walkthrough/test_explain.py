"""One number explained: its terms add up to it, and lead from the cell to the weight."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from glassnet.core.activations import Activation, Sigmoid, Softmax, Tanh
from glassnet.core.errors import BadInput
from glassnet.core.losses import CrossEntropy, SquaredError
from glassnet.core.network import Network
from glassnet.core.optimizers import SGD, Adam
from glassnet.engines.base import Task
from glassnet.exchange.tables import read_table
from glassnet.tabular import fit, trace_table
from glassnet.walkthrough.explain import largest, place
from glassnet.walkthrough.trace import Trace, trace
from tests.walkthrough.instances import Drawn, Rounded, samples_of, state_of, tasks


def adds_up(made: Trace, name: str, index: tuple[int, ...], most: int) -> None:
    found = made.explain(name, *index, most=most)
    assert found.value == float(np.asarray(made[name].value)[index])
    for one in found:
        said = f"{one.place} = {one.formula.text(str)}"
        value = one.formula.evaluate(one.values)
        assert np.shape(value) == (), said
        size = max([1.0, *map(abs, one.values.values())]) ** 2
        assert math.isclose(value, one.value, rel_tol=1e-9, abs_tol=1e-12 * size), said
        for key, number in one.values.items():  # what stands in the formula is in the trace
            called, where = place(key) if key[-1] == "]" else (key, ())
            if called in made and where:
                assert number == float(np.asarray(made[called].value)[where]), said
        if not one.terms:
            assert one.hidden == one.rest == 0
            continue
        total = math.fsum([*(term.value for term in one.terms), one.rest])
        around = sum(abs(term.value) for term in one.terms) + abs(one.rest)
        assert abs(total - one.value) <= 1e-12 * max(around, 1e-3), said
        sums = [term for term in one.terms if term.label[-1] not in "₀₁₂₃₄₅₆₇₈₉"]
        assert len(sums) <= most
        assert one.hidden == 0 or len(sums) == most
        for term in one.terms:
            for factor in term.factors:
                if factor.name in made:
                    array = np.asarray(made[factor.name].value)
                    assert factor.value == float(array[factor.index]), said
            if "@" in one.step.formula.text(str):
                product = math.prod(factor.value for factor in term.factors)
                assert math.isclose(product, term.value, rel_tol=1e-12), said


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(tasks(deepest=3, widest=3), st.integers(1, 4), st.booleans(), st.integers(0, 2**32 - 1),
       st.sampled_from([1, 2, 6]))  # fmt: skip
def test_any_number(drawn: Drawn, n: int, weighted: bool, seed: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    X, y, w = samples_of(drawn.task, rng, n, weighted=weighted)
    with np.errstate(all="ignore"):
        made = trace(drawn.task, X, y, weight=w, state=state_of(drawn.task, rng, 3))
        assume(all(np.isfinite(v).all() and np.abs(v).max(initial=0.0) < 1e6
                   for v in made.values.values()))  # fmt: skip
        for step in made:
            places = list(np.ndindex(*step.shape))
            for index in {places[0], places[-1], places[len(places) // 2]}:
                adds_up(made, step.name, index, most)


def small(**settings: Any) -> Trace:
    net = Network.mlp(4, 3, 2, activation=Tanh(), output=Softmax())
    rng = np.random.default_rng(0)
    task = replace(Task(net, CrossEntropy(), Adam(0.01), l1=0.01, l2=0.1, clip=0.1), **settings)
    X, y, _ = samples_of(task, rng, 9, weighted=False)
    return trace(task, X, y, state=state_of(task, rng, 2))


def test_every_number_of_a_small_network() -> None:
    made = small()
    for step in made:
        for index in np.ndindex(*step.shape):
            adds_up(made, step.name, index, 4)


# ---- sums


def test_a_long_sum_shows_the_largest_and_the_rest() -> None:
    made = small()
    (one, *_) = made.explain("dL_dW2[1,0]", most=4)
    products = made["a1"].value[:, 1] * made["dL_dz2"].value[:, 0]
    shown = sorted(np.argsort(-np.abs(products))[:4])
    assert [term.label for term in one.terms] == [f"sample {s}" for s in shown]
    assert one.hidden == 5
    assert one.rest == math.fsum(products[s] for s in range(9) if s not in shown)
    assert [(f.name, f.index) for f in one.terms[0].factors] == [
        ("dz2_dW2", (shown[0], 1)), ("dL_dz2", (shown[0], 0)),
    ]  # fmt: skip
    (whole, *_) = made.explain("dL_dW2[1,0]", most=9)
    assert (len(whole.terms), whole.hidden, whole.rest) == (9, 0, 0.0)


def test_largest() -> None:
    values = np.array([1.0, -5.0, 0.0, 5.0, 2.0])
    assert largest(values, 2).tolist() == [1, 3]
    assert largest(values, 3).tolist() == [1, 3, 4]
    assert largest(values, 5).tolist() == largest(values, 9).tolist() == [0, 1, 2, 3, 4]


@given(st.lists(st.sampled_from([0.0, 1.0, -1.0, 2.0, math.inf, math.nan])), st.integers(0, 9))
def test_of_equal_ones_the_first_are_the_largest_and_what_is_no_number_comes_last(
    values: list[float], most: int
) -> None:
    sizes = [-1.0 if math.isnan(x) else abs(x) for x in values]
    order = sorted(range(len(values)), key=lambda k: -sizes[k])
    assert largest(np.array(values), most).tolist() == sorted(order[:most])


def test_a_sum_of_inputs_has_its_bias() -> None:
    made = small()
    (one,) = made.explain("z2", 3, 1)
    assert [term.label for term in one.terms] == ["input 0", "input 1", "input 2", "b₂"]
    assert [(f.name, f.index) for f in one.terms[1].factors] == [("a1", (3, 1)), ("W2", (1, 1))]
    assert [(f.name, f.index) for f in one.terms[-1].factors] == [("b2", (1,))]
    (back,) = made.explain("dL_da1", 3, 2)
    assert [term.label for term in back.terms] == ["neuron 0", "neuron 1"]
    assert [f.index for f in back.terms[1].factors] == [(3, 1), (2, 1)]
    (lost,) = made.explain("losses", 4)
    assert [term.label for term in lost.terms] == ["output 0", "output 1"]


@pytest.mark.parametrize("part", ["W2[1,0]", "b2[1]"])
def test_a_parameter_is_followed_to_after_the_update(part: str) -> None:
    made = small()
    name, index = place(part)
    chain = [f"{what}{part}" for what in
             ("dL_d", "dJ_d", "g_", "m_new_", "v_new_", "m_hat_", "v_hat_", "new_")]  # fmt: skip
    for asked in (f"dL_d{part}", f"dJ_d{part}", f"g_{part}", f"new_{part}", f"m_hat_{part}"):
        found = made.explain(asked)
        assert [one.place for one in found] == chain
        assert found.asked == asked
    workings = {one.step.name: one for one in made.explain(f"dL_d{name}", *index)}
    reads = {key: one.formula.text(str) for key, one in workings.items()}
    penalty = f" + l1·sign({part}) + l2·{part}" if name[0] == "W" else ""
    assert reads[f"dJ_d{name}"] == f"dL_d{part}/N{penalty}"
    assert reads[f"g_{name}"] == f"dJ_d{part}·min(1, limit/norm)"
    assert reads[f"m_hat_{name}"] == f"m_new_{part}/(1 - beta1^t)"
    assert reads[f"new_{name}"] == f"{part} - lr·m_hat_{part}/(√v_hat_{part} + eps)"
    last = workings[f"new_{name}"]
    assert last.values[part] == made[name].value[index]  # before
    assert last.value == made[f"new_{name}"].value[index]  # and after
    assert workings[f"dJ_d{name}"].values["N"] == 9.0
    assert [one.place for one in made.explain(part)] == [part, *chain]


def test_the_sum_is_not_divided() -> None:
    made = small(reduction="sum", l1=0.0, l2=0.0, clip=None, optimizer=SGD(0.1))
    found = made.explain("dL_dW1[0,0]")
    assert [one.formula.text(str) for one in found] == [
        "Σ", "dL_dW1[0,0]", "W1[0,0] - lr·dJ_dW1[0,0]",
    ]  # fmt: skip


def test_one_place_many_spellings() -> None:
    made = small()
    expected = [one.place for one in made.explain("dL_dW2", 1, 0)]
    for asked in ("dL_dW2[1,0]", " dL_dW2 [ 1, 0 ] ", "∂L/∂W₂[1,0]", "dL_dW2[-2,-2]",
                  "error_wrt_weights_hidden_output[1,0]",
                  "ERROR_wrt_weights_hidden_output[1,0]"):  # fmt: skip
        assert [one.place for one in made.explain(asked)] == expected
        assert made.explain(asked).asked == "dL_dW2[1,0]"
    assert made.explain("m̂[W₂][1,0]").asked == "m_hat_W2[1,0]"
    assert made.explain("J").asked == "J"
    with pytest.raises(BadInput, match="Did you mean"):
        made.explain("dL_dW9[0,0]")


# ---- functions that look at a whole row


def test_softmax_at_a_place() -> None:
    made = small()
    (one,) = made.explain("a2", 0, 1)
    assert one.formula.text(str) == "e^z2[0,1]/(e^z2[0,0] + e^z2[0,1])"
    assert [w.formula.text(str) for w in made.explain("da2_dz2", 0, 1, 1)] == [
        "a2[0,1]·(1 - a2[0,1])"
    ]
    assert [w.formula.text(str) for w in made.explain("da2_dz2", 0, 1, 0)] == ["-a2[0,1]·a2[0,0]"]


@pytest.mark.parametrize(("width", "scale"), [(3, 1000.0), (9, 1000.0), (9, 1.0)])
def test_softmax_far_out(width: int, scale: float) -> None:
    net = Network.mlp(1, width, output=Softmax(), bias=False)
    theta = np.linspace(-scale, scale, width)
    y = np.eye(width)[[0, 1]]
    made = trace(Task(net, CrossEntropy(), SGD(0.1)), [[1.0], [-1.0]], y, theta=theta)
    for name in ("a1", "losses", "dL_dz1"):
        for index in np.ndindex(*made[name].shape):
            adds_up(made, name, index, 4)


def test_a_function_without_a_formula_that_looks_at_all_neurons() -> None:
    class Centred(Activation):
        @staticmethod
        def f(z: Any) -> Any:
            return z - z.mean(axis=1, keepdims=True)

        @staticmethod
        def df(z: Any, a: Any) -> Any:
            return np.ones_like(z)  # wrong, and no matter here

    for activation, said in ((Centred(), "centred(z1)"), (Rounded(), "rounded(z1[0,1])")):
        net = Network.mlp(2, 3, 1, activation=activation)
        made = trace(net, [[1.0, -2.0]], [[1.0]], theta=net.init(0))
        (one,) = made.explain("a1", 0, 1)
        assert one.formula.text(str) == said
        assert one.formula.evaluate(one.values) == one.value


def test_what_is_given_is_itself() -> None:
    made = small()
    (one,) = made.explain("y", 2, 1)
    assert (one.formula.text(str), one.values, one.terms) == ("y[2,1]", {"y[2,1]": one.value}, ())


# ---- back to the cells of the table


def test_inputs_lead_back_to_their_cells() -> None:
    day = dt.date
    table = read_table({
        "age": [20.0, None, 40.0, 30.0],
        "city": ["Oslo", "Rome", None, "Oslo"],
        "since": [day(2020, 1, 1), day(2020, 1, 3), None, day(2020, 1, 5)],
        "paid": [True, False, True, None],
        "y": [1.0, 2.0, 3.0, 4.0],
    })  # fmt: skip
    model, _ = fit(table, "y", task="numbers", hidden=(2,), epochs=2, validation=0.0)
    made = trace_table(model, table)
    X = made["X"].value
    names = [name for one in model.inputs for name in one.names]
    assert X.shape == (4, len(names))
    said = {(s, names[k]): made.explain("X", s, k).cell for s, k in np.ndindex(*X.shape)}
    assert all(len(lines) == 1 and lines[0].startswith(f"{name}: ")
               for (_, name), lines in said.items())  # fmt: skip
    assert said[0, "age"][0].startswith("age: (20 - 30) / ")
    assert said[1, "age"][0].startswith("age: missing, filled with 30")
    assert said[0, "city=Oslo"] == ("city=Oslo: 'Oslo' is 'Oslo': 1",)
    assert said[1, "city=Oslo"] == ("city=Oslo: 'Rome' is not 'Oslo': 0",)
    assert said[2, "city=Oslo"] == ("city=Oslo: missing, filled with 'Oslo' is 'Oslo': 1",)
    assert said[0, "since"][0].startswith("since: 2020-01-01 is day 18262: ")
    assert said[2, "since"][0].startswith("since: missing, filled with 2020-01-03 is day 18264")
    assert said[3, "paid"] == ("paid: missing, filled with true = 1",)
    # the number at a line's end is the input
    for (s, name), lines in said.items():
        end = lines[0].replace("−", "-").replace("=", " ").split()[-1]
        assert float(end) == pytest.approx(X[s, names.index(name)], abs=1e-3)
    assert made.explain("a1", 0, 0).cell == ()
    some = trace_table(model, table, [2, 0])
    assert some.explain("X", 0, names.index("city=Oslo")).cell == said[2, "city=Oslo"]
    np.testing.assert_array_equal(some["X"].value, X[[2, 0]])
    forward = trace_table(model, read_table({key: table[key].values for key in ("age",)}
                                            | {"city": ["Rome"] * 4, "since": [day(2020, 1, 1)] * 4,
                                               "paid": [True] * 4}))  # fmt: skip
    assert "y" not in forward


def test_a_trace_without_a_table_has_no_cells() -> None:
    net = Network.mlp(2, 1, output=Sigmoid())
    made = trace(Task(net, SquaredError(), SGD(0.1)), [[1.0, 2.0]], [[1.0]], theta=net.init(0))
    assert made.explain("X", 0, 1).cell == ()


@pytest.mark.parametrize("value", [np.inf, 1e308, np.nan])
def test_a_run_that_diverged_is_explained_as_it_is(value: float) -> None:
    net = Network.mlp(20, 2, 1)
    rng = np.random.default_rng(0)
    X = rng.choice([-1.5, 1.5], size=(4, 20))
    with np.errstate(all="ignore"):
        found = trace(net, X, X[:, :1], theta=np.full(net.n_params, value))
        for name, index in (("z1", (0, 0)), ("a2", (1, 0)), ("dL_dW1", (0, 0))):
            explanation = found.explain(name, *index)
            np.testing.assert_equal(explanation.value, float(found[name].value[index]))
            assert not any(math.isfinite(w.value) for w in explanation if w.step.name == name)
            assert explanation._repr_html_()
