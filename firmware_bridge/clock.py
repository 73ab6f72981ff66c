"""Sample number to time: a line under the arrival delays of notifications.

A notification leaves the sensor after its last sample was taken and is late by an ever changing
amount (connection interval, retransmissions, bursts: 0 to 270 ms measured), but never early. The
earliest notification of every few seconds therefore lies close to a line whose slope is the true
sampling period: the lower envelope of the delays (Moon, Skelly, Towsley, INFOCOM 1999, for network
clocks). The line is fitted to these minima of the last two hours, so that it follows the slow
changes of both crystals.

What is left is the delay of the promptest notifications, 1 to 3 ms. Where the time between
notifications is a multiple of the connection interval even these wait up to one interval, by a
beat of the two clocks that may last an hour: then times are late by up to one interval.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

_NS = 1e-9
_WINDOW_S = 5.0
_FIRST_WINDOW_S = 0.5
_MOST_MINIMA = 360
_SETTLED = 20
_KNOT_S = 60.0
_ROUNDS = 8
# Weight of minima above the line, against 1 below it: makes it a lower envelope (an expectile;
# Newey and Powell, Econometrica 55, 1987).
_LATE_WEIGHT = 0.05
_EARLIEST_SCATTERS = 8
_LEAST_SCATTER_S = 1e-3
_PRIOR_LIMIT = 5.0
# Change of a crystal's rate within a gap, by temperature.
_DRIFT = 1e-6
MEMORY_S = 7200.0
JITTER_S = 0.02
"""What a single fit is trusted to, whatever its residual: the scatter of a window's minimum."""


class _Minimum(NamedTuple):
    """Earliest notification of a window: its last sample at the stated rate, and its arrival."""

    nominal_s: float
    arrival_s: float
    segment: int


@dataclass(frozen=True, slots=True)
class _Line:
    """Arrival is ``origin_s + (1 + slope) * nominal_s``."""

    origin_s: float
    slope: float
    residual_s: float
    slope_error: float

    def at(self, nominal_s: float) -> float:
        return self.origin_s + (1.0 + self.slope) * nominal_s


def _slope(x: FloatArray, y: FloatArray, weight: FloatArray, prior: float) -> tuple[float, float]:
    """Slope through the origin and its standard error, drawn towards 0 by the `prior` deviation.

    The prior is dropped when the data contradict it by five standard errors.
    """
    sum_xx = float(weight @ (x * x))
    if sum_xx <= 0.0:
        return 0.0, prior
    free = float(weight @ (x * y)) / sum_xx
    variance = float(weight @ (y - free * x) ** 2) / float(weight.sum())
    error = float(np.sqrt(max(variance, _LEAST_SCATTER_S**2) / sum_xx))
    if abs(free) > _PRIOR_LIMIT * float(np.hypot(error, prior)):
        return free, error
    share = prior**2 / (prior**2 + error**2)
    return share * free, float(np.sqrt(share)) * error


def _fit(minima: Iterable[_Minimum], tolerance: float) -> _Line:
    """Line under the minima: one slope for all segments, the origin of the last.

    Windows without a single prompt notification lie above the line and count little; arrivals
    that are impossibly early count nothing.
    """
    x, arrival, numbers = np.array(list(minima)).T
    segment = (numbers - numbers[0]).astype(np.int64)
    y = arrival - x
    weight = np.ones(len(x))
    for _ in range(_ROUNDS):
        total = np.maximum(np.bincount(segment, weight), np.finfo(np.float64).tiny)
        mean_x = np.bincount(segment, weight * x) / total
        mean_y = np.bincount(segment, weight * y) / total
        dx, dy = x - mean_x[segment], y - mean_y[segment]
        slope, error = _slope(dx, dy, weight, tolerance)
        residual = dy - slope * dx
        scatter = max(1.4826 * float(np.median(np.abs(residual))), _LEAST_SCATTER_S)
        before, weight = weight, np.where(residual > 0, _LATE_WEIGHT, 1.0)
        weight[residual < -_EARLIEST_SCATTERS * scatter] = 0.0
        if np.array_equal(before, weight):
            break
    origin = float(mean_y[-1] - slope * mean_x[-1])
    return _Line(origin, slope, 1.4826 * float(np.median(np.abs(residual))), error)


