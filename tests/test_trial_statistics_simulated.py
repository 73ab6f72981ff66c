"""Over simulated trials the analyses are right as often as they say, and weeks as units are not.

The numbers of trials are small; the limits are those between which a binomial count lies in 999 of
1000 runs if the nominal level is kept. The seeds are fixed. The full table is made by
``python -m benchmarks.trial_statistics``.
"""

from __future__ import annotations

import pytest
from scipy.stats import binom

from benchmarks import tan_2024
from benchmarks.trial_statistics import (
    Cost,
    Scenario,
    characteristics,
    fallback,
    page_text,
    person_weeks,
    primary,
    second,
)
from trial.statistics import Refusal, TrialSpec, operating_characteristics

MIDDLE = TrialSpec(treated=52, controls=48)
SMALL = TrialSpec(12, 12, rate_ratio=1.0)


def within(share, level, trials):
    """Whether a share of so many trials is no surprise if the true one is `level`."""
    low, high = binom.interval(0.999, trials, level)
    return low <= round(share.value * trials) <= high


def by_name(found):
    return {(row.analysis, row.quantity): row for row in found}


@pytest.fixture(scope="module")
def null():
    analyses = {"primary": primary, "ancova": fallback, "weeks": person_weeks}
    return by_name(operating_characteristics(SMALL, analyses, trials=100, seed=1))


@pytest.fixture(scope="module")
def effect():
    analyses = {"primary": primary, "second": second, "ancova": fallback}
    return by_name(operating_characteristics(MIDDLE, analyses, trials=30, seed=2))


@pytest.mark.parametrize(
    "key",
    [
        ("primary", "rate ratio"),
        ("primary", "difference per week"),
        ("ancova", "difference per week"),
    ],
)
def test_type_i_error_with_twelve_in_each_arm(null, key):
    assert within(null[key].rejected, 0.05, 100)
    assert within(null[key].coverage, 0.95, 100)
    assert null[key].refused == 0


def test_person_weeks_as_units_find_effects_that_are_not_there(null):
    wrong = null["weeks", "difference per week"]
    assert not within(wrong.rejected, 0.05, 100)
    assert wrong.rejected.value > 0.2


@pytest.mark.parametrize(
    "key",
    [
        ("primary", "rate ratio"),
        ("primary", "difference per week"),
        ("second", "rate ratio"),
        ("ancova", "difference per week"),
    ],
)
def test_a_planted_effect_is_recovered_and_covered(effect, key):
    row = effect[key]
    assert within(row.coverage, 0.95, 30)
    assert row.rejected.value == 1
    assert abs(row.bias) < 0.03 + 3 * row.bias_error


@pytest.mark.parametrize("removal", [{"skipped_after_cramp": 0.4}, {"removed_after_cramp": 0.4}])
def test_taking_the_sensor_off_because_of_cramps_does_not_bias_the_adjusted_rates(removal):
    spec = TrialSpec(treated=800, controls=800, **removal)
    found = by_name(operating_characteristics(spec, {"primary": primary}, trials=3, seed=3))
    for arm in ("rate of controls", "rate of the treated"):
        adjusted, crude = found["primary", arm], found["rate per pooled hour", arm]
        assert abs(adjusted.bias) < 0.03
        assert crude.bias < adjusted.bias


def test_refusals_are_counted_and_not_averaged():
    def refuse(data):
        return Refusal("none", "because", "nothing") if len(data.people) else primary(data)

    found = operating_characteristics(SMALL, {"refused": refuse}, trials=2, seed=1)
    assert {row.analysis for row in found} == {"rate per pooled hour"}


def test_a_run_can_be_repeated_in_part():
    one, other = (
        operating_characteristics(SMALL, {"ancova": fallback}, trials=3, seed=9) for _ in range(2)
    )
    assert repr(one) == repr(other)  # a bias relative to no difference is nan


# The published results of Tan and colleagues


@pytest.fixture(scope="module")
def rebuilt():
    return {(row.outcome, row.reading): row for row in tan_2024.rebuild()}


def interval(row):
    return round(row.low, 2), round(row.high, 2)


@pytest.mark.parametrize("row", tan_2024.ROWS)
def test_the_data_have_the_published_means_and_deviations(row):
    for values in (tan_2024.participants(row), tan_2024.person_weeks(row, 0.3)):
        for arm, size, mean, sd in zip(values, tan_2024.SIZES, row.means, row.sds, strict=True):
            assert len(arm) == size
            assert arm.mean() == pytest.approx(mean)
            assert arm.std(ddof=1) == pytest.approx(sd)


def test_the_published_interval_is_that_of_independent_person_weeks(rebuilt):
    reading = "person-week (wrong: weeks of a participant are not independent)"
    row = rebuilt["cramps per week, weeks 1 to 8", reading]
    assert row.units == (824, 768)
    assert row.difference == pytest.approx(-2.67)
    assert interval(row) == (-2.85, -2.49)
    published = tan_2024.FREQUENCY.interval
    assert row.half_width == pytest.approx((published[1] - published[0]) / 2, abs=0.003)


def test_with_the_participant_as_unit_it_is_wider(rebuilt):
    weeks = [
        rebuilt["cramps per week, weeks 1 to 8", f"participant; SDs of person-weeks, {rho}"]
        for rho in ("correlation 0", "correlation 0.25", "correlation 0.46")
    ]
    widest = rebuilt["cramps per week, weeks 1 to 8", "participant; SDs of participants"]
    assert interval(widest) == (-3.19, -2.15)
    widths = [row.half_width for row in (*weeks, widest)]
    assert widths == sorted(widths)
    assert [interval(row) for row in weeks] == [(-2.86, -2.48), (-2.97, -2.37), (-3.03, -2.31)]
    assert all(row.units == (103, 96) for row in (*weeks, widest))


@pytest.mark.parametrize(
    ("outcome", "difference", "expected"),
    [
        ("cramps per week, run-in", -0.11, (-0.34, 0.12)),
        ("severity, change", -1.31, (-1.78, -0.84)),
        ("minutes per cramp, change", -0.58, (-0.81, -0.35)),
    ],
)
def test_the_other_rows_with_the_participant_as_unit(rebuilt, outcome, difference, expected):
    row = rebuilt[outcome, "participant; SDs of participants"]
    assert row.difference == pytest.approx(difference)
    assert interval(row) == expected


def test_the_page_has_a_row_for_every_result():
    scenario = Scenario("a little trial", SMALL, share=0.5)
    found = {scenario.name: characteristics(scenario, 4)}
    text = page_text(found, tan_2024.rebuild(), Cost(1.0, 100.0))
    assert text.count("| a little trial (2 trials) |") == 5
    for arm in ("controls", "the treated"):
        for estimate in (
            "rate per pooled hour",
            "estimating equations (primary)",
            "analysis of covariance",
        ):
            assert text.count(f"| a little trial | {arm} | {estimate} | 3.63 |") == 1
    assert "| as published | – | −2.67 | −2.86 to −2.49 |" in text
    assert "1.0 s of processor time, 100 MB" in text
    assert "nan" not in text
