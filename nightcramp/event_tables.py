"""Tables of events that people write too: labels, truth, and where recordings are from."""

from __future__ import annotations

import csv
import io
import itertools
import math
from typing import TYPE_CHECKING, TypeVar

from nightcramp.errors import InputError
from sensing import Censored, Event, EventKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from enum import StrEnum
    from pathlib import Path

    from models import TrueEvent

MISSING = "n/a"

EventT = TypeVar("EventT", "Event", "TrueEvent")

_TIMES_AND_KIND = ("onset", "duration", "trial_type")
_ROUNDING_S = 1.0  # people write whole seconds


def read_events(path: Path) -> tuple[Event, ...]:
    """Read an events file.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, or a row is not of the form written here.
    """
    events = []
    for line, row in read_rows(path, _TIMES_AND_KIND):
        try:
            events.append(
                Event(
                    onset_s=_seconds(row, "onset"),
                    duration_s=_length(row),
                    kind=EventKind(_word(row, "trial_type", EventKind)),
                    channel=_known(row.get("channel")),
                    confidence=_value(row, "confidence"),
                    intensity=_value(row, "intensity"),
                    rms_uv=_value(row, "rms_uv"),
                    censored=Censored(_word(row, "censored", Censored, Censored.NONE)),
                    detail=_known(row.get("detail")),
                )
            )
        except ValueError as error:
            raise InputError(str(error), file=path, place=f"line {line}") from error
    return tuple(events)


def read_truth(path: Path) -> tuple[TrueEvent, ...]:
    """Read a truth file.

    Raises
    ------
    InputError
        As `read_events` does, and if a cramp begins before another one is over: it would be counted
        twice.
    """
    from models import TrueEvent, TruthKind

    events = []
    cramps: list[tuple[float, float, int]] = []
    for line, row in read_rows(path, _TIMES_AND_KIND):
        try:
            events.append(
                TrueEvent(
                    onset_s=_seconds(row, "onset"),
                    duration_s=_length(row),
                    kind=TruthKind(_word(row, "trial_type", TruthKind)),
                    intensity=_value(row, "intensity"),
                    detail=_known(row.get("detail")),
                )
            )
        except ValueError as error:
            raise InputError(str(error), file=path, place=f"line {line}") from error
        if events[-1].kind is TruthKind.CRAMP:
            cramps.append((events[-1].onset_s, events[-1].offset_s, line))
    _refuse_simultaneous(path, cramps)
    return tuple(events)


def _refuse_simultaneous(path: Path, cramps: Sequence[tuple[float, float, int]]) -> None:
    """Raise InputError if a cramp, told by onset, end and line, begins before another is over."""
    for (_, end_s, line), (onset_s, _, later) in itertools.pairwise(sorted(cramps)):
        if onset_s < end_s - _ROUNDING_S:
            raise InputError(
                f"a cramp from {onset_s:g} s begins before another one is over, at {end_s:g} s "
                f"(line {line}), expected each cramp once",
                file=path,
                place=f"line {later}",
                advice="Of several scorers, write what they settled on.",
            )


def refuse_outside(events: tuple[EventT, ...], recorded_s: float, file: Path) -> tuple[EventT, ...]:
    """Return the events; raise InputError if one lies outside of the recording."""
    for event in events:
        if event.offset_s < 0 or event.onset_s > recorded_s + _ROUNDING_S:
            raise InputError(
                f"a {event.kind} from {event.onset_s:.1f} s to {event.offset_s:.1f} s lies "
                f"outside of the recording, which is {recorded_s:.1f} s long",
                file=file,
                advice="Times are seconds from the first sample; is it of another recording?",
            )
    return events


def read_rows(path: Path, required: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Return line number and cells of each row that holds anything, of a tab-separated table.

    Cells that a row lacks are missing; a byte order mark, as Excel writes it, is passed over.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a required column, or opens a quotation mark that it does
        not close: all that follows would be one cell.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", file=path) from error
    except UnicodeDecodeError as error:
        raise InputError(
            "not UTF-8 text", file=path, advice="Save it as UTF-8, with tabs between columns."
        ) from error
    reader = csv.DictReader(io.StringIO(text), delimiter="\t", restval=MISSING, strict=True)
    try:
        lacking = [name for name in required if name not in (reader.fieldnames or ())]
        if lacking:
            raise InputError(
                f"the column {lacking[0]} is missing",
                file=path,
                place="line 1",
                advice=f"Write {', '.join(required)} in the first line, with tabs between them.",
            )
        return [(reader.line_num, row) for row in reader if any(map(_known, row.values()))]
    except csv.Error as error:
        raise InputError(
            f"the line cannot be taken apart ({error})",
            file=path,
            place=f"line {reader.line_num + 1}",
            advice="Look for a quotation mark without its partner, here or further down.",
        ) from error


def _seconds(row: Mapping[str, str], name: str) -> float:
    seconds = _number(row[name])
    if seconds is None:
        raise ValueError(f"{name} is {row[name]!r}, expected seconds, with a point for decimals")
    return seconds


def _length(row: Mapping[str, str]) -> float:
    seconds = _seconds(row, "duration")
    if seconds < 0:
        raise ValueError(f"duration is {row['duration']}, expected no less than 0 seconds")
    return seconds


def _value(row: Mapping[str, str], name: str) -> float | None:
    known = _known(row.get(name))
    if known is None:
        return None
    number = _number(known)
    if number is None:
        raise ValueError(f"{name} is {known!r}, expected a number or {MISSING}")
    return number


def _number(text: str) -> float | None:
    """Return the finite number a text is, else None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _word(row: Mapping[str, str], name: str, words: type[StrEnum], default: str = MISSING) -> str:
    word = _known(row.get(name)) or default
    if word not in list(words):
        raise ValueError(f"{name} is {word!r}, expected one of {', '.join(words)}")
    return word


def _known(cell: str | None) -> str | None:
    return None if cell in (None, "", MISSING) else cell
