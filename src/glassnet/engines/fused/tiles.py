"""Tiles: samples on their way from rows of X to columns of a tile, and across a network.

A tile holds up to `ts` samples, features first: number (j, s) of a layer is neuron j's for sample
s, so that a vector holds one neuron's numbers for neighbouring samples. `ld`, the tile's row
length, is the number of its samples rounded up to whole vectors; the lanes beyond the last sample
repeat it, with weight 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from glassnet.engines.fused.assembler import (
    I64,
    Code,
    Function,
    Module,
    Pointer,
    Pointing,
    Type,
    Value,
)
from glassnet.engines.fused.blocks import ADD, BIAS, Products, dots, products
from glassnet.engines.fused.dropout import CHANCE, write_drop, write_mask
from glassnet.engines.fused.target import Kit

LAYER = (
    "n_in", "n_out", "padded",  # sizes; n_out in whole vectors
    "W", "b",  # where they begin in theta; b < 0 where there is none
    "x", "z", "a", "d", "dt",  # places in the tile's memory; dt < 0 where dL/dW takes dots
    "learn", "answer", "chain",  # the activation's functions; 0 for one that does nothing
    "along",  # whether the activation looks along the neurons
    "m", "kept",  # places of dropout's mask, or < 0, and of a where h takes its place
    "threshold", "scale",  # of its words; the bits of what a neuron that stays is multiplied by
)  # fmt: skip
"""What is known of a layer: whole numbers, side by side in one table."""


class Layer:
    """One row of the table of layers, in registers."""

    def __init__(self, code: Code, table: Pointer, number: Value) -> None:
        row = table.at(number * len(LAYER))
        self._fields = {name: row[i] for i, name in enumerate(LAYER)}

    def __getattr__(self, name: str) -> Value:
        return self._fields[name]


@dataclass(frozen=True)
class Tiles:
    """The functions on one tile."""

    multiply: Products
    gather: Function
    ask_for: Function
    forward: Function
    backward: Function
    forward_dropping: Function
    backward_dropping: Function
    lane_gradients: Function
    row_gradients: Function
    bias_gradients: Function
    fold: Function


def tiles(module: Module, kit: Kit) -> Tiles:
    """Write them into a module."""
    real, table = Pointing(kit.real), Pointing(I64)
    multiply = products(module, kit)
    across = module.define("across", [real, I64, real, I64, I64], transpose(kit))
    drop, mask = write_drop(module, kit), write_mask(module, kit)
    ahead: list[Type | Pointing] = [table, I64, real, real, real, I64, I64]
    back: list[Type | Pointing] = [table, I64, real, real, I64]
    lane_dots, row_dots = (dots(module, kit, lanes=lanes) for lanes in (True, False))
    return Tiles(
        multiply=multiply,
        gather=module.define(
            "gather", [real, I64, real, I64, I64, I64, table, I64, I64], gather(kit)
        ),
        ask_for=module.define("ask_for", [real, I64, I64, table, I64, I64], ask_for(kit)),
        forward=module.define("forward", ahead, forward(kit, multiply)),
        backward=module.define("backward", back, backward(kit, multiply, across)),
        forward_dropping=module.define(
            "forward_dropping", [*ahead, *[I64] * len(CHANCE)], forward(kit, multiply, drop)
        ),
        backward_dropping=module.define(
            "backward_dropping", back, backward(kit, multiply, across, mask)
        ),
        lane_gradients=module.define(
            "lane_gradients", [table, I64, real, real, real, I64, I64],
            lane_gradients(kit, lane_dots),
        ),
        row_gradients=module.define(
            "row_gradients", [table, I64, real, real, real, I64, I64, I64, I64, I64],
            row_gradients(kit, multiply, row_dots),
        ),
        bias_gradients=module.define(
            "bias_gradients", [table, I64, real, real, I64, I64, I64, I64, I64], bias_gradients(kit)
        ),
        fold=module.define("fold", [real, real, I64], fold(kit)),
    )  # fmt: skip


def transposed(code: Code, rows: list[Value]) -> list[Value]:
    """The square block of n vectors, columns for rows: log₂ n rounds of exchanges of halves."""
    n = len(rows)
    step = n // 2
    while step:
        low = [q if not q & step else n + q - step for q in range(n)]
        high = [q + step if not q & step else n + q for q in range(n)]
        for i in range(n):
            if not i & step:
                a, b = rows[i], rows[i + step]
                rows[i], rows[i + step] = code.shuffle(a, b, low), code.shuffle(a, b, high)
        step //= 2
    return rows


def gather(kit: Kit) -> Callable[..., None]:
    """Rows order[first:first + count] of a table → a tile (columns, ld), features first."""
    n = kit.lanes

    def body(
        code: Code,
        tile: Pointer,
        ld: Value,
        X: Pointer,  # element (r, c) at r·row + c·column
        row: Value,
        column: Value,
        columns: Value,
        order: Pointer,  # where it is null, rows come as they lie
        first: Value,
        count: Value,
    ) -> None:
        chosen = code.place(I64, n)
        shuffled = code.convert(order, I64) != 0
        with code.loop(0, ld, n) as s:
            for i in range(n):
                at = code.variable(I64, s + i)
                with code.when(at.get() >= count):
                    at.set(count - 1)
                position = first + at.get()
                chosen[i] = position

                def look_up(i: int = i, position: Value = position) -> None:
                    chosen[i] = order[position]

                with code.when(shuffled):
                    look_up()

            def lying_together(s: Value = s) -> None:
                starts = [X.at(chosen[i] * row) for i in range(n)]

                def wide() -> None:
                    # the last block overlaps the one before: nothing beyond a row is touched,
                    # which might be in a cache line that nobody asked for
                    with code.loop(0, columns, n) as c:
                        at = code.select(c + n > columns, columns - n, c)
                        block = transposed(code, [start.vector(at, n) for start in starts])
                        for i in range(n):
                            tile.put((at + i) * ld + s, block[i])

                def narrow() -> None:
                    mask = code.first(columns, n)
                    block = transposed(code, [start.vector(0, n, mask) for start in starts])
                    for i in range(n):
                        with code.when(columns > i):
                            tile.put(i * ld + s, block[i])

                code.choose(columns >= n, wide, narrow)

            def lying_apart(s: Value = s) -> None:
                starts = [X.at(chosen[i] * row) for i in range(n)]
                with code.loop(0, columns) as c:
                    tile.put(c * ld + s, code.packed([start[c * column] for start in starts]))

            few = columns <= n // 4
            code.choose((column == 1) & ~few, lying_together, lying_apart)

    return body


def ask_for(kit: Kit) -> Callable[..., None]:
    """Rows order[first:end] of a table are wanted soon: let memory fetch them meanwhile."""
    line = 512 // kit.real.bits

    def body(
        code: Code, X: Pointer, row: Value, columns: Value, order: Pointer, first: Value, end: Value
    ) -> None:
        shuffled = code.convert(order, I64) != 0
        with code.loop(first, end) as s:
            at = code.variable(I64, s)
            with code.when(shuffled):
                at.set(order[s])
            with code.loop(0, columns, line) as c:
                code.prefetch(X.at(at.get() * row + c))
            code.prefetch(X.at(at.get() * row + columns - 1))

    return body


def transpose(kit: Kit) -> Callable[..., None]:
    """(rows, ld) → (ld, padded), samples first. Beyond the last row it writes what lies there."""
    n = kit.lanes

    def body(
        code: Code, out: Pointer, padded: Value, tile: Pointer, ld: Value, rows: Value
    ) -> None:
        with code.loop(0, ld, n) as s, code.loop(0, rows, n) as j:
            block = transposed(code, [tile.vector((j + i) * ld + s, n) for i in range(n)])
            for i in range(n):
                out.put((s + i) * padded + j, block[i])

    return body


def seen(
    code: Code, kit: Kit, layer: Layer, number: Value, inputs: Pointer, work: Pointer
) -> Pointer:
    """What a layer sees (n_in, ld): the tile's inputs, or what the layer below answered."""
    below, first = code.convert(work.at(layer.x), I64), code.convert(inputs, I64)
    return code.address(code.select(number == 0, first, below), kit.real)


