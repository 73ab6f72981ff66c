"""The calf as electrodes see it: a motor-unit pool after Fuglevand, and the sum of its potentials.

References
----------
Fuglevand, Winter, Patla 1993, J Neurophysiol 70:2470 (recruitment, rate coding, unit sizes).
Fuglevand et al. 1992, Biol Cybern 67:143 (amplitude against distance).
Lo Conte, Merletti, Sandri 1994, IEEE Trans Biomed Eng 41:1147 (Hermite-Rodriguez potentials).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.simulator.shapes import band_noise

if TYPE_CHECKING:
    from models.simulator.parameters import PoolParameters
    from models.simulator.participants import Participant

__all__ = ["DRIVE_HZ", "Muscle", "Spikes", "build_muscle", "discharge"]

FloatArray = npt.NDArray[np.float32]

DRIVE_HZ = 50
"""Samples per second of excitation and of firing rates."""

_PHASES = 4  # potentials are placed to a quarter of a sample
_SUPPORT = 5.0  # half width of a potential, in lambdas
_EPOCH_S = 15.0  # potentials keep their width this long
_CHUNK = 20_000  # potentials summed at a time, to bound memory
_LEVELS = np.linspace(0.0, 1.0, 41)
# Integral of (2x exp(-x^2))^2; the second order, 4x^2 - 2, holds three times as much.
_FIRST_ORDER_ENERGY = math.sqrt(math.pi / 2)


@dataclass(frozen=True, slots=True)
class Spikes:
    """Discharges of a pool: times in seconds, the unit of each, and a weight for each channel."""

    times_s: npt.NDArray[np.float64]
    units: npt.NDArray[np.int64]
    weights: FloatArray | None = None

    def weighted(self, weights: FloatArray) -> Spikes:
        """Return the same discharges with `weights`, shape (channels or 1, discharges)."""
        return Spikes(self.times_s, self.units, weights)

    def only(self, chosen: npt.NDArray[np.int64]) -> Spikes:
        """Return some of the discharges."""
        weights = None if self.weights is None else self.weights[:, chosen]
        return Spikes(self.times_s[chosen], self.units[chosen], weights)


@dataclass(frozen=True, slots=True, eq=False)
class Muscle:
    """A motor-unit pool under some electrodes, at one sampling rate.

    Attributes
    ----------
    rate_hz : int
        Samples per second of the potentials.
    thresholds : array, shape (units,)
        Excitation (0 to 1) at which a unit is recruited.
    peak_rates_hz : array, shape (units,)
    position_cm : array, shape (units,)
        Place across the muscle.
    amplitude_uv : array, shape (channels, units)
        Size of the potentials at each electrode pair.
    lambda_s : array, shape (units,)
        Width of the potentials.
    lobes : array, shape (channels, units)
        Weight of the second Hermite-Rodriguez order.
    delay_s : array, shape (channels, units)
    discharge_cv, common_drive_cv : float
    level_curve : array, shape (41,)
        RMS relative to a maximal contraction at excitations 0 ... 1.
    numbers : PoolParameters
    """

    rate_hz: int
    thresholds: FloatArray
    peak_rates_hz: FloatArray
    position_cm: FloatArray
    amplitude_uv: FloatArray
    lambda_s: FloatArray
    lobes: FloatArray
    delay_s: FloatArray
    discharge_cv: float
    common_drive_cv: float
    level_curve: FloatArray
    numbers: PoolParameters

    @property
    def n_units(self) -> int:
        """Size of the pool."""
        return len(self.thresholds)

    @property
    def n_channels(self) -> int:
        """Number of electrode pairs."""
        return len(self.amplitude_uv)

    def excitation(self, level: FloatArray) -> FloatArray:
        """Return the excitation whose EMG has `level`, relative to a maximal contraction."""
        return np.interp(level, self.level_curve, _LEVELS).astype(np.float32)

    def voluntary_rates(self, excitation: FloatArray) -> FloatArray:
        """Return firing rates in Hz, shape (units, steps), for an excitation over time."""
        return _rates(self.thresholds, self.peak_rates_hz, excitation, self.numbers)

    def contract(
        self,
        level: FloatArray,
        rng: np.random.Generator,
        *,
        width: float = 1.0,
        slowing: float = 0.0,
        shares: FloatArray | None = None,
    ) -> FloatArray:
        """Return the EMG of a voluntary contraction.

        Parameters
        ----------
        level : array, shape (steps,)
            Aimed RMS relative to a maximal contraction, at `DRIVE_HZ`.
        rng : Generator
        width : float
            Factor on the width of all potentials.
        slowing : float
            Its growth per second.
        shares : array, shape (units,), optional
            How far each unit takes part, 0 to 1.

        Returns
        -------
        float32 array, shape (channels, samples), in microvolts
        """
        n_steps = level.size
        common = band_noise(rng, n_steps, DRIVE_HZ, (0.5, 2.0))[0]
        excitation = self.excitation(np.clip(level, 0.0, 1.0))
        rates = self.voluntary_rates(excitation * (1.0 + self.common_drive_cv * common))
        if shares is not None:
            rates = rates * (shares > rng.random(self.n_units))[:, None]
        cv = np.full(self.n_units, self.discharge_cv)
        spikes = discharge(rates, cv, rng)
        return self.potentials(spikes, n_steps * self.rate_hz // DRIVE_HZ, width, slowing)

    def potentials(
        self, spikes: Spikes, n: int, width: float = 1.0, slowing: float = 0.0
    ) -> FloatArray:
        """Return the sum of all potentials.

        Parameters
        ----------
        spikes : Spikes
        n : int
            Samples to return.
        width : float
            Factor on the width of the potentials.
        slowing : float
            Its growth per second, as fatigue slows conduction.

        Returns
        -------
        float32 array, shape (channels, `n`), in microvolts
        """
        margin = self._reach(width * (1.0 + slowing * n / self.rate_hz))
        wave = np.zeros((self.n_channels, n + 2 * margin))
        epoch = (spikes.times_s / (_EPOCH_S if slowing else math.inf)).astype(np.int64)
        for number in np.unique(epoch):
            chosen = np.flatnonzero(epoch == number)
            templates = self._templates(width * (1.0 + slowing * _EPOCH_S * (number + 0.5)))
            for first in range(0, chosen.size, _CHUNK):
                self._stamp(wave, margin, spikes.only(chosen[first : first + _CHUNK]), templates)
        return wave[:, margin : margin + n].astype(np.float32)

    def _stamp(
        self, wave: npt.NDArray[np.float64], margin: int, spikes: Spikes, templates: FloatArray
    ) -> None:
        """Add potentials to `wave`, whose first `margin` samples lie before time 0."""
        length = templates.shape[-1]
        fine = np.rint(spikes.times_s * (self.rate_hz * _PHASES)).astype(np.int64)
        starts, phases = fine // _PHASES + margin - length // 2, fine % _PHASES
        first = int(starts.min())
        places = (starts[:, None] - first + np.arange(length)).ravel()
        for channel in range(self.n_channels):
            values = templates[channel, spikes.units, phases]
            if spikes.weights is not None:
                values = values * spikes.weights[min(channel, len(spikes.weights) - 1), :, None]
            total = np.bincount(places, values.ravel())
            into = wave[channel, first : first + total.size]
            into += total[: into.size]

    def _reach(self, width: float) -> int:
        """Half the length of the longest potential, in samples."""
        longest = _SUPPORT * width * float(self.lambda_s.max()) + float(np.abs(self.delay_s).max())
        return math.ceil(longest * self.rate_hz) + 1

    def _templates(self, width: float) -> FloatArray:
        """Potentials of all units, shape (channels, units, phases, samples)."""
        lambda_s = self.lambda_s * width
        half = self._reach(width)
        grid = np.arange(-half, half + 1) / self.rate_hz
        shift = np.arange(_PHASES) / (_PHASES * self.rate_hz)
        time = grid[None, None, None, :] - shift[:, None] - self.delay_s[:, :, None, None]
        x = (time / lambda_s[:, None, None]).astype(np.float32)
        shape = _hermite_rodriguez(x, self.lobes[:, :, None, None])
        return shape * self.amplitude_uv[:, :, None, None]


def _hermite_rodriguez(x: FloatArray, second: FloatArray) -> FloatArray:
    """First and second order: ``(2x + second (4x^2 - 2)) exp(-x^2)``."""
    return np.asarray((2 * x + second * (4 * x * x - 2)) * np.exp(-x * x), dtype=np.float32)


def _rates(
    thresholds: FloatArray, peak_rates: FloatArray, excitation: FloatArray, numbers: PoolParameters
) -> FloatArray:
    """Return each unit's firing rate; at excitation 1 all fire at their peak (Fuglevand 1993)."""
    top = numbers.threshold_range
    maximal = top + (peak_rates[-1] - numbers.min_rate_hz) / numbers.gain_hz
    above = maximal * excitation[None, :] - top * thresholds[:, None]
    rate = np.minimum(numbers.min_rate_hz + numbers.gain_hz * above, peak_rates[:, None])
    return np.where(above >= 0, rate, 0.0).astype(np.float32)


