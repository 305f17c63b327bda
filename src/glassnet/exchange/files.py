"""Files, whole or not at all: written beside their place, flushed, then renamed into it."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from glassnet.core.errors import BadFile


@contextmanager
def atomic(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give the name of a new, empty file beside `path`; move it to `path` once the block is done.

    Whoever reads `path` sees the old file or the new one, never a half. If the block fails, or
    is interrupted, the temporary file is removed and `path` stays as it was.
    """
    target, temporary = _beside(path)
    try:
        yield temporary
        with suppress(FileNotFoundError):
            os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
        _sync(temporary)
        os.replace(temporary, target)
        _sync(target.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        # gone already where all went well
        with suppress(OSError):
            os.unlink(temporary)


def _beside(path: str | os.PathLike[str]) -> tuple[Path, Path]:
    """Where `path` leads, and a new, empty file in the same folder."""
    # a link is followed, so that the file it points to is replaced and not the link itself
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            raise OSError(errno.EISDIR if target.is_dir() else errno.EINVAL, "not a regular file")
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
        # opened plainly, not by tempfile, so that the umask decides who may read the file
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    except OSError as error:
        raise cannot_write(path, error) from error
    return target, temporary


def check_writable(path: str | os.PathLike[str]) -> None:
    """Refuse a place that cannot be written, before the work whose fruit is to stand there."""
    _, temporary = _beside(path)
    os.unlink(temporary)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_bytes(data)


def read_bytes(path: str | os.PathLike[str], limit: int) -> bytes:
    """Read a file of at most `limit` bytes; its size is known before any memory is taken."""
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EISDIR, "not a regular file")
            if status.st_size > limit:
                raise BadFile(
                    f"{os.fspath(path)} has {status.st_size} bytes",
                    f"at most {limit} are read",
                    "Is it the right file?",
                )
            return file.read(limit)
    except OSError as error:
        raise cannot_read(path, error) from error


def cannot_read(path: str | os.PathLike[str], error: OSError) -> BadFile:
    """The operating system's refusal to read, in one line."""
    name = os.fspath(path)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return BadFile(f"{name} does not exist", "a file was expected", "Is the name right?")
    if error.errno in (errno.EACCES, errno.EPERM):
        return BadFile(f"{name} may not be read", "a readable file was expected", "Try ls -l.")
    if error.errno == errno.EISDIR:
        hint = "Name a file in it." if os.path.isdir(path) else ""
        what = "a folder" if os.path.isdir(path) else "no regular file"
        return BadFile(f"{name} is {what}", "a file was expected", hint)
    return BadFile(f"{name}: {error.strerror or error}", "a readable file was expected")


def cannot_write(path: str | os.PathLike[str], error: OSError) -> BadFile:
    """The operating system's refusal to write, in one line."""
    name, folder = os.fspath(path), os.path.dirname(os.fspath(path)) or "."
    unchanged = "Nothing was changed"
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            got, hint = "the disk is full", f"{unchanged}; free some space and try again."
        case errno.ENOENT:
            got, hint = f"the folder {folder} does not exist", f"Try mkdir -p {folder}"
        case errno.ENOTDIR:
            got, hint = f"{folder} is not a folder", f"{unchanged}; name another place."
        case errno.EACCES | errno.EPERM | errno.EROFS:
            got, hint = f"{folder} may not be written", f"{unchanged}; name another place."
        case errno.EISDIR:
            got, hint = "it is a folder", "Name a file in it."
        case errno.EINVAL:
            got, hint = "it is no regular file", f"{unchanged}; name another place."
        case errno.ENAMETOOLONG:
            got, hint = "the name is too long", f"{unchanged}; choose a shorter one."
        case _:
            got, hint = error.strerror or str(error), f"{unchanged}."
    return BadFile(f"{name} cannot be written: {got}", "a place to write was expected", hint)


def _sync(path: Path) -> None:
    """Wait until the file, or the folder's entry for it, is on the disk."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:
        if path.is_dir():  # some systems cannot open a folder; the rename has happened all the same
            return
        raise
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
