"""What is there all night: the resting level, the heart, standing hum, gravity and breath."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.simulator.interference import mains
from models.simulator.shapes import band_noise

if TYPE_CHECKING:
    from models.simulator.scene import Scene

__all__ = ["draw_floor", "mount", "paint_heart", "paint_standing_hum", "sense_gravity"]

FloatArray = npt.NDArray[np.float32]

# A QRS complex as far as it reaches the calf: Q, R, S as Gaussians (seconds, width, size).
_QRS = ((-0.025, 0.010, -0.15), (0.0, 0.012, 1.0), (0.03, 0.012, -0.3))
_PULSE_DELAY_S = 0.28  # from the heart to the calf
_PULSE_WIDTH_S = 0.12


def draw_floor(
    n_channels: int, seconds: int, drift: float, hours: float, rng: np.random.Generator
) -> FloatArray:
    """Return the slow course of the resting level, shape (channels, seconds), around 1."""
    knots = rng.standard_normal((n_channels, int(seconds / (3600.0 * hours)) + 3))
    time = np.arange(seconds) / (3600.0 * hours)
    course = [np.interp(time, np.arange(row.size), row) for row in knots]
    return np.exp(drift * np.stack(course)).astype(np.float32)


def paint_heart(scene: Scene, rng: np.random.Generator) -> None:
    """Paint ECG and pulse wave, beat by beat."""
    person = scene.participant
    count = int(scene.duration_s * person.heart_rate_hz * 1.3) + 4
    slow = band_noise(rng, count, person.heart_rate_hz, (0.001, 0.02))[0]
    breath = np.sin(2 * math.pi * 0.25 / person.heart_rate_hz * np.arange(count))
    intervals = (1.0 + 0.06 * slow + 0.02 * breath) / person.heart_rate_hz
    beats = np.cumsum(np.maximum(intervals, 0.35))
    gains = np.exp(0.4 * rng.standard_normal((scene.n_channels, 2)))
    for channel in range(scene.n_channels):
        _stamp(
            scene.emg[channel],
            beats,
            scene.rate_hz,
            _ecg(scene.rate_hz) * np.float32(person.ecg_uv * gains[channel, 0]),
        )
        _stamp(
            scene.emg[channel],
            beats + _PULSE_DELAY_S,
            scene.rate_hz,
            _pulse(scene.rate_hz) * np.float32(person.pulse_uv * gains[channel, 1]),
        )


def _ecg(rate_hz: int) -> FloatArray:
    """One complex with peak 1."""
    time = np.arange(-0.08, 0.1, 1.0 / rate_hz)
    wave = sum(size * np.exp(-0.5 * ((time - at) / width) ** 2) for at, width, size in _QRS)
    return np.asarray(wave, dtype=np.float32)


def _pulse(rate_hz: int) -> FloatArray:
    """One pulse wave with peak 1."""
    time = np.arange(0.0, 4 * _PULSE_WIDTH_S, 1.0 / rate_hz)
    wave = time / _PULSE_WIDTH_S * np.exp(1.0 - time / _PULSE_WIDTH_S)
    return np.asarray(wave, dtype=np.float32)


def _stamp(
    row: FloatArray, times_s: npt.NDArray[np.float64], rate_hz: int, shape: FloatArray
) -> None:
    """Add `shape` at every time."""
    starts = np.rint(times_s * rate_hz).astype(np.int64)
    starts = starts[starts + shape.size < row.size]
    # Beats lie further apart than a shape is long, so that no sample is addressed twice.
    row[starts[:, None] + np.arange(shape.size)] += shape


def paint_standing_hum(scene: Scene, rng: np.random.Generator) -> None:
    """Paint the hum that this leg picks up all night."""
    size = scene.participant.hum_uv * scene.sensor.hum_gain
    n = scene.emg.shape[1]
    wave = mains(n, scene.rate_hz, scene.participant.mains_hz, scene.parameters.artefact, rng)
    gains = size * np.exp(0.4 * rng.standard_normal(scene.n_channels))
    for channel, gain in enumerate(gains):
        scene.emg[channel] += np.float32(gain) * wave


def mount(roll_deg: float, tilt_deg: float, rng: np.random.Generator) -> FloatArray:
    """Return the rotation of the sensor on the leg: round the calf, and a little askew."""
    roll = math.radians(rng.normal(0.0, roll_deg))
    yaw = math.radians(rng.normal(0.0, tilt_deg))
    about_leg = np.array(
        [
            [1.0, 0.0, 0.0],
            [0.0, math.cos(roll), -math.sin(roll)],
            [0.0, math.sin(roll), math.cos(roll)],
        ]
    )
    askew = np.array(
        [
            [math.cos(yaw), -math.sin(yaw), 0.0],
            [math.sin(yaw), math.cos(yaw), 0.0],
            [0.0, 0.0, 1.0],
        ]
    )
    return np.asarray(askew @ about_leg, dtype=np.float32)


def sense_gravity(scene: Scene, rng: np.random.Generator) -> FloatArray:
    """Return what the accelerometer feels before conversion, in g, shape (3, samples)."""
    numbers = scene.parameters.background
    turn = mount(numbers.mount_roll_deg, numbers.mount_tilt_deg, rng)
    bias = (numbers.acc_bias_g * rng.standard_normal((3, 1))).astype(np.float32)
    noise_g, breath_g = numbers.acc_noise_g.draw(rng), 1e-3 * numbers.breath_mg.draw(rng)
    breath_hz = numbers.breath_hz.draw(rng)
    acc, rate = scene.motion, scene.acc_rate_hz
    for first in range(0, acc.shape[1], 600 * rate):
        part = slice(first, min(first + 600 * rate, acc.shape[1]))
        acc[:, part] += scene.posture.gravity(part.start, part.stop)
        time = np.arange(part.start, part.stop) / rate
        acc[:, part] += (breath_g * np.sin(2 * math.pi * breath_hz * time)).astype(np.float32)
        acc[:, part] = turn @ acc[:, part] + bias
        acc[:, part] += np.float32(noise_g) * rng.standard_normal(
            acc[:, part].shape, dtype=np.float32
        )
    return acc
