"""The command line: text comes in, text and pictures go out. Each command has a file.

Bad input ends with one line on the error stream, got · wanted · try, and status 2; `--debug` shows
where it arose.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

import glassnet
from glassnet.core.errors import GlassnetError
from glassnet.engines.divergence import Divergence

app = App(
    name="glassnet",
    help="Neural networks you can see through.",
    version=glassnet.__version__,
    help_epilogue="Every command has its own --help. --debug shows where an error arose.",
)
COMMANDS = {
    "demo": "Replay the teaching notebook and compare every number that it prints.",
    "train": "Learn a column of a table from the others.",
    "predict": "Ask a model about the rows of a table.",
    "evaluate": "Measure a model on rows whose target is known.",
    "info": "Show what is in a model file.",
    "walk": "Walk through every number of an update, worked out.",
    "check": "Prove the gradient of every parameter by measuring it.",
    "quiz": "Work out the numbers of a network by hand.",
    "lab": "Open a page on which a network trains before your eyes.",
}
for name, summary in COMMANDS.items():
    # by its path: a command, and what it needs, is loaded only when it is called
    app.command(f"glassnet.cli.{name}:{name}", name=name, help=summary)
export = App(name="export", help="Write a network in another form: a notebook.")
export.command(
    "glassnet.cli.export:notebook",
    name="notebook",
    help="Write a notebook that needs NumPy alone and proves what it shows.",
)
app.command(export)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is returned.

    0: done. 1: done, and something does not agree or has diverged. 2: bad input. 130: Ctrl-C.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        status = app(words, result_action="return_value", exit_on_error=False, print_error=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except BrokenPipeError:
        # whoever read our output has seen enough: `glassnet info … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (GlassnetError, CycloptsError, KeyboardInterrupt, OSError, MemoryError) as error:
        if debug:
            raise
        line, status = _said(error)
        print(f"glassnet: {' '.join(line.split())}", file=sys.stderr)
        return status


def _said(error: BaseException) -> tuple[str, int]:
    """What an error says in a line, and the exit status."""
    match error:
        case Divergence():
            return str(error), 1
        case CycloptsError():
            return f"{error} See `glassnet --help`.", 2
        case KeyboardInterrupt():
            return "stopped by Ctrl-C, nothing was written.", 130
        case MemoryError():
            return f"out of memory: {error}", 2
    return str(error), 2
