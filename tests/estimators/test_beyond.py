"""What scikit-learn's have not: each new parameter and method."""

from __future__ import annotations

import io
import tracemalloc
from contextlib import redirect_stdout
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.metrics import f1_score, recall_score
from sklearn.preprocessing import scale
from sklearn.utils.class_weight import compute_sample_weight

import glassnet
from glassnet.core.activations import GELU, Activation, ReLU, Tanh
from glassnet.core.errors import BadInput
from glassnet.core.losses import Huber, Loss
from glassnet.core.objective import norm
from glassnet.core.optimizers import AdamW, Optimizer
from glassnet.core.schedules import Cosine
from glassnet.estimators import MLPClassifier, MLPRegressor
from glassnet.training.stages import printing, until_loss

mpl.use("Agg")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return scale(X), y


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return scale(X), y


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return scale(X), scale(y)


def classifier(**params):
    return MLPClassifier(
        **{"hidden_layer_sizes": (8,), "max_iter": 15, "random_state": 0, **params}
    )


def regressor(**params):
    return MLPRegressor(**{"hidden_layer_sizes": (8,), "max_iter": 15, "random_state": 0, **params})


def same(a, b):
    return all(
        np.array_equal(p, q)
        for p, q in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True)
    )


# ---- weights of classes, and a validation set of one's own


@pytest.mark.parametrize("wanted", ["balanced", {0: 1.0, 1: 5.0, 2: 0.5}])
def test_class_weight_is_a_weight_for_each_sample(iris, wanted):
    X, y = iris[0][:120], iris[1][:120]
    by_hand = classifier().fit(X, y, compute_sample_weight(wanted, y))
    assert same(classifier(class_weight=wanted).fit(X, y), by_hand)
    w = np.linspace(0.5, 2, len(y))
    both = classifier().fit(X, y, w * compute_sample_weight(wanted, y))
    assert same(classifier(class_weight=wanted).fit(X, y, w), both)


def test_balanced_weights_find_the_rare_class():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 2))
    y = (X[:, 0] + rng.normal(size=600) > 2.2).astype(int)
    plain, balanced = (
        recall_score(y, classifier(class_weight=w, max_iter=60).fit(X, y).predict(X))
        for w in (None, "balanced")
    )
    assert balanced > plain + 0.3


def test_balanced_needs_all_labels(iris):
    with pytest.raises(BadInput, match="class_weight='balanced' in partial_fit"):
        classifier(class_weight="balanced").partial_fit(*iris, classes=[0, 1, 2])
    classifier(class_weight={0: 2.0}).partial_fit(*iris, classes=[0, 1, 2])


def test_a_validation_set_of_ones_own(iris):
    X, y = iris
    own = classifier(early_stopping=True).fit(
        X[::2], y[::2], X_val=X[1::2], y_val=y[1::2], sample_weight_val=np.ones(75)
    )
    assert len(own.validation_scores_) == own.n_iter_ == len(own.history_.val_loss)
    best = int(np.argmax(own.validation_scores_))
    assert own.best_validation_score_ == own.score(X[1::2], y[1::2]) == own.validation_scores_[best]
    watched = classifier().fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
    assert same(watched, classifier().fit(X[::2], y[::2]))  # measured, not learnt from
    assert len(watched.history_.val_loss) == watched.n_iter_
    assert watched.validation_scores_ is None


def test_the_validation_loss_is_that_of_the_outputs(diabetes):
    X, y = diabetes
    est = regressor().fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    assert est.history_.val_loss[-1] == pytest.approx(
        ((est.predict(X[300:]) - y[300:]) ** 2).mean() / 2
    )


# ---- what is seen while it trains


def test_metrics_of_each_epoch(iris):
    X, y = iris
    macro = f1_score.__wrapped__ if hasattr(f1_score, "__wrapped__") else f1_score

    def f1(y_true, y_pred):
        return macro(y_true, y_pred, average="macro")

    names = np.array(["a", "b", "c"])
    est = classifier(metrics=["accuracy", f1]).fit(X, names[y])
    measured = est.history_.metrics
    assert list(measured) == ["accuracy", "f1"]
    assert [epoch for epoch, _ in measured["accuracy"]] == list(range(1, 16))
    assert measured["accuracy"][-1][1] == est.score(X, names[y])
    assert measured["f1"][-1][1] == f1(names[y], est.predict(X))
    assert same(est, classifier().fit(X, y))
    on_others = classifier(metrics="accuracy").fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
    assert on_others.history_.metrics["accuracy"][-1][1] == on_others.score(X[1::2], y[1::2])


