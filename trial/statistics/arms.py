"""What each arm shows by itself, and what stands against comparing the arms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trial.estimates import pooled_rate
from trial.statistics.results import ArmNumbers, Refusal

if TYPE_CHECKING:
    from trial.statistics.data import AnalysisData
    from trial.statistics.design import Outcome

__all__ = ["SMALLEST_ARM", "arm_rates", "obstacle", "pair_refusal"]

TAKE_A_PAIR = (
    "Each arm by itself. For a comparison open two arms and name the reference; of three or more, "
    "take the reference and one other at a time."
)

SMALLEST_ARM = 6
"""Participants with analysable time that a model needs in each arm."""


def arm_rates(
    data: AnalysisData,
    outcome: Outcome = "events",
    adjusted: tuple[float, ...] = (),
    adjusted_errors: tuple[float, ...] = (),
) -> tuple[ArmNumbers, ...]:
    """Return the crude weekly rate of each arm, participants as unit, the reference first.

    Parameters
    ----------
    data : AnalysisData
    outcome : str
    adjusted, adjusted_errors : tuple of float, optional
        Rates after adjustment and their standard errors, in the same order.
    """
    sums = data.weeks.groupby("participant_id")[[outcome, "exposure"]].sum()
    arm_of = data.people.set_index("participant_id")["arm"].reindex(sums.index)
    found = []
    for place, arm in enumerate(data.arms):
        own = sums[arm_of == arm].to_numpy(np.float64)
        rate = pooled_rate(own[:, 0], own[:, 1], per=1.0, are_counts=outcome == "events")
        found.append(
            ArmNumbers(
                arm,
                rate.participants,
                rate.value,
                rate.low,
                rate.high,
                None if rate.events is None else float(rate.events),
                rate.exposure,
                adjusted[place] if adjusted else None,
                adjusted_errors[place] if adjusted_errors else None,
            )
        )
    return tuple(found)


def obstacle(data: AnalysisData, outcome: Outcome = "events") -> str | None:
    """Return why no model may compare the arms, or None if one may.

    An arm without events makes estimating equations report a huge effect with a small standard
    error and claim convergence; so it is looked for before anything is fitted.
    """
    if (reason := _not_a_pair(data)) is not None:
        return reason
    arms = arm_rates(data, outcome)
    small = min(arms, key=lambda arm: arm.participants)
    if small.participants == 0:
        return f"nobody in arm {small.arm!r} has analysable time in the weeks that are compared"
    if small.participants < SMALLEST_ARM:
        return (
            f"arm {small.arm!r} has {small.participants} participants with analysable time, a "
            f"model needs {SMALLEST_ARM}"
        )
    for arm in arms:
        if not arm.total:
            return f"arm {arm.arm!r} has no cramp in {arm.exposure:.1f} weeks of analysable time"
    return None


def pair_refusal(data: AnalysisData, analysis: str) -> Refusal | None:
    """Return a refusal unless the data hold the reference and one other arm."""
    if (reason := _not_a_pair(data)) is None:
        return None
    return Refusal(analysis, reason, instead=TAKE_A_PAIR, arms=arm_rates(data))


def _not_a_pair(data: AnalysisData) -> str | None:
    names = ", ".join(data.arms) or "none"
    if len(data.arms) != 2:
        return f"a comparison needs two arms, found {len(data.arms)} ({names})"
    if data.reference not in data.arms:
        return f"the reference arm {data.reference!r} has no participants, found {names}"
    return None
