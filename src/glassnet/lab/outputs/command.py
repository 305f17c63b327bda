"""The run as a line for the terminal."""

from __future__ import annotations

import shlex
from typing import Any

from glassnet.exchange import names
from glassnet.exchange.encodings import Category, Number
from glassnet.lab.link import link, too_long
from glassnet.lab.outputs.code import table
from glassnet.lab.outputs.file import goal
from glassnet.lab.outputs.program import Program
from glassnet.lab.session import Session


def command_line(session: Session) -> str:
    """The `glassnet …` line that does the same; lines after a # say what it cannot."""
    if session.origin.data != "table":
        query = link(session)
        long = too_long(query)
        return f"# {long}" if long else f"glassnet lab --link {shlex.quote(query)}"
    said, beyond = [], _beyond(session)
    if session.data.held_X is not None:  # drawn first, and from the stream of the weights
        said.append(
            "# Another split: glassnet train holds other rows back, and draws other weights."
        )
    if beyond:
        said.append(f"# This line cannot say: {', '.join(beyond)}. The Python can.")
    return "\n".join([*said, shlex.join(_train_words(session))])


def _train_words(session: Session) -> list[str]:
    setting, data = session.origin, session.data
    task = Program(session, 0, ()).first
    options: dict[str, Any] = {
        "--target": "COLUMN" if data.target is None else data.target.column,
        "--task": "classes" if data.labels else "numbers",
        "--hidden": ",".join(map(str, setting.hidden)) or "none",
        "--activation": ",".join(setting.activations) or "tanh",
        "--loss": names.as_text(task.loss),
        "--optimizer": setting.optimizer,
        "--epochs": goal(session),
        "--batch-size": setting.batch or "all",
        "--l1": setting.l1,
        "--l2": setting.l2,
        "--reduction": "mean" if setting.reduction == "batch" else setting.reduction,
        "--seed": setting.seed,
        "--validation": _share(session),
        "--patience": 0,
    }
    like_numbers = [
        one.column
        for one in data.encodings
        if isinstance(one, Category) and all(map(_is_number, one.levels))
    ]
    if like_numbers:
        options["--categories"] = ",".join(like_numbers)
    # with = in between, a name that begins with - is no option
    words = ["glassnet", "train", _file_of(data.name)]
    words += [f"{option}={value}" for option, value in options.items()]
    if _said(data.ignored):
        words.append(f"--ignore={','.join(_said(data.ignored))}")
    if setting.clip is not None:
        words.append(f"--clip={setting.clip}")
    if task.dropout is not None:
        words.append(f"--dropout={','.join(map(str, task.dropout.rates(task.net)[:-1]))}")
    return words if setting.bias else [*words, "--no-bias"]


def _beyond(session: Session) -> list[str]:
    setting, data = session.origin, session.data
    unscaled = any(
        isinstance(one, Number) and (one.mean, one.scale) == (0.0, 1.0) for one in data.encodings
    )
    end = goal(session)
    found = {
        "the reduction batch": setting.reduction == "batch",
        "this output": bool(setting.output),
        "these initial weights": bool(setting.initializer or setting.start),
        "columns that are not scaled": unscaled,
        "columns left out that have a comma in their names": data.ignored != _said(data.ignored),
        "points edited by hand": bool(setting.points),
        "what was changed on the way": any(change.epoch <= end for change in session.changes),
    }
    return [what for what, so in found.items() if so]


def _share(session: Session) -> float:
    # of all rows, how many are held for validation
    rows = table(session)
    held = 0 if rows.held_X is None else len(rows.held_X)
    return round(held / (held + len(rows.X)), 4)


def _said(names: tuple[str, ...]) -> tuple[str, ...]:
    # those that can stand in a list with commas in between
    return tuple(name for name in names if "," not in name and name == name.strip())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _file_of(name: str) -> str:
    # the name is the visitor's: it is quoted, and is never an option
    return f"./{name}" if name.startswith("-") else name or "TABLE"
