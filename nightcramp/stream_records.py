"""What a sensor says and how its link is, as lines for programs: JSON or tab-separated."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol, TextIO, TypeAlias

from firmware_bridge import (
    DeviceStatus,
    MissingStretch,
    PlacedMark,
    Reject,
    Reply,
    StreamAnomaly,
    StreamDeclared,
    Stretch,
)
from firmware_bridge.link import LinkEvent, explain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from firmware_bridge import Item

Fields: TypeAlias = "dict[str, object]"

TSV_COLUMNS = ("host_s", "record", "stream", "sample", "n", "values", "detail")
"""Columns of a tab-separated stream; a row for each sample.

``host_s`` seconds of the host's clock since the start, when the record was known; ``record``
link, declared, samples, missing, odd, mark, status, reply or reject; ``stream`` emg or acc;
``sample`` position on the stream's grid, gaps counted; ``n`` samples concerned; ``values`` counts
of all channels; ``detail`` everything else, as name=value.
"""


class Records(Protocol):
    """Takes records and writes them."""

    def item(self, host_s: float, item: Item) -> None:
        """Write what the sensor said."""
        ...

    def event(self, host_s: float, event: LinkEvent) -> None:
        """Write what the link did."""
        ...


class JsonRecords:
    """Records as JSON, one object a line."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def item(self, host_s: float, item: Item) -> None:
        """Write what the sensor said."""
        fields = fields_of(item)
        if isinstance(item, Stretch):
            fields["counts"] = item.counts.tolist()
        self._write(host_s, fields)

    def event(self, host_s: float, event: LinkEvent) -> None:
        """Write what the link did."""
        self._write(host_s, fields_of_event(event))

    def _write(self, host_s: float, fields: Fields) -> None:
        self._out.write(json.dumps({"host_s": round(host_s, 6), **fields}) + "\n")


class TsvRecords:
    """Records as tab-separated lines, with a header."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._out.write("\t".join(TSV_COLUMNS) + "\n")

    def item(self, host_s: float, item: Item) -> None:
        """Write what the sensor said."""
        fields = fields_of(item)
        if not isinstance(item, Stretch):
            self._write(host_s, fields)
            return
        for position, values in enumerate(item.counts.T.tolist(), start=item.start):
            one = {**fields, "sample": position, "n": 1, "values": " ".join(map(str, values))}
            self._write(host_s, one)

    def event(self, host_s: float, event: LinkEvent) -> None:
        """Write what the link did."""
        self._write(host_s, fields_of_event(event))

    def _write(self, host_s: float, fields: Fields) -> None:
        known = {"host_s": f"{host_s:.6f}", **fields}
        known["detail"] = " ".join(_details(known))
        self._out.write("\t".join(_cell(known.get(name)) for name in TSV_COLUMNS) + "\n")


def fields_of(item: Item) -> Fields:
    """Everything an item says, but the samples themselves, by name."""
    match item:
        case StreamDeclared():
            return {"record": "declared", "stream": item.stream, **_declared(item)}
        case Stretch():
            flags = {"flags": int(item.flags)} if item.flags else {}
            return {**_place("samples", item), **flags}
        case MissingStretch():
            return {**_place("missing", item), "cause": str(item.cause), "error_s": item.error_s}
        case StreamAnomaly():
            return {**_place("odd", item), "kind": str(item.kind)}
        case _:
            return _fields_without_place(item)


def _fields_without_place(item: PlacedMark | DeviceStatus | Reply | Reject) -> Fields:
    match item:
        case PlacedMark():
            return {"record": "mark", "onset_s": round(item.onset_s, 6), "code": item.code}
        case DeviceStatus():
            return {"record": "status", **_status(item)}
        case Reply():
            return {"record": "reply", "ok": item.ok, "text": item.text}
        case Reject():
            reason = str(item.reason)
            return {
                "record": "reject",
                "reason": reason,
                "characteristic": item.characteristic,
                "text": item.detail,
            }


def fields_of_event(event: LinkEvent) -> Fields:
    """Everything a link event says, by name."""
    fields: Fields = {"record": "link", "state": str(event.state), "attempt": event.attempt}
    if event.cause:
        fields |= {"cause": str(event.cause), "says": explain(event.cause)}
    told = {"text": event.detail, "name": event.name, "address": event.address}
    return fields | {name: value for name, value in told.items() if value}


def _place(record: str, item: Stretch | MissingStretch | StreamAnomaly) -> Fields:
    return {"record": record, "stream": item.stream, "sample": item.start, "n": item.n}


def _declared(item: StreamDeclared) -> Fields:
    spec = item.spec
    return {
        "rate_hz": item.rate_hz,
        "channels": spec.channels,
        "scale": spec.scale,
        "unit": spec.unit,
        "offset": spec.offset,
        "run": item.run,
    }


def _status(status: DeviceStatus) -> Fields:
    told: Fields = {
        "battery_percent": status.battery_percent,
        "battery_mv": status.battery_mv,
        "charging": status.charging,
        "temperature_c": status.temperature_c,
        "storage_percent": status.storage_percent,
        "storage_fault": status.storage_fault,
    }
    off = [f"{stream.stream} {channel}" for stream in status.streams for channel in stream.lead_off]
    told["lead_off"] = off or None
    return {name: value for name, value in told.items() if value is not None}


def _details(fields: Fields) -> Iterator[str]:
    for name, value in fields.items():
        if name not in TSV_COLUMNS and value is not None:
            yield f"{name}={value}"


def _cell(value: object) -> str:
    return "n/a" if value in (None, "") else " ".join(str(value).split())
