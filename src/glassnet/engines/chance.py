"""Chance as a value: where a random stream stands, so that a state can hold it and a file too.

`Chance` draws each order from the numbers 0 to n - 1; `Carried` shuffles the order before it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np

from glassnet.core.errors import BadInput

BIT_GENERATORS = {"PCG64": np.random.PCG64, "MT19937": np.random.MT19937}

Draw = Callable[[Any, int], np.ndarray]
"""A generator and n to the numbers 0 to n - 1 in the order that the generator has next."""

AGAIN = 64
"""At most so many permutations are drawn again to come back to a place in a stream."""


class Chance:
    """A random stream at one moment. Drawing gives back what was drawn and the stream after it.

    >>> chance = Chance.of(42)
    >>> order, after = chance.permutation(5)
    >>> again, _ = chance.permutation(5)
    >>> bool((order == again).all()), after == chance
    (True, False)

    To ask a generator of NumPy's where it stands takes longer than a permutation of a thousand
    numbers. So a value knows its place in a stream, and where it stands is asked for only when
    somebody wants to see it: to compare it, to save it, or to draw from it a second time.
    """

    __slots__ = ("__dict__", "_place", "_stream")

    _stream: _Stream
    _place: int  # permutations since the stream's origin

    def __init__(self, text: str, legacy: bool) -> None:  # noqa: FBT001 - two parts of a file
        _put(self, _Stream(json.loads(text), legacy), 0)

    @classmethod
    def of(cls, rng: int | np.random.Generator | np.random.RandomState) -> Chance:
        """The stream of a seed, or a snapshot of a generator as it now stands."""
        if isinstance(rng, int | np.integer) and rng >= 0:
            rng = np.random.default_rng(int(rng))
        state: Any = None
        if isinstance(rng, np.random.RandomState | np.random.Generator):
            state = _state_of(rng)
        if state is None or state["bit_generator"] not in BIT_GENERATORS:
            raise BadInput(
                f"{rng!r} as a source of chance",
                "a seed of 0 or more, or a NumPy generator on PCG64 or MT19937 is expected",
                "Try 42.",
            )
        return _at(_Stream(state, isinstance(rng, np.random.RandomState)), 0)

    @property
    def legacy(self) -> bool:
        """Whether it is NumPy's RandomState (the notebook, scikit-learn), else a Generator."""
        return self._stream.legacy

    @cached_property
    def text(self) -> str:
        """The bit generator's state as JSON, with sorted keys: equal streams, equal texts."""
        state = self._stream.state(self._place)
        return json.dumps(state, sort_keys=True, default=lambda array: array.tolist())

    def generator(self) -> Any:
        """A generator of NumPy's that goes on from here; this value stays as it is."""
        return _generator(self._stream.state(self._place), legacy=self.legacy)

    def permutation(self, n: int, draw: Draw | None = None) -> tuple[np.ndarray, Chance]:
        """The numbers 0 to n - 1 in a random order, and the stream after that.

        draw : does what `rng.permutation(n)` does, faster.
        """
        order, stream, place = self._stream.permutation(self._place, n, draw)
        return order, _at(stream, place)

    def as_json(self) -> dict[str, Any]:
        """Plain numbers and text, for a file."""
        return {"legacy": self.legacy, "state": json.loads(self.text)}

    @staticmethod
    def from_json(fields: dict[str, Any]) -> Chance | Carried:
        """The stream that `as_json` wrote; an error if it is none."""
        try:
            state = json.loads(json.dumps(fields["state"]))  # plain, and nobody else's
            chance = Chance.of(_generator(state, legacy=bool(fields["legacy"])))
            return Carried(chance, fields["order"]) if "order" in fields else chance
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise BadInput(
                "the state of chance is damaged", "that of PCG64 or MT19937 is expected"
            ) from error

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Chance):
            return NotImplemented
        return (self.legacy, self.text) == (other.legacy, other.text)

    def __hash__(self) -> int:
        return hash((self.legacy, self.text))

    def __repr__(self) -> str:
        kind = self._stream.origin["bit_generator"]
        return f"<Chance: {'RandomState' if self.legacy else 'Generator'} on {kind}>"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name}: a Chance is a value, it does not change")

    def __reduce__(self) -> tuple[Any, ...]:
        return Chance, (self.text, self.legacy)


