"""Links: all that is on the page in the query of an address, and back.

    data=xor&change=20~W1[0,2]=0.5&at=120&pick=weight.1.2.0

A link brings the same numbers to the last bit on the same machine: it holds the setting, what was
changed and when, and where one stands; the epochs are trained again.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any, cast, get_args
from urllib.parse import parse_qsl, urlencode

from glassnet.core.errors import BadInput, GlassnetError
from glassnet.engines.base import Engine
from glassnet.engines.choice import EngineName
from glassnet.engines.divergence import Divergence
from glassnet.lab import limits
from glassnet.lab.data import Data
from glassnet.lab.limits import within
from glassnet.lab.number import number
from glassnet.lab.pick import Pick
from glassnet.lab.player import SPEEDS, Pin, find, train_to
from glassnet.lab.position import Phase, Position
from glassnet.lab.problem import in_batches
from glassnet.lab.session import Session
from glassnet.lab.setting import Change, Setting
from glassnet.lab.timeline import Timeline
from glassnet.lab.update import updates

SWITCHES = ("hard", "log", "exact", "seed_names", "columns")
LETTERS = 20_000
"""A longer link is refused."""

Pairs = list[tuple[str, str]]


def link(session: Session) -> str:
    """The query that shows the same again."""
    position, view = session.position, session.view
    pairs: Pairs = []
    if position.epoch:
        pairs.append(("at", str(position.epoch)))
    if position.batch:
        pairs.append(("in", str(position.batch)))
    if position.phase not in ("ready", "all"):
        pairs.append(("phase", position.phase))
    if position.row or position.held:
        pairs.append(("sample", f"{position.row}{'h' if position.held else ''}"))
    pick = session.pick
    pairs.append(("pick", f"{pick.kind}.{pick.layer}.{pick.unit}.{pick.source}"))
    if session.player.speed != SPEEDS[2]:
        pairs.append(("speed", str(session.player.speed)))
    if view.axes != session.data.axes:
        pairs.append(("axes", ",".join(map(str, view.axes))))
    if view.at:
        pairs.append(("hold", ",".join(map(repr, view.at))))
    pairs += [(name, "1") for name in SWITCHES if getattr(view, name)]
    pairs += [("beside", pin.query) for pin in session.pins]
    return "&".join(filter(None, [session.query(), urlencode(pairs)]))


def too_long(query: str) -> str:
    """That a link would be refused; "" where it would not."""
    if len(query) <= LETTERS:
        return ""
    return f"This is more than a link can hold: {len(query)} letters; {LETTERS} are the most."


def opened(
    query: str, *, engine: Engine | EngineName = "auto", table: Data | None = None
) -> Session:
    """The session of a link, standing at its start; `arrive` goes where the link says.

    table : what data=table means here.
    """
    within("letters of a link", len(query), LETTERS)
    given = dict(parse_qsl(query, keep_blank_values=True))
    setting = Setting.of_fields(given)
    if setting.data == "table" and table and given.get("rows", table.mark) != table.mark:
        raise BadInput("a link to another table", "that table is expected", "Open it here again.")
    if setting.data == "table" and table and "batch" not in given:
        setting = in_batches(setting, table)
    session = Session(setting, engine=engine, table=table)
    view: dict[str, Any] = {name: given.get(name) == "1" for name in SWITCHES}
    if "axes" in given:
        view["axes"] = _axes(given["axes"], session.data.X.shape[1])
    if "hold" in given:
        view["at"] = tuple(number(part) for part in given["hold"].split(","))
        within("values to hold inputs at", len(view["at"]), *[session.data.X.shape[1]] * 2)
    session.view = replace(session.view, **view)
    if "pick" in given:
        session.pick = _pick(given["pick"]).check(session.problem.task.net)
    if digits(given.get("speed", "")) and int(given["speed"]) in SPEEDS:
        session.player.speed = int(given["speed"])
    return session


async def arrive(session: Session, query: str) -> None:
    """Train to where the link says, making its changes on the way; in pieces, so pages answer."""
    pairs = parse_qsl(query, keep_blank_values=True)
    run, made = session.timeline, session.changes
    try:
        for other in [value for name, value in pairs if name == "beside"][: limits.PINS]:
            beside = opened(other, engine=session.engine, table=session.table)
            await _changed(beside, parse_qsl(other))
            _still(session, run, made)
            pin = Pin(f"run {len(session.pins) + 1}", other, beside.timeline, alive=True)
            session.pins.append(pin)
        await _changed(session, pairs)
        made = session.changes
        await _stand(session, dict(pairs))
        for pin in session.pins:  # as far as the present run, beside which it lies
            with contextlib.suppress(Divergence):  # its curve ends there
                await train_to(pin.timeline, run.end)
        _still(session, run, made)
        session.move(session.position)
    except Elsewhere:
        return
    except GlassnetError as error:
        if session.timeline is not run:
            return
        session.say(str(error))
        session.move(session.position)


class Elsewhere(Exception):
    """The visitor has begun another run, or changed this one, before the link was there."""


def _still(session: Session, run: Timeline, changes: tuple[Change, ...]) -> None:
    if session.timeline is not run or session.changes is not changes:
        raise Elsewhere


async def _changed(session: Session, pairs: Pairs) -> None:
    changes = [Change.of_text(text) for name, text in pairs if name == "change"]
    run = session.timeline
    for change in sorted(changes, key=lambda one: one.epoch):
        within("epochs", change.epoch, limits.EPOCHS)
        made = session.changes
        await train_to(run, change.epoch, lambda: session.timeline is run)
        _still(session, run, made)
        session.change(change)


async def _stand(session: Session, given: dict[str, str]) -> None:
    run, made = session.timeline, session.changes
    epoch = _whole(given.get("at", "0"), limits.EPOCHS)
    await train_to(run, epoch, lambda: session.timeline is run)
    _still(session, run, made)
    phase = given.get("phase", "all" if epoch else "ready")
    if phase not in get_args(Phase):
        raise BadInput(f"phase={phase[:20]!r}", f"one of {', '.join(get_args(Phase))} is expected")
    batch = _whole(given.get("in", "0"), updates(run.problem_at(epoch)) - 1)
    states = await find(run, epoch, batch, lambda: session.timeline is run)
    _still(session, run, made)
    assert states is not None
    session.stand(Position(epoch, batch, cast("Phase", phase)), *states)
    sample = given.get("sample", "0")
    held = sample.endswith("h")
    X = session.data.held_X if held else session.data.X
    row = _whole(sample.removesuffix("h"), 0 if X is None else len(X) - 1)
    session.move(replace(session.position, row=row, held=held))


def digits(text: str) -> bool:
    """Whether it is a whole number of no absurd length: ² is a digit too, and no number."""
    return text.isascii() and text.isdigit() and len(text) < 20


def _whole(text: str, most: int) -> int:
    if not digits(text):
        raise BadInput(f"{text[:20]!r} in a link", "a whole number is expected")
    within("in a link", int(text), most)
    return int(text)


def _pick(text: str) -> Pick:
    kind, *numbers = text.split(".")
    if len(numbers) != 3 or not all(map(digits, numbers)):
        raise BadInput(f"pick={text[:40]!r}", "a form like weight.1.0.2 is expected")
    layer, unit, source = map(int, numbers)
    return Pick.of({"kind": kind, "layer": layer, "unit": unit, "source": source})


def _axes(text: str, n_in: int) -> tuple[int, int]:
    first, comma, second = text.partition(",")
    if not comma:
        raise BadInput(f"axes={text[:20]!r}", "two inputs are expected, such as 0,1")
    return _whole(first, n_in - 1), _whole(second, n_in - 1)
