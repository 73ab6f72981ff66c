"""``nightcramp report``: a study folder to the weekly report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from nightcramp.commands.examples import with_examples

EXAMPLES = """
  nightcramp report trial --out trial/report
  nightcramp report trial --out unblinded --arms trial/arms.tsv
"""


@with_examples(EXAMPLES)
def report(
    study: Annotated[Path, typer.Argument(help="Study folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the report.")],
    arms: Annotated[
        Path | None, typer.Option(help="Allocation (participant_id, arm); opens the blind.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="The outcomes on standard output as well.")
    ] = False,
) -> None:
    """Write the weekly report of a study: report.html, weekly.csv, outcomes.json.

    Without --arms nothing in the report can separate the arms, and a blinded study shows no
    participant's own cramp counts. Exit code 1 if the tables have faults: each is named.
    """
    from nightcramp.reporting import write_report

    result = write_report(study, out, arms=arms)
    if as_json:
        typer.echo(json.dumps(result, indent=2))
    else:
        typer.echo(f"report: {out / 'report.html'}")
