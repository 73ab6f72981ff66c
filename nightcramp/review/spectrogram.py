"""Power of the EMG by time and frequency, coarse enough to be kept, and its picture."""

from __future__ import annotations

import struct
import zlib
from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
HalfArray = npt.NDArray[np.float16]
ByteArray = npt.NDArray[np.uint8]

BANDS: Final = 64
HIGHEST_HZ: Final = 400.0
"""Surface EMG has hardly any power above (De Luca et al. 2010, J Biomech 43:1573)."""

_LEAST_POWER = 1e-6
_UNKNOWN = 255
_COLOURS = 255


class SpectrogramBuilder:
    """Collects one column a second as the samples pass; one with a gap is not known.

    Parameters
    ----------
    channels : int
    rate_hz : float
    """

    def __init__(self, channels: int, rate_hz: float) -> None:
        self._window = np.hanning(round(rate_hz)).astype(np.float32)
        self._edges = band_edges(rate_hz)
        self._rest: FloatArray = np.zeros((channels, 0), dtype=np.float32)
        self._columns: list[HalfArray] = [np.zeros((channels, BANDS, 0), dtype=np.float16)]

    def push(self, emg: FloatArray) -> None:
        """Take the next samples, shape (channels, samples), NaN where missing."""
        samples = np.concatenate([self._rest, emg], axis=1)
        size = len(self._window)
        whole = samples.shape[1] // size * size
        seconds = samples[:, :whole].reshape(len(samples), -1, size)
        level = seconds.mean(axis=2, keepdims=True)
        spectrum = np.fft.rfft((seconds - level) * self._window, axis=2)
        power = np.square(np.abs(spectrum)) / np.square(self._window).sum()
        bands = np.add.reduceat(power[..., : self._edges[-1]], self._edges[:-1], axis=2)
        mean = bands / np.maximum(np.diff(self._edges), 1)
        decibel = 10 * np.log10(np.maximum(mean, _LEAST_POWER))
        self._columns.append(decibel.transpose(0, 2, 1).astype(np.float16))
        self._rest = samples[:, whole:].copy()

    def finish(self) -> HalfArray:
        """Return decibels, shape (channels, `BANDS`, seconds), lowest frequency first."""
        return np.concatenate(self._columns, axis=2)


def column_s(rate_hz: float) -> float:
    """Return how long a column lasts: a second, to the nearest whole sample."""
    return round(rate_hz) / rate_hz


def band_edges(rate_hz: float) -> npt.NDArray[np.int64]:
    """Return where the bands begin among the frequencies of a second, and where the last ends."""
    highest = min(HIGHEST_HZ, rate_hz / 2)
    return np.linspace(1, highest, BANDS + 1).astype(np.int64)


def picture(decibel: HalfArray, limits: tuple[float, float], width: int) -> bytes:
    """Return one channel as a PNG, highest frequency on top, grey where nothing is known.

    Parameters
    ----------
    decibel : float16 array, shape (bands, seconds)
    limits : tuple of float
        Decibels of the darkest and the brightest colour; those of the whole night, so that a
        colour means the same at every zoom.
    width : int
        Columns at most; each shows the largest value of its seconds.
    """
    step = max(1, -(-decibel.shape[1] // width))
    missing = -decibel.shape[1] % step
    padded = np.pad(decibel.astype(np.float32), ((0, 0), (0, missing)), constant_values=np.nan)
    columns = np.fmax.reduce(padded.reshape(len(padded), -1, step), axis=2)
    low, high = limits
    share = np.clip((columns - low) / max(high - low, 1e-3), 0, 1)
    known = ~np.isnan(columns)
    colour = np.where(known, np.nan_to_num(share) * (_COLOURS - 1), _UNKNOWN)
    return _png(colour[::-1].astype(np.uint8))


def colour_limits(decibel: HalfArray) -> tuple[float, float]:
    """Return the decibels between which nearly all of a channel's night lies."""
    known = decibel[:, ~np.isnan(decibel).any(axis=0)].astype(np.float32)
    if not known.size:
        return 0.0, 1.0
    low, high = np.percentile(known, (5, 99.8))
    return float(low), float(high)


def _png(pixels: ByteArray) -> bytes:
    """Return an image of palette colours (PNG, ISO/IEC 15948, colour type 3)."""
    height, width = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    rows = np.pad(pixels, ((0, 0), (1, 0))).tobytes()
    chunks = ((b"IHDR", header), (b"PLTE", _palette()), (b"IDAT", zlib.compress(rows, 1)))
    body = b"".join(_chunk(name, data) for name, data in (*chunks, (b"IEND", b"")))
    return b"\x89PNG\r\n\x1a\n" + body


def _chunk(name: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)


def _palette() -> bytes:
    """Return white to dark blue, evenly darker, and last the grey of what is not known."""
    anchors = np.array([(255, 255, 255), (120, 190, 220), (0, 114, 178), (0, 20, 60)])
    place = np.linspace(0, len(anchors) - 1, _COLOURS)
    shades = [np.interp(place, range(len(anchors)), anchors[:, part]) for part in range(3)]
    colours = np.stack(shades, axis=1).round().astype(np.uint8)
    return colours.tobytes() + bytes((200, 200, 200))
