"""Code for one tiny network alone: its sizes known, every sum in registers, nothing looked up.

`learn(x, y, w, theta, sums, ld, flags)` → Σ_s w_s·ℓ_s does to one tile what `tiles.forward`, the
loss, `tiles.backward` and `tiles.lane_gradients` do. `repeat(…)` makes whole updates, one after
the other, where all samples are one tile. Both make the same operations in the same order as the
code for all networks, so the same bits; they take a fraction of a second to compile, and pay where
a run is long.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from threading import Lock
from typing import Any

from glassnet.core.losses import Loss
from glassnet.core.network import Network
from glassnet.core.optimizers import Optimizer
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
from glassnet.engines.fused.formulas import Compiled, is_identity, run, write_optimizer
from glassnet.engines.fused.target import Kit
from glassnet.engines.fused.tiles import totals

WEIGHTS = 128
"""Weights up to which a network gets code of its own: it has two to six instructions for each."""
WORTH = 5e9
"""Operations on one network that take about as long as to compile code for it alone."""
UPDATE = 20_000
"""Operations that an update takes as long as, beside those on its samples."""
KEPT = 64
"""Of how many networks such code, or what was spent on them, is kept in memory."""
AT_ONCE = 4
"""Vectors of samples that go through the network side by side."""


@dataclass(frozen=True)
class Whole:
    """Whole updates are wanted: by which optimizer, on how many vectors of how many lanes.

    vectors : those that hold all samples, if they are few; 0 if not.
    scaled : whether sums become gradients by a factor other than 1.
    """

    optimizer: Optimizer
    vectors: int
    lanes: int
    scaled: bool


def lanes_for(kit: Kit, samples: int) -> int:
    """The lanes of a vector for all samples: half of them, a quarter, where the rest would be idle.

    An idle lane adds +0 to every sum. To leave it out changes no bit as long as there is another:
    without any, sums of -0 alone, which come of products too small for a number, would stay -0.
    """
    lanes = 2
    while lanes <= samples and lanes < kit.lanes:
        lanes *= 2
    return lanes


FEW = 2
"""Vectors of samples up to which all is written out."""


def vectors_for(kit: Kit, samples: int) -> int:
    """How many vectors hold all samples, where they are few; else 0."""
    vectors = -(-samples // kit.lanes)
    return vectors if vectors <= FEW else 0


class Own:
    """The code for one network, as soon as it is worth it, and what was spent on it until then."""

    def __init__(self, kit: Kit, net: Network, loss: Loss, whole: Whole | None) -> None:
        self.key = kit, net, loss, whole
        self.spent = 0.0
        self.code: Compiled | None = None
        self.done = net.n_params > WEIGHTS  # whether there is nothing more to be made
        self.counting = Lock()  # several threads may come at once

    def address(self, operations: float) -> int:
        """Where the code is, for a run that spends so many operations on the network.

        0 as long as fewer than WORTH have been spent: whoever pays for the ski only after the rent
        came to its price never pays more than double. 0 for ever where the network is too large,
        or its formulas mix its neurons.
        """
        if not self.done:
            with self.counting:
                self.spent += operations
                if self.spent >= WORTH and not self.done:
                    self._make()
        return self.code["own"] if self.code else 0

    def _make(self) -> None:
        kit, net, loss, whole = self.key
        module = Module(looks_up=kit.target.looks_up)
        with suppress(NotCompilable):
            if whole is None:
                write_learn(module, Walk(kit, net, loss))
            else:
                walk = Walk(kit.narrow(whole.lanes), net, loss, whole.vectors)
                write_repeat(module, walk, whole)
            library = load(str(module), kit.target)
            self.code = Compiled({"own": library.address("own")}, library)
        self.done = True


own = lru_cache(maxsize=KEPT)(Own)
"""The one of a network: one forgets what was spent on those that did not come back for long."""


# ---- some vectors of samples


class Held:
    """Vectors in registers, addressed as if they lay in memory."""

    def __init__(self) -> None:
        self.values: dict[int, Value] = {}

    def vector(self, i: int, _: int) -> Value:
        """The vector at an index."""
        return self.values[i]

    def put(self, i: int, value: Value) -> None:
        """Keep a vector at an index."""
        self.values[i] = value


Place = Pointer | Held


@dataclass(frozen=True, eq=False)
class Samples:
    """Where the samples of a tile lie; ld: how far apart their features do."""

    x: Pointer
    y: Pointer
    w: Pointer
    ld: Value


@dataclass(frozen=True)
class Walk:
    """Some vectors of samples go through a network and back.

    straight : so many vectors hold all samples: every neuron is written out, and all lies in
        registers. With 0 layers are loops, which leave LLVM registers enough for AT_ONCE vectors.
    """

    kit: Kit
    net: Network
    loss: Loss
    straight: int = 0

    def all_samples(self, code: Code, samples: Samples, weight_at: Callable[[Any], Value],
                    sums: Place) -> Value:  # fmt: skip
        """Σ_s w_s·ℓ_s; each lane's share of the gradient is added to `sums`."""
        n = self.kit.lanes
        total = code.variable(F64.of(n), 0.0)
        if self.straight:
            where = [code.constant(v * n, I64) for v in range(self.straight)]
            self.some(code, where, samples, weight_at, sums, total)
            return code.total(total.get())
        at = code.variable(I64, 0)
        for wide in (AT_ONCE, 1):
            with code.repeat(lambda wide=wide: at.get() + wide * n <= samples.ld):
                s = at.get()
                self.some(code, [s + v * n for v in range(wide)], samples, weight_at, sums, total)
                at.set(s + wide * n)
        return code.total(total.get())

    def each(self, code: Code, count: int, body: Callable[[Any], None]) -> None:
        """The body for each neuron."""
        if self.straight:
            for j in range(count):
                body(j)
        else:
            with code.loop(0, count) as every:
                body(every)

    def some(self, code: Code, where: list[Value], samples: Samples,
             weight_at: Callable[[Any], Value], sums: Place, total: Variable) -> None:  # fmt: skip
        """Forward, loss, backward, and the share of these vectors in every sum."""
        kit, net, loss, n, straight = self.kit, self.net, self.loss, self.kit.lanes, self.straight
        x, y, ld = samples.x, samples.y, samples.ld
        side, last = range(len(where)), len(net.layers) - 1
        zero = code.constant(0.0, kit.vector)
        closed = loss.closes(net.layers[-1].activation)
        f, df = (loss.fz, loss.dfz) if closed else (loss.f, loss.df)
        starts = [sum(layer.n_params for layer in net.layers[:k]) for k in range(len(net.layers))]

        def rows(count: int) -> Place:
            """Room for the vectors of so many neurons."""
            if straight:
                return Held()
            return Pointer(code, code.place(kit.vector, count * len(where)).text, kit.real)

        def row(of: Place, j: Any) -> list[Value]:
            return [of.vector((j * len(where) + v) * n, n) for v in side]

        def put_row(of: Place, j: Any, values: list[Value]) -> None:
            for v in side:
                of.put((j * len(where) + v) * n, values[v])

        def place_of(number: int, i: Any, j: Any) -> Any:
            """Of the weight from neuron i to neuron j of a layer; i = n_in: of the bias."""
            return i * net.layers[number].n_out + j + starts[number]

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
                zs = [weight_at(place_of(number, layer.n_in, j))] * len(where)
            for i in range(layer.n_in):
                W, given = weight_at(place_of(number, i, j)), below(number, i)
                zs = [code.fma(W, given[v], zs[v]) for v in side]
            put_row(z[number], j, zs)
            if a[number] is not z[number]:
                kind, constants = type(layer.activation), layer.activation.constants
                out = [vector(code, kit, run(kind.f, zs[v], *constants)) for v in side]
                put_row(a[number], j, out)

        for number, layer in enumerate(net.layers):
            self.each(code, layer.n_out, partial(forward, number))

        # ---- loss

        source = z[last] if closed else a[last]
        weight = [samples.w.vector(s, n) for s in where]
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
                given, place = below(number, i), place_of(number, i, j) * n
                part = sums.vector(place, n)
                for v in side:
                    part = code.fma(given[v], dL_dz[v], part)
                sums.put(place, part)
            if layer.bias:
                place = place_of(number, layer.n_in, j) * n
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
                W, dL_dz = weight_at(place_of(number, i, j)), row(d[number], j)
                dL_da = [code.fma(W, dL_dz[v], dL_da[v]) for v in side]
            into(number - 1, i, through(number - 1, i, dL_da))

        self.each(code, net.n_out, at_the_end)
        for number in range(last, 0, -1):
            self.each(code, net.layers[number].n_in, partial(handed, number))


