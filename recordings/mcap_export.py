"""A journal as MCAP: raw packets for Foxglove and for programs in other languages.

MCAP (https://mcap.dev/spec) is a container of time-stamped messages. Each characteristic of the
sensor is a channel, and so is each other kind of record; messages are JSON, described by schemas in
the file. Nothing is left out, but the check sums and digests of the journal are: it stays the
source.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from nightcramp.errors import UsageError
from recordings.atomic import replace_file
from recordings.journal import RecordKind, json_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mcap.writer import Writer

    from recordings.journal import JournalRecord, SegmentHeader

LIBRARY = "nightcramp"
NOTIFICATION_SCHEMA = "nightcramp.Notification"
EVENT_SCHEMA = "nightcramp.Event"

_CHUNK_BYTES = 1 << 18
"""A reader holds one chunk in memory; about a minute of two channels at 1 kHz."""

_MONOTONIC = {
    "type": "integer",
    "description": "Host clock that is never stepped, nanoseconds; log_time is UTC.",
}
_SCHEMAS = {
    NOTIFICATION_SCHEMA: {
        "monotonic_ns": _MONOTONIC,
        "payload": {
            "type": "string",
            "contentEncoding": "base64",
            "description": "Bytes as the sensor sent them.",
        },
    },
    EVENT_SCHEMA: {"monotonic_ns": _MONOTONIC, "content": {"type": "object"}},
}


def write_mcap(path: Path, header: SegmentHeader, records: Iterable[JournalRecord]) -> int:
    """Write records of a journal as MCAP.

    Topics are ``/notification/UUID`` for what the sensor sent and ``/link``, ``/mark``, ``/note``,
    ``/clock`` for the rest. ``log_time`` and ``publish_time`` are the host's wall clock; the
    metadata record ``journal`` names device, recorder, journal and what identifies the recording.

    Parameters
    ----------
    path : Path
        File to make or replace.
    header : SegmentHeader
        Of the journal.
    records : iterable of JournalRecord
        In order; taken one by one.

    Returns
    -------
    int
        Number of messages.

    Raises
    ------
    UsageError
        If the extra ``mcap`` is not installed.
    OutputError
        If the file cannot be written.
    """
    try:
        from mcap.writer import Writer  # noqa: PLC0415 (an extra)
    except ModuleNotFoundError as error:
        raise UsageError("MCAP needs the extra 'mcap': pip install 'nightcramp[mcap]'") from error
    with replace_file(path) as temporary, temporary.open("wb") as file:
        writer = Writer(file, chunk_size=_CHUNK_BYTES)
        writer.start(library=LIBRARY)
        writer.add_metadata("journal", _metadata(header))
        written = _Channels(writer).write_all(records)
        writer.finish()  # type: ignore[no-untyped-call]
    return written


class _Channels:
    """The channels of a file, made when the first message of each comes."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._schemas = {name: self._schema(name) for name in _SCHEMAS}
        self._ids: dict[str, int] = {}

    def write_all(self, records: Iterable[JournalRecord]) -> int:
        sequence = 0
        for sequence, record in enumerate(records, start=1):
            self._writer.add_message(
                self._channel(record),
                log_time=record.wall_ns,
                data=_message(record),
                publish_time=record.wall_ns,
                sequence=sequence,
            )
        return sequence

    def _schema(self, name: str) -> int:
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": name,
            "type": "object",
            "properties": _SCHEMAS[name],
            "required": list(_SCHEMAS[name]),
        }
        text = json.dumps(schema).encode("utf-8")
        number: int = self._writer.register_schema(name, "jsonschema", text)
        return number

    def _channel(self, record: JournalRecord) -> int:
        topic = f"/{record.kind}"
        if record.characteristic is not None:
            topic += f"/{record.characteristic}"
        if topic not in self._ids:
            is_raw = record.kind is RecordKind.NOTIFICATION
            schema = self._schemas[NOTIFICATION_SCHEMA if is_raw else EVENT_SCHEMA]
            self._ids[topic] = self._writer.register_channel(topic, "json", schema)
        return self._ids[topic]


def _message(record: JournalRecord) -> bytes:
    message: dict[str, object] = {"monotonic_ns": record.monotonic_ns}
    if record.kind is RecordKind.NOTIFICATION:
        message["payload"] = base64.b64encode(record.payload).decode("ascii")
    else:
        message["content"] = json_of(record)
    return json.dumps(message, ensure_ascii=False).encode("utf-8")


def _metadata(header: SegmentHeader) -> dict[str, str]:
    label = header.label
    told = {name: str(value) for name, value in label.metadata.items() if value is not None}
    return {
        **told,
        "device": label.device,
        "recorder": label.recorder,
        "journal_id": header.journal_id.hex(),
    }
