"""What electrodes, cables and amplifiers do: lift-off, saturation, pops, rubbing, sweat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.simulator.interference import mains
from models.simulator.scene import CONTACT_HZ, Stuck
from models.simulator.shapes import band_noise, plateau
from models.truth import TruthKind

if TYPE_CHECKING:
    from models.simulator.scene import Chance, Scene

__all__ = [
    "LiftOff",
    "Pop",
    "Rub",
    "Saturation",
    "Sweat",
    "draw_lift_off",
    "draw_pop",
    "draw_rub",
    "draw_saturation",
    "draw_sweat",
]

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LiftOff:
    """An electrode that comes off: the body's potentials vanish.

    Attributes
    ----------
    duration_s : float
    hum_uv : float
        Mains hum in their place; 0 for none.
    constant : bool
        Whether the converter then shows one value instead of a fainter floor.
    """

    duration_s: float
    hum_uv: float
    constant: bool

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Cut the contact of one channel, or of all, and put hum or silence in its place."""
        channels = range(scene.n_channels)
        if rng.random() < 0.5:
            channels = channels[int(rng.integers(scene.n_channels)) :][:1]
        wave = self._remains(scene, rng)
        for channel in channels:
            self._cut(scene, channel, onset_s, wave)
        scene.record(
            TruthKind.LIFT_OFF,
            onset_s,
            self.duration_s,
            detail="hum" if self.hum_uv > 0.0 else "flat",
        )

    def _cut(self, scene: Scene, channel: int, onset_s: float, wave: FloatArray) -> None:
        """Take the body away from one channel."""
        first, end_s = round(onset_s * scene.rate_hz), onset_s + self.duration_s
        steps = slice(round(onset_s * CONTACT_HZ), round(end_s * CONTACT_HZ))
        scene.contact[channel, steps] = 0.01
        painted = scene.emg[channel, first : first + wave.size]
        painted *= 0.01
        painted += wave[: painted.size]
        floor = scene.floor_gain[channel, scene.seconds_slice(onset_s, self.duration_s)]
        floor *= 1.5 if self.hum_uv > 0.0 else 0.3
        if self.constant:
            scene.stuck.append(Stuck(channel, onset_s + 0.2, end_s, 0.0))

    def _remains(self, scene: Scene, rng: np.random.Generator) -> FloatArray:
        """Return hum, and jumps of the electrode potential at both ends."""
        n, rate = scene.samples(self.duration_s), scene.rate_hz
        hum = mains(n, rate, scene.participant.mains_hz, scene.parameters.artefact, rng)
        wave = np.float32(self.hum_uv * scene.sensor.hum_gain) * hum
        tail = np.exp(-np.arange(min(n, 2 * rate)) / (0.2 * rate)).astype(np.float32)
        wave[: tail.size] += np.float32(rng.normal(0.0, 1500.0)) * tail
        wave[n - tail.size :] += np.float32(rng.normal(0.0, 1500.0)) * tail[::-1]
        return wave


def draw_lift_off(chance: Chance) -> LiftOff:
    """Draw a lift-off, humming or flat."""
    numbers, rng = chance.parameters.artefact, chance.rng
    flat = bool(rng.random() < numbers.lift_off_flat_share)
    return LiftOff(
        duration_s=numbers.lift_off_s.draw(rng),
        hum_uv=0.0 if flat else numbers.lift_off_hum_uv.draw_log(rng),
        constant=flat and bool(rng.random() < 0.5),
    )


