"""In scikit-learn's company: pipelines, searches, meta-estimators, displays, on real data."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.ensemble import BaggingClassifier, StackingRegressor
from sklearn.inspection import (
    DecisionBoundaryDisplay,
    PartialDependenceDisplay,
    partial_dependence,
    permutation_importance,
)
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import glassnet
from glassnet.estimators import MLPClassifier, MLPRegressor

mpl.use("Agg")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def classifier(**params):
    params = {"hidden_layer_sizes": (16,), "max_iter": 40, "learning_rate_init": 0.01, **params}
    return MLPClassifier(random_state=0, **params)


def regressor(**params):
    params = {
        "hidden_layer_sizes": (16,),
        "solver": "lbfgs",
        "alpha": 1.0,
        "max_iter": 60,
        **params,
    }
    return MLPRegressor(random_state=0, **params)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:600] / 16.0, y[:600]


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return X * 20, (y - y.mean()) / y.std()


def test_pipeline():
    X, y = load_breast_cancer(return_X_y=True)
    model = make_pipeline(StandardScaler(), classifier()).fit(X, y)
    assert model.score(X, y) > 0.97


def test_grid_search_in_two_processes(digits):
    grid = {"alpha": [1e-4, 1.0], "activation": ["relu", "gelu"]}
    search = GridSearchCV(classifier(max_iter=25), grid, cv=2, n_jobs=2).fit(*digits)
    assert search.best_score_ > 0.7
    alone = GridSearchCV(classifier(max_iter=25), grid, cv=2).fit(*digits)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )


def test_cross_val_predict(digits):
    X, y = digits
    assert (cross_val_predict(classifier(), X, y, cv=3) == y).mean() > 0.85


def test_calibration():
    X, y = load_iris(return_X_y=True)
    model = CalibratedClassifierCV(classifier(), cv=3).fit(X, y)
    assert model.score(X, y) > 0.9


def test_bagging(digits):
    model = BaggingClassifier(classifier(max_iter=10), n_estimators=3, random_state=0).fit(*digits)
    assert model.score(*digits) > 0.85


def test_multi_output(digits):
    X, y = digits
    Y = np.column_stack([y % 2, y > 4])
    assert MultiOutputClassifier(classifier()).fit(X, Y).score(X, Y) > 0.9


def test_stacking(diabetes):
    model = StackingRegressor([("mlp", regressor()), ("ridge", Ridge())], cv=3).fit(*diabetes)
    assert model.score(*diabetes) > 0.4


def test_permutation_importance(diabetes):
    model = regressor().fit(*diabetes)
    found = permutation_importance(model, *diabetes, n_repeats=2, random_state=0)
    assert found.importances_mean.argmax() in (2, 8)  # weight for height, a serum


def test_partial_dependence(diabetes):
    model = regressor().fit(*diabetes)
    along = partial_dependence(model, diabetes[0], [2], grid_resolution=9)["average"][0]
    assert along[-1] > along[0]
    PartialDependenceDisplay.from_estimator(model, diabetes[0], [2], grid_resolution=5)


def test_decision_boundary():
    X, y = load_iris(return_X_y=True)
    model = classifier().fit(X[:, 2:], y)
    shown = DecisionBoundaryDisplay.from_estimator(
        model, X[:, 2:], response_method="predict", grid_resolution=20
    )
    assert len(np.unique(shown.response)) == 3


def test_a_clone_has_the_parameters_and_none_of_the_rest(digits):
    model = classifier(activation=glassnet.SiLU(), metrics=["accuracy"]).fit(*digits)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "coefs_")


def test_what_they_are():
    assert is_classifier(MLPClassifier())
    assert is_regressor(MLPRegressor())
    tags = MLPClassifier().__sklearn_tags__()
    assert tags.input_tags.sparse
    assert tags.classifier_tags.multi_label
    assert not tags.target_tags.multi_output
    assert MLPRegressor().__sklearn_tags__().input_tags.sparse


def test_the_picture_of_an_estimator_in_a_notebook(digits):
    assert "MLPClassifier" in classifier()._repr_html_()
    assert "fitted" in classifier(max_iter=2).fit(*digits)._repr_html_()


def test_metadata_is_routed():
    import sklearn

    X, y = load_iris(return_X_y=True)
    with sklearn.config_context(enable_metadata_routing=True):
        model = (
            classifier(max_iter=3)
            .set_fit_request(sample_weight=True)
            .set_score_request(sample_weight=False)
        )
        weight = np.linspace(0.1, 1.0, len(X))
        found = GridSearchCV(model, {"alpha": [0.1]}, cv=2).fit(X, y, sample_weight=weight)
        plain = GridSearchCV(classifier(max_iter=3), {"alpha": [0.1]}, cv=2).fit(X, y)
    assert not np.array_equal(found.best_estimator_.coefs_[0], plain.best_estimator_.coefs_[0])
    request = MLPClassifier().get_metadata_routing()
    assert set(request.fit.requests) == {"sample_weight", "X_val", "y_val", "sample_weight_val"}
    assert set(request.partial_fit.requests) == {"sample_weight", "classes"}
    assert set(request.score.requests) == {"sample_weight"}
