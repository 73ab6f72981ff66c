"""Looks every sample of an emulated night's recording up in the truth."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from benchmarks.fault_matrix_night import CRYSTAL_PPM
from firmware_bridge import (
    MissingStretch,
    Reject,
    RejectReason,
    StreamAnomaly,
    StreamDeclared,
    Stretch,
)
from firmware_bridge.emulator import FRONT_ENDS, index_source
from firmware_bridge.emulator.sensor import LossCause
from firmware_bridge.link import LinkState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.fault_matrix_night import Night
    from firmware_bridge import StreamKind
    from firmware_bridge.emulator import FrontEnd
    from firmware_bridge.packets import Counts

Numbers: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]

_FAR = 4096
_REFUSED = (RejectReason.NO_BASELINE, RejectReason.SETTLING)
_IN_PARTS = ("ganglion-fw2", "ganglion-fw3")
_PARTS_S = 0.25
_IDLE = (LossCause.STOPPED, LossCause.DISCONNECTED, LossCause.OFF, LossCause.REBOOT)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the samples of one stream.

    Attributes
    ----------
    stream : {"emg", "acc"}
    taken : int
        Samples from the first recorded one to the last one that was sent.
    recorded : int
        Samples in the recording.
    unexplained : int
        Not recorded, though they reached the computer while the link was up, and not named.
    foreign : int
        Recorded, but never taken.
    declared : int
        Missing samples as the recording tells.
    displaced_ms : float
        How far samples lie from where they belong in the recording.
    """

    stream: StreamKind
    taken: int
    recorded: int
    unexplained: int
    foreign: int
    declared: int
    displaced_ms: float


def judge(night: Night) -> list[Verdict]:
    """Judge every stream of a night."""
    return [_judge(night, kind) for kind in FRONT_ENDS[night.device]]


