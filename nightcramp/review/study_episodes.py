"""What people settled on, into the episodes of a study."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from nightcramp.errors import InputError
from nightcramp.judged import Cramp, JudgedRecording, Key, read_judged
from nightcramp.legs import make_night
from nightcramp.review.corrections import Status
from nightcramp.review.scoring import final_episodes
from nightcramp.study import EPISODE_COLUMNS, NIGHT_COLUMNS
from nightcramp.study_tables import Row, read_rows, table_files, utc_cell
from recordings import write_bytes
from trial import Leg, Stretch, read_study_plan
from trial.audit import AuditAction, append_audit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    from nightcramp.review.corrections import Episode
    from nightcramp.review.nights import ReviewNight
    from trial import StudyPlan


@dataclass(frozen=True, slots=True)
class ExportedEpisodes:
    """What became of an export.

    Attributes
    ----------
    nights, confirmed, rejected : int
        Written.
    unfinished : tuple of str
        Recordings whose review is not finished; their nights stay as they are.
    failures : tuple of str
        Nights that could not be written, and why.
    """

    nights: int
    confirmed: int
    rejected: int
    unfinished: tuple[str, ...]
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Judged:
    """What is written of a night: who reviewed it, and its episodes, of which there may be none."""

    reviewed_by: str
    episodes: list[Row]


@dataclass(frozen=True, slots=True)
class _Reviewed:
    """A recording and what people settled on for it; None as long as they have not."""

    recording: JudgedRecording
    settled: tuple[tuple[Episode, ...], str] | None

    def with_cramps(self, status: Status) -> JudgedRecording:
        """Return the recording with the episodes of one status in place of the machine's."""
        episodes = self.settled[0] if self.settled else ()
        start = self.recording.recorded.start
        cramps = tuple(_cramp(start, one) for one in episodes if one.status is status)
        return replace(self.recording, cramps=cramps)


def export_episodes(nights: Iterable[ReviewNight], study: Path, *, who: str) -> ExportedEpisodes:
    """Write the episodes of reviewed nights into the study, in place of the machine's.

    The night and the version of its episodes say who reviewed them; ``study collect`` leaves such
    nights as they are, also those without any episode. A night of several recordings is written
    once all of them are reviewed.

    Parameters
    ----------
    nights : iterable of ReviewNight
    study : Path
        Study folder, whose nights have been collected.
    who : str
        For the audit log.

    Raises
    ------
    InputError
        If the study's plan or tables cannot be read.
    OutputError
        If a table cannot be written; then it is what it was.
    """
    plan = read_study_plan(study)
    failures: list[str] = []
    ready, unfinished = _ready(nights, plan, failures)
    people = {participant for participant, _ in ready}
    collected = {_key(row) for row in read_rows(study, "nights", NIGHT_COLUMNS[:2], people)}
    written: dict[Key, _Judged] = {}
    for key, parts in ready.items():
        try:
            written[key] = _judged(key, parts, plan, collected)
        except InputError as error:
            failures.append(str(error))
    if written:
        _write(study, plan, written, who)
    states = [row["status"] for night in written.values() for row in night.episodes]
    confirmed, rejected = states.count(Status.CONFIRMED), states.count(Status.REJECTED)
    return ExportedEpisodes(len(written), confirmed, rejected, tuple(unfinished), tuple(failures))


def _write(study: Path, plan: StudyPlan, written: dict[Key, _Judged], who: str) -> None:
    """Put some nights' episodes and reviewers into the tables, once the audit log says so."""
    people = {participant for participant, _ in written}
    nights = read_rows(study, "nights", NIGHT_COLUMNS[:6], people)
    episodes = read_rows(study, "episodes", EPISODE_COLUMNS[:7], people)
    for key, night in written.items():
        append_audit(
            study,
            who=who,
            action=AuditAction.EXPORTED,
            subject="/".join(key),
            before={"episodes": [_brief(row) for row in episodes if _key(row) == key]},
            after={
                "reviewed_by": night.reviewed_by,
                "episodes": [_brief(row) for row in night.episodes],
            },
        )
    for row in nights:
        if _key(row) in written:
            row["reviewed_by"] = written[_key(row)].reviewed_by
    episodes = [row for row in episodes if _key(row) not in written]
    episodes += [row for night in written.values() for row in night.episodes]
    files = table_files(study, "episodes", EPISODE_COLUMNS, episodes, plan, people)
    files |= table_files(study, "nights", NIGHT_COLUMNS, nights, plan, people)
    for file, content in files.items():
        write_bytes(file, content)


def _ready(
    nights: Iterable[ReviewNight], plan: StudyPlan, failures: list[str]
) -> tuple[dict[Key, list[_Reviewed]], list[str]]:
    """Return the nights of which every recording is reviewed, and recordings that are not."""
    by_night: defaultdict[Key, list[_Reviewed]] = defaultdict(list)
    for night in nights:
        try:
            judged = read_judged(night.files().summary, plan.zone)
            by_night[judged.key].append(_Reviewed(judged, final_episodes(night)))
        except InputError as error:
            failures.append(str(error))
    ready = {
        key: parts
        for key, parts in by_night.items()
        if all(part.settled is not None for part in parts)
    }
    missing = [
        part.recording.name for parts in by_night.values() for part in parts if part.settled is None
    ]
    return ready, missing


def _judged(key: Key, parts: Sequence[_Reviewed], plan: StudyPlan, collected: set[Key]) -> _Judged:
    if key not in collected:
        raise InputError(
            f"{key[0]} {key[1]}: the night is not in nights.tsv",
            advice="Run nightcramp study collect first",
        )
    people = ", ".join(sorted({part.settled[1] for part in parts if part.settled}))
    rows = []
    for status in (Status.CONFIRMED, Status.REJECTED):
        night = make_night([part.with_cramps(status) for part in parts], plan.leg)
        version = f"{night.version}, reviewed by {people}"
        rows += [_row(key, cramp, status, version, plan.leg) for cramp in night.cramps]
    return _Judged(people, rows)


def _row(key: Key, cramp: Cramp, status: Status, version: str, leg: Leg | None) -> Row:
    event = cramp.event
    row: Row = {
        "participant_id": key[0],
        "night": key[1],
        "onset_utc": utc_cell(cramp.stretch.start),
        "duration_s": f"{(cramp.stretch.end - cramp.stretch.start).total_seconds():.2f}",
        "confidence": "n/a" if event.confidence is None else f"{event.confidence:.3f}",
        "status": status.value,
        "version": version,
        "kind": event.kind.value,
        "censored": event.censored.value,
        "channel": cramp.channel or "n/a",
    }
    return row | {"exposed": "yes" if cramp.is_exposed else "no"} if leg is Leg.BOTH else row


def _cramp(start: datetime, episode: Episode) -> Cramp:
    event = episode.event
    onset = start + timedelta(seconds=event.onset_s)
    return Cramp(Stretch(onset, onset + timedelta(seconds=event.duration_s)), event, event.channel)


def _brief(row: Row) -> dict[str, str]:
    return {name: row[name] for name in ("onset_utc", "duration_s", "status")}


def _key(row: Row) -> Key:
    return row["participant_id"], row["night"]
