"""What is read from a recording to show one episode closely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import signal

if TYPE_CHECKING:
    from nightcramp.picture.decimate import FloatArray, Line
    from recordings import Recording
    from sensing import Event

MARGIN_S: Final = 30.0
ENVELOPE_S: Final = 0.1
_HIGH_PASS_HZ: Final = 20.0


@dataclass(frozen=True, slots=True)
class CloseUp:
    """An episode and its surroundings.

    Attributes
    ----------
    event : Event
    channel : str
        The one that shows the episode best.
    start_s, stop_s : float
        What is shown, from the start of the recording.
    emg : float32 array, shape (samples,)
        Raw EMG of `channel`, its median subtracted.
    envelope : float32 array, shape (windows,)
        RMS in windows of 0.1 s of the EMG above 20 Hz.
    acc : float32 array, shape (3, samples), or None
        Acceleration, the median of each axis subtracted.
    """

    event: Event
    channel: str
    start_s: float
    stop_s: float
    emg: FloatArray
    envelope: FloatArray
    acc: FloatArray | None

    def time_of(self, position: Line, n_samples: int) -> Line:
        """Turn positions in a series of `n_samples` over the whole stretch into seconds."""
        return self.start_s + position * ((self.stop_s - self.start_s) / n_samples)

    def within(self, n_samples: int) -> slice:
        """Part of a series of `n_samples` that lies within the episode."""
        per_second = n_samples / (self.stop_s - self.start_s)
        onset, offset = self.event.onset_s - self.start_s, self.event.offset_s - self.start_s
        return slice(int(onset * per_second), int(offset * per_second) + 1)


def read_close_up(recording: Recording, event: Event) -> CloseUp:
    """Read an episode with 30 s, or a quarter of its length if that is more, on either side."""
    info = recording.info
    margin = max(MARGIN_S, event.duration_s / 4)
    start = max(0.0, event.onset_s - margin)
    stop = min(info.duration_s, event.offset_s + margin)
    blocks = list(recording.blocks(start_s=start, stop_s=stop))
    labels = [channel.label for channel in info.emg.channels]
    index = labels.index(event.channel) if event.channel in labels else 0
    emg = np.concatenate([block.emg[index] for block in blocks])
    parts = [block.acc for block in blocks if block.acc is not None]
    return CloseUp(
        event=event,
        channel=labels[index],
        start_s=start,
        stop_s=stop,
        emg=_centred(emg),
        envelope=_envelope(emg, info.emg.rate_hz),
        acc=_centred(np.concatenate(parts, axis=1)) if parts else None,
    )


def _centred(values: FloatArray) -> FloatArray:
    missing = np.isnan(values).all(axis=-1, keepdims=True)
    middle = np.nanmedian(np.where(missing, 0, values), axis=-1, keepdims=True)
    return np.asarray(values - middle, dtype=np.float32)


def _envelope(emg: FloatArray, rate_hz: float) -> FloatArray:
    """Take movement and drift away, then the RMS of every 0.1 s; NaN where samples are missing."""
    missing = np.isnan(emg)
    filled = np.where(missing, 0, _centred(emg))
    sections = signal.butter(2, _HIGH_PASS_HZ, "highpass", fs=rate_hz, output="sos")
    swing = signal.sosfiltfilt(sections, filled).astype(np.float32)
    swing[missing] = np.nan
    width = round(ENVELOPE_S * rate_hz)
    windows = swing[: swing.size // width * width].reshape(-1, width)
    return np.asarray(np.sqrt(np.mean(windows**2, axis=1)), dtype=np.float32)
