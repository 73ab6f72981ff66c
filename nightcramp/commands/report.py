"""``nightcramp report``: a study folder to the weekly report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from nightcramp.commands.examples import with_examples
from nightcramp.errors import UsageError

EXAMPLES = """
  nightcramp report trial --out trial/report
  nightcramp report trial --out unblinded --arms trial/arms.tsv
  nightcramp report trial --out final --arms trial/arms.tsv --final
"""


@with_examples(EXAMPLES)
def report(
    study: Annotated[Path, typer.Argument(help="Study folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the report.")],
    arms: Annotated[
        Path | None, typer.Option(help="Allocation (participant_id, arm); opens the blind.")
    ] = None,
    final: Annotated[
        bool, typer.Option("--final", help="Compare the arms: the data are complete and locked.")
    ] = False,
    dmc: Annotated[
        bool, typer.Option("--dmc", help="Compare the arms for the data monitoring committee.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="The outcomes on standard output as well.")
    ] = False,
) -> None:
    """Write the report of a study: report.html, outcomes.json, and its tables as CSV.

    Without --arms nothing in the report can separate the arms, and a blinded study shows no
    participant's own cramp counts. Models and tests are computed with --final or --dmc only, which
    need --arms. Exit code 1 if the tables have faults: each is named.
    """
    from nightcramp.reporting import write_report
    from trial import RunKind

    if final and dmc:
        raise UsageError("--final and --dmc: choose one")
    if (final or dmc) and arms is None:
        raise UsageError("--final and --dmc compare the arms: give the allocation with --arms")
    run = RunKind.FINAL if final else RunKind.DMC if dmc else RunKind.WEEKLY
    result = write_report(study, out, arms=arms, run=run)
    if as_json:
        typer.echo(json.dumps(result, indent=2))
    else:
        typer.echo(f"report: {out / 'report.html'}")
