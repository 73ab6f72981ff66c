"""Samples keep their place in time over a night of jitter, drop-outs, losses and restarts.

The link is simulated as it was measured on a band at a bedside machine: a connection event every
45 ms, notifications in bursts, geometric retransmissions; arrival delays of 0 to 270 ms.
"""

import pickle
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import (
    Anomaly,
    AnomalyKind,
    ClockFit,
    CounterSpec,
    Gap,
    GapCause,
    IndexTracker,
    Missing,
    Placed,
    SampleFlag,
    Samples,
    StreamSpec,
)
from firmware_bridge.counter import rounds_missed, signed_step

HOUR = 3600
START_S = 5000.0
LIMIT_S = 0.020
GAPS = tuple(
    (600 + 2700 * k, length)
    for k, length in enumerate((1.0, 2.0, 3.7, 10.0, 33.0, 60.0, 127.0, 300.0, 600.0, 5.5))
)


def emg(rate_hz, counter, **keywords):
    return StreamSpec("emg", 1, rate_hz, counter=counter, **keywords)


U32 = emg(1000.0, CounterSpec(2**32, continues=True))
U8 = emg(500.0, CounterSpec(256, continues=True))
U8_RESTARTING = emg(500.0, CounterSpec(256), silent_loss=True)
MYO = emg(200.0, CounterSpec(8), rate_tolerance=1e-3)
GANGLION = emg(200.0, CounterSpec(200), rate_tolerance=5e-3)
UMYO = emg(1150.0, CounterSpec(2**32, continues=True), rate_tolerance=0.08)
WITHOUT_COUNTER = StreamSpec("acc", 3, 50.0, rate_tolerance=1e-3)


def arrivals(ready_s, rng, interval_s=0.045, retransmission=0.05, stalls=()):
    """When notifications that were ready at `ready_s` reach the host, in order."""
    phase = rng.uniform(0, interval_s)
    event = (
        np.ceil((ready_s - phase) / interval_s)
        + rng.geometric(1 - retransmission, len(ready_s))
        - 1
    )
    for start, stop in stalls:
        held = (ready_s > start) & (ready_s < stop)
        event[held] = np.maximum(event[held], np.ceil((stop - phase) / interval_s))
    return phase + np.maximum.accumulate(event) * interval_s + rng.uniform(0, 5e-4, len(ready_s))


@dataclass
class Night:
    """Notifications of one stream: true number of their first samples, and arrivals."""

    spec: StreamSpec
    n: int
    first: np.ndarray
    rate_hz: float
    arrival_ns: list[int]
    new_link: np.ndarray
    outcomes: list = field(default_factory=list)
    order: list[int] = field(default_factory=list)

    def run(self, *, tell_link=True, restarts=False):
        tracker = IndexTracker(self.spec)
        modulus = self.spec.counter.modulus if self.spec.counter else None
        values = np.zeros((1, self.n), np.int32)
        base = 0
        for k, first in enumerate(self.first.tolist()):
            if self.new_link[k]:
                base = first if restarts else base
                if tell_link:
                    tracker.link_lost()
            counter = (first - base) % modulus if modulus else None
            self.outcomes += tracker.push(Samples("emg", values, counter), self.arrival_ns[k])
        self.outcomes += tracker.flush()
        return tracker

    def placed(self):
        return np.array([o.index for o in self.outcomes if isinstance(o, Placed)])

    def gaps(self):
        return [o for o in self.outcomes if isinstance(o, Gap)]

    def anomalies(self):
        return [o.kind for o in self.outcomes if isinstance(o, Anomaly)]

    def time_errors(self, tracker):
        truth = START_S + self.first / self.rate_hz
        return tracker.clock.times_of(self.placed()) - truth


def night(spec, n, seconds, *, ppm=0.0, gaps=(), lost=None, stalls=(), overruns=(), seed=1):
    """A night on a sensor whose rate is off by `ppm`.

    `lost` is the share of notifications lost one by one; `overruns` are pairs of time and samples
    that the converter loses without counting them.
    """
    rng = np.random.default_rng(seed)
    rate_hz = spec.rate_hz * (1 + ppm * 1e-6)
    counted = np.arange(int(seconds * rate_hz / n)) * n
    true = counted + sum((counted >= at * rate_hz) * samples for at, samples in overruns)
    ready_s = START_S + (true + n - 1) / rate_hz
    keep = np.ones(len(counted), bool)
    new_link = np.zeros(len(counted), bool)
    for start, length in gaps:
        out = (ready_s > START_S + start) & (ready_s < START_S + start + length)
        keep &= ~out
        new_link[np.flatnonzero(out)[-1] + 1] = True
    if lost:
        keep &= rng.random(len(counted)) > lost
    shifted = [(START_S + start, START_S + stop) for start, stop in stalls]
    arrival_s = arrivals(ready_s[keep], rng, stalls=shifted)
    result = Night(
        spec, n, counted[keep], rate_hz, (arrival_s * 1e9).astype(np.int64).tolist(), new_link[keep]
    )
    return result, true[keep]


