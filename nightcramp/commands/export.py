"""``nightcramp export``: a study in the formats of statisticians, data managers and hospitals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from nightcramp.commands.examples import with_examples

EXAMPLES = """
  nightcramp export trial --format csv --out export-csv
  nightcramp export trial --format xpt --out sas --arms arms.tsv --unblind "final analysis"
  nightcramp export trial --format redcap --out redcap --study-id NLC-01
"""


@with_examples(EXAMPLES)
def export(
    study: Annotated[Path, typer.Argument(help="Study folder.")],
    name: Annotated[str, typer.Option("--format", help="csv, redcap, dataset-json, xpt or fhir.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the files; must be new.")],
    study_id: Annotated[
        str | None, typer.Option(help="Code of the study; the name of its folder if not given.")
    ] = None,
    arms: Annotated[
        Path | None, typer.Option(help="Allocation (participant_id, arm); needs --unblind.")
    ] = None,
    unblind: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Why the arms are opened; goes to the audit log."),
    ] = None,
    who: Annotated[
        str | None,
        typer.Option(help="Who exports, for the audit log; your login name if not given."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Export participants, nights and weeks, with a data dictionary and where they come from.

    A blinded study keeps episodes, the diary and every cramp count of a participant back unless
    the arms are opened; the data dictionary names what is withheld. Each export is written to the
    study's audit log with the hash of every file. Exit code 1 if the tables have faults.
    """
    from nightcramp.actor import actor
    from nightcramp.exporting import ExportRequest, write_export
    from nightcramp.unblinding import allocation_change

    request = ExportRequest(study, out, name, actor(who), study_id, arms, unblind)
    hashes = write_export(request)
    if arms is not None and (change := allocation_change(study)) is not None:
        typer.echo(f"warning: {change}", err=True)
    if as_json:
        typer.echo(json.dumps({"folder": str(out), "files": hashes}, indent=2))
        return
    for file in hashes:
        typer.echo(out / file)
