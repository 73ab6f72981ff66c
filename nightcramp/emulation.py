"""An emulated sensor as a program: fed by a night, on an air of its own or of another program."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from firmware_bridge import HostClock
from firmware_bridge.emulator import (
    EMULATED,
    FRONT_ENDS,
    Air,
    ArraySource,
    FaultScript,
    LinkModel,
    Sampled,
    SensorHost,
    Truth,
    address_of,
    dial,
    play_faults,
    serve_air,
)
from nightcramp.errors import OutputError, SensorError, UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from bumble.transport.common import Transport

    from firmware_bridge import StreamKind
    from firmware_bridge.emulator import EmulatedSensor, SignalSource
    from recordings import Recording, Stream

AIR = "air"
"""Instead of a device: no sensor, only the air for those of other programs."""

_EVENING = datetime(2026, 1, 12, 22)  # noqa: DTZ001 (recordings have local time without zone)
_UNITS = {"emg": 1e-6, "acc": 1.0}  # of recordings, in those of sources: uV in V, g in g
_STILL_LEG = Sampled(np.array([[0.0], [0.0], [1.0]], dtype=np.float32), 1.0)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the air is.

    Attributes
    ----------
    host : str
    port : int
        0 for any that is free, if the air is served there.
    join : bool
        Whether another program serves it.
    interval_ms : float or None
        Connection interval if it is served there; None is what computers ask for, 45 ms.
    """

    host: str
    port: int
    join: bool = False
    interval_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Emulation:
    """A sensor and its night.

    Attributes
    ----------
    sensor : EmulatedSensor
    name : str or None
        Advertised instead of its own.
    address : str or None
        Random static address; None is one that follows from device and name.
    faults : FaultScript
    faults_file : Path or None
        For messages.
    log : Path or None
        Where the truth is written.
    """

    sensor: EmulatedSensor
    name: str | None = None
    address: str | None = None
    faults: FaultScript = field(default_factory=FaultScript)
    faults_file: Path | None = None
    log: Path | None = None


def check_device(device: str) -> None:
    """Raise `UsageError` unless there is an emulated sensor of this name."""
    if device not in EMULATED:
        known = ", ".join(sorted(EMULATED))
        raise UsageError(f"no emulated sensor {device!r}: expected {AIR}, {known}")


def make_sensor(device: str, source: SignalSource) -> EmulatedSensor:
    """Make an emulated sensor that measures a source."""
    return EMULATED[device](source)


def recorded_source(device: str, path: Path) -> ArraySource:
    """Return a recorded night as the sensor would have measured it.

    Values without a unit are taken for the sensor's own counts. In a night without acceleration
    the leg lies still.

    Raises
    ------
    RecordingError
        If the file cannot be read or has no EMG.
    """
    from recordings import open_recording

    return _source(device, open_recording(path))


def simulated_source(device: str, seed: int, hours: float) -> ArraySource:
    """Return a simulated night as the sensor would have measured it.

    Raises
    ------
    UsageError
        If it is too short for its events.
    """
    from models.simulator import SENSORS, NightPlan, draw_participant, simulate_night
    from nightcramp.simulation import night_info
    from recordings import ArrayRecording

    wired = replace(SENSORS["reference"], loss=None)
    plan = NightPlan(hours=hours, start=_EVENING)
    night = simulate_night(draw_participant(seed), plan, wired, seed)
    info = night_info(night, f"sim-{seed:06d}")
    return _source(device, ArrayRecording(info, night.emg, night.acc))


def _source(device: str, recording: Recording) -> ArraySource:
    info, front_ends = recording.info, FRONT_ENDS[device]
    signals: dict[StreamKind, Sampled] = {"acc": _STILL_LEG}
    for kind, front_end in front_ends.items():
        stream = info.emg if kind == "emg" else info.acc
        if stream is not None:
            unit = _UNITS[kind] if stream.scaled else front_end.unit
            signals[kind] = _sampled(recording, kind, stream, unit)
    return ArraySource(front_ends, signals)


