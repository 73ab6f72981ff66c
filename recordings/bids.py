"""The files that EMG-BIDS puts beside a recording (BIDS 1.11, BEP042)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightcramp.errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recordings.recording import StreamKind

_TYPES: dict[str, StreamKind] = {"EMG": "emg", "ACCEL": "acc", "ACC": "acc"}
_EMG_ENTITY, _ACC_ENTITY = "recording-emg", "recording-acc"


@dataclass(frozen=True, slots=True)
class ListedChannel:
    """What a ``channels.tsv`` says of one channel; `kind` is None for other types."""

    kind: StreamKind | None
    bad: bool


@dataclass(frozen=True, slots=True)
class ChannelTable:
    """A ``channels.tsv``: its file, and its channels by lower-case name."""

    path: Path
    channels: dict[str, ListedChannel]


def find_channel_table(recording: Path) -> ChannelTable | None:
    """Read the ``channels.tsv`` that holds for a recording, the most special one first.

    Returns
    -------
    ChannelTable or None
        None if there is no such file beside the recording.

    Raises
    ------
    RecordingError
        If the file cannot be read or lacks the columns ``name`` and ``type``.
    """
    path = _find_table_file(recording)
    if path is not None:
        return ChannelTable(path, _read_table(path))
    return None


def find_acc_file(recording: Path) -> Path | None:
    """Return the acceleration file of a night in two files, if there is one."""
    name = recording.name
    if _EMG_ENTITY not in name:
        return None
    stem = recording.with_name(name.replace(_EMG_ENTITY, _ACC_ENTITY))
    candidates = (stem.with_suffix(ending) for ending in (recording.suffix, ".edf", ".bdf"))
    return next((path for path in candidates if path.is_file()), None)


def companion_files(recording: Path) -> tuple[Path, ...]:
    """Return the files beside a recording that have a say in how it is read."""
    found = (find_acc_file(recording), _find_table_file(recording))
    return tuple(path for path in found if path is not None)


def _find_table_file(recording: Path) -> Path | None:
    paths = (recording.with_name(name) for name in _table_names(recording.stem))
    return next((path for path in paths if path.is_file()), None)


def own_table_name(recording: Path) -> str:
    """Return the name of the ``channels.tsv`` of this recording alone."""
    return next(_table_names(recording.stem))


def _table_names(stem: str) -> Iterator[str]:
    """Yield names from the recording's own table to those it shares; any name will do."""
    *entities, suffix = stem.split("_")
    shared = [entity for entity in entities if not entity.startswith("recording-")]
    own = [entities] if suffix == "emg" else [[stem]]
    for parts in (*own, entities, shared, [stem]):
        if parts:
            yield "_".join((*parts, "channels.tsv"))


def _read_table(path: Path) -> dict[str, ListedChannel]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", restval=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RecordingError(f"cannot be read ({error})", file=path) from error
    if rows and not {"name", "type"} <= rows[0].keys():
        raise RecordingError(
            "the columns 'name' and 'type' are missing",
            file=path,
            advice="BIDS asks for tab-separated columns name, type and units, in this order.",
        )
    return {row["name"].strip().lower(): _listed(row) for row in rows}


def _listed(row: dict[str, str]) -> ListedChannel:
    kind = _TYPES.get(row["type"].strip().upper())
    return ListedChannel(kind, row.get("status", "").strip().lower() == "bad")
