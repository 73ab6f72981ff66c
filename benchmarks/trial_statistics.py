"""Try the trial statistics on simulated trials: ``python -m benchmarks.trial_statistics``."""

from __future__ import annotations

import argparse
import json
import math
import platform
import resource
import sys
import time
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from benchmarks import tan_2024
from benchmarks.costs import ROOT
from benchmarks.report import processor, put_into_page
from nightcramp.version import code_version
from trial.statistics import (
    Comparison,
    DetectorErrors,
    Share,
    TrialSpec,
    analyse,
    ancova,
    compare_rates,
    detector_errors,
    negative_binomial,
    operating_characteristics,
    simulate_trial,
    welch,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from trial.statistics import AnalysisData, Characteristics, Result

PAGE = ROOT / "docs" / "trial_statistics.md"
RESULTS = ROOT / "benchmarks" / "results"
SEED = 2024

PLANTED = 0.1
"""False alarms in eight analysable hours."""


def primary(data: AnalysisData) -> Result:
    return compare_rates(data, analysis="estimating equations (primary)")


def second(data: AnalysisData) -> Result:
    return negative_binomial(data, analysis="negative binomial totals")


def fallback(data: AnalysisData) -> Result:
    return ancova(data, analysis="analysis of covariance")


def person_weeks(data: AnalysisData) -> Result:
    """Compare rates with every person-week as a unit: what must not be done, beside the others."""
    weeks = data.weeks[data.weeks["exposure"] > 0].merge(data.people, on="participant_id")
    rates = weeks["events"] / weeks["exposure"]
    treated = weeks["arm"] != data.reference
    estimate = welch("difference per week", rates[treated].to_numpy(), rates[~treated].to_numpy())
    return Comparison("person-weeks", "", "", "", (), (estimate,), unit="person-week")


def less_false_alarms(data: AnalysisData) -> Result:
    """Take from both arms the false alarms that were planted in them."""
    found = primary(data)
    errors = detector_errors(found, false_alarms=(PLANTED,))
    if not isinstance(found, Comparison) or not isinstance(errors, DetectorErrors):
        return found
    (step,) = errors.steps
    rates = (step.reference, step.treatment)
    return replace(
        found,
        arms=tuple(
            replace(arm, adjusted=rate) for arm, rate in zip(found.arms, rates, strict=True)
        ),
        estimates=() if step.estimate is None else (step.estimate,),
    )


ANALYSES: dict[str, Callable[[AnalysisData], Result]] = {
    "estimating equations (primary)": primary,
    "negative binomial totals": second,
    "analysis of covariance": fallback,
    "person-weeks as units (wrong)": person_weeks,
}


@dataclass(frozen=True, slots=True)
class Scenario:
    """Trials to simulate, and how many of them for each that was asked for."""

    name: str
    spec: TrialSpec
    share: float = 1.0
    analyses: Mapping[str, Callable[[AnalysisData], Result]] = field(
        default_factory=lambda: ANALYSES
    )


SCENARIOS = (
    Scenario("no effect, 12 + 12", TrialSpec(12, 12, rate_ratio=1.0), share=2),
    Scenario("no effect, 103 + 96", TrialSpec(rate_ratio=1.0)),
    Scenario("3.63 against 0.96, 103 + 96", TrialSpec()),
    Scenario(
        "the same, one night in seven skipped after a cramp", TrialSpec(skipped_after_cramp=0.15)
    ),
    Scenario(
        "the same, two nights in five skipped after a cramp", TrialSpec(skipped_after_cramp=0.40)
    ),
    Scenario(
        "the same, taken off for the night after two cramps in five",
        TrialSpec(removed_after_cramp=0.40),
    ),
    Scenario(
        "the same, one false alarm in ten nights",
        TrialSpec(false_alarms=PLANTED),
        analyses={
            "estimating equations (primary)": primary,
            "the same, less the false alarms": less_false_alarms,
        },
    ),
    Scenario(
        "no effect, one false alarm in ten nights",
        TrialSpec(rate_ratio=1.0, false_alarms=PLANTED),
        analyses={
            "estimating equations (primary)": primary,
            "the same, less the false alarms": less_false_alarms,
        },
    ),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What all analyses of one trial of 199 participants and 70 nights took."""

    seconds: float  # of processor time
    peak_mb: float


def main() -> None:
    options = _options()
    cost = measure_cost()
    found = {scenario.name: characteristics(scenario, options.trials) for scenario in SCENARIOS}
    text = page_text(found, tan_2024.rebuild(), cost)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    numbers = {name: [asdict(row) for row in rows] for name, rows in found.items()}
    file = RESULTS / f"trial_statistics_{datetime.now().astimezone():%Y-%m-%dT%H%M%S}.json"
    file.write_text(json.dumps({"cost": asdict(cost), **numbers}, indent=2), encoding="utf-8")
    if options.publish:
        put_into_page(text, PAGE)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.trial_statistics", description=__doc__
    )
    parser.add_argument("--trials", type=int, default=1000, help="simulated trials a scenario")
    parser.add_argument("--publish", action="store_true", help="put the tables into docs/")
    options = parser.parse_args()
    if options.trials < 2:
        parser.error("--trials must be at least 2")
    return options


def characteristics(scenario: Scenario, trials: int) -> tuple[Characteristics, ...]:
    """Simulate and analyse the trials of a scenario."""

    def tell(done: int) -> None:
        if done % 100 == 0:
            print(f"{scenario.name}: {done}", file=sys.stderr)

    count = round(trials * scenario.share)
    return operating_characteristics(
        scenario.spec, scenario.analyses, trials=count, seed=SEED, tell=tell
    )


def measure_cost() -> Cost:
    """Run all analyses of one trial, with their imports; peak memory is that of the process."""
    data = simulate_trial(TrialSpec(), SEED)
    start = time.process_time()
    analyse(data)
    seconds = time.process_time() - start
    return Cost(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)


def page_text(
    found: dict[str, tuple[Characteristics, ...]],
    rebuilt: Sequence[tan_2024.Rebuilt],
    cost: Cost,
) -> str:
    """Return the tables as Markdown."""
    parts = [
        "### Coverage, type I error and power",
        _effect_table(found),
        "### Bias of the weekly rate",
        _rate_table(found),
        "### The published results with the participant as unit",
        _tan_table(rebuilt),
        _cost_line(cost),
        f"{datetime.now().astimezone():%Y-%m-%d}, {processor()}, {_software()}; seed {SEED}.",
    ]
    return "\n\n".join(parts) + "\n"


def _cost_line(cost: Cost) -> str:
    return (
        "All analyses of one trial of 199 participants and 70 nights, multiple imputation and "
        f"tipping point included: {cost.seconds:.1f} s of processor time, "
        f"{cost.peak_mb:.0f} MB at most."
    )


def _effect_table(found: dict[str, tuple[Characteristics, ...]]) -> str:
    head = (
        "simulated",
        "analysis",
        "quantity",
        "true",
        "mean",
        "coverage, %",
        "p < 0.05, %",
        "refused",
    )
    rows = [
        (
            f"{name} ({row.trials} trials)",
            row.analysis,
            row.quantity,
            _number(row.truth),
            _number(row.mean),
            _percent(row.coverage),
            _percent(row.rejected),
            f"{row.refused}",
        )
        for name, rows in found.items()
        for row in rows
        if not row.quantity.startswith("rate of")
    ]
    return _markdown(head, rows)


def _rate_table(found: dict[str, tuple[Characteristics, ...]]) -> str:
    head = ("simulated", "rate of", "estimate", "true", "mean", "bias, %")
    rows = [
        (
            name,
            row.quantity.removeprefix("rate of "),
            row.analysis,
            f"{row.truth:.2f}",
            f"{row.mean:.3f}",
            _percent(Share(row.bias, row.bias_error)),
        )
        for name, rows in found.items()
        for row in rows
        if row.quantity.startswith("rate of")
    ]
    return _markdown(head, rows)


def _tan_table(rebuilt: Sequence[tan_2024.Rebuilt]) -> str:
    head = ("outcome", "unit", "units", "difference", "95 % CI")
    published = tan_2024.FREQUENCY
    low, high = published.interval or (math.nan, math.nan)
    rows = [
        (published.outcome, "as published", "–", *_numbers(published.difference, low, high)),
        *(
            (
                row.outcome,
                row.reading,
                f"{row.units[0]} + {row.units[1]}",
                *_numbers(row.difference, row.low, row.high),
            )
            for row in rebuilt
        ),
    ]
    return _markdown(head, rows)


def _number(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")


def _numbers(difference: float, low: float, high: float) -> tuple[str, str]:
    texts = (f"{difference:.2f}", f"{low:.2f} to {high:.2f}")
    return texts[0].replace("-", "−"), texts[1].replace("-", "−")


def _percent(share: Share | None) -> str:
    if share is None:
        return "–"
    value = round(100 * share.value, 1) + 0.0  # no minus sign before zero
    return f"{value:.1f} ± {100 * share.error:.1f}".replace("-", "−")


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _software() -> str:
    libraries = [f"{name} {version(name)}" for name in ("numpy", "scipy", "pandas", "statsmodels")]
    return ", ".join(
        [f"nightcramp {code_version()}", f"Python {platform.python_version()}", *libraries]
    )


if __name__ == "__main__":
    main()
