"""The power goes: what a real file system has on its medium at any moment, or a model of it."""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.journal.mounts import NotAllowedError, ext4, mounted
from benchmarks.journal.recorder import Recorder
from benchmarks.journal.table import Loss
from benchmarks.journal.traffic import LABEL, HandClock, Read, check, until
from nightcramp.errors import RecordingError
from recordings.journal import Disk, JournalSettings, JournalWriter, open_journal

if TYPE_CHECKING:
    from pathlib import Path

SYNCS_S = (1.0, 5.0, 3600.0)
"""Every second, as shipped, and never in this test."""

FIRST_CUT_S = 7.0
GAP_S = (0.5, 4.5)


def power_cuts(folder: Path, cuts: int) -> list[Loss]:
    """Copy the medium under three recorders at random moments; mount and read the copies."""
    try:
        return _on_ext4(folder, cuts)
    except NotAllowedError as error:
        return [_modelled(folder / f"model-{s:g}", s, cuts, str(error)) for s in SYNCS_S]


def _on_ext4(folder: Path, cuts: int) -> list[Loss]:
    chance = np.random.default_rng(3)
    image, moments = folder / "medium.img", []
    with ExitStack() as stack:
        medium = stack.enter_context(ext4(image, 64))
        recorders = []
        for sync_s in SYNCS_S:
            recorders.append(Recorder.start(medium / _name(sync_s), speed=1, sync_s=sync_s))
            stack.callback(recorders[-1].kill)
        time.sleep(FIRST_CUT_S)
        for cut in range(cuts):
            time.sleep(chance.uniform(*GAP_S))
            copy = folder / f"cut-{cut}.img"
            shutil.copyfile(image, copy)
            moments.append((copy, time.monotonic()))
    reads = [(_read_copy(copy), moment) for copy, moment in moments]
    return [
        _loss(
            f"power cut, fdatasync {_words(sync_s)}",
            [(read[sync_s], moment - recorder.begun) for read, moment in reads],
        )
        for sync_s, recorder in zip(SYNCS_S, recorders, strict=True)
    ]


def _read_copy(copy: Path) -> dict[float, Read | None]:
    with mounted(copy) as folder:
        found = {sync_s: _read(folder / _name(sync_s)) for sync_s in SYNCS_S}
    copy.unlink()
    return found


class _Medium(Disk):
    """Knows how much of each file was synchronised: all that a power cut is sure to leave."""

    def __init__(self) -> None:
        self._paths: dict[int, Path] = {}
        self.safe_bytes: dict[Path, int] = {}

    def create(self, path: Path) -> int:
        file = super().create(path)
        self._paths[file] = path
        return file

    def sync(self, file: int) -> None:
        path = self._paths[file]
        self.safe_bytes[path] = path.stat().st_size


def _modelled(folder: Path, sync_s: float, cuts: int, why: str) -> Loss:
    """Cut a journal, in virtual time, to what was synchronised at random moments."""
    chance, clock, medium = np.random.default_rng(4), HandClock(), _Medium()
    moments = sorted(chance.uniform(FIRST_CUT_S, 600) for _ in range(cuts))
    found: list[tuple[Read | None, float]] = []
    settings = JournalSettings(sync_s=sync_s, reserve_bytes=0)
    with JournalWriter(folder / "n.ncj", LABEL, clock=clock, settings=settings, disk=medium) as w:
        for record in until(moments[-1] + 1):
            while clock.now_ns - w.durable_ns > sync_s * 1e9:
                time.sleep(0.001)
            if moments and clock.now_ns >= moments[0] * 1e9:
                found.append((_cut_copy(folder / f"{len(found)}.ncj", medium), moments.pop(0)))
            clock.now_ns = record.monotonic_ns
            w.append(record)
    note = f"modelled as truncation to what was synchronised, because {why}"
    return _loss(f"power cut, fdatasync {_words(sync_s)}", found, note)


def _cut_copy(copy: Path, medium: _Medium) -> Read | None:
    copy.mkdir()
    for path, n_bytes in dict(medium.safe_bytes).items():
        (copy / path.name).write_bytes(path.read_bytes()[:n_bytes])
    return _read(copy)


def _read(journal: Path) -> Read | None:
    try:
        return check(open_journal(journal).records())
    except RecordingError:
        return None


def _loss(mishap: str, found: list[tuple[Read | None, float]], note: str = "") -> Loss:
    lost = [max(0.0, moment - (read.last_s if read else 0.0)) for read, moment in found]
    opened = [read for read, _ in found if read]
    return Loss(mishap, len(found), len(opened), lost, sum(r.n_wrong for r in opened), note)


def _name(sync_s: float) -> str:
    return f"sync-{sync_s:g}.ncj"


def _words(sync_s: float) -> str:
    return "never" if sync_s >= 3600 else f"every {sync_s:g} s"
