"""What a night's page is told, as JSON: small, and nothing that the person must not see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nightcramp.review.corrections import episodes_now, in_effect, is_done, night_comments
from nightcramp.review.spectrogram import HIGHEST_HZ
from sensing import Quality

if TYPE_CHECKING:
    from nightcramp.app.review.desk import OpenNight
    from nightcramp.app.review.modes import Mode
    from nightcramp.review.corrections import Correction, Episode
    from nightcramp.review.extremes import Series
    from nightcramp.review.logbook import Logbook
    from nightcramp.review.view import View
    from sensing import Seconds

Json = dict[str, object]

_DIGITS = {"gravity": 3, "activity": 4, "moved_low": 4, "moved_high": 4, "score": 3}


def facts(opened: OpenNight, mode: Mode) -> Json:
    """Return what stays the same while a night is worked on."""
    info = opened.recording.info
    marks = [] if mode.is_blind else info.annotations
    return {
        "start": info.start.isoformat() if info.start else None,
        "duration_s": opened.overview.duration_s,
        "channels": [channel.label for channel in info.emg.channels],
        "unit": "µV" if info.emg.scaled else "counts",
        "acceleration": info.acc is not None,
        "highest_hz": round(min(HIGHEST_HZ, info.emg.rate_hz / 2)),
        "same_model": opened.is_same_model,
        "lost": _lost(opened.overview.seconds),
        "gaps": [[round(gap.onset_s, 2), round(gap.duration_s, 2)] for gap in info.gaps],
        "marks": [[round(mark.onset_s, 2), mark.text] for mark in marks],
    }


def state(logbook: Logbook) -> Json:
    """Return the episodes as they stand, and how they came about."""
    log = logbook.corrections()
    newest = in_effect(log)[-1:]
    return {
        "seen": len(log),
        "done": is_done(log),
        "final": logbook.is_final,
        "episodes": [_episode(one) for one in episodes_now(logbook.base, log)],
        "comments": list(night_comments(log)),
        "undo": _told(newest[0]) if newest else None,
    }


def drawn(shown: View, mode: Mode) -> Json:
    """Return a view's series; the score only where it may be seen."""
    names = ("low", "high", "rms", "floor", "gravity", "activity", "score")
    series = {name: getattr(shown, name) for name in names}
    if shown.moved is not None:
        series["moved_low"], series["moved_high"] = shown.moved
    if mode.is_blind:
        del series["score"]
    return {name: _series(one, _DIGITS.get(name, 2)) for name, one in series.items()}


def _series(series: Series, digits: int) -> Json:
    rounded = np.round(series.values.astype(np.float64), digits).astype(object)
    rounded[~np.isfinite(series.values)] = None
    rows = rounded.tolist()
    return {"onset": round(series.onset_s, 6), "step": series.step_s, "rows": rows}


def _episode(episode: Episode) -> Json:
    event = episode.event
    return {
        "id": episode.id,
        "onset": round(event.onset_s, 3),
        "duration": round(event.duration_s, 3),
        "kind": event.kind.value,
        "status": episode.status.value,
        "source": episode.source,
        "confidence": event.confidence,
        "comments": list(episode.comments),
    }


def _told(correction: Correction) -> Json:
    change = correction.change
    return {"action": change.action.value, "episode": change.episode, "who": correction.who}


def _lost(seconds: Seconds) -> list[list[object]]:
    """Return channel, first and last second, and reason of all that could not be judged."""
    found: list[list[object]] = []
    for channel, quality in enumerate(seconds.quality):
        for reason in np.unique(quality[quality != Quality.GOOD]):
            name = Quality(reason).reason
            edges = np.flatnonzero(np.diff(quality == reason, prepend=False, append=False))
            found += [[channel, *span, name] for span in edges.reshape(-1, 2).tolist()]
    return found
