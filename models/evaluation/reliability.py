"""Whether a probability of 0.8 comes true in eight cases of ten."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.truth import TruthKind
from sensing import EventKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.evaluation.strata import Scored
    from models.truth import TrueEvent

BINS = 10

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Probabilities of a tenth of the scale, and how often they came true.

    Attributes
    ----------
    count : int
    probability : float
        Their sum.
    true : int
        How many came true.
    squared : float
        Sum of the squared differences between probability and outcome.
    """

    count: int
    probability: float
    true: int
    squared: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """Predicted against observed share, in tenths of the probability scale."""

    bins: tuple[ReliabilityBin, ...]

    @property
    def count(self) -> int:
        """Number of probabilities."""
        return sum(each.count for each in self.bins)

    @property
    def brier(self) -> float | None:
        """Mean squared error of the probabilities (Brier 1950); 0 is perfect."""
        return sum(each.squared for each in self.bins) / self.count if self.count else None

    @property
    def calibration_error(self) -> float | None:
        """Mean distance of observed from predicted share, each bin by its size."""
        if not self.count:
            return None
        return sum(abs(each.probability - each.true) for each in self.bins) / self.count


def reliability_of_seconds(
    score: npt.NDArray[np.floating], truth: Sequence[TrueEvent]
) -> Reliability:
    """Compare the largest probability of each second with whether it lies in a cramp.

    Parameters
    ----------
    score : float array, shape (seconds,)
        NaN where nothing could be judged; such seconds are left out.
    truth : sequence of TrueEvent
    """
    middle = np.arange(len(score)) + 0.5
    inside = np.zeros(len(score), dtype=np.bool_)
    for event in truth:
        if event.kind is TruthKind.CRAMP:
            inside |= (middle >= event.onset_s) & (middle <= event.offset_s)
    known = ~np.isnan(score)
    return _reliability(score[known].astype(np.float64), inside[known])


def reliability_of_episodes(scored: Sequence[Scored]) -> Reliability:
    """Compare the confidence of episodes, possible ones too, with whether they are cramps."""
    confidence, right = [], []
    for one in scored:
        hits = [match.found for match in one.evaluation.matches if match.found is not None]
        for event in one.judged.detected:
            reported = event.kind in (EventKind.CRAMP, EventKind.POSSIBLE_CRAMP)
            if reported and event.confidence is not None:
                confidence.append(event.confidence)
                right.append(event in hits)
    return _reliability(np.array(confidence), np.array(right, dtype=np.bool_))


def add_reliability(parts: Sequence[Reliability]) -> Reliability:
    """Put the counts of several recordings together."""
    total = _reliability(np.zeros(0), np.zeros(0, dtype=np.bool_))
    for part in parts:
        pairs = zip(total.bins, part.bins, strict=True)
        total = replace(total, bins=tuple(_add(one, other) for one, other in pairs))
    return total


def _add(one: ReliabilityBin, other: ReliabilityBin) -> ReliabilityBin:
    return ReliabilityBin(
        one.count + other.count,
        one.probability + other.probability,
        one.true + other.true,
        one.squared + other.squared,
    )


def _reliability(probability: FloatArray, outcome: npt.NDArray[np.bool_]) -> Reliability:
    place = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    squared = (probability - outcome) ** 2
    sums = [
        np.bincount(place, weights=weights, minlength=BINS)
        for weights in (probability, outcome.astype(np.float64), squared)
    ]
    counts = np.bincount(place, minlength=BINS)
    return Reliability(
        tuple(
            ReliabilityBin(int(count), float(mean), round(float(true)), float(square))
            for count, mean, true, square in zip(counts, *sums, strict=True)
        )
    )
