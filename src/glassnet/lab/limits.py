"""What one visitor may ask of the machine. Whatever is more is refused in one line."""

from __future__ import annotations

from glassnet.core.errors import BadInput

LAYERS = 8
"""Hidden layers."""
NEURONS = 128
"""Neurons of a hidden layer."""
INPUTS = 512
"""Inputs of the network, once a table's columns are encoded."""
ROWS = 100_000
"""Rows of data."""
PARAMETERS = 200_000
"""Numbers in theta."""
CELLS = 1_500_000
"""Rows of one update times neurons, each of which has a number in its trace, and one more where
dropout has a mask: with the slowest activation, gelu, that is 0.15 s, during which other pages
wait."""
WORK = 250_000_000
"""Rows times numbers in theta: 0.1 s of a trace."""
EPOCHS = 1_000_000
"""Epochs of one run, all of which can be gone to."""
CHANGES = 200
"""Changes made to a run on its way: typed weights, another learning rate."""
STARTS = 1000
"""New starts from one seed."""
POINTS = 500
"""Points added, moved or deleted by hand."""
PINS = 4
"""Runs laid beside the present one."""
KEYFRAMES = 16 * 2**20
"""Bytes of states kept of one run; what lies between them is computed again."""

CHANGED = 32 * 2**20
"""Bytes of states and rows kept where a run was changed, beside the keyframes: they cannot go."""
QUICK = 10_000_000
"""Rows times numbers in theta, of all epochs together, that are computed while the page waits:
some hundredths of a second; what is more goes to the workers."""


def within(what: str, got: int, most: int, least: int = 0, hint: str = "") -> None:
    """Refuse a number beyond its limit."""
    if not least <= got <= most:
        raise BadInput(
            f"{got if abs(got) < 10**9 else format(float(got), '.3g')} {what}",
            f"{least} to {most} are allowed on this page",
            hint,
        )
