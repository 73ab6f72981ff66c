"""``nightcramp study``: results into the tables of a study folder."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from nightcramp.commands.examples import with_examples

study = typer.Typer(no_args_is_help=True, help="Keep the tables of a study folder.")

EXAMPLES = """
  nightcramp analyze trial/recordings --out trial/results
  nightcramp study collect trial --results trial/results
  nightcramp report trial --out trial/report
"""


@study.callback()
def _group() -> None:
    """Keep the tables of a study folder."""


@with_examples(EXAMPLES)
def collect(
    folder: Annotated[Path, typer.Argument(metavar="STUDY", help="Study folder.")],
    results: Annotated[Path, typer.Option("--results", help="Folder that analyze wrote.")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Write analysed nights and episodes into nights.tsv and episodes.tsv.

    Recordings are named sub-PARTICIPANT_...; the night is taken from their start and the study's
    time zone. Nights whose episodes somebody confirmed or rejected are not replaced.
    """
    from nightcramp.study import collect as run

    done = run(folder, results)
    if as_json:
        typer.echo(json.dumps(asdict(done), indent=2))
    else:
        typer.echo(f"{done.nights} nights and {done.episodes} episodes written to {folder}")
    for night in done.kept:
        typer.echo(f"kept     {night}: reviewed by a person under another analysis", err=True)
    for failure in done.failures:
        typer.echo(f"failed   {failure}", err=True)
    if done.failures:
        raise typer.Exit(1)


study.command()(collect)
