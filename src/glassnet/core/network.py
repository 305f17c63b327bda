"""The network: layers, and one flat vector of parameters with a view for each weight matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from glassnet.core.activations import Activation, Identity, Tanh, check_activation
from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.core.initializers import Glorot, He, Initializer, Random


@dataclass(frozen=True)
class Dense:
    """a = activation(x @ W + b), with W (n_in, n_out) and b (n_out,)."""

    n_in: int
    n_out: int
    activation: Activation = Identity()
    bias: bool = True

    def __post_init__(self) -> None:
        check_activation(self.activation)
        if not all(isinstance(n, int | np.integer) for n in (self.n_in, self.n_out)):
            raise BadInput(
                f"a layer from {self.n_in!r} to {self.n_out!r}",
                "two whole numbers of neurons are expected",
            )
        if self.n_in < 1 or self.n_out < 1:
            raise BadInput(
                f"a layer from {self.n_in} to {self.n_out}", "each side needs at least 1 neuron"
            )

    @property
    def n_params(self) -> int:
        """How many numbers W and b hold."""
        return (self.n_in + self.bias) * self.n_out


@dataclass(frozen=True)
class Network:
    """x → a₁ → a₂ → …: the architecture alone; hashable, so it can be a key.

    The parameters are one flat vector, theta = (W1, b1, W2, b2, …), each W row by row. Gradients
    and the optimizer's slots have the same layout, so `views` reads them all.
    """

    layers: tuple[Dense, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.layers:
            raise BadInput("a network without layers", "at least one is needed")
        for below, above in pairwise(self.layers):
            if below.n_out != above.n_in:
                raise BadInput(
                    f"a layer with {below.n_out} outputs below one with {above.n_in} inputs",
                    "the two numbers must be the same",
                )

    @classmethod
    def mlp(
        cls,
        *sizes: int,
        activation: Activation | Sequence[Activation] = Tanh(),
        output: Activation = Identity(),
        bias: bool = True,
    ) -> Network:
        """A multilayer perceptron: `Network.mlp(2, 10, 1, activation=Tanh(), output=Sigmoid())`.

        `activation` is for the hidden layers: one for all, or one for each.
        """
        if len(sizes) < 2:
            raise BadInput(
                f"sizes {sizes}",
                "at least inputs and outputs are needed",
                "Try Network.mlp(2, 8, 1).",
            )
        hidden = len(sizes) - 2
        if isinstance(activation, str) or not isinstance(activation, Sequence):
            activation = [check_activation(activation)] * hidden
        activations = list(activation)
        if len(activations) != hidden:
            raise BadInput(
                f"{len(activations)} activations for {hidden} hidden layers",
                "one for all or one for each is expected",
            )
        return cls(
            tuple(
                Dense(n_in, n_out, a, bias)
                for (n_in, n_out), a in zip(pairwise(sizes), [*activations, output], strict=True)
            )
        )

    @property
    def n_in(self) -> int:
        """How many inputs."""
        return self.layers[0].n_in

    @property
    def n_out(self) -> int:
        """How many outputs."""
        return self.layers[-1].n_out

    @property
    def sizes(self) -> tuple[int, ...]:
        """Inputs, hidden neurons layer by layer, outputs."""
        return (self.n_in, *(layer.n_out for layer in self.layers))

    @cached_property
    def n_params(self) -> int:
        """The length of theta."""
        return sum(layer.n_params for layer in self.layers)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """W1, b1, W2, b2, …: the parts of theta that there are, in order."""
        return tuple(
            f"{letter}{number}"
            for number, layer in enumerate(self.layers, 1)
            for letter in ("Wb" if layer.bias else "W")
        )

    @cached_property
    def _parts(self) -> tuple[tuple[slice, tuple[int, int], slice | None], ...]:
        # where W and b of each layer lie in theta, worked out once
        parts, start = [], 0
        for layer in self.layers:
            middle = start + layer.n_in * layer.n_out
            end = start + layer.n_params
            shape = (layer.n_in, layer.n_out)
            parts.append((slice(start, middle), shape, slice(middle, end) if layer.bias else None))
            start = end
        return tuple(parts)

    def views(self, flat: Array) -> list[tuple[Array, Array | None]]:
        """(W, b) of each layer as views into a flat vector; b is None where there is no bias."""
        if flat.shape != (self.n_params,):  # a slice would be cut short in silence
            raise BadInput(
                f"parameters of shape {flat.shape}", f"{(self.n_params,)} is expected for {self}"
            )
        return [(flat[w].reshape(shape), flat[b] if b else None) for w, shape, b in self._parts]

    def named(self, flat: Array) -> dict[str, Array]:
        """The same views by name: {"W1": …, "b1": …, "W2": …}."""
        arrays = [part for pair in self.views(flat) for part in pair if part is not None]
        return dict(zip(self.names, arrays, strict=True))

    @cached_property
    def weight_mask(self) -> np.ndarray:
        """True in theta where a weight stands, False where a bias does."""
        mask = np.ones(self.n_params, dtype=bool)
        for _, b in self.views(mask):
            if b is not None:
                b[:] = False
        mask.setflags(write=False)
        return mask

    def init(
        self,
        rng: int | Random,
        initializer: Initializer | None = None,
        dtype: np.typing.DTypeLike = np.float64,
    ) -> Array:
        """Initial theta: weights drawn layer by layer from `rng`, biases 0.

        Without an initializer each layer takes He's if its activation rectifies, else Glorot's.
        Drawn in float64 and then rounded, so float32 begins at the same place.
        """
        stream: Any = rng
        if isinstance(rng, int | np.integer) and rng >= 0:
            stream = np.random.default_rng(int(rng))
        if not hasattr(stream, "uniform"):
            raise BadInput(
                f"{rng!r} as a source of chance",
                "a seed of 0 or more, or a NumPy generator is expected",
                "Try 42.",
            )
        if initializer is not None and not isinstance(initializer, Initializer):
            raise BadInput(
                f"{initializer!r} is not an initializer",
                "an instance of one is expected",
                "For example He() or Uniform(-1, 1).",
            )
        theta = np.zeros(self.n_params)
        for (W, _), layer in zip(self.views(theta), self.layers, strict=True):
            draw = initializer or (He() if layer.activation.rectifies else Glorot())
            W[:] = draw(stream, layer.n_in, layer.n_out)
        return theta.astype(dtype)

    def __str__(self) -> str:
        return "-".join(map(str, self.sizes))
