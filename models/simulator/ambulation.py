"""Getting up: sitting on the edge of the bed, standing, heel raises, walking to the toilet."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.simulator.acceleration import add_bump, add_steps, motion_artefact
from models.simulator.pool import DRIVE_HZ
from models.simulator.posture import UPRIGHT_DEG
from models.simulator.shapes import band_noise, plateau
from models.simulator.voluntary import intensity
from models.truth import TruthKind

if TYPE_CHECKING:
    from models.simulator.scene import Chance, Scene

__all__ = [
    "Standing",
    "ToiletTrip",
    "draw_standing",
    "draw_toilet_trip",
    "paint_gait",
    "paint_getting_up",
    "paint_standing",
]

FloatArray = npt.NDArray[np.float32]

_RISE_S = 2.0  # time to swing the legs out of bed, or back in


def paint_getting_up(
    scene: Scene, onset_s: float, duration_s: float, rng: np.random.Generator
) -> None:
    """Bring the shank upright for `duration_s`, with the jolts of getting out of and into bed."""
    scene.posture.excursion(onset_s, duration_s, _RISE_S, UPRIGHT_DEG, rng.normal(0.0, 10.0))
    for start in (onset_s, onset_s + duration_s - _RISE_S):
        add_bump(scene, start, _RISE_S, rng.uniform(0.15, 0.6), rng)
        motion_artefact(scene, start, _RISE_S, 1.0, rng)
        n = scene.steps(_RISE_S)
        level = rng.uniform(0.03, 0.3) * plateau(n, n // 2, n // 3)
        scene.add_emg(start, scene.muscle.contract(level, rng))
        scene.record(TruthKind.POSTURE_SHIFT, start, _RISE_S, detail="getting_up")


def paint_standing(
    scene: Scene, onset_s: float, duration_s: float, raises: int, rng: np.random.Generator
) -> None:
    """Paint quiet standing with sway, and `raises` heel raises in its middle."""
    numbers = scene.parameters.ambulation
    n = scene.steps(duration_s)
    band = (numbers.sway_hz.low, numbers.sway_hz.high)
    sway = np.clip(1.0 + 0.7 * band_noise(rng, n, DRIVE_HZ, band)[0], 0.0, None)
    ramp = min(n // 4, DRIVE_HZ)
    level = numbers.stand_level.draw_log(rng) * sway * plateau(n, ramp, ramp)
    level = level + _raises(scene, onset_s, n, raises, rng)
    wave = scene.muscle.contract(level.astype(np.float32), rng)
    scene.add_emg(onset_s, wave)
    shake = band_noise(rng, scene.acc_samples(duration_s), scene.acc_rate_hz, (0.2, 3.0), rows=3)
    scene.add_motion(onset_s, 0.01 * shake)
    scene.record(
        TruthKind.STANDING,
        onset_s,
        duration_s,
        intensity=intensity(scene, onset_s, wave),
        detail=f"{raises} heel raises" if raises else None,
    )


def _raises(
    scene: Scene, onset_s: float, n: int, raises: int, rng: np.random.Generator
) -> FloatArray:
    """Return the extra level of heel raises, and paint their movement."""
    numbers = scene.parameters.ambulation
    level = np.zeros(n, dtype=np.float32)
    length_s, strength = numbers.raise_s.draw(rng), numbers.raise_level.draw(rng)
    start = 2.0
    for _ in range(raises):
        size = scene.steps(length_s * rng.lognormal(0.0, 0.1))
        first = round(start * DRIVE_HZ)
        if first + size > n:
            break
        level[first : first + size] += strength * plateau(size, size // 3, size // 3)
        add_bump(scene, onset_s + start, length_s, rng.uniform(0.05, 0.25), rng)
        scene.posture.excursion(onset_s + start, length_s, length_s / 3, UPRIGHT_DEG - 12.0)
        start += size / DRIVE_HZ + rng.uniform(0.2, 1.5)
    return level


def paint_gait(scene: Scene, onset_s: float, duration_s: float, rng: np.random.Generator) -> None:
    """Paint walking: a burst of the calf before each push-off, and the shank's swing."""
    numbers = scene.parameters.ambulation
    stride_s = 2.0 / numbers.cadence_hz.draw(rng)
    strides = stride_s * (1.0 + 0.03 * rng.standard_normal(int(duration_s / stride_s) + 1))
    heel_strikes = np.concatenate(([0.0], np.cumsum(strides)))
    heel_strikes = heel_strikes[heel_strikes <= max(duration_s, 2 * stride_s)].astype(np.float32)
    vigour = float(rng.uniform(0.7, 1.1))
    add_steps(scene, onset_s, heel_strikes, vigour, rng)
    n = scene.steps(float(heel_strikes[-1]))
    cycle = np.interp(np.arange(n) / DRIVE_HZ, heel_strikes, np.arange(heel_strikes.size))
    # The gastrocnemius works from 15 to 55 % of the stride, most before push-off.
    push = np.exp(-0.5 * np.square((np.mod(cycle, 1.0) - 0.42) / 0.1))
    each = numbers.push_off_level.draw(rng) * rng.lognormal(0.0, 0.2, heel_strikes.size)
    level = push * each[cycle.astype(np.int64)]
    wave = scene.muscle.contract(level.astype(np.float32), rng)
    scene.add_emg(onset_s, wave)
    motion_artefact(scene, onset_s, duration_s, 1.0, rng)
    swing = 14.0 * np.sin(
        2
        * math.pi
        * np.interp(
            np.arange(scene.acc_samples(duration_s)) / scene.acc_rate_hz,
            heel_strikes,
            np.arange(heel_strikes.size),
        )
    )
    first = round(onset_s * scene.acc_rate_hz)
    pitch = scene.posture.pitch[first : first + swing.size]
    pitch += swing[: pitch.size].astype(np.float32)
    scene.record(TruthKind.GAIT, onset_s, duration_s, intensity=intensity(scene, onset_s, wave))


