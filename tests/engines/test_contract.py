"""The contract of an engine: what `base.Engine` promises, for every engine and several tasks."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from glassnet.core.backprop import forward, sample_losses
from glassnet.core.errors import BadInput
from glassnet.core.losses import Huber, SquaredError
from glassnet.core.network import Network
from glassnet.core.objective import clip_by_norm, penalty
from glassnet.core.optimizers import LBFGS, SGD, Adam
from glassnet.core.schedules import Exponential
from glassnet.engines.base import Losses, State, Sums, Task
from glassnet.engines.chance import Chance
from tests.core.instances import OPTIMIZERS
from tests.engines.instances import begin, data, engines, same_bits, tasks

dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])


@dtypes
@tasks
@engines
def test_predict(engine, task, dtype):
    state, (X, _, _) = begin(task, dtype=dtype), data(task, dtype=dtype)
    a = engine.predict(task.net, state.theta, X)
    assert a.shape == (23, task.net.n_out)
    assert a.dtype == dtype
    expected = forward(task.net, state.theta, X)[-1].a
    # beside the largest: an output near 0 is what is left of sums that cancel
    np.testing.assert_allclose(a, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())
    np.testing.assert_allclose(engine.predict(task.net, state.theta, X[:1]), a[:1], rtol=1e-5)
    assert engine.predict(task.net, state.theta, X[:0]).shape == (0, task.net.n_out)


@tasks
@engines
def test_sums_of_partitions_add_up_to_the_whole(engine, task):
    theta, (X, y, weight) = begin(task).theta, data(task)
    for w in (weight, None):
        whole = engine.sums(task, theta, (X, y, w))
        parts = [
            engine.sums(task, theta, (X[rows], y[rows], None if w is None else w[rows]))
            for rows in (slice(0, 7), slice(7, 8), slice(8, 8), slice(8, 23))
        ]
        added = parts[0] + parts[1] + parts[2] + parts[3]
        assert isinstance(added, Sums)
        assert added.loss == pytest.approx(whole.loss, rel=1e-12)
        assert added.weight == pytest.approx(whole.weight, rel=1e-14)
        assert whole.weight == pytest.approx(23.0 if w is None else float(w.sum()))
        np.testing.assert_allclose(added.grad, whole.grad, rtol=1e-10, atol=1e-13)


@tasks
@engines
def test_loss_and_grad_against_centred_differences(engine, task):
    theta, samples = begin(task).theta + 0.05, data(task)  # away from the kink of |W| at 0
    J, grad = engine.loss_and_grad(task, theta, samples)
    assert isinstance(J, float)
    assert grad.shape == theta.shape
    h = 1e-6
    numeric = [
        (
            engine.loss_and_grad(task, theta + step, samples)[0]
            - engine.loss_and_grad(task, theta - step, samples)[0]
        )
        / (2 * h)
        for step in h * np.eye(len(theta))
    ]
    np.testing.assert_allclose(grad, numeric, rtol=1e-6, atol=1e-7 * np.abs(grad).max())


@tasks
@engines
def test_the_objective_is_reduced_loss_and_penalty(engine, task):
    theta, (X, y, weight) = begin(task).theta, data(task)
    losses = sample_losses(task.net, task.loss, forward(task.net, theta, X), y)
    J, _ = engine.loss_and_grad(task, theta, (X, y, weight))
    expected = weight @ losses / (weight.sum() if task.reduction == "mean" else 1.0)
    assert pytest.approx(expected + penalty(task.net, theta, task.l1, task.l2), rel=1e-12) == J


@engines
def test_sum_is_mean_times_the_weights(engine):
    net = Network.mlp(2, 4, 1)
    mean, total = (Task(net, SquaredError(), reduction=r) for r in ("mean", "sum"))
    theta, (X, y, weight) = begin(mean).theta, data(mean)
    for w, whole in ((None, 23.0), (weight, weight.sum())):
        J, g = engine.loss_and_grad(mean, theta, (X, y, w))
        J_sum, g_sum = engine.loss_and_grad(total, theta, (X, y, w))
        assert J_sum == pytest.approx(J * whole, rel=1e-12)
        np.testing.assert_allclose(g_sum, g * whole, rtol=1e-10, atol=1e-13)


@engines
def test_weights_that_add_up_to_nothing_are_refused(engine):
    task = Task(Network.mlp(2, 1), SquaredError())
    X, y, weight = data(task)
    with pytest.raises(
        BadInput, match="the samples' weights add up to 0, a sum above 0 is expected"
    ):
        engine.loss_and_grad(task, begin(task).theta, (X, y, 0 * weight))


@pytest.mark.parametrize("batch_size", [None, 5, 23, 100], ids=str)
@tasks
@engines
def test_one_call_of_many_epochs_is_many_calls_of_one(engine, task, batch_size):
    samples, validation = data(task), data(task, 9, seed=1)
    options = {"batch_size": batch_size, "validation": validation}
    once, costs = engine.epochs(task, begin(task), samples, n=6, **options)
    state, each = begin(task), []
    for _ in range(6):
        # through pickle, as from a file: nothing else may be needed to go on
        state, cost = engine.epochs(task, pickle.loads(pickle.dumps(state)), samples, **options)
        each.append(cost)
    assert same_bits(once, state)
    for name in ("loss", "objective", "validation"):
        many = getattr(costs, name)
        assert many.shape == (6,)
        np.testing.assert_array_equal(many, np.concatenate([getattr(c, name) for c in each]))


@tasks
@engines
def test_same_arguments_same_bits_and_nothing_is_written_to(engine, task):
    state, samples = begin(task), data(task)
    for array in samples:
        array.setflags(write=False)
    before = pickle.loads(pickle.dumps(state))
    first, _ = engine.epochs(task, state, samples, n=3, batch_size=4)
    second, _ = engine.epochs(task, state, samples, n=3, batch_size=4)
    assert same_bits(first, second)
    assert same_bits(state, before)


@dtypes
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
@engines
def test_full_batch_is_gradient_clip_step(engine, optimizer, dtype):
    """Three epochs, each written out: loss_and_grad, clip, optimizer.step."""
    task = Task(Network.mlp(2, 4, 1), SquaredError(), optimizer, l2=np.float64(0.01), clip=0.2)
    samples, state = data(task, dtype=dtype), begin(task, dtype=dtype)
    theta, slots = state.theta, state.slots
    expected = []
    for step in range(3):
        J, g = engine.loss_and_grad(task, theta, samples)
        expected.append(J)
        theta, slots = optimizer.step(theta, clip_by_norm(g, 0.2), slots, step)
    after, costs = engine.epochs(task, state, samples, n=3)
    tolerance = 1e-12 if dtype == np.float64 else 1e-4
    np.testing.assert_allclose(after.theta, theta, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(costs.objective, expected, rtol=tolerance)
    assert (after.step, after.epoch) == (3, 3)
    assert {array.dtype for array in (after.theta, *after.slots)} == {np.dtype(dtype)}


@dtypes
@engines
def test_numpy_scalars_as_settings_leave_float32_alone(engine, dtype):
    number = np.float64
    optimizer = Adam(number(0.01), number(0.9), number(0.999))
    task = Task(
        Network.mlp(2, 3, 1), SquaredError(), optimizer, l1=number(0.1), l2=number(0.1),
        clip=number(0.1),
    )  # fmt: skip
    after, _ = engine.epochs(task, begin(task, dtype=dtype), data(task, dtype=dtype), batch_size=7)
    assert {array.dtype for array in (after.theta, *after.slots)} == {np.dtype(dtype)}


# A task that writes down which rows came in which batch: one weight a row, linear output, squared
# error, zeros to begin with. Row s moves weight s alone, by lr·y_s/(rows of its batch).
ROWS = 11


def witness(engine, batch_size, *, shuffle, n=1, seed=0):
    task = Task(Network.mlp(ROWS, 1, bias=False), SquaredError(), SGD(1.0), reduction="sum")
    state = State(np.zeros(ROWS), (), 0, 0, Chance.of(seed))
    samples = (np.eye(ROWS), np.ones((ROWS, 1)), None)
    return engine.epochs(task, state, samples, n=n, batch_size=batch_size, shuffle=shuffle)


@pytest.mark.parametrize("shuffle", [True, False], ids=["shuffled", "in order"])
@pytest.mark.parametrize("batch_size", [1, 2, 4, 5, 10, 11, 12, None], ids=str)
@engines
def test_each_row_exactly_once_and_the_last_batch_short(engine, batch_size, shuffle):
    state, _ = witness(engine, batch_size, shuffle=shuffle)
    np.testing.assert_array_equal(state.theta, 1.0)
    assert state.step == -(-ROWS // min(batch_size or ROWS, ROWS))


@engines
def test_which_rows_share_a_batch(engine):
    """The mean makes a row's move tell the size of its batch: 4, 4 and the short 3."""
    task = Task(Network.mlp(ROWS, 1, bias=False), SquaredError(), SGD(1.0))
    samples = (np.eye(ROWS), np.ones((ROWS, 1)), None)
    chance = Chance.of(5)
    start = State(np.zeros(ROWS), (), 0, 0, chance)
    plain, _ = engine.epochs(task, start, samples, batch_size=4, shuffle=False)
    np.testing.assert_allclose(plain.theta, [1 / 4] * 8 + [1 / 3] * 3, rtol=1e-15)
    shuffled, _ = engine.epochs(task, start, samples, batch_size=4)
    order, after = chance.permutation(ROWS)
    np.testing.assert_allclose(shuffled.theta[order], [1 / 4] * 8 + [1 / 3] * 3, rtol=1e-15)
    assert shuffled.chance == after


