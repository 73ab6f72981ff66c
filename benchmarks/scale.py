"""Thousands of nights: efficiency of workers, cost of Dask, kills survived, a large report.

    python -m benchmarks.scale [--nights 24] [--page docs/scale.md]

The machine may have other work: the shares are made of what each worker did with its time, not of
the time that passed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.report import processor, put_into_page
from benchmarks.scale_study import write_tables
from benchmarks.scale_work import SLEEP_S, analyse_timed, wait
from nightcramp.analysis import Choices
from nightcramp.batch import analyse_files, read_manifest
from nightcramp.batch.night import Task
from nightcramp.batch.run import run_tasks
from nightcramp.batch.workers import open_workers
from nightcramp.version import code_version
from recordings import Channel, RecordingInfo, Stream, write_edf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nightcramp.batch.night import Done

JOBS = 2
CHOICES = Choices(picture=False)
RATE_HZ, ACC_RATE_HZ = 1000, 100
REPORT = """
import json, sys, time
from pathlib import Path
from nightcramp.reporting import write_report
begun = time.perf_counter()
write_report(Path(sys.argv[1]), Path(sys.argv[2]), who="benchmark")
seconds = time.perf_counter() - begun
# Not ru_maxrss: that begins with what the process had that started this one.
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(json.dumps({"seconds": seconds, "peak_mb": int(status["VmHWM"].split()[0]) / 1024}))
"""


@dataclass(frozen=True, slots=True)
class Spans:
    """How workers spent a run.

    Attributes
    ----------
    busy_share : float
        Part of the time between a worker's first task and its last in which it had one.
    gap_ms : float
        Mean time between two tasks of a worker.
    cpu_s : float
        Processor time of a task.
    """

    busy_share: float
    gap_ms: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Kills:
    """A run whose workers were killed.

    Attributes
    ----------
    nights, kills : int
    statuses : dict
        By the manifest: how many nights ended how.
    begun_again : int
        Nights that took more than one try.
    same_bytes : bool
        Whether the results are those of a run without kills.
    """

    nights: int
    kills: int
    statuses: dict[str, int]
    begun_again: int
    same_bytes: bool


@dataclass(frozen=True, slots=True)
class Found:
    """All that one run measured; `reports` has seconds and peak MB by form of the tables."""

    date: str
    processor: str
    code: str
    one_process: Spans
    two_processes: Spans
    waiting_processes: Spans
    waiting_dask: Spans
    killed: Kills
    reports: dict[str, dict[str, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=24, help="8 h nights for the efficiency")
    parser.add_argument("--page", type=Path, help="page whose results are replaced")
    choices = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nightcramp-scale-") as folder:
        found = _measure(Path(folder), choices.nights)
    text = _text(found)
    sys.stdout.write(text)
    if choices.page:
        put_into_page(text, choices.page)
        file = Path(__file__).parent / "results" / f"scale_{found.date}.json"
        file.write_text(json.dumps(asdict(found), indent=2) + "\n")


def _measure(folder: Path, nights: int) -> Found:
    one, two = efficiency(folder / "efficiency", nights)
    return Found(
        date=f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}",
        processor=processor(),
        code=code_version(),
        one_process=one,
        two_processes=two,
        waiting_processes=waiting(folder / "waiting", None),
        waiting_dask=waiting(folder / "waiting", "local"),
        killed=killed(folder / "killed", nights=200, every=10),
        reports={
            "tab-separated": reported(folder / "text", in_parts=False),
            "Parquet": reported(folder / "parquet", in_parts=True),
        },
    )


def _text(found: Found) -> str:
    lines = [f"| {what} | {measured} |" for what, measured in _rows(found)]
    end = f"{found.date[:10]}, {found.processor}, nightcramp {found.code}."
    return "\n".join(["| what | measured |", "|---|---|", *lines, "", end, ""])


def _rows(found: Found) -> list[tuple[str, str]]:
    one, two, kills = found.one_process, found.two_processes, found.killed
    overhead = (found.waiting_dask.gap_ms - found.waiting_processes.gap_ms) / (1000 * SLEEP_S)
    ends = ", ".join(f"{number} {status}" for status, number in kills.statuses.items())
    same = "the bytes of" if kills.same_bytes else "OTHER BYTES THAN"
    rows = [
        ("8 h night, 2 × 1 kHz EMG, 3 × 100 Hz ACC, alone", f"{one.cpu_s:.2f} s CPU"),
        ("the same beside a second process", f"{two.cpu_s:.2f} s CPU"),
        ("two processes have a night under way", f"{100 * two.busy_share:.1f} % of the time"),
        (
            "parallel efficiency, two processes",
            f"{100 * two.busy_share * one.cpu_s / two.cpu_s:.0f} %",
        ),
        ("between two nights, processes", f"{found.waiting_processes.gap_ms:.1f} ms"),
        ("between two nights, Dask", f"{found.waiting_dask.gap_ms:.1f} ms"),
        (f"Dask over processes, tasks of {SLEEP_S:g} s", f"{100 * overhead:.2f} %"),
        (
            f"{kills.nights} nights, {kills.kills} workers killed",
            f"{ends}; {kills.begun_again} begun again; {same} a run without kills",
        ),
    ]
    for form, told in found.reports.items():
        cost = f"{told['seconds']:.1f} s, {told['peak_mb']:.0f} MB peak"
        rows.append((f"report of 200 participants × 70 nights, {form} tables", cost))
    return rows


def efficiency(folder: Path, nights: int) -> tuple[Spans, Spans]:
    """Return how one process and two spend their time on whole nights."""
    first = write_night(folder / "in" / "n000.edf", 8 * 3600, seed=1)
    sources = [first]
    for number in range(1, nights):
        sources.append(first.with_name(f"n{number:03d}.edf"))
        os.link(first, sources[-1])
    one = _run(sources[: nights // 2], folder / "one", 1, analyse_timed)
    two = _run(sources, folder / "two", JOBS, analyse_timed)
    shutil.rmtree(folder)
    return one, two


def waiting(folder: Path, scheduler: str | None) -> Spans:
    """Return what passes between tasks that only wait."""
    sources = [folder / f"{number}.edf" for number in range(20)]
    return _run(sources, folder / "out", JOBS, wait, scheduler)


def killed(folder: Path, nights: int, every: int) -> Kills:
    """Analyse short nights; kill a worker after every so many."""
    sources = [
        write_night(folder / "in" / f"n{number:03d}.edf", 120, seed=number)
        for number in range(nights)
    ]
    list(analyse_files(sources, folder / "calm", CHOICES, jobs=JOBS))
    kills = 0
    for number, _ in enumerate(analyse_files(sources, folder / "out", CHOICES, jobs=JOBS), start=1):
        if number % every == 0 and number < nights:
            os.kill(_worker_processes()[0], signal.SIGKILL)
            kills += 1
    (file,) = (folder / "out" / "runs").iterdir()
    manifest = read_manifest(file)
    statuses: defaultdict[str, int] = defaultdict(int)
    for entry in manifest.inputs:
        statuses[str(entry["status"])] += 1
    again = sum(int(str(entry["tries"])) > 1 for entry in manifest.inputs)
    same = _results(folder / "out") == _results(folder / "calm")
    return Kills(len(manifest.inputs), kills, dict(statuses), again, same)


def reported(folder: Path, in_parts: bool) -> dict[str, float]:
    """Return time and memory of the report of a large study."""
    write_tables(folder, 200, 70)
    if in_parts:
        words = [sys.executable, "-m", "nightcramp", "study", "compact", str(folder)]
        subprocess.run(words, check=True, capture_output=True)
    words = [sys.executable, "-c", REPORT, str(folder), str(folder / "report")]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(told.splitlines()[-1])
    return found


def write_night(path: Path, seconds: int, seed: int) -> Path:
    """Write noise with a contraction: what a night costs does not depend on what is in it much."""
    rng = np.random.default_rng(seed)
    emg = rng.normal(0, 30, (2, seconds * RATE_HZ)).astype(np.float32)
    emg[:, 60 * RATE_HZ : 90 * RATE_HZ] *= 10
    acc = np.round(rng.normal(0, 8, (3, seconds * ACC_RATE_HZ))) * 0.00025
    channels = tuple(Channel(f"EMG GM{n}", "uV", 0.1, (-3000.0, 3000.0)) for n in (1, 2))
    axes = tuple(Channel(f"ACC {axis}", "g", 0.00025, (-8.0, 8.0)) for axis in "XYZ")
    info = RecordingInfo(
        path.stem,
        datetime(2026, 1, 12, 22),  # noqa: DTZ001  (EDF headers have local time)
        Stream("emg", float(RATE_HZ), channels, emg.shape[1]),
        Stream("acc", float(ACC_RATE_HZ), axes, acc.shape[1]),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_edf(path, info, np.round(emg) / 10, acc.astype(np.float32))
    return path


def _run(
    sources: Sequence[Path],
    out: Path,
    jobs: int,
    work: Callable[[Task], Done],
    scheduler: str | None = None,
) -> Spans:
    out.mkdir(parents=True, exist_ok=True)
    tasks = [Task(str(path), path.stem, str(out), CHOICES, code_version()) for path in sources]
    with open_workers(scheduler, jobs) as workers:
        return _spans(list(run_tasks(tasks, workers, work)))


def _spans(done: Sequence[Done]) -> Spans:
    of_worker: defaultdict[str, list[dict[str, float]]] = defaultdict(list)
    for each in done:
        times = {name: float(str(value)) for name, value in each.outcome.summary.items()}
        of_worker[each.worker].append(times)
    busy = span = gaps = 0.0
    for tasks in of_worker.values():
        ordered = sorted(tasks, key=lambda task: task["begun"])[1:]  # the first also loads
        busy += sum(task["ended"] - task["begun"] for task in ordered)
        span += ordered[-1]["ended"] - ordered[0]["begun"]
        gaps += len(ordered) - 1
    cpu = [task["cpu_s"] for tasks in of_worker.values() for task in tasks]
    return Spans(busy / span, 1000 * (span - busy) / gaps, float(np.median(cpu)))


def _worker_processes() -> list[int]:
    """Return the numbers of the processes that this one has spawned for work, on Linux."""
    threads = Path("/proc/self/task").iterdir()
    children = [child for thread in threads for child in (thread / "children").read_text().split()]
    return sorted(
        int(child)
        for child in children
        if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()
    )


def _results(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


if __name__ == "__main__":
    main()
