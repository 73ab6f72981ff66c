"""Scoring of episodes: one to one, with nothing to gain from long alarms."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import Judged, TrueEvent, TruthKind, evaluate
from models.evaluation import match_by_overlap, poisson_interval
from sensing import Event, EventKind


def cramp(onset_s, duration_s, intensity=10.0):
    return TrueEvent(onset_s, duration_s, TruthKind.CRAMP, intensity)


def found(onset_s, duration_s, kind=EventKind.CRAMP):
    return Event(onset_s, duration_s, kind)


def judged(truth, detected, hours=8.0):
    return Judged("night", hours, tuple(truth), tuple(detected))


def test_one_long_alarm_hits_one_cramp_only():
    result = evaluate([judged([cramp(100, 60), cramp(1000, 60)], [found(0, 28_800)])])
    assert result.sensitivity() == (1, 2)


def test_a_cramp_reported_twice_is_one_hit_and_one_false_alarm():
    result = evaluate([judged([cramp(100, 100)], [found(100, 40), found(150, 50)])])
    assert result.sensitivity() == (1, 1)
    assert [alarm.split for alarm in result.false_alarms] == [True]


def test_false_alarms_say_what_was_there():
    hold = TrueEvent(500, 30, TruthKind.HOLD, 8.0)
    result = evaluate([judged([hold], [found(505, 20), found(2000, 20)])])
    assert [alarm.during for alarm in result.false_alarms] == ["voluntary_hold", "rest"]


def test_possible_cramps_are_reported_but_neither_counted_nor_false_alarms():
    detected = [
        found(100, 12, EventKind.POSSIBLE_CRAMP),
        found(900, 12, EventKind.POSSIBLE_CRAMP),
    ]
    result = evaluate([judged([cramp(100, 16)], detected)])
    assert result.sensitivity() == (0, 1)
    assert result.matches[0].found == detected[0]
    assert not result.false_alarms


def test_cramps_in_time_that_cannot_be_judged_are_left_out_of_the_sensitivity():
    detected = [found(90, 100, EventKind.NOT_ANALYSABLE)]
    result = evaluate([judged([cramp(100, 60), cramp(500, 60)], [*detected, found(500, 60)])])
    assert result.sensitivity() == (1, 1)
    assert len(result.matches) == 2


@pytest.mark.parametrize(("onset_s", "cramps"), [(90, 0), (105, 1)])
def test_unsettled_time_excuses_a_missed_cramp_only_if_it_began_in_it(onset_s, cramps):
    unsettled = replace(found(onset_s, 100, EventKind.NOT_ANALYSABLE), detail="unsettled")
    assert evaluate([judged([cramp(100, 60)], [unsettled])]).sensitivity() == (0, cramps)


@pytest.mark.parametrize(("duration_s", "intensity"), [(14.9, 10.0), (60.0, 2.9)])
def test_short_and_weak_cramps_are_reported_apart(duration_s, intensity):
    result = evaluate([judged([cramp(100, duration_s, intensity)], [])])
    assert result.sensitivity() == (0, 0)
    assert result.sensitivity(easy_only=False) == (0, 1)


def test_errors_are_signed_and_durations_are_right_to_five_seconds_or_a_tenth():
    truth = [cramp(100, 100), cramp(1000, 20)]
    result = evaluate([judged(truth, [found(101, 108), found(1000, 26)])])
    errors = result.errors_s()
    np.testing.assert_allclose(np.sort(errors["onset"]), [0, 1])
    np.testing.assert_allclose(np.sort(errors["duration"]), [6, 8])
    assert result.duration_within() == 0.5


def test_durations_of_cramps_without_a_known_amplitude_are_compared_too():
    truth = [cramp(100, 100, None), cramp(1000, 14, None), cramp(2000, 40, 2.0)]
    result = evaluate([judged(truth, [found(100, 102), found(1000, 20), found(2000, 60)])])
    np.testing.assert_allclose(result.errors_s()["duration"], [2])
    assert result.duration_within() == 1.0


def test_no_duration_is_right_where_none_was_compared():
    assert evaluate([judged([cramp(100, 60)], [])]).duration_within() is None


def test_rates_are_per_eight_analysable_hours_with_exact_limits():
    result = evaluate([judged([], [found(0, 20)], hours=4.0), judged([], [], hours=12.0)])
    rate, lower, upper = result.false_alarm_rate()
    assert rate == 0.5
    # Garwood's limits for one event: 0.0253 and 5.5716.
    assert lower == pytest.approx(0.02532 / 2, rel=1e-3)
    assert upper == pytest.approx(5.57164 / 2, rel=1e-3)
    assert poisson_interval(0) == (0.0, pytest.approx(3.68888, rel=1e-4))


intervals = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 50)), max_size=8)


@given(intervals, intervals)
def test_no_event_is_ever_matched_twice(truth, detected):
    pairs = match_by_overlap([cramp(*one) for one in truth], [found(*one) for one in detected])
    assert len({row for row, _ in pairs}) == len(pairs)
    assert len({column for _, column in pairs}) == len(pairs)
    for row, column in pairs:
        true, seen = cramp(*truth[row]), found(*detected[column])
        assert true.onset_s < seen.offset_s
        assert seen.onset_s < true.offset_s
