"""What the review page draws: extremes at any zoom, seconds, spectrogram, and what is kept."""

import runpy
import struct
import time
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import load_classifier
from nightcramp.analysis import detect
from nightcramp.errors import InputError, UsageError
from nightcramp.review.extremes import STRETCH, ExtremesBuilder, Pyramid
from nightcramp.review.movement import movement_between
from nightcramp.review.nights import find_night, open_source
from nightcramp.review.overview import (
    Overview,
    build_overview,
    read_overview,
    write_overview,
)
from nightcramp.review.spectrogram import SpectrogramBuilder, band_edges, colour_limits, picture
from nightcramp.review.view import view
from recordings import ArrayRecording, Channel, RecordingInfo, Stream, open_recording
from sensing import Seconds

nights = runpy.run_path(str(Path(__file__).with_name("reviewed_nights.py")))
RATE_HZ = nights["RATE_HZ"]


def pyramid_of(samples, rate_hz, block=977):
    builder = ExtremesBuilder(len(samples))
    for start in range(0, samples.shape[1], block):
        builder.push(samples[:, start : start + block])
    return Pyramid.over(*builder.finish(), rate_hz)


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """A recording of four minutes with two bursts, and its overview."""
    path = tmp_path_factory.mktemp("nights") / "night.edf"
    nights["write_recording"](path, 240.0, bursts=((60, 30), (200, 1)))
    recording = open_recording(path)
    return recording, build_overview(recording, load_classifier())


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40_000), st.integers(1, 2000), st.integers(0, 2**32 - 1))
def test_extremes_at_any_zoom_are_those_of_the_samples(length, width, seed):
    random = np.random.default_rng(seed)
    samples = random.normal(size=(2, length)).astype(np.float32)
    first = random.uniform(0, length)
    last = random.uniform(first, length)
    low, high = pyramid_of(samples, 100.0).view(first / 100, last / 100, width)
    step = round(low.step_s * 100)
    start = round(low.onset_s * 100)
    assert step % STRETCH == 0
    assert start <= first
    for place in range(low.values.shape[1]):
        part = samples[:, start + place * step : start + (place + 1) * step]
        np.testing.assert_array_equal(low.values[:, place], part.min(axis=1))
        np.testing.assert_array_equal(high.values[:, place], part.max(axis=1))
    assert start + low.values.shape[1] * step >= int(last)


@pytest.mark.parametrize("width", [100, 1000])
def test_one_large_sample_shows_at_every_zoom(width):
    samples = np.zeros((1, 200_000), dtype=np.float32)
    samples[0, 123_456] = 500
    pyramid = pyramid_of(samples, 1000.0)
    for span_s in (200.0, 100.0, 10.0, 1.0):
        _, high = pyramid.view(123.0, min(123.0 + span_s, 200.0), width)
        assert np.nanmax(high.values) == 500
        columns = high.values.shape[1]
        assert columns <= max(4 * width, 4) + 2


def test_a_gap_is_no_value():
    samples = np.ones((1, 64_000), dtype=np.float32)
    samples[0, 6400:12_800] = np.nan
    low, _ = pyramid_of(samples, 1000.0).view(0, 64, 1000)
    assert np.isnan(low.values[0, 100:200]).all()
    assert not np.isnan(low.values[0, :100]).any()
    assert not np.isnan(low.values[0, 200:]).any()


def test_an_overview_shows_what_the_detector_saw(night):
    recording, overview = night
    seconds = detect(recording, load_classifier()).seconds
    np.testing.assert_array_equal(overview.seconds.score, seconds.score)
    np.testing.assert_array_equal(overview.seconds.quality, seconds.quality)
    assert overview.duration_s == 240.0


def test_views_are_the_same_from_the_kept_file(night, tmp_path):
    recording, overview = night
    write_overview(tmp_path / "kept" / "overview.npz", overview)
    kept = read_overview(tmp_path / "kept" / "overview.npz")
    for first_s, last_s in ((0.0, 240.0), (59.0, 61.0)):
        one = view(overview, recording, first_s, last_s, 500)
        other = view(kept, recording, first_s, last_s, 500)
        for name in ("low", "high", "rms", "floor", "gravity", "activity", "score"):
            np.testing.assert_array_equal(getattr(one, name).values, getattr(other, name).values)
    assert [file.name for file in (tmp_path / "kept").iterdir()] == ["overview.npz"]


