"""Records to the body of a block and back.

A body is: number of characteristics, then each as length and UTF-8 text; number of records, then
each as kind (one byte), step of the monotonic clock since the record before, change of wall minus
monotonic since the record before, characteristic (0 none, else its place in the table from 1 on),
length of the payload, payload. Numbers are LEB128, signed ones zigzag. The first record's steps
count from the times in the header of the block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recordings.journal.record import JournalRecord, RecordKind

if TYPE_CHECKING:
    from collections.abc import Sequence

_KINDS = tuple(RecordKind)
_CODES = {kind: code for code, kind in enumerate(_KINDS)}


class MalformedBodyError(ValueError):
    """Bytes that are no body; never leaves this package."""


def encode_records(records: Sequence[JournalRecord]) -> bytes:
    """Return the body of a block that begins at the times of the first of `records`."""
    names = dict.fromkeys(r.characteristic for r in records if r.characteristic is not None)
    places: dict[str | None, int] = {name: place for place, name in enumerate(names, start=1)}
    places[None] = 0
    body = bytearray()
    _put(body, len(names))
    for name in names:
        text = name.encode("utf-8")
        _put(body, len(text))
        body += text
    _put(body, len(records))
    before = records[0]
    for record in records:
        step = record.monotonic_ns - before.monotonic_ns
        body.append(_CODES[record.kind])
        _put_signed(body, step)
        _put_signed(body, record.wall_ns - before.wall_ns - step)
        _put(body, places[record.characteristic])
        _put(body, len(record.payload))
        body += record.payload
        before = record
    return bytes(body)


def decode_records(body: bytes, monotonic_ns: int, wall_ns: int) -> list[JournalRecord]:
    """Return the records of a body; the times are those in the header of its block.

    Raises
    ------
    MalformedBodyError
        If the bytes end too early or too late, or name what the format has not.
    """
    try:
        return _decode(body, monotonic_ns, wall_ns)
    except (IndexError, UnicodeDecodeError) as error:
        raise MalformedBodyError(str(error)) from error


def _decode(body: bytes, monotonic_ns: int, wall_ns: int) -> list[JournalRecord]:
    names, place = _names(body)
    n_records, place = _take(body, place)
    records = []
    for _ in range(n_records):
        kind = _KINDS[body[place]]
        step, place = _take_signed(body, place + 1)
        drift, place = _take_signed(body, place)
        name, place = _take(body, place)
        length, place = _take(body, place)
        monotonic_ns += step
        wall_ns += step + drift
        payload = body[place : place + length]
        place += length
        records.append(JournalRecord(kind, monotonic_ns, wall_ns, names[name], payload))
    if place != len(body):
        raise MalformedBodyError(f"{len(body)} bytes where its records fill {place}")
    return records


def _names(body: bytes) -> tuple[list[str | None], int]:
    """Return the table of characteristics, none first, and where it ends."""
    n_names, place = _take(body, 0)
    names: list[str | None] = [None]
    for _ in range(n_names):
        length, place = _take(body, place)
        names.append(body[place : place + length].decode("utf-8"))
        place += length
    return names, place


def _put(body: bytearray, value: int) -> None:
    while value > 0x7F:
        body.append(value & 0x7F | 0x80)
        value >>= 7
    body.append(value)


def _put_signed(body: bytearray, value: int) -> None:
    _put(body, value << 1 if value >= 0 else (-value << 1) - 1)


def _take(body: bytes, place: int) -> tuple[int, int]:
    """Return a number and where it ends."""
    byte = body[place]
    if byte < 0x80:
        return byte, place + 1
    value, shift = byte & 0x7F, 7
    while True:
        place += 1
        byte = body[place]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place + 1
        shift += 7


def _take_signed(body: bytes, place: int) -> tuple[int, int]:
    value, place = _take(body, place)
    return (value >> 1) ^ -(value & 1), place
