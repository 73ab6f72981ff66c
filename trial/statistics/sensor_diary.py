"""Sensor beside diary, night by night and week by week. Neither is the truth.

People sleep through cramps and misjudge times; so agreement is given both ways round, and its
uncertainty comes from drawing participants, whose nights belong together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from trial.statistics.results import UNIT, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Agreement", "Interval", "NightNamed", "WeeklyAgreement", "sensor_against_diary"]

_DRAWS = 2000
_SEED = 20241028
_FEWEST = 3  # participants that a bootstrap or a spread needs

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95 % interval; None where it is not defined."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class NightNamed:
    """One night of one participant, and what each side counted in it."""

    participant_id: str
    night: str
    sensor: int
    diary: int


@dataclass(frozen=True, slots=True)
class WeeklyAgreement:
    """Bland–Altman comparison of cramps per participant and week, on the square root scale.

    Differences of counts fan out with their mean; those of square roots do not (variance
    stabilising; Bland and Altman 1999 ask for such a scale). Participants have several weeks, so
    the spread is that between and within them (Bland and Altman 2007).

    Attributes
    ----------
    participants, person_weeks : int
    bias, low, high : float
        Mean of sensor minus diary in square roots of cramps, and 95 % limits of agreement.
    sd_between, sd_within : float
    ratio_of_totals : Interval
        Cramps of the sensor over cramps of the diary, on the same nights.
    """

    participants: int
    person_weeks: int
    bias: float
    low: float
    high: float
    sd_between: float
    sd_within: float
    ratio_of_totals: Interval


@dataclass(frozen=True, slots=True)
class Agreement:
    """Nights with a cramp by sensor and by diary.

    Attributes
    ----------
    participants, nights : int
        Analysable ones with an answer in the diary.
    both, sensor_only, diary_only, neither : int
        Nights with a cramp in both, one, none of them.
    sensor_given_diary, diary_given_sensor : Interval
        Share of the diary's cramp nights that the sensor has, and the reverse.
    neither_given_no_diary, neither_given_no_sensor : Interval
        The same of nights without.
    kappa, prevalence_adjusted_kappa : Interval
        Cohen's, and 2 × agreement − 1 (Byrt, Bishop and Carlin 1993).
    weekly : WeeklyAgreement or None
        None with fewer than three participants.
    missed, extra : tuple of NightNamed
        Nights with a cramp in the diary only, and in the sensor only.
    made_by, unit, kind : str
    """

    participants: int
    nights: int
    both: int
    sensor_only: int
    diary_only: int
    neither: int
    sensor_given_diary: Interval
    diary_given_sensor: Interval
    neither_given_no_diary: Interval
    neither_given_no_sensor: Interval
    kappa: Interval
    prevalence_adjusted_kappa: Interval
    weekly: WeeklyAgreement | None
    missed: tuple[NightNamed, ...]
    extra: tuple[NightNamed, ...]
    made_by: str = "trial.statistics.sensor_diary.sensor_against_diary"
    unit: str = UNIT
    kind: Literal["agreement"] = "agreement"


def sensor_against_diary(nights: pd.DataFrame, hours: float = 4.0) -> Agreement | Refusal:
    """Compare sensor and diary. Intervals are from 2000 draws of participants, with a fixed seed.

    It names nights of participants: its result is nothing for a blinded report.

    Parameters
    ----------
    nights : DataFrame
        As in `AnalysisData`.
    hours : float
        Analysable hours of a night that is compared.
    """
    judged = nights[nights["hours"] >= hours].dropna(subset=["diary_cramps"])
    if judged.empty:
        return Refusal(
            "sensor_against_diary",
            reason=f"no night has {hours:g} analysable hours and a diary answer",
            instead="Nothing, for there is nothing to compare.",
        )
    sensor, diary = judged["events"] > 0, judged["diary_cramps"] > 0
    cells = _cells(judged["participant_id"], sensor, diary)
    both, sensor_only, diary_only, neither = (int(n) for n in cells.sum(axis=0))
    drawn = _resampled(cells)

    def interval(measure: Callable[[FloatArray], FloatArray]) -> Interval:
        return _interval(measure, cells, drawn)

    return Agreement(
        participants=len(cells),
        nights=len(judged),
        both=both,
        sensor_only=sensor_only,
        diary_only=diary_only,
        neither=neither,
        sensor_given_diary=interval(lambda n: n[0] / (n[0] + n[2])),
        diary_given_sensor=interval(lambda n: n[0] / (n[0] + n[1])),
        neither_given_no_diary=interval(lambda n: n[3] / (n[3] + n[1])),
        neither_given_no_sensor=interval(lambda n: n[3] / (n[3] + n[2])),
        kappa=interval(_kappa),
        prevalence_adjusted_kappa=interval(lambda n: 2 * (n[0] + n[3]) / n.sum(axis=0) - 1),
        weekly=_weekly(judged),
        missed=_named(judged[diary & ~sensor]),
        extra=_named(judged[sensor & ~diary]),
    )


def _cells(person: pd.Series[str], sensor: pd.Series[bool], diary: pd.Series[bool]) -> FloatArray:
    """Return each participant's nights: both, sensor only, diary only, neither."""
    parts = [sensor & diary, sensor & ~diary, ~sensor & diary, ~sensor & ~diary]
    return np.column_stack([part.groupby(person).sum() for part in parts]).astype(np.float64)


