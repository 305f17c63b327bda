"""Code for one tiny network: every neuron written out, nothing left to look up.

`learn(x, y, w, theta, sums, ld, flags)` → Σ_s w_s·ℓ_s does to one tile what `tiles.forward`, the
loss, `tiles.backward` and `tiles.lane_gradients` do, in the same order of operations, so with the
same bits; it takes a fraction of a second to compile, and pays where a run is long.
"""

from __future__ import annotations

from contextlib import suppress
from threading import Lock
from typing import TypeVar

from glassnet.core.losses import Loss
from glassnet.core.network import Network
from glassnet.engines.fused.assembler import (
    F64,
    I64,
    Code,
    Module,
    NotCompilable,
    Pointer,
    Pointing,
    Value,
    Variable,
)
from glassnet.engines.fused.blocks import ADD
from glassnet.engines.fused.compiler import load
from glassnet.engines.fused.formulas import Compiled, is_identity, run
from glassnet.engines.fused.target import Kit

WEIGHTS = 128
"""Weights up to which a network is written out: the code has two to six instructions for each."""
WORTH = 1e9
"""Operations on one network that take about as long as to compile code for it alone."""
KEPT = 64
"""Of how many networks such code, or what was spent on them, is kept in memory."""
AT_ONCE = {64: 2, 32: 4}
"""Vectors of samples that go through the network side by side, by the bits of a number."""


Key = tuple[Kit, Network, Loss]

_made: dict[Key, Compiled | None] = {}
_spent: dict[Key, float] = {}
_counting = Lock()  # several threads may come at once


def compiled_tiny(kit: Kit, net: Network, loss: Loss, operations: float) -> Compiled | None:
    """The code for a network on which so many operations are about to be spent.

    None as long as fewer than WORTH have been: whoever pays for the ski only after the rent came
    to its price never pays more than double. None for ever where the network is too large, or its
    formulas mix its neurons.
    """
    key = kit, net, loss
    if key in _made or net.n_params > WEIGHTS:
        return _made.get(key)
    with _counting:
        spent = _spent.pop(key, 0.0) + operations
        if spent < WORTH:
            keep(_spent, key, spent)
            return None
    module, found = Module(looks_up=kit.target.looks_up), None
    with suppress(NotCompilable):
        write(module, kit, net, loss)
        library = load(str(module), kit.target)
        found = Compiled({"learn": library.address("learn")}, library)
    with _counting:
        keep(_made, key, found)
    return found


Kept = TypeVar("Kept")


def keep(known: dict[Key, Kept], key: Key, value: Kept) -> None:
    """Put it there, and forget the oldest where there are too many."""
    known[key] = value
    while len(known) > KEPT:
        del known[next(iter(known))]


def write(module: Module, kit: Kit, net: Network, loss: Loss) -> None:
    """Write it into a module."""
    n = kit.lanes
    closed = loss.closes(net.layers[-1].activation)
    f, df = (loss.fz, loss.dfz) if closed else (loss.f, loss.df)

    def body(code: Code, x: Pointer, y: Pointer, w: Pointer, theta: Pointer, sums: Pointer,
             ld: Value, flags: Value) -> Value:  # fmt: skip
        parts = [code.variable(kit.vector, 0.0) for _ in range(net.n_params)]
        with code.when((flags & ADD) != 0):
            for i, part in enumerate(parts):
                part.set(sums.vector(i * n, n))
        total = code.variable(F64.of(n), 0.0)
        at = code.variable(I64, 0)
        for wide in (AT_ONCE[kit.real.bits], 1):
            with code.repeat(lambda wide=wide: at.get() + wide * n <= ld):
                s = at.get()
                samples(code, [s + v * n for v in range(wide)], x, y, w, theta, parts, total, ld)
                at.set(s + wide * n)
        for i, part in enumerate(parts):
            sums.put(i * n, part.get())
        return code.total(total.get())

    def samples(code: Code, where: list[Value], x: Pointer, y: Pointer, w: Pointer, theta: Pointer,
                parts: list[Variable], total: Variable, ld: Value) -> None:  # fmt: skip
        """Some vectors of samples: forward, loss, backward, and their share of every sum."""
        side = range(len(where))
        below = [[x.vector(ld * i + s, n) for s in where] for i in range(net.n_in)]
        seen, slopes, starts, start = [], [], [], 0
        zero = code.constant(0.0, kit.vector)
        for number, layer in enumerate(net.layers):
            seen.append(below)
            starts.append(start)
            weights = layer.n_in * layer.n_out
            simple = is_identity(layer.activation)
            plain = simple or (closed and number == len(net.layers) - 1)
            kind, constants = type(layer.activation), layer.activation.constants
            zs, above, slope = [], [], []
            for j in range(layer.n_out):
                z = [zero] * len(where)
                if layer.bias:
                    z = [code.splat(theta[start + weights + j], n)] * len(where)
                for i in range(layer.n_in):
                    W = code.splat(theta[start + i * layer.n_out + j], n)
                    z = [code.fma(W, below[i][v], z[v]) for v in side]
                a = z
                if not simple:
                    a = [vector(code, kit, run(kind.f, z[v], *constants)) for v in side]
                if not plain:
                    slope.append(
                        [vector(code, kit, run(kind.df, z[v], a[v], *constants)) for v in side]
                    )
                zs.append(z)
                above.append(a)
            slopes.append(slope)
            start += layer.n_params
            below = above

        source = zs if closed else below
        weight = [w.vector(s, n) for s in where]
        target = [[y.vector(ld * j + s, n) for s in where] for j in range(net.n_out)]
        for v in side:
            losses = zero
            for j in range(net.n_out):
                one = run(f, source[j][v], target[j][v], *loss.constants)
                losses = code.rounded(losses + code.convert(one, kit.vector))
            wide = code.convert(losses, F64.of(n))
            total.set(code.fma(code.convert(weight[v], F64.of(n)), wide, total.get()))
        d = [
            [
                code.rounded(
                    weight[v]
                    * code.convert(run(df, below[j][v], target[j][v], *loss.constants), kit.vector)
                )
                for v in side
            ]
            for j in range(net.n_out)
        ]

        for number in reversed(range(len(net.layers))):
            layer, start, slope = net.layers[number], starts[number], slopes[number]
            if slope:
                d = [[code.rounded(d[j][v] * slope[j][v]) for v in side]
                     for j in range(layer.n_out)]  # fmt: skip
            for i in range(layer.n_in):
                for j in range(layer.n_out):
                    part = parts[start + i * layer.n_out + j]
                    for v in side:
                        part.set(code.fma(seen[number][i][v], d[j][v], part.get()))
            if layer.bias:
                for j in range(layer.n_out):
                    part = parts[start + layer.n_in * layer.n_out + j]
                    for v in side:
                        part.set(part.get() + d[j][v])
            if number:
                handed = []
                for i in range(layer.n_in):
                    total_d = [zero] * len(where)
                    for j in range(layer.n_out):
                        W = code.splat(theta[start + i * layer.n_out + j], n)
                        total_d = [code.fma(W, d[j][v], total_d[v]) for v in side]
                    handed.append(total_d)
                d = handed

    real = Pointing(kit.real)
    module.define("learn", [real, real, real, real, real, I64, I64], body, returns=F64, public=True)


def vector(code: Code, kit: Kit, value: object) -> Value:
    """A formula's result as the tiles hold it: a vector, rounded."""
    return code.rounded(code.convert(value, kit.vector))
