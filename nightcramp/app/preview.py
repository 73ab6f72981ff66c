"""The sensor before the night begins: connected by the page, shown and tried, and let go again.

Nothing is kept of it. The night itself is recorded by a program of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from functools import partial
from typing import TYPE_CHECKING

from firmware_bridge.link import Link, LinkCause, LinkState
from nightcramp.app.setup_round import SetupRound
from nightcramp.app.trace import Trace
from nightcramp.errors import NightcrampError
from nightcramp.live import NoFinder
from nightcramp.recorder.messages import link_content
from nightcramp.recorder.stage import LiveStage
from nightcramp.recorder.worker import ThreadWorker, ask
from nightcramp.sensors import radio_at
from recordings.journal import RecordKind, json_record, record_of

if TYPE_CHECKING:
    from firmware_bridge import HostClock, Notification
    from firmware_bridge.link import LinkEvent, Sought
    from nightcramp.recorder.battery import Forecast
    from nightcramp.recorder.figures import SignalFigures
    from nightcramp.recorder.meter import Bins

log = logging.getLogger(__name__)

UNWATCHED_S = 120.0
"""A sensor that no window looks at is let go: its battery is for the night."""

_LET_GO_S = 10.0


class Preview:
    """A sensor that is looked at.

    Parameters
    ----------
    sought : Sought
    radio : str or None
        Address of emulated sensors.
    clock : HostClock
    connecting : asyncio.Lock
        Sensors that are looked at together share one: most adapters do one scan or connect at a
        time.

    Attributes
    ----------
    trace : Trace
    setup : SetupRound or None
        The set-up contractions, under way or done.
    state : LinkState
    cause : LinkCause or None
        What went wrong last, until data flow again.
    trouble : str
        Why nothing can be shown at all; empty if it can.
    """

    def __init__(
        self, sought: Sought, radio: str | None, clock: HostClock, connecting: asyncio.Lock
    ) -> None:
        self.trace = Trace(sought.spec)
        self.setup: SetupRound | None = None
        self.state = LinkState.SCANNING
        self.cause: LinkCause | None = None
        self.trouble = ""
        self._sought = sought
        self._radio = radio
        self._clock = clock
        self._connecting = connecting
        self._stage = LiveStage(sought.spec, NoFinder(), clock, lambda _: None)
        self._worker = ThreadWorker("preview")
        self._link: Link | None = None
        self._last_ns: int | None = None
        self._unwatched: asyncio.TimerHandle | None = None
        self._running = asyncio.create_task(self._run())
        self._setting_up: asyncio.Task[None] | None = None

    @property
    def figures(self) -> SignalFigures:
        """Contact, amplitude and battery."""
        return self._stage.figures

    @property
    def has_data(self) -> bool:
        """Whether data came in the last seconds."""
        fresh_ns = 3e9 * max(1.0, self._clock.speed)
        return self._last_ns is not None and self._clock.monotonic_ns() - self._last_ns < fresh_ns

    @property
    def is_running(self) -> bool:
        """Whether the sensor is held, or sought."""
        return not self._running.done()

    @property
    def is_tested(self) -> bool:
        """Whether the set-up contractions are under way."""
        return self._setting_up is not None and not self._setting_up.done()

    def watch(self) -> None:
        """Say that somebody looks."""
        if self._unwatched is not None:
            self._unwatched.cancel()
        self._unwatched = asyncio.get_running_loop().call_later(UNWATCHED_S, self._let_go)

    def begin_setup(self) -> None:
        """Begin the set-up contractions, unless they are under way."""
        if not self.is_tested:
            self.setup = SetupRound(self, self._clock)
            self._setting_up = asyncio.create_task(self.setup.run())

    def notification(self, notification: Notification) -> None:
        """Take bytes that have just arrived."""
        self._last_ns = notification.monotonic_ns
        self.trace.take(notification)
        self._worker.submit(partial(self._stage.take, record_of(notification)))

    def event(self, event: LinkEvent) -> None:
        """Take news of the link."""
        self.state = event.state
        if event.state is LinkState.SETTING_UP:
            self.trace.connected()
        if event.state is LinkState.STREAMING and not event.cause:
            self.cause = None
        self.cause = event.cause or self.cause
        content = link_content(event)
        record = json_record(RecordKind.LINK, event.monotonic_ns, event.wall_ns, content)
        self._worker.submit(partial(self._stage.take, record))

    async def bins_between(self, start_ns: int, stop_ns: int) -> Bins | None:
        """Return the EMG between two times of the monotonic clock."""
        question = partial(self._stage.bins_between, start_ns, stop_ns)
        return await asyncio.wrap_future(ask(self._worker, question))

    def battery(self) -> Forecast:
        """How long the battery will last."""
        return self._stage.figures.battery

    async def stop(self) -> None:
        """Let the sensor go; returns when it can be connected by others."""
        if self._setting_up is not None:
            self._setting_up.cancel()
        self._let_go()
        await asyncio.wait([self._running], timeout=_LET_GO_S)
        self._running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._running

    def _let_go(self) -> None:
        if self._link is None:
            self._running.cancel()
        else:
            self._link.stop()

    async def _run(self) -> None:
        """Hold the sensor until it is let go."""
        self.watch()
        try:
            async with radio_at(self._radio, self._clock) as radio:
                self._link = Link(
                    self._sought, self, radio=radio, clock=self._clock, connecting=self._connecting
                )
                await self._link.run()
        except NightcrampError as error:
            self.trouble = str(error)
        except Exception as error:
            log.exception("the sensor cannot be shown")
            self.trouble = repr(error)
        finally:
            self.state = LinkState.STOPPED
            await asyncio.to_thread(self._worker.close, _LET_GO_S)
