"""Missing time: how files tell it, and which samples it concerns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from recordings.blocks import samples_before
from recordings.recording import Annotation, Gap

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from recordings.recording import Stream

Spans = npt.NDArray[np.int64]  # shape (n, 2): first sample and the one after the last, in order

# The one name of a gap after which MNE's filters start afresh, instead of ringing through it.
SKIP_TEXT = "BAD_ACQ_SKIP"
_CHANNEL_MARK = "@@"  # EDF+ standard texts: an annotation of one signal ends in @@ and its label
_DISCONTINUOUS = "EDF+D"


@dataclass(frozen=True, slots=True)
class Skip:
    """Time that a file pads; `label` is the only channel it concerns, or None for all."""

    onset_s: float
    duration_s: float
    label: str | None = None

    @property
    def text(self) -> str:
        """Text of its annotation."""
        return SKIP_TEXT if self.label is None else f"{SKIP_TEXT}{_CHANNEL_MARK}{self.label}"


def split_skips(annotations: Iterable[Annotation]) -> tuple[list[Skip], list[Annotation]]:
    """Part the annotations that tell of padded time from all others."""
    skips, others = [], []
    for annotation in annotations:
        name, _, label = annotation.text.partition(_CHANNEL_MARK)
        if name.strip().upper() == SKIP_TEXT and annotation.duration_s > 0:
            skips.append(Skip(annotation.onset_s, annotation.duration_s, label.strip() or None))
        else:
            others.append(annotation)
    return skips, others


def skipped_spans(skips: Iterable[Skip], rate_hz: float) -> Spans:
    """Return the samples that lie in padded time; spans may overlap."""
    spans = [_samples_in(skip, rate_hz) for skip in skips]
    return np.array([(s.start, s.stop) for s in spans], dtype=np.int64).reshape(-1, 2)


def true_spans(flags: npt.NDArray[np.bool_]) -> Spans:
    """Return the stretches in which a flag is set."""
    edges = np.flatnonzero(np.diff(flags, prepend=False, append=False))
    return edges.reshape(-1, 2).astype(np.int64)


def gaps_of(holes: Spans, skipped: Spans, rate_hz: float, n_samples: int) -> tuple[Gap, ...]:
    """Return missing time in order and without overlap, cut to the recording.

    Parameters
    ----------
    holes, skipped : Spans
        Samples that a discontinuous file leaves out, and that a continuous one pads.
    rate_hz, n_samples : float, int
        Of the stream the spans belong to.
    """
    causes = [(*span, _DISCONTINUOUS) for span in holes.tolist()]
    causes += [(*span, SKIP_TEXT) for span in skipped.tolist()]
    gaps: list[Gap] = []
    done = 0
    for first, last, cause in sorted(causes):
        begin, end = max(first, done), min(last, n_samples)
        if begin < end:
            gaps.append(Gap(begin / rate_hz, (end - begin) / rate_hz, cause))
            done = end
    return tuple(gaps)


def find_skips(
    streams: Sequence[tuple[Stream, npt.NDArray[np.float32]]], duration_s: float
) -> list[Skip]:
    """Tell which time of a recording is missing, and in which channels.

    Parameters
    ----------
    streams : sequence of (Stream, float32 array of shape (channels, samples))
        The EMG stream first; NaN where samples are missing.
    duration_s : float
        Length to account for; whatever lies beyond the end of an array is missing.

    Returns
    -------
    list of Skip
        Without a label where every sample of every stream is missing, with the label otherwise.
    """
    missing = [(stream, _missing(stream, samples, duration_s)) for stream, samples in streams]
    emg, emg_missing = missing[0]
    skips = []
    for skip in _skips(np.logical_and.reduce(emg_missing), emg.rate_hz, None):
        parts = [flags[:, _samples_in(skip, stream.rate_hz)] for stream, flags in missing]
        if all(part.all() for part in parts):
            skips.append(skip)
            for part in parts:
                part[:] = False
    for stream, flags in missing:
        for channel, row in zip(stream.channels, flags, strict=True):
            skips += _skips(row, stream.rate_hz, channel.label)
    return skips


def _missing(
    stream: Stream, samples: npt.NDArray[np.float32], duration_s: float
) -> npt.NDArray[np.bool_]:
    flags = np.ones((len(samples), round(duration_s * stream.rate_hz)), dtype=np.bool_)
    flags[:, : samples.shape[1]] = np.isnan(samples)
    return flags


def _skips(flags: npt.NDArray[np.bool_], rate_hz: float, label: str | None) -> list[Skip]:
    return [
        Skip(begin / rate_hz, (end - begin) / rate_hz, label)
        for begin, end in true_spans(flags).tolist()
    ]


def _samples_in(skip: Skip, rate_hz: float) -> slice:
    end_s = skip.onset_s + skip.duration_s
    return slice(samples_before(skip.onset_s, rate_hz), samples_before(end_s, rate_hz))
