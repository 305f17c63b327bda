"""Formulas of activations, losses and optimizers: they say what is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from glassnet.core.activations import Activation, Softmax
from glassnet.core.losses import Loss
from glassnet.core.optimizers import LBFGS, Optimizer
from glassnet.walkthrough import formulas
from glassnet.walkthrough.expression import PRIMITIVES, Expression, Own, walk
from tests.core.instances import ALL_ACTIVATIONS, ALL_LOSSES, kinds_of, sensible
from tests.walkthrough.instances import (
    EVERY_OPTIMIZER,
    OWN_ACTIVATIONS,
    OWN_LOSSES,
    Bell,
    Bent,
    Exactly,
    LogCosh,
    Lookahead,
    Mish,
    Remembering,
    Rounded,
    Snake,
    Waiting,
)

OPTIMIZERS = [one for one in EVERY_OPTIMIZER if isinstance(one, Optimizer)]
OURS: dict[str, Any] = {
    key: PRIMITIVES[key] for key in ("softmax", "softmax_slope", "xlogy", "Phi", "phi")
}
GRID = np.linspace(-6.0, 6.0, 96).reshape(24, 4)  # no kink on it
FAR = np.array([[-1e4, -800.0, 0.0, 800.0], [1e4, -50.0, 50.0, 1.0]])


def coded(tree: Expression, values: dict[str, Any]) -> Any:
    """What the formula's Python gives; a function without a formula is itself."""
    own = {p.args[0]: p.args[0].function for p in walk(tree)
           if p.op == "call" and isinstance(p.args[0], Own)}  # fmt: skip
    return eval(tree.code(), {"np": np, **OURS, **own}, dict(values))


def check(tree: Expression, values: dict[str, Any], expected: Any, rtol: float = 1e-12) -> None:
    found = tree.evaluate(values)
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-12)
    np.testing.assert_array_equal(coded(tree, values), found)
    latex = tree.latex()
    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\left") == latex.count(r"\right")


# ---- the numbers


@pytest.mark.parametrize("blackboard", [True, False])
@pytest.mark.parametrize("activation", [*ALL_ACTIVATIONS, *OWN_ACTIVATIONS], ids=repr)
def test_activations(activation: Activation, blackboard: bool) -> None:
    written = formulas.of_activation(activation, blackboard=blackboard)
    a = activation(GRID)
    values = {"z": GRID, "a": a, **formulas.constants(activation)}
    check(written.f, values, a)
    slope = activation.slope(GRID, a)
    check(written.df, values, slope)
    check(formulas.fixed(written.f, activation), {"z": GRID}, a)
    assert np.shape(written.df.evaluate(values)) == slope.shape


@pytest.mark.parametrize("blackboard", [True, False])
@pytest.mark.parametrize("loss", [*ALL_LOSSES, *OWN_LOSSES], ids=repr)
def test_losses(loss: Loss, blackboard: bool) -> None:
    a, z, y = sensible(loss, np.random.default_rng(1), 40, 3)
    y[0, 0] = a[0, 0] if loss.link is None else y[0, 0]
    values = {"a": a, "y": y, "z": z, **formulas.constants(loss)}
    written = formulas.of_loss(loss, blackboard=blackboard)
    check(written.f, values, loss.f(a, y, *loss.constants), rtol=1e-9)
    check(written.df, values, loss.slope(a, y), rtol=1e-11)
    if loss.link is not None:
        closed = formulas.of_closed(loss)
        found = closed.f.evaluate(values).sum(axis=1)
        np.testing.assert_allclose(found, loss.from_z(z, y), rtol=1e-13)
        np.testing.assert_allclose(closed.df.evaluate(values), loss.slope_z(a, y), rtol=1e-13)


@pytest.mark.parametrize("t", [1, 2, 7])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_optimizers(optimizer: Optimizer, t: int) -> None:
    rng = np.random.default_rng(t)
    theta, g, *slots = rng.normal(size=(2 + len(optimizer.slots), 9))
    slots = [np.abs(slot) for slot in slots]
    values: dict[str, Any] = {"theta": theta, "g": g, "lr": optimizer.rate(t - 1), "t": t}
    values |= dict(zip(optimizer.slots, slots, strict=True)) | formulas.constants(optimizer)
    new, made = optimizer.step(theta, g, tuple(slots), t - 1)
    expected = {f"{slot}_new": v for slot, v in zip(optimizer.slots, made, strict=True)}
    expected["theta_new"] = new
    steps = formulas.of_optimizer(optimizer)
    assert steps[-1][0] == "theta_new"
    assert set(expected) <= {key for key, _ in steps}
    for key, tree in steps:
        values[key] = tree.evaluate(values)
        np.testing.assert_array_equal(coded(tree, values), values[key])
        if key in expected:
            np.testing.assert_allclose(values[key], expected[key], rtol=1e-12, err_msg=key)


