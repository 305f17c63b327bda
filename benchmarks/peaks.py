"""This machine's peaks on one core: multiply-adds, e^x, divisions, roots, bytes from each cache.

Measured by small loops that are written as LLVM IR and compiled by llvmlite for the processor at
hand, so no C compiler is needed. Without llvmlite NumPy measures them: a lower bound of the peaks,
and the file says so.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from math import factorial, log
from typing import Any

import numpy as np
from numpy.polynomial.chebyshev import cheb2poly, poly2cheb

ROUNDS = 9
SIZES = (16 << 10, 256 << 10, 4 << 20, 256 << 20)  # bytes: L1, L2, L3, main memory


@dataclass(frozen=True)
class Paces:
    """Operations a second of one dtype on one core."""

    multiply_adds: float
    exponentials: float
    divisions: float
    roots: float


@dataclass(frozen=True)
class Peaks:
    """paces by dtype; reading, bytes a second by the size of what is read again and again."""

    how: str
    paces: dict[str, Paces]
    reading: dict[int, float]

    def bandwidth(self, size: int) -> float:
        """Bytes a second of data that lie in the smallest level that holds them."""
        for level, pace in sorted(self.reading.items()):
            if size <= 2 * level:
                return pace
        return self.reading[max(self.reading)]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Peaks:
        return cls(
            fields["how"],
            {name: Paces(**pace) for name, pace in fields["paces"].items()},
            {int(size): pace for size, pace in fields["reading"].items()},
        )


def measure() -> Peaks:
    """The peaks, each the best of several."""
    return with_llvm() if find_spec("llvmlite") else with_numpy()


def best(f: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The shortest of the times that one call takes, in seconds."""
    shortest = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        f()
        shortest = min(shortest, time.perf_counter() - began)
    return shortest


# ---------------------------------------------------------------- with LLVM


@dataclass(frozen=True)
class Vector:
    """A SIMD register of `lanes` numbers, and how IR writes it."""

    real: str  # double or float
    lanes: int

    @property
    def name(self) -> str:
        return f"<{self.lanes} x {self.real}>"

    @property
    def whole(self) -> str:
        """Integers of the same width."""
        return f"<{self.lanes} x i{64 if self.real == 'double' else 32}>"

    @property
    def suffix(self) -> str:
        """Of LLVM's own functions: v8f64."""
        return f"v{self.lanes}f{64 if self.real == 'double' else 32}"

    def splat(self, x: float) -> str:
        """The constant x in every lane; IR wants a float32's digits as those of a float64."""
        exact = np.float64(np.float32(x) if self.real == "float" else x)
        number = f"0x{exact.view(np.uint64):016X}"
        return "<" + ", ".join([f"{self.real} {number}"] * self.lanes) + ">"

    def splat_int(self, x: int) -> str:
        bits = 64 if self.real == "double" else 32
        return "<" + ", ".join([f"i{bits} {x}"] * self.lanes) + ">"


CHAINS = 12  # independent ones: more than latency times throughput


def chains(v: Vector, step: Callable[[str, str], str]) -> str:
    """f(n, out, _): n times `step` on each of CHAINS registers, whose sum goes to `out`."""
    heads = "\n".join(
        f"%a{i} = phi {v.name} [ {v.splat(1.0 + i / 100)}, %entry ], [ %b{i}, %loop ]"
        for i in range(CHAINS)
    )
    body = "\n".join(step(f"%b{i}", f"%a{i}") for i in range(CHAINS))
    total, lines = "%b0", []
    for i in range(1, CHAINS):
        lines.append(f"%s{i} = fadd {v.name} {total}, %b{i}")
        total = f"%s{i}"
    return f"""
declare {v.name} @llvm.fma.{v.suffix}({v.name}, {v.name}, {v.name})
declare {v.name} @llvm.sqrt.{v.suffix}({v.name})
define void @f(i64 %n, ptr %out, i64 %last) {{
entry:
  br label %loop
loop:
  %k = phi i64 [ 0, %entry ], [ %k1, %loop ]
  {heads}
  {body}
  %k1 = add i64 %k, 1
  %more = icmp ult i64 %k1, %n
  br i1 %more, label %loop, label %end
end:
  {chr(10).join(lines)}
  store {v.name} {total}, ptr %out, align 4
  ret void
}}"""


def fma(v: Vector) -> Callable[[str, str], str]:
    """a ← a·m + c."""
    m, c = v.splat(0.999999), v.splat(1e-9)
    call = f"call {v.name} @llvm.fma.{v.suffix}"
    return lambda b, a: f"{b} = {call}({v.name} {a}, {v.name} {m}, {v.name} {c})"


