"""The time axis of a recording: clock time where its start is known, else time since the start."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_STEPS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Names for the seconds of a recording.

    Attributes
    ----------
    start : datetime or None
        Local time of the first sample.
    duration_s : float
        Length of the recording.
    """

    start: datetime | None
    duration_s: float

    def ticks(self, at_most: int = 14) -> list[tuple[float, str]]:
        """Round moments within the recording: seconds from its start, and their names."""
        step = next((s for s in _STEPS_S if self.duration_s / s <= at_most), _STEPS_S[-1])
        phase = self._start_of_day_s % step
        moments = np.arange(-phase % step, self.duration_s + 1e-6, step).tolist()
        return [(moment, self._tick_name(moment, step)) for moment in moments]

    def moment(self, seconds: float) -> str:
        """Name of a moment to the second: ``02:14:37``, or ``1:14:37`` from the start."""
        if self.start is not None:
            return f"{self.start + timedelta(seconds=seconds + 0.5):%H:%M:%S}"
        return str(timedelta(seconds=round(seconds)))

    def caption(self) -> str:
        """When the recording was made."""
        if self.start is None:
            return "start time not in the file; times count from the first sample"
        end = self.start + timedelta(seconds=self.duration_s)
        end_date = "" if end.date() == self.start.date() else f"{end:%Y-%m-%d} "
        return f"{self.start:%Y-%m-%d %H:%M:%S} to {end_date}{end:%H:%M:%S}"

    @property
    def name(self) -> str:
        """What the axis shows."""
        return "Time from start" if self.start is None else "Local time"

    @property
    def _start_of_day_s(self) -> float:
        if self.start is None:
            return 0.0
        midnight = self.start.replace(hour=0, minute=0, second=0, microsecond=0)
        return (self.start - midnight).total_seconds()

    def _tick_name(self, seconds: float, step: int) -> str:
        if self.start is not None:
            clock = self.moment(seconds)
            return clock[:5] if step >= _MINUTE_S else clock
        unit, size = next(
            (unit, size)
            for unit, size in (("h", _HOUR_S), ("min", _MINUTE_S), ("s", 1))
            if step % size == 0
        )
        return f"{seconds / size:.0f} {unit}"
