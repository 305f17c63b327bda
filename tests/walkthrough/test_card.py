"""The card of conventions, and the same network in other libraries."""

from __future__ import annotations

import ast
import itertools
from dataclasses import replace
from inspect import signature
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import LabelBinarizer

import glassnet as gn
from glassnet.core.activations import (
    ELU,
    Activation,
    Exp,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from glassnet.core.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Loss,
    Poisson,
    SquaredError,
)
from glassnet.core.network import Dense, Network
from glassnet.core.optimizers import LBFGS, SGD, Adam, AdamW, Momentum, Nesterov
from glassnet.core.schedules import Cosine
from glassnet.engines.base import Task
from glassnet.walkthrough.card import card, spellings
from glassnet.walkthrough.expression import PRIMITIVES
from glassnet.walkthrough.trace import trace
from tests.walkthrough.instances import Drawn, Mish, samples_of, state_of, tasks


def rows_of(task: Task, *, weighted: bool = False, dtype: Any = np.float64, **how: Any) -> Any:
    rng = np.random.default_rng(0)
    X, y, w = samples_of(task, rng, 7, weighted=weighted)
    made = trace(task, X, y, weight=w, state=state_of(task, rng, how.pop("step", 0), dtype))
    return dict(card(made, **how).rows)


SEED = Task(
    Network.mlp(4, 3, 1, activation=Sigmoid(), output=Sigmoid(), bias=False),
    SquaredError(),
    SGD(0.1),
    reduction="sum",
)
PLAIN = Task(Network.mlp(4, 5, 3, output=Softmax()), CrossEntropy(), Adam(0.01), l2=0.1)


def test_the_notebooks_card() -> None:
    assert rows_of(SEED, layout="columns") == {
        "network": "4-3-1, 15 parameters",
        "samples": "columns: X is (n_in, n) = (4, 7)",
        "W": "(n_in, n_out): z = Wᵀ @ x",
        "bias": "none",
        "loss": "ℓ = ½(a - y)². With the half. Summed over the outputs.",
        "L": "the losses of all samples added up",
        "reduction": "sum: the objective J is L, so the gradient grows with the number of samples",
        "penalty": "none",
        "update": "sgd(lr=0.1), number 1; ′ marks what comes after it",
        "parameters": "as given",
        "dtype": "float64",
        "digits": "4 are shown, computed from full precision: the last one shown may differ",
        "counting": "layers from 1; samples, neurons and places such as W2[1,0] from 0",
    }


def test_what_changes_on_a_card() -> None:
    one = replace(PLAIN, l1=0.01, clip=2.0)
    rows = rows_of(one, weighted=True, step=4, digits=None, dtype=np.float32)
    assert rows["samples"] == "rows: X is (n, n_in) = (7, 4)"
    assert rows["W"] == "(n_in, n_out): z = x @ W + b"
    assert rows["bias"] == "one for each neuron"
    assert rows["loss"] == "ℓ = -Σ_k y_k·ln a_k."
    assert rows["L"].endswith("by their weights")
    assert rows["reduction"].startswith("mean: the objective J is L/N")
    assert rows["penalty"].startswith("0.01·Σ|W| + ½·0.1·ΣW², on weights, not on biases")
    assert rows["clipping"] == "the gradient is shortened to the norm 2"
    assert "number 5;" in rows["update"]
    assert rows["parameters"] == "after 4 updates"
    assert rows["dtype"] == "float32"
    assert rows["digits"].startswith("all:")
    mixed = Task(Network((Dense(2, 2), Dense(2, 1, bias=False))), SquaredError())
    assert rows_of(mixed)["bias"] == "in some layers"


# ---- spellings


@settings(max_examples=60, deadline=None, derandomize=True)
@given(tasks())
def test_every_spelling_is_python(drawn: Drawn) -> None:
    said = spellings(drawn.task, "float32")
    assert list(said) == ["glassnet", "scikit-learn", "PyTorch", "Keras", "NumPy, as the notebook"]
    for library, code in said.items():
        if not code.startswith("not to be had there: "):
            ast.parse(code)
        assert ("not to be had" in code) <= (library == "scikit-learn")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(tasks(own=False))