def test_callbacks_are_stages_over_the_stream(iris, capsys):
    seen = []

    def stage(stream):
        for record in stream:
            seen.append((record.epoch, record.loss, record.state.theta))
            yield record

    est = classifier(callbacks=[stage, lambda stream: printing(stream, 5)]).fit(*iris)
    assert [epoch for epoch, *_ in seen] == list(range(1, 16))
    np.testing.assert_array_equal(seen[-1][2][: est.coefs_[0].size], est.coefs_[0].ravel())
    assert capsys.readouterr().out.count("epoch ") == 4
    assert same(est, classifier().fit(*iris))


def test_a_stage_may_end_the_run(iris, recwarn):
    est = classifier(max_iter=200, callbacks=lambda s: until_loss(s, 0.9)).fit(*iris)
    assert est.n_iter_ < 200
    assert est.history_.loss[-1] < 0.9 <= est.history_.loss[-2]


def test_progress_shows_a_bar(iris, capsys):
    est = classifier(progress=True).fit(*iris)
    assert "15/15" in capsys.readouterr().out
    assert same(est, classifier().fit(*iris))


def test_history(diabetes):
    est = regressor(alpha=0.5).fit(*diabetes)
    assert est.history_.epoch == list(range(1, 16))
    np.testing.assert_allclose(est.history_.objective, est.loss_curve_, rtol=1e-14)
    assert est.history_.loss[0] < est.history_.objective[0]
    assert len(est.plot_history().lines[0].get_xdata()) == 15
    lbfgs = regressor(solver="lbfgs").fit(*diabetes)
    assert len(lbfgs.history_) == lbfgs.n_iter_


def test_the_history_stays_bounded(iris):
    est = classifier(history_size=4, metrics="accuracy")
    for _ in range(12):
        est.partial_fit(*iris, classes=[0, 1, 2])
    assert len(est.loss_curve_) == 4
    assert est.history_.epoch == [9, 10, 11, 12]
    assert [epoch for epoch, _ in est.history_.metrics["accuracy"]] == [9, 10, 11, 12]
    free = classifier()
    for _ in range(12):
        free.partial_fit(*iris, classes=[0, 1, 2])
    assert same(est, free)
    assert free.loss_curve_[-4:] == est.loss_curve_


def test_the_best_is_restored(diabetes):
    X, y = diabetes
    rough = {"solver": "sgd", "learning_rate_init": 0.2, "max_iter": 40, "alpha": 0.0}
    held = {"X_val": X[300:], "y_val": y[300:]}
    best, last = (
        regressor(restore_best=keep, **rough).fit(X[:300], y[:300], **held)
        for keep in (True, False)
    )
    losses = best.history_.val_loss
    assert losses == last.history_.val_loss
    assert min(losses) < losses[-1]
    for est, loss in ((best, min(losses)), (last, losses[-1])):
        assert ((est.predict(X[300:]) - y[300:]) ** 2).mean() / 2 == pytest.approx(loss)


def test_early_stopping_without_going_back(iris):
    kept, last = (
        classifier(
            early_stopping=True, restore_best=keep, solver="sgd", learning_rate_init=0.5
        ).fit(*iris)
        for keep in (None, False)
    )
    assert kept.validation_scores_ == last.validation_scores_
    assert not same(kept, last)


def test_early_stopping_keeps_the_best_weights_once():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 400)), rng.integers(0, 2, 60)
    est = MLPClassifier(
        (400, 400),
        early_stopping=True,
        batch_size=20,
        random_state=0,
        max_iter=8,
        n_iter_no_change=9,
    )
    est.fit(X, y)  # code is loaded
    tracemalloc.start()
    try:
        est.fit(X, y)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert np.argmax(est.validation_scores_) < est.n_iter_ - 1  # the best is not the last
    # θ, m and v before and after an epoch, the gradient, the best; half of θ for the rows
    assert peak < 8.7 * est._theta().nbytes


# ---- any activation, loss, optimizer, schedule, initializer


@dataclass(frozen=True)
class Softsign(Activation):
    """a = z/(1 + |z|)."""

    @staticmethod
    def f(z):
        return z / (1.0 + np.abs(z))

    @staticmethod
    def df(z, a):
        return 1.0 / (1.0 + np.abs(z)) ** 2


@dataclass(frozen=True)
class LogCosh(Loss):
    """ℓ = ln cosh(a - y)."""

    @staticmethod
    def f(a, y):
        r = np.abs(a - y)
        return r + np.log1p(np.exp(-2.0 * r)) - np.log(2.0)

    @staticmethod
    def df(a, y):
        return np.tanh(a - y)


