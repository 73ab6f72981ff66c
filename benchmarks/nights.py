"""The recordings that are measured: one simulated night, cut short or repeated."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from models.simulator import (
    SENSORS,
    NightPlan,
    draw_participant,
    simulate_night,
)
from nightcramp.simulation import night_info
from recordings import write_edf

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from models import SimulatedNight

SEED = 5
"""A night with a cramp of 146 s in its first hour, and with all kinds of movement."""

PLAN = NightPlan(hours=8, start=datetime(2026, 1, 12, 22), cramps=3)  # noqa: DTZ001 (local time)

# Without the losses of a radio link: the libraries compared know no gaps.
SENSOR = replace(SENSORS["reference"], loss=None)


def make_recording(hours: int, folder: Path) -> Path:
    """Write the EDF file of a night of so many hours."""
    night = _of_length(hours)
    path = folder / f"night-{hours}h.edf"
    write_edf(path, night_info(night, path.stem), night.emg, night.acc)
    return path


def make_array(hours: int, folder: Path) -> Path:
    """Write the same EMG in microvolts as ``.npy``, float32 of shape (channels, samples)."""
    path = folder / f"night-{hours}h.npy"
    np.save(path, _of_length(hours).emg)
    return path


def stretch(samples: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.float32]:
    """Return `count` samples of each channel: the first ones, or all of them over and over."""
    repeats = -(-count // samples.shape[1])
    return np.tile(samples, (1, repeats))[:, :count]


def _of_length(hours: int) -> SimulatedNight:
    night = _simulated()
    seconds = hours * 3600
    acc = stretch(night.acc, round(seconds * night.acc_rate_hz)) if night.acc is not None else None
    return replace(night, emg=stretch(night.emg, round(seconds * night.emg_rate_hz)), acc=acc)


@lru_cache(maxsize=1)
def _simulated() -> SimulatedNight:
    return simulate_night(draw_participant(SEED), PLAN, SENSOR, SEED)
