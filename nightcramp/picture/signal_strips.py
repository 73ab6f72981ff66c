"""Strips of signals over the whole recording: EMG, activity, posture and score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nightcramp.picture import style
from nightcramp.picture.decimate import sampled, strokes
from nightcramp.picture.marks import COLUMNS, in_lane, label, say
from nightcramp.picture.page import HEIGHT
from nightcramp.picture.shapes import LogScale, round_down, spread
from nightcramp.picture.wording import fitted
from sensing import Quality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from nightcramp.picture.night import Night


def draw_emg(ax: Axes, night: Night) -> None:
    """Draw RMS and noise floor of each channel in a lane of its own, all on one log scale."""
    seconds = night.result.seconds
    good = seconds.rms[seconds.quality == Quality.GOOD]
    scale = LogScale.spanning(good if good.size else seconds.rms, seconds.floor)
    n_lanes = len(seconds.rms)
    for lane, (rms, floor) in enumerate(zip(seconds.rms, seconds.floor, strict=True)):
        x, y = strokes(rms, min(COLUMNS, 8 * COLUMNS // n_lanes))
        ax.plot(x, in_lane(lane, scale.fraction(y)), color=style.BLUE)
        x, y = sampled(floor, COLUMNS // 8)
        y = in_lane(lane, scale.fraction(y))
        ax.plot(x + 0.5, y, color=style.BLACK, dashes=(4, 2.5))
    edges = np.arange(1, n_lanes)
    ax.hlines(edges, 0, night.result.duration_s, style.HAIRLINE, linewidth=0.4)
    ax.set_ylim(n_lanes, 0)
    _tick_lanes(ax, scale, [channel.label for channel in night.info.emg.channels])


def _tick_lanes(ax: Axes, scale: LogScale, labels: Sequence[str]) -> None:
    """Name lanes and their scale; not each of them if they are narrower than the type."""
    stride = -(-len(labels) // _rows_that_fit(ax, 7.5))
    named = range(0, len(labels), stride)
    ticks = scale.ticks(at_most=_rows_that_fit(ax, 10) // len(labels))
    places = [in_lane(lane, scale.fraction(ticks)) for lane in named]
    ax.set_yticks(np.concatenate(places), [f"{tick:g}" for tick in ticks] * len(named))
    for lane in named:
        label(ax, lane + 0.5, fitted(labels[lane], 18))


def _rows_that_fit(ax: Axes, row_pt: float) -> int:
    return max(1, int(ax.get_position().height * HEIGHT * 72 / row_pt))


def draw_activity(ax: Axes, night: Night) -> None:
    """Draw how much the leg moved."""
    activity = night.result.seconds.activity
    if np.isnan(activity).all():
        say(ax, "No acceleration arrived.")
        return
    scale = LogScale.spanning(activity)
    x, y = strokes(activity, COLUMNS)
    ax.plot(x, scale.fraction(y), color=style.INK)
    ax.set_ylim(-0.03, 1.0)
    ticks = scale.ticks(at_most=3)
    ax.set_yticks(list(scale.fraction(ticks)), [f"{tick:g}" for tick in ticks])


def draw_posture(ax: Axes, night: Night) -> None:
    """Draw the direction of gravity, one line for each axis of the sensor."""
    gravity = night.result.seconds.gravity
    if np.isnan(gravity).all():
        say(ax, "No acceleration arrived.")
        return
    for axis, colour in zip(gravity, style.AXIS_COLOURS, strict=True):
        ax.plot(*strokes(axis, COLUMNS), color=colour, linewidth=0.8)
    bound = max(1.15, 1.05 * float(np.nanmax(np.abs(gravity))))
    ax.set_ylim(-bound, bound)
    tick = round_down(bound)
    ax.set_yticks([-tick, 0, tick], [f"−{tick:g}", "0", f"{tick:g}"])
    last = [axis[np.isfinite(axis)][-1] if np.isfinite(axis).any() else 0.0 for axis in gravity]
    places = spread(np.array(last, dtype=np.float64), 0.5 * bound, -0.8 * bound, 0.8 * bound)
    for name, place, colour in zip("xyz", places, style.AXIS_COLOURS, strict=True):
        label(ax, float(place), name, colour=colour, weight="bold")


def draw_score(ax: Axes, night: Night) -> None:
    """Draw the probability of a cramp and the threshold of the detector."""
    score = night.result.seconds.score
    ax.set_ylim(-0.03, 1.03)
    ax.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    if np.isnan(score).all():
        say(ax, "No score: nothing was analysable.")
        return
    ax.plot(*strokes(score, COLUMNS), color=style.INK)
    threshold = night.scores_threshold
    if threshold is not None:
        ax.axhline(threshold, color=style.VERMILLION, linewidth=0.6, dashes=(4, 2.5))
        label(ax, threshold, f"threshold {threshold:.2f}", colour=style.VERMILLION)
