"""What a run found, as text for people and JSON for machines."""

from __future__ import annotations

import json
import platform
import re
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.table import Row, figures, find, markdown
from nightcramp.version import code_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.live import LiveStep

TABLE_IN_PAGE = re.compile(r"(?<=<!-- results -->\n).*(?=<!-- end of results -->)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Run:
    """All that one run measured.

    Attributes
    ----------
    date : str
        Day of the run, ISO 8601.
    repeats : int
        Rounds in which every command was run; the best run of each counts.
    rows : sequence of Row
    live : LiveStep
    """

    date: str
    repeats: int
    rows: Sequence[Row]
    live: LiveStep

    def text(self) -> str:
        """Return the table and what it leaves out, as Markdown."""
        circumstances = f"{self.date}, {processor()}, {', '.join(_software())}"
        parts = [
            markdown(self.rows),
            *_memory(self.rows),
            _live(self.live),
            f"{circumstances}; one thread, best of {self.repeats}.\n",
        ]
        return "\n".join(parts)

    def json(self) -> str:
        """Return all numbers with the machine they were measured on."""
        machine = {
            "processor": processor(),
            "system": platform.system(),
            "software": _software(),
        }
        return json.dumps({"machine": machine, **asdict(self)}, indent=2) + "\n"


def put_into_page(text: str, page: Path) -> None:
    """Replace the results on a page of the documentation."""
    old = page.read_text(encoding="utf-8")
    page.write_text(TABLE_IN_PAGE.sub(lambda _: text, old), encoding="utf-8")


def processor() -> str:
    """Return the name of the processor, as Linux gives it."""
    file = Path("/proc/cpuinfo")
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    found = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()


def _software() -> list[str]:
    libraries = [f"{name} {version(name)}" for name in ("numpy", "scipy", "onnxruntime")]
    return [f"nightcramp {code_version()}", f"Python {platform.python_version()}", *libraries]


def _live(live: LiveStep) -> str:
    return (
        f"Live, from a notification of 22 ms to the decision: {figures(live.median_ms)} ms CPU "
        f"(median), 99 % within {figures(live.p99_ms)} ms; {figures(100 * live.core_share)} % of "
        "one core for a sensor.\n"
    )


def _memory(rows: Sequence[Row]) -> list[str]:
    """Return how memory grows from one night to three of them in one file."""
    night, longest = find(rows, "nightcramp", 8), find(rows, "nightcramp", 24)
    if not (night and longest and night.peak_mb and longest.peak_mb):
        return []
    growth = 100 * (longest.peak_mb / night.peak_mb - 1)
    return [f"Peak memory for 24 h against 8 h: {growth:+.1f} %.\n"]
