"""Leave a class of disturbance out of training: ``python -m benchmarks.detector_left_out``.

What the detector then makes of nights full of it is the honest estimate of what it makes of
disturbances nobody has thought of.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from benchmarks.costs import ROOT
from benchmarks.detector_comparison import frame_all
from benchmarks.detector_kinds import BoostedTrees
from benchmarks.detector_nights import training_nights
from benchmarks.report import processor, put_into_page
from models.evaluation import NIGHT_H, false_alarms, score_each, sensitivity
from models.tuning import fit_evidence, tune_rules
from nightcramp.evaluation.suites import suite_nights
from nightcramp.evaluation.tables import suite_name
from nightcramp.progress import show_progress
from nightcramp.version import code_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.detector_nights import FramedNight
    from models.evaluation import Proportion, Rate
    from nightcramp.progress import Report
    from sensing import EvidenceWeights, SegmentationRules

PAGE = ROOT / "docs" / "detector_left_out.md"
RESULTS = ROOT / "benchmarks" / "results"

LEFT_OUT: dict[str, tuple[str, ...]] = {
    "plm": ("leg_movement_series",),
    "restless_legs": ("restless_bout",),
    "restless_sleeper": ("posture_shift", "rhythmic"),
    "toilet_trips": ("toilet_trip",),
    "standing": ("standing", "massage"),
    "long_holds": ("hold", "long_hold", "repeated_holds", "tonic"),
    "exercise": ("exercise",),
    "hum": ("hum", "interference"),
    "lift_off": ("lift_off", "pop"),
    "saturation": ("saturation",),
    "dropouts": ("drop_out",),
}
"""Suites, and the sources of the simulator that never happen in training for each."""


TUNING_SHARE = 3
"""One training night in three is for weighing episodes and for thresholds, not for the trees."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one model makes of the nights of a suite."""

    cramps: Proportion
    alarms: Rate


@dataclass(frozen=True, slots=True)
class Row:
    """The nights of a suite, judged by a model that knew it and by one that did not."""

    suite: str
    left_out: tuple[str, ...]
    knowing: Verdict
    unknowing: Verdict


def main() -> None:
    options = _options()
    with show_progress() as progress:
        rows = make_rows(options, progress)
    text = page_text(rows, options)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"detector_left_out_{datetime.now().astimezone():%Y-%m-%dT%H%M%S}.json"
    file.write_text(json.dumps([asdict(row) for row in rows], indent=2), encoding="utf-8")
    if options.publish:
        put_into_page(text, PAGE)


def make_rows(options: argparse.Namespace, progress: Report) -> list[Row]:
    suites = options.suites or list(LEFT_OUT)
    specs = [spec for spec in suite_nights(options.nights, options.hours) if spec.suite in suites]
    evaluation = frame_all(specs, "evaluation nights", progress)
    knowing = trained(options, (), progress)
    rows = []
    for suite in suites:
        nights = [night for night in evaluation if night.name.startswith(f"{suite}-")]
        unknowing = trained(options, LEFT_OUT[suite], progress)
        rows.append(
            Row(suite, LEFT_OUT[suite], judged_by(knowing, nights), judged_by(unknowing, nights))
        )
    return rows


@dataclass(frozen=True, slots=True)
class Detector:
    """Trees, and how their episodes are weighed: learnt on other nights, as those shipped."""

    trees: BoostedTrees
    evidence: EvidenceWeights
    rules: SegmentationRules


def trained(options: argparse.Namespace, without: tuple[str, ...], progress: Report) -> Detector:
    """Return a detector no part of which ever saw what is left out."""
    name = f" without {', '.join(without)}" if without else ""
    training = training_nights(options.training, options.hours, without)
    nights = frame_all(training, f"training nights{name}", progress)
    tuning, learning = (
        nights[::TUNING_SHARE],
        [night for place, night in enumerate(nights) if place % TUNING_SHARE],
    )
    trees = BoostedTrees()
    trees.learn(learning)
    scored = [night.scored(trees.score) for night in tuning]
    evidence = fit_evidence(scored)
    return Detector(trees, evidence, tune_rules(scored, evidence))


def judged_by(detector: Detector, nights: Sequence[FramedNight]) -> Verdict:
    """Judge nights of people the detector has not met."""
    scored = score_each(
        night.scored(detector.trees.score).judge(detector.rules, detector.evidence)
        for night in nights
    )
    return Verdict(sensitivity(scored, lambda match: match.easy), false_alarms(scored))


def page_text(rows: Sequence[Row], options: argparse.Namespace) -> str:
    """Return the table and how it came about, as Markdown."""
    head = (
        "| nights full of | left out of training | false alarms per 8 h, learnt (95 % CI) | "
        "left out (95 % CI) | cramps found, learnt | left out |"
    )
    lines = [head, "|---|---|" + "---:|" * 4, *map(_line, rows), ""]
    lines.append(
        f"{options.training} training nights of {options.hours:g} h for each model, "
        f"{options.nights} evaluation nights of each suite, simulated; "
        f"{datetime.now().astimezone():%Y-%m-%d}, nightcramp {code_version()}, {processor()}.\n"
    )
    return "\n".join(lines)


def _line(row: Row) -> str:
    cells = (
        suite_name(row.suite),
        ", ".join(name.replace("_", " ") for name in row.left_out),
        _rate(row.knowing.alarms),
        _rate(row.unknowing.alarms),
        f"{row.knowing.cramps.count} of {row.knowing.cramps.of}",
        f"{row.unknowing.cramps.count} of {row.unknowing.cramps.of}",
    )
    return f"| {' | '.join(cells)} |"


def _rate(rate: Rate) -> str:
    value, low, high = rate.per(NIGHT_H) or (0.0, 0.0, 0.0)
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suites", nargs="+", choices=list(LEFT_OUT), help="all by default")
    parser.add_argument("--training", type=int, default=84, help="training nights of each model")
    parser.add_argument("--nights", type=int, default=6, help="evaluation nights of each suite")
    parser.add_argument("--hours", type=float, default=0.75, help="length of each night")
    parser.add_argument(
        "--publish", action="store_true", help=f"put the table into docs/{PAGE.name}"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
