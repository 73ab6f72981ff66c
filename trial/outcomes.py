"""Results as they are written: ``outcomes.json`` and ``weekly.csv``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd

from trial.blinding import counts_published, without_counts
from trial.definitions import WITHHELD, definitions, limits
from trial.summary import summarise
from trial.weeks import DISPLAY_RULE, period_table, weekly_table

if TYPE_CHECKING:
    from trial.plan import StudyPlan
    from trial.provenance import Provenance
    from trial.study import Study
    from trial.summary import Span

__all__ = ["SCHEMA", "outcomes", "published_weekly"]

SCHEMA = "nightcramp.outcomes/1"

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def outcomes(study: Study, provenance: Provenance) -> dict[str, object]:
    """Return the outcomes of a study as a document that `json.dumps` takes.

    Missing values are None. Estimates are withheld, and participants' cramp counts left out, as
    the blinding of the study demands; ``counts_withheld`` then says why.

    Parameters
    ----------
    study : Study
    provenance : Provenance
        Versions of what made the result.
    """
    summary = summarise(study)
    document = {
        "schema": SCHEMA,
        "study": _plan(study.plan),
        "arms_opened": study.arms_opened,
        "counts_withheld": None if counts_published(study) else WITHHELD,
        "provenance": {**asdict(provenance), "input_hash": study.input_hash},
        "display_rule": asdict(DISPLAY_RULE),
        **asdict(summary),
        "participants": _records(without_counts(period_table(study), study)),
        "definitions": definitions(study),
        "limits": limits(study),
    }
    return {key: _json(value) for key, value in document.items()}


def published_weekly(study: Study) -> pd.DataFrame:
    """Return the weekly table as it may be written.

    Where participants' counts may be written (open study, or arms opened), it is `weekly_table`:
    one row for each participant and week. In a blinded study it has one row for each week, over
    all participants, with missing values where too few of them are behind the week.

    Returns
    -------
    DataFrame
        As `weekly_table`, or ``week participants`` (with analysable time) ``nights_planned
        nights_recorded nights_analysable recorded_hours analysable_hours episodes rate rate_low
        rate_high mean_minutes median_minutes total_minutes censored diary_nights mean_severity
        displayed`` (participants with a displayed week). Minutes and severity are means over
        participants. Fractions are rounded to three decimals.
    """
    if counts_published(study):
        table = weekly_table(study)
        return table.assign(first_night=table["first_night"].dt.strftime("%Y-%m-%d")).round(3)
    weeks = pd.DataFrame([_pooled_week(week) for week in summarise(study).pooled.weeks])
    return weeks.astype({"episodes": "Int64", "censored": "Int64"}).round(3)


def _pooled_week(week: Span) -> dict[str, float | int | str | None]:
    found = week.outcomes
    return {
        "week": week.name,
        "participants": found.frequency.participants,
        "nights_planned": week.nights_planned,
        "nights_recorded": week.nights_recorded,
        "nights_analysable": week.nights_analysable,
        "recorded_hours": week.recorded_hours,
        "analysable_hours": week.analysable_hours,
        "episodes": found.frequency.events,
        "rate": found.frequency.value,
        "rate_low": found.frequency.low,
        "rate_high": found.frequency.high,
        "mean_minutes": found.mean_minutes.value,
        "median_minutes": found.median_minutes.value,
        "total_minutes": found.cramp_minutes.events,
        "censored": found.censored,
        "diary_nights": week.diary_nights,
        "mean_severity": found.severity.value,
        "displayed": week.displayed,
    }


def _plan(plan: StudyPlan) -> dict[str, object]:
    return {
        "title": plan.title,
        "weeks": plan.weeks,
        "run_in_weeks": plan.run_in_weeks,
        "time_zone": plan.zone.key,
        "blinding": plan.blinding,
        "first_treatment_night": plan.first_treatment_night,
        "data": plan.data,
        "estimand": plan.estimand,
    }


def _records(table: pd.DataFrame) -> list[Mapping[str, object]]:
    rows = table.drop(columns="first_night").to_dict("records")
    return [{str(column): value for column, value in row.items()} for row in rows]


def _json(value: object) -> Json:
    """Return a value as JSON knows it, whatever it holds."""
    if isinstance(value, Mapping):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(item) for item in value]
    return _scalar(value)


def _scalar(value: object) -> Json:
    """Return a single value: a missing one as null, a moment in UTC, a night as its date."""
    match value:
        case bool() | int():
            return value
        case float():
            return None if math.isnan(value) else round(value, 6)
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).isoformat(timespec="seconds")
        case datetime():
            return value.date().isoformat()
        case _:
            return None if value is None or value is pd.NA else str(value)
