"""What no network can be fitted to: scikit-learn's words where it has some, else ours."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn import neural_network as theirs
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

from glassnet import estimators as ours
from glassnet.core.errors import BadInput

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = load_iris(return_X_y=True)
WEIGHT = np.ones(150)
RAGGED = np.empty(150, object)
RAGGED[:] = [[1.0] * (1 + row % 2) for row in range(150)]


def changed(array, value):
    array = np.array(array, dtype=float)
    array.flat[7] = value
    return array


def outcome(room, name, act):
    """What came of it: the error's kind and words, or nothing."""
    est = getattr(room, name)(max_iter=3, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            act(est)
        except (ValueError, TypeError, AttributeError, NotFittedError) as error:
            return [type(error).__name__, str(error)]
    return sorted({str(w.message) for w in caught})


CASES = {
    "nan in X": lambda e: e.fit(changed(X, np.nan), Y),
    "infinity in X": lambda e: e.fit(changed(X, np.inf), Y),
    "nan in sparse X": lambda e: e.fit(scipy.sparse.csr_matrix(changed(X, np.nan)), Y),
    "nan in y": lambda e: e.fit(X, changed(Y, np.nan)),
    "words in X": lambda e: e.fit(np.full((150, 2), "a"), Y),
    "one dimension": lambda e: e.fit(X[:, 0], Y),
    "three dimensions": lambda e: e.fit(X[None], Y),
    "no rows": lambda e: e.fit(X[:0], Y[:0]),
    "no columns": lambda e: e.fit(X[:, :0], Y),
    "other lengths": lambda e: e.fit(X, Y[:-1]),
    "no y": lambda e: e.fit(X, None),
    "y in a column": lambda e: e.fit(X, Y.reshape(-1, 1)),
    "objects": lambda e: e.fit(X.astype(object), Y),
    "whole numbers": lambda e: e.fit(X.astype(int), Y),
    "float16": lambda e: e.fit(X.astype(np.float16), Y),
    "complex": lambda e: e.fit(X + 1j, Y),
    "infinity in y": lambda e: e.fit(X, changed(Y, np.inf)),
    "infinity in sparse X": lambda e: e.fit(scipy.sparse.csc_matrix(changed(X, np.inf)), Y),
    "numbers as text": lambda e: e.fit(X.astype(str), Y),
    "words among objects": lambda e: e.fit(np.full((150, 2), "a", object), Y),
    "None among objects": lambda e: e.fit(np.where(X > 7, None, X), Y),
    "lists among objects": lambda e: e.fit(RAGGED, Y),
    "lists": lambda e: e.fit(X.tolist(), Y.tolist()),
    "booleans": lambda e: e.fit(X > 2, Y),
    "bytes of whole numbers": lambda e: e.fit(X.astype(np.uint8), Y),
    "sparse whole numbers": lambda e: e.fit(scipy.sparse.csr_matrix(X.astype(int)), Y),
    "long doubles": lambda e: e.fit(X.astype(np.longdouble), Y),
    "the other byte first": lambda e: e.fit(X.astype(">f8"), Y),
    "a number": lambda e: e.fit(3.0, Y),
    "float16 y": lambda e: e.fit(X, Y.astype(np.float16)),
    "boolean y": lambda e: e.fit(X, Y > 0),
    "y of objects": lambda e: e.fit(X, Y.astype(object)),
    "y of three dimensions": lambda e: e.fit(X, Y.reshape(-1, 1, 1)),
    "complex y": lambda e: e.fit(X, Y + 1j),
    "one weight for all": lambda e: e.fit(X, Y, 2.0),
    "infinity in weights": lambda e: e.fit(X, Y, changed(WEIGHT, np.inf)),
    "words for weights": lambda e: e.fit(X, Y, np.full(150, "a")),
    "weights of another length": lambda e: e.fit(X, Y, WEIGHT[:-1]),
    "weights in two dimensions": lambda e: e.fit(X, Y, WEIGHT[:, None]),
    "nan in weights": lambda e: e.fit(X, Y, changed(WEIGHT, np.nan)),
    "other columns in predict": lambda e: e.fit(X, Y).predict(X[:, :2]),
    "other sparse columns in predict": lambda e: e.fit(X, Y).predict(
        scipy.sparse.csr_matrix(X[:, 1:])
    ),
    "one row as it is in predict": lambda e: e.fit(X, Y).predict(X[0]),
    "no rows in predict": lambda e: e.fit(X, Y).predict(X[:0]),
    "words in predict": lambda e: e.fit(X, Y).predict(np.full((3, 4), "a")),
    "other columns in partial_fit": lambda e: e.fit(X, Y).partial_fit(X[:, :2], Y),
    "other lengths in score": lambda e: e.fit(X, Y).score(X, Y[:-1]),
    "nan in predict": lambda e: e.fit(X, Y).predict(changed(X, np.nan)),
    "predict before fit": lambda e: e.predict(X),
    "batch too large": lambda e: e.set_params(batch_size=1000).fit(X, Y),
    "layer of nothing": lambda e: e.set_params(hidden_layer_sizes=(3, 0)).fit(X, Y),
    "layer of a part": lambda e: e.set_params(hidden_layer_sizes=(2.5,)).fit(X, Y),
    "layer below 0": lambda e: e.set_params(hidden_layer_sizes=-1).fit(X, Y),
    "layers as text": lambda e: e.set_params(hidden_layer_sizes="a").fit(X, Y),
    "validation_fraction of 1": lambda e: e.set_params(validation_fraction=1.0).fit(X, Y),
    "alpha below 0": lambda e: e.set_params(alpha=-1).fit(X, Y),
    "momentum above 1": lambda e: e.set_params(momentum=2).fit(X, Y),
    "beta_1 of 1": lambda e: e.set_params(beta_1=1).fit(X, Y),
    "max_iter of 0": lambda e: e.set_params(max_iter=0).fit(X, Y),
    "shuffle as text": lambda e: e.set_params(shuffle="true").fit(X, Y),
    "random_state as text": lambda e: e.set_params(random_state="a").fit(X, Y),
    "partial_fit and early stopping": lambda e: e.set_params(early_stopping=True).partial_fit(
        X, Y, **({"classes": [0, 1, 2]} if hasattr(e, "predict_proba") else {})
    ),
    "too few to hold out": lambda e: e.set_params(early_stopping=True).fit(X[::15], Y[::15] > 0),
}
ONLY_CLASSES = {
    "one class": lambda e: e.fit(X, np.zeros(150)).predict(X),
    "numbers for classes": lambda e: e.fit(X, X[:, 0] * 1.001),
    "labels of two kinds": lambda e: e.fit(X, np.where(Y > 0, "a", None)),
    "sparse targets": lambda e: e.fit(X, scipy.sparse.csr_matrix(np.eye(3, dtype=int)[Y])),
    "several outputs of classes": lambda e: e.fit(X, np.column_stack([Y, Y])),
    "warm start with other classes": lambda e: (
        e.set_params(warm_start=True).fit(X, Y).fit(X, Y > 0)
    ),
    "partial_fit without classes": lambda e: e.partial_fit(X, Y),
    "partial_fit with an unseen class": lambda e: e.partial_fit(X, Y, classes=[0, 1]),
    "lbfgs has no partial_fit": lambda e: e.set_params(solver="lbfgs").partial_fit,
    "a class of one row": lambda e: e.set_params(early_stopping=True).fit(
        X[49:101], Y[49:101] == 0
    ),
    "hardly any rows held out": lambda e: e.set_params(
        early_stopping=True, validation_fraction=0.01
    ).fit(X, Y > 0),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_scikit_learns_words(name, case):
    assert outcome(ours, name, case) == outcome(theirs, name, case)


@pytest.mark.parametrize("case", ONLY_CLASSES.values(), ids=ONLY_CLASSES)
def test_scikit_learns_words_on_classes(case):
    assert outcome(ours, "MLPClassifier", case) == outcome(theirs, "MLPClassifier", case)


@pytest.mark.parametrize("weights", [np.zeros(150), 0.0], ids=["zeros", "0"])
@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_weights_that_are_all_0(name, weights):
    """In scikit-learn's words of 1.9; up to 1.8 it divides by them."""
    with pytest.raises(ValueError, match="Sample weights must contain at least one non-zero"):
        getattr(ours, name)().fit(X, Y, weights)


WRONG = {
    "alpha": [-0.1, "a", None],
    "batch_size": [0, -3, 2.5, "all"],
    "learning_rate_init": [0, -1.0, "a"],
    "power_t": [-1, None],
    "max_iter": [0, 2.5, None],
    "shuffle": ["no", None],
    "random_state": ["a", -1.5],
    "tol": [-1e-4, "a"],
    "verbose": ["loud", -1],
    "warm_start": ["yes"],
    "momentum": [-0.1, 1.1],
    "nesterovs_momentum": ["yes"],
    "early_stopping": ["yes", None],
    "validation_fraction": [-0.1, 1.5, "a"],
    "beta_1": [-0.1, 1.0],
    "beta_2": [-0.1, 1.0],
    "epsilon": [0, -1],
    "n_iter_no_change": [0, 2.5, "a"],
    "max_fun": [0, 2.5],
    "hidden_layer_sizes": [0, -2, None, 2.5],
}


@pytest.mark.parametrize("parameter", WRONG)
@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_scikit_learns_words_on_parameters(name, parameter):
    for value in WRONG[parameter]:

        def fit(est, value=value):
            est.set_params(**{parameter: value}).fit(X, Y)

        a, b = outcome(theirs, name, fit), outcome(ours, name, fit)
        assert b == a
        assert a[0] in {"InvalidParameterError", "ValueError", "TypeError"}, value


def test_every_parameter_is_given_wrongly():
    shared = set(theirs.MLPRegressor().get_params())
    assert shared - set(WRONG) == {
        "loss",
        "activation",
        "solver",
        "learning_rate",
    }  # ours have more


OWN = {
    "unseen class held out": (
        lambda e: e.fit(X[:100], Y[:100], X_val=X, y_val=Y),
        "`y` has classes not in `self.classes_`",
    ),
    "X_val alone": (lambda e: e.fit(X, Y, X_val=X), "one of X_val and y_val without the other"),
    "weights of nothing": (
        lambda e: e.fit(X, Y, sample_weight_val=WEIGHT),
        "sample_weight_val without X_val",
    ),
    "other columns held out": (
        lambda e: e.fit(X, Y, X_val=X[:, :2], y_val=Y),
        "X has 2 features, but MLPClassifier is expecting 4",
    ),
    "no such activation": (
        lambda e: e.set_params(activation="rellu").fit(X, Y),
        "The 'activation' parameter of MLPClassifier must be .*'relu'.*Got 'rellu' instead",
    ),
    "no such activation in a list": (
        lambda e: e.set_params(activation=["rellu"]).fit(X, Y),
        "activation 'rellu' is not known, one of sigmoid, .* Did you mean relu?",
    ),
    "no such solver": (
        lambda e: e.set_params(solver="adagrad").fit(X, Y),
        "The 'solver' parameter of MLPClassifier must be",
    ),
    "no such loss": (lambda e: e.set_params(loss="hinge").fit(X, Y), "The 'loss' parameter of"),
    "no such metric": (
        lambda e: e.set_params(metrics=["precision_at"]).fit(X, Y),
        "metric 'precision_at', one of accuracy, .* or a function of y_true and y_pred is expected",
    ),
    "no such engine": (lambda e: e.set_params(engine="gpu").fit(X, Y), "The 'engine' parameter"),
    "l1 below 0": (lambda e: e.set_params(l1=-0.1).fit(X, Y), "The 'l1' parameter of"),
    "clip_norm of 0": (lambda e: e.set_params(clip_norm=0).fit(X, Y), "The 'clip_norm' parameter"),
    "dtype float16": (
        lambda e: e.set_params(dtype="float16").fit(X, Y),
        "The 'dtype' parameter of",
    ),
}


@pytest.mark.parametrize(("case", "words"), OWN.values(), ids=OWN)
def test_what_is_ours_says_what_it_wants(case, words):
    with pytest.raises(ValueError, match=words):
        case(ours.MLPClassifier(max_iter=3, random_state=0))


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (Y.astype(str), "y holds text, numbers are expected. Labels. MLPClassifier"),
        (
            scipy.sparse.csr_matrix(np.eye(3)[Y]),
            r"y is sparse, an array is expected. Try y.toarray\(\).",
        ),
    ],
    ids=["text", "sparse"],
)
def test_numbers_that_are_none(y, words):
    """scikit-learn's fall over these: a UFuncTypeError, a LinAlgError."""
    with pytest.raises(BadInput, match=words):
        ours.MLPRegressor().fit(X, y)


def test_a_network_that_goes_on_keeps_its_outputs():
    est = ours.MLPRegressor(warm_start=True, max_iter=2, random_state=0).fit(X, X[:, :2])
    with pytest.raises(
        BadInput, match="4 features and 1 output, the network that goes on has 4 and 2"
    ):
        est.fit(X, Y)
