"""The link over a real host stack (bumble) with emulated sensors, in virtual time."""

import asyncio
import random
import runpy
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

pytest.importorskip("bumble")

from bumble.keys import MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate

from firmware_bridge import DEVICES, Write
from firmware_bridge.emulator import (
    Air,
    BumbleAdapter,
    LinkModel,
    Security,
    SensorHost,
    Truth,
    VirtualClock,
    radio_of,
    run_virtual,
)
from firmware_bridge.emulator.devices import EMULATED, index_source
from firmware_bridge.link import Link, Sought
from nightcramp.errors import SensorError

Sink = runpy.run_path(str(Path(__file__).with_name("scripted_bluetooth.py")))["Sink"]

MYO = DEVICES["myo"]
ROUND = ["scanning", "connecting", "setting_up", "streaming"]


class Bed:
    """An air, the Bluetooth of a computer, and sensors."""

    def __init__(self):
        self.clock = VirtualClock(asyncio.get_running_loop())
        self.air = Air(LinkModel())
        self.adapter = BumbleAdapter()
        self.radio = None
        self._tasks = []

    def sensor(self, device, **options):
        host = SensorHost(
            EMULATED[device](index_source(device)), self.air.plug, Truth(self.clock), **options
        )
        self._tasks.append(asyncio.create_task(host.run()))
        return host

    def link(self, sought, lock=None):
        sink = Sink()
        link = Link(
            sought,
            sink,
            radio=self.radio,
            clock=self.clock,
            connecting=lock,
            rng=random.Random(3),
        )
        running = asyncio.create_task(link.run())
        self._tasks.append(running)
        return link, sink, running

    async def close(self):
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def bed():
    made = Bed()
    await made.adapter.attach(await made.air.plug())
    made.radio = radio_of(made.adapter)
    try:
        yield made
    finally:
        await made.close()


def test_a_night_of_power_cuts_fades_and_switched_off_bluetooth_is_survived():
    async def night():
        async with bed() as made:
            host = made.sensor("myo", address="F0:F1:F2:F3:F4:01")
            link, sink, running = made.link(Sought(MYO))
            await made.clock.sleep(40)
            host.power = False
            await made.clock.sleep(5)
            host.address, host.power = "F0:F1:F2:F3:F4:02", True
            await made.clock.sleep(60)
            made.air.switch_adapters_off(20)
            await made.clock.sleep(80)
            await host.hang_up()
            await made.clock.sleep(40)
            link.stop()
            await running
            assert made.radio.held == set()
            return sink

    sink = run_virtual(night())
    causes = [cause for cause in sink.causes if cause != "bluetooth_off"]
    assert causes.count("disconnected") == 6
    assert sorted(set(causes)) == ["disconnected", "new_address"]
    assert sink.causes.count("bluetooth_off") > 3
    assert sink.states.count("streaming") == 4
    assert sink.states[-2:] == ["streaming", "stopped"]
    assert {event.address for event in sink.events if event.state == "streaming"} == {
        "F0:F1:F2:F3:F4:01",
        "F0:F1:F2:F3:F4:02",
    }
    emg = [n for n in sink.notifications if n.characteristic == MYO.setup[1].characteristic]
    lengths = {len(notification.payload) for notification in emg}
    assert lengths == {16}


def test_a_sensor_on_each_leg_stream_at_once():
    async def night():
        async with bed() as made:
            made.sensor("myo", name="Left", address="F0:F1:F2:F3:F4:01")
            made.sensor("myo", name="Right", address="F0:F1:F2:F3:F4:02")
            lock = asyncio.Lock()
            _, left, _ = made.link(Sought(MYO, name="left"), lock)
            _, right, _ = made.link(Sought(MYO, name="right"), lock)
            await made.clock.sleep(40)
            assert made.radio.held == {"F0:F1:F2:F3:F4:01", "F0:F1:F2:F3:F4:02"}
            return left, right

    for sink in run_virtual(night()):
        assert sink.states[:4] == ROUND
        assert sink.causes == []
        seconds = 40 - sink.seconds("streaming")[0]
        assert len(sink.notifications) / seconds == pytest.approx(150, rel=0.03)


def test_two_sensors_without_a_name_to_tell_them_apart_are_listed():
    async def night():
        async with bed() as made:
            made.sensor("myo", address="F0:F1:F2:F3:F4:01")
            made.sensor("myo", address="F0:F1:F2:F3:F4:02")
            _, sink, _ = made.link(Sought(MYO))
            await made.clock.sleep(10)
            return sink

    sink = run_virtual(night())
    assert set(sink.causes) == {"ambiguous"}
    assert "F0:F1:F2:F3:F4:01" in sink.of("ambiguous")[0].detail
    assert "F0:F1:F2:F3:F4:02" in sink.of("ambiguous")[0].detail


def test_a_bond_that_the_sensor_has_lost_is_made_anew():
    """Just Works pairing; the sensor's bonds vanish, as with an empty battery."""

    async def night():
        async with bed() as made:
            bonds = MemoryKeyStore()
            pairing = PairingConfig(mitm=False, delegate=PairingDelegate())
            host = made.sensor("myo", security=Security(pairing, bonds))
            _, sink, _ = made.link(Sought(MYO))
            await made.clock.sleep(60)
            first = list(sink.causes)
            await bonds.delete_all()
            await host.hang_up()
            await made.clock.sleep(120)
            return first, sink

    first, sink = run_virtual(night())
    assert set(first) == {"not_paired"}
    assert "bond_lost" in sink.causes
    assert sink.states[-2] == "streaming"
    assert sink.notifications[-1].monotonic_ns / 1e9 > 175


def test_a_write_that_the_sensor_refuses_is_told_and_harms_nothing():
    async def night():
        async with bed() as made:
            made.sensor("myo")
            link, sink, _ = made.link(Sought(MYO))
            await made.clock.sleep(20)
            with pytest.raises(SensorError, match="Thalmic Myo did not take ff"):
                await link.write(Write(MYO.setup[0].characteristic, b"\xff"))
            await link.write(Write(MYO.setup[0].characteristic, bytes.fromhex("030101")))
            await made.clock.sleep(10)
            return sink

    assert run_virtual(night()).states == [*ROUND, "stopped"]


@pytest.mark.parametrize("device", EMULATED)
def test_the_set_up_of_every_sensor_makes_it_stream(device):
    async def night():
        async with bed() as made:
            made.sensor(device)
            _, sink, _ = made.link(Sought(DEVICES[device]))
            await made.clock.sleep(20)
            return sink

    sink = run_virtual(night())
    assert sink.states == [*ROUND, "stopped"]
    assert sink.causes == []
    assert len(sink.notifications) > 15
