"""What may be written about cramps while the arms are closed.

In a blinded trial a participant's own cramp counts give the arm away: with an effect as large as
Tan and colleagues reported (JAMA Internal Medicine 2024) about four of five arms can be guessed by
week 8. So no output holds them. Pooled results stay, unless so few participants are behind them
that a person's counts could be worked out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from trial.estimates import Mean, Rate
from trial.plan import Blinding

if TYPE_CHECKING:
    import pandas as pd

    from trial.study import Study

__all__ = ["counts_published", "guarded", "may_pool", "withheld_weeks", "without_counts"]

SMALLEST_POOL = 3  # in a pool of two, either could subtract their own nights

_COUNTS = frozenset(
    {
        *("episodes", "rate", "mean_minutes", "median_minutes", "total_minutes", "censored"),
        "mean_log_minutes",
        *("diary_cramps", "mean_severity"),
    }
)

Estimate = TypeVar("Estimate", Rate, Mean)


def counts_published(study: Study) -> bool:
    """Whether participants' own cramp counts may be written: open study, or arms opened anyway."""
    return study.arms_opened or study.plan.blinding is Blinding.OPEN


def without_counts(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return a table of participants as it may be written."""
    if counts_published(study):
        return table
    return table.drop(columns=[column for column in table if column in _COUNTS])


def may_pool(participants: int, study: Study) -> bool:
    """Whether a pool of so many participants is large enough to be written about."""
    return counts_published(study) or participants >= SMALLEST_POOL


def guarded(estimate: Estimate, study: Study) -> Estimate:
    """Return an estimate as it may be written: withheld if its pool is too small."""
    if not estimate.participants or may_pool(estimate.participants, study):
        return estimate
    return estimate.withhold()


def withheld_weeks(weekly: pd.DataFrame, study: Study) -> frozenset[int]:
    """Return the weeks whose pooled results must not be written.

    A week with too few participants is one. Since the total of the run-in and that of the
    treatment are written too, a single withheld week could be had by subtraction; so the next
    smallest weeks are withheld with it until enough participants are behind them together.

    Parameters
    ----------
    weekly : DataFrame
        As returned by `weekly_table`.
    study : Study
    """
    if counts_published(study):
        return frozenset()
    seen = weekly[weekly["analysable_hours"] > 0]
    return frozenset().union(*(_withheld(weeks) for _, weeks in seen.groupby("period")))


def _withheld(seen: pd.DataFrame) -> frozenset[int]:
    """Return the weeks to withhold among those that add up to one total."""
    sizes = seen.groupby("week")["participant_id"].nunique().sort_values(kind="stable")
    hidden = {int(week) for week in sizes.index[sizes < SMALLEST_POOL]}
    for week in sizes.index:
        behind = seen.loc[seen["week"].isin(hidden), "participant_id"].nunique()
        if not hidden or behind >= SMALLEST_POOL:
            break
        hidden.add(int(week))
    return frozenset(hidden)
