"""Fault scripts: understood or refused with their place; played against real devices; the truth."""

import asyncio
import contextlib
import itertools
import json
import textwrap

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakBluetoothNotAvailableError, BleakError
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge import DEVICES, Subscribe, Write
from firmware_bridge.emulator import (
    EMULATED,
    RADIO_FAULTS,
    Air,
    BumbleAdapter,
    SensorHost,
    Truth,
    VirtualClock,
    index_source,
    parse_faults,
    play_faults,
    radio_of,
    read_faults,
    run_virtual,
)
from firmware_bridge.emulator.radio.advertising import advertising_bytes
from firmware_bridge.emulator.radio.truth import Stretches
from firmware_bridge.emulator.sensor import Advertisement
from nightcramp.errors import InputError, UsageError

# ------------------------------------------------------------------------------ the script


def test_every_kind_can_do_without_numbers():
    text = "".join(f'[[fault]]\nat_s = 1\nkind = "{kind}"\n' for kind in RADIO_FAULTS)
    script = parse_faults(text)
    assert [fault.kind for fault in script.faults] == list(RADIO_FAULTS)
    assert all(fault.numbers.keys() == RADIO_FAULTS[fault.kind].keys() for fault in script.faults)


def test_what_the_sensor_knows_is_passed_on_with_its_numbers():
    text = '[[fault]]\nat_s = 2\nkind = "lead_off"\nchannel = -1\nevery_s = 60'
    (fault,) = parse_faults(text, ["lead_off"]).faults
    assert (fault.kind, fault.at_s, fault.every_s) == ("lead_off", 2.0, 60.0)
    assert fault.numbers == {"channel": -1.0}


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ('kind = "fade"', "at_s is missing"),
        ("at_s = 1", "kind is missing: expected 'adapter_off'"),
        ('at_s = 1\nkind = "fad"', "unknown kind 'fad'"),
        ('at_s = -1\nkind = "fade"', "at_s is -1: expected 0 to inf"),
        ('at_s = "1"\nkind = "fade"', "at_s is '1': expected a number"),
        ('at_s = true\nkind = "fade"', "at_s is True: expected a number"),
        ('at_s = nan\nkind = "fade"', "at_s is nan"),
        ('at_s = 1\nkind = "fade"\nloss = 1.5', "loss is 1.5: expected 0 to 1"),
        ('at_s = 1\nkind = "fade"\nlos = 1', "fade has no 'los': expected 'loss', 'seconds'"),
        ('at_s = 1\nkind = "disconnect"\nseconds = 1', "expected none"),
        ('at_s = 1\nevery_s = 0\nkind = "fade"', "every_s is 0"),
    ],
)
def test_a_bad_entry_is_refused_with_its_line(tmp_path, entry, problem):
    file = tmp_path / "faults.toml"
    file.write_text(f'# two good lines\n[[fault]]\nat_s = 1\nkind = "fade"\n\n[[fault]]\n{entry}\n')
    with pytest.raises(InputError) as error:
        read_faults(file)
    assert str(error.value).startswith(f"{file}: line 6 (fault 2): ")
    assert problem in str(error.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[fault]", "is not TOML"),
        ("seed = 1.5", "seed is 1.5: expected a whole number"),
        ("sede = 1", "unknown key 'sede'"),
        ("fault = 1", "write [[fault]]"),
        ("fault = [1]", "fault 1: is no table"),
    ],
)
def test_a_bad_file_is_refused(text, problem):
    with pytest.raises(InputError, match="fault script: ") as error:
        parse_faults(text)
    assert problem in str(error.value)


def test_an_unreadable_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_faults(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
    with pytest.raises(InputError, match="UTF-8"):
        read_faults(tmp_path / "latin.toml")


# ----------------------------------------------------------------------------- stretches


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 60), st.integers(0, 20)).filter(lambda o: o[2]),
        max_size=30,
    )
)
def test_stretches_are_a_set_of_numbers(operations):
    stretches, reference = Stretches(), set()
    for add, first, n in operations:
        numbers = set(range(first, first + n))
        if add:
            stretches.add(first, first + n)
            reference |= numbers
        else:
            assert stretches.remove(first, first + n) == len(reference & numbers)
            reference -= numbers
        held = list(stretches)
        assert {k for start, stop in held for k in range(start, stop)} == reference
        assert all(one[1] < other[0] for one, other in itertools.pairwise(held))


