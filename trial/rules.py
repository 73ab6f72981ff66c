"""Rules between rows and between tables; what breaks one goes to `Problems` with its line.

Here are the rules of people: who takes part, in which arm, and what was answered of them. Those of
nights, sessions, episodes and the diary are in `trial.night_rules`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from nightcramp.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trial.plan import StudyPlan
    from trial.tables import Problems

__all__ = [
    "StudyTable",
    "check_arms",
    "check_eligibility",
    "check_known",
    "check_participants",
    "each",
    "refuse_repeated",
    "shown",
]


@dataclass(frozen=True, slots=True)
class StudyTable:
    """A table as it was read; the index of the frame is the line number in the file."""

    file: Path
    frame: pd.DataFrame


def check_participants(participants: StudyTable, problems: Problems) -> None:
    """At least one participant, each only once at one site, and no treatment before its start."""
    if participants.frame.empty and problems.is_readable(participants.file):
        problems.add(participants.file, InputError("no participant, expected at least one"))
    _refuse_enrolled_twice(participants, problems)
    _refuse_spelt_twice(participants, "participant_id", problems)
    _refuse_spelt_twice(participants, "site", problems)
    if "treatment_stopped_on" in participants.frame:
        _check_stops(participants, problems)


def check_known(table: StudyTable, participants: StudyTable, problems: Problems) -> None:
    """Every row belongs to a participant of the study."""
    if not problems.is_readable(participants.file):
        return
    rows = table.frame.dropna(subset=["participant_id"])
    strangers = ~rows["participant_id"].isin(participants.frame["participant_id"])
    for line, row in each(rows[strangers]):
        problem = InputError(
            f"found {row.participant_id!r}, expected a participant of {participants.file.name}",
            advice=f"Correct the code or add the participant to {participants.file.name}.",
        )
        problems.add(table.file, problem, line=line, column="participant_id")


def check_arms(
    arms: StudyTable, participants: StudyTable, plan: StudyPlan | None, problems: Problems
) -> None:
    """Two arms at most, one for each randomised participant (and period) and for nobody else."""
    in_periods = plan is not None and plan.crossover is not None
    keys = ["participant_id", "treatment_period"] if in_periods else ["participant_id"]
    refuse_repeated(arms, keys, problems)
    sizes = arms.frame["arm"].value_counts()
    if len(sizes) > 2:
        found = ", ".join(f"{arm!r} {size} ×" for arm, size in sizes.items())
        problem = InputError(
            f"found {len(sizes)} arms ({found}), expected two at most",
            advice="Look for an arm that is spelt in two ways.",
        )
        problems.add(arms.file, problem, column="arm")
    if plan is not None and len(sizes) and plan.reference_arm not in (None, *sizes.index):
        problem = InputError(
            f"found {', '.join(map(repr, sizes.index))}, expected the reference_arm of study.toml, "
            f"{plan.reference_arm!r}, among the arms",
            advice="Spell both alike.",
        )
        problems.add(arms.file, problem, column="arm")
    if problems.is_readable(arms.file) and problems.is_readable(participants.file):
        _check_allocation(arms, participants, problems)
        if in_periods:
            _check_sequences(arms, problems)


def check_eligibility(eligibility: StudyTable, plan: StudyPlan | None, problems: Problems) -> None:
    """Every answer once a day, to a criterion of the plan."""
    refuse_repeated(eligibility, ["participant_id", "criterion", "assessed_on"], problems)
    if plan is None:
        return
    codes = [criterion.code for criterion in plan.eligibility]
    rows = eligibility.frame.dropna(subset=["criterion"])
    for line, row in each(rows[~rows["criterion"].isin(codes)]):
        problem = InputError(
            f"found {row.criterion!r}, expected a code of the checklist in study.toml: "
            f"{', '.join(codes) or 'it has none'}",
            advice="Correct the code, or add the criterion as a table [[eligibility]].",
        )
        problems.add(eligibility.file, problem, line=line, column="criterion")


def refuse_repeated(table: StudyTable, keys: list[str], problems: Problems) -> None:
    """Remember every row whose keys stand on an earlier line already."""
    rows = table.frame.dropna(subset=keys)
    lines = rows.index.to_series()
    first = lines.groupby([rows[key] for key in keys], sort=False).transform("first")
    for line, row in each(rows.assign(earlier=first)[first != lines]):
        found = " ".join(shown(row[key]) for key in keys)
        problem = InputError(
            f"{found} is on line {row.earlier} already, expected it once",
            advice="Keep the row that is right.",
        )
        problems.add(table.file, problem, line=line, column=keys[-1])


def each(rows: pd.DataFrame) -> Iterator[tuple[int, pd.Series]]:
    """Yield line number and row."""
    lines: list[int] = rows.index.tolist()
    for line, (_, row) in zip(lines, rows.iterrows(), strict=True):
        yield line, row


def shown(value: object) -> str:
    """Return a value as a table would hold it."""
    if isinstance(value, pd.Timestamp):
        return str(value.date()) if value.tzinfo is None else f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return repr(value)


def _refuse_enrolled_twice(participants: StudyTable, problems: Problems) -> None:
    """Remember participants on an earlier line, with the site where they are enrolled already."""
    rows = participants.frame.dropna(subset=["participant_id"])
    first = rows.drop_duplicates("participant_id").reset_index().set_index("participant_id")
    for line, row in each(rows[rows["participant_id"].duplicated()]):
        earlier = first.loc[row.participant_id]
        problem = InputError(
            f"{row.participant_id!r} of site {row.site!r} is on line {earlier.line} already, at "
            f"site {earlier.site!r}; expected one row for each participant",
            advice="Keep the row that is right, or give the other person a code of their own.",
        )
        problems.add(participants.file, problem, line=line, column="participant_id")


def _refuse_spelt_twice(participants: StudyTable, column: str, problems: Problems) -> None:
    """Remember codes that differ in nothing but capitals and signs: they are one, spelt twice."""
    rows = participants.frame.dropna(subset=[column]).drop_duplicates(column)
    bare = rows[column].str.casefold().str.replace(r"[\W_]", "", regex=True)
    first = rows[column].groupby(bare, sort=False).transform("first")
    for line, row in each(rows.assign(earlier=first)[(first != rows[column]) & (bare != "")]):
        problem = InputError(
            f"found {row[column]!r}, which an earlier line spells {row.earlier!r}",
            advice="Spell it alike everywhere.",
        )
        problems.add(participants.file, problem, line=line, column=column)


def _check_stops(participants: StudyTable, problems: Problems) -> None:
    """Treatment stops in people who were randomised, and not before they were."""
    stopped = participants.frame.dropna(subset=["treatment_stopped_on"])
    for line, row in each(stopped[~(stopped["treatment_stopped_on"] >= stopped["randomised_on"])]):
        since = (
            "in a participant without a date of randomisation"
            if pd.isna(row.randomised_on)
            else f"before randomisation on {shown(row.randomised_on)}"
        )
        problem = InputError(
            f"found {shown(row.treatment_stopped_on)}, {since}; treatment can stop only after it",
            advice="Correct one of the dates.",
        )
        if not problems.names(participants.file, line, "randomised_on"):
            problems.add(participants.file, problem, line=line, column="treatment_stopped_on")


def _check_allocation(arms: StudyTable, participants: StudyTable, problems: Problems) -> None:
    """Whoever is randomised has an arm, and whoever has an arm is randomised."""
    people = participants.frame.dropna(subset=["participant_id"])
    allocated = people["participant_id"].isin(arms.frame["participant_id"])
    for line, row in each(people[people["randomised_on"].notna() & ~allocated]):
        problem = InputError(
            f"{row.participant_id!r} is missing, expected an arm for every randomised participant",
            advice=f"Add a row; line {line} of {participants.file.name} has the participant.",
        )
        problems.add(arms.file, problem, column="participant_id")
    for line, row in each(people[people["randomised_on"].isna() & allocated]):
        if not problems.names(participants.file, line, "randomised_on"):
            problem = InputError(
                f"{row.participant_id!r} has an arm in {arms.file.name}, expected a date",
                advice="Enter the date of randomisation, or remove the arm.",
            )
            problems.add(participants.file, problem, line=line, column="randomised_on")


def _check_sequences(arms: StudyTable, problems: Problems) -> None:
    """Everybody crosses over: one arm in the first period, the other in the second."""
    rows = arms.frame.dropna()
    people = rows.groupby("participant_id", sort=False)
    lone = people["treatment_period"].transform("nunique") < 2
    for line, row in each(rows[lone]):
        problem = InputError(
            f"{row.participant_id!r} has an arm for period {row.treatment_period} only, expected "
            "one for each of the two treatment periods"
        )
        problems.add(arms.file, problem, line=line, column="treatment_period")
    stays = ~lone & (people["arm"].transform("nunique") < 2)
    for line, row in each(rows[stays & people.cumcount().gt(0)]):
        problem = InputError(
            f"{row.participant_id!r} has {row.arm!r} in both periods, expected a crossover"
        )
        problems.add(arms.file, problem, line=line, column="arm")
