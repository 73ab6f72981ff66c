"""Whatever the link does, nothing that the sensor still had is missing in the end."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import (
    DEVICES,
    Assembler,
    BacklogRequests,
    GapCause,
    MissingStretch,
    Notification,
    SampleFlag,
    Stretch,
    Subscribe,
    Write,
    profile,
)
from firmware_bridge.emulator import EMULATED, index_source
from firmware_bridge.profile import Opcode, ReplyStatus, StreamId

RATE_HZ = {StreamId.EMG: 1000, StreamId.ACC: 50}
FRAME = {StreamId.EMG: 100, StreamId.ACC: 25}
CHANNELS = {StreamId.EMG: 1, StreamId.ACC: 3}
KINDS = {StreamId.EMG: "emg", StreamId.ACC: "acc"}
STEP_S = 0.1
START_S = 100.0


def info(session):
    streams = tuple(
        profile.StreamInfo(
            stream,
            CHANNELS[stream],
            16,
            RATE_HZ[stream],
            1.0,
            0.0,
            0,
            0,
            profile.UnitCode.COUNT,
            False,
        )
        for stream in RATE_HZ
    )
    return profile.encode_info(profile.Info(session, 3600, streams))


@dataclass
class Sensor:
    """The least that a sensor of the profile must do; its link may be as bad as it likes.

    A sample's value is its number modulo 32768.
    """

    rng: np.random.Generator
    keeps_s: float = 3600.0
    lose_reply: float = 0.0
    lose_frame: float = 0.0
    shuffle: bool = False
    session: int = 7
    taken_s: float = 0.0
    linked: bool = True
    live_from: dict = field(default_factory=lambda: dict.fromkeys(RATE_HZ, 0))
    forgotten: dict = field(default_factory=lambda: dict.fromkeys(RATE_HZ, 0))
    replaying: list = field(default_factory=list)
    out: list = field(default_factory=list)
    acknowledged: list = field(default_factory=list)

    def run(self):
        """Take samples for a step; send live frames, and some of the backlog."""
        self.taken_s += STEP_S
        for stream, rate_hz in RATE_HZ.items():
            taken = round(self.taken_s * rate_hz)
            self.forgotten[stream] = max(
                self.forgotten[stream], taken - round(self.keeps_s * rate_hz)
            )
            while self.live_from[stream] + FRAME[stream] <= taken:
                first = self.live_from[stream]
                self.live_from[stream] += FRAME[stream]
                if self.linked:
                    self.send(profile.LIVE, self.frame(stream, first, FRAME[stream]))
        if self.linked:
            for _ in range(min(8, len(self.replaying))):
                self.replay_on()

    def replay_on(self):
        frame, *self.replaying = self.replaying
        if isinstance(frame, bytes):
            self.send(profile.CONTROL, frame, self.lose_reply)
        else:
            self.send(profile.BACKLOG, self.frame(*frame, SampleFlag.BACKLOG), self.lose_frame)

    def frame(self, stream, first, n, flags=SampleFlag.NONE):
        values = np.tile(np.arange(first, first + n) % 32768, (CHANNELS[stream], 1))
        return profile.encode_frame(
            profile.Frame(
                stream,
                flags,
                0,
                self.session,
                first,
                0,
                profile.Encoding.INT16,
                values.astype(np.int32),
            )
        )

    def send(self, characteristic, payload, loss=0.0):
        if self.rng.random() >= loss:
            self.out.append((characteristic, payload))

    def link_lost(self):
        self.linked = False
        self.replaying, self.out = [], []

    def write(self, payload):
        command = profile.decode_command(payload)
        answer = self.replay if command.opcode is Opcode.REPLAY else self.acknowledge
        status, data = answer(command, command.streams[0])
        reply = profile.encode_reply(profile.CommandReply(command.opcode, status, data))
        self.send(profile.CONTROL, reply, self.lose_reply)

    def acknowledge(self, command, stream):
        self.acknowledged.append((stream, command.first))
        self.forgotten[stream] = max(self.forgotten[stream], command.first)
        return ReplyStatus.OK, b""

    def replay(self, command, stream):
        if self.replaying:
            return ReplyStatus.BUSY, b""
        first = max(command.first, self.forgotten[stream])
        stop = command.first + command.count
        if command.session != self.session or first >= stop:
            return ReplyStatus.NOT_STORED, b""
        # Frames of another length than the live ones.
        n = min(FRAME[stream], 37)
        frames = [(stream, k, min(n, stop - k)) for k in range(first, stop, n)]
        if self.shuffle:
            self.rng.shuffle(frames)
        done = profile.replay(command.session, stream, command.first, stop - first)[1:]
        self.replaying = [
            *map(tuple, frames),
            profile.encode_reply(profile.CommandReply(Opcode.REPLAY_DONE, ReplyStatus.OK, done)),
        ]
        return ReplyStatus.OK, (stop - first).to_bytes(4, "little")


class Host:
    """A recorder without disk: what is durable lags behind by five seconds, or fails."""

    def __init__(self, sensor):
        self.sensor = sensor
        self.assembler = Assembler(DEVICES["profile-v1"])
        self.requests = BacklogRequests(self.assembler)
        self.items = []
        self.now_s = START_S
        self.arrived = []
        self.disk_stops_s = float("inf")

    @property
    def now_ns(self):
        return round(self.now_s * 1e9)

    def connect(self):
        self.sensor.linked = True
        self.items += self.assembler.connected(self.now_ns)
        self.requests.connected()
        self.push(profile.INFO, info(self.sensor.session))

    def lose(self):
        self.sensor.link_lost()
        self.items += self.assembler.lost(self.now_ns)

    def push(self, characteristic, payload):
        items = self.assembler.push(Notification(characteristic, self.now_ns, 0, payload))
        self.requests.push(items, self.now_ns)
        self.items += items
        if characteristic in (profile.LIVE, profile.BACKLOG):
            frame = profile.decode_frame(payload)
            n = frame.values.shape[1]
            self.arrived.append((self.now_s, frame.stream, frame.index, n))

    def step(self):
        self.now_s = round(self.now_s + STEP_S, 3)
        self.sensor.run()
        arrived, self.sensor.out = self.sensor.out, []
        for characteristic, payload in arrived:
            self.push(characteristic, payload)
        self.requests.durable(round(min(self.now_s - 5.0, self.disk_stops_s) * 1e9))
        if self.sensor.linked:
            write = self.requests.next_write(self.now_ns)
            if write is not None:
                self.check_acknowledged(write)
                self.sensor.write(write.payload)

    def check_acknowledged(self, write):
        """Nothing is given free that is not on disk."""
        command = profile.decode_command(write.payload)
        if command.opcode is Opcode.ACK:
            safe_s = min(round(self.now_s - 5.0, 3), self.disk_stops_s)
            safe = np.zeros(command.first, bool)
            for at_s, stream, first, n in self.arrived:
                if at_s <= safe_s and stream == command.streams[0]:
                    safe[first : first + n] = True
            begun = min(
                first for _, stream, first, _ in self.arrived if stream == command.streams[0]
            )
            still_there = np.arange(command.first) >= self.sensor.forgotten[command.streams[0]]
            still_there[:begun] = False
            assert safe[still_there].all()

    def run(self, seconds):
        for _ in range(round(seconds / STEP_S)):
            self.step()

    def have(self, stream):
        """Which samples of a stream are in the recording, by number."""
        have = np.zeros(round(self.sensor.taken_s * RATE_HZ[stream]), bool)
        for item in self.items:
            if isinstance(item, Stretch) and item.stream == KINDS[stream]:
                off = (item.counts[0] - item.start - np.arange(item.n) + 16384) % 32768 - 16384
                # ACC is kept in step with the EMG; the EMG is where it was counted.
                assert np.abs(off).max() <= 5 * stream
                have[item.start + np.arange(item.n) + off] = True
        return have[: len(have) - 2 * FRAME[stream]]

    def finish(self):
        self.items += self.assembler.finish()


def gaps_in(items, stream=None):
    """Missing stretches but for what fills the last second."""
    gaps = (i for i in items if isinstance(i, MissingStretch) and i.cause is not GapCause.ENDED)
    return [gap for gap in gaps if stream in (None, gap.stream)]


def host_of(seed=1, **faults):
    host = Host(Sensor(np.random.default_rng(seed), **faults))
    host.connect()
    return host


def drop_out(host, seconds):
    host.lose()
    host.run(seconds)
    host.connect()


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 1000),
    drop_outs=st.lists(st.tuples(st.floats(1, 20), st.floats(0.3, 12)), min_size=1, max_size=3),
    lose_reply=st.sampled_from([0.0, 0.3]),
    lose_frame=st.sampled_from([0.0, 0.1]),
    shuffle=st.booleans(),
)
def test_in_the_end_nothing_the_sensor_still_had_is_missing(
    seed, drop_outs, lose_reply, lose_frame, shuffle
):
    host = host_of(seed, lose_reply=lose_reply, lose_frame=lose_frame, shuffle=shuffle)
    host.run(35)
    for streamed_s, down_s in drop_outs:
        host.run(streamed_s)
        drop_out(host, down_s)
    for _ in range(100):
        host.run(20)
        if not host.assembler.missing:
            break
    host.finish()
    assert not host.assembler.missing
    assert host.have(StreamId.EMG).all()
    left_out = np.flatnonzero(~host.have(StreamId.ACC))
    assert (np.diff(left_out) > 1).all()
    assert {gap.cause for gap in gaps_in(host.items)} <= {GapCause.DRIFT, GapCause.NOT_SENT}


def test_what_the_sensor_has_no_longer_is_given_up_and_released():
    host = host_of(keeps_s=20.0)
    host.run(40)
    drop_out(host, 60.0)
    host.run(40)
    assert not host.assembler.missing
    gone = gaps_in(host.items, "emg")
    # It forgot what was older than 20 s when it was asked, some moments after the link was back.
    assert sum(i.n for i in gone) / 1000 == pytest.approx(40.0, abs=1.5)
    assert max(i.start + i.n for i in host.items if isinstance(i, Stretch)) > 130_000


def test_only_what_is_on_disk_is_given_free_and_nothing_beyond_a_gap():
    host = host_of()
    host.run(90)
    host.disk_stops_s = host.now_s
    host.run(200)
    assert host.sensor.acknowledged
    limit = 90 * 1000
    assert max(upto for stream, upto in host.sensor.acknowledged if stream == 0) <= limit
    host.disk_stops_s = float("inf")
    host.run(70)
    assert max(upto for stream, upto in host.sensor.acknowledged if stream == 0) > limit


def test_a_gap_that_is_not_filled_yet_holds_what_is_given_free():
    host = host_of()
    host.sensor.replay = lambda command, stream: (ReplyStatus.BUSY, b"")
    host.run(40)
    drop_out(host, 10.0)
    host.run(400)
    assert host.assembler.missing
    assert max(upto for stream, upto in host.sensor.acknowledged if stream == 0) <= 40_000


def test_one_command_waits_for_the_answer_to_the_other_and_silence_for_longer_each_time():
    host = host_of(lose_reply=1.0)
    asked = []
    host.sensor.write = lambda payload: asked.append((host.now_s, payload[0]))
    host.run(40)
    drop_out(host, 5.0)
    host.run(300)
    times = np.diff([at_s for at_s, _ in asked])
    assert times.min() > 11.9
    assert times.max() < 62.2
    assert len(asked) < 15


@pytest.mark.parametrize("has_it", [True, False])
def test_all_of_the_former_session_is_asked_for_once_if_nobody_knows_what_came(has_it):
    host = host_of()
    asked = []
    replay = host.sensor.replay

    def former(command, stream):
        if command.session == host.sensor.session:
            return replay(command, stream)
        asked.append((command.session, stream, command.first, command.count))
        if not has_it:
            return ReplyStatus.NOT_STORED, b""
        done = profile.replay(command.session, stream, 0, 1)[1:]
        reply = profile.CommandReply(Opcode.REPLAY_DONE, ReplyStatus.OK, done)
        host.sensor.replaying = [profile.encode_reply(reply)]
        return ReplyStatus.OK, b"\x01\x00\x00\x00"

    host.sensor.replay = former
    host.requests.want_former_session()
    host.run(40)
    drop_out(host, 5.0)
    host.run(60)
    assert asked == [(6, StreamId.EMG, 0, 0), (6, StreamId.ACC, 0, 0)]
    assert not host.assembler.missing


def test_a_sensor_without_replay_is_not_asked_again():
    host = host_of()
    refused = profile.CommandReply(Opcode.REPLAY, ReplyStatus.UNKNOWN_OPCODE)
    asked = []

    def refuse(payload):
        if payload[0] == Opcode.REPLAY:
            asked.append(payload)
            host.sensor.send(profile.CONTROL, profile.encode_reply(refused))

    host.sensor.write = refuse
    host.check_acknowledged = lambda write: None
    host.run(40)
    drop_out(host, 5.0)
    host.run(60)
    host.run(60)
    assert len(asked) <= len(RATE_HZ)
    assert not host.assembler.missing


class Emulated:
    """The emulated sensor and a host, without a radio between them."""

    def __init__(self):
        self.spec = DEVICES["profile-v1"]
        self.sensor = EMULATED["profile-v1"](index_source("profile-v1"), 50.0)
        self.assembler = Assembler(self.spec)
        self.requests = BacklogRequests(self.assembler)
        self.items = []
        self.now_s = 0.0

    @property
    def now_ns(self):
        return round(self.now_s * 1e9)

    def connect(self):
        self.sensor.connected(self.now_s, 247)
        self.items += self.assembler.connected(self.now_ns)
        self.requests.connected()
        for step in self.spec.setup:
            if isinstance(step, Write):
                self.sensor.write(step.characteristic, step.payload, self.now_s)
            elif isinstance(step, Subscribe):
                self.sensor.subscribed(step.characteristic, True, self.now_s)
            else:
                self.push(step.characteristic, self.sensor.read(step.characteristic, self.now_s))

    def push(self, characteristic, payload):
        items = self.assembler.push(Notification(characteristic, self.now_ns, 0, payload))
        self.requests.push(items, self.now_ns)
        self.items += items

    def run(self, until_s, room=8):
        """Go on in connection events of 50 ms; without `room` there is no link."""
        while self.now_s < until_s:
            self.now_s = round(self.now_s + 0.05, 6)
            for emission in self.sensor.due(self.now_s, room):
                self.push(emission.characteristic, emission.payload)
            self.requests.durable(self.now_ns - 5_000_000_000)
            write = self.requests.next_write(self.now_ns) if room else None
            if write is not None:
                self.sensor.write(write.characteristic, write.payload, self.now_s)

    def drop_out(self, until_s):
        self.sensor.disconnected(self.now_s)
        self.items += self.assembler.lost(self.now_ns)
        self.run(until_s, room=0)
        self.connect()


def test_the_emulated_sensor_of_the_profile_loses_nothing_but_what_it_gave_up():
    """The link is lost three times, once during a replay; the converter is overrun once."""
    night = Emulated()
    night.connect()
    for down_s, up_s in ((40.0, 60.0), (61.0, 75.0), (120.0, 150.0)):
        night.run(down_s)
        night.drop_out(up_s)
    night.run(200.0)
    night.sensor.provoke("adc_overrun", night.now_s, seconds=0.25)
    night.run(260.0)
    items = night.items + night.assembler.finish()
    assert not night.assembler.missing
    assert [gap.n for gap in gaps_in(items, "emg")] == [250]
    assert {lost.cause for lost in night.sensor.lost} <= {"converter_overrun", "stopped"}
