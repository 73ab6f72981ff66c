"""Figures of a night in words and small pictures, for a terminal."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING

from firmware_bridge.link import LinkState, explain
from nightcramp.recorder.battery import battery_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightcramp.recorder.figures import NightFigures, SensorFigures, SignalFigures

_BARS = "▁▂▃▄▅▆▇█"
_RANGE_FLOORS = 30.0
_LATEST = 5
_STALE_S = 5.0

_CONTACT = {
    "good": "contact good",
    "gap": "no data in the last seconds",
    "warm_up": "contact not known yet",
    "flat": "no signal: is the sensor on the skin?",
    "saturated": "signal at its limit: press the electrodes on",
    "lift_off": "an electrode is off the skin",
    "hum": "mains hum covers the signal",
    "noisy": "noisy: poor skin contact",
    "motion": "movement covers the signal",
    "unknown": "contact not known yet",
}


def night_lines(figures: NightFigures) -> list[str]:
    """Say how the night stands, in a few lines."""
    lines = [_head(figures)]
    for sensor in figures.sensors:
        lines += sensor_lines(sensor)
    if figures.prompt:
        lines.append(f">> {figures.prompt}")
    return lines


def sensor_lines(sensor: SensorFigures) -> list[str]:
    """Say how a sensor stands: link, signal, episodes."""
    signal = sensor.signal
    who = " ".join(filter(None, (sensor.leg, sensor.title)))
    lines = [f"{who}: {_link(sensor)}, {battery_text(signal.battery)}, {_contact(sensor)}"]
    if sensor.cause and sensor.state is not LinkState.STREAMING:
        lines.append(f"  {explain(sensor.cause)}")
    if sensor.alarm:
        lines.append(f"  DISK: {sensor.alarm}")
    if signal.envelope:
        lines.append(f"  {sparkline(signal)}  last minute")
    share = f", {signal.missing:.1%} missing" if signal.missing else ""
    lines.append(
        f"  recorded {as_hours(signal.recorded_s)}, analysable {as_hours(signal.analysable_s)}"
        f"{share}, cramps {_counted(signal)}"
    )
    lines += [f"    {line}" for line in _episodes(signal)]
    if signal.trouble:
        lines.append(f"  {signal.trouble}")
    return lines


def sparkline(signal: SignalFigures) -> str:
    """Draw the last minute's amplitude, from one noise floor to thirty of them."""
    floor = signal.floor or max(min(signal.envelope, default=0.0), 1e-9)
    top = len(_BARS) - 1
    heights = [(value / floor - 1) / (_RANGE_FLOORS - 1) for value in signal.envelope]
    return "".join(_BARS[round(top * min(1.0, max(0.0, h)) ** 0.5)] for h in heights)


def as_hours(seconds: float) -> str:
    """Return a length of time as hours and minutes."""
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours} h {minutes:02} min"


def local_time(wall_ns: int) -> str:
    """Return local time of day, to the second."""
    return datetime.fromtimestamp(wall_ns / 1e9).astimezone().strftime("%H:%M:%S")


def _head(figures: NightFigures) -> str:
    until = ""
    if figures.until_ns and figures.state == "recording":
        until = f" until {local_time(figures.until_ns)[:5]}"
    marks = f", {figures.marks} marked by you" if figures.marks else ""
    free = f"{_as_bytes(figures.free_bytes)} free"
    state = figures.state
    if state == "fetching":
        awaited_s = sum(sensor.signal.awaited_s for sensor in figures.sensors)
        state = f"fetching what was kept, {math.ceil(awaited_s / 60)} min to go"
    return f"{local_time(figures.wall_ns)}  {state}{until}, {free}{marks}"


def _as_bytes(n: int) -> str:
    return f"{n / 1e9:.1f} GB" if n >= 1e9 else f"{n / 1e6:.0f} MB"


def _link(sensor: SensorFigures) -> str:
    state = sensor.state.replace("_", " ")
    if sensor.data_age_s is None:
        return f"{state}, no data yet"
    if sensor.state is LinkState.STREAMING and sensor.data_age_s < _STALE_S:
        return state
    return f"{state}, last data {sensor.data_age_s:.0f} s ago"


def _contact(sensor: SensorFigures) -> str:
    return _CONTACT.get(sensor.signal.contact, sensor.signal.contact)


def _counted(signal: SignalFigures) -> str:
    sure = sum(found.event.kind == "cramp" for found in signal.episodes)
    possible = len(signal.episodes) - sure
    return f"{sure} (and {possible} possible)" if possible else str(sure)


def _episodes(signal: SignalFigures) -> Sequence[str]:
    return [
        f"{local_time(found.onset_ns)}  {found.event.kind.replace('_', ' ')}, "
        f"{found.event.duration_s:.0f} s"
        for found in signal.episodes[-_LATEST:]
    ]