def _resampled(per_person: FloatArray) -> FloatArray:
    """Return column sums over draws of participants, shape (draws, columns)."""
    count = len(per_person)
    rng = np.random.default_rng(_SEED)
    weights = rng.multinomial(count, np.full(count, 1 / count), size=_DRAWS)
    return np.asarray(weights @ per_person, dtype=np.float64)


def _interval(
    measure: Callable[[FloatArray], FloatArray], per_person: FloatArray, drawn: FloatArray
) -> Interval:
    """Return a measure of summed columns with its percentile interval."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(measure(per_person.sum(axis=0)))
        values = np.asarray(measure(drawn.T))
    if not math.isfinite(value):
        return Interval(None)
    values = values[np.isfinite(values)]
    if len(per_person) < _FEWEST or len(values) < _DRAWS // 2:
        return Interval(value)
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(value, float(low), float(high))


def _kappa(n: FloatArray) -> FloatArray:
    total = n.sum(axis=0)
    agreed = (n[0] + n[3]) / total
    chance = ((n[0] + n[1]) * (n[0] + n[2]) + (n[3] + n[1]) * (n[3] + n[2])) / total**2
    return np.asarray((agreed - chance) / (1 - chance))


def _weekly(judged: pd.DataFrame) -> WeeklyAgreement | None:
    keys = ["participant_id", "week"]
    weeks = judged.groupby(keys)[["events", "diary_cramps"]].sum()
    person = weeks.index.get_level_values("participant_id")
    if person.nunique() < _FEWEST:
        return None
    difference = np.sqrt(weeks["events"]) - np.sqrt(weeks["diary_cramps"])
    between, within = _components(difference.to_numpy(np.float64), pd.factorize(person)[0])
    reach = 1.96 * math.hypot(between, within)
    bias = float(difference.mean())
    totals = weeks.groupby(level=0).sum().to_numpy(np.float64)
    return WeeklyAgreement(
        participants=len(totals),
        person_weeks=len(weeks),
        bias=bias,
        low=bias - reach,
        high=bias + reach,
        sd_between=between,
        sd_within=within,
        ratio_of_totals=_interval(lambda n: n[0] / n[1], totals, _resampled(totals)),
    )


def _components(values: FloatArray, person: npt.NDArray[np.intp]) -> tuple[float, float]:
    """Return standard deviations between and within participants (one-way analysis of variance).

    With unequal numbers of weeks (Bland and Altman 2007, section 3); a negative component between
    them is 0.
    """
    count = np.bincount(person).astype(np.float64)
    mean = np.bincount(person, values) / count
    people, total = len(count), float(count.sum())
    if total == people:
        return float(values.std(ddof=1)), 0.0
    within = float(((values - mean[person]) ** 2).sum()) / (total - people)
    between = float((count * (mean - values.mean()) ** 2).sum()) / (people - 1)
    size = (total - float((count**2).sum()) / total) / (people - 1)
    return math.sqrt(max((between - within) / size, 0.0)), math.sqrt(within)


def _named(nights: pd.DataFrame) -> tuple[NightNamed, ...]:
    rows = nights.sort_values(["participant_id", "night"])
    columns = (rows[name] for name in ("participant_id", "night", "events", "diary_cramps"))
    return tuple(
        NightNamed(str(person), f"{night:%Y-%m-%d}", int(sensor), int(diary))
        for person, night, sensor, diary in zip(*columns, strict=True)
    )
