"""How a journal is known without being opened: by the name of its folder, or what lies in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX = ".ncj"
"""Ending of a journal's folder, and of the segments in it."""

_SEGMENT_NAME = re.compile(r"(\d{4,5})\.ncj")


def segment_path(folder: Path, number: int) -> Path:
    """Return the file of a segment."""
    return folder / f"{number:04}{SUFFIX}"


def segment_paths(folder: Path) -> list[Path]:
    """Return the segments in a folder in their order."""
    named = [(_SEGMENT_NAME.fullmatch(path.name), path) for path in folder.glob(f"*{SUFFIX}")]
    return [path for _, path in sorted((int(name[1]), path) for name, path in named if name)]


def is_journal(path: Path) -> bool:
    """Whether a journal is meant: it is named as one, or its folder, renamed, holds segments."""
    return path.suffix == SUFFIX or (path.is_dir() and bool(segment_paths(path)))


def find_journals(path: Path) -> list[Path]:
    """Return the journals at or below a path in order; `path` itself if there is none below."""
    named = path.rglob(f"*{SUFFIX}")
    inside = {one if one.is_dir() else one.parent for one in named}
    return sorted(folder for folder in inside if is_journal(folder)) or [path]
