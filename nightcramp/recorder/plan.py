"""What a night is to record: which sensors, on which leg, of whom, where to, until when."""

from __future__ import annotations

import os
import re
import zoneinfo
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from firmware_bridge.link import Sought
from nightcramp.errors import RecordingError, UsageError
from nightcramp.sensors import device_named
from nightcramp.version import code_version
from recordings.journal import SUFFIX, JournalLabel, open_journal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from firmware_bridge import Clock, DeviceSpec

LEGS = ("left", "right")
NOBODY = "anonymous"

_PSEUDONYM = re.compile(r"[A-Za-z0-9]{1,20}")
_CLOCK_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class SensorPlan:
    """One sensor of the night.

    Attributes
    ----------
    sought : Sought
    leg : str
        ``left``, ``right``, or empty if not said.
    journal : Path
    label : JournalLabel
    companion_of : int or None
        Place in the plan of the sensor that it gives its acceleration to.
    """

    sought: Sought
    leg: str
    journal: Path
    label: JournalLabel
    companion_of: int | None = None

    @property
    def spec(self) -> DeviceSpec:
        """Kind of the sensor."""
        return self.sought.spec


@dataclass(frozen=True, slots=True)
class NightPlan:
    """A night to record.

    Attributes
    ----------
    folder : Path
    night : date
        Of its evening; a night goes from noon to noon.
    sensors : tuple of SensorPlan
    stop_monotonic_ns, stop_wall_ns : int or None
        When it ends by itself; without either, when somebody ends it.
    site_key : Path or None
        Public key; with it the journals are encrypted.
    """

    folder: Path
    night: date
    sensors: tuple[SensorPlan, ...]
    stop_monotonic_ns: int | None = None
    stop_wall_ns: int | None = None
    site_key: Path | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller asks for, as written on the command line.

    Attributes
    ----------
    sensors : sequence of str
        ``DEVICE``, ``DEVICE:NAME`` or ``DEVICE@ADDRESS``.
    legs : sequence of str
        One for each sensor; none if there is one sensor.
    participant : str
        Pseudonym.
    companion : str or None
        A further sensor, for the acceleration of the only one.
    out : Path
    until : str or None
        ``HH:MM``, local time.
    hours : float or None
    site_key : Path or None
    """

    sensors: Sequence[str]
    legs: Sequence[str] = ()
    participant: str = NOBODY
    companion: str | None = None
    out: Path = Path("recordings")
    until: str | None = None
    hours: float | None = None
    site_key: Path | None = None


def plan_night(wishes: Wishes, clock: Clock) -> NightPlan:
    """Return what is to be recorded from now on.

    Raises
    ------
    UsageError
        If a sensor is unknown, legs and sensors do not match, the participant's code is no
        pseudonym, or both an hour and a duration are given.
    """
    if not _PSEUDONYM.fullmatch(wishes.participant):
        raise UsageError(
            f"--participant {wishes.participant!r}: expected a code of letters and digits, for "
            "example P042, never a name"
        )
    if wishes.companion and len(wishes.sensors) != 1:
        raise UsageError("--companion gives acceleration to one sensor: give one --sensor with it")
    now = datetime.fromtimestamp(clock.wall_ns() / 1e9)  # noqa: DTZ006 (nights are local)
    night = night_date(now)
    sensors = [
        _sensor(text, leg, wishes, night, role="emg")
        for text, leg in zip(wishes.sensors, _legs(wishes), strict=True)
    ]
    if wishes.companion:
        sensors.append(_sensor(wishes.companion, sensors[0].leg, wishes, night, role="acc"))
    stop_monotonic_ns, stop_wall_ns = _stop(wishes, now, clock)
    return NightPlan(
        wishes.out, night, tuple(sensors), stop_monotonic_ns, stop_wall_ns, wishes.site_key
    )


def with_sensor(plan: NightPlan, text: str, leg: str) -> NightPlan:
    """Return a night with a sensor more, for the leg that has none.

    Raises
    ------
    UsageError
        If the sensor is unknown, or not exactly the other leg has one.
    """
    taken = [sensor.leg for sensor in plan.sensors]
    if sorted((*taken, leg)) != sorted(LEGS):
        raise UsageError(
            f"a sensor on leg {leg!r} cannot be added: expected one sensor, on the other leg of "
            f"{' and '.join(LEGS)}; recorded are {', '.join(map(repr, taken))}"
        )
    participant = str(plan.sensors[0].label.metadata["participant"])
    wishes = Wishes([text], [leg], participant, out=plan.folder)
    added = _sensor(text, leg, wishes, plan.night, role="emg")
    return replace(plan, sensors=(*plan.sensors, added))


def night_date(local: datetime) -> date:
    """Return the evening's date of the night that a local time belongs to."""
    return (local - timedelta(hours=12)).date()


