"""How long work shows itself: a bar on a terminal, plain lines elsewhere, on standard error."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

Report = Callable[[str, int, int], None]
"""Called with the name of a step, how much of it is done, and how much there is."""

LINE_EVERY_S = 10.0
"""Off a terminal a line is written this often, and at the end of each step."""


@contextlib.contextmanager
def show_progress(*, quiet: bool = False) -> Iterator[Report]:
    """Yield a function that shows how far the work is."""
    if quiet:
        yield lambda _step, _done, _total: None
    elif sys.stderr.isatty():
        yield from _bars()
    else:
        yield _Lines()


def _bars() -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        tasks = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=total)
            progress.update(tasks[step], completed=done, total=total)

        yield report


class _Lines:
    """Plain lines, not too many of them."""

    def __init__(self) -> None:
        self._last = float("-inf")

    def __call__(self, step: str, done: int, total: int) -> None:
        now = time.monotonic()
        if done == total or now - self._last >= LINE_EVERY_S:
            self._last = now
            sys.stderr.write(f"{step}: {done} of {total}\n")
            sys.stderr.flush()
