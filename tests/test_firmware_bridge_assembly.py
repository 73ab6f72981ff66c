"""Notifications become one recording: every sample once, in order, in its place, on one grid.

The sensors here send their samples' true numbers as values, over a link that was measured on a band
at a bedside machine: a connection event every 45 ms, bursts, geometric retransmissions.
"""

import copy
import struct
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import (
    DEVICES,
    AnomalyKind,
    Assembler,
    ClockFit,
    Companion,
    CounterSpec,
    DeviceSpec,
    GapCause,
    IndexTracker,
    Mark,
    Missing,
    MissingStretch,
    Notification,
    PlacedMark,
    Resume,
    SampleFlag,
    Samples,
    StreamAnomaly,
    StreamDeclared,
    StreamSpec,
    Stretch,
    profile,
)

HOUR = 3600
START_S = 5000.0
LIMIT_S = 0.020
WITH_PLACE = (AnomalyKind.REORDERED, AnomalyKind.OVERCOUNT)


def emg(rate_hz, counter, **keywords):
    return StreamSpec("emg", 1, rate_hz, counter=counter, **keywords)


def acc(rate_hz, counter=None, tolerance=0.3):
    return StreamSpec("acc", 3, rate_hz, rate_tolerance=tolerance, counter=counter)


FOREVER = CounterSpec(2**32, continues=True)
PROFILE = emg(1000.0, FOREVER)
NPG = emg(500.0, CounterSpec(256), silent_loss=True)
MYO = emg(200.0, CounterSpec(8), rate_tolerance=1e-3)
UMYO, UMYO_ACC = DEVICES["umyo"].streams
GANGLION = DEVICES["ganglion-fw3"].streams[0]
MOVESENSE = DEVICES["movesense"].streams[0]

HEAD = struct.Struct("<BBHqB")
PRESS = struct.pack("<BIH", 2, 12_345, 7)
NO_NUMBER = -1


class PlainDecoder:
    """Samples as they are, in a format of no real device."""

    def decode(self, characteristic, payload):
        if characteristic == "mark":
            return [Mark(*struct.unpack("<BIH", payload))]
        kind, flags, session, counter, channels = HEAD.unpack_from(payload)
        values = np.frombuffer(payload, np.int32, offset=HEAD.size).reshape(channels, -1)
        number = None if counter == NO_NUMBER else counter
        stream = "acc" if kind else "emg"
        return [Samples(stream, values, number, SampleFlag(flags), session or None)]

    def reset(self):
        pass


def device(*streams, resume=Resume.NONE):
    return DeviceSpec(
        name="plain",
        title="plain",
        service="plain",
        name_pattern=None,
        service_is_enough=False,
        mtu_min=23,
        setup=(),
        streams=streams,
        resume=resume,
        decoder=PlainDecoder,
    )


def notification(kind, values, at_s, counter=None, session=0, flags=0):
    number = NO_NUMBER if counter is None else counter
    head = HEAD.pack(kind == "acc", flags, session, number, values.shape[0])
    ns = round(at_s * 1e9)
    return Notification("samples", ns, ns + 10**18, head + values.astype(np.int32).tobytes())


def arrivals(ready_s, rng, interval_s=0.045, retransmission=0.05):
    """When notifications that were ready at `ready_s` reach the host, in order."""
    phase = rng.uniform(0, interval_s)
    tries = rng.geometric(1 - retransmission, len(ready_s))
    event = np.ceil((ready_s - phase) / interval_s) + tries - 1
    return phase + np.maximum.accumulate(event) * interval_s + rng.uniform(0, 5e-4, len(ready_s))


