"""Simulated nights: reproducible, complete, and true to their plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import numpy as np
import pytest
from scipy import signal

from models.simulator import SENSORS, NightPlan, draw_participant, simulate_night
from models.simulator.agenda import draw_agenda, planned_cramps
from models.simulator.parameter_file import default_parameters
from models.simulator.shapes import envelope
from models.simulator.sources import SOURCES, Layer
from models.truth import TruthKind
from nightcramp.errors import UsageError

START = datetime(2025, 1, 6, 22, 30)
PERSON = draw_participant(4)
SUITES = tuple(default_parameters().suites)
SUBJECT = {
    "plm": "leg_movement_series",
    "restless_legs": "restless_bout",
    "restless_sleeper": "posture_shift",
    "toilet_trips": "toilet_trip",
    "standing": "standing",
    "long_holds": "long_hold",
    "hum": "hum",
    "lift_off": "lift_off",
    "saturation": "saturation",
    "dropouts": "drop_out",
    "dense": "cramp",
}


def night(suite="ordinary", hours=0.5, sensor="demo", seed=1, person=PERSON, **plan):
    return simulate_night(
        person, NightPlan(hours, START, suite=suite, **plan), SENSORS[sensor], seed
    )


def of_kind(simulated, kind):
    return [event for event in simulated.events if event.kind is kind]


@pytest.fixture(scope="module")
def dense():
    return night("dense", hours=1.0, sensor="npg", seed=3)


@pytest.fixture(scope="module")
def cramps():
    """One cramp that stands out clearly, in a night without anything else."""
    person = replace(PERSON, weak_cramp_share=0.0, hum_uv=0.05, mvc_uv=400.0)
    return night("quiet", hours=0.5, sensor="reference", seed=5, cramps=1, person=person)


def test_the_same_seed_gives_the_same_night():
    first, second = night("dense"), night("dense")
    np.testing.assert_array_equal(first.emg, second.emg)
    np.testing.assert_array_equal(first.acc, second.acc)
    assert first.events == second.events


def test_another_seed_gives_another_night():
    assert not np.array_equal(night("dense").emg, night("dense", seed=2).emg, equal_nan=True)


def test_more_of_one_kind_leaves_the_others_where_they_were():
    parameters = default_parameters()
    suite = parameters.suites["dense"]
    louder = replace(suite, fixed={**suite.fixed, "pop": 40.0, "tonic": 0.0})
    plan = NightPlan(1.0, START, suite="dense")
    before = draw_agenda(PERSON, plan, 1)
    after = draw_agenda(
        PERSON, plan, 1, replace(parameters, suites={**parameters.suites, "dense": louder})
    )
    kept = [booking for booking in before if booking.source not in {"pop", "tonic"}]
    places = {(booking.source, booking.onset_s) for booking in after}
    assert kept
    assert all((booking.source, booking.onset_s) in places for booking in kept)


def test_events_lie_inside_the_night_in_order(dense):
    onsets = [event.onset_s for event in dense.events]
    assert onsets == sorted(onsets)
    assert min(onsets) >= 0.0
    assert all(event.duration_s > 0 for event in dense.events)
    assert max(event.offset_s for event in dense.events) <= dense.duration_s


def test_streams_have_the_planned_length(dense):
    assert dense.emg.shape == (3, 3600 * 500)
    assert dense.acc.shape == (3, 3600 * 100)
    assert dense.emg.dtype == dense.acc.dtype == np.float32
    assert dense.start == START


def test_a_sensor_without_accelerometer_delivers_none():
    assert night(sensor="psg", hours=0.1).acc is None


def test_body_events_never_share_the_leg():
    bookings = draw_agenda(PERSON, NightPlan(2.0, START, suite="dense"), 6)
    body = sorted(
        (booking.onset_s, booking.end_s)
        for booking in bookings
        if SOURCES[booking.source].layer is Layer.BODY
    )
    assert len(body) > 20
    assert all(end <= onset for (_, end), (onset, _) in pairwise(body))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("suite", sorted(SUBJECT))
def test_every_suite_holds_what_its_name_says(suite, seed):
    plan = NightPlan(4.0, START, suite=suite)
    sources = {booking.source for booking in draw_agenda(draw_participant(seed), plan, seed)}
    assert SUBJECT[suite] in sources


@pytest.mark.parametrize("suite", sorted(set(SUITES) - {"ordinary", "dense"}))
def test_suites_of_hard_negatives_hold_no_cramps_unless_asked(suite):
    person = replace(PERSON, cramps_per_week=200.0)
    assert planned_cramps(person, NightPlan(8.0, START, suite=suite), 1) == ()
    assert len(planned_cramps(person, NightPlan(8.0, START, 2, suite), 1)) == 2


def test_an_ordinary_night_has_cramps_at_the_participants_rate():
    person = replace(PERSON, cramps_per_week=14.0)
    counts = [len(planned_cramps(person, NightPlan(8.0, START), seed)) for seed in range(150)]
    assert np.mean(counts) == pytest.approx(2.0, abs=0.4)


def test_dense_nights_of_twenty_minutes_hold_cramps():
    counts = [
        len(planned_cramps(draw_participant(seed), NightPlan(1 / 3, START, suite="dense"), seed))
        for seed in range(20)
    ]
    assert min(counts) >= 1


def test_density_multiplies_what_happens():
    plan = NightPlan(4.0, START, suite="restless_sleeper")
    once = draw_agenda(PERSON, plan, 1)
    twice = draw_agenda(PERSON, replace(plan, density=2.0), 1)
    assert len(twice) > 1.5 * len(once)


def test_cramps_that_do_not_fit_are_refused_by_number():
    with pytest.raises(UsageError, match="50 cramps do not fit into"):
        night(hours=0.5, cramps=50)


def test_an_unknown_suite_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match=r"unknown suite 'calm'.*ordinary"):
        night("calm")


def test_samples_are_missing_in_gaps_and_nowhere_else():
    lossy = night("dropouts", hours=1.0, sensor="npg", seed=2)
    for samples, rate in ((lossy.emg, lossy.emg_rate_hz), (lossy.acc, lossy.acc_rate_hz)):
        time = np.arange(samples.shape[1]) / rate
        lost = np.zeros(time.size, dtype=bool)
        for gap in of_kind(lossy, TruthKind.GAP):
            lost |= (time >= gap.onset_s - 1e-9) & (time < gap.offset_s - 1e-9)
        assert lost.any()
        np.testing.assert_array_equal(np.isnan(samples), np.broadcast_to(lost, samples.shape))


def test_a_cramp_is_where_and_as_strong_as_the_truth_says(cramps):
    (event,) = of_kind(cramps, TruthKind.CRAMP)
    sections = signal.butter(4, (20, 450), "bandpass", fs=1000, output="sos")
    level = envelope(
        signal.sosfilt(sections, np.nan_to_num(cramps.emg), axis=1).astype(np.float32), 1000
    )

    def median(onset_s, offset_s):
        return np.median(level[:, int(1000 * onset_s) : int(1000 * offset_s)], axis=1)

    floor = median(event.onset_s - 120, event.onset_s - 60)
    assert (median(event.onset_s - 3, event.onset_s - 0.5) < 2 * floor).all()
    assert (median(event.onset_s + 10, event.offset_s - 5) > 2 * floor).any()
    seen = (median(event.onset_s, event.offset_s) / floor).max()
    assert event.intensity == pytest.approx(seen, rel=0.2)


def test_weight_and_direction_of_gravity_hold_while_the_sleeper_lies_still(cramps):
    (event,) = of_kind(cramps, TruthKind.CRAMP)
    rest = cramps.acc[:, 100 * int(event.offset_s + 120) :]
    rest = rest if rest.shape[1] > 6000 else cramps.acc[:, : 100 * int(event.onset_s - 30)]
    weight = np.linalg.norm(rest, axis=0)
    assert np.nanmedian(weight) == pytest.approx(1.0, abs=0.1)
    assert np.nanstd(np.diff(rest, axis=1)) < 0.01


def test_walking_swings_the_shank_upright_at_the_pace_of_steps():
    walk = night("toilet_trips", hours=2.0, sensor="profile_v1", seed=7)
    gait = max(of_kind(walk, TruthKind.GAIT), key=lambda event: event.duration_s)
    stretch = walk.acc[:, int(50 * gait.onset_s) + 50 : int(50 * gait.offset_s) - 50]
    weight = np.linalg.norm(stretch, axis=0)
    power = np.abs(np.fft.rfft(weight - weight.mean())) ** 2
    pace = np.fft.rfftfreq(weight.size, 1 / 50)
    walking = (pace > 1.1) & (pace < 2.3)
    assert 1.3 < pace[walking][np.argmax(power[walking])] < 1.95
    assert 0.2 < weight.std() < 0.6  # RealWorld, shin: 0.36 g
    assert np.quantile(weight, 0.99) > 1.6


def test_a_lifted_electrode_hides_the_muscle():
    person = replace(PERSON, hum_uv=0.05)
    lifted = night("lift_off", hours=2.0, sensor="reference", seed=11, person=person)
    event = max(of_kind(lifted, TruthKind.LIFT_OFF), key=lambda event: event.duration_s)
    inside = lifted.emg[:, int(1000 * event.onset_s) + 3000 : int(1000 * event.offset_s) - 3000]
    before = lifted.emg[:, : int(1000 * event.onset_s)]
    change = np.nanmedian(np.abs(inside), axis=1) / np.nanmedian(np.abs(before), axis=1)
    assert ((change > 3.0) | (change < 0.7)).any()


def test_hum_is_a_line_at_the_mains_frequency():
    person = replace(PERSON, mains_hz=60.0)
    humming = night("hum", hours=1.0, sensor="lab", seed=3, person=person)
    event = max(of_kind(humming, TruthKind.HUM), key=lambda event: event.duration_s)
    stretch = humming.emg[0, int(2000 * event.onset_s + 8000) :][: 2000 * 10]
    power = np.abs(np.fft.rfft(stretch)) ** 2
    frequency = np.fft.rfftfreq(stretch.size, 1 / 2000)
    band = (frequency > 20) & (frequency < 450)
    assert frequency[band][np.argmax(power[band])] == pytest.approx(60.0, abs=0.3)


def test_saturation_reaches_the_converters_limit():
    railed = night("saturation", hours=1.0, sensor="demo", seed=3)
    event = max(of_kind(railed, TruthKind.SATURATION), key=lambda event: event.duration_s)
    stretch = railed.emg[:, int(250 * event.onset_s) + 25 : int(250 * event.offset_s) - 25]
    low, high = railed.emg_limits
    at_limit = np.isclose(stretch, low, atol=0.1) | np.isclose(stretch, high, atol=0.1)
    assert at_limit.mean() > 0.3


def test_periodic_movements_come_in_series_at_their_interval():
    person = replace(PERSON, restless_legs=False)
    sleeper = night("plm", hours=2.0, seed=4, person=person)
    onsets = np.array([event.onset_s for event in sleeper.events if event.detail == "periodic"])
    lengths = [event.duration_s for event in sleeper.events if event.detail == "periodic"]
    assert onsets.size >= 4
    assert 5.0 < np.median(np.diff(onsets)) < 90.0
    assert min(lengths) >= 0.5
    assert max(lengths) <= 10.0
