"""How many threads there are for us: what the machine, the container and the user allow."""

from __future__ import annotations

import os


def available() -> int:
    """Processors that this process may use."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, count or 1)
