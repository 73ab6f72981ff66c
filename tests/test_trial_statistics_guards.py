"""A model that would give a number without a meaning is refused, with what was done instead."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from statsmodels.genmod.generalized_estimating_equations import GEE

from nightcramp.errors import UsageError
from trial.statistics import (
    Comparison,
    Refusal,
    TrialSpec,
    analyse,
    ancova,
    compare_rates,
    negative_binomial,
    sensor_against_diary,
    simulate_trial,
)
from trial.statistics.contrasts import weekly_contrasts
from trial.statistics.design import Terms, pooled_sites, weekly_design
from trial.statistics.durations import durations
from trial.statistics.gee import fit_gee
from trial.statistics.imputation import MISSING_AT_RANDOM, impute, tipping_point
from trial.statistics.participants import cramp_free_weeks, responders, severity
from trial.statistics.randomisation import randomisation_test

SPEC = TrialSpec(treated=24, controls=24, weeks=4, sites=2)


@pytest.fixture(scope="module")
def data():
    return simulate_trial(SPEC, 5)


def in_arm(data, arm):
    return data.weeks["participant_id"].map(data.people.set_index("participant_id")["arm"]) == arm


def with_events(data, where, value=0.0):
    events = data.weeks["events"].mask(where, value)
    return replace(data, weeks=data.weeks.assign(events=events))


def only(data, keep):
    """Return the data of some participants."""
    names = data.people.loc[keep, "participant_id"]
    tables = {
        table: getattr(data, table)[getattr(data, table)["participant_id"].isin(names)]
        for table in ("people", "weeks", "episodes", "nights")
    }
    return replace(data, **tables)


def every_number(value):
    """Yield all numbers in a document."""
    if isinstance(value, dict):
        for item in value.values():
            yield from every_number(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from every_number(item)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield value


def test_an_arm_without_a_cramp_is_refused_and_compared_without_a_model(data):
    none = with_events(data, in_arm(data, "vitamin K2"))
    found = compare_rates(none, analysis="primary")
    assert isinstance(found, Refusal)
    assert "'vitamin K2' has no cramp in" in found.reason
    randomisation, any_cramp = found.alternative
    per_week = randomisation.estimate("difference per week")
    assert per_week.p_value == pytest.approx(1 / 20_001)
    assert per_week.low is None
    assert any_cramp.estimate("risk difference").high < 0
    treated = found.arms[1]
    assert (treated.value, treated.low) == (0, 0)
    assert math.exp(-treated.high * treated.exposure) == pytest.approx(0.025)


def test_what_the_guard_is_for_the_model_without_it_claims_certainty(data):
    none = with_events(data, in_arm(data, "vitamin K2"))
    design = weekly_design(none, Terms())
    fit = fit_gee(design.matrix, design.outcome, design.exposure, design.person)
    assert fit.problem is not None


@pytest.mark.parametrize(
    "refused", [negative_binomial, lambda data, analysis: impute(data, MISSING_AT_RANDOM)]
)
def test_other_models_refuse_an_arm_without_a_cramp_too(data, refused):
    none = with_events(data, in_arm(data, "placebo"))
    found = refused(none, analysis="other")
    assert isinstance(found, Refusal)
    assert "'placebo' has no cramp" in found.reason
    assert isinstance(tipping_point(none), Refusal)
    assert isinstance(weekly_contrasts(none), Refusal)


def test_one_arm_is_described_and_not_compared(data):
    single = only(data, data.people["arm"] == "vitamin K2")
    found = compare_rates(single, analysis="primary")
    assert isinstance(found, Refusal)
    assert "found 1 (vitamin K2)" in found.reason
    assert found.alternative == ()
    assert [arm.arm for arm in found.arms] == ["vitamin K2"]
    assert found.arms[0].low < found.arms[0].value < found.arms[0].high
    for other in (
        ancova(single, analysis="a"),
        cramp_free_weeks(single),
        severity(single),
        *responders(single),
        *durations(single),
    ):
        assert isinstance(other, Refusal)


def test_three_arms_are_not_thrown_together(data):
    third = data.people["arm"].where(data.people.index % 3 > 0, "third")
    found = analyse(replace(data, people=data.people.assign(arm=third)))
    compared = [found.primary, found.second, found.fallback, found.cramp_minutes, found.severity]
    assert all(isinstance(result, Refusal) for result in compared)
    assert "found 3 (placebo, third, vitamin K2)" in found.primary.reason
    assert "one other at a time" in found.primary.instead
    assert len(found.arms) == 3


def test_an_unknown_reference_is_named(data):
    found = compare_rates(replace(data, reference="sham"), analysis="primary")
    assert isinstance(found, Refusal)
    assert "'sham' has no participants" in found.reason


def test_too_few_participants_are_compared_by_randomisation(data):
    few = only(data, data.people.groupby("arm").cumcount() < 4)
    found = compare_rates(few, analysis="primary")
    assert isinstance(found, Refusal)
    assert "4 participants with analysable time, a model needs 6" in found.reason
    randomisation = found.alternative[0]
    assert randomisation.details["allocations"] == math.comb(8, 4)
    assert randomisation.estimates[0].p_value * math.comb(8, 4) == pytest.approx(
        round(randomisation.estimates[0].p_value * math.comb(8, 4))
    )
    (note,) = ancova(few, analysis="a").notes
    assert "4 against 4 participants: fewer than the 6 in each arm" in note
    assert ancova(data, analysis="a").notes == ()
    two = only(data, data.people.groupby("arm").cumcount() < 2)
    assert "2 against 2 participants" in ancova(two, analysis="a").reason


@pytest.mark.parametrize("arm", [None, "placebo"])
def test_no_analysable_time_is_no_rate(data, arm):
    where = in_arm(data, arm) if arm else data.weeks["week"] > 0
    empty = data.weeks["exposure"].mask(where, 0.0)
    found = analyse(replace(data, weeks=data.weeks.assign(exposure=empty)))
    assert isinstance(found.primary, Refusal)
    assert "nobody in arm 'placebo' has analysable time" in found.primary.reason
    assert found.primary.arms[0].value is None
    assert isinstance(found.fallback, Refusal)
    json.dumps(found.document(), allow_nan=False)


@pytest.mark.parametrize(("level", "left_out"), [("week", "week"), ("site", "site")])
def test_a_level_without_a_cramp_is_left_out_and_named(data, level, left_out):
    if level == "week":
        where = data.weeks["week"] == 3
    else:
        site = data.people.set_index("participant_id")["site"]
        where = data.weeks["participant_id"].map(site) == "S1"
    found = compare_rates(with_events(data, where), analysis="primary")
    assert isinstance(found, Refusal)
    assert f"{level} " in found.reason
    assert found.instead == f"The same model without {left_out}."
    (fewer,) = found.alternative
    assert isinstance(fewer, Comparison)
    assert level not in fewer.details["columns"]
    assert 0 < fewer.estimate("rate ratio").value < 1


def test_a_covariate_that_separates_makes_a_coefficient_run_away(data):
    design = weekly_design(data, Terms())
    rare = np.where(design.matrix[:, 2] > np.median(design.matrix[:, 2]), design.outcome, 0.0)
    split = np.column_stack(
        [design.matrix[:, :2], design.matrix[:, 2] > np.median(design.matrix[:, 2])]
    )
    fit = fit_gee(split.astype(float), rare, design.exposure, design.person)
    assert fit.problem is not None


def test_a_baseline_that_is_the_arm_falls_back_to_analysis_of_covariance(data):
    confounded = (data.people["arm"] == "vitamin K2").astype(float)
    same = replace(data, people=data.people.assign(baseline=confounded))
    found = compare_rates(same, analysis="primary")
    assert isinstance(found, Refusal)
    assert "determine each other or the arm" in found.reason
    (fallback,) = found.alternative
    assert fallback.made_by == "trial.statistics.totals.ancova"


def test_iterations_that_do_not_converge_are_refused(data, monkeypatch):
    fit = GEE.fit
    monkeypatch.setattr(
        GEE, "fit", lambda self, **options: fit(self, maxiter=3, ctol=0.0, **options)
    )
    found = compare_rates(data, analysis="primary")
    assert isinstance(found, Refusal)
    assert "did not converge" in found.reason
    assert isinstance(found.alternative[0], Comparison)


def test_totals_without_overdispersion_are_refused_the_negative_binomial(data):
    counts = np.rint(4 * data.weeks["exposure"] * 4)
    even = replace(data, weeks=data.weeks.assign(events=counts))
    found = negative_binomial(even, analysis="second")
    assert isinstance(found, Refusal)
    assert "alpha" in found.reason
    (poisson,) = found.alternative
    assert poisson.estimate("rate ratio").value == pytest.approx(1, abs=0.02)


def test_a_week_without_a_cramp_in_one_arm_is_compared_by_differences(data):
    where = in_arm(data, "vitamin K2") & (data.weeks["week"] == 2)
    found = weekly_contrasts(with_events(data, where))
    assert isinstance(found, Refusal)
    assert "week 2 of the treatment arm" in found.reason
    (by_difference,) = found.alternative
    assert [week.week for week in by_difference.weeks] == [1, 2, 3, 4]
    second = by_difference.weeks[1].estimate
    assert second.measure == "difference per week"
    assert second.high < 0


def test_weeks_that_have_not_happened_are_no_obstacle(data):
    begun = data.weeks["exposure"].where(data.weeks["week"] <= 2, 0.0)
    events = data.weeks["events"].where(data.weeks["week"] <= 2, 0.0)
    cut = replace(data, weeks=data.weeks.assign(exposure=begun, events=events))
    found = compare_rates(cut, analysis="primary")
    assert isinstance(found, Comparison)
    assert "week 3" not in found.details["columns"]


def test_nobody_with_a_cramp_has_no_duration_and_no_severity(data):
    no_cramps = replace(
        data,
        episodes=data.episodes.iloc[:0],
        nights=data.nights.assign(diary_cramps=0.0),
    )
    assert isinstance(durations(no_cramps)[0], Refusal)
    refused = severity(no_cramps)
    assert isinstance(refused, Refusal)
    assert "0 participants with a value" in refused.reason


def test_too_few_whole_cramps_complete_no_censored_ones(data):
    few = data.episodes.assign(censored=np.arange(len(data.episodes)) > 5)
    found = durations(replace(data, episodes=few))
    assert isinstance(found[0], Refusal)
    assert "6 episodes were seen from end to end" in found[0].reason
    assert found[0].alternative[0].analysis == "duration_as_seen"


def test_no_common_night_is_no_agreement(data):
    found = sensor_against_diary(data.nights.assign(diary_cramps=math.nan))
    assert isinstance(found, Refusal)
    assert "no night" in found.reason


def test_everything_of_a_trial_without_any_cramp_is_refused_or_zero(data):
    found = analyse(with_events(data, data.weeks["week"] > 0))
    assert isinstance(found.primary, Refusal)
    numbers = list(every_number(found.primary.alternative[0].estimates[0].value))
    assert numbers == [0.0]
    text = json.dumps(found.document(), allow_nan=False)
    assert "NaN" not in text


def test_small_sites_are_pooled_until_each_is_large_enough():
    site = pd.Series(["A"] * 40 + ["B"] * 3 + ["C"] * 7 + ["D"] * 20)
    pooled = pooled_sites(site)
    assert pooled.value_counts().to_dict() == {"A": 40, "B + C + D": 30}
    assert set(pooled_sites(pd.Series(["A", "B"]))) == {"A + B"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"treated": 0}, "each arm"),
        ({"person_cv": 0}, "spread"),
        ({"wear": (0.7, 1.2)}, "chances"),
        ({"rate_ratio": -1}, "rate_ratio"),
        ({"weeks": 0}, "weeks"),
    ],
)
def test_what_cannot_be_simulated_is_refused(change, message):
    with pytest.raises(UsageError, match=message):
        TrialSpec(**change)


def test_the_values_of_the_arms_are_as_far_apart_as_the_difference_says():
    """Rates per pooled hour are not: participants were seen for unequal times."""
    data = simulate_trial(replace(SPEC, skipped_after_cramp=0.6), 3)
    found = (randomisation_test(data, analysis="a"), ancova(data, analysis="b"))
    for result in found:
        reference, treatment = (
            arm.value if arm.adjusted is None else arm.adjusted for arm in result.arms
        )
        apart = result.estimate("difference per week").value
        assert treatment - reference == pytest.approx(apart)
