"""Samples to cramps: the one object that live recording, replay and files all go through."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sensing import (
    Event,
    EventKind,
    FrontEnd,
    FrontEndOutput,
    LegMovementScorer,
    NightResult,
    Quality,
    Seconds,
    SecondsBuilder,
    Segmenter,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from models.classifier import Classifier
    from sensing import AccFormat, EmgFormat


class Detector:
    """Finds the cramps of one recording as its samples come in.

    Parameters
    ----------
    classifier : Classifier
    emg : EmgFormat
    acc : AccFormat, optional
        None where there is no accelerometer.
    """

    def __init__(
        self, classifier: Classifier, emg: EmgFormat, acc: AccFormat | None = None
    ) -> None:
        self._classifier = classifier
        self._rate_hz = emg.rate_hz
        self._front_end = FrontEnd(emg, acc)
        bin_s = self._front_end.bin_s
        description = classifier.description
        self._segmenter = Segmenter(emg, bin_s, description.rules, description.evidence)
        self._movements = LegMovementScorer(emg, bin_s)
        self._seconds = SecondsBuilder(len(emg.labels), bin_s)
        self._samples = 0
        self._episodes: list[Event] = []

    def push(
        self, emg: npt.NDArray[np.floating], acc: npt.NDArray[np.floating] | None = None
    ) -> list[Event]:
        """Take the next samples (NaN where missing) and return the episodes they ended.

        Parameters
        ----------
        emg : float array, shape (channels, samples)
        acc : float array, shape (3, samples), optional
        """
        self._samples += emg.shape[1]
        return self._judge(self._front_end.push(emg, acc))

    def finish(self) -> NightResult:
        """End the recording and return all that was found in it."""
        self._judge(self._front_end.finish())
        self._episodes += self._segmenter.finish()
        seconds = self._settled(self._seconds.finish())
        duration_s = self._samples / self._rate_hz
        events = [
            *self._episodes,
            *self._movements.finish(self._episodes),
            *not_analysable(seconds, duration_s),
        ]
        events.sort(key=lambda event: (event.onset_s, event.kind))
        return NightResult(duration_s, tuple(events), seconds)

    def _settled(self, seconds: Seconds) -> Seconds:
        """Mark time in which a cramp that began would not have been a sure one.

        Episodes that began at another time were judged, whatever they were found to be: the work
        they are made of does not make them unsettled.
        """
        unsettled = self._segmenter.unsettled(seconds.quality.shape[1])
        marked = unsettled.copy()
        for episode in self._episodes:
            first = int(episode.onset_s)
            if episode.kind is EventKind.CRAMP or not unsettled[first]:
                marked[first : int(episode.offset_s) + 1] = False
        quality = np.where(
            marked & (seconds.quality == Quality.GOOD), Quality.UNSETTLED, seconds.quality
        )
        return replace(seconds, quality=quality.astype(np.uint8))

    def _judge(self, output: FrontEndOutput) -> list[Event]:
        scores = score_frames(self._classifier, output)
        self._movements.push(output)
        self._seconds.push(output, _best(scores))
        episodes = self._segmenter.push(output, scores)
        self._episodes += episodes
        return episodes


def score_frames(classifier: Classifier, output: FrontEndOutput) -> npt.NDArray[np.float32]:
    """Return the probability of a cramp, shape (channels, frames).

    Frames in which nothing stirs score zero without being asked; NaN where none can be judged.
    """
    scores = np.where(output.valid, np.float32(0), np.float32(np.nan))
    scores[output.active_channel, output.active_frame] = classifier.cramp_probability(
        output.features
    )
    return scores


def not_analysable(seconds: Seconds, duration_s: float) -> list[Event]:
    """Return the stretches in which no channel could be judged, each with its reason.

    Parameters
    ----------
    seconds : Seconds
    duration_s : float
        Length of the recording; the last stretch ends there.
    """
    reason = _reason_of_seconds(seconds)
    edges = np.flatnonzero(np.diff(reason)) + 1
    bounds = [0, *edges.tolist(), len(reason)]
    return [
        Event(
            onset_s=float(first),
            duration_s=min(float(last), duration_s) - first,
            kind=EventKind.NOT_ANALYSABLE,
            detail=Quality(reason[first]).reason,
        )
        for first, last in itertools.pairwise(bounds)
        if last > first and reason[first] != Quality.GOOD
    ]


def _reason_of_seconds(seconds: Seconds) -> npt.NDArray[np.uint8]:
    """Return GOOD where a channel is, else the reason of the channel that lacks least."""
    worst = np.where(seconds.quality == Quality.GOOD, 0, seconds.quality)
    return np.where(seconds.analysable, np.uint8(Quality.GOOD), worst.min(axis=0)).astype(np.uint8)


def _best(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the largest score of each frame; NaN where no channel could be judged."""
    return np.asarray(np.fmax.reduce(scores, axis=0))
