"""The cramp: a moving part of the muscle that fires fast and irregularly, and what goes with it.

References
----------
Minetto et al. 2009, J Neurophysiol 102:1890 (rates, variability, doublets, common modulation).
Roeleveld et al. 2000, J Appl Physiol 88:1698 (moving territory, short potentials).
Ross and Thomas 1995, Brain 118:983 (early rates; forced stretch).
Miller and Layzer 2005, Muscle Nerve 32:431 (growth, waning, fasciculations, end).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.simulator.aftermath import Aftermath, draw_aftermath
from models.simulator.course import waxing, whole_course
from models.simulator.movements import Twitches
from models.simulator.noise_muscle import NoiseMuscle
from models.simulator.pool import DRIVE_HZ, Spikes, discharge
from models.simulator.shapes import band_noise, envelope, plateau
from models.simulator.voluntary import Tonic
from models.truth import TruthKind

if TYPE_CHECKING:
    from models.simulator.parameters import CrampParameters
    from models.simulator.pool import Muscle
    from models.simulator.scene import Chance, Scene

__all__ = ["Cramp", "cramp_spikes", "draw_cramp"]

FloatArray = npt.NDArray[np.float32]

_WEAK_PEAK = 3.0  # a weak cramp's largest envelope, in multiples of its median
_STANDS_OUT = 2.0  # multiples of the floor from which a cramp counts as visible


@dataclass(frozen=True, slots=True)
class Cramp:
    """One cramp.

    Attributes
    ----------
    active_s : float
        From the first unit to the last.
    growth_s, end_s : float
        Time to full extent, and in which the last units drop out.
    stretched : bool
        Whether a stretch ends it.
    territory_share, drift_cm_s : float
        Part of the muscle that cramps, and how fast that part moves.
    width : float
        Factor on the width of potentials.
    slowing : float
        Its growth per second.
    irregularity : float
        Factor on the variability and the common modulation of firing; 1 as in induced cramps,
        whose units also tire and come back.
    weak_multiple : float or None
        Median EMG in multiples of the floor, for a cramp that barely stands out.
    level : float
        Peak EMG relative to a maximal contraction, for all others.
    aftermath : Aftermath
    """

    active_s: float
    growth_s: float
    end_s: float
    stretched: bool
    territory_share: float
    drift_cm_s: float
    width: float
    slowing: float
    irregularity: float
    weak_multiple: float | None
    level: float
    aftermath: Aftermath

    @property
    def duration_s(self) -> float:
        """With the body's reaction, without fasciculations."""
        return max(self.active_s, self.aftermath.end_s) + 1.0

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Paint the cramp, its fasciculations and the body's reaction."""
        numbers = scene.parameters.cramp
        wave = self._wave(scene, rng)
        factor = self._scale(scene, onset_s, wave)
        wave *= factor
        if self.stretched:
            self._stretch_burst(scene, wave, rng)
        scene.add_emg(onset_s, wave)
        if rng.random() < numbers.fasciculation_share:
            self._fasciculations(scene, onset_s, factor, rng)
        if rng.random() < numbers.residual_share:
            residual = Tonic(numbers.residual_s.draw(rng), numbers.residual_multiple.draw(rng))
            residual.paint(scene, onset_s + self.active_s + numbers.silence_s.draw(rng), rng)
        self.aftermath.paint(scene, onset_s, rng)
        self._record(scene, onset_s, wave)

    def _wave(self, scene: Scene, rng: np.random.Generator) -> FloatArray:
        """Return the cramp's potentials, of any size."""
        numbers, muscle = scene.parameters.cramp, scene.muscle
        if isinstance(muscle, NoiseMuscle):
            ramps_s = self.growth_s, self.end_s
            shapes = scene.parameters.course
            course = whole_course(scene.steps(self.active_s), ramps_s, numbers, shapes, rng)
            return muscle.cramp(course, rng, width=self.width)
        spikes = cramp_spikes(self, muscle, numbers, rng)
        return muscle.potentials(spikes, scene.samples(self.active_s), self.width, self.slowing)

    def _scale(self, scene: Scene, onset_s: float, wave: FloatArray) -> np.float32:
        """Return the factor that brings the best channel to the aimed size."""
        level = envelope(wave, scene.rate_hz)
        if self.weak_multiple is None:
            aim = self.level * scene.participant.mvc_uv
            return np.float32(aim / max(float(np.percentile(level, 95, axis=1).max()), 1e-6))
        multiples = level / scene.floor_at(onset_s)[:, None]
        aim = math.sqrt(self.weak_multiple**2 - 1.0)
        usual = float(np.median(multiples, axis=1).max())
        # A part that is under the electrodes for a moment only must not tower above the rest.
        peak = float(np.percentile(multiples, 95, axis=1).max())
        return np.float32(aim / max(usual, peak / _WEAK_PEAK, 1e-6))

    def _stretch_burst(self, scene: Scene, wave: FloatArray, rng: np.random.Generator) -> None:
        """Add the burst of the whole triceps surae at the moment of stretch."""
        numbers = scene.parameters.cramp
        steps = scene.steps(numbers.burst_s.draw(rng))
        rms = float(wave.std(axis=1).max()) / scene.participant.mvc_uv
        level = numbers.burst_level.draw(rng) * rms * plateau(steps, steps // 3, steps // 2)
        burst = scene.muscle.contract(level, rng)
        first = max(wave.shape[1] - scene.samples(self.end_s) - burst.shape[1] // 2, 0)
        stop = min(first + burst.shape[1], wave.shape[1])
        wave[:, first:stop] += burst[:, : stop - first]

    def _fasciculations(
        self, scene: Scene, onset_s: float, factor: np.float32, rng: np.random.Generator
    ) -> None:
        """Let single units twitch before and after, about as large as those of the cramp."""
        numbers = scene.parameters.cramp
        size = float(factor * np.median(scene.muscle.amplitude_uv.max(axis=0)))
        before_s = numbers.fasciculation_before_s.draw(rng)
        after_s = numbers.fasciculation_after_s.draw(rng)
        silence_s = numbers.silence_s.draw(rng)
        for start, length in (
            (onset_s - before_s, before_s),
            (onset_s + self.active_s + silence_s, after_s),
        ):
            if length > 1.0:
                rate = numbers.fasciculation_rate_hz.draw_log(rng)
                Twitches(length, rate, size, 1, "fasciculation").paint(scene, start, rng)

    def _record(self, scene: Scene, onset_s: float, wave: FloatArray) -> None:
        """Note the cramp from the first to the last moment in which it stands out."""
        seen = scene.seen(onset_s, wave)
        out = np.flatnonzero(seen.max(axis=0) >= _STANDS_OUT)
        if out.size == 0:
            return
        first, last = int(out[0]), int(out[-1]) + 1
        scene.record(
            TruthKind.CRAMP,
            onset_s + first / scene.rate_hz,
            (last - first) / scene.rate_hz,
            intensity=float(np.median(seen[:, first:last], axis=1).max()),
            detail="weak" if self.weak_multiple is not None else None,
        )


def draw_cramp(chance: Chance) -> Cramp:
    """Draw a cramp of this participant."""
    numbers, rng, person = chance.parameters.cramp, chance.rng, chance.participant
    duration = numbers.duration_s
    length = duration.draw(rng) * person.cramp_length
    active_s = min(max(length, duration.low), duration.high)
    still = bool(rng.random() < numbers.still_share)
    # Who does not wake does not stretch.
    stretch_share = numbers.stretch_end_share / (1.0 - numbers.still_share)
    stretched = not still and bool(rng.random() < stretch_share)
    end = numbers.stretch_end_s if stretched else numbers.spontaneous_end_s
    weak = rng.random() < person.weak_cramp_share
    calm = rng.random() < numbers.calm_share
    return Cramp(
        active_s=active_s,
        growth_s=min(numbers.growth_s.draw_log(rng), 0.5 * active_s),
        end_s=min(end.draw(rng), 0.5 * active_s),
        stretched=stretched,
        territory_share=numbers.territory_share.draw(rng),
        drift_cm_s=numbers.drift_cm_per_min.draw(rng) / 60.0,
        width=numbers.width_factor.draw(rng),
        slowing=numbers.slowing_per_s.draw(rng),
        irregularity=numbers.calm_factor.draw(rng) if calm else 1.0,
        weak_multiple=numbers.weak_multiple.draw_log(rng) if weak else None,
        level=numbers.strong_level.draw(rng),
        aftermath=draw_aftermath(chance, active_s, still=still, stretched=stretched),
    )


def cramp_spikes(
    cramp: Cramp, muscle: Muscle, numbers: CrampParameters, rng: np.random.Generator
) -> Spikes:
    """Return the discharges of a cramp, weighted by its waxing and waning."""
    n = round(cramp.active_s * DRIVE_HZ)
    taking_part = _territory(cramp, muscle, n, rng)
    if cramp.irregularity == 1.0:
        taking_part &= _turnover(muscle.n_units, n, numbers, rng)
    taking_part &= _start_and_end(cramp, muscle.n_units, n, numbers, rng)
    depth = cramp.irregularity * numbers.common_depth
    rates = _cramp_rates(muscle.n_units, n, depth, numbers, rng) * taking_part
    variability = [numbers.interval_cv.draw(rng) for _ in range(muscle.n_units)]
    cv = np.array([_own_cv(cramp.irregularity * total, depth) for total in variability])
    spikes = _with_doublets(discharge(rates.astype(np.float32), cv, rng), numbers, rng)
    course = waxing(n, numbers, rng)
    steps = np.minimum((spikes.times_s * DRIVE_HZ).astype(np.int64), n - 1)
    return spikes.weighted(course[None, steps])


def _territory(
    cramp: Cramp, muscle: Muscle, n: int, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Tell which units lie in the cramping part at each step; the part grows, then wanders."""
    width = muscle.numbers.muscle_width_cm
    time = np.arange(n) / DRIVE_HZ
    growth = np.clip(time / max(cramp.growth_s, 0.1), 0.2, 1.0)
    reach = 0.5 * cramp.territory_share * width * growth
    path = width * rng.random() + rng.choice((-1.0, 1.0)) * cramp.drift_cm_s * time
    # The part turns back where it would leave the muscle.
    room = (1.0 - cramp.territory_share) * width
    centre = 0.5 * (width - room) + room - np.abs(np.mod(path, 2 * room) - room)
    # By rank, so that the part holds its share of the units wherever it is.
    place = width * (np.argsort(np.argsort(muscle.position_cm)) + 0.5) / muscle.n_units
    return np.asarray(np.abs(place[:, None] - centre) <= reach)


def _turnover(
    n_units: int, n: int, numbers: CrampParameters, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Let units tire and come back: on for some 20 s, off for a few."""
    on = np.zeros((n_units, n), dtype=np.bool_)
    for unit in range(n_units):
        at = -numbers.unit_active_s.draw(rng) * rng.random()
        while at < n / DRIVE_HZ:
            stop = at + numbers.unit_active_s.draw(rng)
            on[unit, max(round(at * DRIVE_HZ), 0) : max(round(stop * DRIVE_HZ), 0)] = True
            at = stop + rng.exponential(numbers.unit_pause_s)
    return on


def _start_and_end(
    cramp: Cramp, n_units: int, n: int, numbers: CrampParameters, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Let units join and drop out one after another; small ones are first in and last out."""
    time = np.arange(n) / DRIVE_HZ
    size = np.arange(n_units) / n_units
    joining_s = min(numbers.unit_onset_s, 0.4 * cramp.growth_s)
    starts = rng.exponential(joining_s, n_units) + 0.7 * cramp.growth_s * size
    starts = np.minimum(starts, 0.5 * cramp.active_s)
    ends = cramp.active_s - cramp.end_s * 0.5 * (rng.random(n_units) + size)
    return np.asarray((time >= starts[:, None]) & (time < ends[:, None]))


def _cramp_rates(
    n_units: int, n: int, depth: float, numbers: CrampParameters, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Draw firing rates: each unit its own, faster at first, all modulated near 1.4 Hz."""
    base = np.array([numbers.rate_hz.draw(rng) for _ in range(n_units)])
    centre = max(rng.normal(numbers.common_hz, numbers.common_sd_hz), 0.5)
    common = band_noise(rng, n, DRIVE_HZ, (0.75 * centre, 1.25 * centre))[0]
    early = numbers.early_boost.draw(rng) * np.exp(-np.arange(n) / DRIVE_HZ / numbers.early_s)
    course = (1.0 + early) * np.clip(1.0 + depth * common, 0.3, 2.0)
    return np.asarray(base[:, None] * course)


def _own_cv(total: float, depth: float) -> float:
    """Variability that is left to a unit when common modulation of that depth is taken out."""
    return math.sqrt(max(total**2 - depth**2, 0.02))


def _with_doublets(spikes: Spikes, numbers: CrampParameters, rng: np.random.Generator) -> Spikes:
    """Follow a few discharges by a second one within 10 ms."""
    chosen = np.flatnonzero(rng.random(spikes.times_s.size) < numbers.doublet_share)
    interval = 1e-3 * rng.uniform(numbers.doublet_ms.low, numbers.doublet_ms.high, chosen.size)
    return Spikes(
        np.concatenate((spikes.times_s, spikes.times_s[chosen] + interval)),
        np.concatenate((spikes.units, spikes.units[chosen])),
    )
