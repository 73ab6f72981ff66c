"""Muscles that are shaped noise: as loud as asked, of many spectra, for cramps and all else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import signal, stats

from models.dataset import DRAWN, NightSpec, make_night, night_specs
from models.simulator import SOURCES, draw_participant, draw_sensor
from models.simulator.course import whole_course
from models.simulator.noise_muscle import as_noise
from models.simulator.parameter_file import default_parameters
from models.simulator.pool import DRIVE_HZ, build_muscle
from models.truth import TruthKind
from nightcramp.errors import UsageError

NUMBERS = default_parameters()


def muscle(seed, channels=1, rate_hz=1000):
    person, rng = draw_participant(seed), np.random.default_rng(seed)
    pool = build_muscle(person, NUMBERS.pool, channels, rate_hz, rng)
    return as_noise(pool, person.mvc_uv, NUMBERS.noise, rng)


@pytest.mark.parametrize("rate_hz", [1000, 1116, 2000])
def test_a_contraction_is_as_loud_and_as_long_as_asked(rate_hz):
    one = muscle(3, channels=2, rate_hz=rate_hz)
    wave = one.contract(np.full(20 * DRIVE_HZ, 0.3), np.random.default_rng(0))
    assert wave.shape == (2, 20 * rate_hz)
    assert wave.std(axis=1).max() == pytest.approx(0.3 * one.mvc_uv, rel=0.1)


def test_wider_potentials_sound_lower():
    one = muscle(3)
    narrow, wide = (
        one.sound(np.ones(500), np.random.default_rng(0), width=width)[0] for width in (0.7, 1.4)
    )
    middle = [
        np.average(*signal.welch(wave, 1000)[:1], weights=signal.welch(wave, 1000)[1])
        for wave in (narrow, wide)
    ]
    assert middle[0] > 1.3 * middle[1]


def test_noise_has_many_spectra_and_peakednesses():
    waves = [
        muscle(seed).sound(np.ones(500), np.random.default_rng(0), width=1.0)[0]
        for seed in range(40)
    ]
    frequencies = [
        np.average(*signal.welch(wave, 1000)[:1], weights=signal.welch(wave, 1000)[1])
        for wave in waves
    ]
    assert np.quantile(frequencies, 0.1) < 80
    assert np.quantile(frequencies, 0.9) > 140
    peaked = np.array([stats.kurtosis(wave) for wave in waves])
    assert (np.abs(peaked) < 0.3).mean() > 0.3
    assert (peaked > 1.0).mean() > 0.1


def test_a_course_grows_from_nothing_and_ends_there():
    for seed in range(30):
        rng = np.random.default_rng(seed)
        course = whole_course(60 * DRIVE_HZ, (5.0, 8.0), NUMBERS.cramp, NUMBERS.course, rng)
        assert course.shape == (60 * DRIVE_HZ,)
        assert course[:5].max() < 0.1 * course.max()
        assert course[-5:].max() < 0.1 * course.max()
        assert (course >= 0).all()


def test_cramps_of_noise_are_true_cramps():
    person = replace(draw_participant(1), noise_like=True)
    assert person.noise_like
    spec = NightSpec(2, 4, "reference", "quiet", 3, 0.5)
    cramps = [event for event in make_night(spec).events if event.kind is TruthKind.CRAMP]
    assert len(cramps) == 3


def test_half_of_all_people_are_painted_in_noise():
    noisy = [draw_participant(seed).noise_like for seed in range(400)]
    assert np.mean(noisy) == pytest.approx(0.5, abs=0.08)


def test_drawn_sensors_differ_in_all_that_a_recording_may_differ_in():
    sensors = [draw_sensor(seed) for seed in range(80)]
    assert {sensor.emg_rate_hz for sensor in sensors} >= {200, 250, 500, 1000, 2000}
    assert {sensor.emg_channels for sensor in sensors} >= {1, 2, 8}
    assert {sensor.unit for sensor in sensors} == {"uV", "count"}
    assert {sensor.acc_rate_hz > 0 for sensor in sensors} == {True, False}
    assert draw_sensor(5) == draw_sensor(5)
    assert make_night(NightSpec(1, 5, DRAWN, "quiet", 0, 0.05)).emg_rate_hz == (
        sensors[5].emg_rate_hz
    )


def test_what_is_left_out_of_a_night_never_happens():
    spec = NightSpec(1, 1, "demo", "standing", 0, 1.0)
    kinds = {event.kind for event in make_night(spec).events}
    assert TruthKind.STANDING in kinds
    without = replace(spec, without=("standing", "toilet_trip"))
    kinds = {event.kind for event in make_night(without).events}
    assert not kinds & {TruthKind.STANDING, TruthKind.GAIT}


@pytest.mark.parametrize("name", ["walking", "cramp"])
def test_only_confounders_can_be_left_out(name):
    assert "toilet_trip" in SOURCES
    with pytest.raises(UsageError, match="toilet_trip"):
        night_specs(1, 1, 1.0, (name,))
