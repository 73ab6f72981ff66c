"""A replayed night as lines: for people, or one JSON object each for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol, TextIO

from firmware_bridge import MissingStretch, PlacedMark, StreamDeclared, Stretch
from nightcramp.outputs import told_cramps
from nightcramp.replaying import as_time, cramps_of
from nightcramp.stream_records import fields_of
from recordings.journal import RecordKind, json_of
from sensing import EventKind

if TYPE_CHECKING:
    from firmware_bridge import Item, StreamKind
    from nightcramp.replaying import Moment, Night
    from nightcramp.stream_records import Fields
    from recordings.journal import JournalRecord
    from sensing import Event

_KINDS = {EventKind.CRAMP: "cramp", EventKind.POSSIBLE_CRAMP: "possible cramp"}


class Lines(Protocol):
    """Shows a night while it is replayed."""

    def begin(self, night: Night) -> None:
        """Show which night it is."""
        ...

    def moment(self, moment: Moment) -> None:
        """Show what a moment made known."""
        ...

    def end(self, night: Night, at_s: float) -> None:
        """Show what was found in all."""
        ...


class JsonLines:
    """All but the samples, as JSON, one object a line.

    Each has ``at_s``, seconds since the recording began, and ``record``: begin, declared, missing,
    odd, mark, status, reply, reject, link, note, clock, episode, end.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def begin(self, night: Night) -> None:
        """Show which night it is."""
        self._write(0.0, {"record": "begin", "name": night.name})

    def moment(self, moment: Moment) -> None:
        """Show what a moment made known."""
        record = moment.record
        if record is not None and record.kind is not RecordKind.NOTIFICATION:
            self._write(moment.at_s, {"record": str(record.kind), **json_of(record)})
        for item in moment.items:
            if not isinstance(item, Stretch):
                self._write(moment.at_s, fields_of(item))
        for event in moment.episodes:
            self._write(moment.at_s, {"record": "episode", **_fields_of_event(event)})

    def end(self, night: Night, at_s: float) -> None:
        """Show what was found in all."""
        results = night.results()
        found: Fields = {
            "record": "end",
            "judged_s": round(sum(result.duration_s for result in results), 3),
            "analysable_s": sum(int(result.seconds.analysable.sum()) for result in results),
            "episodes": [_fields_of_event(event) for r in results for event in cramps_of(r)],
            "remarks": night.remarks(),
        }
        self._write(at_s, found)

    def _write(self, at_s: float, fields: Fields) -> None:
        self._out.write(json.dumps({"at_s": round(at_s, 6), **fields}, ensure_ascii=False) + "\n")
        self._out.flush()


class TextLines:
    """What a person wants to know: the link, gaps of a second or more, marks, episodes."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._rates: dict[StreamKind, float] = {}

    def begin(self, night: Night) -> None:
        """Show which night it is."""
        self._out.write(f"replay of {night.name}; times are HH:MM:SS since it began\n")

    def moment(self, moment: Moment) -> None:
        """Show what a moment made known."""
        told = [_sentence_of_record(moment.record)] if moment.record else []
        told += [self._sentence_of_item(item) for item in moment.items]
        told += [_sentence_of_event(event) for event in moment.episodes]
        for sentence in filter(None, told):
            self._out.write(f"{as_time(moment.at_s)}  {sentence}\n")
        self._out.flush()

    def end(self, night: Night, at_s: float) -> None:
        """Show what was found in all."""
        results = night.results()
        kinds = [event.kind for result in results for event in cramps_of(result)]
        sure, possible = kinds.count(EventKind.CRAMP), kinds.count(EventKind.POSSIBLE_CRAMP)
        analysable_s = sum(float(result.seconds.analysable.sum()) for result in results)
        self._out.write(
            f"{as_time(at_s)}  end: {told_cramps(sure, possible)}; "
            f"{as_time(analysable_s)} analysable\n"
        )

    def _sentence_of_item(self, item: Item) -> str | None:
        match item:
            case StreamDeclared():
                self._rates[item.stream] = item.rate_hz
                return f"{item.stream.upper()}: {item.spec.channels} x {item.rate_hz:g} Hz"
            case MissingStretch() if item.n >= self._rates[item.stream]:
                seconds = item.n / self._rates[item.stream]
                return f"{item.stream.upper()}: {seconds:.1f} s missing ({_plain(item.cause)})"
            case PlacedMark():
                return f"the sensor's button was pressed at {as_time(item.onset_s)} of the signal"
            case _:
                return None


def _sentence_of_record(record: JournalRecord) -> str | None:
    if record.kind is RecordKind.NOTIFICATION:
        return None
    told = json_of(record)
    what = told.get("state") or told.get("event") or told.get("mark") or ""
    why = told.get("cause")
    return f"{record.kind}: {_plain(what)}" + (f" ({_plain(why)})" if why else "")


def _sentence_of_event(event: Event) -> str:
    sure = "" if event.confidence is None else f", confidence {event.confidence:.2f}"
    return (
        f"{_KINDS[event.kind]} of {event.duration_s:.1f} s, from {as_time(event.onset_s)} "
        f"of the signal{sure}"
    )


def _fields_of_event(event: Event) -> Fields:
    fields: Fields = {
        "kind": str(event.kind),
        "onset_s": event.onset_s,
        "duration_s": event.duration_s,
        "channel": event.channel,
        "confidence": event.confidence,
        "intensity": event.intensity,
        "rms_uv": event.rms_uv,
        "censored": str(event.censored),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _plain(word: object) -> str:
    return str(word).replace("_", " ")