def discharge(rates: FloatArray, cv: npt.NDArray[np.float64], rng: np.random.Generator) -> Spikes:
    """Draw the discharges of all units.

    A gamma renewal process of unit rate is stretched in time by each unit's integrated rate, so
    that intervals follow the rate and keep the coefficient of variation `cv`.

    Parameters
    ----------
    rates : array, shape (units, steps)
        In Hz, at `DRIVE_HZ`.
    cv : array, shape (units,)
    rng : Generator
    """
    n_units, n_steps = rates.shape
    operational = np.zeros((n_units, n_steps + 1))
    np.cumsum(rates / DRIVE_HZ, axis=1, out=operational[:, 1:])
    most = int(operational[:, -1].max(initial=0.0))
    draws = most + 4 * math.isqrt(most) + 8
    shape = 1.0 / np.square(cv)[:, None]
    intervals = rng.standard_gamma(np.broadcast_to(shape, (n_units, draws))) / shape
    # The first discharge falls anywhere in its interval: units are not in step at the start.
    intervals[:, 0] *= rng.random(n_units)
    marks = np.cumsum(intervals, axis=1)
    fired = marks < operational[:, -1:]
    units = np.nonzero(fired)[0]
    # One monotonic axis for all units lets a single interpolation serve the whole pool.
    offset = (np.arange(n_units) * (most + 2.0))[:, None]
    steps = np.arange(n_units * (n_steps + 1), dtype=np.float64)
    where = np.interp(
        (marks + offset)[fired],
        (operational + offset + 1e-9 * np.arange(n_steps + 1)).ravel(),
        steps,
    )
    return Spikes((where - units * (n_steps + 1)) / DRIVE_HZ, units)


