"""Simulated trials in numbers only: who had how many cramps in which hours, and the truth.

They are what the statistics are tried on: the effect is planted, so that bias, coverage and error
rates can be counted. Nothing in them was recorded from a person.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from nightcramp.errors import UsageError
from trial.statistics.data import AnalysisData, log_baseline

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["REFERENCE", "TREATMENT", "TrialSpec", "simulate_trial"]

REFERENCE, TREATMENT = "placebo", "vitamin K2"

_NIGHT_HOURS = 8.0
_FIRST_NIGHT = np.datetime64("2025-01-06")

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrialSpec:
    """A trial to simulate. The defaults follow Tan and colleagues (JAMA Internal Medicine 2024).

    Attributes
    ----------
    treated, controls : int
        Participants of the two arms.
    run_in_weeks, weeks : int
        At least 1 each.
    run_in_rate, reference_rate : float
        Mean cramps per week before treatment, and under placebo.
    rate_ratio : float
        Rate under treatment over that under placebo; 1 is the null.
    person_cv, week_cv : float
        Spread of the rate between people, and between the weeks of one (gamma distributed).
    wear : (float, float)
        Lowest and highest chance that somebody wears the sensor in a night; people differ evenly.
    stopping : (float, float)
        Share of the treated and of the controls who stop early, in a week drawn at random.
    skipped_after_cramp : float
        Chance that the sensor is not worn in the night after one with a cramp.
    removed_after_cramp : float
        Chance that the sensor is taken off for the rest of the night after its first cramp.
    false_alarms : float
        Of the detector in eight analysable hours, in both arms and in the run-in.
    sites : int
        Equal chance for each; a site's rate lies up to 15 % above or below the mean.
    """

    treated: int = 103
    controls: int = 96
    run_in_weeks: int = 2
    weeks: int = 8
    run_in_rate: float = 2.6
    reference_rate: float = 3.63
    rate_ratio: float = 0.96 / 3.63
    person_cv: float = 0.55
    week_cv: float = 0.35
    wear: tuple[float, float] = (0.73, 0.80)
    stopping: tuple[float, float] = (0.08, 0.14)
    skipped_after_cramp: float = 0.0
    removed_after_cramp: float = 0.0
    false_alarms: float = 0.0
    sites: int = 4

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated.

        Raises
        ------
        UsageError
            A value is out of range; the text names it.
        """
        chances = (*self.wear, *self.stopping, self.skipped_after_cramp, self.removed_after_cramp)
        checks = {
            "each arm needs a participant": min(self.treated, self.controls) >= 1,
            "run_in_weeks, weeks and sites must be at least 1": min(
                self.run_in_weeks, self.weeks, self.sites
            )
            >= 1,
            "rates and their spread must be above 0": min(
                self.run_in_rate, self.reference_rate, self.person_cv, self.week_cv
            )
            > 0,
            "rate_ratio and false_alarms must not be negative": min(
                self.rate_ratio, self.false_alarms
            )
            >= 0,
            "chances must be from 0 to 1": all(0 <= chance <= 1 for chance in chances),
        }
        if wrong := [rule for rule, kept in checks.items() if not kept]:
            raise UsageError("; ".join(wrong))

    @property
    def difference(self) -> float:
        """True difference of the arms in cramps per week."""
        return self.reference_rate * (self.rate_ratio - 1)


@dataclass(frozen=True, slots=True)
class _People:
    """Latent traits, one entry for each participant."""

    treated: npt.NDArray[np.bool_]
    site: npt.NDArray[np.int64]
    rates: FloatArray  # (participants, weeks), run-in first
    wear: FloatArray
    last_week: npt.NDArray[np.int64]  # treatment weeks attended


@dataclass(frozen=True, slots=True)
class _Nights:
    """What happened and what was counted, arrays of shape (participants, nights)."""

    cramps: npt.NDArray[np.int64]
    seen: npt.NDArray[np.int64]
    hours: FloatArray


def simulate_trial(spec: TrialSpec, seed: int | Sequence[int]) -> AnalysisData:
    """Simulate one trial; the same specification and seed give the same trial.

    Night by night, cramps follow a Poisson process whose rate differs between people and between
    their weeks; those that fall into analysable hours are seen.
    """
    rng = np.random.default_rng(seed)
    people = _draw_people(spec, rng)
    nights = _draw_nights(spec, people, rng)
    names = np.array([f"P{number:04d}" for number in range(len(people.treated))])
    table = _night_table(spec, people, nights, names, rng)
    episodes = _episode_table(table, rng)
    return AnalysisData(
        reference=REFERENCE,
        planned_weeks=spec.weeks,
        people=_people_table(spec, people, nights, names),
        weeks=_week_table(table, episodes, spec.weeks),
        episodes=episodes,
        nights=table[table["week"] > 0].reset_index(drop=True),
    )


def _draw_people(spec: TrialSpec, rng: np.random.Generator) -> _People:
    count = spec.treated + spec.controls
    treated = np.arange(count) < spec.treated
    site = rng.integers(spec.sites, size=count)
    level = 1 + 0.15 * np.linspace(-1, 1, spec.sites) if spec.sites > 1 else np.ones(1)
    effect = np.where(treated, spec.rate_ratio, 1.0)[:, None]
    mean = np.hstack(
        [
            np.full((count, spec.run_in_weeks), spec.run_in_rate),
            np.broadcast_to(spec.reference_rate * effect, (count, spec.weeks)),
        ]
    )
    person = _gamma(spec.person_cv, (count, 1), rng)
    rates = mean * person * level[site][:, None] * _gamma(spec.week_cv, mean.shape, rng)
    stops = rng.random(count) < np.where(treated, *spec.stopping)
    last = np.where(stops, rng.integers(0, spec.weeks, size=count), spec.weeks)
    return _People(treated, site, rates, rng.uniform(*spec.wear, size=count), last)


