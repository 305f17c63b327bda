"""Which engine: by name, where a name is all that a user wants to say."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Literal

from glassnet.core.errors import BadInput
from glassnet.engines.base import Engine
from glassnet.engines.reference import Reference

EngineName = Literal["auto", "fused", "reference"]


def choose(engine: Engine | EngineName = "auto") -> Engine:
    """The engine itself, or the one of a name.

    "auto" is the fused engine where it is to be had, else the reference engine; which of them, and
    why, is said once.
    """
    if not isinstance(engine, str):
        verbs = ("predict", "sums", "loss_and_grad", "epochs")
        if all(hasattr(engine, verb) for verb in verbs) and not isinstance(engine, type):
            return engine
        raise BadInput(
            f"engine={engine!r}", "an engine or its name is expected", 'Try "auto" or gn.Fused().'
        )
    if engine == "reference":
        return Reference()
    if engine not in ("auto", "fused"):
        raise BadInput(
            f"engine={engine!r}", '"auto", "fused", "reference" or an engine is expected'
        )
    reason = _missing()
    if reason is None:
        from glassnet.engines.fused import Fused

        return Fused()
    if engine == "fused":
        raise BadInput(f"the fused engine is not to be had: {reason}", 'try engine="auto"')
    return Reference()


@cache
def _missing() -> str | None:
    # why there is no fused engine here; asked once, so said once
    try:
        from glassnet.engines.fused.target import host

        host()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, there is another engine
        reason = f"{type(error).__name__}: {error}"
        warnings.warn(
            f"no fused engine ({reason}); the reference engine runs instead, more slowly",
            RuntimeWarning,
            stacklevel=4,
        )
        return reason
    return None
