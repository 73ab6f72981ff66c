"""The columns of a study's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial import cells
from trial.tables import Column

if TYPE_CHECKING:
    from trial.plan import StudyPlan

__all__ = [
    "ADVERSE_EVENTS",
    "CONCOMITANT",
    "DEVIATIONS",
    "DEVICE_EVENTS",
    "ELIGIBILITY",
    "EPISODES",
    "NIGHTS",
    "PARTICIPANTS",
    "SESSIONS",
    "arms_columns",
    "diary_columns",
]

_PARTICIPANT = Column("participant_id", cells.code, "str")
_NIGHT = Column("night", cells.calendar_date, "datetime64[s]")
_LONGEST = 25  # hours of the night in which summer time ends

PARTICIPANTS = (
    _PARTICIPANT,
    Column("site", cells.text, "str"),
    Column("randomised_on", cells.calendar_date, "datetime64[s]", may_be_missing=True),
    Column("age", cells.number(0, 130, "years"), "float64", may_be_missing=True),
    Column("sex", cells.text, "str", may_be_missing=True),
    Column(
        "treatment_stopped_on",
        cells.calendar_date,
        "datetime64[s]",
        may_be_missing=True,
        optional=True,
    ),
    Column("stop_reason", cells.text, "str", may_be_missing=True, optional=True),
)

NIGHTS = (
    _PARTICIPANT,
    _NIGHT,
    Column("start_utc", cells.instant, "datetime64[us, UTC]", may_be_missing=True),
    Column("recorded_hours", cells.number(0, _LONGEST, "hours"), "float64"),
    Column("analysable_hours", cells.number(0, _LONGEST, "hours"), "float64"),
    Column("reason", cells.text, "str", may_be_missing=True),
    Column("end_utc", cells.instant, "datetime64[us, UTC]", may_be_missing=True, optional=True),
    Column("reviewed_by", cells.text, "str", may_be_missing=True, optional=True),
)

SESSIONS = (
    _PARTICIPANT,
    Column("start_utc", cells.instant, "datetime64[us, UTC]"),
    Column("end_utc", cells.instant, "datetime64[us, UTC]"),
    Column("recorded_hours", cells.number(0, _LONGEST, "hours"), "float64", may_be_missing=True),
    Column("analysable_hours", cells.number(0, _LONGEST, "hours"), "float64", may_be_missing=True),
    Column("reason", cells.text, "str", may_be_missing=True),
)

EPISODES = (
    _PARTICIPANT,
    _NIGHT,
    Column("onset_utc", cells.instant, "datetime64[us, UTC]"),
    Column("duration_s", cells.seconds, "float64"),
    Column("confidence", cells.number(0, 1, "a probability"), "float64", may_be_missing=True),
    Column("status", cells.one_of("auto", "confirmed", "rejected"), "str"),
    Column("version", cells.text, "str"),
    Column(
        "kind",
        cells.one_of("cramp", "possible_cramp", "leg_movement", "not_analysable"),
        "str",
        optional=True,
    ),
    Column(
        "censored",
        cells.one_of("none", "onset", "offset", "both"),
        "str",
        may_be_missing=True,
        optional=True,
    ),
    Column("exposed", cells.one_of("yes", "no"), "str", may_be_missing=True, optional=True),
)

ELIGIBILITY = (
    _PARTICIPANT,
    Column("assessed_on", cells.calendar_date, "datetime64[s]"),
    Column("criterion", cells.text, "str"),
    Column("answer", cells.one_of("yes", "no"), "str", may_be_missing=True),
)

_INTENSITY = cells.one_of("mild", "moderate", "severe")

ADVERSE_EVENTS = (
    _PARTICIPANT,
    Column("started_on", cells.calendar_date, "datetime64[s]"),
    Column("ended_on", cells.calendar_date, "datetime64[s]", may_be_missing=True, optional=True),
    Column("term", cells.text, "str"),
    Column("severity", _INTENSITY, "str"),
    Column("serious", cells.one_of("yes", "no"), "str"),
    Column("related", cells.one_of("no", "possible", "yes"), "str", may_be_missing=True),
    Column(
        "outcome",
        cells.one_of("recovered", "recovering", "not_recovered", "sequelae", "fatal", "unknown"),
        "str",
        may_be_missing=True,
        optional=True,
    ),
)

CONCOMITANT = (
    _PARTICIPANT,
    Column("product", cells.text, "str"),
    Column(
        "kind",
        cells.one_of(
            *("magnesium", "quinine", "calcium", "vitamin_d", "vitamin_k"),
            *("vitamin_k_antagonist", "diuretic", "statin", "other"),
        ),
        "str",
    ),
    Column("started_on", cells.calendar_date, "datetime64[s]", may_be_missing=True),
    Column("stopped_on", cells.calendar_date, "datetime64[s]", may_be_missing=True),
)

DEVIATIONS = (
    _PARTICIPANT,
    Column("noted_on", cells.calendar_date, "datetime64[s]"),
    Column(
        "kind",
        cells.one_of("eligibility", "consent", "treatment", "visit", "device", "safety", "other"),
        "str",
    ),
    Column("severity", cells.one_of("minor", "major"), "str"),
    Column("description", cells.text, "str", may_be_missing=True),
)

DEVICE_EVENTS = (
    _PARTICIPANT,
    Column("noted_on", cells.calendar_date, "datetime64[s]"),
    Column(
        "kind",
        cells.one_of(
            *("skin_reaction", "battery", "lost_connection", "firmware", "damaged", "other"),
        ),
        "str",
    ),
    Column("severity", _INTENSITY, "str", may_be_missing=True),
    Column("description", cells.text, "str", may_be_missing=True),
)


def diary_columns(plan: StudyPlan | None) -> tuple[Column, ...]:
    """Return the columns of the diary, whose scale of severity the plan sets."""
    lowest = plan.severity.lowest if plan else 0
    severity = cells.number(lowest, 10, "a severity")
    return (
        _PARTICIPANT,
        _NIGHT,
        Column("cramps", cells.count(200, "cramps"), "float64", may_be_missing=True),
        Column("severity", severity, "float64", may_be_missing=True),
        Column("minutes", cells.number(0, 1440, "minutes"), "float64", may_be_missing=True),
    )


def arms_columns(plan: StudyPlan | None) -> tuple[Column, ...]:
    """Return the columns of the allocation; in a crossover one arm for each treatment period."""
    columns = (_PARTICIPANT, Column("arm", cells.text, "str"))
    if plan is None or plan.crossover is None:
        return columns
    return (*columns, Column("treatment_period", cells.one_of("1", "2"), "str"))