def night(sensed, seconds, *, gaps=(), restarts=False, lost=0.0, session=0, seed=1):
    """Records of a night.

    `sensed` names stream, samples per notification and true rate of each stream; `gaps` are onset
    and length of drop-outs, after which the device counts from 0 if it `restarts`; `lost` is the
    share of notifications lost one by one.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for which, (_, n, rate_hz) in enumerate(sensed):
        first = np.arange(int(seconds * rate_hz / n)) * n
        ready_s = START_S + (first + n - 1) / rate_hz
        rows += zip(ready_s.tolist(), [which] * len(first), first.tolist(), strict=True)
    rows.sort()
    ready_s = np.array([row[0] for row in rows])
    keep = rng.random(len(rows)) >= lost
    for onset, length in gaps:
        keep &= (ready_s <= START_S + onset) | (ready_s >= START_S + onset + length)
    at_s = np.maximum.accumulate(arrivals(ready_s[keep], rng))
    records = [("connected", round((START_S - 1) * 1e9))]
    base = [0] * len(sensed)
    breaks = [(START_S + onset, START_S + onset + length) for onset, length in gaps]
    for k, row in enumerate(np.flatnonzero(keep)):
        ready, which, first = rows[row]
        spec, n, rate_hz = sensed[which]
        while breaks and ready >= breaks[0][1]:
            down_s, up_s = breaks.pop(0)
            records.append(("lost", round((down_s + 0.4) * 1e9)))
            records.append(("connected", round((up_s - 0.05) * 1e9)))
            base = [None] * len(sensed) if restarts else base
        base[which] = first if base[which] is None else base[which]
        values = np.tile(np.arange(first, first + n), (spec.channels, 1))
        counter = number_of(spec.counter, first - base[which], rate_hz)
        records.append(notification(spec.kind, values, at_s[k], counter, session))
    return records


def number_of(counter, first, rate_hz):
    if counter is None:
        return None
    ticks = first if counter.tick_hz is None else round(first / rate_hz * counter.tick_hz)
    return ticks % counter.modulus


def tell(assembler, record):
    if isinstance(record, Notification):
        return assembler.push(record)
    name, monotonic_ns = record
    return getattr(assembler, name)(monotonic_ns)


def feed(assembler, records):
    items = [item for record in records for item in tell(assembler, record)]
    return items + assembler.finish()


def of(kind, items, stream=None):
    return [i for i in items if isinstance(i, kind) and (stream is None or i.stream == stream)]


def gaps_in(items, stream=None):
    """Missing stretches but for what fills the last second."""
    return [i for i in of(MissingStretch, items, stream) if i.cause is not GapCause.ENDED]


def grid(items, stream):
    """True number of the sample at each position, -1 where it is missing."""
    parts, end = [np.zeros(0, int)], 0
    for item in of((Stretch, MissingStretch), items, stream):
        assert item.start == end
        assert item.n > 0
        end += item.n
        here = item.counts[0] if isinstance(item, Stretch) else np.full(item.n, -1)
        parts.append(here)
    return np.concatenate(parts)


def rate_of(items, stream):
    (declared,) = of(StreamDeclared, items, stream)
    return declared.rate_hz


def off_s(items, stream, rate_hz):
    """How much too late each sample lies, in seconds of the device."""
    true = grid(items, stream)
    at = np.flatnonzero(true >= 0)
    return (at - true[at]) / rate_hz


def count_sent(records):
    return sum(
        (len(r.payload) - HEAD.size) // (4 * HEAD.unpack_from(r.payload)[4])
        for r in records
        if isinstance(r, Notification)
    )


def count_told(items):
    odd = [i.n for i in of(StreamAnomaly, items) if i.kind not in WITH_PLACE]
    return sum(i.n for i in of(Stretch, items)) + sum(odd)


GAPS = ((100, 1.0), (200, 10.0), (400, 3.7), (700, 600.0), (1500, 60.0))


@pytest.mark.parametrize("ppm", [100, -100])
def test_gaps_of_1_s_to_10_min_are_placed_within_20_ms(ppm):
    rate_hz = 500 * (1 + ppm * 1e-6)
    records = night([(NPG, 20, rate_hz)], 1700, gaps=GAPS, restarts=True)
    items = feed(Assembler(device(NPG)), records)
    assert np.abs(off_s(items, "emg", rate_hz)).max() < LIMIT_S
    gaps = gaps_in(items)
    assert [gap.cause for gap in gaps] == [GapCause.LINK] * len(GAPS)
    lengths = np.array([gap.n / rate_hz for gap in gaps])
    assert np.abs(lengths - [length for _, length in GAPS]).max() < LIMIT_S + 0.04
    assert all(LIMIT_S <= gap.error_s < 0.03 for gap in gaps)
    assert rate_of(items, "emg") == 500.0


def test_gaps_of_the_myo_are_placed_within_its_40_ms():
    rate_hz = 200 * (1 + 60e-6)
    records = night([(MYO, 2, rate_hz)], 900, gaps=((300, 7.3), (600, 90.0)))
    items = feed(Assembler(device(MYO)), records)
    assert np.abs(off_s(items, "emg", rate_hz)).max() <= 0.040
    # Both streams stop with the link and count anew: placed by time alone, stated to 20 ms.
    assert all(gap.error_s >= LIMIT_S for gap in gaps_in(items))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("counter", "hours"), [(FOREVER, 8), (None, 1)], ids=["numbered", "without-number"]
)
def test_acc_stays_within_one_sample_of_truth_over_8_h_with_200_ppm_between_the_clocks(
    counter, hours
):
    leading, other = emg(500.0, FOREVER), acc(50.0, counter, tolerance=1e-3)
    rates = 500 * (1 + 100e-6), 50 * (1 - 100e-6)
    sensed = [(leading, 114, rates[0]), (other, 38 if counter else 5, rates[1])]
    records = night(sensed, hours * HOUR, gaps=((1000, 30.0), (2000, 600.0)))
    assembler = Assembler(device(leading, other))
    items = feed(assembler, records)
    assert np.abs(off_s(items, "emg", rates[0])).max() == 0.0
    true = grid(items, "acc")
    at = np.flatnonzero(true >= 0)
    seconds = at / 50 * 500 / rates[0]
    assert np.abs(seconds - true[at] / rates[1]).max() * 50 <= 1.0
    drift = [i for i in gaps_in(items, "acc") if i.cause is GapCause.DRIFT]
    assert all(step.n == 1 for step in drift)
    assert len(drift) == pytest.approx((hours * HOUR - 630) * 50 * 200e-6, rel=0.1)
    assert abs(len(true) / 50 - len(grid(items, "emg")) / 500) < 0.02
    if counter:
        ppm = assembler.clocks["acc"].ppm - assembler.clocks["emg"].ppm
        assert ppm == pytest.approx(-200, abs=1)
    assert count_told(items) == count_sent(records)


def test_acc_of_a_faster_clock_has_single_samples_left_out_and_named():
    other = acc(100.0, CounterSpec(256))
    rates = 500.0, 100 * (1 + 5e-4)
    records = night([(NPG, 20, rates[0]), (other, 5, rates[1])], 600)
    items = feed(Assembler(device(NPG, other)), records)
    left_out = [i for i in of(StreamAnomaly, items) if i.kind is AnomalyKind.SURPLUS]
    assert [i.n for i in left_out] == [1] * len(left_out)
    assert len(left_out) == pytest.approx(600 * 0.05, abs=3)
    assert not [i for i in gaps_in(items) if i.n > 20]
    assert count_told(items) == count_sent(records)


@pytest.mark.parametrize(
    ("spec", "n", "true_hz", "declared_hz"),
    [
        (UMYO, 24, 1116.0, 1116.0),
        (UMYO, 24, 1238.4, 1238.0),
        (UMYO, 24, 1150.3, 1150.0),
        (GANGLION, 2, 199.005, 200.0),
        (GANGLION, 2, 197.0, 197.0),
        (NPG, 20, 500.02, 500.0),
        (PROFILE, 114, 1020.0, 1020.0),
    ],
)
def test_the_declared_rate_makes_durations_right_within_half_a_percent(
    spec, n, true_hz, declared_hz
):
    records = night([(spec, n, true_hz)], 120)
    items = feed(Assembler(device(spec)), records)
    assert rate_of(items, "emg") == declared_hz
    true = grid(items, "emg")
    assert np.flatnonzero(true >= 0)[-1] / declared_hz == pytest.approx(120, rel=0.0051)


def test_the_rate_of_acc_is_declared_in_time_of_the_emg():
    """Both of the Ganglion's streams are slow by the same share, and 52.6 Hz stay 52.6 Hz."""
    other = acc(52.0, CounterSpec(2**32, tick_hz=1000.0), tolerance=0.03)
    sensed = [(GANGLION, 2, 199.005), (other, 4, 52.6 * 199.005 / 200)]
    items = feed(Assembler(device(GANGLION, other)), night(sensed, 120))
    assert rate_of(items, "acc") == 52.6
    assert not [i for i in [*gaps_in(items), *of(StreamAnomaly, items)] if i.n > 1]


