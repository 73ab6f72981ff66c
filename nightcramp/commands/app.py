"""``nightcramp app``: the page for the bedside and for review, in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nightcramp.commands.examples import with_examples
from nightcramp.errors import UsageError

EXAMPLES = """
  nightcramp app
  nightcramp app --home /data/nights --study /data/trial
  nightcramp app --sensors 2
  nightcramp app --radio tcp:127.0.0.1:9740 --speed 10
"""


@with_examples(EXAMPLES)
def app(
    home: Annotated[Path, typer.Option(help="Folder that nights are recorded to.")] = Path(
        "recordings"
    ),
    study: Annotated[
        Path | None, typer.Option(help="Study folder: its diary is written, its blinding obeyed.")
    ] = None,
    results: Annotated[
        Path | None, typer.Option(help="Analysed nights to review. [HOME/results]")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 8765,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
    radio: Annotated[
        str | None,
        typer.Option(metavar="tcp:HOST:PORT", help="Emulated sensors instead of Bluetooth."),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.1, max=1000, help="Of the emulated sensors, if not 1.")
    ] = 1.0,
    sensors: Annotated[
        int | None,
        typer.Option(min=1, max=2, help="Of a participant, one on each leg. [as the study says]"),
    ] = None,
) -> None:
    """Open the page: evening, night and morning for the participant, review for researchers.

    Needs the extra 'app'. Only this computer can reach it, and only with the key in the address
    that is shown. A night is recorded by a program of its own: it goes on when the page, the
    browser or this command is closed. Ctrl-C ends the page.
    """
    try:
        import uvicorn  # noqa: F401

        from nightcramp.app.serving import serve
    except ImportError as error:
        raise UsageError(
            f"the page needs the extra 'app' ({error.name} is missing): "
            "pip install 'nightcramp[app]'"
        ) from error
    from nightcramp.app.settings import AppSettings
    from nightcramp.sensors import clock_for

    clock_for(radio, speed)
    settings = AppSettings(home.resolve(), study, results, radio, speed, sensors)
    serve(settings, port, browser=browser, say=lambda address: typer.echo(f"The page: {address}"))
