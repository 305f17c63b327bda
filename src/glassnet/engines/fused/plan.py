"""How the engine goes about a run: which way of summing, how large a tile, what lies where.

All of it follows from the network, the dtype and the batch alone: not from the number of threads,
not from how many epochs one call makes. So none of these changes a bit of a result.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from glassnet.core.activations import Softmax
from glassnet.core.dropout import kept, threshold
from glassnet.core.losses import Loss
from glassnet.core.network import Network
from glassnet.engines.fused.formulas import Compiled, compiled, is_identity
from glassnet.engines.fused.target import Kit
from glassnet.engines.fused.tiles import LAYER

TINY = 512
"""Parameters up to which each lane has a gradient of its own (32 kB: the first-level cache)."""
MIDDLING = 16_384
"""Parameters up to which each group of samples has a gradient of its own."""
TILE = 48 * 1024
"""Bytes that a tile's memory may take, where four vectors of samples take less."""
SLAB = 512 * 1024
"""Bytes of tiles in a slab: half of a second-level cache."""
RESIDENT = 256 * 1024
"""Bytes up to which the inputs of a whole data set stay in tiles from one update to the next."""
GROUPS = 16
"""At most so many groups of samples, and threads, for a tiny network."""
WORK_OF_A_GROUP = 200_000
"""Operations from which one more group of samples is made."""
WORTH_A_THREAD = 400_000
"""Operations between two meetings of all threads from which one more thread pays off."""