def test_nothing_is_released_before_the_rate_is_measured_and_everything_soon_after():
    records = night([(NPG, 20, 500.0), (acc(100.0, CounterSpec(256)), 5, 100.0)], 60)
    assembler = Assembler(device(NPG, acc(100.0, CounterSpec(256))))
    released = []
    for record in records:
        now_s = stamp_of(record) / 1e9 - START_S
        released += [(now_s, item) for item in of(Stretch, tell(assembler, record))]
    first_s = released[0][0]
    assert 30.0 <= first_s < 30.3
    late = {"emg": 500.0, "acc": 100.0}
    for at_s, item in released:
        taken_s = (item.start + item.n) / late[item.stream]
        assert at_s - taken_s < 0.5 or at_s == first_s


def test_after_a_silence_samples_wait_five_seconds_at_most():
    records = night([(NPG, 20, 500.0)], 120, gaps=((60, 10.0),), restarts=True)
    assembler = Assembler(device(NPG))
    waits = [0.0]
    for record in records:
        for item in of(Stretch, tell(assembler, record)):
            taken_s = START_S + item.counts[0, -1] / 500
            waits.append(record.monotonic_ns / 1e9 - taken_s)
    assert max(waits) < 31
    after = [wait for wait in waits if wait < 29]
    assert 4.5 < max(after[len(after) // 4 :]) < 5.5


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, 3000), max_size=6), st.sampled_from([NPG, MYO, GANGLION, PROFILE]))
def test_however_the_records_are_dealt_out_the_items_are_the_same(cuts, spec):
    """At every cut the assembler is copied, asked for its clocks, and told to go on."""
    sensed = [(spec, 20, spec.rate_hz * 1.0001), (acc(50.0), 1, 50.3)]
    records = night(sensed, 45, gaps=((33, 4.0),), lost=0.02)
    assembler = Assembler(device(*(row[0] for row in sensed)))
    whole = feed(copy.deepcopy(assembler), records)
    items = []
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), None], strict=True):
        for record in records[start:stop]:
            items += tell(assembler, record)
        assembler = copy.deepcopy(assembler)
        assert len(assembler.clocks) <= 2
    items += assembler.finish()
    assert [text_of(item) for item in items] == [text_of(item) for item in whole]


