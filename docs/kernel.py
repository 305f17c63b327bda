"""Run in each page's kernel before its first block: `%%bash` as a terminal would show it."""

from __future__ import annotations

import os
import subprocess

from IPython.core.magic import register_cell_magic

for name in ("FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"):  # ipykernel asks for colour
    os.environ.pop(name, None)
os.environ["COLUMNS"] = "86"


@register_cell_magic("bash")
def whole_output(line: str, cell: str) -> None:
    """Print what the commands print, in one piece; a command that fails fails the page."""
    command = ["bash", "-e", "-o", "pipefail", "-c", cell]
    done = subprocess.run(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    print("\n".join(line.rstrip() for line in done.stdout.strip("\n").splitlines()))
    if done.returncode:
        raise RuntimeError(f"exit status {done.returncode}")
