"""The link over the real BlueZ of the guest, while things go wrong; what came goes to a file."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import random
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from firmware_bridge import DEVICES, HostClock
from firmware_bridge.link import Link, LinkCause, LinkState, Radio, Sought

if TYPE_CHECKING:
    from collections.abc import Callable

    from firmware_bridge import Notification
    from firmware_bridge.link import LinkEvent

DEVICE = "npg-lite-band"
STREAM_S = 8.0
PATIENCE_S = 60.0
BLUETOOTHD = "/usr/libexec/bluetooth/bluetoothd"


class Records:
    """Writes what the link delivers, and remembers what it has to wait for."""

    def __init__(self, path: Path, clock: HostClock) -> None:
        self._file = path.open("w", encoding="utf-8")
        self._clock = clock
        self.arrived = 0
        self.connections = 0
        self.causes: list[LinkCause] = []

    def write(self, **facts: object) -> None:
        facts.setdefault("ns", self._clock.monotonic_ns())
        self._file.write(json.dumps(facts) + "\n")
        self._file.flush()

    def notification(self, notification: Notification) -> None:
        self.arrived += 1
        self.write(
            ns=notification.monotonic_ns,
            characteristic=notification.characteristic,
            payload=notification.payload.hex(),
        )

    def event(self, event: LinkEvent) -> None:
        self.connections += event.state is LinkState.STREAMING and event.cause is None
        if event.cause:
            self.causes.append(event.cause)
        self.write(ns=event.monotonic_ns, state=event.state, cause=event.cause, detail=event.detail)
        tell(f"{event.state} {event.cause or ''} {event.detail}")

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():  # noqa: ASYNC110 (whatever is waited for has no event)
                await asyncio.sleep(0.05)

    async def streams(self, connections: int) -> None:
        """Wait until this many connections were made, and the last streams for a while."""
        await self.until(lambda: self.connections >= connections)
        enough = self.arrived + 20
        await self.until(lambda: self.arrived >= enough)
        await asyncio.sleep(STREAM_S)


class Host:
    """The sensor's air, on the other side of a serial port."""

    def __init__(self) -> None:
        self._port = Path("/run/port.control").open("r+b", buffering=0)  # noqa: SIM115 (as long as the program)

    def ask(self, **order: object) -> dict[str, object]:
        self._port.write((json.dumps(order) + "\n").encode())
        answer: dict[str, object] = json.loads(self._port.readline())
        return answer


def tell(what: str) -> None:
    sys.stdout.write(what + "\n")
    sys.stdout.flush()


def start_bluetoothd() -> subprocess.Popen[bytes]:
    return subprocess.Popen([BLUETOOTHD, "-n"], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)


def bluez_version() -> str:
    told = subprocess.run([BLUETOOTHD, "-v"], capture_output=True, text=True, check=True)
    return told.stdout.strip()


def power(state: str) -> None:
    subprocess.run(["bluetoothctl", "power", state], capture_output=True, timeout=20, check=False)


def compare_clocks(host: Host, clock: HostClock) -> int:
    """Nanoseconds to add to the guest's clock for the host's."""
    answers = []
    for _ in range(9):
        asked = clock.monotonic_ns()
        told = host.ask()["now_ns"]
        now = clock.monotonic_ns()
        answers.append((now - asked, int(str(told)) - (asked + now) // 2))
    return min(answers)[1]


async def main() -> None:
    clock, host = HostClock(), Host()
    records = Records(Path("/results/night.jsonl"), clock)
    daemon = start_bluetoothd()
    await asyncio.sleep(2)
    power("on")
    records.write(
        to_host_ns=compare_clocks(host, clock),
        versions={
            "Linux": platform.release(),
            "BlueZ": bluez_version(),
            "Python": platform.python_version(),
            "bleak": version("bleak"),
            "dbus-fast": version("dbus_fast"),
        },
    )
    link = Link(Sought(DEVICES[DEVICE]), records, radio=Radio(), clock=clock, rng=random.Random(1))
    running = asyncio.create_task(link.run())

    async def phase(name: str, connections: int) -> None:
        await records.streams(connections)
        parameters = host.ask()
        offset_ns = compare_clocks(host, clock)
        records.write(
            phase=name, connections=records.connections, to_host_ns=offset_ns, **parameters
        )
        tell(f"--- {name}: {records.connections} connections")

    await phase("connects and streams", 1)
    host.ask(fault="fade", seconds=0.3)
    await phase("fade of 0.3 s", 1)
    host.ask(fault="fade", seconds=0.7)
    await phase("fade of 0.7 s", 2)
    host.ask(fault="disconnect")
    await phase("sensor disconnects", 3)
    host.ask(fault="address_change", seconds=3.0)
    await phase("sensor comes back under a new address", 4)
    power("off")
    await records.until(lambda: LinkCause.BLUETOOTH_OFF in records.causes)
    power("on")
    await phase("adapter switched off and on", 5)
    os.kill(daemon.pid, signal.SIGKILL)
    daemon.wait()
    await records.until(lambda: records.causes[-1] is LinkCause.NO_SERVICE)
    daemon = start_bluetoothd()
    await asyncio.sleep(1)
    power("on")
    await phase("bluetoothd killed and started again", 6)
    link.stop()
    await running
    daemon.terminate()


asyncio.run(main())
