"""The night picture: header, strips, panels and footer on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nightcramp.picture import style
from nightcramp.picture.night import Night
from nightcramp.picture.page import BOTTOM, LEFT, RIGHT, TOP, Page
from nightcramp.picture.panels import AT_MOST, draw_panels
from nightcramp.picture.strips import draw_background, strips_of
from nightcramp.picture.wording import (
    Status,
    describe,
    fitted,
    headline,
    judge,
    plain_sentence,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nightcramp.picture.strips import Strip
    from recordings import Recording
    from sensing import NightResult

_PLOT_LEFT: Final = 1.5
_PLOT_RIGHT: Final = 10.15
_HEADER: Final = 0.97
_TIMES: Final = 0.32
_PANELS: Final = 2.3
_SENTENCE: Final = 0.4
_FOOTER: Final = 0.42
_LINE: Final = 0.13

_STATUS_LOOKS: Final = {
    Status.GOOD: ("●", "#00734F"),
    Status.USABLE: ("◐", "#8A6000"),
    Status.NOT_USABLE: ("○", "#B04A00"),
}
_DEFINITIONS: Final = (
    "EMG RMS: largest 0.1 s amplitude of each second. "
    "Analysable: a cramp would have been seen; other time is grey."
)
_CLOSE_UP_DEFINITIONS: Final = (
    " Close up: raw EMG (blue), 0.1 s RMS above 20 Hz (black), ACC less its median."
)


def draw_night(
    result: NightResult,
    recording: Recording,
    *,
    scores_threshold: float | None = None,
    makers: str = "",
) -> Figure:
    """Draw a recording and what was found in it on one page (A4, landscape).

    Parameters
    ----------
    result : NightResult
        What the detector says.
    recording : Recording
        Where it was found; read again around the episodes that are shown closely.
    scores_threshold : float, optional
        Probability at which the detector opens an episode.
    makers : str, optional
        Versions and hashes behind the result, for the foot of the page.

    Returns
    -------
    Figure
        For `render_svg` and `render_png`; pyplot is not involved.
    """
    night = Night(result, recording, scores_threshold)
    foot = BOTTOM + _FOOTER
    roof = foot + (_PANELS if night.episodes else _SENTENCE)
    with style.settings():
        page = Page()
        _draw_header(page, night)
        _draw_strips(page, night, roof + _TIMES, TOP - _HEADER)
        if night.episodes:
            _draw_close_ups(page, night, foot, roof)
        else:
            page.text(_PLOT_LEFT, foot + 0.14, plain_sentence(result), size=style.MEDIUM)
        _draw_footer(page, night, makers)
    return page.figure


def _draw_header(page: Page, night: Night) -> None:
    name = fitted(night.info.name, 100)
    size = style.LARGE * min(1.0, 50 / max(1, len(name)))
    page.text(LEFT, TOP - 0.14, name, size=size, weight="bold")
    about = f"{night.timeline.caption()} · {describe(night.info)}"
    page.text(LEFT, TOP - 0.34, about, size=style.NORMAL, colour=style.SECONDARY)
    for column, (figure, label) in enumerate(headline(night.result)):
        x = LEFT + 1.5 * column
        page.text(x, TOP - 0.67, figure, size=style.LARGE)
        page.text(x, TOP - 0.82, label, colour=style.SECONDARY)
    verdict = judge(night.result)
    sign, colour = _STATUS_LOOKS[verdict.status]
    words = f"{sign} {verdict.status}"
    page.text(RIGHT, TOP - 0.14, words, size=style.LARGE, weight="bold", colour=colour, ha="right")
    page.text(
        RIGHT, TOP - 0.34, verdict.reason, size=style.NORMAL, colour=style.SECONDARY, ha="right"
    )


def _draw_strips(page: Page, night: Night, bottom: float, top: float) -> None:
    width = _PLOT_RIGHT - _PLOT_LEFT
    background = page.axes("background", _PLOT_LEFT, bottom, width, top - bottom)
    draw_background(background, night)
    background.set_xlim(0, night.result.duration_s)
    strips = strips_of(night)
    heights = _heights(strips, top - bottom, 1.0 if night.episodes else 1.5)
    y = top
    for strip, height in zip(strips, heights, strict=True):
        ax = page.axes(strip.name, _PLOT_LEFT, y - height, width, height)
        ax.xaxis.set_visible(False)
        ax.set_xlim(0, night.result.duration_s)
        strip.draw(ax, night)
        _caption(page, y, strip.name, strip.caption)
        y -= height + strip.space
    page.text(LEFT, bottom - 0.06, night.timeline.name, colour=style.SECONDARY, va="top")


def _heights(strips: list[Strip], room: float, stretch: float) -> list[float]:
    """Stretch the strips that have a height; the one without gets what is left."""
    used = sum(stretch * strip.height + strip.space for strip in strips) - strips[-1].space
    return [stretch * strip.height or room - used for strip in strips]


def _caption(page: Page, top: float, name: str, caption: str) -> None:
    page.text(LEFT, top, name, size=style.NORMAL, weight="bold", va="top")
    page.text(LEFT, top - 0.15, caption, colour=style.SECONDARY, va="top")


def _draw_close_ups(page: Page, night: Night, bottom: float, top: float) -> None:
    more = len(night.episodes) - AT_MOST
    pointer = f"\n\n+ {more} more in\nthe events file" if more > 0 else ""
    _caption(page, top, "Close up", f"EMG, {night.emg_unit}{pointer}")
    if night.info.acc is not None:
        page.text(LEFT, bottom + 0.4, f"ACC, {night.acc_unit}", colour=style.SECONDARY, va="top")
    draw_panels(page, night, (_PLOT_LEFT, RIGHT, bottom, top))


def _draw_footer(page: Page, night: Night, makers: str) -> None:
    definitions = _DEFINITIONS + _CLOSE_UP_DEFINITIONS * bool(night.episodes)
    notes = f"Notes: {'; '.join(night.info.notes)}" if night.info.notes else ""
    lines = [definitions, notes, makers]
    written = [fitted(line, 195) for line in lines if line]
    for row, line in enumerate(reversed(written)):
        page.text(LEFT, BOTTOM + _LINE * row, line, colour=style.SECONDARY)