class Carried:
    """A stream and the order drawn last, which the next one shuffles: order ← order[permutation].

    As in scikit-learn, whose orders compose from epoch to epoch.
    """

    __slots__ = ("chance", "order")

    chance: Chance
    order: np.ndarray | None  # None before the first

    def __init__(self, chance: Chance, order: Any = None) -> None:
        if order is not None:
            order = np.array(order)
            whole = order.ndim == 1 and order.dtype.kind in "iu"
            if not (whole and np.array_equal(np.sort(order), np.arange(len(order)))):
                raise BadInput("an order to carry on", "each number from 0 to n - 1 once")
            order.setflags(write=False)
        object.__setattr__(self, "chance", chance)
        object.__setattr__(self, "order", order)

    def permutation(self, n: int, draw: Draw | None = None) -> tuple[np.ndarray, Carried]:
        """The last order shuffled, and the stream and the order after that."""
        order, chance = self.chance.permutation(n, draw)
        if self.order is not None:
            if len(self.order) != n:
                raise BadInput(f"an order of {len(self.order)} rows", f"{n} rows are expected")
            order = self.order[order]
        order.setflags(write=False)
        after = object.__new__(Carried)
        object.__setattr__(after, "chance", chance)
        object.__setattr__(after, "order", order)
        return order, after

    @property
    def text(self) -> str:
        """Stream and order as text: equal values, equal texts."""
        return json.dumps(self.as_json(), sort_keys=True)

    def generator(self) -> Any:
        """A generator of NumPy's that goes on from here."""
        return self.chance.generator()

    def as_json(self) -> dict[str, Any]:
        """Plain numbers and text, for a file."""
        return {
            **self.chance.as_json(),
            "order": None if self.order is None else self.order.tolist(),
        }

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Carried):
            return NotImplemented
        one, two = self.order, other.order
        same = one is two or (one is not None and two is not None and np.array_equal(one, two))
        return same and self.chance == other.chance

    def __hash__(self) -> int:
        return hash((self.chance, None if self.order is None else self.order.tobytes()))

    def __repr__(self) -> str:
        return f"<Carried: {self.chance!r}>"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name}: a Carried is a value, it does not change")

    def __reduce__(self) -> tuple[Any, ...]:
        return Carried, (self.chance, self.order)


Source = Chance | Carried
"""What an engine draws the orders of its epochs from."""


# ---------------------------------------------------------------- streams


class _Stream:
    """A generator of NumPy's that goes on, where it began, and what was drawn from it since."""

    def __init__(self, origin: dict[str, Any], legacy: bool, live: Any = None) -> None:  # noqa: FBT001
        self.origin = origin
        self.legacy = legacy
        self.live = live  # made when first drawn from; None too once another stream has taken it
        self.drawn: list[int] = []
        self.lock = Lock()

    def permutation(
        self, place: int, n: int, draw: Draw | None = None
    ) -> tuple[np.ndarray, _Stream, int]:
        """What comes at a place: drawn from the generator that goes on, if it stands there."""
        with self.lock:
            if place == len(self.drawn):
                if self.live is None:
                    self.live = _generator(self.origin, legacy=self.legacy)
                    for size in self.drawn:
                        self.live.permutation(size)
                try:
                    order = self.live.permutation(n) if draw is None else draw(self.live, n)
                    self.drawn.append(n)
                except BaseException:  # Ctrl-C between the two: come back by drawing again
                    self.live = None
                    raise
                if len(self.drawn) < AGAIN:
                    return order, self, place + 1
                live, self.live = self.live, None
                return order, _Stream(_state_of(live), self.legacy, live), 0
        branch = _Stream(self.state(place), self.legacy)
        return branch.permutation(0, n, draw)

    def state(self, place: int) -> dict[str, Any]:
        """Where NumPy's generator stands at a place."""
        if place == 0:
            return self.origin
        with self.lock:
            if place == len(self.drawn) and self.live is not None:
                return _state_of(self.live)
            drawn = self.drawn[:place]
        rng = _generator(self.origin, legacy=self.legacy)
        for n in drawn:
            rng.permutation(n)
        return _state_of(rng)


def _put(chance: Chance, stream: _Stream, place: int) -> Chance:
    object.__setattr__(chance, "_stream", stream)
    object.__setattr__(chance, "_place", place)
    return chance


def _at(stream: _Stream, place: int) -> Chance:
    return _put(object.__new__(Chance), stream, place)


def _state_of(rng: np.random.Generator | np.random.RandomState) -> Any:
    if isinstance(rng, np.random.RandomState):
        return rng.get_state(legacy=False)
    return rng.bit_generator.state


def _generator(state: Any, *, legacy: bool) -> Any:
    bits = BIT_GENERATORS[state["bit_generator"]]()
    state = _readable(state)
    if legacy:
        rng = np.random.RandomState(bits)
        rng.set_state(state)
        return rng
    bits.state = state
    return np.random.Generator(bits)


def _readable(state: dict[str, Any]) -> dict[str, Any]:
    inner = dict(state["state"])
    if "key" in inner:  # MT19937 keeps its 624 words in an array
        inner["key"] = np.array(inner["key"], dtype=np.uint32)
        if not 0 <= inner["pos"] <= len(inner["key"]):  # NumPy would read past the array
            raise ValueError("pos")
    return {**state, "state": inner}