def test_the_simulated_link_is_the_measured_one():
    ready_s = np.arange(100_000) * 0.04
    delay_s = arrivals(ready_s, np.random.default_rng(0)) - ready_s
    p50, p99 = np.percentile(delay_s, [50, 99])
    assert 0.015 < p50 < 0.035
    assert 0.06 < p99 < 0.12
    assert 0.15 < delay_s.max() < 0.35


@pytest.mark.slow
@pytest.mark.parametrize(("spec", "n", "ppm"), [(U32, 114, 100), (U8, 20, -100)], ids=["u32", "u8"])
def test_over_eight_hours_every_sample_and_gap_is_placed_within_20_ms(spec, n, ppm):
    simulated, _ = night(spec, n, 8 * HOUR, ppm=ppm, gaps=GAPS)
    tracker = simulated.run()
    assert np.array_equal(simulated.placed(), simulated.first)
    assert np.abs(simulated.time_errors(tracker)).max() < LIMIT_S
    gaps = simulated.gaps()
    assert [gap.cause for gap in gaps] == [GapCause.LINK] * len(GAPS)
    assert all(gap.uncertainty_s == 0.0 for gap in gaps)
    lengths = np.array([gap.n / simulated.rate_hz for gap in gaps])
    assert np.abs(lengths - [length for _, length in GAPS]).max() < 2 * n / spec.rate_hz
    assert tracker.clock.ppm == pytest.approx(ppm, abs=0.5)
    assert not simulated.anomalies()


@pytest.mark.parametrize("ppm", [100, -100])
def test_gaps_after_which_the_device_counts_from_0_are_placed_within_20_ms(ppm):
    gaps = ((300, 1.0), (600, 10.0), (900, 600.0), (2000, 60.0))
    simulated, _ = night(U8_RESTARTING, 20, 2400, ppm=ppm, gaps=gaps)
    tracker = simulated.run(restarts=True)
    off_s = (simulated.placed() - simulated.first) / simulated.rate_hz
    assert np.abs(off_s).max() < LIMIT_S
    assert np.abs(simulated.time_errors(tracker)).max() < LIMIT_S
    for gap in simulated.gaps():
        assert gap.cause is GapCause.LINK
        assert LIMIT_S <= gap.uncertainty_s < 0.03


def test_errors_of_placing_do_not_add_up_over_many_restarts():
    gaps = tuple((300 + 300 * k, 6.0) for k in range(20))
    simulated, _ = night(U8_RESTARTING, 20, 6400, ppm=-40, gaps=gaps)
    simulated.run(restarts=True)
    assert len(simulated.gaps()) == 20
    worst_s = float(np.abs(simulated.placed() - simulated.first).max()) / simulated.rate_hz
    assert worst_s < LIMIT_S


def test_the_first_minutes_after_a_start_are_placed_within_20_ms_too():
    simulated, _ = night(U8_RESTARTING, 20, 120, ppm=50, gaps=((40, 20.0),))
    tracker = simulated.run(restarts=True)
    assert np.abs(simulated.time_errors(tracker)).max() < LIMIT_S


def test_a_gap_of_the_myo_is_stated_to_be_right_to_40_ms():
    simulated, _ = night(MYO, 2, 1200, ppm=60, gaps=((400, 7.3), (800, 90.0)))
    tracker = simulated.run(tell_link=False)
    assert [gap.uncertainty_s for gap in simulated.gaps()] == [0.04, 0.04]
    off_s = (simulated.placed() - simulated.first) / simulated.rate_hz
    assert np.abs(off_s).max() <= 0.04
    assert np.abs(simulated.time_errors(tracker)).max() < 0.04


