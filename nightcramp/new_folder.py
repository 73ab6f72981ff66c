"""A folder that is there whole or not at all, and never in the place of another."""

from __future__ import annotations

import secrets
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nightcramp.errors import OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["new_folder", "refuse_existing"]


def refuse_existing(out: Path) -> None:
    """Refuse to write where something is already.

    Raises
    ------
    UsageError
        If it exists.
    """
    if out.exists() or out.is_symlink():
        raise UsageError(f"{out}: exists, and nothing is overwritten; name a new one with --out")


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Make a folder beside `out` that takes its place when the block has succeeded.

    Raises
    ------
    UsageError
        If `out` exists.
    OutputError
        If it cannot be written.
    """
    refuse_existing(out)
    folder = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    try:
        folder.mkdir(parents=True)
        yield folder
        folder.rename(out)
    except OSError as error:
        raise OutputError(
            f"{out}: could not be written ({error.strerror or error}). "
            "Check that you may write there and that the disk has space."
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
