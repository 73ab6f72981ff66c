"""The grid of a recording: which rate a stream is declared at, and where its samples lie.

EMG is the master of time: its samples lie where the device counted them. Another stream has a
clock of its own; its samples lie where the two fitted clocks say, one left out or one missing
whenever it is off by two thirds of a sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from firmware_bridge.clock import ClockFit

MEASURED_S = 30.0
"""Samples that a rate is measured on."""

_ENOUGH_S = 10.0
_CLOSE = 0.005
_WHOLE_FROM_HZ = 100.0
_CLOSE_TO_MASTER = 0.001
_TENTH_HZ = 0.06
_STEP = 0.65


@dataclass(frozen=True, slots=True)
class ClockModel:
    """How a stream's clock compares with the host's.

    Attributes
    ----------
    start_s : float
        Host's monotonic clock at sample 0, in seconds.
    rate_hz : float
        Estimated samples per second of the host's clock.
    ppm : float
        Estimated over stated rate, in parts per million.
    residual_s : float
        Standard deviation of the earliest arrivals about the fitted line; NaN before the first fit.
    knots : tuple of (int, float)
        Samples, counted by the device from its first one, and their times on the host's
        monotonic clock in seconds.
    """

    start_s: float
    rate_hz: float
    ppm: float
    residual_s: float
    knots: tuple[tuple[int, float], ...]


class Timeline:
    """Time of a recording: the EMG's count of samples, divided by its declared rate.

    Empty until the EMG is declared.
    """

    def __init__(self) -> None:
        self._clock: ClockFit | None = None
        self._origin = 0
        self._rate_hz = 1.0

    @property
    def known(self) -> bool:
        """Whether the EMG has been declared."""
        return self._clock is not None

    @property
    def stretch(self) -> float:
        """Seconds of the recording in a second of the host's clock."""
        return 1.0 if self._clock is None else self._clock.rate_hz / self._rate_hz

    @property
    def start_s(self) -> float:
        """Host's monotonic clock at time 0, in seconds; 0 until the EMG is declared."""
        return 0.0 if self._clock is None else self._clock.time_of(self._origin)

    def lay(self, clock: ClockFit, origin: int, rate_hz: float) -> None:
        """Begin with sample `origin` of a clock, at a declared rate."""
        self._clock, self._origin, self._rate_hz = clock, origin, rate_hz

    def position_s(self, seconds: float) -> float:
        """Time of the recording at a time on the host's monotonic clock."""
        if self._clock is None:
            return 0.0
        return (self._clock.index_at(seconds) - self._origin) / self._rate_hz


class Placement(Protocol):
    """Where the samples of a stream lie on its grid."""

    rate_hz: float

    def start_of(self, index: int, n: int, *, free: bool) -> int:
        """Position of `n` samples from `index` on; `free` if samples before them are missing."""
        ...


class Leading:
    """Placement of the master: where the device counted its samples.

    Its rate is a whole number, or, below 100 Hz, a whole number of tenths: a file's data records
    last whole seconds and hold whole samples.

    Parameters
    ----------
    clock : ClockFit
    timeline : Timeline
        Laid here.
    origin : int
        Index of the first sample.
    """

    def __init__(self, clock: ClockFit, timeline: Timeline, origin: int) -> None:
        measured_hz = clock.rate_hz
        close = abs(measured_hz / clock.nominal_hz - 1.0) <= _CLOSE
        rate_hz = clock.nominal_hz if close else measured_hz
        self.rate_hz = _in_tenths(rate_hz) if rate_hz < _WHOLE_FROM_HZ else float(round(rate_hz))
        self._origin = origin
        timeline.lay(clock, origin, self.rate_hz)

    def start_of(self, index: int, n: int, *, free: bool) -> int:
        """Position of samples by their count alone."""
        del n, free
        return index - self._origin


class Following:
    """Placement of a stream that is kept in step with the master.

    Its rate is the stated or the measured one, to a tenth of a hertz: whole ones would leave out or
    miss a sample every few seconds at the low rates of accelerometers.

    Parameters
    ----------
    clock : ClockFit
    timeline : Timeline
        Of the master, known.
    seconds : float
        Length of the stretch that `clock` is fitted to; the stated rate holds if it is too short.
    """

    def __init__(self, clock: ClockFit, timeline: Timeline, seconds: float) -> None:
        nominal_hz, rate_hz = clock.nominal_hz, clock.rate_hz / timeline.stretch
        close_hz = max(_CLOSE_TO_MASTER * nominal_hz, _TENTH_HZ)
        far = seconds >= _ENOUGH_S and abs(rate_hz - nominal_hz) > close_hz
        self.rate_hz = _in_tenths(rate_hz if far else nominal_hz)
        self._clock = clock
        self._timeline = timeline
        self._shift: int | None = None

    def start_of(self, index: int, n: int, *, free: bool) -> int:
        """Position of samples by the time of their last one.

        A step is taken only when two thirds of a sample are reached, so that the scatter of
        the clocks does not make it go back and forth; where samples are missing, any step is.
        """
        last = index + n - 1
        ideal = self._timeline.position_s(self._clock.time_of(last)) * self.rate_hz
        if self._shift is None:
            self._shift = round(ideal) - last
        off = ideal - last - self._shift
        if free or abs(off) > _STEP:
            self._shift += round(off)
        return index + self._shift


def _in_tenths(rate_hz: float) -> float:
    return max(1, round(10 * rate_hz)) / 10
