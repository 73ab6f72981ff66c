"""Random quantities as the parameter file writes them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy.special import ndtr, ndtri

if TYPE_CHECKING:
    import numpy as np

__all__ = ["LogNormal", "Normal", "Uniform"]


@dataclass(frozen=True, slots=True)
class Uniform:
    """Every value from `low` to `high` equally likely."""

    low: float
    high: float

    def draw(self, rng: np.random.Generator) -> float:
        """Return one value."""
        return self.low + (self.high - self.low) * float(rng.random())

    def draw_log(self, rng: np.random.Generator) -> float:
        """Return one value whose logarithm is uniform; `low` must be positive."""
        return self.low * math.exp(math.log(self.high / self.low) * float(rng.random()))

    def draw_count(self, rng: np.random.Generator) -> int:
        """Return one whole number, both ends included."""
        return int(rng.integers(round(self.low), round(self.high) + 1))


@dataclass(frozen=True, slots=True)
class Normal:
    """Normal with `mean` and `sd` before truncation to `low` ... `high`."""

    mean: float
    sd: float
    low: float
    high: float

    def draw(self, rng: np.random.Generator) -> float:
        """Return one value."""
        return self.mean + self.sd * _truncated_normal(
            (self.low - self.mean) / self.sd, (self.high - self.mean) / self.sd, rng
        )


@dataclass(frozen=True, slots=True)
class LogNormal:
    """Lognormal with `median` and geometric standard deviation, truncated to `low` ... `high`."""

    median: float
    gsd: float
    low: float
    high: float

    def draw(self, rng: np.random.Generator) -> float:
        """Return one value."""
        low = math.log(self.low / self.median) if self.low > 0 else -math.inf
        high = math.log(self.high / self.median)
        spread = math.log(self.gsd)
        return self.median * math.exp(spread * _truncated_normal(low / spread, high / spread, rng))


def _truncated_normal(low: float, high: float, rng: np.random.Generator) -> float:
    """Inverse-CDF draw, so that every draw costs exactly one random number."""
    p_low, p_high = float(ndtr(low)), float(ndtr(high))
    return float(ndtri(p_low + (p_high - p_low) * float(rng.random())))
