"""What makes each sensor difficult is in its emulation too, and nothing is given up unsaid."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_bridge import DEVICES, DeviceStatus, Read, Reject, Reply, Samples, Subscribe, profile
from firmware_bridge.emulator.devices import (
    EMULATED,
    FRONT_ENDS,
    ganglion,
    gforce,
    index_source,
    myo,
    npg_lite,
    polar,
)
from firmware_bridge.emulator.sensor import AttError, AttRefusal, LossCause
from firmware_bridge.emulator.sources import ArraySource, IndexSource, Sampled
from firmware_bridge.packets import SampleFlag
from firmware_bridge.profile import Opcode, ReplyStatus, StreamId
from nightcramp.errors import UsageError

NAMES = sorted(EMULATED)
VECTORS = json.loads((Path(__file__).parent / "data" / "sensor_vectors.json").read_text())


class Desk:
    """A sensor on the desk, hand in hand with its decoder; nothing gets lost on the way."""

    def __init__(self, name, *, connect=True, mtu=517, source=None, **options):
        self.spec = DEVICES[name]
        self.source = index_source(name) if source is None else source
        self.sensor = EMULATED[name](self.source, **options)
        self.decoder = self.spec.decoder()
        self.now_s = 1.0
        self.emissions = []
        self.packets = []
        if connect:
            self.connect(mtu)

    def connect(self, mtu=517):
        self.sensor.connected(self.now_s, min(mtu, self.sensor.mtu))
        have = {c.uuid for service in self.sensor.services for c in service.characteristics}
        for step in self.spec.setup:
            if step.characteristic in have:
                self.do(step)
        return self

    def do(self, step):
        if isinstance(step, Subscribe):
            self.sensor.subscribed(step.characteristic, True, self.now_s)
        elif isinstance(step, Read):
            self.sensor.read(step.characteristic, self.now_s)
        else:
            self.sensor.write(step.characteristic, step.payload, self.now_s)
        return self.run(getattr(step, "pause_s", 0.0) + 0.01)

    def write(self, characteristic, payload, then_s=0.06):
        """Write, let time pass, and tell what came."""
        before = len(self.packets)
        self.sensor.write(characteristic, payload, self.now_s)
        self.run(then_s)
        return self.packets[before:]

    def run(self, seconds, room=12, step_s=0.005):
        stop_s = self.now_s + seconds
        while self.now_s < stop_s:
            self.now_s = min(self.now_s + step_s, stop_s)
            sent = self.sensor.due(self.now_s, room)
            self.emissions += sent
            for emission in sent:
                self.packets += self.decoder.decode(emission.characteristic, emission.payload)
        return self

    def ask(self, characteristic, payload, then_s=0.06):
        """Write, and tell the answers."""
        packets = self.write(characteristic, payload, then_s)
        return [p for p in packets if isinstance(p, Reply | DeviceStatus)]

    def provoke(self, kind, **numbers):
        self.sensor.provoke(kind, self.now_s, **numbers)
        return self

    def samples(self, stream="emg", since=0):
        return [p for p in self.packets[since:] if isinstance(p, Samples) and p.stream == stream]

    def values(self, stream="emg", since=0):
        return np.hstack([p.values for p in self.samples(stream, since)])

    def carried(self, stream="emg"):
        runs = [r for e in self.emissions for r in e.samples if r[0] == stream]
        return np.concatenate([np.arange(f, f + n) for _, f, n in runs] + [np.zeros(0, int)])

    def lost(self, stream="emg", *causes):
        runs = [x for x in self.sensor.lost if x.stream == stream]
        runs = [x for x in runs if not causes or x.cause in causes]
        return np.concatenate(
            [np.arange(x.first, x.first + x.n) for x in runs] + [np.zeros(0, int)]
        )


class Given:
    """These counts, sample by sample, and zeros after them."""

    def __init__(self, emg, acc=((0,), (0,), (0,))):
        self.arrays = {"emg": np.array(emg, np.int32), "acc": np.array(acc, np.int32)}
        self.first = None

    def counts(self, stream, first, n):
        values = self.arrays[stream]
        if stream == "emg" and self.first is None:
            self.first = first
        start = first - (self.first or 0) if stream == "emg" else 0
        index = np.arange(start, start + n)
        inside = (index >= 0) & (index < values.shape[1])
        return np.where(inside, values[:, np.clip(index, 0, values.shape[1] - 1)], 0).astype("i4")


# Golden bytes.


@pytest.mark.parametrize("vector", VECTORS["myo_emg"])
def test_a_myo_sends_the_bytes_of_a_real_one(vector):
    desk = Desk("myo", source=Given(np.array(vector["samples"]).T))
    desk.run(0.3)
    first = next(e for e in desk.emissions if e.characteristic in myo.EMG)
    assert first.characteristic == myo.EMG[0]
    assert first.payload == bytes.fromhex(vector["hex"])


@pytest.mark.parametrize("vector", VECTORS["myo_imu"])
def test_the_motion_of_a_myo_is_packed_as_in_a_real_one(vector):
    words = [
        np.rint(np.array(vector[key]) * scale).astype(int).tolist()
        for key, scale in (("quat_wxyz", 16384), ("acc_g", 2048), ("gyro_dps", 16))
    ]
    assert myo.imu_payload(*words) == bytes.fromhex(vector["hex"])


@pytest.mark.parametrize(("key", "bits"), [("ganglion_18", 18), ("ganglion_19", 19)])
def test_ganglion_fields_are_packed_as_published(key, bits):
    for vector in VECTORS[key]:
        packed = ganglion.pack_fields(np.array(vector["v"]), bits)
        assert packed == bytes.fromhex(vector["payload"])[:bits]


def started_ganglion(name, *commands, **options):
    """A board that was given these commands."""
    desk = Desk(name, connect=False, **options)
    desk.sensor.connected(desk.now_s, 23)
    desk.sensor.subscribed(ganglion.NOTIFY, True, desk.now_s)
    for command in commands:
        desk.write(ganglion.COMMAND, command)
    return desk


def test_a_ganglion_sends_the_packet_that_was_captured():
    vector = VECTORS["ganglion_fw2_19bit_capture"]
    emg = np.zeros((4, 201), np.int32)
    emg[:, 11:] = -np.array(vector["deltas"][0])[:, None]
    emg[:, 12:] -= np.array(vector["deltas"][1])[:, None]
    desk = started_ganglion("ganglion-fw2", b"b", source=Given(emg)).run(0.2)
    payloads = {e.payload[0]: e.payload for e in desk.emissions}
    assert payloads[vector["id"]] == bytes.fromhex(vector["hex"])


@pytest.mark.parametrize("vector", VECTORS["ganglion_fw3_synthetic"])
def test_a_ganglion_with_firmware_3_sends_high_bits_as_published(vector):
    bits = 19 if vector["id"] >= 100 else 18
    fields = ganglion.high_bits(np.array(vector["v24"]), bits)
    tail = bytes([vector["accel_byte"]]) if bits == 18 else b""
    packed = bytes([vector["id"]]) + ganglion.pack_fields(fields, bits) + tail
    assert packed == bytes.fromhex(vector["hex"])


def test_impedance_of_a_ganglion_is_the_published_message():
    vector = VECTORS["ganglion_impedance"][0]
    desk = Desk("ganglion-fw3")
    desk.write(ganglion.COMMAND, b"z")
    assert bytes.fromhex(vector["hex"]) in {e.payload for e in desk.emissions}
    told = {p.impedance for p in desk.packets if isinstance(p, DeviceStatus)}
    assert told == {(channel, vector["ohm_raw"]) for channel in range(5)}


def test_one_npg_sample_has_the_published_bytes():
    vector = VECTORS["npg_lite_3ch_sample_synthetic"]
    packed = npg_lite.pack(vector["counter"], np.array(vector["ch"])[:, None], ">u2")
    assert packed == bytes.fromhex(vector["hex"])


def test_a_frame_of_the_profile_has_the_published_bytes():
    emg = np.zeros((1, 200), np.int32)
    emg[0, :6] = [0, 1, -1, 32767, -32768, 100]
    desk = Desk("profile-v1", source=Given(emg), mtu=16 + 12 + 3)
    desk.run(0.1)
    live = [e for e in desk.emissions if e.characteristic == profile.LIVE]
    vector = bytes.fromhex(VECTORS["own_frame_synthetic"][0]["hex"])
    assert live[0].payload[14:] == vector[14:]
    assert live[0].payload[1] == SampleFlag.SATURATED


# Quirks.


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("npg")])
def test_npg_sends_nothing_before_start_and_stops_with_the_link(name):
    desk = Desk(name, connect=False)
    desk.sensor.connected(desk.now_s, 247)
    for uuid in (npg_lite.DATA, npg_lite.CONTROL, npg_lite.BATTERY):
        desk.sensor.subscribed(uuid, True, desk.now_s)
    assert not desk.run(3).emissions
    assert desk.ask(npg_lite.CONTROL, b"STATUS")[-1].text == "STOPPED"
    assert desk.ask(npg_lite.CONTROL, b"WHORU")[-1].text == "NPG-LITE"
    assert not desk.ask(npg_lite.CONTROL, b"GO")[-1].ok
    desk.write(npg_lite.CONTROL, b"START", 1.0)
    assert desk.samples()[0].counter == 0
    assert desk.ask(npg_lite.CONTROL, b"STATUS")[-1].text == "RUNNING"
    desk.sensor.disconnected(desk.now_s)
    desk.sensor.connected(desk.now_s + 5, 247)
    desk.now_s += 5
    desk.sensor.subscribed(npg_lite.DATA, True, desk.now_s)
    before = len(desk.emissions)
    assert len(desk.run(3).emissions) == before
    since = len(desk.packets)
    desk.write(npg_lite.CONTROL, b"START", 1.0)
    assert desk.samples(since=since)[0].counter == 0


def test_npg_loses_samples_in_its_converter_without_a_jump_of_the_counter():
    desk = Desk("npg-lite-3ch").run(1.003).provoke("adc_overrun", seconds=0.1).run(1)
    assert desk.lost("emg", LossCause.OVERRUN).size == 50
    counters = np.concatenate([p.counter + np.arange(p.n) for p in desk.samples()]) % 256
    assert set(np.diff(counters) % 256) == {1}
    assert max(np.diff(desk.carried())) == 51


def test_npg_with_a_low_battery_goes_dark_and_does_not_start_again_until_charged():
    desk = Desk("npg-lite-band").run(11)
    assert any(isinstance(p, DeviceStatus) and p.battery_percent == 100 for p in desk.packets)
    desk.provoke("battery", percent=4)
    assert not desk.sensor.on
    assert not desk.sensor.linked
    desk.sensor.reboot(desk.now_s + 1)
    assert not desk.sensor.on
    desk.provoke("battery", percent=60)
    desk.sensor.reboot(desk.now_s + 2)
    assert desk.sensor.on


def test_the_low_power_npg_crashes_when_more_than_its_buffer_is_written():
    desk = Desk("npg-lite-250hz")
    desk.sensor.write(npg_lite.CONTROL, b"START" + bytes(15), desk.now_s)
    assert desk.sensor.on
    assert not desk.sensor.linked
    assert Desk("npg-lite-3ch").ask(npg_lite.CONTROL, b"A" * 20)[0].text == "UNKNOWN COMMAND"


def test_npg_acceleration_has_a_counter_of_its_own():
    desk = Desk("npg-lite-band").run(4)
    counters = [p.counter for p in desk.samples("acc")]
    assert counters[:3] == [0, 5, 10]
    assert len(counters) == pytest.approx(80, abs=2)


@pytest.mark.parametrize("dialect", [1, 2])
@pytest.mark.parametrize(("length", "n"), [(20, 8), (36, 16), (52, 24), (60, 24)])
def test_a_umyo_speaks_both_dialects_in_every_length(dialect, length, n):
    desk = Desk("umyo").provoke("dialect", number=dialect)
    if dialect == 2 and length < 52:
        return
    desk.provoke("layout", length=length)
    since = len(desk.packets)
    desk.run(1)
    assert not [p for p in desk.packets if isinstance(p, Reject)]
    assert {p.n for p in desk.samples(since=since)} == {n}
    assert {len(e.payload) for e in desk.emissions[-20:]} == {length + dialect - 1, 25 + dialect}


def test_a_umyo_keeps_256_samples_and_counts_through_drop_outs():
    desk = Desk("umyo").run(2)
    last = desk.samples()[-1]
    desk.sensor.disconnected(desk.now_s)
    desk.now_s += 60
    since = len(desk.packets)
    desk.connect().run(1)
    after = desk.samples(since=since)[0]
    missed = after.counter - last.counter - last.n
    assert missed == pytest.approx(60 * 1116 - 256, abs=60)
    assert desk.lost("emg", LossCause.QUEUE_FULL).size >= missed
    assert after.counter in desk.carried()


def test_a_umyo_loses_samples_at_a_connection_interval_of_30_ms():
    quick = Desk("umyo").run(10, step_s=0.0125)
    slow = Desk("umyo").run(10, step_s=0.030)
    late = 13 * 1116
    assert not [x for x in quick.sensor.lost if x.at_s > 2]
    assert slow.lost("emg", LossCause.QUEUE_FULL).size > 0.3 * late - 1116 - 256


@pytest.mark.parametrize("value", [2**32 - 100, 2**31])
def test_the_counter_of_a_umyo_comes_round(value):
    desk = Desk("umyo").provoke("counter", value=value)
    since = len(desk.packets)
    desk.run(2)
    counters = [p.counter for p in desk.samples(since=since)]
    assert all(np.diff(counters) % 2**32 == 24)
    assert (min(counters) < 100) == (value > 2**31)


def test_a_umyo_advertises_its_battery_and_begins_to_count_anew_when_it_reboots():
    desk = Desk("umyo").provoke("battery", percent=50).run(5)
    assert 2000 + 10 * desk.sensor.advertisement.manufacturer_data[1] == 3700
    assert len(desk.sensor.advertisement.manufacturer_data) == 15
    desk.sensor.reboot(desk.now_s)
    desk.connect()
    since = len(desk.packets)
    desk.run(0.2)
    assert desk.samples(since=since)[0].counter < 200


def test_a_myo_forgets_its_mode_with_the_link_and_takes_turns():
    desk = Desk("myo").run(1)
    turns = [p.counter for p in desk.samples()]
    assert turns == [2 * (i % 4) for i in range(len(turns))]
    assert len(desk.samples("acc")) == pytest.approx(50, abs=4)
    desk.sensor.disconnected(desk.now_s)
    desk.now_s += 1
    desk.sensor.connected(desk.now_s, 23)
    for uuid in (*myo.EMG, myo.IMU):
        desk.sensor.subscribed(uuid, True, desk.now_s)
    before = len(desk.emissions)
    assert len(desk.run(5).emissions) == before


def test_a_myo_that_was_not_told_never_to_sleep_ends_the_link():
    desk = Desk("myo", connect=False)
    desk.sensor.connected(desk.now_s, 23)
    desk.sensor.subscribed(myo.EMG[0], True, desk.now_s)
    desk.sensor.write(myo.COMMAND, bytes.fromhex("0103030100"), desk.now_s)
    desk.run(29)
    assert desk.sensor.linked
    desk.run(2)
    assert not desk.sensor.linked
    assert desk.sensor.on
    assert Desk("myo").run(60).sensor.linked


def test_deep_sleep_ends_a_night_with_a_myo():
    desk = Desk("myo")
    desk.sensor.write(myo.COMMAND, bytes.fromhex("0400"), desk.now_s)
    assert not desk.sensor.on


def test_a_myo_in_another_mode_sends_no_raw_emg():
    desk = Desk("myo")
    desk.sensor.subscribed(myo.SMOOTHED, True, desk.now_s)
    desk.sensor.write(myo.COMMAND, bytes.fromhex("0103010000"), desk.now_s)
    since = len(desk.packets)
    desk.run(1)
    assert desk.packets[since:]
    assert all(isinstance(p, Reject) for p in desk.packets[since + 2 :])


def test_a_ganglion_does_not_hear_commands_that_follow_too_fast():
    desk = started_ganglion("ganglion-fw3")
    for command in (b"n", b"b"):
        desk.sensor.write(ganglion.COMMAND, command, desk.now_s)
    assert not desk.run(1).emissions
    desk.write(ganglion.COMMAND, b"b", 1.0)
    assert desk.samples()
    assert desk.samples("acc")


def test_a_ganglion_with_firmware_3_leaves_out_every_201st_sample_and_begins_with_a_bogus_number():
    desk = Desk("ganglion-fw3").run(10)
    assert desk.emissions[0].payload[0] == 255
    left_out = desk.lost("emg", LossCause.FIRMWARE)
    assert set(np.diff(left_out[2:])) == {201}
    numbers = [e.payload[0] for e in desk.emissions[1:]]
    assert numbers == [i % 100 for i in range(len(numbers))]
    without_acc = started_ganglion("ganglion-fw3", b"b").run(0.2)
    assert [e.payload[0] for e in without_acc.emissions[:3]] == [99, 100, 101]


def test_a_ganglion_with_firmware_2_sends_one_sample_in_full_in_201():
    desk = Desk("ganglion-fw2").run(3)
    assert [p.counter for p in desk.samples()[:4]] == [0, 1, 3, 5]
    full = [i for i, p in enumerate(desk.samples()) if p.n == 1]
    assert set(np.diff(full)) == {101}
    assert not desk.lost("emg", LossCause.FIRMWARE).size


def test_acceleration_of_a_ganglion_is_never_put_together_from_two_samples():
    desk = Desk("ganglion-fw3").run(1)
    by_number = {e.payload[0]: e.payload for e in desk.emissions[1:]}
    decoder = desk.spec.decoder()
    packets = [
        packet
        for number in (8, 9, 10, 11, 22, 23, 31, 32, 33)
        for packet in decoder.decode(ganglion.NOTIFY, by_number[number])
    ]
    acc = [p for p in packets if isinstance(p, Samples) and p.stream == "acc"]
    assert [p.counter for p in acc] == [3]


def test_a_ganglion_tells_its_firmware_where_the_real_one_does():
    spec, desk = DEVICES["ganglion-fw2"], Desk("ganglion-fw2")
    asked = [step.characteristic for step in spec.setup if isinstance(step, Read)]
    assert ganglion.SOFTWARE_REVISION in asked
    for uuid in asked:
        (reply,) = desk.decoder.decode(uuid, desk.sensor.read(uuid, desk.now_s))
        assert reply.text == "firmware 2.0.1"


def test_acceleration_of_a_ganglion_comes_ten_times_a_second_one_axis_at_a_time():
    desk = Desk("ganglion-fw2").run(20)
    assert len(desk.samples("acc")) == pytest.approx(199, abs=3)
    true = desk.carried("acc")
    measured = desk.source.counts("acc", true[0], true[-1] - true[0] + 1)
    assert np.array_equal(desk.values("acc"), measured[:, true - true[0]])


def test_channels_test_signal_and_questions_of_a_ganglion():
    desk = Desk("ganglion-fw3")
    desk.write(ganglion.COMMAND, b"2")
    desk.write(ganglion.COMMAND, b"[")
    since = len(desk.packets)
    desk.run(1)
    values = desk.values(since=since)
    assert not values[1].any()
    assert set(np.abs(values[0])) <= {7936, 8064, 8000}
    desk.write(ganglion.COMMAND, b"@")
    desk.write(ganglion.COMMAND, b"]")
    assert "MCP3912" in "".join(p.text for p in desk.ask(ganglion.COMMAND, b"?"))
    assert "Ganglion" in "".join(p.text for p in desk.ask(ganglion.COMMAND, b"v"))
    before = len(desk.samples())
    desk.run(1)
    assert len(desk.samples()) == before


def test_any_signal_survives_the_differences_of_firmware_2_but_for_the_last_bits():
    """Each difference loses its last bit to the sign; they add up until the next full sample."""
    walk = np.cumsum(np.random.default_rng(1).integers(-9000, 9000, (4, 900)), axis=1)
    desk = Desk("ganglion-fw2", source=Given(walk)).run(3)
    values = desk.values()
    assert np.abs(values - walk[:, : values.shape[1]]).max() < 60


def test_a_gforce_numbers_packages_only_when_asked_and_forgets_with_the_link():
    desk = Desk("gforce-8bit").run(1)
    assert desk.samples()[1].counter == 16
    desk.write(gforce.COMMAND, b"\x26\x00")
    since = len(desk.packets)
    desk.run(1)
    assert len(desk.samples(since=since)) <= 1, "without number they look like cut ones"
    assert desk.ask(gforce.COMMAND, b"\x08")[0].battery_percent == 100
    desk.sensor.disconnected(desk.now_s)
    desk.sensor.connected(desk.now_s, 247)
    desk.sensor.subscribed(gforce.DATA, True, desk.now_s)
    before = len(desk.emissions)
    assert len(desk.run(2).emissions) == before


def test_emg_of_a_gforce_pro_stops_when_acceleration_is_asked_for_too():
    desk = Desk("gforce-8bit").run(1)
    desk.write(gforce.COMMAND, b"\x4f\x81\x00\x00\x00")
    since = len(desk.packets)
    desk.run(2)
    assert not desk.samples(since=since)
    assert len(desk.packets) > since
    desk.write(gforce.COMMAND, b"\x4f\x80\x00\x00\x00", 1.0)
    assert desk.lost("emg", LossCause.FIRMWARE).size == pytest.approx(1030, abs=40)
    assert desk.samples(since=since)


def test_a_gforce_sends_in_parts_what_does_not_fit():
    desk = Desk("gforce-12bit", mtu=60).run(2)
    assert {len(e.payload) for e in desk.emissions[-3:]} == {57, 22}
    assert not [p for p in desk.packets if isinstance(p, Reject)]
    true = desk.carried()
    assert np.array_equal(desk.values(), desk.source.counts("emg", true[0], len(true)))


@pytest.mark.parametrize(
    ("command", "ok"),
    [
        ("06", True),
        ("46", True),
        ("3ff401ff00800c", True),
        ("3fe803ff008008", False),
        ("99", False),
    ],
)
def test_a_gforce_answers_every_command(command, ok):
    answer = Desk("gforce-8bit").ask(gforce.COMMAND, bytes.fromhex(command))
    assert [p.ok for p in answer] == [ok]


def test_a_gforce_can_be_switched_off_by_command():
    desk = Desk("gforce-8bit")
    desk.sensor.write(gforce.COMMAND, b"\x1d", desk.now_s)
    assert not desk.sensor.on


def test_movesense_answers_refuses_and_stops_when_unsubscribed():
    desk = Desk("movesense")
    uuid = desk.spec.setup[-1].characteristic
    status = {
        b"\x00\x09": "status 200",
        b"\x01\x02/Meas/Acc/104": "status 501",
        b"\x01\x02/Nothing": "status 404",
        b"\x07\x02": "status 400",
        b"\x02\x01": "status 200",
    }
    for command, expected in status.items():
        assert [p.text for p in desk.ask(uuid, command)] == [expected]
    before = len(desk.samples("acc"))
    assert len(desk.run(2).samples("acc")) == before


def test_movesense_sends_long_packets_in_two_parts():
    desk = Desk("movesense", mtu=40).run(2)
    assert len(desk.samples("acc")) == pytest.approx(26, abs=2)
    assert {e.payload[0] for e in desk.emissions[-4:]} == {2, 3}


@pytest.mark.parametrize("name", ["polar-h10", "polar-verity-sense"])
def test_polar_refuses_what_it_cannot_do(name):
    desk = Desk(name)
    start = desk.spec.setup[-1].payload
    again = desk.ask(polar.CONTROL, start)[-1]
    assert (again.ok, again.text) == (False, "already in state")
    assert desk.ask(polar.CONTROL, b"\x03\x02")[-1].ok
    assert desk.ask(polar.CONTROL, b"\x03\x02")[-1].text == "invalid state"
    wrong = bytearray(start)
    wrong[4] += 1
    assert desk.ask(polar.CONTROL, bytes(wrong))[-1].text == "invalid sample rate"
    assert desk.ask(polar.CONTROL, b"\x02\x07")[-1].text == "not supported"
    assert desk.ask(polar.CONTROL, b"\x02")[-1].text == "invalid length"
    assert desk.ask(polar.CONTROL, start[:-2])[-1].ok is False
    assert desk.ask(polar.CONTROL, b"\x01\x02")[-1].ok
    assert desk.ask(polar.CONTROL, start)[-1].ok
    small = Desk(name, mtu=100)
    assert [p.text for p in small.packets] == ["invalid MTU"]


@pytest.mark.parametrize(
    ("name", "ticks_per_s", "rate_hz"),
    [("movesense", 1e3, 52.0), ("polar-h10", 1e9, 50.0), ("polar-verity-sense", 1e9, 52.0)],
)
def test_the_clock_in_a_packet_is_that_of_its_first_sample_once_decoded(name, ticks_per_s, rate_hz):
    desk = Desk(name).run(5)
    stamps_s = np.array([p.counter for p in desk.samples("acc")]) / ticks_per_s
    firsts_s = np.array([e.samples[0][1] for e in desk.emissions if e.samples]) / rate_hz
    since_2000_s = (19 * 365 + 5) * 86400.0 if ticks_per_s == 1e9 else 0.0
    assert np.abs(stamps_s - since_2000_s - firsts_s).max() < 1.1e-3


def test_the_clock_of_a_polar_begins_in_2019_and_can_jump():
    desk = Desk("polar-h10").run(3)
    year_2000_ns = 31_536_000_000_000_000
    assert desk.samples("acc")[0].counter / year_2000_ns == pytest.approx(19.01, abs=0.01)
    before = desk.samples("acc")[-1].counter
    desk.provoke("clock_step", seconds=100).run(2)
    assert (desk.samples("acc")[-1].counter - before) * 1e-9 == pytest.approx(102, abs=1)


def test_polar_differences_are_packed_in_the_narrowest_width_that_fits():
    still = np.zeros((36, 3), np.int32)
    assert len(polar.pack_differences(still)) == 6 + (2 + 7) + (2 + 7)
    wild = np.tile([[8000], [-8000]], (18, 3)).astype(np.int32)
    assert len(polar.pack_differences(wild)) + 10 <= 229


def test_a_profile_sensor_goes_on_with_its_session_after_a_lost_link():
    desk = Desk("profile-v1").run(2)
    desk.sensor.disconnected(desk.now_s)
    desk.now_s += 30
    desk.connect().run(2)
    assert {p.session for p in desk.samples()} == {1}
    jump = np.diff([p.counter for p in desk.samples()]).max()
    assert jump == pytest.approx(30_000, abs=400)
    other = desk.ask(profile.CONTROL, profile.start((StreamId.EMG,)))
    assert other[0].payload == b"\2\0"


def test_a_profile_sensor_answers_as_its_document_says():
    desk = Desk("profile-v1").run(3)
    session = desk.samples()[0].session
    sync = desk.ask(profile.CONTROL, profile.time_sync(123))[0]
    assert sync.payload[:8] == (123).to_bytes(8, "little")
    first = desk.ask(profile.CONTROL, profile.replay(session, StreamId.EMG, 0, 500), 0.0)
    second = desk.ask(profile.CONTROL, profile.replay(session, StreamId.EMG, 0, 500), 1.0)
    assert [r.request for r in first + second] == [4, 4, Opcode.REPLAY_DONE]
    assert [r.ok for r in first + second] == [True, False, True]
    assert desk.ask(profile.CONTROL, profile.acknowledge(session, StreamId.EMG, 1000))[0].ok
    gone = desk.ask(profile.CONTROL, profile.replay(session, StreamId.EMG, 0, 1000))[0]
    assert gone.text == ReplyStatus.NOT_STORED.name.lower().replace("_", " ")
    assert not desk.ask(profile.CONTROL, profile.acknowledge(session, StreamId.EMG, 10**6))[0].ok
    assert not desk.ask(profile.CONTROL, b"\x09")[0].ok
    assert not desk.ask(profile.CONTROL, b"\x06XXXX")[0].ok
    assert desk.ask(profile.CONTROL, profile.stop())[0].payload == session.to_bytes(2, "little")
    assert not desk.ask(profile.CONTROL, profile.stop())[0].ok
    assert not desk.ask(profile.CONTROL, profile.time_sync(1))[0].ok


def test_what_a_profile_sensor_says_is_lost_is_lost():
    desk = Desk("profile-v1", source=Given(np.zeros((1, 1)), np.zeros((3, 1)))).run(2)
    desk.provoke("adc_overrun", seconds=0.25).run(2)
    flagged = [p for p in desk.samples() if p.flags & SampleFlag.GAP_BEFORE]
    assert len(flagged) == 1
    assert desk.lost("emg", LossCause.OVERRUN).size == 250
    status = desk.decoder.decode(profile.STATUS, desk.sensor.read(profile.STATUS, desk.now_s))[0]
    assert [s.dropped for s in status.streams] == [250, 12]


def test_contact_saturation_clock_button_charger_and_battery_of_a_profile_sensor_are_told():
    desk = Desk("profile-v1", source=Given(np.ones((1, 1)), np.zeros((3, 1)))).run(1)
    desk.provoke("lead_off").run(1).provoke("contact").run(1)
    assert [bool(p.flags & SampleFlag.LEAD_OFF) for p in desk.samples()[-3:]] == [False] * 3
    off = [p for p in desk.samples() if p.flags & SampleFlag.LEAD_OFF]
    assert len(off) == pytest.approx(9, abs=2)
    assert all(p.flags & SampleFlag.SATURATED for p in off[1:-1])
    told = [s.lead_off for p in desk.packets if isinstance(p, DeviceStatus) for s in p.streams[:1]]
    assert told[-2:] == [(0,), ()]
    desk.provoke("clock_step", seconds=5).run(1)
    assert [p.flags & SampleFlag.CLOCK_STEP for p in desk.samples()].count(
        SampleFlag.CLOCK_STEP
    ) == 1
    desk.provoke("button", code=2).run(0.1)
    assert any(getattr(p, "code", None) == 2 for p in desk.packets)
    desk.provoke("charging").run(0.1)
    assert desk.packets[-1].charging or desk.packets[-2].charging
    desk.provoke("battery", percent=2).run(1)
    assert desk.sensor.on
    before = len(desk.samples())
    desk.run(2)
    assert len(desk.samples()) == before
    assert not desk.sensor.on


def test_a_full_memory_overwrites_the_oldest_and_counts_it():
    desk = Desk("profile-v1", backlog_s=60).run(5)
    desk.sensor.disconnected(desk.now_s)
    desk.now_s += 100
    desk.connect().run(1)
    overwritten = desk.lost("emg", LossCause.OVERWRITTEN)
    assert overwritten.size == pytest.approx(41_000, abs=1500)
    status = desk.decoder.decode(profile.STATUS, desk.sensor.read(profile.STATUS, desk.now_s))[0]
    assert status.storage_percent == 100
    assert status.streams[0].dropped == overwritten.size
    assert status.streams[0].following - status.streams[0].oldest == 60_000
    desk.provoke("memory_fault")
    session = desk.samples()[0].session
    answer = desk.ask(profile.CONTROL, profile.replay(session, StreamId.EMG, 0, 0))[-1]
    assert answer.text == "storage fault"


def test_a_profile_sensor_without_memory_loses_what_it_cannot_send():
    desk = Desk("profile-v1", backlog_s=0).run(2)
    desk.sensor.disconnected(desk.now_s)
    desk.now_s += 10
    desk.connect().run(1)
    assert desk.lost("emg", LossCause.DISCONNECTED).size == pytest.approx(10_100, abs=250)
    assert not desk.lost("emg", LossCause.OVERWRITTEN).size
    session = desk.samples()[0].session
    assert (
        desk.ask(profile.CONTROL, profile.replay(session, StreamId.EMG, 0, 0))[0].text
        == "not stored"
    )


# Everything that all of them must do.


@pytest.mark.parametrize("name", NAMES)
def test_a_small_mtu_cuts_notifications_and_nothing_cut_counts_as_sent(name):
    desk = Desk(name, mtu=23).run(2)
    assert all(len(e.payload) <= 20 for e in desk.emissions)
    kind = next(iter(FRONT_ENDS[name]))
    if name in ("npg-lite-band", "umyo", "npg-lite-6ch"):
        assert desk.lost(kind, LossCause.CUT).size
        assert not desk.carried(kind).size


@pytest.mark.parametrize("name", NAMES)
def test_a_battery_that_is_out_ends_everything_at_once(name):
    desk = Desk(name).run(3).provoke("battery_out")
    before = len(desk.emissions)
    assert not desk.sensor.on
    assert not desk.sensor.linked
    assert len(desk.run(5).emissions) == before
    with pytest.raises(AttRefusal):
        desk.sensor.read(next(c.uuid for s in desk.sensor.services for c in s.characteristics), 9.0)


@pytest.mark.parametrize("name", [name for name in NAMES if "emg" in FRONT_ENDS[name]])
def test_a_lead_that_is_off_and_an_input_that_saturates_show_in_the_values(name):
    front = FRONT_ENDS[name]["emg"]
    desk = Desk(name).run(2)
    since = len(desk.packets)
    desk.provoke("lead_off", seconds=2, channel=0).run(1.5)
    top = desk.values(since=since)[0, 200:250]
    assert (top >= front.high - front.step).all()
    desk.run(3)
    assert desk.values()[0, -50:].min() < front.high - front.step
    if name == "ganglion-fw2":
        return  # Its differences do not follow from rail to rail.
    since = len(desk.packets)
    desk.provoke("saturation", seconds=2, gain=1e6).run(1.9)
    assert np.unique(desk.values(since=since)[-1, 200:300]).size <= 3


@pytest.mark.parametrize("name", NAMES)
def test_what_a_sensor_cannot_have_is_refused_in_words(name):
    desk = Desk(name)
    with pytest.raises(UsageError, match="battery_out"):
        desk.provoke("earthquake")
    with pytest.raises(UsageError):
        desk.provoke("battery")
    with pytest.raises(UsageError):
        desk.provoke("battery", percent=float("nan"))
    assert {"battery", "battery_out", "reboot"} <= set(desk.sensor.faults)


def test_requests_that_no_table_allows_are_refused_with_their_code():
    desk = Desk("myo")
    for call, code in (
        (lambda: desk.sensor.read("nowhere", 2.0), AttError.ATTRIBUTE_NOT_FOUND),
        (lambda: desk.sensor.read(myo.COMMAND, 2.0), AttError.READ_NOT_PERMITTED),
        (lambda: desk.sensor.write(myo.IMU, b"", 2.0), AttError.WRITE_NOT_PERMITTED),
        (lambda: desk.sensor.subscribed(myo.INFO, True, 2.0), AttError.REQUEST_NOT_SUPPORTED),
        (lambda: desk.sensor.write(myo.COMMAND, b"\x01\x09", 2.0), AttError.INVALID_LENGTH),
    ):
        with pytest.raises(AttRefusal) as refusal:
            call()
        assert refusal.value.code is code
    with pytest.raises(AttRefusal):
        Desk("profile-v1", connect=False).sensor.read(profile.INFO, 1.0)


def operations(name):
    """Anything a host, a link or a fault script may do."""
    spec = DEVICES[name]
    sensor = EMULATED[name](index_source(name))
    uuids = [c.uuid for service in sensor.services for c in service.characteristics]
    writes = [s for s in spec.setup if not isinstance(s, Subscribe | Read)]
    right = st.sampled_from([(s.characteristic, s.payload) for s in writes] or [(uuids[0], b"")])
    kinds = st.sampled_from(sorted(sensor.faults))
    numbers = st.dictionaries(
        st.sampled_from(["seconds", "percent", "channel", "value", "number", "length", "code"]),
        st.one_of(st.integers(-3, 200), st.floats(-1, 100)),
        max_size=2,
    )
    return st.lists(
        st.one_of(
            st.tuples(st.just("due"), st.integers(0, 12)),
            st.tuples(st.just("due"), st.integers(0, 12)),
            st.tuples(st.just("setup"), st.sampled_from([23, 64, 247])),
            st.tuples(st.just("disconnect"), st.none()),
            st.tuples(st.just("write"), right),
            st.tuples(st.just("write"), st.tuples(st.sampled_from(uuids), st.binary(max_size=24))),
            st.tuples(st.just("subscribe"), st.tuples(st.sampled_from(uuids), st.booleans())),
            st.tuples(st.just("read"), st.sampled_from(uuids)),
            st.tuples(st.just("provoke"), st.tuples(kinds, numbers)),
        ),
        max_size=40,
    )


def operate(desk, what, with_what):
    sensor = desk.sensor
    do = {
        "due": lambda: desk.emissions.extend(sensor.due(desk.now_s, with_what)),
        "setup": lambda: set_up(desk, with_what),
        "disconnect": lambda: sensor.disconnected(desk.now_s),
        "write": lambda: sensor.write(*with_what, desk.now_s),
        "subscribe": lambda: sensor.subscribed(*with_what, desk.now_s),
        "read": lambda: sensor.read(with_what, desk.now_s),
        "provoke": lambda: sensor.provoke(with_what[0], desk.now_s, **with_what[1]),
    }
    do[what]()


def set_up(desk, mtu):
    desk.sensor.connected(desk.now_s, mtu)
    for step in desk.spec.setup:
        if isinstance(step, Subscribe):
            desk.sensor.subscribed(step.characteristic, True, desk.now_s)
        elif isinstance(step, Read):
            desk.sensor.read(step.characteristic, desk.now_s)
        else:
            desk.sensor.write(step.characteristic, step.payload, desk.now_s)
        desk.now_s += 0.2


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_is_done_to_a_sensor_each_sample_is_sent_or_told_as_lost(name, data):
    desk = Desk(name, connect=False)
    for what, with_what in data.draw(operations(name)):
        desk.now_s += data.draw(st.sampled_from([0.0, 0.003, 0.05, 0.7, 15.0]))
        try:
            operate(desk, what, with_what)
        except (AttRefusal, UsageError):
            continue
    desk.now_s += 1
    desk.sensor.provoke("battery_out", desk.now_s)
    desk.sensor.provoke("battery", desk.now_s, percent=100)
    desk.sensor.reboot(desk.now_s)
    erase(desk)
    for kind in FRONT_ENDS[name]:
        lost, sent = desk.lost(kind).tolist(), desk.carried(kind).tolist()
        assert len(set(lost)) == len(lost)
        assert len(set(sent)) == len(sent) or name == "profile-v1"
        assert not set(lost) & set(sent)
        every = set(lost) | set(sent)
        assert every == set(range(len(every)))


def erase(desk):
    """What a sensor of the profile still keeps is given up at last."""
    if desk.sensor.device == "profile-v1":
        desk.sensor.connected(desk.now_s, 247)
        desk.sensor.subscribed(profile.CONTROL, True, desk.now_s)
        desk.sensor.write(profile.CONTROL, profile.erase(), desk.now_s)


# Sources.


@pytest.mark.parametrize("name", NAMES)
def test_an_index_source_gives_the_same_answer_in_any_piece(name):
    source = index_source(name, seed=4)
    for kind, front in FRONT_ENDS[name].items():
        whole = source.counts(kind, 1000, 700)
        pieces = [source.counts(kind, 1000 + 70 * i, 70) for i in range(10)]
        assert np.array_equal(np.hstack(pieces), whole)
        assert whole.shape[0] == front.channels
        assert whole.min() >= front.low
        assert whole.max() <= front.high
        assert not np.any(np.all(whole[:, 1:] == whole[:, :-1], axis=0))
        other = index_source(name, seed=5).counts(kind, 1000, 700)
        assert not np.array_equal(other, whole)


def test_differences_of_an_index_source_carry_their_sign_in_the_last_bit():
    front = ganglion.FIRMWARE_2["emg"]
    values = IndexSource(ganglion.FIRMWARE_2).counts("emg", 77, 4000)
    steps = values[:, :-1] - values[:, 1:]
    assert np.array_equal(steps & 1, (steps < 0).astype(int))
    assert np.abs(steps).max() <= front.differences


def test_a_night_of_the_same_rate_is_given_count_for_count():
    front = FRONT_ENDS["profile-v1"]
    counts = np.random.default_rng(3).integers(-32768, 32768, (1, 5000)).astype(np.int32)
    night = {
        "emg": Sampled((counts * front["emg"].unit).astype(np.float32), 1000.0),
        "acc": Sampled(np.tile([[0.0], [0.0], [1.0]], 50).astype(np.float32), 50.0),
    }
    source = ArraySource(front, night)
    assert np.array_equal(source.counts("emg", 0, 5000), counts)
    assert np.array_equal(source.counts("emg", 4990, 20), counts[:, np.arange(4990, 5010) % 5000])
    assert source.counts("acc", 3, 1).tolist() == [[0], [0], [8192]]


@pytest.mark.parametrize("name", ["umyo", "myo", "npg-lite-6ch", "ganglion-fw3"])
def test_a_night_of_another_rate_is_resampled_without_folding(name):
    front = FRONT_ENDS[name]["emg"]
    t, n = np.arange(20_000) / 2000.0, round(front.rate_hz)
    volts = 60 * front.step * front.unit

    def night(tone_hz):
        tone = (volts * np.sin(2 * np.pi * tone_hz * t))[None].astype(np.float32)
        return ArraySource({"emg": front}, {"emg": Sampled(tone, 2000.0)})

    got = night(40).counts("emg", 2 * n, n)
    asked_s = (2 * n + np.arange(n)) / front.rate_hz
    expected = volts * np.sin(2 * np.pi * 40 * asked_s) / front.unit + front.offset
    assert got.shape[0] == front.channels
    assert np.abs(got - expected).max() <= 0.7 * front.step
    one_by_one = np.hstack([night(40).counts("emg", 2 * n + i, 1) for i in range(0, n, 50)])
    assert np.array_equal(one_by_one, got[:, ::50])
    assert np.abs(night(900).counts("emg", n, n) - front.offset).max() <= front.step


def test_a_night_without_a_needed_stream_is_refused_and_gaps_in_it_are_zero():
    with pytest.raises(UsageError, match="acc"):
        ArraySource(FRONT_ENDS["umyo"], {"emg": Sampled(np.zeros((1, 9), np.float32), 500.0)})
    front = FRONT_ENDS["npg-lite-3ch"]
    gap = Sampled(np.full((1, 100), np.nan, np.float32), 500.0)
    assert set(ArraySource(front, {"emg": gap}).counts("emg", 0, 100).ravel()) == {2048}