def vector(code: Code, kit: Kit, value: object) -> Value:
    """A formula's result as the tiles hold it: a vector, rounded."""
    return code.rounded(code.convert(value, kit.vector))


# ---- the functions


def write_learn(module: Module, walk: Walk) -> None:
    """Write `learn` into a module, as `own`."""
    kit, n = walk.kit, walk.kit.lanes

    def body(code: Code, x: Pointer, y: Pointer, w: Pointer, theta: Pointer, sums: Pointer,
             ld: Value, flags: Value) -> Value:  # fmt: skip
        with code.when((flags & ADD) == 0), code.loop(0, walk.net.n_params) as i:
            sums.put(i * n, code.constant(0.0, kit.vector))
        samples = Samples(x, y, w, ld)
        return walk.all_samples(code, samples, lambda i: code.splat(theta[i], n), sums)

    real = Pointing(kit.real)
    module.define("own", [real, real, real, real, real, I64, I64], body, returns=F64, public=True)


def write_repeat(module: Module, walk: Walk, whole: Whole) -> None:
    """Write `repeat` into a module, as `own`: so many updates, each with all samples, in one tile.

    scale : what sums become gradients and objectives by. share, counts : the loss is
    Σ·share/counts, the objective Σ·scale·counts/counts: as `driver.keep_account` has it. Gives back
    how many updates went well: the one after them made a number that is not finite.
    """
    kit, net, n, kind = walk.kit, walk.net, walk.kit.lanes, type(whole.optimizer)
    constants, blocks = whole.optimizer.constants, range(-(-net.n_params // walk.kit.lanes))
    steps = write_optimizer(Module(looks_up=module.looks_up), kit, whole.optimizer)

    def body(code: Code, x: Pointer, y: Pointer, w: Pointer, theta: Pointer, slots: Pointer,
             ld: Value, count: Value, scale: Value, share: Value, counts: Value, losses: Pointer,
             objectives: Pointer, step: Pointer, step_size: Value) -> Value:  # fmt: skip
        zero = code.constant(0.0, kit.vector)
        mine = code.place(kit.vector, len(blocks))  # theta, in whole vectors
        flat = Pointer(code, mine.text, kit.real)
        sums: Place = Held()
        if not walk.straight:
            sums = Pointer(code, code.place(kit.vector, len(blocks) * n).text, kit.real)
        memory = [theta, *(code.address(slots[i], kit.real) for i in range(len(kind.slots)))]
        there = [code.first(code.constant(net.n_params - k * n, I64), n) for k in blocks]
        held = [
            [code.variable(kit.vector, place.vector(k * n, n, there[k])) for k in blocks]
            for place in memory
        ]
        made, failed = code.variable(I64, 0), code.variable(I64, 0)
        factor = code.convert(scale, kit.real)

        def weight_at(i: Any) -> Value:
            if not walk.straight:
                return code.splat(flat[i], n)
            block = held[0][i // n].get()
            return code.shuffle(block, block, [i % n] * n)

        with code.repeat(lambda: (made.get() < count) & (failed.get() == 0)):
            now = made.get()
            for i in range(len(blocks) * n):
                sums.put(i * n, zero)
            if not walk.straight:
                for k in blocks:
                    flat.put(k * n, held[0][k].get())
            loss = walk.all_samples(code, Samples(x, y, w, ld), weight_at, sums)
            strange = code.variable(kit.vector, 0.0)
            steps.load(step.at(now * step_size))
            lr, t = steps.start()
            for k in blocks:
                g = totals(code, [sums.vector((k * n + i) * n, n) for i in range(n)])
                old = [code.select(there[k], values[k].get(), zero) for values in held]
                gradient = code.rounded(g * factor) if whole.scaled else g
                new = run(kind.f, old[0], gradient, lr, t, *old[1:], *constants)
                for values, value in zip(held, new, strict=True):
                    fresh = code.convert(value, kit.vector)
                    values[k].set(fresh)
                    strange.set(code.fma(fresh, zero, strange.get()))
            J = code.rounded(loss * scale)
            losses[now] = code.rounded(loss * share) / counts
            objectives[now] = code.rounded(J * counts) / counts
            failed.set((code.total(strange.get()) != 0.0) | ((J - J) != 0.0))
            made.set(now + 1)
        for place, values in zip(memory, held, strict=True):
            for k in blocks:
                place.put(k * n, values[k].get(), there[k])
        return made.get() - failed.get()

    real, wide = Pointing(kit.real), Pointing(F64)
    module.define(
        "own",
        [real, real, real, real, Pointing(I64), I64, I64, F64, F64, F64, wide, wide, wide, I64],
        body,
        returns=I64,
        public=True,
    )
