"""The morning's diary: what the participant says of the night, kept beside the recordings.

Nothing is overwritten: a later answer is added to the night's file, and the last one counts. An
answer that comes after the noon that ends the night is marked late, with the time it was written;
it is never dated back.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from nightcramp.errors import InputError, OutputError
from recordings import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA = "nightcramp-diary/1"
FOLDER = "diary"
MOST_CRAMPS = 20
LONGEST_MIN = 600
SEVERITIES = range(1, 11)

_CODE = re.compile(r"[A-Za-z0-9]{1,20}")
_JOURNAL = re.compile(r"(?P<participant>[A-Za-z0-9]+)_(?P<night>\d{4}-\d\d-\d\d)(_.*)?\.ncj")


@dataclass(frozen=True, slots=True)
class Cramp:
    """A cramp that the participant remembers.

    Attributes
    ----------
    severity : int
        1 to 10.
    minutes : float or None
        How long it lasted; None if not known.
    """

    severity: int
    minutes: float | None = None


@dataclass(frozen=True, slots=True)
class NightKey:
    """A night of a participant.

    Attributes
    ----------
    participant : str
    night : date
        Of its evening.
    """

    participant: str
    night: date

    @property
    def name(self) -> str:
        """What its files are named after."""
        return f"{self.participant}_{self.night.isoformat()}"


@dataclass(frozen=True, slots=True)
class DiaryEntry:
    """One answer to the diary.

    Attributes
    ----------
    written_utc : str
        When, ISO 8601.
    late : bool
        Whether the night was over at noon before.
    cramps : tuple of Cramp
        None where there was no cramp.
    helped, medicine, note : str
        In the participant's words.
    """

    written_utc: str
    late: bool
    cramps: tuple[Cramp, ...]
    helped: str = ""
    medicine: str = ""
    note: str = ""


def is_pseudonym(code: str) -> bool:
    """Whether a code is one that recordings can be named after."""
    return _CODE.fullmatch(code) is not None


def new_entry(night: date, cramps: tuple[Cramp, ...], words: Mapping[str, str]) -> DiaryEntry:
    """Return an answer given now.

    Parameters
    ----------
    night : date
    cramps : tuple of Cramp
    words : mapping
        ``helped``, ``medicine``, ``note``.
    """
    now = datetime.now(UTC)
    written = now.isoformat(timespec="seconds")
    return DiaryEntry(written, is_late(night, now.astimezone()), cramps, **words)


def is_late(night: date, local: datetime) -> bool:
    """Whether a local time lies after the noon that ends a night."""
    ends = datetime.combine(night + timedelta(days=1), time(12))
    return local.replace(tzinfo=None) >= ends


def add_entry(home: Path, key: NightKey, entry: DiaryEntry) -> Path:
    """Add an answer to the night's file; returns the file.

    Raises
    ------
    InputError
        If the file of this night is damaged.
    OutputError
        If it cannot be written.
    """
    path = _path(home, key)
    entries = [asdict(each) for each in (*read_entries(home, key), entry)]
    content = {
        "schema": SCHEMA,
        "participant": key.participant,
        "night": key.night.isoformat(),
        "severity_scale": f"{SEVERITIES[0]} to {SEVERITIES[-1]}",
        "entries": entries,
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent}: cannot be made ({error.strerror})") from error
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False))
    return path


def read_entries(home: Path, key: NightKey) -> tuple[DiaryEntry, ...]:
    """Return the answers of a night, the one that counts last.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    path = _path(home, key)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return tuple(_entry(each) for each in content["entries"])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        advice = "Put the file aside; the answers can be given again."
        problem = f"the diary cannot be understood ({error})"
        raise InputError(problem, file=path, advice=advice) from error


def nights_without_diary(home: Path, since: date) -> list[NightKey]:
    """Return the recorded nights from `since` on that nothing was said of, the newest first."""
    found = (_JOURNAL.fullmatch(path.name) for path in home.glob("*.ncj"))
    keys = {
        NightKey(match["participant"], date.fromisoformat(match["night"]))
        for match in found
        if match
    }
    missing = [key for key in keys if key.night >= since and not _path(home, key).exists()]
    return sorted(missing, key=lambda key: (key.night, key.participant), reverse=True)


def _path(home: Path, key: NightKey) -> Path:
    return home / FOLDER / f"{key.name}_diary.json"


def _entry(content: Mapping[str, object]) -> DiaryEntry:
    cramps = content["cramps"]
    if not isinstance(cramps, list):
        raise TypeError("cramps is no list")
    return DiaryEntry(**{**content, "cramps": tuple(Cramp(**each) for each in cramps)})  # type: ignore[arg-type]