def _gamma(cv: float, shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    """Return multipliers of mean 1."""
    return rng.gamma(cv**-2, cv**2, size=shape)


def _draw_nights(spec: TrialSpec, people: _People, rng: np.random.Generator) -> _Nights:
    rate = np.repeat(people.rates / 7, 7, axis=1)
    cramps = rng.poisson(rate)
    after_cramp = np.hstack([np.zeros((len(rate), 1), bool), cramps[:, :-1] > 0])
    worn = rng.random(rate.shape) < people.wear[:, None]
    worn &= ~(after_cramp & (rng.random(rate.shape) < spec.skipped_after_cramp))
    attended = 7 * (spec.run_in_weeks + people.last_week)
    worn &= np.arange(rate.shape[1]) < attended[:, None]
    planned = _NIGHT_HOURS * rng.uniform(0.8, 1.0, size=rate.shape)
    first = _NIGHT_HOURS * (1 - rng.random(rate.shape) ** (1 / np.maximum(cramps, 1)))
    removed = (cramps > 0) & (first < planned) & (rng.random(rate.shape) < spec.removed_after_cramp)
    in_time = np.where(
        first < planned,
        1 + rng.binomial(np.maximum(cramps - 1, 0), _share(planned, first)),
        0,
    )
    seen = np.where(removed, 1, np.where(cramps > 0, in_time, 0))
    hours = np.where(worn, np.where(removed, first, planned), 0.0)
    counted = np.where(worn, seen, 0)
    if spec.false_alarms:
        counted = counted + rng.poisson(spec.false_alarms * hours / _NIGHT_HOURS)
    return _Nights(cramps, counted, hours)


def _share(planned: FloatArray, first: FloatArray) -> FloatArray:
    """Return which share of the night after the first cramp is analysable."""
    return np.clip((planned - first) / (_NIGHT_HOURS - first), 0, 1)


def _night_table(
    spec: TrialSpec,
    people: _People,
    nights: _Nights,
    names: npt.NDArray[np.str_],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return every night with what sensor and diary say; the diary misses one cramp in seven."""
    count, days = nights.cramps.shape
    number = np.arange(days) // 7 - spec.run_in_weeks
    week = np.where(number < 0, number, number + 1)
    attended = np.arange(days) < 7 * (spec.run_in_weeks + people.last_week)[:, None]
    noted = rng.binomial(nights.cramps, 0.85) + (rng.random((count, days)) < 0.02)
    answered = attended & (rng.random((count, days)) < 0.9)
    severity = np.clip(np.rint(rng.normal(5.5, 2.0, size=(count, days))), 1, 10)
    first = _FIRST_NIGHT + np.arange(days)
    return pd.DataFrame(
        {
            "participant_id": np.repeat(names, days),
            "night": np.tile(first, count),
            "week": np.tile(week, count),
            "hours": nights.hours.ravel(),
            "events": nights.seen.ravel(),
            "diary_cramps": np.where(answered, noted, np.nan).ravel(),
            "severity": np.where(answered & (noted > 0), severity, np.nan).ravel(),
        }
    )


def _episode_table(nights: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return the seen cramps under treatment: a median of one minute, one in twenty censored."""
    treated = nights[nights["week"] > 0]
    rows = treated.loc[treated.index.repeat(treated["events"]), ["participant_id", "week"]]
    person, place = np.unique(nights["participant_id"], return_inverse=True)
    own = rng.normal(0.0, 0.35, size=len(person))[place[rows.index]]
    minutes = np.exp(own + rng.normal(0.0, 0.7, size=len(rows)))
    censored = rng.random(len(rows)) < 0.05
    seen = np.where(censored, minutes * rng.random(len(rows)), minutes)
    return rows.assign(minutes=seen, censored=censored).reset_index(drop=True)


def _people_table(
    spec: TrialSpec, people: _People, nights: _Nights, names: npt.NDArray[np.str_]
) -> pd.DataFrame:
    run_in = 7 * spec.run_in_weeks
    events = nights.seen[:, :run_in].sum(axis=1).astype(np.float64)
    exposure = nights.hours[:, :run_in].sum(axis=1) / (7 * _NIGHT_HOURS)
    rate = np.divide(events, exposure, out=np.full(len(names), math.nan), where=exposure > 0)
    return pd.DataFrame(
        {
            "participant_id": names,
            "arm": np.where(people.treated, TREATMENT, REFERENCE),
            "site": np.char.add("S", people.site.astype(str)),
            "baseline_rate": rate,
            "baseline": log_baseline(events, exposure),
            "last_week": people.last_week,
        }
    )


def _week_table(nights: pd.DataFrame, episodes: pd.DataFrame, weeks: int) -> pd.DataFrame:
    keys = ["participant_id", "week"]
    treated = nights[nights["week"].between(1, weeks)]
    treated = treated.assign(analysable=treated["hours"] >= _NIGHT_HOURS / 2)
    table = treated.groupby(keys, as_index=False).agg(
        exposure=("hours", "sum"), events=("events", "sum"), nights=("analysable", "sum")
    )
    minutes = episodes.groupby(keys)["minutes"].sum().rename("minutes").reset_index()
    table = table.merge(minutes, on=keys, how="left").fillna({"minutes": 0.0})
    return table.assign(
        exposure=table["exposure"] / (7 * _NIGHT_HOURS),
        planned=1.0,
        events=table["events"].astype("float64"),
    )
