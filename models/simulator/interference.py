"""Foreign signals in the electrodes: mains hum, radio, nerve stimulators, phones, switches."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.simulator.shapes import band_noise, plateau, rhythm
from models.truth import TruthKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.simulator.parameters import ArtefactParameters
    from models.simulator.scene import Chance, Scene

__all__ = [
    "Hum",
    "Interference",
    "draw_hum",
    "draw_interference",
    "mains",
]

FloatArray = npt.NDArray[np.float32]


def mains(
    n: int, rate_hz: int, mains_hz: float, numbers: ArtefactParameters, rng: np.random.Generator
) -> FloatArray:
    """Return mains hum of unit RMS with its harmonics, drifting slowly in pitch and size.

    The waveform is built from one sine: ``sin 2x = 2 sin x cos x``, ``sin 3x = 3 s - 4 s^3``.
    """
    seconds = n // rate_hz + 3
    pitch = mains_hz + numbers.mains_drift_hz * _slow(seconds, 60, rng)
    cycles = np.concatenate(([rng.random()], pitch)).cumsum()
    size = np.exp(0.25 * _slow(seconds, 120, rng))
    second, third = numbers.second_harmonic.draw(rng), numbers.third_harmonic.draw(rng)
    norm = math.sqrt(2.0 / (1.0 + second**2 + third**2))
    wave = np.empty(n, dtype=np.float32)
    # Minute by minute: phases need double precision, nights of them would not fit the cache.
    for first in range(0, n, 60 * rate_hz):
        time = np.arange(first, min(first + 60 * rate_hz, n)) / rate_hz
        turns = np.interp(time, np.arange(cycles.size), cycles)
        angle = (2 * math.pi * np.mod(turns, 1.0)).astype(np.float32)
        sine = np.sin(angle)
        twice, triple = 2 * sine * np.cos(angle), sine * (3 - 4 * sine * sine)
        gain = np.interp(time, np.arange(size.size), size).astype(np.float32)
        wave[first : first + time.size] = norm * gain * (sine + second * twice + third * triple)
    return wave


def _slow(n: int, correlation: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Draw a slow course around zero, one value a second, new every `correlation` seconds."""
    knots = rng.standard_normal(n // correlation + 2)
    return np.interp(np.arange(n) / correlation, np.arange(knots.size), knots)


@dataclass(frozen=True, slots=True)
class Hum:
    """Mains hum that comes and goes: a lamp, an electric blanket, a worse contact."""

    duration_s: float
    size_uv: float

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Paint it on all channels."""
        n = scene.samples(self.duration_s)
        wave = mains(n, scene.rate_hz, scene.participant.mains_hz, scene.parameters.artefact, rng)
        ramp = scene.samples(float(rng.uniform(0.01, 5.0)))
        gains = self.size_uv * scene.sensor.hum_gain * scene.channel_gains(0.4, rng)
        scene.add_emg(onset_s, gains * (wave * plateau(n, ramp, ramp)))
        scene.record(TruthKind.HUM, onset_s, self.duration_s)


def draw_hum(chance: Chance) -> Hum:
    """Draw a stretch of hum."""
    numbers, rng = chance.parameters.artefact, chance.rng
    return Hum(numbers.hum_s.draw(rng), numbers.hum_uv.draw(rng))


def _speech(
    n: int, rate_hz: int, numbers: ArtefactParameters, rng: np.random.Generator
) -> FloatArray:
    """Return radio or speech picked up: broad band, in syllables and phrases."""
    syllables = 1.0 + np.sin(rhythm(rng, n, rate_hz, numbers.syllable_hz.draw(rng), 0.4))
    phrases = np.clip(0.6 + band_noise(rng, n, rate_hz, (0.1, 0.8))[0], 0.0, None)
    carrier = band_noise(rng, n, rate_hz, (60.0, 400.0))[0]
    return np.asarray(0.6 * carrier * syllables * phrases, dtype=np.float32)


def _tens(
    n: int, rate_hz: int, numbers: ArtefactParameters, rng: np.random.Generator
) -> FloatArray:
    """Return pulses of a nerve stimulator on the same leg."""
    phase = rhythm(rng, n, rate_hz, numbers.tens_hz.draw_log(rng), 0.0)
    pulses = np.flatnonzero(np.diff(phase, prepend=phase[:1]) < 0)
    train = np.zeros(n + 16, dtype=np.float32)
    for lag, size in enumerate((6.0, -4.0, -1.5, -0.8, -0.4)):
        train[pulses + lag] += size
    bursts = 1.0 + (rng.random() < 0.5) * np.sign(np.sin(rhythm(rng, n, rate_hz, 0.5, 0.0)))
    return np.asarray(train[:n] * 0.5 * bursts, dtype=np.float32)


def _phone(
    n: int, rate_hz: int, numbers: ArtefactParameters, rng: np.random.Generator
) -> FloatArray:
    """Return a mobile phone close by: 217 Hz frames in packets."""
    del numbers
    frames = np.sign(np.sin(rhythm(rng, n, rate_hz, 217.0, 0.0)) - 0.7)
    packets = np.sin(rhythm(rng, n, rate_hz, float(rng.uniform(1.0, 8.0)), 0.3)) > 0.3
    return np.asarray((1.0 + frames) * packets, dtype=np.float32)


def _switching(
    n: int, rate_hz: int, numbers: ArtefactParameters, rng: np.random.Generator
) -> FloatArray:
    """Return a thermostat or bed motor: clicks, and noise while it runs."""
    del numbers
    clicks = (rng.random(n) < 4.0 / rate_hz) * rng.normal(0.0, 12.0, n)
    running = band_noise(rng, n, rate_hz, (80.0, 160.0))[0]
    return np.asarray(clicks + 0.7 * running, dtype=np.float32)


_Source = Callable[[int, int, "ArtefactParameters", np.random.Generator], FloatArray]
_SOURCES: Mapping[str, _Source] = MappingProxyType(
    {"speech": _speech, "tens": _tens, "phone": _phone, "switching": _switching}
)


@dataclass(frozen=True, slots=True)
class Interference:
    """Foreign signals in the electrodes' leads."""

    duration_s: float
    size_uv: float
    source: str

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Paint it on all channels."""
        n = scene.samples(self.duration_s)
        wave = _SOURCES[self.source](n, scene.rate_hz, scene.parameters.artefact, rng)
        gains = self.size_uv * scene.channel_gains(0.4, rng)
        scene.add_emg(onset_s, gains * (wave * plateau(n, n // 50, n // 50)))
        scene.record(TruthKind.ARTEFACT, onset_s, self.duration_s, detail=self.source)


def draw_interference(chance: Chance) -> Interference:
    """Draw a foreign signal."""
    numbers, rng = chance.parameters.artefact, chance.rng
    return Interference(
        numbers.interference_s.draw(rng),
        numbers.interference_uv.draw(rng),
        str(rng.choice(list(_SOURCES))),
    )
