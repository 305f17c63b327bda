"""One row at a time: neurons side by side in a vector, since there are no samples to lie there."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.core.network import Network
from glassnet.engines.fused.arrays import address
from glassnet.engines.fused.assembler import I64, Code, Module, Pointer, Pointing, Value
from glassnet.engines.fused.blocks import FROM
from glassnet.engines.fused.builtin import builtin
from glassnet.engines.fused.target import Kit
from glassnet.engines.fused.tiles import Layer, Tiles

if TYPE_CHECKING:
    from glassnet.engines.fused.run import Prepared

ROW = ("layers", "depth", "theta", "x", "out", "even", "odd", "tile")
"""What a predictor is told: addresses, and how many layers.

theta has a vector of room behind it. `even` and `odd` are where the layers' answers lie, in turn;
`tile` is room for two vectors for each neuron of the widest layer.
"""


def write_one_row(module: Module, kit: Kit, functions: Tiles) -> None:
    """`answer_row(table)`: out from x, in the order of sums of the tiles, so with their bits."""
    module.define("answer_row", [Pointing(I64)], answer_row(kit, functions), public=True)


def answer_row(kit: Kit, functions: Tiles) -> Callable[..., None]:
    """z = b + x·W and a = f(z), layer after layer, for one row."""
    n, real = kit.lanes, kit.real

    def body(code: Code, table: Pointer) -> None:
        T = {name: table[i] for i, name in enumerate(ROW)}
        layers, theta = code.address(T["layers"], I64), code.address(T["theta"], real)
        x, place, other = (code.variable(I64, T[name]) for name in ("x", "even", "odd"))
        with code.loop(0, T["depth"]) as k:
            layer = Layer(code, layers, k)
            size, z = layer.n_out, code.address(place.get(), real)

            def biases(layer: Layer = layer, z: Pointer = z) -> None:
                with code.loop(0, layer.n_out, n) as j:
                    z.put(j, theta.vector(layer.b + j, n))

            def zeros(layer: Layer = layer, z: Pointer = z) -> None:
                with code.loop(0, layer.n_out, n) as j:
                    z.put(j, code.constant(0.0, kit.vector))

            code.choose(layer.b >= 0, biases, zeros)
            arguments = [z, size, code.address(x.get(), real), 0, 1, theta.at(layer.W), size,
                         1, size, layer.n_in, theta, FROM]  # fmt: skip
            code.call(functions.multiply.deep, *arguments)
            with code.when(layer.answer != 0):
                code.choose(
                    layer.along != 0,
                    lambda layer=layer, z=z: along_neurons(code, T["tile"], layer, z),
                    lambda layer=layer, z=z: code.call_at(
                        code.address(layer.answer, real), None, z, z, code.constant(1, I64),
                        layer.padded,
                    ),
                )  # fmt: skip
            x.set(place.get())
            place.set(other.get())
            other.set(x.get())
        outputs = Layer(code, layers, T["depth"] - 1).n_out
        out, answer = code.address(T["out"], real), code.address(x.get(), real)
        with code.loop(0, outputs, n) as j:
            out.put(j, answer.vector(j, n), code.first(outputs - j, n))

    def along_neurons(code: Code, room: Value, layer: Layer, z: Pointer) -> None:
        """As a tile of one vector of samples, all of them this one."""
        tile = code.address(room, real)
        answers = tile.at(layer.n_out * n)
        with code.loop(0, layer.n_out) as j:
            tile.put(j * n, code.splat(z[j], n))
        code.call_at(
            code.address(layer.answer, real), None, tile, answers, layer.n_out,
            code.constant(n, I64),
        )  # fmt: skip
        with code.loop(0, layer.n_out) as j:
            z[j] = answers[j * n]

    return body


def predictor(kit: Kit, net: Network, theta: Array, code: Prepared) -> Callable[[Array], Array]:
    """The answer (n_out,) to one row x (n_in,), in half a microsecond.

    It keeps the parameters as they are now, and memory to work in: one thread at a time.
    """
    n, size = kit.lanes, net.n_in
    widest = max(kit.padded(layer.n_out) for layer in net.layers)
    sizes = [kit.padded(net.n_params) + n, widest, widest, 2 * widest * n]
    block = np.zeros(sum(sizes) + n, theta.dtype)
    start = -address(block) % kit.target.vector_bytes // theta.itemsize
    parts = [block[a:b] for a, b in pairwise(np.cumsum([start, *sizes]))]
    parts[0][: net.n_params] = theta
    blank = np.zeros(net.n_out, theta.dtype)
    known = {
        "layers": address(code.how.layers), "depth": len(net.layers),
        **dict(zip(("theta", "even", "odd", "tile"), map(address, parts), strict=True)),
    }  # fmt: skip
    table = np.array([known.get(name, 0) for name in ROW], np.int64)

    def row(x: Array) -> Array:
        if len(x) != size:  # else a single number would be taken for all of them
            raise BadInput(f"a row of {len(x)} numbers", f"the network expects {size}")
        fresh = np.empty(size, blank.dtype)
        fresh[:] = x
        return fresh

    places, keep = (ROW.index("x"), ROW.index("out")), (block, code)
    made = builtin(kit.target, code.one_row, table, places, blank, row, size, keep)
    if made is not None:
        return made
    # a function that keeps Python's lock: to let it go and take it again costs as much as a row
    run = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)(code.one_row)
    at = ctypes.c_void_p(address(table))

    def answer(x: Array, _kept: object = (block, code)) -> Array:
        given, out = row(x), blank.copy()
        for place, array in zip(places, (given, out), strict=True):
            table[place] = address(array)
        run(at)
        return out

    return answer
