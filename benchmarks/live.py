"""The live step: one notification in, decision out. ``python -m benchmarks.live EDF``."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.costs import run
from models import Detector, load_classifier
from nightcramp.analysis import acc_format, emg_format
from recordings import open_recording

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

NOTIFICATION_S = 0.022
"""22 samples of each EMG channel at 1 kHz, as they fit a notification; 45 of them a second."""

START_S, STOP_S = 1200.0, 2400.0
"""Twenty minutes of the night with a cramp in them."""


@dataclass(frozen=True, slots=True)
class LiveStep:
    """Processor time of one notification.

    Attributes
    ----------
    median_ms, p99_ms, mean_ms : float
    core_share : float
        Share of one core that one sensor keeps busy.
    notifications : int
        Number that was measured.
    """

    median_ms: float
    p99_ms: float
    mean_ms: float
    core_share: float
    notifications: int


def measure_live_step(recording: Path) -> LiveStep:
    """Measure in a process of its own."""
    return LiveStep(**json.loads(run([sys.executable, "-m", "benchmarks.live", recording]).output))


def summarise(step_ms: npt.NDArray[np.float64], interval_s: float) -> dict[str, float]:
    """Return the fields of a `LiveStep` for notifications that come every `interval_s`."""
    return {
        "median_ms": float(np.median(step_ms)),
        "p99_ms": float(np.quantile(step_ms, 0.99)),
        "mean_ms": float(step_ms.mean()),
        "core_share": float(step_ms.mean() / 1000 / interval_s),
        "notifications": len(step_ms),
    }


def _step_times_ms(recording_path: Path) -> Iterator[float]:
    recording = open_recording(recording_path)
    info = recording.info
    detector = Detector(load_classifier(), emg_format(info), acc_format(info))
    for notification in recording.blocks(NOTIFICATION_S, start_s=START_S, stop_s=STOP_S):
        begun = time.thread_time_ns()
        detector.push(notification.emg, notification.acc)
        yield (time.thread_time_ns() - begun) / 1e6


def main() -> None:
    times = np.fromiter(_step_times_ms(Path(sys.argv[1])), dtype=np.float64)
    print(json.dumps(summarise(times, NOTIFICATION_S)))


if __name__ == "__main__":
    main()
