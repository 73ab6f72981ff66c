"""The words and rules of the results, in sentences for the report and ``outcomes.json``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.blinding import SMALLEST_POOL, counts_published
from trial.plan import DataOrigin
from trial.weeks import DISPLAY_RULE, HOURS_PER_WEEK

if TYPE_CHECKING:
    from trial.study import Study

__all__ = ["WITHHELD", "definitions", "limits"]

_LIMITS = (
    (
        "The detector has not been validated clinically: in people, nobody has measured how many "
        "cramps it misses and how many of the cramps it reports are none."
    ),
    (
        "This report describes. It tests no hypothesis, and the intervals of single weeks are not "
        "adjusted for their number."
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

WITHHELD = (
    "Cramp counts of single participants are left out because the trial is blinded: from a "
    "participant's own counts the arm could be guessed."
)


def definitions(study: Study) -> dict[str, str]:
    """Return what each word of the report means, by word."""
    rule, plan = DISPLAY_RULE, study.plan
    return {
        "Night": f"From local noon to noon ({plan.zone.key}), named by the date of its evening.",
        "Week": f"Seven nights. Week 1 begins with the first treatment night, the "
        f"{plan.first_treatment_night}; weeks −2 and −1 lie before it, and there is no week 0.",
        "Planned nights": "Nights of the plan up to the data cut, the last night that the nights "
        "or the diary table knows of. Later nights have not happened and are not missing.",
        "Analysable time": "Recorded time in which a cramp would have been seen. Time off the "
        "body, saturated, swamped by hum or lost is not analysable and leaves the denominator.",
        "Analysable night": f"A night with at least {rule.night_hours:g} analysable hours.",
        "Displayed week": f"A participant's week with at least {rule.week_nights} analysable "
        "nights. The rule only marks weeks: pooled results use every analysable hour.",
        "Cramps per week": f"Cramps ÷ analysable hours × {HOURS_PER_WEEK:g} (seven nights of "
        "eight hours), both summed over participants. A cramp counts unless it was rejected or "
        "only possible.",
        "95 % CI": "Confidence interval. The participant is the unit: ratio of two sums over "
        "participants, linearised, on the log scale, Student's t. Exact Poisson interval where no "
        "cramp was seen. There is none with fewer than three participants.",
        "Minutes per cramp": "Mean over participants of each one's mean (or median) duration, so "
        "that nobody counts more for having more cramps. Only participants with a cramp have "
        "one. A cramp cut short by a gap enters with the duration that was seen.",
        "Cramp minutes per week": f"Minutes of cramp ÷ analysable hours × {HOURS_PER_WEEK:g}. "
        "Everybody counts, with 0 if there was no cramp.",
        "Severity": "From the diary, 0 to 10: mean over participants of each one's mean over "
        "nights with a cramp.",
    }


def limits(study: Study) -> tuple[str, ...]:
    """Return what a reader must not read into the results."""
    texts = [*_LIMITS]
    if study.plan.data is DataOrigin.SIMULATED:
        texts.insert(0, "The data are simulated. No participant was recorded.")
    if not counts_published(study):
        texts.append(
            f"{WITHHELD} Pooled results are withheld where fewer than {SMALLEST_POOL} "
            "participants are behind them, and with them the weeks that would give them away."
        )
    return tuple(texts)
