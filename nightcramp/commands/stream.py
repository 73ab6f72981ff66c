"""``nightcramp stream``: a sensor's samples as they come."""

from __future__ import annotations

import asyncio
import contextlib
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightcramp.commands.examples import with_examples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightcramp.stream_records import Records

EXAMPLES = """
  nightcramp scan
  nightcramp stream umyo
  nightcramp stream npg-lite-band --name NPG-Lite-band-12 --seconds 60 --out samples.tsv
  nightcramp stream myo --radio tcp:127.0.0.1:9740 --json | jq 'select(.record == "link")'
"""


@with_examples(EXAMPLES)
def stream(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="Kind of sensor; see scan.")],
    name: Annotated[str | None, typer.Option(help="Only the sensor of this name.")] = None,
    address: Annotated[str | None, typer.Option(help="Only the sensor at this address.")] = None,
    serial: Annotated[
        str | None, typer.Option(help="Only the sensor that tells this serial number.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="End after so long; else by Ctrl-C.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write samples and events to this file.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON lines: in the file, or on standard output.")
    ] = False,
    radio: Annotated[
        str | None,
        typer.Option(metavar="tcp:HOST:PORT", help="An emulated sensor instead of Bluetooth."),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.1, max=1000, help="Of the emulated sensor, if not 1.")
    ] = 1.0,
) -> None:
    """Show what a sensor sends, live, and how the link to it is.

    A file is tab-separated, one row a sample: host_s (seconds of this computer's clock, when the
    row was known), record (declared, samples, missing, odd, mark, status, reply, reject, link),
    stream, sample (position, gaps counted), n, values (counts of all channels), detail
    (name=value). With --json it holds one object a line, samples as counts[channel][sample].
    Samples are written once their rate has been measured, over half a minute; nothing is lost at
    the end. Exit code 1 if the sensor never sent anything.
    """
    from firmware_bridge.link import Sought
    from nightcramp.sensors import clock_for, device_named
    from nightcramp.stream_screen import open_screen
    from nightcramp.streaming import Monitor, stream_sensor

    sought = Sought(device_named(device), name, address, serial)
    clock = clock_for(radio, speed)
    screen_out = sys.stderr if as_json and out is None else sys.stdout
    with _records(out, as_json=as_json) as records, open_screen(screen_out) as screen:
        monitor = Monitor(sought.spec, screen, records)
        running = stream_sensor(
            sought, monitor, screen, clock, radio=radio, seconds=seconds or math.inf
        )
        try:
            asyncio.run(running)
        except KeyboardInterrupt:
            pass  # the ordinary end of a stream
        finally:
            monitor.finish()
    monitor.require_data()


@contextlib.contextmanager
def _records(out: Path | None, *, as_json: bool) -> Iterator[Records | None]:
    from nightcramp.stream_records import JsonRecords, TsvRecords
    from recordings import replace_file

    if out is None:
        yield JsonRecords(sys.stdout) if as_json else None
        return
    with replace_file(out) as temporary, temporary.open("w", encoding="utf-8") as file:
        yield JsonRecords(file) if as_json else TsvRecords(file)
