"""What an analysis says of one recording of a study."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from nightcramp.errors import InputError
from nightcramp.event_tables import read_events
from nightcramp.outputs import read_night
from sensing import Event, EventKind
from trial import Leg, Stretch, hours_within, night_of, without

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from zoneinfo import ZoneInfo

_PARTICIPANT = re.compile(r"(?:^|_)sub-([A-Za-z0-9]+)(?:_|$)")
_LEG = re.compile(r"_[a-z]+-(left|right)(?:_|$)", re.IGNORECASE)

LONGEST_NIGHT_H = 25.0
"""From noon to noon, when summer time ends."""

_TOLERANCE_H = 0.01  # the table holds milliseconds
_AGAIN = "Analyse the recording again"

Key = tuple[str, str]
"""Participant and night."""


@dataclass(frozen=True, slots=True)
class Cramp:
    """A cramp or possible cramp of a night.

    Attributes
    ----------
    stretch : Stretch
    event : Event
        As the analysis found it.
    channel : str or None
        EMG channel that shows it, with its leg where the study records both.
    is_exposed : bool
        Whether it began in time that the study calls analysable.
    """

    stretch: Stretch
    event: Event
    channel: str | None
    is_exposed: bool = True


@dataclass(frozen=True, slots=True)
class JudgedRecording:
    """One analysed recording of a study.

    Attributes
    ----------
    name : str
    participant_id : str
    night : date
    leg : Leg or None
        Left or right, if the name says so.
    recorded : Stretch
    analysable : tuple of Stretch
        Time in which a cramp of this leg would have been seen.
    reason : str or None
        What took most of the time that could not be judged.
    version : str
        Model and code that made the analysis.
    cramps : tuple of Cramp
        Cramps and possible cramps.
    """

    name: str
    participant_id: str
    night: date
    leg: Leg | None
    recorded: Stretch
    analysable: tuple[Stretch, ...]
    reason: str | None
    version: str
    cramps: tuple[Cramp, ...]

    @property
    def key(self) -> Key:
        """Participant and night, as in the tables."""
        return self.participant_id, self.night.isoformat()


def read_judged(file: Path, zone: ZoneInfo) -> JudgedRecording:
    """Read what ``analyze`` wrote of a recording.

    Parameters
    ----------
    file : Path
        Night summary; the events lie beside it.
    zone : ZoneInfo
        Time zone of the recording's local start. Everything after is counted in UTC, so that a
        change of the clocks moves nothing.

    Raises
    ------
    InputError
        If the files cannot be read, say not whose the recording is or when it began (in an hour
        that the zone has twice or never the offset from UTC must be told), or if it is longer than
        a night.
    """
    summary = read_night(file)
    name = str(_told(summary, "recording", file))
    participant = participant_of(name)
    if participant is None:
        raise InputError(
            f"the recording's name {name!r} does not say whose it is",
            file=file,
            advice="Name recordings sub-<participant>_…",
        )
    began = _told(summary, "start", file)
    if began is None:
        raise InputError("the recording hides its start, so its night is not known", file=file)
    start = _moment(str(began), zone, file)
    hours = _hours(summary, "recorded_hours", file)
    reasons = _object(summary, "not_analysable_hours", file)
    makers = _object(summary, "made_by", file)
    model, sha256, code = (
        _told(makers, each, file) for each in ("model_version", "model_sha256", "code_version")
    )
    if hours > LONGEST_NIGHT_H:
        raise InputError(
            f"the recording lasts {hours:.1f} h, a night of a study at most {LONGEST_NIGHT_H:g} h",
            file=file,
            advice="Cut it at noon into one recording for each night, and analyse these.",
        )
    recorded = Stretch(start, start + timedelta(hours=hours))
    table = file.with_name(f"{file.name.removesuffix('_night.json')}_events.tsv")
    events = read_events(table)
    blind = [_stretch(start, event) for event in events if event.kind is EventKind.NOT_ANALYSABLE]
    analysable = without(recorded, blind)
    _require_same_hours(table, hours_within(analysable), _hours(summary, "analysable_hours", file))
    leg = _LEG.search(name)
    return JudgedRecording(
        name=name,
        participant_id=participant,
        night=night_of(start, zone),
        leg=Leg(leg[1].lower()) if leg else None,
        recorded=recorded,
        analysable=tuple(analysable),
        reason=max(reasons, key=lambda reason: _hours(reasons, reason, file), default=None),
        version=f"model {model} {str(sha256)[:8]}, code {code}",
        cramps=tuple(
            Cramp(_stretch(start, event), event, event.channel)
            for event in events
            if event.kind in (EventKind.CRAMP, EventKind.POSSIBLE_CRAMP)
        ),
    )


def participant_of(name: str) -> str | None:
    """Return whose recording it is by its name, ``sub-<participant>_…``."""
    found = _PARTICIPANT.search(name)
    return found[1] if found else None


def _told(fields: Mapping[str, object], name: str, file: Path) -> object:
    """Return what a night summary says of something."""
    if name not in fields:
        raise InputError(f"{name} is missing", file=file, advice=_AGAIN)
    return fields[name]


def _object(fields: Mapping[str, object], name: str, file: Path) -> Mapping[str, object]:
    value = _told(fields, name, file)
    if not isinstance(value, dict):
        raise InputError(f"{name} is {value!r}, expected an object", file=file, advice=_AGAIN)
    return value


def _hours(fields: Mapping[str, object], name: str, file: Path) -> float:
    value = _told(fields, name, file)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise InputError(f"{name} is {value!r}, expected hours", file=file, advice=_AGAIN)
    return float(value)


def _moment(text: str, zone: ZoneInfo, file: Path) -> datetime:
    """Return in UTC when a recording began; its local time alone may not tell."""
    try:
        told = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            f"start {text!r} is no time, expected one as 2026-03-01T22:15:00", file=file
        ) from error
    if told.tzinfo is not None:
        return told.astimezone(UTC)
    first, second = (told.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        raise InputError(
            f"the recording began at {told:%H:%M} of {told:%Y-%m-%d}, when the clocks of {zone} "
            "changed: that time was there twice, or never",
            file=file,
            advice=f"Write the offset from UTC behind its start, as in {first.isoformat()} "
            f"or {second.isoformat()}",
        )
    return first.astimezone(UTC)


def _require_same_hours(table: Path, found: float, expected: float) -> None:
    """Refuse events that lost the time in which no cramp would have been seen."""
    if abs(found - expected) > _TOLERANCE_H:
        raise InputError(
            f"the events leave {found:.2f} analysable hours, the night summary says "
            f"{expected:.2f}: rows were changed or cut off",
            file=table,
            advice=_AGAIN,
        )


def _stretch(start: datetime, event: Event) -> Stretch:
    onset = start + timedelta(seconds=event.onset_s)
    return Stretch(onset, onset + timedelta(seconds=event.duration_s))
