"""What the reports of a whole trial cost: ``python -m benchmarks.trial_report``.

199 participants and 70 nights each, simulated in tables (see `benchmarks.trial_study`). Each report
is a process of its own, as a site would start it; time and memory are those of the process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.trial_study import write_trial

OPENED = ("--arms", "{arms}", "--unblind", "benchmark")
REPORTS = {
    "blinded": (),
    "unblinded": OPENED,
    "final": ("--final", *OPENED),
    "blinded, with PDF": ("--pdf",),
    "final, with PDF": ("--final", *OPENED, "--pdf"),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one report took: time on the clock and of processor, largest memory, size of HTML."""

    report: str
    wall_s: float
    cpu_s: float
    peak_mb: float
    html_kb: float


def main() -> None:
    """Write every report of a simulated trial, and print what each cost."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        study = write_trial(Path(folder) / "trial", arguments.seed)
        costs = [measure(name, words, study) for name, words in REPORTS.items()]
    if arguments.json:
        print(json.dumps([asdict(cost) for cost in costs], indent=2))
        return
    print("| report | seconds | seconds of processor | peak memory, MB | HTML, KB |")
    print("| --- | --- | --- | --- | --- |")
    for cost in costs:
        cells = (cost.wall_s, cost.cpu_s, cost.peak_mb, cost.html_kb)
        print(f"| {cost.report} | {' | '.join(f'{cell:.3g}' for cell in cells)} |")


def measure(name: str, words: tuple[str, ...], study: Path) -> Cost:
    """Run ``nightcramp report`` once."""
    out = study.parent / name.replace(", ", "_").replace(" ", "_")
    command = [sys.executable, "-m", "nightcramp", "report", str(study), "--out", str(out)]
    command += [word.format(arms=study / "arms.tsv") for word in words]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    (page,) = out.glob("*.html")
    return Cost(
        report=name,
        wall_s=wall,
        cpu_s=used.ru_utime + used.ru_stime,
        peak_mb=used.ru_maxrss / 1000,
        html_kb=page.stat().st_size / 1000,
    )


if __name__ == "__main__":
    main()
