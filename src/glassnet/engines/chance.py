"""Chance as a value: where a random stream stands, so that a state can hold it and a file too."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.core.errors import BadInput

BIT_GENERATORS = {"PCG64": np.random.PCG64, "MT19937": np.random.MT19937}


@dataclass(frozen=True)
class Chance:
    """A random stream at one moment. Drawing gives back what was drawn and the stream after it.

    >>> chance = Chance.of(42)
    >>> order, after = chance.permutation(5)
    >>> again, _ = chance.permutation(5)
    >>> bool((order == again).all()), after == chance
    (True, False)
    """

    text: str  # the bit generator's state as JSON, with sorted keys: equal streams, equal texts
    legacy: bool  # NumPy's RandomState (the notebook, scikit-learn), else a Generator

    @classmethod
    def of(cls, rng: int | np.random.Generator | np.random.RandomState) -> Chance:
        """The stream of a seed, or a snapshot of a generator as it now stands."""
        if isinstance(rng, int | np.integer) and rng >= 0:
            rng = np.random.default_rng(int(rng))
        state: Any = None
        if isinstance(rng, np.random.RandomState):
            state = rng.get_state(legacy=False)
        if isinstance(rng, np.random.Generator):
            state = rng.bit_generator.state
        if state is None or state["bit_generator"] not in BIT_GENERATORS:
            raise BadInput(
                f"{rng!r} as a source of chance",
                "a seed of 0 or more, or a NumPy generator on PCG64 or MT19937 is expected",
                "Try 42.",
            )
        return cls(_as_text(state), legacy=isinstance(rng, np.random.RandomState))

    def generator(self) -> Any:
        """A generator of NumPy's that goes on from here; this value stays as it is."""
        state = json.loads(self.text)
        bits = BIT_GENERATORS[state["bit_generator"]]()
        if self.legacy:
            legacy = np.random.RandomState(bits)
            legacy.set_state(_as_state(state))
            return legacy
        bits.state = _as_state(state)
        return np.random.Generator(bits)

    def permutation(self, n: int) -> tuple[np.ndarray, Chance]:
        """The numbers 0 to n - 1 in a random order, and the stream after that."""
        rng = self.generator()
        order = rng.permutation(n)
        return order, Chance.of(rng)

    def as_json(self) -> dict[str, Any]:
        """Plain numbers and text, for a file."""
        return {"legacy": self.legacy, "state": json.loads(self.text)}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Chance:
        """The stream that `as_json` wrote; an error if it is none."""
        try:
            chance = cls(json.dumps(fields["state"], sort_keys=True), bool(fields["legacy"]))
            return cls.of(chance.generator())
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise BadInput(
                "the state of chance is damaged", "that of PCG64 or MT19937 is expected"
            ) from error


def _as_text(state: Any) -> str:
    return json.dumps(state, sort_keys=True, default=lambda array: array.tolist())


def _as_state(state: dict[str, Any]) -> dict[str, Any]:
    inner = dict(state["state"])
    if "key" in inner:  # MT19937 keeps its 624 words in an array
        inner["key"] = np.array(inner["key"], dtype=np.uint32)
        if not 0 <= inner["pos"] <= len(inner["key"]):  # NumPy would read past the array
            raise ValueError("pos")
    return {**state, "state": inner}
