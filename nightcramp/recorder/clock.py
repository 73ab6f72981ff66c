"""The clock that a night is recorded by."""

from __future__ import annotations

from firmware_bridge import HostClock
from nightcramp.sensors import clock_for


class AcceleratedClock(HostClock):
    """Clock of a night that passes faster than it should, for emulated sensors.

    Its monotonic clock runs on while the program is not there, as that of a real night does: a
    recorder that is started again stands later in the same night.

    Parameters
    ----------
    speed : float
        Seconds of the night per second of the computer.
    """

    def __init__(self, speed: float) -> None:
        super().__init__(speed)
        self._computer = HostClock()

    def monotonic_ns(self) -> int:
        """Nanoseconds of a clock that is never stepped."""
        return round(self._computer.monotonic_ns() * self.speed)


def night_clock(radio: str | None, speed: float) -> HostClock:
    """Return the clock of a night; raises UsageError if a real sensor should run faster."""
    clock = clock_for(radio, speed)
    return clock if clock.speed == 1 else AcceleratedClock(clock.speed)
