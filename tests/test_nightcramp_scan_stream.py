"""``nightcramp scan`` and ``nightcramp stream``, over a scripted and over an emulated radio."""

import asyncio
import io
import itertools
import json
import queue
import random
import re
import runpy
import subprocess
import sys
import threading
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason

from firmware_bridge import (
    DEVICES,
    DeviceStatus,
    HostClock,
    MissingStretch,
    Notification,
    PlacedMark,
    Reject,
    RejectReason,
    Reply,
    SampleFlag,
    StreamAnomaly,
    StreamDeclared,
    StreamState,
    Stretch,
    emulator,
    profile,
)
from firmware_bridge import link as link_package
from firmware_bridge.emulator import VirtualClock, run_virtual
from firmware_bridge.emulator.devices import EMULATED, index_source
from firmware_bridge.link import PLATFORM_RADIO, Link, LinkCause, LinkEvent, LinkState, Sought
from firmware_bridge.placement import AnomalyKind, GapCause
from nightcramp import sensors, streaming
from nightcramp.errors import SensorError
from nightcramp.stream_records import TSV_COLUMNS, JsonRecords, TsvRecords
from nightcramp.stream_screen import event_line, figure_lines, open_screen
from nightcramp.streaming import Figures, Monitor, StreamFigures

scripted = runpy.run_path(str(Path(__file__).with_name("scripted_bluetooth.py")))
Air, Sensor = scripted["Air"], scripted["Sensor"]
MYO = DEVICES["myo"]
SPEED = 10.0


@pytest.fixture
def bluetooth(monkeypatch):
    """A scripted Bluetooth in the place of this computer's; its nights pass ten times faster."""
    air = Air()
    monkeypatch.setattr(link_package, "PLATFORM_RADIO", air.radio)
    real = sensors.clock_for
    monkeypatch.setattr(sensors, "clock_for", lambda *given: real(*given) and HostClock(SPEED))
    return air


async def serve(device, ready):
    """Serve an emulated sensor by TCP until told to stop; tells where and how."""
    stop = asyncio.Event()
    air = emulator.Air(speed=SPEED)
    host = emulator.SensorHost(
        EMULATED[device](index_source(device)), air.plug, emulator.Truth(HostClock(SPEED))
    )
    async with emulator.serve_air(air, "127.0.0.1", 0) as port:
        running = asyncio.create_task(host.run())
        loop = asyncio.get_running_loop()
        ready.put((port, lambda: loop.call_soon_threadsafe(stop.set)))
        await stop.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@contextmanager
def emulated(device):
    """An emulated sensor of another thread, whose nights pass as fast; gives its address."""
    pytest.importorskip("bumble")
    ready = queue.Queue()
    thread = threading.Thread(target=asyncio.run, args=(serve(device, ready),))
    thread.start()
    port, stop = ready.get(timeout=10)
    try:
        yield f"tcp:127.0.0.1:{port}"
    finally:
        stop()
        thread.join(10)


def test_a_scan_lists_name_device_address_signal_and_what_it_measures(run, bluetooth):
    bluetooth.sensors += [
        Sensor(MYO, name="Left calf"),
        Sensor(DEVICES["profile-v1"], "C0:00:00:00:00:02", name="nc", rssi=-71),
        Sensor(MYO, "C0:00:00:00:00:03", name="TV", services=()),
    ]
    code, out, err = run("scan", "--seconds", "0.5")
    assert (code, err) == (0, "")
    header, first, second = (re.split("  +", line) for line in out.splitlines())
    assert header == ["name", "device", "address", "signal", "measures"]
    assert first == [
        "Left calf", "myo", "C0:00:00:00:00:01", "-50 dBm", "EMG 8 x 200 Hz, ACC 3 x 50 Hz",
    ]  # fmt: skip
    assert second[-1] == "what the sensor itself says"


def test_a_scan_for_machines_is_json(run, bluetooth):
    bluetooth.sensors.append(Sensor(MYO, name=None))
    code, out, _ = run("scan", "--seconds", "0.5", "--json")
    assert code == 0
    assert json.loads(out)["sensors"] == [
        {
            "name": None,
            "devices": ["myo"],
            "address": "C0:00:00:00:00:01",
            "rssi_dbm": -50,
            "measures": "EMG 8 x 200 Hz, ACC 3 x 50 Hz",
        }
    ]