def _judge(night: Night, kind: StreamKind) -> Verdict:
    found = _look_up(night, kind)
    recorded = np.zeros(found.n_true, dtype=np.bool_)
    recorded[found.numbers] = True
    arrived, heard = _arrived(night, kind, found.n_true)
    if kind == "acc" and night.device in _IN_PARTS:
        heard &= _whole(night, found.n_true)
    taken = np.flatnonzero(recorded | arrived)
    return Verdict(
        stream=kind,
        taken=int(np.ptp(taken)) + 1 if len(taken) else 0,
        recorded=len(found.numbers),
        unexplained=max(0, int((heard & ~recorded).sum()) - _named(night, kind)),
        foreign=found.foreign,
        declared=sum(item.n for item in _missing(night, kind)),
        displaced_ms=_displaced_s(night, found) * 1e3,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """Recorded samples of one stream: true numbers, and positions in the recording."""

    stream: StreamKind
    numbers: Numbers
    positions: Numbers
    foreign: int
    n_true: int
    rate_hz: float
    true_rate_hz: float

    @property
    def true_s(self) -> npt.NDArray[np.float64]:
        return self.numbers / self.true_rate_hz

    @property
    def recorded_s(self) -> npt.NDArray[np.float64]:
        return self.positions / self.rate_hz


def _look_up(night: Night, kind: StreamKind) -> _Found:
    true_rate_hz = FRONT_ENDS[night.device][kind].rate_hz * (1 + CRYSTAL_PPM * 1e-6)
    n_true = int(night.seconds * true_rate_hz) + _FAR
    pieces = [item for item in night.items if isinstance(item, Stretch) and item.stream == kind]
    true = index_source(night.device).counts(kind, 0, n_true)
    numbers = numbers_of(pieces, true, _alike(FRONT_ENDS[night.device][kind]))
    places = [np.arange(piece.start, piece.start + piece.n) for piece in pieces]
    positions = np.concatenate([*places, np.zeros(0, dtype=np.int64)])
    rates = [i.rate_hz for i in night.items if isinstance(i, StreamDeclared) and i.stream == kind]
    known = numbers >= 0
    return _Found(
        kind,
        numbers[known],
        positions[known],
        int((~known).sum()),
        n_true,
        rates[0] if rates else true_rate_hz,
        true_rate_hz,
    )


def _alike(front_end: FrontEnd) -> int:
    """How many samples in a row are not the same as others by chance: 40 bits."""
    levels = (front_end.high - front_end.low) // front_end.step + 1
    return math.ceil(40 / (front_end.channels * math.log2(levels)))


def numbers_of(pieces: Sequence[Stretch], true: Counts, alike: int) -> Numbers:
    """Find the true number of every recorded sample, in rising order; -1 for what was never taken.

    Parameters
    ----------
    pieces : sequence of Stretch
    true : int32 array, shape (channels, samples)
    alike : int
        So many samples in a row are not the same by chance.
    """
    if not pieces:
        return np.zeros(0, dtype=np.int64)
    values = np.concatenate([piece.counts for piece in pieces], axis=1)
    starts = np.concatenate([np.arange(piece.start, piece.start + piece.n) for piece in pieces])
    breaks = np.append(np.flatnonzero(np.diff(starts) != 1) + 1, len(starts))
    numbers = np.full(len(starts), -1, dtype=np.int64)
    at = number = 0
    while at < len(starts):
        n = _same(values[:, at:], true[:, number:])
        numbers[at : at + n] = np.arange(number, number + n)
        at, number = at + n, number + n
        if at == len(starts):
            break
        stop = int(breaks[np.searchsorted(breaks, at, side="right")])
        found = _find(values[:, at : min(stop, at + alike)], true, number)
        if found is None:
            at += 1
        else:
            number = found
    return numbers


def _same(values: Counts, true: Counts) -> int:
    """How many samples from the first on are the same."""
    n = min(values.shape[1], true.shape[1])
    for first in range(0, n, _FAR):
        stop = min(n, first + _FAR)
        differ = np.flatnonzero((values[:, first:stop] != true[:, first:stop]).any(axis=0))
        if len(differ):
            return first + int(differ[0])
    return n


def _find(values: Counts, true: Counts, since: int) -> int | None:
    """Where a few samples are found in the truth, from a number on."""
    n = values.shape[1]
    stop = true.shape[1] - n + 1
    same = np.ones(max(0, stop - since), dtype=np.bool_)
    for column in range(n):
        same &= (true[:, since + column : stop + column] == values[:, [column]]).all(axis=0)
    found = np.flatnonzero(same)
    return since + int(found[0]) if len(found) else None


def _arrived(night: Night, kind: StreamKind, n_true: int) -> tuple[Mask, Mask]:
    """Which samples reached the computer, and which of them while the link was held to be up."""
    arrived, heard = np.zeros(n_true, dtype=np.bool_), np.zeros(n_true, dtype=np.bool_)
    sessions = _sessions(night)
    for arrival in night.arrivals:
        if arrival.stream == kind:
            samples = slice(arrival.first, arrival.first + arrival.n)
            arrived[samples] = True
            heard[samples] = any(up <= arrival.at_s <= down for up, down in sessions)
    return arrived, heard


def _sessions(night: Night) -> list[tuple[float, float]]:
    """From when to when the link was held to be up, and notifications came."""
    sessions: list[tuple[float, float]] = []
    streams_s: float | None = None
    for event in night.events:
        now_s = event.monotonic_ns * 1e-9
        if event.state is LinkState.STREAMING and event.cause is None:
            streams_s = now_s
        elif event.state in (LinkState.LOST, LinkState.STOPPED) and streams_s is not None:
            first, following = (bisect_left(night.heard_s, at) for at in (streams_s, now_s))
            if following > first:
                sessions.append((streams_s, night.heard_s[following - 1] - night.inside_s))
            streams_s = None
    return sessions


def _named(night: Night, kind: StreamKind) -> int:
    """How many samples were left out of the recording and said to be."""
    odd = [item for item in night.items if isinstance(item, StreamAnomaly) and item.stream == kind]
    refused = [item for item in night.items if isinstance(item, Reject) and item.reason in _REFUSED]
    largest = max((arrival.n for arrival in night.arrivals if arrival.stream == kind), default=0)
    return sum(item.n for item in odd) + largest * len(refused)


def _whole(night: Night, n_true: int) -> Mask:
    """Of acceleration that travels in parts with the EMG: the samples whose parts all came."""
    emg, acc = _look_up(night, "emg"), FRONT_ENDS[night.device]["acc"]
    gone = ~_given_up(night, emg, (LossCause.FIRMWARE,))
    gone[emg.numbers] = False
    gone_s = np.flatnonzero(gone) / emg.true_rate_hz
    times_s = np.arange(n_true) / acc.rate_hz
    near = np.searchsorted(gone_s, times_s + _PARTS_S) - np.searchsorted(gone_s, times_s - _PARTS_S)
    return near == 0


def _missing(night: Night, kind: StreamKind) -> list[MissingStretch]:
    return [i for i in night.items if isinstance(i, MissingStretch) and i.stream == kind]


def _displaced_s(night: Night, found: _Found) -> float:
    """How far samples lie from where they belong: all but one in 200, and those in doubt.

    Where the recording says that samples went missing somewhere in a stretch, it is in doubt. The
    EMG, or the only stream, is compared with its own count, acceleration with the EMG.
    """
    if not len(found.numbers):
        return 0.0
    if found.stream == "emg" or "emg" not in FRONT_ENDS[night.device]:
        shifts = found.positions - _offered(night, found)
        off_s = (shifts - shifts[0]) / found.true_rate_hz
    else:
        emg = _look_up(night, "emg")
        off_s = found.recorded_s - np.interp(found.true_s, emg.true_s, emg.recorded_s)
    declared = [item for item in night.items if isinstance(item, StreamDeclared)]
    rates_hz = {item.stream: item.rate_hz for item in declared}
    doubtful = np.zeros(len(off_s), dtype=np.bool_)
    for gap in night.items:
        if isinstance(gap, MissingStretch) and gap.stream in (found.stream, "emg"):
            first_s, last_s = (place / rates_hz[gap.stream] for place in (gap.earliest, gap.start))
            doubtful |= (first_s <= found.recorded_s) & (found.recorded_s < last_s)
    if doubtful.all():
        return 0.0
    return float(np.quantile(np.abs(off_s[~doubtful]), 0.995))


def _offered(night: Night, found: _Found) -> npt.NDArray[np.float64]:
    """Count of the samples that the firmware does not leave out anyway, as while it runs."""
    left_out = _given_up(night, found, (LossCause.FIRMWARE,))
    idle = _given_up(night, found, _IDLE)
    share = left_out.sum() / (~idle).sum()
    offered = np.where(idle, 1.0 - share, np.where(left_out, 0.0, 1.0))
    counted: npt.NDArray[np.float64] = np.cumsum(offered)[found.numbers]
    return counted


def _given_up(night: Night, found: _Found, causes: Sequence[str]) -> Mask:
    given_up = np.zeros(found.n_true, dtype=np.bool_)
    for lost in night.losses:
        if lost.stream == found.stream and lost.cause in causes:
            given_up[lost.first : lost.first + lost.n] = True
    return given_up
