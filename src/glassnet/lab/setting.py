"""A setting: all that defines a run, as one frozen value, and as the query of a link.

>>> setting = Setting(data="xor", hidden=(3,), activations=("tanh",))
>>> setting.query()
'data=xor&held=0.25&scaled=1'
>>> Setting.of_query(setting.query()) == setting
True
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, get_args
from urllib.parse import parse_qsl, urlencode

from glassnet.core.errors import BadInput
from glassnet.core.objective import Reduction
from glassnet.core.optimizers import LBFGS
from glassnet.exchange import names
from glassnet.lab import limits
from glassnet.lab.limits import within

Point = tuple[Any, ...]
"""("add", x…, y), ("move", row, x…) or ("delete", row): one point edited by hand."""

SETS = (
    "moons",
    "circles",
    "spiral",
    "xor",
    "sine",
    "iris",
    "digits",
    "notebook",
    "notebook_moons",
)
"""The built-in sets."""

KEPT = ("optimizer", "batch", "reduction", "l1", "l2", "clip", "dropout", "epochs")
"""What can change in the midst of a run; anything else begins a new one."""


@dataclass(frozen=True)
class Setting:
    """Data, network and training of a run.

    data : a built-in set, or "table" for the visitor's own.
    n, noise, data_seed : of a set that is drawn; noise 0.1 is the standard deviation.
    held : the share of points kept to measure on.
    scaled : whether each input gets mean 0 and standard deviation 1.
    points : training points added, moved and deleted by hand, in this order.
    hidden, activations : neurons and activation of each hidden layer.
    output, loss : "" lets the data decide.
    bias : whether neurons have one.
    initializer : "" takes He's for what rectifies, else Glorot's.
    seed : of the initial weights and the order of the batches.
    start : which draw of initial weights from the seed's stream: a new start is the next one.
    optimizer, batch, reduction, l1, l2, clip : see `Task`; batch None takes all rows.
    dropout : how probable it is that a hidden neuron is left out of an update, one rate for all
        layers or one for each; which ones is drawn from the seed.
    epochs : where the run stops by itself.
    """

    data: str = "moons"
    n: int = 200
    noise: float = 0.1
    data_seed: int = 0
    held: float = 0.25
    scaled: bool = True
    points: tuple[Point, ...] = ()
    hidden: tuple[int, ...] = (8,)
    activations: tuple[str, ...] = ("tanh",)
    output: str = ""
    loss: str = ""
    bias: bool = True
    initializer: str = ""
    seed: int = 0
    start: int = 0
    optimizer: str = "sgd:lr=1.0"
    batch: int | None = None
    reduction: str = "mean"
    l1: float = 0.0
    l2: float = 0.0
    clip: float | None = None
    dropout: float | tuple[float, ...] = 0.0
    epochs: int = 2000

    def __post_init__(self) -> None:
        if self.data not in (*SETS, "table"):
            raise BadInput(f"data={self.data!r}", f"one of {', '.join(SETS)}, table is expected")
        within("points", self.n, limits.ROWS, 4)
        within("hidden layers", len(self.hidden), limits.LAYERS)
        for neurons in self.hidden:
            within("neurons in a layer", neurons, limits.NEURONS, 1)
        within("epochs", self.epochs, limits.EPOCHS, 1)
        within("points edited by hand", len(self.points), limits.POINTS)
        if self.batch is not None:
            within("rows an update", self.batch, limits.ROWS, 1)
        for words, value, most in (
            ("noise", self.noise, 10.0),
            ("validation share", self.held, 0.9),
            ("L1", self.l1, 1e6),
            ("L2", self.l2, 1e6),
        ):
            if not 0 <= value <= most:
                raise BadInput(f"{words} {value:g}", f"a number from 0 to {most:g} is expected")
        if self.clip is not None and not 0 < self.clip < math.inf:
            raise BadInput(f"clip {self.clip:g}", "a number above 0 is expected", "Try 1, or none.")
        self._check_dropout()
        within("new starts", self.start, limits.STARTS)
        for seed in (self.seed, self.data_seed):
            if not 0 <= seed < 2**32:
                raise BadInput(f"seed {seed}", "0 to 4294967295 is expected")
        if self.reduction not in get_args(Reduction):
            raise BadInput(f"reduction={self.reduction!r}", "mean, sum or batch is expected")
        if len(self.activations) != len(self.hidden):
            raise BadInput(
                f"{len(self.activations)} activations for {len(self.hidden)} hidden layers",
                "one for each is expected",
            )
        self._check_names()

    def _check_dropout(self) -> None:
        given = self.dropout if isinstance(self.dropout, tuple) else (self.dropout,)
        for rate in given:
            if not 0 <= rate < 1:
                raise BadInput(f"dropout {rate:g}", "a share from 0 to below 1 is expected")
        if isinstance(self.dropout, tuple) and len(given) != len(self.hidden):
            raise BadInput(
                f"{len(given)} rates of dropout, hidden layers: {len(self.hidden)}",
                "one for all or one for each is expected",
            )

    def _check_names(self) -> None:
        for text in filter(None, (*self.activations, self.output)):
            names.activation(text)
        for text in filter(None, (self.loss,)):
            names.loss(text)
        for text in filter(None, (self.initializer,)):
            names.initializer(text)
        if isinstance(names.optimizer(self.optimizer), LBFGS):
            raise BadInput(
                "L-BFGS in the lab", "an optimizer that steps is expected", "Try adam:lr=0.03."
            )

    def with_data(self, data: str) -> Setting:
        """The same for another set; what was never touched follows the new set's preset."""
        old = PRESETS.get(self.data, Setting())
        new = PRESETS.get(data, Setting())
        followed = {
            field.name: getattr(new, field.name)
            for field in fields(self)
            if getattr(self, field.name) == getattr(old, field.name) and field.name != "points"
        }
        if "hidden" in followed and "activations" not in followed:
            del followed["hidden"]  # the two belong together
        if "activations" in followed and "hidden" not in followed:
            del followed["activations"]
        hidden = followed.get("hidden", self.hidden)
        if isinstance(self.dropout, tuple) and len(self.dropout) != len(hidden):
            followed["dropout"] = new.dropout  # rates of layers that are no longer there
        return replace(self, **{**followed, "data": data, "points": (), "output": "", "loss": ""})

    def deeper(self) -> Setting:
        """With another hidden layer like the last."""
        size = self.hidden[-1] if self.hidden else 4
        activation = self.activations[-1] if self.activations else "tanh"
        dropout = self.dropout
        return replace(
            self,
            hidden=(*self.hidden, size),
            activations=(*self.activations, activation),
            dropout=(*dropout, dropout[-1]) if isinstance(dropout, tuple) else dropout,
        )

    def resized(self, k: int, by: int) -> Setting:
        """So many neurons more in hidden layer k, counted from 0; a layer without is no layer."""
        size = self.hidden[k] + by
        if size > 0:
            return replace(self, hidden=(*self.hidden[:k], size, *self.hidden[k + 1 :]))
        dropout = self.dropout
        if isinstance(dropout, tuple):
            dropout = rates((*dropout[:k], *dropout[k + 1 :]))
        return replace(
            self,
            hidden=(*self.hidden[:k], *self.hidden[k + 1 :]),
            activations=(*self.activations[:k], *self.activations[k + 1 :]),
            dropout=dropout,
        )

    def query(self) -> str:
        """What differs from the set's preset, as the query of a link."""
        plain = replace(PRESETS.get(self.data, Setting()), data=Setting.data)
        pairs = [
            (field.name, _spell(field.name, getattr(self, field.name)))
            for field in fields(self)
            if getattr(self, field.name) != getattr(plain, field.name)
        ]
        return urlencode(pairs)

    @staticmethod
    def of_query(query: str) -> Setting:
        """The setting of a link; what is not in it stands as in the preset of its set."""
        return Setting.of_fields(dict(parse_qsl(query, keep_blank_values=True)))

    @staticmethod
    def of_fields(given: Mapping[str, str]) -> Setting:
        """The setting of a link's fields; those that are not a setting's are passed over."""
        found = {name: read(name, given[name]) for name in given if name in READ}
        if "hidden" in found and "activations" not in found:
            found["activations"] = ("tanh",) * len(found["hidden"])
        preset = PRESETS.get(found.get("data", Setting.data), Setting())
        return replace(preset, **found)


