"""Bytes of a journal are cut off, zeroed, flipped; what lay before and after is still read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.journal.table import Loss
from benchmarks.journal.traffic import LABEL, PER_S, HandClock, check, until
from nightcramp.errors import RecordingError
from recordings.journal import JournalSettings, JournalWriter, open_journal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Spoil = Callable[[bytes, int], tuple[bytes, int]]

LONG_S = 360.0
SHORT_S = 2.0
PAGE = 4096

SYNC = b"\x8aNCJ\r\n\x1a\n"
"""Begins every block; how many records it holds stands 14 bytes further (docs/journal.md)."""


def damages(folder: Path, tries: int) -> list[Loss]:
    """Damage a journal of six minutes at random places, and a short one at every byte."""
    long, short = make(folder / "long", LONG_S), make(folder / "short", SHORT_S)
    anywhere = np.random.default_rng(5).integers(len(long) - PAGE, size=tries).tolist()
    later = [max(place, _blocks(long)[1]) for place in anywhere]
    every = range(len(short))
    return [
        _try("cut at a random byte", folder, long, _cut, later),
        _try(
            "cut at every byte of a short journal", folder, short, _cut, every[_blocks(short)[1] :]
        ),
        _try("zeros from a random byte to the end", folder, long, _zero_tail, later),
        _try("one random byte flipped", folder, long, _flip, anywhere),
        _try("each byte of a short journal flipped", folder, short, _flip, every),
        _try("a page of 4 KiB lost", folder, long, _lose_page, anywhere),
    ]


def make(folder: Path, seconds: float) -> bytes:
    """Write a journal; return the bytes of its one segment."""
    clock = HandClock()
    settings = JournalSettings(reserve_bytes=0)
    with JournalWriter(folder, LABEL, clock=clock, settings=settings) as writer:
        for record in until(seconds):
            clock.now_ns = record.monotonic_ns
            writer.append(record)
    return (folder / "0001.ncj").read_bytes()


def _try(mishap: str, folder: Path, whole: bytes, spoil: Spoil, places: Sequence[int]) -> Loss:
    """Spoil a journal at each place; count the records before its end that are lost."""
    path = folder / "spoilt.ncj" / "0001.ncj"
    path.parent.mkdir(exist_ok=True)
    lost, n_wrong = [], 0
    for place in places:
        spoilt, end = spoil(whole, place)
        path.write_bytes(spoilt)
        try:
            read = check(open_journal(path.parent).records())
        except RecordingError:
            continue
        n_wrong += read.n_wrong
        lost.append((_n_before(whole, end) - read.n_right) / PER_S)
    return Loss(mishap, len(places), len(lost), lost, n_wrong)


def _cut(whole: bytes, place: int) -> tuple[bytes, int]:
    return whole[:place], place


def _zero_tail(whole: bytes, place: int) -> tuple[bytes, int]:
    return whole[:place] + bytes(len(whole) - place), place


def _flip(whole: bytes, place: int) -> tuple[bytes, int]:
    return whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :], len(whole)


def _lose_page(whole: bytes, place: int) -> tuple[bytes, int]:
    start = place // PAGE * PAGE
    return whole[:start] + bytes(PAGE) + whole[start + PAGE :], len(whole)


def _blocks(whole: bytes) -> list[int]:
    """Return where the blocks of a segment begin."""
    return [found.start() for found in re.finditer(re.escape(SYNC), whole)]


def _n_before(whole: bytes, end: int) -> int:
    """Return how many records are in the blocks that begin before a place."""
    begun = (place for place in _blocks(whole) if place < end)
    return sum(int.from_bytes(whole[place + 14 : place + 16], "little") for place in begun)