def text_of(item):
    if isinstance(item, Stretch):
        return (item.stream, item.start, item.flags, item.counts.tobytes())
    return str(item)


@pytest.mark.parametrize("lost", [0.0, 0.05])
@pytest.mark.parametrize(
    ("spec", "n", "other"),
    [(NPG, 20, acc(100.0, CounterSpec(256))), (MYO, 2, acc(50.0)), (UMYO, 24, UMYO_ACC)],
    ids=["npg", "myo", "umyo"],
)
def test_every_sample_is_in_one_stretch_or_named(spec, n, other, lost):
    sensed = [(spec, n, spec.rate_hz), (other, 1, other.rate_hz * 1.004)]
    records = night(sensed, 200, gaps=((60, 3.0), (100, 20.0)), restarts=True, lost=lost)
    items = feed(Assembler(device(spec, other)), records)
    assert count_told(items) == count_sent(records)
    for stream in ("emg", "acc"):
        true = grid(items, stream)
        assert (np.diff(true[true >= 0]) > 0).all()


def test_notifications_that_change_places_leave_no_gap():
    records = night([(PROFILE, 100, 1000.0)], 60)
    k = 400
    one, two = records[k].payload, records[k + 1].payload
    records[k], records[k + 1] = (
        replace(records[k], payload=two),
        replace(records[k + 1], payload=one),
    )
    items = feed(Assembler(device(PROFILE)), records)
    assert gaps_in(items) == []
    assert {i.kind for i in of(StreamAnomaly, items)} == {AnomalyKind.REORDERED}
    assert np.array_equal(grid(items, "emg")[:50_000], np.arange(50_000))


def test_flags_of_the_device_are_carried_along():
    values = np.arange(10).reshape(1, -1)
    records = [
        notification(
            "emg", values + 10 * k, 10 + k / 100, 10 * k, 1, SampleFlag.LEAD_OFF * (k > 50)
        )
        for k in range(100)
    ]
    items = feed(Assembler(device(PROFILE)), records)
    assert [bool(i.flags & SampleFlag.LEAD_OFF) for i in of(Stretch, items)] == [
        k > 50 for k in range(100)
    ]


def test_a_mark_is_placed_by_the_sample_it_names_and_told_once():
    records = night([(PROFILE, 100, 1000.0)], 60, session=7)
    press = Notification("mark", records[300].monotonic_ns, 0, PRESS)
    records[300:300] = [press, press]
    items = feed(Assembler(device(PROFILE)), records)
    assert of(PlacedMark, items) == [PlacedMark(2, pytest.approx(12.345))]


BACKLOG = device(PROFILE, acc(50.0, FOREVER, 1e-3), resume=Resume.BACKLOG)


def sent_again(first, n, at_s, kind="emg", per_frame=100):
    channels = 1 if kind == "emg" else 3
    return [
        notification(
            kind,
            np.tile(np.arange(k, min(k + per_frame, first + n)), (channels, 1)),
            at_s + 0.01 * i,
            k,
            3,
            SampleFlag.BACKLOG,
        )
        for i, k in enumerate(range(first, first + n, per_frame))
    ]


