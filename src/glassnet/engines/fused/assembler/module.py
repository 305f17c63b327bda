"""Functions that are compiled together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from glassnet.engines.fused.assembler.code import Code
from glassnet.engines.fused.assembler.types import POINTER, Function, Pointing, Type
from glassnet.engines.fused.assembler.values import Pointer, Value


class Module:
    """Functions that are compiled together.

    looks_up : whether the machine has AVX-512's instructions that take numbers out of a register by
        their place, and scale by powers of 2.
    """

    def __init__(self, *, looks_up: bool = False) -> None:
        self.looks_up = looks_up
        self.texts: list[str] = []
        self.declarations: dict[str, str] = {}

    def define(
        self,
        name: str,
        arguments: Sequence[Type | Pointing],
        body: Callable[..., Any],
        *,
        returns: Type | None = None,
        public: bool = False,
        inline: bool = False,
    ) -> Function:
        """Write a function: `body(code, *arguments)` gives back what it returns.

        public : it can be called from outside; the others vanish where all calls are inlined.
        """
        code = Code(self)
        values: list[Value] = []
        for i, argument in enumerate(arguments):
            if isinstance(argument, Pointing):
                values.append(Pointer(code, f"%a{i}", argument.element))
            else:
                values.append(Value(code, f"%a{i}", argument))
        result = body(code, *values)
        end = "ret void" if returns is None else f"ret {code.convert(result, returns)!r}"
        types = [POINTER if isinstance(a, Pointing) else a for a in arguments]
        shown = ", ".join(f"{t} %a{i}" for i, t in enumerate(types))
        # vectors put aside on a stack that begins in the middle of a line cost a third of the time
        aligned = " alignstack(64)" if public else ""
        self.texts.append(
            f"define {'' if public else 'internal '}{returns or 'void'} @{name}({shown}) "
            f"{'alwaysinline ' if inline else ''}nounwind{aligned} {{\n"
            + "\n".join([*code.places, *code.lines, "  " + end])
            + "\n}\n"
        )
        return Function(name, returns, tuple(types))

    def declare(self, name: str, returns: Type | None, arguments: Sequence[Type]) -> Function:
        """A function of LLVM's own, or of the system's."""
        shown = ", ".join(map(str, arguments))
        self.declarations[name] = f"declare {returns or 'void'} @{name}({shown})"
        return Function(name, returns, tuple(arguments))

    def __str__(self) -> str:
        return "\n".join([*self.declarations.values(), *self.texts])
