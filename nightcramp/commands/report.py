"""``nightcramp report``: a study folder to its reports."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from nightcramp.commands.examples import with_examples
from nightcramp.errors import UsageError

EXAMPLES = """
  nightcramp report trial --out reports/week-12 --pdf
  nightcramp report trial --out sheets --participant S1-007 --week 3
  nightcramp report trial --out dmc --dmc --arms arms.tsv --unblind "DMC meeting of 3 May"
  nightcramp report trial --out final --final --arms arms.tsv --unblind "data locked"
"""


@with_examples(EXAMPLES)
def report(
    study: Annotated[Path, typer.Argument(help="Study folder.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the report; must be new (see below).")
    ],
    participant: Annotated[
        str | None,
        typer.Option(metavar="CODE", help="The summary for this participant, of a week or night."),
    ] = None,
    week: Annotated[
        int | None, typer.Option(help="With --participant: this week; the latest if not given.")
    ] = None,
    night: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="With --participant: the night of this evening."),
    ] = None,
    arms: Annotated[
        Path | None, typer.Option(help="Allocation (participant_id, arm); needs --unblind.")
    ] = None,
    unblind: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Why the arms are opened; goes to the audit log."),
    ] = None,
    final: Annotated[
        bool, typer.Option("--final", help="Compare the arms: the data are complete and locked.")
    ] = False,
    dmc: Annotated[
        bool, typer.Option("--dmc", help="Compare the arms for the data monitoring committee.")
    ] = False,
    who: Annotated[
        str | None,
        typer.Option(help="Who reports, for the audit log; your login name if not given."),
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="A tagged PDF as well (extra 'pdf').")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="The outcomes on standard output as well.")
    ] = False,
) -> None:
    """Write the report of a study: report.html, outcomes.json, and its tables as CSV.

    Without --arms nothing in the report can separate the arms, and a blinded study shows no
    participant's own cramp counts. With --arms and a reason it is report_unblinded.html; the
    reason is in the study's audit log before anything is read out of it. Models and tests are
    computed with --final or --dmc only. With --participant it is one page for that person, into a
    folder that may hold others' pages. Nothing is overwritten. Exit code 1 if the tables have
    faults: each is named.
    """
    from nightcramp.actor import actor
    from nightcramp.reporting import write_participant_summary, write_report
    from nightcramp.unblinding import allocation_change
    from trial import RunKind

    if final and dmc:
        raise UsageError("--final and --dmc: choose one")
    if participant is None:
        if week is not None or night is not None:
            raise UsageError("--week and --night belong to --participant")
        run = RunKind.FINAL if final else RunKind.DMC if dmc else RunKind.WEEKLY
        result = write_report(
            study, out, who=actor(who), arms=arms, unblind=unblind, run=run, pdf=pdf
        )
        if arms is not None and (change := allocation_change(study)) is not None:
            typer.echo(f"warning: {change}", err=True)
        name = "report" if arms is None else "report_unblinded"
        typer.echo(json.dumps(result, indent=2) if as_json else f"report: {out / name}.html")
        return
    if arms is not None or unblind is not None or final or dmc or as_json:
        raise UsageError(
            "--participant is for the person themself, who is not told the arm: leave --arms, "
            "--unblind, --final, --dmc and --json out"
        )
    evening = None if night is None else night.date()
    files = write_participant_summary(
        study, out, participant, who=actor(who), week=week, night=evening, pdf=pdf
    )
    for file in files:
        typer.echo(f"summary: {file}")
