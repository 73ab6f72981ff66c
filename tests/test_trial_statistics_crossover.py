"""In a crossover people are compared with themselves, and what the period did is taken out."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from nightcramp.errors import UsageError
from trial.statistics import Comparison, Refusal, analysis_data, compare_crossover


def table(rows):
    """Return a weekly table from participant, period, arm, hours, episodes."""
    names = ["participant_id", "treatment_period", "arm", "analysable_hours", "episodes"]
    frame = pd.DataFrame(rows, columns=names)
    week = frame["treatment_period"].fillna(3).astype(int)
    return frame.assign(week=week, episodes=frame["episodes"].astype("Int64"))


def simulated(seed, people=20, ratio=1.0, period=1.0, rate=4.0):
    """Return a crossover of four weeks of 56 h in each period."""
    rng = np.random.default_rng(seed)
    rows = []
    for number, level in enumerate(rng.gamma(3, 1 / 3, people)):
        order = ("new", "old") if number % 2 else ("old", "new")
        for which, arm in enumerate(order, start=1):
            mean = 4 * rate * level * (ratio if arm == "new" else 1) * period ** (which - 1)
            rows.append((f"P{number}", which, arm, 224.0, int(rng.poisson(mean))))
    return table(rows)


def by_hand():
    return table(
        [
            *(("A", 1, "new", 56.0, 2), ("A", 2, "old", 56.0, 6)),
            *(("B", 1, "new", 56.0, 3), ("B", 2, "old", 28.0, 4)),
            *(("C", 1, "new", 56.0, 1), ("C", 2, "old", 56.0, 4)),
            *(("D", 1, "old", 56.0, 5), ("D", 2, "new", 56.0, 4)),
            *(("E", 1, "old", 56.0, 6), ("E", 2, "new", 112.0, 6)),
            *(("F", 1, "old", 56.0, 4), ("F", 2, "new", 56.0, 2)),
            *(("G", 1, "old", 56.0, 9), ("G", 2, "new", 0.0, None)),
            ("A", 0, None, 56.0, 9),
        ]
    )


def test_the_difference_by_hand():
    found = compare_crossover(by_hand(), reference="old")
    assert isinstance(found, Comparison)
    change_new_first, change_old_first = np.array([4.0, 5.0, 3.0]), np.array([-1.0, -3.0, -2.0])
    expected = (change_old_first.mean() - change_new_first.mean()) / 2
    error = math.sqrt(1 / 3 + 1 / 3) / 2
    per_week = found.estimate("difference per week")
    assert (per_week.value, per_week.standard_error) == pytest.approx((expected, error))
    assert per_week.df == pytest.approx(4)
    assert found.details["participants"] == 6
    assert found.details["with_one_period_only"] == 1
    assert [arm.arm for arm in found.arms] == ["old", "new"]


def test_an_effect_of_the_period_is_not_one_of_the_arm():
    plain, drifting = (
        compare_crossover(simulated(1, people=400, ratio=0.5, period=drift), reference="old")
        for drift in (1.0, 2.0)
    )
    assert plain.estimate("rate ratio").value == pytest.approx(0.5, rel=0.05)
    assert drifting.estimate("rate ratio").value == pytest.approx(0.5, rel=0.05)
    assert drifting.details["period_ratio"] == pytest.approx(2.0, rel=0.05)


def test_exchanging_the_arms_turns_the_result_round():
    weekly = simulated(2, ratio=0.6)
    one, other = (compare_crossover(weekly, reference=arm) for arm in ("old", "new"))
    assert other.estimates[0].value == pytest.approx(1 / one.estimates[0].value)
    assert other.estimates[1].value == pytest.approx(-one.estimates[1].value)
    assert other.estimates[1].low == pytest.approx(-one.estimates[1].high)


def test_people_compared_with_themselves_need_fewer():
    found = compare_crossover(simulated(3, ratio=0.5), reference="old")
    assert found.estimate("rate ratio").high < 0.8
    assert found.details["correlation"] > 0.2


def test_type_i_error_of_a_small_crossover():
    p_values = np.array(
        [
            [
                estimate.p_value
                for estimate in compare_crossover(simulated([5, n]), reference="old").estimates
            ]
            for n in range(60)
        ]
    )
    low, high = binom.interval(0.999, 60, 0.05)
    assert ((low <= (p_values < 0.05).sum(axis=0)) & ((p_values < 0.05).sum(axis=0) <= high)).all()


def test_too_few_in_one_order_are_refused():
    weekly = by_hand()
    found = compare_crossover(weekly[~weekly["participant_id"].isin(["F"])], reference="old")
    assert isinstance(found, Refusal)
    assert "3 and 2 participants with both periods" in found.reason
    assert len(found.arms) == 2


def test_an_arm_without_a_cramp_has_a_difference_and_no_ratio():
    weekly = by_hand()
    none = weekly.assign(episodes=weekly["episodes"].mask(weekly["arm"] == "new", 0))
    found = compare_crossover(none, reference="old")
    assert isinstance(found, Refusal)
    assert "no cramp" in found.reason
    assert found.alternative[0].estimate("difference per week").value < 0


def test_one_arm_and_closed_arms_are_refused():
    weekly = by_hand()
    found = compare_crossover(weekly[weekly["arm"] == "old"], reference="old")
    assert isinstance(found, Refusal)
    assert "found old" in found.reason
    with pytest.raises(UsageError, match="open the arms"):
        compare_crossover(weekly.drop(columns="arm"), reference="old")


def test_a_crossover_is_not_taken_for_parallel_groups():
    weekly = by_hand().assign(site="S", total_minutes=0.0, nights_analysable=7, nights_planned=7)
    with pytest.raises(UsageError, match="has two arms"):
        analysis_data(weekly.dropna(subset=["arm"]), reference="old")
