"""A night in plain sentences, from its results."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nightcramp.app.texts import catalogue, text
from nightcramp.event_tables import read_events
from nightcramp.outputs import read_night
from sensing import EventKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from nightcramp.app.diary import NightKey
    from sensing import Event

_SUMMARY = "_night.json"
_LEG = re.compile(r"_acq-(left|right)_")

LEAST_TOLD_S = 60.0
"""Shorter losses are nothing a participant could have noticed."""

JOINED_S = 60.0
"""Losses of one reason this close together are told as one."""

MOST_TOLD = 5

SETTLING = ("warm_up", "isolated", "unsettled")
"""The detector's own waiting, after a start or another loss: nothing happened to the sensor."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Time in which a cramp could not have been seen.

    Attributes
    ----------
    reason : str
    begin : datetime
        Local time.
    seconds : float
    """

    reason: str
    begin: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class Night:
    """What is known of the night of a leg from its results.

    Attributes
    ----------
    recorded_s, analysable_s : float
    cramps : int
    cramp_minutes : float
    losses : tuple of Loss
        In order of time.
    """

    recorded_s: float
    analysable_s: float
    cramps: int
    cramp_minutes: float
    losses: tuple[Loss, ...]


def read_results(results: Path, key: NightKey) -> dict[str, Night]:
    """Return what the results say of a night, by leg; empty where a recording does not tell it.

    Raises
    ------
    InputError
        If a summary or its events cannot be read.
    """
    session = f"sub-{key.participant}_ses-{key.night:%Y%m%d}_*{_SUMMARY}"
    by_leg: dict[str, dict[Path, dict[str, object]]] = {}
    for path in sorted(results.glob(session)):
        leg = _LEG.search(path.name)
        by_leg.setdefault(leg[1] if leg else "", {})[path] = read_night(path)
    return {leg: _night(summaries) for leg, summaries in by_leg.items()}


def _night(summaries: Mapping[Path, dict[str, object]]) -> Night:
    """Put the recordings of a leg together: those before and after a break."""
    losses = [loss for path, summary in summaries.items() for loss in _losses(path, summary)]
    return Night(
        recorded_s=3600 * _sum(summaries.values(), "recorded_hours"),
        analysable_s=3600 * _sum(summaries.values(), "analysable_hours"),
        cramps=round(_sum(summaries.values(), "cramps")),
        cramp_minutes=_sum(summaries.values(), "cramp_minutes"),
        losses=tuple(losses),
    )


def tell(night: Night, *, closed: bool) -> list[str]:
    """Say how the night was.

    Parameters
    ----------
    night : Night
    closed : bool
        Whether what was counted stays closed: in a blinded study.
    """
    told = sorted(night.losses, key=lambda loss: -loss.seconds)[:MOST_TOLD]
    told = [loss for loss in told if loss.seconds >= LEAST_TOLD_S]
    return [
        text("story.recorded", length=as_length(night.recorded_s)),
        *(_told(loss) for loss in sorted(told, key=lambda loss: loss.begin)),
        *_judged(night, closed=closed),
    ]


def as_length(seconds: float) -> str:
    """Return a length of time in words."""
    if round(seconds) < 60:
        return text("length.seconds", count=round(seconds))
    minutes = round(seconds / 60)
    if minutes < 60:
        return text("length.minutes", count=minutes)
    return text("length.hours", hours=minutes // 60, minutes=f"{minutes % 60:02}")


def _judged(night: Night, *, closed: bool) -> list[str]:
    """Say how much could be judged and what was found in it; no data is never no cramp."""
    if not night.analysable_s:
        return [text("story.blind")]
    analysable = text("story.analysable", length=as_length(night.analysable_s))
    return [analysable, _counted(night, closed=closed)]


def _told(loss: Loss) -> str:
    key = f"story.loss.{loss.reason}"
    known = key if key in catalogue() else "story.loss.unknown"
    at = f"{loss.begin.hour}:{loss.begin.minute:02}"
    return text(known, at=at, length=as_length(loss.seconds))


def _counted(night: Night, *, closed: bool) -> str:
    if closed:
        return text("story.closed")
    if not night.cramps:
        return text("story.no_cramp")
    return text("story.cramps", count=night.cramps, length=as_length(60 * night.cramp_minutes))


def _losses(path: Path, summary: dict[str, object]) -> list[Loss]:
    start = summary.get("start")
    if not isinstance(start, str):
        return []
    events = read_events(path.with_name(path.name.removesuffix(_SUMMARY) + "_events.tsv"))
    begin = datetime.fromisoformat(start)
    return [
        Loss(reason, begin + timedelta(seconds=onset_s), offset_s - onset_s)
        for reason, onset_s, offset_s in _joined(events)
    ]


def _joined(events: Iterable[Event]) -> list[tuple[str, float, float]]:
    """Return reason, onset and offset of losses, those close together as one."""
    joined: list[tuple[str, float, float]] = []
    lost = [event for event in events if event.kind is EventKind.NOT_ANALYSABLE]
    told = (event for event in lost if event.detail not in SETTLING)
    for event in sorted(told, key=lambda event: event.onset_s):
        reason, offset_s = event.detail or "unknown", event.onset_s + event.duration_s
        if joined and joined[-1][0] == reason and event.onset_s - joined[-1][2] <= JOINED_S:
            joined[-1] = reason, joined[-1][1], offset_s
        else:
            joined.append((reason, event.onset_s, offset_s))
    return joined


def _sum(summaries: Iterable[dict[str, object]], key: str) -> float:
    return sum(float(str(summary[key])) for summary in summaries)
