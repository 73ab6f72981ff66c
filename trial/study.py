"""A study in memory: its plan and its tables, read from a folder and checked as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from nightcramp.errors import InputError
from trial import rules, schema
from trial.plan import FirstTreatmentNight, StudyPlan, read_plan
from trial.provenance import hash_tables
from trial.rules import StudyTable
from trial.tables import Problems, empty_table, read_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from trial.tables import Column

__all__ = ["Study", "load_study", "read_study_plan"]

_PLAN = "study.toml"
_PARTICIPANTS = "participants.tsv"
_NIGHTS = "nights.tsv"
_EPISODES = "episodes.tsv"
_DIARY = "diary.tsv"
_ARMS = "arms.tsv"


@dataclass(frozen=True, slots=True)
class Study:
    """The tables of a study; they keep to the rules, and no row was left out or altered.

    Attributes
    ----------
    plan : StudyPlan
    participants : DataFrame
        ``participant_id site randomised_on age sex``; with ``arm`` if the arms were opened.
    nights : DataFrame
        ``participant_id night start_utc recorded_hours analysable_hours reason``.
    episodes : DataFrame
        ``participant_id night onset_utc duration_s confidence status version``, and ``kind`` and
        ``censored`` where the file has them.
    diary : DataFrame
        ``participant_id night cramps severity minutes``; without rows if there is no diary.
    input_hash : str
        SHA-256 over the files that were read.
    """

    plan: StudyPlan
    participants: pd.DataFrame
    nights: pd.DataFrame
    episodes: pd.DataFrame
    diary: pd.DataFrame
    input_hash: str

    @property
    def arms_opened(self) -> bool:
        """Whether the allocation was read."""
        return "arm" in self.participants

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms in alphabetical order; none while they are closed."""
        if not self.arms_opened:
            return ()
        return tuple(sorted(self.participants["arm"].dropna().unique()))

    @property
    def randomised(self) -> pd.DataFrame:
        """Participants with a date of randomisation, with their ``first_treatment_night``."""
        people = self.participants.dropna(subset=["randomised_on"])
        wait = 1 if self.plan.first_treatment_night is FirstTreatmentNight.NEXT else 0
        first = people["randomised_on"] + pd.Timedelta(days=wait)
        return people.assign(first_treatment_night=first)

    @property
    def counted_episodes(self) -> pd.DataFrame:
        """Cramps that stand: not rejected, and not only possible, with their ``minutes``."""
        stands = self.episodes["status"] != "rejected"
        if "kind" in self.episodes:
            stands &= self.episodes["kind"] == "cramp"
        return self.episodes[stands].assign(minutes=self.episodes["duration_s"] / 60)


def load_study(folder: Path, *, arms: Path | None = None) -> Study:
    """Read and check a study folder.

    Parameters
    ----------
    folder : Path
        Holds ``study.toml``, ``participants.tsv``, ``nights.tsv``, ``episodes.tsv`` and, if the
        participants keep one, ``diary.tsv``.
    arms : Path, optional
        The allocation. It is read only if it is given here, wherever it lies.

    Raises
    ------
    InputError
        If the folder or one of its files is missing.
    TableError
        If rows break the rules; it names every one of them.
    """
    files = _present_files(folder, arms)
    contents = {name: _content(file) for name, file in files.items()}
    problems = Problems()
    plan = read_plan(files[_PLAN], contents[_PLAN], problems)
    tables = _read_tables(files, contents, problems)
    _check(tables, plan, problems)
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
    """Raise `InputError` if the folder or one of its files is missing."""
    if not folder.is_dir():
        raise InputError("no such folder", file=folder, advice="Give the study's folder.")
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        raise InputError(f"no such file, expected {', '.join(missing)}", file=folder)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", file=file) from error


def _present_files(folder: Path, arms: Path | None) -> dict[str, Path]:
    """Return the files to read by their name in a study folder."""
    files = {name: folder / name for name in (_PLAN, _PARTICIPANTS, _NIGHTS, _EPISODES)}
    if (folder / _DIARY).exists():
        files[_DIARY] = folder / _DIARY
    if arms is not None:
        files[_ARMS] = arms
    _require(files.values(), folder)
    return files


def _read_tables(
    files: Mapping[str, Path], contents: Mapping[str, bytes], problems: Problems
) -> dict[str, StudyTable]:
    columns: dict[str, Sequence[Column]] = {
        _PARTICIPANTS: schema.PARTICIPANTS,
        _NIGHTS: schema.NIGHTS,
        _EPISODES: schema.EPISODES,
        _DIARY: schema.DIARY,
        _ARMS: schema.ARMS,
    }
    return {
        name: StudyTable(
            files[name], read_table(files[name], contents[name], columns[name], problems)
        )
        for name in columns
        if name in files
    }


def _check(tables: Mapping[str, StudyTable], plan: StudyPlan | None, problems: Problems) -> None:
    participants, nights, episodes = (tables[n] for n in (_PARTICIPANTS, _NIGHTS, _EPISODES))
    zone = plan.zone if plan else None
    rules.check_participants(participants, problems)
    for name, table in tables.items():
        if name != _PARTICIPANTS:
            rules.check_known(table, participants, problems)
    rules.check_nights(nights, zone, problems)
    rules.check_episodes(episodes, nights, zone, problems)
    if _DIARY in tables:
        rules.check_diary(tables[_DIARY], problems)
    if _ARMS in tables:
        rules.check_arms(tables[_ARMS], participants, problems)


def _study(plan: StudyPlan, tables: Mapping[str, StudyTable], input_hash: str) -> Study:
    frames = {name: table.frame.reset_index(drop=True) for name, table in tables.items()}
    participants = frames[_PARTICIPANTS]
    if _ARMS in frames:
        participants = participants.merge(frames[_ARMS], on="participant_id", how="left")
    return Study(
        plan=plan,
        participants=participants,
        nights=frames[_NIGHTS],
        episodes=frames[_EPISODES],
        diary=frames.get(_DIARY, empty_table(schema.DIARY)),
        input_hash=input_hash,
    )
