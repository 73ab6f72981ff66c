"""Run one command and write down what it cost: ``python launch.py REPORT COMMAND...``.

A small process of its own, because Linux counts the memory of whoever starts a program towards
the peak of that program.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

KIB_PER_MB = 1e6 / 1024


def main() -> None:
    report, *command = sys.argv[1:]
    begun = time.perf_counter()
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    cost = {
        "wall_s": time.perf_counter() - begun,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / KIB_PER_MB,
    }
    Path(report).write_text(json.dumps(cost), encoding="utf-8")
    raise SystemExit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