@pytest.mark.parametrize("lost", [26, 66, 90])
def test_a_short_gap_of_the_myo_is_stated_with_the_rounds_it_may_have_more(lost):
    """What the counter hides in less than half a second is found by time, but only later."""
    simulated, _ = night(MYO, 2, 600, ppm=60, gaps=((300, lost / 200),))
    simulated.run(tell_link=False)
    first, *later = simulated.gaps()
    hidden_s = (lost - first.n) / 200
    assert first.n == lost % 8
    assert hidden_s - 0.04 <= first.uncertainty_s <= hidden_s + 0.12
    assert first.n + sum(gap.n for gap in later) == pytest.approx(lost, abs=8)


def test_a_notification_of_the_myo_that_is_lost_alone_is_counted_and_certain():
    simulated, _ = night(MYO, 2, 300, lost=0.01)
    simulated.run()
    stated = [gap.uncertainty_s for gap in simulated.gaps() if gap.cause is GapCause.LOST]
    assert np.median(stated) == 0.0


@pytest.mark.parametrize(
    ("spec", "n", "off"),
    [(GANGLION, 2, -0.005), (UMYO, 24, 0.07), (UMYO, 24, -0.03)],
    ids=["ganglion", "umyo", "umyo-slow"],
)
def test_a_rate_far_from_the_stated_one_is_found(spec, n, off):
    simulated, _ = night(spec, n, 600, ppm=off * 1e6, gaps=((200, 20.0),))
    tracker = simulated.run()
    assert tracker.clock.rate_hz == pytest.approx(simulated.rate_hz, rel=5e-6)
    assert np.abs(simulated.time_errors(tracker)).max() < LIMIT_S


def test_a_rate_far_outside_its_stated_tolerance_is_found_too():
    simulated, _ = night(U32, 114, 600, ppm=20_000)
    tracker = simulated.run()
    assert tracker.clock.rate_hz == pytest.approx(1020.0, rel=1e-5)


@pytest.mark.parametrize(("spec", "n"), [(U8, 20), (U32, 114), (GANGLION, 2)])
def test_single_lost_notifications_are_gaps_of_their_length(spec, n):
    simulated, _ = night(spec, n, 300, ppm=30, lost=0.05)
    tracker = simulated.run()
    assert np.array_equal(
        simulated.placed() - simulated.placed()[0], simulated.first - simulated.first[0]
    )
    assert {gap.cause for gap in simulated.gaps()} == {GapCause.LOST}
    assert all(gap.n % n == 0 for gap in simulated.gaps())
    truth = START_S + simulated.first / simulated.rate_hz
    offset = simulated.first[0] / simulated.rate_hz if spec.counter.modulus < 2**32 else 0.0
    errors = tracker.clock.times_of(simulated.placed()) - truth
    assert np.abs(errors).max() < LIMIT_S + offset


@pytest.mark.parametrize(("spec", "n"), [(U8, 20), (MYO, 2), (U32, 114), (WITHOUT_COUNTER, 1)])
def test_a_stalled_link_that_delivers_late_loses_nothing(spec, n):
    stalls = ((100, 100.4), (150, 150.9), (200, 203), (250, 257))
    simulated, _ = night(spec, n, 400, ppm=30, stalls=stalls)
    tracker = simulated.run()
    assert np.array_equal(simulated.placed(), simulated.first)
    assert not simulated.gaps()
    assert np.abs(simulated.time_errors(tracker)).max() < LIMIT_S


@pytest.mark.parametrize("lost_s", [0.1, 0.2, 0.333])
def test_samples_lost_without_a_jump_of_the_counter_are_found_by_time(lost_s):
    lost = round(lost_s * 500)
    simulated, true = night(U8_RESTARTING, 20, 600, ppm=30, overruns=((300, lost),))
    simulated.run()
    (gap,) = simulated.gaps()
    assert gap.cause is GapCause.SILENT
    assert abs(gap.n - lost) / 500 < LIMIT_S
    assert abs(gap.n - lost) / 500 < gap.uncertainty_s
    assert gap.earliest_index <= 300 * simulated.rate_hz <= gap.index
    assert gap.index - gap.earliest_index < 20 * 500
    assert np.abs(simulated.placed()[-1000:] - true[-1000:]).max() / 500 < LIMIT_S


@pytest.mark.parametrize("lost_s", [0.7, 1.0, 1.3, 2.0])
def test_a_silence_of_which_the_counter_knows_nothing_is_stated_as_well_as_it_is_known(lost_s):
    lost = round(lost_s * 500)
    simulated, _ = night(U8_RESTARTING, 20, 600, ppm=30, overruns=((300, lost),))
    simulated.run()
    (gap,) = simulated.gaps()
    assert abs(gap.n - lost) / 500 <= gap.uncertainty_s < 0.1


