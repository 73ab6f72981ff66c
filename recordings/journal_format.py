"""Counts of a sensor as a recording delivers them: the same from a journal, live, and from a file.

The texts of the file's header define the scale: a reader of the EDF file computes with them, so
everything else does too, and all get the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nightcramp.errors import RecordingError
from recordings.calibration import calibrate
from recordings.edf_encoding import SignalText, number_text
from recordings.edf_header import EdfHeader, SignalHeader

if TYPE_CHECKING:
    from pathlib import Path

    from firmware_bridge import StreamSpec
    from recordings.edf_stream import Scale
    from recordings.recording import Channel

_AXES = ("X", "Y", "Z")
_LOWEST_16_BIT, _HIGHEST_16_BIT = -(1 << 15), (1 << 15) - 1
_LARGEST_24_BIT = 1 << 23
# Texts of 8 characters hold six digits; no maker states a scale that exactly.
_WORST_SCALE = 1e-5


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """How the counts of a stream become samples.

    Attributes
    ----------
    spec : StreamSpec
    rate_hz : float
        Of the recording's grid.
    texts : tuple of SignalText
        What a file's header says of each channel; `samples` is those of a second, rounded.
    channels : tuple of Channel
    scales : tuple of Scale
    """

    spec: StreamSpec
    rate_hz: float
    texts: tuple[SignalText, ...]
    channels: tuple[Channel, ...]
    scales: tuple[Scale, ...]

    @property
    def sample_bytes(self) -> int:
        """Size of a count in a file: 2 (EDF) or, above 16 bits, 3 (BDF)."""
        return _sample_bytes(self.spec)

    def clip(self, counts: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """Bring counts into the converter's range; garbled bytes may hold others."""
        return np.clip(counts, *self.spec.limits)

    def samples(self, counts: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
        """Return counts within the range, shape (channels, samples), in the channels' units.

        Computed in double precision, so that every sample is the nearest float32.
        """
        out = np.empty(counts.shape, np.float32)
        for row, scale, samples in zip(self.clip(counts), self.scales, out, strict=True):
            np.add(
                np.multiply(row, np.float64(scale.gain)),
                scale.offset,
                out=samples,
                casting="same_kind",
            )
        return out


def stream_format(spec: StreamSpec, rate_hz: float, source: Path) -> StreamFormat:
    """Return how the counts of a stream become samples.

    Parameters
    ----------
    spec : StreamSpec
    rate_hz : float
        Declared rate.
    source : Path
        What errors name.

    Raises
    ------
    RecordingError
        If the range does not fit 24 bits, or no header can tell the scale to 1e-5.
    """
    low, high = spec.limits
    if not -_LARGEST_24_BIT <= low < high < _LARGEST_24_BIT:
        raise RecordingError(
            f"counts of the {spec.kind} stream from {low} to {high} do not fit 24 bits",
            file=source,
        )
    physical = _physical_texts(spec, source)
    texts = tuple(
        SignalText(label, spec.unit, physical, spec.limits, round(rate_hz))
        for label in channel_labels(spec)
    )
    header = _header_with(source, _sample_bytes(spec))
    calibrated = [calibrate(header, _signal(text), spec.kind) for text in texts]
    channels, scales = zip(*calibrated, strict=True)
    return StreamFormat(spec, rate_hz, texts, channels, scales)


def channel_labels(spec: StreamSpec) -> tuple[str, ...]:
    """Names of the channels of a stream in files."""
    if spec.kind == "acc" and spec.channels == len(_AXES):
        return tuple(f"ACC {axis}" for axis in _AXES)
    return tuple(f"{spec.kind.upper()} {number}" for number in range(1, spec.channels + 1))


def _sample_bytes(spec: StreamSpec) -> int:
    low, high = spec.limits
    return 2 if low >= _LOWEST_16_BIT and high <= _HIGHEST_16_BIT else 3


def _physical_texts(spec: StreamSpec, source: Path) -> tuple[str, str]:
    low, high = spec.limits
    scale = 1.0 if spec.scale is None else spec.scale
    values = [(limit - spec.offset) * scale for limit in spec.limits]
    if values[0] > -1e7 and values[1] < 1e8:
        texts = number_text(values[0]), number_text(values[1])
        step = (Fraction(texts[1]) - Fraction(texts[0])) / (high - low)
        if abs(step / Fraction(scale) - 1) <= _WORST_SCALE:
            return texts
    raise RecordingError(
        f"the {spec.kind} stream has steps of {scale:g} {spec.unit} from {values[0]:g} to "
        f"{values[1]:g}, which 8 characters of an EDF header cannot tell",
        file=source,
    )


def _header_with(source: Path, sample_bytes: int) -> EdfHeader:
    """Return a header that stands for no file: what `calibrate` asks of one."""
    return EdfHeader(source, sample_bytes, "continuous", None, Fraction(1), 1, 0, (), ())


def _signal(text: SignalText) -> SignalHeader:
    digital = (str(text.digital[0]), str(text.digital[1]))
    return SignalHeader(text.label, text.unit, text.samples, 0, text.physical, digital)