def with_gap(gap_s, *, until_s, fill_s=None, at_s=100):
    """A night with one drop-out, and what was missing sent again from `fill_s` on."""
    sensed = [(PROFILE, 200, 1000.0), (BACKLOG.streams[1], 25, 50.0 * (1 + 200e-6))]
    records = night(sensed, until_s, gaps=((at_s, gap_s),), session=3)
    if fill_s is None:
        return records
    assembler = Assembler(BACKLOG)
    for record in records:
        tell(assembler, record)
    again = []
    for kind, missing in assembler.missing:
        per_frame = 100 if kind == "emg" else 38
        again += sent_again(missing.first, missing.n, START_S + fill_s, kind, per_frame)
    return sorted([*records, *again], key=stamp_of)


def stamp_of(record):
    return record.monotonic_ns if isinstance(record, Notification) else record[1]


def test_a_gap_that_the_device_fills_leaves_no_gap():
    records = with_gap(60.0, until_s=300, fill_s=170)
    items = feed(Assembler(BACKLOG), records)
    assert not gaps_in(items, "emg")
    assert np.array_equal(grid(items, "emg"), np.arange(300_000))
    assert {i.cause for i in gaps_in(items, "acc")} <= {
        GapCause.DRIFT,
        GapCause.NOT_SENT,
    }
    assert count_told(items) == count_sent(records)


def test_acc_that_fills_a_gap_is_in_step_with_the_emg_all_along():
    records = with_gap(590.0, until_s=1800, fill_s=1700, at_s=1000)
    items = feed(Assembler(BACKLOG), records)
    true = grid(items, "acc")
    at = np.flatnonzero(true >= 0)
    assert np.abs(at / 50 - true[at] / (50 * (1 + 200e-6))).max() * 50 < 1.25
    assert {i.cause for i in gaps_in(items)} <= {GapCause.DRIFT, GapCause.NOT_SENT}


def test_samples_behind_a_gap_wait_for_it_and_come_in_order():
    assembler = Assembler(BACKLOG)
    records = with_gap(60.0, until_s=300, fill_s=170)
    reached = 0.0
    for record in records:
        for item in of(Stretch, tell(assembler, record), "emg"):
            reached = (item.start + item.n) / 1000
        if 110 < stamp_of(record) / 1e9 - START_S < 170:
            assert reached < 100.5
    assert reached > 299


@pytest.mark.parametrize("minutes", [29, 31])
def test_a_gap_is_waited_for_half_an_hour_and_a_later_fill_is_named(minutes):
    fill_s = 105 + 60 * minutes
    records = with_gap(5.0, until_s=fill_s + 30, fill_s=fill_s)
    items = feed(Assembler(BACKLOG), records)
    late = sum(i.n for i in of(StreamAnomaly, items, "emg") if i.kind is AnomalyKind.LATE)
    gaps = gaps_in(items, "emg")
    if minutes < 30:
        assert (late, gaps) == (0, [])
    else:
        (gap,) = gaps
        assert gap.cause is GapCause.LINK
        assert late == gap.n
    assert count_told(items) == count_sent(records)


def test_while_the_link_is_down_the_half_hour_does_not_run_but_two_hours_are_the_longest():
    assembler = Assembler(BACKLOG)
    for record in with_gap(5.0, until_s=140):
        tell(assembler, record)
    for second, released in ((150, 0), (3600, 0), (7200, 0), (7400, 1)):
        items = assembler.lost(round((START_S + second) * 1e9))
        assert len(gaps_in(items, "emg")) == released


def test_with_a_new_link_the_half_hour_begins_anew():
    assembler = Assembler(BACKLOG)
    for record in with_gap(5.0, until_s=140):
        tell(assembler, record)
    assembler.lost(round((START_S + 150) * 1e9))
    assembler.connected(round((START_S + 1500) * 1e9))
    for second, released in ((2000, 0), (3250, 0), (3350, 1)):
        items = assembler.push(Notification("mark", round((START_S + second) * 1e9), 0, PRESS))
        assert len(gaps_in(items, "emg")) == released


def test_what_the_device_has_no_longer_is_not_waited_for():
    assembler = Assembler(BACKLOG)
    for record in with_gap(5.0, until_s=140):
        tell(assembler, record)
    for kind, missing in assembler.missing:
        assembler.give_up(kind, missing)
    items = assembler.push(night([(PROFILE, 100, 1000.0)], 141, session=3)[-1])
    assert len(gaps_in(items, "emg")) == 1
    assert of(Stretch, items, "emg")


