"""Compare kinds of detector on the same nights: ``python -m benchmarks.detector_comparison``.

Each learns from the same frames and is judged on nights of other people.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import average_precision_score

from benchmarks.costs import ROOT
from benchmarks.detector_kinds import CRAMP, KINDS, Kind
from benchmarks.detector_nights import FramedNight, framed_night, training_nights
from benchmarks.detector_points import Point, best_points
from benchmarks.report import processor, put_into_page
from models.evaluation import binomial_interval
from nightcramp.batch import default_jobs
from nightcramp.evaluation.suites import suite_nights
from nightcramp.processes import each
from nightcramp.progress import show_progress
from nightcramp.version import code_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.dataset import NightSpec
    from nightcramp.progress import Report

PAGE = ROOT / "docs" / "detector_comparison.md"
RESULTS = ROOT / "benchmarks" / "results"

BUDGETS = (0.5, 1.0, 2.0)
"""False alarms in eight hours full of disturbances at which kinds are compared."""


@dataclass(frozen=True, slots=True)
class Nights:
    """The nights all kinds of detector see."""

    training: list[FramedNight]
    evaluation: list[FramedNight]


@dataclass(frozen=True, slots=True)
class Row:
    """What one kind of detector reached.

    Attributes
    ----------
    name : str
    precision : float
        Average precision of single frames: no threshold, no segmentation.
    points : list of Point or None
        At each of `BUDGETS`; None if nothing raises so few alarms.
    learn_s, score_ms_per_hour : float
        Processor time.
    """

    name: str
    precision: float
    points: list[Point | None]
    learn_s: float
    score_ms_per_hour: float


def main() -> None:
    options = _options()
    with show_progress() as progress:
        training = training_nights(options.training, options.hours)
        evaluation = suite_nights(options.nights, options.hours)
        nights = Nights(
            frame_all(training, "training nights", progress),
            frame_all(evaluation, "evaluation nights", progress),
        )
        rows = []
        for done, kind in enumerate(KINDS):
            progress("kinds of detector", done, len(KINDS))
            rows.append(compare(kind(), nights))
    text = page_text(rows, nights)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"detector_comparison_{datetime.now().astimezone():%Y-%m-%dT%H%M%S}.json"
    file.write_text(json.dumps([asdict(row) for row in rows], indent=2), encoding="utf-8")
    if options.publish:
        put_into_page(text, PAGE)


def frame_all(specs: Sequence[NightSpec], step: str, progress: Report) -> list[FramedNight]:
    nights = []
    progress(step, 0, len(specs))
    for done, night in enumerate(each(framed_night, specs, default_jobs()), start=1):
        nights.append(night)
        progress(step, done, len(specs))
    return nights


def compare(kind: Kind, nights: Nights) -> Row:
    start = time.process_time()
    kind.learn(nights.training)
    learnt = time.process_time()
    scores = [kind.score(night) for night in nights.evaluation]
    score_s = time.process_time() - learnt
    labels = np.concatenate([night.labels for night in nights.evaluation])
    hours = sum(night.frames for night in nights.evaluation) / 7200
    return Row(
        name=kind.name,
        precision=float(average_precision_score(labels == CRAMP, np.concatenate(scores))),
        points=best_points([night.scored(kind.score) for night in nights.evaluation], BUDGETS),
        learn_s=learnt - start,
        score_ms_per_hour=1000 * score_s / hours,
    )


def page_text(rows: Sequence[Row], nights: Nights) -> str:
    """Return the table and how it came about, as Markdown."""
    budgets = " | ".join(f"found at ≤ {budget:g} false alarms per 8 h" for budget in BUDGETS)
    head = (
        f"| detector | average precision of frames | {budgets} | 90 % of durations within | "
        "learning, CPU s | scoring, CPU ms an hour |"
    )
    lines = [head, "|---|" + "---:|" * (4 + len(BUDGETS)), *map(_line, rows), ""]
    lines.append(
        f"Cramps ≥ 15 s and ≥ 3 × floor; 95 % limits exact. {len(nights.training)} training and "
        f"{len(nights.evaluation)} evaluation nights (simulated; no participant or seed in both), "
        f"{datetime.now().astimezone():%Y-%m-%d}, nightcramp {code_version()}, {processor()}.\n"
    )
    return "\n".join(lines)


def _line(row: Row) -> str:
    durations = [point.duration_p90_s for point in row.points if point is not None]
    within = durations[-1] if durations else None
    cells = (
        row.name,
        f"{row.precision:.3f}",
        *map(_found, row.points),
        "–" if within is None else f"{within:.1f} s",
        f"{row.learn_s:.0f}",
        f"{row.score_ms_per_hour:.1f}",
    )
    return f"| {' | '.join(cells)} |"


def _found(point: Point | None) -> str:
    if point is None or not point.cramps:
        return "–"
    low, high = binomial_interval(point.found, point.cramps)
    return f"{point.found} of {point.cramps} ({low:.2f} to {high:.2f})"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--training", type=int, default=112, help="training nights")
    parser.add_argument("--nights", type=int, default=6, help="evaluation nights of each suite")
    parser.add_argument("--hours", type=float, default=0.75, help="length of each night")
    parser.add_argument(
        "--publish", action="store_true", help=f"put the table into docs/{PAGE.name}"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