def division(v: Vector) -> Callable[[str, str], str]:
    """a ← m/a."""
    return lambda b, a: f"{b} = fdiv {v.name} {v.splat(0.999999)}, {a}"


def root(v: Vector) -> Callable[[str, str], str]:
    """a ← √a."""
    return lambda b, a: f"{b} = call {v.name} @llvm.sqrt.{v.suffix}({v.name} {a})"


def exponentials(v: Vector) -> str:
    """f(n, x, last): e^x of n registers, those from x to x + last over and over, stored behind.

    x = k·ln 2 + r; a polynomial in r of degree 11 (float32: 6); k is added to the exponent's bits.
    """
    double = v.real == "double"
    degree, mantissa = (11, 52) if double else (6, 23)
    magic = 1.5 * 2.0**mantissa  # adding it rounds to a whole number, in the lowest bits
    high = np.float64(np.float32(log(2)))
    lines, call = [], f"call {v.name} @llvm.fma.{v.suffix}"

    def fused(name: str, a: str, b: str, c: str) -> None:
        lines.append(f"{name} = {call}({v.name} {a}, {v.name} {b}, {v.name} {c})")

    lines.append(f"%x = load {v.name}, ptr %p, align 4")
    fused("%m", "%x", v.splat(1 / log(2)), v.splat(magic))
    lines.append(f"%k = fsub {v.name} %m, {v.splat(magic)}")
    fused("%r0", "%k", v.splat(-high), "%x")
    fused("%r", "%k", v.splat(-(log(2) - high)), "%r0")
    factors = shortened(degree)
    value = v.splat(factors[degree])
    for power in reversed(range(degree)):
        fused(f"%q{power}", value, "%r", v.splat(factors[power]))
        value = f"%q{power}"
    lines += [
        f"%mi = bitcast {v.name} %m to {v.whole}",
        f"%up = shl {v.whole} %mi, {v.splat_int(mantissa)}",
        f"%qi = bitcast {v.name} %q0 to {v.whole}",
        f"%yi = add {v.whole} %qi, %up",
        f"%y = bitcast {v.whole} %yi to {v.name}",
        f"store {v.name} %y, ptr %to, align 4",
    ]
    return f"""
declare {v.name} @llvm.fma.{v.suffix}({v.name}, {v.name}, {v.name})
define void @f(i64 %n, ptr %x0, i64 %last) {{
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %i1, %loop ]
  %at = and i64 %i, %last
  %p = getelementptr {v.name}, ptr %x0, i64 %at
  %behind = getelementptr {v.name}, ptr %p, i64 %last
  %to = getelementptr {v.name}, ptr %behind, i64 1
  {chr(10).join(lines)}
  %i1 = add i64 %i, 1
  %more = icmp ult i64 %i1, %n
  br i1 %more, label %loop, label %end
end:
  ret void
}}"""


def shortened(degree: int) -> np.ndarray:
    """The factors of e^r's polynomial for |r| ≤ ½·ln 2: a longer series, Chebyshev's tail cut."""
    half, powers = log(2) / 2, np.arange(18)
    series = half**powers / np.array([factorial(k) for k in powers], float)  # in r/half
    return cheb2poly(poly2cheb(series)[: degree + 1]) / half ** powers[: degree + 1]


def reading(v: Vector) -> str:
    """f(n, x, last): the sum of n registers, those from x to x + last over and over."""
    heads, loads, lines = [], ["%at = and i64 %k, %last"], []
    for i in range(8):
        heads.append(f"%a{i} = phi {v.name} [ zeroinitializer, %entry ], [ %b{i}, %loop ]")
        loads += [
            f"%k{i} = add i64 %at, {i}",
            f"%p{i} = getelementptr {v.name}, ptr %x, i64 %k{i}",
            f"%x{i} = load {v.name}, ptr %p{i}, align 4",
            f"%b{i} = fadd {v.name} %a{i}, %x{i}",
        ]
    total = "%b0"
    for i in range(1, 8):
        lines.append(f"%s{i} = fadd {v.name} {total}, %b{i}")
        total = f"%s{i}"
    newline = "\n"
    return f"""
define void @f(i64 %n, ptr %x, i64 %last) {{
entry:
  br label %loop
loop:
  %k = phi i64 [ 0, %entry ], [ %next, %loop ]
  {newline.join(heads)}
  {newline.join(loads)}
  %next = add i64 %k, 8
  %more = icmp ult i64 %next, %n
  br i1 %more, label %loop, label %end
end:
  {newline.join(lines)}
  store {v.name} {total}, ptr %x, align 4
  ret void
}}"""


