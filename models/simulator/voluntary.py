"""Contractions that are meant: holds, repeated contractions, lasting tone, and the odd unit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.simulator.acceleration import add_bump, motion_artefact
from models.simulator.pool import DRIVE_HZ, discharge
from models.simulator.shapes import band_noise, plateau, rhythm
from models.truth import TruthKind

if TYPE_CHECKING:
    from models.simulator.parameters import VoluntaryParameters
    from models.simulator.pool import Muscle
    from models.simulator.scene import Chance, Scene

__all__ = [
    "Hold",
    "Repeated",
    "Tonic",
    "draw_hold",
    "draw_long_hold",
    "draw_repeated",
    "draw_tonic",
    "intensity",
    "muscle_shares",
    "unsteady",
]

FloatArray = npt.NDArray[np.float32]


def intensity(scene: Scene, onset_s: float, wave: FloatArray) -> float:
    """Return the median envelope of an event on its best channel, in multiples of the floor."""
    return float(np.median(scene.seen(onset_s, wave), axis=1).max())


def muscle_shares(
    muscle: Muscle, numbers: VoluntaryParameters, rng: np.random.Generator
) -> FloatArray | None:
    """Return how far each unit takes part: everything, or one part of the muscle's width."""
    if rng.random() >= numbers.patch_share:
        return None
    width = muscle.numbers.muscle_width_cm
    centre, reach = width * rng.random(), 0.5 * width * numbers.patch_width.draw(rng)
    distance = (muscle.position_cm - centre) / reach
    return np.asarray(np.exp(-0.5 * np.square(distance)), dtype=np.float32)


