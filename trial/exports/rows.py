"""What the rows of every dataset begin with: who, in which order, when in the study."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from trial.calendar import assign_weeks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trial.study import Study

__all__ = ["EPOCHS", "identified", "in_words", "nothing", "placed", "sequence"]

EPOCHS = {"run_in": "RUN-IN", "treatment": "TREATMENT", "washout": "WASHOUT"}
"""Periods of the plan in CDISC terms."""


def identified(rows: pd.DataFrame, study_id: str, dataset: str) -> pd.DataFrame:
    """Return a frame with the variables that every dataset begins with."""
    subject = study_id + "-" + rows["participant_id"]
    return pd.DataFrame({"STUDYID": study_id, "DOMAIN": dataset, "USUBJID": subject})


def placed(rows: pd.DataFrame, study: Study, order: str = "night") -> pd.DataFrame:
    """Return rows by participant and time, with their week, epoch and day of the study.

    The day is counted from the first treatment night, which is 1; there is no day 0. It is missing
    for those who are not randomised, week and epoch also outside the plan.
    """
    placed = rows.sort_values(["participant_id", order], kind="stable").reset_index(drop=True)
    weeks = assign_weeks(placed, study)
    placed["week"] = weeks["week"].astype("Int64").reindex(placed.index)
    placed["epoch"] = in_words(weeks["period"], EPOCHS).reindex(placed.index)
    first = study.randomised.set_index("participant_id")["first_treatment_night"]
    start = first.reindex(placed["participant_id"]).set_axis(placed.index)
    days = (placed["night"] - start).dt.days.astype("Int64")
    placed["day"] = days.where(days < 0, days + 1)
    return placed


def sequence(rows: pd.DataFrame) -> pd.Series[int]:
    """Return the number of each row among those of its participant."""
    return rows.groupby("participant_id").cumcount() + 1


def nothing(rows: pd.DataFrame) -> pd.Series[str]:
    """Return a column without values, for what the study's table does not have."""
    return pd.Series(None, index=rows.index, dtype="str")


def in_words(column: pd.Series, words: Mapping[str, str]) -> pd.Series:
    """Return a column in the words of the export; every word of the study must have its own."""
    return column.map(words.__getitem__, na_action="ignore")
