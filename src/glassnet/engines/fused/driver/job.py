"""What a run is told, and the functions that it is made of."""

from __future__ import annotations

from dataclasses import dataclass

from glassnet.engines.fused.assembler import Code, Function, Pointer, Value
from glassnet.engines.fused.tiles import Tiles

JOB = (
    "layers", "depth", "parameters",  # the table of layers, their number, the length of theta
    "theta", "gradient", "slots",  # flat vectors; slots: a table of addresses
    "data", "held_out",  # tables of DATA; held_out may be 0
    "loss", "cost", "update",  # functions; update is 0 where only sums are wanted
    "first", "last", "batches", "batch",  # updates to make, their number in an epoch, its rows
    "step",  # updates made so far
    "mean", "alone",  # divide by the weight; each batch by itself (reduction "batch")
    "penalised", "clipped",
    "constants",  # l1, l2, clip
    "steps", "step_size",  # the table of steps from the first update on, and numbers in a row
    "running",  # what the epoch has cost so far: loss, objective, their weight
    "losses", "objectives", "validation",  # one number an epoch
    "epoch",  # which of these comes next
    "tile", "tiles_a_slab", "grouped", "group",  # samples a tile; which way; samples a group
    "by_lanes",  # whether a group's sums are kept lane by lane
    "resident",  # whether the inputs of all tiles stay in memory
    "inputs", "input_size", "works", "work_size",  # memory of the tiles
    "y_place", "w_place",  # where a tile's targets and weights lie among its inputs
    "output_z", "output_a", "output_d", "outputs",  # of the last layer
    "held_inputs", "held_works",  # memory for validation, a tile for each thread
    "lane_sums", "lane_size", "group_gradients",
    "dropping", "low", "high",  # whether neurons are left out in updates, and dropout's key
    "tiny",  # the function for a tiny network, or 0
    "quick",  # `tiny.repeat`, where all rows are one tile and nothing else is asked for, or 0
    "parts", "held_parts",  # loss and weight of each tile or group
    "sync", "yield", "failed",
    "out",  # where predictions go
)  # fmt: skip
"""What a run is told, and tells: whole numbers and addresses in one table."""

BOTH, FINISH, UPDATE = range(3)
"""What is wanted of a part of the gradient: to be reduced and penalised, and to move theta."""

MEASURE, LEARN, START, GO_ON = range(4)
"""What is wanted of a tile."""


class Fields:
    """A table in registers, by name; each field is read where it is first asked for."""

    def __init__(self, code: Code, table: Pointer, names: tuple[str, ...]) -> None:
        self._code, self._table, self._names = code, table, names
        self._read = {name: table[i] for i, name in enumerate(names)}

    def __getattr__(self, name: str) -> Value:
        return self._read[name]

    def pointer(self, name: str, element: object) -> Pointer:
        """The address in a field."""
        return self._code.address(self._read[name], element)  # type: ignore[arg-type]

    def put(self, name: str, value: Value) -> None:
        """Write a field."""
        self._table[self._names.index(name)] = value


@dataclass(frozen=True)
class Parts:
    """The functions that runs are made of."""

    tiles: Tiles
    barrier: Function
    tile_pass: Function
    tile_dropping: Function
    validate: Function
    apply: Function
