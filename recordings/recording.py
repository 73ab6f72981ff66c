"""What a night on disk is to the rest of the project: streams, gaps, and blocks of samples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import numpy as np
    import numpy.typing as npt

StreamKind = Literal["emg", "acc"]


@dataclass(frozen=True, slots=True)
class Channel:
    """One signal of a stream, in the unit its samples are delivered in.

    Attributes
    ----------
    label : str
        Name in the file.
    unit : str
        ``"uV"`` for scaled EMG, ``"g"`` for scaled acceleration, ``"count"`` if unscaled.
    resolution : float
        One step of the recorder, in `unit`.
    limits : tuple of float
        Smallest and largest value the recorder can hold, in `unit`.
    """

    label: str
    unit: str
    resolution: float
    limits: tuple[float, float]

    @property
    def scaled(self) -> bool:
        """Whether the samples have a physical unit."""
        return self.unit != "count"


@dataclass(frozen=True, slots=True)
class Stream:
    """Channels of one kind that were sampled together."""

    kind: StreamKind
    rate_hz: float
    channels: tuple[Channel, ...]
    n_samples: int

    @property
    def scaled(self) -> bool:
        """Whether every channel has a physical unit."""
        return all(channel.scaled for channel in self.channels)

    @property
    def duration_s(self) -> float:
        """Length including gaps, in seconds."""
        return self.n_samples / self.rate_hz


@dataclass(frozen=True, slots=True)
class Annotation:
    """A remark in the file; `onset_s` counts from the start of the recording."""

    onset_s: float
    duration_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Samples that never arrived, from `onset_s` of the recording on."""

    onset_s: float
    duration_s: float
    cause: str


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a recording.

    Attributes
    ----------
    onset_s : float
        Time of the first EMG sample from the start of the recording.
    emg : float32 array, shape (channels, samples)
        NaN where samples are missing.
    acc : float32 array, shape (3, samples), or None
        Acceleration over the same stretch; NaN where samples are missing.
    """

    onset_s: float
    emg: npt.NDArray[np.float32]
    acc: npt.NDArray[np.float32] | None


@dataclass(frozen=True, slots=True)
class RecordingInfo:
    """All that is known of a recording without reading its samples.

    Attributes
    ----------
    name : str
        File name without its ending; outputs are named after it.
    start : datetime or None
        Local time of the first sample, without zone (EDF has none); None if the file hides it.
    emg, acc : Stream
        `acc` is None where there is no usable acceleration.
    gaps : tuple of Gap
        In order; samples there are NaN.
    annotations : tuple of Annotation
        What the file says besides its gaps.
    notes : tuple of str
        What the reader had to decide and a person should know (channels left out, and why).
    """

    name: str
    start: datetime | None
    emg: Stream
    acc: Stream | None = None
    gaps: tuple[Gap, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def duration_s(self) -> float:
        """Length including gaps, in seconds."""
        return self.emg.duration_s


class Recording(Protocol):
    """One sensor, one night, one leg: read in blocks, never whole."""

    @property
    def info(self) -> RecordingInfo:
        """What is known without reading samples."""
        ...

    def blocks(
        self, block_s: float = 60.0, *, start_s: float = 0.0, stop_s: float | None = None
    ) -> Iterator[Block]:
        """Yield the samples from `start_s` to `stop_s` in order, `block_s` seconds at a time."""
        ...
