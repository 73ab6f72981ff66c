"""Where the figures of ``outcomes.json`` come from, and what they say."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from trial.agreement import sensor_beside_diary
from trial.calendar import planned_nights
from trial.consort import course, screened
from trial.enrolment import check_enrolment
from trial.episodes import episode_flow
from trial.estimates import geometric_mean_of_participants, mean_of_participants, pooled_rate
from trial.listed import count_listings
from trial.responses import response_table, summarise_responses
from trial.summary import summarise
from trial.wear import flow, lost_time, nights_outside_plan
from trial.weeks import period_table, weekly_table

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FIGURES", "Figure", "figure_of", "figures"]

GROUP = "{group}"
SPAN = "{span}"

_GROUP = r"(?:pooled|arms\.\d+)"
_SPAN = rf"{_GROUP}\.(?:run_in|treatment|weeks\.\d+)"


@dataclass(frozen=True, slots=True)
class Figure:
    """A part of the document that holds figures.

    Attributes
    ----------
    path : str
        Where it stands; ``{group}`` is ``pooled`` or one of ``arms``, ``{span}`` the ``run_in``,
        the ``treatment`` or one of the ``weeks`` of a group.
    function : str
        What made it.
    unit : str
    definition : str
    """

    path: str
    function: str
    unit: str
    definition: str


def _figure(path: str, function: Callable[..., object], unit: str, definition: str) -> Figure:
    return Figure(path, f"{function.__module__}.{function.__qualname__}", unit, definition)


FIGURES = (
    _figure("data_cut", summarise, "night", "Last night of the plan that the tables know of."),
    _figure(
        "screened",
        screened,
        "participants",
        "Assessed, randomised, and excluded by the first criterion that was not met.",
    ),
    _figure(
        "nights_outside_plan",
        nights_outside_plan,
        "nights",
        "Recorded nights in no week of the plan; they are not used.",
    ),
    _figure(
        "lost_time",
        lost_time,
        "nights, hours",
        "Planned nights without recording and recorded hours that are not analysable, by reason.",
    ),
    _figure(
        "sensor_diary",
        sensor_beside_diary,
        "nights, cramps",
        "Analysable nights with a diary answer, by what sensor and diary say of them; null "
        "where participants' own counts are withheld.",
    ),
    _figure(
        "sensor_diary_shares",
        sensor_beside_diary,
        "shares of nights",
        "The same as shares: of the nights with a cramp in one, those in which the other has one.",
    ),
    _figure(
        "episode_flow",
        episode_flow,
        "episodes",
        "Episodes of the table: rejected, out of exposure or plan, counted, censored.",
    ),
    _figure(
        "enrolment",
        check_enrolment,
        "",
        "Participants held against the eligibility checklist and the screening rule.",
    ),
    _figure(
        "participants",
        period_table,
        "as in periods_dictionary.csv",
        "What was seen of each participant in each period.",
    ),
    _figure(
        "responses",
        response_table,
        "as in responses_dictionary.csv",
        "Each participant's treatment held against the run-in.",
    ),
    _figure(
        f"{GROUP}.flow",
        flow,
        "participants, nights, hours",
        "Participants and nights on their way into the analysis, up to the data cut.",
    ),
    _figure(
        f"{GROUP}.course",
        course,
        "participants",
        "Whose treatment has begun, who stopped it early and why, who completed it.",
    ),
    _figure(
        f"{GROUP}.listed",
        count_listings,
        "participants, entries",
        "Adverse events, concomitant products, deviations and device events, counted.",
    ),
    _figure(f"{GROUP}.age", mean_of_participants, "years", "Mean age at enrolment."),
    _figure(f"{GROUP}.sex", summarise, "participants", "Randomised participants by sex."),
    _figure(
        f"{GROUP}.responses",
        summarise_responses,
        "participants, weeks",
        "Responders by threshold, share of cramp-free weeks, time to effect.",
    ),
    _figure(f"{SPAN}.name", weekly_table, "week", "Number of the week, or the period."),
    _figure(
        f"{SPAN}.nights_planned", planned_nights, "nights", "Planned nights up to the data cut."
    ),
    *(
        _figure(f"{SPAN}.{column}", weekly_table, unit, definition)
        for column, unit, definition in (
            ("nights_recorded", "nights", "Nights with a recording."),
            (
                "nights_analysable",
                "nights",
                "Nights with at least the hours of the display rule.",
            ),
            ("diary_nights", "nights", "Nights with a diary answer."),
            ("recorded_hours", "hours", "Recorded time."),
            ("analysable_hours", "hours", "Time in which a cramp would have been seen."),
            ("displayed", "participants", "Participants with a displayed week."),
        )
    ),
    _figure(
        f"{SPAN}.outcomes.frequency",
        pooled_rate,
        "cramps per week",
        "Cramps ÷ analysable hours × reference hours; the participant is the unit.",
    ),
    _figure(
        f"{SPAN}.outcomes.cramp_minutes",
        pooled_rate,
        "minutes per week",
        "Minutes of cramp ÷ analysable hours × reference hours; 0 without a cramp.",
    ),
    _figure(
        f"{SPAN}.outcomes.mean_minutes",
        mean_of_participants,
        "minutes",
        "Mean over participants with a cramp of each one's mean duration.",
    ),
    _figure(
        f"{SPAN}.outcomes.median_minutes",
        mean_of_participants,
        "minutes",
        "Mean over participants with a cramp of each one's median duration.",
    ),
    _figure(
        f"{SPAN}.outcomes.geometric_minutes",
        geometric_mean_of_participants,
        "minutes",
        "Geometric mean over participants with a cramp of each one's geometric mean duration.",
    ),
    _figure(
        f"{SPAN}.outcomes.severity",
        mean_of_participants,
        "points",
        "Mean over participants with a cramp in the diary of each one's mean severity.",
    ),
    _figure(
        f"{SPAN}.outcomes.censored",
        weekly_table,
        "cramps",
        "Cramps of which an end could not be seen; their duration is that which was seen.",
    ),
)
"""Every part of the document that holds figures, beside ``statistics``, which names its own."""


def figures() -> dict[str, dict[str, str]]:
    """Return all figures by path, as they stand in the document."""
    rows = [asdict(figure) for figure in FIGURES]
    return {row.pop("path"): row for row in rows}


def figure_of(path: str) -> Figure | None:
    """Return what stands at a place of the document.

    Parameters
    ----------
    path : str
        Keys and positions joined by points, such as ``arms.0.weeks.3.outcomes.frequency.value``.
    """
    for figure in FIGURES:
        pattern = re.escape(figure.path).replace(re.escape(SPAN), _SPAN)
        pattern = pattern.replace(re.escape(GROUP), _GROUP)
        if re.match(rf"{pattern}(?:\.|$)", path):
            return figure
    return None