@settings(max_examples=6, deadline=None)
@given(st.integers(500, 1200), st.booleans())
def test_when_samples_are_released_changes_nothing_of_where_they_lie(at, give_up):
    """Given up sooner or never: the same samples in the same places."""
    records = with_gap(40.0, until_s=200)
    whole = feed(Assembler(BACKLOG), records)
    assembler = Assembler(BACKLOG)
    items = []
    for k, record in enumerate(records):
        items += tell(assembler, record)
        if give_up and k == at:
            for kind, missing in assembler.missing:
                assembler.give_up(kind, missing)
    items += assembler.finish()
    for stream in ("emg", "acc"):
        assert np.array_equal(grid(items, stream), grid(whole, stream))


def test_what_a_new_session_took_before_the_link_was_back_is_missing_too():
    """The device was reset while the link was down: both sessions are asked for."""
    assembler = Assembler(device(PROFILE, resume=Resume.BACKLOG))
    values = np.zeros((1, 100))
    for k in range(600):
        assembler.push(notification("emg", values, 10 + k / 10, 100 * k, session=1))
    assembler.lost(round(71 * 1e9))
    assembler.connected(round(100 * 1e9))
    for k in range(60):
        at_s = 100.1 + k / 10
        assembler.push(notification("emg", values, at_s, 20_000 + 100 * k, session=2))
    missing = {gap.session: (gap.first, gap.n) for _, gap in assembler.missing}
    assert missing[2] == (0, 20_000)
    assert missing[1][0] == 60_000
    assert missing[1][1] == pytest.approx(30_100, abs=5)
    fill = [
        notification("emg", values, 106 + k / 1000, 100 * k, 2, SampleFlag.BACKLOG)
        for k in range(200)
    ]
    items = [item for record in fill for item in assembler.push(record)] + assembler.finish()
    (gap,) = gaps_in(items)
    assert gap.n == pytest.approx(10_100, abs=5)


def test_what_is_sent_again_before_the_length_of_a_restart_is_known_is_not_lost():
    """A recorder that knows nothing of the night asks at once; who reads it later knows it all."""
    assembler = Assembler(device(PROFILE, resume=Resume.BACKLOG))
    values = np.zeros((1, 100))
    for k in range(600):
        assembler.push(notification("emg", values, 10 + k / 10, 100 * k, session=1))
    assembler.lost(round(71 * 1e9))
    assembler.connected(round(100 * 1e9))
    items = []
    for k in range(60):
        at_s = 100.1 + k / 10
        live = notification("emg", values, at_s, 20_000 + 100 * k, session=2)
        firsts = range(55_000 + 500 * k, 55_500 + 500 * k, 100) if k < 30 else ()
        again = [
            notification("emg", values, at_s, first, 1, SampleFlag.BACKLOG) for first in firsts
        ]
        items += [item for record in [live, *again] for item in assembler.push(record)]
    assert {gap.session: gap.first for _, gap in assembler.missing} == {1: 70_000, 2: 0}
    late = [item for item in of(StreamAnomaly, items) if item.kind is AnomalyKind.DUPLICATE]
    assert sum(item.n for item in late) == 5_000


def test_a_stream_that_falls_silent_alone_does_not_keep_the_other_waiting():
    other = acc(100.0, CounterSpec(256))
    records = night([(NPG, 20, 500.0), (other, 5, 100.0)], 120)
    cut = [
        r
        for r in records
        if not isinstance(r, Notification)
        or HEAD.unpack_from(r.payload)[0] == 0
        or not 60 < r.monotonic_ns / 1e9 - START_S < 100
    ]
    assembler = Assembler(device(NPG, other))
    reached = {"emg": 0.0, "acc": 0.0}
    items = []
    for record in cut:
        new = tell(assembler, record)
        items += new
        for item in of((Stretch, MissingStretch), new):
            reached[item.stream] = (item.start + item.n) / {"emg": 500, "acc": 100}[item.stream]
        assert reached["emg"] - reached["acc"] < 12.5
    items += assembler.finish()
    gap = [i for i in gaps_in(items, "acc") if i.n > 10]
    assert sum(i.n for i in gap) == pytest.approx(4000, abs=10)
    assert gap[0].cause is GapCause.NOT_SENT
    assert np.abs(off_s(items, "acc", 100.0)).max() < 0.015


