"""What a person does about a cramp: wake, grab the foot, massage, stand, walk; or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.simulator.acceleration import add_bump, motion_artefact
from models.simulator.ambulation import paint_gait, paint_getting_up, paint_standing
from models.simulator.movements import paint_massage

if TYPE_CHECKING:
    import numpy as np

    from models.simulator.scene import Chance, Scene

__all__ = ["Aftermath", "draw_aftermath"]


@dataclass(frozen=True, slots=True)
class Aftermath:
    """The body's reaction; times count from the onset of the cramp.

    Attributes
    ----------
    cramp_s : float
        Length of the cramp.
    wake_s : float or None
        Awakening; None for a cramp that is slept through or endured without moving.
    grab_g : float
        The awakening movement.
    bulge_g : float
        Movement of the sensor on the hardening calf.
    turns : bool
        Whether reaching for the foot turns the shank.
    stand_s, stand_length_s, walk_length_s : float
        Getting up; lengths are 0 for those who stay in bed.
    massage_s, massage_length_s : float
    """

    cramp_s: float
    wake_s: float | None
    grab_g: float
    bulge_g: float
    turns: bool
    stand_s: float
    stand_length_s: float
    walk_length_s: float
    massage_s: float
    massage_length_s: float

    @property
    def end_s(self) -> float:
        """When the person has settled again."""
        if self.wake_s is None:
            return self.cramp_s
        return max(
            self.cramp_s,
            self.wake_s + 4.0,
            self.massage_s + self.massage_length_s,
            self.stand_s + self._up_s,
        )

    @property
    def _up_s(self) -> float:
        """Time out of bed."""
        return self.stand_length_s + self.walk_length_s

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Paint the reaction to a cramp that began at `onset_s`."""
        add_bump(scene, onset_s, min(self.cramp_s, 15.0), self.bulge_g, rng)
        if self.wake_s is None:
            return
        self._grab(scene, onset_s + self.wake_s, rng)
        if self.massage_length_s > 0:
            paint_massage(scene, onset_s + self.massage_s, self.massage_length_s, rng)
        if self.stand_length_s > 0:
            self._get_up(scene, onset_s + self.stand_s, rng)

    def _grab(self, scene: Scene, at_s: float, rng: np.random.Generator) -> None:
        """Flex the knee and reach for the foot."""
        length = float(rng.uniform(0.7, 2.5))
        add_bump(scene, at_s, length, self.grab_g, rng)
        motion_artefact(scene, at_s, length, 1.0, rng)
        if not self.turns:
            return
        until = self.stand_s if self.stand_length_s > 0 else self.end_s
        pitch = float(
            scene.posture.pitch[min(scene.acc_samples(at_s), scene.posture.pitch.size) - 1]
        )
        hold_s = max(until - (self.wake_s or 0.0), 3.0)
        scene.posture.excursion(
            at_s, hold_s, length, pitch + rng.uniform(15.0, 55.0), rng.normal(0, 15)
        )

    def _get_up(self, scene: Scene, at_s: float, rng: np.random.Generator) -> None:
        """Stand on the leg, and perhaps walk it off."""
        paint_getting_up(scene, at_s, self._up_s, rng)
        paint_standing(scene, at_s + 2.0, self.stand_length_s - 4.0, 0, rng)
        if self.walk_length_s > 0:
            paint_gait(scene, at_s + self.stand_length_s - 2.0, self.walk_length_s, rng)


def draw_aftermath(chance: Chance, cramp_s: float, *, still: bool, stretched: bool) -> Aftermath:
    """Draw a reaction; who ends the cramp by stretching it does something just before its end."""
    numbers, rng = chance.parameters.cramp, chance.rng
    wake_s = min(numbers.wake_latency_s.draw(rng), max(cramp_s - 4.0, 2.0))
    stands = not still and rng.random() < numbers.stand_share
    walks = stands and rng.random() < numbers.walk_share
    rubs = not still and rng.random() < numbers.massage_share
    relief_s = max(cramp_s - float(rng.uniform(4.0, 12.0)), wake_s + 1.0)
    stand_s = relief_s if stretched else max(wake_s + 1.0, cramp_s * float(rng.uniform(0.3, 1.2)))
    massage_s = max(wake_s + 1.5, cramp_s * float(rng.uniform(0.2, 1.0)))
    massage_length_s = float(rng.uniform(5.0, 40.0)) if rubs else 0.0
    if stands:
        massage_length_s = min(massage_length_s, max(stand_s - massage_s, 0.0))
    return Aftermath(
        cramp_s=cramp_s,
        wake_s=None if still else wake_s,
        grab_g=numbers.grab_g.draw(rng),
        bulge_g=1e-3 * numbers.bulge_mg.draw_log(rng),
        turns=bool(rng.random() < numbers.grab_turn_share),
        stand_s=stand_s,
        stand_length_s=float(rng.uniform(10.0, 60.0)) if stands else 0.0,
        walk_length_s=float(rng.uniform(15.0, 60.0)) if walks else 0.0,
        massage_s=massage_s,
        massage_length_s=massage_length_s,
    )