@dataclass(frozen=True)
class SignDescent(Optimizer):
    """θ ← θ - lr·sign g."""

    @staticmethod
    def f(theta, g, lr, t):
        return (theta - lr * np.sign(g),)


def test_an_activation_for_each_layer(iris):
    a = classifier(hidden_layer_sizes=(6, 5), activation=["gelu", Tanh()]).fit(*iris)
    assert [layer.activation for layer in a.network_.layers[:2]] == [GELU(), Tanh()]
    assert same(a, classifier(hidden_layer_sizes=(6, 5), activation=(GELU(), "tanh")).fit(*iris))
    assert same(classifier(activation=ReLU()).fit(*iris), classifier().fit(*iris))
    assert not same(
        classifier(activation="leakyrelu:alpha=0.3").fit(*iris), classifier().fit(*iris)
    )
    with pytest.raises(BadInput, match="activation has 2 entries, 1 are expected"):
        classifier(activation=["relu", "tanh"]).fit(*iris)


@pytest.mark.parametrize(
    "params",
    [
        {"loss": "huber"},
        {"loss": Huber(0.3)},
        {"loss": "pinball:tau=0.9"},
        {"loss": "absolute"},
        {"loss": LogCosh()},
        {"activation": Softsign()},
        {"solver": AdamW(0.01)},
        {"solver": "rmsprop:lr=0.01"},
        {"solver": "lbfgs:memory=5"},
        {"solver": SignDescent(0.001)},
        {"learning_rate": "cosine:lr=0.05,steps=200"},
        {"learning_rate": Cosine(0.05, 200), "solver": "sgd"},
        {"initializer": "he"},
        {"initializer": glassnet.LeCun()},
        {"l1": 0.5},
        {"dtype": "float32"},
        {"hidden_layer_sizes": ()},
    ],
    ids=str,
)
def test_whatever_is_chosen_learns(diabetes, params):
    est = regressor(max_iter=60, **params).fit(*diabetes)
    assert est.score(*diabetes) > (-0.9 if "pinball" in str(params) else 0.15)
    assert all(
        check.verdict.startswith("right")
        for check in est.check_gradients(*(part[:20] for part in diabetes))
    )


def test_the_pinball_finds_the_quantile(diabetes):
    est = regressor(loss="pinball:tau=0.9", max_iter=300, learning_rate_init=0.01).fit(*diabetes)
    assert (diabetes[1] < est.predict(diabetes[0])).mean() == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize("loss", ["squarederror", "huber"])
def test_classes_with_another_loss(iris, cancer, loss):
    for X, y in (iris, cancer):
        est = classifier(loss=loss, max_iter=60, learning_rate_init=0.01).fit(X, y)
        assert est.score(X, y) > 0.9
        assert est.out_activation_ == ("softmax" if len(est.classes_) == 3 else "logistic")


def test_output_activation(diabetes):
    X, y = diabetes
    est = regressor(output_activation="softplus", loss="poisson").fit(X, np.abs(y))
    assert est.out_activation_ == "softplus"
    assert (est.predict(X) > 0).all()
    assert regressor(output_activation="softplus").fit(X, y).predict(X).min() > 0


def test_float32(iris):
    est = classifier(dtype="float32").fit(*iris)
    assert {part.dtype for part in est.coefs_ + est.intercepts_} == {np.dtype(np.float32)}
    assert est.predict_proba(iris[0]).dtype == np.float32
    np.testing.assert_allclose(est.loss_curve_, classifier().fit(*iris).loss_curve_, rtol=1e-4)


def test_clip_norm_limits_the_step(diabetes):
    steps = {}
    for clip in (None, 1e-3):
        est = regressor(solver="sgd", momentum=0.0, clip_norm=clip, max_iter=1, batch_size=442)
        start = regressor(solver="sgd", learning_rate_init=1e-300, max_iter=1).fit(*diabetes)
        steps[clip] = norm(est.fit(*diabetes)._theta() - start._theta())
    assert steps[1e-3] == pytest.approx(1e-3 * 1e-3, rel=1e-6)
    assert steps[None] > steps[1e-3]


def test_l1_makes_weights_small(diabetes):
    plain, sparse = (regressor(l1=l1, max_iter=200).fit(*diabetes) for l1 in (0.0, 20.0))
    small = [(np.abs(est.coefs_[0]) < 0.01).mean() for est in (plain, sparse)]
    assert small[1] > small[0] + 0.2


