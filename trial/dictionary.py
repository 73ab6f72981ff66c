"""Data dictionaries: what every column of an exported table holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from trial.plan import StudyPlan

__all__ = ["Meaning", "dictionary"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a column holds: its type, its unit (or the words it may hold), and its definition."""

    type: str
    unit: str
    definition: str


_COLUMNS = {
    "participant_id": Meaning("text", "", "Code of the participant."),
    "site": Meaning("text", "", "Code of the site."),
    "arm": Meaning("text", "", "Arm, in a crossover that of the treatment period."),
    "sequence": Meaning("text", "", "Arms of a crossover in their order."),
    "week": Meaning(
        "integer", "week", "1 begins with the first treatment night, −1 ends before it; no week 0."
    ),
    "period": Meaning("text", "run_in, treatment, washout", "What the week is for."),
    "treatment_period": Meaning("integer", "1, 2", "Treatment period of a crossover; 0 outside."),
    "first_night": Meaning("date", "YYYY-MM-DD", "Evening of the first night of the week."),
    "nights_planned": Meaning("integer", "nights", "Planned nights up to the data cut."),
    "nights_recorded": Meaning("integer", "nights", "Nights with a recording."),
    "nights_analysable": Meaning(
        "integer", "nights", "Nights with at least {night_hours:g} analysable hours."
    ),
    "recorded_hours": Meaning("decimal", "hours", "Recorded time."),
    "analysable_hours": Meaning(
        "decimal", "hours", "Time in which a cramp would have been seen: the exposure."
    ),
    "episodes": Meaning(
        "integer", "cramps", "Cramps that count; missing without analysable hours."
    ),
    "rate": Meaning(
        "decimal", "cramps per week", "episodes ÷ analysable_hours × {reference_hours:g}."
    ),
    "mean_minutes": Meaning("decimal", "minutes", "Mean duration of the cramps."),
    "median_minutes": Meaning("decimal", "minutes", "Median duration of the cramps."),
    "mean_log_minutes": Meaning(
        "decimal", "ln(minutes)", "Mean of the natural logarithm of the durations."
    ),
    "total_minutes": Meaning("decimal", "minutes", "Durations of all cramps together."),
    "censored": Meaning(
        "integer", "cramps", "Cramps of which an end could not be seen, counted among episodes."
    ),
    "diary_nights": Meaning("integer", "nights", "Nights with a diary answer."),
    "diary_cramps": Meaning("integer", "cramps", "Cramps by the diary."),
    "mean_severity": Meaning(
        "decimal", "{severity}", "Mean severity by the diary, over nights with a cramp."
    ),
    "displayed": Meaning(
        "boolean", "True, False", "Whether the week has at least {week_nights} analysable nights."
    ),
    "run_in_rate": Meaning("decimal", "cramps per week", "Rate of the run-in."),
    "treatment_rate": Meaning("decimal", "cramps per week", "Rate of the treatment."),
    "reduction": Meaning("decimal", "share", "1 − treatment_rate ÷ run_in_rate."),
    "responder_25": Meaning("boolean", "True, False", "Whether the rate fell by 25 % or more."),
    "responder_50": Meaning("boolean", "True, False", "Whether the rate fell by 50 % or more."),
    "responder_75": Meaning("boolean", "True, False", "Whether the rate fell by 75 % or more."),
    "weeks_displayed": Meaning("integer", "weeks", "Displayed treatment weeks."),
    "cramp_free_weeks": Meaning("integer", "weeks", "Displayed treatment weeks without a cramp."),
    "weeks_to_effect": Meaning(
        "integer",
        "weeks",
        "First of two displayed treatment weeks in a row at half the run-in rate or less; missing "
        "if there is none.",
    ),
    "last_week": Meaning("integer", "weeks", "Last displayed treatment week."),
}

_POOLED = {
    "participants": Meaning("integer", "participants", "Behind the rate, their weeks released."),
    "analysable_hours": Meaning("decimal", "h", "Time of these participants that was analysable."),
    "nights_planned": Meaning("integer", "nights", "Planned nights of all participants."),
    "episodes": Meaning("integer", "cramps", "Cramps of all; missing where they are withheld."),
    "rate_low": Meaning("decimal", "cramps per week", "Lower limit of the 95 % interval of rate."),
    "rate_high": Meaning("decimal", "cramps per week", "Upper limit of the 95 % interval of rate."),
    "mean_minutes": Meaning("decimal", "minutes", "Mean over participants of their mean duration."),
    "median_minutes": Meaning(
        "decimal", "minutes", "Mean over participants of their median duration."
    ),
    "mean_severity": Meaning(
        "decimal", "{severity}", "Mean over participants of their mean severity by the diary."
    ),
    "displayed": Meaning("integer", "participants", "Participants with a displayed week."),
}


def dictionary(table: pd.DataFrame, plan: StudyPlan) -> pd.DataFrame:
    """Return the data dictionary of an exported table.

    Returns
    -------
    DataFrame
        ``column type unit definition``, one row for each column of `table`.
    """
    known = _COLUMNS if "participant_id" in table else _COLUMNS | _POOLED
    values = {
        "night_hours": plan.display.night_hours,
        "week_nights": plan.display.week_nights,
        "reference_hours": plan.reference_hours,
        "severity": str(plan.severity),
    }
    rows = []
    for column in table:
        meaning = known[str(column)]
        unit, definition = meaning.unit.format(**values), meaning.definition.format(**values)
        rows.append((column, meaning.type, unit, definition))
    return pd.DataFrame(rows, columns=["column", "type", "unit", "definition"])