# --------------------------------------------------------------------------- advertising


def test_an_advertisement_that_fits_nowhere_is_refused():
    with pytest.raises(UsageError, match="shorter name"):
        advertising_bytes(Advertisement("x" * 30, ()))


@pytest.mark.parametrize("device", EMULATED)
def test_every_emulated_sensor_can_advertise(device):
    sensor = EMULATED[device](index_source(device))
    data, response = advertising_bytes(sensor.advertisement)
    assert len(data) <= 31
    assert len(response) <= 31


# ---------------------------------------------------------------------------- the player


class Night:
    """An emulated device and a plain recorder that always comes back."""

    def __init__(self, device, script):
        self.spec = DEVICES[device]
        self.script = script
        self.lines, self.arrived, self.lost = [], [], []

    async def run(self, seconds):
        self.clock = VirtualClock(asyncio.get_running_loop())
        air = Air(seed=2)
        sensor = EMULATED[self.spec.name](index_source(self.spec.name))
        self.truth = Truth(self.clock, lambda line: self.lines.append(json.loads(line)))
        host = SensorHost(sensor, air.plug, self.truth)
        script = parse_faults(textwrap.dedent(self.script), sensor.faults)
        adapter = BumbleAdapter()
        await adapter.attach(await air.plug())
        self.radio = radio_of(adapter)
        tasks = [
            asyncio.ensure_future(work)
            for work in (host.run(), self._record(), play_faults(host, script))
        ]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*tasks)
        await asyncio.gather(*tasks, return_exceptions=True)
        return self

    async def _record(self):
        while True:
            with contextlib.suppress(BleakError, TimeoutError):
                await self._record_once()
            await self.clock.sleep(0.5)

    async def _record_once(self):
        device = await BleakScanner.find_device_by_filter(
            lambda device, data: self.spec.matches(device.name, data.service_uuids),
            timeout=5,
            backend=self.radio.scanner_backend,
        )
        if device is None:
            return
        gone = asyncio.Event()
        client = BleakClient(
            device, lambda _c: gone.set(), timeout=10, backend=self.radio.client_backend
        )
        async with client:
            for step in self.spec.setup:
                if isinstance(step, Subscribe):
                    await client.start_notify(step.characteristic, self._take)
                elif isinstance(step, Write):
                    await client.write_gatt_char(step.characteristic, step.payload, step.response)
                    await self.clock.sleep(step.pause_s)
            await gone.wait()
        self.lost.append((self.now(), client._backend.disconnect_reason))

    def _take(self, characteristic, data):
        self.arrived.append((self.now(), characteristic.uuid, bytes(data)))

    def now(self):
        return self.clock.monotonic_ns() * 1e-9

    def events(self, kind):
        return [line for line in self.lines if line["event"] == kind]

    def causes(self, stream="emg"):
        return {line["cause"] for line in self.events("lost") if line["stream"] == stream}

    def quiet_s(self, first_s, last_s):
        """Longest time without a notification."""
        times = [first_s, *(at for at, *_ in self.arrived if first_s < at < last_s), last_s]
        return max(np.diff(times))


def play(device, script, seconds):
    return run_virtual(Night(device, script).run(seconds), limit_s=7200)


def script(kind, **numbers):
    lines = "\n".join(f"{name} = {value}" for name, value in numbers.items())
    return f'[[fault]]\nat_s = 10\nkind = "{kind}"\n{lines}'


def test_without_faults_nothing_is_lost_after_the_start():
    night = play("npg-lite-band", "", 30)
    ((first, following),) = night.truth.delivered("emg")
    assert following - first > 500 * 26
    assert night.causes() == {"stopped"}


def test_a_fade_that_lasts_too_long_loses_the_link():
    night = play("npg-lite-band", script("link_loss", seconds=20), 60)
    ((at_s, reason),) = night.lost
    assert reason == 0x08
    assert 10.3 <= at_s <= 10.6
    assert 20 <= night.quiet_s(9, 59) <= 26
    assert {"supervision_timeout", "disconnected"} <= night.causes()


