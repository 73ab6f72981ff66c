"""A study folder: read, and checked as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nightcramp.errors import InputError, TableError
from trial import listing_rules, night_rules, rules, schema
from trial.nights import nights_of
from trial.plan_file import read_plan
from trial.provenance import hash_tables
from trial.rules import StudyTable
from trial.study import Listings, Study
from trial.study_parquet import PARTED, parts_of, read_parted_table
from trial.tables import Problems, empty_table, read_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from trial.plan import StudyPlan
    from trial.tables import Column

__all__ = ["load_study", "read_study_plan"]

_PLAN = "study.toml"
_PARTICIPANTS = "participants.tsv"
_NIGHTS = "nights.tsv"
_SESSIONS = "sessions.tsv"
_EPISODES = "episodes.tsv"
_DIARY = "diary.tsv"
_ELIGIBILITY = "eligibility.tsv"
_ADVERSE_EVENTS = "adverse_events.tsv"
_CONCOMITANT = "concomitant.tsv"
_DEVIATIONS = "deviations.tsv"
_DEVICE_EVENTS = "device_events.tsv"
_ARMS = "arms.tsv"

_REQUIRED = (_PLAN, _PARTICIPANTS, _NIGHTS, _EPISODES)
_LISTINGS = (_ADVERSE_EVENTS, _CONCOMITANT, _DEVIATIONS, _DEVICE_EVENTS)
_OPTIONAL = (_SESSIONS, _DIARY, _ELIGIBILITY, *_LISTINGS)


def load_study(folder: Path | str, *, arms: Path | str | None = None) -> Study:
    """Read and check a study folder.

    Parameters
    ----------
    folder : Path or str
        Holds ``study.toml``, ``participants.tsv``, ``nights.tsv``, ``episodes.tsv`` and, where the
        study has them, ``diary.tsv``, ``sessions.tsv``, ``eligibility.tsv``,
        ``adverse_events.tsv``, ``concomitant.tsv``, ``deviations.tsv``, ``device_events.tsv``.
        Nights, episodes and diary may be folders of Parquet files instead; see
        `trial.study_parquet`.
    arms : Path or str, optional
        The allocation. It is read only if it is given here, wherever it lies.

    Raises
    ------
    InputError
        If the folder or one of its files is missing.
    TableError
        If rows break the rules; it names every one of them.
    """
    files = _present_files(Path(folder), None if arms is None else Path(arms))
    contents = _contents(files)
    problems = Problems()
    plan = read_plan(files[_PLAN], contents[_PLAN], problems)
    tables = _read_tables(files, contents, plan, problems)
    _check_people(tables, plan, problems)
    _check_nights(tables, plan, problems)
    return _study(problems.settle(plan), tables, hash_tables(contents))


def read_study_plan(folder: Path) -> StudyPlan:
    """Read only the plan of a study folder.

    Raises
    ------
    InputError
        If the folder or its ``study.toml`` is missing.
    TableError
        If the plan breaks its rules; it names every key at fault.
    """
    file = folder / _PLAN
    _require([file], folder)
    problems = Problems()
    return problems.settle(read_plan(file, _content(file), problems))


def _require(files: Iterable[Path], folder: Path) -> None:
    """Raise if the folder or any of its files is missing; all of them are named."""
    if not folder.is_dir():
        raise InputError("no such folder", file=folder, advice="Give the study's folder.")
    missing = [InputError("no such file", file=file) for file in files if not file.exists()]
    if len(missing) > 1:
        raise TableError(missing)
    if missing:
        raise missing[0]


def _contents(files: Mapping[str, Path]) -> dict[str, bytes]:
    """Return the bytes of every file by its name; of a table in parts by folder and name."""
    found: dict[str, bytes] = {}
    for name, file in files.items():
        if file.is_dir():
            found |= {f"{file.name}/{part.name}": _content(part) for part in parts_of(file)}
        else:
            found[name] = _content(file)
    return found


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", file=file) from error


def _present_files(folder: Path, arms: Path | None) -> dict[str, Path]:
    """Return the files to read by their name in a study folder."""
    names = [*_REQUIRED, *(name for name in _OPTIONAL if _table_file(folder, name).exists())]
    files = {name: _table_file(folder, name) for name in names}
    if arms is not None:
        files[_ARMS] = arms
    _require(files.values(), folder)
    return files


def _table_file(folder: Path, name: str) -> Path:
    """Return the file of a table, or its folder where it is in parts."""
    file, parts = folder / name, folder / name.removesuffix(".tsv")
    if file.stem not in PARTED or not parts.is_dir():
        return file
    if file.exists():
        raise InputError(
            f"beside it stands the folder {parts.name}, expected one of the two",
            file=file,
            advice="Move the older one out of the study folder.",
        )
    return parts


def _read_tables(
    files: Mapping[str, Path],
    contents: Mapping[str, bytes],
    plan: StudyPlan | None,
    problems: Problems,
) -> dict[str, StudyTable]:
    columns: dict[str, Sequence[Column]] = {
        _PARTICIPANTS: schema.PARTICIPANTS,
        _NIGHTS: schema.NIGHTS,
        _SESSIONS: schema.SESSIONS,
        _EPISODES: schema.EPISODES,
        _DIARY: schema.diary_columns(plan),
        _ELIGIBILITY: schema.ELIGIBILITY,
        _ADVERSE_EVENTS: schema.ADVERSE_EVENTS,
        _CONCOMITANT: schema.CONCOMITANT,
        _DEVIATIONS: schema.DEVIATIONS,
        _DEVICE_EVENTS: schema.DEVICE_EVENTS,
        _ARMS: schema.arms_columns(plan),
    }
    return {
        name: StudyTable(
            file,
            read_parted_table(file, columns[name], problems)
            if file.is_dir()
            else read_table(file, contents[name], columns[name], problems),
        )
        for name, file in files.items()
        if name in columns
    }


def _check_people(
    tables: Mapping[str, StudyTable], plan: StudyPlan | None, problems: Problems
) -> None:
    participants = tables[_PARTICIPANTS]
    rules.check_participants(participants, problems)
    for name, table in tables.items():
        if name != _PARTICIPANTS:
            rules.check_known(table, participants, problems)
    if _ARMS in tables:
        rules.check_arms(tables[_ARMS], participants, plan, problems)
    if _ELIGIBILITY in tables:
        rules.check_eligibility(tables[_ELIGIBILITY], plan, problems)
    if _ADVERSE_EVENTS in tables:
        listing_rules.check_adverse_events(tables[_ADVERSE_EVENTS], problems)
    if _CONCOMITANT in tables:
        listing_rules.check_concomitant(tables[_CONCOMITANT], problems)
    for name in (_DEVIATIONS, _DEVICE_EVENTS):
        if name in tables:
            keys = ["participant_id", "noted_on", "kind", "description"]
            rules.refuse_repeated(tables[name], keys, problems)


def _check_nights(
    tables: Mapping[str, StudyTable], plan: StudyPlan | None, problems: Problems
) -> None:
    participants, nights, episodes = (tables[n] for n in (_PARTICIPANTS, _NIGHTS, _EPISODES))
    zone = plan.zone if plan else None
    night_rules.check_nights(nights, zone, problems)
    night_rules.check_episodes(episodes, nights, zone, problems)
    if _SESSIONS in tables:
        night_rules.check_sessions(tables[_SESSIONS], zone, problems)
    if _DIARY in tables:
        night_rules.check_diary(tables[_DIARY], problems)
    if plan is not None:
        _check_sessions_wanted(tables, nights.file.with_name(_SESSIONS), plan, problems)
        for table in _dated(tables, plan):
            night_rules.check_in_plan(table, participants, plan, problems)


def _check_sessions_wanted(
    tables: Mapping[str, StudyTable], file: Path, plan: StudyPlan, problems: Problems
) -> None:
    """Remember a table of sessions without its part of the plan, or the other way round."""
    if plan.sessions is not None and _SESSIONS not in tables:
        problem = "no such file; the plan has [sessions], expected a row for each planned one"
        problems.add(file, InputError(problem))
    if plan.sessions is None and _SESSIONS in tables:
        advice = "Add [sessions] with per_week and hours, or remove the file."
        problems.add(file, InputError("the plan has no table [sessions]", advice=advice))


def _dated(tables: Mapping[str, StudyTable], plan: StudyPlan) -> list[StudyTable]:
    """Return the tables whose rows belong to a night of the plan."""
    named = [tables[name] for name in (_NIGHTS, _DIARY) if name in tables]
    if _SESSIONS in tables:
        named.append(_with_nights(tables[_SESSIONS], plan))
    return named


def _with_nights(sessions: StudyTable, plan: StudyPlan) -> StudyTable:
    night = nights_of(sessions.frame["start_utc"], plan.zone)
    return StudyTable(sessions.file, sessions.frame.assign(night=night))


def _study(plan: StudyPlan, tables: Mapping[str, StudyTable], input_hash: str) -> Study:
    if _SESSIONS in tables:
        tables = {**tables, _SESSIONS: _with_nights(tables[_SESSIONS], plan)}
    frames = {name: table.frame.reset_index(drop=True) for name, table in tables.items()}
    allocation = _allocation(frames.get(_ARMS))
    return Study(
        plan=plan,
        participants=_with_arms(frames[_PARTICIPANTS], allocation),
        nights=frames[_NIGHTS],
        episodes=frames[_EPISODES],
        diary=frames.get(_DIARY, empty_table(schema.diary_columns(plan))),
        input_hash=input_hash,
        sessions=frames.get(_SESSIONS),
        eligibility=frames.get(_ELIGIBILITY),
        allocation=allocation,
        listings=Listings(
            adverse_events=frames.get(_ADVERSE_EVENTS),
            concomitant=frames.get(_CONCOMITANT),
            deviations=frames.get(_DEVIATIONS),
            device_events=frames.get(_DEVICE_EVENTS),
        ),
    )


def _allocation(arms: pd.DataFrame | None) -> pd.DataFrame | None:
    if arms is None or "treatment_period" not in arms:
        return arms
    return arms.astype({"treatment_period": "int64"})


def _with_arms(participants: pd.DataFrame, allocation: pd.DataFrame | None) -> pd.DataFrame:
    """Return the participants with their arm, or with their sequence of arms in a crossover."""
    if allocation is None:
        return participants
    if "treatment_period" not in allocation:
        return participants.merge(allocation, on="participant_id", how="left")
    ordered = allocation.sort_values("treatment_period").groupby("participant_id")["arm"]
    sequence = ordered.agg(" then ".join).rename("sequence").reset_index()
    return participants.merge(sequence, on="participant_id", how="left")
