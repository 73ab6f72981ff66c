"""What simulated sensors deliver: rates, steps, ranges, floors, losses."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from models.simulator import SENSORS, NightPlan, draw_participant, simulate_night
from models.simulator.link import draw_losses, lose

START = datetime(2025, 1, 6, 22)
BLE = SENSORS["reference"].loss


def quiet(sensor, **traits):
    person = replace(draw_participant(2), hum_uv=0.05, **traits)
    return simulate_night(person, NightPlan(0.05, START, 0, "quiet"), SENSORS[sensor], 1)


@pytest.mark.parametrize("name", sorted(SENSORS))
def test_samples_are_whole_converter_steps_within_sixteen_bits(name):
    night = quiet(name)
    low, high = night.emg_limits
    steps = night.emg[np.isfinite(night.emg)] / night.emg_resolution
    np.testing.assert_allclose(steps, np.rint(steps), atol=2e-3)
    assert low <= np.nanmin(night.emg) <= np.nanmax(night.emg) <= high
    assert (high - low) / night.emg_resolution <= 65535.5
    assert night.emg.shape == (SENSORS[name].emg_channels, 180 * SENSORS[name].emg_rate_hz)


@pytest.mark.parametrize("name", sorted(SENSORS))
def test_rates_are_whole_numbers_so_that_edf_can_hold_them(name):
    sensor = SENSORS[name]
    assert isinstance(sensor.emg_rate_hz, int)
    assert isinstance(sensor.acc_rate_hz, int)
    assert sensor.name == name


@pytest.mark.parametrize("floor_uv", [1.5, 3.0, 6.0])
@pytest.mark.parametrize("name", ["reference", "lab", "profile_v1"])
def test_wide_band_sensors_show_the_participants_floor(name, floor_uv):
    night = quiet(name, floor_uv=floor_uv, ecg_uv=0.0, pulse_uv=0.0)
    sections = signal.butter(4, (20, 450), "bandpass", fs=night.emg_rate_hz, output="sos")
    filtered = signal.sosfilt(sections, np.nan_to_num(night.emg), axis=1)
    middle = filtered.reshape(len(filtered), -1, int(night.emg_rate_hz)).std(axis=2)
    seen = np.median(middle, axis=1).mean()
    assert seen == pytest.approx(math.hypot(floor_uv, SENSORS[name].noise_uv), rel=0.45)


def test_a_narrow_band_lets_less_of_the_floor_through():
    wide, narrow = quiet("reference", floor_uv=4.0), quiet("ganglion", floor_uv=4.0)
    assert np.nanstd(np.diff(narrow.emg)) < np.nanstd(np.diff(wide.emg))


def test_unscaled_sensors_deliver_whole_counts():
    night = quiet("myo")
    assert night.emg_unit == "count"
    assert np.nanmax(np.abs(night.emg)) < 40


def test_the_accelerometer_keeps_to_its_steps_and_range():
    sensor = SENSORS["ganglion"]
    acc = quiet("ganglion").acc
    steps = acc[np.isfinite(acc)] / sensor.acc_resolution_g
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3)
    assert np.nanmax(np.abs(acc)) <= sensor.acc_limit_g


def test_losses_are_as_frequent_and_long_as_a_bluetooth_link_makes_them():
    rng = np.random.default_rng(0)
    nights = [draw_losses(BLE, 8 * 3600.0, rng) for _ in range(150)]
    lengths = np.array([stop - start for gaps in nights for start, stop in gaps])
    short, long = lengths[lengths < 10.0], lengths[lengths >= 10.0]
    assert 1.0 < short.size / 150 / 8 < 4.0
    assert 0.2 < short.mean() < 2.0
    assert long.size / 150 == pytest.approx(1.0, abs=0.3)
    assert long.max() <= 600.0


def test_a_wired_sensor_loses_nothing():
    assert np.isfinite(quiet("psg").emg).all()


@settings(max_examples=40, deadline=None)
@given(
    gaps=st.lists(
        st.tuples(st.floats(0, 50), st.floats(0.001, 9)).map(lambda gap: (gap[0], sum(gap))),
        max_size=6,
    ),
    rates=st.sampled_from([(1000, 100), (500, 100), (200, 10), (1116, 25)]),
    block_s=st.sampled_from([0.001, 0.02, 0.04, 0.1]),
)
def test_lost_samples_and_reported_gaps_are_the_same(gaps, rates, block_s):
    emg = np.zeros((2, 60 * rates[0]), dtype=np.float32)
    acc = np.zeros((3, 60 * rates[1]), dtype=np.float32)
    events = lose(gaps, block_s, emg, acc, rates)
    assert sum(event.duration_s for event in events) == pytest.approx(
        np.isnan(emg[0]).sum() / rates[0]
    )
    for start, stop in gaps:
        assert np.isnan(emg[:, round(start * rates[0]) : math.floor(stop * rates[0])]).all()
    assert all(first.offset_s < later.onset_s for first, later in pairwise(events))
    block = max(1, round(block_s * rates[0]))
    for event in events:
        assert round(event.onset_s * rates[0]) % block == 0
