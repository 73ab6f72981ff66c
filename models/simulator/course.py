"""How strong a cramp is while it lasts: growth, waxing and waning, fading, end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.simulator.pool import DRIVE_HZ
from models.simulator.shapes import band_noise, plateau, rhythm

if TYPE_CHECKING:
    from models.simulator.parameters import CourseParameters, CrampParameters

__all__ = ["waxing", "whole_course"]

FloatArray = npt.NDArray[np.float32]


def waxing(n: int, numbers: CrampParameters, rng: np.random.Generator) -> FloatArray:
    """Return slow waxing and waning at `DRIVE_HZ`, now and then nearly to nothing."""
    slow = band_noise(rng, n, DRIVE_HZ, (numbers.wax_hz.low, numbers.wax_hz.high))[0]
    course = np.exp(numbers.wax_depth.draw(rng) * slow)
    return np.asarray(course * _fade(n, numbers, rng), dtype=np.float32)


def whole_course(
    n: int,
    ramps_s: tuple[float, float],
    numbers: CrampParameters,
    shapes: CourseParameters,
    rng: np.random.Generator,
) -> FloatArray:
    """Return the envelope of a whole cramp at `DRIVE_HZ`, for a muscle without motor units.

    Parameters
    ----------
    n : int
        Steps.
    ramps_s : (float, float)
        Time to grow and time to end.
    numbers, shapes : CrampParameters, CourseParameters
    rng : Generator
    """
    rise, fall = (round(length * DRIVE_HZ) for length in ramps_s)
    course = plateau(n, rise, fall) ** shapes.ramp_power.draw_log(rng)
    speed_hz = shapes.flutter_hz.draw_log(rng)
    flutter = band_noise(rng, n, DRIVE_HZ, (0.5 * speed_hz, 1.5 * speed_hz))[0]
    course = course * np.exp(shapes.flutter_depth.draw(rng) * flutter)
    if rng.random() < shapes.beat_share:
        beat = np.sin(rhythm(rng, n, DRIVE_HZ, shapes.beat_hz.draw_log(rng)))
        course = course * (1.0 + shapes.beat_depth.draw(rng) * beat)
    if rng.random() < shapes.steady_share:
        return np.asarray(course * _fade(n, numbers, rng), dtype=np.float32)
    return np.asarray(course * waxing(n, numbers, rng), dtype=np.float32)


def _fade(n: int, numbers: CrampParameters, rng: np.random.Generator) -> FloatArray:
    """Return a course of 1 that, in some cramps, nearly vanishes for a moment."""
    course = np.ones(n, dtype=np.float32)
    if rng.random() < numbers.fade_share:
        length = min(round(numbers.fade_s.draw(rng) * DRIVE_HZ), n // 3)
        first = int(rng.integers(n // 4, max(3 * n // 4 - length, n // 4 + 1)))
        dip = plateau(length, length // 3, length // 3)
        course[first : first + length] -= (1.0 - numbers.fade_to.draw(rng)) * dip
    return course
