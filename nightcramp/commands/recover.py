"""``nightcramp recover``: journals that were cut, put in order."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightcramp.commands.examples import with_examples

if TYPE_CHECKING:
    from recordings.journal import Findings

EXAMPLES = """
  nightcramp recover recordings/P042_2026-11-22_left.ncj
  nightcramp recover recordings/ --json
"""


@with_examples(EXAMPLES)
def recover(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Journals (NAME.ncj), or folders of them."),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output.")
    ] = False,
) -> None:
    """Say what is in journals, what is lost, and close those that were cut.

    What was recorded is never changed: a segment is added that tells what was found. The recorder
    does the same by itself when it goes on with a journal. Works without the key of an encrypted
    journal. Exit code 1 if a journal is unreadable, in use, or cannot be added to.
    """
    from recordings.journal import find_journals

    journals = {journal: None for path in paths for journal in find_journals(path)}
    results = [_result(journal) for journal in journals]
    if as_json:
        typer.echo(json.dumps({"journals": [_as_json(result) for result in results]}, indent=2))
    else:
        for result in results:
            _show(result)
    if any(result.error for result in results):
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Result:
    """What came of one journal; `found` may be known even if `error` stands."""

    journal: Path
    found: Findings | None
    is_sealed_now: bool = False
    error: str | None = None


def _result(path: Path) -> _Result:
    from firmware_bridge import HostClock
    from nightcramp.errors import BusyError, InputError, OutputError
    from recordings.journal import examine, open_journal
    from recordings.journal import recover as recover_journal

    try:
        recovery = recover_journal(path, HostClock())
    except InputError as error:
        return _Result(path, None, error=str(error))
    except (BusyError, OutputError) as error:
        return _Result(path, examine(open_journal(path)), error=str(error))
    return _Result(recovery.folder, recovery.found, recovery.is_sealed_now)


def _show(result: _Result) -> None:
    if result.found:
        typer.echo(f"{result.journal}: {_sentence(result.found)}")
        for damage in result.found.damage:
            typer.echo(f"  {damage}")
    if result.is_sealed_now:
        typer.echo("  A segment was added that says so; what was recorded is unchanged.")
    if result.error:
        typer.echo(f"failed   {result.error}", err=True)


def _sentence(found: Findings) -> str:
    hours, minutes = divmod(round(found.duration_s / 60), 60)
    end = "closed properly" if found.sealed else "not closed: program or computer ended first"
    return (
        f"{hours} h {minutes:02} min, {found.n_records:,} records in {found.n_segments} segments; "
        f"{end}; {_loss(found)}"
    )


def _loss(found: Findings) -> str:
    if not found.damage:
        return "nothing that was written is missing"
    least = "" if found.is_loss_known else "at least "
    places = "one place" if len(found.damage) == 1 else f"{len(found.damage)} places"
    return f"damaged in {places}, {least}{found.seconds_lost:.1f} s lost"


def _as_json(result: _Result) -> dict[str, object]:
    found = result.found
    return {
        "journal": str(result.journal),
        "duration_s": found and round(found.duration_s, 3),
        "records": found and found.n_records,
        "segments": found and found.n_segments,
        "was_sealed": found and found.sealed,
        "sealed_now": result.is_sealed_now,
        "seconds_lost": found and round(found.seconds_lost, 3),
        "loss_is_known": found and found.is_loss_known,
        "damage": [damage.to_json() for damage in found.damage] if found else [],
        "error": result.error,
    }
