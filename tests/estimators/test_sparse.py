"""Sparse rows: the engine that takes them, held to the reference engine bit for bit."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.sparse
from sklearn import neural_network as theirs

from glassnet import estimators as ours
from glassnet.core.activations import ReLU, Softmax
from glassnet.core.dropout import Dropout
from glassnet.core.network import Network
from glassnet.core.optimizers import SGD, Adam, AdamW, Momentum, Nesterov, Optimizer, RMSProp
from glassnet.core.schedules import Cosine
from glassnet.engines.base import State, Task
from glassnet.engines.chance import Carried, Chance
from glassnet.engines.divergence import Divergence
from glassnet.engines.reference import Reference
from glassnet.estimators import sparse
from glassnet.estimators.formulas import AdamHat, LogLoss
from glassnet.estimators.rows import SparseRows
from tests.estimators.drawn import differences

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def words(rows=40, columns=60, density=0.1):
    """A table of counts of words, and one of three classes each."""
    rng = np.random.default_rng(0)
    X = scipy.sparse.random(rows, columns, density, format="csr", random_state=0)
    return X, rng.integers(0, 3, rows)


@dataclass(frozen=True)
class Normed(Optimizer):
    """θ ← θ - lr·g/‖g‖: one that looks at all numbers together."""

    @staticmethod
    def f(theta, g, lr, t):
        return (theta - lr * g / np.sqrt((g * g).sum()),)


OPTIMIZERS = [
    AdamHat(0.01),
    AdamHat(Cosine(0.01, 20)),
    SGD(0.1),
    Momentum(0.1),
    Nesterov(0.1),
    RMSProp(0.01),
    Adam(0.01),
    AdamW(0.01),
    Normed(0.1),
]
TASKS = [{"optimizer": optimizer} for optimizer in OPTIMIZERS] + [
    {"l1": 0.3, "l2": 0.5},
    {"l2": 0.0},
    {"clip": 0.01},
    {"reduction": "mean"},
    {"dropout": Dropout(0.4, 3)},
]


def both(monkeypatch, dtype=np.float64, weight=None, optimizer=OPTIMIZERS[0], **task):
    """States and losses of the two engines after three epochs; blocks of seven numbers."""
    monkeypatch.setattr(sparse, "BLOCK", 7)
    X, y = words()
    net = Network.mlp(60, 5, 4, 3, activation=ReLU(), output=Softmax())
    options = {"reduction": "batch", "l2": 0.1, **task}
    job = Task(net, LogLoss(float(np.finfo(dtype).eps)), optimizer, **options)
    theta = net.init(np.random.default_rng(1)).astype(dtype)
    samples = (SparseRows(X.astype(dtype)), np.eye(3, dtype=dtype)[y], weight)
    held = (SparseRows(X[:9].astype(dtype)), np.eye(3, dtype=dtype)[y[:9]], None)
    for engine in (Reference(), sparse.Blockwise()):
        state = State(theta.copy(), optimizer.start(theta), 0, 0, Carried(Chance.of(0)))
        yield engine.epochs(job, state, samples, n=3, batch_size=16, validation=held)


def same(pair):
    (a, costs), (b, others) = pair
    for one, two in zip((a.theta, *a.slots), (b.theta, *b.slots), strict=True):
        assert one.dtype == two.dtype
        np.testing.assert_array_equal(one, two)
    assert (a.step, a.epoch, a.chance) == (b.step, b.epoch, b.chance)
    rtol = 1e-12 if a.theta.dtype == np.float64 else 1e-5
    np.testing.assert_allclose(others.loss, costs.loss, rtol=rtol)
    np.testing.assert_allclose(others.objective, costs.objective, rtol=rtol)
    np.testing.assert_allclose(others.validation, costs.validation, rtol=rtol)


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_the_bits_are_the_references(monkeypatch, task):
    same(both(monkeypatch, **task))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("weighted", [False, True])
def test_weights_and_dtypes(monkeypatch, dtype, weighted):
    weight = np.random.default_rng(2).uniform(0.5, 2.0, 40).astype(dtype) if weighted else None
    same(both(monkeypatch, dtype, weight))


def test_a_batch_without_weight_moves_nothing(monkeypatch):
    weight = np.zeros(40)
    weight[:3] = 1.0  # of three batches an epoch one or more has none of them
    pair = list(both(monkeypatch, weight=weight))
    same(pair)
    assert pair[0][0].step < 9


def test_what_diverges_is_named_as_by_the_reference():
    X, y = words()
    told = []
    for engine in ("reference", "auto"):
        est = ours.MLPClassifier((5,), "identity", solver="sgd", learning_rate_init=1e200,
                                 engine=engine, random_state=0)  # fmt: skip
        with pytest.raises(ValueError, match="non-finite") as error:
            est.fit(X, y)
        assert isinstance(error.value.__cause__, Divergence)
        told.append((str(error.value.__cause__), est.n_iter_, est.coefs_[0].tolist()))
    assert told[0] == told[1]


@pytest.mark.parametrize("kind", ["csr_array", "csc_matrix"])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_wide_rows_have_scikit_learns_numbers(kind, solver):
    X, y = words(150, 5000, 0.01)
    X = getattr(scipy.sparse, kind)(X)
    a, b = (
        room.MLPClassifier((12,), solver=solver, batch_size=32, max_iter=3, random_state=0).fit(
            X, y
        )
        for room in (theirs, ours)
    )
    assert differences(a, b) == []


def test_sparse_rows_are_never_written_out():
    X, y = words(300, 40_000, 0.0005)  # 96 MB, were they
    est = ours.MLPClassifier((2,), max_iter=2, batch_size=50, random_state=0)
    tracemalloc.start()
    try:
        est.fit(X, y).predict(X)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12 * est._theta().nbytes + 1e6


def test_which_engine_takes_them(monkeypatch):
    """Sparse rows: the one by blocks, unless the reference itself is asked for."""
    ran = []
    epochs = sparse.Blockwise.epochs
    monkeypatch.setattr(
        sparse.Blockwise, "epochs", lambda *a, **k: ran.append(1) or epochs(*a, **k)
    )
    X, y = words()
    for engine, expected in (("auto", True), ("reference", False), (Reference(), False)):
        ran.clear()
        ours.MLPClassifier((3,), max_iter=2, engine=engine, random_state=0).fit(X, y)
        assert bool(ran) == expected
    ran.clear()
    ours.MLPClassifier((3,), max_iter=2, random_state=0).fit(X.toarray(), y)
    assert not ran
