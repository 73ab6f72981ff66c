"""Sensors as the command line names them, and the Bluetooth they are reached by."""

from __future__ import annotations

import contextlib
import difflib
from typing import TYPE_CHECKING

from nightcramp.errors import UsageError

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from firmware_bridge import DeviceSpec, HostClock
    from firmware_bridge.link import Radio


def device_named(name: str) -> DeviceSpec:
    """Return the device of this name.

    Raises
    ------
    UsageError
        If there is none; the text names those that are spelled alike, or all.
    """
    from firmware_bridge import DEVICES

    if name in DEVICES:
        return DEVICES[name]
    near = difflib.get_close_matches(name.lower(), DEVICES, n=3, cutoff=0.4)
    near += [known for known in DEVICES if name.lower() in known and known not in near]
    kind = "did you mean" if near else "known are"
    raise UsageError(f"unknown device {name!r}; {kind}: {', '.join(near or DEVICES)}")


def radio_at(address: str | None, clock: HostClock) -> AbstractAsyncContextManager[Radio]:
    """Return a context that gives the Bluetooth to use.

    Parameters
    ----------
    address : str or None
        ``tcp:HOST:PORT`` of an emulated sensor; None for the Bluetooth of this computer.
    clock : HostClock

    Raises
    ------
    UsageError
        If the address is not of this form, or the extra ``emulator`` is not installed.
    """
    from firmware_bridge.link import PLATFORM_RADIO

    if address is None:
        return contextlib.nullcontext(PLATFORM_RADIO)
    from firmware_bridge.emulator import open_radio

    return open_radio(address, clock)


def clock_for(address: str | None, speed: float) -> HostClock:
    """Return the clock of this computer, as fast as an emulated sensor that is listened to.

    Raises
    ------
    UsageError
        If a real sensor should run faster than it does.
    """
    from firmware_bridge import HostClock

    if address is None and speed != 1:
        raise UsageError("--speed is for emulated sensors: give --radio tcp:HOST:PORT with it")
    return HostClock(speed)


def abilities(spec: DeviceSpec) -> str:
    """Say what a device can measure: kinds of signal, channels, rates."""
    if not spec.streams:
        return "what the sensor itself says"
    return ", ".join(
        f"{stream.kind.upper()} {stream.channels} x {stream.rate_hz:g} Hz"
        for stream in spec.streams
    )
