"""The host's clocks, and waiting by them; injected everywhere, so that tests need not wait."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Protocol


class Clock(Protocol):
    """What stamps arrivals and waits: `HostClock`, or a virtual one."""

    @property
    def speed(self) -> float:
        """Seconds of the night per second of the event loop."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds of a clock that is never stepped and runs on while the host sleeps."""
        ...

    def wall_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC, as the host believes at this moment."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let so many seconds of the night pass."""
        ...

    def timeout(self, seconds: float) -> asyncio.Timeout:
        """Context that raises `TimeoutError` when it takes longer, in seconds of the night."""
        ...


class HostClock:
    """The clocks of this computer.

    Faster than life the monotonic clock counts from the start of the computer, not of the program:
    as in a real night it has run on when a program that was killed starts again.

    Parameters
    ----------
    speed : float
        Seconds of the night per second of the computer. Above 1 only with an emulated sensor that
        runs as fast.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._wall_start = time.time_ns()

    def monotonic_ns(self) -> int:
        """Nanoseconds of a clock that is never stepped and runs on while the host sleeps."""
        now_ns = _monotonic_ns()
        return now_ns if self.speed == 1 else round(now_ns * self.speed)

    def wall_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC, as the host believes at this moment."""
        now_ns = time.time_ns()
        if self.speed == 1:
            return now_ns
        return self._wall_start + round((now_ns - self._wall_start) * self.speed)

    async def sleep(self, seconds: float) -> None:
        """Let so many seconds of the night pass."""
        await asyncio.sleep(seconds / self.speed)

    def timeout(self, seconds: float) -> asyncio.Timeout:
        """Context that raises `TimeoutError` when it takes longer, in seconds of the night."""
        return asyncio.timeout(seconds / self.speed)


def _monotonic_ns() -> int:
    """Clock that counts suspended time too; ``time.monotonic`` does not on Linux and macOS."""
    if sys.platform == "linux":
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)
