"""Everything that is said of a detector, computed once for page, terminal and JSON."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.evaluation import (
    Agreement,
    Evaluation,
    Proportion,
    Rate,
    Reliability,
    Scored,
    Stratum,
    TimeInAlarm,
    WeeklyCount,
    add_reliability,
    agreement,
    by_amplitude,
    by_amplitude_and_duration,
    by_duration,
    by_origin,
    decision_s,
    false_alarms,
    reliability_of_episodes,
    reliability_of_seconds,
    reported,
    sensitivity,
    time_in_alarm,
    weekly_count,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.evaluation import FalseAlarm, Judged
    from nightcramp.evaluation.trace import Trace
    from nightcramp.scoring import Results

LEAST_OVERLAPS = (0.0, 0.2, 0.5)


@dataclass(frozen=True, slots=True)
class Group:
    """The recordings of one suite or source."""

    stratum: Stratum
    recorded_h: float
    second_reports: int
    weekly: WeeklyCount


@dataclass(frozen=True, slots=True)
class Summary:
    """What an evaluation found.

    Attributes
    ----------
    scored : tuple of Scored
        Recordings all figures but `sources` are about: the simulated ones if there are any.
    sources : tuple of Group
        Recorded, not simulated, beside simulated ones: by source.
    whole : Evaluation
        All of `scored` together.
    easy, every : Proportion
        Cramps counted, of the easy ones and of all.
    easy_reported : Proportion
        Easy cramps reported, also as possible ones, which no trial counts.
    alarms : Rate
    amplitudes, durations : lists of Stratum
    grid : list of list of Stratum
        By amplitude (rows) and duration.
    suites : tuple of Group
    sensors, rates : lists of Stratum
    causes : dict
        Rate of false alarms by what was there.
    agreements : tuple of Agreement
        At each of `LEAST_OVERLAPS`.
    in_alarm : TimeInAlarm
    weekly : WeeklyCount
    latency_s : float array
        From true onset to the decision, of each easy cramp found whose night has a trace.
    seconds : Reliability or None
        None without traces.
    episodes : Reliability
    """

    scored: tuple[Scored, ...]
    sources: tuple[Group, ...]
    whole: Evaluation
    easy: Proportion
    every: Proportion
    easy_reported: Proportion
    alarms: Rate
    amplitudes: list[Stratum]
    durations: list[Stratum]
    grid: list[list[Stratum]]
    suites: tuple[Group, ...]
    sensors: list[Stratum]
    rates: list[Stratum]
    causes: dict[str, Rate]
    agreements: tuple[Agreement, ...]
    in_alarm: TimeInAlarm
    weekly: WeeklyCount
    latency_s: npt.NDArray[np.float64]
    seconds: Reliability | None
    episodes: Reliability

    @property
    def participants(self) -> int:
        """Number of people."""
        return len({one.judged.participant for one in self.scored})

    @property
    def simulated(self) -> bool | None:
        """Whether all cramps are simulated, or all recorded; None if unknown or mixed."""
        kinds = {one.judged.origin.simulated for one in self.scored}
        return kinds.pop() if len(kinds) == 1 else None


def summarise(results: Results) -> Summary:
    """Compute what page, terminal and JSON show.

    Raises
    ------
    InputError
        If a trace cannot be read.
    """
    recorded = [one for one in results.scored if one.judged.origin.simulated is False]
    scored = [one for one in results.scored if one.judged.origin.simulated is not False]
    if not scored:
        scored, recorded = recorded, []
    latency_s, seconds = _from_traces(scored, results.trace)
    return Summary(
        scored=tuple(scored),
        sources=_groups(recorded),
        whole=_join(scored),
        easy=sensitivity(scored, lambda match: match.easy),
        every=sensitivity(scored, lambda _: True),
        easy_reported=reported(scored, lambda match: match.easy),
        alarms=false_alarms(scored),
        amplitudes=by_amplitude(scored),
        durations=by_duration(scored),
        grid=by_amplitude_and_duration(scored),
        suites=_groups(scored),
        sensors=by_origin(scored, lambda judged: judged.origin.sensor),
        rates=_by_rate(scored),
        causes=_by_cause(scored),
        agreements=tuple(agreement(scored, least) for least in LEAST_OVERLAPS),
        in_alarm=time_in_alarm(scored),
        weekly=weekly_count(scored),
        latency_s=latency_s,
        seconds=seconds,
        episodes=reliability_of_episodes(scored),
    )


def _join(scored: Sequence[Scored]) -> Evaluation:
    parts = [one.evaluation for one in scored]
    return Evaluation(
        recordings=len(parts),
        analysable_h=sum(part.analysable_h for part in parts),
        matches=tuple(match for part in parts for match in part.matches),
        false_alarms=tuple(alarm for part in parts for alarm in part.false_alarms),
    )


def _groups(scored: Sequence[Scored]) -> tuple[Group, ...]:
    """Return the recordings by suite or source."""
    groups = []
    for stratum in by_origin(scored, _suite):
        members = [one for one in scored if _suite(one.judged) == stratum.name]
        groups.append(
            Group(
                stratum=stratum,
                recorded_h=sum(one.judged.recorded_h or 0.0 for one in members),
                second_reports=sum(
                    alarm.split for one in members for alarm in one.evaluation.false_alarms
                ),
                weekly=weekly_count(members),
            )
        )
    return tuple(groups)


def _suite(judged: Judged) -> str:
    return judged.origin.suite or "not stated"


def _by_rate(scored: Sequence[Scored]) -> list[Stratum]:
    strata = by_origin(scored, lambda judged: f"{judged.origin.rate_hz or 0:g} Hz")
    return sorted(strata, key=lambda stratum: float(stratum.name.split()[0]))


def _by_cause(scored: Sequence[Scored]) -> dict[str, Rate]:
    """Return the false alarms by what was there, the most frequent first."""
    causes = {cause_of(alarm) for one in scored for alarm in one.evaluation.false_alarms}
    rates = {cause: false_alarms(scored, partial(_is_of, cause)) for cause in causes}
    return dict(sorted(rates.items(), key=lambda item: (-item[1].count, item[0])))


def _is_of(cause: str, alarm: FalseAlarm) -> bool:
    return cause_of(alarm) == cause


def cause_of(alarm: FalseAlarm) -> str:
    """Return what was there when a false alarm was given."""
    return "second report of a cramp" if alarm.split else alarm.during.replace("_", " ")


def _from_traces(
    scored: Sequence[Scored], trace_of: Callable[[str], Trace | None]
) -> tuple[npt.NDArray[np.float64], Reliability | None]:
    """Return latencies and calibration of the nights of which a trace was kept."""
    latencies: list[float] = []
    parts = []
    for one in scored:
        trace = trace_of(one.judged.name)
        if trace is not None:
            parts.append(reliability_of_seconds(trace.score, one.judged.truth))
            latencies += _latencies_s(one, trace)
    return np.array(latencies), add_reliability(parts) if parts else None


def _latencies_s(one: Scored, trace: Trace) -> list[float]:
    latencies = []
    for match in one.evaluation.matches:
        if match.found is not None and match.counted and match.clear and match.analysable:
            decided = decision_s(match.found, trace.score, on=trace.on, shortest_s=trace.shortest_s)
            if decided is not None:
                latencies.append(decided - match.truth.onset_s)
    return latencies
