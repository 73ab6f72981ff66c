"""Emulated sensors as programs of their own: killed, come back, end cleanly, refuse plainly."""

import asyncio
import contextlib
import json
import signal
import socket
import sys
from datetime import datetime

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakBluetoothNotAvailableError, BleakError

from firmware_bridge import DEVICES, HostClock
from firmware_bridge.emulator import FRONT_ENDS, index_source, open_radio
from firmware_bridge.emulator.devices import myo
from nightcramp.emulation import recorded_source, simulated_source
from nightcramp.errors import SensorError, UsageError
from recordings import Channel, RecordingInfo, Stream, write_edf

SPEED = 10.0


class Program:
    """``nightcramp emulate`` in a process of its own."""

    def __init__(self, process, line):
        self.process = process
        self.line = line

    @classmethod
    async def start(cls, *words):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "nightcramp", "emulate", *map(str, words), stdout=-1, stderr=-1
        )
        async with asyncio.timeout(30):
            line = (await process.stdout.readline()).decode()
        assert line, (await process.stderr.read()).decode()
        return cls(process, line)

    @property
    def address(self):
        return next(word for word in self.line.split() if word.startswith("tcp:"))

    async def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        _, errors = await self.process.communicate()
        return self.process.returncode, errors.decode()


@contextlib.asynccontextmanager
async def programs():
    """Start programs; none outlives the test."""
    started = []

    async def start(*words):
        started.append(await Program.start(*words))
        return started[-1]

    try:
        yield start
    finally:
        for program in started:
            if program.process.returncode is None:
                await program.kill()


@contextlib.asynccontextmanager
async def streaming(radio):
    """Find the armband, start it, and give its client and what arrives."""
    spec, got, gone = DEVICES["myo"], [], asyncio.Event()
    async with asyncio.timeout(20):
        device = None
        while device is None:
            device = await BleakScanner.find_device_by_filter(
                lambda _device, data: spec.service in data.service_uuids,
                timeout=2,
                backend=radio.scanner_backend,
            )
        client = BleakClient(device, lambda _c: gone.set(), backend=radio.client_backend)
        await client.connect()
        for uuid in myo.EMG:
            await client.start_notify(uuid, lambda c, data: got.append((c.uuid, bytes(data))))
        for step in spec.setup:
            if hasattr(step, "payload"):
                await client.write_gatt_char(step.characteristic, step.payload, response=True)
    try:
        yield client, got, gone
    finally:
        await client.disconnect()


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 (other processes have no events)
            await asyncio.sleep(0.02)


def test_a_killed_sensor_times_out_and_returns_under_another_address():
    async def program():
        async with programs() as start, contextlib.AsyncExitStack() as stack:
            air = await start("air", "--listen", "127.0.0.1:0", "--speed", SPEED)
            place = air.address.removeprefix("tcp:")
            words = ("myo", "--pattern", "--join", place, "--speed", SPEED)
            radio = await stack.enter_async_context(open_radio(air.address, HostClock(SPEED)))
            sensor = await start(*words)
            async with streaming(radio) as (client, got, gone):
                await until(lambda: len(got) > 100)
                first = client.address
                await sensor.kill()
                async with asyncio.timeout(5):
                    await gone.wait()
                assert client._backend.disconnect_reason == 0x08
            await start(*words, "--address", "E0:11:22:33:44:55", "--name", "New")
            async with streaming(radio) as (client, got, _):
                await until(lambda: len(got) > 100)
                assert client.address == "E0:11:22:33:44:55" != first
            _, errors = await air.kill(signal.SIGTERM)
            assert errors == ""

    asyncio.run(program())


