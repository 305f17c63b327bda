"""What compiled code would read past the end of, or misread, is refused like anything else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from glassnet.core.errors import BadInput
from glassnet.engines.fused import Fused
from tests.engines.fused.instances import plain

C = plain(2, 3, 1, n=20)
NET, THETA = C.task.net, C.state.theta
X, Y, _ = C.samples


@pytest.mark.parametrize("dtype", [np.int64, np.float16, np.longdouble, ">f8", ">f4"], ids=str)
@pytest.mark.parametrize(
    "use",
    [
        lambda theta: Fused().predict(NET, theta, X),
        lambda theta: Fused().predictor(NET, theta),
        lambda theta: Fused().sums(C.task, theta, C.samples),
        lambda theta: Fused().epochs(C.task, replace(C.state, theta=theta), C.samples),
    ],
    ids=["predict", "predictor", "sums", "epochs"],
)
def test_parameters_of_another_dtype(use, dtype):
    with pytest.raises(BadInput, match=r"parameters of dtype .*, float64 or float32 is expected"):
        use(THETA.astype(dtype))


SAMPLES = {
    "fewer columns": (X[:, :1], Y, None),
    "more columns": (np.c_[X, X], Y, None),
    "a cube": (X[None], Y[None], None),
    "fewer targets": (X, Y[:5], None),
    "more outputs": (X, np.c_[Y, Y], None),
    "fewer weights": (X, Y, np.ones(5)),
    "a column of weights": (X, Y, np.ones((20, 1))),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_of_another_shape(name):
    wrong = SAMPLES[name]
    for use in (
        lambda: Fused().sums(C.task, THETA, wrong),
        lambda: Fused().loss_and_grad(C.task, THETA, wrong),
        lambda: Fused().epochs(C.task, C.state, wrong, batch_size=7),
        lambda: Fused().epochs(C.task, C.state, C.samples, validation=wrong),
    ):
        with pytest.raises(BadInput, match=r"has shape \(.*\), \(.*\) is expected"):
            use()


@pytest.mark.parametrize("wrong", [X[:, :1], np.c_[X, X], X[None], X[:0, :1]], ids=np.shape)
def test_rows_of_another_shape(wrong):
    with pytest.raises(BadInput, match=r"X has shape \(.*\), \(.*\) is expected"):
        Fused().predict(NET, THETA, wrong)


@pytest.mark.parametrize("wrong", [[3.0], [1.0, 2.0, 3.0], X[:1]], ids=["one", "three", "a table"])
def test_one_row_of_another_length(wrong):
    answer = Fused().predictor(NET, THETA)
    with pytest.raises(BadInput, match="numbers, the network expects 2"):
        answer(wrong)


def test_parameters_and_slots_of_another_length():
    short, (m, v) = THETA[:-1], C.state.slots
    with pytest.raises(BadInput, match=r"13,\) is expected"):
        Fused().sums(C.task, short, C.samples)
    for wrong in ((m, v[:-1]), (m,), (m, v, v)):
        with pytest.raises(BadInput, match="expected"):
            Fused().epochs(C.task, replace(C.state, slots=wrong), C.samples)


def test_slots_of_another_dtype_are_taken_as_numbers():
    rough = tuple(slot.astype(np.float32) for slot in C.state.slots)
    after, _ = Fused().epochs(C.task, replace(C.state, slots=rough), C.samples)
    expected, _ = Fused().epochs(C.task, C.state, C.samples)
    assert after.theta.tobytes() == expected.theta.tobytes()