@engines
def test_chance_is_drawn_once_an_epoch_and_only_for_minibatches(engine):
    chance = Chance.of(0)
    for batch_size in (None, ROWS, ROWS + 5):
        assert witness(engine, batch_size, shuffle=True, n=3)[0].chance == chance
    assert witness(engine, 4, shuffle=False, n=3)[0].chance == chance
    after = chance
    for _ in range(3):
        _, after = after.permutation(ROWS)
    assert witness(engine, 4, shuffle=True, n=3)[0].chance == after != chance


@engines
def test_the_legacy_stream_orders_batches_too(engine):
    task = Task(Network.mlp(2, 3, 1), SquaredError())
    state = begin(task)
    legacy = State(state.theta, state.slots, 0, 0, Chance.of(np.random.RandomState(3)))
    after, _ = engine.epochs(task, legacy, data(task), n=2, batch_size=4)
    rng = np.random.RandomState(3)
    rng.permutation(23), rng.permutation(23)
    assert after.chance == Chance.of(rng)


@pytest.mark.parametrize("batch_size", [None, 6], ids=str)
@engines
def test_losses_are_weighted_means_before_the_updates(engine, batch_size):
    task = Task(Network.mlp(2, 4, 1), SquaredError(), SGD(0.05), l2=0.3, reduction="mean")
    (X, y, weight), validation = data(task), data(task, 8, seed=2)
    state = begin(task)
    after, costs = engine.epochs(
        task, state, (X, y, weight), batch_size=batch_size, shuffle=False, validation=validation
    )
    theta, loss, objective = state.theta, 0.0, 0.0
    for step, start in enumerate(range(0, 23, batch_size or 23)):
        rows = slice(start, start + (batch_size or 23))
        batch = (X[rows], y[rows], weight[rows])
        J, g = engine.loss_and_grad(task, theta, batch)
        losses = sample_losses(task.net, task.loss, forward(task.net, theta, X[rows]), y[rows])
        loss += weight[rows] @ losses
        objective += J * weight[rows].sum()
        theta, _ = task.optimizer.step(theta, g, (), step)
    assert costs.loss[0] == pytest.approx(loss / weight.sum(), rel=1e-12)
    assert costs.objective[0] == pytest.approx(objective / weight.sum(), rel=1e-12)
    X_, y_, weight_ = validation
    losses = sample_losses(task.net, task.loss, forward(task.net, after.theta, X_), y_)
    expected = weight_ @ losses / weight_.sum()
    assert costs.validation is not None
    assert costs.validation[0] == pytest.approx(expected, rel=1e-12)
    assert isinstance(costs, Losses)


