"""Filters, noise floor, mains and signal quality on signals whose answer is known."""

import numpy as np
import pytest
from scipy import signal

from sensing import AccFormat, EmgFormat, FrontEnd, Quality
from sensing.emg import EmgChain, mean_frequency_hz
from sensing.filters import BandPass, MainsNotch, band_hz
from sensing.floor import HISTORY_EPOCHS, RELEARN_EPOCHS, NoiseFloor
from sensing.mains import MainsMonitor
from sensing.quality import mark_isolated, run_lengths

RATE_HZ = 1000.0


def emg_format(channels=1, rate_hz=RATE_HZ, *, scaled=True, limits=(-3000.0, 3000.0)):
    labels = tuple(f"EMG {number}" for number in range(channels))
    return EmgFormat(labels, rate_hz, scaled, (0.1,) * channels, (limits,) * channels)


def noise(seconds, rms=3.0, channels=1, rate_hz=RATE_HZ, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(0, rms, (channels, round(seconds * rate_hz)))


def bins_of(samples, form=None):
    return EmgChain(form or emg_format(len(samples))).push(samples)


def quality_of(samples, form=None):
    front_end = FrontEnd(form or emg_format(len(samples)))
    outputs = [front_end.push(samples), front_end.finish()]
    return np.concatenate([output.quality for output in outputs], axis=1)


@pytest.mark.parametrize(("rate_hz", "high"), [(200, 90), (500, 225), (1000, 450), (4000, 450)])
def test_the_band_ends_at_450_hz_or_at_045_of_the_rate(rate_hz, high):
    assert band_hz(rate_hz) == (20.0, pytest.approx(high))


def test_the_band_pass_equals_one_call_of_scipy_over_the_whole_signal():
    samples = noise(20, channels=2)
    sections = signal.butter(4, band_hz(RATE_HZ), "bandpass", fs=RATE_HZ, output="sos")
    start = signal.sosfilt_zi(sections)[:, None, :] * samples[:, :1]
    expected, _ = signal.sosfilt(sections, samples, zi=start)
    filtered, _ = BandPass(2, RATE_HZ).push(samples)
    np.testing.assert_array_equal(filtered, expected)


def test_filters_restart_after_a_gap_as_if_the_recording_began_there():
    samples = noise(10) + 500.0
    samples[:, 3000:4500] = np.nan
    filtered, restarts = BandPass(1, RATE_HZ).push(samples)
    fresh, _ = BandPass(1, RATE_HZ).push(samples[:, 4500:])
    np.testing.assert_array_equal(filtered[:, 4500:], fresh)
    assert np.flatnonzero(restarts[0]).tolist() == [0, 4500]
    assert np.abs(filtered).max() < 30, "a gap or an offset must not ring"


def test_a_gap_in_one_channel_leaves_the_other_untouched():
    samples = noise(10, channels=2)
    whole, _ = BandPass(2, RATE_HZ).push(samples)
    samples[0, 2000:3000] = np.nan
    filtered, _ = BandPass(2, RATE_HZ).push(samples)
    np.testing.assert_array_equal(filtered[1], whole[1])


def test_a_notch_removes_its_line_and_little_else():
    time_s = np.arange(20_000) / RATE_HZ
    hum = 50 * np.sin(2 * np.pi * 50 * time_s)
    notch = MainsNotch(RATE_HZ)
    notch.tune((50.0,))
    assert np.sqrt(np.mean(notch.push(hum)[2000:] ** 2)) < 0.01 * 50
    other = MainsNotch(RATE_HZ)
    other.tune((50.0,))
    speech = 50 * np.sin(2 * np.pi * 80 * time_s)
    assert np.sqrt(np.mean(other.push(speech)[2000:] ** 2)) > 0.98 * 50 / np.sqrt(2)


@pytest.mark.parametrize("mains_hz", [50.0, 60.0, 50.3])
def test_mains_are_found_when_they_are_there(mains_hz):
    monitor = MainsMonitor(RATE_HZ, band_hz(RATE_HZ))
    time_s = np.arange(monitor.segment) / RATE_HZ
    hum = 6 * np.sin(2 * np.pi * mains_hz * time_s) + 2 * np.sin(2 * np.pi * 3 * mains_hz * time_s)
    assert monitor.judge(noise(2)[0] + hum) == (round(mains_hz), 3 * round(mains_hz))


def test_mains_are_not_found_in_noise_nor_in_muscle():
    monitor = MainsMonitor(RATE_HZ, band_hz(RATE_HZ))
    found = [monitor.judge(noise(2, seed=seed)[0]) for seed in range(200)]
    assert set(found) == {()}


def test_a_contraction_does_not_end_the_removal_of_hum():
    monitor = MainsMonitor(RATE_HZ, band_hz(RATE_HZ))
    hum = 6 * np.sin(2 * np.pi * 50 * np.arange(monitor.segment) / RATE_HZ)
    assert monitor.judge(noise(2)[0] + hum) == (50.0,)
    during = [monitor.judge(noise(2, rms=200, seed=seed)[0]) for seed in range(6)]
    assert during[:-1] == [(50.0,)] * 5
    assert during[-1] == (), "but hum that is gone is let go after a minute"


def feed(floor, level, epochs, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        floor.add_epoch((level * rng.uniform(0.9, 1.1, 100)).astype(np.float32))
    return floor.value


def test_the_noise_floor_is_frozen_in_a_cramp_of_ten_minutes_and_relearnt_after():
    floor = NoiseFloor(least=0.1)
    resting = feed(floor, 3.0, HISTORY_EPOCHS)
    assert resting == pytest.approx(3.0, abs=0.1)
    assert feed(floor, 30.0, RELEARN_EPOCHS - 1) == resting
    assert feed(floor, 30.0, 1) == pytest.approx(30, abs=1)


def test_the_noise_floor_is_that_of_the_pauses_between_dense_contractions():
    floor, rng = NoiseFloor(least=0.1), np.random.default_rng(0)
    for _ in range(HISTORY_EPOCHS):
        rms = 3.0 * rng.uniform(0.9, 1.1, 100)
        rms[:70] *= 10
        floor.add_epoch(rms.astype(np.float32))
    assert floor.value == pytest.approx(3.0, rel=0.1)


def test_the_noise_floor_does_not_follow_an_electrode_that_came_off():
    floor = NoiseFloor(least=0.01)
    resting = feed(floor, 3.0, HISTORY_EPOCHS)
    assert feed(floor, 0.5, RELEARN_EPOCHS - 1) == resting


def test_the_noise_floor_needs_a_third_of_an_epoch_and_never_falls_below_the_recorder():
    floor = NoiseFloor(least=0.5)
    mostly_lost = np.full(100, np.nan, dtype=np.float32)
    mostly_lost[:29] = 3.0
    floor.add_epoch(mostly_lost)
    assert np.isnan(floor.value)
    assert feed(floor, 0.1, 1) == 0.5


def test_bins_measure_what_they_say():
    time_s = np.arange(20_000) / RATE_HZ
    sine = 100 * np.sin(2 * np.pi * 80 * time_s)[None]
    bins = bins_of(sine)
    late = slice(20, None)
    assert np.sqrt(bins.power[0, late]) == pytest.approx(100 / np.sqrt(2), rel=0.01)
    frequency = mean_frequency_hz(bins.slope, bins.power, RATE_HZ)
    assert frequency[0, late] == pytest.approx(80, rel=0.01)


def test_the_first_ten_seconds_are_warm_up_then_noise_is_good():
    quality = quality_of(noise(60))[0]
    assert set(quality[3:100]) == {Quality.WARM_UP}
    assert set(quality[100:]) == {Quality.GOOD}


def with_stretch(make, seconds=120, first_s=60, last_s=80):
    samples = noise(seconds)
    part = slice(round(first_s * RATE_HZ), round(last_s * RATE_HZ))
    samples[:, part] = make(samples[:, part])
    return quality_of(samples)[0, 10 * first_s + 25 : 10 * last_s]


@pytest.mark.parametrize(
    ("reason", "make"),
    [
        (Quality.GAP, lambda part: part * np.nan),
        (Quality.FLAT, lambda part: part * 0 + 7),
        (Quality.FLAT, lambda part: part * 0.1),
        (Quality.SATURATED, lambda part: np.sign(part) * 3000),
        (Quality.SATURATED, lambda part: np.clip(part * 100, -120, 120)),
    ],
    ids=["gap", "dead", "silent", "at the limits", "clipped inside the limits"],
)
def test_what_cannot_be_judged_has_its_reason(reason, make):
    quality = with_stretch(make)
    assert (quality == reason).mean() > 0.95


def test_hum_that_swamps_everything_is_a_lifted_electrode():
    samples = noise(300)
    time_s = np.arange(samples.shape[1]) / RATE_HZ
    samples[:, 60_000:] += 600 * np.sin(2 * np.pi * 50 * time_s[60_000:])
    quality = quality_of(samples)[0, 800:]
    assert (quality == Quality.LIFT_OFF).mean() > 0.95


def test_an_electrode_that_came_off_into_noise_is_off_as_well():
    samples = noise(300)
    samples[:, 60_000:] += noise(240, rms=100, seed=2)
    time_s = np.arange(samples.shape[1]) / RATE_HZ
    samples[:, 60_000:] += 300 * np.sin(2 * np.pi * 50 * time_s[60_000:])
    quality = quality_of(samples)[0, 800:]
    assert (quality == Quality.LIFT_OFF).mean() > 0.95


def test_a_strong_contraction_over_weak_hum_is_no_lifted_electrode():
    # At 200 Hz a notch of 2 Hz takes a good part of the EMG with the hum.
    form = emg_format(rate_hz=200.0)
    samples = noise(300, rate_hz=200.0)
    samples[:, 40_000:50_000] *= 200
    samples += 10 * np.sin(2 * np.pi * 50 * np.arange(60_000) / 200.0)
    quality = quality_of(samples, form)[0]
    assert Quality.LIFT_OFF not in quality
    assert set(quality[2010:2490]) == {Quality.GOOD}


def test_a_second_without_a_change_is_not_a_dead_electrode_yet():
    samples = noise(60)
    samples[:, 30_000:31_000] = samples[:, 29_999:30_000]
    assert Quality.FLAT not in quality_of(samples)[0]


def test_values_near_the_limits_are_not_clipped():
    samples = noise(60) + 2900 * np.sin(2 * np.pi * 80 * np.arange(60_000) / RATE_HZ)
    assert Quality.SATURATED not in quality_of(samples)[0]


def test_bins_in_which_a_filter_settles_after_a_gap_belong_to_it():
    samples = noise(60)
    samples[:, 30_000:32_000] = np.nan
    quality = quality_of(samples)[0]
    assert np.flatnonzero(quality == Quality.GAP).tolist() == [0, 1, 2, *range(300, 323)]


def test_weak_hum_is_removed_and_the_night_stays_good():
    samples = noise(120) + 10 * np.sin(2 * np.pi * 50 * np.arange(120_000) / RATE_HZ)
    front_end = FrontEnd(emg_format())
    output = front_end.push(samples)
    assert (output.quality[0, 200:] == Quality.GOOD).all()
    assert np.median(output.level[0, 1000:]) < 0.5, "hum must not look like activity"


def test_a_floor_above_thirty_microvolts_is_too_noisy():
    quality = quality_of(noise(120, rms=60))[0]
    assert set(quality[100:]) == {Quality.NOISY}


def test_without_a_scale_only_a_rising_floor_is_too_noisy():
    form = emg_format(scaled=False)
    assert set(quality_of(noise(120, rms=60), form)[0, 100:]) == {Quality.GOOD}


def test_slow_strong_swings_are_motion():
    samples = noise(120)
    samples[:, 60_000:80_000] += 200 * np.sin(2 * np.pi * 22 * np.arange(20_000) / RATE_HZ)
    quality = quality_of(samples)[0, 620:800]
    assert (quality == Quality.MOTION).mean() > 0.9


def test_unscaled_acceleration_is_brought_to_g():
    front_end = FrontEnd(emg_format(), AccFormat(50.0, scaled=False))
    acc = np.zeros((3, 50 * 30))
    acc[2] = 16_000
    acc[:, :5], acc[:, 5:10] = np.nan, 0  # the first bins say nothing of the scale
    output = front_end.push(noise(30), acc)
    np.testing.assert_allclose(output.gravity[:, 10], [0, 0, 1], atol=1e-5)


def test_run_lengths_count_and_carry_over():
    true = np.array([True, True, False, True, True, True])
    assert run_lengths(true, before=4).tolist() == [5, 6, 0, 1, 2, 3]


def test_good_seconds_between_gaps_are_isolated_only_if_no_cramp_fits():
    quality = np.zeros((1, 40), dtype=np.uint8)
    quality[0, 9] = quality[0, 20] = Quality.GAP
    marked = mark_isolated(quality)[0]
    assert set(marked[:9]) == {Quality.ISOLATED}
    assert set(marked[10:20]) == {Quality.GOOD}
    assert set(marked[21:]) == {Quality.GOOD}