def test_glassnets_own_spelling_is_the_task(drawn: Drawn) -> None:
    space: dict[str, Any] = {"gn": gn}
    exec(spellings(drawn.task)["glassnet"], space)
    made = space["task"]
    assert repr(made) == repr(drawn.task)


def test_the_notebooks_spelling_gives_the_answer() -> None:
    layers = (
        Dense(2, 3, LeakyReLU(0.2)),
        Dense(3, 3, Softmax(), bias=False),
        Dense(3, 2, ELU(0.4)),
    )
    net = Network(layers)
    rng = np.random.default_rng(0)
    X, theta = rng.normal(size=(5, 2)), rng.normal(size=net.n_params)
    space: dict[str, Any] = {"np": np, "softmax": PRIMITIVES["softmax"], "X": X.T} | net.named(
        theta
    )
    exec(spellings(Task(net, SquaredError()))["NumPy, as the notebook"], space)
    np.testing.assert_allclose(space["a3"].T, trace(net, X, theta=theta)["a3"].value, rtol=1e-12)


def sklearn_of(task: Task, n: int) -> Any:
    code = spellings(task)["scikit-learn"]
    space = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor, "n_samples": n}
    return eval(code, space)


@pytest.mark.parametrize("hidden", [Tanh(), ReLU(), Sigmoid(), Identity()], ids=str)
@pytest.mark.parametrize(
    ("output", "loss", "k"),
    [
        (Sigmoid(), BinaryCrossEntropy(), 1),
        (Softmax(), CrossEntropy(), 3),
        (Identity(), SquaredError(), 1),
        (Exp(), Poisson(), 1),
    ],
    ids=str,
)
def test_scikit_learn_computes_the_same(
    hidden: Activation, output: Activation, loss: Loss, k: int
) -> None:
    net = Network.mlp(4, 5, 3, k, activation=hidden, output=output)
    task = Task(net, loss, Adam(0.01, beta1=0.8), l2=0.3)
    rng = np.random.default_rng(2)
    n, X = 11, rng.normal(size=(11, 4))
    y = rng.integers(0, 2, (n, 1)).astype(float) if k == 1 else np.eye(k)[np.arange(n) % k]
    theta = 0.5 * rng.normal(size=net.n_params)
    made = trace(task, X, y, theta=theta)
    theirs = sklearn_of(task, n)
    assert (theirs.alpha, theirs.beta_1, theirs.learning_rate_init) == (0.3 * n, 0.8, 0.01)
    targets = y.argmax(axis=1) if k > 1 else y.ravel()
    # sets everything up, leaving the parameters; then ours are put in
    classes = {"classes": np.unique(targets)} if isinstance(theirs, MLPClassifier) else {}
    theirs.set_params(random_state=0).partial_fit(X, targets, **classes)
    theirs.coefs_ = [W.copy() for W, _ in net.views(theta)]
    theirs.intercepts_ = [b.copy() for _, b in net.views(theta) if b is not None]
    activations = [X, *(None for _ in net.layers)]
    units = net.sizes
    shapes = list(itertools.pairwise(units))
    coefs, intercepts = [np.empty(s) for s in shapes], [np.empty(s[1]) for s in shapes]
    encoded = LabelBinarizer().fit_transform(targets).astype(float) if k > 1 else y
    sampled = "sample_weight" in signature(theirs._backprop).parameters  # since 1.7
    extra = {"sample_weight": None} if sampled else {}
    value, W_grads, b_grads = theirs._backprop(
        X, encoded, activations=activations, deltas=[None] * len(net.layers),
        coef_grads=coefs, intercept_grads=intercepts, **extra,
    )  # fmt: skip
    assert value == pytest.approx(float(made["J"].value), rel=1e-10)
    for number, (dW, db) in enumerate(zip(W_grads, b_grads, strict=True), 1):
        np.testing.assert_allclose(dW, made.gradients[f"W{number}"], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(db, made.gradients[f"b{number}"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"net": Network.mlp(4, 3, 3, output=Sigmoid())}, "no crossentropy with sigmoid"),
        ({"net": Network.mlp(4, 3, 3, activation=LeakyReLU(), output=Softmax())}, "one activation"),
        ({"net": Network.mlp(4, 3, 2, 3, activation=[Tanh(), ReLU()], output=Softmax())},
         "one activation for all hidden layers, of logistic, tanh, relu, identity"),
        ({"net": Network.mlp(4, 3, 3, output=Softmax(), bias=False)}, "always a bias"),
        ({"net": Network.mlp(4, 3, output=Softmax())}, "at least one hidden layer"),
        ({"optimizer": AdamW()}, "solver sgd, adam or lbfgs"),
        ({"reduction": "sum"}, "always the mean over the samples"),
        ({"l1": 0.1}, "no l1"),
        ({"clip": 1.0}, "no clipping"),
    ],
)  # fmt: skip
def test_what_scikit_learn_does_not_have_says_why(changes: dict[str, Any], why: str) -> None:
    said = spellings(replace(PLAIN, **changes))["scikit-learn"]
    assert said.startswith("not to be had there: ")
    assert why in said
    both = spellings(replace(PLAIN, l1=0.1, clip=1.0))["scikit-learn"]
    assert both == "not to be had there: no l1; no clipping"


