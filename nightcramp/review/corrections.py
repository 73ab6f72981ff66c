"""What people say of a night's episodes: appended records, and the state they lead to.

Nothing is overwritten. The machine's episodes stay as they are; what stands is computed from them
and from every correction that was not undone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from nightcramp.errors import UsageError
from sensing import Event, EventKind
from trial.audit import AuditAction

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

SHORTEST_S = 1.0
"""A shorter mark is a slip of the hand."""

DONE = frozenset({AuditAction.SCORED, AuditAction.ADJUDICATED})
"""Actions that end the work on a night."""

_OF_AN_EPISODE = frozenset({AuditAction.CONFIRMED, AuditAction.REJECTED, AuditAction.MOVED})
_WITH_SPAN = frozenset({AuditAction.MOVED, AuditAction.ADDED})


class Status(StrEnum):
    """What people think of an episode, as in the ``status`` column of a study."""

    AUTO = "auto"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Episode:
    """An episode as it stands.

    Attributes
    ----------
    id : str
        Stays the same whatever becomes of it.
    event : Event
        Where it lies, and what the machine measured of it.
    status : Status
    source : str
        Who found it.
    comments : tuple of str
    """

    id: str
    event: Event
    status: Status
    source: str
    comments: tuple[str, ...] = ()

    def overlaps(self, onset_s: float, offset_s: float) -> bool:
        """Whether it shares time with a span."""
        return self.event.onset_s < offset_s and onset_s < self.event.offset_s


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody wants to do.

    Attributes
    ----------
    action : AuditAction
        Confirmed, rejected, moved, added, commented, or one of `DONE`.
    episode : str or None
        Its id; None for a comment on the night, for what is added and for what ends the work.
    onset_s, duration_s : float or None
        The span of what is moved or added.
    reason : str
        Why; of a comment its text.
    """

    action: AuditAction
    episode: str | None = None
    onset_s: float | None = None
    duration_s: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Correction:
    """A change that was made.

    Attributes
    ----------
    sequence : int
        1 for the first of a log.
    at_utc : datetime
    who : str
    change : Change
        With the id of what was added.
    undoes : int or None
        Sequence of the correction that this one takes back.
    audit : str
        Hash of its entry in the audit log.
    """

    sequence: int
    at_utc: datetime
    who: str
    change: Change
    undoes: int | None
    audit: str


def in_effect(corrections: Iterable[Correction]) -> list[Correction]:
    """Return the corrections that were not undone, in order."""
    standing: list[Correction] = []
    for correction in corrections:
        if correction.undoes is None:
            standing.append(correction)
        else:
            standing = [other for other in standing if other.sequence != correction.undoes]
    return standing


def is_done(corrections: Iterable[Correction]) -> bool:
    """Whether somebody said that the work on the night is finished."""
    return any(one.change.action in DONE for one in in_effect(corrections))


def episodes_now(base: Iterable[Episode], corrections: Iterable[Correction]) -> tuple[Episode, ...]:
    """Return the episodes as the corrections leave them, by onset."""
    episodes = {episode.id: episode for episode in base}
    for correction in in_effect(corrections):
        change = correction.change
        if change.episode is not None:
            episodes[change.episode] = _changed(episodes.get(change.episode), correction)
    return tuple(sorted(episodes.values(), key=lambda one: (one.event.onset_s, one.id)))


def night_comments(corrections: Iterable[Correction]) -> tuple[str, ...]:
    """Return the comments on the night as a whole."""
    return tuple(
        f"{one.change.reason} ({one.who})"
        for one in in_effect(corrections)
        if one.change.action is AuditAction.COMMENTED and one.change.episode is None
    )


def check_change(change: Change, episodes: Sequence[Episode], duration_s: float) -> None:
    """Refuse what would leave a night that cannot be counted.

    Parameters
    ----------
    change : Change
    episodes : sequence of Episode
        As they stand.
    duration_s : float
        Length of the night.

    Raises
    ------
    UsageError
        If the episode is not known, a span is too short or outside the night, two episodes that
        count would overlap, a comment is empty, or the work is ended with episodes undecided.
    """
    known = {episode.id: episode for episode in episodes}
    if change.action in _OF_AN_EPISODE and change.episode not in known:
        raise UsageError(f"no episode {change.episode!r} in this night: load the page again")
    if change.action is AuditAction.COMMENTED:
        _check_comment(change, known)
    if change.action in _WITH_SPAN:
        _check_span(change, duration_s)
    if change.action in _WITH_SPAN or change.action is AuditAction.CONFIRMED:
        _refuse_overlap(change, episodes)
    undecided = sum(episode.status is Status.AUTO for episode in episodes)
    if change.action in DONE and undecided:
        raise UsageError(
            f"{undecided} episodes are undecided: confirm or reject each of them first"
        )


def _check_comment(change: Change, known: dict[str, Episode]) -> None:
    if not change.reason.strip():
        raise UsageError("the comment is empty")
    if change.episode is not None and change.episode not in known:
        raise UsageError(f"no episode {change.episode!r} in this night: load the page again")


def _check_span(change: Change, duration_s: float) -> None:
    if change.onset_s is None or change.duration_s is None:
        raise UsageError(f"what is {change.action} needs an onset and a duration")
    inside = change.onset_s >= 0 and change.onset_s + change.duration_s <= duration_s + 1e-6
    if not (inside and change.duration_s >= SHORTEST_S):
        raise UsageError(
            f"an episode of {change.duration_s:g} s at {change.onset_s:g} s: expected "
            f"{SHORTEST_S:g} s or more, within the night's {duration_s:g} s"
        )


def _refuse_overlap(change: Change, episodes: Sequence[Episode]) -> None:
    """Refuse a second counted episode at the same time: it would count a cramp twice."""
    onset_s, duration_s = change.onset_s, change.duration_s
    if onset_s is None or duration_s is None:
        event = next(one.event for one in episodes if one.id == change.episode)
        onset_s, duration_s = event.onset_s, event.duration_s
    for other in episodes:
        counts = other.status is Status.CONFIRMED and other.id != change.episode
        if counts and other.overlaps(onset_s, onset_s + duration_s):
            raise UsageError(
                f"it would overlap with episode {other.id}, which is confirmed: reject or move "
                "that one first"
            )


def _changed(episode: Episode | None, correction: Correction) -> Episode:
    change = correction.change
    if episode is None:
        return _added(correction)
    if change.action is AuditAction.COMMENTED:
        return replace(episode, comments=(*episode.comments, f"{change.reason} ({correction.who})"))
    if change.action is AuditAction.REJECTED:
        return replace(episode, status=Status.REJECTED)
    event = replace(episode.event, kind=EventKind.CRAMP)
    if change.onset_s is not None and change.duration_s is not None:
        # What was measured belongs to the span it was measured over.
        event = replace(
            event,
            onset_s=change.onset_s,
            duration_s=change.duration_s,
            intensity=None,
            rms_uv=None,
        )
    return replace(episode, event=event, status=Status.CONFIRMED)


def _added(correction: Correction) -> Episode:
    change = correction.change
    if change.episode is None or change.onset_s is None or change.duration_s is None:
        raise UsageError(f"correction {correction.sequence} adds an episode without a span")
    event = Event(change.onset_s, change.duration_s, EventKind.CRAMP)
    return Episode(change.episode, event, Status.CONFIRMED, correction.who)