def parse_sensor(text: str) -> Sought:
    """Understand ``DEVICE``, ``DEVICE:NAME`` or ``DEVICE@ADDRESS``.

    Raises
    ------
    UsageError
        If there is no such device.
    """
    device, mark, which = text, "", ""
    place = min((at for at in (text.find(":"), text.find("@")) if at > 0), default=-1)
    if place > 0:
        device, mark, which = text[:place], text[place], text[place + 1 :]
    if mark and not which:
        raise UsageError(f"--sensor {text!r}: expected DEVICE, DEVICE:NAME or DEVICE@ADDRESS")
    spec = device_named(device)
    return Sought(spec, which if mark == ":" else None, which if mark == "@" else None)


def _legs(wishes: Wishes) -> list[str]:
    legs, n = list(wishes.legs), len(wishes.sensors)
    if n == 1 and not legs:
        return [""]
    unknown = [leg for leg in legs if leg not in LEGS]
    if unknown or len(legs) != n or len(set(legs)) != n:
        raise UsageError(
            f"{n} sensors need as many legs, each once: --sensor … --leg left --sensor … --leg "
            f"right; got {', '.join(legs) or 'none'}"
        )
    return legs


def _sensor(text: str, leg: str, wishes: Wishes, night: date, *, role: str) -> SensorPlan:
    sought = parse_sensor(text)
    parts = [wishes.participant, night.isoformat(), *([leg] if leg else [])]
    metadata: dict[str, str | int | float | None] = {
        "participant": wishes.participant,
        "night": night.isoformat(),
        "leg": leg or None,
        "time_zone": local_zone_name(),
    }
    if role == "acc":
        parts.append("companion")
        metadata["companion"] = "acc"
    journal = wishes.out / ("_".join(parts) + SUFFIX)
    label = _known_label(journal, JournalLabel(sought.spec.name, _recorder(), metadata))
    return SensorPlan(sought, leg, journal, label, 0 if role == "acc" else None)


def _known_label(journal: Path, label: JournalLabel) -> JournalLabel:
    """Return the label of a journal that goes on: a computer may change its time zone meanwhile."""
    try:
        known = open_journal(journal).header.label.metadata.get("time_zone")
    except RecordingError:  # new, or cut off as it began; what must not go on the writer refuses
        return label
    return replace(label, metadata={**label.metadata, "time_zone": known})


def local_zone_name() -> str | None:
    """Return the name of this computer's time zone; None if it does not tell one."""
    named = [os.environ.get("TZ", "").removeprefix(":")]
    parts = Path("/etc/localtime").resolve().parts
    if "zoneinfo" in parts:
        named.append("/".join(parts[parts.index("zoneinfo") + 1 :]))
    return next((name for name in named if name in zoneinfo.available_timezones()), None)


def _recorder() -> str:
    return f"nightcramp {code_version()}"


def _stop(wishes: Wishes, now: datetime, clock: Clock) -> tuple[int | None, int | None]:
    if wishes.until and wishes.hours:
        raise UsageError("--until and --hours exclude each other")
    if wishes.hours:
        return clock.monotonic_ns() + round(wishes.hours * 3600e9), None
    if not wishes.until:
        return None, None
    match = _CLOCK_TIME.fullmatch(wishes.until)
    if not match:
        raise UsageError(f"--until {wishes.until!r}: expected HH:MM, for example 07:00")
    stop = datetime.combine(now.date(), time(int(match[1]), int(match[2])))
    stop += timedelta(days=1) if stop <= now else timedelta()
    return None, round(stop.timestamp() * 1e9)
