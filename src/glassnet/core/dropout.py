"""Dropout: in training, neurons are left out by chance.

Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout: a simple way to prevent neural
networks from overfitting", 2014, in the form called inverted: what is kept is made larger in
training, so that for a prediction the whole network stands as it is.

The chance is no stream but a function of where a number stands: Philox4x32-10, from Salmon,
Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011. So every engine, any number
of threads and a resumed run draw the same bits, and nothing is drawn from the run's own chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.core.formula import Array, check_constant, constant, plain
from glassnet.core.network import Network

WORD = 2**32 - 1
"""The bits of a word: what lies above them is cut off."""

Words = tuple[Any, Any, Any, Any]


def philox(counter: Words, key: tuple[Any, Any]) -> Words:
    """Four words by chance out of a counter of four and a key of two, in ten rounds.

    Each word is a whole number below 2³² in 64 bits: an array of uint64, or a register.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1 = ((p1 >> 32) & WORD) ^ c1 ^ k0, p1 & WORD
        c2, c3 = ((p0 >> 32) & WORD) ^ c3 ^ k1, p0 & WORD
        k0, k1 = (k0 + 0x9E3779B9) & WORD, (k1 + 0xBB67AE85) & WORD
    return c0, c1, c2, c3


@dataclass(frozen=True)
class Dropout:
    """h = m ∘ a, with m = 1/(1-rate) where a neuron is kept, else 0.

    rate : how probable it is that a neuron is left out: one for all hidden layers, or one for each.
    seed : which masks; from 0 up to 2⁶⁴ - 1.

    A mask belongs to an update and to a row's place in its batch. Of training alone: predictions,
    validation, metrics and gradients that are asked for by themselves are the whole network's.
    """

    rate: float | tuple[float, ...] = constant(0.5, "of at least 0 and below 1", tuple)
    seed: int = 0

    def __post_init__(self) -> None:
        field = type(self).__dataclass_fields__["rate"]
        rate = tuple(self.rate) if isinstance(self.rate, list | np.ndarray) else self.rate
        rate = check_constant("Dropout", field, rate)
        if isinstance(rate, tuple):
            rate = tuple(check_constant("Dropout", field, one) for one in rate)
            if any(isinstance(one, tuple) for one in rate):
                raise BadInput(f"rate={rate}", "one number or one a hidden layer is expected")
        object.__setattr__(self, "rate", rate)
        seed = plain(self.seed)
        if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**64:
            raise BadInput(
                f"seed={self.seed!r} of Dropout",
                "an integer from 0 up to 2⁶⁴ - 1 is expected",
                "Try seed=0.",
            )
        object.__setattr__(self, "seed", seed)

    @property
    def key(self) -> tuple[int, int]:
        """The seed as two words."""
        return self.seed & WORD, self.seed >> 32

    def rates(self, net: Network) -> tuple[float, ...]:
        """The rate of each layer; the output's is 0."""
        hidden = len(net.layers) - 1
        rates = self.rate if isinstance(self.rate, tuple) else (self.rate,) * hidden
        if len(rates) != hidden:
            raise BadInput(
                f"{len(rates)} rates of dropout for {hidden} hidden layer{'s' * (hidden != 1)}",
                "one for all or one for each is expected",
                "Try Dropout(0.5).",
            )
        return (*rates, 0.0)

    def masks(
        self, net: Network, step: int, n: int, dtype: np.typing.DTypeLike = np.float64
    ) -> list[Array | None]:
        """m (n, n_out) of each layer in update `step`, counted from 0; None where none is left out.

        The counter is (row in the batch, neuron // 4, layer from 1, update modulo 2³²); its four
        words belong to four neighbouring neurons.
        """
        return [
            mask(rate, self.key, number, step, n, layer.n_out, dtype) if rate else None
            for number, (rate, layer) in enumerate(zip(self.rates(net), net.layers, strict=True), 1)
        ]


def threshold(rate: float) -> int:
    """The smallest word with which a neuron is kept, rate·2³²."""
    return round(rate * 2**32)


def kept(rate: float) -> float:
    """1/(1-rate): what a neuron that is kept is multiplied by, so that the mean of m is 1."""
    return 1.0 / (1.0 - rate)


def mask(
    rate: float, key: tuple[int, int], layer: int, step: int, n: int, n_out: int,
    dtype: np.typing.DTypeLike,
) -> Array:  # fmt: skip
    """m (n, n_out) of one layer."""
    row, block = np.ogrid[:n, : -(-n_out // 4)]
    c0, c1, c2, c3 = (np.array(x, np.uint64) for x in (row, block, layer, step & WORD))
    words = philox((c0, c1, c2, c3), key)
    word = np.stack(words, axis=-1).reshape(n, -1)[:, :n_out]  # (n, n_out)
    return np.where(word >= threshold(rate), kept(rate), 0.0).astype(dtype)
