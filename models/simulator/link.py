"""What the radio link loses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.truth import TrueEvent, TruthKind

if TYPE_CHECKING:
    from models.simulator.scene import Chance, Scene
    from models.simulator.sensors import Loss

__all__ = ["DropOut", "draw_drop_out", "draw_losses", "lose"]

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DropOut:
    """The link breaks for longer than its habit."""

    duration_s: float

    def paint(self, scene: Scene, onset_s: float, rng: np.random.Generator) -> None:
        """Mark the stretch as lost; it becomes a gap on conversion."""
        del rng
        scene.gaps.append((onset_s, onset_s + self.duration_s))


def draw_drop_out(chance: Chance) -> DropOut:
    """Draw a break of the link."""
    return DropOut(float(np.exp(chance.rng.uniform(math.log(0.5), math.log(300.0)))))


def draw_losses(
    loss: Loss, duration_s: float, rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Draw onset and end of everything the link loses: short bad states and long gaps."""
    hours = duration_s / 3600.0
    mean_s = rng.uniform(*loss.short_s)
    short = rng.exponential(mean_s, rng.poisson(rng.uniform(*loss.short_per_hour) * hours))
    most = round((loss.long_per_night[1] + 1) * min(hours / 8.0, 1.0))
    count = int(rng.integers(loss.long_per_night[0], max(most, 1)))
    low, high = (math.log(length) for length in loss.long_s)
    long = np.minimum(np.exp(rng.uniform(low, high, count)), 0.1 * duration_s)
    lengths = np.maximum(np.concatenate((short, long)), loss.block_s)
    starts = rng.uniform(0.0, duration_s - lengths)
    return [(float(a), float(a + b)) for a, b in zip(starts, lengths, strict=True)]


def lose(
    gaps: list[tuple[float, float]],
    block_s: float,
    emg: FloatArray,
    acc: FloatArray | None,
    rates_hz: tuple[int, int],
) -> list[TrueEvent]:
    """Put NaN where samples never arrived, in whole notifications, and return the gaps.

    Parameters
    ----------
    gaps : list of (float, float)
        In any order; overlapping ones become one.
    block_s : float
        Length of a notification.
    emg, acc : arrays
        Changed in place.
    rates_hz : (int, int)
        Of `emg` and `acc`.
    """
    rate, acc_rate = rates_hz
    lost = np.zeros(emg.shape[1], dtype=np.bool_)
    block = max(1, round(block_s * rate))
    for start, stop in gaps:
        first = int(start * rate) // block * block
        lost[first : max(-(-round(stop * rate) // block), 1) * block] = True
    edges = np.flatnonzero(np.diff(lost, prepend=False, append=False))
    events = []
    for first, stop in edges.reshape(-1, 2).tolist():
        emg[:, first:stop] = np.nan
        if acc is not None and acc_rate:
            acc[:, math.ceil(first * acc_rate / rate) : math.ceil(stop * acc_rate / rate)] = np.nan
        events.append(TrueEvent(first / rate, (stop - first) / rate, TruthKind.GAP))
    return events
