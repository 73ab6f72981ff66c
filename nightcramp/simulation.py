"""Simulated nights and studies onto disk, each with its truth beside it."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from models.simulator import (
    SENSORS,
    SIMULATOR_VERSION,
    SUITES,
    NightPlan,
    PlannedNight,
    SimulatedStudy,
    StudySpec,
    draw_participant,
    simulate_night,
    simulate_study,
)
from nightcramp.errors import OutputError, UsageError
from nightcramp.outputs import TRUTH_ENDING, truth_text
from nightcramp.processes import each
from recordings import Channel, RecordingInfo, Stream, write_edf, write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from models import SimulatedNight

AXES = ("X", "Y", "Z")

ACC_RESOLUTION_G = 0.00025
"""Step of the written acceleration: 4000 counts per g, range of 8 g, exact as decimal text."""

ACC_LIMITS_G = (-8.0, 8.0)


@dataclass(frozen=True, slots=True)
class NightsSpec:
    """Single nights of different people.

    Attributes
    ----------
    count : int
    hours : float
    sensor, suite : str
        Names known to the simulator.
    seed : int
        The first night's; the others follow.
    start : datetime
        Local time of the first sample, a whole second.
    """

    count: int
    hours: float
    sensor: str
    suite: str
    seed: int
    start: datetime


def write_nights(spec: NightsSpec, out: Path, *, jobs: int) -> Iterator[Path]:
    """Simulate nights and write each as EDF with its truth; yields the EDF files as they are done.

    Raises
    ------
    UsageError
        If the sensor or suite is not known.
    OutputError
        If a file cannot be written.
    """
    if spec.sensor not in SENSORS:
        raise UsageError(f"no sensor {spec.sensor!r}: expected one of {', '.join(SENSORS)}")
    if spec.suite not in SUITES:
        raise UsageError(f"no suite {spec.suite!r}: expected one of {', '.join(SUITES)}")
    _make(out)
    seeds = range(spec.seed, spec.seed + spec.count)
    yield from each(partial(_write_single, spec, out), seeds, jobs)


def write_study(spec: StudySpec, seed: int, out: Path, *, jobs: int) -> Iterator[tuple[int, int]]:
    """Simulate a two-arm study into a study folder; yields nights done and nights there are.

    Tables come first, recordings with their truth go into ``recordings/``. Nights that stand there
    are not made again, so that an interrupted run goes on.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    study = simulate_study(spec, seed)
    _make(out)
    for name, text in study_tables(study, seed).items():
        write_text(out / name, text)
    worn = [night for night in study.nights if night.worn]
    yield 0, len(worn)
    for done, _ in enumerate(each(partial(_write_planned, study, out), worn, jobs), start=1):
        yield done, len(worn)


def study_tables(study: SimulatedStudy, seed: int) -> dict[str, str]:
    """Return the tables of a study folder before any night is analysed, by file name."""
    return {
        "study.toml": _study_toml(study, seed),
        "participants.tsv": _tsv(
            ("participant_id", "site", "randomised_on", "age", "sex"),
            (
                (who.participant_id, who.site, who.randomised_on, who.age, who.sex)
                for who in study.participants
            ),
        ),
        "arms.tsv": _tsv(
            ("participant_id", "arm"), ((who.participant_id, who.arm) for who in study.participants)
        ),
        "nights.tsv": _tsv(
            (
                "participant_id",
                "night",
                "start_utc",
                "recorded_hours",
                "analysable_hours",
                "reason",
            ),
            (
                (night.participant_id, night.night, "n/a", 0, 0, night.reason)
                for night in study.nights
                if not night.worn
            ),
        ),
        "episodes.tsv": _tsv(
            (
                "participant_id",
                "night",
                "onset_utc",
                "duration_s",
                "confidence",
                "status",
                "version",
            ),
            (),
        ),
        "diary.tsv": _tsv(
            ("participant_id", "night", "cramps", "severity", "minutes"),
            (
                (row.participant_id, row.night, row.cramps, row.severity, row.minutes)
                for row in study.diary
            ),
        ),
    }


def write_night(night: SimulatedNight, path: Path, *, code: str, sensor: str) -> None:
    """Write a simulated night as EDF, then its truth beside it.

    Parameters
    ----------
    night : SimulatedNight
    path : Path
        Of the EDF; the truth is named after it.
    code : str
        Participant code for the header.
    sensor : str
        Name of the simulated sensor for the header.
    """
    truth = path.with_name(path.stem.removesuffix("_emg") + TRUTH_ENDING)
    write_text(truth, truth_text(night.events))
    info = night_info(night, path.stem)
    write_edf(path, info, night.emg, night.acc, patient_code=code, equipment=f"simulated-{sensor}")


def night_info(night: SimulatedNight, name: str) -> RecordingInfo:
    """Return what is known of a simulated night as of a recording."""
    emg = tuple(
        Channel(f"EMG GM{number}", night.emg_unit, night.emg_resolution, night.emg_limits)
        for number in range(1, len(night.emg) + 1)
    )
    acc = None
    if night.acc is not None:
        axes = tuple(Channel(f"ACC {axis}", "g", ACC_RESOLUTION_G, ACC_LIMITS_G) for axis in AXES)
        acc = Stream("acc", night.acc_rate_hz, axes, night.acc.shape[1])
    return RecordingInfo(
        name=name,
        start=night.start,
        emg=Stream("emg", night.emg_rate_hz, emg, night.emg.shape[1]),
        acc=acc,
    )


def _write_single(spec: NightsSpec, out: Path, seed: int) -> Path:
    path = (
        out / f"sim-{seed:06d}_{spec.suite.replace('_', '-')}_{spec.sensor.replace('_', '-')}.edf"
    )
    plan = NightPlan(hours=spec.hours, start=spec.start, suite=spec.suite)
    night = simulate_night(draw_participant(seed), plan, SENSORS[spec.sensor], seed)
    write_night(night, path, code=f"SIM{seed:06d}", sensor=spec.sensor)
    return path


def _write_planned(study: SimulatedStudy, out: Path, night: PlannedNight) -> Path:
    entities = f"sub-{night.participant_id}_ses-{night.night:%Y%m%d}"
    folder = (
        out / "recordings" / f"sub-{night.participant_id}" / f"ses-{night.night:%Y%m%d}" / "emg"
    )
    path = folder / f"{entities}_task-sleep_emg.edf"
    if not path.is_file():
        _make(folder)
        sensor = study.spec.sensor
        write_night(study.simulate(night), path, code=night.participant_id, sensor=sensor)
    return path


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: the folder cannot be made ({error.strerror})") from error


def _study_toml(study: SimulatedStudy, seed: int) -> str:
    spec = study.spec
    return f"""\
title = "Simulated two-arm trial, seed {seed}"
data = "simulated"
weeks = {spec.weeks}
run_in_weeks = {spec.run_in_weeks}
nights_per_week = {spec.nights_per_week}
time_zone = "{spec.time_zone}"
blinding = "blinded"
reference_arm = "placebo"

[estimand]
population = "All randomised participants (simulator {SIMULATOR_VERSION}: \
{spec.cramps_per_week:g} cramps per week at run-in)"
treatment = "Active arm against the other (planted rate ratio {spec.rate_ratio:g})"
variable = "Sensor-measured night cramps per week of 56 analysable hours, weeks 1 to {spec.weeks}"
summary = "Rate ratio and difference per week"

[[estimand.intercurrent_events]]
event = "Time without analysable signal"
strategy = "hypothetical"
"""


def _tsv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter="\t", lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(["n/a" if cell is None else cell for cell in row] for row in rows)
    return buffer.getvalue()
