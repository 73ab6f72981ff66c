"""Where the shank points: gravity at the sensor, from lying poses and getting up."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.simulator.shapes import minimum_jerk

__all__ = ["POSES_DEG", "UPRIGHT_DEG", "Posture"]

FloatArray = npt.NDArray[np.float32]

POSES_DEG = (0.0, -90.0, 90.0, 180.0)
"""Roll of the shank lying supine, on the left, on the right, prone."""

UPRIGHT_DEG = 86.0
"""Pitch of the shank standing; the calf's back is not quite parallel to the bone."""


@dataclass(slots=True)
class Posture:
    """Pitch and roll of the shank over a night, in degrees, at the accelerometer's rate."""

    rate_hz: int
    pitch: FloatArray
    roll: FloatArray

    @classmethod
    def lying(cls, n: int, rate_hz: int, pitch_deg: float, roll_deg: float) -> Posture:
        """Begin a night in one pose."""
        return cls(
            rate_hz,
            np.full(n, pitch_deg, dtype=np.float32),
            np.full(n, roll_deg, dtype=np.float32),
        )

    def shift(self, onset_s: float, transition_s: float, pitch_deg: float, roll_deg: float) -> None:
        """Go to a new pose and stay there."""
        first, n = self._span(onset_s, transition_s)
        for track, target in ((self.pitch, pitch_deg), (self.roll, roll_deg)):
            if first >= track.size:
                return
            # The shorter way round: nobody rolls through 270 degrees.
            start = float(track[first])
            goal = start + (target - start + 180.0) % 360.0 - 180.0
            stop = min(first + n, track.size)
            track[first:stop] = start + (goal - start) * minimum_jerk(n)[: stop - first]
            track[stop:] = goal

    def excursion(
        self,
        onset_s: float,
        duration_s: float,
        transition_s: float,
        pitch_deg: float,
        turn_deg: float = 0.0,
    ) -> None:
        """Raise the shank to `pitch_deg`, stay, and come back; `turn_deg` is added to the roll."""
        first, n = self._span(onset_s, duration_s)
        ramp = min(max(2, round(transition_s * self.rate_hz)), n // 2)
        share = np.ones(n, dtype=np.float32)
        share[:ramp] = minimum_jerk(ramp)
        share[n - ramp :] = minimum_jerk(ramp)[::-1]
        stop = min(first + n, self.pitch.size)
        share = share[: max(stop - first, 0)]
        self.pitch[first:stop] += share * (pitch_deg - self.pitch[first:stop])
        self.roll[first:stop] += share * turn_deg

    def gravity(self, first: int, stop: int) -> FloatArray:
        """Return gravity in the shank's axes, shape (3, samples): along, across, out of the calf.

        A lying shank with its foot end low has pitch 0; standing it is near 90 degrees.
        """
        radian = math.pi / 180.0
        pitch, roll = self.pitch[first:stop] * radian, self.roll[first:stop] * radian
        level = np.cos(pitch)
        return np.stack((np.sin(pitch), level * np.sin(roll), -level * np.cos(roll)))

    def _span(self, onset_s: float, duration_s: float) -> tuple[int, int]:
        """First sample and number of samples of a stretch."""
        return max(round(onset_s * self.rate_hz), 0), max(4, round(duration_s * self.rate_hz))
