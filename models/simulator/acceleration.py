"""What body events do to the accelerometer, apart from turning it in gravity."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.simulator.shapes import band_noise, plateau, rhythm

if TYPE_CHECKING:
    from models.simulator.scene import Scene

__all__ = ["add_bump", "add_oscillation", "add_steps", "motion_artefact", "random_direction"]

FloatArray = npt.NDArray[np.float32]

# Size in g of the first six harmonics of the stride at the shank, of heel strike, and of the
# centripetal pull of the swinging shank; fitted to the walking records of RealWorld
# (|a| mean 1.18 g, sd 0.36, p1 0.48, p99 2.14; jerk p50 5.8, p95 33 g/s; steps at 1.6-1.8 Hz).
_STRIDE_HARMONICS = (0.04, 0.19, 0.06, 0.06, 0.05, 0.04)
_STRIKE_G = 1.6
_STRIKE_HZ = 11.0
_STRIKE_DECAY_S = 0.045
_OTHER_FOOT = 0.3
_SWING_G = 0.9
_SWING_FROM = 0.62  # of the stride, until the next heel strike
_MID_SWING = 0.81


def random_direction(rng: np.random.Generator) -> FloatArray:
    """Return a unit vector, shape (3, 1)."""
    vector = rng.standard_normal((3, 1))
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def add_bump(
    scene: Scene, onset_s: float, duration_s: float, peak_g: float, rng: np.random.Generator
) -> None:
    """Add a movement: a few jerks below 8 Hz under a smooth envelope, mostly along one line."""
    n = scene.acc_samples(duration_s)
    top = min(8.0, 0.45 * scene.acc_rate_hz)
    noise = band_noise(rng, n, scene.acc_rate_hz, (0.4, top), rows=3)
    line = random_direction(rng)
    wave = (line * noise[:1] + 0.35 * noise) * plateau(n, max(n // 3, 1), max(n // 2, 1))
    peak = float(np.abs(wave).max(initial=1e-6))
    scene.add_motion(onset_s, wave * np.float32(peak_g / peak))


def add_oscillation(
    scene: Scene,
    onset_s: float,
    duration_s: float,
    frequency_hz: float,
    peak_g: float,
    rng: np.random.Generator,
) -> FloatArray:
    """Add a rhythm such as rubbing or foot shaking; return its phase, one value a sample."""
    n = scene.acc_samples(duration_s)
    phase = rhythm(rng, n, scene.acc_rate_hz, frequency_hz)
    swing = np.sin(phase) + 0.3 * np.sin(2 * phase + 6.28 * rng.random())
    strength = 1.0 + 0.25 * band_noise(rng, n, scene.acc_rate_hz, (0.05, 0.5))[0]
    ramp = scene.acc_samples(min(1.0, duration_s / 4))
    wave = random_direction(rng) * (swing * strength * plateau(n, ramp, ramp) * peak_g)
    scene.add_motion(onset_s, wave.astype(np.float32))
    return phase


def add_steps(
    scene: Scene, onset_s: float, strides_s: FloatArray, vigour: float, rng: np.random.Generator
) -> None:
    """Add walking, one stride after another.

    Parameters
    ----------
    strides_s : array, shape (strides + 1,)
        Heel strikes of the sensor's leg, from `onset_s` on.
    vigour : float
        1 for the daytime walking the harmonics were fitted to.
    """
    rate = scene.acc_rate_hz
    n = scene.acc_samples(float(strides_s[-1]))
    time = np.arange(n, dtype=np.float64) / rate
    cycle = np.interp(time, strides_s, np.arange(strides_s.size, dtype=np.float64))
    wave = np.zeros((3, n))
    for harmonic, size in enumerate(_STRIDE_HARMONICS, start=1):
        # All crest at mid-swing, as the pull of the swing does; people differ a little.
        turn = 0.5 * math.pi - 2 * math.pi * harmonic * _MID_SWING + rng.normal(0.0, 0.6, (3, 1))
        weight = np.array([[1.0], [0.35], [0.8]]) * size
        wave += weight * np.sin(2 * math.pi * harmonic * cycle + turn)
    strike = np.array([[1.0], [0.3], [-0.6]])
    for offset, size in ((0.0, 1.0), (0.5, _OTHER_FOOT)):
        since = np.mod(cycle - offset, 1.0) * float(np.mean(np.diff(strides_s)))
        ring = np.exp(-since / _STRIKE_DECAY_S) * np.cos(2 * math.pi * _STRIKE_HZ * since)
        wave += strike * (_STRIKE_G * size) * ring
    swing = np.clip((np.mod(cycle, 1.0) - _SWING_FROM) / (1.0 - _SWING_FROM), 0.0, 1.0)
    wave[0] += _SWING_G * np.square(np.sin(math.pi * swing))
    wave += 0.05 * band_noise(rng, n, rate, (0.5, min(15.0, 0.45 * rate)), rows=3)
    ramp = scene.acc_samples(1.0)
    scene.add_motion(onset_s, (vigour * wave * plateau(n, ramp, ramp)).astype(np.float32))


def motion_artefact(
    scene: Scene, onset_s: float, duration_s: float, strength: float, rng: np.random.Generator
) -> None:
    """Add what a movement does to the electrodes: mostly below 20 Hz, sometimes a rattle.

    `strength` multiplies the usual size (De Luca 2010, J Biomech 43:1573).
    """
    numbers = scene.parameters.movement
    n, rate, rows = scene.samples(duration_s), scene.rate_hz, scene.n_channels
    low, middle, high = numbers.artefact_hz.low, numbers.artefact_turn_hz, numbers.artefact_hz.high
    size = strength * numbers.artefact_uv.draw(rng)
    gains = scene.channel_gains(0.5, rng)
    # Two bands stand for a spectrum that falls towards the muscle's.
    sway = band_noise(rng, n, rate, (low, middle), rows)
    wave = size * gains * (sway + 0.25 * band_noise(rng, n, rate, (middle, high), rows))
    if rng.random() < numbers.cable_share:
        rattle = band_noise(rng, n, rate, (15.0, 120.0), rows)
        gusts = np.abs(band_noise(rng, n, rate, (1.0, 6.0))[0])
        wave += 0.08 * size * gains * rattle * gusts
    ramp = max(1, n // 4)
    scene.add_emg(onset_s, (wave * plateau(n, ramp, ramp)).astype(np.float32))
