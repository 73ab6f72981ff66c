"""The nights that lie open: each recording and its overview are read once."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from nightcramp.review.nights import find_night, makers, open_source, settings_key
from nightcramp.review.overview import (
    Overview,
    build_overview,
    overview_key,
    read_overview,
    write_overview,
)
from nightcramp.review.spectrogram import colour_limits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nightcramp.app.settings import AppSettings
    from nightcramp.review.nights import ReviewNight
    from recordings import Recording

MOST_OPEN = 3
"""Nights kept in memory, about 30 MB each."""


@dataclass(frozen=True, slots=True)
class OpenNight:
    """A night that is being looked at.

    Attributes
    ----------
    recording : Recording
    overview : Overview
    limits : tuple of (float, float)
        Decibels of the spectrogram's colours, for each channel.
    is_same_model : bool
        Whether the score comes from the classifier that found the episodes.
    """

    recording: Recording
    overview: Overview
    limits: tuple[tuple[float, float], ...]
    is_same_model: bool


class Desk:
    """Opens nights and keeps the last few.

    Parameters
    ----------
    settings : AppSettings
    """

    def __init__(self, settings: AppSettings) -> None:
        self._settings = settings
        self._open: OrderedDict[str, OpenNight] = OrderedDict()
        self._lock = Lock()

    def night(self, name: str) -> ReviewNight:
        """Return a night; raises UsageError if there is none of that name."""
        return find_night(name, self._settings.results_folder, self._settings.study)

    def open(self, night: ReviewNight) -> OpenNight:
        """Return a night's recording and overview; the first time takes some seconds.

        Raises
        ------
        InputError
            If the recording is not found or cannot be read.
        OutputError
            If the overview cannot be kept.
        """
        key = f"{night.name} {night.analysis_id()}"
        with self._lock:
            if key not in self._open:
                self._open[key] = self._read(night)
            self._open.move_to_end(key)
            while len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)
            return self._open[key]

    def _read(self, night: ReviewNight) -> OpenNight:
        from models import load_classifier

        summary = night.summary()
        recording = open_source(summary, self._folders())
        classifier = load_classifier()
        made_by = makers(summary)
        key = overview_key(str(made_by["source_sha256"]), settings_key(summary), classifier)
        file = night.folder / f"overview-{key}.npz"
        if file.is_file():
            overview = read_overview(file)
        else:
            overview = build_overview(recording, classifier)
            write_overview(file, overview)
        limits = tuple(colour_limits(channel) for channel in overview.spectrogram)
        same = made_by["model_sha256"] == classifier.sha256
        return OpenNight(recording, overview, limits, same)

    def _folders(self) -> list[Path]:
        """Return where recordings may lie, the most likely place first."""
        found: Iterator[Path] = (
            folder
            for folder in (
                self._settings.home,
                self._settings.study,
                self._settings.results_folder.parent,
            )
            if folder is not None
        )
        return list(dict.fromkeys(folder.resolve() for folder in found))
