"""Movements of sleep and restlessness: what is short, periodic, rhythmic or turns the body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.simulator.acceleration import add_bump, add_oscillation, motion_artefact
from models.simulator.pool import DRIVE_HZ, Spikes
from models.simulator.posture import POSES_DEG
from models.simulator.shapes import plateau
from models.simulator.voluntary import intensity, muscle_shares, unsteady
from models.truth import TruthKind

if TYPE_CHECKING:
    from models.simulator.scene import Chance, Scene

__all__ = [
    "Bursts",
    "Massage",
    "PostureShift",
    "Rhythm",
    "Twitches",
    "draw_fasciculations",
    "draw_leg_movement",
    "draw_massage",
    "draw_myoclonus",
    "draw_plm_series",
    "draw_posture_shift",
    "draw_restless_bout",
    "draw_rhythm",
    "paint_massage",
]

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Bursts:
    """Leg movements, each a burst of EMG with a jerk of the leg.

    Attributes
    ----------
    onsets_s, lengths_s, levels : tuple of float
        Of each movement; onsets count from the start of the happening.
    peak_g : float
        Typical acceleration.
    detail : str
    """

    onsets_s: tuple[float, ...]
    lengths_s: tuple[float, ...]
    levels: tuple[float, ...]
    peak_g: float
    detail: str

    @property
    def duration_s(self) -> float:
        """From the first movement to the end of the last."""
        return self.onsets_s[-1] + self.lengths_s[-1]

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Paint the movements with one mixture of units; each is a true event."""
        shares = muscle_shares(scene.muscle, scene.parameters.voluntary, rng)
        width = scene.parameters.voluntary.width_factor.draw(rng)
        for start, length, level in zip(self.onsets_s, self.lengths_s, self.levels, strict=True):
            n = scene.steps(length)
            rise, fall = rng.uniform(0.05, 0.5, 2) * n
            shape = plateau(n, int(rise), int(fall)) * unsteady(n, scene.parameters.voluntary, rng)
            wave = scene.muscle.contract(level * shape, rng, width=width, shares=shares)
            scene.add_emg(onset_s + start, wave)
            peak_g = self.peak_g * rng.lognormal(0.0, 0.4)
            add_bump(scene, onset_s + start, max(length, 0.5), peak_g, rng)
            motion_artefact(scene, onset_s + start, max(length, 0.5), min(peak_g / 0.3, 1.0), rng)
            scene.record(
                TruthKind.LEG_MOVEMENT,
                onset_s + start,
                length,
                intensity=intensity(scene, onset_s + start, wave),
                detail=self.detail,
            )


def draw_leg_movement(chance: Chance) -> Bursts:
    """Draw one movement by itself."""
    numbers, rng = chance.parameters.movement, chance.rng
    return Bursts(
        onsets_s=(0.0,),
        lengths_s=(numbers.burst_s.draw(rng),),
        levels=(numbers.burst_level.draw_log(rng),),
        peak_g=1e-3 * numbers.burst_mg.draw_log(rng),
        detail="isolated",
    )


def draw_plm_series(chance: Chance) -> Bursts:
    """Draw a series of periodic limb movements: at least four, 20 to 40 s apart."""
    numbers, rng = chance.parameters.movement, chance.rng
    n = round(numbers.series_length.draw(rng))
    usual_s, usual_level = numbers.burst_s.draw(rng), numbers.burst_level.draw_log(rng)
    interval_s = numbers.interval_s.draw(rng)
    lengths = np.clip(usual_s * rng.lognormal(0.0, 0.25, n), 0.5, 10.0)
    # An interval runs from onset to onset and must outlast the movement itself.
    intervals = np.maximum(interval_s * rng.lognormal(0.0, 0.2, n), lengths + 1.0)
    onsets = np.concatenate(([0.0], np.cumsum(intervals[:-1])))
    return Bursts(
        onsets_s=tuple(onsets.tolist()),
        lengths_s=tuple(lengths.tolist()),
        levels=tuple(np.minimum(usual_level * rng.lognormal(0.0, 0.4, n), 1.0).tolist()),
        peak_g=1e-3 * numbers.burst_mg.draw_log(rng),
        detail="periodic",
    )


