"""One row at a time: the bits of `predict`, whatever the row comes as, and nothing left behind."""

from __future__ import annotations

import gc
import sys
import threading
import tracemalloc
import weakref
from typing import Any

import numpy as np
import pytest

from glassnet.core.activations import ReLU, Softmax, Tanh
from glassnet.core.errors import BadInput
from glassnet.core.network import Network
from glassnet.engines.fused import Fused, builtin

RNG = np.random.default_rng(5)
NETS = {
    "2-3-1": Network.mlp(2, 3, 1, activation=Tanh()),
    "1-1": Network.mlp(1, 1),
    "17-33-5": Network.mlp(17, 33, 5, activation=ReLU(), output=Softmax()),
    "64-9-9-31": Network.mlp(64, 9, 9, 31, bias=False),
}
dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
POSSIBLE = builtin.known_layout()


@pytest.fixture(params=["built in", "in Python"])
def way(request, monkeypatch):
    """With a function built in, and as where there can be none."""
    if request.param == "in Python":
        monkeypatch.setattr(builtin, "known_layout", lambda: False)
    elif not POSSIBLE:
        pytest.skip("this Python lays its objects out in another way")
    return request.param


def made(net, dtype, way):
    """The network's parameters, and the function of one row."""
    theta = net.init(1, dtype=dtype)
    answer = Fused().predictor(net, theta)
    assert (type(answer) is type(len)) == (way == "built in")
    return theta, answer


@dtypes
@pytest.mark.parametrize("name", NETS)
def test_the_bits_of_predict(name, dtype, way):
    net = NETS[name]
    theta, answer = made(net, dtype, way)
    X = RNG.normal(size=(30, net.n_in)).astype(dtype)
    expected = Fused(1).predict(net, theta, X)
    found = [answer(x) for x in X]
    assert np.array(found).tobytes() == expected.tobytes()
    assert all(a.shape == (net.n_out,) and a.dtype == dtype for a in found)
    assert all(a.flags.owndata and a.flags.writeable for a in found)


class Row(np.ndarray):
    """An array of a kind of one's own."""


class Short(np.ndarray):
    """An array that tells its length in its own way: it is asked."""

    def __len__(self):
        return 5


def shifted(x):
    """The same numbers at an address that is no multiple of their size."""
    room = np.zeros(x.nbytes + 1, np.uint8)[1:]
    room[:] = np.ascontiguousarray(x).view(np.uint8)
    return room.view(x.dtype)


COMES_AS: dict[str, Any] = {
    "a list": lambda x: x.tolist(),
    "a tuple": lambda x: tuple(x.tolist()),
    "every other number": lambda x: np.repeat(x, 2)[::2],
    "backwards": lambda x: x[::-1].copy()[::-1],
    "a column": lambda x: np.asfortranarray(np.array([x, x]))[1],
    "one number again and again": lambda x: np.broadcast_to(x[:1], x.shape),
    "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype),
    "at an odd address": shifted,
    "the other order of bytes": lambda x: x.astype(x.dtype.newbyteorder()),
    "a dtype that is equal": lambda x: x.view(np.dtype([("a", x.dtype)]))["a"],
    "float64": lambda x: x.astype(np.float64),
    "float32": lambda x: x.astype(np.float32),
    "whole numbers": lambda x: (4 * x).astype(np.int64),
    "truths": lambda x: x > 0,
    "a kind of array": lambda x: x.view(Row),
    "a masked array": np.ma.array,
    "a memoryview": memoryview,
    "objects": lambda x: x.astype(object),
}


@dtypes
@pytest.mark.parametrize("name", COMES_AS)
def test_whatever_a_row_comes_as(name, dtype, way):
    net = NETS["17-33-5"]
    theta, answer = made(net, dtype, way)
    for x in RNG.normal(size=(5, net.n_in)).astype(dtype):
        row = COMES_AS[name](x)
        kept = np.array(row, copy=True)
        expected = Fused(1).predict(net, theta, np.array(row, dtype)[None])[0]
        found = answer(row)
        assert type(found) is np.ndarray
        assert found.tobytes() == expected.tobytes()
        np.testing.assert_array_equal(np.array(row), kept)


