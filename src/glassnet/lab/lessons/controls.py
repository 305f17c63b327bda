"""Controls that a link can hide, to keep a page simple."""

from __future__ import annotations

from collections.abc import Iterable

_DATA, _LEARNING, _NETWORK = ".lab-data", ".lab-learning", ".lab-network"


def _fields(where: str, *labels: str) -> str:
    return ", ".join(f'{where} .lab-field:has([aria-label="{label}"])' for label in labels)


CONTROLS: dict[str, tuple[str, str]] = {
    "set": (
        "the choice of data, own tables",
        _fields(_DATA, "Set") + f', {_DATA} [aria-label="Own table"]',
    ),
    "points": ("number, noise and seed of the points", _fields(_DATA, "Points", "Noise", "Seed")),
    "split": (
        "validation and scaling",
        _fields(_DATA, "Validation share") + f", {_fields(_DATA, 'Validation share')} ~ .q-toggle",
    ),
    "draw": ("adding and moving points", ".lab-data .gn-tools"),
    "layers": ("layers, neurons, activations", ".lab-layers"),
    "answer": ("output and loss", _fields(_NETWORK, "Output", "Loss")),
    "weights": ("initial weights and seed", _fields(_NETWORK, "Initial weights", "Seed")),
    "bias": ("the switch for biases", f"{_NETWORK} .q-toggle"),
    "learning": ("everything about how it learns", _LEARNING),
    "optimizer": ("the optimizer", _fields(_LEARNING, "Optimizer") + f", {_LEARNING} > .lab-bar"),
    "rate": ("the learning rate", _fields(_LEARNING, "Learning rate")),
    "batch": ("rows an update", _fields(_LEARNING, "Batch")),
    "objective": ("sum or mean", _fields(_LEARNING, "Reduction")),
    "penalties": ("L1 and L2", _fields(_LEARNING, "L1", "L2")),
    "clip": ("the clipping of gradients", _fields(_LEARNING, "Clip")),
    "dropout": ("dropout", _fields(_LEARNING, "Dropout")),
    "play": ("Play", ".lab-play"),
    "start": ("New start", '.lab-run [aria-label="New start"]'),
    "arithmetic": ("the arithmetic", ".lab-arithmetic"),
    "time": ("the loss curve", ".lab-time"),
    "take": ("what can be taken along", ".lab-out"),
    "lessons": ("the list of lessons", ".lab-lessons"),
}
"""What a link can hide: by name, in words, and where it is on the page."""

FEW = ("draw", "split")
"""Controls that most lessons can do without."""


def style(hide: Iterable[str]) -> str:
    """The rule that hides some controls."""
    places = [CONTROLS[name][1] for name in hide]
    return f"{', '.join(places)} {{ display: none !important; }}" if places else ""
