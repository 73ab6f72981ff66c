"""Sensitivity and false alarms of parts of the recordings: by cramp, by recording, by cause."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from models.evaluation.intervals import Proportion, Rate
from models.evaluation.matching import Evaluation, Judged, evaluate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from models.evaluation.matching import FalseAlarm, Match

AMPLITUDES = (0.0, 2.0, 3.0, 6.0, 12.0, math.inf)
"""Edges of the groups of cramps by median amplitude, in multiples of the noise floor."""

DURATIONS = (0.0, 10.0, 15.0, 30.0, 60.0, 120.0, math.inf)
"""Edges of the groups of cramps by length, in seconds."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One recording and what comparing it with the truth gave."""

    judged: Judged
    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class Stratum:
    """A part of the recordings or of their cramps.

    Attributes
    ----------
    name : str
    recordings : int
    cramps : Proportion
        Cramps counted, of those that could have been seen.
    alarms : Rate or None
        False alarms; None where the part is one of cramps, not of recordings.
    """

    name: str
    recordings: int
    cramps: Proportion
    alarms: Rate | None


def score_each(recordings: Iterable[Judged]) -> list[Scored]:
    """Compare every recording with its truth."""
    return [Scored(judged, evaluate([judged])) for judged in recordings]


def sensitivity(scored: Sequence[Scored], wanted: Callable[[Match], bool]) -> Proportion:
    """Return how many of the wanted cramps that could be seen were counted."""
    return _share(scored, wanted, lambda match: match.counted)


def reported(scored: Sequence[Scored], wanted: Callable[[Match], bool]) -> Proportion:
    """Return how many of them were reported, as cramps or as possible ones."""
    return _share(scored, wanted, lambda match: match.found is not None)


def _share(
    scored: Sequence[Scored], wanted: Callable[[Match], bool], right: Callable[[Match], bool]
) -> Proportion:
    found: defaultdict[str, int] = defaultdict(int)
    there: defaultdict[str, int] = defaultdict(int)
    for one in scored:
        for match in one.evaluation.matches:
            if match.analysable and wanted(match):
                there[one.judged.participant] += 1
                found[one.judged.participant] += right(match)
    return Proportion.sum_up([(found[who], there[who]) for who in there])


def false_alarms(
    scored: Sequence[Scored], wanted: Callable[[FalseAlarm], bool] = lambda _: True
) -> Rate:
    """Return the rate of the wanted false alarms."""
    count: defaultdict[str, int] = defaultdict(int)
    hours: defaultdict[str, float] = defaultdict(float)
    for one in scored:
        hours[one.judged.participant] += one.judged.analysable_h
        count[one.judged.participant] += sum(map(wanted, one.evaluation.false_alarms))
    return Rate.sum_up([(count[who], hours[who]) for who in hours])


def by_amplitude(scored: Sequence[Scored]) -> list[Stratum]:
    """Return the sensitivity for cramps of each amplitude, whatever their length."""
    return _in_groups(scored, AMPLITUDES, "×", _amplitude)


def by_duration(scored: Sequence[Scored]) -> list[Stratum]:
    """Return the sensitivity for cramps of each length, whatever their amplitude."""
    return _in_groups(scored, DURATIONS, "s", _duration_s)


def by_amplitude_and_duration(scored: Sequence[Scored]) -> list[list[Stratum]]:
    """Return the sensitivity for each amplitude (rows) and length (columns)."""
    rows = []
    for low, high in itertools.pairwise(AMPLITUDES):
        within = [_only(one, low, high) for one in scored]
        rows.append(_in_groups(within, DURATIONS, "s", _duration_s))
    return rows


def by_origin(scored: Sequence[Scored], key: Callable[[Judged], str]) -> list[Stratum]:
    """Return easy cramps counted and false alarms of the recordings of each kind, as they come.

    Recordings of which `key` says nothing are left out.
    """
    groups: defaultdict[str, list[Scored]] = defaultdict(list)
    for one in scored:
        groups[key(one.judged)].append(one)
    return [
        Stratum(name, len(group), sensitivity(group, lambda m: m.easy), false_alarms(group))
        for name, group in groups.items()
        if name
    ]


def _in_groups(
    scored: Sequence[Scored], edges: Sequence[float], unit: str, value: Callable[[Match], float]
) -> list[Stratum]:
    """Return the sensitivity for cramps whose value lies between each two edges."""
    groups = []
    for low, high in itertools.pairwise(edges):
        cramps = sensitivity(scored, partial(_between, value, low, high))
        groups.append(Stratum(_span(low, high, unit), len(scored), cramps, None))
    return groups


def _between(value: Callable[[Match], float], low: float, high: float, match: Match) -> bool:
    return low <= value(match) < high


def _amplitude(match: Match) -> float:
    """Return the amplitude of a cramp; NaN, which is in no group, where the label tells none."""
    return math.nan if match.truth.intensity is None else match.truth.intensity


def _duration_s(match: Match) -> float:
    return match.truth.duration_s


def _only(one: Scored, low: float, high: float) -> Scored:
    """Return the recording with cramps of these amplitudes alone."""
    matches = tuple(
        match for match in one.evaluation.matches if _between(_amplitude, low, high, match)
    )
    return replace(one, evaluation=replace(one.evaluation, matches=matches))


def _span(low: float, high: float, unit: str) -> str:
    if math.isinf(high):
        return f"{low:g} {unit} and more"
    return f"below {high:g} {unit}" if low == 0 else f"{low:g} to {high:g} {unit}"
