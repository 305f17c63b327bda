"""From the text of a module to machine code, kept on disk for the next process.

A cached file is named after all that the code depends on: the module's text, the machine, how LLVM
is told to go about it, the versions of LLVM and llvmlite. It carries its own checksum: one that is
damaged is made anew. The directory and the files are the user's, and nobody else may write to
them; where that is not so, nothing is read or written. Without a cache all works, less quickly.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Any

from glassnet.engines.fused.target import Target

_one_at_a_time = RLock()
"""Around calls of LLVM: a child forked meanwhile would find its lock closed for ever."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_one_at_a_time.acquire,
        after_in_parent=_one_at_a_time.release,
        after_in_child=_one_at_a_time.release,
    )


@dataclass(frozen=True, eq=False)
class Library:
    """Compiled functions, in memory as long as this lives."""

    engine: Any

    def address(self, name: str) -> int:
        """Where a function begins."""
        with _one_at_a_time:
            return int(self.engine.get_function_address(name))


def load(text: str, target: Target, *, thorough: bool = True) -> Library:
    """The functions of a module: from the cache, or compiled now.

    thorough : let LLVM look for everything it knows, which is worth its time for formulas; kernels
        that are written as they should run need little more than registers for their variables.
    """
    import llvmlite.binding as llvm

    how = f"{thorough} {OPTIONS} {LIGHT}"
    parts = [text, target.triple, target.cpu, target.features, how, llvm_version()]
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    code = read(key)
    with _one_at_a_time:
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


# the loops are written in vectors already: neither vectorise nor unroll them again
OPTIONS = {"loop_vectorization": False, "slp_vectorization": False, "loop_unrolling": False}


def compiled(text: str, target: Target, *, thorough: bool = True) -> bytes:
    """A module as an object file."""
    import llvmlite.binding as llvm

    machine = target.machine()
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = target.triple, str(machine.target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    for name, value in OPTIONS.items():
        setattr(options, name, value)
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
UNUSED = 90 * 86400
"""Seconds after which a file that nobody asked for is thrown away."""
MOST = 64 * 2**20
"""Bytes that the cache may take; the files asked for last are kept."""


def root() -> Path:
    """Where this system keeps what can be made again; `GLASSNET_CACHE_DIR` names another place."""
    named = os.environ.get("GLASSNET_CACHE_DIR")
    if named:
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "glassnet"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/glassnet"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "glassnet"


def ours(found: os.stat_result) -> bool:
    """Whether a file or directory is the user's own, and nobody else may write to it."""
    if not hasattr(os, "getuid"):  # Windows: a user's own folders are
        return True
    return found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@cache
def directory() -> Path | None:
    """Where machine code is kept; None where no private place is to be had."""
    try:
        place = root()
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return place if ours(place.stat()) else None  # else somebody could put code there
    except (OSError, RuntimeError):  # RuntimeError: the user has no home
        return None


def read(key: str) -> bytes | None:
    """The object file kept under a key, if it is whole."""
    place = directory()
    if place is None:
        return None
    try:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(place / key, flags), "rb") as file:
            found = os.fstat(file.fileno())
            if not ours(found):
                return None
            held = file.read()
    except OSError:
        return None
    if time.time() - found.st_mtime > 86400:  # so that `tidy` sees it in use
        with contextlib.suppress(OSError):
            os.utime(place / key)
    head, code = held[: len(MAGIC) + 32], held[len(MAGIC) + 32 :]
    return code if head == MAGIC + hashlib.sha256(code).digest() else None


def write(key: str, code: bytes) -> None:
    """Keep an object file: whole or not at all. A full disk is no reason to fail."""
    place = directory()
    if place is None:
        return
    with contextlib.suppress(OSError):
        tidy(place)
    with contextlib.suppress(OSError):
        handle, name = tempfile.mkstemp(prefix=UNFINISHED, dir=place)  # for this user alone
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(MAGIC + hashlib.sha256(code).digest() + code)
            Path(name).replace(place / key)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise


UNFINISHED = "unfinished-"


@cache
def tidy(place: Path) -> None:
    """Throw away what nobody used for long, or what is too much. Once in a process."""
    now, total = time.time(), 0
    with os.scandir(place) as entries:
        files = [(entry.stat(follow_symlinks=False), entry) for entry in entries]
    for found, entry in sorted(files, key=lambda file: -file[0].st_mtime):
        age = now - found.st_mtime
        if entry.name.startswith(UNFINISHED):
            wanted = age < 3600  # else it was left behind by a process that was killed
        elif re.fullmatch("[0-9a-f]{64}", entry.name):
            total += found.st_size
            wanted = age < UNUSED and total <= MOST
        else:
            continue  # whatever it is, it is not from here
        if not wanted:
            with contextlib.suppress(OSError):
                Path(entry.path).unlink()
