"""Causal filters with explicit state: any chunking of the samples gives the same bits.

Zero-phase filters would be smoother but change the newest samples when later ones arrive, so
that a night judged live could not equal the same night judged from its file.
"""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import signal

Samples = npt.NDArray[np.float64]

BAND_LOW_HZ = 20.0
"""Lower edge of the EMG band: most motion artefact lies below (De Luca et al. 2010)."""

BAND_HIGH_HZ = 450.0
"""Upper edge of the EMG band; surface EMG carries next to nothing above."""

NOTCH_WIDTH_HZ = 2.0
"""Width of each mains notch at -3 dB; wide enough for the drift of the grid."""


def band_hz(rate_hz: float) -> tuple[float, float]:
    """Return the pass band in Hz for a sampling rate: 20 Hz to 450 Hz or 0.45 of the rate."""
    return BAND_LOW_HZ, min(BAND_HIGH_HZ, 0.45 * rate_hz)


@lru_cache
def _band_pass_sections(rate_hz: float) -> Samples:
    sections = signal.butter(4, band_hz(rate_hz), "bandpass", fs=rate_hz, output="sos")
    return np.asarray(sections, dtype=np.float64)


@lru_cache
def _notch_sections(lines_hz: tuple[float, ...], rate_hz: float) -> Samples:
    pairs = [signal.iirnotch(line, line / NOTCH_WIDTH_HZ, fs=rate_hz) for line in lines_hz]
    return np.asarray([[*b, *a] for b, a in pairs], dtype=np.float64)


class BandPass:
    """Band-pass of all channels of a stream; restarts by itself after missing samples.

    Parameters
    ----------
    channels : int
        Number of channels.
    rate_hz : float
        Samples per second.
    """

    def __init__(self, channels: int, rate_hz: float) -> None:
        self._sections = _band_pass_sections(rate_hz)
        self._settled = signal.sosfilt_zi(self._sections)
        self._state = np.zeros((len(self._sections), channels, 2))
        self._running = np.zeros(channels, dtype=np.bool_)

    def push(self, samples: Samples) -> tuple[Samples, npt.NDArray[np.bool_]]:
        """Filter the next samples.

        Parameters
        ----------
        samples : float64 array, shape (channels, samples)
            NaN where samples are missing.

        Returns
        -------
        filtered : float64 array, same shape
            Zero where samples are missing.
        restarts : bool array, same shape
            True at the first sample after a gap.
        """
        known = ~np.isnan(samples)
        restarts = np.zeros(samples.shape, dtype=np.bool_)
        if self._running.all() and known.all():
            filtered, self._state = signal.sosfilt(self._sections, samples, zi=self._state)
            return filtered, restarts
        filtered = np.zeros_like(samples)
        for first, last in _runs_of_equal_columns(known):
            present = known[:, first]
            starting = present & ~self._running
            restarts[starting, first] = True
            # Begin as if the first value had been there for ever: no step, no ringing.
            self._state[:, starting] = self._settled[:, None, :] * samples[starting, first, None]
            if present.any():
                part, self._state[:, present] = signal.sosfilt(
                    self._sections, samples[present, first:last], zi=self._state[:, present]
                )
                filtered[present, first:last] = part
            self._running = present
        return filtered, restarts


class MainsNotch:
    """Notches at the mains lines that one channel shows, none where it shows none.

    Parameters
    ----------
    rate_hz : float
        Samples per second.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._lines_hz: tuple[float, ...] = ()
        self._state = np.zeros((0, 2))

    @property
    def lines_hz(self) -> tuple[float, ...]:
        """Frequencies that are being removed."""
        return self._lines_hz

    def tune(self, lines_hz: tuple[float, ...]) -> None:
        """Remove these lines from now on; a new notch starts open and closes within 0.5 s."""
        if lines_hz != self._lines_hz:
            self._lines_hz = lines_hz
            self._state = np.zeros((len(lines_hz), 2))

    def push(self, samples: Samples) -> Samples:
        """Filter the next samples of the channel, shape (samples,)."""
        if not self._lines_hz:
            return samples
        sections = _notch_sections(self._lines_hz, self._rate_hz)
        filtered, self._state = signal.sosfilt(sections, samples, zi=self._state)
        return np.asarray(filtered, dtype=np.float64)


def _runs_of_equal_columns(known: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return (first, last + 1) of the stretches in which no channel comes or goes."""
    count = known.shape[1]
    if count == 0:
        return []
    edges = np.flatnonzero((known[:, 1:] != known[:, :-1]).any(axis=0)) + 1
    bounds = [0, *edges.tolist(), count]
    return list(itertools.pairwise(bounds))
