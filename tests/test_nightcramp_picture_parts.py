"""What the night picture is made of: thinning, scales, times and words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nightcramp.picture.close_up import read_close_up
from nightcramp.picture.decimate import lost_bars, runs, strokes
from nightcramp.picture.shapes import LogScale, round_down, spread
from nightcramp.picture.timeline import Timeline
from nightcramp.picture.wording import (
    Status,
    fitted,
    headline,
    judge,
    length,
    percent,
    plain_sentence,
)
from recordings import Block, Channel, RecordingInfo, Stream
from sensing import Censored, Event, EventKind, NightResult, Quality, Seconds

finite = st.floats(-1e6, 1e6, width=32)


@given(
    values=arrays(np.float32, st.integers(1, 400), elements=finite | st.just(np.nan)),
    columns=st.integers(1, 50),
)
def test_strokes_hide_no_extreme_and_invent_none(values, columns):
    position, drawn = strokes(values, columns)
    assert len(position) == len(drawn) <= max(2 * columns, 2 * values.size)
    assert np.all(np.diff(position) >= 0)
    assert 0 <= position[0] <= position[-1] <= values.size
    known = values[np.isfinite(values)]
    assert set(drawn[np.isfinite(drawn)]) <= set(known.astype(float))
    if known.size:
        assert (np.nanmin(drawn), np.nanmax(drawn)) == (known.min(), known.max())


def test_a_burst_of_one_second_is_drawn_where_it_was_in_a_night():
    rms = np.ones(28800, dtype=np.float32)
    rms[20000] = 50.0
    position, drawn = strokes(rms, 900)
    assert position[drawn == 50.0] == pytest.approx(20000, abs=32)


def test_a_gap_breaks_the_line():
    rms = np.ones(1000, dtype=np.float32)
    rms[400:600] = np.nan
    position, drawn = strokes(rms, 100)
    assert np.isnan(drawn[(position > 400) & (position < 600)]).all()


@given(arrays(np.uint8, st.integers(1, 500), elements=st.sampled_from(list(Quality))))
def test_lost_bars_cover_every_lost_second_and_no_untouched_column(quality):
    columns = 40
    step = max(1, -(-quality.size // columns))
    covered = np.zeros(quality.size)
    for bars in lost_bars(quality, columns).values():
        for left, width, height in zip(bars.left, bars.width, bars.height, strict=True):
            covered[int(left) : int(left + width)] = height
    lost = quality != Quality.GOOD
    assert (covered[lost] > 0).all()
    shares = [lost[at : at + step].mean() for at in range(0, quality.size, step)]
    for share, at in zip(shares[:-1], range(0, quality.size, step), strict=False):
        assert covered[at] == np.ceil(share * 4) / 4


def test_lost_bars_name_the_most_common_reason():
    quality = np.zeros(1000, dtype=np.uint8)
    quality[:10] = [Quality.HUM] * 7 + [Quality.GAP] * 3
    bars = lost_bars(quality, 100)
    assert bars[Quality.HUM].left.tolist() == [0.0]
    assert bars[Quality.HUM].height.tolist() == [1.0]
    assert bars[Quality.GAP].left.size == 0


def test_runs_are_where_a_mask_is_true():
    start, stop = runs(np.array([True, True, False, True]))
    assert (start.tolist(), stop.tolist()) == ([0, 3], [2, 4])


@given(
    wanted=arrays(np.float64, st.integers(0, 30), elements=st.floats(0, 100)),
    gap=st.floats(0.1, 20),
)
def test_spread_labels_stay_apart_in_order_and_inside(wanted, gap):
    placed = spread(wanted, gap, 0.0, 100.0)
    fitting = min(gap, 100 / max(1, len(wanted) - 1))
    ordered = placed[np.argsort(wanted, kind="stable")]
    assert (np.diff(ordered) >= fitting - 1e-6).all()
    assert (placed >= -1e-6).all()
    assert (placed <= 100 + 1e-6).all()


def test_spread_leaves_labels_alone_that_have_room():
    wanted = np.array([50.0, 10.0, 90.0])
    assert spread(wanted, 5.0, 0.0, 100.0).tolist() == wanted.tolist()


@given(low=st.floats(1e-3, 1e3), ratio=st.floats(1, 1e5), rows=st.integers(1, 6))
def test_log_scale_holds_its_values_and_ticks_within(low, ratio, rows):
    values = np.array([low, low * ratio], dtype=np.float32)
    scale = LogScale.spanning(values)
    fractions = scale.fraction(values)
    assert (fractions >= 0).all()
    assert (fractions <= 1).all()
    ticks = scale.ticks(rows)
    assert 1 <= len(ticks) <= rows
    assert all(scale.low <= tick <= scale.high for tick in ticks)


def test_log_scale_of_nothing_is_still_a_scale():
    assert LogScale.spanning(np.full(5, np.nan, dtype=np.float32)).ticks(3) == [1.0, 10.0]


@given(st.floats(1e-6, 1e9))
def test_round_down_is_the_largest_round_number_not_above(value):
    rounded = round_down(value)
    assert rounded <= value < 2.5 * rounded * (1 + 1e-9)
    assert f"{rounded:.0e}"[0] in "125"


@pytest.mark.parametrize("minutes", [0.2, 1, 7, 45, 100, 480, 840, 1440])
def test_clock_ticks_are_round_few_and_inside(minutes):
    timeline = Timeline(datetime(2026, 3, 12, 22, 14, 5), minutes * 60)
    ticks = timeline.ticks()
    assert 3 <= len(ticks) <= 15
    for seconds, name in ticks:
        assert 0 <= seconds <= minutes * 60
        assert timeline.moment(seconds).startswith(name)
    assert all(name.count(":") == 1 for _, name in ticks) or minutes < 15


def test_clock_ticks_pass_midnight():
    timeline = Timeline(datetime(2026, 3, 12, 23, 30), 7200)
    assert (1800.0, "00:00") in timeline.ticks()
    assert timeline.caption() == "2026-03-12 23:30:00 to 2026-03-13 01:30:00"


def test_a_start_between_seconds_is_named_by_the_nearest_second():
    timeline = Timeline(datetime(2026, 3, 12, 22, 14, 5, 700_000), 28800)
    assert timeline.ticks()[0] == (pytest.approx(2754.3), "23:00")
    assert timeline.moment(0.0) == "22:14:06"


def test_elapsed_ticks_carry_their_unit_and_begin_at_nought():
    assert Timeline(None, 28800).ticks()[:2] == [(0, "0 h"), (3600, "1 h")]
    assert Timeline(None, 7200).ticks()[1] == (600, "10 min")
    assert Timeline(None, 60).ticks()[1] == (5, "5 s")
    assert Timeline(None, 28800).moment(4477.2) == "1:14:37"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (84, "84 s"),
        (150, "2.5 min"),
        (1200, "20 min"),
        (7200, "2.0 h"),
        (26640, "7.4 h"),
    ],
)
def test_lengths_read_in_their_own_unit(seconds, words):
    assert length(seconds) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [(0, "0 %"), (0.004, "< 1 %"), (0.5, "50 %"), (0.996, "> 99 %"), (1, "100 %")],
)
def test_only_nothing_is_nothing_and_only_all_is_all(share, words):
    assert percent(share) == words


def test_words_from_files_are_cut_and_cleaned():
    assert fitted("EMG\x00left", 20) == "EMG�left"
    assert fitted("a" * 30, 10) == "a" * 9 + "…"


def result(hours, lost, events=()):
    """Result of one channel whose first seconds are `lost`: (reason, seconds) in order."""
    n_seconds = round(hours * 3600)
    quality = np.zeros((1, n_seconds), dtype=np.uint8)
    at = 0
    for reason, seconds in lost:
        quality[:, at : at + seconds] = reason
        at += seconds
    flat = np.zeros(n_seconds, dtype=np.float32)
    rows = np.zeros((3, n_seconds), dtype=np.float32)
    seconds = Seconds(rows[:1], rows[:1], quality, rows, flat, flat)
    return NightResult(float(n_seconds), tuple(events), seconds)


@pytest.mark.parametrize(
    ("hours", "lost", "status", "reason"),
    [
        (8, [], Status.GOOD, "100 % analysable"),
        (8, [(Quality.GAP, 4000)], Status.GOOD, "86 % analysable"),
        (8, [(Quality.HUM, 9000), (Quality.GAP, 100)], Status.USABLE, "32 % lost, mostly hum"),
        (3, [], Status.USABLE, "fewer than 4 analysable hours"),
        (8, [(Quality.LIFT_OFF, 20000)], Status.NOT_USABLE, "69 % lost, all lift-off"),
        (1 / 60, [(Quality.FLAT, 60)], Status.NOT_USABLE, "100 % lost, all flat"),
    ],
)
def test_status_needs_four_hours_and_four_fifths(hours, lost, status, reason):
    verdict = judge(result(hours, lost))
    assert (verdict.status, verdict.reason) == (status, reason)


def test_sentence_speaks_of_analysable_time_only():
    assert (
        plain_sentence(result(8, [(Quality.GAP, 2160)])) == "No cramp in the 7.4 analysable hours."
    )
    few = result(8, [(Quality.GAP, 28760)])
    assert plain_sentence(few) == "No cramp in the 40 analysable seconds."
    none = result(1, [(Quality.GAP, 2700), (Quality.FLAT, 900)])
    assert plain_sentence(none) == "Nothing could be judged: 75 % gap, 25 % flat."


def test_headline_counts_cramps_and_not_the_possible_ones():
    cramps = [
        Event(60, 30, EventKind.CRAMP),
        Event(900, 90, EventKind.CRAMP, censored=Censored.OFFSET),
        Event(1200, 500, EventKind.POSSIBLE_CRAMP),
    ]
    figures = [figure for figure, _ in headline(result(8, [], cramps))]
    assert figures == ["8.0 h", "8.0 h", "2", "≥ 2.0 min", "≥ 90 s"]
    assert [figure for figure, _ in headline(result(8, []))][2:] == ["0", "0 min", "–"]


@dataclass(frozen=True)
class Tone:
    """A 100 Hz tone of 10 uV RMS on a drifting offset, in the second of two channels."""

    info: RecordingInfo

    def blocks(self, block_s=60.0, *, start_s=0.0, stop_s=None):
        for onset in np.arange(start_s, stop_s, block_s):
            time = np.arange(round(onset * 1000), round(min(onset + block_s, stop_s) * 1000)) / 1000
            tone = 10 * np.sqrt(2) * np.sin(2 * np.pi * 100 * time) + 500 + 3 * time
            tone[(time >= 40) & (time < 41)] = np.nan
            yield Block(float(onset), np.stack([0 * time, tone]).astype(np.float32), None)


def tone(duration_s):
    channels = tuple(Channel(label, "uV", 0.1, (-3000, 3000)) for label in ("left", "right"))
    stream = Stream("emg", 1000.0, channels, round(duration_s * 1000))
    return Tone(RecordingInfo("tone", None, stream))


def test_close_up_reads_the_channel_of_the_episode_with_its_surroundings():
    close_up = read_close_up(tone(300), Event(100, 20, EventKind.CRAMP, "right"))
    assert (close_up.start_s, close_up.stop_s, close_up.channel) == (70, 150, "right")
    assert close_up.emg.size == 80_000
    assert abs(np.median(close_up.emg)) < 1e-3
    assert close_up.envelope[10:-10] == pytest.approx(10, rel=0.02)
    assert close_up.acc is None
    assert close_up.emg[close_up.within(close_up.emg.size)].size == pytest.approx(20_000, abs=1)


def test_close_up_of_a_long_episode_takes_a_quarter_more_on_either_side():
    close_up = read_close_up(tone(1000), Event(300, 400, EventKind.CRAMP, "right"))
    assert (close_up.start_s, close_up.stop_s) == (200, 800)


def test_close_up_ends_with_the_recording_and_keeps_its_gap():
    close_up = read_close_up(tone(50), Event(20, 25, EventKind.CRAMP, "right"))
    assert (close_up.start_s, close_up.stop_s) == (0, 50)
    assert np.isnan(close_up.emg[40_000:41_000]).all()
    assert np.isnan(close_up.envelope[400:410]).all()
    assert np.isfinite(close_up.envelope[420:]).all()
