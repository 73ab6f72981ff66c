"""The recorder is killed (``SIGKILL``) at any moment."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.journal.recorder import Recorder
from benchmarks.journal.table import Loss
from benchmarks.journal.traffic import check
from recordings.journal import open_journal

if TYPE_CHECKING:
    from pathlib import Path


def killed_at_full_speed(folder: Path, repeats: int) -> Loss:
    """Kill a recorder that writes as fast as it can; count what it had said was safe and is not."""
    chance = np.random.default_rng(1)
    n_wrong, lost = 0, []
    for repeat in range(repeats):
        recorder = Recorder.start(folder / f"full-{repeat}.ncj", speed=0, sync_s=5)
        time.sleep(chance.uniform(0.2, 1.2))
        safe_s = recorder.kill()
        read = check(open_journal(recorder.folder).records())
        n_wrong += read.n_wrong
        lost.append(max(0.0, safe_s - read.last_s))
    return Loss("kill -9 at full speed, of what was acknowledged", repeats, repeats, lost, n_wrong)


def killed_while_recording(folder: Path, repeats: int) -> Loss:
    """Kill recorders that write what a sensor sends; measure what had come and is not there."""
    chance = np.random.default_rng(2)
    n_wrong, lost = 0, []
    with ExitStack() as stack:
        recorders = []
        for repeat in range(repeats):
            path = folder / f"live-{repeat}.ncj"
            recorders.append(Recorder.start(path, speed=1, sync_s=5))
            stack.callback(recorders[-1].process.kill)
        for recorder in recorders:
            time.sleep(chance.uniform(0.3, 0.9))
            now = time.monotonic()
            recorder.kill()
            read = check(open_journal(recorder.folder).records())
            n_wrong += read.n_wrong
            lost.append(max(0.0, now - recorder.begun - read.last_s))
    return Loss("kill -9 while a sensor sends, of all that came", repeats, repeats, lost, n_wrong)
