"""What is selected on the page: a neuron, a weight, a point of the curve."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from glassnet.core.errors import BadInput
from glassnet.core.network import Network

Kind = Literal["neuron", "weight", "bias", "input", "sample", "layer", "epoch", "loss", "none"]
LARGEST = 2**31


@dataclass(frozen=True)
class Pick:
    """One thing of the network, counted from 0; layer 0 are the inputs.

    layer : 1 is the first layer with weights.
    unit : neuron j of that layer, which a weight leads to; an input; the row of a sample; an epoch.
    source : i of a weight W[i,j], the input or neuron that it comes from.
    """

    kind: Kind = "none"
    layer: int = 0
    unit: int = 0
    source: int = 0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise BadInput(f"a {str(self.kind)[:40]!r} to select", f"{', '.join(get_args(Kind))}")
        for name in ("layer", "unit", "source"):
            value = getattr(self, name)
            if type(value) is not int or not 0 <= value < LARGEST:
                got = f"{name}={str(value)[:40]}"
                raise BadInput(got, f"a whole number from 0 to {LARGEST - 1} is expected")

    @staticmethod
    def of(given: Mapping[str, Any]) -> Pick:
        """The pick that the page sent."""
        if not isinstance(given, Mapping):
            raise BadInput(f"a {type(given).__name__} to select", "kind, layer, unit, source")
        return Pick(*(given.get(key, default) for key, default in asdict(Pick()).items()))

    @property
    def json(self) -> str:
        """As the page writes and sends it: what is 0 is left out.

        >>> Pick("weight", 1, 0, 2).json
        '{"kind":"weight","layer":1,"source":2}'
        """
        said = {key: value for key, value in asdict(self).items() if value or key == "kind"}
        return json.dumps(said, separators=(",", ":"))

    @property
    def place(self) -> str:
        """What can be typed over, as `session.edit` calls it: W1[0,2] or b1[2]; else nothing.

        >>> Pick("weight", 1, 2, 0).place, Pick("bias", 1, 2).place, Pick("loss").place
        ('W1[0,2]', 'b1[2]', '')
        """
        if self.kind == "weight":
            return f"W{self.layer}[{self.source},{self.unit}]"
        return f"b{self.layer}[{self.unit}]" if self.kind == "bias" else ""

    def check(self, net: Network, rows: int | None = None, epochs: int | None = None) -> Pick:
        """Itself, if the network has it; rows and epochs where their number is known."""
        size = {"sample": rows, "epoch": None if epochs is None else epochs + 1}.get(self.kind)
        if size is not None:
            _within(f"{self.kind} {self.unit}", self.unit, 0, size - 1)
        if self.kind in {"neuron", "weight", "bias", "layer"}:
            least = 0 if self.kind == "layer" else 1
            _within(f"layer {self.layer}", self.layer, least, len(net.layers))
        if self.kind == "input":
            _within(f"input {self.unit}", self.unit, 0, net.n_in - 1)
        if self.kind in {"neuron", "weight", "bias"}:
            layer = net.layers[self.layer - 1]
            _within(f"neuron {self.unit}", self.unit, 0, layer.n_out - 1)
            if self.kind == "weight":
                _within(f"input {self.source} of it", self.source, 0, layer.n_in - 1)
            if self.kind == "bias" and not layer.bias:
                raise BadInput(f"a bias of layer {self.layer}", "it has none")
        return self


def _within(what: str, got: int, least: int, most: int) -> None:
    if not least <= got <= most:
        raise BadInput(what, f"the network has {least} to {most}")


def layer_words(net: Network, layer: int) -> str:
    """inputs, hidden layer, hidden layer 2, output layer."""
    depth = len(net.layers)
    if layer in {0, depth}:
        return "output layer" if layer else "inputs"
    return "hidden layer" if depth == 2 else f"hidden layer {layer}"


def neuron_words(
    net: Network,
    layer: int,
    unit: int,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
) -> str:
    """input x1, hidden neuron 3, neuron 3 of hidden layer 2, output neuron 1 (versicolor)."""
    depth = len(net.layers)
    if layer == 0:
        return f"input {inputs[unit]}" if unit < len(inputs) else f"input {unit + 1}"
    if layer < depth:
        plain = f"hidden neuron {unit + 1}"
        return plain if depth == 2 else f"neuron {unit + 1} of hidden layer {layer}"
    if net.n_out == 1:
        return "output neuron"
    called = f" ({outputs[unit]})" if unit < len(outputs) else ""
    return f"output neuron {unit + 1}{called}"
