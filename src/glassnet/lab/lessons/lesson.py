"""Lessons and their steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from glassnet.lab.session import Session

Done = Callable[[Session], bool]


@dataclass(frozen=True)
class Step:
    """A state to begin from, what is to be seen there, and what to do.

    query : the state, as a link has it. hide : controls that are not needed, by name.
    done : whether it was done, from what the session shows; None where nothing can tell.
    """

    title: str
    text: str
    task: str
    query: str
    hide: tuple[str, ...] = ()
    done: Done | None = None


@dataclass(frozen=True)
class Lesson:
    """Some steps under one title."""

    name: str
    title: str
    steps: tuple[Step, ...]
