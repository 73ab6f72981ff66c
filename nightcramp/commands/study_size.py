"""``nightcramp study size``: how many participants a trial needs."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from nightcramp.commands.examples import with_examples

if TYPE_CHECKING:
    from trial.statistics import SampleSize

EXAMPLES = """
  nightcramp study size --rate-ratio 0.7
  nightcramp study size --rate-ratio 0.7 --reference-rate 2.6 --wear 0.75 --false-alarms 0.07
  nightcramp study size --rate-ratio 0.7 --controls 60 --json
"""


@with_examples(EXAMPLES)
def size(
    rate_ratio: Annotated[
        float, typer.Option(help="Effect to be found: cramps under treatment over reference.")
    ],
    reference_rate: Annotated[float, typer.Option(help="Cramps per week, reference arm.")] = 3.63,
    weeks: Annotated[float, typer.Option(help="Weeks under treatment.")] = 8.0,
    wear: Annotated[float, typer.Option(help="Share of that time that is analysable.")] = 1.0,
    stopping: Annotated[
        float, typer.Option(help="Share of participants of whom nothing is to be had.")
    ] = 0.0,
    false_alarms: Annotated[
        float, typer.Option(help="False alarms of the detector in eight analysable hours.")
    ] = 0.0,
    dispersion: Annotated[
        float,
        typer.Option(
            help="Variance of participants' levels (alpha of the negative binomial): about 0.36, "
            "or 0.16 after adjusting for a run-in of two weeks."
        ),
    ] = 0.36,
    allocation: Annotated[float, typer.Option(help="Treated for each control.")] = 1.0,
    alpha: Annotated[float, typer.Option(help="Two-sided significance level.")] = 0.05,
    power: Annotated[float, typer.Option(help="Chance to find the effect.")] = 0.9,
    controls: Annotated[
        int | None,
        typer.Option(min=1, help="Say what power so many controls have, and their treated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Say how many participants a trial of cramps per week needs.

    For the comparison of two parallel arms by negative binomial totals. False alarms add the same
    to both arms, so the ratio of what is counted is nearer to 1 than the effect: a detector that
    raises some needs more participants.
    """
    from trial.statistics import SampleSize, TrialPlan, expected_power, sample_size

    plan = TrialPlan(
        rate_ratio=rate_ratio,
        reference_rate=reference_rate,
        dispersion=dispersion,
        weeks=weeks,
        wear=wear,
        stopping=stopping,
        false_alarms=false_alarms,
        allocation=allocation,
        alpha=alpha,
    )
    if controls is None:
        found = sample_size(plan, power)
    else:
        treated = math.ceil(allocation * controls - 1e-9)
        found = SampleSize(treated, controls, expected_power(plan, controls), plan)
    reference, treatment = plan.counted
    if as_json:
        counted = {"reference": reference, "treatment": treatment}
        typer.echo(json.dumps(asdict(found) | {"counted_per_week": counted}, indent=2))
    else:
        typer.echo(_told(found, reference, treatment))


def _told(found: SampleSize, reference: float, treatment: float) -> str:
    plan = found.plan
    return (
        f"{found.controls} controls and {found.treated} treated find a rate ratio of "
        f"{plan.rate_ratio:g} with a power of {_percent(found.power)} (two-sided {plan.alpha:g}).\n"
        f"Counted per week: {reference:.2f} and {treatment:.2f}, ratio {treatment / reference:.2f}."
        f"\n{found.method}; {plan.weeks:g} weeks, {_percent(plan.wear)} of them analysable, "
        f"dispersion {plan.dispersion:g}, {_percent(plan.stopping)} of participants lost."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
