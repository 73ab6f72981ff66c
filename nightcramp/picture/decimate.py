"""A night has more samples than a page has columns: thinning that hides nothing short."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sensing import Quality

ByteArray = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]
Line = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bars:
    """Rectangles that stand on a common base; all arrays have shape (bars,).

    Attributes
    ----------
    left, width : float64 array
        In samples.
    height : float64 array
        0 to 1.
    """

    left: Line
    width: Line
    height: Line


def strokes(values: FloatArray, columns: int) -> tuple[Line, Line]:
    """Draw a series of any length as one line, keeping every extreme.

    Parameters
    ----------
    values : float32 array, shape (samples,)
        NaN breaks the line.
    columns : int
        Width of the drawing in columns.

    Returns
    -------
    position, value : float64 arrays
        Vertices of the line; positions in samples. Where all samples fit, each one is held over
        its own width; else each column is a vertical stroke from its smallest to its largest
        sample, up and down in turn, so that neighbours join without crossing the stroke again.
    """
    step = _step(values.size, columns)
    if step == 1:
        edges = np.arange(values.size + 1, dtype=np.float64)
        return np.repeat(edges, 2)[1:-1], np.repeat(values, 2).astype(np.float64)
    table = _table(values, step)
    ends = np.stack([np.fmin.reduce(table, axis=1), np.fmax.reduce(table, axis=1)], axis=1)
    ends[1::2] = ends[1::2, ::-1].copy()
    middle = (np.arange(len(table)) + 0.5) * step
    return np.minimum(np.repeat(middle, 2), values.size), ends.ravel().astype(np.float64)


def sampled(values: FloatArray, columns: int) -> tuple[Line, Line]:
    """Take one sample of each column, for series that change slowly; positions in samples."""
    step = _step(values.size, columns)
    position = np.arange(step // 2, values.size, step)
    return position.astype(np.float64), values[position].astype(np.float64)


def lost_bars(quality: ByteArray, columns: int) -> dict[Quality, Bars]:
    """Lost seconds of one channel as bars for each reason that occurs.

    A bar takes the most common reason of its column; its height is the share of the column that
    is lost for any reason, rounded up to a quarter, so that one lost second still shows and does
    not look like half a minute.

    Parameters
    ----------
    quality : uint8 array, shape (seconds,)
        Values of `Quality`.
    columns : int
        Width of the drawing in columns.
    """
    reasons = [Quality(value) for value in np.unique(quality) if value != Quality.GOOD]
    if not reasons:
        return {}
    step = _step(quality.size, columns)
    padding = -quality.size % step
    table = np.pad(quality, (0, padding), mode="edge").reshape(-1, step)
    shares = np.stack([(table == reason).mean(axis=1) for reason in reasons])
    quarters = np.ceil(shares.sum(axis=0) * 4).astype(np.int64)
    main = shares.argmax(axis=0)
    starts = np.flatnonzero(np.diff(main * 5 + quarters, prepend=-1))
    left = starts * float(step)
    width = np.diff(left, append=float(quality.size))
    bars = {}
    for index, reason in enumerate(reasons):
        chosen = (main[starts] == index) & (quarters[starts] > 0)
        bars[reason] = Bars(left[chosen], width[chosen], quarters[starts][chosen] / 4)
    return bars


def runs(mask: npt.NDArray[np.bool_]) -> tuple[Line, Line]:
    """Where stretches of True begin and end, in samples."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return edges[::2].astype(np.float64), edges[1::2].astype(np.float64)


def _step(n_samples: int, columns: int) -> int:
    return max(1, -(-n_samples // columns))


def _table(values: FloatArray, step: int) -> FloatArray:
    padded = np.full(-(-values.size // step) * step, np.nan, dtype=np.float32)
    padded[: values.size] = values
    return padded.reshape(-1, step)
