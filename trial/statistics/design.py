"""Regression designs: one row for each person-week, or one for each participant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

if TYPE_CHECKING:
    from trial.statistics.data import AnalysisData

__all__ = [
    "ARM",
    "SMALLEST_SITE",
    "Design",
    "Outcome",
    "Terms",
    "baseline_or_mean",
    "empty_levels",
    "full_design",
    "pooled_sites",
    "totals_design",
    "weekly_design",
]

SMALLEST_SITE = 15
"""Participants that a site needs for a term of its own, seven or so in each arm."""

ARM = 1
"""Column of the arm in every design."""

Outcome = Literal["events", "minutes"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Terms:
    """Covariates of a model beside the arm; each enters only if the data have it.

    Attributes
    ----------
    baseline : str or None
        Column of the participants to adjust for: ``baseline``, the log weekly rate of the run-in,
        or ``baseline_rate``, the rate itself.
    sites, weeks : bool
        One level each; small sites are pooled.
    """

    baseline: Literal["baseline", "baseline_rate"] | None = "baseline"
    sites: bool = True
    weeks: bool = True


@dataclass(frozen=True, slots=True)
class Design:
    """A regression design whose columns vary either between participants or between weeks.

    Attributes
    ----------
    names : tuple of str
        Columns of `matrix`; the first two are the intercept and the arm.
    between : float64 array, shape (participants, columns)
    within : float64 array, shape (weeks, columns)
    person, week : int64 array, shape (rows,)
        Participant and week of each row, as rows of `between` and `within`.
    outcome, exposure : float64 array, shape (rows,)
        Events or minutes, and weeks of 56 analysable hours.
    """

    names: tuple[str, ...]
    between: FloatArray
    within: FloatArray
    person: IntArray
    week: IntArray
    outcome: FloatArray
    exposure: FloatArray

    @property
    def matrix(self) -> FloatArray:
        """Design matrix, shape (rows, columns)."""
        return np.hstack([self.between[self.person], self.within[self.week]])

    @property
    def treated(self) -> BoolArray:
        """Which participants are in the treatment arm."""
        return np.asarray(self.between[:, ARM] == 1)

    @property
    def df(self) -> int:
        """Participants less the columns that differ between them."""
        people, columns = self.between.shape
        return int(people - columns)

    def under(self, *, treatment: bool) -> FloatArray:
        """Return `between` as if everybody were in one arm."""
        columns = self.between.copy()
        columns[:, ARM] = float(treatment)
        return columns

    def rows(self, chosen: BoolArray) -> Design:
        """Return the design with some of its rows, and only the participants in these."""
        people, person = np.unique(self.person[chosen], return_inverse=True)
        return replace(
            self,
            between=self.between[people],
            person=person,
            week=self.week[chosen],
            outcome=self.outcome[chosen],
            exposure=self.exposure[chosen],
        )

    def with_totals(self, outcome: FloatArray, exposure: FloatArray) -> Design:
        """Return the design with other outcomes and exposures in its rows."""
        return replace(self, outcome=outcome, exposure=exposure)

    def totals(self) -> Design:
        """Return the design with one row for each participant, over their weeks."""
        people, columns = self.between.shape
        return replace(
            self,
            names=self.names[:columns],
            within=np.zeros((1, 0)),
            person=np.arange(people),
            week=np.zeros(people, dtype=np.int64),
            outcome=np.bincount(self.person, self.outcome, people).astype(np.float64),
            exposure=np.bincount(self.person, self.exposure, people).astype(np.float64),
        )


def full_design(data: AnalysisData, terms: Terms, outcome: Outcome = "events") -> Design:
    """Return the design with a row for every randomised participant and week seen of anybody.

    Rows go by participant and then by week; where nothing could be seen, exposure is 0.
    """
    people = data.people.sort_values("participant_id").reset_index(drop=True)
    names, between = _between(people, data.reference, terms)
    count, levels = len(people), data.weeks_seen
    weeks = len(levels)
    person, week = np.repeat(np.arange(count), weeks), np.tile(np.arange(weeks), count)
    found = data.weeks.set_index(["participant_id", "week"])[[outcome, "exposure"]]
    keys = [people["participant_id"].to_numpy()[person], levels[week]]
    found = found.reindex(pd.MultiIndex.from_arrays(keys), fill_value=0.0)
    return Design(
        names=(*names, *(f"week {level}" for level in levels[1:] if terms.weeks)),
        between=between,
        within=np.eye(weeks)[:, 1:] if terms.weeks else np.zeros((weeks, 0)),
        person=person,
        week=week,
        outcome=found[outcome].to_numpy(np.float64),
        exposure=found["exposure"].to_numpy(np.float64),
    )


def weekly_design(data: AnalysisData, terms: Terms, outcome: Outcome = "events") -> Design:
    """Return the design with one row for each person-week that has analysable time."""
    design = full_design(data, terms, outcome)
    return design.rows(design.exposure > 0)


def totals_design(data: AnalysisData, terms: Terms, outcome: Outcome = "events") -> Design:
    """Return the design with one row for each participant who has analysable time."""
    design = full_design(data, terms, outcome).totals()
    return design.rows(design.exposure > 0)


def baseline_or_mean(values: FloatArray) -> FloatArray:
    """Return a baseline covariate; where it is missing, the mean over both arms.

    In a randomised trial that neither biases the comparison nor loses a participant (White and
    Thompson 2005).
    """
    return np.where(np.isnan(values), np.nanmean(values), values)


def pooled_sites(site: pd.Series[str]) -> pd.Series[str]:
    """Return each participant's site, the smallest pooled until all have `SMALLEST_SITE`."""
    groups = {str(name): int(n) for name, n in site.value_counts().items()}
    pooled = {name: name for name in groups}
    while len(groups) > 1 and min(groups.values()) < SMALLEST_SITE:
        two = sorted(groups, key=lambda name: (groups[name], name))[:2]
        merged = " + ".join(sorted(two))
        groups[merged] = sum(groups.pop(name) for name in two)
        pooled = {name: merged if group in two else group for name, group in pooled.items()}
    return site.map(pooled)


