"""How long a sensor's battery will last: from its own drain, else from what its maker says."""

from __future__ import annotations

from dataclasses import dataclass

NIGHT_H = 9.0
"""A night in bed, with time to spare."""

KNOWN_HOURS = {"polar-h10": 400.0, "polar-verity-sense": 30.0}
"""Hours of operation on a full battery that makers state (product pages of Polar).

Makers of the other sensors state none.
"""

_LEAST_DROP = 3
_LEAST_H = 0.25


@dataclass(frozen=True, slots=True)
class Forecast:
    """How long the battery will last.

    Attributes
    ----------
    percent : int or None
        Charge now; None if the sensor does not tell it.
    hours : float or None
        Until it is empty; None if not known.
    measured : bool
        Whether `hours` comes from the drain so far.
    """

    percent: int | None = None
    hours: float | None = None
    measured: bool = False

    @property
    def enough(self) -> bool | None:
        """Whether it lasts the night; None if not known."""
        return None if self.hours is None else self.hours >= NIGHT_H


class BatteryWatch:
    """Remembers what a sensor told of its charge.

    Parameters
    ----------
    device : str
        Name of its `DeviceSpec`.
    """

    def __init__(self, device: str) -> None:
        self._known_hours = KNOWN_HOURS.get(device)
        self._first: tuple[float, int] | None = None
        self._last: tuple[float, int] | None = None

    def push(self, seconds: float, percent: int) -> None:
        """Take a charge in percent at a time in seconds; a charger begins the watch anew."""
        if self._first is None or (self._last and percent > self._last[1]):
            self._first = seconds, percent
        self._last = seconds, percent

    @property
    def forecast(self) -> Forecast:
        """How long it will last from the last report on."""
        if self._first is None or self._last is None:
            return Forecast()
        hours = (self._last[0] - self._first[0]) / 3600
        drop, percent = self._first[1] - self._last[1], self._last[1]
        if drop >= _LEAST_DROP and hours >= _LEAST_H:
            return Forecast(percent, percent * hours / drop, measured=True)
        if self._known_hours is None:
            return Forecast(percent)
        return Forecast(percent, percent / 100 * self._known_hours)


def battery_text(forecast: Forecast) -> str:
    """Say how the battery is."""
    if forecast.percent is None:
        return "battery not told"
    if forecast.hours is None:
        return f"battery {forecast.percent} %"
    source = "by its drain" if forecast.measured else "by its maker"
    return f"battery {forecast.percent} %, about {forecast.hours:.0f} h ({source})"