def test_initializer_draws_the_weights(iris):
    est = classifier(initializer="zeros", solver="sgd", learning_rate_init=1e-300).fit(*iris)
    assert np.abs(est._theta()).max() < 1e-200


def test_partial_fit_for_multilabel(iris):
    X, y = iris
    Y = np.column_stack([y == 0, y == 1, y > 0]).astype(int)
    est = classifier(learning_rate_init=0.05)
    for _ in range(80):
        est.partial_fit(X, Y, classes=[0, 1, 2])
    assert est.score(X, Y) > 0.9
    assert est.predict(X).shape == (150, 3)


# ---- looking inside


def test_trace(iris):
    est = classifier(alpha=0.3).fit(*iris)
    X, y = iris[0][:4], iris[1][:4]
    trace = est.trace(X, y)
    np.testing.assert_allclose(trace["a2"].value, est.predict_proba(X), rtol=1e-12)
    loss, grad = est._loss_grad_lbfgs(
        np.concatenate([p.ravel() for p in est.coefs_ + est.intercepts_]),
        X,
        est._label_binarizer.transform(y),
        None,
    )
    assert float(trace["J"].value) == pytest.approx(loss, rel=1e-9)
    np.testing.assert_allclose(trace["dJ_dW1"].value.ravel(), grad[: est.coefs_[0].size], rtol=1e-9)
    assert est.trace(X).text()


def test_a_step_of_the_trace_is_the_next_update():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6, 2)), rng.normal(size=6)
    est = regressor(shuffle=False, hidden_layer_sizes=(3,))
    for _ in range(3):
        est.partial_fit(X, y)
    step = est.trace(X, y)
    est.partial_fit(X, y)
    np.testing.assert_allclose(step["new_W1"].value, est.coefs_[0], rtol=1e-10)


def test_network(iris):
    assert str(classifier().fit(*iris).network_) == "4-8-3"


@pytest.mark.parametrize("engine", ["auto", "reference"])
def test_predictor_answers_for_one_row(iris, cancer, diabetes, engine):
    for X, y in (iris, cancer):
        est = classifier(engine=engine).fit(X, np.array(["a", "b", "c"])[y])
        predict, proba = est.predictor(), est.predictor("predict_proba")
        assert [predict(x) for x in X[:9]] == est.predict(X[:9]).tolist()
        np.testing.assert_allclose([proba(x) for x in X[:9]], est.predict_proba(X[:9]), rtol=1e-12)
    X, y = diabetes
    est = regressor(engine=engine).fit(X, y)
    np.testing.assert_allclose([est.predictor()(x) for x in X[:5]], est.predict(X[:5]), rtol=1e-12)
    many = regressor(engine=engine).fit(X, np.column_stack([y, -y]))
    np.testing.assert_allclose(many.predictor()(X[0]), many.predict(X[:1])[0], rtol=1e-12)
    with pytest.raises(BadInput, match="method='score', one of predict is expected"):
        est.predictor("score")


def test_engines_agree(iris):
    from glassnet.engines.reference import Reference

    a, b, c = (classifier(engine=e).fit(*iris) for e in ("auto", "reference", Reference()))
    np.testing.assert_allclose(a.coefs_[0], b.coefs_[0], rtol=1e-9)
    assert same(b, c)


def test_new_parameters_come_after_scikit_learns_and_are_keyword_only():
    import inspect

    from sklearn import neural_network as theirs

    for ours, other in ((MLPClassifier, theirs.MLPClassifier), (MLPRegressor, theirs.MLPRegressor)):
        mine = inspect.signature(ours).parameters
        known = inspect.signature(other).parameters
        assert list(mine)[: len(known)] == list(known)
        for name, parameter in known.items():
            assert mine[name].default == parameter.default
            assert mine[name].kind == parameter.kind
        assert all(p.kind is p.KEYWORD_ONLY for p in list(mine.values())[len(known) :])


def test_verbose_prints_as_theirs(iris):
    from sklearn import neural_network as theirs

    import glassnet.estimators as ours

    told = []
    for room in (theirs, ours):
        lines = io.StringIO()
        with redirect_stdout(lines):
            room.MLPClassifier(
                random_state=0, verbose=True, early_stopping=True, n_iter_no_change=2, max_iter=30,
                solver="sgd", learning_rate="adaptive", learning_rate_init=0.1,
            ).fit(*iris)  # fmt: skip
        told.append(lines.getvalue())
    assert told[0] == told[1]
    assert "Setting learning rate to" in told[0]
