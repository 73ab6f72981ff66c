"""An emulated sensor, its decoder and its clock: every sample comes back at its own place.

The link is a pure model of the measured one: a connection event every 45 ms (less for those sensors
that need it), everything in flight arrives or, one time in twenty, waits for the next event.
"""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_bridge import (
    DEVICES,
    Anomaly,
    Gap,
    IndexTracker,
    Placed,
    Read,
    Reject,
    RejectReason,
    Resume,
    SampleFlag,
    Samples,
    StreamSpec,
    Subscribe,
    Write,
    profile,
)
from firmware_bridge.emulator.devices import EMULATED, FRONT_ENDS, index_source
from firmware_bridge.emulator.sensor import LossCause
from firmware_bridge.profile import StreamId

NAMES = sorted(DEVICES)
START_S = 5000.0
LIMIT_S = 0.020
INTERVAL_S = {"umyo": 0.0075, "myo": 0.015, "ganglion-fw2": 0.015, "ganglion-fw3": 0.015}
# Firmware 3 of the Ganglion leaves out one sample in 201; ACC is sent once in ten packets.
SEEN = {
    ("ganglion-fw3", "emg"): 200 / 201,
    ("ganglion-fw3", "acc"): 200 / 201,
    ("ganglion-fw2", "acc"): 200 / 201,
}
SETTLING = {RejectReason.SETTLING, RejectReason.NO_BASELINE}


class Bedside:
    """A host beside an emulated sensor: it sets it up, hears it, decodes and places."""

    def __init__(self, name, *, ppm=0.0, seed=1, retransmission=0.05, source=None, **options):
        self.spec = DEVICES[name]
        self.source = index_source(name, seed) if source is None else source
        self.sensor = EMULATED[name](self.source, ppm, **options)
        self.decoder = self.spec.decoder()
        self.trackers = {stream.kind: IndexTracker(stream) for stream in self.spec.streams}
        self.outcomes = defaultdict(list)
        self.truth = {}
        self.delivered = defaultdict(list)
        self.emitted = 0
        self.rejects = []
        self.replies = []
        self.now_s = 0.0
        self._interval_s = INTERVAL_S.get(name, 0.045)
        self._flight = []
        self._random = np.random.default_rng(seed)
        self._retransmission = retransmission
        self._event_s = 0.0

    def connect(self):
        """Connect and follow the device's set-up step by step."""
        self.sensor.connected(self.now_s, min(517, self.sensor.mtu))
        self.decoder.reset()
        for tracker in self.trackers.values():
            tracker.link_lost()
        have = {c.uuid for service in self.sensor.services for c in service.characteristics}
        for step in self.spec.setup:
            if step.characteristic in have:
                self._do(step)
            else:
                assert step.optional, step
        return self

    def _do(self, step):
        if isinstance(step, Subscribe):
            self.sensor.subscribed(step.characteristic, True, self.now_s)
        elif isinstance(step, Read):
            self._hear(step.characteristic, self.sensor.read(step.characteristic, self.now_s), ())
        else:
            self.sensor.write(step.characteristic, step.payload, self.now_s)
        self.run(max(getattr(step, "pause_s", 0.0), 0.05))

    def run(self, seconds, *, fade=False):
        """Let time pass; in a fade nothing gets through, but the link holds."""
        stop_s = self.now_s + seconds
        while self._event_s <= stop_s:
            self.now_s = max(self._event_s, self.now_s)
            room = self.sensor.in_flight - len(self._flight)
            self._flight += self.sensor.due(self.now_s, room)
            if not fade and self._random.random() >= self._retransmission:
                self._deliver()
            self._event_s += self._interval_s
        self.now_s = stop_s
        return self

    def disconnect(self, *, for_s):
        """The link breaks; what was in flight is gone."""
        self.sensor.disconnected(self.now_s)
        self._flight.clear()
        self.run(for_s, fade=True)
        assert not self._flight
        return self

    def finish(self):
        for kind, tracker in self.trackers.items():
            self.outcomes[kind] += tracker.flush()
        return self

    def _deliver(self):
        for emission in self._flight:
            self._hear(emission.characteristic, emission.payload, emission.samples)
        self._flight.clear()

    def _hear(self, characteristic, payload, carried):
        self.emitted += 1
        arrival_ns = round((START_S + self.now_s + self._random.uniform(0, 5e-4)) * 1e9)
        true = {
            kind: np.concatenate([np.arange(f, f + n) for k, f, n in carried if k == kind])
            for kind in {kind for kind, _, _ in carried}
        }
        for packet in self.decoder.decode(characteristic, payload):
            if isinstance(packet, StreamSpec):
                self.trackers.setdefault(packet.kind, IndexTracker(packet))
            elif isinstance(packet, Samples):
                kind = packet.stream
                numbers, true[kind] = true[kind][: packet.n], true[kind][packet.n :]
                self.truth[id(packet)] = packet, numbers
                self.delivered[kind].append(numbers)
                self.outcomes[kind] += self.trackers[kind].push(packet, arrival_ns)
            elif isinstance(packet, Reject):
                self.rejects.append((packet, carried))
            else:
                self.replies.append(packet)

    def placed(self, kind):
        """Index given, true numbers and values of every notification that was placed."""
        return [
            (outcome.index, self.truth[id(outcome.samples)][1], outcome.samples.values)
            for outcome in self.outcomes[kind]
            if isinstance(outcome, Placed)
        ]

    def gaps(self, kind):
        return [outcome for outcome in self.outcomes[kind] if isinstance(outcome, Gap)]

    def lost(self, kind, *causes):
        """True numbers the sensor gave up, for these causes or any."""
        runs = [
            np.arange(x.first, x.first + x.n)
            for x in self.sensor.lost
            if x.stream == kind and (not causes or x.cause in causes)
        ]
        return np.concatenate([*runs, np.zeros(0, int)])

    def on_grid(self, kind, true):
        """Place of true numbers on the grid that a host can see."""
        return true * SEEN.get((self.spec.name, kind), 1.0)