@dataclass(frozen=True)
class Change:
    """What was changed after an epoch: settings, typed weights ("W1[0,2]", 0.5), or points.

    points : those that were edited here, after the ones before.
    """

    epoch: int
    fields: tuple[tuple[str, Any], ...] = ()
    weights: tuple[tuple[str, float], ...] = ()
    points: tuple[Point, ...] = ()

    def of(self, setting: Setting) -> Setting:
        """The setting with it."""
        return replace(setting, **dict(self.fields), points=(*setting.points, *self.points))

    def and_then(self, other: Change) -> tuple[Change, ...]:
        """Both, one after the other; points edited in one epoch are one change."""
        points_alone = replace(other, points=()) == Change(self.epoch)
        if points_alone and replace(self, points=()) == Change(self.epoch):
            return (replace(self, points=(*self.points, *other.points)),)
        return self, other

    def text(self) -> str:
        """120~optimizer=sgd:lr=0.3~W1[0,2]=0.5."""
        parts = [str(self.epoch)]
        parts += [f"{name}={_spell(name, value)}" for name, value in self.fields]
        if self.points:
            parts.append(f"points={_spell('points', self.points)}")
        parts += [f"{place}={value!r}" for place, value in self.weights]
        return "~".join(parts)

    @staticmethod
    def of_text(text: str) -> Change:
        """The change that `text` wrote."""
        first, *parts = text.split("~")
        epoch = _whole("epoch", first)
        changed: list[tuple[str, Any]] = []
        weights: list[tuple[str, float]] = []
        points: tuple[Point, ...] = ()
        for part in parts:
            name, equals, value = part.partition("=")
            if not equals:
                raise BadInput(f"change={part[:40]!r}", "name=value is expected")
            if name == "points":
                points += read(name, value)
            elif name in KEPT:
                changed.append((name, read(name, value)))
            else:
                weights.append((name, _number(name, value)))
        return Change(epoch, tuple(changed), tuple(weights), points)


