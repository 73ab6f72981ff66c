"""``nightcramp doctor``: whether this computer can record a night."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from nightcramp.commands.examples import with_examples

EXAMPLES = """
  nightcramp doctor
  nightcramp doctor --out /data/recordings --json
"""


@with_examples(EXAMPLES)
def doctor(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder that nights are recorded to.")
    ] = Path("recordings"),
    radio: Annotated[
        str | None,
        typer.Option(metavar="tcp:HOST:PORT", help="An emulated sensor instead of Bluetooth."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output.")
    ] = False,
) -> None:
    """Look at model, folder, disk, clock, Bluetooth and extras, and say what to do.

    Takes about five seconds and changes nothing. Exit code 1 if something is in the way of a
    night.
    """
    from firmware_bridge import HostClock
    from nightcramp.recorder.checkup import examine_computer

    findings = []
    for finding in examine_computer(out, HostClock(), radio):
        findings.append(finding)
        if not as_json:
            typer.echo(f"{'ok ' if finding.ok else 'FIX'}  {finding.part:<10} {finding.text}")
    passed = all(finding.ok for finding in findings)
    if as_json:
        parts = {each.part: {"ok": each.ok, "says": each.text} for each in findings}
        typer.echo(json.dumps({"ok": passed, "parts": parts}, indent=2))
    if not passed:
        raise typer.Exit(1)
