"""Simulated nights as every compared detector sees them: frames of all channels, with labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models import TrainingSettings
from models.dataset import (
    Frames,
    NightSpec,
    formats_of,
    make_night,
    night_specs,
    outputs_of,
)
from models.labels import label_frames
from models.training import TRAINING_FAMILY
from models.tuning import TuningNight
from sensing import FEATURE_NAMES, FrontEnd

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.truth import TrueEvent
    from sensing import EmgFormat, FrontEndOutput

SEED = 1
"""Of the choice among training nights."""

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FramedNight:
    """A night after the signal stage, in one piece.

    Attributes
    ----------
    name : str
        Suite and seed.
    form : EmgFormat
    bin_s : float
    truth : tuple of TrueEvent
    outputs : tuple of FrontEndOutput
        Their features are in `features`.
    channel, frame : int arrays, shape (rows,)
        Which channel and frame of the night each row belongs to.
    features : float32 array, shape (rows, features)
        Of the frames in which something stirs.
    labels : int array, shape (rows,)
    """

    name: str
    form: EmgFormat
    bin_s: float
    truth: tuple[TrueEvent, ...]
    outputs: tuple[FrontEndOutput, ...]
    channel: npt.NDArray[np.intp]
    frame: npt.NDArray[np.intp]
    features: FloatArray
    labels: npt.NDArray[np.int64]

    @property
    def frames(self) -> int:
        """Number of frames of the night."""
        return sum(len(output.frame_end_bin) for output in self.outputs)

    def scored(self, score: Callable[[FramedNight], FloatArray]) -> TuningNight:
        """Return the night with the scores a detector gives to its rows; rest scores zero."""
        valid = np.concatenate([output.valid for output in self.outputs], axis=1)
        scores = np.where(valid, np.float32(0), np.float32(np.nan))
        scores[self.channel, self.frame] = score(self)
        ends = np.cumsum([len(output.frame_end_bin) for output in self.outputs])
        parts = tuple(np.split(scores, ends[:-1], axis=1))
        return TuningNight(self.name, self.form, self.bin_s, self.truth, self.outputs, parts)


def framed_night(spec: NightSpec) -> FramedNight:
    """Simulate a night and take it through the signal stage."""
    night = make_night(spec)
    form, _ = formats_of(night)
    bin_s = FrontEnd(form).bin_s
    outputs = list(outputs_of(night))
    first = np.cumsum([0, *(len(output.frame_end_bin) for output in outputs)])
    ends = np.concatenate([output.frame_end_bin for output in outputs]) * bin_s
    frame = np.concatenate(
        [out.active_frame + start for out, start in zip(outputs, first[:-1], strict=True)]
    )
    return FramedNight(
        name=f"{spec.suite}-{spec.night_seed}",
        form=form,
        bin_s=bin_s,
        truth=night.events,
        outputs=tuple(replace(output, features=output.features[:0]) for output in outputs),
        channel=np.concatenate([output.active_channel for output in outputs]),
        frame=frame,
        features=np.concatenate([output.features for output in outputs]),
        labels=label_frames(ends[frame], night.events),
    )


def training_nights(count: int, hours: float, without: tuple[str, ...] = ()) -> list[NightSpec]:
    """Return some of the nights the shipped classifier learnt from: of all suites and sensors.

    Parameters
    ----------
    count : int
    hours : float
    without : tuple of str
        Sources of the simulator that never happen in them.
    """
    specs = night_specs(TRAINING_FAMILY, TrainingSettings().nights, hours, without)
    chosen = np.random.default_rng(SEED).permutation(len(specs))[:count]
    return [specs[place] for place in sorted(chosen.tolist())]


def as_frames(nights: Sequence[FramedNight]) -> Frames:
    """Return the rows of several nights, to learn from."""
    return Frames(
        np.concatenate([night.features for night in nights]),
        np.concatenate([night.labels for night in nights]),
    )


def with_history(night: FramedNight, lags: Sequence[int]) -> FloatArray:
    """Return each row with those of the same channel so many frames before it.

    Frames in which nothing stirs, and what a feature cannot say, are zero; so features must have
    been centred if zero is to mean nothing special.

    Parameters
    ----------
    night : FramedNight
    lags : sequence of int
        In frames, 0 for the row itself.

    Returns
    -------
    float32 array, shape (rows, lags * features)
    """
    channels, longest = len(night.form.labels), max(lags)
    table = np.zeros((channels, night.frames + longest, len(FEATURE_NAMES)), dtype=np.float32)
    table[night.channel, night.frame + longest] = np.nan_to_num(night.features)
    rows = [table[night.channel, night.frame + longest - lag] for lag in lags]
    return np.concatenate(rows, axis=1)
