"""Measure nightcramp and what it is compared with in one run: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks import others, ours
from benchmarks.costs import ROOT, CommandFailedError
from benchmarks.figure import draw
from benchmarks.live import measure_live_step
from benchmarks.nights import make_array, make_recording
from benchmarks.report import Run, put_into_page
from benchmarks.table import Row, best

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RESULTS = ROOT / "benchmarks" / "results"
DOCS = ROOT / "docs"

HOURS = (1, 4, 8)
LONG_HOURS = 24
"""Only for its memory."""


def main() -> None:
    options = _options()
    RESULTS.mkdir(exist_ok=True)
    hours = HOURS[:1] if options.quick else HOURS
    with TemporaryDirectory(prefix="nights-", dir=RESULTS) as folder:
        tasks = _tasks(hours, Path(folder))
        if not options.quick:
            long_night = make_recording(LONG_HOURS, Path(folder))
            tasks.append(partial(ours.analyze, LONG_HOURS, long_night))
        rows = ours.beyond_start_up(_measure(tasks, options.repeats))
        _tell("live step")
        live = measure_live_step(make_recording(hours[0], Path(folder)))
    now = datetime.now().astimezone()
    run = Run(f"{now:%Y-%m-%d}", options.repeats, rows, live)
    print(run.text())
    (RESULTS / f"{now:%Y-%m-%dT%H%M%S}.json").write_text(run.json(), encoding="utf-8")
    pictures = DOCS if options.publish else RESULTS
    draw(rows, hours[-1], [pictures / "benchmarks.svg", pictures / "benchmarks.png"])
    if options.publish:
        put_into_page(run.text(), DOCS / "benchmarks.md")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a recording of 1 h only")
    parser.add_argument(
        "--repeats", type=int, default=3, metavar="N", help="rounds; the best run of each counts"
    )
    parser.add_argument(
        "--publish", action="store_true", help="put table and figure into docs/ (full run only)"
    )
    options = parser.parse_args()
    if options.repeats < 1:
        parser.error("--repeats must be at least 1")
    if options.publish and options.quick:
        parser.error("--publish needs the full run, not --quick")
    return options


def _tasks(hours: Sequence[int], folder: Path) -> list[Callable[[], Row]]:
    """Return what measures one run of each program on each night; nights go into the folder."""
    tasks: list[Callable[[], Row]] = [ours.start_up]
    for length in hours:
        recording, samples = make_recording(length, folder), make_array(length, folder)
        tasks += [
            partial(ours.analyze, length, recording),
            partial(ours.analyze, length, recording, picture=True),
            others.task(others.SOSFILT, length, samples),
            others.task(others.LIBEMG, length, samples),
        ]
        if length == hours[-1]:  # extrapolated from the same ten minutes for any night
            tasks.append(others.task(others.NEUROKIT2, length, samples))
    return tasks


def _measure(tasks: Sequence[Callable[[], Row]], repeats: int) -> list[Row]:
    """Run all tasks in rounds, so that a busy minute of the machine meets every program."""
    _tell("once to warm up")
    tasks[0]()
    rounds = []
    for number in range(1, repeats + 1):
        _tell(f"round {number} of {repeats}")
        rounds.append([task() for task in tasks])
    return [best(runs) for runs in zip(*rounds, strict=True)]


def _tell(what: str) -> None:
    print(f"measuring: {what}", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except CommandFailedError as error:
        sys.exit(f"benchmarks: nightcramp itself failed: {error}")
