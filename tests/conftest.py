"""How tests are called: alike in every process and at every hour, and short enough to read."""

from __future__ import annotations

LONGEST = 60


def pytest_make_parametrize_id(val: object) -> str | None:
    """A name for a long text or for bytes; pytest numbers those that come out alike."""
    if isinstance(val, bytes) and (len(val) > LONGEST or not val.isascii()):
        return f"{len(val)}-bytes"
    if isinstance(val, str) and len(val) > LONGEST:
        return f"{val[:LONGEST]}…"
    return None
