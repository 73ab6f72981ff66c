"""Every emulated sensor suffers every fault: ``python -m benchmarks.fault_matrix``."""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import sys
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from benchmarks.__main__ import DOCS, RESULTS
from benchmarks.fault_matrix_judge import Verdict, judge
from benchmarks.fault_matrix_night import emulate
from benchmarks.report import put_into_page
from firmware_bridge import DEVICES
from firmware_bridge.emulator import (
    EMULATED,
    FRONT_ENDS,
    RADIO_FAULTS,
    index_source,
    parse_faults,
)
from firmware_bridge.link import LinkState
from nightcramp.version import code_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.fault_matrix_night import Night

AT_S = 50.0
"""When the fault begins: the rate of the stream has been measured by then, over 30 s."""

LATER_S = {"adc_overrun": 150.0}
"""What only time tells is found when the clocks are well known, after two minutes."""

CALM_S = 45.0
"""How long the night goes on after the fault."""

LIMITS_MS = {"myo": 45.0, "polar-h10": 65.0, "polar-verity-sense": 65.0}
"""How far samples may lie from where they belong, where 20 ms and 1.5 samples are too strict.

The Myo's number of four characteristics comes round every 40 ms. A Polar sends about one
notification a second: after a restart few of them tell the time, each up to 45 ms late.
"""

_BY_CHANCE = 1
"""The Ganglion sends a sample of acceleration in three packets numbered from 0 to 200: once in a
while parts of two samples, a whole round of numbers apart, seem to be one."""

FAULTS: dict[str, dict[str, float]] = {
    "fade": {"seconds": 0.3},
    "link_loss": {"seconds": 10.0},
    "latency": {"seconds": 0.27},
    "disconnect": {},
    "zombie": {"seconds": 8.0},
    "duplicates": {"seconds": 20.0, "share": 0.1},
    "wrong_lengths": {"seconds": 20.0, "share": 0.05},
    "lost_notifications": {"seconds": 20.0, "share": 0.05},
    "reboot": {"seconds": 3.0},
    "battery_out": {"seconds": 10.0},
    "address_change": {"seconds": 3.0},
    "adapter_off": {"seconds": 10.0},
    "adc_overrun": {},
    "clock_step": {"seconds": 3600.0},
    "counter": {"value": 7.0},
    "memory_fault": {},
}
"""What each fault is in the table: those of the radio, then those that only some sensors have."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One sensor and one fault.

    Attributes
    ----------
    device, fault : str
    back_s : float
        Longest time without a notification from the fault on, less the length of the fault.
    verdicts : list of Verdict
    problems : list of str
        Why the fault was not survived; empty if it was.
    """

    device: str
    fault: str
    back_s: float
    verdicts: list[Verdict]
    problems: list[str]

    def text(self) -> str:
        if self.problems:
            return "**failed**"
        main = self.verdicts[0]
        lost_s = (main.taken - main.recorded) / _rate_hz(self.device, main.stream)
        return f"{self.back_s:.1f} / {lost_s:.1f}"


def main() -> None:
    options = _options()
    cells = [cell for device in options.device for cell in _row(device, options.fault)]
    text = _text(cells)
    print(text)
    for cell in cells:
        for problem in cell.problems:
            print(f"{cell.device}, {cell.fault}: {problem}", file=sys.stderr)
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now().astimezone()
    result = RESULTS / f"faults-{now:%Y-%m-%dT%H%M%S}.json"
    result.write_text(json.dumps([asdict(cell) for cell in cells], indent=1), encoding="utf-8")
    if options.publish:
        put_into_page(f"{text}\n{_made_by(now)}\n", DOCS / "faults.md")
    sys.exit(any(cell.problems for cell in cells))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fault_matrix", description=__doc__)
    parser.add_argument("--device", nargs="+", choices=EMULATED, default=list(EMULATED))
    parser.add_argument("--fault", nargs="+", choices=FAULTS, default=list(FAULTS))
    parser.add_argument("--publish", action="store_true", help="put the table into docs/")
    return parser.parse_args()


def _row(device: str, faults: Sequence[str]) -> list[Cell]:
    known = {*RADIO_FAULTS, *EMULATED[device](index_source(device)).faults}
    cells = []
    for fault in faults:
        if fault in known:
            cells.append(suffer(device, fault))
            print(f"{device}, {fault}: {cells[-1].text()}", file=sys.stderr)
    return cells