def draw_restless_bout(chance: Chance) -> Bursts:
    """Draw a bout of irregular movements, as restless legs make them."""
    numbers, rng = chance.parameters.movement, chance.rng
    end_s = numbers.restless_bout_s.draw(rng)
    usual = numbers.burst_level.draw_log(rng)
    onsets, lengths = [0.0], [numbers.restless_burst_s.draw_log(rng)]
    while onsets[-1] + lengths[-1] < end_s:
        onsets.append(onsets[-1] + lengths[-1] + numbers.restless_pause_s.draw_log(rng))
        lengths.append(numbers.restless_burst_s.draw_log(rng))
    return Bursts(
        onsets_s=tuple(onsets),
        lengths_s=tuple(lengths),
        levels=tuple(min(usual * float(rng.lognormal(0.0, 0.5)), 1.0) for _ in onsets),
        peak_g=1e-3 * numbers.burst_mg.draw_log(rng),
        detail="restless",
    )


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Rhythmic leg movements: hypnagogic foot tremor, alternating activation, foot rocking."""

    duration_s: float
    frequency_hz: float
    burst_s: float
    level: float
    peak_g: float

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Paint bursts in step with the shaking of the foot."""
        phase = add_oscillation(
            scene, onset_s, self.duration_s, self.frequency_hz, self.peak_g, rng
        )
        n = scene.steps(self.duration_s)
        cycle = np.interp(np.linspace(0, 1, n), np.linspace(0, 1, phase.size), np.unwrap(phase))
        half = np.pi * min(self.burst_s * self.frequency_hz, 0.7)
        inside = np.abs(np.mod(cycle, 2 * np.pi) - np.pi) < half
        level = self.level * inside * plateau(n, n // 8, n // 8)
        wave = scene.muscle.contract(level.astype(np.float32), rng)
        scene.add_emg(onset_s, wave)
        motion_artefact(scene, onset_s, self.duration_s, 0.3, rng)
        scene.record(
            TruthKind.RHYTHMIC,
            onset_s,
            self.duration_s,
            intensity=intensity(scene, onset_s, wave),
            detail=f"{self.frequency_hz:.1f} Hz",
        )


def draw_rhythm(chance: Chance) -> Rhythm:
    """Draw a series of rhythmic leg movements."""
    numbers, rng = chance.parameters.movement, chance.rng
    return Rhythm(
        duration_s=numbers.rhythmic_length_s.draw(rng),
        frequency_hz=numbers.rhythmic_hz.draw_log(rng),
        burst_s=numbers.rhythmic_burst_s.draw(rng),
        level=numbers.burst_level.draw_log(rng),
        peak_g=1e-3 * numbers.rhythmic_mg.draw_log(rng),
    )


@dataclass(frozen=True, slots=True)
class Twitches:
    """Single potentials at random times: fragmentary myoclonus, or fasciculations.

    Attributes
    ----------
    duration_s, rate_hz : float
    size_uv : float
        Typical peak; single twitches spread around it.
    units : int
        Motor units that twitch together: several in myoclonus, one in a fasciculation.
    detail : str
    """

    duration_s: float
    rate_hz: float
    size_uv: float
    units: int
    detail: str

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Paint the twitches; each is a true event shorter than 150 ms."""
        muscle = scene.muscle
        count = int(rng.poisson(self.rate_hz * self.duration_s))
        at = np.sort(rng.uniform(0.0, self.duration_s - 0.15, count))
        group = rng.integers(1, self.units + 1, count)
        units = rng.integers(0, muscle.n_units, int(group.sum()))
        times = np.repeat(at, group) + rng.uniform(0.0, 0.1, units.size) * (self.units > 1)
        size = np.repeat(self.size_uv * rng.lognormal(0.0, 0.5, count), group)
        # The size is that at the electrode which sees the unit best.
        weights = size / muscle.amplitude_uv.max(axis=0)[units] / np.sqrt(np.repeat(group, group))
        spikes = Spikes(times, units, weights[None, :].astype(np.float32))
        scene.add_emg(onset_s, muscle.potentials(spikes, scene.samples(self.duration_s)))
        for start in at:
            scene.record(TruthKind.MYOCLONUS, onset_s + start, 0.15, detail=self.detail)


def draw_myoclonus(chance: Chance) -> Twitches:
    """Draw a train of fragmentary myoclonus."""
    numbers, rng = chance.parameters.movement, chance.rng
    return Twitches(
        duration_s=numbers.twitch_train_s.draw(rng),
        rate_hz=float(rng.uniform(0.03, 0.3)),
        size_uv=numbers.twitch_uv.draw_log(rng),
        units=4,
        detail="myoclonus",
    )


def draw_fasciculations(chance: Chance) -> Twitches:
    """Draw benign fasciculations away from any cramp."""
    numbers, rng = chance.parameters.cramp, chance.rng
    return Twitches(
        duration_s=numbers.fasciculation_after_s.draw(rng),
        rate_hz=numbers.fasciculation_rate_hz.draw_log(rng),
        size_uv=chance.parameters.movement.twitch_uv.draw_log(rng),
        units=1,
        detail="fasciculation",
    )


@dataclass(frozen=True, slots=True)
class PostureShift:
    """Turning in bed: a new pose, a jolt, a burst of EMG, sometimes a new electrode contact."""

    transition_s: float
    pose: int
    pitch_deg: float
    level: float
    peak_g: float

    @property
    def duration_s(self) -> float:
        """Transition and settling."""
        return self.transition_s + 1.5

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Paint the turn."""
        roll = POSES_DEG[self.pose] + rng.normal(0.0, 12.0)
        scene.posture.shift(onset_s, self.transition_s, self.pitch_deg, roll)
        add_bump(scene, onset_s, self.transition_s + 0.5, self.peak_g, rng)
        motion_artefact(scene, onset_s, self.duration_s, 1.0, rng)
        numbers = scene.parameters.voluntary
        n = scene.steps(self.duration_s)
        bouts = np.abs(unsteady(n, numbers, rng)) * plateau(n, n // 4, n // 3)
        gusts = np.clip(rng.standard_normal(n // DRIVE_HZ + 2), 0.0, None)
        gusts = np.interp(np.arange(n) / DRIVE_HZ, np.arange(gusts.size), gusts)
        level = (self.level * bouts * gusts).astype(np.float32)
        wave = scene.muscle.contract(level, rng, shares=muscle_shares(scene.muscle, numbers, rng))
        scene.add_emg(onset_s, wave)
        self._disturb_contact(scene, onset_s, rng)
        scene.record(
            TruthKind.POSTURE_SHIFT,
            onset_s,
            self.duration_s,
            intensity=intensity(scene, onset_s, wave),
        )

    def _disturb_contact(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Change the resting level from now on, now and then."""
        numbers = scene.parameters.background
        channel = int(rng.integers(scene.n_channels))
        if rng.random() < numbers.floor_step_share:
            after = scene.floor_gain[channel, int(onset_s) + 1 :]
            # Bounded, because a bad contact is made good again by a later turn.
            step = numbers.floor_step.draw(rng)
            after *= min(max(step, 0.6 / float(after[0])), 5.0 / float(after[0]))


def draw_posture_shift(chance: Chance) -> PostureShift:
    """Draw a turn to one of the participant's poses."""
    numbers, rng = chance.parameters.movement, chance.rng
    return PostureShift(
        transition_s=numbers.shift_s.draw(rng),
        pose=int(rng.choice(len(POSES_DEG), p=np.asarray(chance.participant.pose_shares))),
        pitch_deg=chance.participant.shank_pitch_deg + rng.normal(0.0, 6.0),
        level=numbers.shift_level.draw_log(rng),
        peak_g=numbers.shift_g.draw_log(rng),
    )


def paint_massage(
    scene: Scene, onset_s: float, duration_s: float, rng: np.random.Generator
) -> None:
    """Paint hands that rub the calf: a 1-3 Hz rhythm and its artefact, hardly any EMG."""
    numbers = scene.parameters.movement
    peak_g = 1e-3 * numbers.massage_mg.draw_log(rng)
    add_oscillation(scene, onset_s, duration_s, numbers.massage_hz.draw(rng), peak_g, rng)
    motion_artefact(scene, onset_s, duration_s, 1.0, rng)
    scene.record(TruthKind.MASSAGE, onset_s, duration_s)


@dataclass(frozen=True, slots=True)
class Massage:
    """Rubbing the calf without a cramp."""

    duration_s: float

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Paint it."""
        paint_massage(scene, onset_s, self.duration_s, rng)


def draw_massage(chance: Chance) -> Massage:
    """Draw a massage."""
    return Massage(chance.parameters.movement.massage_s.draw(chance.rng))