def test_a_killed_air_is_no_bluetooth_and_when_it_returns_all_go_on():
    async def program():
        async with programs() as start, contextlib.AsyncExitStack() as stack:
            air = await start("air", "--listen", "127.0.0.1:0", "--speed", SPEED)
            place = air.address.removeprefix("tcp:")
            await start("myo", "--pattern", "--join", place, "--speed", SPEED)
            radio = await stack.enter_async_context(open_radio(air.address, HostClock(SPEED)))
            async with streaming(radio) as (client, got, gone):
                await until(lambda: len(got) > 100)
                await air.kill()
                async with asyncio.timeout(5):
                    await gone.wait()
                with pytest.raises(BleakError):
                    await client.read_gatt_char(myo.EMG[0])
            with pytest.raises(BleakBluetoothNotAvailableError):
                await BleakScanner.discover(0.1, backend=radio.scanner_backend)
            await start("air", "--listen", place, "--speed", SPEED)
            await until(lambda: not radio.client_backend.adapter._missing)
            async with streaming(radio) as (_, got, _):
                await until(lambda: len(got) > 100)

    asyncio.run(program())


def test_one_program_with_faults_ends_cleanly_and_leaves_the_truth(tmp_path):
    faults, log = tmp_path / "faults.toml", tmp_path / "truth.jsonl"
    faults.write_text('[[fault]]\nat_s = 30\nkind = "lost_notifications"\nshare = 0.2\n')

    async def program():
        async with programs() as start:
            words = ("--listen", "127.0.0.1:0", "--faults", faults, "--log", log)
            sensor = await start("myo", "--pattern", "--speed", SPEED, *words)
            async with open_radio(sensor.address, HostClock(SPEED)) as radio:
                async with streaming(radio) as (_, got, _):
                    await until(lambda: "lost_notification" in log.read_text())
                    await until(lambda: len(got) > 1000)
                await asyncio.sleep(0.2)
            code, errors = await sensor.kill(signal.SIGINT)
            assert (code, errors) == (0, "")
            return got

    got = asyncio.run(program())
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines[-1]["event"] == "end"
    delivered = lines[-1]["streams"]["emg"]["delivered"]
    lost = [line for line in lines if line.get("cause") == "lost_notification"]
    assert {line["n"] for line in lost if line["stream"] == "emg"} == {2}
    source = index_source("myo")
    expected = [
        myo.emg_payload(source.counts("emg", first, 2))
        for start, stop in delivered
        for first in range(start, stop, 2)
    ]
    arrived = [payload for _, payload in got]
    assert arrived == expected[: len(arrived)]
    assert len(expected) - len(arrived) < 20  # on the way when the recorder went


def test_so_many_seconds_of_the_night(run):
    code, shown, _ = run(
        "emulate", "myo", "--pattern", "--seconds", 2, "--speed", 20, "--listen", "127.0.0.1:0"
    )
    assert code == 0
    assert shown.startswith("myo: use --radio tcp:127.0.0.1:")
    assert shown.endswith(" --speed 20\n")