def empty_levels(design: Design) -> tuple[str, ...]:
    """Return sites and weeks in which nothing was counted: their coefficients are not finite."""
    return (
        *_empty(design, "site ", design.between[design.person]),
        *_empty(design, "week ", design.within[design.week], first=design.between.shape[1]),
    )


def _empty(design: Design, prefix: str, columns: FloatArray, first: int = 0) -> list[str]:
    """Return which levels of a factor have no outcome, the one without a column among them."""
    names = design.names[first : first + columns.shape[1]]
    places = [place for place, name in enumerate(names) if name.startswith(prefix)]
    levels = columns[:, places]
    without_column = levels.sum(axis=1) == 0
    sums = design.outcome @ levels
    empty = [names[place] for place, total in zip(places, sums, strict=True) if total == 0]
    if places and not design.outcome[without_column].any():
        empty.insert(0, f"the first {prefix.strip()}")
    return empty


def _between(
    people: pd.DataFrame, reference: str, terms: Terms
) -> tuple[tuple[str, ...], FloatArray]:
    """Return names and values of the columns that differ between participants."""
    treated = (people["arm"] != reference).to_numpy(np.float64)
    columns = {"intercept": np.ones(len(people)), "treatment": treated}
    if terms.baseline:
        baseline = people[terms.baseline].to_numpy(np.float64)
        if len(np.unique(baseline[~np.isnan(baseline)])) > 1:
            columns["baseline"] = baseline_or_mean(baseline)
    if terms.sites:
        site = pooled_sites(people["site"])
        for level in sorted(site.unique())[1:]:
            columns[f"site {level}"] = (site == level).to_numpy(np.float64)
    return tuple(columns), np.column_stack(list(columns.values()))
