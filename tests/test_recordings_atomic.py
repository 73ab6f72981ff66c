"""Files replaced whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from typing import TYPE_CHECKING

import pytest

from nightcramp.errors import OutputError, RecordingError
from recordings import (
    check_writable,
    content_hash,
    remove_leftovers,
    replace_file,
    write_bytes,
    write_text,
)

if TYPE_CHECKING:
    from pathlib import Path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write_half(path: Path, failure: BaseException) -> None:
    with replace_file(path) as temporary:
        temporary.write_text("half")
        raise failure


def is_folder(descriptor: int) -> bool:
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


def test_a_file_holds_what_was_written_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    write_text(tmp_path / "a.tsv", "onset\tµV\n")
    write_bytes(tmp_path / "b.bin", b"\x00\xff")
    assert (tmp_path / "a.tsv").read_bytes() == "onset\tµV\n".encode()
    assert (tmp_path / "b.bin").read_bytes() == b"\x00\xff"
    assert names(tmp_path) == ["a.tsv", "b.bin"]


def test_whether_a_file_could_be_written_is_known_before(tmp_path: Path) -> None:
    write_text(tmp_path / "old.onnx", "old")
    check_writable(tmp_path / "old.onnx")
    check_writable(tmp_path / "new.onnx")
    assert names(tmp_path) == ["old.onnx"]
    assert (tmp_path / "old.onnx").read_text() == "old"
    for path in (tmp_path, tmp_path / "old.onnx" / "new.onnx", tmp_path / "none" / "new.onnx"):
        with pytest.raises(OutputError, match="could not be written"):
            check_writable(path)


def test_the_temporary_file_stands_beside_and_keeps_the_ending(tmp_path: Path) -> None:
    with replace_file(tmp_path / "night.svg") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".svg"
        assert not temporary.exists()
        temporary.write_text("x")
        assert not (tmp_path / "night.svg").exists()
    assert (tmp_path / "night.svg").read_text() == "x"


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt])
def test_an_interrupted_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, interruption: type[BaseException]
) -> None:
    path = tmp_path / "night.json"
    path.write_text("old")
    with pytest.raises(interruption):
        write_half(path, interruption())
    assert path.read_text() == "old"
    assert names(tmp_path) == ["night.json"]


def test_a_full_disk_is_an_output_error_that_names_file_and_remedy(tmp_path: Path) -> None:
    path = tmp_path / "night.json"
    path.write_text("old")
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(OutputError, match=r"night\.json.*No space left.*space") as caught:
        write_half(path, full)
    assert caught.value.__cause__ is full
    assert path.read_text() == "old"
    assert names(tmp_path) == ["night.json"]


def test_a_missing_folder_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="Check that the folder exists"):
        write_text(tmp_path / "none" / "a.txt", "x")


def test_a_block_that_writes_nothing_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError), replace_file(tmp_path / "a.txt"):
        pass
    assert names(tmp_path) == []


def test_file_and_folder_are_synchronised_around_the_renaming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    seen = []

    def fsync(descriptor: int) -> None:
        seen.append((is_folder(descriptor), path.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    write_text(path, "x")
    assert seen == [(False, False), (True, True)]


def test_a_folder_that_cannot_be_synchronised_does_not_spoil_the_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(descriptor: int) -> None:
        if is_folder(descriptor):
            raise OSError(errno.EINVAL, "not here")

    monkeypatch.setattr(os, "fsync", fsync)
    write_text(tmp_path / "a.txt", "x")
    assert (tmp_path / "a.txt").read_text() == "x"


def test_the_content_hash_is_sha256_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "night.edf"
    path.write_bytes(b"abc" * 1_000_000)
    assert content_hash(path) == hashlib.sha256(b"abc" * 1_000_000).hexdigest()
    with pytest.raises(RecordingError, match=r"none\.edf: cannot be read"):
        content_hash(tmp_path / "none.edf")


def test_leftovers_of_a_killed_process_are_removed_and_no_others(tmp_path):
    with replace_file(tmp_path / "mine.txt") as unfinished:
        unfinished.write_text("still being written")
        dead = tmp_path / unfinished.name.replace(f"-{os.getpid()}-", "-999999999-")
        foreign = tmp_path / dead.name.replace(dead.name[6:14], "00000000")
        dead.write_text("half")
        foreign.write_text("half, on another computer")
        remove_leftovers(tmp_path)
        assert unfinished.exists()
        assert foreign.exists()
        assert not dead.exists()
