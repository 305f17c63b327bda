"""Estimators as files: pickle, joblib, save and load, and runs that are interrupted."""

from __future__ import annotations

import copy
import io
import pickle

import joblib
import numpy as np
import pytest
from sklearn import neural_network as theirs
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale

import glassnet
from glassnet import estimators as ours
from glassnet.core.errors import BadFile, BadInput
from glassnet.estimators import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = load_iris(return_X_y=True)
X = scale(X)
NAMES = np.array(["setosa", "versicolor", "virginica"])
MANY = np.column_stack([Y == 0, Y == 1, Y > 0]).astype(int)


def classifier(**params):
    return MLPClassifier(**{"hidden_layer_sizes": (6,), "max_iter": 8, "random_state": 0, **params})


def regressor(**params):
    return MLPRegressor(**{"hidden_layer_sizes": (6,), "max_iter": 8, "random_state": 0, **params})


def same(a, b):
    return all(
        np.array_equal(p, q)
        for p, q in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True)
    )


FITTED = {
    "classes": lambda: classifier().fit(X, Y),
    "two classes": lambda: classifier(early_stopping=True).fit(X, Y > 0),
    "texts": lambda: classifier(activation=["gelu"], solver="sgd").fit(X, NAMES[Y]),
    "multilabel": lambda: classifier(hidden_layer_sizes=(4, 3)).fit(X, MANY),
    "lbfgs": lambda: classifier(solver="lbfgs").fit(X, Y),
    "numbers": lambda: regressor(solver="rmsprop:lr=0.01", n_iter_no_change=np.inf).fit(X, Y),
    "several": lambda: regressor(loss="huber", dtype="float32").fit(X, MANY),
    "own": lambda: regressor(activation=glassnet.LeakyReLU(0.2), metrics=["r2"]).fit(X, Y),
}
fitted = pytest.mark.parametrize("make", FITTED.values(), ids=FITTED)


# ---- pickle and its kin


def through_joblib(est):
    file = io.BytesIO()
    joblib.dump(est, file)
    file.seek(0)
    return joblib.load(file)


