"""What workers do while `benchmarks.scale` measures them; importable by other processes."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from nightcramp.analysis import Outcome, Status
from nightcramp.batch.night import Done, run_task

if TYPE_CHECKING:
    from nightcramp.batch.night import Task

SLEEP_S = 2.0


def analyse_timed(task: Task) -> Done:
    """Analyse a recording; its summary becomes when and at what cost."""
    begun, cpu = time.time(), time.process_time()
    done = run_task(task)
    return _timed(done, begun, time.process_time() - cpu)


def wait(task: Task) -> Done:
    """Do nothing for two seconds: whatever else passes is the engine's."""
    begun = time.time()
    time.sleep(SLEEP_S)
    done = Done(Outcome(task.source, task.name, Status.ANALYSED), worker=str(os.getpid()))
    return _timed(done, begun, 0.0)


def _timed(done: Done, begun: float, cpu_s: float) -> Done:
    times: dict[str, object] = {"begun": begun, "ended": time.time(), "cpu_s": cpu_s}
    return replace(done, outcome=replace(done.outcome, summary=times))