@pytest.mark.parametrize("activation", ALL_ACTIVATIONS, ids=repr)
def test_far_out_nothing_is_nan(activation: Activation) -> None:
    for blackboard in (True, False):
        written = formulas.of_activation(activation, blackboard=blackboard)
        a = activation(FAR)
        values = {"z": FAR, "a": a, **formulas.constants(activation)}
        for tree in (written.f, written.df):
            assert not np.isnan(tree.evaluate(values)).any()
        if not blackboard or isinstance(activation, Softmax):
            np.testing.assert_allclose(written.f.evaluate(values), a, rtol=1e-12)


@pytest.mark.parametrize("loss", ALL_LOSSES, ids=repr)
def test_at_saturation_the_definition_and_the_closed_form_hold(loss: Loss) -> None:
    if loss.link is None:
        return
    z = np.array([[800.0, -800.0], [-800.0, 800.0], [40.0, -40.0]])
    y = np.array([[1.0, 0.0]] * 3)
    a = loss.link(z)
    values = {"z": z, "a": a, "y": y}
    written, closed = formulas.of_loss(loss, blackboard=False), formulas.of_closed(loss)
    np.testing.assert_allclose(written.f.evaluate(values).sum(axis=1), loss(a, y), rtol=1e-12)
    np.testing.assert_allclose(written.df.evaluate(values), loss.slope(a, y), rtol=1e-12)
    np.testing.assert_allclose(closed.f.evaluate(values).sum(axis=1), loss.from_z(z, y), rtol=1e-12)
    assert not np.isnan(formulas.of_loss(loss).f.evaluate(values)).any()


# ---- how they read: (text of f, text of df, LaTeX of f)

READ: dict[str, tuple[str, str, str]] = {
    "Sigmoid": ("1/(1 + e^(-z))", "a·(1 - a)", r"\frac{1}{1 + e^{-z}}"),
    "Tanh": ("tanh(z)", "1 - a^2", r"\tanh\left(z\right)"),
    "ReLU": ("max(z, 0)", "1 where z > 0, else 0", r"\max\left(z, 0\right)"),
    "LeakyReLU": ("z where z > 0, else α·z", "1 where z > 0, else α",
        r"\begin{cases} z & \text{where } z > 0 \\ \alpha \cdot z & \text{else} \end{cases}"),
    "ELU": ("z where z > 0, else α·(e^z - 1)", "1 where z > 0, else α·e^z",
        (r"\begin{cases} z & \text{where } z > 0 \\ "
        r"\alpha \cdot \left(e^{z} - 1\right) & \text{else} \end{cases}")),
    "GELU": ("z·Φ(z)", "Φ(z) + z·φ(z)", r"z \cdot \Phi\left(z\right)"),
    "SiLU": ("z/(1 + e^(-z))", "(1 + z/(1 + e^z))/(1 + e^(-z))", r"\frac{z}{1 + e^{-z}}"),
    "Softplus": ("ln(1 + e^z)", "1/(1 + e^(-z))", r"\ln\left(1 + e^{z}\right)"),
    "Identity": ("z", "ones_like(z)", "z"),
    "Exp": ("e^z", "a", "e^{z}"),
    "Softmax": ("softmax(z)", "softmax_slope(a)", r"\operatorname{softmax}\left(z\right)"),
    "SquaredError": ("0.5·(a - y)^2", "a - y", r"0.5 \cdot {\left(a - y\right)}^{2}"),
    "BinaryCrossEntropy": ("-y·ln(a) - (1 - y)·ln(1 - a)", "(1 - y)/(1 - a) - y/a",
        r"-y \cdot \ln\left(a\right) - \left(1 - y\right) \cdot \ln\left(1 - a\right)"),
    "CrossEntropy": ("-y·ln(a)", "-y/a", r"-y \cdot \ln\left(a\right)"),
    "Huber": ("0.5·(a - y)^2 where |a - y| < δ, else δ·(|a - y| - 0.5·δ)", "min(max(a - y, -δ), δ)",
        (r"\begin{cases} 0.5 \cdot {\left(a - y\right)}^{2} & \text{where } "
        r"\left|a - y\right| < \delta \\ \delta \cdot \left(\left|a - y\right| - "
        r"0.5 \cdot \delta\right) & \text{else} \end{cases}")),
    "Absolute": ("|a - y|", "sign(a - y)", r"\left|a - y\right|"),
    "Pinball": ("τ·(y - a) where y > a, else (1 - τ)·(a - y)",
        "1 - τ where a > y, else -τ where y > a, else 0",
        (r"\begin{cases} \tau \cdot \left(y - a\right) & \text{where } y > a \\ "
        r"\left(1 - \tau\right) \cdot \left(a - y\right) & \text{else} \end{cases}")),
    "Poisson": ("a - y + y·ln(y/a)", "1 - y/a", r"a - y + y \cdot \ln\left(\frac{y}{a}\right)"),
    "Mish": ("z·tanh(ln(1 + e^z))",
        "tanh(ln(1 + e^z)) + z·(1 - tanh(ln(1 + e^z))^2)/(1 + e^(-z))",
        r"z \cdot \tanh\left(\ln\left(1 + e^{z}\right)\right)"),
    "Snake": ("z + sin(0.7·z)^2/0.7", "1 + sin(1.4·z)",
        r"z + \frac{{\sin\left(0.7 \cdot z\right)}^{2}}{0.7}"),
    "Bent": ("bent(z)", "bent_slope(z, a)", r"\operatorname{bent}\left(z\right)"),
    "Bell": ("erf(z)", "1.12837916709551·e^(-z·z)", r"\operatorname{erf}\left(z\right)"),
    "Rounded": ("rounded(z)", "ones_like(z)", r"\operatorname{rounded}\left(z\right)"),
    "LogCosh": ("ln(cosh((a - y)/s))·s", "tanh((a - y)/s)",
        r"\ln\left(\operatorname{cosh}\left(\frac{a - y}{s}\right)\right) \cdot s"),
    "Exactly": ("exactly(a, y)", "sign(a - y)", r"\operatorname{exactly}\left(a, y\right)"),
}  # fmt: skip


