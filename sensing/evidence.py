"""What a whole episode says for a cramp: a frame sees a minute, an episode has a course and an end.

A hold that is meant begins and ends at will, often with a movement, and leaves the leg where it
was. A cramp grows and fades over seconds in a leg that lies still, and then wakes its owner, who
grasps the foot or stands up (Parisi et al. 2003; Blyton et al. 2012).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from sensing.track import Track
    from sensing.types import FloatArray

MEASURES = (
    "scores",
    "elsewhere",
    "rest_before",
    "rise",
    "fall",
    "movement_at_onset",
    "movement_later",
    "turn_at_onset",
    "tilt",
    "still_s",
)
"""Mean log-odds of a cramp; by how many doublings the most active of the other channels exceeds the
episode's own (a cramp is local, an effort takes the calf and its neighbours); rest in the minutes
before, in seconds; logarithms of the seconds the amplitude took to rise and to fall; of the
strongest movement of the leg around the onset, and after it; degrees the leg had turned when it
began, and at most; logarithm of the seconds from the onset to the first movement."""

SURE = 1e-3
"""Probabilities are looked at between this and one less it: further out they are not calibrated."""

REACHED = 0.63
"""Amplitude has risen, and has not yet fallen, at this share of the plateau: one time constant."""

PLATEAU = 0.8
"""Quantile of the amplitude of an episode that stands for its plateau."""

AT_ONSET_S = (-2.0, 3.0)
"""Movement in this time around the onset belongs to the onset."""

AFTERMATH_S = 10.0
"""So long after its end an episode is waited for, and what the leg does is part of it."""

MOVED_G2 = 1e-3
"""Square of the change of acceleration in a tenth of a second that is a movement: 0.03 g."""

NEVER_S = 1000.0
"""Stands for the time until a movement that never came."""

BEGIN_S = 5.0
"""Position of the leg when an episode begins is taken over its first seconds: who stands up turns
the leg before the calf works, who is woken by a cramp does so later."""

LYING_S = (-60.0, -2.0)
"""Time before the onset in which the position of the leg is taken."""

_LEAST_S, _LEAST_G2 = 0.3, 1e-8
"""Added before logarithms are taken."""


class Evidence(Protocol):
    """Says how probable a cramp is."""

    def probability(self, measures: FloatArray) -> float:
        """Return the probability that an episode of these `MEASURES` is a cramp."""


@dataclass(frozen=True, slots=True)
class EvidenceWeights:
    """A logistic regression on the measures of an episode.

    Attributes
    ----------
    usual, spread : tuple of float
        Mean and standard deviation of each measure; one that cannot be had counts as usual.
    weights : tuple of float
        Change of the log-odds by one standard deviation.
    intercept : float
    """

    usual: tuple[float, ...]
    spread: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float

    @classmethod
    def of_scores(cls) -> EvidenceWeights:
        """Return weights that believe the scores, and nothing else."""
        zeros, ones = (0.0,) * len(MEASURES), (1.0,) * len(MEASURES)
        weights = tuple(float(name == "scores") for name in MEASURES)
        return cls(zeros, ones, weights, 0.0)

    @classmethod
    def of(cls, values: dict[str, object]) -> EvidenceWeights:
        """Return the weights whose fields `values` holds, as JSON knows them.

        Raises
        ------
        TypeError, ValueError
            If they are not of this form.
        """
        weights = cls(**values)  # type: ignore[arg-type]  # what came in is checked below
        columns = (weights.usual, weights.spread, weights.weights)
        if any(len(column) != len(MEASURES) for column in columns):
            raise ValueError(f"expected {len(MEASURES)} weights, one for each measure")
        usual, spread, each = (tuple(map(float, column)) for column in columns)
        return cls(usual, spread, each, float(weights.intercept))

    def probability(self, measures: FloatArray) -> float:
        """Return the probability that an episode of these `MEASURES` is a cramp.

        To four digits: acceleration read back from a file differs from what came in by rounding,
        and the same episode must have the same confidence live and in replay.
        """
        deviation = (measures - np.array(self.usual)) / np.array(self.spread)
        log_odds = self.intercept + float(np.nan_to_num(deviation) @ np.array(self.weights))
        return round(1.0 / (1.0 + math.exp(-log_odds)), 4)


@dataclass(frozen=True, slots=True)
class Span:
    """Where an episode lies, in bins: its channel, its edges, and what has been seen so far."""

    channel: int
    onset: int
    offset: int
    now: int


def measure_episode(track: Track, span: Span, rest_s: float) -> FloatArray:
    """Return the `MEASURES` of an episode; NaN for those that cannot be had.

    Parameters
    ----------
    track : Track
        Nothing in it after `span.now` is looked at.
    span : Span
    rest_s : float
        Rest seen in the minutes before the onset.
    """
    return np.array(
        [
            _log_odds(track.scores(span.channel, span.onset, span.offset)),
            _elsewhere(track.levels(span.onset, span.offset), span.channel),
            rest_s,
            *_course(track.envelope(span.channel, span.onset, span.offset), track.bin_s),
            *_movement(track, span),
        ],
        dtype=np.float32,
    )


def _log_odds(scores: FloatArray) -> float:
    """Return the mean log-odds of the scores."""
    known = np.clip(scores[~np.isnan(scores)].astype(np.float64), SURE, 1 - SURE)
    return float(np.log(known / (1 - known)).mean()) if len(known) else math.nan


def _elsewhere(levels: FloatArray, channel: int) -> float:
    """Return the largest median level of the other channels less that of the episode's own."""
    own = _median(levels[channel])
    others = [_median(level) for level in np.delete(levels, channel, axis=0)]
    return max((other for other in others if not math.isnan(other)), default=math.nan) - own