@pytest.mark.parametrize("others", [0, 1])
def test_a_scan_that_hears_no_sensor_says_what_to_check(run, bluetooth, others):
    bluetooth.sensors += [Sensor(MYO, name="TV", services=())] * others
    code, out, err = run("scan", "--seconds", "0.5")
    assert (code, out) == (1, "")
    assert "charged and switched on" in err
    assert ("1 other Bluetooth device" in err) == bool(others)


def test_bluetooth_that_is_off_is_a_sentence_and_exit_code_1(run, bluetooth):
    bluetooth.broken["scan"] = BleakBluetoothNotAvailableError(
        "off", BleakBluetoothNotAvailableReason.POWERED_OFF
    )
    for command in (["scan"], ["stream", "myo", "--seconds", "1"]):
        code, _, err = run(*command)
        assert code == 1
        assert "nightcramp: Bluetooth is switched off on this computer. Switch it on" in err


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["stream", "myoo"], "unknown device 'myoo'; did you mean: myo"),
        (["stream", "npg"], "npg-lite-band"),
        (["stream", "xyzzy-42"], "known are: profile-v1"),
        (["stream", "myo", "--speed", "5"], "--radio"),
        (["stream", "myo", "--radio", "udp:1"], "expected tcp:HOST:PORT"),
        (["scan", "--radio", "tcp:nowhere"], "HOST:PORT"),
    ],
)
def test_wrong_use_is_told_before_anything_is_tried(run, bluetooth, command, words):
    if "--radio" in command:
        pytest.importorskip("bumble")
    code, _, err = run(*command)
    assert code == 2
    assert words in err
    assert bluetooth.calls == []


def test_a_radio_where_nothing_answers_says_so(run):
    pytest.importorskip("bumble")
    code, _, err = run("scan", "--radio", "tcp:127.0.0.1:1")
    assert code == 1
    assert "Nothing answers at 127.0.0.1:1" in err


