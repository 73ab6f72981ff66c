"""The models agree with R on a simulated trial of 198 participants.

The figures are from R 4.2.2 with geepack 1.3.9, MASS 7.3-58, sandwich 3.0-2 and mvtnorm 1.1-3;
those of the covariance of Mancl and DeRouen and of the standardised rates are their formulas
written out in R. Where geepack estimates a correlation by other moments than statsmodels, both
figures are given.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.discrete.discrete_model import NegativeBinomial
from statsmodels.genmod import cov_struct, families
from statsmodels.genmod.generalized_estimating_equations import GEE

from trial.statistics import AnalysisData, analyse, ancova, compare_rates, negative_binomial, welch
from trial.statistics.contrasts import largest_statistics, weekly_contrasts
from trial.statistics.data import EPISODE_COLUMNS, NIGHT_COLUMNS, log_baseline
from trial.statistics.design import ARM, Terms, totals_design, weekly_design
from trial.statistics.gee import fit_gee, standardise
from trial.statistics.intervals import newcombe
from trial.statistics.totals import fit_negative_binomial

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def data() -> AnalysisData:
    """Return the trial with nights ÷ 7 as exposure, as R was given it."""
    people = pd.read_csv(DATA / "trial_people.csv")
    weeks = pd.read_csv(DATA / "trial_weeks.csv")
    events, nights = (people[f"run_in_{what}"].to_numpy(float) for what in ("episodes", "nights"))
    baseline = log_baseline(events, nights / 7)
    return AnalysisData(
        reference="0",
        planned_weeks=8,
        people=people.assign(
            arm=people["treated"].astype(str),
            baseline=baseline,
            baseline_rate=np.exp(baseline),
            last_week=8,
        ),
        weeks=weeks.assign(
            exposure=weeks["nights"] / 7,
            planned=1.0,
            events=weeks["episodes"].astype(float),
            minutes=0.0,
        ),
        episodes=pd.DataFrame(columns=list(EPISODE_COLUMNS)),
        nights=pd.DataFrame(columns=list(NIGHT_COLUMNS)),
    )


def fit(data, **options):
    design = weekly_design(data, Terms())
    return fit_gee(design.matrix, design.outcome, design.exposure, design.person, **options)


def test_the_baseline_covariate_is_that_of_the_reference(data):
    first = data.people.set_index("participant_id").loc["S01-005"]
    assert first["baseline"] == pytest.approx(0.8472978603872034, abs=1e-15)


def test_estimating_equations_with_independence(data):
    found = fit(data, working="independence", covariance="robust")
    assert found.coefficients[ARM] == pytest.approx(-1.21738592785, abs=1e-9)
    assert found.error(ARM) == pytest.approx(0.0757771768401, abs=1e-9)


def test_estimating_equations_with_exchangeable_correlation(data):
    found = fit(data, covariance="robust")
    assert found.coefficients[ARM] == pytest.approx(-1.2175703, abs=1e-5)
    assert found.error(ARM) == pytest.approx(0.0757372, abs=6e-6)
    assert found.correlation == pytest.approx(0.1459, abs=1e-3)
    assert found.coefficients[ARM] == pytest.approx(-1.2175797, abs=5e-8)
    assert found.error(ARM) == pytest.approx(0.0757323, abs=5e-8)
    assert found.correlation == pytest.approx(0.1450, abs=5e-5)


def test_bias_reduced_covariance(data):
    assert fit(data, working="independence").error(ARM) == pytest.approx(0.07932823217, abs=1e-9)


def test_bias_reduced_covariance_of_one_row_for_each_participant(data):
    design = totals_design(data, Terms(weeks=False))
    found = fit_gee(design.matrix, design.outcome, design.exposure, design.person)
    assert found.coefficients[ARM] == pytest.approx(-1.21776138358, abs=1e-10)
    assert found.error(ARM) == pytest.approx(0.078976803286, abs=1e-10)


def test_the_short_cut_for_one_row_each_is_what_statsmodels_estimating_equations_give(data):
    design = totals_design(data, Terms(weeks=False))
    theirs = GEE(
        design.outcome,
        design.matrix,
        groups=design.person,
        family=families.Poisson(),
        cov_struct=cov_struct.Independence(),
        offset=np.log(design.exposure),
    ).fit(cov_type="bias_reduced")
    ours = fit_gee(design.matrix, design.outcome, design.exposure, design.person)
    np.testing.assert_allclose(ours.coefficients, theirs.params, atol=1e-8)
    np.testing.assert_allclose(ours.covariance, theirs.cov_params(), atol=1e-8)


def test_standardised_rates_and_the_error_of_their_difference(data):
    design = weekly_design(data, Terms())
    found = standardise(fit(data, working="independence"), design)
    assert found.treatment == pytest.approx(0.89729522791, abs=1e-8)
    assert found.reference == pytest.approx(3.18436398476, abs=1e-8)
    assert found.error == pytest.approx(0.21674681938, abs=1e-8)


def test_the_primary_analysis_is_made_of_these(data):
    found = compare_rates(data, analysis="primary")
    ratio, per_week = found.estimate("rate ratio"), found.estimate("difference per week")
    assert ratio.df == per_week.df == 198 - 6
    assert math.log(ratio.value) == pytest.approx(-1.2175797, abs=5e-8)
    assert ratio.standard_error == pytest.approx(0.0790231, abs=5e-8)
    assert (ratio.low, ratio.high) == pytest.approx((0.2532, 0.3458), abs=1e-4)
    assert per_week.value == pytest.approx(-2.287, abs=2e-3)
    assert found.arms[0].adjusted - found.arms[1].adjusted == pytest.approx(-per_week.value)


def test_negative_binomial_totals(data):
    found = negative_binomial(data, analysis="second")
    estimate = found.estimate("rate ratio")
    assert math.log(estimate.value) == pytest.approx(-1.2322433976, abs=1e-9)
    assert found.details["alpha"] == pytest.approx(0.159657908196, abs=1e-9)
    assert estimate.standard_error == pytest.approx(0.0791, abs=5e-5)  # joint Hessian
    assert estimate.standard_error == pytest.approx(0.0786918096, rel=6e-3)  # theta fixed, in R


def test_negative_binomial_with_a_robust_covariance(data):
    design = totals_design(data, Terms(weeks=False))
    ours = fit_negative_binomial(design)
    model = NegativeBinomial(design.outcome, design.matrix, offset=np.log(design.exposure))
    start = [*ours.coefficients, ours.alpha]
    robust = model.fit(disp=0, method="newton", start_params=start, cov_type="HC1")
    assert robust.bse[ARM] == pytest.approx(0.0746, abs=5e-5)
    assert robust.bse[ARM] == pytest.approx(0.0748923034, abs=3e-4)  # theta fixed, in R


def test_analysis_of_covariance_with_hc3(data):
    estimate = ancova(data, analysis="fallback").estimate("difference per week")
    assert estimate.value == pytest.approx(-2.228930923, abs=1e-9)
    assert estimate.standard_error == pytest.approx(0.201496075839, abs=1e-9)
    assert estimate.df == 192
    assert (estimate.low, estimate.high) == pytest.approx((-2.62636107599, -1.83150077), abs=1e-8)


def test_rate_ratios_of_single_weeks(data):
    found = weekly_contrasts(data)
    in_r = [-0.8520, -1.0139, -1.2528, -1.4523, -1.2297, -1.3609, -1.5993, -1.1259]
    logs = [math.log(week.estimate.value) for week in found.weeks]
    assert logs == pytest.approx(in_r, abs=0.03)  # R with independence, ours exchangeable
    assert next(week.treated + week.controls for week in found.weeks) > 150
    assert found.critical_value == pytest.approx(2.7515, abs=0.02)
    assert found.time_to_effect == 1


def test_the_critical_value_is_the_quantile_of_a_multivariate_t():
    correlation = np.full((8, 8), 0.3) + 0.7 * np.eye(8)
    assert np.quantile(largest_statistics(np.eye(1), 193), 0.95) == pytest.approx(1.9723, abs=0.01)
    assert np.quantile(largest_statistics(np.eye(8), 1e9), 0.95) == pytest.approx(
        2.7268, abs=0.01
    )  # independent: the 0.95 ** (1 / 8) quantile
    assert np.quantile(largest_statistics(correlation, 193), 0.95) < 2.75


def test_welch_on_participants_rates(data):
    design = totals_design(data, Terms(None, sites=False, weeks=False))
    rates = design.outcome / design.exposure
    found = welch("difference per week", rates[design.treated], rates[~design.treated])
    assert found.value == pytest.approx(0.897431793302 - 3.19757454929)
    assert (found.low, found.high) == pytest.approx((-2.76870389005, -1.83158162191))
    assert found.df == pytest.approx(107.204162702)
    assert found.p_value == pytest.approx(2.03812947253e-16)


def test_newcombe_on_responders():
    found = newcombe((70, 103), (9, 96))
    assert found.value == pytest.approx(0.585861650485)
    assert (found.low, found.high) == pytest.approx((0.464747967095, 0.678979675914))


def test_all_analyses_of_the_reference_trial_agree_in_direction(data):
    analysis = analyse(data)
    found = [analysis.primary, analysis.second, *analysis.sensitivity]
    assert all(result.estimate("rate ratio").high < 0.45 for result in found)
