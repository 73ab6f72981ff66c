"""The key of the page: its token and where it is served, for its owner only."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from nightcramp.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path

KEY_NAME = ".page.json"
"""In the folder of nights. It stays, so that open windows work again after a restart."""


@dataclass(frozen=True, slots=True)
class PageKey:
    """The key of the page.

    Attributes
    ----------
    token : str
    port : int
        Where it was served last.
    """

    token: str
    port: int


def read_key(home: Path) -> PageKey | None:
    """Return the key of a folder; None if there is none, or others could have read or made it."""
    path = home / KEY_NAME
    try:
        found = path.lstat()
        if found.st_uid != os.getuid() or found.st_mode & 0o077:
            return None
        content = json.loads(path.read_text(encoding="utf-8"))
        return PageKey(str(content["token"]), int(content["port"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_key(home: Path, key: PageKey) -> None:
    """Keep the key of a folder.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    path = home / KEY_NAME
    try:
        path.unlink(missing_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as out:
            json.dump(asdict(key), out)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror}). Give a folder that you may write to, "
            "with --home."
        ) from error
