"""One night of several recordings: parts of a night, and two legs."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nightcramp.errors import InputError
from nightcramp.judged import Cramp
from sensing import Censored, EventKind
from trial import Leg, Stretch, hours_within, overlap, union

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nightcramp.judged import JudgedRecording


@dataclass(frozen=True, slots=True)
class JudgedNight:
    """All recordings of a participant's night, as the study makes one night of them.

    Attributes
    ----------
    recorded, analysable, either : list of Stretch
        In order and without overlap; `either` is the time in which any leg was analysable.
    reason : str or None
    version : str
    cramps : list of Cramp
        By onset.
    """

    recorded: list[Stretch]
    analysable: list[Stretch]
    either: list[Stretch]
    reason: str | None
    version: str
    cramps: list[Cramp]


def make_night(parts: Sequence[JudgedRecording], leg: Leg | None) -> JudgedNight:
    """Make one night of all its recordings.

    Recordings of one leg are added up. Where both legs were recorded the study's plan says what
    counts. One leg: recordings of the other are left aside. Both: a cramp of either leg counts,
    cramps that overlap in time are one, and the exposure is the time in which *both* legs were
    analysable, for only then would every cramp have been seen. A cramp that begins while the other
    leg could not be judged has no exposure: it is kept, marked, and does not count.

    Parameters
    ----------
    parts : sequence of JudgedRecording
        At least one.
    leg : Leg or None
        What the plan says.

    Raises
    ------
    InputError
        If recordings overlap that should not, were analysed by different versions, or do not name
        their leg though the plan chooses among legs.
    """
    if leg is not None:
        _require_legs(parts)
    kept = [part for part in parts if leg in (None, Leg.BOTH, part.leg)]
    _refuse_versions(kept)
    sides = [kept] if leg is not Leg.BOTH else [_of(kept, Leg.LEFT), _of(kept, Leg.RIGHT)]
    for side in sides:
        _refuse_overlap(side)
    seen = [union(stretch for part in side for stretch in part.analysable) for side in sides]
    cramps = [cramp for part in kept for cramp in part.cramps]
    if leg is Leg.BOTH:
        cramps = _joined([*_marked(sides[0], seen[1]), *_marked(sides[1], seen[0])])
    return JudgedNight(
        recorded=union(part.recorded for part in kept),
        analysable=seen[0] if len(seen) == 1 else overlap(*seen),
        either=union(stretch for side in seen for stretch in side),
        reason=_reason(sides),
        version=(kept or parts)[0].version,
        cramps=sorted(cramps, key=lambda cramp: cramp.stretch),
    )


def _of(parts: Sequence[JudgedRecording], leg: Leg) -> list[JudgedRecording]:
    return [part for part in parts if part.leg is leg]


def _reason(sides: Sequence[Sequence[JudgedRecording]]) -> str | None:
    """Return what took most of the time; a leg without any recording takes all of it."""
    if not all(sides):
        return "leg_not_recorded"
    return max((part for side in sides for part in side), key=_lost).reason


def _lost(part: JudgedRecording) -> float:
    return hours_within([part.recorded]) - hours_within(part.analysable)


def _marked(parts: Sequence[JudgedRecording], other: Sequence[Stretch]) -> Iterator[Cramp]:
    """Yield the cramps of a leg with its name, exposed if the other leg was analysable as well."""
    for part in parts:
        for cramp in part.cramps:
            exposed = any(stretch.holds(cramp.stretch.start) for stretch in other)
            channel = f"{part.leg} {cramp.channel or 'EMG'}"
            yield replace(cramp, channel=channel, is_exposed=exposed)


def _joined(cramps: Sequence[Cramp]) -> list[Cramp]:
    """Return cramps of two legs with those that overlap in time made one."""
    found: list[Cramp] = []
    for cramp in sorted(cramps, key=lambda cramp: cramp.stretch):
        if found and cramp.stretch.start < found[-1].stretch.end:
            found[-1] = _one_of(found[-1], cramp)
        else:
            found.append(cramp)
    return found


def _one_of(first: Cramp, second: Cramp) -> Cramp:
    """Return two overlapping cramps as one; both legs saw it, so it is exposed."""
    last = max(first, second, key=lambda cramp: cramp.stretch.end)
    hidden = (
        first.event.censored in (Censored.ONSET, Censored.BOTH),
        last.event.censored in (Censored.OFFSET, Censored.BOTH),
    )
    censored = {
        (False, False): Censored.NONE,
        (True, False): Censored.ONSET,
        (False, True): Censored.OFFSET,
        (True, True): Censored.BOTH,
    }[hidden]
    is_cramp = EventKind.CRAMP in (first.event.kind, second.event.kind)
    event = replace(
        first.event,
        kind=EventKind.CRAMP if is_cramp else EventKind.POSSIBLE_CRAMP,
        confidence=max(first.event.confidence or 0.0, second.event.confidence or 0.0),
        censored=censored,
    )
    stretch = Stretch(first.stretch.start, last.stretch.end)
    return Cramp(stretch, event, f"{first.channel}, {second.channel}")


def _require_legs(parts: Sequence[JudgedRecording]) -> None:
    for part in parts:
        if part.leg is None:
            raise InputError(
                f"{part.name}: the name does not say which leg, but the study's plan sets one",
                advice="Name recordings sub-<participant>_…_recording-left_… or -right",
            )


def _refuse_versions(parts: Sequence[JudgedRecording]) -> None:
    for part in parts[1:]:
        if part.version != parts[0].version:
            raise InputError(
                f"{parts[0].name} and {part.name}: analysed by different versions",
                advice="Analyse all recordings of a night alike",
            )


def _refuse_overlap(parts: Sequence[JudgedRecording]) -> None:
    ordered = sorted(parts, key=lambda part: part.recorded)
    for one, other in itertools.pairwise(ordered):
        if other.recorded.start < one.recorded.end:
            legs = {one.leg, other.leg} == {Leg.LEFT, Leg.RIGHT}
            raise InputError(
                f"{one.name} and {other.name}: both record {one.participant_id} at "
                f"{other.recorded.start:%Y-%m-%dT%H:%M:%SZ}; one time counts once",
                advice='Set leg = "left", "right" or "both" in study.toml'
                if legs
                else "Leave one of them out",
            )
