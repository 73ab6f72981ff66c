"""Figures of an evaluation: limits, strata, overlap, weekly counts, calibration, latency."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from models import Judged, TrueEvent, TruthKind
from models.evaluation import (
    Origin,
    Proportion,
    Rate,
    add_reliability,
    agreement,
    binomial_interval,
    bootstrap_ratio,
    by_amplitude,
    by_amplitude_and_duration,
    by_duration,
    by_origin,
    decision_s,
    false_alarms,
    match_by_overlap,
    ratio_limits,
    reliability_of_episodes,
    reliability_of_seconds,
    score_each,
    sensitivity,
    time_in_alarm,
    weekly_count,
)
from sensing import Event, EventKind


def cramp(onset_s, duration_s, intensity=10.0):
    return TrueEvent(onset_s, duration_s, TruthKind.CRAMP, intensity)


def found(onset_s, duration_s, kind=EventKind.CRAMP, confidence=0.9):
    return Event(onset_s, duration_s, kind, confidence=confidence)


def night(truth, detected, *, hours=8.0, who="", suite="", sensor=""):
    return Judged("night", hours, tuple(truth), tuple(detected), Origin(who, suite, sensor))


def test_limits_of_a_share_are_those_of_clopper_and_pearson():
    # Clopper and Pearson's own example is printed to three digits; the exact ones by inversion.
    low, high = binomial_interval(8, 10)
    assert stats.binom.sf(7, 10, low) == pytest.approx(0.025)
    assert stats.binom.cdf(8, 10, high) == pytest.approx(0.025)
    assert binomial_interval(0, 10) == (0.0, pytest.approx(0.30850, abs=1e-5))
    assert binomial_interval(10, 10) == (pytest.approx(0.69150, abs=1e-5), 1.0)


def test_a_bootstrap_over_participants_knows_that_one_person_brings_all_the_misses():
    each_alike = bootstrap_ratio([9] * 10, [10] * 10)
    one_misses_all = bootstrap_ratio([10] * 9 + [0], [10] * 10)
    assert each_alike == (0.9, 0.9)
    assert one_misses_all[1] - one_misses_all[0] > 0.2
    assert bootstrap_ratio([1, 2], [3, 4]) == (None, None)
    assert bootstrap_ratio([1, 2, 0], [3, 4, 0]) == (None, None)


def test_nothing_judged_gives_no_number():
    assert Proportion.sum_up([]).value is None
    assert Rate.sum_up([("0", 0.0)][:0]).per(8.0) is None
    assert weekly_count([]).error is None


def test_cramps_are_counted_by_amplitude_and_by_length():
    truth = [cramp(100, 20, 2.5), cramp(500, 50, 4.0), cramp(900, 200, 20.0)]
    scored = score_each([night(truth, [found(500, 50), found(900, 200)])])
    amplitudes = {each.name: (each.cramps.count, each.cramps.of) for each in by_amplitude(scored)}
    assert amplitudes["2 to 3 ×"] == (0, 1)
    assert amplitudes["3 to 6 ×"] == (1, 1)
    assert amplitudes["12 × and more"] == (1, 1)
    lengths = {each.name: (each.cramps.count, each.cramps.of) for each in by_duration(scored)}
    assert lengths["15 to 30 s"] == (0, 1)
    assert lengths["120 s and more"] == (1, 1)
    grid = by_amplitude_and_duration(scored)
    assert sum(cell.cramps.of for row in grid for cell in row) == 3
    assert sum(cell.cramps.count for row in grid for cell in row) == 2


def test_cramps_that_could_not_be_seen_are_in_no_group():
    blind = found(90, 100, EventKind.NOT_ANALYSABLE)
    scored = score_each([night([cramp(100, 60), cramp(500, 60)], [blind, found(500, 60)])])
    assert (sensitivity(scored, lambda _: True).count, weekly_count(scored).error) == (1, 0)
    assert sum(each.cramps.of for each in by_duration(scored)) == 1


def test_suites_and_sensors_have_their_own_false_alarms_and_hours():
    scored = score_each(
        [
            night([], [found(10, 20)], suite="plm", who="a", hours=4.0),
            night([], [], suite="plm", who="b", hours=4.0),
            night([cramp(10, 20)], [found(10, 20)], suite="quiet", who="c"),
            night([], []),
        ]
    )
    plm, quiet = by_origin(scored, lambda judged: judged.origin.suite)
    assert (plm.name, plm.recordings, plm.alarms.count, plm.alarms.hours) == ("plm", 2, 1, 8.0)
    assert plm.alarms.per(24.0)[0] == 3.0
    assert (quiet.cramps.count, quiet.cramps.of, quiet.alarms.count) == (1, 1, 0)
    assert false_alarms(scored).hours == 24.0


def test_a_night_long_alarm_finds_little_agreement_and_much_time_in_alarm():
    truth = [cramp(1000 * place, 60) for place in range(1, 9)]
    scored = score_each([night(truth, [found(0, 28_800)])])
    assert sensitivity(scored, lambda _: True).count == 1
    assert agreement(scored, 0.2).agreed == 0
    assert agreement(scored, 0.0).f1 == pytest.approx(2 / 9)
    spent = time_in_alarm(scored)
    assert spent.alarm_s == spent.analysable_s == 28_800
    assert spent.right_s == spent.cramp_s == 480


def test_agreement_asks_for_overlap_and_leaves_short_cramps_out():
    truth = [cramp(100, 100), cramp(500, 8)]
    scored = score_each([night(truth, [found(100, 40), found(500, 11, EventKind.POSSIBLE_CRAMP)])])
    assert [agreement(scored, least).agreed for least in (0.0, 0.2, 0.5)] == [1, 1, 0]
    assert agreement(scored, 0.2).precision == agreement(scored, 0.2).recall == 1.0


@given(st.integers(1, 100), st.integers(0, 100))
def test_a_pair_reaches_the_overlap_that_is_asked_for(percent, least):
    pairs = match_by_overlap([cramp(0, 100)], [found(0, percent)], least / 100)
    assert bool(pairs) == (percent >= least)


def test_ratio_limits_see_a_constant_factor():
    truth = [cramp(1000 * place, 20 * place) for place in range(1, 6)]
    detected = [found(event.onset_s, 1.1 * event.duration_s) for event in truth]
    (scored,) = score_each([night(truth, detected)])
    limits = ratio_limits(scored.evaluation.matches)
    assert (limits.ratio, limits.low, limits.high) == pytest.approx((1.1, 1.1, 1.1))
    assert ratio_limits(scored.evaluation.matches[:1]) is None


def test_a_weekly_count_is_off_by_seven_times_the_false_alarms_of_a_night():
    nights = [
        night([cramp(100, 60)], [found(100, 60)] + [found(5000, 30)] * (place == 0), who=str(place))
        for place in range(7)
    ]
    count = weekly_count(score_each(nights))
    assert (count.true, count.reported, count.error) == pytest.approx((7, 8, 1))
    assert count.bias == pytest.approx(1 / 7)
    assert count.error_low == 0.0
    assert count.error_high > 1.0


def test_short_cramps_are_not_in_the_weekly_count():
    scored = score_each([night([cramp(100, 14)], [found(100, 14, EventKind.POSSIBLE_CRAMP)])])
    assert (weekly_count(scored).true, weekly_count(scored).reported) == (0, 0)


def test_calibration_of_seconds_compares_probability_with_what_was_there():
    score = np.full(1000, 0.25, dtype=np.float32)
    score[500:600] = np.nan
    result = reliability_of_seconds(score, [cramp(0, 225)])
    assert result.count == 900
    (only,) = [each for each in result.bins if each.count]
    assert only.true == 225
    assert result.calibration_error == pytest.approx(0.0, abs=1e-6)
    assert result.brier == pytest.approx(0.1875)


def test_shuffled_scores_are_not_calibrated_and_useless():
    rng = np.random.default_rng(0)
    truth = [cramp(200 * place, 60) for place in range(1, 40)]
    score = np.zeros(8200, dtype=np.float32)
    for event in truth:
        score[int(event.onset_s) : int(event.offset_s)] = 0.95
    true = reliability_of_seconds(score, truth)
    shuffled = reliability_of_seconds(rng.permutation(score), truth)
    assert true.calibration_error < 0.02
    assert shuffled.calibration_error > 0.3
    assert shuffled.brier > 10 * true.brier


def test_calibration_of_nights_adds_up():
    one = reliability_of_seconds(np.full(10, 0.9), [cramp(0, 10)])
    both = add_reliability([one, one])
    assert both.count == 20
    assert both.brier == pytest.approx(one.brier)
    assert add_reliability([]).brier is None


def test_calibration_of_episodes_counts_second_reports_as_wrong():
    detected = [found(100, 40, confidence=0.8), found(150, 40, confidence=0.8)]
    result = reliability_of_episodes(score_each([night([cramp(100, 100)], detected)]))
    assert (result.count, result.bins[8].true) == (2, 1)


def test_a_decision_needs_a_score_and_the_least_length():
    score = np.zeros(100, dtype=np.float32)
    score[42:60] = 0.9
    early = decision_s(found(40, 20), score, on=0.7, shortest_s=10.0)
    late = decision_s(found(20, 40), score, on=0.7, shortest_s=10.0)
    assert early == 50.0
    assert late == 43.0
    assert decision_s(found(70, 20), score, on=0.7, shortest_s=10.0) is None


def test_a_detector_that_says_nothing_has_no_false_alarm_and_finds_nothing():
    scored = score_each([night([cramp(100, 60)], []) for _ in range(4)])
    assert sensitivity(scored, lambda _: True).value == 0.0
    assert false_alarms(scored).count == 0
    assert agreement(scored, 0.2).f1 == 0.0
    assert agreement(scored, 0.2).precision is None
    assert weekly_count(scored).bias == -1.0
    assert not math.isnan(time_in_alarm(scored).alarm_s)
