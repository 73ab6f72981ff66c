"""What writing a night takes: processor time, bytes, memory; and reading it back."""

from __future__ import annotations

import resource
import time
from typing import TYPE_CHECKING

from benchmarks.journal.mounts import NotAllowedError, ext4, sectors_written
from benchmarks.journal.recorder import Recorder
from benchmarks.journal.table import Cost
from benchmarks.journal.traffic import LABEL, PAYLOAD_PER_S, HandClock, until
from recordings.journal import (
    JournalSettings,
    JournalWriter,
    create_site_key,
    examine,
    open_journal,
)

if TYPE_CHECKING:
    from pathlib import Path

NIGHT_H = 8
FIRST_H = 0.5
BACK_PRESSURE_EVERY = 20_000

SPEED = 20.0
MEDIUM_S = 30.0
"""The bytes that reach the medium are counted for so long, at so many times the speed."""


def night_costs(folder: Path, hours: float) -> list[Cost]:
    """Write a night as fast as possible, plain and encrypted; read it back."""
    base_s = _traffic_s(hours)
    _write(folder / "first.ncj", FIRST_H, JournalSettings())
    before_mb = _peak_mb()
    plain, encrypted = folder / "plain.ncj", folder / "encrypted.ncj"
    create_site_key(folder / "site.key", folder / "site.pub")
    plain_s = _write(plain, hours, JournalSettings()) - base_s
    settings = JournalSettings(site_key=folder / "site.pub")
    encrypted_s = _write(encrypted, hours, settings) - base_s
    share = hours / NIGHT_H
    return [
        _cpu("written, plain: CPU per recorded second", plain_s, hours),
        _cpu("written, encrypted: CPU per recorded second", encrypted_s, hours),
        _size("a night of 8 h on the disk", plain, share),
        _size("a night of 8 h on the disk, encrypted", encrypted, share),
        *_reading(plain, folder / "site.key", share),
        Cost(
            "memory that a night takes beyond its first minutes", f"{_peak_mb() - before_mb:.1f} MB"
        ),
    ]


def medium_costs(folder: Path) -> list[Cost]:
    """Count what reaches the block device, with the system's own bookkeeping."""
    try:
        return [_amplification(folder / f"{s:g}.img", s) for s in (1.0, 5.0)]
    except NotAllowedError as error:
        return [Cost("bytes to the medium", f"not measured: {error}")]


def _traffic_s(hours: float) -> float:
    """Return the processor time of making the records: not the journal's."""
    begun = time.process_time()
    for _ in until(hours * 3600):
        pass
    return time.process_time() - begun


def _write(folder: Path, hours: float, settings: JournalSettings) -> float:
    begun, clock = time.process_time(), HandClock()
    with JournalWriter(folder, LABEL, clock=clock, settings=settings) as writer:
        for number, record in enumerate(until(hours * 3600)):
            clock.now_ns = record.monotonic_ns
            writer.append(record)
            if number % BACK_PRESSURE_EVERY == 0:
                writer.sync(timeout_s=60)
    return time.process_time() - begun


def _reading(path: Path, key: Path, share: float) -> list[Cost]:
    journal = open_journal(path, key=key)
    begun = time.process_time()
    n_records = sum(1 for _ in journal.records())
    read = time.process_time()
    examine(journal)
    examined = time.process_time()
    next(journal.records(start_s=317 * 60 * share))
    sought = time.process_time()
    return [
        Cost(f"reading all {n_records:,} records: CPU", f"{(read - begun) / share:.2f} s"),
        Cost("examining it, as at a start: CPU", f"{(examined - read) / share:.2f} s"),
        Cost("first record of minute 317: CPU", f"{1000 * (sought - examined):.1f} ms"),
    ]


def _amplification(image: Path, sync_s: float) -> Cost:
    with ext4(image, 64) as folder:
        before = sectors_written(folder)
        recorder = Recorder.start(folder / "n.ncj", speed=SPEED, sync_s=sync_s)
        time.sleep(MEDIUM_S)
        recorder.kill()
        written = 512 * (sectors_written(folder) - before)
        journal = examine(open_journal(folder / "n.ncj"))
        size = sum(path.stat().st_size for path in (folder / "n.ncj").glob("*.ncj"))
    payload = PAYLOAD_PER_S * journal.duration_s
    return Cost(
        f"bytes to the medium, fdatasync every {sync_s:g} s",
        f"{written / size:.2f} × the journal, {written / payload:.2f} × the payload",
    )


def _cpu(what: str, seconds: float, hours: float) -> Cost:
    return Cost(what, f"{1e6 * seconds / (3600 * hours):.0f} µs")


def _size(what: str, folder: Path, share: float) -> Cost:
    size = sum(path.stat().st_size for path in folder.iterdir()) / share
    payload = PAYLOAD_PER_S * NIGHT_H * 3600
    return Cost(what, f"{size / 1e6:.1f} MB, {size / payload:.2f} × the payload")


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
