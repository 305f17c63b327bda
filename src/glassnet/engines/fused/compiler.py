"""From the text of a module to machine code, kept on disk for the next process.

A cached file is named after all that the code depends on: the module's text, the machine, the
versions of LLVM and llvmlite. It carries its own checksum: one that is damaged is made anew. The
directory belongs to the user alone; where it does not, nothing is read from it or written to it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from glassnet.engines.fused.target import Target


@dataclass(frozen=True, eq=False)
class Library:
    """Compiled functions, in memory as long as this lives."""

    engine: Any

    def address(self, name: str) -> int:
        """Where a function begins."""
        return int(self.engine.get_function_address(name))


def load(text: str, target: Target, *, thorough: bool = True) -> Library:
    """The functions of a module: from the cache, or compiled now.

    thorough : let LLVM look for everything it knows, which is worth its time for formulas; kernels
        that are written as they should run need little more than registers for their variables.
    """
    import llvmlite.binding as llvm

    key = hashlib.sha256(
        "\0".join([text, target.triple, target.cpu, target.features, llvm_version()]).encode()
    ).hexdigest()
    code = read(key)
    if code is None:
        code = compiled(text, target, thorough=thorough)
        write(key, code)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target.machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return Library(engine)


@cache
def llvm_version() -> str:
    """The versions on which machine code depends."""
    import llvmlite
    import llvmlite.binding as llvm

    return f"{llvmlite.__version__} {llvm.llvm_version_info}"


LIGHT = (
    "always_inliner", "sroa", "simplify_cfg", "instruction_combine", "loop_rotate", "new_gvn",
    "simplify_cfg", "dead_code_elimination", "global_dead_code_eliminate",
)  # fmt: skip
"""LLVM's passes for kernels: a tenth of the time of all of them, and code as fast."""


def compiled(text: str, target: Target, *, thorough: bool = True) -> bytes:
    """A module as an object file."""
    import llvmlite.binding as llvm

    machine = target.machine()
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = target.triple, str(machine.target_data)
    # the loops are written in vectors already: neither vectorise nor unroll them again
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = options.slp_vectorization = options.loop_unrolling = False
    builder = llvm.create_pass_builder(machine, options)
    if thorough:
        passes = builder.getModulePassManager()
    else:
        passes = llvm.create_new_module_pass_manager()
        for name in LIGHT:
            getattr(passes, f"add_{name}_pass")()
    passes.run(module, builder)
    return bytes(machine.emit_object(module))


# ---- the cache

MAGIC = b"glassnet code 1\n"


@cache
def directory() -> Path | None:
    """Where machine code is kept; None where no private place is to be had.

    `GLASSNET_CACHE_DIR` names another one.
    """
    named = os.environ.get("GLASSNET_CACHE_DIR")
    if named:
        place = Path(named)
    elif sys.platform == "win32":
        place = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "glassnet"
    elif sys.platform == "darwin":
        place = Path.home() / "Library/Caches/glassnet"
    else:
        place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "glassnet"
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = place.stat()
        if hasattr(os, "getuid") and (
            found.st_uid != os.getuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        ):
            return None  # somebody else could put code there
    except OSError:
        return None
    return place


def read(key: str) -> bytes | None:
    """The object file kept under a key, if it is whole."""
    place = directory()
    if place is None:
        return None
    try:
        held = (place / key).read_bytes()
    except OSError:
        return None
    head, code = held[: len(MAGIC) + 32], held[len(MAGIC) + 32 :]
    return code if head == MAGIC + hashlib.sha256(code).digest() else None


def write(key: str, code: bytes) -> None:
    """Keep an object file: whole or not at all. A full disk is no reason to fail."""
    place = directory()
    if place is None:
        return
    with contextlib.suppress(OSError):
        handle, name = tempfile.mkstemp(dir=place)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(MAGIC + hashlib.sha256(code).digest() + code)
            Path(name).replace(place / key)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