def check_values(bed):
    """What was decoded is what was measured."""
    for kind in bed.outcomes:
        for _, true, values in bed.placed(kind):
            first = int(true[0])
            measured = bed.source.counts(kind, first, int(true[-1]) - first + 1)
            assert np.array_equal(values, measured[:, true - first])


def check_places(bed, kind, tolerance_s=0.0):
    """Samples stand where they were taken, relative to the first; or one beside, if some skip."""
    placed = bed.placed(kind)
    index = np.concatenate([i + np.arange(len(true)) for i, true, _ in placed])
    seen = bed.on_grid(kind, np.concatenate([true for _, true, _ in placed]))
    off = (index - index[0]) - (seen - seen[0])
    one = 1.01 * ((bed.spec.name, kind) in SEEN)
    assert np.abs(off).max() <= tolerance_s * FRONT_ENDS[bed.spec.name][kind].rate_hz + one


def check_complete(bed, kind):
    """Between the first and the last sample nothing is missing that nobody told of."""
    came = np.concatenate(bed.delivered[kind])
    first, last = came.min(), came.max()
    told = [bed.lost(kind)]
    told += [
        np.arange(f, f + n)
        for reject, carried in bed.rejects
        if reject.reason in SETTLING
        for k, f, n in carried
        if k == kind
    ]
    every = np.concatenate([came, *told])
    every = every[(every >= first) & (every <= last)]
    assert len(set(came.tolist())) == len(came)
    assert set(every.tolist()) == set(range(first, last + 1))


def anomalies(bed):
    return [o for kind in bed.outcomes for o in bed.outcomes[kind] if isinstance(o, Anomaly)]


def test_every_device_has_its_emulated_sensor():
    assert set(EMULATED) == set(DEVICES) == set(FRONT_ENDS)
    for name, make in EMULATED.items():
        assert make(index_source(name)).device == name


