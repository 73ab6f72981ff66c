"""The strip of what was found: cramps, possible cramps and leg movements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.markers import CARETLEFTBASE, CARETRIGHTBASE

from nightcramp.picture import style
from nightcramp.picture.marks import label, patch, say, spans
from nightcramp.picture.shapes import spread, verticals
from nightcramp.picture.wording import counted
from sensing import Event, EventKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from nightcramp.picture.night import Episode, Night


def draw_episodes(ax: Axes, night: Night) -> None:
    """Draw cramps and possible cramps with their labels, and leg movements under them."""
    ax.set_ylim(0, 1)
    ax.set_yticks([])
    for is_cramp, face in ((True, style.VERMILLION), (False, "none")):
        events = [each.event for each in night.episodes if each.is_cramp is is_cramp]
        ax.add_patch(patch(spans(events, 0.4, 0.6), face=face, edge=style.VERMILLION))
        middle = [event.onset_s + event.duration_s / 2 for event in events]
        ax.plot(
            middle,
            [0.7] * len(middle),
            "v",
            color=style.VERMILLION,
            markerfacecolor=face,
            markersize=3.5,
            markeredgewidth=0.6,
        )
    _draw_open_ends(ax, night.episodes)
    _number(ax, night.episodes, night.result.duration_s)
    _draw_movements(ax, night.result.of_kind(EventKind.LEG_MOVEMENT))
    _count_events(ax, night)


def _draw_movements(ax: Axes, movements: Sequence[Event]) -> None:
    periodic = np.array([m.onset_s for m in movements if m.detail == "periodic"])
    single = np.array([m.onset_s for m in movements if m.detail != "periodic"])
    ax.plot(*verticals(single, 0.02, 0.14), color=style.SECONDARY)
    ax.plot(*verticals(periodic, 0.02, 0.26), color=style.GREEN, linewidth=0.9)


def _count_events(ax: Axes, night: Night) -> None:
    if not night.episodes and night.result.analysable_s == 0:
        say(ax, "Not judged: nothing was analysable.")
        return
    cramps = len(night.result.of_kind(EventKind.CRAMP))
    possible = len(night.result.of_kind(EventKind.POSSIBLE_CRAMP))
    movements = night.result.of_kind(EventKind.LEG_MOVEMENT)
    periodic = sum(movement.detail == "periodic" for movement in movements)
    label(ax, 0.84, f"▼ {counted(cramps, 'cramp')}", colour=style.VERMILLION)
    label(ax, 0.61, f"▽ {possible} possible", colour=style.VERMILLION)
    label(ax, 0.36, f"╷ {counted(len(movements), 'leg movement')}", colour=style.SECONDARY)
    label(ax, 0.12, f"┃ {periodic} of them periodic", colour=style.GREEN)


def _draw_open_ends(ax: Axes, episodes: Sequence[Episode]) -> None:
    starts = [each.event.onset_s for each in episodes if each.onset_hidden]
    ends = [each.event.offset_s for each in episodes if each.offset_hidden]
    for places, marker in ((starts, CARETLEFTBASE), (ends, CARETRIGHTBASE)):
        ax.plot(
            places,
            [0.5] * len(places),
            color=style.BLACK,
            marker=marker,
            markersize=3.5,
            linestyle="none",
            clip_on=False,
        )


def _number(ax: Axes, episodes: Sequence[Episode], duration_s: float) -> None:
    middle = np.array([e.event.onset_s + e.event.duration_s / 2 for e in episodes])
    places = spread(middle, 0.012 * duration_s, 0.004 * duration_s, 0.996 * duration_s)
    for episode, place in zip(episodes, places, strict=True):
        ax.text(
            float(place),
            0.98,
            episode.label,
            ha="center",
            va="top",
            color=style.INK,
            weight="bold" if episode.is_cramp else "normal",
        )