def build_muscle(
    participant: Participant,
    numbers: PoolParameters,
    n_channels: int,
    rate_hz: int,
    night: np.random.Generator,
) -> Muscle:
    """Build a person's calf muscle under electrodes placed anew for a night.

    The anatomy comes from the participant's seed alone, so that all nights share it.
    """
    rng = np.random.default_rng(np.random.SeedSequence(participant.seed, spawn_key=(1,)))
    n_units = participant.motor_units
    order = np.arange(1, n_units + 1) / n_units
    thresholds = np.exp(order * math.log(numbers.threshold_range)) / numbers.threshold_range
    peak_rates = numbers.peak_rate_first_hz - numbers.peak_rate_span_hz * thresholds
    position = numbers.muscle_width_cm * rng.random(n_units)
    depth = np.array([numbers.depth_cm.draw(rng) for _ in range(n_units)])
    size = np.exp(0.5 * order * math.log(numbers.twitch_range)) * np.exp(
        math.log(numbers.amplitude_gsd) * rng.standard_normal(n_units)
    )
    lambda_s = (
        participant.muap_lambda_ms
        * 1e-3
        * np.exp(numbers.lambda_unit_sd * rng.standard_normal(n_units))
    )
    low, high = numbers.second_lobe.low, numbers.second_lobe.high
    lobes = rng.uniform(low, high, (n_channels, n_units))
    delay = rng.uniform(
        numbers.channel_delay_ms.low, numbers.channel_delay_ms.high, (n_channels, n_units)
    )
    sites = _electrode_sites(numbers, n_channels, night)
    distance = np.hypot(depth, position - sites[:, None])
    gain = np.exp(math.log(numbers.electrode_gain_gsd) * night.standard_normal((n_channels, 1)))
    amplitude = size * distance**-numbers.attenuation_power
    curve = _level_curve(
        thresholds.astype(np.float32),
        peak_rates.astype(np.float32),
        amplitude**2 * lambda_s * (1 + 3 * lobes**2) * _FIRST_ORDER_ENERGY,
        numbers,
    )
    return Muscle(
        rate_hz=rate_hz,
        thresholds=thresholds.astype(np.float32),
        peak_rates_hz=peak_rates.astype(np.float32),
        position_cm=position.astype(np.float32),
        amplitude_uv=(gain * amplitude * participant.mvc_uv / curve[-1]).astype(np.float32),
        lambda_s=lambda_s.astype(np.float32),
        lobes=lobes.astype(np.float32),
        delay_s=(delay * 1e-3).astype(np.float32),
        discharge_cv=participant.discharge_cv,
        common_drive_cv=participant.common_drive_cv,
        level_curve=(curve / curve[-1]).astype(np.float32),
        numbers=numbers,
    )


def _electrode_sites(
    numbers: PoolParameters, n_channels: int, night: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Places of the electrode pairs across the muscle, in cm."""
    span = numbers.electrode_span_share * numbers.muscle_width_cm
    offsets = np.linspace(-0.5, 0.5, n_channels) * span if n_channels > 1 else np.zeros(1)
    jitter = numbers.placement_sd_cm * night.standard_normal(n_channels)
    return np.asarray(0.5 * numbers.muscle_width_cm + offsets + jitter)


def _level_curve(
    thresholds: FloatArray,
    peak_rates: FloatArray,
    energy: npt.NDArray[np.float64],
    numbers: PoolParameters,
) -> npt.NDArray[np.float64]:
    """RMS of the best channel against excitation, by Campbell's theorem.

    `energy` is the integral of each squared potential, shape (channels, units).
    """
    rates = _rates(thresholds, peak_rates, _LEVELS.astype(np.float32), numbers)
    rms = np.sqrt(energy @ rates).max(axis=0)
    return np.asarray(np.maximum.accumulate(rms) + 1e-9 * np.arange(rms.size))
