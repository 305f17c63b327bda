"""How the engine goes about a run: which way of summing, how large a tile, what lies where.

All of it follows from the network, the dtype and the batch alone: not from the number of threads,
not from how many epochs one call makes. So none of these changes a bit of a result.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from glassnet.core.losses import Loss
from glassnet.core.network import Network
from glassnet.engines.fused.formulas import Compiled, compiled, is_identity
from glassnet.engines.fused.target import Kit
from glassnet.engines.fused.tiles import LAYER

TINY = 512
"""Parameters up to which each lane has a gradient of its own (32 kB: the first-level cache)."""
TILE = 48 * 1024
"""Bytes that a tile's memory may take, where four vectors of samples take less."""
SLAB = 512 * 1024
"""Bytes of tiles in a slab: half of a second-level cache."""
RESIDENT = 256 * 1024
"""Bytes up to which the inputs of a whole data set stay in tiles from one update to the next."""
GROUPS = 16
"""At most so many groups of samples, and threads, for a tiny network."""


@dataclass(frozen=True, eq=False)
class Plan:
    """Sizes and places, counted in numbers; see `driver.JOB`."""

    layers: np.ndarray  # (depth, len(LAYER))
    functions: tuple[Compiled, ...]  # kept alive
    tile: int
    tiles_a_slab: int
    grouped: bool
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
    kit: Kit, net: Network, loss: Loss | None, batch: int, *, whole: bool, learning: bool
) -> Plan:
    """For batches of so many rows; `whole` where every batch is the whole data set, in order."""
    n, size = kit.lanes, kit.real.bits // 8
    grouped = learning and net.n_params <= TINY
    closed = loss is not None and loss.closes(net.layers[-1].activation)
    functions = tuple(compiled(kit, layer.activation) for layer in net.layers)

    # numbers of memory that one sample takes, and of these its inputs
    own = net.n_in + net.n_out + 1
    rows = sum(kit.padded(layer.n_out) * (4 if learning else 2) for layer in net.layers)
    budget = max(TILE, 4 * n * 0)
    vectors = 4
    while vectors < 32 and 2 * vectors * n * rows * size <= budget:
        vectors *= 2
    room = 1_400_000 + net.n_params * size if learning else 750_000  # for each thread
    while vectors > 1 and vectors * n * (rows + own) * size > room:
        vectors //= 2
    work = flops(net) * batch
    if learning and work > 300_000:  # worth two threads or more: at least two tiles then
        while vectors > 2 and batch <= vectors * n:
            vectors //= 2
    tile = min(vectors * n, kit.padded(batch))
    count = -(-batch // tile)
    tile = min(tile, kit.padded(-(-batch // count)))  # even ones

    group = tile
    if grouped:
        many = int(min(GROUPS, max(1, work // 200_000), count))
        group = -(-count // many) * tile

    place = 0

    def take(numbers: int) -> int:
        nonlocal place
        at, place = place, place + -(-numbers // n) * n
        return at

    take(net.n_in * tile)
    y_place, w_place = take(net.n_out * tile), take(tile)
    input_size = take(0)

    place = 0
    table = np.zeros((len(net.layers), len(LAYER)), np.int64)
    start, below = 0, 0
    for number, (layer, code) in enumerate(zip(net.layers, functions, strict=True)):
        last = number == len(net.layers) - 1
        wide = kit.padded(layer.n_out)
        simple = is_identity(layer.activation)
        z = take(wide * tile)
        a = z if simple else take(wide * tile)
        d = take(wide * tile) if learning else 0
        turned = learning and not grouped and 2 * layer.n_out >= n
        dt = take(wide * tile) if turned else -1
        bias = start + layer.n_in * layer.n_out if layer.bias else -1
        answer = 0 if simple else code["answer"]
        learn = answer if last and closed else (0 if simple else code["learn"])
        chain = 0 if simple or (last and closed) else code["chain"]
        table[number] = (
            layer.n_in, layer.n_out, wide, start, bias, below, z, a, d, dt,
            learn, answer, chain, int(not simple and code["along"]),
        )  # fmt: skip
        start, below = start + layer.n_params, a
    work_size = take(0)

    slot = (input_size + work_size) * size
    space = max(SLAB, min(int(room), net.n_params * size))
    tiles_a_slab = max(1, min(count, space // slot))
    resident = whole and count * input_size * size <= RESIDENT
    if not grouped:
        resident = resident and tiles_a_slab == count
    return Plan(
        layers=table,
        functions=functions,
        tile=tile,
        tiles_a_slab=tiles_a_slab,
        grouped=grouped,
        group=group,
        resident=resident,
        input_size=input_size,
        work_size=work_size,
        y_place=y_place,
        w_place=w_place,
        lane_size=net.n_params * n,
        flops=flops(net),
    )