# --------------------------------------------------------------------------- plain refusals


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("thalmic",), 2, "no emulated sensor 'thalmic': expected air, ganglion-fw2"),
        (("myo", "--listen", "a:1", "--join", "b:1"), 2, "--join excludes --listen"),
        (("air", "--listen", "9740"), 2, "'9740' is no HOST:PORT"),
        (("air", "--listen", "localhost:70000"), 2, "is no HOST:PORT"),
        (("myo", "--pattern", "--join", "127.0.0.1:1"), 1, "nightcramp emulate air"),
        (("myo", "--pattern", "--address", "12:34"), 2, "no random static address"),
        (("myo", "--pattern", "--faults", "none.toml"), 1, "none.toml: cannot be read"),
        (("myo", "--night", "none.edf"), 1, "none.edf"),
        (("myo", "--pattern", "--log", "none/none/log"), 1, "log cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(run, words, code, text):
    if "--listen" not in words and "--join" not in words:
        words = (*words, "--listen", "127.0.0.1:0")
    got, shown, errors = run("emulate", *words)
    assert (got, shown) == (code, "")
    assert text in errors
    assert errors.count("\n") == 1


def test_a_port_that_is_taken(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, errors = run("emulate", "myo", "--pattern", "--listen", f"127.0.0.1:{port}")
    assert code == 1
    assert f"Port {port} of 127.0.0.1 is taken" in errors


def test_without_the_extra_it_says_what_to_install(run, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("firmware_bridge.emulator.radio")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "nightcramp.emulation")
    for name in [name for name in sys.modules if name.split(".")[0] == "bumble"]:
        monkeypatch.setitem(sys.modules, name, None)
    code, _, errors = run("emulate", "myo", "--pattern")
    assert code == 2
    assert "pip install 'nightcramp[emulator]'" in errors


@pytest.mark.parametrize(
    ("address", "error", "text"),
    [
        ("udp:127.0.0.1:1", UsageError, "expected tcp:HOST:PORT"),
        ("tcp:127.0.0.1", UsageError, "is no HOST:PORT"),
        ("tcp:127.0.0.1:1", SensorError, "start 'nightcramp emulate' first"),
    ],
)
def test_a_radio_that_is_not_there(address, error, text):
    async def program():
        async with open_radio(address, HostClock()):
            pass

    with pytest.raises(error, match=text):
        asyncio.run(program())


# ------------------------------------------------------------------------ nights to measure


def write_night(path, *, unit="uV", with_acc=True):
    rng = np.random.default_rng(1)
    emg = np.rint(rng.normal(0, 100, (2, 5000))).astype(np.float32)
    acc = np.rint(rng.normal(0, 1500, (3, 1000))).astype(np.float32) / np.float32(4000)
    channels = tuple(Channel(f"EMG {n}", unit, 1.0, (-2048.0, 2047.0)) for n in "AB")
    axes = tuple(Channel(f"ACC {axis}", "g", 0.00025, (-8.0, 8.0)) for axis in "XYZ")
    info = RecordingInfo(
        path.stem,
        datetime(2026, 1, 12, 22),
        Stream("emg", 500.0, channels, 5000),
        Stream("acc", 100.0, axes, 1000) if with_acc else None,
    )
    write_edf(path, info, emg, acc if with_acc else None)
    return emg, acc


def test_a_recorded_night_is_measured_in_the_counts_of_the_device(tmp_path):
    emg, acc = write_night(tmp_path / "night_emg.edf")
    source = recorded_source("npg-lite-band", tmp_path / "night_emg.edf")
    front = FRONT_ENDS["npg-lite-band"]
    counts = source.counts("emg", 0, 5000)
    assert np.abs(counts[:2] - (emg * 1e-6 / front["emg"].unit + 2048)).max() <= 0.5
    assert np.abs(source.counts("acc", 0, 1000) - acc * 16000).max() <= 0.5
    assert np.array_equal(source.counts("emg", 5000, 10), counts[:, :10])  # it begins again


def test_counts_without_a_unit_are_the_device_s_own(tmp_path):
    emg, _ = write_night(tmp_path / "night_emg.edf", unit="count")
    source = recorded_source("npg-lite-band", tmp_path / "night_emg.edf")
    assert np.array_equal(source.counts("emg", 0, 5000)[:2], emg + 2048)


def test_without_acceleration_the_leg_lies_still(tmp_path):
    write_night(tmp_path / "night_emg.edf", with_acc=False)
    source = recorded_source("npg-lite-band", tmp_path / "night_emg.edf")
    assert np.array_equal(source.counts("acc", 0, 50), np.tile([[0], [0], [16000]], 50))


def test_a_simulated_night_is_resampled_to_the_device():
    source = simulated_source("umyo", seed=5, hours=0.02)
    counts = source.counts("emg", 0, 20_000)
    assert counts.shape == (1, 20_000)
    assert 1 < np.std(counts) < 1000
    gravity = np.linalg.norm(source.counts("acc", 0, 100) / 16384, axis=0)
    assert np.allclose(gravity, 1.0, atol=0.2)


def test_a_night_without_emg_is_refused(run, tmp_path):
    write_night(tmp_path / "night_emg.edf")
    raw = bytearray((tmp_path / "night_emg.edf").read_bytes())
    raw[256 : 256 + 32] = b"Resp A".ljust(16) + b"Resp B".ljust(16)
    (tmp_path / "resp.edf").write_bytes(raw)
    code, _, errors = run("emulate", "myo", "--night", tmp_path / "resp.edf")
    assert code == 1
    assert "resp.edf" in errors
    assert "EMG" in errors
