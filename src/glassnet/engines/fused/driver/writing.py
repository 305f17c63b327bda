"""All of it, written into a module."""

from __future__ import annotations

from glassnet.engines.fused.assembler import F64, I64, Module, Pointing, Type
from glassnet.engines.fused.driver.groups import groups
from glassnet.engines.fused.driver.job import Parts
from glassnet.engines.fused.driver.meeting import wait
from glassnet.engines.fused.driver.one_tile import pass_tile
from glassnet.engines.fused.driver.prediction import predict
from glassnet.engines.fused.driver.slabs import slabs
from glassnet.engines.fused.driver.training import train
from glassnet.engines.fused.driver.update import apply_update, length
from glassnet.engines.fused.driver.validation import validation
from glassnet.engines.fused.formulas import write_penalty
from glassnet.engines.fused.orders import write_shuffle
from glassnet.engines.fused.target import Kit
from glassnet.engines.fused.tiles import Tiles, tiles


def write_driver(module: Module, kit: Kit) -> Tiles:
    """`train(job, me, threads)` and `predict(job, me, threads)`, with all that they call."""
    table, real = Pointing(I64), Pointing(kit.real)
    write_penalty(module, kit)
    module.define("length", [real, I64], length(kit), returns=F64)
    parts_of_tiles = tiles(module, kit)
    barrier = module.define("barrier", [table, I64, I64], wait())
    tile: list[Type | Pointing] = [table, table, real, real, I64, I64, I64, I64, Pointing(F64)]
    tile_pass = module.define("tile_pass", tile, pass_tile(kit, parts_of_tiles))
    tile_dropping = module.define(
        "tile_dropping", [*tile, I64, I64], pass_tile(kit, parts_of_tiles, dropping=True)
    )
    validate = module.define(
        "validate", [table, I64, I64, I64], validation(kit, tile_pass, barrier)
    )
    apply = module.define("apply", [table, I64, I64, I64, I64, F64, I64, I64], apply_update(kit))
    parts = Parts(parts_of_tiles, barrier, tile_pass, tile_dropping, validate, apply)
    by_slabs = module.define(
        "by_slabs", [table, I64, I64, I64, I64, I64, Pointing(F64)], slabs(kit, parts)
    )
    by_groups = module.define(
        "by_groups", [table, I64, I64, I64, I64, I64, Pointing(F64)], groups(kit, parts)
    )
    module.define("train", [table, I64, I64], train(kit, parts, by_slabs, by_groups), public=True)
    module.define("predict", [table, I64, I64], predict(kit, parts_of_tiles), public=True)
    write_shuffle(module)
    return parts_of_tiles
