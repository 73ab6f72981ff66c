"""How a sensor's EMG looks at this moment: amplitude, noise floor, state of the signal."""

from __future__ import annotations

import contextlib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from firmware_bridge import MissingStretch, StreamDeclared, Stretch
from nightcramp.errors import RecordingError, UsageError
from nightcramp.live import emg_format, format_of, values_of
from sensing import FrontEnd, Quality

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recordings import StreamFormat
    from sensing import FrontEndOutput

Floats = npt.NDArray[np.float32]

BATCH_S = 1.0
KEPT_S = 90.0
"""How far back bins are kept: longer than a part of the set-up check, or the envelope shown."""


@dataclass(frozen=True, slots=True)
class Bins:
    """Tenths of seconds of all channels, as the detector's front end makes them.

    Attributes
    ----------
    time_s : float64 array, shape (bins,)
        Of each bin's beginning, on the recording's grid.
    rms, hum, floor : float32 arrays, shape (channels, bins)
        Amplitude after filtering, of the mains hum that was removed, and of the noise floor (NaN
        while unknown), in the unit of the recording.
    quality : uint8 array, shape (channels, bins)
        Values of `sensing.Quality`.
    scaled : bool
        Whether the unit is microvolts.
    """

    time_s: npt.NDArray[np.float64]
    rms: Floats
    hum: Floats
    floor: Floats
    quality: npt.NDArray[np.uint8]
    scaled: bool

    def __len__(self) -> int:
        return len(self.time_s)

    def between(self, start_s: float, stop_s: float) -> Bins:
        """Return the bins that begin within a time of the recording."""
        part = (self.time_s >= start_s) & (self.time_s < stop_s)
        return Bins(
            self.time_s[part],
            self.rms[:, part],
            self.hum[:, part],
            self.floor[:, part],
            self.quality[:, part],
            self.scaled,
        )


class Meter:
    """Measures the EMG of a recording as it comes, apart from the detector.

    Attributes
    ----------
    recorded_s, analysable_s : float
        Time of the recording that has passed, and in which a cramp would have been seen.
    """

    def __init__(self) -> None:
        self.recorded_s = 0.0
        self.analysable_s = 0.0
        self._form: StreamFormat | None = None
        self._rate_hz = 1.0
        self._front_end: FrontEnd | None = None
        self._waiting: list[Floats] = []
        self._waiting_s = 0.0
        self._bins: deque[Bins] = deque()
        self._next_s = 0.0

    @property
    def bins(self) -> Bins | None:
        """Those of the last minutes; None until there are any."""
        if not self._bins:
            return None
        parts = self._bins
        return Bins(
            np.concatenate([part.time_s for part in parts]),
            np.concatenate([part.rms for part in parts], axis=1),
            np.concatenate([part.hum for part in parts], axis=1),
            np.concatenate([part.floor for part in parts], axis=1),
            np.concatenate([part.quality for part in parts], axis=1),
            parts[0].scaled,
        )

    def take(self, items: Iterable[object]) -> None:
        """Take what the assembler said."""
        for item in items:
            if isinstance(item, StreamDeclared) and item.stream == "emg":
                self._declare(item)
            elif isinstance(item, Stretch | MissingStretch) and item.stream == "emg":
                self._follow(item)

    def _declare(self, declared: StreamDeclared) -> None:
        self._form, self._front_end, self._rate_hz = None, None, declared.rate_hz
        self._waiting, self._waiting_s, self._next_s = [], 0.0, 0.0
        self._bins.clear()
        # What cannot be judged is not measured either; why, the finder says.
        with contextlib.suppress(UsageError, RecordingError):
            self._form = format_of(declared)
            self._front_end = FrontEnd(emg_format(self._form))

    def _follow(self, item: Stretch | MissingStretch) -> None:
        self.recorded_s += item.n / self._rate_hz
        if self._form is None or self._front_end is None:
            return
        for values in values_of(item, self._form):
            self._waiting.append(values)
            self._waiting_s += values.shape[1] / self._rate_hz
            if self._waiting_s >= BATCH_S:
                samples = np.concatenate(self._waiting, axis=1)
                self._waiting, self._waiting_s = [], 0.0
                self._keep(self._front_end.push(samples), self._front_end)

    def _keep(self, output: FrontEndOutput, front_end: FrontEnd) -> None:
        n = output.quality.shape[1]
        times = self._next_s + front_end.bin_s * np.arange(n, dtype=np.float64)
        self._next_s += front_end.bin_s * n
        good = (output.quality == Quality.GOOD).any(axis=0)
        self.analysable_s += front_end.bin_s * int(good.sum())
        emg = output.emg
        rms, hum = np.sqrt(emg.power), np.sqrt(emg.hum)
        scaled = front_end.format.scaled
        self._bins.append(Bins(times, rms, hum, emg.floor, output.quality, scaled))
        while len(self._bins[0]) == 0 or self._bins[0].time_s[-1] < self._next_s - KEPT_S:
            self._bins.popleft()
            if not self._bins:
                return
