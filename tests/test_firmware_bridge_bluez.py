"""The link over bleak's own BlueZ backend: a private D-Bus, and on it an org.bluez that may fail.

The sensor and its radio are emulated in the other process; the link here knows nothing of it.
"""

import asyncio
import contextlib
import itertools
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from firmware_bridge import DEVICES, HostClock
from firmware_bridge.link import Link, LinkCause, LinkState, Radio, Sought

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="BlueZ is Linux's Bluetooth"),
    pytest.mark.skipif(not shutil.which("dbus-daemon"), reason="dbus-daemon is not installed"),
]

FAKE_BLUEZ = Path(__file__).parent / "beds" / "fake_bluez.py"
DEVICE = "npg-lite-band"


class Impatient(random.Random):
    """Draws short rests between attempts, always the same."""

    def uniform(self, low, high):
        return low + 0.05 * (high - low)


class Bluetooth:
    """A D-Bus and the org.bluez on it, as processes of their own."""

    def __init__(self, folder):
        self.bus_address = f"unix:path={folder}/bus"
        self.start()

    def start(self):
        self.bus = subprocess.Popen(
            [
                *("dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1"),
                f"--address={self.bus_address}",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.bus.stdout.readline()
        self.bluez = subprocess.Popen(
            [sys.executable, FAKE_BLUEZ, self.bus_address, DEVICE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.address = json.loads(self.bluez.stdout.readline())["address"]

    def stop(self):
        for process in (self.bluez, self.bus):
            process.kill()
            process.communicate()

    def calls(self):
        return self._order({})

    def provoke(self, fault, **numbers):
        self._order({"fault": fault, **numbers})

    def _order(self, order):
        self.bluez.stdin.write(json.dumps(order) + "\n")
        self.bluez.stdin.flush()
        return json.loads(self.bluez.stdout.readline())


@pytest.fixture(scope="module")
def shared_bluetooth(tmp_path_factory):
    bluetooth = Bluetooth(tmp_path_factory.mktemp("bus"))
    yield bluetooth
    bluetooth.stop()


@pytest.fixture
def bluetooth(shared_bluetooth, monkeypatch):
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", shared_bluetooth.bus_address)
    return shared_bluetooth


class Night:
    """What the link delivered."""

    def __init__(self):
        self.payloads, self.events = [], []

    def notification(self, notification):
        self.payloads.append((notification.monotonic_ns, notification.payload))

    def event(self, event):
        self.events.append(event)

    @property
    def state(self):
        return self.events[-1].state if self.events else None

    @property
    def causes(self):
        return [event.cause for event in self.events if event.cause]

    @property
    def connections(self):
        return sum(event.state is LinkState.STREAMING for event in self.events)

    @property
    def duplicates(self):
        samples = [payload for _, payload in self.payloads if len(payload) > 20]
        return sum(one == other for one, other in itertools.pairwise(samples))

    async def streams(self, connections=1, notifications=10):
        """Wait until so many have come over the connection of this number."""
        await self.until(lambda: self.connections >= connections)
        enough = len(self.payloads) + notifications
        await self.until(lambda: len(self.payloads) >= enough)

    async def until(self, condition):
        async with asyncio.timeout(12):
            while not condition():  # noqa: ASYNC110 (whatever is waited for has no event)
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def linked(address):
    """A link that streams; gives what it delivers."""
    night = Night()
    sought = Sought(DEVICES[DEVICE], address=address)
    link = Link(sought, night, radio=Radio(), clock=HostClock(), rng=Impatient())
    running = asyncio.create_task(link.run())
    try:
        await night.streams()
        yield night
    finally:
        link.stop()
        await running


def over_bluez(test):
    """Let a coroutine be a test."""

    def run(bluetooth):
        asyncio.run(test(bluetooth))

    run.__name__ = test.__name__
    return run


@over_bluez
async def test_a_sensor_streams_by_start_notify(bluetooth):
    async with linked(bluetooth.address) as night:
        await night.streams(notifications=40)
        assert night.causes == []
        assert night.duplicates == 0
    calls = bluetooth.calls()
    assert calls["StartNotify"] > 0
    assert "AcquireNotify" not in calls


@over_bluez
async def test_nothing_is_left_connected(bluetooth):
    before = bluetooth.calls()
    async with linked(bluetooth.address):
        pass
    after = bluetooth.calls()
    assert after["Disconnect"] == before.get("Disconnect", 0) + 1
    assert after["StartDiscovery"] == after["StopDiscovery"]


@over_bluez
async def test_after_a_disconnection_nothing_comes_twice(bluetooth):
    async with linked(bluetooth.address) as night:
        bluetooth.provoke("disconnect")
        await night.streams(connections=2, notifications=30)
        assert LinkCause.DISCONNECTED in night.causes
        assert night.duplicates == 0


@over_bluez
async def test_a_fade_longer_than_the_supervision_time_out(bluetooth):
    async with linked(bluetooth.address) as night:
        bluetooth.provoke("fade", seconds=0.8)
        await night.streams(connections=2, notifications=30)
        assert LinkCause.DISCONNECTED in night.causes
        assert night.duplicates == 0


@over_bluez
async def test_a_fade_shorter_than_the_supervision_time_out(bluetooth):
    async with linked(bluetooth.address) as night:
        bluetooth.provoke("fade", seconds=0.2)
        await night.streams(notifications=30)
        assert night.connections == 1


@over_bluez
async def test_bluetooth_switched_off_and_on(bluetooth):
    async with linked(bluetooth.address) as night:
        bluetooth.provoke("adapter_off", seconds=1)
        await night.until(lambda: LinkCause.BLUETOOTH_OFF in night.causes)
        await night.streams(connections=2, notifications=30)
        assert night.duplicates == 0


@over_bluez
async def test_a_bluetoothd_that_hangs_is_noticed_by_the_silence(bluetooth):
    async with linked(bluetooth.address) as night:
        bluetooth.bluez.send_signal(signal.SIGSTOP)
        stopped_s = time.monotonic()
        try:
            await night.until(lambda: LinkCause.SILENCE in night.causes)
        finally:
            noticed_s = time.monotonic()
            bluetooth.bluez.send_signal(signal.SIGCONT)
        assert 1.9 < noticed_s - stopped_s < 4
        await night.streams(connections=2, notifications=30)
        assert night.duplicates == 0


def test_the_message_bus_dies_and_comes_back(tmp_path, monkeypatch):
    bluetooth = Bluetooth(tmp_path)
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bluetooth.bus_address)

    async def suffer():
        async with linked(bluetooth.address) as night:
            bluetooth.stop()
            (tmp_path / "bus").unlink()
            await night.until(lambda: LinkCause.NO_SERVICE in night.causes)
            bluetooth.start()
            await night.streams(connections=2, notifications=30)
            assert night.duplicates == 0

    try:
        asyncio.run(suffer())
    finally:
        bluetooth.stop()
