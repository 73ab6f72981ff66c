"""A sensor's stream as it comes: figures for people, records for programs."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmware_bridge import (
    Assembler,
    BacklogRequests,
    DeviceStatus,
    GapCause,
    MissingStretch,
    Reject,
    Resume,
    Samples,
    StreamDeclared,
    StreamSpec,
    Stretch,
)
from firmware_bridge.link import Link, LinkCause, LinkState, explain
from nightcramp.errors import SensorError
from nightcramp.sensors import radio_at

if TYPE_CHECKING:
    from firmware_bridge import DeviceSpec, HostClock, Item, Notification, StreamKind, Write
    from firmware_bridge.link import LinkEvent, Sought
    from nightcramp.stream_records import Records
    from nightcramp.stream_screen import Screen

log = logging.getLogger(__name__)

RATE_OVER_S = 5.0
REFRESH_S = 0.25


@dataclass(frozen=True, slots=True)
class StreamFigures:
    """How a stream is doing.

    Attributes
    ----------
    kind : {"emg", "acc"}
    rate_hz : float
        Samples that arrived in the last seconds, per second.
    values : tuple of float
        Last sample of every channel.
    unit : str
    missing : float or None
        Share of samples that never came; None until enough came to tell.
    """

    kind: StreamKind
    rate_hz: float
    values: tuple[float, ...]
    unit: str
    missing: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """How the sensor is doing.

    Attributes
    ----------
    state : LinkState
    streams : tuple of StreamFigures
    battery : str or None
    rejects : int
        Notifications that could not be understood.
    """

    state: LinkState
    streams: tuple[StreamFigures, ...]
    battery: str | None
    rejects: int


class _Stream:
    """One stream, as its samples come."""

    def __init__(self, spec: StreamSpec) -> None:
        self.spec = spec
        self.placed = 0
        self.missing = 0
        self._values: tuple[float, ...] = ()
        self._arrivals: deque[tuple[int, int]] = deque()

    def take(self, samples: Samples, now_ns: int) -> None:
        """Take samples that have just arrived."""
        last = (samples.values[:, -1] - self.spec.offset) * (self.spec.scale or 1.0)
        self._values = tuple(last.tolist())
        self._arrivals.append((now_ns, samples.n))

    def figures(self, now_ns: int) -> StreamFigures:
        while self._arrivals and self._arrivals[0][0] < now_ns - RATE_OVER_S * 1e9:
            self._arrivals.popleft()
        since_ns = self._arrivals[0][0] if self._arrivals else now_ns
        # The samples of the first arrival were taken before it.
        arrived = sum(n for _, n in itertools.islice(self._arrivals, 1, None))
        total = self.placed + self.missing
        return StreamFigures(
            self.spec.kind,
            arrived / max((now_ns - since_ns) / 1e9, REFRESH_S),
            self._values,
            self.spec.unit,
            self.missing / total if total else None,
        )


class Monitor:
    """Takes what a link delivers; keeps figures, and hands items and events to `records`.

    Figures come from the packets themselves, because a recording's samples are only known to the
    assembler after it has measured their rate.

    Parameters
    ----------
    spec : DeviceSpec
    screen : Screen
    records : Records, optional
    """

    def __init__(self, spec: DeviceSpec, screen: Screen, records: Records | None = None) -> None:
        self._screen = screen
        self._records = records
        self._decoder = spec.decoder()
        self._assembler = Assembler(spec)
        self._requests = BacklogRequests(self._assembler) if spec.resume is Resume.BACKLOG else None
        self._streams = {stream.kind: _Stream(stream) for stream in spec.streams}
        self._state = LinkState.WAITING
        self._battery: str | None = None
        self._rejects = 0
        self._start_ns: int | None = None
        self._last_ns = 0
        self._notifications = 0
        self._last_cause = LinkCause.NOT_FOUND

    def notification(self, notification: Notification) -> None:
        """Take bytes that have just arrived."""
        self._notifications += 1
        self._see(notification)
        items = self._assembler.push(notification)
        if self._requests:
            self._requests.push(items, notification.monotonic_ns)
        self._tell(notification.monotonic_ns, items)

    def event(self, event: LinkEvent) -> None:
        """Take news of the link."""
        self._state = event.state
        self._last_cause = event.cause or self._last_cause
        self._screen.event(event)
        host_s = self._host_s(event.monotonic_ns)
        if self._records:
            self._records.event(host_s, event)
        if event.state is LinkState.SETTING_UP:
            self._decoder.reset()
            if self._requests:
                self._requests.connected()
            self._tell(event.monotonic_ns, self._assembler.connected(event.monotonic_ns))
        elif event.state is LinkState.LOST:
            self._tell(event.monotonic_ns, self._assembler.lost(event.monotonic_ns))

    def next_write(self, now_ns: int) -> Write | None:
        """Return what the sensor should be asked now: to send again what it kept, if it can.

        It is never told to forget anything: that is for who keeps the night.
        """
        if self._requests is None or self._state is not LinkState.STREAMING:
            return None
        return self._requests.next_write(now_ns)

    def finish(self) -> None:
        """Hand on what the assembler still holds back."""
        self._tell(self._last_ns, self._assembler.finish())

    def require_data(self) -> None:
        """Raise `SensorError`, with what went wrong last, if nothing ever came."""
        if not self._notifications:
            raise SensorError(explain(self._last_cause))

    def figures(self, now_ns: int) -> Figures:
        """How the sensor is doing now."""
        streams = tuple(stream.figures(now_ns) for stream in self._streams.values())
        return Figures(self._state, streams, self._battery, self._rejects)

    def _see(self, notification: Notification) -> None:
        for packet in self._decoder.decode(notification.characteristic, notification.payload):
            if isinstance(packet, StreamSpec):
                self._streams[packet.kind] = _Stream(packet)
            elif isinstance(packet, Samples) and packet.stream in self._streams:
                self._streams[packet.stream].take(packet, notification.monotonic_ns)
            elif isinstance(packet, DeviceStatus):
                self._battery = _battery(packet) or self._battery
            elif isinstance(packet, Reject):
                self._rejects += 1

    def _tell(self, now_ns: int, items: list[Item]) -> None:
        host_s = self._host_s(now_ns)
        for item in items:
            self._count(item)
            if self._records:
                self._records.item(host_s, item)

    def _count(self, item: Item) -> None:
        match item:
            case StreamDeclared() if item.stream not in self._streams:
                self._streams[item.stream] = _Stream(item.spec)
            case Stretch():
                self._streams[item.stream].placed += item.n
            case MissingStretch() if item.cause is not GapCause.ENDED:
                self._streams[item.stream].missing += item.n
            case _:
                pass

    def _host_s(self, now_ns: int) -> float:
        if self._start_ns is None:
            self._start_ns = now_ns
        self._last_ns = max(self._last_ns, now_ns)
        return (now_ns - self._start_ns) / 1e9


def _battery(status: DeviceStatus) -> str | None:
    if status.battery_percent is not None:
        return f"{status.battery_percent} %"
    return None if status.battery_mv is None else f"{status.battery_mv} mV"


async def stream_sensor(
    sought: Sought,
    monitor: Monitor,
    screen: Screen,
    clock: HostClock,
    *,
    radio: str | None = None,
    seconds: float = math.inf,
) -> None:
    """Let a sensor stream into `monitor` for so long, or until cancelled.

    Parameters
    ----------
    sought : Sought
    monitor : Monitor
    screen : Screen
        Shows the figures, four times a second.
    clock : HostClock
    radio : str, optional
        Address of an emulated sensor.
    seconds : float
    """
    async with radio_at(radio, clock) as stack:
        link = Link(sought, monitor, radio=stack, clock=clock)
        running = asyncio.create_task(link.run())
        stop_ns = clock.monotonic_ns() + seconds * 1e9
        try:
            while not running.done() and clock.monotonic_ns() < stop_ns:
                left_s = (stop_ns - clock.monotonic_ns()) / 1e9
                await _wait(running, min(REFRESH_S * clock.speed, left_s), clock)
                await _ask(link, monitor.next_write(clock.monotonic_ns()))
                screen.show(monitor.figures(clock.monotonic_ns()))
        finally:
            link.stop()
            await running


async def _ask(link: Link, write: Write | None) -> None:
    """Write if there is something to; what fails is asked again after the next connect."""
    if write is not None:
        try:
            await link.write(write)
        except SensorError as error:
            log.info("not asked: %s", error)


async def _wait(running: asyncio.Task[None], seconds: float, clock: HostClock) -> None:
    with contextlib.suppress(TimeoutError):
        async with clock.timeout(seconds):
            await asyncio.shield(running)
