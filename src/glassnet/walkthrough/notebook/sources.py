"""The source of a definition that no formula can say, made to stand alone in a notebook."""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.core.formula import Formula

MODULES = {"numpy": "np", "math": "math"}


def source_of(owner: Formula, which: str, called: str) -> list[str]:
    """`owner.f` or `.df` as a plain function; constants become defaults, annotations go.

    What it calls comes along: functions of its own module, numbers, NumPy and `math`. Of anything
    else an error says what and why.
    """
    said = f"{type(owner).__name__}.{which}"
    function: Any = getattr(owner, which)
    before: list[str] = []
    lines = _plain(function, said, called, owner.constants, before, set())
    return [*before, *lines]


def _plain(
    function: Callable[..., Any],
    said: str,
    called: str,
    constants: tuple[Any, ...],
    before: list[str],
    done: set[str],
) -> list[str]:
    if not isinstance(function, FunctionType):
        raise _refused(said, f"{type(function).__name__} has no Python source")
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError) as error:
        raise _refused(said, "its source cannot be read") from error
    (definition,) = tree.body
    if not isinstance(definition, ast.FunctionDef):
        raise _refused(said, "it is not made by def")
    definition.name, definition.decorator_list, definition.returns = called, [], None
    arguments = definition.args
    for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        one.annotation = None
    if constants:
        arguments.defaults = [ast.parse(_literal(v, said), mode="eval").body for v in constants]
    known = {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
    local = set(function.__code__.co_varnames)
    for node in ast.walk(definition):
        if isinstance(node, ast.Name) and node.id not in local and node.id not in done:
            done.add(node.id)
            if node.id in known:
                before += _needed(node.id, known[node.id], said, done)
            elif not hasattr(builtins, node.id):
                raise _refused(said, f"{node.id} is not known")
    return ast.unparse(ast.fix_missing_locations(definition)).splitlines()


def _needed(known_as: str, value: Any, said: str, done: set[str]) -> list[str]:
    """Lines that make a global name of a definition mean the same in the notebook."""
    if isinstance(value, ModuleType):
        if value.__name__ in MODULES:
            usual = MODULES[value.__name__]
            renamed = "" if usual == known_as == value.__name__ else f" as {known_as}"
            return [] if known_as == "np" else [f"import {value.__name__}{renamed}"]
        raise _refused(said, f"{known_as} is {value.__name__}, and a notebook needs NumPy alone")
    called = str(getattr(value, "__name__", ""))
    if value is not None and getattr(np, called, None) is value:
        return [f"{known_as} = np.{called}"]
    if isinstance(value, int | float | np.number):
        return [f"{known_as} = {_literal(value, said)}"]
    if isinstance(value, FunctionType) and not value.__module__.startswith("numpy"):
        before: list[str] = []
        lines = _plain(value, f"{said}'s {known_as}", known_as, (), before, done)
        return [*before, *lines, ""]
    raise _refused(said, f"{known_as} is {type(value).__name__}, which cannot be written down")


def _literal(value: Any, said: str) -> str:
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    raise _refused(said, f"a constant of it is {type(value).__name__}")


def _refused(said: str, why: str) -> BadInput:
    return BadInput(
        f"{said} has no formula, and {why}",
        "a definition in NumPy alone is expected",
        "Write it with NumPy's functions, without branches.",
    )
