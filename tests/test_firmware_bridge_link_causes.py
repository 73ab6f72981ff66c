"""Everything that can go wrong with Bluetooth: told as what it is, in plain words, and survived."""

import asyncio
import logging
import random
import runpy
from pathlib import Path

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)

from firmware_bridge import DEVICES
from firmware_bridge.emulator import VirtualClock, run_virtual
from firmware_bridge.link import Link, LinkCause, LinkError, Sought, explain, scan
from nightcramp.errors import SensorError

scripted = runpy.run_path(str(Path(__file__).with_name("scripted_bluetooth.py")))
Air, Sensor, Sink, HANG = (scripted[name] for name in ("Air", "Sensor", "Sink", "HANG"))

MYO = DEVICES["myo"]
SERVICE = "org.freedesktop.DBus.Error.ServiceUnknown"
OFF = BleakBluetoothNotAvailableError(
    "No powered Bluetooth adapters found.", BleakBluetoothNotAvailableReason.POWERED_OFF
)
NONE = BleakBluetoothNotAvailableError(
    "No Bluetooth adapters found.", BleakBluetoothNotAvailableReason.NO_BLUETOOTH
)


def stream(air, seconds, *acts, sought=None):
    """Run a link for so long; `acts` are times and what to do then."""

    async def night():
        sink = Sink()
        clock = VirtualClock(asyncio.get_running_loop())
        link = Link(sought or Sought(MYO), sink, radio=air.radio, clock=clock, rng=random.Random(1))
        running = asyncio.create_task(link.run())
        for when, act in acts:
            await clock.sleep(when - asyncio.get_running_loop().time())
            act()
        await clock.sleep(seconds - asyncio.get_running_loop().time())
        link.stop()
        await running
        assert air.connected == []
        return sink

    return run_virtual(night())


def unavailable(reason):
    return BleakBluetoothNotAvailableError("words of the system", reason)


@pytest.mark.parametrize(
    ("call", "error", "cause"),
    [
        ("scan", OFF, "bluetooth_off"),
        ("scan", NONE, "no_adapter"),
        (
            "scan",
            unavailable(BleakBluetoothNotAvailableReason.NO_BLE_CENTRAL_ROLE),
            "no_low_energy",
        ),
        ("scan", unavailable(BleakBluetoothNotAvailableReason.DENIED_BY_USER), "not_permitted"),
        ("scan", unavailable(BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM), "not_permitted"),
        ("scan", unavailable(BleakBluetoothNotAvailableReason.DENIED_BY_UNKNOWN), "not_permitted"),
        ("scan", unavailable(BleakBluetoothNotAvailableReason.UNKNOWN), "no_service"),
        ("scan", BleakDBusError("org.freedesktop.DBus.Error.AccessDenied", []), "not_permitted"),
        ("scan", PermissionError(13, "denied"), "not_permitted"),
        ("scan", BleakDBusError(SERVICE, ["org.bluez was not provided"]), "no_service"),
        ("scan", FileNotFoundError(2, "/run/dbus/system_bus_socket"), "no_service"),
        ("scan", ConnectionRefusedError(111, "refused"), "no_service"),
        ("scan", EOFError(), "no_service"),
        (
            "scan",
            BleakDBusError("org.bluez.Error.NotReady", ["Resource Not Ready"]),
            "bluetooth_off",
        ),
        ("scan", BleakDBusError("org.bluez.Error.InProgress", []), "no_service"),
        ("connect", BleakDBusError("org.bluez.Error.Failed", ["abort"]), "connect_failed"),
        ("connect", BleakDeviceNotFoundError("C0", "removed from BlueZ"), "connect_failed"),
        ("connect", TimeoutError(), "connect_failed"),
        ("connect", OSError(-2147023673, "cancelled by the user"), "connect_failed"),
        ("connect", EOFError(), "no_service"),
        ("connect", OFF, "bluetooth_off"),
        ("subscribe", BleakGATTProtocolError(0x05), "not_paired"),
        ("write", BleakGATTProtocolError(0x0F), "not_paired"),
        ("write", BleakGATTProtocolError(0x0E), "setup_failed"),
        ("subscribe", BleakCharacteristicNotFoundError("2a37"), "wrong_firmware"),
        ("subscribe", BleakError("Not connected"), "setup_failed"),
    ],
)
def test_an_error_of_the_stack_is_told_as_its_cause_and_survived(call, error, cause):
    air = Air(Sensor(MYO))
    air.script[call].append(error)
    sink = stream(air, 60.0)
    assert sink.causes[0] == cause
    assert sink.states[-2] == "streaming"


