"""Nights at the speed of the processor: an event loop whose time runs only while all wait.

As soon as no task can run, time jumps to the next timer. Whatever keeps to asyncio's timers (our
link, the host stack of the emulated radio, the radio itself) then runs through a night in the CPU
time it needs, and twice the same night is the same to the last bit.
"""

from __future__ import annotations

import asyncio
import selectors
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple

from nightcramp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Executor

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

TWO_DAYS_S = 2 * 86_400.0
"""No night is longer: a program still running then waits for what never comes."""

EVENING = datetime(2026, 1, 12, 22, tzinfo=UTC)
"""When virtual nights begin."""

_PATIENCE_S = 60.0
_MOST_STEPS = 1_000_000


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Event loop with a time of its own.

    Time stands while anything can run, while a real file is ready, and while a thread works that
    was given its work by ``run_in_executor``; else it jumps to the next timer.

    Parameters
    ----------
    limit_s : float
        Virtual time after which the program is taken to hang.
    """

    def __init__(self, limit_s: float = TWO_DAYS_S) -> None:
        self._waiting = _Waiting(limit_s)
        super().__init__(self._waiting)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._waiting.now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Let a thread work; time stands until it is done."""
        future = super().run_in_executor(executor, func, *args)
        self._waiting.threads += 1
        future.add_done_callback(self._thread_is_done)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109
        """Wait for the threads, in real time."""
        self._waiting.threads += 1
        try:
            await super().shutdown_default_executor()
        finally:
            self._waiting.threads -= 1

    def _thread_is_done(self, _future: asyncio.Future[T]) -> None:
        self._waiting.threads -= 1


class _Waiting(selectors.DefaultSelector):
    """What the loop does when nothing can run: time jumps, unless something real is under way."""

    def __init__(self, limit_s: float) -> None:
        super().__init__()
        self.now = 0.0
        self.threads = 0
        self._steps = 0
        self._limit_s = limit_s

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            self._count_step()
            return ready
        if self.threads:
            return self._wait_for_thread()
        if timeout is None:
            raise UsageError(
                "The program hangs: every task waits for another, and no timer is set that could "
                f"wake one (virtual time {self.now:.3f} s)."
            )
        self.now += timeout
        self._steps = 0
        if self.now > self._limit_s:
            raise UsageError(
                f"The program still runs after {self._limit_s:g} s of virtual time: something "
                "waits for what never comes."
            )
        return []

    def _count_step(self) -> None:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise UsageError(
                f"The program spins: {_MOST_STEPS} rounds of the event loop, and virtual time "
                f"stands at {self.now:.3f} s. Something asks again and again without waiting."
            )

    def _wait_for_thread(self) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(_PATIENCE_S)
        if not ready:
            raise UsageError(f"A thread did not finish its work within {_PATIENCE_S:g} s.")
        return ready


def run_virtual(main: Coroutine[object, object, T], *, limit_s: float = TWO_DAYS_S) -> T:
    """Run a coroutine to its end in virtual time, as ``asyncio.run`` does in real time.

    Parameters
    ----------
    main : coroutine
    limit_s : float
        Virtual time after which the program is taken to hang.

    Returns
    -------
    object
        What the coroutine returns.

    Raises
    ------
    UsageError
        If the program hangs: every task waits and no timer is set, or the limit is passed.
    """
    with asyncio.Runner(loop_factory=partial(VirtualTimeLoop, limit_s)) as runner:
        return runner.run(main)


class VirtualClock:
    """The `Clock` of a host that lives in virtual time.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        Whose time is the host's.
    start : datetime
        Wall time at the loop's zero.
    speed : float
        Seconds of the night per second of the loop.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, start: datetime = EVENING, speed: float = 1.0
    ) -> None:
        self.speed = speed
        self._loop = loop
        self._start_ns = round(start.timestamp()) * 1_000_000_000

    def monotonic_ns(self) -> int:
        """Nanoseconds of the night since the loop was made."""
        return round(self._loop.time() * self.speed * 1e9)

    def wall_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC."""
        return self._start_ns + self.monotonic_ns()

    async def sleep(self, seconds: float) -> None:
        """Let so many seconds of the night pass."""
        await asyncio.sleep(seconds / self.speed)

    def timeout(self, seconds: float) -> asyncio.Timeout:
        """Context that raises `TimeoutError` when it takes longer, in seconds of the night."""
        return asyncio.timeout(seconds / self.speed)
