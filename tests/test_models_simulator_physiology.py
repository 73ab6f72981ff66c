"""Muscles and cramps of the simulator against the values they are built on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from scipy import signal, stats

from models.simulator import SENSORS, NightPlan, draw_participant
from models.simulator.cramp import cramp_spikes, draw_cramp
from models.simulator.night import empty_scene
from models.simulator.parameter_file import default_parameters
from models.simulator.pool import DRIVE_HZ, build_muscle, discharge
from models.simulator.scene import Chance
from models.simulator.shapes import envelope
from models.simulator.voluntary import draw_hold
from models.truth import TruthKind

NUMBERS = default_parameters()
START = datetime(2025, 1, 6, 22)


def chance(seed, **traits):
    person = replace(draw_participant(seed), **traits)
    return Chance(person, NUMBERS, np.random.default_rng(seed))


def muscle(seed, rate_hz=1000, channels=1):
    rng = np.random.default_rng(seed)
    return build_muscle(draw_participant(seed), NUMBERS.pool, channels, rate_hz, rng)


@pytest.fixture(scope="module")
def trains():
    """Discharge times of single units in cramps of a minute."""
    found = []
    for seed in range(12):
        cramp = replace(draw_cramp(chance(seed)), active_s=60.0, irregularity=1.0)
        rng = np.random.default_rng(seed)
        spikes = cramp_spikes(cramp, muscle(seed), NUMBERS.cramp, rng)
        found += [np.sort(spikes.times_s[spikes.units == unit]) for unit in set(spikes.units)]
    return [train for train in found if train.size > 40]


def intervals(train):
    """Intervals without doublets and without pauses of the unit."""
    gaps = np.diff(train)
    return gaps[(gaps > 0.0105) & (gaps < 0.5)]


def test_units_of_a_cramp_fire_as_fast_as_minetto_found(trains):
    rates = [1.0 / intervals(train).mean() for train in trains]
    assert np.mean(rates) == pytest.approx(14.5, abs=1.5)
    assert np.std(rates) == pytest.approx(5.1, abs=1.5)


def test_units_of_a_cramp_fire_as_irregularly_as_minetto_found(trains):
    variations = [intervals(train).std() / intervals(train).mean() for train in trains]
    assert np.mean(variations) == pytest.approx(0.446, abs=0.05)
    assert np.std(variations) == pytest.approx(0.097, abs=0.05)


def test_doublets_are_as_frequent_as_minetto_found(trains):
    gaps = np.concatenate([np.diff(train) for train in trains])
    assert np.mean(gaps < 0.0105) == pytest.approx(0.041, abs=0.015)


def test_voluntary_units_fire_more_regularly_than_cramping_ones():
    person_muscle = muscle(1)
    rates = person_muscle.voluntary_rates(np.full(60 * DRIVE_HZ, 0.6, dtype=np.float32))
    cv = np.full(person_muscle.n_units, 0.2)
    spikes = discharge(rates, cv, np.random.default_rng(0))
    variation = [
        gaps.std() / gaps.mean()
        for unit in set(spikes.units)
        if (gaps := np.diff(np.sort(spikes.times_s[spikes.units == unit]))).size > 100
    ]
    assert np.mean(variation) == pytest.approx(0.2, abs=0.02)


def test_discharges_follow_a_rate_that_changes():
    rate = np.concatenate((np.full(10 * DRIVE_HZ, 5.0), np.full(10 * DRIVE_HZ, 20.0)))
    rates = np.tile(rate, (40, 1)).astype(np.float32)
    spikes = discharge(rates, np.full(40, 0.3), np.random.default_rng(0))
    early = (spikes.times_s < 10.0).sum() / 40
    late = (spikes.times_s >= 10.0).sum() / 40
    assert early == pytest.approx(50, rel=0.05)
    assert late == pytest.approx(200, rel=0.05)


def test_units_that_do_not_fire_make_no_discharges():
    spikes = discharge(np.zeros((5, 100), np.float32), np.full(5, 0.2), np.random.default_rng(0))
    assert spikes.times_s.size == 0
    assert not muscle(1).potentials(spikes, 1000).any()


def test_a_maximal_contraction_has_the_participants_maximal_emg():
    levels = []
    for seed in range(8):
        wave = muscle(seed).contract(np.ones(5 * DRIVE_HZ, np.float32), np.random.default_rng(0))
        levels.append(wave[:, 1000:].std() / draw_participant(seed).mvc_uv)
    assert np.median(levels) == pytest.approx(1.0, abs=0.25)


def test_the_level_asked_for_is_the_level_contracted():
    full = muscle(3).contract(np.full(200, 1.0, np.float32), np.random.default_rng(0)).std()
    third = muscle(3).contract(np.full(200, 0.3, np.float32), np.random.default_rng(0)).std()
    assert third / full == pytest.approx(0.3, abs=0.1)


def test_all_nights_share_a_participants_anatomy():
    first = build_muscle(draw_participant(1), NUMBERS.pool, 2, 1000, np.random.default_rng(1))
    second = build_muscle(draw_participant(1), NUMBERS.pool, 2, 1000, np.random.default_rng(2))
    np.testing.assert_array_equal(first.position_cm, second.position_cm)
    assert not np.array_equal(first.amplitude_uv, second.amplitude_uv)


def test_cramps_last_as_long_as_their_prior_says():
    lengths = np.array([draw_cramp(chance(seed, cramp_length=1.0)).active_s for seed in range(800)])
    assert np.median(lengths) == pytest.approx(75.0, rel=0.12)
    assert np.exp(np.log(lengths).std()) == pytest.approx(2.2, abs=0.2)
    assert lengths.min() >= 10.0
    assert lengths.max() <= 600.0


def test_a_third_of_cramps_is_lived_through_without_moving():
    still = [draw_cramp(chance(seed)).aftermath.wake_s is None for seed in range(600)]
    assert np.mean(still) == pytest.approx(0.35, abs=0.06)


@pytest.fixture(scope="module")
def painted():
    """True events of 40 single cramps: half weak, half strong."""
    events = []
    plan = NightPlan(0.2, START)
    for seed in range(40):
        weak = float(seed % 2)
        person = replace(
            draw_participant(seed), weak_cramp_share=weak, hum_uv=0.05, noise_like=seed % 4 > 1
        )
        scene = empty_scene(person, plan, SENSORS["reference"], seed, NUMBERS)
        rng = np.random.default_rng(seed)
        cramp = draw_cramp(Chance(person, NUMBERS, rng))
        replace(cramp, active_s=min(cramp.active_s, 120.0)).paint(scene, 100.0, rng)
        found = [event for event in scene.events if event.kind is TruthKind.CRAMP]
        assert len(found) == 1
        events.append((person, found[0]))
    return events


def test_weak_cramps_stand_two_to_six_times_above_the_floor(painted):
    multiples = [event.intensity for _, event in painted if event.detail == "weak"]
    assert 2.0 < np.median(multiples) < 6.0
    assert max(multiples) < 12.0


def test_other_cramps_reach_a_tenth_to_most_of_a_maximal_contraction(painted):
    levels = [
        event.intensity * person.floor_uv / person.mvc_uv
        for person, event in painted
        if event.detail is None
    ]
    assert 0.05 < np.median(levels) < 0.6
    assert max(levels) < 1.5


def test_true_cramps_begin_and_end_with_the_painted_ones(painted):
    for _, event in painted:
        assert 99.5 <= event.onset_s <= 115.0
        assert event.offset_s <= 221.0


def test_a_cramp_wanders_from_one_electrode_to_the_other():
    drifts = []
    for seed in range(10):
        cramp = replace(draw_cramp(chance(seed)), active_s=120.0, territory_share=0.25)
        pair = muscle(seed, channels=2)
        spikes = cramp_spikes(cramp, pair, NUMBERS.cramp, np.random.default_rng(seed))
        left, right = envelope(pair.potentials(spikes, 120_000), 1000)[:, 5000:115_000]
        drifts.append(np.std(np.log((left + 0.1) / (right + 0.1))))
    assert np.median(drifts) > 0.25


@pytest.fixture(scope="module")
def holds():
    """Kurtosis, envelope variation and median frequency of firm holds, as lab records show them."""
    plan = NightPlan(0.02, START)
    sections = signal.butter(4, (20, 450), "bandpass", fs=2000, output="sos")
    rows = []
    for seed in range(60):
        person = replace(draw_participant(seed), noise_like=False)
        scene = empty_scene(person, plan, SENSORS["lab"], seed, NUMBERS)
        drawn = chance(seed)
        hold = replace(
            draw_hold(drawn),
            duration_s=10.0,
            rise_s=0.5,
            fall_s=0.5,
            level=0.3 + 0.7 * drawn.rng.random(),
        )
        hold.paint(scene, 5.0, drawn.rng)
        noisy = scene.emg[0, 16_000:24_000] + 2.0 * drawn.rng.standard_normal(8000)
        rows.append(_describe(signal.sosfiltfilt(sections, noisy)))
    return np.array(rows)


def _describe(wave):
    frequency, power = signal.welch(wave, 2000, nperseg=2000)
    total = np.cumsum(power[20:451])
    quarters = np.sqrt(np.square(wave.reshape(-1, 500)).mean(axis=1))
    return (
        stats.kurtosis(wave),
        quarters.std() / quarters.mean(),
        frequency[20 + np.searchsorted(total, total[-1] / 2)],
    )


@pytest.mark.parametrize(
    ("column", "low", "middle", "high"),
    [
        (0, 0.66, 1.33, 4.13),  # kurtosis
        (1, 0.11, 0.15, 0.29),  # variation of the 0.25 s envelope
    ],
)
def test_holds_look_like_those_of_people_of_64_to_82_years(holds, column, low, middle, high):
    p10, p50, p90 = np.quantile(holds[:, column], (0.1, 0.5, 0.9))
    assert 0.4 * low < p10 < 1.6 * low
    assert 0.65 * middle < p50 < 1.5 * middle
    assert 0.6 * high < p90 < 1.6 * high


def test_holds_have_the_spectrum_of_elderly_legs(holds):
    p10, p50, p90 = np.quantile(holds[:, 2], (0.1, 0.5, 0.9))
    assert 55 < p10 < 80
    assert 75 < p50 < 100
    assert 92 < p90 < 125
