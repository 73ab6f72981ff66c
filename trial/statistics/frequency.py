"""The primary analysis: cramps per week, and any other rate, compared by estimating equations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trial.statistics.arms import arm_rates, obstacle, pair_refusal
from trial.statistics.design import ARM, Terms, empty_levels, weekly_design
from trial.statistics.gee import fit_gee, standardise
from trial.statistics.intervals import difference, ratio
from trial.statistics.randomisation import any_event, randomisation_test
from trial.statistics.results import Comparison, Detail, Refusal, Result
from trial.statistics.totals import POPULATION, ancova

if TYPE_CHECKING:
    from trial.statistics.data import AnalysisData
    from trial.statistics.design import Design, Outcome
    from trial.statistics.gee import Fit

__all__ = ["compare_rates", "rates_from_fit", "refuse"]

_METHOD = (
    "Poisson estimating equations over weeks, participant as cluster, exchangeable correlation, "
    "log of analysable time as offset; covariance of Mancl and DeRouen, Student's t. Difference: "
    "rates standardised over the participants of both arms, each counting once"
)


def compare_rates(
    data: AnalysisData,
    *,
    analysis: str,
    outcome: Outcome = "events",
    terms: Terms | None = None,
) -> Result:
    """Compare weekly rates: rate ratio, and standardised difference per week.

    Adjusted for the log rate of the run-in, site and week, as far as the data have them. The rate
    ratio holds given these and weighs participants by the time they were seen; the difference is
    marginal and weighs them equally, as `standardise` says.

    Parameters
    ----------
    data : AnalysisData
    analysis : str
        Name of the analysis in the result.
    outcome : str
        ``events``, or ``minutes`` of cramp, in which everybody counts, with 0 if without a cramp.
    terms : Terms, optional
        Covariates; all of them by default.

    Returns
    -------
    Comparison or Refusal
        A refusal where an arm, site or week is without events, an arm is too small, or the fit
        fails; with the comparison that takes its place.
    """
    if (reason := obstacle(data, outcome)) is not None:
        return refuse(data, analysis=analysis, outcome=outcome, reason=reason)
    wanted = terms or Terms()
    design = weekly_design(data, wanted, outcome)
    if empty := empty_levels(design):
        return _without_empty(data, empty, wanted, analysis=analysis, outcome=outcome)
    fit = fit_gee(design.matrix, design.outcome, design.exposure, design.person)
    if fit.problem is not None:
        return Refusal(
            analysis,
            reason=f"the estimating equations have no usable solution: {fit.problem}",
            instead="Analysis of covariance of participants' weekly rates.",
            alternative=(ancova(data, analysis=analysis, outcome=outcome),),
            arms=arm_rates(data, outcome),
        )
    return rates_from_fit(data, design, fit, analysis=analysis, outcome=outcome)


def rates_from_fit(
    data: AnalysisData, design: Design, fit: Fit, *, analysis: str, outcome: Outcome
) -> Comparison:
    """Return rate ratio and standardised difference of a usable fit."""
    standard = standardise(fit, design)
    details: dict[str, Detail] = {
        "participants": design.between.shape[0],
        "person_weeks": len(design.person),
        "correlation": fit.correlation,
        "columns": ", ".join(design.names),
        "participants_without_baseline": _without_baseline(data),
    }
    return Comparison(
        analysis,
        method=_METHOD,
        made_by="trial.statistics.frequency.compare_rates",
        population=POPULATION,
        arms=arm_rates(
            data,
            outcome,
            adjusted=(standard.reference, standard.treatment),
            adjusted_errors=(standard.reference_error, standard.treatment_error),
        ),
        estimates=(
            ratio("rate ratio", float(fit.coefficients[ARM]), fit.error(ARM), design.df),
            difference(
                "difference per week",
                standard.treatment - standard.reference,
                standard.error,
                design.df,
            ),
        ),
        details=details,
        notes=_notes(data),
    )


def refuse(data: AnalysisData, *, analysis: str, outcome: Outcome, reason: str) -> Refusal:
    """Refuse to model what cannot be compared, with what can be said without a model."""
    if (refusal := pair_refusal(data, analysis)) is not None:
        return refusal
    arms = arm_rates(data, outcome)
    if min(arm.participants for arm in arms) == 0:
        return Refusal(analysis, reason, instead="The arm that was seen, by itself.", arms=arms)
    alternative = [randomisation_test(data, analysis=analysis, outcome=outcome)]
    if outcome == "events":
        alternative.append(any_event(data, analysis=analysis))
    return Refusal(
        analysis,
        reason,
        instead="Randomisation test of participants' weekly rates, the share of participants with "
        "a cramp, and each arm's own rate (exact Poisson limit where there was none).",
        alternative=tuple(alternative),
        arms=arms,
    )


def _without_empty(
    data: AnalysisData, empty: tuple[str, ...], terms: Terms, *, analysis: str, outcome: Outcome
) -> Refusal:
    """Refuse a model whose sites or weeks are not identified, and fit it without them."""
    sites = terms.sites and not any("site" in level for level in empty)
    weeks = terms.weeks and not any("week" in level for level in empty)
    fewer = replace(terms, sites=sites, weeks=weeks)
    left_out = [
        name
        for name, before, now in (("site", terms.sites, sites), ("week", terms.weeks, weeks))
        if before and not now
    ]
    return Refusal(
        analysis,
        reason=f"no cramp in {', '.join(empty)}: the level's coefficient is not finite",
        instead=f"The same model without {' and '.join(left_out)}.",
        alternative=(compare_rates(data, analysis=analysis, outcome=outcome, terms=fewer),),
        arms=arm_rates(data, outcome),
    )


def _without_baseline(data: AnalysisData) -> int:
    seen = data.weeks.loc[data.weeks["exposure"] > 0, "participant_id"]
    people = data.people[data.people["participant_id"].isin(seen)]
    return int(people["baseline"].isna().sum())


def _notes(data: AnalysisData) -> tuple[str, ...]:
    seen = data.weeks.loc[data.weeks["exposure"] > 0, "participant_id"].nunique()
    missing = len(data.people) - seen
    notes = []
    if missing:
        notes.append(
            f"{missing} of {len(data.people)} randomised participants have no analysable time in "
            "the weeks that are compared; multiple imputation has them."
        )
    if (unknown := _without_baseline(data)) and unknown < seen:
        notes.append(
            f"{unknown} participants without run-in enter with the mean baseline of both arms."
        )
    return tuple(notes)
