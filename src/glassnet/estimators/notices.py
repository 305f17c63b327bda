"""Warnings that stand at the user's line and answer to scikit-learn's filters."""

from __future__ import annotations

import sys
import warnings
from types import FrameType

AS = "sklearn.neural_network._multilayer_perceptron"
"""Where scikit-learn warns: what silences module="sklearn" there does so here."""


def warn(said: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that called `fit`, also where it did so through a meta-estimator."""
    frame = sys._getframe(1)
    while _ours(frame) and frame.f_back is not None:
        frame = frame.f_back
    registry = frame.f_globals.setdefault("__warningregistry__", {})
    warnings.warn_explicit(
        said, category, frame.f_code.co_filename, frame.f_lineno, AS, registry=registry
    )


def _ours(frame: FrameType) -> bool:
    name = frame.f_globals.get("__name__", "")
    # sklearn.base wraps `fit`; contextlib's managers stand between the two
    return name.partition(".")[0] == "glassnet" or name in ("sklearn.base", "contextlib")
