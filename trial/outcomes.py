"""Results as they are written: ``outcomes.json`` and the tables beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from trial.blinding import counts_published, without_counts
from trial.definitions import WITHHELD, definitions, limits
from trial.dictionary import dictionary
from trial.enrolment import check_enrolment
from trial.figures import figures
from trial.responses import response_table
from trial.results import RunKind, work_out
from trial.summary import summarise
from trial.weeks import period_table, weekly_table

if TYPE_CHECKING:
    from trial.plan import StudyPlan
    from trial.provenance import Provenance
    from trial.results import Results
    from trial.study import Study
    from trial.summary import Span, Summary

__all__ = ["SCHEMA", "document", "outcomes", "published_tables", "published_weekly"]

SCHEMA = "nightcramp.outcomes/3"

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def outcomes(
    study: Study, provenance: Provenance, run: RunKind = RunKind.WEEKLY
) -> dict[str, object]:
    """Return the outcomes of a study as a document that `json.dumps` takes.

    Missing values are None. Estimates are withheld, and participants' cramp counts left out, as
    the blinding of the study demands; ``counts_withheld`` then says why.

    Parameters
    ----------
    study : Study
    provenance : Provenance
        Versions of what made the result.
    run : RunKind
        Weekly runs describe. The final one, and one for the data monitoring committee, hold the
        ``statistics``.

    Raises
    ------
    UsageError
        If statistics are wanted while the arms are closed, or of a crossover.
    InputError
        If they are wanted and the plan does not say which arm the other is compared with.
    """
    return document(work_out(study, run), provenance)


def document(results: Results, provenance: Provenance) -> dict[str, object]:
    """Return what a run found as a document that `json.dumps` takes; see `outcomes`."""
    study, run = results.study, results.run
    found = {
        "schema": SCHEMA,
        "run": run,
        "study": _plan(study.plan),
        "arms_opened": study.arms_opened,
        "counts_withheld": None if counts_published(study) else WITHHELD,
        "provenance": {**asdict(provenance), "input_hash": study.input_hash},
        **asdict(results.summary),
        "participants": _records(without_counts(period_table(study), study)),
        "responses": _records(response_table(study)) if _may_respond(study) else None,
        "enrolment": [asdict(finding) for finding in check_enrolment(study)],
        "statistics": None if results.analysis is None else results.analysis.document(),
        "definitions": definitions(study),
        "limits": limits(study, tested=run is not RunKind.WEEKLY),
        "figures": figures(),
    }
    return {key: _json(value) for key, value in found.items()}


def published_weekly(study: Study, summary: Summary | None = None) -> pd.DataFrame:
    """Return the weekly table as it may be written.

    Where participants' counts may be written (open study, or arms opened), it is `weekly_table`:
    one row for each participant and week. In a blinded study it has one row for each week, over
    the participants whose week is released (`trial.release`).

    Parameters
    ----------
    study : Study
    summary : Summary, optional
        Of the study, if it was worked out already.

    Returns
    -------
    DataFrame
        As `weekly_table`, or ``week period nights_planned nights_recorded nights_analysable
        recorded_hours`` of all; ``participants analysable_hours`` behind ``episodes rate rate_low
        rate_high mean_minutes median_minutes total_minutes censored diary_nights mean_severity
        displayed`` (participants with a displayed week). Minutes and severity are means over
        participants. Fractions are rounded to three decimals.
    """
    if counts_published(study):
        table = weekly_table(study)
        return table.assign(first_night=table["first_night"].dt.strftime("%Y-%m-%d")).round(3)
    pooled = (summary or summarise(study)).pooled
    weeks = [_pooled_week(week, study.plan) for week in pooled.weeks]
    return pd.DataFrame(weeks).astype({"episodes": "Int64", "censored": "Int64"}).round(3)


def published_tables(study: Study, summary: Summary | None = None) -> dict[str, pd.DataFrame]:
    """Return the tables that may be written by name, each followed by its data dictionary.

    Parameters
    ----------
    study : Study
    summary : Summary, optional
        Of the study, if it was worked out already.

    Returns
    -------
    dict
        ``weekly`` (see `published_weekly`), ``periods`` (`period_table`, without counts where they
        are withheld) and, where participants' own counts may be written, ``responses``
        (`response_table`); and for each of them ``…_dictionary``: ``column type unit definition``.
    """
    periods = without_counts(period_table(study), study)
    first_night = periods["first_night"].dt.strftime("%Y-%m-%d")
    tables = {
        "weekly": published_weekly(study, summary),
        "periods": periods.assign(first_night=first_night).round(3),
    }
    if _may_respond(study):
        tables["responses"] = response_table(study).round(3)
    written = {}
    for name, table in tables.items():
        written[name] = table
        written[f"{name}_dictionary"] = dictionary(table, study.plan)
    return written


def _may_respond(study: Study) -> bool:
    """Whether it may be written who responded; in a crossover that is known by arm only."""
    return counts_published(study) and (study.plan.crossover is None or study.arms_opened)


def _pooled_week(week: Span, plan: StudyPlan) -> dict[str, float | int | str | None]:
    found = week.outcomes
    return {
        "week": week.name,
        "period": str(plan.period(int(week.name))),
        "participants": found.frequency.participants,
        "nights_planned": week.nights_planned,
        "nights_recorded": week.nights_recorded,
        "nights_analysable": week.nights_analysable,
        "recorded_hours": week.recorded_hours,
        "analysable_hours": found.frequency.exposure,
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
    """Return the plan without ``reference_arm``: a name of an arm belongs to opened arms."""
    return {
        "title": plan.title,
        "weeks": plan.weeks,
        "run_in_weeks": plan.run_in_weeks,
        "time_zone": plan.zone.key,
        "blinding": plan.blinding,
        "first_treatment_night": plan.first_treatment_night,
        "data": plan.data,
        "nights_per_week": plan.nights_per_week,
        "leg": plan.leg,
        "sessions": None if plan.sessions is None else asdict(plan.sessions),
        "crossover": None if plan.crossover is None else asdict(plan.crossover),
        "screening": None if plan.screening is None else asdict(plan.screening),
        "eligibility": [asdict(criterion) for criterion in plan.eligibility],
        "estimand": {"text": plan.estimand.text, "attributes": dict(plan.estimand.attributes)},
    }


def _records(table: pd.DataFrame) -> list[Mapping[str, object]]:
    rows = table.drop(columns="first_night", errors="ignore").to_dict("records")
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
        case np.bool_() | np.integer():
            return value.item()
        case float():
            return float(f"{value:.8g}") if math.isfinite(value) else None
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).isoformat(timespec="seconds")
        case datetime():
            return value.date().isoformat()
        case _:
            return None if value is None or value is pd.NA else str(value)
