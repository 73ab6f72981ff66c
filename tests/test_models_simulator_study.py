"""Simulated trials: arms, nights and diaries with the effect that was put in."""

from __future__ import annotations

from collections import Counter
from datetime import date

import numpy as np
import pytest

from models.simulator import StudySpec, planned_cramps, simulate_study
from models.truth import TruthKind
from nightcramp.errors import UsageError

SMALL = StudySpec(participants=4, weeks=2, run_in_weeks=1, hours=0.5, sensor="demo")


@pytest.fixture(scope="module")
def large():
    return simulate_study(
        StudySpec(participants=60, run_in_weeks=2, weeks=4, nights_per_week=7, rate_ratio=0.4), 1
    )


def test_the_same_seed_gives_the_same_study():
    assert simulate_study(SMALL, 5) == simulate_study(SMALL, 5)
    assert simulate_study(SMALL, 5) != simulate_study(SMALL, 6)


def test_participants_are_those_of_the_target_population(large):
    ages = [who.age for who in large.participants]
    assert [who.participant_id for who in large.participants[:2]] == ["P001", "P002"]
    assert min(ages) >= 65
    assert np.mean(ages) == pytest.approx(72.3, abs=2.5)
    assert {who.sex for who in large.participants} == {"female", "male"}


def test_arms_are_balanced_within_sites(large):
    sizes = Counter((who.site, who.arm) for who in large.participants)
    assert len(sizes) == 4
    assert max(sizes.values()) - min(sizes.values()) <= 1


def test_every_week_has_its_planned_nights_and_run_in_comes_first():
    spec = StudySpec(participants=2, sites=1, run_in_weeks=2, weeks=3, nights_per_week=3)
    study = simulate_study(spec, 2)
    for who in study.participants:
        nights = [
            night.night for night in study.nights if night.participant_id == who.participant_id
        ]
        offsets = [(night - who.randomised_on).days for night in nights]
        assert len(nights) == len(set(nights)) == 5 * 3
        assert min(offsets) == -14
        assert sum(offset < 0 for offset in offsets) == 2 * 3


def test_recordings_start_in_the_evening_of_their_night(large):
    for night in large.nights:
        assert night.start.date() == night.night or night.start.hour == 0
        assert night.start == night.plan.start
        assert night.start.microsecond == 0
        assert night.start.hour >= 20 or night.start.hour == 0


def test_nights_have_seeds_of_their_own(large):
    assert len({night.seed for night in large.nights}) > 0.999 * len(large.nights)


def test_the_planted_rate_ratio_is_there(large):
    arm_of = {who.participant_id: who for who in large.participants}
    cramps = Counter()
    nights = Counter()
    for night in large.nights:
        who = arm_of[night.participant_id]
        key = (who.arm, night.night >= who.randomised_on)
        cramps[key] += night.plan.cramps
        nights[key] += 1
    rate = {key: 7 * cramps[key] / nights[key] for key in nights}
    assert rate["placebo", False] == pytest.approx(2.6, abs=0.8)
    active = rate["active", True] / rate["active", False]
    assert active == pytest.approx(0.4, abs=0.12)
    assert rate["placebo", True] / rate["placebo", False] == pytest.approx(1.0, abs=0.2)


def test_people_differ_in_their_rates(large):
    rates = [who.person.cramps_per_week for who in large.participants]
    assert 0.35 < np.std(rates) / np.mean(rates) < 0.9


def test_nights_without_a_recording_say_why(large):
    worn = np.mean([night.worn for night in large.nights])
    assert worn == pytest.approx(large.spec.wear_probability, abs=0.03)
    assert all((night.reason is None) == night.worn for night in large.nights)
    assert Counter(night.reason for night in large.nights)["not worn"] > 50


def test_diaries_are_kept_half_asleep(large):
    planned = {(night.participant_id, night.night): night.plan.cramps for night in large.nights}
    rows = {(row.participant_id, row.night): row for row in large.diary}
    written = sum(rows[key].cramps for key in rows)
    happened = sum(planned[key] for key in rows)
    assert len(rows) / len(planned) == pytest.approx(0.92, abs=0.03)
    assert written / happened == pytest.approx(0.85 + 0.02 / (happened / len(rows)), abs=0.06)
    assert any(row.cramps > planned[key] for key, row in rows.items())
    with_cramps = [row for row in rows.values() if row.cramps]
    assert all(1 <= row.severity <= 10 and row.minutes > 0 for row in with_cramps)
    assert all(row.severity is None is row.minutes for row in rows.values() if not row.cramps)


def test_longer_cramps_fill_more_diary_minutes():
    study = simulate_study(StudySpec(participants=20, cramps_per_week=10.0, weeks=2), 3)
    person = {who.participant_id: who.person for who in study.participants}
    rows = {(row.participant_id, row.night): row for row in study.diary}
    pairs = []
    for night in study.nights:
        row = rows.get((night.participant_id, night.night))
        cramps = planned_cramps(person[night.participant_id], night.plan, night.seed)
        if row and row.cramps == len(cramps) == 1:
            pairs.append((cramps[0][1], row.minutes))
    true_s, minutes = np.log(np.array(pairs)).T
    assert np.corrcoef(true_s, minutes)[0, 1] > 0.6


def test_samples_of_a_night_hold_its_planned_cramps():
    study = simulate_study(
        StudySpec(participants=2, sites=1, weeks=1, hours=0.75, sensor="demo", cramps_per_week=300),
        4,
    )
    night = next(night for night in study.nights if night.worn and night.plan.cramps)
    simulated = study.simulate(night)
    found = [event for event in simulated.events if event.kind is TruthKind.CRAMP]
    assert len(found) == night.plan.cramps
    assert simulated.start == night.start


def test_a_night_that_was_not_worn_has_no_samples():
    study = simulate_study(StudySpec(participants=2, sites=1, weeks=1, wear_probability=0.0), 1)
    with pytest.raises(UsageError, match=r"P001 .* no recording"):
        study.simulate(study.nights[0])


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"participants": 1, "sites": 1}, "participants must be at least 2"),
        ({"nights_per_week": 8}, "nights_per_week"),
        ({"wear_probability": 1.2}, "wear_probability"),
        ({"sensor": "watch"}, "sensor must be one of"),
        ({"sites": 0}, "sites"),
        ({"weeks": 0}, "weeks"),
        ({"rate_ratio": -1.0}, "must not be negative"),
        ({"hours": 0.0}, "hours must be positive"),
    ],
)
def test_an_impossible_trial_is_refused(values, text):
    with pytest.raises(UsageError, match=text):
        StudySpec(start=date(2025, 1, 6), **values)
