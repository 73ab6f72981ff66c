"""A night on a terminal, as plain lines elsewhere, or as JSON lines for programs."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, TextIO

from firmware_bridge.link import LinkState
from nightcramp.recorder.status import status_content
from nightcramp.recorder.wording import local_time, night_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.live import Live

    from nightcramp.recorder.figures import NightFigures
    from nightcramp.recorder.messages import Message, Screen

LINES_EVERY_S = 60.0
KEYS = "c or space: cramp now    s: set-up check    q: end the night"


@contextlib.contextmanager
def open_screen(out: TextIO, *, as_json: bool) -> Iterator[Screen]:
    """Yield what suits the output."""
    if as_json:
        yield JsonScreen(out)
        return
    if not out.isatty():
        yield LineScreen(out)
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(file=out), auto_refresh=False) as live:
        yield Panel(live)


class News:
    """Lets through what was not said since data last flowed: attempts repeat themselves."""

    def __init__(self) -> None:
        self._said: set[tuple[object, ...]] = set()

    def is_new(self, message: Message) -> bool:
        """Whether to show a message to a person."""
        if message.kind != "link":
            return True
        fields = message.fields
        # That a link waits for the reason for which it was lost is not said again.
        known = (fields.get("sensor"), fields.get("cause") or fields.get("state"))
        if fields.get("state") == LinkState.STREAMING and not fields.get("cause"):
            self._said = {said for said in self._said if said[0] != fields.get("sensor")}
        is_new = known not in self._said
        self._said.add(known)
        return is_new


class LineScreen:
    """Plain lines: what happens, and how it stands once a minute of the night.

    Parameters
    ----------
    out : TextIO
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._news = News()
        self._shown_ns: int | None = None

    def tell(self, message: Message) -> None:
        """Show that something happened."""
        if self._news.is_new(message):
            self._write(f"{local_time(message.wall_ns)}  {message.text}")

    def show(self, figures: NightFigures) -> None:
        """Show how the night stands."""
        shown_ns = self._shown_ns
        if shown_ns is None or abs(figures.wall_ns - shown_ns) >= LINES_EVERY_S * 1e9:
            self._shown_ns = figures.wall_ns
            self._write("\n".join(night_lines(figures)))

    def _write(self, text: str) -> None:
        self._out.write(f"{text}\n")
        self._out.flush()


class JsonScreen:
    """JSON, one object a line: every message, and the status once a minute of the night.

    Parameters
    ----------
    out : TextIO
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._shown_ns: int | None = None

    def tell(self, message: Message) -> None:
        """Write that something happened."""
        head = {"record": message.kind, "wall_ns": message.wall_ns}
        self._write({**head, **message.fields, "says": message.text})

    def show(self, figures: NightFigures) -> None:
        """Write how the night stands."""
        shown_ns = self._shown_ns
        if shown_ns is None or abs(figures.wall_ns - shown_ns) >= LINES_EVERY_S * 1e9:
            self._shown_ns = figures.wall_ns
            self._write({"record": "status", **status_content(figures)})

    def _write(self, content: dict[str, object]) -> None:
        self._out.write(json.dumps(content, ensure_ascii=False) + "\n")
        self._out.flush()


class Panel:
    """Lines that change in place on a terminal; what happens scrolls by above them.

    Parameters
    ----------
    live : rich.live.Live
    """

    def __init__(self, live: Live) -> None:
        self._live = live
        self._news = News()

    def tell(self, message: Message) -> None:
        """Show that something happened."""
        if self._news.is_new(message):
            line = f"{local_time(message.wall_ns)}  {message.text}"
            self._live.console.print(line, markup=False, highlight=False)

    def show(self, figures: NightFigures) -> None:
        """Show how the night stands."""
        from rich.text import Text

        keys = [] if figures.state == "ended" else [KEYS]
        self._live.update(Text("\n".join([*night_lines(figures), *keys])), refresh=True)
