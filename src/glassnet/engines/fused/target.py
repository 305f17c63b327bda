"""The machine that code is written for: its vectors, and how many registers hold them."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.engines.fused.assembler import F32, F64, Type


@dataclass(frozen=True)
class Target:
    """An instruction set: LLVM's names for it, and what the kernels' shapes depend on.

    vector_bytes : how wide a vector is. registers : how many of them there are.
    """

    triple: str
    cpu: str
    features: str
    vector_bytes: int
    registers: int

    @property
    def x86(self) -> bool:
        """Whether it is one of Intel's and AMD's."""
        return self.triple.startswith(("x86_64", "i386", "i686"))

    @property
    def looks_up(self) -> bool:
        """Whether it has all of AVX-512 that `exp_by_table` asks for."""
        return self.x86 and self.vector_bytes == 64

    def machine(self) -> Any:
        """LLVM's code generator for it."""
        import llvmlite.binding as llvm

        if self.x86 or not self.triple:
            _begin()
        return llvm.Target.from_triple(self.triple).create_target_machine(
            cpu=self.cpu, features=self.features, opt=2, reloc="pic", codemodel="default"
        )


@dataclass(frozen=True)
class Kit:
    """What every kernel is written with: the type of the numbers and the shape of the blocks.

    rows : for a block so many vectors wide, the numbers of rows that it may have, largest first:
        as many as the registers hold, with the operands beside them.
    spelling : the code of one's own formulas, for which it is: what is compiled with this kit is
        not found again when they have changed.
    """

    target: Target
    real: Type
    spelling: Hashable = ()

    @property
    def lanes(self) -> int:
        """How many numbers a vector holds."""
        return self.target.vector_bytes * 8 // self.real.bits

    @property
    def vector(self) -> Type:
        """The vector type."""
        return self.real.of(self.lanes)

    @property
    def rows(self) -> dict[int, tuple[int, ...]]:
        """The heights of blocks, by their width in vectors."""
        if self.target.registers >= 32:
            return {4: (6, 4, 2, 1), 2: (8, 4, 2, 1), 1: (8, 4, 2, 1)}
        return {2: (6, 4, 2, 1), 1: (8, 4, 2, 1)}

    def narrow(self, lanes: int) -> Kit:
        """The same with vectors of so many lanes, for code that has no more to put into them."""
        size = lanes * self.real.bits // 8
        return replace(self, target=replace(self.target, vector_bytes=size))

    def padded(self, n: int) -> int:
        """The next multiple of a vector's length."""
        return -(-n // self.lanes) * self.lanes


REALS = {np.dtype(np.float64): F64, np.dtype(np.float32): F32}


@lru_cache(maxsize=64)
def kit(dtype: np.typing.DTypeLike, target: Target | None = None) -> Kit:
    """The kit for float64 or float32."""
    real = REALS.get(np.dtype(dtype))
    if real is None:
        raise BadInput(
            f"parameters of dtype {np.dtype(dtype)}",
            "float64 or float32 is expected",
            "Try theta.astype(np.float64).",
        )
    return Kit(target or host(), real)


@cache
def _begin() -> None:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


@cache
def host() -> Target:
    """The machine at hand."""
    import llvmlite.binding as llvm

    _begin()
    triple, features = llvm.get_process_triple(), llvm.get_host_cpu_features()
    has = {name for name, there in features.items() if there}
    text = ",".join(f"{'+' if there else '-'}{name}" for name, there in sorted(features.items()))
    if "avx512f" in has and "avx512dq" in has and "avx512vl" in has:
        # without it LLVM splits the widest vectors on some machines
        width, registers, text = 64, 32, text + ",-prefer-256-bit"
    elif "avx" in has:
        width, registers = 32, 16
    else:
        width, registers = 16, 32 if triple.startswith(("aarch64", "arm64")) else 16
    return Target(triple, llvm.get_host_cpu_name(), text, width, registers)


def generic(level: int) -> Target:
    """Any x86-64 machine of a level of the psABI: 2 (SSE4.2), 3 (AVX2, FMA) or 4 (AVX-512)."""
    features = "-prefer-256-bit" if level == 4 else ""
    width, registers = {2: (16, 16), 3: (32, 16), 4: (64, 32)}[level]
    return Target(host().triple, f"x86-64-v{level}", features, width, registers)
