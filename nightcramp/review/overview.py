"""What the page draws of a night: computed once, kept beside the results."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from nightcramp.analysis import acc_format, emg_format
from nightcramp.errors import InputError, OutputError
from nightcramp.review.extremes import ExtremesBuilder, FloatArray, Pyramid
from nightcramp.review.spectrogram import HalfArray, SpectrogramBuilder
from recordings import replace_file
from sensing import Seconds

if TYPE_CHECKING:
    from pathlib import Path

    from models import Classifier
    from recordings import Recording

FORM = 1
"""Changes when what is kept changes, so that older files are built anew."""

BLOCK_S = 60.0


@dataclass(frozen=True, slots=True)
class Overview:
    """A night as it is drawn.

    Attributes
    ----------
    duration_s : float
    pyramid : Pyramid
        Extremes of the EMG.
    seconds : Seconds
        Amplitude, floor, quality, gravity, activity and score, one value a second.
    spectrogram : float16 array, shape (channels, bands, seconds)
        Decibels.
    """

    duration_s: float
    pyramid: Pyramid
    seconds: Seconds
    spectrogram: HalfArray


def overview_key(source_sha256: str, settings: object, classifier: Classifier) -> str:
    """Return what a kept overview is named after: what it depends on."""
    makers = [FORM, source_sha256, settings, classifier.sha256]
    return hashlib.sha256(json.dumps(makers).encode()).hexdigest()[:16]


def build_overview(recording: Recording, classifier: Classifier) -> Overview:
    """Read a recording once, in blocks, through the detector that analyses nights.

    Memory holds what is kept (1 part in 32 of the samples), never the samples.
    """
    from models import Detector

    info = recording.info
    channels = len(info.emg.channels)
    detector = Detector(classifier, emg_format(info), acc_format(info))
    extremes = ExtremesBuilder(channels)
    spectrogram = SpectrogramBuilder(channels, info.emg.rate_hz)
    for block in recording.blocks(BLOCK_S):
        detector.push(block.emg, block.acc)
        extremes.push(block.emg)
        spectrogram.push(block.emg)
    result = detector.finish()
    return Overview(
        duration_s=result.duration_s,
        pyramid=Pyramid.over(*extremes.finish(), info.emg.rate_hz),
        seconds=result.seconds,
        spectrogram=spectrogram.finish(),
    )


def write_overview(path: Path, overview: Overview) -> None:
    """Keep an overview as one ``.npz`` file.

    Raises
    ------
    OutputError
        If it cannot be written; then nothing is left behind.
    """
    low, high = overview.pyramid.levels[0]
    arrays = {field.name: getattr(overview.seconds, field.name) for field in fields(Seconds)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent}: cannot be made ({error.strerror})") from error
    with replace_file(path) as temporary:
        np.savez(
            temporary,
            allow_pickle=False,
            low=low,
            high=high,
            spectrogram=overview.spectrogram,
            shape=np.array([overview.duration_s, overview.pyramid.rate_hz]),
            **arrays,
        )


def read_overview(path: Path) -> Overview:
    """Read a kept overview.

    Raises
    ------
    InputError
        If it is damaged or cannot be read.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            duration_s, rate_hz = kept["shape"].tolist()
            return Overview(
                duration_s=duration_s,
                pyramid=Pyramid.over(kept["low"], kept["high"], rate_hz),
                seconds=Seconds(**{field.name: kept[field.name] for field in fields(Seconds)}),
                spectrogram=kept["spectrogram"],
            )
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(
            f"the kept overview cannot be read ({error})",
            file=path,
            advice="Remove it; it is built again",
        ) from error


def samples_between(recording: Recording, first_s: float, last_s: float) -> FloatArray:
    """Return the EMG samples of a stretch of a recording."""
    blocks = [block.emg for block in recording.blocks(BLOCK_S, start_s=first_s, stop_s=last_s)] or [
        np.zeros((len(recording.info.emg.channels), 0), dtype=np.float32)
    ]
    return np.concatenate(blocks, axis=1)
