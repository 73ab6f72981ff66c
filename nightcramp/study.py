"""Results of analyses into the tables of a study folder."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from nightcramp.errors import InputError
from nightcramp.outputs import read_events, read_night
from recordings import write_text
from sensing import Event, EventKind
from trial import night_of, read_study_plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from zoneinfo import ZoneInfo

NIGHT_COLUMNS = (
    "participant_id",
    "night",
    "start_utc",
    "recorded_hours",
    "analysable_hours",
    "reason",
)
EPISODE_COLUMNS = (
    "participant_id",
    "night",
    "onset_utc",
    "duration_s",
    "confidence",
    "status",
    "version",
    "kind",
    "censored",
    "channel",
)

_PARTICIPANT = re.compile(r"(?:^|_)sub-([A-Za-z0-9]+)(?:_|$)")
_REVIEWED = ("confirmed", "rejected")

Key = tuple[str, str]
"""Participant and night."""


@dataclass(frozen=True, slots=True)
class JudgedRecording:
    """One analysed recording of a study.

    Attributes
    ----------
    name : str
    participant_id : str
    night : date
    start : datetime
        With time zone.
    recorded_s, analysable_s : float
    reason : str or None
        What took most of the time that could not be judged.
    version : str
        Model and code that made the analysis.
    cramps : tuple of Event
        Cramps and possible cramps.
    """

    name: str
    participant_id: str
    night: date
    start: datetime
    recorded_s: float
    analysable_s: float
    reason: str | None
    version: str
    cramps: tuple[Event, ...]

    @property
    def key(self) -> Key:
        """Participant and night, as in the tables."""
        return self.participant_id, self.night.isoformat()

    @property
    def end(self) -> datetime:
        """Time after the last sample."""
        return self.start + timedelta(seconds=self.recorded_s)


@dataclass(frozen=True, slots=True)
class Collection:
    """What came into the study folder.

    Attributes
    ----------
    nights, episodes : int
        Rows written for the results given.
    kept : tuple of str
        Nights left as they are because a person has reviewed their episodes.
    failures : tuple of str
        Results that could not be used, and why.
    """

    nights: int
    episodes: int
    kept: tuple[str, ...]
    failures: tuple[str, ...]


def collect(study: Path, results: Path) -> Collection:
    """Write the nights and episodes found in `results` into the tables of `study`.

    Rows of other nights stay. A night whose episodes somebody confirmed or rejected is not
    replaced by another analysis. Recordings of one night are added up.

    Parameters
    ----------
    study : Path
        Study folder; its ``study.toml`` says the time zone.
    results : Path
        Folder that ``analyze`` wrote; files are named ``sub-<participant>_…``.

    Raises
    ------
    InputError
        If the study folder or one of its tables cannot be read, or no result is found.
    """
    zone = read_study_plan(study).zone
    recordings, failures = _read_results(results, zone)
    old_nights = _read(study / "nights.tsv", NIGHT_COLUMNS)
    old_episodes = _read(study / "episodes.tsv", EPISODE_COLUMNS[:7])
    by_night: dict[Key, list[JudgedRecording]] = defaultdict(list)
    for recording in recordings:
        by_night[recording.key].append(recording)
    for key, overlapping in list(by_night.items()):
        if message := _overlap(overlapping):
            failures.append(message)
            del by_night[key]
    kept = _reviewed_otherwise(by_night, old_episodes)
    for key in kept:
        del by_night[key]
    nights = [row for row in old_nights if _key(row) not in by_night]
    nights += [_night_row(key, parts) for key, parts in by_night.items()]
    episodes = [
        row for row in old_episodes if _key(row) not in by_night or row["status"] in _REVIEWED
    ]
    standing = {(*_key(row), row["onset_utc"]) for row in episodes}
    fresh = [row for parts in by_night.values() for part in parts for row in _episode_rows(part)]
    episodes += [row for row in fresh if (*_key(row), row["onset_utc"]) not in standing]
    write_text(study / "nights.tsv", _table(NIGHT_COLUMNS, nights))
    write_text(study / "episodes.tsv", _table(EPISODE_COLUMNS, episodes))
    names = tuple(f"{participant} {night}" for participant, night in kept)
    return Collection(len(by_night), len(fresh), names, tuple(failures))


def _read_results(results: Path, zone: ZoneInfo) -> tuple[list[JudgedRecording], list[str]]:
    files = sorted(results.glob("*_night.json"))
    if not files:
        raise InputError(
            "holds no *_night.json", file=results, advice="Name the folder that analyze wrote"
        )
    recordings, failures = [], []
    for file in files:
        try:
            recordings.append(_judged(file, zone))
        except InputError as error:
            failures.append(str(error))
    return recordings, failures


def _judged(file: Path, zone: ZoneInfo) -> JudgedRecording:
    summary = read_night(file)
    name = str(summary["recording"])
    participant = _PARTICIPANT.search(name)
    if not participant:
        raise InputError(
            f"the recording's name {name!r} does not say whose it is",
            file=file,
            advice="Name recordings sub-<participant>_…",
        )
    if summary["start"] is None:
        raise InputError("the recording hides its start, so its night is not known", file=file)
    start = datetime.fromisoformat(str(summary["start"])).replace(tzinfo=zone)
    makers, reasons = summary["made_by"], summary["not_analysable_hours"]
    if not isinstance(makers, dict) or not isinstance(reasons, dict):
        raise InputError("made_by or not_analysable_hours is not an object", file=file)
    events = read_events(file.with_name(f"{file.name.removesuffix('_night.json')}_events.tsv"))
    kinds = (EventKind.CRAMP, EventKind.POSSIBLE_CRAMP)
    return JudgedRecording(
        name=name,
        participant_id=participant[1],
        night=night_of(start, zone),
        start=start,
        recorded_s=float(str(summary["recorded_hours"])) * 3600,
        analysable_s=float(str(summary["analysable_hours"])) * 3600,
        reason=max(reasons, key=lambda reason: float(reasons[reason]), default=None),
        version=(
            f"model {makers['model_version']} {str(makers['model_sha256'])[:8]}, "
            f"code {makers['code_version']}"
        ),
        cramps=tuple(event for event in events if event.kind in kinds),
    )


def _overlap(parts: Sequence[JudgedRecording]) -> str | None:
    """Return what is wrong if recordings of one night cover the same time."""
    ordered = sorted(parts, key=lambda part: part.start)
    for one, other in itertools.pairwise(ordered):
        if other.start < one.end:
            return (
                f"{one.name} and {other.name}: both record {one.participant_id} at {other.start}; "
                "one time counts once. Leave one of them out"
            )
    return None


def _reviewed_otherwise(
    by_night: dict[Key, list[JudgedRecording]], episodes: Iterable[dict[str, str]]
) -> list[Key]:
    """Return nights that a person reviewed as another analysis had left them."""
    reviewed = defaultdict(set)
    for row in episodes:
        if row["status"] in _REVIEWED:
            reviewed[_key(row)].add(row["version"])
    return [
        key
        for key, versions in reviewed.items()
        if key in by_night and versions - {part.version for part in by_night[key]}
    ]


def _night_row(key: Key, parts: Sequence[JudgedRecording]) -> dict[str, str]:
    worst = max(parts, key=lambda part: part.recorded_s - part.analysable_s)
    return {
        "participant_id": key[0],
        "night": key[1],
        "start_utc": _utc(min(part.start for part in parts)),
        "recorded_hours": f"{sum(part.recorded_s for part in parts) / 3600:.4f}",
        "analysable_hours": f"{sum(part.analysable_s for part in parts) / 3600:.4f}",
        "reason": worst.reason or "n/a",
    }


def _episode_rows(part: JudgedRecording) -> list[dict[str, str]]:
    return [
        {
            "participant_id": part.participant_id,
            "night": part.night.isoformat(),
            "onset_utc": _utc(part.start + timedelta(seconds=event.onset_s)),
            "duration_s": f"{event.duration_s:.2f}",
            "confidence": "n/a" if event.confidence is None else f"{event.confidence:.3f}",
            "status": "auto",
            "version": part.version,
            "kind": event.kind,
            "censored": event.censored,
            "channel": event.channel or "n/a",
        }
        for event in part.cramps
    ]


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _key(row: Mapping[str, str]) -> Key:
    return row["participant_id"], row["night"]


def _read(path: Path, required: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows of a table of the study folder; none if it does not exist yet."""
    if not path.is_file():
        return []
    try:
        reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")), delimiter="\t")
        rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot be read ({error})", file=path) from error
    missing = [name for name in required if name not in (reader.fieldnames or ())]
    if missing:
        raise InputError(f"the column {missing[0]} is missing", file=path, place="line 1")
    return rows


def _table(columns: Sequence[str], rows: Iterable[dict[str, str]]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(
        buffer, columns, delimiter="\t", lineterminator="\n", restval="n/a", extrasaction="ignore"
    )
    writer.writeheader()
    writer.writerows(sorted(rows, key=lambda row: (*_key(row), row.get("onset_utc", ""))))
    return buffer.getvalue()
