"""``nightcramp scan``: sensors within reach."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated

import typer

from nightcramp.commands.examples import with_examples

if TYPE_CHECKING:
    from firmware_bridge import HostClock
    from firmware_bridge.link import Found

EXAMPLES = """
  nightcramp scan
  nightcramp scan --seconds 15 --json
  nightcramp scan --radio tcp:127.0.0.1:9740
"""

COLUMNS = ("name", "device", "address", "signal", "measures")


@with_examples(EXAMPLES)
def scan(
    seconds: Annotated[float, typer.Option(min=0.5, help="How long to listen.")] = 5.0,
    radio: Annotated[
        str | None,
        typer.Option(metavar="tcp:HOST:PORT", help="An emulated sensor instead of Bluetooth."),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.1, max=1000, help="Of the emulated sensor, if not 1.")
    ] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """List the sensors that can be heard.

    DEVICE of other commands is what stands in the column 'device'; where several stand there, the
    advertisement does not tell them apart. A signal above -70 dBm is strong, below -85 too weak.
    Exit code 1 if no sensor was heard or Bluetooth cannot be used.
    """
    from nightcramp.sensors import clock_for

    found = asyncio.run(_listen(radio, clock_for(radio, speed), seconds))
    sensors = [each for each in found if each.matches]
    if as_json:
        typer.echo(json.dumps({"sensors": [_as_json(each) for each in sensors]}, indent=2))
    elif sensors:
        typer.echo(_table(sensors))
    if not sensors:
        _say_what_to_check(len(found))
        raise typer.Exit(1)


async def _listen(address: str | None, clock: HostClock, seconds: float) -> list[Found]:
    from firmware_bridge.link import scan as listen
    from nightcramp.sensors import radio_at

    async with radio_at(address, clock) as radio:
        return await listen(radio, clock, seconds)


def _say_what_to_check(others: int) -> None:
    from firmware_bridge.link import LinkCause, explain

    heard = f"Heard were {others} other Bluetooth devices." if others else "Nothing was heard."
    typer.echo(f"No sensor was heard. {explain(LinkCause.NOT_FOUND)} {heard}", err=True)


def _table(sensors: list[Found]) -> str:
    rows = [COLUMNS, *(_row(each) for each in sensors)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _row(found: Found) -> tuple[str, ...]:
    return (
        found.name or "(no name)",
        " or ".join(found.matches),
        found.address,
        f"{found.rssi} dBm",
        _measures(found),
    )


def _measures(found: Found) -> str:
    from nightcramp.sensors import abilities, device_named

    return abilities(device_named(found.matches[0]))


def _as_json(found: Found) -> dict[str, object]:
    return {
        "name": found.name,
        "devices": list(found.matches),
        "address": found.address,
        "rssi_dbm": found.rssi,
        "measures": _measures(found),
    }
