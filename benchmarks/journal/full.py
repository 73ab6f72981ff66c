"""The disk is full, until somebody makes room; or is filled by another program."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from benchmarks.journal.mounts import NotAllowedError, ext4
from benchmarks.journal.table import Loss
from benchmarks.journal.traffic import LABEL, PER_S, HandClock, check, until
from nightcramp.errors import OutputError
from recordings.journal import AlarmKind, JournalSettings, JournalWriter, open_journal

if TYPE_CHECKING:
    from pathlib import Path

    from recordings.journal import Alarm

IMAGE_MB = 16
PART_S = 300.0
RESERVE = 3_000_000


def full_disks(folder: Path) -> list[Loss]:
    """Fill a small ext4 under a recorder, without and with reserved space."""
    mishaps = {
        "disk full for 5 min, then space again": 0,
        "disk filled by another program, space reserved": RESERVE,
    }
    return [_try(mishap, folder, reserve) for mishap, reserve in mishaps.items()]


def _try(mishap: str, folder: Path, reserve_bytes: int) -> Loss:
    try:
        with ext4(folder / f"full-{reserve_bytes}.img", IMAGE_MB) as disk:
            return _record(mishap, disk, reserve_bytes)
    except NotAllowedError as error:
        return Loss(mishap, 0, 0, (), 0, f"not measured: {error}")


def _record(mishap: str, disk: Path, reserve_bytes: int) -> Loss:
    clock = HandClock()
    alarms: list[Alarm] = []
    settings = JournalSettings(reserve_bytes=reserve_bytes)
    writer = JournalWriter(
        disk / "n.ncj", LABEL, clock=clock, settings=settings, on_alarm=alarms.append
    )
    _append(writer, clock, 0, PART_S)
    writer.sync()
    _fill(disk / "other")
    _append(writer, clock, PART_S, 2 * PART_S)
    with contextlib.suppress(OutputError):
        writer.sync(timeout_s=2.0)
    if not reserve_bytes:
        (disk / "other").unlink()
    _append(writer, clock, 2 * PART_S, 2.2 * PART_S)
    writer.close()
    read = check(open_journal(disk / "n.ncj").records())
    lost_s = int(2.2 * PART_S * PER_S) / PER_S - read.n_right / PER_S
    told = sorted({alarm.kind for alarm in alarms})
    expected = [] if reserve_bytes else [AlarmKind.DISK_FULL, AlarmKind.DISK_WORKS_AGAIN]
    note = "" if told == expected else f"alarms: {', '.join(told) or 'none'}"
    return Loss(mishap, 1, 1, [lost_s], read.n_wrong, note)


def _append(writer: JournalWriter, clock: HandClock, start_s: float, stop_s: float) -> None:
    for record in until(stop_s, int(start_s * PER_S)):
        clock.now_ns = record.monotonic_ns
        writer.append(record)


def _fill(path: Path) -> None:
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1024))
