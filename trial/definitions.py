"""The words and rules of the results, in sentences for the report and ``outcomes.json``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.blinding import SMALLEST_POOL, counts_published
from trial.plan import NIGHTS_OF_A_WEEK, DataOrigin, Leg
from trial.responses import EFFECT, THRESHOLDS

if TYPE_CHECKING:
    from trial.plan import StudyPlan
    from trial.study import Study

__all__ = ["WITHHELD", "definitions", "limits"]

_LIMITS = (
    (
        "The detector has not been validated clinically: in people, nobody has measured how many "
        "cramps it misses and how many of the cramps it reports are none."
    ),
    (
        "Missing is not zero: a week without analysable time has no rate. The intervals do not "
        "cover the error that arises if nights are missing because of cramps."
    ),
    (
        "Durations are those of participants who still have cramps; cramp minutes per week are "
        "everybody's."
    ),
)

_DESCRIPTIVE = (
    "This report describes. It tests no hypothesis, and the intervals of single weeks are not "
    "adjusted for their number."
)

WITHHELD = (
    "Cramp counts of single participants are left out because the trial is blinded: from a "
    "participant's own counts the arm could be guessed."
)

_OVER_BLOCKS = (
    f" While the trial is blinded those of rates are over blocks of {SMALLEST_POOL} participants, "
    "three at least: from one over participants their own cramps could be worked out."
)

_LEGS = {
    Leg.LEFT: "Only recordings of the left leg count.",
    Leg.RIGHT: "Only recordings of the right leg count.",
    Leg.BOTH: "Cramps of either leg count, cramps of both at the same time as one. Time is "
    "analysable while both legs are; a cramp that begins while the other leg is not analysable "
    "is listed and does not count.",
}


def definitions(study: Study) -> dict[str, str]:
    """Return what each word of the report means, by word."""
    plan, rule = study.plan, study.plan.display
    return {
        "Night": f"From local noon to noon ({plan.zone.key}), named by the date of its evening; 23 "
        "or 25 hours long when the clocks change.",
        **_windows(plan),
        "Analysable time": "Recorded time in which a cramp would have been seen. Time off the "
        "body, saturated, swamped by hum or lost is not analysable and leaves the denominator.",
        **({} if plan.leg is None else {"Leg": _LEGS[plan.leg]}),
        "Analysable night": f"A night with at least {rule.night_hours:g} analysable hours.",
        "Displayed week": f"A participant's week with at least {rule.week_nights} analysable "
        "nights. The rule only marks weeks: pooled results use every analysable hour.",
        "Cramps per week": f"Cramps ÷ analysable hours × {plan.reference_hours:g} "
        f"({_reference(plan)}), both summed over participants. A cramp counts unless it was "
        "rejected or only possible.",
        "95 % CI": "Confidence interval. The participant is the unit: ratio of two sums over "
        "participants, linearised, on the log scale, Student's t. Exact Poisson interval where no "
        "cramp was seen. There is none with fewer than three participants."
        + ("" if counts_published(study) else _OVER_BLOCKS),
        "Minutes per cramp": "Mean over participants of each one's mean (median, geometric mean) "
        "duration, so that nobody counts more for having more cramps. Only participants with a "
        "cramp have one. A cramp cut short by a gap enters with the duration that was seen.",
        "Cramp minutes per week": f"Minutes of cramp ÷ analysable hours × "
        f"{plan.reference_hours:g}. Everybody counts, with 0 if there was no cramp.",
        "Severity": f"From the diary, {plan.severity}: mean over participants of each one's mean "
        "over nights with a cramp.",
        **_responses(),
    }


def limits(study: Study, *, tested: bool = False) -> tuple[str, ...]:
    """Return what a reader must not read into the results, which may hold tests or not."""
    texts = [*_LIMITS] if tested else [*_LIMITS[:1], _DESCRIPTIVE, *_LIMITS[1:]]
    if study.plan.data is DataOrigin.SIMULATED:
        texts.insert(0, "The data are simulated. No participant was recorded.")
    if not counts_published(study):
        texts.append(
            f"{WITHHELD} Pooled cramps are those of whole weeks and of whole blocks of "
            f"{SMALLEST_POOL} participants, in the order in which they completed the week: so "
            "two reports held against each other tell no more of a person than one. The "
            "participants that a block still lacks are left out until it is full; nights that "
            "arrive late can move a block."
        )
    return tuple(texts)


def _windows(plan: StudyPlan) -> dict[str, str]:
    """Return what weeks and planned nights are, and what takes the place of nights."""
    week = (
        f"Seven nights. Week 1 begins with the first treatment night, the "
        f"{plan.first_treatment_night}; weeks −2 and −1 lie before it, and there is no week 0."
    )
    planned = (
        "Nights of the plan up to the data cut, the last night that the nights or the diary table "
        "knows of. Later nights have not happened and are not missing."
    )
    if plan.nights_per_week < NIGHTS_OF_A_WEEK:
        planned += (
            f" Of a week {plan.nights_per_week} nights are planned, whichever they are; one "
            "recorded beyond them counts as planned."
        )
    found = {"Week": week, "Planned nights": planned}
    if plan.crossover is not None:
        found["Period"] = (
            f"Two treatment periods of {plan.weeks} weeks with {plan.crossover.washout_weeks} "
            "weeks of washout between them. The washout is tabulated and enters no outcome."
        )
    if plan.sessions is not None:
        found["Session"] = (
            "The analysis is of sessions: where a night is spoken of, it is the session that "
            "began in it. A cramp counts if it begins within a session."
        )
    return found


def _reference(plan: StudyPlan) -> str:
    if plan.sessions is None:
        return "seven nights of eight hours"
    return f"{plan.sessions.per_week} sessions of {plan.sessions.hours:g} hours"


def _responses() -> dict[str, str]:
    thresholds = ", ".join(map(str, THRESHOLDS))
    return {
        "Responder": f"A participant whose cramps per week fell by at least {thresholds} percent "
        "from the run-in to the treatment; not known without cramps in the run-in, or without a "
        "displayed week of treatment.",
        "Cramp-free week": "A displayed treatment week in whose analysable time no cramp was seen. "
        "With more time seen fewer weeks would be free.",
        "Time to effect": "Weeks to the first of two displayed weeks in a row with cramps per week "
        f"at least {EFFECT} percent below the run-in; median by Kaplan and Meier, censored at the "
        "last displayed week.",
    }