WRONG = {
    "too short": (np.zeros(16), BadInput, "a row of 16 numbers, the network expects 17"),
    "too long": ([0.0] * 18, BadInput, "a row of 18 numbers, the network expects 17"),
    "an array of a kind of one's own": (np.zeros(17).view(Short), BadInput, "a row of 5 numbers"),
    "empty": (np.zeros(0), BadInput, "a row of 0 numbers"),
    "a table of one row": (np.zeros((1, 17)), BadInput, "a row of 1 numbers"),
    "a table": (np.zeros((17, 17)), ValueError, "broadcast"),
    "a column": (np.zeros((17, 1)), ValueError, "broadcast"),
    "no dimension": (np.array(3.0), TypeError, "len"),
    "a number": (3.0, TypeError, "len"),
    "none": (None, TypeError, "len"),
    "text": (["a"] * 17, ValueError, "could not convert"),
    "complex": ([1j] * 17, TypeError, "complex"),
}


@dtypes
@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_row(name, dtype, way):
    _, answer = made(NETS["17-33-5"], dtype, way)
    row, error, says = WRONG[name]
    x = np.ones(17, dtype)
    expected = answer(x).tobytes()
    for given in (row, row.astype(dtype) if isinstance(row, np.ndarray) else row):
        with pytest.raises(error, match=says):
            answer(given)
    assert answer(x).tobytes() == expected


def test_theta_is_kept_as_it_was_and_each_answer_is_ones_own(way):
    net = NETS["2-3-1"]
    theta, answer = made(net, np.float64, way)
    x = np.array([0.3, -0.2])
    first = answer(x)
    before = first.copy()
    theta[:] = 7.0
    assert (answer(x) == before).all()
    answer(np.array([5.0, 5.0]))
    assert (first == before).all()
    first[:] = 0.0
    assert (answer(x) == before).all()


def test_nothing_is_left_behind(way):
    """Rows are not held, nor what was made of lists; nor what the function itself needs."""
    net = NETS["17-33-5"]
    _, answer = made(net, np.float64, way)
    x, listed = np.zeros(17), [0.0] * 17
    before = sys.getrefcount(x), sys.getrefcount(listed)
    answers = [answer(row) for _ in range(50) for row in (x, listed)]
    assert {sys.getrefcount(answers[i]) for i in range(100)} == {2}  # the list, and the question
    assert (sys.getrefcount(x), sys.getrefcount(listed)) == before
    held = weakref.ref(answers[0])
    del answers
    assert held() is None

    def many():
        for _ in range(300):
            answer(x)
            answer(listed)
            with pytest.raises(BadInput):
                answer(listed[1:])

    many()
    gc.collect()
    tracemalloc.start()
    many()
    gc.collect()
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert left < 20_000  # 300 rows or answers would be more

    made_again = Fused().predictor(net, net.init(0))
    gc.disable()
    try:
        kept = weakref.ref(made_again)
        del made_again
        assert kept() is None  # no circle
    finally:
        gc.enable()


def test_many_threads_share_one_predictor(way):
    if way == "in Python":
        pytest.skip("one thread at a time")
    net = NETS["64-9-9-31"]
    theta, answer = made(net, np.float64, way)
    X = RNG.normal(size=(200, 64))
    expected = Fused(1).predict(net, theta, X)
    wrong = []

    def ask(first):
        for i in range(first, first + 3000):
            row = X[i % 200] if i % 3 else X[i % 200].tolist()
            if answer(row).tobytes() != expected[i % 200].tobytes():
                wrong.append(i)

    crowd = [threading.Thread(target=ask, args=(k * 7,)) for k in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for one in crowd:
            one.start()
        for one in crowd:
            one.join()
    finally:
        sys.setswitchinterval(interval)
    assert not wrong


@pytest.mark.skipif(not POSSIBLE, reason="this Python lays its objects out in another way")
def test_it_tells_what_it_is():
    answer: Any = Fused().predictor(NETS["2-3-1"], NETS["2-3-1"].init(0))
    assert answer.__name__ == "answer"
    assert answer.__text_signature__ == "($self, x, /)"
    assert "one row x (n_in,)" in answer.__doc__
    with pytest.raises(TypeError, match="exactly one argument"):
        answer()
