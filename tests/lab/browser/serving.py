"""The lab's real server in a process of its own, and the Chromium that looks at it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import IO

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 60.0
"""Seconds for the server to say where it is, on a machine that does much else."""


def chromium() -> str | None:
    """Where a Chromium is, as tools/chromium.sh looks for it."""
    asked = os.environ.get("CHROMIUM")
    return next(filter(None, map(shutil.which, filter(None, (asked, *NAMES)))), None)


@contextlib.contextmanager
def served(*words: str) -> Iterator[str]:
    """The address of `glassnet lab` on a free port, with further words of its command line."""
    command = [sys.executable, "-m", "glassnet", "lab", "--no-open", "--port", "0", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield _address(process, process.stdout)
        finally:
            process.send_signal(signal.SIGINT)  # as Ctrl-C does
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _address(process: subprocess.Popen[str], said: IO[str]) -> str:
    # a server that neither speaks nor ends would be waited for without end
    late = threading.Timer(PATIENCE, process.kill)
    late.start()
    try:
        for line in said:
            if "http://" in line:
                return line.split()[-1].rstrip("/") + "/"
    finally:
        late.cancel()
    raise RuntimeError(f"the lab's server did not start; its status is {process.wait()}")
