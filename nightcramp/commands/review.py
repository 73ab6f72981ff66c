"""``nightcramp review``: what people settled on, as labels, as a study's episodes, as agreement."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightcramp.commands.examples import with_examples

if TYPE_CHECKING:
    from nightcramp.review.agreement import ScorerAgreement

review = typer.Typer(
    no_args_is_help=True,
    help="What people settled on in 'nightcramp app', as labels, episodes and agreement.",
)

Results = Annotated[
    Path, typer.Argument(metavar="RESULTS", help="Folder that analyze wrote, with its reviews.")
]
Who = Annotated[str | None, typer.Option(help="Name for the audit log; the login name.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]

LABELS_EXAMPLES = """
  nightcramp review labels results --out labels
"""
EPISODES_EXAMPLES = """
  nightcramp study collect trial --results results
  nightcramp review episodes results --study trial
"""
AGREEMENT_EXAMPLES = """
  nightcramp review agreement results --json
"""


@review.callback()
def _group() -> None:
    """Write what people settled on in 'nightcramp app'."""


@with_examples(LABELS_EXAMPLES)
def labels(
    results: Results,
    out: Annotated[Path, typer.Option("--out", "-o", help="Root of the BIDS data set.")],
    study: Annotated[Path | None, typer.Option(help="Study whose audit log is kept.")] = None,
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """Write NAME_events.tsv of every finished night, laid out as a BIDS data set.

    Nights whose review is not finished are named and left out. Exit code 1 if a night could not be
    written.
    """
    from nightcramp.actor import actor
    from nightcramp.review.labels import export_labels
    from nightcramp.review.nights import find_nights

    found = export_labels(find_nights(results, study), out, who=actor(who))
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2, default=str))
    else:
        typer.echo(f"{len(found.files)} nights written to {out}")
        _name(found.unfinished, found.failures)
    if found.failures:
        raise typer.Exit(1)


@with_examples(EPISODES_EXAMPLES)
def episodes(
    results: Results,
    study: Annotated[Path, typer.Option(help="Study folder, whose nights have been collected.")],
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """Put the episodes of finished nights into the study, in place of the detector's.

    They are confirmed or rejected, and their version says who reviewed them. 'study collect' leaves
    such nights alone. Exit code 1 if a night could not be written.
    """
    from nightcramp.actor import actor
    from nightcramp.review.nights import find_nights
    from nightcramp.review.study_episodes import export_episodes

    found = export_episodes(find_nights(results, study), study, who=actor(who))
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
    else:
        typer.echo(
            f"{found.nights} nights: {found.confirmed} episodes confirmed, "
            f"{found.rejected} rejected"
        )
        _name(found.unfinished, found.failures)
    if found.failures:
        raise typer.Exit(1)


@with_examples(AGREEMENT_EXAMPLES)
def agreement(results: Results, as_json: AsJson = False) -> None:
    """Show how well two blinded scorers agree, night by night and over all nights.

    Events are the same from an overlap over union of 0.2 or of 0.5 on; Cohen's kappa is over
    epochs of 30 s that were analysable.
    """
    from nightcramp.review.agreement import pooled
    from nightcramp.review.nights import find_nights
    from nightcramp.review.scoring import compare_scorers, scoring_state

    nights = [night for night in find_nights(results) if scoring_state(night).may_be_compared]
    compared = {night.name: compare_scorers(night) for night in nights}
    lines = {**compared, "all nights": pooled(list(compared.values()))}
    if as_json:
        typer.echo(json.dumps({name: _figures(one) for name, one in lines.items()}, indent=2))
        return
    for name, one in lines.items():
        figures = _figures(one)
        typer.echo(f"{name}: " + ", ".join(f"{key} {_shown(figures[key])}" for key in _SHOWN))


_SHOWN = ("f1_at_0.2", "f1_at_0.5", "kappa")


def _figures(one: ScorerAgreement) -> dict[str, float | int | None]:
    figures: dict[str, float | int | None] = {}
    for events in one.events:
        figures[f"f1_at_{events.least_overlap}"] = events.f1
        figures[f"agreed_at_{events.least_overlap}"] = events.agreed
    marked = {"first": one.events[0].cramps, "second": one.events[0].episodes}
    return {**figures, **marked, "kappa": one.epochs.kappa, **asdict(one.epochs)}


def _shown(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"


def _name(unfinished: tuple[str, ...], failures: tuple[str, ...]) -> None:
    for night in unfinished:
        typer.echo(f"not finished: {night}", err=True)
    for failure in failures:
        typer.echo(f"failed: {failure}", err=True)


review.command()(labels)
review.command()(episodes)
review.command()(agreement)
