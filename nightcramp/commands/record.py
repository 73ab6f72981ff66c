"""``nightcramp record``: a night, from the sensor to its episodes."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from nightcramp.commands.examples import with_examples

EXAMPLES = """
  nightcramp record --sensor npg-lite-band --participant P042 --leg left --until 07:00
  nightcramp record --sensor profile-v1:Calf-12 --leg left --sensor profile-v1:Calf-13 --leg right
  nightcramp record --sensor gforce-12bit --companion polar-h10 --hours 9
  nightcramp record --sensor npg-lite-band --radio tcp:127.0.0.1:9740 --speed 10 --hours 0.5
"""


@with_examples(EXAMPLES)
def record(
    sensor: Annotated[
        list[str],
        typer.Option(metavar="DEVICE[:NAME|@ADDRESS]", help="Once for each sensor; see scan."),
    ],
    leg: Annotated[
        list[str], typer.Option(metavar="left|right", help="Once for each sensor.")
    ] = [],  # noqa: B006
    participant: Annotated[str, typer.Option(help="Pseudonym.")] = "anonymous",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder.")] = Path("recordings"),
    until: Annotated[
        str | None, typer.Option(metavar="HH:MM", help="End at this local time.")
    ] = None,
    hours: Annotated[float | None, typer.Option(min=0.001, max=24, help="End after.")] = None,
    live: Annotated[bool, typer.Option(help="Look for cramps while recording.")] = True,
    check: Annotated[bool, typer.Option(help="Begin with the set-up check.")] = True,
    companion: Annotated[
        str | None,
        typer.Option(metavar="DEVICE[:NAME|@ADDRESS]", help="Take acceleration from this sensor."),
    ] = None,
    site_key: Annotated[
        Path | None, typer.Option(help="Public key of the site: encrypt the journal for it.")
    ] = None,
    radio: Annotated[
        str | None,
        typer.Option(metavar="tcp:HOST:PORT", help="An emulated sensor instead of Bluetooth."),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.1, max=1000, help="Of the emulated sensor, if not 1.")
    ] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines on standard output.")] = False,
) -> None:
    """Record a night, look for cramps meanwhile, and judge it in the morning.

    Every notification goes to a journal in the folder before anything else happens to it. If the
    program or the computer is cut off, the same command goes on in the same journal. It ends at
    its time, by 'q', Ctrl-C or SIGTERM; then the finished recording (EDF+ in an EMG-BIDS tree),
    its episodes, summary and picture are made. 'c' or space (or SIGUSR1) marks a cramp. Exit code
    1 if the recording is safe but something could not be made of it.
    """
    from models import load_classifier
    from nightcramp.recorder.ending import finish_night
    from nightcramp.recorder.messages import Message
    from nightcramp.recorder.plan import Wishes, plan_night
    from nightcramp.recorder.running import record_night
    from nightcramp.recorder.screen import open_screen
    from nightcramp.sensors import clock_for

    clock = clock_for(radio, speed)
    wishes = Wishes(sensor, leg, participant, companion, out, until, hours, site_key)
    plan = plan_night(wishes, clock)
    classifier = load_classifier() if live else None
    with open_screen(sys.stdout, as_json=as_json) as screen:
        recording = record_night(plan, clock, screen, classifier, radio=radio, check=check)
        plan = asyncio.run(recording)

        def tell(text: str) -> None:
            screen.tell(Message("night", clock.wall_ns(), text))

        endings = finish_night(plan, tell)
        for ending in endings:
            screen.tell(ending.message(clock.wall_ns()))
    if any(ending.failed for ending in endings):
        raise typer.Exit(1)