def test_duplicates_are_told_and_not_placed():
    tracker = IndexTracker(U8)
    rng = np.random.default_rng(3)
    outcomes = []
    for k in range(500):
        samples = Samples("emg", rng.integers(-9, 9, (1, 20)).astype(np.int32), 20 * k % 256)
        for _ in range(2):
            outcomes += tracker.push(samples, round((k * 0.04 + 7) * 1e9))
    assert [o.index for o in outcomes if isinstance(o, Placed)] == [20 * k for k in range(500)]
    assert sum(isinstance(o, Anomaly) for o in outcomes) == 500
    assert not any(isinstance(o, Gap) for o in outcomes)


def frame(counter, session=1, n=10, flags=SampleFlag.NONE):
    return Samples("emg", np.full((1, n), counter % 1000, np.int32), counter, flags, session)


def streamed(tracker, counters, session=1, start_s=100.0):
    """Outcomes of frames of ten samples that arrive when their last sample was taken."""
    return [
        outcome
        for counter in counters
        for outcome in tracker.push(
            frame(counter, session), round((start_s + (counter + 9) / 1000) * 1e9)
        )
    ]


def test_a_notification_that_comes_out_of_order_fills_its_gap():
    tracker = IndexTracker(U32)
    outcomes = streamed(tracker, [0, 10, 30, 20, 40])
    assert [o.index for o in outcomes if isinstance(o, Placed)] == [0, 10, 30, 20, 40]
    assert [o.late for o in outcomes if isinstance(o, Placed)] == [False, False, False, True, False]
    assert [o.kind for o in outcomes if isinstance(o, Anomaly)] == [AnomalyKind.REORDERED]
    assert tracker.missing == ()


def test_one_wild_number_is_a_stray_and_changes_nothing():
    tracker = IndexTracker(U32)
    outcomes = streamed(tracker, range(0, 5000, 10))
    outcomes += tracker.push(frame(3_000_000_000), round(105.0 * 1e9))
    outcomes += streamed(tracker, range(5000, 6000, 10))
    assert [o.index for o in outcomes if isinstance(o, Placed)] == list(range(0, 6000, 10))
    assert [o.kind for o in outcomes if isinstance(o, Anomaly)] == [AnomalyKind.STRAY]


def test_a_number_ahead_of_the_time_that_has_passed_is_a_stray_too():
    tracker = IndexTracker(U32)
    streamed(tracker, range(0, 5000, 10))
    late = [tracker.push(frame(5000 + ahead), round(105.1 * 1e9)) for ahead in (60_000, 2_000)]
    assert late[0] == []
    stray, gap, placed = late[1]
    assert stray.kind is AnomalyKind.STRAY
    assert (gap.n, placed.index) == (2_000, 7_000)


@pytest.mark.parametrize("session", [1, 2])
def test_a_device_that_restarts_is_recognised_and_placed_by_time(session):
    """With a new session number, or only by its count beginning anew."""
    tracker = IndexTracker(U32)
    outcomes = streamed(tracker, range(0, 60_000, 10))
    outcomes += streamed(tracker, range(0, 10_000, 10), session, start_s=200.0)
    outcomes += tracker.flush()
    (gap,) = [o for o in outcomes if isinstance(o, Gap)]
    assert gap.cause is GapCause.RESTART
    assert gap.index == 60_000
    assert gap.n == pytest.approx(40_000, abs=3)
    placed = [o.index for o in outcomes if isinstance(o, Placed)]
    assert len(placed) == 7000
    assert np.array_equal(np.diff(placed[6000:]), [10] * 999)
    assert tracker.clock.time_of(placed[-1]) == pytest.approx(209.99, abs=0.003)


def test_what_a_device_sends_again_fills_the_gap_it_belongs_to():
    tracker = IndexTracker(U32)
    streamed(tracker, range(0, 1000, 10))
    tracker.link_lost()
    (gap, *_) = streamed(tracker, range(5000, 6000, 10))
    assert (gap.index, gap.n, gap.cause) == (1000, 4000, GapCause.LINK)
    assert tracker.missing == (Missing(1, 1000, 4000),)
    late = [
        outcome
        for counter in range(1000, 3000, 10)
        for outcome in tracker.push(frame(counter, flags=SampleFlag.BACKLOG), 10**12)
    ]
    assert all(isinstance(o, Placed) and o.late for o in late)
    assert [o.index for o in late] == list(range(1000, 3000, 10))
    assert tracker.missing == (Missing(1, 3000, 2000),)
    (again,) = tracker.push(frame(1500, flags=SampleFlag.BACKLOG), 10**12)
    assert again.kind is AnomalyKind.DUPLICATE
    tracker.give_up(Missing(1, 3000, 2000))
    assert tracker.missing == ()