def _sampled(recording: Recording, kind: StreamKind, stream: Stream, unit: float) -> Sampled:
    values = np.empty((len(stream.channels), stream.n_samples), dtype=np.float32)
    filled = 0
    for block in recording.blocks():
        part = block.emg if kind == "emg" else block.acc
        if part is not None:
            values[:, filled : filled + part.shape[1]] = part
            filled += part.shape[1]
    values *= np.float32(unit)
    return Sampled(values[:, :filled], stream.rate_hz)


async def run_emulation(
    emulation: Emulation | None,
    place: Place,
    *,
    speed: float = 1.0,
    seconds: float | None = None,
    announce: Callable[[str], object],
) -> None:
    """Emulate until the time is over or the program is told to end (SIGINT, SIGTERM).

    Parameters
    ----------
    emulation : Emulation or None
        None for only the air.
    place : Place
    speed : float
        Seconds of the night per second; the same for all programs on one air.
    seconds : float or None
        Seconds of the night; None is no limit.
    announce : function
        Called with ``tcp:HOST:PORT`` when others can use the air.

    Raises
    ------
    BusyError, SensorError
        If the air cannot be served or joined there.
    OutputError
        If the log cannot be written.
    InputError
        If the sensor cannot have a fault of the script.
    """
    clock = HostClock(speed)
    async with AsyncExitStack() as stack:
        plug, port = await _reach_air(place, speed, stack)
        running = [asyncio.ensure_future(_told_to_end())]
        if emulation is not None:
            truth = Truth(clock, _open_log(emulation.log, stack))
            host = _host(emulation, plug, truth)
            running += [
                asyncio.ensure_future(host.run()),
                asyncio.ensure_future(_suffer(host, emulation)),
            ]
        announce(f"tcp:{place.host}:{port}")
        await _until_one_ends(running, None if seconds is None else seconds / speed)


async def _reach_air(
    place: Place, speed: float, stack: AsyncExitStack
) -> tuple[Callable[[], Awaitable[Transport]], int]:
    """Serve or join the air; returns how to put a controller on it, and its port."""
    if not place.join:
        interval_s = None if place.interval_ms is None else place.interval_ms * 1e-3
        air = Air(LinkModel(interval_s=interval_s), speed=speed)
        return air.plug, await stack.enter_async_context(serve_air(air, place.host, place.port))
    plug = partial(dial, place.host, place.port)
    try:
        await (await plug()).close()
    except OSError as error:
        raise SensorError(
            f"No air at {place.host}:{place.port} ({error.strerror or error}): start "
            f"'nightcramp emulate {AIR} --listen {place.host}:{place.port}' first."
        ) from error
    return plug, place.port


def _host(
    emulation: Emulation, plug: Callable[[], Awaitable[Transport]], truth: Truth
) -> SensorHost:
    return SensorHost(
        emulation.sensor,
        plug,
        truth,
        name=emulation.name,
        address=emulation.address or address_of(f"{emulation.sensor.device} {emulation.name}"),
        seed=emulation.faults.seed,
    )


def _open_log(path: Path | None, stack: AsyncExitStack) -> Callable[[str], object] | None:
    if path is None:
        return None
    try:
        file = path.open("w", encoding="utf-8", buffering=1)  # each line reaches the file at once
    except OSError as error:
        raise OutputError(f"{path}: the log cannot be written ({error.strerror})") from error
    return stack.enter_context(file).write


async def _suffer(host: SensorHost, emulation: Emulation) -> None:
    """Play the fault script; its end is not the end of the night."""
    await play_faults(host, emulation.faults, file=emulation.faults_file or "fault script")
    await asyncio.Event().wait()


async def _told_to_end() -> None:
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    await told.wait()


async def _until_one_ends(running: Sequence[asyncio.Future[None]], timeout_s: float | None) -> None:
    done, _ = await asyncio.wait(running, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    for task in done:
        task.result()