@engines
def test_validation_without_weights_or_without_validation(engine):
    task = Task(Network.mlp(2, 4, 1), SquaredError(), SGD(0.0))
    X, y, _ = samples = data(task)
    state, costs = engine.epochs(task, begin(task), samples)
    assert costs.validation is None
    _, costs = engine.epochs(task, state, (X, y, None), validation=(X, y, None))
    assert costs.validation is not None
    np.testing.assert_allclose(
        costs.validation, costs.loss, rtol=1e-13
    )  # a rate of 0 moves nothing


@engines
def test_a_batch_in_which_no_sample_counts_moves_nothing(engine):
    task = Task(Network.mlp(2, 3, 1), SquaredError(), Adam(0.1))
    X, y, weight = data(task, 12)
    weight[4:8] = 0.0
    after, costs = engine.epochs(task, begin(task), (X, y, weight), batch_size=4, shuffle=False)
    counted = np.r_[0:4, 8:12]
    without, costs_without = engine.epochs(
        task, begin(task), (X[counted], y[counted], weight[counted]), batch_size=4, shuffle=False
    )
    assert same_bits(after, without)
    np.testing.assert_array_equal(costs.loss, costs_without.loss)


@engines
def test_schedules_count_updates_across_epochs(engine):
    task = Task(
        Network.mlp(1, 1, bias=False),
        Huber(1.0),
        SGD(Exponential(1.0, 0.5, 1)),
        reduction="sum",
    )
    # Huber's slope is -1 far from the target, so that each update moves by the rate itself
    samples = (np.ones((2, 1)), np.full((2, 1), 100.0), None)
    start = State(np.zeros(1), (), 0, 0, Chance.of(0))
    after, _ = engine.epochs(task, start, samples, n=2, batch_size=1, shuffle=False)
    assert after.step == 4
    np.testing.assert_allclose(after.theta, [1.0 + 0.5 + 0.25 + 0.125], rtol=1e-14)