@dataclass(frozen=True, eq=False)
class Plan:
    """Sizes and places, counted in numbers; see `driver.JOB`."""

    layers: np.ndarray  # (depth, len(LAYER))
    functions: tuple[Compiled, ...]  # kept alive
    tile: int
    tiles_a_slab: int
    grouped: bool
    by_lanes: bool
    group: int
    resident: bool
    input_size: int
    work_size: int
    y_place: int
    w_place: int
    lane_size: int
    flops: float  # of one sample, forward and backward; an activation counts 40

    def pieces(self, batch: int) -> int:
        """Into how many pieces of work a batch falls."""
        if self.grouped:
            return -(-batch // self.group)
        return min(self.tiles_a_slab, -(-batch // self.tile))


def flops(net: Network) -> float:
    """Operations of a training sample: three products for a layer, two for the first one."""
    products = sum(6 * layer.n_in * layer.n_out for layer in net.layers)
    first = 2 * net.layers[0].n_in * net.layers[0].n_out
    return float(products - first + 40 * sum(layer.n_out for layer in net.layers))


@lru_cache(maxsize=256)
def plan(
    kit: Kit, net: Network, loss: Loss | None, batch: int, *, whole: bool, learning: bool,
    rates: tuple[float, ...] = (),
) -> Plan:  # fmt: skip
    """For batches of so many rows; `whole` where every batch is the whole data set, in order.

    rates : of dropout, one a layer; () where all neurons stay.
    """
    size = kit.real.bits // 8
    rates = rates or (0.0,) * len(net.layers)
    grouped = learning and net.n_params <= MIDDLING
    by_lanes = grouped and net.n_params <= TINY
    tile = samples_a_tile(kit, net, batch, learning=learning, rates=rates)
    count = -(-batch // tile)
    most = GROUPS if by_lanes else max(1, SLAB // (net.n_params * size))
    worth = WORK_OF_A_GROUP if by_lanes else WORTH_A_THREAD
    groups = min(most, count, max(1, int(flops(net) * batch // worth)))

    inputs = Places(kit)
    inputs.take(net.n_in * tile)
    y_place, w_place = inputs.take(net.n_out * tile), inputs.take(tile)
    functions = tuple(compiled(kit, layer.activation) for layer in net.layers)
    works = Places(kit)
    closed = loss is not None and loss.closes(net.layers[-1].activation)
    table = table_of_layers(
        works, net, functions, tile, closed=closed, learning=learning, turned=not by_lanes,
        rates=rates,
    )  # fmt: skip

    slot = (inputs.taken + works.taken) * size
    limit = room(kit, net, learning=learning)
    space = max(SLAB, min(limit, net.n_params * size))
    pair = 2 if 2 * slot <= limit else 1  # so that two threads have something to share
    tiles_a_slab = min(count, max(pair, space // slot))
    kept = grouped or tiles_a_slab == count  # the memory of each tile is its own
    return Plan(
        layers=table,
        functions=functions,
        tile=tile,
        tiles_a_slab=tiles_a_slab,
        grouped=grouped,
        group=-(-count // groups) * tile,
        resident=whole and kept and count * inputs.taken * size <= RESIDENT,
        input_size=inputs.taken,
        work_size=works.taken,
        y_place=y_place,
        w_place=w_place,
        by_lanes=by_lanes,
        lane_size=net.n_params * kit.lanes if by_lanes else 0,
        flops=flops(net),
    )


class Places:
    """Places in memory, one after the other, each beginning with a whole vector."""

    def __init__(self, kit: Kit) -> None:
        self.kit, self.taken = kit, 0

    def take(self, numbers: int) -> int:
        """Where so many numbers lie from now on."""
        place = self.taken
        self.taken += self.kit.padded(numbers)
        return place


def room(kit: Kit, net: Network, *, learning: bool) -> int:
    """Bytes that tiles may take in all; with threads, those of a prediction are one for each."""
    return 1_400_000 + net.n_params * kit.real.bits // 8 if learning else 750_000


def samples_a_tile(
    kit: Kit, net: Network, batch: int, *, learning: bool, rates: tuple[float, ...]
) -> int:
    """As many as lie in the first-level cache, but four vectors at least, as wide as a block is."""
    layers = sum(kit.padded(layer.n_out) for layer in net.layers)
    masks = sum(
        kit.padded(layer.n_out) for layer, rate in zip(net.layers, rates, strict=True) if rate
    )
    # of each layer z, a, dL/dz and its transpose, or z and a alone; dropout's masks
    sample = ((4 if learning else 2) * layers + masks) * kit.real.bits // 8
    inputs = (net.n_in + net.n_out + 1) * kit.real.bits // 8
    vectors = 4
    while vectors < 32 and 2 * vectors * kit.lanes * sample <= TILE:
        vectors *= 2
    while vectors > 1 and vectors * kit.lanes * (sample + inputs) > room(
        kit, net, learning=learning
    ):
        vectors //= 2
    if learning and flops(net) * batch >= 2 * WORTH_A_THREAD:
        while vectors > 2 and batch <= vectors * kit.lanes:
            vectors //= 2
    most = min(vectors * kit.lanes, kit.padded(batch))
    return min(most, kit.padded(-(-batch // -(-batch // most))))  # all about the same


def table_of_layers(
    works: Places,
    net: Network,
    functions: tuple[Compiled, ...],
    tile: int,
    *,
    closed: bool,
    learning: bool,
    turned: bool,
    rates: tuple[float, ...],
) -> np.ndarray:
    """(depth, len(LAYER)): sizes, places and functions of each layer.

    closed : dL/dz of the output comes from the loss. turned : dL/dW takes products with the
        transpose of dL/dz, where the layer is not too narrow for that.
    """
    kit = works.kit
    table = np.zeros((len(net.layers), len(LAYER)), np.int64)
    start, below = 0, 0
    for number, (layer, code, rate) in enumerate(zip(net.layers, functions, rates, strict=True)):
        simple = is_identity(layer.activation)  # z is a, and there is no slope
        ends_closed = closed and number == len(net.layers) - 1
        wide = kit.padded(layer.n_out)
        z = works.take(wide * tile)
        a = z if simple else works.take(wide * tile)
        d = works.take(wide * tile) if learning else 0
        across = learning and turned and 2 * layer.n_out >= kit.lanes
        dt = works.take(wide * tile) if across else -1
        bias = start + layer.n_in * layer.n_out if layer.bias else -1
        m = works.take(wide * tile) if rate else -1
        # softmax's chain rule asks for a, and not for z
        saved = z if rate and isinstance(layer.activation, Softmax) else a
        answer, learn, chain = (0 if simple else code[f] for f in ("answer", "learn", "chain"))
        table[number] = (
            layer.n_in, layer.n_out, wide, start, bias, below, z, a, d, dt,
            answer if ends_closed else learn, answer, 0 if ends_closed else chain,
            0 if simple else code["along"], m, saved, threshold(rate), bits(kept(rate)),
        )  # fmt: skip
        start, below = start + layer.n_params, a
    return table


def bits(number: float) -> int:
    """The bits of a float64, as a whole number."""
    return int(np.float64(number).view(np.int64))
