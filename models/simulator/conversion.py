"""From painted signals to what a sensor delivers: floor, front end, converter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import signal

if TYPE_CHECKING:
    from models.simulator.scene import Scene
    from models.simulator.sensors import Sensor

__all__ = ["convert_acc", "convert_emg"]

FloatArray = npt.NDArray[np.float32]

_CHUNK_S = 60


def convert_emg(scene: Scene, rng: np.random.Generator) -> FloatArray:
    """Return the EMG as delivered, in the sensor's unit, shape (channels, samples).

    Resting noise is added, the front end filters, the converter samples, rounds and clips.
    Works minute by minute in place of the painted potentials where the rates agree.
    """
    sensor, rate = scene.sensor, scene.rate_hz
    numbers = scene.parameters.background
    low_share, wander_uv = numbers.low_frequency_share.draw(rng), numbers.wander_uv.draw(rng)
    grain = numbers.grain.draw(rng), numbers.grain_hz.draw_log(rng)
    step = sensor.oversampling
    n = scene.emg.shape[1] // step
    out = scene.emg if step == 1 else np.empty((scene.n_channels, n), dtype=np.float32)
    sections = sensor.front_end()
    state = np.zeros((sections.shape[0], scene.n_channels, 2), dtype=np.float32)
    for second in range(0, math.ceil(scene.emg.shape[1] / rate), _CHUNK_S):
        part = slice(second * rate, min((second + _CHUNK_S) * rate, scene.emg.shape[1]))
        painted = scene.emg[:, part]
        resting = _resting(scene, second, painted.shape[1], low_share, rng)
        painted += _grained(resting, rate, grain, rng)
        painted += _wander(scene.n_channels, painted.shape[1], rate, wander_uv, rng)
        filtered, state = signal.sosfilt(sections, painted, axis=1, zi=state)
        first = part.start // step
        values = _digitise(filtered[:, ::step], sensor)
        out[:, first : first + values.shape[1]] = values
    for stuck in scene.stuck:
        span = slice(*(round(at * sensor.emg_rate_hz) for at in (stuck.onset_s, stuck.end_s)))
        out[stuck.channel, span] = stuck.value
    return out


def _resting(
    scene: Scene, second: int, n: int, low_share: float, rng: np.random.Generator
) -> FloatArray:
    """Resting noise of one stretch: skin and contact, and the electronics."""
    rate = scene.rate_hz
    # White noise of this size has the floor's RMS between 20 and 450 Hz.
    spread = math.sqrt(0.5 * rate / min(430.0, 0.5 * rate - 20.0))
    level = scene.floor_uv[:, None] * scene.floor_gain[:, second : second + _CHUNK_S + 1]
    level = np.hypot(level, scene.sensor.noise_uv) * spread
    time = np.arange(n, dtype=np.float32) / rate
    noise = rng.standard_normal((scene.n_channels, n), dtype=np.float32)
    # Neighbouring samples are mixed a little: real contacts are louder at low frequencies.
    noise[:, 1:] += np.float32(low_share) * noise[:, :-1]
    noise /= np.float32(math.sqrt(1.0 + low_share**2))
    seconds = np.arange(level.shape[1])
    for channel, course in enumerate(level):
        noise[channel] *= np.interp(time, seconds, course).astype(np.float32)
    return noise


def _grained(
    noise: FloatArray, rate: int, grain: tuple[float, float], rng: np.random.Generator
) -> FloatArray:
    """Make resting noise as unsteady as real contacts are; `grain` is depth and knots a second."""
    depth, knots_hz = grain
    count = int(noise.shape[1] / rate * knots_hz) + 3
    at = np.arange(noise.shape[1]) * (knots_hz / rate)
    knots = np.exp(depth * rng.standard_normal((len(noise), count)))
    course = [np.interp(at, np.arange(count), row) for row in knots]
    return noise * np.stack(course).astype(np.float32)


def _wander(
    n_channels: int, n: int, rate: int, size_uv: float, rng: np.random.Generator
) -> FloatArray:
    """Electrode potential below 1 Hz, one knot a second."""
    knots = size_uv * rng.standard_normal((n_channels, n // rate + 2))
    knots[:, 0] = 0.0
    knots[:, n // rate :] = 0.0
    time = np.arange(n, dtype=np.float32) / rate
    seconds = np.arange(knots.shape[1])
    return np.stack([np.interp(time, seconds, row) for row in knots]).astype(np.float32)


def _digitise(uv: FloatArray, sensor: Sensor) -> FloatArray:
    """Round to converter steps and clip at its range."""
    steps = np.rint(uv / np.float32(sensor.uv_per_count * sensor.resolution))
    low, high = (round(limit / sensor.resolution) for limit in sensor.limits)
    return np.asarray(np.clip(steps, low, high) * sensor.resolution, dtype=np.float32)


def convert_acc(acc: FloatArray, sensor: Sensor) -> FloatArray:
    """Round acceleration to the sensor's steps and clip at its range, in place."""
    acc /= np.float32(sensor.acc_resolution_g)
    np.rint(acc, out=acc)
    acc *= np.float32(sensor.acc_resolution_g)
    np.clip(acc, -sensor.acc_limit_g, sensor.acc_limit_g, out=acc)
    return acc