@pytest.mark.parametrize(("resume", "lag_s"), [(Resume.NONE, 8), (Resume.BACKLOG, 1802)])
def test_a_stream_that_never_comes_is_missing_all_along(resume, lag_s):
    other = acc(50.0, FOREVER)
    assembler = Assembler(device(PROFILE, other, resume=resume))
    items = []
    for k in range(5000):
        values = np.zeros((1, 500))
        items += assembler.push(notification("emg", values, 100 + k / 2, 500 * k, session=1))
    missing = of(MissingStretch, items, "acc")
    assert {gap.cause for gap in missing} == {GapCause.NOT_SENT}
    assert 2500 - sum(gap.n for gap in missing) / 50 == pytest.approx(lag_s, abs=1.5)


def test_a_stream_that_begins_late_or_ends_early_is_filled_up():
    other = acc(100.0, CounterSpec(256))
    records = night([(NPG, 20, 500.0), (other, 5, 100.0)], 90)
    cut = [
        r
        for r in records
        if not isinstance(r, Notification)
        or HEAD.unpack_from(r.payload)[0] == 0
        or 40 < r.monotonic_ns / 1e9 - START_S < 80
    ]
    items = feed(Assembler(device(NPG, other)), cut)
    true = grid(items, "acc")
    assert len(true) == pytest.approx(len(grid(items, "emg")) / 5, abs=1)
    assert (true[:3990] == -1).all()
    assert (true[8010:] == -1).all()
    assert (true[4010:7990] >= 0).all()


def test_samples_that_nothing_describes_are_named():
    spec = device(NPG)
    items = feed(Assembler(spec), night([(acc(50.0), 5, 50.0)], 10))
    assert {i.kind for i in of(StreamAnomaly, items)} == {AnomalyKind.UNDESCRIBED}
    wide = notification("emg", np.zeros((2, 10)), 10.0, 0)
    assert of(StreamAnomaly, Assembler(spec).push(wide))[0].n == 10


def test_without_any_emg_the_samples_of_other_streams_are_named():
    other = acc(100.0, CounterSpec(256))
    records = night([(other, 5, 100.0)], 400)
    assembler = Assembler(device(NPG, other))
    soon = [item for record in records for item in tell(assembler, record)]
    assert count_told(soon) >= count_sent(records) / 5, "what is old is not kept in memory"
    items = soon + assembler.finish()
    assert count_told(items) == count_sent(records)
    assert {i.kind for i in of(StreamAnomaly, items)} == {AnomalyKind.EARLY}


def info_of(rate_hz, session=7):
    stream = profile.StreamInfo(
        profile.StreamId.EMG,
        1,
        16,
        rate_hz,
        0.25,
        0.0,
        20.0,
        450.0,
        profile.UnitCode.MICROVOLT,
        True,
    )
    return profile.encode_info(profile.Info(session, 3600, (stream,)))


def framed(index, at_s, session=7):
    frame = profile.Frame(
        profile.StreamId.EMG,
        SampleFlag.NONE,
        0,
        session,
        index,
        0,
        profile.Encoding.INT16,
        np.arange(100, dtype=np.int32).reshape(1, -1),
    )
    return Notification(profile.LIVE, round(at_s * 1e9), 0, profile.encode_frame(frame))


def test_a_device_that_describes_itself_anew_begins_a_new_run():
    assembler = Assembler(DEVICES["profile-v1"])
    items = []
    for run, rate_hz in ((1, 1000.0), (1, 1000.0), (2, 500.0)):
        at_s = 100.0 * run + 10 * len(of(StreamDeclared, items, "emg"))
        items += assembler.connected(round(at_s * 1e9))
        items += assembler.push(Notification(profile.INFO, round(at_s * 1e9), 0, info_of(rate_hz)))
        for k in range(400):
            now_s = at_s + 1 + k * 100 / rate_hz
            items += assembler.push(framed(100 * k, now_s, session=len(items) % 2 and 7))
    items += assembler.finish()
    declared = of(StreamDeclared, items)
    assert [(d.run, d.rate_hz) for d in declared] == [(1, 1000.0), (2, 500.0)]
    at = items.index(declared[1])
    grid(items[:at], "emg")
    assert of(Stretch, items[at:])[0].start == 0


