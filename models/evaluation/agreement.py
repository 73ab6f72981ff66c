"""How well episodes and cramps cover each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.evaluation.matching import match_by_overlap
from models.truth import TruthKind
from sensing import EventKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.evaluation.strata import Scored
    from models.truth import TrueEvent
    from sensing import Event

LEAST_S = 10.0
"""Shorter cramps are no episodes by definition: they neither count nor harm."""

REPORTED = (EventKind.CRAMP, EventKind.POSSIBLE_CRAMP)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Precision, recall and F1 at a least overlap over union, one to one.

    As for sleep spindles and leg movements (Warby et al. 2014, Nat Methods 11:385); possible
    cramps count, as both scorers see them.
    """

    least_overlap: float
    agreed: int
    episodes: int
    cramps: int

    @property
    def precision(self) -> float | None:
        """Share of episodes that are a cramp."""
        return self.agreed / self.episodes if self.episodes else None

    @property
    def recall(self) -> float | None:
        """Share of cramps that are an episode."""
        return self.agreed / self.cramps if self.cramps else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both."""
        both = self.episodes + self.cramps
        return 2 * self.agreed / both if both else None


@dataclass(frozen=True, slots=True)
class TimeInAlarm:
    """How much of the time somebody is said to have a cramp.

    An alarm that never ends would find every cramp; here it would show.

    Attributes
    ----------
    analysable_s : float
    alarm_s : float
        Within episodes reported as ``cramp``.
    right_s : float
        Of these, within a true cramp.
    cramp_s : float
        Within true cramps.
    """

    analysable_s: float
    alarm_s: float
    right_s: float
    cramp_s: float


def agreement(scored: Sequence[Scored], least_overlap: float) -> Agreement:
    """Count the episodes and cramps of at least 10 s that agree."""
    agreed = episodes = cramps = 0
    for one in scored:
        true = [match.truth for match in one.evaluation.matches if match.analysable]
        left_out = [match.found for match in one.evaluation.matches if not match.analysable]
        found = [
            event
            for event in one.judged.detected
            if event.kind in REPORTED and event not in left_out
        ]
        pairs = match_by_overlap(true, found, least_overlap)
        short = sum(true[row].duration_s < LEAST_S for row, _ in pairs)
        agreed += len(pairs) - short
        episodes += len(found) - short
        cramps += sum(event.duration_s >= LEAST_S for event in true)
    return Agreement(least_overlap, agreed, episodes, cramps)


def time_in_alarm(scored: Sequence[Scored]) -> TimeInAlarm:
    """Add up the seconds of episodes, of cramps, and of both at once."""
    analysable = alarm = right = there = 0.0
    for one in scored:
        cramps = [event for event in one.judged.truth if event.kind is TruthKind.CRAMP]
        alarms = [event for event in one.judged.detected if event.kind is EventKind.CRAMP]
        analysable += 3600 * one.judged.analysable_h
        alarm += sum(event.duration_s for event in alarms)
        there += sum(event.duration_s for event in cramps)
        right += sum(_shared_s(true, found) for true in cramps for found in alarms)
    return TimeInAlarm(analysable, alarm, right, there)


def _shared_s(one: TrueEvent, other: Event) -> float:
    return max(0.0, min(one.offset_s, other.offset_s) - max(one.onset_s, other.onset_s))
