"""What false alarms, second reports and misses do to the number a trial counts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.evaluation.intervals import Limits, bootstrap_ratio
from models.evaluation.matching import EASY_S
from sensing import EventKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.evaluation.strata import Scored

WEEK_H = 56.0
"""Seven nights of eight analysable hours, to which weekly counts refer."""


@dataclass(frozen=True, slots=True)
class WeeklyCount:
    """Cramps a week, as they were and as they are reported.

    Attributes
    ----------
    participants : int
    true, reported : float or None
        Cramps of at least 15 s that could be seen, and episodes reported as ``cramp``, in 56
        analysable hours; None without hours.
    error_low, error_high : float or None
        95 % limits of reported less true, by a bootstrap over participants.
    """

    participants: int
    true: float | None
    reported: float | None
    error_low: float | None
    error_high: float | None

    @property
    def error(self) -> float | None:
        """Reported less true, in cramps a week."""
        if self.true is None or self.reported is None:
            return None
        return self.reported - self.true

    @property
    def bias(self) -> float | None:
        """Error as a share of the true count; None if there was none."""
        return None if self.error is None or not self.true else self.error / self.true


def weekly_count(scored: Sequence[Scored]) -> WeeklyCount:
    """Return the weekly count these recordings would have given, beside the true one."""
    hours: defaultdict[str, float] = defaultdict(float)
    true: defaultdict[str, int] = defaultdict(int)
    reported: defaultdict[str, int] = defaultdict(int)
    for one in scored:
        who = one.judged.participant
        hours[who] += one.judged.analysable_h
        true[who] += sum(
            match.analysable and match.truth.duration_s >= EASY_S
            for match in one.evaluation.matches
        )
        reported[who] += sum(event.kind is EventKind.CRAMP for event in one.judged.detected)
    total = sum(hours.values())
    if not total:
        return WeeklyCount(len(hours), None, None, None, None)
    errors = [WEEK_H * (reported[who] - true[who]) for who in hours]
    limits: Limits = bootstrap_ratio(errors, [hours[who] for who in hours])
    per_week = WEEK_H / total
    return WeeklyCount(
        len(hours), per_week * sum(true.values()), per_week * sum(reported.values()), *limits
    )