def test_a_disconnection_by_the_sensor():
    night = play("npg-lite-band", script("disconnect"), 30)
    assert [reason for _, reason in night.lost] == [0x13]
    assert night.quiet_s(9, 29) < 5


def test_a_zombie_keeps_the_link_and_overflows_the_queue():
    night = play("npg-lite-band", script("zombie", seconds=5), 30)
    assert night.lost == []
    assert 5 <= night.quiet_s(9, 29) < 5.3
    assert "queue_full" in night.causes()


def test_a_stalled_host_delays_and_loses_nothing():
    night = play("npg-lite-band", script("latency", seconds=4), 30)
    assert night.lost == []
    assert 3.9 <= night.quiet_s(9, 29) < 4.3
    assert night.causes() == {"stopped"}


def test_duplicates_wrong_lengths_and_lost_notifications_are_those_asked_for():
    text = "\n".join(
        script(kind, seconds=1000, share=0.1)
        for kind in ("duplicates", "wrong_lengths", "lost_notifications")
    )
    night = play("npg-lite-band", text, 70)
    data = [payload for at, _, payload in night.arrived if at > 10 and len(payload) > 100]
    pairs = sum(one == other for one, other in itertools.pairwise(data))
    assert 0.05 < pairs / len(data) < 0.13
    for cause in ("wrong_length", "lost_notification"):
        lost = [line for line in night.events("lost") if line["cause"] == cause]
        assert 0.05 < sum(line["n"] for line in lost if line["stream"] == "emg") / 30_000 < 0.15


def test_a_reboot_cuts_the_power_for_a_while():
    night = play("npg-lite-band", script("reboot", seconds=4), 40)
    assert [reason for _, reason in night.lost] == [0x08]
    assert 4 <= night.quiet_s(9, 39) < 12
    assert "rebooted" in night.causes()


def test_a_battery_that_runs_out_at_night_and_is_charged():
    night = play("npg-lite-band", script("battery_out", seconds=30), 60)
    assert [reason for _, reason in night.lost] == [0x08]
    assert 30 <= night.quiet_s(9, 59) < 38
    assert "switched_off" in night.causes()


def test_a_battery_that_runs_out_for_good():
    night = play("npg-lite-band", script("battery_out"), 60)
    assert night.quiet_s(11, 59) == 48
    assert night.events("advertising")[-1]["at_s"] < 1


def test_a_new_battery_and_a_new_address():
    night = play("npg-lite-band", script("address_change", seconds=2), 40)
    addresses = [line["address"] for line in night.events("advertising")]
    assert len(set(addresses)) == 2
    assert night.quiet_s(20, 39) < 1


def test_an_adapter_that_is_off_for_a_while():
    class Watching(Night):
        refused = 0

        async def _record_once(self):
            try:
                await super()._record_once()
            except BleakBluetoothNotAvailableError:
                self.refused += 1
                raise

    night = run_virtual(Watching("myo", script("adapter_off", seconds=8)).run(40))
    assert night.refused > 5
    assert night.quiet_s(25, 39) < 1


def test_a_fault_of_the_sensor_itself():
    night = play("npg-lite-band", script("adc_overrun"), 20)
    assert "converter_overrun" in night.causes()
    assert night.lost == []


def test_a_fault_that_the_sensor_cannot_have_ends_the_script_with_its_place():
    with pytest.raises(InputError, match=r"line 1 \(fault 1\)"):
        play("npg-lite-band", script("lead_off", channel=77), 20)


def test_faults_that_come_again_and_again():
    night = play("npg-lite-band", script("disconnect", every_s=10), 42)
    assert [line["at_s"] for line in night.events("fault")] == pytest.approx([10, 20, 30, 40])
    assert len(night.lost) == 4


def test_the_truth_is_one_line_of_json_for_each_event():
    night = play("myo", script("fade", seconds=2), 30)
    assert {"on", "advertising", "connected", "mtu", "subscribed", "written"} <= {
        line["event"] for line in night.lines
    }
    stamps = [line["monotonic_ns"] for line in night.lines]
    assert stamps == sorted(stamps)
    assert night.lines[-1]["event"] == "end"
    assert night.lines[-1]["streams"]["emg"]["missing"] == [
        list(stretch) for stretch in night.truth.missing("emg")
    ]
