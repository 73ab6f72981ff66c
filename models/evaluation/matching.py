"""Detected episodes against the truth: one-to-one, so that no long alarm can hit everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.evaluation.intervals import poisson_interval
from models.truth import TrueEvent, TruthKind
from sensing import Censored, Event, EventKind, Quality

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NIGHT_H = 8.0
"""Length of a night that rates are given for."""

HOURS_LONG = "sweat"
"""Detail of a state of the skin that lasts for hours: never what an alarm is blamed on."""

EASY_S, EASY_INTENSITY = 15.0, 3.0
"""Cramps of at least this length and this multiple of the floor must be found."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a recording is from; empty where nothing is known.

    Attributes
    ----------
    participant : str
        Whose it is; recordings without one count as different people's.
    suite : str
        What the night was full of, or the source of a real recording.
    sensor : str
    rate_hz : float or None
        Samples of EMG a second.
    simulated : bool or None
        None if nobody said.
    """

    participant: str = ""
    suite: str = ""
    sensor: str = ""
    rate_hz: float | None = None
    simulated: bool | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """One recording, as judged and as it was.

    Attributes
    ----------
    name : str
    analysable_h : float
    truth : tuple of TrueEvent
        Of all kinds.
    detected : tuple of Event
        Of all kinds.
    origin : Origin
    recorded_h : float or None
    """

    name: str
    analysable_h: float
    truth: tuple[TrueEvent, ...]
    detected: tuple[Event, ...]
    origin: Origin = Origin()
    recorded_h: float | None = None

    @property
    def participant(self) -> str:
        """Whose recording it is; its own name if nobody said."""
        return self.origin.participant or self.name


@dataclass(frozen=True, slots=True)
class Match:
    """A true cramp and the episode that was found for it, if any.

    Attributes
    ----------
    recording : str
    truth : TrueEvent
    found : Event or None
    analysable : bool
        False if more than half of the cramp lies in time that could not be judged, or if it began
        in time that was unsettled: what follows once it has begun is no excuse for missing it.
    """

    recording: str
    truth: TrueEvent
    found: Event | None
    analysable: bool

    @property
    def easy(self) -> bool:
        """Whether it is long and strong enough that it must be found."""
        strong = (self.truth.intensity or 0.0) >= EASY_INTENSITY
        return strong and self.truth.duration_s >= EASY_S

    @property
    def clear(self) -> bool:
        """Whether it is long, and not known to be weak: labels need not tell the amplitude."""
        return self.easy or (self.truth.intensity is None and self.truth.duration_s >= EASY_S)

    @property
    def counted(self) -> bool:
        """Whether it was reported as a cramp; a trial does not count possible ones."""
        return self.found is not None and self.found.kind is EventKind.CRAMP

    @property
    def seen_whole(self) -> Event | None:
        """The episode found for a clear cramp, if no gap or edge hid one of its ends.

        The length of others is known to be at least what was seen, and is reported as censored.
        """
        if self.found is None or self.found.censored is not Censored.NONE:
            return None
        return self.found if self.counted and self.clear and self.analysable else None


@dataclass(frozen=True, slots=True)
class FalseAlarm:
    """A reported cramp where none was, or a second report of one that was."""

    recording: str
    event: Event
    split: bool
    during: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How well episodes agree with the truth.

    Attributes
    ----------
    recordings : int
    analysable_h : float
    matches : tuple of Match
        One for each true cramp.
    false_alarms : tuple of FalseAlarm
        Episodes reported as ``cramp``; possible cramps are not counted by trials.
    """

    recordings: int
    analysable_h: float
    matches: tuple[Match, ...]
    false_alarms: tuple[FalseAlarm, ...]

    def sensitivity(self, *, easy_only: bool = True) -> tuple[int, int]:
        """Return how many analysable cramps were counted, and how many there were."""
        cramps = [
            match for match in self.matches if match.analysable and (match.easy or not easy_only)
        ]
        return sum(match.counted for match in cramps), len(cramps)

    def false_alarm_rate(self) -> tuple[float, float, float]:
        """Return false alarms per 8 analysable hours with exact 95 % Poisson limits."""
        nights = self.analysable_h / NIGHT_H
        if nights <= 0:
            return float("nan"), float("nan"), float("nan")
        lower, upper = poisson_interval(len(self.false_alarms))
        return len(self.false_alarms) / nights, lower / nights, upper / nights

    def errors_s(self) -> dict[str, npt.NDArray[np.float64]]:
        """Return signed errors of onset, offset, duration of the cramps that were seen whole."""
        pairs = [(match.truth, found) for match in self.matches if (found := match.seen_whole)]
        onset = np.array([found.onset_s - truth.onset_s for truth, found in pairs])
        offset = np.array([found.offset_s - truth.offset_s for truth, found in pairs])
        return {"onset": onset, "offset": offset, "duration": offset - onset}

    def duration_within(self, least_s: float = 5.0, share: float = 0.1) -> float | None:
        """Return the share of durations of cramps seen whole that are right to max(5 s, 10 %).

        None if there is no such cramp.
        """
        true_s = np.array(
            [match.truth.duration_s for match in self.matches if match.seen_whole is not None]
        )
        error = np.abs(self.errors_s()["duration"])
        return float((error <= np.maximum(least_s, share * true_s)).mean()) if len(error) else None


