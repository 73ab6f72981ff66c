"""Frames as an emulated sensor of the stream profile fills them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from firmware_bridge import profile
from firmware_bridge.emulator.devices.profile_description import IDS, PROFILE_V1
from firmware_bridge.packets import SampleFlag
from firmware_bridge.profile import Encoding, StreamId

if TYPE_CHECKING:
    from firmware_bridge.emulator.devices.converter import Run, Signal
    from firmware_bridge.emulator.devices.profile_sessions import Session
    from firmware_bridge.packets import Counts, StreamKind

_HEADER = 16
_MOST_SAMPLES = 255


class Framing:
    """Makes frames, and keeps the clock that stands in them.

    Parameters
    ----------
    source : SignalSource
    signals : dict of stream to Signal
        As they are now; the backlog reads the same at another place.
    encoding : Encoding
        Used for every frame whose samples fit.
    """

    def __init__(self, signals: dict[StreamKind, Signal], encoding: Encoding) -> None:
        self._live = signals
        self._backlog = {kind: signal.elsewhere() for kind, signal in signals.items()}
        self._encoding = encoding
        self._gaps: dict[StreamKind, set[int]] = {kind: set() for kind in signals}
        self._seconds_at_0 = 0.0
        self._stepped: set[StreamId] = set()

    def samples(self, stream: StreamKind, payload_max: int) -> int:
        """How many samples a frame has."""
        room = min(profile.MAX_FRAME, payload_max) - _HEADER
        return max(1, min(room // (2 * PROFILE_V1[stream].channels), _MOST_SAMPLES))

    def live(self, session: Session, stream: StreamKind, run: Run) -> bytes:
        """Frame for the live characteristic."""
        flags = SampleFlag.NONE
        if IDS[stream] in self._stepped:
            self._stepped.discard(IDS[stream])
            flags = SampleFlag.CLOCK_STEP
        return self._frame(session, self._live[stream], run, flags)

    def backlog(self, session: Session, stream: StreamKind, run: Run) -> bytes:
        """Frame for the backlog characteristic."""
        return self._frame(session, self._backlog[stream], run, SampleFlag.BACKLOG)

    def mark(self, session: Session, code: int, index: int) -> bytes:
        """Frame that tells of the button, at a sample of the EMG stream."""
        frame = profile.Frame(
            StreamId.MARK,
            SampleFlag.NONE,
            session.take_sequence(StreamId.MARK),
            session.number,
            index - session.first["emg"],
            self.ticks(index / PROFILE_V1["emg"].rate_hz),
            Encoding.INT16,
            np.array([[code]], np.int32),
        )
        return profile.encode_frame(frame)

    def gap_before(self, stream: StreamKind, index: int) -> None:
        """Take note that samples before this one were not taken."""
        self._gaps[stream].add(index)

    def ticks(self, device_s: float) -> int:
        """Sensor's clock so many of its own seconds after it was switched on."""
        return int((device_s + self._seconds_at_0) * profile.TICK_HZ + 1e-6) % 2**32

    def restart_clock(self, device_s: float) -> None:
        """Let the clock begin at 0."""
        self._seconds_at_0 = -device_s

    def step_clock(self, seconds: float) -> None:
        """Set the clock; the next frame of each stream says so."""
        self._seconds_at_0 += seconds
        self._stepped = {StreamId.EMG, StreamId.ACC}

    def _frame(self, session: Session, signal: Signal, run: Run, flags: SampleFlag) -> bytes:
        kind, front = signal.stream, signal.front_end
        values = signal.counts((run,))
        if run.first in self._gaps[kind]:
            flags |= SampleFlag.GAP_BEFORE
        if signal.without_contact(run.first) or signal.without_contact(run.first + run.n - 1):
            flags |= SampleFlag.LEAD_OFF
        if values.min() <= front.low or values.max() >= front.high:
            flags |= SampleFlag.SATURATED
        frame = profile.Frame(
            IDS[kind],
            flags,
            session.take_sequence(IDS[kind]),
            session.number,
            run.first - session.first[kind],
            self.ticks(run.first / front.rate_hz),
            self._fitting(values),
            values,
        )
        return profile.encode_frame(frame)

    def _fitting(self, values: Counts) -> Encoding:
        """Asked-for encoding, if the samples fit into it."""
        if (
            self._encoding is Encoding.DELTA8
            and np.abs(np.diff(values, axis=1)).max(initial=0) > 127
        ):
            return Encoding.INT16
        if self._encoding is Encoding.INT12 and (values.min() < -2048 or values.max() > 2047):
            return Encoding.INT16
        return self._encoding
