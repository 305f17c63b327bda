"""A file to take along, and what it is called."""

from __future__ import annotations

import re
from dataclasses import dataclass

from glassnet.lab.session import Session


@dataclass(frozen=True)
class File:
    """A name and what is in it."""

    name: str
    content: bytes


def goal(session: Session) -> int:
    """The epoch up to which the run is told: where one stands, else its end, else its aim."""
    return session.position.epoch or session.timeline.end or session.setting.epochs


def title(session: Session) -> str:
    """The data and the network in a few words."""
    return f"{session.data.name}, {session.problem.task.net}"


def stem(session: Session) -> str:
    """The data's name as the beginning of a file's."""
    name = re.sub(r"[^a-z0-9]+", "-", session.data.name.lower()).strip("-")[:40]
    return name or "network"