def _median(values: FloatArray) -> float:
    """Return the median of what is known, NaN if nothing is."""
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else math.nan


def _course(level: FloatArray, bin_s: float) -> tuple[float, float]:
    """Return the logarithms of the seconds of rise and fall."""
    known = np.nan_to_num(level).astype(np.float64)
    width = round(1.0 / bin_s)
    if len(known) <= width:
        return math.nan, math.nan
    smooth = np.convolve(2.0**known - 1.0, np.ones(width) / width, mode="same")
    high = np.flatnonzero(smooth >= REACHED * np.quantile(smooth, PLATEAU))
    rise, fall = high[0] * bin_s, (len(smooth) - 1 - high[-1]) * bin_s
    return math.log(rise + _LEAST_S), math.log(fall + _LEAST_S)


def _movement(track: Track, span: Span) -> tuple[float, ...]:
    """Return movement around the onset and after it, turns of the leg, and time until it moved."""
    before, after = (round(edge / track.bin_s) for edge in AT_ONSET_S)
    end = min(span.now, span.offset + round(AFTERMATH_S / track.bin_s))
    at_onset = track.movement(span.onset + before, span.onset + after)
    later = track.movement(span.onset + after, end)
    return (
        _log_strongest(at_onset),
        _log_strongest(later),
        *_turns_deg(track, span, end),
        _log_still_s(later, AT_ONSET_S[1], track.bin_s),
    )


def _log_strongest(movement: FloatArray) -> float:
    known = movement[~np.isnan(movement)]
    return math.log10(float(known.max()) + _LEAST_G2) if len(known) else math.nan


def _log_still_s(movement: FloatArray, first_s: float, bin_s: float) -> float:
    """Return the logarithm of the time until the leg moved; `movement` begins at `first_s`."""
    if np.isnan(movement).all():
        return math.nan
    moved = np.flatnonzero(movement > MOVED_G2)
    return math.log(moved[0] * bin_s + first_s if len(moved) else NEVER_S)


def _turns_deg(track: Track, span: Span, end: int) -> tuple[float, float]:
    """Return by which angle the leg had turned away from where it lay at first, and at most."""
    second = round(1.0 / track.bin_s)
    first, last = (span.onset + round(edge / track.bin_s) for edge in LYING_S)
    lying = _direction(track.gravity(first, last))
    begun = _direction(track.gravity(span.onset, span.onset + round(BEGIN_S / track.bin_s)))
    later = (
        _angle_deg(lying, _direction(track.gravity(start, min(start + second, span.now))))
        for start in range(span.onset, end, 2 * second)
    )
    known = [angle for angle in later if not math.isnan(angle)]
    return _angle_deg(lying, begun), max(known, default=math.nan)


def _angle_deg(one: FloatArray, other: FloatArray) -> float:
    return float(np.degrees(np.arccos(np.clip(one @ other, -1.0, 1.0))))


def _direction(gravity: FloatArray) -> FloatArray:
    """Return the direction of gravity, shape (3,); NaN where too little is known."""
    known = gravity[:, ~np.isnan(gravity).any(axis=0)]
    if known.shape[1] < 5:  # half a second
        return np.full(3, np.nan, dtype=np.float32)
    middle = np.median(known, axis=1)
    return np.asarray(middle / max(float(np.linalg.norm(middle)), 1e-6), dtype=np.float32)
