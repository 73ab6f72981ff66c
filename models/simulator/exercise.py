"""Awake and busy with the leg: sets of contractions over minutes, with tone left between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.simulator.acceleration import add_bump
from models.simulator.pool import DRIVE_HZ
from models.simulator.shapes import plateau
from models.simulator.voluntary import intensity, muscle_shares, unsteady
from models.truth import TruthKind

if TYPE_CHECKING:
    from models.simulator.parameters import ExerciseParameters
    from models.simulator.scene import Chance, Scene

__all__ = ["Exercise", "ExerciseSet", "draw_exercise"]

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ExerciseSet:
    """The same movement again and again, or one effort kept up."""

    level: float
    width: float
    on_s: tuple[float, ...]
    off_s: tuple[float, ...]
    residual: float
    overshoot: float
    move_g: float

    @property
    def duration_s(self) -> float:
        """Contractions and pauses."""
        return sum(self.on_s) + sum(self.off_s)

    def course(self) -> FloatArray:
        """Return the effort over time at `DRIVE_HZ`, 1 being the aimed level."""
        parts = []
        for on_s, off_s in zip(self.on_s, self.off_s, strict=True):
            n = max(2, round(on_s * DRIVE_HZ))
            settling = 1.0 + (self.overshoot - 1.0) * np.exp(-4.0 * np.arange(n) / n)
            effort = plateau(n, n // 8 + 1, n // 8 + 1) * settling
            rest = np.full(round(off_s * DRIVE_HZ), self.residual)
            parts += [np.maximum(effort, self.residual), rest]
        return np.concatenate(parts).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Exercise:
    """Several sets, each with another movement and so another mixture of units."""

    sets: tuple[ExerciseSet, ...]

    @property
    def duration_s(self) -> float:
        """From the first to the end of the last set."""
        return sum(one.duration_s for one in self.sets)

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Paint set after set."""
        for one in self.sets:
            self._paint_set(scene, one, onset_s, rng)
            onset_s += one.duration_s

    @staticmethod
    def _paint_set(
        scene: Scene, one: ExerciseSet, onset_s: float, rng: np.random.Generator
    ) -> None:
        numbers = scene.parameters.voluntary
        course = one.course()
        level = one.level * course * unsteady(len(course), numbers, rng)
        wave = scene.muscle.contract(
            level, rng, width=one.width, shares=muscle_shares(scene.muscle, numbers, rng)
        )
        scene.add_emg(onset_s, wave)
        scene.record(
            TruthKind.HOLD,
            onset_s,
            one.duration_s,
            intensity=intensity(scene, onset_s, wave),
            detail="exercise",
        )
        if one.move_g > 0.0:
            start = onset_s
            for on_s, off_s in zip(one.on_s, one.off_s, strict=True):
                add_bump(scene, start, min(on_s, 1.0), one.move_g, rng)
                start += on_s + off_s


def draw_exercise(chance: Chance) -> Exercise:
    """Draw a stretch of exercise."""
    numbers, rng = chance.parameters.exercise, chance.rng
    move_g = 0.0 if rng.random() < numbers.still_share else numbers.move_g.draw_log(rng)
    count = numbers.sets.draw_count(rng)
    return Exercise(tuple(_draw_set(chance, numbers, move_g) for _ in range(count)))


def _draw_set(chance: Chance, numbers: ExerciseParameters, move_g: float) -> ExerciseSet:
    voluntary, rng = chance.parameters.voluntary, chance.rng
    if rng.random() < numbers.sustained_share:
        on_s, off_s = (numbers.sustained_s.draw_log(rng),), (numbers.off_s.draw_log(rng),)
    else:
        count = numbers.repeats.draw_count(rng)
        each_on_s, each_off_s = numbers.on_s.draw_log(rng), numbers.off_s.draw_log(rng)
        on_s = tuple(each_on_s * rng.uniform(0.8, 1.2) for _ in range(count))
        off_s = tuple(each_off_s * rng.uniform(0.8, 1.2) for _ in range(count))
    keeps_tone = rng.random() < numbers.residual_share
    return ExerciseSet(
        level=voluntary.level.draw_log(rng),
        width=voluntary.width_factor.draw(rng),
        on_s=on_s,
        off_s=off_s,
        residual=numbers.residual.draw_log(rng) if keeps_tone else 0.0,
        overshoot=numbers.overshoot.draw(rng),
        move_g=move_g,
    )
