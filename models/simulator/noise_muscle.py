"""A muscle whose activity is shaped noise instead of summed potentials.

No detector may rely on what only one way of making EMG has in common. Half of all people therefore
have a muscle without motor units: noise of any spectrum and peakedness under an envelope, for
cramps and for everything else alike. Shaped noise is the older and cruder model of surface EMG
(Shwedyk, Balasubramanian, Scott 1977, IEEE Trans Biomed Eng 24:417).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import fft

from models.simulator.pool import DRIVE_HZ, Muscle
from models.simulator.shapes import band_noise

if TYPE_CHECKING:
    from models.simulator.parameters import NoiseParameters

__all__ = ["NoiseMuscle", "as_noise"]

FloatArray = npt.NDArray[np.float32]

_BLOCK_S = 0.004  # length of the gusts that make noise peaked; a potential lasts about as long
_WANDER_HZ = (0.02, 0.2)  # how fast a cramp moves between electrodes


@dataclass(frozen=True, slots=True, eq=False)
class NoiseMuscle(Muscle):
    """A muscle that sounds like noise.

    Attributes
    ----------
    mvc_uv : float
        RMS of a maximal contraction on the best channel.
    low_hz, high_hz : float
        Corners of the spectrum.
    low_order, high_order : float
        How steeply power falls beyond them.
    evenness : float
        Shape of the gamma law that block powers follow: small is peaked, infinite is Gaussian.
    shared : float
        Share of the power that all channels have in common.
    """

    mvc_uv: float
    low_hz: float
    high_hz: float
    low_order: float
    high_order: float
    evenness: float
    shared: float

    def contract(
        self,
        level: FloatArray,
        rng: np.random.Generator,
        *,
        width: float = 1.0,
        slowing: float = 0.0,
        shares: FloatArray | None = None,
    ) -> FloatArray:
        """Return the EMG of a contraction, as `Muscle.contract` does; `slowing` is not heard."""
        del slowing
        common = band_noise(rng, level.size, DRIVE_HZ, (0.5, 2.0))[0]
        course = np.clip(level, 0.0, 1.0) * np.maximum(1.0 + self.common_drive_cv * common, 0.0)
        wave = self.sound(self.mvc_uv * course, rng, width=width)
        return wave * self._gains(0.25 if shares is None else 0.8, rng)

    def cramp(self, course: FloatArray, rng: np.random.Generator, *, width: float) -> FloatArray:
        """Return a cramp that follows `course`, at `DRIVE_HZ`, and wanders between channels."""
        wave = self.sound(course, rng, width=width) * self._gains(0.6, rng)
        if self.n_channels > 1:
            steps = band_noise(rng, course.size, DRIVE_HZ, _WANDER_HZ, rows=self.n_channels)
            wave *= np.exp(0.3 * self._at_samples(steps))
        return wave

    def sound(
        self, course: npt.NDArray[np.floating], rng: np.random.Generator, *, width: float
    ) -> FloatArray:
        """Return noise with the RMS `course`, shape (channels, samples)."""
        n = course.size * self.rate_hz // DRIVE_HZ
        noise = math.sqrt(self.shared) * self._noise(1, n, width, rng)
        noise = noise + math.sqrt(1.0 - self.shared) * self._noise(self.n_channels, n, width, rng)
        return np.asarray(noise * self._at_samples(course[None]), dtype=np.float32)

    def _noise(self, rows: int, n: int, width: float, rng: np.random.Generator) -> FloatArray:
        """Return shaped noise of unit RMS."""
        white = rng.standard_normal((rows, n), dtype=np.float32)
        if math.isfinite(self.evenness):
            block = max(1, round(_BLOCK_S * self.rate_hz))
            power = rng.standard_gamma(self.evenness, (rows, n // block + 1)) / self.evenness
            white *= np.sqrt(power.astype(np.float32)).repeat(block, axis=1)[:, :n]
        padded = fft.next_fast_len(n, real=True)
        spectrum = fft.rfft(white, padded)
        hz = np.fft.rfftfreq(padded, 1.0 / self.rate_hz) * width + 1e-3
        shape = (1.0 + (self.low_hz / hz) ** self.low_order) ** -0.5
        shape *= (1.0 + (hz / self.high_hz) ** self.high_order) ** -0.5
        wave = fft.irfft(spectrum * shape.astype(np.float32), padded)[:, :n]
        return np.asarray(wave / math.sqrt(float(np.mean(shape * shape))), dtype=np.float32)

    def _gains(self, spread: float, rng: np.random.Generator) -> FloatArray:
        """Draw how strongly each channel sees an event; 1 for the best of them."""
        gains = np.exp(spread * rng.standard_normal((self.n_channels, 1)))
        return np.asarray(gains / gains.max(), dtype=np.float32)

    def _at_samples(self, steps: npt.NDArray[np.floating]) -> FloatArray:
        """Bring rows of steps at `DRIVE_HZ` to the sampling rate."""
        n = steps.shape[1] * self.rate_hz // DRIVE_HZ
        at = np.arange(n) * (DRIVE_HZ / self.rate_hz)
        places = np.arange(steps.shape[1])
        return np.stack([np.interp(at, places, row) for row in steps]).astype(np.float32)


def as_noise(
    muscle: Muscle, mvc_uv: float, numbers: NoiseParameters, night: np.random.Generator
) -> NoiseMuscle:
    """Give a muscle the sound of noise for a night."""
    low_hz = numbers.low_hz.draw_log(night)
    gaussian = night.random() < numbers.gaussian_share
    return NoiseMuscle(
        **{field.name: getattr(muscle, field.name) for field in fields(Muscle)},
        mvc_uv=mvc_uv,
        low_hz=low_hz,
        high_hz=max(numbers.high_hz.draw_log(night), 1.2 * low_hz),
        low_order=numbers.order.draw(night),
        high_order=numbers.order.draw(night),
        evenness=math.inf if gaussian else numbers.evenness.draw_log(night),
        shared=numbers.shared.draw(night),
    )