@dataclass(frozen=True, slots=True)
class Saturation:
    """The amplifier at its rail: stuck there, or thrown from one to the other."""

    duration_s: float

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Saturate one channel."""
        channel = int(rng.integers(scene.n_channels))
        if rng.random() < 0.5:
            rail = scene.sensor.limits[int(rng.integers(2))]
            scene.stuck.append(Stuck(channel, onset_s, onset_s + self.duration_s, rail))
        else:
            first = round(onset_s * scene.rate_hz)
            swing = self._swing(scene, rng)
            painted = scene.emg[channel, first : first + swing.size]
            painted += swing[: painted.size]
        scene.record(TruthKind.SATURATION, onset_s, self.duration_s)

    def _swing(self, scene: Scene, rng: np.random.Generator) -> FloatArray:
        """Return swings far beyond the converter, slow enough to stay at the rails."""
        n = scene.samples(self.duration_s)
        rail = 4.0 * max(abs(limit) for limit in scene.sensor.limits) * scene.sensor.uv_per_count
        return np.asarray(rail * band_noise(rng, n, scene.rate_hz, (1.0, 25.0))[0])


def draw_saturation(chance: Chance) -> Saturation:
    """Draw a saturation."""
    return Saturation(chance.parameters.artefact.saturation_s.draw(chance.rng))


@dataclass(frozen=True, slots=True)
class Pop:
    """An electrode pop: a step of potential that decays."""

    size_uv: float
    decay_s: float

    @property
    def duration_s(self) -> float:
        """Until little of it is left."""
        return 5.0 * self.decay_s

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Paint it on one channel."""
        n = scene.samples(self.duration_s)
        wave = np.zeros((scene.n_channels, n), dtype=np.float32)
        decay = np.exp(-np.arange(n) / (self.decay_s * scene.rate_hz))
        wave[int(rng.integers(scene.n_channels))] = rng.choice((-1.0, 1.0)) * self.size_uv * decay
        scene.add_emg(onset_s, wave)
        scene.record(TruthKind.ARTEFACT, onset_s, self.duration_s, detail="pop")


def draw_pop(chance: Chance) -> Pop:
    """Draw a pop."""
    numbers, rng = chance.parameters.artefact, chance.rng
    return Pop(numbers.pop_uv.draw(rng), numbers.pop_decay_s.draw_log(rng))


@dataclass(frozen=True, slots=True)
class Rub:
    """The sensor rubbing on the bedding: irregular broad-band gusts with small jolts."""

    duration_s: float
    size_uv: float

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Paint gusts on all channels, and what the accelerometer feels of them."""
        n = scene.samples(self.duration_s)
        top = float(rng.uniform(40.0, 200.0))
        noise = band_noise(rng, n, scene.rate_hz, (2.0, top), rows=scene.n_channels)
        gusts = np.abs(band_noise(rng, n, scene.rate_hz, (0.3, 5.0))[0])
        ramp = scene.samples(self.duration_s / 5)
        gains = self.size_uv * scene.channel_gains(0.5, rng)
        scene.add_emg(onset_s, gains * noise * (gusts * plateau(n, ramp, ramp)))
        rate = scene.acc_rate_hz
        m = scene.acc_samples(self.duration_s)
        jolts = band_noise(rng, m, rate, (1.0, min(20.0, 0.45 * rate)), rows=3)
        edge = plateau(m, m // 5, m // 5)
        scene.add_motion(onset_s, (rng.uniform(0.002, 0.03) * jolts * edge).astype(np.float32))
        scene.record(TruthKind.ARTEFACT, onset_s, self.duration_s, detail="rub")


def draw_rub(chance: Chance) -> Rub:
    """Draw a stretch of rubbing."""
    numbers, rng = chance.parameters.artefact, chance.rng
    return Rub(numbers.rub_s.draw(rng), numbers.rub_uv.draw(rng))


@dataclass(frozen=True, slots=True)
class Sweat:
    """Sweat under the electrodes: the baseline sways below 2 Hz and the floor rises."""

    duration_s: float
    size_uv: float

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Paint the sway at 10 Hz, filled in between."""
        n = scene.samples(self.duration_s)
        m = int(self.duration_s * 10) + 2
        slow = band_noise(rng, m, 10.0, (0.02, 1.5), rows=scene.n_channels)
        slow *= self.size_uv * plateau(m, m // 4, m // 4)
        time = np.linspace(0.0, m - 1.0, n)
        wave = np.stack([np.interp(time, np.arange(m), row) for row in slow])
        scene.add_emg(onset_s, wave.astype(np.float32))
        whole = scene.seconds_slice(onset_s, self.duration_s)
        length = scene.floor_gain[:, whole].shape[1]
        rise = float(rng.uniform(0.0, 0.6)) * plateau(length, length // 4, length // 4)
        scene.floor_gain[:, whole] *= 1.0 + rise
        scene.record(TruthKind.ARTEFACT, onset_s, self.duration_s, detail="sweat")


def draw_sweat(chance: Chance) -> Sweat:
    """Draw a sweaty stretch."""
    numbers, rng = chance.parameters.artefact, chance.rng
    return Sweat(numbers.sweat_s.draw(rng), numbers.sweat_uv.draw(rng))
