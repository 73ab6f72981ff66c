"""A night at one value a second, kept beside its results for pictures, latency and calibration."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from nightcramp.errors import InputError
from recordings import write_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from sensing import NightResult, SegmentationRules

TRACE_ENDING = "_trace.npz"


@dataclass(frozen=True, slots=True)
class Trace:
    """What the detector saw of a night, and by which rules it judged.

    Attributes
    ----------
    level : float32 array, shape (seconds,)
        Largest EMG amplitude of any channel, in multiples of its noise floor; NaN if not known.
    score : float32 array, shape (seconds,)
        Largest probability of a cramp; NaN where nothing could be judged.
    on, shortest_s : float
        Of the rules: the probability that opens an episode, and the least length of one.
    """

    level: npt.NDArray[np.float32]
    score: npt.NDArray[np.float32]
    on: float
    shortest_s: float


def trace_of(result: NightResult, rules: SegmentationRules) -> Trace:
    """Return the trace of a night that has just been judged."""
    seconds = result.seconds
    level = np.fmax.reduce(seconds.rms / seconds.floor, axis=0)
    return Trace(level.astype(np.float32), seconds.score, rules.on, rules.shortest_s)


def write_trace(path: Path, trace: Trace) -> None:
    """Write a trace; levels keep three digits.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        level=np.minimum(trace.level, 60_000).astype(np.float16),
        score=trace.score,
        rules=np.array([trace.on, trace.shortest_s]),
    )
    write_bytes(path, buffer.getvalue())


def read_trace(path: Path) -> Trace | None:
    """Read what `write_trace` wrote; None if there is no such file.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    if not path.is_file():
        return None
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            on, shortest_s = arrays["rules"].tolist()
            level = arrays["level"].astype(np.float32)
            return Trace(level, arrays["score"], on, shortest_s)
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise InputError(f"not a trace of a night ({error})", file=path) from error
