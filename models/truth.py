"""What really happened in a simulated night, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    import numpy.typing as npt


class TruthKind(StrEnum):
    """Kinds of true event, as in the ``trial_type`` column of a truth file."""

    CRAMP = "cramp"
    HOLD = "voluntary_hold"
    LEG_MOVEMENT = "leg_movement"
    MYOCLONUS = "fragmentary_myoclonus"
    RHYTHMIC = "rhythmic_movement"
    POSTURE_SHIFT = "posture_shift"
    STANDING = "standing"
    GAIT = "gait"
    MASSAGE = "massage"
    ARTEFACT = "artefact"
    LIFT_OFF = "lift_off"
    SATURATION = "saturation"
    HUM = "hum"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class TrueEvent:
    """One true event; times count from the start of the recording.

    Attributes
    ----------
    onset_s, duration_s : float
        Of a cramp: the span over which its envelope stands at two noise floors or more on any
        channel (fasciculations before and after are not part of it).
    kind : TruthKind
    intensity : float or None
        Median EMG amplitude over the event, in multiples of the noise floor (best channel).
    detail : str or None
        Finer name, for example the kind of artefact.
    """

    onset_s: float
    duration_s: float
    kind: TruthKind
    intensity: float | None = None
    detail: str | None = None

    @property
    def offset_s(self) -> float:
        """End of the event."""
        return self.onset_s + self.duration_s


@dataclass(frozen=True, slots=True)
class SimulatedNight:
    """A night as a sensor would have delivered it, with what really happened.

    Attributes
    ----------
    start : datetime
        Local time of the first sample, whole second, without zone.
    emg : float32 array, shape (channels, samples)
        Already filtered, quantised and clipped by the sensor, in `emg_unit`; NaN in gaps.
    emg_rate_hz : float
    emg_unit : str
        ``"uV"`` or ``"count"``.
    emg_resolution : float
        One step of the sensor's converter, in `emg_unit`.
    emg_limits : tuple of float
        Smallest and largest value of the converter, in `emg_unit`.
    acc : float32 array, shape (3, samples), or None
        In g; NaN in gaps.
    acc_rate_hz : float
    events : tuple of TrueEvent
        By onset.
    """

    start: datetime
    emg: npt.NDArray[np.float32]
    emg_rate_hz: float
    emg_unit: str
    emg_resolution: float
    emg_limits: tuple[float, float]
    acc: npt.NDArray[np.float32] | None
    acc_rate_hz: float
    events: tuple[TrueEvent, ...]

    @property
    def duration_s(self) -> float:
        """Length including gaps, in seconds."""
        return float(self.emg.shape[1] / self.emg_rate_hz)