def test_a_damaged_kept_file_is_named(tmp_path):
    (tmp_path / "overview.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(InputError, match=r"overview\.npz"):
        read_overview(tmp_path / "overview.npz")


def test_close_up_every_sample_is_drawn(night):
    recording, overview = night
    near = view(overview, recording, 60.0, 62.0, 1000)
    (block,) = recording.blocks(2.0, start_s=60.0, stop_s=62.0)
    np.testing.assert_array_equal(near.low.values, block.emg)
    assert (near.low.onset_s, near.low.step_s) == (60.0, 1 / RATE_HZ)


ACC_HZ = 50.0


def moving(shift=0.0, unit="g", gap=None):
    """Return a night of 60 s that lies still but for a shake of 0.2 g for 0.1 s at 30 s."""
    acc = np.zeros((3, int(60 * ACC_HZ)), dtype=np.float32)
    acc[2] = 1
    acc[0, int(40 * ACC_HZ) :] = shift
    shaken = slice(int(30 * ACC_HZ), int(30.1 * ACC_HZ))
    acc[1, shaken] += 0.2 * np.tile((1, -1), 3)[: shaken.stop - shaken.start]
    if gap is not None:
        acc[:, gap] = np.nan
    scale = 1 if unit == "g" else 4096
    axes = tuple(Channel(f"ACC {axis}", unit, 1 / 4096, (-8, 8)) for axis in "XYZ")
    emg = np.zeros((1, int(60 * RATE_HZ)), dtype=np.float32)
    channel = Channel("EMG 1", "uV", 1.0, (-1000, 1000))
    info = RecordingInfo(
        "night",
        None,
        Stream("emg", RATE_HZ, (channel,), emg.shape[1]),
        acc=Stream("acc", ACC_HZ, axes, acc.shape[1]),
    )
    return ArrayRecording(info, emg, acc * np.float32(scale))


GRAVITY = np.tile(np.float32([[0], [0], [1]]), (1, 60))


@pytest.mark.parametrize("unit", ["g", "count"])
def test_movement_is_what_gravity_leaves_in_g_at_its_own_time(unit):
    moved = movement_between(moving(unit=unit), GRAVITY, 20.0, 40.0)
    assert (moved.onset_s, moved.step_s) == (20.0, 1 / ACC_HZ)
    assert moved.values.shape == (3, int(20 * ACC_HZ))
    strength = np.abs(moved.values).max(axis=0)
    (shaken,) = np.nonzero(strength > 0.1)
    assert shaken[0] / ACC_HZ == pytest.approx(10.0)
    assert shaken[-1] / ACC_HZ < 10.1
    assert strength.max() == pytest.approx(0.2, rel=0.05)
    assert strength[: int(9 * ACC_HZ)].max() < 1e-6, "a still leg does not move"


def test_a_new_posture_is_a_movement_of_a_second_and_no_more():
    moved = movement_between(moving(shift=1.0), GRAVITY, 35.0, 45.0)
    strength = np.abs(moved.values).max(axis=0)
    assert strength.max() > 0.4
    (still,) = np.nonzero(strength < 0.01)
    assert still.max() == len(strength) - 1
    assert (strength > 0.01).sum() <= 1.1 * ACC_HZ


def test_samples_of_the_movement_are_the_same_at_every_zoom():
    whole = movement_between(moving(shift=0.5), GRAVITY, 0.0, 60.0)
    part = movement_between(moving(shift=0.5), GRAVITY, 29.7, 40.3)
    first = round((part.onset_s - whole.onset_s) * ACC_HZ)
    same = whole.values[:, first : first + part.values.shape[1]]
    np.testing.assert_allclose(part.values, same, atol=1e-6)
    assert part.onset_s == pytest.approx(29.7)


def test_where_samples_are_missing_there_is_no_movement_and_beside_it_there_is():
    gap = slice(int(29.5 * ACC_HZ), int(30 * ACC_HZ))
    moved = movement_between(moving(gap=gap), GRAVITY, 29.0, 31.0)
    assert np.isnan(moved.values[:, 25:50]).all()
    assert np.abs(moved.values[1, 50:55]).max() > 0.1


def test_a_short_shake_shows_in_a_narrow_drawing():
    night = moving()
    seconds = Seconds(*(np.zeros((1, 60), np.float32) for _ in range(3)), GRAVITY,
                      *(np.zeros(60, np.float32) for _ in range(2)))  # fmt: skip
    levels = np.zeros((1, 1), np.float32)
    spectrogram = np.zeros((1, 64, 60), np.float16)
    overview = Overview(60.0, Pyramid.over(levels, levels, RATE_HZ), seconds, spectrogram)
    low, high = view(overview, night, 0.0, 60.0, 100).moved
    assert low.values.shape[1] <= 200
    assert (low.values.min(), high.values.max()) == pytest.approx((-0.2, 0.2), rel=0.1)


def test_a_recording_without_acceleration_has_no_movement(night):
    recording, overview = night
    still = ArrayRecording(replace(recording.info, acc=None), np.zeros((2, 60_000), np.float32))
    assert view(overview, still, 60.0, 62.0, 1000).moved is None
    assert view(overview, recording, 60.0, 62.0, 1000).moved is not None


@pytest.mark.parametrize(
    ("first_s", "last_s", "width"),
    [
        (0, 0.1, 100),
        (10, 5, 100),
        (500, 600, 100),
        (0, 10, 0),
        (0, 10, 10**9),
        (float("nan"), 9, 9),
    ],
)
def test_no_view_of_nothing(night, first_s, last_s, width):
    with pytest.raises(UsageError, match="no view"):
        view(night[1], night[0], first_s, last_s, width)


def test_a_view_of_eight_hours_takes_no_time():
    """Of 8 h of two channels at 1 kHz: the budget is 100 ms, on any machine that runs a browser."""
    levels = np.zeros((2, 8 * 3600 * 1000 // STRETCH), dtype=np.float32)
    pyramid = Pyramid.over(levels, levels, 1000.0)
    for span_s in (28_800, 3600, 600, 120):
        start = time.perf_counter()
        pyramid.view(0.0, float(span_s), 1500)
        assert time.perf_counter() - start < 0.1


def test_a_tone_stands_in_its_band():
    rate_hz = 1000.0
    time_s = np.arange(20_000) / rate_hz
    tone = np.sin(2 * np.pi * 120 * time_s).astype(np.float32)[None]
    builder = SpectrogramBuilder(1, rate_hz)
    for start in range(0, tone.shape[1], 700):
        builder.push(tone[:, start : start + 700])
    decibel = builder.finish()
    edges = band_edges(rate_hz)
    (loudest,) = set(decibel[0].argmax(axis=0).tolist())
    assert edges[loudest] <= 120 < edges[loudest + 1]


@pytest.mark.parametrize("rate_hz", [200.0, 512.5, 4000.0])
def test_the_bands_reach_to_half_the_rate_and_no_further(rate_hz):
    builder = SpectrogramBuilder(1, rate_hz)
    builder.push(np.ones((1, 9000), dtype=np.float32))
    assert np.isfinite(builder.finish().astype(np.float32)).all()
    assert band_edges(rate_hz)[-1] <= rate_hz / 2


def test_the_picture_is_a_png_with_the_highest_frequency_on_top():
    decibel = np.zeros((64, 100), dtype=np.float16)
    decibel[-1] = 30
    decibel[:, 50:60] = np.nan
    png = picture(decibel, (0.0, 30.0), 50)
    width, height = struct.unpack(">II", png[16:24])
    assert (width, height) == (50, 64)
    begin = png.index(b"IDAT") + 4
    (length,) = struct.unpack(">I", png[begin - 8 : begin - 4])
    rows = np.frombuffer(zlib.decompress(png[begin : begin + length]), np.uint8).reshape(64, 51)
    assert (rows[0, 1:25] == 254).all()
    assert (rows[1:, 1:25] == 0).all()
    assert (rows[:, 26:31] == 255).all(), "grey where nothing is known"
    assert colour_limits(np.full((64, 5), np.nan, dtype=np.float16)) == (0.0, 1.0)


def test_the_recording_of_a_night_is_found_by_its_content(tmp_path):
    source = nights["write_recording"](tmp_path / "home" / "deep" / "night.edf", 20.0)
    nights["write_results"](tmp_path / "results", "night", (), source=source)
    found = find_night("night", tmp_path / "results")
    assert open_source(found.summary(), [tmp_path / "home"]).info.duration_s == 20.0
    with source.open("r+b") as file:
        file.seek(-2, 2)
        file.write(b"\x11\x11")
    with pytest.raises(InputError, match="was changed"):
        open_source(found.summary(), [tmp_path / "home"])
    source.unlink()
    with pytest.raises(InputError, match="was not found"):
        open_source(found.summary(), [tmp_path / "home"])
