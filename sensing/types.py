"""What travels through the signal stage, and in which units."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
ByteArray = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class EmgFormat:
    """What the front end must know of an EMG stream.

    Attributes
    ----------
    labels : tuple of str
        One name for each channel.
    rate_hz : float
        Samples per second, 200 to 4000.
    scaled : bool
        True if samples are microvolts, False if they are counts of unknown size.
    resolution : tuple of float
        One step of the recorder for each channel, in the unit of the samples.
    limits : tuple of (float, float)
        Smallest and largest value the recorder can hold, for each channel.
    """

    labels: tuple[str, ...]
    rate_hz: float
    scaled: bool
    resolution: tuple[float, ...]
    limits: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class AccFormat:
    """What the front end must know of an acceleration stream (three axes).

    Attributes
    ----------
    rate_hz : float
        Samples per second, at least 10.
    scaled : bool
        True if samples are in g, False if they are counts of unknown size.
    """

    rate_hz: float
    scaled: bool


class Quality(IntEnum):
    """State of one second of one channel; everything but GOOD is not analysable."""

    GOOD = 0
    GAP = 1
    WARM_UP = 2
    FLAT = 3
    SATURATED = 4
    LIFT_OFF = 5
    HUM = 6
    NOISY = 7
    MOTION = 8
    ISOLATED = 9
    UNSETTLED = 10

    @property
    def reason(self) -> str:
        """Name used in files and reports."""
        return self.name.lower()


class EventKind(StrEnum):
    """Kinds of event, as in the ``trial_type`` column of an events file."""

    CRAMP = "cramp"
    POSSIBLE_CRAMP = "possible_cramp"
    LEG_MOVEMENT = "leg_movement"
    NOT_ANALYSABLE = "not_analysable"


class Censored(StrEnum):
    """Which end of an episode could not be seen."""

    NONE = "none"
    ONSET = "onset"
    OFFSET = "offset"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Event:
    """Something with a beginning and an end; times count from the start of the recording.

    Attributes
    ----------
    onset_s, duration_s : float
    kind : EventKind
    channel : str or None
        EMG channel that shows it best; None where it concerns all.
    confidence : float or None
        Probability that the episode is a cramp, from all that was seen of it, 0 to 1.
    intensity : float or None
        Median EMG amplitude over the event, in multiples of the noise floor.
    rms_uv : float or None
        The same in microvolts; None if the recording is unscaled.
    censored : Censored
        Ends hidden by a gap or by an edge of the recording.
    detail : str or None
        Reason of a ``not_analysable`` stretch; ``"periodic"`` for a movement in a series.
    """

    onset_s: float
    duration_s: float
    kind: EventKind
    channel: str | None = None
    confidence: float | None = None
    intensity: float | None = None
    rms_uv: float | None = None
    censored: Censored = Censored.NONE
    detail: str | None = None

    @property
    def offset_s(self) -> float:
        """End of the event."""
        return self.onset_s + self.duration_s


@dataclass(frozen=True, slots=True)
class Seconds:
    """The night at one value a second, for pictures and summaries.

    Attributes
    ----------
    rms : float32 array, shape (channels, seconds)
        Largest 0.1 s EMG amplitude within the second, in the unit of the recording; NaN in gaps.
    floor : float32 array, shape (channels, seconds)
        Noise floor, same unit; NaN where it is not known yet.
    quality : uint8 array, shape (channels, seconds)
        Values of `Quality`.
    gravity : float32 array, shape (3, seconds)
        Mean acceleration in g; NaN without an accelerometer.
    activity : float32 array, shape (seconds,)
        Standard deviation of acceleration within the second, in g; NaN without one.
    score : float32 array, shape (seconds,)
        Largest probability of a cramp within the second; NaN where not analysable.
    """

    rms: FloatArray
    floor: FloatArray
    quality: ByteArray
    gravity: FloatArray
    activity: FloatArray
    score: FloatArray

    @property
    def analysable(self) -> BoolArray:
        """Seconds in which at least one channel would have shown a cramp."""
        return np.asarray((self.quality == Quality.GOOD).any(axis=0), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class NightResult:
    """What the detector says of a whole recording.

    Attributes
    ----------
    duration_s : float
        Length of the recording including gaps.
    events : tuple of Event
        All kinds, by onset.
    seconds : Seconds
        The night at one value a second.
    """

    duration_s: float
    events: tuple[Event, ...]
    seconds: Seconds

    def of_kind(self, kind: EventKind) -> tuple[Event, ...]:
        """Events of one kind, by onset."""
        return tuple(event for event in self.events if event.kind is kind)

    @property
    def analysable_s(self) -> float:
        """Seconds in which a cramp would have been seen."""
        return float(self.seconds.analysable.sum())
