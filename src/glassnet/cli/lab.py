"""`glassnet lab`: a page in the browser on which a network trains."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from glassnet.core.errors import BadInput
from glassnet.lab import opening
from glassnet.lab.data import Data
from glassnet.lab.link import opened
from glassnet.lab.server import needed, serve


def lab(
    *files: Annotated[Path, Parameter(name="TABLE|MODEL")],
    port: int | None = None,
    host: str = "127.0.0.1",
    open_: Annotated[bool, Parameter(name="--open", negative="--no-open")] = True,
    link: str = "",
) -> int:
    """Open a page on which a network trains before your eyes and every number can be clicked.

    It is served by this machine and heard on this machine alone. Ctrl-C ends it.

    Parameters
    ----------
    files
        A table to learn from, or a model file, as `glassnet train` writes it; or both, in any
        order: the model on the rows of the table. Without them: built-in data.
    port
        This port and no other; unless said, 8080 or the next free one.
    host
        An address to be heard on by other machines, such as 0.0.0.0; visitors then need the token
        in the link that is printed.
    open_
        Show the page in the browser at once.
    link
        What stands behind the ? of a link of the lab, to open the page there.
    """
    needed()
    for file in files:
        if not file.is_file():
            raise BadInput(f"{file} does not exist", "a table or a model file is expected")
    opener = opening.of_paths(*files) if files else opened
    query = link.rpartition("?")[2]
    found = opener(query)  # what is wrong with it is said here, before anything is served
    if len(files) > 1:
        print(said(found.data, *opening.which(*files)))
    serve(host=host, port=port, open_browser=open_, opener=opener, link=query)
    print("\nThe lab is closed.", flush=True)
    # whatever a worker is still computing is for nobody; Python would wait for it
    os._exit(0)


def said(data: Data, model: Path | None, table: Path | None) -> str:
    """Which file was taken for what."""
    held = 0 if data.held_X is None else len(data.held_X)
    rows = f"{len(data.X)} to learn from, {held} to measure on"
    return f"The model {model} on the rows of the table {table}: {rows}."
