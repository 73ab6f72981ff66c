"""Where the blocks of a recording begin and end, the same for every kind of recording."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nightcramp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recordings.recording import RecordingInfo, Stream


def block_bounds(
    info: RecordingInfo, block_s: float, start_s: float, stop_s: float | None
) -> Iterator[tuple[slice, slice]]:
    """Yield the EMG and ACC samples of each block, in order and without a sample left out.

    Both slices of a block cover the same time; which ACC samples that is depends only on EMG
    sample numbers, so blocks of any length concatenate to the same streams.

    Parameters
    ----------
    info : RecordingInfo
    block_s : float
        Length of a block in seconds; at least one EMG sample.
    start_s, stop_s : float
        Part of the recording in seconds, cut to what there is; `stop_s` None is the end.

    Raises
    ------
    UsageError
        If `block_s` is not above zero or `stop_s` lies before `start_s`.
    """
    emg = info.emg
    end_s = emg.duration_s if stop_s is None else stop_s
    if not block_s > 0:
        raise UsageError(f"A block must be longer than 0 s, not {block_s}.")
    if not start_s <= end_s:
        raise UsageError(f"Cannot read from {start_s} s to {end_s} s: the end is before the start.")
    length = max(1, round(min(block_s, emg.duration_s) * emg.rate_hz))
    first, last = _nearest_sample(start_s, emg), _nearest_sample(end_s, emg)
    for begin in range(first, last, length):
        end = min(begin + length, last)
        yield slice(begin, end), slice(acc_sample(info, begin), acc_sample(info, end))


def acc_sample(info: RecordingInfo, emg_sample: int) -> int:
    """Return the number of the first ACC sample at or after an EMG sample (0 without ACC)."""
    if info.acc is None:
        return 0
    if emg_sample >= info.emg.n_samples:
        return info.acc.n_samples
    return min(samples_before(emg_sample / info.emg.rate_hz, info.acc.rate_hz), info.acc.n_samples)


def samples_before(time_s: float, rate_hz: float) -> int:
    """Return how many samples lie before a time; a thousandth of a sample counts as on it."""
    return math.ceil(time_s * rate_hz - 1e-3)


def _nearest_sample(time_s: float, stream: Stream) -> int:
    return round(min(max(time_s, 0.0), stream.duration_s) * stream.rate_hz)
