"""Small file systems of our own, where this machine allows them."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class NotAllowedError(Exception):
    """This machine does not let us mount file systems."""


@contextlib.contextmanager
def ext4(image: Path, megabytes: int) -> Iterator[Path]:
    """Make an ext4 file system in a file and mount it.

    Raises
    ------
    NotAllowedError
    """
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    _run("mkfs.ext4", "-q", "-m", "0", image)
    with mounted(image) as folder:
        yield folder


@contextlib.contextmanager
def mounted(image: Path) -> Iterator[Path]:
    """Mount an image, as after a power cut: its own journal is replayed first."""
    folder = image.with_suffix(".mount")
    folder.mkdir(exist_ok=True)
    _run("mount", "-o", "loop", image, folder)
    try:
        yield folder
    finally:
        _run("umount", "-l", folder)


def sectors_written(folder: Path) -> int:
    """Return how many sectors of 512 bytes went to the block device of a mounted folder."""
    device = subprocess.run(
        ["findmnt", "-n", "-o", "SOURCE", folder], capture_output=True, text=True, check=True
    ).stdout.strip()
    return int(Path(f"/sys/block/{Path(device).name}/stat").read_text(encoding="ascii").split()[6])


def _run(*command: str | Path) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotAllowedError(f"{command[0]} does not work here") from error