def forward(kit: Kit, multiply: Products, drop: Function | None = None) -> Callable[..., None]:
    """z = W·x + b and a = f(z), layer after layer; with `learning` da/dz takes the place of z.

    drop : dropout, by which h = m ∘ a takes the place of a; `chance` is what it goes by.
    """

    def body(code: Code, table: Pointer, depth: Value, theta: Pointer, inputs: Pointer,
             work: Pointer, ld: Value, learning: Value, *chance: Value) -> None:  # fmt: skip
        with code.loop(0, depth) as k:
            layer = Layer(code, table, k)
            z, a = work.at(layer.z), work.at(layer.a)
            x = seen(code, kit, layer, k, inputs, work)
            flags = code.variable(I64, 0)
            bias = code.variable(I64, 0)
            with code.when(layer.b >= 0):
                flags.set(BIAS)
                bias.set(layer.b)
            arguments = [
                z, ld, theta.at(layer.W), 1, layer.n_out, x, ld,
                layer.n_out, ld, layer.n_in, theta.at(bias.get()), flags.get(),
            ]  # fmt: skip
            code.call(multiply.deep, *arguments)
            function = code.variable(I64, layer.answer)
            with code.when(learning != 0):
                function.set(layer.learn)
            with code.when(function.get() != 0):
                code.call_at(code.address(function.get(), kit.real), None, z, a, layer.n_out, ld)
            if drop is not None:
                with code.when(layer.m >= 0):
                    code.call(
                        drop, a, work.at(layer.kept), work.at(layer.m), layer.n_out, ld, k + 1,
                        layer.threshold, layer.scale, *chance,
                    )  # fmt: skip

    return body


