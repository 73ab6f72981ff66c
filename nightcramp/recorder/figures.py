"""How a night stands at this moment, as screens and the status file show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nightcramp.recorder.battery import Forecast

if TYPE_CHECKING:
    from firmware_bridge.link import LinkCause, LinkState
    from sensing import Event


@dataclass(frozen=True, slots=True)
class FoundEpisode:
    """An episode and when it began.

    Attributes
    ----------
    event : Event
    onset_ns : int
        Wall clock, nanoseconds since 1970-01-01 UTC; right to about a second.
    """

    event: Event
    onset_ns: int


@dataclass(frozen=True, slots=True)
class SignalFigures:
    """What is known from a sensor's samples.

    Attributes
    ----------
    recorded_s, analysable_s : float
        Time on the recording's grid, and the part in which a cramp would have been seen.
    missing : float or None
        Share of EMG samples that never came.
    contact : str
        State of the signal in the last ten seconds: ``good``, a reason, or ``unknown``.
    unit : str
        ``uV`` or ``count``.
    envelope : tuple of float
        Largest amplitude of each of the last 60 seconds, oldest first.
    floor : float or None
        Noise floor of the quietest channel.
    battery : Forecast
    episodes : tuple of FoundEpisode
    rejects : int
        Notifications that could not be understood.
    trouble : str
        Why episodes are not found live; empty if they are.
    decision_lag_s : float
        From the arrival of the newest judged bytes to the decision on them.
    awaited_s : float
        Length of what is missing and the sensor may still send.
    """

    recorded_s: float = 0.0
    analysable_s: float = 0.0
    missing: float | None = None
    contact: str = "unknown"
    unit: str = "count"
    envelope: tuple[float, ...] = ()
    floor: float | None = None
    battery: Forecast = field(default_factory=Forecast)
    episodes: tuple[FoundEpisode, ...] = ()
    rejects: int = 0
    trouble: str = ""
    decision_lag_s: float = 0.0
    awaited_s: float = 0.0


@dataclass(frozen=True, slots=True)
class SensorFigures:
    """How one sensor stands.

    Attributes
    ----------
    title, leg : str
    journal : str
        Name of the journal's folder.
    state : LinkState
    cause : LinkCause or None
        What went wrong last, until data flow again.
    data_age_s : float or None
        Since the last notification; None before the first.
    durable_age_s : float
        Age of the oldest record that a power cut would take.
    alarm : str
        What is wrong with the disk; empty if nothing is.
    signal : SignalFigures
    """

    title: str
    leg: str
    journal: str
    state: LinkState
    cause: LinkCause | None
    data_age_s: float | None
    durable_age_s: float
    alarm: str
    signal: SignalFigures


@dataclass(frozen=True, slots=True)
class NightFigures:
    """How the night stands.

    Attributes
    ----------
    wall_ns, started_ns : int
    until_ns : int or None
        When it ends by itself.
    state : str
        ``recording``; ``fetching`` what sensors kept, once the night is over; ``ended``.
    prompt : str
        What the person is asked to do; empty if nothing.
    marks : int
        How often the participant has marked a cramp.
    free_bytes : int
        Left on the disk.
    sensors : tuple of SensorFigures
    """

    wall_ns: int
    started_ns: int
    until_ns: int | None
    state: str
    prompt: str
    marks: int
    free_bytes: int
    sensors: tuple[SensorFigures, ...]