def test_scikit_learns_solvers() -> None:
    for optimizer, fields in [
        (SGD(0.3), {"solver": "sgd", "momentum": 0, "learning_rate_init": 0.3}),
        (Momentum(0.1, 0.7), {"momentum": 0.7, "nesterovs_momentum": False}),
        (Nesterov(0.1), {"momentum": 0.9, "nesterovs_momentum": True}),
        (LBFGS(), {"solver": "lbfgs"}),
        (Adam(Cosine(0.2, 50)), {"learning_rate_init": 0.2, "solver": "adam"}),
        (Adam(eps=1e-6), {"epsilon": 1e-6, "beta_2": 0.999}),
    ]:
        made = sklearn_of(replace(PLAIN, optimizer=optimizer, l2=0.0), 5)
        assert {key: getattr(made, key) for key in fields} == fields
        assert made.hidden_layer_sizes == (5,)
        assert made.alpha == 0
    deep = replace(PLAIN, net=Network.mlp(4, 5, 6, 3, output=Softmax()))
    assert sklearn_of(deep, 5).hidden_layer_sizes == (5, 6)


def test_pytorch_and_keras_spell_their_constants() -> None:
    net = Network.mlp(2, 3, 3, 2, activation=[LeakyReLU(0.2), Mish()], output=Exp())
    said = spellings(Task(net, Huber(0.25), reduction="sum"))
    assert said["PyTorch"].splitlines() == [
        (
            "model = nn.Sequential(nn.Linear(2, 3), nn.LeakyReLU(0.2), nn.Linear(3, 3), Mish(), "
            "nn.Linear(3, 2), Exp()).double()"
        ),
        'loss = nn.HuberLoss(delta=0.25, reduction="sum")  # its mean is over the outputs too',
        "# to be written by hand: Mish, Exp",
        "# W is (n_out, n_in) there: weight = W.T",
    ]
    assert "keras.layers.LeakyReLU(negative_slope=0.2)" in said["Keras"]
    assert "keras.losses.Huber(delta=0.25)" in said["Keras"]
    folded = spellings(replace(PLAIN, optimizer=SGD()), "float32")["PyTorch"]
    assert "Softmax" not in folded
    assert ".double()" not in folded
    counts = Task(Network.mlp(2, 1, output=Exp()), Poisson())
    assert "PoissonNLLLoss(reduction" in spellings(counts)["PyTorch"]  # from z
    counts = Task(Network.mlp(2, 1, output=Identity()), Poisson())
    assert "log_input=False" in spellings(counts)["PyTorch"]
