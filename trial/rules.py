"""Rules between rows and between tables; what breaks one goes to `Problems` with its line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from nightcramp.errors import InputError
from trial.nights import night_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from trial.tables import Problems

__all__ = [
    "StudyTable",
    "check_arms",
    "check_diary",
    "check_episodes",
    "check_known",
    "check_nights",
    "check_participants",
]

_NIGHT = ["participant_id", "night"]


@dataclass(frozen=True, slots=True)
class StudyTable:
    """A table as it was read; the index of the frame is the line number in the file."""

    file: Path
    frame: pd.DataFrame


def check_participants(participants: StudyTable, problems: Problems) -> None:
    """At least one participant, and each only once."""
    if participants.frame.empty and problems.is_readable(participants.file):
        problems.add(participants.file, InputError("no participant, expected at least one"))
    _refuse_repeated(participants, ["participant_id"], problems)


def check_known(table: StudyTable, participants: StudyTable, problems: Problems) -> None:
    """Every row belongs to a participant of the study."""
    if not problems.is_readable(participants.file):
        return
    rows = table.frame.dropna(subset=["participant_id"])
    strangers = ~rows["participant_id"].isin(participants.frame["participant_id"])
    for line, row in _each(rows[strangers]):
        problem = InputError(
            f"found {row.participant_id!r}, expected a participant of {participants.file.name}",
            advice=f"Correct the code or add the participant to {participants.file.name}.",
        )
        problems.add(table.file, problem, line=line, column="participant_id")


def check_nights(nights: StudyTable, zone: ZoneInfo | None, problems: Problems) -> None:
    """One row a night; no more analysable than recorded hours; the night is that of its start."""
    _refuse_repeated(nights, _NIGHT, problems)
    frame = nights.frame
    for line, row in _each(frame[frame["analysable_hours"] > frame["recorded_hours"]]):
        problem = InputError(
            f"found {row.analysable_hours:g} analysable hours, expected no more than the "
            f"{row.recorded_hours:g} recorded ones"
        )
        problems.add(nights.file, problem, line=line, column="analysable_hours")
    silent = frame["start_utc"].isna() & (frame["recorded_hours"] > 0)
    for line, _ in _each(frame[silent]):
        if not problems.names(nights.file, line, "start_utc"):
            problem = InputError("found n/a in a night with recorded hours, expected its start")
            problems.add(nights.file, problem, line=line, column="start_utc")
    _check_night_of(nights, "start_utc", zone, problems)


def check_episodes(
    episodes: StudyTable, nights: StudyTable, zone: ZoneInfo | None, problems: Problems
) -> None:
    """Every episode once, by one analysis, within a night in which it could have been seen."""
    _refuse_repeated(episodes, ["participant_id", "onset_utc"], problems)
    _refuse_mixed_versions(episodes, problems)
    _check_night_of(episodes, "onset_utc", zone, problems)
    if not problems.is_readable(nights.file):
        return
    joined = _with_night(episodes, nights)
    _refuse_without_night(joined, episodes, nights, problems)
    for line, row in _each(joined[joined["onset_utc"] < joined["start_utc"]]):
        problem = InputError(
            f"found {_shown(row.onset_utc)}, before the start of the night at "
            f"{_shown(row.start_utc)} in {nights.file.name}"
        )
        problems.add(episodes.file, problem, line=line, column="onset_utc")
    unseen = (joined["analysable_hours"] == 0) & joined["status"].isin(["auto", "confirmed"])
    for line, _ in _each(joined[unseen]):
        problem = InputError(
            f"an episode in a night without analysable hours in {nights.file.name}: it would "
            "count without any time in which it could be seen",
            advice="Correct analysable_hours, or set the status to rejected.",
        )
        problems.add(episodes.file, problem, line=line, column="night")


def check_diary(diary: StudyTable, problems: Problems) -> None:
    """One answer a night."""
    _refuse_repeated(diary, _NIGHT, problems)


def check_arms(arms: StudyTable, participants: StudyTable, problems: Problems) -> None:
    """Two arms at most, one for each randomised participant and for nobody else."""
    _refuse_repeated(arms, ["participant_id"], problems)
    sizes = arms.frame["arm"].value_counts()
    if len(sizes) > 2:
        found = ", ".join(f"{arm!r} {size} ×" for arm, size in sizes.items())
        problem = InputError(
            f"found {len(sizes)} arms ({found}), expected two at most",
            advice="Look for an arm that is spelt in two ways.",
        )
        problems.add(arms.file, problem, column="arm")
    if problems.is_readable(arms.file) and problems.is_readable(participants.file):
        _check_allocation(arms, participants, problems)


def _check_allocation(arms: StudyTable, participants: StudyTable, problems: Problems) -> None:
    """Whoever is randomised has an arm, and whoever has an arm is randomised."""
    people = participants.frame.dropna(subset=["participant_id"])
    allocated = people["participant_id"].isin(arms.frame["participant_id"])
    for line, row in _each(people[people["randomised_on"].notna() & ~allocated]):
        problem = InputError(
            f"{row.participant_id!r} is missing, expected an arm for every randomised participant",
            advice=f"Add a row; line {line} of {participants.file.name} has the participant.",
        )
        problems.add(arms.file, problem, column="participant_id")
    for line, row in _each(people[people["randomised_on"].isna() & allocated]):
        if not problems.names(participants.file, line, "randomised_on"):
            problem = InputError(
                f"{row.participant_id!r} has an arm in {arms.file.name}, expected a date",
                advice="Enter the date of randomisation, or remove the arm.",
            )
            problems.add(participants.file, problem, line=line, column="randomised_on")


def _refuse_repeated(table: StudyTable, keys: list[str], problems: Problems) -> None:
    """Remember every row whose keys stand on an earlier line already."""
    rows = table.frame.dropna(subset=keys)
    lines = rows.index.to_series()
    first = lines.groupby([rows[key] for key in keys], sort=False).transform("first")
    for line, row in _each(rows.assign(earlier=first)[first != lines]):
        found = " ".join(_shown(row[key]) for key in keys)
        problem = InputError(
            f"{found} is on line {row.earlier} already, expected it once",
            advice="Keep the row that is right.",
        )
        problems.add(table.file, problem, line=line, column=keys[-1])


def _check_night_of(
    table: StudyTable, moment: str, zone: ZoneInfo | None, problems: Problems
) -> None:
    """Hold the column ``night`` against the night of a moment in another column."""
    if zone is None:
        return
    rows = table.frame.dropna(subset=["night", moment])
    nights = [night_of(start, zone) for start in rows[moment]]
    wrong = rows["night"].dt.date != pd.Series(nights, index=rows.index, dtype="object")
    for line, row in _each(rows.assign(moment=rows[moment], right=nights)[wrong]):
        local = row.moment.astimezone(zone)
        problem = InputError(
            f"found {_shown(row.night)}, expected {row.right}: {moment} is {local:%Y-%m-%d %H:%M} "
            f"in {zone.key}",
            advice="A night runs from noon to noon and is named by the date of its evening.",
        )
        problems.add(table.file, problem, line=line, column="night")


def _refuse_mixed_versions(episodes: StudyTable, problems: Problems) -> None:
    """Two analyses of one night must not add up."""
    rows = episodes.frame.dropna(subset=[*_NIGHT, "version"])
    first = rows.groupby(_NIGHT, sort=False)["version"].transform("first")
    for line, row in _each(rows.assign(begins=first)[rows["version"] != first]):
        problem = InputError(
            f"found {row.version!r}, but the night begins with {row.begins!r}; expected the "
            "episodes of one analysis",
            advice="Keep one version of each night.",
        )
        problems.add(episodes.file, problem, line=line, column="version")


def _with_night(episodes: StudyTable, nights: StudyTable) -> pd.DataFrame:
    """Return the episodes beside the start and analysable hours of their night."""
    rows = episodes.frame.dropna(subset=_NIGHT).reset_index()
    known = nights.frame.dropna(subset=_NIGHT).drop_duplicates(_NIGHT)
    known = known[[*_NIGHT, "start_utc", "analysable_hours"]]
    return rows.merge(known, on=_NIGHT, how="left", indicator="found_in").set_index("line")


def _refuse_without_night(
    joined: pd.DataFrame, episodes: StudyTable, nights: StudyTable, problems: Problems
) -> None:
    """Remember episodes whose night has no row; spare participants with a night not legible."""
    unsure = nights.frame.loc[nights.frame["night"].isna(), "participant_id"]
    lost = (joined["found_in"] == "left_only") & ~joined["participant_id"].isin(unsure)
    for line, row in _each(joined[lost]):
        problem = InputError(
            f"found {_shown(row.night)}, a night of {row.participant_id!r} that is not in "
            f"{nights.file.name}; expected it there",
            advice="Add the night with its hours, or correct the episode's night.",
        )
        problems.add(episodes.file, problem, line=line, column="night")


def _each(rows: pd.DataFrame) -> Iterator[tuple[int, pd.Series]]:
    """Yield line number and row."""
    lines: list[int] = rows.index.tolist()
    for line, (_, row) in zip(lines, rows.iterrows(), strict=True):
        yield line, row


def _shown(value: object) -> str:
    """Return a value as a table would hold it."""
    if isinstance(value, pd.Timestamp):
        return str(value.date()) if value.tzinfo is None else f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return repr(value)