def unsteady(n: int, numbers: VoluntaryParameters, rng: np.random.Generator) -> FloatArray:
    """Return the course of an effort that is meant to be steady, around 1, at `DRIVE_HZ`."""
    sway = band_noise(rng, n, DRIVE_HZ, (numbers.sway_hz.low, numbers.sway_hz.high))[0]
    course = 1.0 + numbers.sway_depth.draw(rng) * sway
    course += np.linspace(0.0, numbers.drift.draw(rng), n)
    if rng.random() < numbers.tremor_share:
        tremor = np.sin(rhythm(rng, n, DRIVE_HZ, numbers.tremor_hz.draw(rng), 0.2))
        course *= 1.0 + numbers.tremor_depth.draw(rng) * tremor
    return np.asarray(np.maximum(course, 0.0), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Hold:
    """One sustained contraction: stretching in bed, pressing the foot, holding the blanket."""

    duration_s: float
    level: float
    rise_s: float
    fall_s: float
    width: float
    slowing: float
    move_g: float

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Paint the contraction, and the movement it makes unless it is isometric."""
        numbers = scene.parameters.voluntary
        n = scene.steps(self.duration_s)
        ramps = plateau(n, round(self.rise_s * DRIVE_HZ), round(self.fall_s * DRIVE_HZ))
        level = self.level * ramps * unsteady(n, numbers, rng)
        shares = muscle_shares(scene.muscle, numbers, rng)
        wave = scene.muscle.contract(
            level, rng, width=self.width, slowing=self.slowing, shares=shares
        )
        scene.add_emg(onset_s, wave)
        self._move(scene, onset_s, rng)
        scene.record(
            TruthKind.HOLD, onset_s, self.duration_s, intensity=intensity(scene, onset_s, wave)
        )

    def _move(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Move at the beginning and, weaker, at the end; the calf bulges in any case."""
        length = max(0.5, self.rise_s)
        bulge_g = 1e-3 * scene.parameters.cramp.bulge_mg.draw_log(rng)
        add_bump(scene, onset_s, min(self.duration_s, 2.0 * length), bulge_g, rng)
        if self.move_g <= 0.0:
            return
        add_bump(scene, onset_s, length, self.move_g, rng)
        motion_artefact(scene, onset_s, length, 0.5, rng)
        tilt = float(scene.posture.pitch[scene.acc_samples(onset_s) - 1]) + rng.normal(0.0, 8.0)
        scene.posture.excursion(onset_s, self.duration_s + 1.0, length, tilt, rng.normal(0.0, 6.0))
        add_bump(scene, onset_s + self.duration_s - 0.3, 1.0, 0.5 * self.move_g, rng)


def _hold(duration_s: float, chance: Chance) -> Hold:
    """Draw everything but the length of a hold."""
    numbers, rng = chance.parameters.voluntary, chance.rng
    return Hold(
        duration_s=duration_s,
        level=numbers.level.draw_log(rng),
        rise_s=numbers.rise_s.draw(rng),
        fall_s=numbers.fall_s.draw(rng),
        width=numbers.width_factor.draw(rng),
        slowing=numbers.slowing_per_s.draw(rng),
        move_g=0.0 if rng.random() < numbers.still_share else numbers.move_g.draw_log(rng),
    )


def draw_hold(chance: Chance) -> Hold:
    """Draw a hold of 3 to 60 s."""
    return _hold(chance.parameters.voluntary.duration_s.draw(chance.rng), chance)


def draw_long_hold(chance: Chance) -> Hold:
    """Draw a hold as long as many cramps."""
    return _hold(chance.parameters.voluntary.long_duration_s.draw(chance.rng), chance)


@dataclass(frozen=True, slots=True)
class Repeated:
    """Contractions of a few seconds with short rests, which must not be taken for one."""

    level: float
    width: float
    on_s: tuple[float, ...]
    off_s: tuple[float, ...]

    @property
    def duration_s(self) -> float:
        """From the first to the end of the last."""
        return sum(self.on_s) + sum(self.off_s)

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Paint all contractions with one mixture of units."""
        numbers = scene.parameters.voluntary
        shares = muscle_shares(scene.muscle, numbers, rng)
        start = onset_s
        for on_s, off_s in zip(self.on_s, self.off_s, strict=True):
            n = scene.steps(on_s)
            level = self.level * plateau(n, n // 6, n // 6) * unsteady(n, numbers, rng)
            wave = scene.muscle.contract(level, rng, width=self.width, shares=shares)
            scene.add_emg(start, wave)
            add_bump(scene, start, on_s, 0.03, rng)
            scene.record(
                TruthKind.HOLD,
                start,
                on_s,
                intensity=intensity(scene, start, wave),
                detail="repeated",
            )
            start += on_s + off_s


def draw_repeated(chance: Chance) -> Repeated:
    """Draw a set of repeated contractions."""
    numbers, rng = chance.parameters.voluntary, chance.rng
    n = numbers.repeats.draw_count(rng)
    return Repeated(
        level=numbers.level.draw_log(rng),
        width=numbers.width_factor.draw(rng),
        on_s=tuple(numbers.repeat_on_s.draw(rng) for _ in range(n)),
        off_s=tuple(numbers.repeat_off_s.draw(rng) for _ in range(n)),
    )


@dataclass(frozen=True, slots=True)
class Tonic:
    """Minutes of low tone: a loaded foot, a pillow under the knee, lying awake."""

    duration_s: float
    multiple: float

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Paint a few units that fire steadily, to `multiple` times the floor."""
        numbers = scene.parameters.voluntary
        n = scene.steps(self.duration_s)
        course = plateau(n, n // 5, n // 5) * unsteady(n, numbers, rng)
        muscle = scene.muscle
        chosen = rng.random(muscle.n_units) < rng.uniform(0.05, 0.25)
        chosen[rng.integers(muscle.n_units)] = True
        base = muscle.numbers.min_rate_hz * rng.uniform(0.8, 1.4, muscle.n_units)
        rates = (base * chosen)[:, None] * np.where(course > 0.2, 0.6 + 0.4 * course, 0.0)
        cv = np.full(muscle.n_units, muscle.discharge_cv)
        wave = muscle.potentials(
            discharge(rates.astype(np.float32), cv, rng), scene.samples(self.duration_s)
        )
        aimed = math.sqrt(self.multiple**2 - 1.0) * float(scene.floor_at(onset_s).max())
        wave *= np.float32(aimed / max(float(wave.std(axis=1).max()), 1e-3))
        scene.add_emg(onset_s, wave)
        scene.record(
            TruthKind.HOLD,
            onset_s,
            self.duration_s,
            intensity=intensity(scene, onset_s, wave),
            detail="tonic",
        )


def draw_tonic(chance: Chance) -> Tonic:
    """Draw a stretch of lasting tone."""
    numbers, rng = chance.parameters.voluntary, chance.rng
    return Tonic(numbers.tonic_duration_s.draw(rng), numbers.tonic_multiple.draw(rng))