def rates(each: Iterable[float]) -> float | tuple[float, ...]:
    """Dropout's rates of the hidden layers, as a setting has them: one is for all."""
    several = tuple(each)
    return several if len(several) > 1 else several[0] if several else 0.0


# ---------------------------------------------------------------- fields as text and back


def _spell(name: str, value: Any) -> str:
    match value:
        case bool():
            return "1" if value else "0"
        case None:
            return "all" if name == "batch" else "none"
        case tuple() if name == "points":
            return ";".join(",".join(map(str, point)) for point in value)
        case tuple() if name == "dropout":
            return ",".join(map(repr, value))
        case tuple():
            return "-".join(map(str, value)) if name == "hidden" else "|".join(value)
    return str(value)


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise BadInput(f"{name}={text[:40]!r}", "a whole number is expected") from None


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadInput(f"{name}={text[:40]!r}", "a number is expected")
    return value


def _flag(name: str, text: str) -> bool:
    if text not in ("0", "1"):
        raise BadInput(f"{name}={text[:40]!r}", "0 or 1 is expected")
    return text == "1"


def _text(_: str, text: str) -> str:
    return text


def _batch(name: str, text: str) -> int | None:
    return None if text == "all" else _whole(name, text)


def _clip(name: str, text: str) -> float | None:
    return None if text == "none" else _number(name, text)


def _rates(name: str, text: str) -> float | tuple[float, ...]:
    return rates(_number(name, part) for part in text.split(","))


def _sizes(name: str, text: str) -> tuple[int, ...]:
    return tuple(_whole(name, part) for part in text.split("-")) if text else ()


def _texts(_: str, text: str) -> tuple[str, ...]:
    return tuple(text.split("|")) if text else ()


def _points(name: str, text: str) -> tuple[Point, ...]:
    found: list[Point] = []
    for part in filter(None, text.split(";")):
        kind, *rest = part.split(",")
        numbers = [_number(name, one) for one in rest]
        if kind not in ("add", "move", "delete") or not numbers:
            raise BadInput(f"points={part[:40]!r}", "add, move or delete and numbers are expected")
        row = [int(numbers.pop(0))] if kind != "add" else []
        found.append((kind, *row, *numbers))
    return tuple(found)


READ: dict[str, Callable[[str, str], Any]] = {
    "data": _text,
    "n": _whole,
    "noise": _number,
    "data_seed": _whole,
    "held": _number,
    "scaled": _flag,
    "points": _points,
    "hidden": _sizes,
    "activations": _texts,
    "output": _text,
    "loss": _text,
    "bias": _flag,
    "initializer": _text,
    "seed": _whole,
    "start": _whole,
    "optimizer": _text,
    "batch": _batch,
    "reduction": _text,
    "l1": _number,
    "l2": _number,
    "clip": _clip,
    "dropout": _rates,
    "epochs": _whole,
}
"""How each field is read from text."""


def read(name: str, text: str) -> Any:
    """A field's value from the text in a link or in a box of the page."""
    return READ[name](name, text)


_notebook = Setting(
    data="notebook",
    held=0.0,
    scaled=False,
    hidden=(3,),
    activations=("sigmoid",),
    output="sigmoid",
    loss="squarederror",
    bias=False,
    initializer="uniform:low=0,high=1",
    seed=42,
    start=1,
    reduction="sum",
    optimizer="sgd:lr=0.1",
    epochs=1000,
)

PRESETS: dict[str, Setting] = {
    preset.data: preset
    for preset in (
        Setting(),
        Setting(data="circles", noise=0.05, hidden=(4,)),
        Setting(
            data="spiral",
            n=300,
            noise=0.03,
            hidden=(8, 8),
            activations=("tanh", "tanh"),
            optimizer="adam:lr=0.02",
        ),
        Setting(data="xor", hidden=(3,), held=0.0, scaled=False),
        Setting(data="sine", n=100, optimizer="sgd:lr=0.3", scaled=False),
        Setting(data="iris", hidden=(5,), optimizer="sgd:lr=0.3"),
        Setting(data="digits", hidden=(32,), optimizer="adam:lr=0.01", batch=64),
        _notebook,
        replace(_notebook, data="notebook_moons", start=0, hidden=(10,), epochs=9000),
    )
}
"""For each built-in set a network that learns it, measured over 20 seeds each."""