def suffer(device: str, fault: str) -> Cell:
    """Let a sensor suffer one fault."""
    numbers = FAULTS[fault]
    lines = "".join(f"{name} = {value}\n" for name, value in numbers.items())
    at_s = LATER_S.get(fault, AT_S)
    text = f'[[fault]]\nat_s = {at_s}\nkind = "{fault}"\n{lines}'
    script = parse_faults(text, EMULATED[device](index_source(device)).faults)
    lasts_s = numbers.get("seconds", 0.0) if fault in RADIO_FAULTS else 0.0
    night = emulate(device, script, at_s + lasts_s + CALM_S)
    verdicts = judge(night)
    quiet_s = longest_silence_s(night, at_s)
    return Cell(device, fault, max(0.0, quiet_s - lasts_s), verdicts, problems(night, verdicts))


def longest_silence_s(night: Night, since_s: float) -> float:
    """Longest time without a notification."""
    times = [since_s, *(at for at in night.heard_s if at > since_s), night.seconds]
    return max(after - before for before, after in itertools.pairwise(times))


def problems(night: Night, verdicts: Sequence[Verdict]) -> list[str]:
    """Say what is wrong with a night; nothing if all that is missing is explained."""
    found = []
    states = [event.state for event in night.events if event.state is not LinkState.STOPPED]
    if states[-1] is not LinkState.STREAMING or longest_silence_s(night, night.seconds - 10) > 5:
        found.append(f"the link did not come back: {states[-1]}")
    dropouts = states.count(LinkState.LOST)
    for verdict in verdicts:
        if not verdict.recorded:
            found.append(f"no {verdict.stream} was recorded")
        if verdict.unexplained:
            found.append(f"{verdict.unexplained} samples of {verdict.stream} are unexplained")
        if not _numbered(night.device, verdict.stream):
            continue
        if verdict.foreign > _BY_CHANCE:
            found.append(f"{verdict.foreign} samples of {verdict.stream} were never taken")
        # Each drop-out is placed by the first seconds after it; the errors add up.
        limit = limit_ms(night.device, verdict.stream) * max(1, dropouts)
        if verdict.displaced_ms > limit:
            found.append(f"{verdict.stream} lies {verdict.displaced_ms:.0f} ms off its place")
    return found


def limit_ms(device: str, stream: str) -> float:
    """How far samples may lie from where they belong after one drop-out."""
    return LIMITS_MS.get(device, 20.0 + 1500.0 / _rate_hz(device, stream))


def _numbered(device: str, stream: str) -> bool:
    """Whether the device numbers these samples; without, a lost one is found by time alone."""
    return any(spec.kind == stream and spec.counter is not None for spec in DEVICES[device].streams)


def _rate_hz(device: str, stream: str) -> float:
    return next(front.rate_hz for kind, front in FRONT_ENDS[device].items() if kind == stream)


def _text(cells: Sequence[Cell]) -> str:
    """Two tables: faults of the radio, and those that only some sensors have."""
    devices = list(dict.fromkeys(cell.device for cell in cells))
    found = {(cell.device, cell.fault): cell.text() for cell in cells}
    faults = [fault for fault in FAULTS if any(cell.fault == fault for cell in cells)]
    own = [fault for fault in faults if fault not in RADIO_FAULTS]
    tables = []
    for columns in (faults[: len(faults) - len(own)][:6], faults[6 : len(faults) - len(own)], own):
        rows = [d for d in devices if any((d, column) in found for column in columns)]
        if rows and columns:
            tables.append(_table(rows, columns, found))
    failed = sum(bool(cell.problems) for cell in cells)
    tables.append(f"{len(cells)} of {len(cells)} survived." if not failed else f"{failed} failed.")
    return "\n\n".join(tables)


def _table(rows: Sequence[str], columns: Sequence[str], found: dict[tuple[str, str], str]) -> str:
    lines = [
        "| sensor | " + " | ".join(column.replace("_", " ") for column in columns) + " |",
        "| --- |" + " ---: |" * len(columns),
    ]
    lines += [
        f"| {row} | " + " | ".join(found.get((row, column), "–") for column in columns) + " |"
        for row in rows
    ]
    return "\n".join(lines)


def _made_by(now: datetime) -> str:
    return f"{now:%Y-%m-%d}, nightcramp {code_version()}, Python {platform.python_version()}."


if __name__ == "__main__":
    main()
