"""``nightcramp audit``: who did what to a study's results, and whether the log of it is whole."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightcramp.commands.examples import with_examples

if TYPE_CHECKING:
    from trial.audit import AuditEntry, AuditFindings

audit = typer.Typer(no_args_is_help=True, help="Verify and list the audit log of a study.")

VERIFY_EXAMPLES = """
  nightcramp audit verify trial
  nightcramp audit verify trial --head 5c5ae42340632dbb9cc3a561
"""

LIST_EXAMPLES = """
  nightcramp audit list trial
  nightcramp audit list trial --json > audit.json
"""


@audit.callback()
def _group() -> None:
    """Verify and list the audit log of a study."""


@with_examples(VERIFY_EXAMPLES)
def verify(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="Study folder.")],
    head: Annotated[
        str | None,
        typer.Option(
            metavar="HASH",
            help="Hash from a report's footer, or 12 of its digits or more: must be in the log.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Check that no entry was changed, removed, moved or cut off.

    Every line at fault is named. Somebody who may write to the study's folder could put back an
    older log together with its audit.head: only a hash that was kept elsewhere tells. Give the one
    in the footer of the last report that you have with --head. Exit code 1 if anything is wrong.
    """
    from trial.audit import verify_audit

    found = verify_audit(study, head=head)
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
    else:
        _print(found)
    if found.faults:
        raise typer.Exit(1)


@with_examples(LIST_EXAMPLES)
def list_(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="Study folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """List the entries, the oldest first. A log that is not whole is refused."""
    from trial.audit import read_audit

    entries = read_audit(study)
    if as_json:
        typer.echo(json.dumps([_document(entry) for entry in entries], indent=2))
        return
    for entry in entries:
        typer.echo(_line(entry))


def _print(found: AuditFindings) -> None:
    for fault in found.faults:
        typer.echo(f"fault    {fault}")
    if found.unfinished:
        typer.echo("note     an entry was interrupted while it was written; the next puts it right")
    noun = "entry" if found.entries == 1 else "entries"
    if found.faults:
        typer.echo(f"{found.entries} {noun}, {len(found.faults)} at fault")
    else:
        typer.echo(f"{found.entries} {noun}, all as written; head {found.head or 'none yet'}")


def _line(entry: AuditEntry) -> str:
    change = [
        f"{name} {json.dumps(value, ensure_ascii=False)}"
        for name, value in (("before", entry.before), ("after", entry.after))
        if value is not None
    ]
    why = [f"because {json.dumps(entry.reason, ensure_ascii=False)}"] if entry.reason else []
    at = entry.at_utc.strftime("%Y-%m-%dT%H:%M:%SZ")
    what = f"{entry.sequence}\t{at}\t{entry.who}\t{entry.action}\t{entry.subject}"
    return "\t".join([what, *change, *why])


def _document(entry: AuditEntry) -> dict[str, object]:
    return {**asdict(entry), "at_utc": entry.at_utc.isoformat().replace("+00:00", "Z")}


audit.command()(verify)
audit.command("list")(list_)
