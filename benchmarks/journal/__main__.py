"""Measure what a journal survives and what it costs: ``python -m benchmarks.journal``."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.__main__ import DOCS, RESULTS
from benchmarks.journal.cost import NIGHT_H, medium_costs, night_costs
from benchmarks.journal.damage import damages
from benchmarks.journal.full import full_disks
from benchmarks.journal.kills import killed_at_full_speed, killed_while_recording
from benchmarks.journal.power import power_cuts
from benchmarks.journal.table import Cost, Loss, costs_text, losses_text
from benchmarks.report import processor, put_into_page
from nightcramp.version import code_version


def main() -> None:
    options = _options()
    RESULTS.mkdir(exist_ok=True)
    scale = 5 if options.quick else 1
    with TemporaryDirectory(prefix="journals-", dir=RESULTS) as name:
        folder = Path(name)
        losses, costs = _losses(folder, scale), _costs(folder, scale)
    now = datetime.now().astimezone()
    text = _text(losses, costs, f"{now:%Y-%m-%d}")
    print(text)
    content = {"losses": [asdict(loss) for loss in losses], "costs": [asdict(c) for c in costs]}
    result = RESULTS / f"journal-{now:%Y-%m-%dT%H%M%S}.json"
    result.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    if options.publish:
        put_into_page(text, DOCS / "journal_loss.md")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.journal", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fifth of the tries and the night")
    parser.add_argument(
        "--publish", action="store_true", help="put the tables into docs/ (full run only)"
    )
    options = parser.parse_args()
    if options.publish and options.quick:
        parser.error("--publish needs the full run, not --quick")
    return options


def _losses(folder: Path, scale: int) -> list[Loss]:
    losses = []
    _tell("the recorder is killed")
    losses.append(killed_at_full_speed(folder, 20 // scale))
    losses.append(killed_while_recording(folder, 15 // scale))
    _tell("the power goes")
    losses += power_cuts(folder, 20 // scale)
    _tell("bytes are damaged")
    losses += damages(folder, 300 // scale)
    _tell("the disk is full")
    losses += full_disks(folder)
    return losses


def _costs(folder: Path, scale: int) -> list[Cost]:
    _tell("what a night costs")
    return [*night_costs(folder, NIGHT_H / scale), *medium_costs(folder)]


def _text(losses: list[Loss], costs: list[Cost], date: str) -> str:
    made_by = f"nightcramp {code_version()}, Python {platform.python_version()}"
    circumstances = f"{date}, {processor()}, {platform.system()}, {made_by}.\n"
    return "\n".join([losses_text(losses), costs_text(costs), circumstances])


def _tell(what: str) -> None:
    print(f"measuring: {what}", file=sys.stderr)


if __name__ == "__main__":
    main()
