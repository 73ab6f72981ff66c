"""Whether this computer can record a night: each part looked at, each result a plain sentence."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nightcramp.errors import NightcrampError, SensorError
from nightcramp.sensors import radio_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from firmware_bridge import Clock, HostClock
    from recordings.journal import JournalLabel, JournalRecord

NIGHT_BYTES = 700 << 20
"""Journal, finished files and picture of ten hours of two sensors with two channels at 1 kHz."""

SCAN_S = 3.0
WATCHED_S = 1.0
MOST_DRIFT = 0.01

EXTRAS = {
    "app": ("starlette", "the page in the browser"),
    "emulator": ("bumble", "emulated sensors"),
    "train": ("sklearn", "training a model"),
    "pdf": ("weasyprint", "printed reports"),
    "cluster": ("distributed", "analysis on a cluster"),
    "large": ("duckdb", "large studies"),
}

_EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found.

    Attributes
    ----------
    part : str
        ``model``, ``folder``, ``space``, ``bluetooth``, ``clock`` or ``extras``.
    ok : bool
    text : str
        How it is, and what to do.
    """

    part: str
    ok: bool
    text: str


def examine_computer(folder: Path, clock: HostClock, radio: str | None) -> Iterator[Finding]:
    """Yield what is found, one part after the other.

    Parameters
    ----------
    folder : Path
        Where nights are to be recorded; it need not exist.
    clock : HostClock
    radio : str or None
        Address of an emulated sensor instead of this computer's Bluetooth.
    """
    yield check_model()
    yield check_folder(folder, clock)
    yield check_space(folder)
    yield asyncio.run(check_clock(clock))
    yield asyncio.run(check_bluetooth(clock, radio))
    yield check_extras()


def check_model() -> Finding:
    """Load the classifier and let it judge."""
    import numpy as np

    from models import load_classifier

    try:
        classifier = load_classifier()
    except NightcrampError as error:
        return Finding("model", False, str(error))
    features = np.zeros((1, len(classifier.description.feature_names)), dtype=np.float32)
    score = float(classifier.cramp_probability(features)[0])
    text = f"Model {classifier.description.version} loads and judges; SHA-256 {classifier.sha256}."
    return Finding("model", 0 <= score <= 1, text)


def check_folder(folder: Path, clock: Clock) -> Finding:
    """Write a journal and read it back, where nights are to be recorded."""
    from recordings.journal import JournalLabel, RecordKind, json_record

    there = _nearest(folder)
    label = JournalLabel("none", "nightcramp doctor")
    record = json_record(RecordKind.NOTE, clock.monotonic_ns(), clock.wall_ns(), {"event": "test"})
    try:
        with tempfile.TemporaryDirectory(prefix=".doctor-", dir=there) as scratch:
            n_read = _write_and_read(Path(scratch) / "test.ncj", label, clock, record)
    except (OSError, NightcrampError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        text = f"{folder}: nothing can be recorded here ({reason}). Choose another with --out."
        return Finding("folder", False, text)
    return Finding("folder", n_read == 1, f"{folder.absolute()}: a journal was written and read.")


def check_space(folder: Path) -> Finding:
    """Compare the space on the disk with what a night needs."""
    there = _nearest(folder)
    free = shutil.disk_usage(there).free
    text = f"{free / 1e9:.1f} GB free; a night needs at most {NIGHT_BYTES / 1e9:.1f} GB."
    if free >= NIGHT_BYTES:
        return Finding("space", True, text)
    return Finding("space", False, f"{text} Free space before the night.")


async def check_clock(clock: Clock) -> Finding:
    """See that the clocks run, at one pace, and show a date that can be."""
    before = clock.monotonic_ns(), clock.wall_ns()
    await clock.sleep(WATCHED_S)
    passed = clock.monotonic_ns() - before[0], clock.wall_ns() - before[1]
    now = datetime.fromtimestamp(clock.wall_ns() / 1e9, UTC)
    shown = now.astimezone().strftime("%Y-%m-%d %H:%M %Z")
    if now < _EARLIEST:
        return Finding("clock", False, f"The clock shows {shown}, which is past. Set it.")
    if passed[0] <= 0 or abs(passed[1] / passed[0] - 1) > MOST_DRIFT:
        text = f"The time of day was changed just now, by {(passed[1] - passed[0]) / 1e9:+.2f} s."
        return Finding("clock", False, f"{text} Let it settle, then check again.")
    return Finding("clock", True, f"The clock runs evenly and shows {shown}; compare it.")


async def check_bluetooth(clock: HostClock, radio: str | None) -> Finding:
    """Listen for sensors."""
    from firmware_bridge.link import scan

    try:
        async with radio_at(radio, clock) as stack:
            found = await scan(stack, clock, SCAN_S)
    except SensorError as error:
        return Finding("bluetooth", False, str(error))
    known = [device.name or device.matches[0] for device in found if device.matches]
    heard = f"heard {', '.join(known)}" if known else "no known sensor was heard"
    text = f"Bluetooth works; {heard}, and {len(found) - len(known)} other devices."
    return Finding("bluetooth", True, text)


def check_extras() -> Finding:
    """Say which optional parts are installed; none is needed for a night."""
    words = []
    for extra, (module, use) in EXTRAS.items():
        there = "installed" if importlib.util.find_spec(module) else "not installed"
        words.append(f"{extra} ({use}) {there}")
    return Finding("extras", True, f"Extras: {'; '.join(words)}. None is needed for a night.")


def _nearest(folder: Path) -> Path:
    """Return the folder, or what there is above it."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())


def _write_and_read(path: Path, label: JournalLabel, clock: Clock, record: JournalRecord) -> int:
    from recordings.journal import JournalWriter, open_journal

    with JournalWriter(path, label, clock=clock) as journal:
        journal.append(record)
    return sum(read == record for read in open_journal(path).records())