def test_an_error_that_no_stack_should_raise_is_logged_and_survived(caplog):
    air = Air(Sensor(MYO))
    air.script["connect"].append(AttributeError("'NoneType' object has no attribute 'call'"))
    sink = stream(air, 60.0)
    assert sink.causes == ["unexpected"]
    assert sink.states[-2] == "streaming"
    (record,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert record.exc_info


@pytest.mark.parametrize("error", [OFF, NONE])
def test_bluetooth_switched_off_or_unplugged_in_the_night_is_waited_for(error):
    sensor = Sensor(MYO)
    air = Air(sensor)

    def off():
        air.broken.update(scan=error, connect=error, disconnect=error)
        sensor.drop()

    sink = stream(air, 4000.0, (100.0, off), (3600.0, air.broken.clear))
    assert set(sink.causes) == {
        "disconnected",
        "long_outage",
        "bluetooth_off" if error is OFF else "no_adapter",
    }
    assert sink.states[-2] == "streaming"
    assert sink.seconds("streaming")[-1] - 3600 < 15


def test_a_bluetooth_service_that_dies_silently_is_noticed_by_silence():
    """BlueZ: no callback, connected by all appearances, and calls that never return."""
    sensor = Sensor(MYO)
    air = Air(sensor)

    def die():
        sensor.sends = False
        air.broken.update(scan=EOFError(), disconnect=HANG)

    def restart():
        sensor.sends = True
        sensor.link = None
        air.broken.clear()

    sink = stream(air, 400.0, (100.0, die), (200.0, restart))
    assert sink.causes[:2] == ["silence", "silence"]
    assert set(sink.causes[2:]) == {"no_service"}
    assert sink.seconds("lost")[0] == pytest.approx(102, abs=0.5)
    assert sink.states[-2] == "streaming"


def test_two_sensors_that_fit_are_both_listed_and_neither_is_taken():
    left, right = Sensor(MYO, rssi=-70), Sensor(MYO, address="C0:00:00:00:00:02", rssi=-40)
    air = Air(left, right)
    sink = stream(air, 120.0, (60.0, lambda: setattr(left, "on", False)))
    first = sink.of("ambiguous")[0]
    assert first.detail.startswith(
        "Left, address C0:00:00:00:00:02, -40 dBm; Left, address C0:00:00:00:00:01, -70 dBm"
    )
    assert [address for address, _ in air.named("connect")] == [right.address]
    assert sink.states[-2] == "streaming"


def test_a_sensor_that_is_not_heard_says_what_else_was():
    umyo = Sensor(DEVICES["umyo"], "C0:00:00:00:00:02", name="uMyo v3")
    air = Air(umyo, Sensor(MYO, name="TV", services=()))
    sink = stream(air, 30.0)
    assert "heard were only uMyo v3" in sink.of("not_found")[0].detail
    air.sensors.remove(umyo)
    assert "1 other Bluetooth device" in stream(air, 30.0).of("not_found")[0].detail


def test_a_bond_the_sensor_has_lost_is_removed_once_and_made_anew():
    """It is heard, but connecting times out: as BlueZ shows a bond that only one side has."""
    air = Air(Sensor(MYO))
    air.script["connect"].extend([TimeoutError()] * 3)
    sink = stream(air, 120.0)
    assert sink.causes == ["connect_failed"] * 3 + ["bond_lost"]
    assert len(air.named("unpair")) == 1
    assert [pair for _, pair in air.named("connect")] == [False, False, False, True]
    assert sink.states[-2] == "streaming"


def test_a_refused_authentication_removes_the_bond_at_once():
    air = Air(Sensor(MYO))
    air.script["connect"].append(BleakDBusError("org.bluez.Error.AuthenticationFailed", []))
    sink = stream(air, 60.0)
    assert sink.causes == ["bond_lost", "bond_lost"]
    assert [pair for _, pair in air.named("connect")] == [False, True]


def test_a_sensor_that_cannot_pair_is_not_asked_to_for_ever():
    air = Air(Sensor(MYO))
    air.script["connect"].extend([TimeoutError()] * 9)
    stream(air, 300.0)
    assert [pair for _, pair in air.named("connect")] == [False] * 3 + [True] + [False] * 6
    assert len(air.named("unpair")) == 1


@pytest.mark.parametrize("error", [NotImplementedError(), HANG, OSError("refused")])
def test_a_system_that_cannot_unpair_is_no_obstacle(error):
    air = Air(Sensor(MYO))
    air.script["connect"].extend([TimeoutError()] * 3)
    air.script["unpair"].append(error)
    assert stream(air, 120.0).states[-2] == "streaming"


def test_a_sensor_that_asks_for_pairing_is_paired():
    air = Air(Sensor(MYO))
    air.script["subscribe"].append(BleakGATTProtocolError(0x05))
    sink = stream(air, 60.0)
    assert sink.causes == ["not_paired", "not_paired"]
    assert [pair for _, pair in air.named("connect")] == [False, True]
    assert air.named("unpair") == []


def test_calls_that_hang_because_nobody_paired_end_in_pairing():
    """BlueZ without an agent never answers a write that needs encryption."""
    air = Air(Sensor(MYO))
    air.script["write"].extend([HANG] * 3)
    sink = stream(air, 120.0)
    assert [pair for _, pair in air.named("connect")] == [False, False, False, True]
    assert sink.states[-2] == "streaming"


@pytest.mark.parametrize("missing", [MYO.service, MYO.setup[1].characteristic])
def test_another_firmware_is_told_with_what_is_missing(missing):
    sensor = Sensor(MYO, lacks=(missing,))
    air = Air(sensor)
    sink = stream(air, 100.0, (50.0, lambda: setattr(sensor, "lacks", ())))
    assert missing in sink.of("wrong_firmware")[0].detail
    assert len(air.named("unpair")) == 1, "the table may be one that the system remembers"
    assert not any(pair for _, pair in air.named("connect"))
    assert sink.states[-2] == "streaming"


def test_packets_that_may_be_cut_are_told_while_the_sensor_streams_on():
    spec = DEVICES["profile-v1"]
    sink = stream(Air(Sensor(spec, mtu=23)), 30.0, sought=Sought(spec))
    (told,) = sink.of("low_mtu")
    assert (told.state, told.detail) == ("streaming", f"MTU 23, {spec.title} needs 247")
    assert sink.states == [
        "scanning", "connecting", "setting_up", "streaming", "streaming", "stopped",
    ]  # fmt: skip


def test_an_mtu_that_larger_packets_disprove_is_not_told():
    spec = DEVICES["profile-v1"]
    sensor = Sensor(spec, mtu=23, payload=bytes(244))
    assert stream(Air(sensor), 30.0, sought=Sought(spec)).causes == []


def test_a_link_that_breaks_during_the_set_up_is_told_as_broken_and_as_lost():
    sensor = Sensor(MYO)
    air = Air(sensor)
    air.script["write"].append(1.0)
    sink = stream(air, 60.0, (3.0, sensor.drop))
    assert [(event.state, event.cause) for event in sink.events[3:5]] == [
        ("lost", "disconnected"),
        ("waiting", "disconnected"),
    ]
    assert sink.states[-2] == "streaming"


def test_a_serial_number_that_nobody_has_is_told_as_not_found():
    air = Air(Sensor(MYO))
    sink = stream(air, 100.0, sought=Sought(MYO, serial="A-2"))
    assert sink.causes[:3] == ["wrong_sensor", "not_found", "wrong_sensor"]
    assert "serial number not told, expected A-2" in sink.of("wrong_sensor")[0].detail


@pytest.mark.parametrize("cause", LinkCause)
@pytest.mark.parametrize("system", ["linux", "darwin", "freebsd14"])
def test_every_cause_has_sentences_that_need_no_technical_words(cause, system):
    text = explain(cause, system)
    assert text.count(".") >= 2
    assert text[-1] == "."
    assert "{" not in text
    jargon = ("GATT", "ATT", "D-Bus", "dbus", "characteristic", "UUID", "BlueZ", "MTU", "exception")
    assert not [word for word in jargon if word in text]
    assert max(len(sentence.split()) for sentence in text.split(". ")) <= 35


def test_linux_is_told_how_to_restart_bluetooth():
    assert "systemctl restart bluetooth" in explain(LinkCause.LONG_OUTAGE, "linux")
    assert "systemctl" not in explain(LinkCause.LONG_OUTAGE, "darwin")


def test_an_error_says_the_sentence_and_the_particulars():
    error = LinkError(LinkCause.NO_ADAPTER, "No Bluetooth adapters found.")
    assert isinstance(error, SensorError)
    assert str(error).startswith("This computer has no Bluetooth")
    assert str(error).endswith("(No Bluetooth adapters found.)")


def listen(air, seconds=5.0):
    async def night():
        return await scan(air.radio, VirtualClock(asyncio.get_running_loop()), seconds)

    return run_virtual(night())


def test_a_scan_lists_known_sensors_first_then_by_strength():
    air = Air(
        Sensor(MYO, "A", name="TV", services=("1234",), rssi=-20),
        Sensor(MYO, "B", name=None, rssi=-80),
        Sensor(DEVICES["npg-lite-band"], "C", name="NPG-Lite-band", rssi=-60),
    )
    found = listen(air)
    assert [(each.address, each.rssi) for each in found] == [("C", -60), ("B", -80), ("A", -20)]
    assert [each.matches[:1] for each in found] == [("npg-lite-band",), ("myo",), ()]
    assert air.scanning == 0


def test_a_name_and_services_from_different_advertisements_are_put_together():
    sensor = Sensor(MYO, name=None)
    air = Air(sensor)

    async def night():
        loop = asyncio.get_running_loop()
        loop.call_later(
            1.0, lambda: (setattr(sensor, "name", "Left"), setattr(sensor, "services", ()))
        )
        loop.call_later(2.0, lambda: setattr(sensor, "name", None))
        return await scan(air.radio, VirtualClock(loop), 5.0)

    (found,) = run_virtual(night())
    assert (found.name, found.services, found.matches) == ("Left", (MYO.service,), ("myo",))


def test_a_name_the_system_made_from_the_address_is_no_name():
    sensor = Sensor(MYO, alias="C0-00-00-00-00-01", name=None)
    assert [found.name for found in listen(Air(sensor))] == [None]
    sensor.alias = "Left calf"
    assert [found.name for found in listen(Air(sensor))] == ["Left calf"]


def test_a_scan_without_bluetooth_says_what_to_do():
    air = Air()
    air.broken["scan"] = OFF
    with pytest.raises(SensorError, match=r"off on this computer\. Switch it on"):
        listen(air)


def test_a_sensor_that_fits_only_by_the_name_that_was_asked_for_is_taken():
    air = Air(Sensor(MYO, services=()))
    assert "streaming" not in stream(air, 20.0).states
    assert "streaming" in stream(air, 20.0, sought=Sought(MYO, name="LEFT")).states