def test_samples_from_before_a_restart_are_placed_where_they_were_taken():
    tracker = IndexTracker(U32)
    streamed(tracker, range(0, 60_000, 10))
    tracker.link_lost()
    outcomes = streamed(tracker, range(0, 10_000, 10), 2, start_s=200.0)
    (missing,) = tracker.missing
    assert (missing.session, missing.first) == (1, 60_000)
    assert any(isinstance(o, Placed) for o in outcomes)
    (late,) = tracker.push(frame(60_000, 1, flags=SampleFlag.BACKLOG), 10**12)
    assert (late.index, late.late) == (60_000, True)
    (unknown,) = tracker.push(frame(0, 9, flags=SampleFlag.BACKLOG), 10**12)
    assert unknown.kind is AnomalyKind.STRAY


def test_samples_the_device_says_it_lost_are_told_apart():
    tracker = IndexTracker(U32)
    streamed(tracker, range(0, 100, 10))
    gap, _ = tracker.push(frame(250, flags=SampleFlag.GAP_BEFORE), round(100.3 * 1e9))
    assert (gap.cause, gap.n) == (GapCause.DEVICE, 150)


def test_a_clock_for_a_counter_tells_gaps_to_a_sample():
    spec = StreamSpec("acc", 3, 52.0, rate_tolerance=0.03, counter=CounterSpec(2**32, 1000.0, True))
    tracker = IndexTracker(spec)
    rate_hz, values, outcomes = 52.6, np.zeros((3, 4), np.int32), []
    for k in range(8000):
        first = 4 * k
        if 3000 <= k < 6000:
            continue
        taken_s = first / rate_hz
        counter = (2**32 - 50_000 + round(taken_s * 1000)) % 2**32
        arrival_ns = round((500 + (first + 3) / rate_hz + 0.01 * (k % 3)) * 1e9)
        outcomes += tracker.push(Samples("acc", values, counter), arrival_ns)
    (gap,) = [o for o in outcomes if isinstance(o, Gap)]
    assert gap.n == pytest.approx(12_000, abs=2)
    assert gap.uncertainty_s == pytest.approx(1 / 52.6, rel=0.01)
    assert tracker.clock.rate_hz == pytest.approx(rate_hz, rel=1e-4)


def ticking(tick_hz, gap, scatter=lambda _: 0):
    """Push four samples at a time at 52 Hz, counted in ticks of the device's own second."""
    spec = StreamSpec("acc", 3, 52.0, rate_tolerance=0.03, counter=CounterSpec(2**32, 1000.0, True))
    tracker, values, outcomes = IndexTracker(spec), np.zeros((3, 4), np.int32), []
    for k in range(4000):
        if k in gap:
            continue
        counter = round(4 * k / 52 * tick_hz) + scatter(k)
        outcomes += tracker.push(
            Samples("acc", values, counter), round((500 + (4 * k + 3) / 52) * 1e9)
        )
    return [o for o in outcomes if not isinstance(o, Placed)]


def test_a_device_whose_second_is_another_tells_gaps_by_its_own_ticks():
    (gap,) = ticking(1020.0, range(1000, 3000))
    assert gap.n == pytest.approx(8000, abs=2)


def test_time_stamps_that_scatter_by_almost_a_sample_lose_none():
    assert ticking(1000.0, (), scatter=lambda k: 9 * (k % 3)) == []


def test_an_arrival_from_before_its_sample_does_not_move_the_clock():
    clock = ClockFit(100.0)
    for k in range(6000):
        early_s = 3.0 if k == 4000 else 0.0  # the host's clock was read wrongly, once
        clock.add(10 * k, 10, round((START_S + (10 * k + 9) / 100 - early_s) * 1e9))
    errors = clock.times_of(np.arange(0.0, 60_000, 100)) - START_S - np.arange(0, 600, 1.0)
    assert np.abs(errors).max() < 0.005