COPIES = {
    "pickle": lambda est: pickle.loads(pickle.dumps(est)),
    "joblib": through_joblib,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("again", COPIES.values(), ids=COPIES)
@fitted
def test_copies_answer_and_go_on_alike(make, again):
    est = make()
    other = again(est)
    np.testing.assert_array_equal(other.predict(X), est.predict(X))
    assert other.get_params().keys() == est.get_params().keys()
    assert other.coefs_[0].flags.writeable
    other.coefs_[0][0, 0] += 1.0  # its own memory, and the truth of its answers
    assert not np.array_equal(other.coefs_[0], est.coefs_[0])
    other.coefs_[0][0, 0] = est.coefs_[0][0, 0]
    if hasattr(est, "partial_fit") and not est.early_stopping:
        y = {"MLPClassifier": est.predict(X)}.get(
            type(est).__name__, MANY if est.n_outputs_ > 1 else Y
        )
        est.partial_fit(X, y)
        other.partial_fit(X, y)
        assert same(est, other)


def test_weights_that_are_edited_count_at_once():
    est = regressor().fit(X, Y)
    est.coefs_[-1][:] = 0.0
    est.intercepts_[-1][:] = 5.0
    assert (est.predict(X) == 5.0).all()
    other = pickle.loads(pickle.dumps(est))
    other.intercepts_[-1] = np.array([6.0])
    assert (other.predict(X) == 6.0).all()
    assert (est.predict(X) == 5.0).all()


def test_a_fit_leaves_earlier_arrays_alone():
    est = classifier(warm_start=True).fit(X, Y)
    before = est.coefs_[0]
    kept = before.copy()
    est.fit(X, Y)
    np.testing.assert_array_equal(before, kept)


def test_the_pickle_is_no_larger_than_theirs():
    params = {"hidden_layer_sizes": (300,), "max_iter": 3, "random_state": 0}
    a, b = (room.MLPClassifier(**params).fit(X, Y) for room in (theirs, ours))
    assert len(pickle.dumps(b)) < len(pickle.dumps(a))


def test_the_pickle_does_not_grow():
    est = classifier(history_size=3)
    sizes = []
    for _ in range(12):
        est.partial_fit(X, Y, classes=[0, 1, 2])
        sizes.append(len(pickle.dumps(est)))
    assert sizes[-1] <= sizes[5] + 20


# ---- files without pickle


@fitted
def test_there_and_back(make, tmp_path):
    est = make()
    path = tmp_path / "est.safetensors"
    est.save(path)
    again = type(est).load(path)
    assert same(est, again)
    np.testing.assert_array_equal(again.predict(X), est.predict(X))
    assert again.predict(X).dtype == est.predict(X).dtype
    if hasattr(est, "predict_proba"):
        np.testing.assert_array_equal(again.predict_proba(X), est.predict_proba(X))
        np.testing.assert_array_equal(again.classes_, est.classes_)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(again, name) == getattr(est, name)
    if hasattr(est, "loss_curve_"):
        assert again.loss_curve_ == est.loss_curve_
    assert again.network_ == est.network_
    assert glassnet.load_model(path).net == est.network_


def test_what_is_loaded_can_be_fitted_on(tmp_path):
    classifier().fit(X, Y).save(tmp_path / "a")
    est = MLPClassifier.load(tmp_path / "a")
    before = est.loss_
    for _ in range(20):
        est.partial_fit(X, Y)
    assert est.loss_ < before
    assert est.fit(X, Y).n_iter_ == 8


GOING_ON = {
    "adam": (classifier, {}),
    "class weights": (classifier, {"class_weight": {0: 1.0, 1: 5.0, 2: 0.5}}),
    "momentum": (classifier, {"solver": "sgd", "momentum": 0.8, "nesterovs_momentum": False}),
    "undamped": (regressor, {"solver": "sgd", "momentum": 1.0, "learning_rate_init": 1e-4}),
    "adaptive": (
        regressor,
        {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 0.5},
    ),
    "invscaling": (regressor, {"solver": "sgd", "learning_rate": "invscaling"}),
    "dropout": (classifier, {"dropout": 0.5}),
    "a schedule": (classifier, {"learning_rate": "cosine:lr=0.01,steps=100"}),
    "rmsprop": (regressor, {"solver": "rmsprop:lr=0.01", "dtype": "float32"}),
}


@pytest.mark.parametrize(("make", "params"), GOING_ON.values(), ids=GOING_ON)
def test_what_is_loaded_goes_on_to_the_same_bits(make, params, tmp_path):
    y = Y if make is classifier else X @ [1.0, 2.0, -1.0, 0.5]
    est = make(batch_size=32, **params).fit(X, y)
    est.save(tmp_path / "a")
    again = type(est).load(tmp_path / "a")
    assert again.best_loss_ == est.best_loss_
    for _ in range(3):
        est.partial_fit(X, y)
        again.partial_fit(X, y)
        assert same(est, again)
        assert est.loss_ == again.loss_
        assert est._optimizer.learning_rate == again._optimizer.learning_rate
    est.set_params(warm_start=True).fit(X, y)
    assert same(again.set_params(warm_start=True).fit(X, y), est)


@pytest.mark.parametrize(
    "weights",
    [{"setosa": 3.0, "virginica": 0.5}, [{0: 1.0, 1: 4.0}, {0: 2.0, 1: 1.0}, {1: 0.5, 0: 1.0}]],
    ids=["one", "each"],
)
def test_class_weights_come_back_by_label(weights, tmp_path):
    y = NAMES[Y] if isinstance(weights, dict) else MANY
    est = classifier(class_weight=weights).fit(X, y)
    est.save(tmp_path / "a")
    again = MLPClassifier.load(tmp_path / "a")
    assert again.class_weight == weights
    assert same(again.fit(X, y), est)


def test_days_are_classes(tmp_path):
    days = np.array(["2024-01-01", "2024-02-29", "2025-12-31"], "datetime64[D]")
    est = classifier().fit(X, days[Y])
    est.save(tmp_path / "a")
    again = MLPClassifier.load(tmp_path / "a")
    assert again.classes_.dtype == est.classes_.dtype
    np.testing.assert_array_equal(again.predict(X), est.predict(X))
    est.set_params(class_weight=dict.fromkeys(days.tolist(), 1.0))
    with pytest.raises(BadInput, match=r"class_weight has the label .*texts or numbers"):
        est.save(tmp_path / "b")


def test_an_optimizer_that_was_changed_since_begins_anew(tmp_path):
    est = classifier().fit(X, Y)
    est.set_params(solver="sgd").save(tmp_path / "a")
    assert not hasattr(MLPClassifier.load(tmp_path / "a"), "_optimizer")


def test_features_keep_their_names(tmp_path):
    est = classifier().fit(X, Y)
    est.feature_names_in_ = np.array(["a", "b", "c", "d"], dtype=object)
    est.save(tmp_path / "a")
    assert MLPClassifier.load(tmp_path / "a").feature_names_in_.tolist() == ["a", "b", "c", "d"]


def test_a_class_of_ones_own_has_no_name_in_a_file(tmp_path):
    class Mine(glassnet.Tanh):
        pass

    est = classifier(activation=Mine()).fit(X, Y)
    with pytest.raises(BadInput, match="Mine is a class of your own"):
        est.save(tmp_path / "a")


def test_files_of_others_are_refused(tmp_path):
    classifier().fit(X, Y).save(tmp_path / "a")
    with pytest.raises(BadInput, match="holds MLPClassifier, MLPRegressor is expected"):
        MLPRegressor.load(tmp_path / "a")
    task = glassnet.Task(glassnet.Network.mlp(2, 1), glassnet.SquaredError())
    glassnet.save_model(glassnet.Model(task, np.zeros(3)), tmp_path / "b")
    with pytest.raises(BadInput, match="holds a model that is no estimator"):
        MLPRegressor.load(tmp_path / "b")


@pytest.mark.parametrize(
    "damage",
    [
        {"params": {}},
        {"params": 3},
        {"classes": None},
        {"classes": [1]},
        {"classes_dtype": "object"},
        {"classes_dtype": "|O"},
        {"n_iter": "a"},
        {"loss_curve_": 4},
        {"descent": 3},
        {"descent": {"step": "a"}},
        {"class_weight": 3},
    ],
    ids=str,
)
def test_damaged_files_are_refused(tmp_path, damage):
    classifier().fit(X, Y).save(tmp_path / "a")
    model = glassnet.load_model(tmp_path / "a")
    settings = {**model.settings, **damage}
    other = glassnet.Model(model.task, model.theta, settings=settings, slots=model.slots)
    glassnet.save_model(other, tmp_path / "b")
    with pytest.raises((BadFile, BadInput)):
        MLPClassifier.load(tmp_path / "b")


# ---- a run that is interrupted


class Stop(Exception):
    """What interrupts a run here."""


def stopping(epoch):
    def stage(stream):
        for record in stream:
            yield record
            if record.epoch >= epoch:
                raise Stop

    return stage


RUNS = {
    "adam": (classifier, {"max_iter": 20}),
    "early stopping": (classifier, {"max_iter": 30, "early_stopping": True, "n_iter_no_change": 3}),
    "adaptive": (
        regressor,
        {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 2, "tol": 0.05,
         "max_iter": 40},
    ),
    "invscaling": (regressor, {"solver": "sgd", "learning_rate": "invscaling", "max_iter": 20}),
    "whole batches": (classifier, {"batch_size": 150, "max_iter": 20}),
    "best kept": (regressor, {"restore_best": True, "max_iter": 20, "learning_rate_init": 0.1}),
    "lbfgs": (classifier, {"solver": "lbfgs", "max_iter": 30}),
}  # fmt: skip


@pytest.mark.parametrize("stop", [1, 7])
@pytest.mark.parametrize(("make", "params"), RUNS.values(), ids=RUNS)
def test_an_interrupted_run_ends_in_the_same_bits(make, params, stop, tmp_path):
    params = {"batch_size": 32, **params}
    y = Y if make is classifier else X @ [1.0, 2.0, -1.0, 0.5]
    whole = make(**params).fit(X, y)
    assert whole.n_iter_ > stop
    path = tmp_path / "run"
    with pytest.raises(Stop):
        make(**params, checkpoint=path, callbacks=stopping(stop)).fit(X, y)
    est = make(**params, checkpoint=path).fit(X, y)
    assert same(est, whole)
    assert est.n_iter_ == whole.n_iter_
    assert est.t_ == whole.t_
    assert est.loss_ == whole.loss_
    assert est.history_.loss == whole.history_.loss
    for name in ("loss_curve_", "validation_scores_", "best_loss_", "best_validation_score_"):
        assert getattr(est, name, None) == getattr(whole, name, None)
    again = make(**params, checkpoint=path).fit(X, y)  # a run that is over stays so
    assert same(again, whole)
    assert again.n_iter_ == whole.n_iter_


def test_a_run_can_be_made_longer(tmp_path):
    path = tmp_path / "run"
    classifier(max_iter=5, checkpoint=path, batch_size=32).fit(X, Y)
    longer = classifier(max_iter=12, checkpoint=path, batch_size=32).fit(X, Y)
    assert same(longer, classifier(max_iter=12, batch_size=32).fit(X, Y))


def test_another_run_does_not_go_on_from_it(tmp_path):
    path = tmp_path / "run"
    classifier(checkpoint=path).fit(X, Y)
    for est, rows in [
        (classifier(checkpoint=path, alpha=1.0), (X, Y)),
        (classifier(checkpoint=path), (X + 1, Y)),
        (classifier(checkpoint=path), (X, Y, np.arange(150.0))),
        (classifier(checkpoint=path, solver="lbfgs"), (X, Y)),
    ]:
        with pytest.raises(BadInput, match="is the checkpoint of another run"):
            est.fit(*rows)
    with pytest.raises(BadInput, match="checkpoint with random_state=None, a whole number"):
        classifier(checkpoint=path, random_state=None).fit(X, Y)


def test_ctrl_c_ends_a_run_and_keeps_what_there_is(tmp_path):
    def ctrl_c(stream):
        for record in stream:
            yield record
            if record.epoch == 3:
                raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="Training interrupted by user"):
        est = classifier(callbacks=ctrl_c).fit(X, Y)
    assert est.n_iter_ == 3
    assert same(est, classifier(max_iter=3).fit(X, Y))