def test_two_sensors_on_one_host_give_one_grid():
    rates = 500 * (1 + 80e-6), 52.3
    first = night([(NPG, 20, rates[0])], 700, gaps=((150, 20.0),), restarts=True)
    second = night([(MOVESENSE, 4, rates[1])], 700, gaps=((350, 100.0),), seed=2)
    companion = Companion(device(NPG), device(MOVESENSE))
    items = []
    rows = [(stamp_of(record), k, record) for k, rs in enumerate((first, second)) for record in rs]
    for _, sensor, record in sorted(rows, key=lambda row: row[:2]):
        if isinstance(record, Notification):
            items += (companion.push_emg, companion.push_acc)[sensor](record)
        else:
            items += tell((companion.emg, companion.acc)[sensor], record)
    items += companion.finish()
    assert rate_of(items, "acc") == 52.3
    true, emg_true = grid(items, "acc"), grid(items, "emg")
    assert abs(len(true) / 52.3 - len(emg_true) / 500) < 0.03
    at = np.flatnonzero(true >= 0)
    # What the EMG's grid is off at the time of each sample counts for both.
    known = np.flatnonzero(emg_true >= 0)
    emg_off = np.interp(at / 52.3 * 500, known, known - emg_true[known]) / 500
    seconds = at / 52.3 / (1 + 80e-6) - emg_off
    assert np.abs(seconds - true[at] / rates[1]).max() < 1.3 / 52.3
    gap = [i for i in gaps_in(items, "acc") if i.cause is GapCause.LINK]
    assert sum(i.n for i in gap) == pytest.approx(5230, abs=10)


@pytest.mark.parametrize("ppm", [0, 80_000, -50_000])
def test_the_clock_tells_the_sample_of_a_time_as_it_tells_the_time_of_a_sample(ppm):
    clock = ClockFit(100.0, 0.08)
    rng = np.random.default_rng(4)
    for k in range(0, 3 * HOUR * 100, 50):
        late_s = rng.exponential(0.02)
        clock.add(k, 50, round((500 + (k + 49) / (100 * (1 + ppm * 1e-6)) + late_s) * 1e9))
    # Before the first sample, at a knot, between the last knot and now, and after all.
    for index in (-500.0, 0.0, 123_456.7, 1_000_000.0, 1_079_990.0, 1_200_000.0):
        assert clock.index_at(clock.time_of(index)) == pytest.approx(index, abs=1e-3)


def test_a_tracker_tells_which_sample_follows_only_while_it_is_known():
    tracker = IndexTracker(PROFILE)
    assert tracker.following is None
    for k in range(100):
        tracker.push(
            Samples("emg", np.zeros((1, 100), np.int32), 100 * k + 500, session=4), k * 10**8
        )
    assert tracker.following == (4, 10_500)
    assert tracker.index_of(4, 700) == 700
    assert tracker.index_of(3, 700) is None
    tracker.push(Samples("emg", np.zeros((1, 100), np.int32), 0, session=5), 200 * 10**8)
    assert tracker.following is None
    assert tracker.index_of(5, 0) is None
    tracker.flush()
    assert tracker.following == (5, 100)
    assert tracker.index_of(5, 0) == pytest.approx(20_450, abs=100)


def test_a_part_of_what_is_missing_can_be_given_up():
    tracker = IndexTracker(PROFILE)
    for k in (0, 1, 50):
        samples = Samples("emg", np.zeros((1, 100), np.int32), 100 * k, session=1)
        tracker.push(samples, k * 10**8)
    tracker.give_up(Missing(1, 1000, 500))
    assert tracker.missing == (Missing(1, 200, 800), Missing(1, 1500, 3500))


SPECS = st.sampled_from([PROFILE, NPG, MYO, GANGLION, UMYO, acc(50.0)])
PUSHES = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 3), st.integers(0, 2**32 - 1)),
        st.integers(1, 40),
        st.one_of(st.floats(0, 0.2), st.floats(0, 100)),
        st.sampled_from([0, 0, 0, 1, 2]),
        st.sampled_from(["", "", "", "connected", "lost", "backlog"]),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(SPECS, st.sampled_from(list(Resume)), PUSHES)
def test_whatever_comes_stretches_tile_and_every_sample_is_told(spec, resume, pushes):
    assembler = Assembler(device(spec, resume=resume))
    items, counter, now_s, sent = [], 0, 10.0, 0
    for jump, n, wait_s, session, what in pushes:
        now_s += wait_s
        if what in ("connected", "lost"):
            items += tell(assembler, (what, round(now_s * 1e9)))
        number = (counter + jump) % spec.counter.modulus if spec.counter else None
        flags = SampleFlag.BACKLOG if what == "backlog" else SampleFlag.NONE
        values = np.zeros((spec.channels, n))
        items += assembler.push(notification(spec.kind, values, now_s, number, session, flags))
        counter = (number or 0) + n
        sent += n
    items += assembler.finish()
    grid(items, spec.kind)
    assert count_told(items) == sent
    assert Counter(type(item) for item in items)[StreamDeclared] == bool(of(Stretch, items))
