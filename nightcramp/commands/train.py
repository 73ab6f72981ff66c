"""``nightcramp train``: makes the classifier."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from nightcramp.commands.examples import with_examples

EXAMPLES = """
  nightcramp train --out nightcramp.onnx
  nightcramp train --out ours.onnx --recordings study/bids --version 3-ours
  nightcramp train --out no-walking.onnx --without toilet_trip
  nightcramp analyze night.edf --out results --model nightcramp.onnx
"""


@with_examples(EXAMPLES)
def train(
    out: Annotated[Path, typer.Option("--out", "-o", help="The ONNX file to write.")],
    recordings: Annotated[
        list[Path] | None,
        typer.Option(
            help="BIDS folder of recordings with cramps labelled in *_events.tsv, to learn from as "
            "well; may be given several times. Cramps that are not labelled are learnt as none.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    nights: Annotated[
        int | None,
        typer.Option(min=1, help="Training nights; as for the shipped model by default."),
    ] = None,
    tuning_nights: Annotated[
        int | None, typer.Option(min=1, help="Nights the thresholds are tuned on.")
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            help="Leave this kind of event out of the training nights, to see what a model is "
            "worth that never met it; may be given several times."
        ),
    ] = None,
    version: Annotated[str | None, typer.Option(help="Version the model gives itself.")] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Processes; all processors by default."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Train the classifier on simulated nights and write it as ONNX, with its hash beside it.

    Needs the extra 'train'. The defaults make the shipped model again, byte for byte. Of labelled
    recordings two participants in three are learnt from, and the others tune the thresholds.
    """
    from dataclasses import replace

    from models import TrainingSettings
    from models import train as run
    from models.classifier import HASH_ENDING, hash_text
    from nightcramp.batch import default_jobs
    from nightcramp.labelled import check_labelled, find_labelled, find_unlabelled
    from nightcramp.progress import show_progress
    from recordings import check_writable, write_bytes, write_text

    check_writable(out)
    usual = TrainingSettings()
    settings = replace(
        usual,
        nights=nights or usual.nights,
        tuning_nights=tuning_nights or usual.tuning_nights,
        version=version or usual.version,
        without=tuple(without or ()),
    )
    labelled = find_labelled(recordings) if recordings else []
    check_labelled(labelled)
    for file in find_unlabelled(recordings or [], labelled):
        typer.echo(f"not learnt from, without labels: {file}", err=True)
    with show_progress() as progress:
        model = run(settings, jobs=jobs or default_jobs(), progress=progress, labelled=labelled)
    write_bytes(out, model.content)
    write_text(out.with_name(out.name + HASH_ENDING), hash_text(model.content, out.name))
    facts = {
        "file": str(out),
        "kilobytes": round(len(model.content) / 1000, 1),
        "labelled_recordings": len(labelled),
        "frames": model.frames,
        "frames_of_class": model.frames_of_class,
        "data_sha256": model.description.training["data_sha256"],
        "on": model.description.rules.on,
        "off": model.description.rules.off,
    }
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
    else:
        real = f" and {len(labelled)} labelled recordings" if labelled else ""
        typer.echo(
            f"{out}: {facts['kilobytes']} kB, learnt from {model.frames} frames of "
            f"{settings.nights} simulated nights{real}; an episode begins at "
            f"{model.description.rules.on} and ends below {model.description.rules.off}"
        )
