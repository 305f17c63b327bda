"""Pictures for a slide: each function draws on matplotlib Axes and gives them back.

Without `ax` a figure of its own is made. Nothing here touches pyplot or its global figures, so
that pictures can be drawn without a display and in several threads. Blue and orange differ in
lightness, and marks in shape, so that all of it can be read in grey and by the colour-blind.

    ax = decision_boundary((net, state.theta), X, y)
    save(ax, "boundary.png")
"""

from glassnet.plots.agreement import predicted_vs_true
from glassnet.plots.boundary import SHADES, Predict, decision_boundary
from glassnet.plots.canvas import COLOURS, INK, MARKERS, axes, save
from glassnet.plots.history import Losses, loss_curve
from glassnet.plots.mistakes import confusion, confusion_counts
from glassnet.plots.samples import scatter
from glassnet.plots.weights import network

__all__ = [
    "COLOURS",
    "INK",
    "MARKERS",
    "SHADES",
    "Losses",
    "Predict",
    "axes",
    "confusion",
    "confusion_counts",
    "decision_boundary",
    "loss_curve",
    "network",
    "predicted_vs_true",
    "save",
    "scatter",
]
