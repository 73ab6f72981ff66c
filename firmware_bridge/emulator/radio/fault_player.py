"""Makes go wrong what a fault script says, at its time."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, TypeAlias

from firmware_bridge.emulator.radio.addresses import next_address
from firmware_bridge.emulator.radio.fault_script import RADIO_FAULTS
from firmware_bridge.emulator.radio.orders import Order
from nightcramp.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from firmware_bridge.emulator.radio.fault_script import Fault, FaultScript
    from firmware_bridge.emulator.radio.host import SensorHost

Action: TypeAlias = "Callable[[SensorHost, Mapping[str, float]], Awaitable[None]]"


async def play_faults(
    host: SensorHost, script: FaultScript, *, file: Path | str = "fault script"
) -> None:
    """Play a fault script to its end.

    Parameters
    ----------
    host : SensorHost
        The sensor that suffers; it must be running.
    script : FaultScript
    file : Path or str
        Where the script comes from, for messages.

    Raises
    ------
    InputError
        If the sensor cannot have a fault with these numbers.
    """
    playing = [asyncio.ensure_future(_play(host, fault, file)) for fault in script.faults]
    try:
        await asyncio.gather(*playing)
    finally:
        for task in playing:
            task.cancel()


async def _play(host: SensorHost, fault: Fault, file: Path | str) -> None:
    at_s = fault.at_s
    while True:
        await host.clock.sleep(max(0.0, at_s - host.truth.now_s()))
        host.truth.event("fault", kind=fault.kind, **_plain(fault.numbers))
        if fault.kind in RADIO_FAULTS:
            await _ACTIONS[fault.kind](host, fault.numbers)
        else:
            _provoke(host, fault, file)
        host.truth.event("fault_over", kind=fault.kind)
        if fault.every_s is None:
            return
        at_s += fault.every_s


def _plain(numbers: Mapping[str, float]) -> dict[str, float | None]:
    """JSON knows no infinity."""
    return {name: value if math.isfinite(value) else None for name, value in numbers.items()}


def _provoke(host: SensorHost, fault: Fault, file: Path | str) -> None:
    try:
        host.sensor.provoke(fault.kind, host.truth.now_s(), **fault.numbers)
    except UsageError as error:
        raise InputError(str(error), file=file, place=fault.place) from error


async def _fade(host: SensorHost, numbers: Mapping[str, float]) -> None:
    await host.order(Order.FADE, numbers["seconds"], numbers.get("loss", 1.0))
    await host.clock.sleep(numbers["seconds"])


async def _latency(host: SensorHost, numbers: Mapping[str, float]) -> None:
    await host.order(Order.HOLD, numbers["seconds"])
    await host.clock.sleep(numbers["seconds"])


async def _adapter_off(host: SensorHost, numbers: Mapping[str, float]) -> None:
    await host.order(Order.ADAPTERS_OFF, numbers["seconds"])
    await host.clock.sleep(numbers["seconds"])


async def _disconnect(host: SensorHost, _numbers: Mapping[str, float]) -> None:
    await host.hang_up()


async def _zombie(host: SensorHost, numbers: Mapping[str, float]) -> None:
    host.tampering.silence = True
    await host.clock.sleep(numbers["seconds"])
    host.tampering.silence = False


async def _duplicates(host: SensorHost, numbers: Mapping[str, float]) -> None:
    host.tampering.duplicated = numbers["share"]
    await host.clock.sleep(numbers["seconds"])
    host.tampering.duplicated = 0.0


async def _wrong_lengths(host: SensorHost, numbers: Mapping[str, float]) -> None:
    host.tampering.wrong_length = numbers["share"]
    await host.clock.sleep(numbers["seconds"])
    host.tampering.wrong_length = 0.0


async def _lost_notifications(host: SensorHost, numbers: Mapping[str, float]) -> None:
    host.tampering.lost = numbers["share"]
    await host.clock.sleep(numbers["seconds"])
    host.tampering.lost = 0.0


async def _reboot(host: SensorHost, numbers: Mapping[str, float]) -> None:
    host.sensor.reboot(host.truth.now_s())
    await _power_cycle(host, numbers["seconds"])


async def _battery_out(host: SensorHost, numbers: Mapping[str, float]) -> None:
    """Run out of power; with a time limit somebody charges it."""
    host.sensor.provoke("battery_out", host.truth.now_s())
    await host.clock.sleep(numbers["seconds"])
    host.sensor.provoke("battery", host.truth.now_s(), percent=100.0)
    host.sensor.reboot(host.truth.now_s())


async def _address_change(host: SensorHost, numbers: Mapping[str, float]) -> None:
    """Start anew under another address, as some sensors do after a change of the battery."""
    host.sensor.reboot(host.truth.now_s())
    host.address = next_address(host.address)
    await _power_cycle(host, numbers["seconds"])


async def _power_cycle(host: SensorHost, seconds: float) -> None:
    host.power = False
    await host.clock.sleep(seconds)
    host.power = True


_ACTIONS: dict[str, Action] = {
    "fade": _fade,
    "link_loss": _fade,
    "latency": _latency,
    "disconnect": _disconnect,
    "zombie": _zombie,
    "duplicates": _duplicates,
    "wrong_lengths": _wrong_lengths,
    "lost_notifications": _lost_notifications,
    "reboot": _reboot,
    "battery_out": _battery_out,
    "address_change": _address_change,
    "adapter_off": _adapter_off,
}
