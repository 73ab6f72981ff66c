"""Results of analyses into the tables of a study folder."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nightcramp.actor import actor
from nightcramp.errors import InputError
from nightcramp.judged import JudgedRecording, Key, read_judged
from nightcramp.legs import JudgedNight, make_night
from nightcramp.study_tables import (
    FileBytes,
    Row,
    read_rows,
    table_files,
    table_text,
    utc_cell,
)
from recordings import write_bytes
from trial import Leg, Stretch, hours_within, read_study_plan, union
from trial.audit import AuditAction, append_audit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from nightcramp.judged import Cramp

NIGHT_COLUMNS = (
    "participant_id",
    "night",
    "start_utc",
    "recorded_hours",
    "analysable_hours",
    "reason",
    "end_utc",
    "analysable_either_hours",
    "reviewed_by",
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
    "exposed",
)
SESSION_COLUMNS = (
    "participant_id",
    "start_utc",
    "end_utc",
    "recorded_hours",
    "analysable_hours",
    "reason",
)

_REVIEWED = ("confirmed", "rejected")


@dataclass(frozen=True, slots=True)
class Collection:
    """What came into the study folder.

    Attributes
    ----------
    nights, episodes : int
        Rows written for the results given.
    kept : tuple of str
        Nights left as they are because a person has reviewed them.
    failures : tuple of str
        Results that could not be used, and why.
    """

    nights: int
    episodes: int
    kept: tuple[str, ...]
    failures: tuple[str, ...]


def collect(study: Path, *results: Path, who: str | None = None) -> Collection:
    """Write the nights and episodes found in `results` into the tables of `study`.

    Rows of other nights stay. A night whose episodes somebody confirmed or rejected is not
    replaced by another analysis, and one that names its reviewer by none: there may be no episode
    in it. Recordings of one night are made one; see `make_night`. Where the study analyses
    sessions, those that were recorded get their hours. If anything changes, the audit log says so
    before it does.

    Parameters
    ----------
    study : Path
        Study folder; its ``study.toml`` says the time zone and which leg counts.
    *results : Path
        Folders that ``analyze`` wrote; files are named ``sub-<participant>_…``.
    who : str, optional
        Who does it, for the audit log; the login name by default.

    Raises
    ------
    InputError
        If the study folder or one of its tables cannot be read, or no result is found.
    """
    plan = read_study_plan(study)
    recordings, failures = _read_results(results, plan.zone)
    by_night = _nights(recordings, plan.leg, failures)
    people = {participant for participant, _ in by_night}
    old_nights = read_rows(study, "nights", NIGHT_COLUMNS[:6], people)
    old_episodes = read_rows(study, "episodes", EPISODE_COLUMNS[:7], people)
    kept = _kept(by_night, old_nights, old_episodes)
    for key in kept:
        del by_night[key]
    known = {_key(row): row for row in old_nights}
    nights = [row for row in old_nights if _key(row) not in by_night]
    nights += [
        known.get(key, {}) | _night_row(key, night, plan.leg) for key, night in by_night.items()
    ]
    fresh = [
        _episode_row(key, night, cramp, plan.leg)
        for key, night in by_night.items()
        for cramp in night.cramps
    ]
    episodes = _merged(old_episodes, fresh, by_night)
    files = table_files(study, "nights", NIGHT_COLUMNS, nights, plan, people)
    files |= table_files(study, "episodes", EPISODE_COLUMNS, episodes, plan, people)
    if plan.sessions is not None:
        files |= _fill_sessions(study, by_night)
    names = tuple(f"{participant} {night}" for participant, night in kept)
    collection = Collection(len(by_night), len(fresh), names, tuple(failures))
    _write(study, files, collection, who)
    return collection


def _merged(
    old: Sequence[Row], fresh: Sequence[Row], by_night: Mapping[Key, JudgedNight]
) -> list[Row]:
    """Return the episodes that stand: those of other nights, those a person judged, new ones."""
    rows = [row for row in old if _key(row) not in by_night or row["status"] in _REVIEWED]
    standing = {_onset_key(row) for row in rows}
    known = {_onset_key(row): row for row in old}
    new = [row for row in fresh if _onset_key(row) not in standing]
    return rows + [known.get(_onset_key(row), {}) | row for row in new]


def _write(study: Path, files: FileBytes, collection: Collection, who: str | None) -> None:
    """Write what differs from what is there, and before that one entry into the audit log."""
    changed = {path: data for path, data in files.items() if _present(path) != data}
    if not changed:
        return
    append_audit(
        study,
        who=actor(who),
        action=AuditAction.ANALYSED,
        subject="nights and episodes",
        before={"sha256": _hash(study, {path: _present(path) for path in changed})},
        after={
            "sha256": _hash(study, changed),
            "files": len(changed),
            "nights": collection.nights,
            "episodes": collection.episodes,
            "kept": len(collection.kept),
            "failures": len(collection.failures),
        },
    )
    for path, data in changed.items():
        write_bytes(path, data)


def _present(path: Path) -> bytes:
    """Return what a file holds; nothing if it does not exist."""
    try:
        return path.read_bytes() if path.is_file() else b""
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", file=path) from error


def _hash(study: Path, files: FileBytes) -> str:
    """Return one hash of files, by their names within the study."""
    digest = hashlib.sha256()
    for path in sorted(files):
        name = path.relative_to(study).as_posix()
        digest.update(f"{hashlib.sha256(files[path]).hexdigest()}  {name}\n".encode())
    return digest.hexdigest()


def _read_results(
    results: Sequence[Path], zone: ZoneInfo
) -> tuple[list[JudgedRecording], list[str]]:
    recordings, failures = [], []
    for file in [file for folder in results for file in _summaries(folder)]:
        try:
            recordings.append(read_judged(file, zone))
        except InputError as error:
            failures.append(str(error))
    return recordings, failures


def _summaries(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*_night.json"))
    if not files:
        raise InputError(
            "holds no *_night.json", file=folder, advice="Name the folder that analyze wrote"
        )
    return files


def _nights(
    recordings: Iterable[JudgedRecording], leg: Leg | None, failures: list[str]
) -> dict[Key, JudgedNight]:
    """Return the nights that can be made of the recordings; why others cannot is a failure."""
    by_night: defaultdict[Key, list[JudgedRecording]] = defaultdict(list)
    for recording in recordings:
        by_night[recording.key].append(recording)
    nights = {}
    for key, parts in by_night.items():
        try:
            nights[key] = make_night(parts, leg)
        except InputError as error:
            failures.append(str(error))
    return nights


def _kept(
    by_night: Mapping[Key, JudgedNight], nights: Iterable[Row], episodes: Iterable[Row]
) -> list[Key]:
    """Return nights that name their reviewer, or were judged as another analysis had left them."""
    kept = {_key(row) for row in nights if row.get("reviewed_by", "") not in ("", "n/a")}
    for row in episodes:
        night = by_night.get(_key(row))
        if night and row["status"] in _REVIEWED and row["version"] != night.version:
            kept.add(_key(row))
    return sorted(kept & by_night.keys())


def _night_row(key: Key, night: JudgedNight, leg: Leg | None) -> Row:
    both = leg is Leg.BOTH
    return {
        "participant_id": key[0],
        "night": key[1],
        "recorded_hours": f"{hours_within(night.recorded):.4f}",
        "analysable_hours": f"{hours_within(night.analysable):.4f}",
        "reason": night.reason or "n/a",
        "start_utc": utc_cell(night.recorded[0].start) if night.recorded else "n/a",
        "end_utc": utc_cell(night.recorded[-1].end) if night.recorded else "n/a",
        "analysable_either_hours": f"{hours_within(night.either):.4f}" if both else "n/a",
    }


def _episode_row(key: Key, night: JudgedNight, cramp: Cramp, leg: Leg | None) -> Row:
    event, exposed = cramp.event, "yes" if cramp.is_exposed else "no"
    return {
        "participant_id": key[0],
        "night": key[1],
        "onset_utc": utc_cell(cramp.stretch.start),
        "duration_s": f"{(cramp.stretch.end - cramp.stretch.start).total_seconds():.2f}",
        "confidence": "n/a" if event.confidence is None else f"{event.confidence:.3f}",
        "status": "auto",
        "version": night.version,
        "kind": event.kind,
        "censored": event.censored,
        "channel": cramp.channel or "n/a",
        "exposed": exposed if leg is Leg.BOTH else "n/a",
    }


def _fill_sessions(study: Path, by_night: Mapping[Key, JudgedNight]) -> FileBytes:
    """Return the sessions with the hours of the nights that reach into them."""
    file = study / "sessions.tsv"
    rows = read_rows(study, "sessions", SESSION_COLUMNS)
    for row in rows:
        nights = [night for key, night in by_night.items() if key[0] == row["participant_id"]]
        window = _window(file, row)
        recorded = hours_within(union(s for night in nights for s in night.recorded), window)
        if recorded:
            analysable = union(s for night in nights for s in night.analysable)
            row["recorded_hours"] = f"{recorded:.4f}"
            row["analysable_hours"] = f"{hours_within(analysable, window):.4f}"
    return {file: table_text(tuple(rows[0]) if rows else SESSION_COLUMNS, rows).encode()}


def _window(file: Path, row: Mapping[str, str]) -> Stretch:
    """Return the time of a session."""
    try:
        start, end = (datetime.fromisoformat(row[name]) for name in SESSION_COLUMNS[1:3])
    except ValueError:
        start = end = datetime.min  # noqa: DTZ901  (has no time zone, so it is refused below)
    if start.tzinfo is None or end.tzinfo is None:
        raise InputError(
            f"the session of {row['participant_id']} at {row['start_utc']} has no time in UTC",
            file=file,
            advice="Run nightcramp study check, which names every faulty cell",
        )
    return Stretch(start.astimezone(UTC), end.astimezone(UTC))


def _key(row: Mapping[str, str]) -> Key:
    return row["participant_id"], row["night"]


def _onset_key(row: Mapping[str, str]) -> tuple[str, ...]:
    return *_key(row), row["onset_utc"]