def test_without_the_extra_the_emulated_radio_says_what_to_install(run, monkeypatch):
    for name in [
        name for name in sys.modules if name.startswith(("bumble", "firmware_bridge.emulator"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "bumble", None)
    code, _, err = run("scan", "--radio", "tcp:127.0.0.1:9740")
    assert code == 2
    assert "nightcramp[emulator]" in err


def test_a_stream_shows_link_rates_values_and_battery_as_plain_lines(run, bluetooth):
    sensor = Sensor(MYO, period_s=0.01, payload=bytes(range(16)))
    bluetooth.sensors.append(sensor)
    code, out, _ = run("stream", "myo", "--seconds", "12")
    assert code == 0
    assert "Left C0:00:00:00:00:01" in out
    assert "streaming" in out
    assert out.splitlines()[-1].endswith("stopped  Left C0:00:00:00:00:01")


def test_an_emulated_sensor_of_another_program_is_scanned_and_streamed(run, tmp_path):
    out = tmp_path / "samples.tsv"
    with emulated("npg-lite-band") as address:
        found = run("scan", "--radio", address, "--seconds", "0.5")
        shown = run(
            "stream", "npg-lite-band", "--radio", address, "--speed", SPEED, "--seconds", "14",
            "--out", out,
        )  # fmt: skip
    assert found[0] == shown[0] == 0
    assert "NPG-Lite-band" in found[1]
    assert "streaming" in shown[1]
    assert "\tsamples\temg\t100\t" in out.read_text()


def emulated_stream(monkeypatch, device, seconds, off_s, on_s):
    """Rows of a stream from an emulated sensor that is without power for a while; and figures."""
    pytest.importorskip("bumble")
    out = io.StringIO()

    async def night():
        clock = VirtualClock(asyncio.get_running_loop())
        air, adapter = emulator.Air(), emulator.BumbleAdapter()
        await adapter.attach(await air.plug())
        radio = nullcontext(emulator.radio_of(adapter))
        monkeypatch.setattr(streaming, "radio_at", lambda *_: radio)
        sensor = EMULATED[device](index_source(device))
        host = emulator.SensorHost(sensor, air.plug, emulator.Truth(clock))
        serving = asyncio.create_task(host.run())
        monitor = Monitor(DEVICES[device], Silent(), TsvRecords(out))
        asyncio.get_running_loop().call_later(off_s, setattr, host, "power", False)
        asyncio.get_running_loop().call_later(on_s, setattr, host, "power", True)
        sought = Sought(DEVICES[device])
        await streaming.stream_sensor(sought, monitor, Silent(), clock, seconds=seconds)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        monitor.finish()
        return monitor.figures(clock.monotonic_ns())

    figures = run_virtual(night())
    rows = [line.split("\t") for line in out.getvalue().splitlines()]
    assert tuple(rows[0]) == TSV_COLUMNS
    assert {len(row) for row in rows} == {len(TSV_COLUMNS)}
    return rows, figures


def emg_on_its_grid(rows):
    """Rows of EMG, samples and gaps, which follow each other without a hole or an overlap."""
    emg = [row for row in rows if row[2] == "emg" and row[1] in ("samples", "missing")]
    assert emg[0][3] == "0"
    for before, after in itertools.pairwise(emg):
        assert int(after[3]) == int(before[3]) + int(before[4])
    return emg


def test_a_file_holds_every_sample_on_its_grid_and_every_gap(monkeypatch):
    rows, figures = emulated_stream(monkeypatch, "npg-lite-band", 80, off_s=30, on_s=40)
    emg = emg_on_its_grid(rows)
    missing = [row for row in emg if row[1] == "missing" and "cause=ended" not in row[-1]]
    (gap,) = [row for row in missing if "cause=link_lost" in row[-1]]
    assert 10 * 500 < int(gap[4]) < 25 * 500
    (declared,) = [row for row in rows if row[1] == "declared" and row[2] == "emg"]
    assert "rate_hz=500.0" in declared[-1]
    states = [row[-1].split()[0] for row in rows if row[1] == "link"]
    assert states[:5] == [
        "state=scanning", "state=connecting", "state=setting_up", "state=streaming", "state=lost",
    ]  # fmt: skip
    n_missing = sum(int(row[4]) for row in missing)
    assert figures.streams[0].missing == pytest.approx(n_missing / int(emg[-1][3]), rel=0.01)


def test_what_a_sensor_kept_while_it_was_away_is_asked_for_and_written(monkeypatch):
    rows, figures = emulated_stream(monkeypatch, "profile-v1", 80, off_s=30, on_s=40)
    emg = emg_on_its_grid(rows)
    missing = [row for row in emg if row[1] == "missing"]
    assert [row for row in missing if "cause=ended" not in row[-1]] == [], "but to a whole second"
    assert len(emg) > 70 * 1000
    assert figures.streams[0].missing == 0
    assert any(row[1] == "reply" and "ok=True" in row[-1] for row in rows)


def test_a_stream_for_machines_is_json_lines_on_standard_output(run, bluetooth):
    bluetooth.sensors.append(Sensor(MYO, period_s=0.01, payload=b"\x01" * 16))
    code, out, err = run("stream", "myo", "--seconds", "12", "--json")
    assert code == 0
    records = [json.loads(line) for line in out.splitlines()]
    assert {record["record"] for record in records} >= {"link", "declared", "samples"}
    assert all(record["host_s"] >= 0 for record in records)
    link = [record["state"] for record in records if record["record"] == "link"]
    assert link == ["scanning", "connecting", "setting_up", "streaming", "stopped"]
    assert "streaming" in err


def test_a_sensor_that_never_sends_is_an_error_that_says_what_to_check(run, bluetooth, tmp_path):
    bluetooth.sensors.append(Sensor(MYO, on=False))
    code, _, err = run("stream", "myo", "--seconds", "9", "--out", tmp_path / "x.tsv")
    assert code == 1
    assert "The sensor cannot be heard" in err
    assert "state=scanning" in (tmp_path / "x.tsv").read_text(), "the link's story is kept"


def test_ctrl_c_is_the_ordinary_end_of_a_stream(run, bluetooth, tmp_path, monkeypatch):
    bluetooth.sensors.append(Sensor(MYO, period_s=0.01))

    async def interrupted(sought, monitor, screen, clock, **options):
        await streaming_sensor(sought, monitor, screen, clock, seconds=12)
        raise KeyboardInterrupt

    streaming_sensor = streaming.stream_sensor
    monkeypatch.setattr(streaming, "stream_sensor", interrupted)
    code, _, _ = run("stream", "myo", "--out", tmp_path / "x.json", "--json")
    assert code == 0
    assert '"record": "samples"' in (tmp_path / "x.json").read_text()


ITEMS = [
    StreamDeclared(MYO.streams[0], 200.0, 5.0),
    Stretch("emg", 10, np.array([[1, 2], [3, 4]], np.int32), SampleFlag.LEAD_OFF),
    MissingStretch("emg", 12, 40, GapCause.LINK, 0.02, 12),
    StreamAnomaly("emg", AnomalyKind.DUPLICATE, 9, 2),
    PlacedMark(1, 3.5),
    DeviceStatus(battery_percent=80, streams=(StreamState("emg", (2,), 0, 9, 0),)),
    Reply(3, ok=False, text="bad\tparameter"),
    Reject(RejectReason.LENGTH, "2a19", "3 bytes, expected 1"),
]
EVENT = LinkEvent(LinkState.WAITING, 10**9, 10**18, LinkCause.NOT_FOUND, "next", 2, "C0:01", "Left")


def test_every_kind_of_record_is_written_as_json():
    out = io.StringIO()
    records = JsonRecords(out)
    for item in ITEMS:
        records.item(1.5, item)
    records.event(1.5, EVENT)
    written = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [each["record"] for each in written] == [
        "declared", "samples", "missing", "odd", "mark", "status", "reply", "reject", "link",
    ]  # fmt: skip
    assert written[1]["counts"] == [[1, 2], [3, 4]]
    assert written[1]["flags"] == 2
    assert (written[2]["sample"], written[2]["n"], written[2]["cause"]) == (12, 40, "link_lost")
    assert written[5] == {
        "host_s": 1.5, "record": "status", "battery_percent": 80, "lead_off": ["emg 2"],
    }  # fmt: skip
    assert written[8]["cause"] == "not_found"
    assert written[8]["says"].startswith("The sensor cannot be heard.")


def test_every_kind_of_record_is_one_row_of_text_and_samples_one_each():
    out = io.StringIO()
    records = TsvRecords(out)
    for item in ITEMS:
        records.item(1.5, item)
    records.event(1.5, EVENT)
    rows = [line.split("\t") for line in out.getvalue().splitlines()]
    assert {len(row) for row in rows} == {len(TSV_COLUMNS)}
    assert rows[2] == ["1.500000", "samples", "emg", "10", "1", "1 3", "flags=2"]
    assert rows[3] == ["1.500000", "samples", "emg", "11", "1", "2 4", "flags=2"]
    assert rows[4][:6] == ["1.500000", "missing", "emg", "12", "40", "n/a"]
    assert rows[8][-1] == "ok=False text=bad parameter"
    assert len(rows) == 1 + len(ITEMS) + 1 + 1


def test_what_a_person_sees_of_events_and_figures():
    line = event_line(EVENT)
    assert "waiting  Left C0:01  The sensor cannot be heard." in line
    assert line.endswith("(next)")
    emg = StreamFigures("emg", 199.6, (1.5, -2.0), "uV", 0.0123)
    acc = StreamFigures("acc", 0.0, (), "g", None)
    assert figure_lines(Figures(LinkState.STREAMING, (emg, acc), "80 %", 3)) == [
        "streaming, battery 80 %, 3 notifications not understood",
        "EMG 200/s, missing 1.23 %, last 1.5 -2 uV",
        "ACC 0/s, missing not known yet, last - g",
    ]


def test_attempts_that_repeat_themselves_are_shown_once_until_data_flow_again():
    out = io.StringIO()
    flows = LinkEvent(LinkState.STREAMING, 0, 0)
    with open_screen(out) as screen:
        for event in (EVENT, EVENT, EVENT, flows, EVENT):
            screen.event(event)
    assert out.getvalue().count("cannot be heard") == 2


def test_a_terminal_gets_lines_that_change(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    with open_screen(out) as screen:
        screen.event(EVENT)
        screen.show(Figures(LinkState.STREAMING, (), "80 %", 0))
    assert "cannot be heard" in " ".join(out.getvalue().split())
    assert "battery 80 %" in out.getvalue()


class Silent:
    def event(self, event):
        pass

    def show(self, figures):
        pass


def stream_into(monitor, sensor, *looks):
    """Run a link in virtual time; the monitor's figures at these times."""

    async def night():
        clock = VirtualClock(asyncio.get_running_loop())
        radio = Air(sensor).radio
        link = Link(Sought(sensor.spec), monitor, radio=radio, clock=clock, rng=random.Random(1))
        running = asyncio.create_task(link.run())
        seen = []
        for when, act in looks:
            await clock.sleep(when - clock.monotonic_ns() / 1e9)
            seen.append(monitor.figures(clock.monotonic_ns()))
            act()
        link.stop()
        await running
        monitor.finish()
        monitor.require_data()
        return seen

    return run_virtual(night())


def test_figures_tell_state_rate_last_values_loss_battery_and_rejects():
    spec = DEVICES["umyo"]
    count = itertools.count()
    sensor = Sensor(spec, period_s=0.02)
    sensor.make = lambda: (24 * next(count)).to_bytes(4, "little") + b"\x0a\x00" * 24

    def cut():
        sensor.make = lambda: b"\x01"

    early, late, gone = stream_into(
        Monitor(spec, Silent()),
        sensor,
        (20, cut),
        (24, lambda: setattr(sensor, "on", False)),
        (60, bool),
    )
    emg = early.streams[0]
    assert early.state is LinkState.STREAMING
    assert emg.rate_hz == pytest.approx(1200, rel=0.05)
    assert (emg.values, emg.unit) == ((27.5,), "uV")
    assert (emg.missing, early.battery, early.rejects) == (None, None, 0)
    assert late.rejects == pytest.approx(200, abs=3)
    assert gone.streams[0].rate_hz == 0
    assert gone.state in (LinkState.SCANNING, LinkState.WAITING)


def test_a_device_that_describes_itself_and_its_battery_is_shown():
    spec = DEVICES["profile-v1"]
    monitor = Monitor(spec, Silent())
    assert monitor.figures(0).streams == ()
    info, status = bytes_of_profile()
    monitor.notification(Notification(profile.INFO, 0, 0, info))
    monitor.notification(Notification(profile.STATUS, 1, 1, status))
    figures = monitor.figures(2)
    assert {stream.kind for stream in figures.streams} == {"emg", "acc"}
    assert figures.battery


def bytes_of_profile():
    sensor = EMULATED["profile-v1"](index_source("profile-v1"))
    sensor.connected(0.0, 247)
    return sensor.read(profile.INFO, 0.0), sensor.read(profile.STATUS, 0.0)


def test_a_monitor_that_got_nothing_says_why():
    monitor = Monitor(MYO, Silent())
    with pytest.raises(SensorError, match="cannot be heard"):
        monitor.require_data()
    monitor.event(LinkEvent(LinkState.WAITING, 0, 0, LinkCause.NO_ADAPTER))
    with pytest.raises(SensorError, match="no Bluetooth"):
        monitor.require_data()


def test_help_does_not_load_the_bluetooth_stack():
    code = (
        "import sys, nightcramp.__main__; print(*{'bleak', 'bumble', 'asyncio'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert "bleak" not in shown.stdout
    assert "bumble" not in shown.stdout
    assert PLATFORM_RADIO.scanner_backend is None


def test_every_connect_and_loss_is_told_to_all_that_must_start_anew(monkeypatch):
    told = []

    class Spy:
        def __init__(self, *_given):
            pass

        def __getattr__(self, name):
            return lambda *given: told.append((name, *given)) or []

    monkeypatch.setattr(streaming, "Assembler", Spy)
    monkeypatch.setattr(streaming, "BacklogRequests", Spy)
    monitor = Monitor(DEVICES["profile-v1"], Silent())
    for when, state in enumerate((LinkState.SETTING_UP, LinkState.STREAMING, LinkState.LOST)):
        monitor.event(LinkEvent(state, when, when))
    assert told == [("connected",), ("connected", 0), ("lost", 2)]
