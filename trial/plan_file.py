"""``study.toml`` to a `StudyPlan`; every key at fault is named."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from nightcramp.errors import InputError
from trial import toml_keys as keys_of
from trial.plan import (
    HOURS_OF_A_NIGHT,
    NIGHTS_OF_A_WEEK,
    Blinding,
    Criterion,
    CriterionKind,
    Crossover,
    DataOrigin,
    DisplayRule,
    EpisodeSource,
    Estimand,
    FirstTreatmentNight,
    Leg,
    NightsOutsidePlan,
    Screening,
    Sessions,
    SeverityScale,
    StudyPlan,
    usual_display_rule,
)
from trial.toml_keys import Keys

if TYPE_CHECKING:
    from pathlib import Path

    from trial.tables import Problems

__all__ = ["read_plan"]

ATTRIBUTES = {
    "population": "Population",
    "treatment": "Treatment",
    "variable": "Variable",
    "summary": "Population-level summary",
}
"""Attributes of an estimand (ICH E9(R1), A.3.3), beside the intercurrent events."""

STRATEGIES = (
    "treatment policy",
    "hypothetical",
    "composite variable",
    "while on treatment",
    "principal stratum",
)
"""Strategies for intercurrent events (ICH E9(R1), A.3.2)."""

_CODE = re.compile(r"[a-z][a-z0-9_]*")
_MOST_WEEKS = 520
_LONGEST_WINDOW = 25.0  # hours; a night in which summer time ends


def read_plan(file: Path, content: bytes, problems: Problems) -> StudyPlan | None:
    """Read ``study.toml``; what is wrong with it goes to `problems`, and None is returned."""
    try:
        document = tomllib.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.add_unreadable(file, InputError(f"not a TOML file in UTF-8 ({error})"))
        return None
    keys = Keys(file, document, problems)
    nights_per_week = keys.optional(
        "nights_per_week", keys_of.whole(1, NIGHTS_OF_A_WEEK, "nights"), NIGHTS_OF_A_WEEK
    )
    sessions = _sessions(keys.table("sessions"))
    plan = StudyPlan(
        title=keys.required("title", keys_of.text, ""),
        weeks=keys.required("weeks", keys_of.whole(1, _MOST_WEEKS, "weeks"), 1),
        run_in_weeks=keys.required("run_in_weeks", keys_of.whole(0, _MOST_WEEKS, "weeks"), 0),
        zone=keys.required("time_zone", keys_of.zone, ZoneInfo("UTC")),
        blinding=keys.required("blinding", keys_of.word(Blinding), Blinding.BLINDED),
        estimand=_estimand(keys),
        first_treatment_night=keys.optional(
            "first_treatment_night", keys_of.word(FirstTreatmentNight), FirstTreatmentNight.SAME
        ),
        data=keys.optional("data", keys_of.word(DataOrigin), DataOrigin.RECORDED),
        nights_per_week=nights_per_week,
        leg=keys.optional("leg", keys_of.word(Leg), None),
        severity=keys.optional(
            "severity_scale", keys_of.word(SeverityScale), SeverityScale.FROM_ONE
        ),
        outside_plan=keys.optional(
            "nights_outside_plan", keys_of.word(NightsOutsidePlan), NightsOutsidePlan.REFUSED
        ),
        display=_display(keys.table("display"), nights_per_week, sessions),
        sessions=sessions,
        crossover=_crossover(keys.table("crossover")),
        screening=_screening(keys.table("screening")),
        eligibility=_eligibility(keys),
        reference_arm=keys.optional("reference_arm", keys_of.text, None),
    )
    keys.refuse_others()
    return plan if problems.is_readable(file) else None


def _estimand(keys: Keys) -> Estimand:
    """Return the estimand, written as one text or as a table of its attributes."""
    table = keys.table("estimand") if isinstance(keys.document.get("estimand"), dict) else None
    if table is not None:
        return _estimand_by_attributes(table)
    return Estimand(keys.required("estimand", keys_of.text, ""))


def _estimand_by_attributes(table: Keys) -> Estimand:
    found = {name: table.required(key, keys_of.text, "") for key, name in ATTRIBUTES.items()}
    events = [_intercurrent_event(event) for event in table.tables("intercurrent_events")]
    table.refuse_others()
    found["Intercurrent events"] = "; ".join(events) or "none foreseen"
    order = ("Population", "Treatment", "Variable", "Intercurrent events")
    attributes = tuple((name, found[name]) for name in (*order, ATTRIBUTES["summary"]))
    text = " ".join(f"{name}: {said.rstrip('.')}." for name, said in attributes)
    return Estimand(text, attributes)


def _intercurrent_event(event: Keys) -> str:
    name = event.required("event", keys_of.text, "")
    strategy = event.required("strategy", _strategy, "")
    event.refuse_others()
    return f"{name.rstrip('.')} ({strategy})"


def _strategy(value: object) -> str:
    named = keys_of.text(value)
    if named not in STRATEGIES:
        raise InputError(
            f"found {named!r}, expected a strategy of ICH E9(R1): {', '.join(STRATEGIES)}"
        )
    return named


def _sessions(table: Keys | None) -> Sessions | None:
    if table is None:
        return None
    sessions = Sessions(
        per_week=table.required("per_week", keys_of.whole(1, NIGHTS_OF_A_WEEK, "sessions"), 1),
        hours=table.required("hours", keys_of.decimal(_LONGEST_WINDOW, "hours"), 1.0),
    )
    table.refuse_others()
    return sessions


def _display(table: Keys | None, nights: int, sessions: Sessions | None) -> DisplayRule:
    """Return the rule for displayed weeks; what the file does not set follows from the plan."""
    usual = (
        usual_display_rule(nights, HOURS_OF_A_NIGHT)
        if sessions is None
        else usual_display_rule(sessions.per_week, sessions.hours)
    )
    if table is None:
        return usual
    rule = DisplayRule(
        night_hours=table.optional(
            "night_hours", keys_of.decimal(_LONGEST_WINDOW, "hours"), usual.night_hours
        ),
        week_nights=table.optional(
            "week_nights", keys_of.whole(1, NIGHTS_OF_A_WEEK, "nights"), usual.week_nights
        ),
    )
    table.refuse_others()
    return rule


def _crossover(table: Keys | None) -> Crossover | None:
    if table is None:
        return None
    weeks = table.required("washout_weeks", keys_of.whole(0, _MOST_WEEKS, "weeks"), 0)
    table.refuse_others()
    return Crossover(weeks)


def _screening(table: Keys | None) -> Screening | None:
    if table is None:
        return None
    screening = Screening(
        episodes=table.required("episodes", keys_of.whole(1, 1000, "episodes"), 1),
        weeks=table.required("weeks", keys_of.whole(1, _MOST_WEEKS, "weeks"), 1),
        source=table.required("source", keys_of.word(EpisodeSource), EpisodeSource.DIARY),
    )
    table.refuse_others()
    return screening


def _eligibility(keys: Keys) -> tuple[Criterion, ...]:
    found: list[Criterion] = []
    for table in keys.tables("eligibility"):
        criterion = Criterion(
            code=table.required("code", _code, ""),
            text=table.required("text", keys_of.text, ""),
            kind=table.required("kind", keys_of.word(CriterionKind), CriterionKind.INCLUSION),
            hard_stop=table.optional("hard_stop", keys_of.flag, False),
        )
        table.refuse_others()
        if criterion.code and criterion.code in [known.code for known in found]:
            table.refuse("code", InputError(f"the code {criterion.code!r} is taken already"))
        found.append(criterion)
    return tuple(found)


def _code(value: object) -> str:
    named = keys_of.text(value)
    if not _CODE.fullmatch(named):
        raise InputError(f"found {named!r}, expected small letters, digits and underscores")
    return named
