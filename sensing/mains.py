"""Which mains lines a channel shows, judged every ten seconds from two of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import fft

MAINS_HZ = (50.0, 60.0)

LINE_ON = 20.0
"""A line is removed once it holds this multiple of the power its neighbourhood would give it."""

LINE_OFF = 6.0
"""It stays removed until it falls below this multiple ..."""

QUIET_EPOCHS = 6
"""... in so many judgements running: a contraction hides hum without ending it."""

_SEGMENT_S = 2.0
_HALF_WIDTH_HZ = 1.0
_NEIGHBOURS_HZ = (3.0, 8.0)


class MainsMonitor:
    """Decides for one channel which lines to remove.

    Parameters
    ----------
    rate_hz : float
        Samples per second.
    band_hz : tuple of float
        Lines outside are ignored.
    """

    def __init__(self, rate_hz: float, band_hz: tuple[float, float]) -> None:
        grids = [np.arange(mains, band_hz[1] - _NEIGHBOURS_HZ[0], mains) for mains in MAINS_HZ]
        self._lines = np.unique(np.concatenate(grids))
        self._quiet = np.full(len(self._lines), QUIET_EPOCHS)
        self.segment = round(_SEGMENT_S * rate_hz)
        self._window = np.hanning(self.segment)
        step_hz = rate_hz / self.segment
        centre = np.round(self._lines / step_hz).astype(np.intp)[:, None]
        self._here = centre + _offsets(0, _HALF_WIDTH_HZ, step_hz)
        self._around = centre + _offsets(*_NEIGHBOURS_HZ, step_hz)

    def strengths(self, samples: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the power of each line as a multiple of what its neighbourhood would give it.

        Parameters
        ----------
        samples : float64 array, shape (..., segment)
            Two seconds each, before any notch; NaN in them makes all lines NaN.

        Returns
        -------
        float64 array, shape (..., lines)
        """
        centred = samples - samples.mean(axis=-1, keepdims=True)
        spectrum = fft.rfft(centred * self._window, axis=-1)
        power = spectrum.real**2 + spectrum.imag**2
        around = np.sort(power[..., self._around], axis=-1)
        neighbour = around[..., around.shape[-1] // 2]
        expected = np.maximum(neighbour * self._here.shape[1], np.finfo(np.float64).tiny)
        return np.asarray(power[..., self._here].sum(axis=-1) / expected)

    def decide(self, strength: npt.NDArray[np.float64]) -> tuple[float, ...]:
        """Return the lines to remove from now on, in Hz, by their newest `strengths`."""
        self._quiet[strength < LINE_OFF] += 1
        self._quiet[strength >= LINE_ON] = 0
        return tuple(self._lines[self._quiet < QUIET_EPOCHS].tolist())

    def judge(self, samples: npt.NDArray[np.float64]) -> tuple[float, ...]:
        """Return the lines to remove from now on, in Hz, by the latest two seconds."""
        return self.decide(self.strengths(samples))


def _offsets(nearest_hz: float, farthest_hz: float, step_hz: float) -> npt.NDArray[np.intp]:
    """Return the distances in spectrum bins that lie between two distances in Hz."""
    far = int(farthest_hz / step_hz)
    away = np.arange(-far, far + 1)
    return away[np.abs(away) * step_hz >= nearest_hz]
