"""The same runs as the library makes them, without the lab's page."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from glassnet.engines.base import State
from glassnet.engines.choice import choose
from glassnet.lab.data import Data, built_in
from glassnet.lab.link import arrive, opened
from glassnet.lab.problem import first_state, problem
from glassnet.lab.session import Session
from glassnet.lab.setting import Setting
from glassnet.training.stream import last, train
from glassnet.walkthrough.trace import Trace, trace
from tests.lab.browser.lab import Key


class Run:
    """A run of a setting, from its first state."""

    def __init__(self, setting: Setting | None = None, data: Data | None = None) -> None:
        setting = setting or Setting()
        self.problem = problem(setting, data or built_in(setting))
        self.task, self.data = self.problem.task, self.problem.data
        self.state: State = first_state(self.problem)

    def train(self, epochs: int) -> Run:
        data = self.data
        epoch = last(
            train(
                self.task, data.X, data.y, self.state,
                engine=choose("auto"), epochs=epochs, batch_size=self.problem.batch,
            )
        )  # fmt: skip
        self.state = epoch.state
        return self

    def typed(self, name: str, index: tuple[int, ...], value: float) -> Run:
        """With a weight typed over."""
        theta = self.state.theta.copy()
        self.task.net.named(theta)[name][index] = value
        self.state = replace(self.state, theta=theta)
        return self

    def trace(self) -> Trace:
        return trace(self.task, self.data.X, self.data.y, state=self.state)

    def drawn(self, row: int = 0) -> dict[Key, float]:
        """What the drawing of the network stands on; all of a small network is drawn."""
        return drawn(self.trace(), row)


def drawn(found: Trace, row: int = 0) -> dict[Key, float]:
    """Every weight, bias and answer, and the loss, by where they are drawn."""
    value = {step.name: np.asarray(step.value) for step in found.steps}
    wanted: dict[Key, float] = {}
    for i, x in enumerate(value["X"][row]):
        wanted["input", 0, i, 0] = float(x)
    for k, layer in enumerate(found.net.layers, 1):
        for (i, j), w in np.ndenumerate(value[f"W{k}"]):
            wanted["weight", k, j, i] = float(w)
        for j in range(layer.n_out):
            wanted["neuron", k, j, 0] = float(value[f"a{k}"][row, j])
            if layer.bias:
                wanted["bias", k, j, 0] = float(value[f"b{k}"][j])
    # drawn is the mean, whatever the objective sums
    wanted["loss", len(found.net.layers) + 1, 0, 0] = float(value["L"]) / len(value["X"])
    return wanted


def replayed(query: str, table: Data | None = None) -> Session:
    """The session that a link brings, its epochs trained again here."""

    def play() -> Session:
        session = opened(query, table=table)
        asyncio.run(arrive(session, query))
        return session

    # in a thread of its own: Playwright's loop runs in this one
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(play).result()


def near(found: dict[Any, float], wanted: dict[Any, float], within: float = 1e-9) -> list[Any]:
    """Where two sets of numbers differ, and what only one of them has."""
    keys = found.keys() ^ wanted.keys()
    both = found.keys() & wanted.keys()
    far = [k for k in both if abs(found[k] - wanted[k]) > within * max(1.0, abs(wanted[k]))]
    return [*keys, *((k, found[k], wanted[k]) for k in far)]
