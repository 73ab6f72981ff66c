"""Elementary signals: smooth transitions, band-limited noise, envelopes."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import fft

__all__ = ["band_noise", "envelope", "minimum_jerk", "plateau", "rhythm"]

FloatArray = npt.NDArray[np.float32]

_ENVELOPE_S = 0.25


def minimum_jerk(n: int) -> FloatArray:
    """Return `n` samples that go from 0 to 1 as a hand or leg does (Flash and Hogan 1985)."""
    t = (np.arange(n, dtype=np.float32) + 0.5) / max(n, 1)
    return np.asarray(t**3 * (10 - 15 * t + 6 * t**2), dtype=np.float32)


def plateau(n: int, rise: int, fall: int) -> FloatArray:
    """Return `n` samples that rise to 1, stay, and fall to 0; ramps shrink if they do not fit."""
    scale = min(1.0, n / max(rise + fall, 1))
    rise, fall = int(rise * scale), int(fall * scale)
    shape = np.ones(n, dtype=np.float32)
    shape[:rise] = minimum_jerk(rise)
    shape[n - fall :] = minimum_jerk(fall)[::-1]
    return shape


def band_noise(
    rng: np.random.Generator, n: int, rate_hz: float, band_hz: tuple[float, float], rows: int = 1
) -> FloatArray:
    """Return Gaussian noise of unit RMS within a band, shape (`rows`, `n`).

    Half a second of margin is cut off so that both ends are free to differ.
    """
    padded = fft.next_fast_len(n + int(0.5 * rate_hz) + 8, real=True)
    spectrum = fft.rfft(rng.standard_normal((rows, padded), dtype=np.float32))
    hz = np.arange(spectrum.shape[1]) * (rate_hz / padded)
    low, high = band_hz
    inside = (hz >= low) & (hz <= max(high, low + 2 * rate_hz / padded))
    spectrum[:, ~inside] = 0.0
    share = max(int(inside.sum()), 1) / spectrum.shape[1]
    noise = fft.irfft(spectrum, padded)[:, :n] / math.sqrt(share)
    return np.asarray(noise, dtype=np.float32)


def rhythm(
    rng: np.random.Generator, n: int, rate_hz: float, frequency_hz: float, wobble: float = 0.1
) -> FloatArray:
    """Return a phase in radians that advances at about `frequency_hz` with slow wobble."""
    drift = band_noise(rng, n, rate_hz, (0.0, max(0.1, 0.3 * frequency_hz)))[0]
    pace = np.maximum(1.0 + wobble * drift, 0.2)
    start = 2 * math.pi * rng.random()
    phase = start + np.cumsum(pace, dtype=np.float64) * (2 * math.pi * frequency_hz / rate_hz)
    return np.asarray(np.mod(phase, 2 * math.pi), dtype=np.float32)


def envelope(wave: FloatArray, rate_hz: float) -> FloatArray:
    """Return the centred 0.25 s RMS of every row of `wave`, at the rate of the samples."""
    width = max(1, round(_ENVELOPE_S * rate_hz))
    padded = np.pad(np.square(wave, dtype=np.float64), ((0, 0), (width // 2 + 1, width)))
    total = np.cumsum(padded, axis=1)
    power = (total[:, width:] - total[:, :-width])[:, : wave.shape[1]] / width
    return np.asarray(np.sqrt(np.maximum(power, 0.0)), dtype=np.float32)
