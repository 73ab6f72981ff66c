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
    swing_deg: float

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
    """Several sets, each with another movement and so another mixture of units.

    Attributes
    ----------
    sets : tuple of ExerciseSet
    posture_level : float
        Effort that holds the leg up all the while, with units of its own; 0 for none.
    """

    sets: tuple[ExerciseSet, ...]
    posture_level: float

    @property
    def duration_s(self) -> float:
        """From the first to the end of the last set."""
        return sum(one.duration_s for one in self.sets)

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Paint the effort of holding the leg, and set after set over it."""
        if self.posture_level > 0.0:
            numbers = scene.parameters.voluntary
            n = scene.steps(self.duration_s)
            level = self.posture_level * plateau(n, n // 20, n // 20) * unsteady(n, numbers, rng)
            shares = muscle_shares(scene.muscle, numbers, rng)
            scene.add_emg(onset_s, scene.muscle.contract(level, rng, shares=shares))
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
            _move(scene, one, onset_s, rng)


def _move(scene: Scene, one: ExerciseSet, onset_s: float, rng: np.random.Generator) -> None:
    """Move the leg with every contraction; some movements swing it through a wide angle."""
    for on_s, off_s in zip(one.on_s, one.off_s, strict=True):
        add_bump(scene, onset_s, min(on_s, 1.0), one.move_g, rng)
        if one.swing_deg > 0.0:
            pitch = float(scene.posture.pitch[scene.acc_samples(onset_s) - 1])
            swing = one.swing_deg * rng.choice((-1.0, 1.0))
            roll = rng.normal(0.0, one.swing_deg)
            scene.posture.excursion(onset_s, on_s + 0.5, 0.4 * on_s, pitch + swing, roll)
        onset_s += on_s + off_s


def draw_exercise(chance: Chance) -> Exercise:
    """Draw a stretch of exercise."""
    numbers, rng = chance.parameters.exercise, chance.rng
    move_g = 0.0 if rng.random() < numbers.still_share else numbers.move_g.draw_log(rng)
    count = numbers.sets.draw_count(rng)
    holds_up = rng.random() < numbers.posture_share
    return Exercise(
        sets=tuple(_draw_set(chance, numbers, move_g) for _ in range(count)),
        posture_level=numbers.posture_level.draw_log(rng) if holds_up else 0.0,
    )


def _draw_set(chance: Chance, numbers: ExerciseParameters, move_g: float) -> ExerciseSet:
    voluntary, rng = chance.parameters.voluntary, chance.rng
    if rng.random() < numbers.sustained_share:
        on_s, off_s = (numbers.sustained_s.draw_log(rng),), (numbers.off_s.draw_log(rng),)
    else:
        count = numbers.repeats.draw_count(rng)
        pace = rng.normal(1.0, numbers.pace_cv.draw(rng), (2, count)).clip(0.5, 1.5)
        on_s = tuple((numbers.on_s.draw_log(rng) * pace[0]).tolist())
        off_s = tuple((numbers.off_s.draw_log(rng) * pace[1]).tolist())
    keeps_tone = rng.random() < numbers.residual_share
    return ExerciseSet(
        level=voluntary.level.draw_log(rng),
        width=voluntary.width_factor.draw(rng),
        on_s=on_s,
        off_s=off_s,
        residual=numbers.residual.draw_log(rng) if keeps_tone else 0.0,
        overshoot=numbers.overshoot.draw(rng),
        move_g=move_g,
        swing_deg=numbers.swing_deg.draw(rng) if rng.random() < numbers.swing_share else 0.0,
    )
