"""The strips of the night picture, and what runs through all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nightcramp.picture import style
from nightcramp.picture.decimate import runs
from nightcramp.picture.episode_strip import draw_episodes
from nightcramp.picture.marks import patch, say, spans
from nightcramp.picture.quality_strip import draw_quality
from nightcramp.picture.shapes import rectangles, verticals
from nightcramp.picture.signal_strips import draw_activity, draw_emg, draw_posture, draw_score
from sensing import EventKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

    from nightcramp.picture.night import Night


@dataclass(frozen=True, slots=True)
class Strip:
    """One row of the picture.

    Attributes
    ----------
    name, caption : str
        What it shows; both stand to its left.
    height : float
        In inches; 0 for the strip that takes the room that the others leave.
    space : float
        Room under it, in inches; not scaled.
    draw : callable
    """

    name: str
    caption: str
    height: float
    draw: Callable[[Axes, Night], None]
    space: float = 0.07


def strips_of(night: Night) -> list[Strip]:
    """Rows that this recording needs, top to bottom."""
    n_channels = len(night.info.emg.channels)
    return [
        Strip("EMG RMS", f"{night.emg_unit}, log\n╌ noise floor", 0.0, draw_emg),
        *_acc_strips(night),
        Strip(
            "Signal quality",
            "by channel" if n_channels > 1 else "",
            min(0.16 + 0.04 * n_channels, 0.4),
            draw_quality,
            space=0.25,
        ),
        Strip("Cramp score", "probability", 0.44, draw_score),
        Strip("Episodes", "", 0.56, draw_episodes),
    ]


def _acc_strips(night: Night) -> list[Strip]:
    if night.info.acc is None:
        return [Strip("Acceleration", "", 0.2, _say_no_acc)]
    return [
        Strip("Activity", f"ACC SD, {night.acc_unit}", 0.42, draw_activity),
        Strip("Posture", f"ACC mean, {night.acc_unit}", 0.44, draw_posture),
    ]


def _say_no_acc(ax: Axes, _night: Night) -> None:
    say(ax, "No accelerometer in this recording: activity and posture are not known.")


def draw_background(ax: Axes, night: Night) -> None:
    """Draw what runs through all strips: time grid, lost time in grey, cramps in colour."""
    ticks = night.timeline.ticks()
    ax.set_xticks([seconds for seconds, _ in ticks], [name for _, name in ticks])
    ax.set_yticks([])
    ax.set_ylim(0, 1)
    lost = runs(~night.result.seconds.analysable)
    ax.add_patch(patch(rectangles(*lost, bottom=0, top=1), face=style.SHADE, edge="none"))
    ax.plot(*verticals(np.array([s for s, _ in ticks]), 0, 1), color=style.HAIRLINE, linewidth=0.4)
    cramps = spans(night.result.of_kind(EventKind.CRAMP))
    ax.add_patch(patch(cramps, face=style.TINT, edge=style.DEEP_TINT))
