"""The night while it is being painted: potentials, movements, posture, and what is true."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt
from scipy import signal

from models.simulator.pool import DRIVE_HZ
from models.simulator.shapes import envelope
from models.truth import TrueEvent, TruthKind

if TYPE_CHECKING:
    from models.simulator.parameters import Parameters
    from models.simulator.participants import Participant
    from models.simulator.pool import Muscle
    from models.simulator.posture import Posture
    from models.simulator.sensors import Sensor

__all__ = ["CONTACT_HZ", "Chance", "Happening", "Scene", "Stuck"]

FloatArray = npt.NDArray[np.float32]

CONTACT_HZ = 10
"""Steps per second in which the electrodes' contact is known."""


class Happening(Protocol):
    """Something that can be painted into a night and whose length is known before."""

    @property
    def duration_s(self) -> float:
        """Time it needs for itself."""
        ...

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Add its signals and its true events, beginning at `onset_s`."""
        ...


@dataclass(frozen=True, slots=True)
class Chance:
    """What a happening is drawn from: who, by which numbers, with which random stream."""

    participant: Participant
    parameters: Parameters
    rng: np.random.Generator


@dataclass(frozen=True, slots=True)
class Stuck:
    """A channel that shows `value`, in converter units, between two times in seconds."""

    channel: int
    onset_s: float
    end_s: float
    value: float


@dataclass(slots=True)
class Scene:
    """Everything that is painted.

    Attributes
    ----------
    duration_s : float
    participant, parameters, sensor, muscle
        Who, by which numbers, with what, under which electrodes.
    floor_uv : array, shape (channels,)
        Resting level under the electrodes this night.
    floor_gain : array, shape (channels, seconds)
        Its course over the night.
    emg : array, shape (channels, samples)
        Potentials in microvolts at the sensor's `analog_rate_hz`, without the floor.
    motion : array, shape (3, samples)
        Acceleration apart from gravity, in g, at `acc_rate_hz`.
    posture : Posture
    contact : array, shape (channels, steps)
        Part of every potential that reaches the amplifier, at `CONTACT_HZ`; 1 unless lifted off.
    gaps : list of (float, float)
        Onset and end of what the link will lose besides its own habits.
    stuck : list of Stuck
        Where the converter shows a constant whatever happens.
    events : list of TrueEvent
    """

    duration_s: float
    participant: Participant
    parameters: Parameters
    sensor: Sensor
    muscle: Muscle
    floor_uv: FloatArray
    floor_gain: FloatArray
    emg: FloatArray
    motion: FloatArray
    posture: Posture
    contact: FloatArray
    gaps: list[tuple[float, float]] = field(default_factory=list)
    stuck: list[Stuck] = field(default_factory=list)
    events: list[TrueEvent] = field(default_factory=list)

    @property
    def rate_hz(self) -> int:
        """Samples per second of `emg`."""
        return self.sensor.analog_rate_hz

    @property
    def acc_rate_hz(self) -> int:
        """Samples per second of `motion`."""
        return self.posture.rate_hz

    @property
    def n_channels(self) -> int:
        """Electrode pairs."""
        return int(self.emg.shape[0])

    def samples(self, seconds: float) -> int:
        """Return a length in samples of `emg`."""
        return max(1, round(seconds * self.rate_hz))

    def steps(self, seconds: float) -> int:
        """Return a length in steps of a drive."""
        return max(2, round(seconds * DRIVE_HZ))

    def acc_samples(self, seconds: float) -> int:
        """Return a length in samples of `motion`."""
        return max(2, round(seconds * self.acc_rate_hz))

    def add_emg(self, onset_s: float, wave: FloatArray) -> None:
        """Add potentials, shape (channels or 1, samples); what lies outside the night is lost."""
        _add(self.emg, round(onset_s * self.rate_hz), self._through_contact(onset_s, wave))

    def add_motion(self, onset_s: float, wave: FloatArray) -> None:
        """Add acceleration, shape (3, samples)."""
        _add(self.motion, round(onset_s * self.acc_rate_hz), wave)

    def channel_gains(self, spread: float, rng: np.random.Generator) -> FloatArray:
        """Draw how strongly each channel is hit by something, shape (channels, 1)."""
        gains = np.exp(spread * rng.standard_normal((self.n_channels, 1)))
        return np.asarray(gains, dtype=np.float32)

    def seconds_slice(self, onset_s: float, duration_s: float) -> slice:
        """Return the whole seconds that a stretch touches."""
        last = min(int(np.ceil(onset_s + duration_s)), self.floor_gain.shape[1])
        return slice(max(int(onset_s), 0), last)

    def floor_at(self, time_s: float) -> FloatArray:
        """Return the resting level in microvolts of every channel at a time."""
        second = min(max(int(time_s), 0), self.floor_gain.shape[1] - 1)
        return self.floor_uv * self.floor_gain[:, second]

    def record(
        self,
        kind: TruthKind,
        onset_s: float,
        duration_s: float,
        *,
        intensity: float | None = None,
        detail: str | None = None,
    ) -> None:
        """Note a true event; nothing is noted of what lies outside the night."""
        first, last = max(onset_s, 0.0), min(onset_s + duration_s, self.duration_s)
        if last > first:
            self.events.append(TrueEvent(first, last - first, kind, intensity, detail))

    def seen(self, onset_s: float, wave: FloatArray) -> FloatArray:
        """Return the envelope the sensor sees of potentials, in multiples of its own floor.

        Shape (channels, samples); floor and potentials add in power.
        """
        arriving = self._through_contact(onset_s, wave)
        filtered = signal.sosfilt(self.sensor.front_end(), arriving, axis=1).astype(np.float32)
        floor = np.hypot(self.floor_at(onset_s) * self._floor_share(), self.sensor.noise_uv)
        return np.asarray(
            np.hypot(envelope(filtered, self.rate_hz) / floor[:, None], 1.0), dtype=np.float32
        )

    def _through_contact(self, onset_s: float, wave: FloatArray) -> FloatArray:
        """Return what reaches the amplifier of potentials."""
        first = int(onset_s * CONTACT_HZ)
        stop = first + wave.shape[1] * CONTACT_HZ // self.rate_hz + 2
        part = self.contact[:, max(first, 0) : max(stop, 0)]
        if part.size == 0 or part.min() == 1.0:
            return wave
        at = (onset_s + np.arange(wave.shape[1]) / self.rate_hz) * CONTACT_HZ
        return wave * self.contact[:, np.clip(at.astype(np.int64), 0, self.contact.shape[1] - 1)]

    def _floor_share(self) -> float:
        """Part of the 20-450 Hz floor that passes the front end."""
        low, high = self.sensor.band_hz
        return float(np.sqrt(min(1.0, (min(high, 450.0) - max(low, 20.0)) / 430.0)))


def _add(canvas: FloatArray, first: int, wave: FloatArray) -> None:
    """Add `wave` to `canvas` from sample `first` on, as far as both reach."""
    start, stop = max(first, 0), min(first + wave.shape[1], canvas.shape[1])
    if stop > start:
        canvas[:, start:stop] += wave[:, start - first : stop - first]