def backward(
    kit: Kit, multiply: Products, across: Function, mask: Function | None = None
) -> Callable[..., None]:
    """From dL/da of the output (or dL/dz, in closed form) to dL/dz of every layer.

    mask : dropout's dL/da = m ∘ dL/dh.
    """

    def body(code: Code, table: Pointer, depth: Value, theta: Pointer, work: Pointer,
             ld: Value) -> None:  # fmt: skip
        with code.loop(0, depth) as i:
            layer = Layer(code, table, depth - 1 - i)
            d = work.at(layer.d)
            if mask is not None:
                with code.when(layer.m >= 0):
                    code.call(mask, d, work.at(layer.m), layer.n_out, ld)
            with code.when(layer.chain != 0):
                code.call_at(
                    code.address(layer.chain, kit.real), None,
                    d, work.at(layer.z), work.at(layer.kept), layer.n_out, ld,
                )  # fmt: skip
            with code.when(layer.dt >= 0):
                code.call(across, work.at(layer.dt), layer.padded, d, ld, layer.n_out)
            with code.when(i + 1 < depth):
                below = Layer(code, table, depth - 2 - i)
                arguments = [
                    work.at(below.d), ld, theta.at(layer.W), layer.n_out, 1, d, ld,
                    layer.n_in, ld, layer.n_out, theta, 0,
                ]  # fmt: skip
                code.call(multiply.deep, *arguments)

    return body


def lane_gradients(kit: Kit, lane_dots: Function) -> Callable[..., None]:
    """One tile's share of every dL/dW and dL/db, one sum for each lane: nothing is folded yet."""
    n = kit.lanes

    def body(code: Code, table: Pointer, depth: Value, sums: Pointer, inputs: Pointer,
             work: Pointer, ld: Value, flags: Value) -> None:  # fmt: skip
        with code.loop(0, depth) as k:
            layer = Layer(code, table, k)
            x = seen(code, kit, layer, k, inputs, work)
            d = work.at(layer.d)
            code.call(
                lane_dots, sums.at(layer.W * n), layer.n_out, x, ld,
                d, ld, layer.n_in, layer.n_out, ld // n, flags,
            )  # fmt: skip
            with code.when(layer.b >= 0), code.loop(0, layer.n_out) as j:
                total = code.variable(kit.vector, 0.0)
                at = (layer.b + j) * n
                with code.when((flags & ADD) != 0):
                    total.set(sums.vector(at, n))
                with code.loop(0, ld, n) as s:
                    total.set(total.get() + d.vector(j * ld + s, n))
                sums.put(at, total.get())

    return body


def fold(kit: Kit) -> Callable[..., None]:
    """G[i] = Σ over the lanes of sums[i], halves laid on each other: n at a time, in a tree."""
    n = kit.lanes

    def body(code: Code, G: Pointer, sums: Pointer, count: Value) -> None:
        whole = count - count % n
        with code.loop(0, whole, n) as i:
            G.put(i, totals(code, [sums.vector((i + k) * n, n) for k in range(n)]))
        with code.loop(whole, count) as i:
            G[i] = code.total(sums.vector(i * n, n))

    return body


