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


Needs = dict[str, list[str]]  # by the name that it defines in the notebook


def source_of(owner: Formula, which: str, called: str) -> tuple[list[str], Needs]:
    """`owner.f` or `.df` as a plain function, and what it needs before it.

    Constants become defaults, annotations go.

    What it calls comes along: functions of its own module, numbers, NumPy and `math`. Of anything
    else an error says what and why.
    """
    said = f"{type(owner).__name__}.{which}"
    function: Any = getattr(owner, which)
    before: Needs = {}
    return _plain(function, said, called, owner.constants, before), before


def _plain(
    function: Callable[..., Any],
    said: str,
    called: str,
    constants: tuple[Any, ...],
    before: Needs,
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
        if isinstance(node, ast.Import | ast.ImportFrom):
            from_ = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
            if str(from_).partition(".")[0] not in MODULES:
                raise _refused(said, f"it imports {from_}, and a notebook needs NumPy alone")
        if isinstance(node, ast.Name) and node.id not in local and node.id not in before:
            if node.id in known:
                _need(node.id, known[node.id], said, before)
            elif not hasattr(builtins, node.id):
                raise _refused(said, f"{node.id} is not known")
    return ast.unparse(ast.fix_missing_locations(definition)).splitlines()


def _need(known_as: str, value: Any, said: str, before: Needs) -> None:
    """What makes a global name of a definition mean the same in the notebook."""
    called = str(getattr(value, "__name__", ""))
    if isinstance(value, ModuleType):
        if called not in MODULES:
            raise _refused(said, f"{known_as} is {called}, and a notebook needs NumPy alone")
        if known_as != "np":
            before[known_as] = [f"import {called} as {known_as}".replace("math as math", "math")]
    elif value is not None and getattr(np, called, None) is value:
        before[known_as] = [f"{known_as} = np.{called}"]
    elif isinstance(value, int | float | np.number):
        before[known_as] = [f"{known_as} = {_literal(value, said)}"]
    elif isinstance(value, FunctionType):
        before[known_as] = []  # one that calls itself asks for itself once
        lines = _plain(value, f"{said}'s {known_as}", known_as, (), before)
        del before[known_as]
        before[known_as] = lines  # after what it needs itself
    else:
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