class ClockFit:
    """Time of every sample of a stream, on the host's monotonic clock.

    Sample numbers must rise. Memory does not grow with the number of notifications: the minima
    of the last two hours, and one knot a minute for the past.

    Parameters
    ----------
    rate_hz : float
        Stated samples per second.
    tolerance : float
        Standard deviation of the true over the stated rate, as in `StreamSpec`.
    memory_s : float
        Stretch of the past that a line is fitted to. Two hours are long against the scatter of
        the minima, and against the beat of a notification and a connection interval of the same
        length; they are short against the drift of two crystals, some 1 ppm an hour.
    """

    def __init__(self, rate_hz: float, tolerance: float = 1e-4, memory_s: float = MEMORY_S) -> None:
        self.nominal_hz = rate_hz
        self._tolerance = tolerance
        self._origin_ns: int | None = None
        self._half_memory_s = memory_s / 2
        self._longest_s = max(_WINDOW_S, memory_s / _MOST_MINIMA)
        self._minima: deque[_Minimum] = deque(maxlen=round(memory_s / self._longest_s))
        self._minimum_end_s = 0.0
        self._line: _Line | None = None
        self._segment = 0
        self._segment_start_s = 0.0
        self._last_s = 0.0
        self._window_end_s = 0.0
        self._earliest: tuple[float, _Minimum] | None = None
        self._knots: list[tuple[float, float]] = []
        self._knots_before = 0
        self._line_before: _Line | None = None
        self._offset_before_s = 0.0

    @property
    def rate_hz(self) -> float:
        """Estimated samples per second of the host's clock."""
        return self.nominal_hz / (1.0 + self._slope)

    @property
    def ppm(self) -> float:
        """Estimated over stated rate, in parts per million."""
        return (self.rate_hz / self.nominal_hz - 1.0) * 1e6

    @property
    def residual_s(self) -> float:
        """Standard deviation of the minima about the line; NaN before the first fit."""
        return float("nan") if self._line is None else self._line.residual_s

    @property
    def offset_s(self) -> float:
        """How late the samples are against a count from the first on, through all restarts.

        A restart is placed by a few seconds of arrivals, a little too late; the fit knows better
        afterwards. Taken into account at the next restart, this does not add up over a night.
        """
        if self._line_before is None:
            return 0.0
        start_s = self._segment_start_s
        step_s = self._current.at(start_s) - self._line_before.at(start_s)
        return self._offset_before_s + step_s

    @property
    def started(self) -> bool:
        """Whether there is anything to tell the time by."""
        return self._line is not None or self._earliest is not None

    @property
    def settled(self) -> bool:
        """Whether the line rests on enough minima to judge a lateness by it."""
        return len(self._minima) >= _SETTLED

    @property
    def knots(self) -> tuple[tuple[int, float], ...]:
        """Sample numbers and their times in seconds: the clock as it was, as data."""
        points = [*self._knots, (self._last_s, self._current.at(self._last_s))]
        return tuple((round(x * self.nominal_hz), self._absolute(t)) for x, t in points)

    def add(self, index: int, n: int, monotonic_ns: int) -> float | None:
        """Take note of a notification.

        Parameters
        ----------
        index : int
            Number of its first sample.
        n : int
            Its samples.
        monotonic_ns : int
            Arrival on the host's monotonic clock.

        Returns
        -------
        float or None
            At the end of a window, how late its earliest notification was against the line
            known before, in seconds; otherwise None.
        """
        if self._origin_ns is None:
            self._origin_ns = monotonic_ns
            self._segment_start_s = index / self.nominal_hz
        arrival_s = (monotonic_ns - self._origin_ns) * _NS
        lateness = self._close_window() if arrival_s >= self._window_end_s else None
        self._last_s = (index + n - 1) / self.nominal_hz
        score = arrival_s - (1.0 + self._slope) * self._last_s
        if self._earliest is None:
            self._window_end_s = arrival_s + self._length(arrival_s, _WINDOW_S)
        if self._earliest is None or score < self._earliest[0]:
            self._earliest = score, _Minimum(self._last_s, arrival_s, self._segment)
        return lateness

    def restart(self, index: int) -> None:
        """Begin anew at sample `index`: its time does not follow from the samples before.

        The rate stays known. To be called when the device's converter was stopped.
        """
        self._close_window()
        if self.started:
            self._knots = [*self._past, (self._last_s, self._current.at(self._last_s))]
        self._knots_before = len(self._knots)
        self._offset_before_s = self.offset_s
        self._line_before = self._current
        self._segment += 1
        self._segment_start_s = self._last_s = index / self.nominal_hz

    def time_of(self, index: float) -> float:
        """Seconds on the host's monotonic clock at which sample `index` was taken."""
        nominal_s = index / self.nominal_hz
        if nominal_s >= self._last_s:
            return self._absolute(self._current.at(nominal_s))
        return float(self.times_of(np.array([index], np.float64))[0])

    def times_of(self, indices: FloatArray) -> FloatArray:
        """Seconds on the host's monotonic clock at which samples were taken, shape as given."""
        x = np.asarray(indices, np.float64) / self.nominal_hz
        points = np.array([*self._past, (self._last_s, self._current.at(self._last_s))])
        times = np.interp(x, points[:, 0], points[:, 1])
        times = np.where(x < points[0, 0], points[0, 1] + x - points[0, 0], times)
        after = points[-1, 1] + (1.0 + self._slope) * (x - points[-1, 0])
        seconds: FloatArray = np.where(x > points[-1, 0], after, times) + self._absolute(0.0)
        return seconds

    def index_at(self, seconds: float) -> float:
        """Sample, with fraction, taken at a time on the host's clock: the inverse of `time_of`."""
        arrival_s = seconds - self._absolute(0.0)
        now_s = self._current.at(self._last_s)
        if arrival_s >= now_s:
            return (self._last_s + (arrival_s - now_s) / (1.0 + self._slope)) * self.nominal_hz
        points = [*self._past[-1:], (self._last_s, now_s)]
        if arrival_s < points[0][1]:
            points = [*self._past, (self._last_s, now_s)]
        nominal, times = np.array(points, np.float64).T
        if arrival_s < times[0]:
            nominal = nominal + (arrival_s - times[0])
        return float(np.interp(arrival_s, times, nominal)) * self.nominal_hz

    def lateness(self, index: float, monotonic_ns: int) -> float:
        """Seconds from the time of sample `index` to an arrival."""
        return (monotonic_ns - (self._origin_ns or 0)) * _NS - self._current.at(
            index / self.nominal_hz
        )

    def error_s(self, gap_s: float = 0.0) -> float:
        """How far a time `gap_s` after the last sample is trusted, in seconds.

        The scatter of the minima, the standard error of the rate, and the drift of a crystal: a
        standard deviation, no limit. After long gaps, where the rate decides, one in three is
        further off.
        """
        slope_error = self._tolerance if self._line is None else self._line.slope_error
        return JITTER_S + (slope_error + _DRIFT) * gap_s

    @property
    def _slope(self) -> float:
        return 0.0 if self._line is None else self._line.slope

    @property
    def _current(self) -> _Line:
        """Line of the segment; while it has no minimum yet, through its earliest arrival."""
        line = self._line
        if line and (self._earliest is None or self._minima[-1].segment == self._segment):
            return line
        origin_s = 0.0 if self._earliest is None else self._earliest[0]
        return _Line(origin_s, self._slope, float("nan"), self._tolerance)

    def _absolute(self, arrival_s: float) -> float:
        return (self._origin_ns or 0) * _NS + arrival_s

    def _length(self, arrival_s: float, at_last_s: float) -> float:
        """Length of windows: short at first, so that the rate is known soon."""
        known_s = arrival_s - self._minima[0].arrival_s if self._minima else 0.0
        return min(at_last_s, max(_FIRST_WINDOW_S, known_s / 8))

    def _close_window(self) -> float | None:
        if self._earliest is None:
            return None
        score, minimum = self._earliest
        lateness = score - self._current.origin_s
        self._earliest = None
        self._keep(minimum)
        self._line = _fit(self._minima, self._tolerance)
        self._lay_knot()
        return lateness

    def _keep(self, minimum: _Minimum) -> None:
        """Keep the earliest of a few windows."""
        last = self._minima[-1] if self._minima else None
        if (
            last is None
            or minimum.segment != last.segment
            or minimum.arrival_s >= self._minimum_end_s
        ):
            self._minimum_end_s = minimum.arrival_s + self._length(
                minimum.arrival_s, self._longest_s
            )
            self._minima.append(minimum)
        elif self._score(minimum) < self._score(last):
            self._minima[-1] = minimum

    def _score(self, minimum: _Minimum) -> float:
        return minimum.arrival_s - (1.0 + self._slope) * minimum.nominal_s

    def _lay_knot(self) -> None:
        """Fix the past where the line is known best: at the middle of its minima."""
        line = self._line
        middle_s = self._last_s - self._half_memory_s
        if line is None or middle_s < self._segment_start_s:
            return
        if len(self._knots) == self._knots_before:
            self._knots.append((self._segment_start_s, line.at(self._segment_start_s)))
        elif middle_s - self._knots[-1][0] >= _KNOT_S:
            self._knots.append((middle_s, line.at(middle_s)))

    @property
    def _past(self) -> list[tuple[float, float]]:
        """Knots, with the beginning of the segment if it has none yet."""
        if len(self._knots) > self._knots_before:
            return self._knots
        start_s = self._segment_start_s
        return [*self._knots, (start_s, self._current.at(start_s))]
