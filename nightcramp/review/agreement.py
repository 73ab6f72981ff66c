"""How well two scorers of one night agree: events, epochs, and what they disagree about."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models import TrueEvent, TruthKind
from models.evaluation import Agreement, match_by_overlap
from nightcramp.review.corrections import Episode, Status
from sensing import Event, EventKind

if TYPE_CHECKING:
    from collections.abc import Sequence

BoolArray = npt.NDArray[np.bool_]

EPOCH_S = 30.0
"""Epoch of sleep scoring (AASM manual)."""

LEAST_OVERLAPS = (0.2, 0.5)
"""Overlap over union from which two events are the same (Warby et al. 2014, Nat Methods 11:385)."""

SAME = 0.5
"""Events that overlap less are put before the adjudicator."""


@dataclass(frozen=True, slots=True)
class EpochAgreement:
    """Epochs by what the first and the second scorer say of them.

    Attributes
    ----------
    both, first_only, second_only, neither : int
        Analysable epochs with a cramp in the eyes of both, of one, of none.
    """

    both: int
    first_only: int
    second_only: int
    neither: int

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa (1960); None where chance alone would make them agree on everything."""
        total = self.both + self.first_only + self.second_only + self.neither
        if not total:
            return None
        first, second = self.both + self.first_only, self.both + self.second_only
        by_chance = (first * second + (total - first) * (total - second)) / total**2
        if by_chance == 1:
            return None
        return ((self.both + self.neither) / total - by_chance) / (1 - by_chance)


@dataclass(frozen=True, slots=True)
class ScorerAgreement:
    """Agreement of two scorers of a night.

    Attributes
    ----------
    events : tuple of Agreement
        One for each of `LEAST_OVERLAPS`; the first scorer stands for the truth, which F1 does not
        depend on.
    epochs : EpochAgreement
    """

    events: tuple[Agreement, ...]
    epochs: EpochAgreement


def scorer_agreement(
    first: Sequence[Event], second: Sequence[Event], analysable: BoolArray
) -> ScorerAgreement:
    """Compare what two scorers marked.

    Parameters
    ----------
    first, second : sequences of Event
    analysable : bool array, shape (seconds,)
        Epochs of which less than half was analysable say nothing of the scorers and are left out.
    """
    events = tuple(
        Agreement(least, len(_pairs(first, second, least)), len(second), len(first))
        for least in LEAST_OVERLAPS
    )
    return ScorerAgreement(events, _epochs(first, second, analysable))


def pooled(nights: Sequence[ScorerAgreement]) -> ScorerAgreement:
    """Return the agreement over several nights, as if they were one."""
    events = tuple(
        Agreement(
            least,
            *(
                sum(getattr(night.events[place], name) for night in nights)
                for name in ("agreed", "episodes", "cramps")
            ),
        )
        for place, least in enumerate(LEAST_OVERLAPS)
    )
    counts = {
        field.name: sum(getattr(night.epochs, field.name) for night in nights)
        for field in fields(EpochAgreement)
    }
    return ScorerAgreement(events, EpochAgreement(**counts))


def merged(first: Sequence[Event], second: Sequence[Event]) -> tuple[Episode, ...]:
    """Return what an adjudicator starts from.

    Events that both marked with an overlap over union of at least 0.5 are confirmed, with the mean
    of both onsets and of both offsets. All others are undecided: each is shown as it was marked.
    """
    pairs = _pairs(first, second, SAME)
    agreed = [_mean(first[row], second[column]) for row, column in pairs]
    alone = [
        *((event, "scorer 1") for row, event in enumerate(first) if row not in dict(pairs)),
        *(
            (event, "scorer 2")
            for column, event in enumerate(second)
            if column not in dict(pairs).values()
        ),
    ]
    alone.sort(key=lambda one: (one[0].onset_s, one[1]))
    return (
        *(
            Episode(f"b{number}", event, Status.CONFIRMED, "both scorers")
            for number, event in enumerate(sorted(agreed, key=lambda e: e.onset_s), start=1)
        ),
        *(
            Episode(f"s{number}", event, Status.AUTO, source)
            for number, (event, source) in enumerate(alone, start=1)
        ),
    )


def _pairs(first: Sequence[Event], second: Sequence[Event], least: float) -> list[tuple[int, int]]:
    truth = [TrueEvent(event.onset_s, event.duration_s, TruthKind.CRAMP) for event in first]
    return match_by_overlap(truth, second, least)


def _mean(one: Event, other: Event) -> Event:
    onset_s = (one.onset_s + other.onset_s) / 2
    return Event(onset_s, (one.offset_s + other.offset_s) / 2 - onset_s, EventKind.CRAMP)


def _epochs(
    first: Sequence[Event], second: Sequence[Event], analysable: BoolArray
) -> EpochAgreement:
    count = int(len(analysable) // EPOCH_S)
    whole = analysable[: int(count * EPOCH_S)].reshape(count, int(EPOCH_S))
    usable = whole.mean(axis=1) >= 0.5 if count else np.zeros(0, dtype=np.bool_)
    one, other = (_with_cramp(events, count)[usable] for events in (first, second))
    return EpochAgreement(
        both=int((one & other).sum()),
        first_only=int((one & ~other).sum()),
        second_only=int((~one & other).sum()),
        neither=int((~one & ~other).sum()),
    )


def _with_cramp(events: Sequence[Event], count: int) -> BoolArray:
    """Return which epochs any part of an event lies in."""
    marked = np.zeros(count, dtype=np.bool_)
    for event in events:
        last = int(np.ceil(event.offset_s / EPOCH_S))
        marked[int(event.onset_s // EPOCH_S) : last] = True
    return marked