Kernel = Callable[[int, np.ndarray, int], None]


def compile_(text: str) -> Kernel:
    """The machine code of `f(i64, ptr, i64)`. It lives as long as what is given back."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=host_features(), opt=3
    )
    module = llvm.parse_assembly(text)
    module.verify()
    code = llvm.create_mcjit_compiler(module, machine)
    code.finalize_object()
    face = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64)
    call = face(code.get_function_address("f"))

    def kernel(n: int, x: np.ndarray, last: int = 0) -> None:
        call(n, x.ctypes.data, last)

    kernel.code = code  # type: ignore[attr-defined]
    return kernel


def host_features() -> str:
    """What the processor can do; whole registers where they are of 512 bits."""
    import llvmlite.binding as llvm

    return ",".join([llvm.get_host_cpu_features().flatten(), "-prefer-256-bit"])


def register_bytes() -> int:
    """The width of a SIMD register."""
    import llvmlite.binding as llvm

    has = llvm.get_host_cpu_features()
    return 64 if has.get("avx512f") else 32 if has.get("avx") else 16


def with_llvm() -> Peaks:
    width = register_bytes()
    paces = {}
    for dtype, real, size in (("float64", "double", 8), ("float32", "float", 4)):
        v, out = Vector(real, width // size), np.zeros(64, dtype)
        n = {"fma": 400_000, "division": 60_000, "root": 60_000}
        kinds = {"fma": fma(v), "division": division(v), "root": root(v)}
        pace = {
            name: n[name] * CHAINS * v.lanes / seconds_of(compile_(chains(v, step)), n[name], out)
            for name, step in kinds.items()
        }
        paces[dtype] = Paces(
            multiply_adds=pace["fma"],
            exponentials=exponential_pace(v, dtype),
            divisions=pace["division"],
            roots=pace["root"],
        )
    kernel = compile_(reading(Vector("double", width // 8)))
    bandwidth = {}
    for size in SIZES:
        x, n = aligned(size), max(size, 64 << 20) // width
        bandwidth[size] = n * width / best(lambda n=n, x=x: kernel(n, x, len(x) * 8 // width - 1))
    return Peaks(f"LLVM IR, registers of {8 * width} bits", paces, bandwidth)


def seconds_of(kernel: Kernel, n: int, x: np.ndarray) -> float:
    return best(lambda: kernel(n, x, 0))


def exponential_pace(v: Vector, dtype: str) -> float:
    """e^x a second, of 64 registers that stay in the nearest cache; the values are checked."""
    kernel, registers, n = compile_(exponentials(v)), 64, 200_000
    x = np.empty((2, registers * v.lanes), dtype)
    x[0] = np.linspace(-8, 8, registers * v.lanes)
    pace = n * v.lanes / best(lambda: kernel(n, x, registers - 1))
    error = np.abs(x[1] / np.exp(x[0].astype(np.float64)) - 1).max() / np.finfo(dtype).eps
    assert error < 4, f"e^x is wrong by {error:.1f} ulp"
    return pace


def aligned(size: int) -> np.ndarray:
    """Ones, `size` bytes of them, from a multiple of 64 on."""
    raw = np.ones(size // 8 + 8)
    skip = (-raw.ctypes.data % 64) // 8
    return raw[skip : skip + size // 8]


# ---------------------------------------------------------------- with NumPy


def with_numpy() -> Peaks:
    """A lower bound: BLAS on one thread, ufuncs on arrays that stay in the nearest cache."""
    from threadpoolctl import threadpool_limits

    paces = {}
    with threadpool_limits(limits=1):
        for dtype in ("float64", "float32"):
            square = np.random.default_rng(0).normal(size=(256, 256)).astype(dtype)
            product, line = np.empty_like(square), np.linspace(0.5, 1.0, 2048).astype(dtype)
            out, one = np.empty_like(line), line.dtype.type(1)
            paces[dtype] = Paces(
                256**3 / best(lambda s=square, p=product: np.dot(s, s, out=p), 200),
                2048 / best(lambda x=line, o=out: np.exp(x, out=o), 2000),
                2048 / best(lambda x=line, o=out, c=one: np.divide(c, x, out=o), 2000),
                2048 / best(lambda x=line, o=out: np.sqrt(x, out=o), 2000),
            )
        bandwidth = {}
        for size in SIZES:
            x = np.ones(size // 8)
            bandwidth[size] = size / best(lambda x=x: np.dot(x, x), 50)
    return Peaks("NumPy, a lower bound of the peaks", paces, bandwidth)


if __name__ == "__main__":
    print(measure())
