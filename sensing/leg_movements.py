"""Leg movements in sleep by the AASM/WASM rules, so that they are named and not called cramps.

Ferri et al., "World Association of Sleep Medicine 2016 standards for recording and scoring leg
movements", and the AASM manual: onset 8 uV above rest, end where half a second stays within 2 uV
of rest, 0.5 to 10 s long; periodic where at least four follow each other within 5 to 90 s.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sensing.types import BoolArray, EmgFormat, Event, EventKind, FloatArray

if TYPE_CHECKING:
    from sensing.frames import FrontEndOutput

ONSET_UV, END_UV = 8.0, 2.0
"""Amplitude above rest at which a movement begins, and below which it ends ..."""

NOISY_UV = 8.0
"""... over a floor of up to this. Above it both rise with the floor, or its noise would move legs
(S-PLMAD; Moore et al. 2014, "Design and validation of a periodic leg movement detector")."""

ONSET_RATIO, END_RATIO = 4.0, 1.7
"""The same without a scale, in multiples of the floor (8 and 2 uV over a floor of about 2.7 uV)."""

SHORTEST_S, LONGEST_S = 0.5, 10.0
END_QUIET_S = 0.5

SERIES_LENGTH = 4
SERIES_INTERVAL_S = (5.0, 90.0)


class LegMovementScorer:
    """Finds leg movements bin by bin.

    Parameters
    ----------
    form : EmgFormat
    bin_s : float
        Length of a bin in seconds.
    """

    def __init__(self, form: EmgFormat, bin_s: float) -> None:
        self._scaled = form.scaled
        self._bin_s = bin_s
        self._quiet_bins = round(END_QUIET_S / bin_s)
        self._bin = 0
        self._onset: int | None = None
        self._last_above = 0
        self._movements: list[Event] = []

    def push(self, output: FrontEndOutput) -> None:
        """Take completed bins."""
        amplitude = np.where(np.isnan(output.level), np.nan, np.sqrt(output.emg.power))
        begins = self._over(amplitude, output.emg.floor, ONSET_UV, ONSET_RATIO)
        above = self._over(amplitude, output.emg.floor, END_UV, END_RATIO)
        known = np.asarray(~np.isnan(output.level).all(axis=0))
        onsets = np.flatnonzero(begins & known)
        place = 0
        while place < len(known):
            if self._onset is None:
                following = int(np.searchsorted(onsets, place))
                if following == len(onsets):
                    break
                place = int(onsets[following])
                self._onset = self._last_above = self._bin + place
            else:
                self._go_on(self._bin + place, stays=bool(above[place]), known=bool(known[place]))
            place += 1
        self._bin += len(known)

    def finish(self, episodes: list[Event]) -> list[Event]:
        """Return the movements outside of `episodes`, those of a series marked as periodic."""
        self._end()
        free = [
            movement
            for movement in self._movements
            if not any(_overlap(movement, episode) for episode in episodes)
        ]
        return mark_periodic(free)

    def _over(
        self, amplitude: FloatArray, floor: FloatArray, microvolts: float, ratio: float
    ) -> BoolArray:
        risen = microvolts * np.maximum(floor / NOISY_UV, 1.0)
        edge = floor + risen if self._scaled else floor * ratio
        return np.asarray((amplitude > edge).any(axis=0), dtype=np.bool_)

    def _go_on(self, number: int, *, stays: bool, known: bool) -> None:
        """Take the bin of this number while a movement lasts."""
        if not known:
            self._onset = None  # a movement that meets a gap has no known length
        elif stays:
            self._last_above = number
        elif number - self._last_above >= self._quiet_bins:
            self._end()

    def _end(self) -> None:
        if self._onset is None:
            return
        duration_s = (self._last_above + 1 - self._onset) * self._bin_s
        if SHORTEST_S <= duration_s <= LONGEST_S:
            onset_s = self._onset * self._bin_s
            self._movements.append(Event(onset_s, duration_s, EventKind.LEG_MOVEMENT))
        self._onset = None


def mark_periodic(movements: list[Event]) -> list[Event]:
    """Mark movements of series: at least four, 5 to 90 s from onset to onset."""
    onsets = np.array([movement.onset_s for movement in movements])
    gaps = np.diff(onsets)
    joined = (gaps >= SERIES_INTERVAL_S[0]) & (gaps <= SERIES_INTERVAL_S[1])
    breaks = np.flatnonzero(~joined) + 1
    marked = []
    for series in np.split(np.arange(len(movements)), breaks):
        periodic = len(series) >= SERIES_LENGTH
        for index in series:
            movement = movements[index]
            marked.append(replace(movement, detail="periodic") if periodic else movement)
    return marked


def _overlap(one: Event, other: Event) -> bool:
    return one.onset_s < other.offset_s and other.onset_s < one.offset_s
