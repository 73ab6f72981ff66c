"""A stretch of a night, thinned to the columns of a drawing so that nothing short is hidden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nightcramp.errors import UsageError
from nightcramp.review.extremes import Series, extremes_of, thinned
from nightcramp.review.movement import CLOSE_S, movement_between
from nightcramp.review.overview import samples_between

if TYPE_CHECKING:
    from nightcramp.review.extremes import FloatArray
    from nightcramp.review.overview import Overview
    from recordings import Recording

LEAST_S = 0.25
WIDEST = 4000


@dataclass(frozen=True, slots=True)
class View:
    """What is drawn of a stretch.

    Attributes
    ----------
    low, high : Series
        Extremes of the EMG, one row a channel.
    rms, floor : Series
        EMG amplitude and noise floor, one row a channel.
    gravity : Series
        Posture: three rows.
    activity : Series
        One row.
    moved : tuple of (Series, Series) or None
        Extremes of the acceleration without gravity, one row an axis; None farther out than
        `CLOSE_S`, and without acceleration.
    score : Series
        Probability of a cramp, one row.
    """

    low: Series
    high: Series
    rms: Series
    floor: Series
    gravity: Series
    activity: Series
    moved: tuple[Series, Series] | None
    score: Series


@dataclass(frozen=True, slots=True)
class _Part:
    """Whole seconds of a night, `step` of them in a column."""

    first: int
    last: int
    step: int

    def largest(self, values: FloatArray) -> Series:
        rows = np.atleast_2d(values)[:, self.first : self.last]
        return Series(float(self.first), float(self.step), thinned(rows, self.step))

    def sampled(self, values: FloatArray) -> Series:
        """For what changes slowly."""
        rows = np.atleast_2d(values)[:, self.first : self.last : self.step]
        return Series(float(self.first), float(self.step), rows)


def view(
    overview: Overview, recording: Recording, first_s: float, last_s: float, width: int
) -> View:
    """Return a stretch of a night for a drawing of some columns.

    Far out, extremes are those kept and movement is that of each second; close up, both are taken
    from the samples.

    Parameters
    ----------
    overview : Overview
    recording : Recording
        The night itself, for a view of less than 64 samples a column or of less than `CLOSE_S`.
    first_s, last_s : float
        From the start of the recording; what lies outside of it is left out.
    width : int
        Columns of the drawing.

    Raises
    ------
    UsageError
        If the stretch lies outside the recording, is shorter than 0.25 s, or the drawing has no
        columns or more than 4000.
    """
    first_s, last_s = np.clip((first_s, last_s), 0.0, overview.duration_s).tolist()
    if not (last_s - first_s >= LEAST_S and 1 <= width <= WIDEST):
        raise UsageError(
            f"no view from {first_s:g} s to {last_s:g} s in {width} columns: expected a stretch "
            f"of {LEAST_S:g} s or more within the night's {overview.duration_s:g} s, and 1 to "
            f"{WIDEST} columns"
        )
    if overview.pyramid.is_fine_enough(first_s, last_s, width):
        low, high = overview.pyramid.view(first_s, last_s, width)
    else:
        low, high = _from_samples(recording, first_s, last_s, width)
    seconds = overview.seconds
    part = _Part(int(first_s), int(np.ceil(last_s)), max(1, int((last_s - first_s) / width)))
    return View(
        low=low,
        high=high,
        rms=part.largest(seconds.rms),
        floor=part.sampled(seconds.floor),
        gravity=part.sampled(seconds.gravity),
        activity=part.largest(seconds.activity),
        moved=_moved(recording, seconds.gravity, first_s, last_s, width),
        score=part.largest(seconds.score),
    )


def _from_samples(
    recording: Recording, first_s: float, last_s: float, width: int
) -> tuple[Series, Series]:
    rate_hz = recording.info.emg.rate_hz
    samples = samples_between(recording, first_s, last_s)
    return _columns(Series(round(first_s * rate_hz) / rate_hz, 1 / rate_hz, samples), width)


def _moved(
    recording: Recording, gravity: FloatArray, first_s: float, last_s: float, width: int
) -> tuple[Series, Series] | None:
    if last_s - first_s > CLOSE_S:
        return None
    moved = movement_between(recording, gravity, first_s, last_s)
    return None if moved is None else _columns(moved, width)


def _columns(samples: Series, width: int) -> tuple[Series, Series]:
    """Return smallest and largest samples, in one to two values for each column."""
    stretch = max(1, samples.values.shape[1] // width)
    missing = -samples.values.shape[1] % stretch
    padded = np.pad(samples.values, ((0, 0), (0, missing)), constant_values=np.nan)
    step_s = samples.step_s * stretch
    low, high = extremes_of(padded, stretch)
    return Series(samples.onset_s, step_s, low), Series(samples.onset_s, step_s, high)
