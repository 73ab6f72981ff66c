"""What a detector finds at a given rate of false alarms (free-response operating points).

Bunch et al. 1978 (J Appl Photogr Eng 4:166). The thresholds of each point are chosen on the nights
that are judged, for every kind of detector in the same way: a point says what a kind could do, not
what one tuned on other nights would. Episodes are judged by their scores alone: the measures that
the shipped detector adds to them would hide what the kinds of classifier differ in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.evaluation import EASY_S, NIGHT_H, score_each, spread_of
from sensing import EventKind, EvidenceWeights, SegmentationRules

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from models.evaluation import Judged
    from models.tuning import TuningNight
    from sensing import Event

ON = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Scores that open an episode."""

CONFIDENCES = 40
"""Least confidences that are tried, at even shares of the episodes."""


@dataclass(frozen=True, slots=True)
class Point:
    """What a pair of thresholds gives: cramps of at least 15 s and three floors, and alarms."""

    found: int
    cramps: int
    alarms: int
    hours: float
    duration_p90_s: float | None

    @property
    def per_night(self) -> float:
        """False alarms in eight hours."""
        return self.alarms / self.hours * NIGHT_H


def best_points(nights: Sequence[TuningNight], budgets: Sequence[float]) -> list[Point | None]:
    """Return the point that finds most within each number of false alarms in eight hours."""
    points = list(_points(nights))
    best = []
    for budget in budgets:
        within = [point for point in points if point.per_night <= budget]
        best.append(max(within, key=lambda point: (point.found, -point.alarms), default=None))
    return best


def _points(nights: Sequence[TuningNight]) -> Iterator[Point]:
    for on in ON:
        rules = SegmentationRules(on=on, off=min(on, SegmentationRules().off))
        judged = [night.judge(rules, EvidenceWeights.of_scores()) for night in nights]
        sure = [event.confidence or 0.0 for one in judged for event in one.detected]
        steps = np.quantile(sure, np.linspace(0, 1, CONFIDENCES)) if sure else np.zeros(1)
        for least in np.unique(steps).tolist():
            yield _point([_surer(one, least) for one in judged])


def _surer(judged: Judged, least: float) -> Judged:
    """Keep the surer episodes; length alone decides which count as cramps, for all kinds alike."""
    kept = [event for event in judged.detected if (event.confidence or 0.0) >= least]
    return replace(judged, detected=tuple(replace(event, kind=_kind(event)) for event in kept))


def _kind(event: Event) -> EventKind:
    return EventKind.CRAMP if event.duration_s >= EASY_S else EventKind.POSSIBLE_CRAMP


def _point(judged: Sequence[Judged]) -> Point:
    parts = [one.evaluation for one in score_each(judged)]
    easy = [part.sensitivity() for part in parts]
    errors = [part.errors_s()["duration"] for part in parts]
    spread = spread_of(np.concatenate(errors)) if errors else None
    return Point(
        found=sum(found for found, _ in easy),
        cramps=sum(cramps for _, cramps in easy),
        alarms=sum(len(part.false_alarms) for part in parts),
        hours=sum(part.analysable_h for part in parts),
        duration_p90_s=spread.p90_absolute if spread else None,
    )