@dataclass(frozen=True, slots=True)
class ToiletTrip:
    """Sit up, stand, walk, sit or stand at the toilet, walk back, lie down."""

    sit_s: float
    stand_s: float
    walk_s: tuple[float, float]
    seat_s: float
    upright: bool

    @property
    def duration_s(self) -> float:
        """From sitting up to lying again."""
        return 2 * _RISE_S + self.sit_s + self.stand_s + sum(self.walk_s) + self.seat_s

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Paint the trip."""
        paint_getting_up(scene, onset_s, self.duration_s, rng)
        at = onset_s + _RISE_S + self.sit_s
        paint_standing(scene, at, self.stand_s, 0, rng)
        at += self.stand_s
        for way, walk_s in enumerate(self.walk_s):
            paint_gait(scene, at, walk_s, rng)
            at += walk_s
            if way == 0:
                add_bump(scene, at, 1.5, 0.2, rng)
                if self.upright:
                    paint_standing(scene, at, self.seat_s, 0, rng)
                at += self.seat_s


def draw_toilet_trip(chance: Chance) -> ToiletTrip:
    """Draw a trip of two to six minutes."""
    numbers, rng = chance.parameters.ambulation, chance.rng
    walk_s = numbers.walk_s.draw(rng)
    return ToiletTrip(
        sit_s=numbers.sit_s.draw(rng),
        stand_s=numbers.stand_s.draw(rng),
        walk_s=(walk_s, walk_s * float(rng.uniform(0.8, 1.2))),
        seat_s=numbers.seat_s.draw(rng),
        upright=bool(rng.random() < numbers.upright_share),
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """Standing at the bedside, with or without heel raises."""

    stand_s: float
    raises: int

    @property
    def duration_s(self) -> float:
        """With getting up and lying down."""
        return self.stand_s + 2 * _RISE_S

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Paint it."""
        paint_getting_up(scene, onset_s, self.duration_s, rng)
        paint_standing(scene, onset_s + _RISE_S, self.stand_s, self.raises, rng)


def draw_standing(chance: Chance) -> Standing:
    """Draw a time at the bedside."""
    numbers, rng = chance.parameters.ambulation, chance.rng
    raises = numbers.raises.draw_count(rng) if rng.random() < 0.5 else 0
    return Standing(numbers.bedside_s.draw(rng), raises)
