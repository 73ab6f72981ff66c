"""What emulated sensors measure: numbers made to be checked, or a recorded or simulated night."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nightcramp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firmware_bridge.packets import Counts, StreamKind

# Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
_WEYL = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)

_ZERO_CROSSINGS = 16
_PASSED = 0.9


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """How a sensor makes counts of one stream: channels, rate, and the grid of its values.

    Attributes
    ----------
    channels : int
    rate_hz : float
        True samples per second of a sensor whose crystal is right.
    low, high : int
        Smallest and largest count.
    unit : float
        Size of one count in V or g. Where the maker does not state it, what is usual for the
        parts used: an emulated sensor has to measure in something.
    offset : int
        Count that means zero.
    step : int
        Counts from one value that its packets can carry to the next.
    differences : int or None
        Largest step from sample to sample that fits its packets, if they carry steps with the
        sign in place of the last bit; None if they carry values.
    """

    channels: int
    rate_hz: float
    low: int
    high: int
    unit: float
    offset: int = 0
    step: int = 1
    differences: int | None = None

    def quantise(self, values: npt.NDArray[np.float64]) -> Counts:
        """Make counts of values in V or g, any shape; what is not a number counts as zero."""
        steps = np.rint(np.nan_to_num(values / self.unit) / self.step) * self.step
        low, high = -(-self.low // self.step) * self.step, self.high // self.step * self.step
        counts: Counts = np.clip(steps + self.offset, low, high).astype(np.int32)
        return counts


class IndexSource:
    """Values that tell where they belong: each is a hash of its stream, channel and number.

    One sample lost, doubled or shifted shows in every sample after it. All values are ones that
    the sensor's packets carry exactly.

    Parameters
    ----------
    front_ends : mapping of stream to FrontEnd
    seed : int
        Another seed, another signal.
    """

    def __init__(self, front_ends: Mapping[StreamKind, FrontEnd], seed: int = 0) -> None:
        self._front_ends = front_ends
        self._seed = seed

    def counts(self, stream: StreamKind, first: int, n: int) -> Counts:
        """Give samples by their number, int32, shape (channels, n); always the same answer."""
        front = self._front_ends[stream]
        index = np.arange(first, first + n, dtype=np.uint64)
        channel = np.arange(front.channels, dtype=np.uint64)[:, None] + np.uint64(
            1000 * self._seed + 100 * (stream == "acc")
        )
        hashed = _hash(index + (channel << np.uint64(40)))
        if front.differences is not None:
            return _zigzag(index, hashed, front.differences // 2)
        lowest = -(-front.low // front.step)
        levels = front.high // front.step - lowest + 1
        values = (hashed % np.uint64(levels)).astype(np.int64) + lowest
        return (values * front.step).astype(np.int32)


def _hash(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    mixed = numbers * _WEYL
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX_1
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX_2
    return mixed ^ (mixed >> np.uint64(31))


def _zigzag(index: npt.NDArray[np.uint64], hashed: npt.NDArray[np.uint64], span: int) -> Counts:
    """Rise to odd and fall to even numbers; a rise changes the last bit, a fall keeps it.

    Steps are sent as old minus new with the sign in the last bit: falls are even, rises odd.
    """
    height: npt.NDArray[np.int64] = (hashed % np.uint64(span // 2)).astype(np.int64) * 2
    odd = (index & np.uint64(1)).astype(np.int64)
    parity = ((index + np.uint64(1)) >> np.uint64(1)).astype(np.int64) & 1
    values: Counts = (np.where(odd, height, height - span // 2 * 2) + parity).astype(np.int32)
    return values


@dataclass(frozen=True, slots=True)
class Sampled:
    """A signal that was recorded or simulated.

    Attributes
    ----------
    values : float32 array, shape (channels, samples)
        EMG in V, ACC in g.
    rate_hz : float
    """

    values: npt.NDArray[np.float32]
    rate_hz: float


class ArraySource:
    """A recorded or simulated night as the sensor would have measured it.

    Resampled to the sensor's rate (windowed sinc, Hann, 16 zero crossings to each side, pass band
    up to 0.9 of the lower Nyquist frequency) where the rates differ, rounded to its counts, and
    clipped to its range. If the sensor has more channels, those of the night are repeated; after
    its end the night begins again.

    Parameters
    ----------
    front_ends : mapping of stream to FrontEnd
    signals : mapping of stream to Sampled
        At least the streams of `front_ends`; `UsageError` if one is missing or empty.
    """

    def __init__(
        self,
        front_ends: Mapping[StreamKind, FrontEnd],
        signals: Mapping[StreamKind, Sampled],
    ) -> None:
        for stream in front_ends:
            if stream not in signals or not signals[stream].values.size:
                raise UsageError(f"The emulated sensor needs a signal for its stream '{stream}'.")
        self._front_ends = front_ends
        self._signals = signals

    def counts(self, stream: StreamKind, first: int, n: int) -> Counts:
        """Give samples by their number, int32, shape (channels, n); always the same answer."""
        front, signal = self._front_ends[stream], self._signals[stream]
        rows = np.arange(front.channels) % signal.values.shape[0]
        if signal.rate_hz == front.rate_hz:
            columns = np.arange(first, first + n) % signal.values.shape[1]
            return front.quantise(signal.values[np.ix_(rows, columns)].astype(np.float64))
        place = np.arange(first, first + n, dtype=np.float64) * (signal.rate_hz / front.rate_hz)
        values = _resample(signal.values, place, min(1.0, front.rate_hz / signal.rate_hz))
        return front.quantise(values[rows])


def _resample(
    values: npt.NDArray[np.float32], place: npt.NDArray[np.float64], ratio: float
) -> npt.NDArray[np.float64]:
    """Values at fractional columns, low-pass filtered to `ratio` of their Nyquist frequency.

    Returns
    -------
    float64 array, shape (channels, len(place))
    """
    half = int(np.ceil(_ZERO_CROSSINGS / ratio))
    nearest = np.floor(place).astype(np.int64)
    columns = nearest[:, None] + np.arange(1 - half, half + 1)
    away = columns - place[:, None]
    weight = np.sinc(_PASSED * ratio * away) * np.cos(np.pi * away / (2 * half + 2)) ** 2
    weight /= weight.sum(axis=1, keepdims=True)
    gathered = np.nan_to_num(values[:, columns % values.shape[1]])
    resampled: npt.NDArray[np.float64] = np.einsum("cnt,nt->cn", gathered, weight)
    return resampled
