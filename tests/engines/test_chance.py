"""Chance as a value: streams come back from JSON bit for bit, and damaged ones are refused."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest
from sklearn.utils import shuffle

from glassnet.core.errors import BadInput
from glassnet.engines import chance as chances
from glassnet.engines.chance import AGAIN, Carried, Chance

STREAMS = {
    "seed": lambda: 42,
    "generator": lambda: np.random.default_rng(7),
    "MT19937": lambda: np.random.Generator(np.random.MT19937(7)),
    "legacy": lambda: np.random.RandomState(42),
    "legacy on PCG64": lambda: np.random.RandomState(np.random.PCG64(3)),
}
streams = pytest.mark.parametrize("make", STREAMS.values(), ids=STREAMS)


def used(rng):
    """The stream after some use, in the middle of its buffers."""
    if not isinstance(rng, int):
        rng.normal(size=3)  # the legacy one keeps the second of a pair of normals
        rng.integers(5, dtype=np.uint32) if hasattr(rng, "integers") else rng.randint(5)
    return rng


@streams
def test_goes_on_where_the_stream_stood(make):
    rng = used(make())
    chance = Chance.of(rng)
    if isinstance(rng, int):
        rng = np.random.default_rng(rng)
    generator = chance.generator()
    assert type(generator) is type(rng)
    for draw in (
        lambda g: g.uniform(0.0, 1.0, 5),
        lambda g: g.normal(0.0, 1.0, 5),
        lambda g: g.permutation(9),
        lambda g: g.random(3),
    ):
        np.testing.assert_array_equal(draw(generator), draw(rng))


@streams
def test_is_a_snapshot_and_a_value(make):
    rng = used(make())
    chance = Chance.of(rng)
    text = chance.text
    if not isinstance(rng, int):
        rng.random(3)
    chance.generator().random(100)
    chance.permutation(50)
    assert chance.text == text
    assert Chance.of(chance.generator()) == chance
    assert hash(Chance.of(chance.generator())) == hash(chance)
    assert pickle.loads(pickle.dumps(chance)) == chance
    if not isinstance(rng, int):
        assert Chance.of(rng) != chance


@streams
def test_there_and_back_through_json(make):
    chance = Chance.of(used(make()))
    text = json.dumps(chance.as_json())
    again = Chance.from_json(json.loads(text))
    assert again == chance
    np.testing.assert_array_equal(again.generator().random(5), chance.generator().random(5))


@streams
def test_permutation_is_numpys_and_gives_the_stream_after_it(make):
    chance = Chance.of(used(make()))
    rng = chance.generator()
    for _ in range(3):
        order, chance = chance.permutation(12)
        np.testing.assert_array_equal(order, rng.permutation(12))
    assert chance == Chance.of(rng)


@streams
def test_every_place_of_a_long_stream_can_be_gone_back_to(make):
    sizes = [3 + i % 5 for i in range(2 * AGAIN + 9)]
    rng = used(make())
    values, orders = [Chance.of(rng)], []
    for n in sizes:
        order, after = values[-1].permutation(n)
        values.append(after)
        orders.append(order)
    rng = values[0].generator()
    for value, n, order in zip(values, sizes, orders, strict=False):
        assert value == Chance.of(rng)
        np.testing.assert_array_equal(value.permutation(n)[0], order)  # a second time
        np.testing.assert_array_equal(rng.permutation(n), order)
    assert values[-1] == Chance.of(rng)


def test_two_ways_on_from_one_place_do_not_meet():
    _, chance = Chance.of(np.random.RandomState(3)).permutation(7)
    _, left = chance.permutation(100)
    _, right = chance.permutation(7)
    assert left != right
    rng = chance.generator()
    rng.permutation(7)
    assert right == Chance.of(rng)
    np.testing.assert_array_equal(right.permutation(9)[0], rng.permutation(9))


def test_numpy_is_seldom_asked_where_it_stands(monkeypatch):
    asked = []
    original = chances._state_of
    monkeypatch.setattr(chances, "_state_of", lambda rng: asked.append(1) or original(rng))
    chance = Carried(Chance.of(np.random.RandomState(0)))
    for _ in range(10 * AGAIN):
        _, chance = chance.permutation(20)
    assert len(asked) == 11


def test_an_interrupted_draw_is_drawn_again(monkeypatch):
    class Interrupted(np.random.RandomState):
        def permutation(self, n):
            super().permutation(n)
            raise KeyboardInterrupt

    _, chance = Chance.of(np.random.RandomState(3)).permutation(7)
    expected, _ = Chance.of(chance.generator()).permutation(8)
    broken = Interrupted(1)
    broken.set_state(chance.generator().get_state())
    chance._stream.live = broken
    with pytest.raises(KeyboardInterrupt):
        chance.permutation(8)
    np.testing.assert_array_equal(chance.permutation(8)[0], expected)


def test_a_value_does_not_change():
    for value in (Chance.of(1), Carried(Chance.of(1))):
        with pytest.raises(AttributeError, match="is a value, it does not change"):
            value.order = None


# ---- orders that are carried on


def carried(make, draws, n=12):
    value = Carried(Chance.of(used(make())))
    for _ in range(draws):
        _, value = value.permutation(n)
    return value


def test_orders_compose_as_scikit_learns():
    ours, rng, order = Carried(Chance.of(np.random.RandomState(5))), np.random.RandomState(5), None
    for _ in range(AGAIN + 3):
        order = shuffle(np.arange(30) if order is None else order, random_state=rng)
        drawn, ours = ours.permutation(30)
        np.testing.assert_array_equal(drawn, order)
    assert ours.chance == Chance.of(rng)
    assert Chance.of(ours.generator()) == ours.chance


@pytest.mark.parametrize("draws", [0, 1, 3])
@streams
def test_a_carried_order_is_a_value(make, draws):
    value, again = carried(make, draws), carried(make, draws)
    assert value == again
    assert hash(value) == hash(again)
    assert value.text == again.text
    assert repr(value).startswith("<Carried: <Chance: ")
    assert pickle.loads(pickle.dumps(value)) == value
    through_json = Chance.from_json(json.loads(json.dumps(value.as_json())))
    assert through_json == value
    assert value != value.chance
    expected, after = value.permutation(12)
    order, same = through_json.permutation(12)
    np.testing.assert_array_equal(order, expected)
    assert same == after
    assert after != value
    with pytest.raises(ValueError, match="read-only"):
        order[0] = 1


def test_an_order_for_other_rows_is_refused():
    value = carried(STREAMS["legacy"], 1)
    with pytest.raises(BadInput, match="an order of 12 rows, 13 rows are expected"):
        value.permutation(13)


@pytest.mark.parametrize("order", [[0, 0], [1, 2], [[0]], ["a"], [0.5, 1]], ids=str)
def test_what_is_no_order(order):
    fields = {**carried(STREAMS["legacy"], 0).as_json(), "order": order}
    with pytest.raises(BadInput, match="the state of chance is damaged"):
        Chance.from_json(fields)


def test_a_seed_is_default_rng():
    assert Chance.of(5) == Chance.of(np.random.default_rng(5)) == Chance.of(np.int64(5))
    assert Chance.of(5) != Chance.of(6)


REFUSED = [
    "42",
    None,
    1.5,
    -1,
    np.random,
    np.random.Generator(np.random.Philox(1)),
    np.random.PCG64,
]


@pytest.mark.parametrize("source", REFUSED, ids=[str(s)[:20] for s in REFUSED])
def test_what_is_no_source_of_chance(source):
    with pytest.raises(BadInput, match=r"as a source of chance, a seed of 0 or more, or a NumPy"):
        Chance.of(source)


def damaged(fields, path, value):
    fields = copy.deepcopy(fields)
    inner = fields
    for key in path[:-1]:
        inner = inner[key]
    if value is KeyError:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return fields


LEGACY, NEW = (Chance.of(rng).as_json() for rng in (np.random.RandomState(1), 1))
DAMAGE = [
    *(
        damaged(fields, path, value)
        for fields in (LEGACY, NEW)
        for path, value in [
            (["legacy"], KeyError),
            (["state"], KeyError),
            (["state"], None),
            (["state"], []),
            (["state"], "PCG64"),
            (["state", "bit_generator"], "Philox"),
            (["state", "bit_generator"], ["PCG64"]),
            (["state", "bit_generator"], "os.system"),
            (["state", "bit_generator"], KeyError),
            (["state", "state"], KeyError),
            (["state", "state"], None),
            (["state", "state"], {}),
            (["state", "state"], 7),
        ]
    ),
    *(
        damaged(LEGACY, ["state", "state", "pos"], pos)
        for pos in (-1, 625, 10**9, None, "0", 2**70)
    ),
    damaged(LEGACY, ["state", "state", "key"], [1, 2, 3]),
    damaged(LEGACY, ["state", "state", "key"], ["a"] * 624),
    damaged(LEGACY, ["state", "state", "key"], [-1] * 624),
    damaged(LEGACY, ["state", "state", "key"], [2**40] * 624),
    damaged(LEGACY, ["state", "state", "key"], [[1] * 312] * 2),
    damaged(NEW, ["state", "state", "state"], 2**200),
    damaged(NEW, ["state", "state", "state"], -1),
    damaged(NEW, ["state", "state", "inc"], "x"),
    damaged(NEW, ["state", "uinteger"], 2**64),
    damaged(NEW, ["state", "has_uint32"], None),
    {**LEGACY, "state": NEW["state"] | {"bit_generator": "MT19937"}},
    None,
    [],
    {},
    "text",
]


@pytest.mark.parametrize("fields", DAMAGE, ids=range(len(DAMAGE)))
def test_damaged_json_is_refused_in_one_line(fields):
    with pytest.raises(BadInput) as error:
        Chance.from_json(fields)
    assert str(error.value) == (
        "the state of chance is damaged, that of PCG64 or MT19937 is expected."
    )
