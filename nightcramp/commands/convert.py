"""``nightcramp convert``: recordings into other formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightcramp.commands.examples import with_examples

if TYPE_CHECKING:
    from nightcramp.converting import Converted

EXAMPLES = """
  nightcramp convert recordings/P042_2026-11-22_left.ncj
  nightcramp convert recordings/ --to bids --out tree
  nightcramp convert P042_2026-11-22_left.ncj --to mcap --key site.pem
  nightcramp convert night.edf --to bids --participant P042 --out tree
"""


@with_examples(EXAMPLES)
def convert(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT...", help="Journals, EDF or BDF files, or folders of either."
        ),
    ],
    to: Annotated[str, typer.Option(metavar="bids|edf|mcap", help="Format.")] = "bids",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder; by default one beside each input."),
    ] = None,
    single_file: Annotated[
        bool, typer.Option("--single-file", help="EMG and acceleration in one file of the tree.")
    ] = False,
    participant: Annotated[
        str,
        typer.Option(
            help="Pseudonym for a file, which else goes by its own name; journals know theirs."
        ),
    ] = "",
    key: Annotated[
        Path | None, typer.Option(help="The site's private key, of encrypted journals.")
    ] = None,
    companion: Annotated[
        Path | None,
        typer.Option(metavar="JOURNAL", help="Take acceleration from this sensor's journal."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output.")
    ] = False,
) -> None:
    """Make EDF, an EMG-BIDS tree or MCAP of recordings.

    bids: EDF+C (BDF+C above 16 bits) with its side files, EMG and acceleration apart; a tree is
    added to. edf: one file of a journal, without side files. mcap: a journal's raw packets; needs
    the extra 'mcap'. Counts are copied one to one; what a header says of a person is left out, but
    the name of a file and its annotations are taken as they are. Exit code 1 if an input failed:
    the others are done.
    """
    from nightcramp.converting import Conversion, Target, check_wanted, convert_all, find_inputs
    from nightcramp.errors import UsageError
    from nightcramp.progress import show_progress

    if to not in set(Target):
        raise UsageError(f"--to {to}: expected bids, edf or mcap")
    wanted = Conversion(Target(to), out, single_file, key, companion, participant)
    sources = find_inputs(inputs)
    check_wanted(wanted, sources)
    results = []
    with show_progress() as progress:
        progress("recordings", 0, len(sources))
        for result in convert_all(sources, wanted):
            results.append(result)
            progress("recordings", len(results), len(sources))
    _show(results, as_json=as_json)
    if any(result.error for result in results):
        raise typer.Exit(1)


def _show(results: list[Converted], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"results": [_as_json(result) for result in results]}, indent=2))
        return
    for result in results:
        if result.error:
            typer.echo(f"failed   {result.error}", err=True)
        for file in result.files:
            typer.echo(f"written  {file}")
    done = sum(not result.error for result in results)
    typer.echo(f"{done} of {len(results)} recordings converted")


def _as_json(result: Converted) -> dict[str, object]:
    return {
        "source": str(result.source),
        "files": [str(file) for file in result.files],
        "error": result.error or None,
    }