def evaluate(recordings: Iterable[Judged]) -> Evaluation:
    """Match every recording's episodes with its truth and add up."""
    matches: list[Match] = []
    alarms: list[FalseAlarm] = []
    hours = 0.0
    count = 0
    for judged in recordings:
        count += 1
        hours += judged.analysable_h
        new_matches, new_alarms = _compare(judged)
        matches += new_matches
        alarms += new_alarms
    return Evaluation(count, hours, tuple(matches), tuple(alarms))


def match_by_overlap(
    truth: Sequence[TrueEvent], detected: Sequence[Event], least: float = 0.0
) -> list[tuple[int, int]]:
    """Pair events one to one, the pair with the largest overlap over union first.

    Parameters
    ----------
    truth, detected : sequences of events
    least : float
        Overlap over union that a pair must reach; more than nothing in any case.

    Returns
    -------
    list of (int, int)
        Places in `truth` and in `detected`.
    """
    overlaps = [
        (_overlap_over_union(true, found), row, column)
        for row, true in enumerate(truth)
        for column, found in enumerate(detected)
    ]
    pairs: list[tuple[int, int]] = []
    for overlap, row, column in sorted(overlaps, reverse=True):
        taken = any(row == other or column == taker for other, taker in pairs)
        if overlap > 0 and overlap >= least and not taken:
            pairs.append((row, column))
    return pairs


def _compare(judged: Judged) -> tuple[list[Match], list[FalseAlarm]]:
    cramps = [event for event in judged.truth if event.kind is TruthKind.CRAMP]
    found = [
        event
        for event in judged.detected
        if event.kind in (EventKind.CRAMP, EventKind.POSSIBLE_CRAMP)
    ]
    blind = [event for event in judged.detected if event.kind is EventKind.NOT_ANALYSABLE]
    partner = _partners(cramps, found)
    matches = [
        Match(
            recording=judged.name,
            truth=cramp,
            found=found[partner[row]] if row in partner else None,
            analysable=_is_analysable(cramp, blind),
        )
        for row, cramp in enumerate(cramps)
    ]
    alarms = [
        FalseAlarm(
            recording=judged.name,
            event=event,
            split=any(_overlap_s(cramp, event) > 0 for cramp in cramps),
            during=_what_was_there(judged.truth, event),
        )
        for column, event in enumerate(found)
        if event.kind is EventKind.CRAMP and column not in partner.values()
    ]
    return matches, alarms


def _partners(cramps: Sequence[TrueEvent], found: Sequence[Event]) -> dict[int, int]:
    """Return which episode stands for each true cramp; what a trial counts goes first."""
    partner: dict[int, int] = {}
    for kind in (EventKind.CRAMP, EventKind.POSSIBLE_CRAMP):
        rows = [row for row in range(len(cramps)) if row not in partner]
        columns = [column for column, event in enumerate(found) if event.kind is kind]
        pairs = match_by_overlap(
            [cramps[row] for row in rows], [found[column] for column in columns]
        )
        partner |= {rows[row]: columns[column] for row, column in pairs}
    return partner


def _what_was_there(truth: Sequence[TrueEvent], event: Event) -> str:
    """Return the kind of true event that fills most of an episode."""
    overlaps = [
        (_overlap_s(true, event), true.kind.value) for true in truth if true.detail != HOURS_LONG
    ]
    best = max(overlaps, default=(0.0, "rest"))
    return best[1] if best[0] > 0 else "rest"


def _is_analysable(cramp: TrueEvent, blind: Sequence[Event]) -> bool:
    hidden_s = 0.0
    for event in blind:
        if event.detail != Quality.UNSETTLED.reason:
            hidden_s += _overlap_s(cramp, event)
        elif event.onset_s <= cramp.onset_s < event.offset_s:
            return False
    return hidden_s <= cramp.duration_s / 2


def _overlap_s(one: TrueEvent | Event, other: TrueEvent | Event) -> float:
    return max(0.0, min(one.offset_s, other.offset_s) - max(one.onset_s, other.onset_s))


def _overlap_over_union(one: TrueEvent | Event, other: TrueEvent | Event) -> float:
    overlap = _overlap_s(one, other)
    union = one.duration_s + other.duration_s - overlap
    return overlap / union if union > 0 else 0.0
