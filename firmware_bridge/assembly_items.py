"""What an assembler says: a recording on its own sample grid, stretch by stretch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from firmware_bridge.packets import DeviceStatus, Reject, Reply, SampleFlag

if TYPE_CHECKING:
    from firmware_bridge.packets import Counts, StreamKind
    from firmware_bridge.placement import AnomalyKind, GapCause
    from firmware_bridge.streams import StreamSpec


@dataclass(frozen=True, slots=True)
class StreamDeclared:
    """A stream begins: from here on its samples come at a rate that never changes.

    Attributes
    ----------
    spec : StreamSpec
    rate_hz : float
        Samples per second of the recording's grid; the device's own may differ by 0.5 %.
    start_s : float
        Host's monotonic clock at sample 0, in seconds, as far as it is known by now.
    run : int
        Counts from 1; a new one begins, with samples counted from 0 again, when the device
        describes its streams differently than before.
    """

    spec: StreamSpec
    rate_hz: float
    start_s: float
    run: int = 1

    @property
    def stream(self) -> StreamKind:
        """Which stream it is."""
        return self.spec.kind


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Samples that follow what was said of the stream before.

    Attributes
    ----------
    stream : {"emg", "acc"}
    start : int
        Position of the first sample on the stream's grid.
    counts : int32 array, shape (channels, samples)
    flags : SampleFlag
        What the device said of them.
    """

    stream: StreamKind
    start: int
    counts: Counts
    flags: SampleFlag = SampleFlag.NONE

    @property
    def n(self) -> int:
        """Number of samples per channel."""
        return int(self.counts.shape[1])


@dataclass(frozen=True, slots=True)
class MissingStretch:
    """Samples that are missing where the stream goes on.

    Attributes
    ----------
    stream : {"emg", "acc"}
    start : int
        Position of the first missing sample.
    n : int
    cause : GapCause
    error_s : float
        Standard uncertainty of the length, in seconds; 0 where the device's own count
        alone tells it.
    earliest : int
        They are missing somewhere from here to `start`; less only if noticed later.
    """

    stream: StreamKind
    start: int
    n: int
    cause: GapCause
    error_s: float
    earliest: int


@dataclass(frozen=True, slots=True)
class StreamAnomaly:
    """An arrival that was odd; its samples are in no stretch, unless reordered or overcounted.

    Attributes
    ----------
    stream : {"emg", "acc"}
    kind : AnomalyKind
    start : int
        Position where it seemed to belong.
    n : int
        Samples concerned.
    """

    stream: StreamKind
    kind: AnomalyKind
    start: int
    n: int


@dataclass(frozen=True, slots=True)
class PlacedMark:
    """Somebody pressed the button of the sensor.

    Attributes
    ----------
    code : int
        Which button or press.
    onset_s : float
        Seconds after sample 0.
    """

    code: int
    onset_s: float


Item: TypeAlias = (
    StreamDeclared
    | Stretch
    | MissingStretch
    | StreamAnomaly
    | PlacedMark
    | DeviceStatus
    | Reply
    | Reject
)
