"""A night as a sensor would have delivered it, with what really happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.simulator.agenda import draw_agenda, stream
from models.simulator.background import (
    draw_floor,
    paint_heart,
    paint_standing_hum,
    sense_gravity,
)
from models.simulator.conversion import convert_acc, convert_emg
from models.simulator.link import draw_losses, lose
from models.simulator.noise_muscle import as_noise
from models.simulator.parameter_file import default_parameters
from models.simulator.pool import build_muscle
from models.simulator.posture import POSES_DEG, Posture
from models.simulator.scene import CONTACT_HZ, Scene
from models.simulator.sources import SOURCES
from models.truth import SimulatedNight

if TYPE_CHECKING:
    from models.simulator.agenda import Booking, NightPlan
    from models.simulator.parameters import Parameters
    from models.simulator.participants import Participant
    from models.simulator.pool import Muscle
    from models.simulator.sensors import Sensor

__all__ = ["empty_scene", "simulate_night"]

_POSTURE_HZ = 10  # posture is painted even if no accelerometer sees it


def simulate_night(
    participant: Participant, plan: NightPlan, sensor: Sensor, seed: int
) -> SimulatedNight:
    """Simulate one night.

    Parameters
    ----------
    participant : Participant
    plan : NightPlan
    sensor : Sensor
    seed : int
        The same participant, plan, sensor and seed give the same night. Every kind of event has
        a random stream of its own, so that nights differ only where their plans do.

    Returns
    -------
    SimulatedNight

    Raises
    ------
    UsageError
        The suite is unknown, or the night too short for its cramps.
    """
    parameters = default_parameters()
    scene = empty_scene(participant, plan, sensor, seed, parameters)
    _paint_all(scene, draw_agenda(participant, plan, seed, parameters))
    emg = convert_emg(scene, _rng(seed, "floor"))
    acc = None
    if sensor.acc_rate_hz:
        acc = convert_acc(sense_gravity(scene, _rng(seed, "gravity")), sensor)
    gaps, block_s = list(scene.gaps), 1.0 / sensor.emg_rate_hz
    if sensor.loss is not None:
        gaps += draw_losses(sensor.loss, plan.duration_s, _rng(seed, "loss"))
        block_s = sensor.loss.block_s
    lost = lose(gaps, block_s, emg, acc, (sensor.emg_rate_hz, sensor.acc_rate_hz))
    return SimulatedNight(
        start=plan.start.replace(microsecond=0),
        emg=emg,
        emg_rate_hz=float(sensor.emg_rate_hz),
        emg_unit=sensor.unit,
        emg_resolution=sensor.resolution,
        emg_limits=sensor.limits,
        acc=acc,
        acc_rate_hz=float(sensor.acc_rate_hz),
        events=tuple(sorted([*scene.events, *lost], key=lambda event: event.onset_s)),
    )


def _rng(seed: int, name: str) -> np.random.Generator:
    """Random stream of one purpose."""
    return np.random.default_rng(stream(seed, name))


def empty_scene(
    participant: Participant, plan: NightPlan, sensor: Sensor, seed: int, parameters: Parameters
) -> Scene:
    """Return a night in which only the background happens."""
    night = _rng(seed, "placement")
    seconds = int(plan.duration_s)
    numbers = parameters.background
    channels = sensor.emg_channels
    posture_hz = sensor.acc_rate_hz or _POSTURE_HZ
    spread = np.exp(0.2 * night.standard_normal(channels))
    pose = int(night.choice(len(POSES_DEG), p=np.asarray(participant.pose_shares)))
    scene = Scene(
        duration_s=plan.duration_s,
        participant=participant,
        parameters=parameters,
        sensor=sensor,
        muscle=_muscle(participant, parameters, sensor, night),
        floor_uv=(participant.floor_uv * spread).astype(np.float32),
        floor_gain=draw_floor(
            channels, seconds + 2, numbers.floor_drift, numbers.floor_drift_hours, night
        ),
        contact=np.ones((channels, seconds * CONTACT_HZ), dtype=np.float32),
        emg=_zeros(channels, seconds * sensor.analog_rate_hz),
        motion=_zeros(3, seconds * posture_hz),
        posture=Posture.lying(
            seconds * posture_hz, posture_hz, participant.shank_pitch_deg, POSES_DEG[pose]
        ),
    )
    paint_heart(scene, _rng(seed, "heart"))
    paint_standing_hum(scene, _rng(seed, "standing_hum"))
    return scene


def _muscle(
    participant: Participant, parameters: Parameters, sensor: Sensor, night: np.random.Generator
) -> Muscle:
    """Build the muscle as the person has it, of motor units or of noise."""
    rate_hz, channels = sensor.analog_rate_hz, sensor.emg_channels
    muscle = build_muscle(participant, parameters.pool, channels, rate_hz, night)
    if not participant.noise_like:
        return muscle
    return as_noise(muscle, participant.mvc_uv, parameters.noise, night)


def _zeros(rows: int, n: int) -> npt.NDArray[np.float32]:
    """Return an empty canvas."""
    return np.zeros((rows, n), dtype=np.float32)


def _paint_all(scene: Scene, agenda: tuple[Booking, ...]) -> None:
    """Paint layer by layer, each by time."""
    order = sorted(agenda, key=lambda what: (SOURCES[what.source].layer, what.onset_s))
    for booking in order:
        booking.happening.paint(scene, booking.onset_s, np.random.default_rng(booking.seed))
