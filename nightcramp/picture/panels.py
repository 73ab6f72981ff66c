"""The panels of the night picture: each episode closely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from nightcramp.picture import style
from nightcramp.picture.close_up import CloseUp, read_close_up
from nightcramp.picture.decimate import FloatArray, Line, runs, strokes
from nightcramp.picture.marks import quality_patch
from nightcramp.picture.page import WIDTH
from nightcramp.picture.shapes import rectangles, round_down, spread
from nightcramp.picture.wording import episode_length, episode_strength, fitted
from sensing import Quality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from nightcramp.picture.night import Episode, Night
from nightcramp.picture.page import Page

AT_MOST: Final = 6
_COLUMNS_PER_INCH: Final = 130
_GAP: Final = 0.16
_LINE: Final = 0.135
_TIME_WIDTH: Final = 0.62
_TIMES: Final = 0.2
_ACC: Final = 0.34


@dataclass(frozen=True, slots=True)
class _Frame:
    """Room for one panel, in inches, and the scales that all panels share."""

    left: float
    width: float
    bottom: float
    top: float
    emg_bound: float
    acc_bound: float


def draw_panels(page: Page, night: Night, box: tuple[float, float, float, float]) -> None:
    """Draw the first six episodes side by side, on common scales of EMG and of acceleration.

    Parameters
    ----------
    page : Page
    night : Night
    box : tuple of float
        Left, right, bottom and top of the room for all panels, in inches.
    """
    left, right, bottom, top = box
    shown = night.episodes[:AT_MOST]
    close_ups = [read_close_up(night.recording, episode.event) for episode in shown]
    bounds = _emg_bound(close_ups), _acc_bound(close_ups)
    width = (right - left + _GAP) / len(shown) - _GAP
    for column, (episode, close_up) in enumerate(zip(shown, close_ups, strict=True)):
        frame = _Frame(left + column * (width + _GAP), width, bottom, top, *bounds)
        axes = _draw_panel(page, night, episode, close_up, frame)
        for name, ax in axes.items():
            ax.set_gid(f"panel-{column + 1}-{name}")
            if column > 0:
                ax.set_yticklabels([])


def _draw_panel(
    page: Page, night: Night, episode: Episode, close_up: CloseUp, frame: _Frame
) -> dict[str, Axes]:
    lines = _title(night, episode, close_up)
    for row, line in enumerate(lines):
        weight = "bold" if row == 0 else "normal"
        page.text(frame.left, frame.top - _LINE * row, line, weight=weight, va="top")
    roof = frame.top - _LINE * len(lines) - 0.06
    foot = frame.bottom + _TIMES
    axes = {}
    if close_up.acc is not None:
        axes["acc"] = page.axes("close up of ACC", frame.left, foot, frame.width, _ACC)
        _draw_acc(axes["acc"], close_up, close_up.acc, frame.acc_bound)
        foot += _ACC + 0.06
    axes["emg"] = page.axes("close up of EMG", frame.left, foot, frame.width, roof - foot)
    _draw_emg(axes["emg"], close_up, frame.emg_bound)
    for ax in axes.values():
        _mark_ends(ax, close_up, episode)
    _name_ends(next(iter(axes.values())), night, close_up, episode)
    return axes


def _title(night: Night, episode: Episode, close_up: CloseUp) -> list[str]:
    event = episode.event
    when = night.timeline.moment(event.onset_s)
    lines = [f"{episode.label} · {when} · {episode_length(event)}", episode_strength(event)]
    several = len(night.info.emg.channels) > 1
    return [*lines, fitted(close_up.channel, 24)] if several else lines


def _emg_bound(close_ups: Sequence[CloseUp]) -> float:
    """Choose a scale that fills a panel with the strongest episode.

    It follows the envelope and not the largest sample, so that a movement in a cramp, many times
    as loud, leaves the panel instead of flattening every cramp beside it. Normally distributed
    samples stay within four and a half times their RMS for hours.
    """
    bounds = [1.0e-6]
    for close_up in close_ups:
        swing = _quantile(close_up.emg[close_up.within(close_up.emg.size)], 1.0)
        envelope = _quantile(close_up.envelope[close_up.within(close_up.envelope.size)], 0.9)
        bounds.append(1.1 * min(swing, 4.5 * envelope))
    return max(bounds)


def _acc_bound(close_ups: Sequence[CloseUp]) -> float:
    moved = [_quantile(each.acc, 0.995) for each in close_ups if each.acc is not None]
    return max([0.05, *(1.1 * swing for swing in moved)])


def _quantile(values: FloatArray, quantile: float) -> float:
    """Quantile of the sizes of all known values; 0 if there are none."""
    known = np.abs(values[np.isfinite(values)])
    return float(np.quantile(known, quantile)) if known.size else 0.0


def _draw_emg(ax: Axes, close_up: CloseUp, bound: float) -> None:
    columns = _columns(ax)
    ax.plot(*_line(close_up, close_up.emg, columns), color=style.SKY_BLUE, linewidth=0.4)
    ax.plot(*_line(close_up, close_up.envelope, columns), color=style.INK, linewidth=0.7)
    start, stop = runs(np.isnan(close_up.emg))
    start, stop = (close_up.time_of(edge, close_up.emg.size) for edge in (start, stop))
    gaps = rectangles(start, stop, bottom=-bound, top=bound)
    ax.add_patch(quality_patch(gaps, Quality.GAP))
    ax.set_ylim(-bound, bound)
    tick = round_down(bound)
    ax.set_yticks([-tick, 0, tick], [f"−{tick:g}", "0", f"{tick:g}"])
    ax.set_xticks([])


def _draw_acc(ax: Axes, close_up: CloseUp, acc: FloatArray, bound: float) -> None:
    for axis, colour in zip(acc, style.AXIS_COLOURS, strict=True):
        ax.plot(*_line(close_up, axis, _columns(ax) // 2), color=colour, linewidth=0.5)
    ax.set_ylim(-bound, bound)
    tick = round_down(bound)
    ax.set_yticks([-tick, tick], [f"−{tick:g}", f"{tick:g}"])
    ax.set_xticks([])


def _mark_ends(ax: Axes, close_up: CloseUp, episode: Episode) -> None:
    """Tint a cramp and rule the ends of the episode: solid where seen, dotted where hidden."""
    event = episode.event
    ax.set_xlim(close_up.start_s, close_up.stop_s)
    if episode.is_cramp:
        ax.axvspan(event.onset_s, event.offset_s, color=style.TINT, linewidth=0)
    ends = (event.onset_s, episode.onset_hidden), (event.offset_s, episode.offset_hidden)
    for seconds, hidden in ends:
        ax.axvline(seconds, color=style.VERMILLION, linewidth=0.8, linestyle=":" if hidden else "-")


def _name_ends(ax: Axes, night: Night, close_up: CloseUp, episode: Episode) -> None:
    """Write onset and offset under their lines, pushed apart where they are close."""
    ends = np.array([episode.event.onset_s, episode.event.offset_s])
    names = [
        "≤ " * episode.onset_hidden + night.timeline.moment(ends[0]),
        "≥ " * episode.offset_hidden + night.timeline.moment(ends[1]),
    ]
    room = _TIME_WIDTH * (close_up.stop_s - close_up.start_s) / (ax.get_position().width * WIDTH)
    places = spread(ends, room, close_up.start_s + room / 2, close_up.stop_s - room / 2)
    ax.set_xticks(ends, [])
    for place, name in zip(places, names, strict=True):
        ax.annotate(
            name,
            (place, 0),
            (0, -4),
            xycoords=ax.get_xaxis_transform(),
            textcoords="offset points",
            ha="center",
            va="top",
        )


def _line(close_up: CloseUp, values: FloatArray, columns: int) -> tuple[Line, Line]:
    position, value = strokes(values, columns)
    return close_up.time_of(position, values.size), value


def _columns(ax: Axes) -> int:
    return int(ax.get_position().width * WIDTH * _COLUMNS_PER_INCH)
