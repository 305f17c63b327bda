from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

import pytest

from glassnet.core.errors import BadFile
from glassnet.exchange.files import atomic, read_bytes, write_bytes


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_new_and_old_files_hold_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    for data in (b"first", b"second, and longer", b""):
        write_bytes(path, data)
        assert path.read_bytes() == data
        assert entries(tmp_path) == ["a.bin"]


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_bytes(path, b"old")

    def interrupted() -> None:
        with atomic(path) as temporary:
            temporary.write_bytes(b"half")
            assert path.read_bytes() == b"old"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert entries(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk is full"),
        (errno.EACCES, "may not be written"),
        (errno.EROFS, "may not be written"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_the_system_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, code: int, said: str
) -> None:
    path = tmp_path / "a.bin"
    write_bytes(path, b"old")

    def refuse(*args: object, **keywords: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, step, refuse)
        with pytest.raises(BadFile, match=re.escape(said)) as caught:
            write_bytes(path, b"new")
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == b"old"
    assert entries(tmp_path) == ["a.bin"]


def test_flushed_before_it_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    real = {"fsync": os.fsync, "replace": os.replace}
    for name, function in real.items():

        def noted(*args: object, name: str = name, function: object = function) -> None:
            done.append(name)
            function(*args)  # type: ignore[operator]

        monkeypatch.setattr(os, name, noted)
    write_bytes(tmp_path / "a.bin", b"data")
    assert done == ["fsync", "replace", "fsync"]


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"does not exist.*mkdir -p"):
        write_bytes(tmp_path / "no" / "a.bin", b"")


def test_a_file_as_folder(tmp_path: Path) -> None:
    (tmp_path / "no").write_bytes(b"")
    with pytest.raises(BadFile, match="is not a folder"):
        write_bytes(tmp_path / "no" / "a.bin", b"")


def test_a_folder_as_file(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="it is a folder"):
        write_bytes(tmp_path, b"")
    with pytest.raises(BadFile, match="is a folder"):
        read_bytes(tmp_path, 10)


def test_a_name_too_long(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="too long"):
        write_bytes(tmp_path / ("a" * 300), b"")


def test_what_is_no_regular_file_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadFile, match="no regular file"):
        write_bytes(tmp_path / "pipe", b"")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_the_file_behind_a_link_is_replaced_and_keeps_its_mode(tmp_path: Path) -> None:
    path, link = tmp_path / "a.bin", tmp_path / "link"
    write_bytes(path, b"old")
    path.chmod(0o640)
    link.symlink_to(path)
    write_bytes(link, b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_the_umask_decides_who_may_read(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_bytes(tmp_path / "a.bin", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.bin").stat().st_mode) == 0o640


def test_reading(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"12345")
    assert read_bytes(path, 5) == b"12345"
    with pytest.raises(BadFile, match="5 bytes, at most 4"):
        read_bytes(path, 4)
    with pytest.raises(BadFile, match="does not exist"):
        read_bytes(tmp_path / "no", 4)