@pytest.mark.parametrize("name", NAMES)
def test_an_emulated_sensor_is_found_and_has_what_its_device_needs(name):
    spec, sensor = DEVICES[name], EMULATED[name](index_source(name))
    advertisement = sensor.advertisement
    by_hand = spec.name_pattern is None and not spec.service_is_enough
    assert spec.matches(advertisement.name, advertisement.services) or by_hand
    assert sensor.mtu >= spec.mtu_min
    properties = {c.uuid: c.properties for s in sensor.services for c in s.characteristics}
    assert spec.service in {service.uuid for service in sensor.services}
    for step in spec.setup:
        can = properties.get(step.characteristic, frozenset())
        needed = {
            Subscribe: {"notify", "indicate"},
            Read: {"read"},
            Write: {"write", "write-without-response"},
        }[type(step)]
        assert can & needed or step.optional


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ppm", [100.0, -100.0])
def test_set_up_step_by_step_it_streams_and_every_sample_comes_back_in_its_place(name, ppm):
    bed = Bedside(name, ppm=ppm).run(3.21).connect().run(25).finish()
    assert not anomalies(bed)
    assert {reject.reason for reject, _ in bed.rejects} <= {*SETTLING, RejectReason.KIND}
    check_values(bed)
    for kind in FRONT_ENDS[name]:
        assert len(bed.placed(kind)) > 10
        check_places(bed, kind)
        check_complete(bed, kind)
        assert not bed.gaps(kind)


@pytest.mark.parametrize("name", NAMES)
def test_the_set_up_is_understood_and_nothing_is_refused(name):
    bed = Bedside(name).connect().run(1)
    assert all(getattr(reply, "ok", True) for reply in bed.replies)


def tolerance_s(name, kind):
    """How well samples are placed after a drop-out: exactly, by the sensor's clock, or by ours."""
    stream = next((s for s in DEVICES[name].streams if s.kind == kind), None)
    if stream is None or (stream.counter and stream.counter.continues):
        ticks = stream is not None and stream.counter.tick_hz is not None
        return 1.01 / stream.rate_hz if ticks else 0.0
    # A sample of ACC more or less, or 40 ms of the Myo's turn.
    return max(LIMIT_S, 1.01 / stream.rate_hz, 0.04 if name == "myo" else 0.0)


@pytest.mark.parametrize("name", NAMES)
def test_after_drop_outs_every_sample_stands_where_it_was_taken(name):
    bed = Bedside(name, ppm=60.0, seed=5).run(2.3).connect().run(50)
    bed.disconnect(for_s=1.3).connect().run(8).disconnect(for_s=47.7).connect().run(8).finish()
    check_values(bed)
    for kind in FRONT_ENDS[name]:
        check_places(bed, kind, tolerance_s(name, kind))
        if bed.spec.resume is Resume.NONE:
            assert set(bed.lost(kind, LossCause.DISCONNECTED, LossCause.STOPPED))
        long_gaps = [gap for gap in bed.gaps(kind) if gap.n > FRONT_ENDS[name][kind].rate_hz]
        assert len(long_gaps) == 2


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**20),
    ppm=st.floats(-200, 200),
    before_s=st.floats(0, 20),
    legs=st.lists(st.tuples(st.floats(1, 6), st.floats(0, 1.5), st.floats(0.1, 8)), max_size=3),
)
def test_whatever_the_link_does_what_arrives_is_what_was_measured(name, seed, ppm, before_s, legs):
    bed = Bedside(name, ppm=ppm, seed=seed).run(before_s)
    for streaming_s, fade_s, away_s in legs:
        bed.connect().run(streaming_s).run(fade_s, fade=True).run(1.0).disconnect(for_s=away_s)
    bed.connect().run(2).finish()
    check_values(bed)
    for kind in bed.delivered:
        true = np.concatenate(bed.delivered[kind])
        assert len(set(true.tolist())) == len(true)
        assert not set(true.tolist()) & set(bed.lost(kind).tolist())


@pytest.mark.parametrize("name", ["movesense", "polar-h10", "polar-verity-sense"])
@pytest.mark.parametrize(("ppm", "clock_error"), [(100, 100), (-100, 100), (5000, -30)])
def test_gaps_are_told_to_a_sample_though_the_clock_in_the_packets_is_wrong(name, ppm, clock_error):
    bed = Bedside(name, ppm=ppm, clock_error=clock_error).connect().run(120)
    bed.disconnect(for_s=600).connect().run(20).disconnect(for_s=1).connect().run(20).finish()
    check_values(bed)
    check_places(bed, "acc", 1.01 / bed.spec.streams[0].rate_hz)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "ppm"), [("polar-h10", 100), ("polar-verity-sense", -100)])
