"""The last seconds of the EMG as a band of lowest and highest values, for a screen."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from firmware_bridge import Samples, StreamSpec

if TYPE_CHECKING:
    from firmware_bridge import DeviceSpec, Notification

BINS_PER_S = 50
"""A band of ten seconds is then as wide as a phone has points."""

KEPT_S = 10
_HIGH_PASS_HZ = 10.0
"""Leaves out drift and movement artefact (De Luca et al., J Biomech 2010, give 10 to 20 Hz)."""


@dataclass(slots=True)
class Band:
    """Bins that came since somebody last asked.

    Attributes
    ----------
    upto : int
        Number of bins since the beginning; to be given with the next question.
    low, high : list of float
        Lowest and highest value of any channel in each bin.
    """

    upto: int
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)


class Trace:
    """Makes the band from packets as they come.

    It draws what the sensor sends at once; where samples are missing it has no hole, because their
    place is known only half a minute later. Nothing is judged from it.

    Parameters
    ----------
    spec : DeviceSpec

    Attributes
    ----------
    unit : str
        Of the values: ``uV`` or ``count``.
    """

    def __init__(self, spec: DeviceSpec) -> None:
        self._decoder = spec.decoder()
        self._bins: deque[tuple[float, float]] = deque(maxlen=BINS_PER_S * KEPT_S)
        self._n_bins = 0
        self._stream: StreamSpec | None = None
        for stream in spec.streams:
            self._declare(stream)

    @property
    def unit(self) -> str:
        """Unit of the values."""
        return self._stream.unit if self._stream is not None and self._stream.scale else "count"

    def connected(self) -> None:
        """Begin anew with a new connection."""
        self._decoder.reset()

    def take(self, notification: Notification) -> None:
        """Take bytes that have just arrived."""
        for packet in self._decoder.decode(notification.characteristic, notification.payload):
            if isinstance(packet, StreamSpec):
                self._declare(packet)
            elif isinstance(packet, Samples) and packet.stream == "emg" and self._stream:
                self._add(packet.values, self._stream)

    def since(self, upto: int) -> Band:
        """Return the bins after the first `upto`, as far back as they are kept."""
        new = min(max(self._n_bins - upto, 0), len(self._bins))
        recent = [self._bins[place] for place in range(len(self._bins) - new, len(self._bins))]
        return Band(self._n_bins, [low for low, _ in recent], [high for _, high in recent])

    def _declare(self, stream: StreamSpec) -> None:
        if stream.kind != "emg":
            return
        from scipy.signal import butter

        self._stream = stream
        self._per_bin = max(1, round(stream.rate_hz / BINS_PER_S))
        sections = butter(2, _HIGH_PASS_HZ, "highpass", fs=stream.rate_hz, output="sos")
        self._filter = np.asarray(sections, dtype=np.float64)
        self._state: npt.NDArray[np.float64] | None = None
        self._rest = np.empty((stream.channels, 0))

    def _add(self, counts: npt.NDArray[np.int32], stream: StreamSpec) -> None:
        values = np.concatenate([self._rest, self._filtered(counts, stream)], axis=1)
        whole = values.shape[1] // self._per_bin
        self._rest = values[:, whole * self._per_bin :]
        bins = values[:, : whole * self._per_bin].reshape(stream.channels, whole, self._per_bin)
        low, high = bins.min(axis=(0, 2)), bins.max(axis=(0, 2))
        self._bins.extend(zip(low.round(2).tolist(), high.round(2).tolist(), strict=True))
        self._n_bins += whole

    def _filtered(
        self, counts: npt.NDArray[np.int32], stream: StreamSpec
    ) -> npt.NDArray[np.float64]:
        from scipy.signal import sosfilt, sosfilt_zi

        scaled = (counts - stream.offset) * (stream.scale or 1.0)
        if self._state is None:
            settled = np.asarray(sosfilt_zi(self._filter))[:, None, :]
            self._state = settled * scaled[None, :, :1]
        values, state = sosfilt(self._filter, scaled, axis=1, zi=self._state)
        self._state = np.asarray(state)
        return np.asarray(values)
