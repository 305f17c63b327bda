"""One call of `fit`: what an interruption loses, what ends a stream, what is refused beforehand."""

from __future__ import annotations

import inspect
import itertools
import threading
import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale
from sklearn.utils._param_validation import InvalidParameterError

from glassnet.core.activations import Tanh
from glassnet.core.errors import BadFile, BadInput
from glassnet.core.schedules import Cosine
from glassnet.engines.base import Losses
from glassnet.engines.reference import Reference
from glassnet.estimators import MLPClassifier, MLPRegressor
from tests.estimators.test_files import classifier, regressor, same

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = load_iris(return_X_y=True)
X = scale(X)


# ---- how many epochs an engine makes in one call


class Counting(Reference):
    """Learns nothing, and notes how many epochs it was asked for; or is interrupted."""

    def __init__(self, interrupted=None):
        object.__setattr__(self, "calls", [])
        object.__setattr__(self, "interrupted", interrupted)

    def epochs(self, task, state, samples, *, n=1, **_):
        if len(self.calls) == self.interrupted:
            raise KeyboardInterrupt
        self.calls.append(n)
        costs = np.linspace(1, 0.5, n) / (1 + state.epoch)
        return replace(state, epoch=state.epoch + n), Losses(costs, costs, None)


@quiet
@pytest.mark.parametrize(
    ("rows", "hidden", "batch", "most"),
    [
        (150, (6,), "auto", 100),  # some microseconds each
        (20_000, (100,), 200, 10),
        (20_000, (100, 100), 200, 1),
        (1_000, (2,), 1, 9),  # an update has its price, however small the network
    ],
)
def test_a_call_of_the_engine_is_short(rows, hidden, batch, most):
    engine = Counting()
    est = MLPRegressor(
        hidden_layer_sizes=hidden, batch_size=batch, max_iter=130, n_iter_no_change=1000,
        random_state=0, engine=engine,
    )  # fmt: skip
    est.fit(np.ones((rows, 4)), np.ones(rows))
    assert max(engine.calls) <= most
    assert sum(engine.calls) == est.n_iter_ == 130
    if rows == 150:
        assert len(engine.calls) <= 13  # small ones lose no time in calls


def test_ctrl_c_loses_one_short_call():
    engine = Counting(interrupted=3)
    est = MLPRegressor(
        hidden_layer_sizes=(100, 100), max_iter=100, n_iter_no_change=1000, random_state=0,
        engine=engine,
    )  # fmt: skip
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        est.fit(np.ones((20_000, 4)), np.ones(20_000))
    assert est.n_iter_ == len(est.loss_curve_) == 3