def test_over_eight_hours_acceleration_and_its_gaps_are_placed_within_20_ms(name, ppm):
    bed = Bedside(name, ppm=ppm, clock_error=-ppm).connect().run(600)
    for gap_s in (1.0, 2.0, 3.7, 10.0, 33.0, 60.0, 127.0, 300.0, 600.0):
        bed.disconnect(for_s=gap_s).connect().run(2900)
    bed.finish()
    check_values(bed)
    check_places(bed, "acc", LIMIT_S)
    assert len(bed.gaps("acc")) == 9
    assert not anomalies(bed)
    placed = bed.placed("acc")
    rate_hz = bed.spec.streams[0].rate_hz * (1 + ppm * 1e-6)
    truth_s = START_S + np.array([true[0] for _, true, _ in placed]) / rate_hz
    told_s = bed.trackers["acc"].clock.times_of(np.array([index for index, _, _ in placed], float))
    assert np.abs(told_s - truth_s).max() < LIMIT_S
    assert bed.now_s > 7.5 * 3600


def replay_missing(bed):
    """What a host does about the backlog: ask for what is missing until nothing is."""
    while bed.trackers["emg"].missing or bed.trackers["acc"].missing:
        for kind, tracker in bed.trackers.items():
            for gap in tracker.missing:
                stream = StreamId.EMG if kind == "emg" else StreamId.ACC
                n_replies = len(bed.replies)
                ask = profile.replay(gap.session, stream, gap.first, gap.n)
                bed.sensor.write(profile.CONTROL, ask, bed.now_s)
                while len(bed.replies) < n_replies + 2:
                    bed.run(0.5)
                answer, done = bed.replies[n_replies : n_replies + 2]
                assert answer.ok
                assert done.request == profile.Opcode.REPLAY_DONE
                tracker.give_up(gap)


@pytest.mark.parametrize("encoding", list(profile.Encoding))
def test_a_sensor_of_the_profile_loses_nothing_through_fades_drop_outs_and_a_reboot(encoding):
    source = Quiet() if encoding is not profile.Encoding.INT16 else None
    bed = Bedside("profile-v1", ppm=40.0, source=source, encoding=encoding)
    bed.connect().run(10).run(4, fade=True).run(5).disconnect(for_s=30).connect().run(5)
    bed.disconnect(for_s=3).connect().run(5)
    replay_missing(bed)
    bed.run(5).finish()
    check_values(bed)
    for kind in ("emg", "acc"):
        assert not bed.lost(kind, *(set(LossCause) - {LossCause.STOPPED})).size
        check_places(bed, kind)
        came = np.sort(np.concatenate([true for _, true, _ in bed.placed(kind)]))
        in_order = [true[0] for i, true, _ in bed.placed(kind)]
        assert np.array_equal(came, np.arange(in_order[0], in_order[0] + len(came)))


class Quiet:
    """Small steps, so that every encoding fits."""

    def counts(self, stream, first, n):
        index = np.arange(first, first + n)
        rows = 1 if stream == "emg" else 3
        return np.vstack([(index * (7 + row)) % 100 for row in range(rows)]).astype(np.int32)


def test_after_a_reboot_the_last_session_can_still_be_had():
    bed = Bedside("profile-v1").connect().run(20)
    bed.disconnect(for_s=10).sensor.reboot(bed.now_s)
    bed.run(3).connect().run(20)
    replay_missing(bed)
    bed.finish()
    check_values(bed)
    lost = bed.lost("emg", LossCause.REBOOT, LossCause.STOPPED)
    came = np.concatenate([true for _, true, _ in bed.placed("emg")])
    assert set(range(came.min(), came.max())) <= set(came.tolist()) | set(lost.tolist())
    assert len(bed.lost("emg", LossCause.REBOOT)) == pytest.approx(3750, abs=600)
    late = [o for o in bed.outcomes["emg"] if isinstance(o, Placed) and o.late]
    assert late
    assert all(o.samples.flags & SampleFlag.BACKLOG for o in late)
