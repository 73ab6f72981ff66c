"""``nightcramp replay``: a recorded night once more, as it came."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightcramp.commands.examples import with_examples

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from firmware_bridge import HostClock
    from nightcramp.replay_lines import Lines
    from nightcramp.replaying import Moment, Night

EXAMPLES = """
  nightcramp replay P042_2026-11-22_left.ncj
  nightcramp replay P042_2026-11-22_left.ncj --speed 10 --from 03:10:00 --to 03:20:00
  nightcramp replay night_emg.edf --json | jq 'select(.record == "episode")'
  nightcramp replay night.bdf --emg "GM left" --acc X --acc Y --acc Z
  nightcramp replay night_emg.edf --speed 1 --to-lsl
"""

FASTEST = "max"


@with_examples(EXAMPLES)
def replay(
    night: Annotated[
        Path, typer.Argument(metavar="JOURNAL|FILE", help="A journal (NAME.ncj), EDF or BDF file.")
    ],
    speed: Annotated[
        str, typer.Option(help="Seconds of the night per second, or 'max' for no waiting.")
    ] = FASTEST,
    start: Annotated[
        str | None, typer.Option("--from", metavar="HH:MM:SS", help="Since the night began.")
    ] = None,
    stop: Annotated[
        str | None, typer.Option("--to", metavar="HH:MM:SS", help="Since the night began.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="The site's private key, of an encrypted journal.")
    ] = None,
    companion: Annotated[
        Path | None,
        typer.Option(metavar="JOURNAL", help="Of the sensor whose acceleration was taken."),
    ] = None,
    emg: Annotated[
        list[str] | None,
        typer.Option(help="EMG channel of a file by its label; repeat for several."),
    ] = None,
    acc: Annotated[
        list[str] | None,
        typer.Option(help="Acceleration channel of a file by its label; give x, y and z."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Another classifier than the shipped one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines on standard output.")] = False,
    to_lsl: Annotated[
        bool, typer.Option("--to-lsl", help="Send samples and episodes to the lab streaming layer.")
    ] = False,
) -> None:
    """Play a recorded night through the path it went through live.

    A journal is played with the times, jitter and gaps it came with, and gives the episodes that
    were found live, at any speed. With --from, what lies before is run through unseen, so that all
    is as it was at that moment. --to-lsl needs the extra 'lsl' and a speed.
    """
    from models import load_classifier
    from nightcramp.replay_lines import JsonLines, TextLines
    from nightcramp.replaying import open_night, play, seconds_of

    factor = _factor(speed)
    start_s = 0.0 if start is None else seconds_of(start)
    stop_s = None if stop is None else seconds_of(stop)
    _check(factor, start_s, stop_s, to_lsl=to_lsl)
    opened = open_night(night, load_classifier(model), key, companion, emg=emg or (), acc=acc or ())
    lines = JsonLines(sys.stdout) if as_json else TextLines(sys.stdout)
    listeners = [lines.moment, *([_lsl(opened)] if to_lsl else [])]
    moments = play(opened, _clock(factor), start_s, stop_s)
    asyncio.run(_show(opened, moments, lines, listeners))
    for remark in opened.remarks():
        typer.echo(f"nightcramp: {remark}", err=True)


async def _show(
    night: Night,
    moments: AsyncIterator[Moment],
    lines: Lines,
    listeners: list[Callable[[Moment], None]],
) -> None:
    lines.begin(night)
    at_s = 0.0
    async for moment in moments:
        at_s = moment.at_s
        for listener in listeners:
            listener(moment)
    lines.end(night, at_s)


def _factor(speed: str) -> float | None:
    """Return seconds of the night per second; None for no waiting."""
    from nightcramp.errors import UsageError

    if speed == FASTEST:
        return None
    try:
        factor = float(speed)
    except ValueError:
        factor = 0.0
    if not 0 < factor < float("inf"):
        raise UsageError(f"--speed {speed}: expected a number above 0, or '{FASTEST}'")
    return factor


def _check(factor: float | None, start_s: float, stop_s: float | None, *, to_lsl: bool) -> None:
    from nightcramp.errors import UsageError

    if stop_s is not None and stop_s <= start_s:
        raise UsageError("--to must be later than --from")
    if to_lsl and factor != 1:
        raise UsageError("--to-lsl needs --speed 1: the lab streaming layer knows only real time")


def _clock(factor: float | None) -> HostClock | None:
    from firmware_bridge import HostClock

    return None if factor is None else HostClock(factor)


def _lsl(night: Night) -> Callable[[Moment], None]:
    from nightcramp.lsl import LslBridge

    return LslBridge(night).moment
