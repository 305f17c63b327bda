"""What the arithmetic is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from glassnet.lab.pick import Pick
from glassnet.lab.position import Phase
from glassnet.walkthrough.step import Layout, Names
from glassnet.walkthrough.trace import Trace


@dataclass(frozen=True, eq=False)
class Asked:
    """What is to be shown, and how.

    sample : the current one's place in the trace; None where it is not in it.
    rows : the training row of each sample of the trace, where that is a batch and not all of them.
    called : what the current sample is called: "validation sample 3".
    reached : the last phase that Next has been through.
    digits : None for all of them.
    inputs, outputs, scaling : names of the columns, and how each input was scaled.
    update : which one comes next, where the trace does not know.
    proofs : whether derivatives are measured, which takes its time; not while playing.
    recorded : of a point of the curve, what was noted there: ("loss", 0.25), ("rows", "1 to 64").
    """

    trace: Trace
    pick: Pick
    sample: int | None = 0
    reached: Phase = "all"
    digits: int | None = 4
    names: Names = "math"
    layout: Layout = "rows"
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    scaling: tuple[str, ...] = ()
    rows: Sequence[int] | np.ndarray | None = None
    called: str = ""
    update: int | None = None
    proofs: bool = True
    recorded: tuple[tuple[str, float | str], ...] = ()
