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
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{60 * speed:.3g} a minute" if speed else "")

    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
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
        self._begun: dict[str, tuple[float, int]] = {}

    def __call__(self, step: str, done: int, total: int) -> None:
        now = time.monotonic()
        since, first = self._begun.setdefault(step, (now, done))
        if done == total or now - self._last >= LINE_EVERY_S:
            self._last = now
            pace = _pace(done - first, now - since, total - done)
            sys.stderr.write(f"{step}: {done} of {total}{pace}\n")
            sys.stderr.flush()


def _pace(done: int, seconds: float, left: int) -> str:
    """Return how fast the work goes and how long the rest takes, as far as that can be told."""
    if not done or seconds < LINE_EVERY_S:
        return ""
    rate = done / seconds
    per_minute = f", {60 * rate:.3g} a minute"
    return f"{per_minute}, {_duration(left / rate)} left" if left else per_minute


def _duration(seconds: float) -> str:
    """Return a time in its two largest units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    told = [f"{number} {unit}" for number, unit in parts if number][:2]
    return " ".join(told) or "0 s"
