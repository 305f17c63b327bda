"""The fused engine: whole runs within compiled code. `plan.py` and `driver` say how."""

from glassnet.engines.fused.engine import Fused

__all__ = ["Fused"]