def totals(code: Code, rows: list[Value]) -> Value:
    """The totals of n vectors as one: each addition is one of `Code.fold`'s.

    Two rows side by side: the lower halves of all that they hold, then the upper halves. What lies
    within 16 bytes is exchanged within them, which takes half as long, so the order of the rows
    comes out changed; they go in so that it comes out right.
    """
    n = len(rows)
    near = min(n, 128 // rows[0].type.bits)

    def halves(width: int) -> tuple[list[int], list[int]]:
        """Of two vectors, the lanes that are lower halves of what is left of a row, and upper."""
        half, chunk = width // 2, n if width > near else near
        low = [
            first + start + q
            for start in range(0, n, chunk)
            for first in (0, n)
            for q in range(chunk)
            if q % width < half
        ]
        return low, [q + half for q in low]

    widths = [n >> k for k in range(n.bit_length() - 1)]
    order = [[k] * n for k in range(n)]  # which row a lane belongs to
    for width in widths:
        low, _ = halves(width)
        order = [[(a + b)[q] for q in low] for a, b in zip(order[::2], order[1::2], strict=True)]
    rows = [rows[order[0].index(k)] for k in range(n)]
    for width in widths:
        low, high = halves(width)
        rows = [
            code.add(code.shuffle(a, b, low), code.shuffle(a, b, high))
            for a, b in zip(rows[::2], rows[1::2], strict=True)
        ]
    return rows[0]


def row_gradients(kit: Kit, multiply: Products, row_dots: Function) -> Callable[..., None]:
    """One tile's share of rows `first`… of dL/dW of layer k: G (+)= xᵀ·dL/dz."""
    n = kit.lanes

    def body(code: Code, table: Pointer, k: Value, G: Pointer, inputs: Pointer, work: Pointer,
             ld: Value, count: Value, first: Value, rows: Value, flags: Value) -> None:  # fmt: skip
        layer = Layer(code, table, k)
        A = seen(code, kit, layer, k, inputs, work).at(first * ld)
        C = G.at(layer.W + first * layer.n_out)
        code.choose(
            layer.dt >= 0,
            lambda: code.call(
                multiply.whole, C, layer.n_out, A, ld, 1, work.at(layer.dt), layer.padded,
                rows, layer.n_out, count, G, flags,
            ),
            lambda: code.call(
                row_dots, C, layer.n_out, A, ld, work.at(layer.d), ld, rows, layer.n_out,
                ld // n, flags,
            ),
        )  # fmt: skip

    return body


def bias_gradients(kit: Kit) -> Callable[..., None]:
    """One tile's share of neurons `first`… of dL/db of layer k: G (+)= Σ_s dL/dz."""
    n = kit.lanes

    def body(code: Code, table: Pointer, k: Value, G: Pointer, work: Pointer, ld: Value,
             count: Value, first: Value, end: Value, flags: Value) -> None:  # fmt: skip
        layer = Layer(code, table, k)
        b = G.at(layer.b)
        adding = (flags & ADD) != 0

        def of_transposed() -> None:
            # neighbouring neurons in a vector, two chains of sums: even samples, odd samples
            with code.loop(first, end, n) as j:
                sums = [code.variable(kit.vector, 0.0) for _ in range(2)]
                with code.loop(0, count, 2) as s:
                    row = work.at(layer.dt + s * layer.padded + j)
                    sums[0].set(sums[0].get() + row.vector(0, n))
                    with code.when(s + 1 < count):
                        sums[1].set(sums[1].get() + row.vector(layer.padded, n))
                mask = code.first(end - j, n)
                total = code.variable(kit.vector, sums[0].get() + sums[1].get())
                with code.when(adding):
                    total.set(b.vector(j, n, mask) + total.get())
                b.put(j, total.get(), mask)

        def of_rows() -> None:
            with code.loop(first, end) as j:
                lanes = code.variable(kit.vector, 0.0)
                with code.loop(0, ld, n) as s:
                    lanes.set(lanes.get() + work.vector(layer.d + j * ld + s, n))
                total = code.variable(kit.real, code.total(lanes.get()))
                with code.when(adding):
                    total.set(b[j] + total.get())
                b[j] = total.get()

        code.choose(layer.dt >= 0, of_transposed, of_rows)

    return body