@tasks
@engines
def test_states_are_read_only_and_independent(engine, task):
    start = begin(task)
    state, _ = engine.epochs(task, start, data(task), batch_size=8)
    for array in (start.theta, *start.slots, state.theta, *state.slots):
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0
    with pytest.raises(AttributeError):
        state.step = 0
    assert not np.shares_memory(start.theta, state.theta)


@engines
def test_no_epochs_change_nothing(engine):
    task = Task(Network.mlp(2, 3, 1), SquaredError())
    state = begin(task)
    after, costs = engine.epochs(task, state, data(task), n=0)
    assert same_bits(state, after)
    assert costs.loss.shape == costs.objective.shape == (0,)


@engines
def test_a_single_row(engine):
    task = Task(Network.mlp(2, 3, 1), SquaredError(), SGD(0.1))
    after, costs = engine.epochs(task, begin(task), data(task, 1), n=50)
    assert after.step == 50
    assert costs.loss[-1] < costs.loss[0]


@tasks
@engines
def test_training_lowers_the_objective(engine, task):
    _, costs = engine.epochs(task, begin(task), data(task), n=200)
    assert costs.objective[-1] < costs.objective[0]


@engines
def test_lbfgs_makes_no_epochs(engine):
    task = Task(Network.mlp(2, 1), SquaredError(), LBFGS())
    state = State(task.net.init(0), (), 0, 0, Chance.of(0))
    with pytest.raises(BadInput, match="L-BFGS makes no epochs"):
        engine.epochs(task, state, data(task))


@engines
def test_an_engine_is_a_value(engine):
    assert pickle.loads(pickle.dumps(engine)) == engine
    assert hash(engine) == hash(replace(engine))


NET = Network.mlp(2, 1)
REFUSED = [
    ({"net": "2-1"}, "net='2-1', a Network is expected. Try Network.mlp(2, 8, 1)."),
    ({"loss": "mse"}, "loss='mse', an instance of a loss is expected. Try SquaredError()."),
    ({"loss": SquaredError}, "loss=<class"),
    ({"optimizer": "adam"}, "optimizer='adam', an instance of one is expected. Try Adam()."),
    ({"reduction": "total"}, "reduction='total', 'mean', 'sum' or 'batch' is expected."),
    ({"l1": -1.0}, "l1=-1.0 of Task, a finite number of 0 or more is expected. Try l1=0.0."),
    ({"l2": np.inf}, "l2=inf of Task, a finite number of 0 or more is expected. Try l2=0.0."),
    ({"l2": "1"}, "l2='1' of Task, a finite number of 0 or more is expected. Try l2=0.0."),
    ({"clip": 0.0}, "clip=0.0 of Task, a finite number above 0 is expected. Try clip=None."),
    ({"clip": np.nan}, "clip=nan of Task, a finite number above 0 is expected. Try clip=None."),
]


@pytest.mark.parametrize(("wrong", "text"), REFUSED, ids=[text[:20] for _, text in REFUSED])
def test_a_task_without_meaning_is_refused_in_one_line(wrong, text):
    with pytest.raises(BadInput) as error:
        Task(**{"net": NET, "loss": SquaredError(), **wrong})
    assert str(error.value).startswith(text)


def test_a_task_is_a_value():
    task = Task(NET, SquaredError(), Adam(0.01), l2=0.1)
    assert pickle.loads(pickle.dumps(task)) == task
    assert {task: 1}[Task(NET, SquaredError(), Adam(0.01), l2=0.1)] == 1
