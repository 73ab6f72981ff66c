"""The columns of a study's tables."""

from __future__ import annotations

from trial import cells
from trial.tables import Column

__all__ = ["ARMS", "DIARY", "EPISODES", "NIGHTS", "PARTICIPANTS"]

_PARTICIPANT = Column("participant_id", cells.code, "str")
_NIGHT = Column("night", cells.calendar_date, "datetime64[s]")

PARTICIPANTS = (
    _PARTICIPANT,
    Column("site", cells.text, "str"),
    Column("randomised_on", cells.calendar_date, "datetime64[s]", may_be_missing=True),
    Column("age", cells.number(0, 130, "years"), "float64", may_be_missing=True),
    Column("sex", cells.text, "str", may_be_missing=True),
)

NIGHTS = (
    _PARTICIPANT,
    _NIGHT,
    Column("start_utc", cells.instant, "datetime64[us, UTC]", may_be_missing=True),
    Column("recorded_hours", cells.number(0, 24, "hours"), "float64"),
    Column("analysable_hours", cells.number(0, 24, "hours"), "float64"),
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
)

DIARY = (
    _PARTICIPANT,
    _NIGHT,
    Column("cramps", cells.count(200, "cramps"), "float64", may_be_missing=True),
    Column("severity", cells.number(0, 10, "a severity"), "float64", may_be_missing=True),
    Column("minutes", cells.number(0, 1440, "minutes"), "float64", may_be_missing=True),
)

ARMS = (_PARTICIPANT, Column("arm", cells.text, "str"))
