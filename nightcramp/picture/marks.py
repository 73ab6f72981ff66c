"""Marks and words that several strips and panels share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.patches import PathPatch

from nightcramp.picture import style
from nightcramp.picture.shapes import rectangles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.path import Path

    from nightcramp.picture.decimate import Line
    from sensing import Event, Quality

COLUMNS: Final = 920
_LABEL_X: Final = 1.006


def label(
    ax: Axes, y: float, text: str, *, colour: str = style.INK, weight: str = "normal"
) -> None:
    """Name something at the right end of its line, at height `y` in data."""
    ax.text(
        _LABEL_X,
        y,
        text,
        transform=ax.get_yaxis_transform(),
        va="center",
        color=colour,
        weight=weight,
    )


def say(ax: Axes, sentence: str) -> None:
    """Put a sentence where there is nothing to draw."""
    ax.set_yticks([])
    ax.text(
        0.5, 0.5, sentence, transform=ax.transAxes, ha="center", va="center", color=style.SECONDARY
    )


def spans(events: Sequence[Event], bottom: float = 0.0, top: float = 1.0) -> Path:
    """Make a rectangle of each event, as long as it lasted."""
    onsets = np.array([event.onset_s for event in events])
    offsets = np.array([event.offset_s for event in events])
    return rectangles(onsets, offsets, bottom=bottom, top=top)


def patch(path: Path, *, face: str, edge: str) -> PathPatch:
    """Fill and outline a path."""
    return PathPatch(path, facecolor=face, edgecolor=edge, linewidth=0.6)


def quality_patch(path: Path, state: Quality) -> PathPatch:
    """Fill a path with the pattern of a state of quality."""
    face, hatch, edge = style.QUALITY_LOOKS[state]
    return PathPatch(path, facecolor=face, edgecolor=edge, hatch=hatch, linewidth=0.0)


def in_lane(lane: Line | float, fraction: Line | float) -> Line:
    """Place heights of 0 to 1 in a lane; lanes count from the top."""
    return np.asarray(lane + 0.96 - np.multiply(0.92, fraction))