def test_bits_do_not_hang_on_the_calls(monkeypatch):
    settings = {"max_iter": 12, "batch_size": 32, "solver": "sgd", "tol": 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        whole = classifier(**settings).fit(X, Y)
        monkeypatch.setattr("glassnet.estimators.fitting.WORK", 1)
        single = classifier(**settings).fit(X, Y)
    assert same(whole, single)
    assert whole.loss_curve_ == single.loss_curve_


# ---- rows that have not every class


@quiet
def test_a_warm_start_asks_for_all_classes_of_what_it_learns_only():
    est = classifier(warm_start=True)
    some = Y < 2
    est.fit(X, Y).fit(X, Y, X_val=X[some], y_val=Y[some])
    assert len(est.history_.val_loss) == 8
    assert est.trace(X[:2], Y[:2]).X.shape == (2, 4)
    assert all(one.agrees for one in est.check_gradients(X[:5], Y[:5]))
    with pytest.raises(ValueError, match="the same classes as in the previous call to fit"):
        est.fit(X[some], Y[some])
    with pytest.raises(ValueError, match=r"classes not in `self\.classes_`"):
        est.fit(X, Y, X_val=X, y_val=Y + 1)


# ---- checkpoints that cannot be


class Mine(Tanh):
    """An activation that has no name in files."""


REFUSED = {
    "no folder": ({"checkpoint": "/proc/nowhere/run"}, BadFile, "cannot be written"),
    "a folder": ({"checkpoint": "/"}, BadFile, "it is a folder"),
    "own activation": ({"activation": Mine()}, BadInput, "Mine is a class of your own"),
}


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize(("params", "error", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_kept_is_refused_before_it_is_learnt(params, error, said, solver, tmp_path):
    seen = []

    def stage(stream):
        for record in stream:
            seen.append(record.epoch)
            yield record

    params = {"checkpoint": tmp_path / "run", "callbacks": stage, "solver": solver, **params}
    with pytest.raises(error, match=said):
        classifier(**params).fit(X, Y)
    assert seen == []
    assert list(tmp_path.iterdir()) == []


@quiet
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_what_was_learnt_is_there_also_where_the_file_fails(solver, tmp_path, monkeypatch):
    def full(*_, **__):
        raise BadFile("the disk is full", "a place to write was expected")

    monkeypatch.setattr("glassnet.estimators.files.save_checkpoint", full)
    est = classifier(checkpoint=tmp_path / "run", solver=solver, restore_best=True, max_iter=6)
    with pytest.raises(BadFile, match="the disk is full"):
        est.fit(X, Y, X_val=X, y_val=Y)
    without = clone(est).set_params(checkpoint=None).fit(X, Y, X_val=X, y_val=Y)
    assert same(est, without)
    assert est.loss_ == without.loss_
    assert est.n_iter_ == without.n_iter_
    assert getattr(est, "best_loss_", None) == getattr(without, "best_loss_", None)


@quiet
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_warm_fit_is_another_run(solver, tmp_path):
    est = classifier(checkpoint=tmp_path / "run", warm_start=True, solver=solver).fit(X, Y)
    with pytest.raises(BadInput, match=r"another run, .*first weights.* Remove it to begin anew"):
        est.fit(X, Y)
    (tmp_path / "run").unlink()
    learnt = [W.copy() for W in est.coefs_]
    est.fit(X, Y)
    assert not np.array_equal(est.coefs_[0], learnt[0])
    other = classifier(warm_start=True, solver=solver).fit(X, Y).fit(X, Y)
    assert same(est, other)


@quiet
def test_a_bounded_history_can_be_interrupted(tmp_path):
    settings = {"batch_size": 32, "history_size": 2}
    path = tmp_path / "run"
    classifier(**settings, checkpoint=path, max_iter=5).fit(X, Y)
    est = classifier(**settings, checkpoint=path, max_iter=9).fit(X, Y)
    assert same(est, classifier(batch_size=32, max_iter=9).fit(X, Y))
    assert est.n_iter_ == 9
    assert len(est.loss_curve_) == 2


# ---- stages that are no generators


@quiet
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize(
    "stage",
    [
        lambda stream: itertools.islice(stream, 3),
        lambda stream: itertools.takewhile(lambda record: record.epoch < 4, stream),
    ],
    ids=["islice", "takewhile"],
)
def test_any_iterator_is_a_stage(stage, solver):
    before = threading.active_count()
    est = classifier(callbacks=stage, solver=solver).fit(X, Y)
    assert est.n_iter_ in (3, 4)  # takewhile takes the one that ends it
    assert threading.active_count() == before  # L-BFGS's is over


@pytest.mark.parametrize(
    ("callbacks", "said"),
    [
        ([3], "3 among the callbacks, a function of a stream"),
        (lambda _: None, "the callback <lambda> answers NoneType, a function of a stream"),
        (list, "the callback list answers list, .* Try def stage"),
    ],
    ids=["a number", "nothing", "a list"],
)
def test_what_is_no_stage_is_refused(callbacks, said):
    with pytest.raises(BadInput, match=said):
        classifier(callbacks=callbacks).fit(X, Y)


# ---- the best of L-BFGS


@quiet
def test_the_best_iteration_comes_back(tmp_path):
    rng = np.random.default_rng(0)
    told = rng.normal(size=(60, 4)), rng.normal(size=60)
    held = {"X_val": rng.normal(size=(200, 4)), "y_val": rng.normal(size=200)}
    settings = {"solver": "lbfgs", "max_iter": 30, "alpha": 0.0}
    best, last = (regressor(**settings, restore_best=b).fit(*told, **held) for b in (True, None))
    losses = best.history_.val_loss
    assert losses == last.history_.val_loss
    assert min(losses) < losses[-1]
    for est, loss in ((best, min(losses)), (last, losses[-1])):
        found = ((est.predict(held["X_val"]) - held["y_val"]) ** 2).mean() / 2
        assert found == pytest.approx(loss)
    assert best.loss_ == last.loss_  # as with a stepwise solver: of the last epoch
    path = tmp_path / "run"
    regressor(**{**settings, "max_iter": 20}, restore_best=True, checkpoint=path).fit(*told, **held)
    longer = regressor(**settings, restore_best=True, checkpoint=path).fit(*told, **held)
    assert same(longer, best)


# ---- warnings


@pytest.mark.parametrize("params", [{}, {"solver": "lbfgs"}, {"batch_size": 1000}], ids=str)
def test_warnings_say_what_scikit_learns_do(params):
    said = []
    for room in (theirs.MLPClassifier, MLPClassifier):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            room((6,), max_iter=3, random_state=0, **params).fit(X, Y)
        # SciPy's own words, which it spelt otherwise before 1.15
        texts = [str(w.message).replace("TOTAL NO. of", "TOTAL NO. OF") for w in caught]
        said.append([(w.category, text) for w, text in zip(caught, texts, strict=True)])
    assert said[0] == said[1] != []


@pytest.mark.parametrize(
    "params", [{}, {"solver": "lbfgs"}, {"batch_size": 1000, "max_iter": 1}], ids=str
)
def test_warnings_point_at_the_users_line_and_bear_their_name(params):
    est = classifier(**{"max_iter": 2, **params})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        here = inspect.currentframe().f_lineno + 1
        est.fit(X, Y)
    assert caught
    assert {(w.filename, w.lineno) for w in caught} == {(__file__, here)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for category in (ConvergenceWarning, UserWarning):
            # as in scikit-learn's own examples
            warnings.filterwarnings("ignore", category=category, module="sklearn")
        est.fit(X, Y)


# ---- parameters that are not to be passed over in silence

CONSTANTS = {
    "activation": (
        {"activation": "leakyrelu:beta=2"},
        "no constant 'beta', its constants are alpha",
    ),
    "solver": ({"solver": "adam:lr=-1"}, "lr=-1"),
    "output": ({"output_activation": "elu:alpha=x"}, "alpha='x'"),
    "schedule": ({"learning_rate": "cosine:lr=0.1,step=3"}, "Did you mean steps"),
    "an alias": ({"activation": "Swish:beta=1"}, "it has none"),
}


@pytest.mark.parametrize(("params", "said"), CONSTANTS.values(), ids=CONSTANTS)
def test_a_constant_that_is_wrong_is_named(params, said):
    with pytest.raises(BadInput, match=said):
        classifier(**params).fit(X, Y)
    name = next(iter(params))
    with pytest.raises(InvalidParameterError, match=f"The '{name}' parameter of MLPClassifier"):
        classifier(**{name: "nothing:beta=2"}).fit(X, Y)


def test_a_constant_of_a_loss_is_named():
    with pytest.raises(BadInput, match="tau=2"):
        regressor(loss="pinball:tau=2").fit(X, Y)


PASSED_OVER = {
    "clipping": ({"solver": "lbfgs", "clip_norm": 1.0}, "clip_norm=1.0 with solver='lbfgs'"),
    "schedule": (
        {"solver": "lbfgs", "learning_rate": "cosine:lr=0.1,steps=9"},
        "with solver='lbfgs', a solver that does not bring its own",
    ),
    "another's": (
        {"solver": "adamw:lr=0.1", "learning_rate": Cosine(0.1, 9)},
        r"Try solver=AdamW\(Cosine\(lr=0.1, steps=9",
    ),
}


@pytest.mark.parametrize(("params", "said"), PASSED_OVER.values(), ids=PASSED_OVER)
def test_what_a_solver_would_pass_over_is_refused(params, said):
    with pytest.raises(BadInput, match=said):
        classifier(**params).fit(X, Y)


@quiet
@pytest.mark.parametrize("solver", ["lbfgs", "adam", "adamw"])
@pytest.mark.parametrize("kind", ["invscaling", "adaptive"])
def test_what_scikit_learn_passes_over_is_taken(solver, kind):
    params = {"solver": solver, "learning_rate": kind, "momentum": 0.5, "beta_1": 0.5}
    classifier(**params).fit(X, Y)


def test_a_solver_that_is_none_has_no_partial_fit():
    for est in (theirs.MLPClassifier(solver="nothing"), classifier(solver="nothing")):
        assert not hasattr(est, "partial_fit")


@quiet
def test_metrics_of_one_name_are_numbered():
    def spread(y_true, y_pred):
        return np.ptp(y_pred)

    first = spread

    def spread(y_true, y_pred):
        return np.ptp(y_true)

    metrics = [lambda t, p: 1.0, lambda t, p: 2.0, first, spread, "accuracy"]
    found = classifier(metrics=metrics).fit(X, Y).history_.metrics
    assert list(found) == ["<lambda>", "<lambda> 2", "spread", "spread 2", "accuracy"]
    assert found["<lambda>"][-1][1] == 1.0
    assert found["<lambda> 2"][-1][1] == 2.0


@quiet
@pytest.mark.parametrize("dtype", [np.float32, np.float64, float, np.dtype("f4")], ids=str)
def test_a_dtype_is_one_however_it_is_spelled(dtype, tmp_path):
    est = classifier(dtype=dtype).fit(X, Y)
    assert same(est, classifier(dtype=np.dtype(dtype).name).fit(X, Y))
    est.save(tmp_path / "a")
    assert MLPClassifier.load(tmp_path / "a").predict_proba(X).dtype == dtype
    with pytest.raises(InvalidParameterError, match="The 'dtype' parameter"):
        classifier(dtype=np.int64).fit(X, Y)


# ---- targets that do not fit


def test_validation_targets_are_checked_as_targets_are():
    counts = np.arange(150.0)
    est = regressor(loss="poisson", max_iter=2)
    with pytest.raises(BadInput) as told:
        est.fit(X, -counts)
    with pytest.raises(BadInput) as validated:
        est.fit(X, counts, X_val=X, y_val=-counts)
    assert str(validated.value) == str(told.value)
    with pytest.warns(ConvergenceWarning):
        est.fit(X, counts)
    for look in (est.trace, est.check_gradients):
        with pytest.raises(BadInput) as seen:
            look(X, -counts)
        assert str(seen.value) == str(told.value)


@quiet
def test_another_number_of_outputs_is_told_where_one_goes_on():
    est = regressor().fit(X, np.column_stack([Y, Y]))
    with pytest.raises(BadInput, match=r"4 features and 1 output, .* has 4 and 2. .* call fit"):
        est.partial_fit(X, Y)
    with pytest.raises(BadInput, match="Set warm_start=False"):
        est.set_params(warm_start=True).fit(X, Y)


@quiet
def test_one_label_a_row_is_no_answer_where_there_are_several():
    many = np.column_stack([Y == 0, Y > 0, Y > 1]).astype(int)
    est = classifier().fit(X, many)
    for act in (
        lambda: est.partial_fit(X, Y),
        lambda: est.trace(X, Y),
        lambda: est.fit(X, many, X_val=X, y_val=Y),
    ):
        with pytest.raises(BadInput, match="y has one label a row"):
            act()
    est.partial_fit(X, many)


@quiet
def test_class_weights_weigh_what_is_learnt_from_and_held_out_of_it():
    weight = {0: 1.0, 1: 5.0, 2: 0.5}
    settings = {"early_stopping": True, "class_weight": weight}
    held = {"X_val": X, "y_val": Y}
    est = classifier(**settings).fit(X, Y)
    by_hand = classifier(early_stopping=True).fit(X, Y, np.array([1.0, 5.0, 0.5])[Y])
    assert est.history_.val_loss == by_hand.history_.val_loss
    own = classifier(class_weight=weight).fit(X, Y, **held)
    chosen = est.__class__(**own.get_params()).fit(X, Y, **held, sample_weight_val=np.ones(150))
    assert own.history_.val_loss == pytest.approx(chosen.history_.val_loss)


@quiet
@pytest.mark.parametrize("engine", ["fused", "reference"])
def test_a_predictor_says_what_it_wants(engine):
    answer = regressor(engine=engine).fit(X, Y).predictor()
    with pytest.raises(BadInput, match="None, 4 numbers in a row are expected"):
        answer(None)
    with pytest.raises(BadInput, match=r"row of.*2.*4"):
        answer(X[0, :2])


# ---- the dtype of answers


@quiet
@pytest.mark.parametrize("engine", ["fused", "reference"])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i8", "?"])
@pytest.mark.parametrize("fitted", ["f4", "f8"])
def test_answers_are_as_wide_as_scikit_learns(fitted, dtype, engine):
    rows = (10 * X).astype(dtype)
    settings = {"hidden_layer_sizes": (6,), "max_iter": 2, "random_state": 0}
    a = theirs.MLPRegressor(**settings).fit(X.astype(fitted), Y)
    b = MLPRegressor(**settings, engine=engine).fit(X.astype(fitted), Y)
    b.coefs_, b.intercepts_ = a.coefs_, a.intercepts_
    for given in (rows, csr_matrix(rows)) if dtype in ("f4", "f8") else (rows,):
        assert b.predict(given).dtype == a.predict(given).dtype
        rtol = 1e-9 if a.predict(given).dtype == np.float64 else 1e-4
        np.testing.assert_allclose(b.predict(given), a.predict(given), rtol=rtol, atol=rtol)
    asked = MLPRegressor(**settings, engine=engine, dtype="float32").fit(X, Y)
    assert asked.predict(rows).dtype == np.float32


# ---- scikit-learn's names in the optimizer


@quiet
@pytest.mark.parametrize("params", [
    {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-5},
    {"solver": "sgd", "momentum": 0.7, "learning_rate": "adaptive"},
    {"solver": "sgd", "momentum": 1.0, "nesterovs_momentum": False, "learning_rate_init": 1e-5},
], ids=["adam", "nesterov", "undamped"])  # fmt: skip
def test_the_optimizer_answers_to_scikit_learns_names(params):
    settings = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0, **params}
    a, b = (room(**settings).fit(X, Y)._optimizer for room in (theirs.MLPClassifier, MLPClassifier))
    for name, value in vars(a).items():
        if isinstance(value, list):
            for p, q in zip(value, getattr(b, name), strict=True):
                np.testing.assert_allclose(q, p, rtol=1e-9, atol=1e-15)
        else:
            assert getattr(b, name) == value or getattr(b, name) == pytest.approx(value), name
    with pytest.raises(AttributeError, match="the optimizer has no 'nothing'"):
        _ = b.nothing
