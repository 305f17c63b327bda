"""Code for one tiny network: every neuron written out, nothing left to look up.

`learn(x, y, w, theta, sums, ld, flags)` → Σ_s w_s·ℓ_s does to one tile what `tiles.forward`, the
loss, `tiles.backward` and `tiles.lane_gradients` do, in the same order of operations, so with the
same bits; it takes a fraction of a second to compile, and pays where a run is long.
"""

from __future__ import annotations

from contextlib import suppress
from threading import Lock
from typing import Any, TypeVar

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
AT_ONCE = 4
"""Vectors of samples that go through the network side by side."""


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
    starts = [sum(layer.n_params for layer in net.layers[:k]) for k in range(len(net.layers))]
    last = len(net.layers) - 1

    def body(code: Code, x: Pointer, y: Pointer, w: Pointer, theta: Pointer, sums: Pointer,
             ld: Value, flags: Value) -> Value:  # fmt: skip
        zero = code.constant(0.0, kit.vector)
        with code.when((flags & ADD) == 0), code.loop(0, net.n_params) as i:
            sums.put(i * n, zero)
        total = code.variable(F64.of(n), 0.0)
        at = code.variable(I64, 0)
        for wide in (AT_ONCE, 1):
            with code.repeat(lambda wide=wide: at.get() + wide * n <= ld):
                s = at.get()
                samples(code, [s + v * n for v in range(wide)], x, y, w, theta, sums, total, ld)
                at.set(s + wide * n)
        return code.total(total.get())

    def samples(code: Code, where: list[Value], x: Pointer, y: Pointer, w: Pointer, theta: Pointer,
                sums: Pointer, total: Variable, ld: Value) -> None:  # fmt: skip
        """Some vectors of samples: forward, loss, backward, and their share of every sum."""
        side = range(len(where))
        zero = code.constant(0.0, kit.vector)

        def rows(count: int) -> Pointer:
            """Memory for the vectors of so many neurons."""
            return Pointer(code, code.place(kit.vector, count * len(where)).text, kit.real)

        def row(of: Pointer, j: Any) -> list[Value]:
            return [of.vector((j * len(where) + v) * n, n) for v in side]

        def put_row(of: Pointer, j: Any, values: list[Value]) -> None:
            for v in side:
                of.put((j * len(where) + v) * n, values[v])

        def weight_of(number: int, i: Any, j: Any) -> Value:
            """A weight in every lane, from neuron i to neuron j of a layer."""
            return code.splat(theta[i * net.layers[number].n_out + j + starts[number]], n)

        def bias_of(number: int) -> int:
            layer = net.layers[number]
            return starts[number] + layer.n_in * layer.n_out

        z = [rows(layer.n_out) for layer in net.layers]
        a = [z[k] if is_identity(layer.activation) else rows(layer.n_out)
             for k, layer in enumerate(net.layers)]  # fmt: skip
        d = [rows(layer.n_out) for layer in net.layers]

        def below(number: int, i: Any) -> list[Value]:
            """What comes into a layer."""
            if number:
                return row(a[number - 1], i)
            return [x.vector(ld * i + s, n) for s in where]

        # ---- forward

        def forward(number: int, j: Any) -> None:
            layer = net.layers[number]
            zs = [zero for _ in side]
            if layer.bias:
                zs = [code.splat(theta[j + bias_of(number)], n)] * len(where)
            for i in range(layer.n_in):
                W, given = weight_of(number, i, j), below(number, i)
                zs = [code.fma(W, given[v], zs[v]) for v in side]
            put_row(z[number], j, zs)
            if a[number] is not z[number]:
                kind, constants = type(layer.activation), layer.activation.constants
                out = [vector(code, kit, run(kind.f, zs[v], *constants)) for v in side]
                put_row(a[number], j, out)

        for number, layer in enumerate(net.layers):
            with code.loop(0, layer.n_out) as j:
                forward(number, j)

        # ---- loss

        source = z[last] if closed else a[last]
        weight = [w.vector(s, n) for s in where]
        for v, s in enumerate(where):
            losses = zero
            for j in range(net.n_out):
                one = run(f, row(source, j)[v], y.vector(ld * j + s, n), *loss.constants)
                losses = code.rounded(losses + code.convert(one, kit.vector))
            wide = code.convert(losses, F64.of(n))
            total.set(code.fma(code.convert(weight[v], F64.of(n)), wide, total.get()))

        # ---- backward: each neuron is done with before the next one, so that registers are few

        def through(number: int, j: Any, dL_da: list[Value]) -> list[Value]:
            """dL/dz of a neuron from its dL/da."""
            activation = net.layers[number].activation
            if is_identity(activation):
                return dL_da
            kind, constants = type(activation), activation.constants
            zs, out = row(z[number], j), row(a[number], j)
            slope = [vector(code, kit, run(kind.df, zs[v], out[v], *constants)) for v in side]
            return [code.rounded(dL_da[v] * slope[v]) for v in side]

        def into(number: int, j: Any, dL_dz: list[Value]) -> None:
            """Keep a neuron's dL/dz, and add its share to the gradient of what leads to it."""
            layer = net.layers[number]
            put_row(d[number], j, dL_dz)
            for i in range(layer.n_in):
                given, place = below(number, i), (i * layer.n_out + j + starts[number]) * n
                part = sums.vector(place, n)
                for v in side:
                    part = code.fma(given[v], dL_dz[v], part)
                sums.put(place, part)
            if layer.bias:
                place = (j + bias_of(number)) * n
                part = sums.vector(place, n)
                for v in side:
                    part = part + dL_dz[v]
                sums.put(place, part)

        def at_the_end(j: Any) -> None:
            dL_da = []
            for v, s in enumerate(where):
                target = y.vector(ld * j + s, n)
                slope = run(df, row(a[last], j)[v], target, *loss.constants)
                dL_da.append(code.rounded(weight[v] * code.convert(slope, kit.vector)))
            into(last, j, dL_da if closed else through(last, j, dL_da))

        def handed(number: int, i: Any) -> None:
            layer, dL_da = net.layers[number], [zero for _ in side]
            for j in range(layer.n_out):
                W, dL_dz = weight_of(number, i, j), row(d[number], j)
                dL_da = [code.fma(W, dL_dz[v], dL_da[v]) for v in side]
            into(number - 1, i, through(number - 1, i, dL_da))

        with code.loop(0, net.n_out) as j:
            at_the_end(j)
        for number in range(last, 0, -1):
            with code.loop(0, net.layers[number].n_in) as i:
                handed(number, i)

    real = Pointing(kit.real)
    module.define("learn", [real, real, real, real, real, I64, I64], body, returns=F64, public=True)


def vector(code: Code, kit: Kit, value: object) -> Value:
    """A formula's result as the tiles hold it: a vector, rounded."""
    return code.rounded(code.convert(value, kit.vector))
