"""What a person sees of a stream: a few lines that change on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import time
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TextIO

from firmware_bridge.link import LinkCause, LinkState, explain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.live import Live

    from firmware_bridge.link import LinkEvent
    from nightcramp.streaming import Figures, StreamFigures

LINE_EVERY_S = 1.0
_MOST_VALUES = 8


class Screen(Protocol):
    """Shows a stream to a person."""

    def event(self, event: LinkEvent) -> None:
        """Show what the link did."""
        ...

    def show(self, figures: Figures) -> None:
        """Show how the sensor is doing."""
        ...


@contextlib.contextmanager
def open_screen(out: TextIO) -> Iterator[Screen]:
    """Yield what suits the output: changing lines on a terminal, plain lines elsewhere."""
    if not out.isatty():
        yield _Lines(out)
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(file=out), auto_refresh=False) as live:
        yield _Panel(live)


class _News:
    """Lets through what was not said since data last flowed: attempts repeat themselves."""

    def __init__(self) -> None:
        self._said: set[tuple[LinkState, LinkCause | None]] = set()

    def is_new(self, event: LinkEvent) -> bool:
        if event.state is LinkState.STREAMING and not event.cause:
            self._said.clear()
        known = (event.state, event.cause) in self._said
        self._said.add((event.state, event.cause))
        return not known or event.cause is LinkCause.LONG_OUTAGE


class _Lines:
    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._news = _News()
        self._last_s = float("-inf")

    def event(self, event: LinkEvent) -> None:
        if self._news.is_new(event):
            self._write(event_line(event))

    def show(self, figures: Figures) -> None:
        now_s = time.monotonic()
        if figures.state is LinkState.STREAMING and now_s - self._last_s >= LINE_EVERY_S:
            self._last_s = now_s
            self._write("  ".join(figure_lines(figures)))

    def _write(self, text: str) -> None:
        self._out.write(f"{text}\n")
        self._out.flush()


class _Panel:
    def __init__(self, live: Live) -> None:
        self._live = live
        self._news = _News()

    def event(self, event: LinkEvent) -> None:
        if self._news.is_new(event):
            self._live.console.print(event_line(event), markup=False, highlight=False)

    def show(self, figures: Figures) -> None:
        from rich.text import Text

        self._live.update(Text("\n".join(figure_lines(figures))), refresh=True)


def event_line(event: LinkEvent) -> str:
    """Say what the link did, with local time."""
    when = datetime.fromtimestamp(event.wall_ns / 1e9).astimezone().strftime("%H:%M:%S")
    what = event.state.replace("_", " ")
    who = " ".join(filter(None, (event.name, event.address)))
    said = explain(event.cause) if event.cause else ""
    detail = f"({event.detail})" if event.detail else ""
    return "  ".join(filter(None, (when, what, who, said, detail)))


def figure_lines(figures: Figures) -> list[str]:
    """Say how the sensor is doing, in a line for the sensor and one for each stream."""
    head = [figures.state.replace("_", " ")]
    if figures.battery:
        head.append(f"battery {figures.battery}")
    if figures.rejects:
        head.append(f"{figures.rejects} notifications not understood")
    return [", ".join(head), *(_stream_line(stream) for stream in figures.streams)]


def _stream_line(stream: StreamFigures) -> str:
    values = " ".join(f"{value:.4g}" for value in stream.values[:_MOST_VALUES]) or "-"
    missing = "not known yet" if stream.missing is None else f"{100 * stream.missing:.2f} %"
    kind = stream.kind.upper()
    return f"{kind} {stream.rate_hz:.0f}/s, missing {missing}, last {values} {stream.unit}"
