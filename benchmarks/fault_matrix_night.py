"""One emulated night with faults: the whole way from the sensor to the recording, in virtual time.

Sensor, radio and both host stacks are emulated; link, decoders and assembly are the ones a
participant's recorder runs. The sensor measures numbers that tell their own place, so that every
sample of the recording can be looked up in the truth.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from firmware_bridge import DEVICES, Assembler, BacklogRequests, Resume
from firmware_bridge.emulator import (
    EMULATED,
    Air,
    BumbleAdapter,
    LinkModel,
    SensorHost,
    Truth,
    VirtualClock,
    index_source,
    play_faults,
    radio_of,
    run_virtual,
)
from firmware_bridge.link import Link, LinkState, Sought
from nightcramp.errors import SensorError

if TYPE_CHECKING:
    from firmware_bridge import Clock, DeviceSpec, Item, Notification, StreamKind
    from firmware_bridge.emulator import FaultScript
    from firmware_bridge.emulator.sensor import Emission, Lost
    from firmware_bridge.link import LinkEvent

CRYSTAL_PPM = 40.0
"""How much faster than stated the emulated sensors' crystals run; consumer parts are within 50."""

_INTERVALS_S = {"umyo": 0.010}
"""Connection intervals of sensors that lose most of their samples at those computers ask for."""

_ASK_EVERY_S = 0.25
_DISK_S = 1.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """Samples that reached the computer's radio, by their true numbers."""

    at_s: float
    stream: StreamKind
    first: int
    n: int


@dataclass(
    frozen=True, slots=True, repr=False
)  # asyncio prints the results of tasks: a whole night
class Night:
    """What came of a night.

    Attributes
    ----------
    device : str
    seconds : float
    items : list of Item
        What the assembler made of it, in order.
    events : list of LinkEvent
    heard_s : list of float
        When notifications came.
    truth : Truth
    arrivals : list of Arrival
    losses : list of Lost
        What the sensor itself gave up.
    inside_s : float
        How long a notification may take through the computer; what is there when Bluetooth fails
        is gone.
    """

    device: str
    seconds: float
    truth: Truth
    items: list[Item] = field(default_factory=list)
    events: list[LinkEvent] = field(default_factory=list)
    heard_s: list[float] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    losses: list[Lost] = field(default_factory=list)
    inside_s: float = 0.0


class Witness(Truth):
    """The truth, with when what arrived did so, and all that the sensor gave up."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.started_ns = clock.monotonic_ns()
        self.arrivals: list[Arrival] = []
        self.losses: list[Lost] = []

    def given_up(self, lost: Lost) -> None:
        super().given_up(lost)
        self.losses.append(lost)

    def arrived(self, emission: Emission) -> None:
        super().arrived(emission)
        self.arrivals += (Arrival(self.now_s(), *samples) for samples in emission.samples)


class _Recorder:
    """Takes what the link delivers, as a recorder does, but to memory."""

    def __init__(self, spec: DeviceSpec, night: Night) -> None:
        self.assembler = Assembler(spec)
        self.requests = BacklogRequests(self.assembler) if spec.resume is Resume.BACKLOG else None
        self._night = night

    def notification(self, notification: Notification) -> None:
        self._night.heard_s.append(notification.monotonic_ns * 1e-9)
        items = self.assembler.push(notification)
        if self.requests is not None:
            self.requests.push(items, notification.monotonic_ns)
        self._night.items.extend(items)

    def event(self, event: LinkEvent) -> None:
        self._night.events.append(event)
        if event.state is LinkState.SETTING_UP:
            self._night.items.extend(self.assembler.connected(event.monotonic_ns))
            if self.requests is not None:
                self.requests.connected()
        elif event.state is LinkState.LOST:
            self._night.items.extend(self.assembler.lost(event.monotonic_ns))


def emulate(device: str, script: FaultScript, seconds: float, seed: int = 1) -> Night:
    """Let a device stream for so long while a fault script plays.

    Parameters
    ----------
    device : str
    script : FaultScript
    seconds : float
        Virtual ones.
    seed : int
        Of every chance but those of the faults.
    """
    return run_virtual(_emulate(device, script, seconds, seed), limit_s=2 * seconds + 60)


async def _emulate(device: str, script: FaultScript, seconds: float, seed: int) -> Night:
    clock, air = VirtualClock(asyncio.get_running_loop()), _air(device, seed)
    truth = Witness(clock)
    night = Night(device, seconds, truth, arrivals=truth.arrivals, losses=truth.losses)
    sensor = EMULATED[device](index_source(device), CRYSTAL_PPM)
    host = SensorHost(sensor, air.plug, truth, seed=script.seed)
    adapter = BumbleAdapter()
    await adapter.attach(await air.plug())
    spec = DEVICES[device]
    recorder = _Recorder(spec, night)
    dice = random.Random(seed)  # noqa: S311 (a simulation)
    link = Link(Sought(spec), recorder, radio=radio_of(adapter), clock=clock, rng=dice)
    linking = asyncio.create_task(link.run())
    others = [
        asyncio.create_task(work)
        for work in (host.run(), play_faults(host, script), _ask(link, recorder, clock))
    ]
    await clock.sleep(seconds)
    link.stop()
    await linking
    for task in others:
        task.cancel()
    for outcome in await asyncio.gather(*others, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
    night.items.extend(recorder.assembler.finish())
    return night


def _air(device: str, seed: int) -> Air:
    return Air(LinkModel(interval_s=_INTERVALS_S.get(device)), seed=seed)


async def _ask(link: Link, recorder: _Recorder, clock: VirtualClock) -> None:
    """Ask the sensor to send again what it kept, and tell it what is safe."""
    requests = recorder.requests
    while requests is not None:
        await clock.sleep(_ASK_EVERY_S)
        now_ns = clock.monotonic_ns()
        requests.durable(now_ns - round(_DISK_S * 1e9))
        write = requests.next_write(now_ns) if _streams(recorder) else None
        if write is not None:
            try:
                await link.write(write)
            except SensorError:
                continue  # asked again after the next connect


def _streams(recorder: _Recorder) -> bool:
    events = recorder._night.events
    return bool(events) and events[-1].state is LinkState.STREAMING
