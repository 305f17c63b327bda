"""The optimizer of an estimator between two calls: its formula, its memory, its learning rate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassnet.core.formula import Array
from glassnet.core.network import Network
from glassnet.core.optimizers import Nesterov, Optimizer
from glassnet.core.schedules import Schedule
from glassnet.estimators.formulas import AdamHat, EpochScaling, Undamped, UndampedNesterov

CONSTANTS = {"beta_1": "beta1", "beta_2": "beta2", "epsilon": "eps", "momentum": "momentum"}
"""scikit-learn's names of what an optimizer's formula holds."""

SMALLEST = 1e-6
"""An adaptive learning rate at or below it ends the training."""


@dataclass
class Descent:
    """Stands where scikit-learn's estimators have `_optimizer`, and answers to its names.

    rule : the formula, with the learning rate it began with.
    kind : "constant", "invscaling" or "adaptive".
    rate : the learning rate now; it may be set between two calls.
    seed : of dropout's masks, which go by `step`; None as long as none was asked for.
    """

    rule: Optimizer
    net: Network
    slots: tuple[Array, ...]
    kind: str = "constant"
    power_t: float = 0.5
    step: int = 0
    rate: float | Schedule = 0.0
    seed: int | None = None

    def __post_init__(self) -> None:
        self.rate = self.rule.lr

    def over(self, rows: int, updates: int, seen: int, *, whole: bool) -> Optimizer:
        """The formula with its learning rate from here on; for one epoch, or for a whole fit."""
        if whole and self.kind == "invscaling" and self.step == 0:
            assert not isinstance(self.rate, Schedule)
            return replace(self.rule, lr=EpochScaling(self.rate, self.power_t, updates, rows, seen))
        return self.rule if self.rate == self.rule.lr else replace(self.rule, lr=self.rate)

    def ended(self, seen: int) -> None:
        """An epoch is over, `seen` samples in all lie behind it."""
        if self.kind == "invscaling":
            assert not isinstance(self.rule.lr, Schedule)
            self.rate = self.rule.lr / (seen + 1) ** self.power_t

    def stops(self, why: str, *, verbose: bool) -> bool:
        """Whether training ends here; an adaptive learning rate is lowered first."""
        ends, what = True, "Stopping."
        if self.kind == "adaptive" and not isinstance(self.rate, Schedule):
            if self.rate <= SMALLEST:
                what = "Learning rate too small. Stopping."
            else:
                self.rate /= 5.0
                ends, what = False, f"Setting learning rate to {self.rate:f}"
        if verbose:
            print(f"{why} {what}")
        return ends

    # ---- scikit-learn's names

    @property
    def learning_rate(self) -> float:
        """Of the last update; Adam's with the correction for the slots' start at 0."""
        if isinstance(self.rate, Schedule):
            return self.rate(max(self.step - 1, 0))
        if isinstance(self.rule, AdamHat) and self.step:
            fade1, fade2 = self.rule.beta1**self.step, self.rule.beta2**self.step
            return float(self.rate * np.sqrt(1 - fade2) / (1 - fade1))
        return float(self.rate)

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        self.rate = float(rate)

    @property
    def learning_rate_init(self) -> float:
        """The learning rate it began with."""
        return self.rule.rate(0)

    @property
    def t(self) -> int:
        """Updates so far."""
        return self.step

    @property
    def lr_schedule(self) -> str:
        """Of solver='sgd': how the learning rate moves."""
        return self.kind

    @property
    def nesterov(self) -> bool:
        """Of solver='sgd': which of the two momenta."""
        return isinstance(self.rule, Nesterov | UndampedNesterov)

    def __getattr__(self, name: str) -> Any:
        rule = self.__dict__.get("rule")
        constant = CONSTANTS.get(name)
        if constant is not None and hasattr(rule, constant):
            return getattr(rule, constant)
        if name == "momentum" and isinstance(rule, Undamped | UndampedNesterov):
            return 1.0
        slot = {"ms": "m", "vs": "v", "velocities": "v"}.get(name)
        if slot is None or slot not in type(rule).__dict__.get("slots", ()):
            raise AttributeError(f"the optimizer has no {name!r}")
        views = self.net.views(self.slots[self.rule.slots.index(slot)])
        return [W for W, _ in views] + [b for _, b in views if b is not None]
