"""Whether what a step asks for was done, from what the session shows."""

from __future__ import annotations

from glassnet.exchange import names
from glassnet.lab.lessons.lesson import Done
from glassnet.lab.position import PHASES
from glassnet.lab.session import Session


def epoch(least: int) -> Done:
    """So many epochs are behind the state that is shown."""
    return lambda session: session.position.epoch >= least


def followed(phase: str) -> Done:
    """The first update was followed so far, or a whole epoch is done."""
    wanted = PHASES.index(phase)  # type: ignore[arg-type]

    def done(session: Session) -> bool:
        reached = session.position.phase
        return session.position.epoch > 0 or (reached in PHASES and PHASES.index(reached) >= wanted)

    return done


def loss(session: Session) -> float:
    """The loss recorded in the epoch that is shown; infinite before the first."""
    at = session.position.epoch
    return float(session.timeline.curve()[at - 1]) if at else float("inf")


def below(most: float) -> Done:
    """The loss is below a number."""
    return lambda session: loss(session) < most


def typed(letter: str) -> Done:
    """A weight (W) or a bias (b) was typed over."""
    return lambda session: any(
        where.startswith(letter) for change in session.changes for where, _ in change.weights
    )


def rate_below(most: float) -> Done:
    """The learning rate is below a number."""

    def done(session: Session) -> bool:
        optimizer = names.optimizer(session.setting.optimizer)
        rate = getattr(optimizer, "lr", None)
        return isinstance(rate, float | int) and rate < most

    return done


def both(*parts: Done) -> Done:
    """All of them."""
    return lambda session: all(part(session) for part in parts)
