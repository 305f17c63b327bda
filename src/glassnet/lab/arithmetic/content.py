"""What the panel shows of the thing that is selected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from glassnet.lab.arithmetic.asked import Asked
from glassnet.lab.arithmetic.epoch import epoch
from glassnet.lab.arithmetic.inputs import an_input
from glassnet.lab.arithmetic.layer import layer
from glassnet.lab.arithmetic.loss import loss
from glassnet.lab.arithmetic.neuron import neuron
from glassnet.lab.arithmetic.parameter import parameter
from glassnet.lab.arithmetic.reading import Reading, Told
from glassnet.lab.arithmetic.sample import sample
from glassnet.lab.arithmetic.whole import whole
from glassnet.lab.pick import Kind

DIGITS = "Computed from full precision; the last digit may differ."
COUNTING = "Words count from 1, places in brackets from 0."

TOLD: dict[Kind, Callable[[Reading], Told]] = {
    "neuron": neuron,
    "weight": parameter,
    "bias": parameter,
    "input": an_input,
    "sample": sample,
    "layer": layer,
    "loss": loss,
    "epoch": epoch,
    "none": whole,
}


@dataclass(frozen=True)
class Content:
    """What the panel shows.

    said : the same in one short line, to be read aloud.
    place, typed : what can be typed over, W1[0,2], and its number in full; empty if nothing can.
    """

    title: str
    html: str
    said: str
    place: str = ""
    typed: str = ""


def arithmetic(asked: Asked) -> Content:
    """The arithmetic of what is selected."""
    pick = asked.pick.check(asked.trace.net)
    with np.errstate(all="ignore"):  # a run that diverged is shown as it is
        read = Reading(asked)
        told = TOLD[pick.kind](read)
        heading, *rest = told.title
        when = f"before update {read.update_number}"
        title = " · ".join([heading[:1].upper() + heading[1:], *rest, when])
        notes = f'<p class="sum-notes">{DIGITS} {COUNTING}</p>'
        html = f'<div class="sum">{"".join(told.parts)}{notes}</div>'
        said = f"{title}: {read.result(*told.main)}"
        typed = repr(read.value(*told.main)) if pick.place else ""
        return Content(title, html, said, pick.place, typed)
