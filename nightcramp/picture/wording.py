"""Numbers and sentences of the night picture, in words a reader can quote."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np

from sensing import Censored, Event, EventKind, NightResult, Quality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightcramp.picture.decimate import ByteArray
    from recordings import RecordingInfo, Stream

HOUR_S: Final = 3600
GOOD_SHARE: Final = 0.8
GOOD_S: Final = 4 * HOUR_S

_UNIT_WORDS: Final = {"s": "seconds", "min": "minutes", "h": "hours"}
_UNIT_SECONDS: Final = {"s": 1, "min": 60, "h": HOUR_S}


class Status(StrEnum):
    """What a recording is worth at first sight."""

    GOOD = "Good"
    USABLE = "Usable"
    NOT_USABLE = "Not usable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Status of a recording and the reason for it."""

    status: Status
    reason: str


def judge(result: NightResult) -> Verdict:
    """Say at first sight whether a recording can be used.

    A recording should have 4 analysable hours, the usual least for a valid night, and 80 % of
    its length analysable. Good has both, Usable one of them, Not usable neither. The word is for
    the reader only: every analysable hour counts in a rate, whatever the status.
    """
    share = analysable_share(result)
    enough = result.analysable_s >= GOOD_S
    dense = share >= GOOD_SHARE
    if enough and dense:
        return Verdict(Status.GOOD, f"{percent(share)} analysable")
    if dense:
        return Verdict(Status.USABLE, "fewer than 4 analysable hours")
    lost = f"{percent(1 - share)} lost, {_main_loss(result)}"
    return Verdict(Status.USABLE if enough else Status.NOT_USABLE, lost)


def analysable_share(result: NightResult) -> float:
    """Part of the recording that was analysable; its last second may be a part of one."""
    return min(1.0, result.analysable_s / result.duration_s)


def _main_loss(result: NightResult) -> str:
    """Most common reason, over all channels, in the seconds where no channel was analysable."""
    counts = np.bincount(result.seconds.quality[:, ~result.seconds.analysable].ravel())
    word = state_word(Quality(int(counts.argmax())))
    return f"all {word}" if np.count_nonzero(counts) == 1 else f"mostly {word}"


def state_word(state: Quality) -> str:
    """Name of a state of quality in a sentence."""
    return "analysable" if state is Quality.GOOD else state.reason.replace("_", "-")


def percent(share: float) -> str:
    """Write a share so that only nothing is 0 % and only everything is 100 %."""
    if 0 < share < 0.01:
        return "< 1 %"
    if 0.99 < share < 1:
        return "> 99 %"
    return f"{share:.0%}".replace("%", " %")


def unit_for(seconds: float) -> str:
    """Choose the unit in which a length of time reads best: ``"s"``, ``"min"`` or ``"h"``."""
    if seconds < 120:
        return "s"
    return "min" if seconds < 2 * HOUR_S else "h"


def amount(seconds: float, unit: str) -> str:
    """Write a length of time as a number of `unit`."""
    value = seconds / _UNIT_SECONDS[unit]
    if value == 0:
        return "0"
    return f"{value:.1f}" if unit == "h" or (unit == "min" and value < 10) else f"{value:.0f}"


def length(seconds: float) -> str:
    """Write a length of time in the unit in which it reads best."""
    unit = unit_for(seconds)
    return f"{amount(seconds, unit)} {unit}"


def headline(result: NightResult) -> list[tuple[str, str]]:
    """Key figures of the recording, each with its label.

    Counts are ``n/a`` where nothing was analysable: no data is not no cramp.
    """
    cramps = result.of_kind(EventKind.CRAMP)
    if cramps or result.analysable_s > 0:
        count, total, longest = str(len(cramps)), _total(result, cramps), _longest(cramps)
    else:
        count = total = longest = "n/a"
    analysable, unit = _analysable(result)
    share = percent(analysable_share(result))
    return [
        (length(result.duration_s), "recorded"),
        (f"{analysable} {unit}", f"analysable, {share}"),
        (count, "cramp" if count == "1" else "cramps"),
        (total, "of cramp in all"),
        (longest, "longest cramp"),
    ]


def _total(result: NightResult, cramps: Sequence[Event]) -> str:
    unit = "s" if unit_for(result.duration_s) == "s" else "min"
    at_least = "≥ " if any(cramp.censored is not Censored.NONE for cramp in cramps) else ""
    return f"{at_least}{amount(sum(cramp.duration_s for cramp in cramps), unit)} {unit}"


def _longest(cramps: Sequence[Event]) -> str:
    longest = max(cramps, key=lambda cramp: cramp.duration_s, default=None)
    return "–" if longest is None else episode_length(longest)


def plain_sentence(result: NightResult) -> str:
    """Say what a recording without an episode means."""
    if result.analysable_s == 0:
        lost = shares(result.seconds.quality).items()
        reasons = ", ".join(f"{percent(share)} {state_word(state)}" for state, share in lost)
        return f"Nothing could be judged: {reasons}."
    analysable, unit = _analysable(result)
    return f"No cramp in the {analysable} analysable {_UNIT_WORDS[unit]}."


def _analysable(result: NightResult) -> tuple[str, str]:
    """Analysable time and its unit: that of the recording, unless too little of it is left."""
    whole = result.duration_s if analysable_share(result) > 0.25 else result.analysable_s
    unit = unit_for(whole)
    return amount(result.analysable_s, unit), unit


def shares(quality: ByteArray) -> dict[Quality, float]:
    """Share of the time of all channels in each state that occurs; analysable first, then by size.

    Parameters
    ----------
    quality : uint8 array, shape (channels, seconds)
    """
    counts = np.bincount(quality.ravel(), minlength=len(Quality))
    order = sorted(Quality, key=lambda state: (state != Quality.GOOD, -counts[state]))
    return {state: float(counts[state] / quality.size) for state in order if counts[state]}


def describe(info: RecordingInfo) -> str:
    """Say which signals the recording has."""
    parts = [_stream_words("EMG", info.emg, "µV" if info.emg.scaled else "unscaled counts")]
    if info.acc is not None:
        parts.append(_stream_words("ACC", info.acc, "g" if info.acc.scaled else "unscaled counts"))
    else:
        parts.append("no accelerometer")
    return " · ".join(parts)


def _stream_words(name: str, stream: Stream, unit: str) -> str:
    count = len(stream.channels)
    return f"{name} {count} × {stream.rate_hz:g} Hz, {unit}"


def fitted(words: str, limit: int) -> str:
    """Shorten words from a file to what fits, without signs that a picture cannot hold."""
    clean = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in words)
    return clean if len(clean) <= limit else f"{clean[: limit - 1]}…"


def episode_length(event: Event) -> str:
    """Duration of an episode; a censored one lasted at least that long."""
    at_least = "" if event.censored is Censored.NONE else "≥ "
    return f"{at_least}{length(event.duration_s)}"


def episode_strength(event: Event) -> str:
    """Probability and amplitude of an episode, as far as they are known."""
    parts = []
    if event.confidence is not None:
        parts.append(f"p {event.confidence:.2f}")
    if event.intensity is not None:
        parts.append(f"{_figures(event.intensity)} × floor")
    if event.rms_uv is not None:
        parts.append(f"{_figures(event.rms_uv)} µV")
    return " · ".join(parts)


def _figures(value: float) -> str:
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}"


def counted(count: int, noun: str) -> str:
    """Write a number of things with the right form of the noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
