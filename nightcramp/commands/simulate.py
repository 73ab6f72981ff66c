"""``nightcramp simulate``: nights and studies with known truth."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from nightcramp.commands.examples import with_examples

EVENING = datetime(2026, 1, 12, 22)  # noqa: DTZ001 (recordings have local time without zone)

simulate = typer.Typer(no_args_is_help=True, help="Simulate nights or a study with known truth.")

NIGHTS_EXAMPLES = """
  nightcramp simulate nights --count 20 --out nights
  nightcramp simulate nights --suite plm --hours 2 --sensor npg --seed 7 --out plm
"""

STUDY_EXAMPLES = """
  nightcramp simulate study --participants 12 --weeks 2 --out trial
  nightcramp analyze trial/recordings --out trial/results
"""


@with_examples(NIGHTS_EXAMPLES)
def nights(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the nights.")],
    count: Annotated[
        int, typer.Option(min=1, help="Number of nights, each of another person.")
    ] = 1,
    hours: Annotated[float, typer.Option(min=0.01, max=14, help="Length of each night.")] = 8.0,
    sensor: Annotated[str, typer.Option(help="Sensor whose rate, band and noise to imitate.")] = (
        "reference"
    ),
    suite: Annotated[str, typer.Option(help="What the night is full of.")] = "ordinary",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first night.")] = 3_000_000,
    start: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%dT%H:%M:%S"], help="Local start of each night.")
    ] = EVENING,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Processes; all processors by default."),
    ] = None,
) -> None:
    """Simulate single nights: NAME.edf with NAME_truth.tsv beside it.

    The same seed gives the same night. The shipped classifier learnt from seeds 1,000,000 to
    2,999,999; the default lies outside of them.
    """
    from nightcramp.batch import default_jobs
    from nightcramp.progress import show_progress
    from nightcramp.simulation import NightsSpec, write_nights

    spec = NightsSpec(count, hours, sensor, suite, seed, start)
    with show_progress() as progress:
        progress("simulated nights", 0, count)
        written = enumerate(write_nights(spec, out, jobs=jobs or default_jobs()), start=1)
        for done, _ in written:
            progress("simulated nights", done, count)
    typer.echo(f"{count} nights in {out}")


@with_examples(STUDY_EXAMPLES)
def study(
    out: Annotated[Path, typer.Option("--out", "-o", help="Study folder to make.")],
    participants: Annotated[int, typer.Option(min=2, help="Of both arms together.")] = 8,
    run_in_weeks: Annotated[int, typer.Option(min=0, help="Weeks before randomisation.")] = 2,
    weeks: Annotated[int, typer.Option(min=1, help="Weeks of treatment.")] = 8,
    nights_per_week: Annotated[int, typer.Option(min=1, max=7, help="Nights to be worn.")] = 7,
    hours: Annotated[float, typer.Option(min=0.01, max=14, help="Length of each night.")] = 8.0,
    sensor: Annotated[str, typer.Option(help="Sensor to imitate.")] = "profile_v1",
    rate_ratio: Annotated[
        float, typer.Option(min=0.0, help="Cramp rate under treatment over run-in, active arm.")
    ] = 0.35,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the study.")] = 4,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Processes; all processors by default."),
    ] = None,
) -> None:
    """Simulate a two-arm study: study tables, diary, arms, and nights as EDF with their truth.

    Night after night is written to STUDY/recordings; nights that stand there are not made again.
    """
    from models.simulator import StudySpec
    from nightcramp.batch import default_jobs
    from nightcramp.progress import show_progress
    from nightcramp.simulation import write_study

    spec = StudySpec(
        participants=participants,
        run_in_weeks=run_in_weeks,
        weeks=weeks,
        nights_per_week=nights_per_week,
        hours=hours,
        sensor=sensor,
        rate_ratio=rate_ratio,
    )
    total = 0
    with show_progress() as progress:
        for done, total in write_study(spec, seed, out, jobs=jobs or default_jobs()):
            progress("simulated nights", done, total)
    typer.echo(f"{total} nights of {participants} participants in {out}")


simulate.command()(nights)
simulate.command()(study)
