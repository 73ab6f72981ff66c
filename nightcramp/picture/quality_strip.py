"""The strip that says which seconds were lost, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nightcramp.picture import style
from nightcramp.picture.decimate import ByteArray, lost_bars
from nightcramp.picture.marks import COLUMNS, in_lane, patch, quality_patch
from nightcramp.picture.shapes import rectangles
from nightcramp.picture.wording import percent, shares, state_word

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nightcramp.picture.night import Night


def draw_quality(ax: Axes, night: Night) -> None:
    """Draw for each channel what was lost, in the pattern of its reason, and name the patterns."""
    quality = night.result.seconds.quality
    n_channels, n_seconds = quality.shape
    ends = np.zeros(n_channels), np.full(n_channels, float(n_seconds))
    lanes = np.arange(n_channels, dtype=np.float64)
    whole = rectangles(*ends, bottom=in_lane(lanes, 0.0), top=in_lane(lanes, 1.0))
    ax.add_patch(patch(whole, face=style.ANALYSABLE, edge="none"))
    for lane, channel in zip(lanes, quality, strict=True):
        for reason, bars in lost_bars(channel, COLUMNS).items():
            right, top = bars.left + bars.width, in_lane(lane, bars.height)
            bottom = in_lane(lane, 0.0)
            path = rectangles(bars.left, right, bottom=bottom, top=top)
            ax.add_patch(quality_patch(path, reason))
    ax.set_ylim(n_channels, 0)
    ax.set_yticks([])
    _name_states(ax, quality)


def _name_states(ax: Axes, quality: ByteArray) -> None:
    """Show each pattern with its share of the time of all channels, under the strip."""
    handles = []
    for state, share in shares(quality).items():
        unit = rectangles(np.zeros(1), np.ones(1), bottom=0, top=1)
        swatch = quality_patch(unit, state)
        swatch.set(label=f"{state_word(state)} {percent(share)}", linewidth=0.3)
        handles.append(swatch)
    ax.legend(
        handles=handles,
        ncols=len(handles),
        loc="upper left",
        bbox_to_anchor=(0.0, 0.0),
        borderaxespad=0.3,
        borderpad=0.0,
        columnspacing=1.4,
        frameon=False,
        handlelength=1.6,
        handletextpad=0.5,
    )
