"""What one participant is told of a night or of a week: whether it worked, in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import pandas as pd

from nightcramp.errors import UsageError
from trial.blinding import counts_published
from trial.calendar import assign_weeks, data_cut, person_weeks
from trial.plan import NIGHTS_OF_A_WEEK
from trial.weeks import nightly_table

if TYPE_CHECKING:
    from datetime import date

    from trial.study import Study

__all__ = ["NightSheet", "Sheet", "Verdict", "participant_sheet"]


class Verdict(StrEnum):
    """How well a night was recorded."""

    GOOD = "good"
    USABLE = "usable"
    NOT_USABLE = "not usable"
    NOT_DUE = "not due"


_GOOD_SHARE = 0.9  # of the recorded hours


@dataclass(frozen=True, slots=True)
class NightSheet:
    """One night of a participant.

    Attributes
    ----------
    night : Timestamp
        Date of its evening.
    verdict : Verdict
    recorded_hours, analysable_hours : float
    reason : str or None
        Why time is missing.
    diary : bool
        Whether the diary was answered.
    cramps, minutes : float or None
        By the sensor; None where they are not to be told, or not known.
    """

    night: pd.Timestamp
    verdict: Verdict
    recorded_hours: float
    analysable_hours: float
    reason: str | None
    diary: bool
    cramps: float | None
    minutes: float | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A night, or the seven nights of a week, of a participant.

    Attributes
    ----------
    participant_id : str
    week : int
    nights : tuple of NightSheet
        One, or seven.
    tells_cramps : bool
        False in a blinded trial, whether or not the arms are known elsewhere.
    """

    participant_id: str
    week: int
    nights: tuple[NightSheet, ...]
    tells_cramps: bool

    @property
    def is_week(self) -> bool:
        """Whether it is of a week."""
        return len(self.nights) > 1


def participant_sheet(
    study: Study, participant: str, *, week: int | None = None, night: date | None = None
) -> Sheet:
    """Return what a participant may be told of a night or week; by default of their latest week.

    Raises
    ------
    UsageError
        If the arms were opened, both a week and a night are named, or there is no such
        participant, week or night.
    """
    if study.arms_opened:
        raise UsageError("a participant's summary knows no arms: leave --arms out")
    if week is not None and night is not None:
        raise UsageError("--week and --night: choose one")
    weeks = person_weeks(study)
    mine = weeks[weeks["participant_id"] == participant].set_index("week")["first_night"]
    if mine.empty:
        raise UsageError(_unknown(study, participant))
    if night is not None:
        number = _week_of(pd.Timestamp(night), mine, participant)
        return _sheet(study, participant, number, [pd.Timestamp(night)])
    number = _latest(study, mine) if week is None else week
    if number not in mine.index:
        known = ", ".join(map(str, mine.index))
        raise UsageError(f"week {number} is not in the plan, expected one of {known}")
    nights = [mine[number] + pd.Timedelta(days=day) for day in range(NIGHTS_OF_A_WEEK)]
    return _sheet(study, participant, number, nights)


def _unknown(study: Study, participant: str) -> str:
    if participant in set(study.participants["participant_id"]):
        return f"{participant!r} is not randomised: there is no week to report"
    return f"{participant!r} is not a participant of the study, expected one of participants.tsv"


def _week_of(night: pd.Timestamp, weeks: pd.Series[pd.Timestamp], participant: str) -> int:
    since = (night - weeks).dt.days
    within = weeks.index[since.between(0, NIGHTS_OF_A_WEEK - 1)]
    if within.empty:
        first, last = weeks.min(), weeks.max() + pd.Timedelta(days=NIGHTS_OF_A_WEEK - 1)
        raise UsageError(
            f"the night of {night.date()} is in no week of {participant!r}, expected a night from "
            f"{first.date()} to {last.date()}"
        )
    return int(within[0])


def _latest(study: Study, weeks: pd.Series[pd.Timestamp]) -> int:
    """Return the last week that has begun at the data cut, or the first of all."""
    cut = data_cut(study)
    begun = weeks if cut is None else weeks[weeks <= cut]
    return int(begun.index[-1] if cut is not None and not begun.empty else weeks.index[0])


def _sheet(study: Study, participant: str, week: int, nights: list[pd.Timestamp]) -> Sheet:
    tells = counts_published(study)
    table = nightly_table(study)
    mine = table[table["participant_id"] == participant]
    rows = {row["night"]: row for _, row in mine.iterrows()}
    answers = assign_weeks(study.diary.dropna(subset=["cramps"]), study)
    answered = set(answers.loc[answers["participant_id"] == participant, "night"])
    cut = data_cut(study)
    found = []
    for night in nights:
        is_due = cut is not None and night <= cut
        row, diary = rows.get(night), night in answered
        found.append(_night(night, row, study, is_due=is_due, diary=diary, tells=tells))
    return Sheet(participant, week, tuple(found), tells)


def _night(
    night: pd.Timestamp,
    row: pd.Series | None,
    study: Study,
    *,
    is_due: bool,
    diary: bool,
    tells: bool,
) -> NightSheet:
    if row is None:
        verdict = Verdict.NOT_USABLE if is_due else Verdict.NOT_DUE
        return NightSheet(night, verdict, 0.0, 0.0, None, diary, None, None)
    recorded, analysable = float(row["recorded_hours"]), float(row["analysable_hours"])
    enough = study.plan.display.night_hours
    if recorded == 0 or analysable < enough:
        verdict = Verdict.NOT_USABLE
    else:
        is_good = analysable >= _GOOD_SHARE * recorded
        verdict = Verdict.GOOD if is_good else Verdict.USABLE
    reason = row["reason"] if isinstance(row["reason"], str) else None
    known = tells and pd.notna(row["episodes"])
    return NightSheet(
        night=night,
        verdict=verdict,
        recorded_hours=recorded,
        analysable_hours=analysable,
        reason=reason,
        diary=diary,
        cramps=float(row["episodes"]) if known else None,
        minutes=float(row["minutes"]) if known else None,
    )
