"""The arithmetic of what is selected: formula, the same with its numbers, result, proof, links.

    trace, pick, sample, phase reached → title and HTML

Nothing is computed here. Every number is one of the trace's, worked out by `explain` and measured
by `proof`; what the phase has not reached is said to be not computed yet. Words count from 1,
places in brackets from 0. All text that comes from a visitor is escaped.

A file for each thing that can be selected; all of them read the trace through `reading.py`.
"""

from glassnet.lab.arithmetic.asked import Asked
from glassnet.lab.arithmetic.content import Content, arithmetic

__all__ = ["Asked", "Content", "arithmetic"]
