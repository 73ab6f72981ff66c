"""People, as the simulator sees them: what is theirs and stays the same from night to night."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.simulator.parameter_file import default_parameters

if TYPE_CHECKING:
    from models.simulator.parameters import ParticipantParameters

__all__ = ["Participant", "draw_participant"]


@dataclass(frozen=True, slots=True)
class Participant:
    """Random effects of one person; `dataclasses.replace` forces a trait.

    Attributes
    ----------
    seed : int
        Seed of the muscle's anatomy.
    floor_uv : float
        Resting level, RMS within 20-450 Hz.
    mvc_uv : float
        RMS of a maximal voluntary contraction at the best place.
    motor_units : int
    muap_lambda_ms : float
        Mean width of the Hermite-Rodriguez potentials.
    discharge_cv, common_drive_cv : float
        Coefficients of variation of voluntary intervals and of the common drive.
    mains_hz, hum_uv : float
        Grid frequency, and what of it the leg picks up all night.
    ecg_uv, pulse_uv, heart_rate_hz : float
    restlessness : float
        Factor on the rates of all movements; 1 is average.
    plm_per_hour, myoclonus_per_hour : float
        Periodic limb movements and twitches in an hour of sleep.
    restless_legs, rhythmic : bool
        Whether the person has restless legs, or rhythmic leg movements.
    cramps_per_week : float
    weak_cramp_share : float
        Share of cramps that barely stand out at the electrodes.
    noise_like : bool
        Whether the muscle is painted as shaped noise instead of motor units.
    cramp_length : float
        Factor on the length of the person's cramps.
    shank_pitch_deg : float
        Slope of the lying shank.
    pose_shares : tuple of float
        How much of the night is spent supine, left, right, prone.
    """

    seed: int
    floor_uv: float
    mvc_uv: float
    motor_units: int
    muap_lambda_ms: float
    discharge_cv: float
    common_drive_cv: float
    mains_hz: float
    hum_uv: float
    ecg_uv: float
    pulse_uv: float
    heart_rate_hz: float
    restlessness: float
    plm_per_hour: float
    myoclonus_per_hour: float
    restless_legs: bool
    rhythmic: bool
    cramps_per_week: float
    weak_cramp_share: float
    noise_like: bool
    cramp_length: float
    shank_pitch_deg: float
    pose_shares: tuple[float, ...]


def draw_participant(seed: int) -> Participant:
    """Draw a person of the target population; the same seed gives the same person."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    numbers = default_parameters().participant
    return Participant(
        seed=seed,
        floor_uv=numbers.floor_uv.draw(rng),
        mvc_uv=numbers.mvc_uv.draw(rng),
        motor_units=numbers.motor_units.draw_count(rng),
        muap_lambda_ms=numbers.muap_lambda_ms.draw(rng),
        discharge_cv=numbers.discharge_cv.draw(rng),
        common_drive_cv=numbers.common_drive_cv.draw(rng),
        mains_hz=60.0 if rng.random() < numbers.mains_60_hz_share else 50.0,
        hum_uv=numbers.hum_uv.draw(rng),
        ecg_uv=numbers.ecg_uv.draw(rng),
        pulse_uv=numbers.pulse_uv.draw(rng),
        heart_rate_hz=numbers.heart_rate_hz.draw(rng),
        restlessness=numbers.restlessness.draw(rng),
        plm_per_hour=numbers.plm_per_hour.draw(rng),
        myoclonus_per_hour=numbers.myoclonus_per_hour.draw(rng),
        restless_legs=bool(rng.random() < numbers.rls_share),
        rhythmic=bool(rng.random() < numbers.rhythmic_share),
        cramps_per_week=numbers.cramps_per_week.draw(rng),
        weak_cramp_share=numbers.weak_cramp_share.draw(rng),
        noise_like=bool(rng.random() < numbers.noise_share),
        cramp_length=math.exp(math.log(numbers.cramp_habit_gsd) * rng.standard_normal()),
        shank_pitch_deg=numbers.shank_pitch_deg.draw(rng),
        pose_shares=_pose_habits(numbers, rng),
    )


def _pose_habits(numbers: ParticipantParameters, rng: np.random.Generator) -> tuple[float, ...]:
    """Spread the population's shares over people: most prefer one or two poses."""
    habits = rng.dirichlet(4.0 * np.asarray(numbers.pose_shares))
    return tuple(float(share) for share in habits)
