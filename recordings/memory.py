"""A recording whose samples are arrays: for notebooks, simulated nights and tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nightcramp.errors import UsageError
from recordings.blocks import block_bounds
from recordings.recording import Block, RecordingInfo, Stream

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, eq=False)
class ArrayRecording:
    """A recording in memory; gives the blocks that an EDF file of the same content gives.

    Attributes
    ----------
    info : RecordingInfo
        Its streams name the shapes of the arrays.
    emg : float32 array, shape (channels, samples)
        In the unit of the channels; NaN where samples are missing.
    acc : float32 array, shape (3, samples), or None

    Raises
    ------
    UsageError
        If the shapes are not those of the streams.
    """

    info: RecordingInfo
    emg: npt.NDArray[np.float32]
    acc: npt.NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        check_shapes(self.info, self.emg, self.acc)

    def blocks(
        self, block_s: float = 60.0, *, start_s: float = 0.0, stop_s: float | None = None
    ) -> Iterator[Block]:
        """Yield copies of the samples in order, as `Recording.blocks` says."""
        for emg, acc in block_bounds(self.info, block_s, start_s, stop_s):
            yield Block(
                onset_s=emg.start / self.info.emg.rate_hz,
                emg=_copy(self.emg[:, emg]),
                acc=None if self.acc is None else _copy(self.acc[:, acc]),
            )


def check_shapes(
    info: RecordingInfo, emg: npt.NDArray[np.float32], acc: npt.NDArray[np.float32] | None
) -> None:
    """Raise UsageError unless the arrays have the shapes that the streams of `info` name."""
    _check_shape(info.emg, emg)
    if (info.acc is None) != (acc is None):
        raise UsageError("Acceleration must be given exactly if the recording has such a stream.")
    if info.acc is not None and acc is not None:
        _check_shape(info.acc, acc)


def _check_shape(stream: Stream, samples: npt.NDArray[np.float32]) -> None:
    expected = (len(stream.channels), stream.n_samples)
    if samples.shape != expected:
        raise UsageError(
            f"The {stream.kind} stream has {expected[0]} channels of {expected[1]} samples, "
            f"but its array has the shape {samples.shape}."
        )


def _copy(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return samples.astype(np.float32, order="C")
