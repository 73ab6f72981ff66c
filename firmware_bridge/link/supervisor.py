"""The link to one sensor, kept up all night without a person."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from typing import TYPE_CHECKING

from firmware_bridge.host_clock import HostClock
from firmware_bridge.link.backoff import Backoff
from firmware_bridge.link.errors import LinkError
from firmware_bridge.link.radio import PLATFORM_RADIO
from firmware_bridge.link.scanning import Finder
from firmware_bridge.link.session import Session, forget
from firmware_bridge.link.states import LinkCause, LinkEvent, LinkState
from nightcramp.errors import SensorError

if TYPE_CHECKING:
    from firmware_bridge.host_clock import Clock
    from firmware_bridge.link.radio import Found, Identity, Radio, Sought
    from firmware_bridge.link.scanning import Heard
    from firmware_bridge.link.states import LinkSink
    from firmware_bridge.spec import Write

log = logging.getLogger(__name__)

STEADY_S = 30.0
"""After so much data a link counts as good: trouble that follows is new trouble."""

OUTAGE_S = 300.0
"""After so long without steady data the person is told; and again each time as much has passed."""

MTU_SETTLES_S = 2.0

_SUSPICIOUS = (LinkCause.CONNECT_FAILED, LinkCause.SETUP_FAILED, LinkCause.WRONG_FIRMWARE)

SUSPICIOUS_FAILURES = 3
"""Failures in a row, of a sensor that is heard, before what the system remembers of it is to blame:
its bond, or its table of services."""


class Link:
    """Finds a sensor, connects to it, sets it up, watches it, and does so again for ever.

    Parameters
    ----------
    sought : Sought
        Which sensor.
    sink : LinkSink
        Takes notifications and events, from the event loop.
    radio : Radio
        Links that run at once share one.
    clock : Clock, optional
    connecting : asyncio.Lock, optional
        Links that run at once share one: most adapters can do one scan or connect at a time.
    rng : random.Random, optional
        For the jitter of the back-off.
    known : Identity, optional
        The sensor that an earlier link was connected to: no other is taken for it, unless `sought`
        names another.
    """

    def __init__(
        self,
        sought: Sought,
        sink: LinkSink,
        *,
        radio: Radio = PLATFORM_RADIO,
        clock: Clock | None = None,
        connecting: asyncio.Lock | None = None,
        rng: random.Random | None = None,
        known: Identity | None = None,
    ) -> None:
        self._sought = sought
        self._sink = sink
        self._radio = radio
        self._clock = clock or HostClock()
        self._connecting = connecting or asyncio.Lock()
        self._finder = Finder(sought, radio, self._clock, known)
        self._backoff = Backoff(rng or random.Random())  # noqa: S311 -- jitter, no secret
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._heard: Heard | None = None
        self._streaming: Session | None = None
        self._trouble = _Trouble()

    @property
    def sensor(self) -> Identity | None:
        """Which sensor it is; None before it was connected."""
        return self._finder.known

    async def run(self) -> None:
        """Keep the link up until cancelled or stopped; then nothing is left connected."""
        try:
            if not self._stopping:
                self._task = asyncio.create_task(self._supervise())
                await self._task
        except asyncio.CancelledError:
            if not self._stopping:
                raise
        finally:
            self._tell(LinkState.STOPPED)

    def stop(self) -> None:
        """Disconnect and let `run` return."""
        if self._task and not self._stopping:
            self._task.cancel()
        self._stopping = True

    async def write(self, write: Write) -> None:
        """Write to the sensor while it streams.

        Raises
        ------
        SensorError
            If it is not streaming, or does not accept it.
        UsageError
            If this kind of sensor must never receive it.
        """
        self._sought.spec.check(write)
        if self._streaming is None:
            raise SensorError(f"{self._sought.spec.title} is not connected; nothing was written")
        try:
            await self._streaming.write(write)
        except LinkError as error:
            message = f"{self._sought.spec.title} did not take {write.payload.hex()}"
            raise SensorError(f"{message}: {error.detail}") from error

    async def _supervise(self) -> None:
        while True:
            self._trouble.attempt += 1
            try:
                await self._connect_and_stream()
            except LinkError as error:
                await self._recover(error)

    async def _connect_and_stream(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            async with self._connecting:
                self._heard = None
                self._tell(LinkState.SCANNING)
                self._heard = await self._finder.find()
                self._tell(LinkState.CONNECTING)
                session = self._session(self._heard)
                stack.push_async_callback(session.close)
                await session.connect()
            new_address = await self._identify(session, self._heard.found)
            await self._stream(session, new_address)

    def _session(self, heard: Heard) -> Session:
        return Session(
            heard.device,
            self._sought.spec,
            self._sink,
            self._radio,
            self._clock,
            pair=self._trouble.pair,
        )

    async def _identify(self, session: Session, found: Found) -> str:
        """Make sure that it is the sensor; returns what is new if its name alone says so."""
        before = self._finder.known
        is_new_address = before is not None and before.address != found.address
        expected = self._finder.expected_serial(found)
        serial = expected
        if expected is not None:
            await self._check_serial(session, found, expected)
        elif before is None or is_new_address:
            serial = await _serial_if_told(session)
        self._finder.learn(found, serial)
        if before is None or not is_new_address or expected is not None:
            return ""
        return f"{found.name}, address {found.address}, until now {before.address}"

    async def _check_serial(self, session: Session, found: Found, expected: str) -> None:
        serial = await session.read_serial()
        if serial is None or serial.casefold() != expected.casefold():
            self._finder.reject(found)
            detail = f"serial number {serial or 'not told'}, expected {expected}"
            raise LinkError(LinkCause.WRONG_SENSOR, detail)

    async def _stream(self, session: Session, new_address: str) -> None:
        cause = LinkCause.NEW_ADDRESS if new_address else None
        self._tell(LinkState.SETTING_UP, cause, new_address)
        try:
            await session.set_up()
            self._streaming = session
            self._tell(LinkState.STREAMING)
            await session.watch(MTU_SETTLES_S)
            self._check_mtu(session)
            await session.watch()
        except LinkError as error:
            session.mute()
            self._tell(LinkState.LOST, error.cause, error.detail)
            raise
        finally:
            self._streaming = None
            if session.streamed_s >= STEADY_S:
                self._trouble = _Trouble()
                self._backoff.reset()

    def _check_mtu(self, session: Session) -> None:
        least = self._sought.spec.mtu_min
        if session.mtu < least:
            detail = f"MTU {session.mtu}, {self._sought.spec.title} needs {least}"
            self._tell(LinkState.STREAMING, LinkCause.LOW_MTU, detail)

    async def _recover(self, error: LinkError) -> None:
        now_s = self._clock.monotonic_ns() / 1e9
        self._trouble.note(error.cause, now_s)
        delay_s = self._backoff.following()
        detail = f"next attempt in {delay_s:.1f} s"
        self._tell(
            LinkState.WAITING, error.cause, f"{error.detail}; {detail}" if error.detail else detail
        )
        if self._trouble.should_forget(error.cause):
            await self._forget(error.cause)
        if self._trouble.is_long(now_s):
            self._tell(LinkState.WAITING, LinkCause.LONG_OUTAGE, f"last: {error.cause}")
        await self._clock.sleep(delay_s)

    async def _forget(self, cause: LinkCause) -> None:
        """Let the system forget the sensor, once in an outage, and pair anew if it seems bonded."""
        self._trouble.forgotten = True
        if cause is not LinkCause.WRONG_FIRMWARE:
            self._trouble.pair = True
            self._tell(LinkState.WAITING, LinkCause.BOND_LOST)
        if self._heard is None:
            return
        try:
            await forget(self._heard.device, self._radio, self._clock)
        except LinkError as error:
            log.warning("the bond could not be removed: %s", error)

    def _tell(self, state: LinkState, cause: LinkCause | None = None, detail: str = "") -> None:
        found = self._heard.found if self._heard else None
        event = LinkEvent(
            state,
            self._clock.monotonic_ns(),
            self._clock.wall_ns(),
            cause,
            detail,
            self._trouble.attempt,
            found.address if found else None,
            found.name if found else None,
        )
        log.info("%s %s %s", state, cause or "", detail)
        try:
            self._sink.event(event)
        except Exception:
            log.exception("the sink failed on the event %s", event)


async def _serial_if_told(session: Session) -> str | None:
    """Return the serial number; a recording that only would know its sensor by it needs none."""
    try:
        return await session.read_serial()
    except LinkError as error:
        log.info("the serial number was not told: %s", error)
        return None


class _Trouble:
    """What has gone wrong since data last flowed steadily."""

    def __init__(self) -> None:
        self.attempt = 0
        self.pair = False
        self.forgotten = False
        self._suspicious = 0
        self._tell_s: float | None = None

    def note(self, cause: LinkCause, now_s: float) -> None:
        """Take a failure into account."""
        if self._tell_s is None:
            self._tell_s = now_s + OUTAGE_S
        self._suspicious = self._suspicious + 1 if cause in _SUSPICIOUS else 0
        # A sensor that cannot pair fails while it is asked to: the next attempt does without.
        self.pair = cause is LinkCause.NOT_PAIRED

    def should_forget(self, cause: LinkCause) -> bool:
        """Whether to let the system forget the sensor."""
        lost = cause is LinkCause.BOND_LOST or self._suspicious >= SUSPICIOUS_FAILURES
        return lost and not self.forgotten

    def is_long(self, now_s: float) -> bool:
        """Whether it is time to tell that nothing helps."""
        if self._tell_s is None or now_s < self._tell_s:
            return False
        self._tell_s = now_s + OUTAGE_S
        return True
