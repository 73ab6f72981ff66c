"""What the analyses of a trial promise: invariances, figures made by hand, the planted truth."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from nightcramp.errors import UsageError
from trial.plan import DisplayRule
from trial.statistics import (
    Comparison,
    TippingPoint,
    TrialPlan,
    TrialSpec,
    analyse,
    analysis_data,
    ancova,
    compare_rates,
    expected_power,
    negative_binomial,
    sample_size,
    sensor_against_diary,
    simulate_trial,
    welch,
)
from trial.statistics.censoring import DurationModel, complete, fit_durations
from trial.statistics.data import AnalysisData
from trial.statistics.durations import durations
from trial.statistics.imputation import JUMP_TO_REFERENCE, MISSING_AT_RANDOM, combine, impute
from trial.statistics.intervals import newcombe, wilson
from trial.statistics.participants import cramp_free_weeks, responders, severity

SPEC = TrialSpec(treated=30, controls=30, weeks=4, sites=2)


@pytest.fixture(scope="module")
def data():
    return simulate_trial(SPEC, 11)


@pytest.fixture(scope="module")
def analysis(data):
    return analyse(data)


def results(analysis):
    """Return all comparisons of an analysis."""
    parts = [
        *(analysis.primary, analysis.second, analysis.fallback, analysis.cramp_minutes),
        *(analysis.severity, analysis.cramp_free_weeks),
        *(*analysis.durations, *analysis.responders, *analysis.sensitivity),
    ]
    assert all(isinstance(part, Comparison) for part in parts)
    return parts


def shuffled(data: AnalysisData, seed: int) -> AnalysisData:
    """Return the data with the rows of every table in another order."""
    tables = {
        name: getattr(data, name).sample(frac=1, random_state=seed).reset_index(drop=True)
        for name in ("people", "weeks", "episodes", "nights")
    }
    return replace(data, **tables)


def test_an_analysis_is_json_and_names_what_made_each_number(analysis):
    document = json.loads(json.dumps(analysis.document(), allow_nan=False))
    assert document["unit"] == document["primary"]["unit"] == "participant"
    for result in results(analysis):
        assert result.made_by.startswith("trial.statistics.")
        module, function = result.made_by.rsplit(".", 1)
        assert hasattr(__import__(module, fromlist=[function]), function)
        assert result.population
        assert all(arm.participants <= 30 for arm in result.arms)
        assert result.unit == "participant"


def test_the_same_data_give_the_same_numbers_in_any_order(data, analysis):
    again = analyse(shuffled(data, 3)).document()
    first = json.loads(json.dumps(analysis.document()))
    assert_close(json.loads(json.dumps(again)), first, 1e-7)


def assert_close(found, expected, tolerance):
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            assert_close(found[key], value, tolerance)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_close(one, other, tolerance)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=tolerance, abs=tolerance)
    else:
        assert found == expected


@pytest.mark.parametrize(
    "compare",
    [
        lambda data: compare_rates(data, analysis="a"),
        lambda data: compare_rates(data, analysis="a", outcome="minutes"),
        lambda data: negative_binomial(data, analysis="a"),
        lambda data: ancova(data, analysis="a"),
        lambda data: durations(data)[0],
        lambda data: responders(data)[1],
        cramp_free_weeks,
        severity,
    ],
)
def test_exchanging_the_arms_inverts_ratios_and_turns_differences_round(data, compare):
    one, other = compare(data), compare(replace(data, reference="vitamin K2"))
    assert [arm.arm for arm in other.arms] == [arm.arm for arm in reversed(one.arms)]
    for estimate, turned in zip(one.estimates, other.estimates, strict=True):
        if estimate.measure in {"rate ratio", "ratio of geometric means"}:
            expected = (1 / estimate.value, 1 / estimate.high, 1 / estimate.low)
        else:
            expected = (-estimate.value, -estimate.high, -estimate.low)
        assert (turned.value, turned.low, turned.high) == pytest.approx(expected, rel=1e-5)
        if estimate.measure != "risk difference":  # Newcombe's interval has no p value
            assert turned.p_value == pytest.approx(estimate.p_value, rel=1e-4, abs=1e-12)


@settings(deadline=None, max_examples=5)
@given(st.floats(0.1, 20))
def test_the_unit_of_time_scales_rates_and_leaves_ratios(scale):
    data = simulate_trial(SPEC, 11)
    weeks = data.weeks.assign(exposure=data.weeks["exposure"] * scale)
    people = data.people.assign(baseline_rate=data.people["baseline_rate"] / scale)
    scaled = replace(data, weeks=weeks, people=people)
    for compare in (compare_rates, ancova, negative_binomial):
        one, other = compare(data, analysis="a"), compare(scaled, analysis="a")
        for estimate, found in zip(one.estimates, other.estimates, strict=True):
            factor = 1 if estimate.measure == "rate ratio" else scale
            assert found.value * factor == pytest.approx(estimate.value, rel=1e-5)
            assert found.p_value == pytest.approx(estimate.p_value, rel=1e-4)


def test_names_of_arms_sites_and_participants_do_not_matter(data):
    people = data.people.assign(site=data.people["site"].map({"S0": "z", "S1": "a"}))
    renamed = replace(
        data,
        people=people.assign(arm=people["arm"].map({"placebo": "B", "vitamin K2": "A"})),
        reference="B",
    )
    one, other = (compare_rates(each, analysis="a") for each in (data, renamed))
    assert other.estimates[0].value == pytest.approx(one.estimates[0].value, rel=1e-6)
    assert other.estimates[1].value == pytest.approx(one.estimates[1].value, rel=1e-6)


def test_adjusted_rates_are_those_of_the_difference(analysis):
    controls, treated = analysis.primary.arms
    difference = analysis.primary.estimate("difference per week")
    assert treated.adjusted - controls.adjusted == pytest.approx(difference.value)


def test_splitting_a_week_adds_no_information_to_participants_totals(data):
    """Person-weeks as units would gain from it; participants do not."""
    halves = [
        data.weeks.assign(
            week=2 * data.weeks["week"] - part,
            exposure=data.weeks["exposure"] / 2,
            events=(data.weeks["events"] + part) // 2,
        )
        for part in (0, 1)
    ]
    split = replace(data, weeks=pd.concat(halves), planned_weeks=8)
    for compare in (ancova, negative_binomial):
        one, other = (compare(each, analysis="a").estimates[0] for each in (data, split))
        assert other.standard_error == pytest.approx(one.standard_error, rel=1e-9)
        assert other.df == one.df


# What is made from a study's tables


def weekly_table():
    rows = [
        # participant, site, arm, week, analysable hours, episodes, minutes, nights
        ("P1", "S", "a", -1, 28.0, 2, 3.0, 4),
        ("P1", "S", "a", 1, 56.0, 1, 2.0, 7),
        ("P1", "S", "a", 2, 0.0, pd.NA, math.nan, 0),
        ("P2", "S", "b", -1, 0.0, pd.NA, math.nan, 0),
        ("P2", "S", "b", 1, 14.0, 3, 6.0, 2),
        ("P2", "S", "b", 2, 28.0, 0, 0.0, 4),
    ]
    names = "participant_id site arm week analysable_hours episodes total_minutes nights_analysable"
    table = pd.DataFrame(rows, columns=names.split()).astype({"episodes": "Int64"})
    return table.assign(nights_planned=[14, 7, 7, 14, 7, 3])


def test_a_weekly_table_becomes_the_data_of_an_analysis():
    data = analysis_data(weekly_table(), reference="b", last_weeks={"P2": 1})
    assert data.arms == ("b", "a")
    assert data.weeks["exposure"].tolist() == [1, 0, 0.25, 0.5]
    assert data.weeks["planned"].tolist() == [1, 1, 1, 3 / 7]
    assert data.weeks["events"].tolist() == [1, 0, 3, 0]
    people = data.people.set_index("participant_id")
    assert people.loc["P1", "baseline_rate"] == pytest.approx(2 / 28 * 56)
    assert people.loc["P1", "baseline"] == pytest.approx(math.log(2.5 / (3.5 + 0.5) * 7))
    assert math.isnan(people.loc["P2", "baseline"])
    assert people["last_week"].tolist() == [1, 1]
    assert data.weeks_seen.tolist() == [1, 2]


def test_tables_of_episodes_and_nights_are_taken_over():
    episodes = pd.DataFrame(
        {
            "participant_id": ["P1", "P1", "P2"],
            "week": [-1, 1, 1],
            "minutes": [1.0, 2.0, 3.0],
            "censored": ["none", "offset", None],
        }
    )
    nights = pd.DataFrame(
        {
            "participant_id": ["P1"],
            "night": [pd.Timestamp("2026-01-05")],
            "week": [1],
            "analysable_hours": [8.0],
            "episodes": [1],
            "cramps": [2.0],
            "severity": [4.0],
        }
    )
    data = analysis_data(weekly_table(), reference="b", episodes=episodes, nights=nights)
    assert data.episodes["censored"].tolist() == [True, False]
    assert data.nights[["hours", "events", "diary_cramps"]].to_numpy().tolist() == [[8, 1, 2]]


def test_closed_arms_and_missing_columns_are_named():
    table = weekly_table()
    with pytest.raises(UsageError, match="has no arm: open the arms"):
        analysis_data(table.drop(columns="arm"), reference="b")
    with pytest.raises(UsageError, match="total_minutes"):
        analysis_data(table.drop(columns="total_minutes"), reference="b")
    with pytest.raises(UsageError, match="participant P2 has no arm"):
        analysis_data(table.assign(arm=table["arm"].replace("b", None)), reference="b")


# One value for each participant


def small(values, arms="aabb", **columns):
    """Return data of four participants in two arms, with events in one week of 56 h."""
    names = [f"P{number}" for number in range(len(arms))]
    people = pd.DataFrame(
        {
            "participant_id": names,
            "arm": list(arms),
            "site": "S",
            "baseline_rate": 4.0,
            "baseline": 1.0,
            "last_week": 1,
        }
    ).assign(**columns)
    weeks = pd.DataFrame(
        {
            "participant_id": names,
            "week": 1,
            "exposure": [0.0 if math.isnan(value) else 1.0 for value in values],
            "events": np.nan_to_num(values),
            "minutes": 0.0,
            "nights": 7,
        }
    )
    empty = pd.DataFrame()
    return AnalysisData("b", 1, people, weeks, empty, empty)


def test_responders_by_hand():
    found = responders(small([3.0, 2.0, 4.0, math.nan], baseline_rate=[4.0, 4.0, 4.0, 4.0]))
    shares = [tuple(arm.value for arm in result.arms) for result in found]
    assert [result.analysis for result in found] == [f"responders_{n}" for n in (25, 50, 75)]
    assert shares == [(0, 1), (0, 0.5), (0, 0)]
    assert found[0].details == {"not_judged": 1, "without_cramp_in_run_in": 0}


def test_without_a_cramp_in_the_run_in_nobody_responds():
    found = responders(small([0.0, 0.0, 0.0, 0.0], baseline_rate=[0.0, 4.0, math.nan, 4.0]))
    assert [arm.value for arm in found[2].arms] == [0.5, 0.5]
    assert found[2].details == {"not_judged": 2, "without_cramp_in_run_in": 1}


def test_who_was_hardly_seen_is_no_responder():
    first = small([0.0, 0.0, 0.0, 0.0])
    nights = [1, 3, 4, 7]
    found = responders(replace(first, weeks=first.weeks.assign(nights=nights)))
    assert [arm.value for arm in found[2].arms] == [1, 0]
    assert found[2].details["not_judged"] == 2


def test_cramp_free_weeks_by_hand():
    first = small([0.0, 1.0, 2.0, 3.0])
    weeks = [first.weeks, first.weeks.assign(week=2, events=[0.0, 0.0, 0.0, 1.0])]
    short = first.weeks.assign(week=3, events=0.0, nights=3)
    found = cramp_free_weeks(replace(first, weeks=pd.concat([*weeks, short])))
    assert [arm.value for arm in found.arms] == [0.25, 0.75]
    assert found.estimate("difference of means").value == 0.5


def test_what_was_seen_of_cramp_free_weeks_is_told_for_each_arm():
    first = small([0.0, 1.0, 2.0, 3.0])
    seen = first.weeks.assign(exposure=[0.5, 0.75, 1.0, 1.0])
    found = cramp_free_weeks(replace(first, weeks=seen))
    assert "56 with b, 35 with a" in found.notes[0]


@given(st.integers(0, 30), st.integers(1, 30), st.integers(0, 30), st.integers(1, 30))
def test_newcombe_intervals_hold_the_difference_and_stay_within_one(hits, n, others, m):
    hits, others = min(hits, n), min(others, m)
    found = newcombe((hits, n), (others, m))
    assert -1 <= found.low <= found.value <= found.high <= 1
    low, high = wilson(hits, n)
    assert 0 <= low <= hits / n <= high <= 1


# Durations


def test_the_likelihood_of_censored_durations_is_the_integral_over_levels():
    minutes = np.array([0.5, 1.5, 2.0, 0.8])
    censored = np.array([False, True, False, True])
    person = np.array([0, 0, 1, 2])
    model = fit_durations(np.tile(minutes, 30), np.tile(censored, 30), np.tile(person, 30))
    assert 0.01 < model.between < 8
    given_model = DurationModel(0.2, 0.4, 0.7)
    found = complete(given_model, minutes, censored, person)

    def weight(level, own):
        inside = norm.pdf(level, 0.2, 0.4)
        for y, cut in own:
            z = (math.log(y) - level) / 0.7
            inside *= norm.sf(z) if cut else norm.pdf(z)
        return inside

    own = [(0.5, False), (1.5, True)]
    cut = math.log(1.5)

    def beyond(level):
        z = (cut - level) / 0.7
        return level + 0.7 * norm.pdf(z) / norm.sf(z)

    total = quad(lambda u: weight(u, own), -4, 4)[0]
    expected = quad(lambda u: weight(u, own) * beyond(u), -4, 4)[0] / total
    assert found.log_minutes[1] == pytest.approx(expected, rel=1e-4)
    assert found.log_minutes[[0, 2]].tolist() == np.log([0.5, 2.0]).tolist()
    assert (found.minutes[censored] > minutes[censored]).all()
    assert (np.exp(found.log_minutes) <= found.minutes + 1e-12).all()


def test_completed_durations_have_no_bias_where_those_as_seen_do():
    rng = np.random.default_rng(4)
    person = np.repeat(np.arange(150), 12)
    logs = rng.normal(0.3, 0.4, 150)[person] + rng.normal(0, 0.7, len(person))
    whole = np.exp(logs)
    limit = rng.exponential(3.0, len(person))
    censored = limit < whole
    seen = np.minimum(whole, limit)
    assert 0.2 < censored.mean() < 0.6
    model = fit_durations(seen, censored, person)
    assert (model.mean, model.between, model.within) == pytest.approx((0.3, 0.4, 0.7), abs=0.08)
    completed = complete(model, seen, censored, person)
    assert completed.log_minutes.mean() == pytest.approx(logs.mean(), abs=0.04)
    assert completed.minutes.mean() == pytest.approx(whole.mean(), rel=0.06)
    assert np.log(seen).mean() < logs.mean() - 0.2
    assert np.log(seen[~censored]).mean() < logs.mean() - 0.2


def test_durations_weigh_participants_and_not_cramps(data):
    many = pd.concat([data.episodes, *[data.episodes[:40]] * 5], ignore_index=True)
    uncensored = many.assign(censored=False)
    found = durations(replace(data, episodes=uncensored))
    means = np.log(uncensored["minutes"]).groupby(uncensored["participant_id"]).mean()
    arm = data.people.set_index("participant_id")["arm"].reindex(means.index)
    treated, controls = (means[arm == name].to_numpy() for name in ("vitamin K2", "placebo"))
    assert len(found) == 2
    assert found[0].estimates[0].value == pytest.approx(math.exp(treated.mean() - controls.mean()))
    assert found[0].arms[0].participants == len(controls)
    assert "Among participants with episodes" in found[0].notes[0]


def test_censored_durations_are_counted_and_not_dropped(data, analysis):
    duration, _, as_seen = analysis.durations
    assert duration.details["censored_episodes"] == int(data.episodes["censored"].sum()) > 0
    assert duration.details["episodes"] == len(data.episodes)
    assert all(
        whole.value > cut.value for whole, cut in zip(duration.arms, as_seen.arms, strict=True)
    )


# Missing time


def test_rubins_rules_by_hand():
    found = np.array([[1.0, 0.5], [2.0, 0.5], [3.0, 0.5]])
    value, error, df = combine(found, 100)
    between = 4 / 3 * 1.0
    total = 0.25 + between
    observed = 101 / 103 * 100 * (1 - between / total)
    assert (value, error) == pytest.approx((2.0, math.sqrt(total)))
    assert df == pytest.approx(1 / (1 / observed + (between / total) ** 2 / 2))


def test_imputation_without_anything_missing_is_the_analysis_itself(data):
    whole = replace(
        data, weeks=data.weeks.assign(exposure=1.0), people=data.people.assign(last_week=4)
    )
    found = impute(whole, MISSING_AT_RANDOM)
    direct = compare_rates(whole, analysis="a")
    ratio, expected = (each.estimate("rate ratio") for each in (found, direct))
    assert ratio.value == pytest.approx(expected.value, rel=0.03)
    assert ratio.standard_error == pytest.approx(expected.standard_error, rel=0.05)
    assert found.details["missing_share"] == 0


def test_jumping_to_the_reference_takes_away_benefit_and_more_so_the_more_people_stop(data):
    stopping = data.weeks.assign(
        exposure=data.weeks["exposure"].where(data.weeks["week"] <= 2, 0.0),
        events=data.weeks["events"].where(data.weeks["week"] <= 2, 0.0),
    )
    half = data.people["participant_id"].isin(data.people["participant_id"][::2])
    weeks = stopping.where(
        stopping["participant_id"].isin(data.people.loc[half, "participant_id"]), data.weeks
    )
    people = data.people.assign(last_week=np.where(half, 2, 4))
    stopped = replace(data, weeks=weeks, people=people)
    at_random, jump = (impute(stopped, each) for each in (MISSING_AT_RANDOM, JUMP_TO_REFERENCE))
    ratios = [each.estimate("rate ratio").value for each in (at_random, jump)]
    assert ratios[0] == pytest.approx(SPEC.rate_ratio, abs=0.12)
    assert ratios[1] > ratios[0] + 0.08
    assert jump.arms[0].adjusted == pytest.approx(at_random.arms[0].adjusted, rel=0.05)


def test_missing_time_is_like_the_seen_time_of_the_same_participant(data):
    """Who had many cramps while seen is taken to have many while not seen."""
    often = data.people["participant_id"][::2]
    weeks = data.weeks[["participant_id", "week"]].assign(nights=7, minutes=0.0, planned=1.0)
    is_often = weeks["participant_id"].isin(often)
    hidden = is_often & (weeks["week"] > 2)
    # Weeks that were all alike would be correlated by 1, at the edge of what can be fitted.
    sway = np.where(weeks["week"] % 2, -1.0, 1.0)
    weeks = weeks.assign(
        exposure=np.where(hidden, 0.0, 1.0),
        events=np.where(hidden, 0.0, np.where(is_often, 7.0 + sway, 1.0 + sway)),
    )
    people = data.people.assign(baseline=math.nan, baseline_rate=math.nan, last_week=4)
    found = impute(replace(data, weeks=weeks, people=people), MISSING_AT_RANDOM)
    assert isinstance(found, Comparison), found
    assert [arm.value for arm in found.arms] == pytest.approx([3.0, 3.0])  # per pooled hour
    assert [arm.adjusted for arm in found.arms] == pytest.approx([4.0, 4.0], abs=0.35)


def test_the_plan_says_which_nights_and_weeks_are_complete(data):
    """With three planned nights a week, no week has four, and no session of three hours four."""
    weeks = data.weeks.assign(nights=np.minimum(data.weeks["nights"], 3))
    nights = data.nights.assign(hours=data.nights["hours"] * 3 / 8, diary_cramps=0.0)
    few = replace(data, weeks=weeks, nights=nights, display=DisplayRule(1.5, 2))
    found = analyse(few)
    assert found.sensitivity[0].analysis == "displayed_weeks"
    for result in (found.sensitivity[0], found.cramp_free_weeks, found.sensor_against_diary):
        assert result.kind != "refusal", result
    assert "at least 2 analysable nights" in found.cramp_free_weeks.method


def test_nights_that_have_not_come_or_were_not_planned_are_not_missing(data):
    """Half of the participants are in the middle of their treatment, and nobody has stopped."""
    ahead = data.people["participant_id"][::2]
    to_come = data.weeks["participant_id"].isin(ahead) & (data.weeks["week"] > 2)
    seen = data.weeks["exposure"].mask(to_come, 0.0)
    weeks = data.weeks.assign(
        exposure=seen,
        planned=np.where(to_come, 0.0, 3 / 7),
        events=data.weeks["events"].mask(to_come, 0.0),
    )
    last = weeks[seen > 0].groupby("participant_id")["week"].max()
    people = data.people.assign(last_week=data.people["participant_id"].map(last).fillna(0))
    interim = replace(data, weeks=weeks, people=people)
    found = impute(interim, JUMP_TO_REFERENCE)
    planned, exposure = weeks["planned"].to_numpy(), seen.to_numpy()
    missing = np.maximum(planned - exposure, 0.0).sum()
    assert found.details["missing_share"] == pytest.approx(missing / (missing + exposure.sum()))
    nothing_due = replace(interim, weeks=weeks.assign(planned=0.0))
    jump, at_random = (
        impute(nothing_due, each).estimate("rate ratio").value
        for each in (JUMP_TO_REFERENCE, MISSING_AT_RANDOM)
    )
    assert jump == at_random
    waiting = weeks["participant_id"] == data.people["participant_id"].iloc[0]
    later = weeks.assign(
        **{name: weeks[name].mask(waiting, 0.0) for name in ("planned", "exposure", "events")}
    )
    found = impute(replace(interim, weeks=later), MISSING_AT_RANDOM)
    assert sum(arm.participants for arm in found.arms) == len(data.people) - 1


def test_all_randomised_participants_are_in_the_imputed_comparison(analysis, data):
    assert analysis.sensitivity[1].population.startswith("all randomised participants")
    assert sum(arm.participants for arm in analysis.sensitivity[1].arms) == len(data.people)
    assert analysis.sensitivity[1].estimates[0].df < len(data.people)


def test_the_tipping_point_is_the_first_factor_without_significant_benefit(analysis):
    found = analysis.tipping_point
    assert isinstance(found, TippingPoint)
    highs = [step.estimate.high for step in found.steps]
    assert highs == sorted(highs)
    first = next(step.factor for step in found.steps if step.estimate.high >= 1)
    assert found.tips_at == first > 1
    at_random = analysis.sensitivity[1].estimate("rate ratio")
    assert found.steps[0].estimate.value == pytest.approx(at_random.value)


# Sensor and diary


def nights(rows):
    """Return nights from participant, sensor count, diary count."""
    return pd.DataFrame(
        {
            "participant_id": [person for person, _, _ in rows],
            "night": pd.date_range("2026-01-05", periods=len(rows)),
            "week": 1,
            "hours": 8.0,
            "events": [sensor for _, sensor, _ in rows],
            "diary_cramps": [diary for _, _, diary in rows],
            "severity": math.nan,
        }
    )


def test_agreement_by_hand():
    rows = [("A", 1, 1), ("A", 0, 0), ("B", 2, 0), ("B", 0, 1), ("C", 0, 0), ("C", 1, 2)] * 4
    found = sensor_against_diary(nights([*rows, ("D", 1, math.nan)]))
    assert (found.both, found.sensor_only, found.diary_only, found.neither) == (8, 4, 4, 8)
    assert (found.participants, found.nights) == (3, 24)
    assert found.sensor_given_diary.value == pytest.approx(8 / 12)
    assert found.diary_given_sensor.value == pytest.approx(8 / 12)
    assert found.kappa.value == pytest.approx((16 / 24 - 0.5) / 0.5)
    assert found.prevalence_adjusted_kappa.value == pytest.approx(2 * 16 / 24 - 1)
    assert found.kappa.low <= found.kappa.value <= found.kappa.high
    assert {night.participant_id for night in found.missed} == {"B"}
    assert [(night.sensor, night.diary) for night in found.extra] == [(2, 0)] * 4
    assert found.extra[0].night == "2026-01-07"
    assert found.weekly.ratio_of_totals.value == pytest.approx(16 / 16)


def test_the_two_ways_round_are_not_the_same():
    rows = [("A", 1, 1), ("B", 1, 0), ("C", 1, 0), ("A", 0, 0)] * 3
    found = sensor_against_diary(nights(rows))
    assert found.sensor_given_diary.value == 1
    assert found.diary_given_sensor.value == pytest.approx(1 / 3)


def test_perfect_agreement_and_no_cramps():
    same = sensor_against_diary(nights([("A", 1, 1), ("B", 0, 0), ("C", 2, 2)] * 5))
    assert same.kappa.value == same.weekly.ratio_of_totals.value == 1
    assert same.weekly.bias == same.weekly.sd_within == 0
    none = sensor_against_diary(nights([("A", 0, 0), ("B", 0, 0), ("C", 0, 0)]))
    assert none.kappa.value is None
    assert none.sensor_given_diary.value is None


def test_uncertainty_comes_from_participants_and_not_from_their_nights():
    rng = np.random.default_rng(1)
    rows = [
        (f"P{person}", int(rng.random() < 0.4), int(rng.random() < 0.4)) for person in range(10)
    ]
    once, copied = (sensor_against_diary(nights(rows * times)) for times in (1, 20))
    assert copied.kappa.high - copied.kappa.low == pytest.approx(once.kappa.high - once.kappa.low)


def test_weekly_differences_have_a_spread_between_and_within_participants():
    rng = np.random.default_rng(3)
    people, weeks = 60, 8
    shift = rng.normal(0.3, 0.5, people)
    diary = rng.poisson(9, (people, weeks))
    sensor = (np.sqrt(diary) + shift[:, None] + rng.normal(0, 0.3, diary.shape)) ** 2
    table = pd.DataFrame(
        {
            "participant_id": np.repeat([f"P{n}" for n in range(people)], weeks),
            "night": np.tile(pd.date_range("2026-01-05", periods=weeks, freq="7D"), people),
            "week": np.tile(np.arange(1, weeks + 1), people),
            "hours": 8.0,
            "events": sensor.ravel(),
            "diary_cramps": diary.ravel().astype(float),
        }
    )
    weekly = sensor_against_diary(table).weekly
    assert weekly.person_weeks == people * weeks
    assert weekly.bias == pytest.approx(shift.mean(), abs=0.05)
    assert (weekly.sd_between, weekly.sd_within) == pytest.approx((0.5, 0.3), abs=0.08)
    assert weekly.high - weekly.bias == pytest.approx(1.96 * math.hypot(0.5, 0.3), abs=0.15)


# Sample size


@pytest.mark.parametrize(
    ("plan", "size"),
    [
        (TrialPlan(0.75), 102),
        (TrialPlan(0.75, wear=0.73), 106),
        (TrialPlan(0.75, wear=0.73, dispersion=0.16), 55),
    ],
)
def test_sample_sizes(plan, size):
    found = sample_size(plan)
    assert (found.treated, found.controls) == (size, size)
    assert 0.9 <= found.power < 0.91
    assert expected_power(plan, size - 1) < 0.9


def test_a_sample_size_grows_with_what_makes_a_trial_harder():
    base = sample_size(TrialPlan(0.7)).controls
    assert sample_size(TrialPlan(0.8)).controls > base
    assert sample_size(TrialPlan(0.7, stopping=0.2)).controls == math.ceil(
        sample_size(TrialPlan(0.7)).controls / 0.8
    )
    assert sample_size(TrialPlan(0.7), power=0.8).controls < base
    unequal = sample_size(TrialPlan(0.7, allocation=2))
    assert unequal.treated == pytest.approx(2 * unequal.controls, abs=1)
    assert sample_size(TrialPlan(1 / 0.7)).controls < base


@pytest.mark.parametrize(
    "change",
    [{"rate_ratio": 1.0}, {"wear": 0.0}, {"stopping": 1.0}, {"dispersion": -0.1}, {"alpha": 0.0}],
)
def test_impossible_plans_are_refused(change):
    with pytest.raises(UsageError):
        TrialPlan(**{"rate_ratio": 0.7, **change})
    with pytest.raises(UsageError, match="power"):
        sample_size(TrialPlan(0.7), power=0.01)


def test_expected_power_is_that_of_simulated_trials():
    plan = TrialPlan(0.7, dispersion=0.3, wear=0.75)
    size = sample_size(plan, power=0.8).controls
    rng = np.random.default_rng(8)
    trials, exposure = 2000, plan.weeks * plan.wear
    arms = []
    for rate in (plan.reference_rate, plan.reference_rate * plan.rate_ratio):
        level = rng.gamma(1 / plan.dispersion, plan.dispersion, (trials, size))
        arms.append(rng.poisson(rate * exposure * level))
    logs = [np.log(counts.mean(axis=1)) for counts in arms]
    variances = [counts.var(axis=1, ddof=1) / size / counts.mean(axis=1) ** 2 for counts in arms]
    found = (np.abs(logs[1] - logs[0]) / np.sqrt(sum(variances)) > norm.ppf(0.975)).mean()
    assert found == pytest.approx(expected_power(plan, size), abs=0.035)


# Simulated trials


def test_a_simulated_trial_is_the_same_for_the_same_seed():
    one, other, third = (simulate_trial(SPEC, seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one.nights, other.nights)
    pd.testing.assert_frame_equal(one.episodes, other.episodes)
    assert not one.weeks["events"].equals(third.weeks["events"])


def test_a_simulated_trial_has_the_means_that_were_asked_for():
    spec = TrialSpec(treated=2500, controls=2500, stopping=(0.0, 0.0))
    data = simulate_trial(spec, 1)
    sums = data.weeks.groupby("participant_id")[["events", "exposure"]].sum()
    arm = data.people.set_index("participant_id")["arm"].reindex(sums.index)
    rates = sums.groupby(arm.to_numpy()).sum()
    found = (rates["events"] / rates["exposure"]).to_dict()
    assert found == pytest.approx({"placebo": 3.63, "vitamin K2": 0.96}, rel=0.04)
    assert data.people["baseline_rate"].mean() == pytest.approx(2.6, rel=0.04)
    worn = (data.nights["hours"] > 0).mean()
    assert worn == pytest.approx(0.765, abs=0.01)
    assert data.nights["events"].sum() == data.weeks["events"].sum() == len(data.episodes)


def test_overdispersion_between_people_is_that_which_was_asked_for():
    spec = TrialSpec(treated=1, controls=4000, week_cv=0.01, sites=1, stopping=(0.0, 0.0))
    data = simulate_trial(spec, 2)
    sums = data.weeks.groupby("participant_id")[["events", "exposure"]].sum()
    mean = 3.63 * sums["exposure"]
    excess = ((sums["events"] - mean) ** 2 - mean).sum() / (mean**2).sum()
    assert excess == pytest.approx(0.55**2, abs=0.03)


def test_taking_the_sensor_off_removes_time_with_its_cramps():
    whole, taken_off = (
        simulate_trial(replace(SPEC, removed_after_cramp=chance), 3) for chance in (0.0, 1.0)
    )
    assert taken_off.weeks["exposure"].sum() < whole.weeks["exposure"].sum()
    assert taken_off.nights["events"].max() == 1
    skipping = simulate_trial(replace(SPEC, skipped_after_cramp=1.0, wear=(1.0, 1.0)), 3)
    night = skipping.nights.sort_values(["participant_id", "night"])
    before = night.groupby("participant_id")["events"].shift(1)
    assert (night.loc[before > 0, "hours"] == 0).all()


def test_welch_is_symmetric():
    one, other = np.array([1.0, 2.0, 4.0]), np.array([2.0, 5.0])
    found, turned = (
        welch("difference of means", one, other),
        welch("difference of means", other, one),
    )
    assert (found.value, found.low) == pytest.approx((-turned.value, -turned.high))