def test_how_activations_and_losses_read() -> None:
    own = [Mish(), Snake(), Bent(), Bell(), Rounded(), LogCosh(), Exactly()]
    found = {}
    for one in [*ALL_ACTIVATIONS, *ALL_LOSSES, *own]:
        of = formulas.of_activation if isinstance(one, Activation) else formulas.of_loss
        written = of(one)  # type: ignore[operator]
        found[type(one).__name__] = (written.f.text(), written.df.text(), written.f.latex())
    for kind in kinds_of(Activation) | kinds_of(Loss):
        assert kind.__name__ in found
    assert found == READ


ADAM = [
    "m_new = β₁·m + (1 - β₁)·g", "v_new = β₂·v + (1 - β₂)·g^2",
    "m_hat = m_new/(1 - β₁^t)", "v_hat = v_new/(1 - β₂^t)",
]  # fmt: skip
UPDATES = {
    "SGD": ["theta_new = θ - lr·g"],
    "Momentum": ["v_new = μ·v - lr·g", "theta_new = θ + v_new"],
    "Nesterov": ["v_new = μ·v - lr·g", "theta_new = θ + μ·v_new - lr·g"],
    "RMSProp": ["v_new = ρ·v + (1 - ρ)·g^2", "theta_new = θ - lr·g/(√v_new + ε)"],
    "Adam": [*ADAM, "theta_new = θ - lr·m_hat/(√v_hat + ε)"],
    "AdamW": [*ADAM, "theta_new = θ - lr·λ·θ - lr·m_hat/(√v_hat + ε)"],
    "Lookahead": ["u_new = c·u + g", "s_new = s + u_new·u_new",
        "theta_new = θ - lr·u_new/√(1 + s_new)"],
    "Remembering": ["p_new = g", "theta_new = θ - lr·(2·g - p)"],
    "Waiting": ["q_new = waiting_q(θ, g, lr, t, q)", "theta_new = waiting_theta(θ, g, lr, t, q)"],
}  # fmt: skip


def test_how_optimizers_read() -> None:
    found = {
        type(one).__name__: [f"{key} = {tree.text()}" for key, tree in formulas.of_optimizer(one)]
        for one in [*OPTIMIZERS, Lookahead(), Remembering(), Waiting()]
    }
    for kind in kinds_of(Optimizer):
        assert kind.__name__ in found
    assert found == UPDATES


def test_constants_that_are_names_in_a_trace_stand_as_numbers() -> None:
    assert formulas.constants(Snake()) == {}
    assert formulas.constants(Waiting()) == {}
    assert formulas.constants(Bent()) == {"alpha": 0.5}  # straight is no number
    assert formulas.constants(LogCosh(0.5)) == {"s": 0.5}
    assert formulas.constants(LBFGS())["memory"] == 10


def test_two_of_a_kind_without_a_formula_keep_their_constants() -> None:
    z = np.array([[1.0, -2.0]])
    one, other = (formulas.of_activation(Bent(alpha)).f for alpha in (0.5, 0.2))
    assert one.text() == other.text()
    np.testing.assert_array_equal(one.evaluate({"z": z}), 0.5 * z)
    np.testing.assert_array_equal(other.evaluate({"z": z}), np.tanh(z))


def test_a_formula_is_made_once_for_each_function() -> None:
    runs: list[float] = []

    @dataclass(frozen=True)
    class Scaled(Activation):
        """a = s·z."""

        s: Any = 2.0

        @staticmethod
        def f(z: Any, s: Any) -> Any:
            runs.append(s)
            return s * z

        @staticmethod
        def df(z: Any, a: Any, s: Any) -> Any:
            return s + 0 * z

    first = formulas.of_activation(Scaled())
    once = len(runs)
    assert formulas.of_activation(Scaled()) is first
    assert len(runs) == once
    assert formulas.of_activation(Scaled(3.0)) is not first
    assert len(runs) == 2 * once
    listed = formulas.of_activation(Scaled([1.0]))  # nothing that can be looked up by
    assert listed.f.text().startswith("scaled(")


def test_a_definition_that_fails_for_another_reason_is_not_hidden() -> None:
    class Broken(Activation):
        @staticmethod
        def f(z: Any) -> Any:
            return undefined(z)  # type: ignore[name-defined]  # noqa: F821

        df = f

    with pytest.raises(NameError):
        formulas.of_activation(Broken())
