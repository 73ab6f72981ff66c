"""Simulated nights to labelled frames, through the same signal stage that runs at night."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.labels import label_frames
from models.simulator import (
    SENSORS,
    SOURCES,
    NightPlan,
    draw_participant,
    draw_sensor,
    simulate_night,
)
from nightcramp.errors import UsageError
from sensing import AccFormat, EmgFormat, FrontEnd, FrontEndOutput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.truth import SimulatedNight

BLOCK_S = 60

EVENING = datetime(2026, 1, 12, 22)  # noqa: DTZ001 (recordings have local time without zone)

TRAINING_MIX: tuple[tuple[str, int | None], ...] = (
    ("dense", None),
    ("quiet", 3),
    ("exercise", 0),
    ("ordinary", 3),
    ("plm", 2),
    ("dense", None),
    ("exercise", 1),
    ("long_holds", 2),
    ("quiet", 2),
    ("restless_sleeper", 2),
    ("exercise", 0),
    ("toilet_trips", 2),
    ("ordinary", 3),
    ("standing", 2),
    ("restless_legs", 2),
    ("hum", 2),
    ("exercise", 1),
    ("lift_off", 2),
    ("saturation", 2),
    ("dropouts", 2),
)
"""Suite and number of cramps of training nights, in turn; dense nights bring their own number."""

DENSITY = {"dense": 0.4}
"""Dense nights are thinned out, or cramps would be learnt in a bustle they never happen in."""

DRAWN = "drawn"
"""Name of a sensor whose every property is drawn anew for each night."""

SENSOR_ROUND = (
    "profile_v1",
    DRAWN,
    "npg",
    DRAWN,
    "reference",
    "myo",
    DRAWN,
    "demo",
    "psg",
    DRAWN,
    "umyo",
    "lab",
    DRAWN,
    "ganglion",
)


@dataclass(frozen=True, slots=True)
class NightSpec:
    """Which night to simulate; equal specs give equal nights."""

    participant_seed: int
    night_seed: int
    sensor: str
    suite: str
    cramps: int | None
    hours: float
    drop_acc: bool = False
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Frames:
    """Labelled frames in which something stirs.

    Attributes
    ----------
    features : float32 array, shape (frames, features)
    labels : int array, shape (frames,)
        Index into ``CLASS_NAMES``.
    """

    features: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]

    def fingerprint(self) -> str:
        """Return a hash of features and labels."""
        digest = hashlib.sha256(np.ascontiguousarray(self.features).tobytes())
        digest.update(np.ascontiguousarray(self.labels).tobytes())
        return digest.hexdigest()


def night_specs(
    family: int, count: int, hours: float, without: tuple[str, ...] = ()
) -> list[NightSpec]:
    """Return the nights of a seed family; families never share participants or seeds.

    Parameters
    ----------
    family : int
        Training, tuning and evaluation use different ones.
    count : int
        Number of nights, each of another participant.
    hours : float
        Length of each night.
    without : tuple of str
        Names of simulator sources that never happen in them.

    Raises
    ------
    UsageError
        If the simulator knows no such source.
    """
    _check_sources(without)
    specs = []
    for number in range(count):
        suite, cramps = TRAINING_MIX[number // len(SENSOR_ROUND) % len(TRAINING_MIX)]
        specs.append(
            NightSpec(
                participant_seed=family * 1_000_000 + number,
                night_seed=family * 1_000_000 + 500_000 + number,
                sensor=SENSOR_ROUND[number % len(SENSOR_ROUND)],
                suite=suite,
                cramps=cramps,
                hours=hours,
                drop_acc=number % 3 == 1,
                without=without,
            )
        )
    return specs


def make_night(spec: NightSpec) -> SimulatedNight:
    """Simulate the night of a spec."""
    plan = NightPlan(
        spec.hours,
        EVENING,
        cramps=spec.cramps,
        suite=spec.suite,
        density=DENSITY.get(spec.suite, 1.0),
        without=spec.without,
    )
    participant = draw_participant(spec.participant_seed)
    drawn = spec.sensor == DRAWN
    sensor = draw_sensor(spec.night_seed) if drawn else SENSORS[spec.sensor]
    night = simulate_night(participant, plan, sensor, spec.night_seed)
    return replace(night, acc=None) if spec.drop_acc else night


def formats_of(night: SimulatedNight) -> tuple[EmgFormat, AccFormat | None]:
    """Return how the signal stage must read a simulated night."""
    channels = len(night.emg)
    emg = EmgFormat(
        labels=tuple(f"EMG {number + 1}" for number in range(channels)),
        rate_hz=night.emg_rate_hz,
        scaled=night.emg_unit == "uV",
        resolution=(night.emg_resolution,) * channels,
        limits=(night.emg_limits,) * channels,
    )
    acc = AccFormat(night.acc_rate_hz, scaled=True) if night.acc is not None else None
    return emg, acc


def outputs_of(night: SimulatedNight) -> Iterator[FrontEndOutput]:
    """Yield what the signal stage makes of a simulated night, a minute at a time."""
    emg, acc = formats_of(night)
    front_end = FrontEnd(emg, acc)
    yield from (front_end.push(*samples) for samples in blocks_of(night))
    yield front_end.finish()


def blocks_of(
    night: SimulatedNight,
) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32] | None]]:
    """Yield the samples of both streams, a minute at a time."""
    for first_s in range(0, int(np.ceil(night.duration_s)), BLOCK_S):
        emg = night.emg[:, _span(first_s, night.emg_rate_hz)]
        acc = None if night.acc is None else night.acc[:, _span(first_s, night.acc_rate_hz)]
        yield emg, acc


def frames_of(spec: NightSpec) -> Frames:
    """Simulate a night and return its labelled frames."""
    night = make_night(spec)
    emg, _ = formats_of(night)
    bin_s = FrontEnd(emg).bin_s
    features, labels = [], []
    for output in outputs_of(night):
        end_s = np.asarray(output.frame_end_bin[output.active_frame] * bin_s)
        features.append(output.features)
        labels.append(label_frames(end_s, night.events))
    return Frames(np.concatenate(features), np.concatenate(labels))


def join_frames(parts: list[Frames]) -> Frames:
    """Put frames of several nights together."""
    return Frames(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )


def _check_sources(names: tuple[str, ...]) -> None:
    for name in names:
        if name not in SOURCES or name == "cramp":
            known = ", ".join(sorted(source for source in SOURCES if source != "cramp"))
            raise UsageError(f"the simulator cannot leave out {name!r}: expected one of {known}")


def _span(first_s: int, rate_hz: float) -> slice:
    return slice(round(first_s * rate_hz), round((first_s + BLOCK_S) * rate_hz))
