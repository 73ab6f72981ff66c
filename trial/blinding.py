"""What may be written about cramps while the arms are closed.

In a blinded trial a participant's own cramp counts give the arm away: with an effect as large as
Tan and colleagues reported (JAMA Internal Medicine 2024) about four of five arms can be guessed by
week 8. So no output holds them. Pooled results stay, unless so few participants are behind them
that a person's counts could be worked out; which person-weeks they rest on, `trial.release` says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from trial.estimates import Mean, Rate
from trial.plan import Blinding

if TYPE_CHECKING:
    import pandas as pd

    from trial.study import Study

__all__ = [
    "REASONS",
    "SMALLEST_POOL",
    "counts_published",
    "guarded",
    "may_pool",
    "reasons_withheld",
    "told_reasons",
    "without_counts",
]

SMALLEST_POOL = 5
"""Fewest participants that a pooled number of a blinded trial speaks of."""

REASONS = frozenset(
    {
        *("gap", "warm_up", "flat", "saturated", "lift_off", "hum", "noisy", "motion", "isolated"),
        *("unsettled", "leg_not_recorded"),
        *("not_worn", "off_body", "battery", "battery_empty", "lost_connection"),
        *("no_signal_received", "device_fault", "withdrawn", "other"),
    }
)
"""Why time of a night is missing, in words that tell nothing else."""

_OTHER = "other"
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


def told_reasons(reasons: pd.Series[str], study: Study) -> pd.Series[str]:
    """Return why time is missing as it may be written.

    A site that writes freely may speak of cramps, or of the arm it guesses. So in place of words
    that are none of `REASONS` stands ``other``.
    """
    if counts_published(study):
        return reasons
    words = reasons.str.strip().str.lower().str.replace(" ", "_")
    return reasons.where(reasons.isna() | words.isin(REASONS), _OTHER)


def reasons_withheld(study: Study) -> int:
    """Return in how many nights the site's own words are withheld."""
    reasons = study.windows["reason"].dropna()
    return int((told_reasons(reasons, study) != reasons).sum())


def may_pool(participants: int, study: Study) -> bool:
    """Whether a pool of so many participants is large enough to be written about."""
    return counts_published(study) or participants >= SMALLEST_POOL


def guarded(estimate: Estimate, study: Study) -> Estimate:
    """Return an estimate as it may be written: withheld if its pool is too small."""
    if not estimate.participants or may_pool(estimate.participants, study):
        return estimate
    return estimate.withhold()
