"""Frames of pandas and polars: names, kinds of columns, labels and weights, as scikit-learn's."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn import neural_network as theirs
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.validation import _get_feature_names

from glassnet import estimators as ours
from tests.estimators.drawn import close

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = (part[::3] for part in load_iris(return_X_y=True))  # fifty rows
NAMES = ["sepal length", "sepal width", "petal length", "petal width"]
WORDS = np.array(["setosa", "versicolor", "virginica"])[Y]
F = pd.DataFrame(X, columns=NAMES)
P = pl.DataFrame(X, schema=NAMES)
WEIGHT = pd.Series(np.linspace(0.5, 2.0, len(F)))
AWRY = F[NAMES[::-1]]


def estimator(room, name="MLPClassifier", **params):
    settings = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0, **params}
    return getattr(room, name)(**settings)


def outcome(room, name, act, **params):
    """(what is said, what is known, numbers): errors and warnings, names and dtypes, weights."""
    est = estimator(room, name, **params)
    answer = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            answer = act(est)
            answer = None if answer is est else answer
        except (ValueError, TypeError) as error:
            return [type(error).__name__, str(error)], None, []
    said = sorted({str(w.message) for w in caught})
    names = getattr(est, "feature_names_in_", None)
    known = [None if names is None else names.tolist(), str(est.coefs_[0].dtype), est.n_iter_]
    numbers = [*est.coefs_, *est.intercepts_]
    if name == "MLPClassifier":
        known += [est.classes_.dtype.kind, est.classes_.tolist(), np.asarray(answer).tolist()]
    elif answer is not None:
        numbers.append(answer)
    return said, known, numbers


def compare(name, act, **params):
    """Ours beside theirs; what theirs did."""
    a, b = (outcome(room, name, act, **params) for room in (theirs, ours))
    assert b[:2] == a[:2]
    rtol = 1e-9 if a[1] is None or "float32" not in a[1] else 1e-4
    for one, two in zip(a[2], b[2], strict=True):
        assert close(one, two, rtol)
    return a


# ---- columns

COLUMNS = {
    "numbers": F,
    "polars": P,
    "float32": F.astype("float32"),
    "float32 and float64": F.astype({NAMES[0]: "float32"}),
    "float16": F.astype("float16"),
    "whole numbers": F.round().astype(int),
    "booleans": F > 2,
    "one column of booleans": F.assign(wide=F[NAMES[1]] > 3),
    "polars with booleans": P.with_columns(wide=pl.col(NAMES[1]) > 3),
    "nullable whole numbers": F.round().astype("Int64"),
    "nullable float32": F.astype("Float32"),
    "nullable booleans": (F > 2).astype("boolean"),
    "a nullable column with a gap": F.astype("Float64").mask(F > 6.5),
    "a polars column with a gap": P.with_columns(pl.col(NAMES[0]).replace(X[3, 0], None)),
    "a gap": F.mask(F > 6.5),
    "categories that are numbers": F.round().astype("category"),
    "categories that are words": F.assign(kind=pd.Categorical(WORDS)),
    "words": F.assign(kind=WORDS),
    "dates": F.assign(day=pd.Timestamp("2026-01-01")),
    "objects": F.astype(object),
    "sparse columns": F.where(F > 2, 0.0).astype(pd.SparseDtype(float, 0.0)),
    "names that are numbers": pd.DataFrame(X),
    "names of two kinds": pd.DataFrame(X, columns=["a", 1, "b", 2]),
    "the same name twice": pd.DataFrame(X, columns=["a", "a", "b", "c"]),
    "another index": F.set_axis(range(1000, 950, -1), axis=0),
    "rows in another order": F.sample(frac=1, random_state=0),
}


@pytest.mark.filterwarnings("ignore:pandas.DataFrame with sparse columns")
@pytest.mark.parametrize("frame", COLUMNS.values(), ids=COLUMNS)
def test_columns(frame):
    compare("MLPClassifier", lambda e: e.fit(frame, Y).predict(frame))


def test_names_are_kept_and_are_those_of_the_frame():
    est = estimator(ours).fit(F, Y)
    assert est.feature_names_in_.tolist() == NAMES
    assert est.fit(X, Y) is est
    assert not hasattr(est, "feature_names_in_")


# ---- targets and weights

TARGETS = {
    "numbers": pd.Series(Y),
    "polars": pl.Series(Y),
    "another index": pd.Series(Y, index=range(1000, 950, -1)),
    "words": pd.Series(WORDS),
    "polars words": pl.Series(WORDS.tolist()),
    "words as objects": pd.Series(WORDS, dtype=object),
    "categories": pd.Series(pd.Categorical(WORDS, categories=sorted(set(WORDS))[::-1])),
    "nullable": pd.Series(Y, dtype="Int64"),
    "nullable booleans": pd.Series(Y > 0, dtype="boolean"),
    "nullable with a gap": pd.Series(Y, dtype="Int64").mask(Y == 2),
    "a frame of one column": pd.DataFrame({"kind": Y}),
    "a frame of two columns": pd.DataFrame({"b": Y > 0, "a": Y > 1}).astype(int),
    "a polars frame of two columns": pl.DataFrame({"b": 1 * (Y > 0), "a": 1 * (Y > 1)}),
    "too short": pd.Series(Y[:-1]),
}


@pytest.mark.parametrize("y", TARGETS.values(), ids=TARGETS)
def test_targets_of_classes(y):
    compare("MLPClassifier", lambda e: e.fit(F, y).predict(F))


@pytest.mark.parametrize("kind", sorted({*TARGETS} - {"polars words"}))  # an array of text to both
def test_targets_of_numbers(kind):
    compare("MLPRegressor", lambda e: e.fit(F, TARGETS[kind]))


WEIGHTS = {
    "numbers": WEIGHT,
    "polars": pl.Series(WEIGHT.tolist()),
    "nullable": WEIGHT.astype("Float64"),
    "whole numbers": pd.Series(1 + Y % 2),
    "another index": WEIGHT[::-1],
    "a gap": WEIGHT.mask(WEIGHT > 1.9),
    "a nullable gap": WEIGHT.astype("Float64").mask(WEIGHT > 1.9),
    "too short": WEIGHT[:-1],
    "a frame": WEIGHT.to_frame(),
}


@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("early", [False, True])
def test_weights(weight, early):
    # not of words: scikit-learn 1.7 asks texts whether they are NaN where it stops early
    compare("MLPClassifier", lambda e: e.fit(F, pd.Series(Y), weight), early_stopping=early)


def test_weights_count_in_the_score():
    for name, y in (("MLPClassifier", pd.Series(WORDS)), ("MLPRegressor", pd.Series(Y))):
        a, b = (
            estimator(room, name, learning_rate_init=0.1).fit(F, y, WEIGHT)
            for room in (theirs, ours)
        )
        assert b.score(F, y, WEIGHT) == pytest.approx(a.score(F, y, WEIGHT), rel=1e-9)
        assert b.score(F, y, WEIGHT) != b.score(F, y)


# ---- one call after another

CALLS = {
    "columns in another order": lambda e: e.fit(F, Y).predict(AWRY),
    "polars columns in another order": lambda e: e.fit(P, Y).predict(P[:, ::-1]),
    "polars after pandas": lambda e: e.fit(F, Y).predict(P),
    "a column that was not there": lambda e: e.fit(F, Y).predict(F.rename(columns={NAMES[0]: "x"})),
    "a column too many": lambda e: e.fit(F, Y).predict(F.assign(x=1.0)),
    "a column too few": lambda e: e.fit(F, Y).predict(F[NAMES[:3]]),
    "names, then none": lambda e: e.fit(F, Y).predict(X),
    "no names, then some": lambda e: e.fit(X, Y).predict(F),
    "partial_fit": lambda e: partial(e, F, F),
    "partial_fit, polars": lambda e: partial(e, P, P),
    "partial_fit, columns in another order": lambda e: partial(e, F, AWRY),
    "partial_fit, names, then none": lambda e: partial(e, F, X),
    "partial_fit, no names, then some": lambda e: partial(e, X, F),
    "partial_fit after fit": lambda e: e.fit(F, pd.Series(Y)).partial_fit(F, pd.Series(Y)),
    "a second fit with other names": lambda e: e.fit(F, Y).fit(AWRY, Y).predict(AWRY),
    "warm, the same names": lambda e: e.set_params(warm_start=True).fit(F, Y).fit(F, Y).predict(F),
    "warm, other names": lambda e: e.set_params(warm_start=True).fit(F, Y).fit(AWRY, Y),
    "score, columns in another order": lambda e: e.fit(F, Y).score(AWRY, Y),
}


def partial(est, first, then):
    more = {"classes": pd.Series([0, 1, 2])} if hasattr(est, "predict_proba") else {}
    for X in (first, then):
        est.partial_fit(X, pd.Series(Y), WEIGHT, **more)
    return est.predict(then)


@pytest.mark.parametrize("act", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_calls(name, act):
    compare(name, act)


# ---- in a pipeline

TAKES_POLARS = _get_feature_names(P) is not None
MIXED = F.assign(kind=pd.Categorical(WORDS))


@pytest.mark.parametrize("frames", ["pandas", "polars", "default"])
@pytest.mark.parametrize("made", [MIXED, pl.from_dict({k: MIXED[k].tolist() for k in MIXED})])
def test_columns_transformed_each_in_its_way(frames, made):
    """Names go through to the network, with what made them before each."""
    if (frames == "polars" or made is not MIXED) and not TAKES_POLARS:
        pytest.skip("this scikit-learn does not know the columns of this polars")
    target = F[NAMES[0]] + Y
    models = []
    for room in (theirs, ours):
        columns = make_column_transformer(
            (StandardScaler(), NAMES), (OneHotEncoder(sparse_output=False), ["kind"])
        )
        model = make_pipeline(columns, estimator(room, "MLPRegressor"))
        models.append(model.set_output(transform=frames).fit(made, target))
    a, b = models
    np.testing.assert_allclose(b.predict(made), a.predict(made), rtol=1e-9)
    known = [getattr(m[-1], "feature_names_in_", np.array([])).tolist() for m in models]
    assert known[0] == known[1]
    if frames == "pandas":
        assert known[1][0] == "standardscaler__sepal length"
        assert known[1][-1] == "onehotencoder__kind_virginica"


def test_metadata_is_routed_with_frames():
    found = []
    with sklearn.config_context(enable_metadata_routing=True):
        for room in (theirs, ours):
            est = estimator(room).set_fit_request(sample_weight=True)
            model = make_pipeline(StandardScaler().set_output(transform="pandas"), est)
            model[0].set_fit_request(sample_weight=True)
            scoring = get_scorer("accuracy").set_score_request(sample_weight=True)
            settings = {"mlpclassifier__alpha": [1e-4, 10.0]}
            search = GridSearchCV(model, settings, cv=2, scoring=scoring)
            found.append(search.fit(F, pd.Series(WORDS), sample_weight=WEIGHT))
    a, b = found
    for key in ("mean_test_score", "split0_test_score"):
        np.testing.assert_allclose(b.cv_results_[key], a.cv_results_[key], rtol=1e-12)
    assert close(a.best_estimator_[-1].coefs_[0], b.best_estimator_[-1].coefs_[0], 1e-9)
    assert b.best_estimator_[-1].feature_names_in_.tolist() == NAMES


def test_rows_held_out_go_through_the_steps_before():
    target = pd.Series(WORDS)
    scaler = StandardScaler().set_output(transform="pandas").fit(F[::2])
    own = {"early_stopping": True}
    by_hand = estimator(ours, **own).fit(
        scaler.transform(F[::2]), target[::2], X_val=scaler.transform(F[1::2]), y_val=target[1::2]
    )
    with sklearn.config_context(enable_metadata_routing=True):
        est = estimator(ours, **own).set_fit_request(X_val=True, y_val=True)
        model = make_pipeline(
            StandardScaler().set_output(transform="pandas"), est, transform_input=["X_val"]
        )
        model.fit(F[::2], target[::2], X_val=F[1::2], y_val=target[1::2])
    assert model[-1].validation_scores_ == by_hand.validation_scores_
    np.testing.assert_array_equal(model[-1].coefs_[0], by_hand.coefs_[0])


# ---- what scikit-learn's have not


@pytest.mark.parametrize("frame", [F, P], ids=["pandas", "polars"])
def test_a_frame_held_out(frame):
    labels, weights = pd.Series(WORDS), WEIGHT[1::2]
    plain = estimator(ours, metrics="accuracy").fit(
        X[::2], WORDS[::2], X_val=X[1::2], y_val=WORDS[1::2], sample_weight_val=weights.to_numpy()
    )
    est = estimator(ours, metrics="accuracy").fit(
        frame[::2], labels[::2], X_val=frame[1::2], y_val=labels[1::2], sample_weight_val=weights
    )
    assert est.history_.val_loss == plain.history_.val_loss
    assert est.history_.metrics == plain.history_.metrics
    with pytest.raises(ValueError, match="The feature names should match those that were passed"):
        estimator(ours).fit(F, labels, X_val=AWRY, y_val=labels)


def test_weights_for_classes_of_a_series():
    wanted = {"setosa": 3.0, "virginica": 0.5}
    a = estimator(ours, class_weight=wanted).fit(F, pd.Series(WORDS, dtype="category"), WEIGHT)
    b = estimator(ours).fit(
        X, WORDS, [w * wanted.get(k, 1) for w, k in zip(WEIGHT, WORDS, strict=True)]
    )
    np.testing.assert_array_equal(a.coefs_[0], b.coefs_[0])


def test_a_frame_looked_into():
    est = estimator(ours, activation="tanh").fit(F, pd.Series(WORDS))
    a, b = est.trace(F[:3], pd.Series(WORDS[:3]), WEIGHT[:3]), est.trace(F[:3])
    for trace in (a, b):
        np.testing.assert_allclose(trace["a2"].value, est.predict_proba(F[:3]), rtol=1e-12)
    checks = est.check_gradients(F[:9], pd.Series(WORDS[:9]))
    assert all(check.verdict.startswith("right") for check in checks)
    assert est.predictor()(F.iloc[0]) == est.predict(F[:1])[0]


@pytest.mark.filterwarnings("error")
def test_a_file_keeps_the_names_and_the_labels(tmp_path):
    est = estimator(ours).fit(F, pd.Series(WORDS))
    est.save(tmp_path / "model.safetensors")
    same = ours.MLPClassifier.load(tmp_path / "model.safetensors")
    assert same.feature_names_in_.tolist() == NAMES
    assert same.predict(F).tolist() == est.predict(F).tolist()
    with pytest.raises(ValueError, match="Feature names must be in the same order"):
        same.predict(AWRY)


def test_a_run_goes_on_with_a_frame(tmp_path):
    settings = {"checkpoint": tmp_path / "run", "early_stopping": True}
    estimator(ours, max_iter=2, **settings).fit(F, pd.Series(WORDS))
    on = estimator(ours, max_iter=4, **settings).fit(F, pd.Series(WORDS))
    whole = estimator(ours, max_iter=4, early_stopping=True).fit(F, pd.Series(WORDS))
    np.testing.assert_array_equal(on.coefs_[0], whole.coefs_[0])