def test_what_the_tracker_says_does_not_depend_on_when_it_is_asked():
    simulated, _ = night(U8, 20, 300, gaps=((100, 30.0),))
    first = [str(outcome) for outcome in (simulated.run(), simulated.outcomes)[1]]
    simulated.outcomes = []
    tracker = simulated.run()
    tracker.clock.times_of(np.arange(100.0))
    assert [str(outcome) for outcome in simulated.outcomes] == first


def test_the_clock_follows_a_crystal_that_warms_up():
    taken_s = np.arange(0, 4 * HOUR, 0.1)
    drift_s = np.cumsum(3e-6 * (1 - np.exp(-taken_s / 900))) * 0.1
    arrival_s = arrivals(START_S + taken_s + drift_s, np.random.default_rng(2))
    clock = ClockFit(100.0)
    for k, arrival_ns in enumerate((arrival_s * 1e9).astype(np.int64).tolist()):
        clock.add(10 * k, 1, arrival_ns)
    errors = clock.times_of(10.0 * np.arange(len(taken_s))) - START_S - taken_s - drift_s
    assert np.abs(errors).max() < 0.005
    assert clock.residual_s < 0.005


def test_the_clock_goes_by_the_promptest_notifications_though_they_are_rare():
    clock = ClockFit(100.0)
    for k in range(20 * HOUR // 2):
        delay_s = 0.001 if k % 200 == 137 else 0.08
        clock.add(10 * k, 1, round((START_S + 0.1 * k + delay_s) * 1e9))
    assert clock.time_of(10 * k) - START_S - 0.1 * k == pytest.approx(0.001, abs=0.02)


def test_the_memory_of_the_clock_is_bounded():
    clock = ClockFit(10.0)
    for k in range(10 * HOUR * 10):
        clock.add(k, 1, k * 100_000_000)
    assert len(pickle.dumps(clock)) < 64_000
    assert len(clock.knots) < 10 * 60 + 5
    times = [seconds for _, seconds in clock.knots]
    assert all(np.diff(times) > 0)


@given(st.integers(2, 2**32), st.integers(), st.integers())
def test_the_shortest_way_round_a_counter_leads_to_the_number(modulus, to, start):
    step = signed_step(to, start, modulus)
    assert (start + step - to) % modulus == 0
    assert -modulus / 2 <= step <= modulus / 2


@given(st.integers(0, 1000), st.floats(-0.499, 0.499), st.integers(8, 4096), st.floats(100, 2000))
def test_rounds_are_right_up_to_half_a_round_of_clock_error(rounds, error, modulus, rate_hz):
    round_s = modulus / rate_hz
    assert rounds_missed((rounds + error) * round_s, modulus, rate_hz) == rounds


SPECS = st.sampled_from([U32, U8, U8_RESTARTING, MYO, GANGLION, WITHOUT_COUNTER])
PUSHES = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 3), st.integers(0, 2**32 - 1)),
        st.integers(1, 40),
        st.one_of(st.floats(0, 0.2), st.floats(0, 100)),
        st.sampled_from([None, None, None, 1, 2]),
        st.booleans(),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(SPECS, PUSHES)
def test_whatever_comes_samples_and_gaps_tile_the_stream(spec, pushes):
    tracker = IndexTracker(spec)
    outcomes, counter, now_s = [], 0, 10.0
    for jump, n, wait_s, session, lost in pushes:
        now_s += wait_s
        if lost and jump == 3:
            tracker.link_lost()
        counter = (counter + jump) % spec.counter.modulus if spec.counter else None
        samples = Samples("emg", np.zeros((1, n), np.int32), counter, session=session)
        outcomes += tracker.push(samples, round(now_s * 1e9))
        counter = (counter or 0) + n
    outcomes += tracker.flush()
    tiles = [o for o in outcomes if isinstance(o, Gap) or (isinstance(o, Placed) and not o.late)]
    ends = [o.index + (o.n if isinstance(o, Gap) else o.samples.n) for o in tiles]
    assert [o.index for o in tiles[1:]] == ends[:-1]
    told = sum(isinstance(o, Placed) for o in outcomes) + sum(
        isinstance(o, Anomaly) and o.kind in (AnomalyKind.DUPLICATE, AnomalyKind.STRAY)
        for o in outcomes
    )
    assert told == len(pushes)
    assert all(
        gap.n > 0 and gap.earliest_index <= gap.index for gap in tiles if isinstance(gap, Gap)
    )
