"""A sensor's notifications, each told by its number alone, so that any wrong one shows.

Two EMG channels at 1000 Hz, 56 samples to a notification of 232 bytes, and three axes of
acceleration at 100 Hz, 25 samples to one of 158 bytes; sample number and device time before the
samples. EMG is noise of 60 counts (3 uV at 0.05 uV a count), acceleration 1 g and 8 counts of
noise, in 16 bits: at rest, as most of a night is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from recordings.journal import JournalLabel, JournalRecord, RecordKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

EMG = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
ACC = "6e400004-b5a3-f393-e0a9-e50e24dcca9e"
EMG_PER_S, ACC_PER_S = 1000 / 56, 4.0
PER_S = EMG_PER_S + ACC_PER_S
PAYLOAD_PER_S = 232 * EMG_PER_S + 158 * ACC_PER_S

WALL_NS = 1_795_384_800 * 10**9
LABEL = JournalLabel("benchmark", "benchmarks.journal", {"participant": "P000", "leg": "left"})

_POOL = 4096


def record(number: int) -> JournalRecord:
    """Return one of the night's records; time 0 is that of the first."""
    at = time_ns(number)
    is_acc = int((number + 1) * ACC_PER_S / PER_S) > int(number * ACC_PER_S / PER_S)
    head = number.to_bytes(4, "little") + (at // 1000 & 0xFFFFFFFF).to_bytes(4, "little")
    samples = _pool()[is_acc][number * 2654435761 % _POOL]
    kind, characteristic = RecordKind.NOTIFICATION, ACC if is_acc else EMG
    return JournalRecord(kind, at, WALL_NS + at, characteristic, head + samples)


def time_ns(number: int) -> int:
    """Return when a record arrives: evenly, but for some milliseconds."""
    return round(number * 1e9 / PER_S) + number * 7919 % 5_000_000


@dataclass(frozen=True, slots=True)
class Read:
    """What a reader got out of a journal.

    Attributes
    ----------
    n_right, n_wrong : int
        Records as they were written; records that were not written so, or twice.
    last_s : float
        Time of the last.
    """

    n_right: int
    n_wrong: int
    last_s: float


def check(records: Iterable[JournalRecord]) -> Read:
    """Compare what was read with what was written."""
    n_right, n_wrong, last = 0, 0, -1
    for got in records:
        if got.kind is not RecordKind.NOTIFICATION:
            continue
        number = int.from_bytes(got.payload[:4], "little")
        if number > last and got == record(number):
            n_right, last = n_right + 1, number
        else:
            n_wrong += 1
    return Read(n_right, n_wrong, time_ns(last) / 1e9 if last >= 0 else 0.0)


def until(seconds: float, start: int = 0) -> Iterator[JournalRecord]:
    """Yield the records of so long a time."""
    yield from (record(number) for number in range(start, int(seconds * PER_S)))


class HandClock:
    """Shows the time of the record that was taken last."""

    now_ns = 0

    def monotonic_ns(self) -> int:
        return self.now_ns

    def wall_ns(self) -> int:
        return WALL_NS + self.now_ns


@lru_cache(maxsize=1)
def _pool() -> tuple[list[bytes], list[bytes]]:
    """Return the samples of notifications of EMG and of acceleration."""
    rng = np.random.default_rng(20261122)
    emg = np.rint(rng.normal(0, 60, (_POOL, 112))).astype("<i2")
    acc = np.rint(rng.normal([0, 300, 4070], 8, (_POOL, 25, 3))).astype("<i2")
    return [row.tobytes() for row in emg], [row.tobytes() for row in acc]
