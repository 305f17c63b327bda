"""Rows, points and values as Python writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from glassnet.core.errors import BadInput
from glassnet.lab.data import DRAWN, FIXED, Data, split, target, unscaled
from glassnet.lab.problem import of_counts
from glassnet.lab.session import Session
from glassnet.lab.setting import Point, Setting
from glassnet.walkthrough.notebook.literals import nested

LITERALS = 600
"""Numbers of an own table that are written out in Python; of more there is a file."""


def built_in_set(setting: Setting) -> list[str]:
    """X and y of a built-in set: drawn, split, scaled."""
    if setting.data in DRAWN:
        seed = setting.data_seed
        line = f"data = gn.datasets.{setting.data}({setting.n}, noise={setting.noise}, seed={seed})"
        n = setting.n
    else:
        name = "notebook_samples" if setting.data == "notebook" else setting.data
        line = f"data = gn.datasets.{name}()"
        n = _size(setting)
    _, second = split(n, setting.held, setting.data_seed)
    if len(second):
        lines = [
            line,
            f"order = np.random.default_rng([{setting.data_seed}, 1]).permutation({n})",
            f"rows = np.sort(order[{len(second)}:])  # the others are held for validation",
            "X, y = data.X[rows], data.y[rows]",
        ]
    else:
        lines = [line, "X, y = data.X, data.y"]
    if setting.scaled:
        lines += [
            "scale = X.std(axis=0)",
            "X = (X - X.mean(axis=0)) / np.where(scale > 0, scale, 1.0)",
        ]
    return lines


def _size(setting: Setting) -> int:
    return len(FIXED[setting.data]().X)


def table(session: Session) -> Data:
    """An own table's rows, as the loss that the run began with asks for them."""
    if session.table is None:
        raise BadInput("no own table", "one is expected here", "Open a table first.")
    return unscaled(session.table) if of_counts(session.origin) else session.table


def few(data: Data) -> bool:
    """Whether the rows are written out: of more there is a file."""
    return data.X.size + data.y.size <= LITERALS


def own_rows(session: Session) -> list[str]:
    """X and y of an own table: written out, or read from the file of its rows."""
    data = table(session)
    if not few(data):
        return ['with np.load("rows.npz") as rows:', '    X, y = rows["X"], rows["y"]']
    X, y = (nested(part, 13) for part in (data.X, data.y))
    return [f"X = np.array({X}, dtype=float)", f"y = np.array({y}, dtype=float)"]


def edits(session: Session, points: Sequence[Point]) -> list[str]:
    """The edits of points as lines."""
    n_in, n_out = session.data.X.shape[1], session.data.y.shape[1]
    lines = []
    if any(kind == "move" for kind, *_ in points):
        lines.append("X, y = X.copy(), y.copy()")
    for kind, *given in points:
        if kind == "delete":
            row = int(given[0])
            lines.append(f"X, y = np.delete(X, {row}, axis=0), np.delete(y, {row}, axis=0)")
        elif kind == "add":
            answer = target(session.data, given[n_in], n_out).tolist()
            x = [float(one) for one in given[:n_in]]
            lines.append(f"X, y = np.vstack([X, {x}]), np.vstack([y, {answer}])")
        else:
            row, *x = int(given[0]), *map(float, given[1:])
            if len(x) == n_in:
                lines.append(f"X[{row}] = {x}")
            else:  # a point of a curve moves both ways
                lines.append(f"X[{row}], y[{row}] = {x[0]!r}, {x[1]!r}")
    return lines


def spell(value: Any) -> str:
    """A value as Python writes it with `import glassnet as gn`.

    >>> from glassnet.exchange import names
    >>> spell(names.optimizer("adam:lr=cosine(lr=0.1,steps=50)"))
    'gn.Adam(lr=gn.Cosine(lr=0.1, steps=50))'
    """
    if isinstance(value, str):
        return f'"{value}"'  # a name of glassnet's own
    if not is_dataclass(value):
        return repr(value)
    given = []
    for field in fields(value):
        own = getattr(value, field.name)
        if field.default is MISSING or own != field.default:
            given.append(f"{field.name}={spell(own)}")
    return f"gn.{type(value).__name__}({', '.join(given)})"
