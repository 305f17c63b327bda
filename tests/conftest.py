"""How tests are called, and what they find when they begin, wherever and whenever they are run."""

from __future__ import annotations

import signal

LONGEST = 60


def pytest_configure() -> None:
    """Ctrl-C is heard: a shell that runs us in the background has it ignored, by children too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_make_parametrize_id(val: object) -> str | None:
    """A name for a long text or for bytes; pytest numbers those that come out alike."""
    if isinstance(val, bytes) and (len(val) > LONGEST or not val.isascii()):
        return f"{len(val)}-bytes"
    if isinstance(val, str) and len(val) > LONGEST:
        return f"{val[:LONGEST]}…"
    return None
