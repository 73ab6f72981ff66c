"""A simulated study as tables: no signal is made, only what analyses would have said of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PLAN = """\
title = "Simulated trial of {people} participants"
data = "simulated"
weeks = {weeks}
run_in_weeks = 2
time_zone = "Europe/Vienna"
blinding = "blinded"
reference_arm = "placebo"
estimand = "Cramps per week of 56 analysable hours"
"""
HEADERS = {
    "participants": "participant_id site randomised_on age sex",
    "nights": "participant_id night start_utc recorded_hours analysable_hours reason end_utc",
    "episodes": "participant_id night onset_utc duration_s confidence status version kind censored",
    "diary": "participant_id night cramps severity minutes",
    "arms": "participant_id arm",
}
RANDOMISED = date(2026, 1, 19)
CRAMPS = (0, 0, 0, 0, 1, 1, 2)
"""Cramps of a night, drawn alike: about four a week."""


def write_tables(folder: Path, people: int, nights: int) -> None:
    """Write the tables of a study of so many participants and nights each, two weeks run-in."""
    folder.mkdir(parents=True, exist_ok=True)
    random = Random(8)  # noqa: S311  (a simulation, not a secret)
    plan = PLAN.format(people=people, weeks=nights // 7 - 2)
    (folder / "study.toml").write_text(plan, encoding="utf-8")
    rows: dict[str, list[str]] = {name: [text.replace(" ", "\t")] for name, text in HEADERS.items()}
    for number in range(people):
        _add_person(rows, random, number, nights)
    for name, lines in rows.items():
        (folder / f"{name}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _add_person(rows: dict[str, list[str]], random: Random, number: int, nights: int) -> None:
    person = f"P{number:05d}"
    age, sex = random.randint(65, 85), random.choice("fm")
    rows["participants"].append(f"{person}\tS{number % 8}\t{RANDOMISED}\t{age}\t{sex}")
    rows["arms"].append(f"{person}\t{('active', 'placebo')[number % 2]}")
    for day in range(-14, nights - 14):
        night = RANDOMISED + timedelta(days=day)
        if random.random() < 0.08:
            rows["nights"].append(f"{person}\t{night}\tn/a\t0\t0\tnot_worn\tn/a")
        else:
            _add_night(rows, random, person, night)


def _add_night(rows: dict[str, list[str]], random: Random, person: str, night: date) -> None:
    start = datetime(night.year, night.month, night.day, 21, random.randrange(60), tzinfo=UTC)
    hours = round(random.uniform(6.5, 8.5), 4)
    end, good = start + timedelta(hours=hours), round(hours * 0.97, 4)
    rows["nights"].append(f"{person}\t{night}\t{_utc(start)}\t{hours}\t{good}\tmotion\t{_utc(end)}")
    cramps = random.choice(CRAMPS)
    for turn in range(cramps):
        onset = start + timedelta(seconds=7000 * turn + random.randrange(600, 6000))
        length = random.uniform(20, 200)
        rows["episodes"].append(
            f"{person}\t{night}\t{_utc(onset)}\t{length:.2f}\t0.9\tauto\tmodel 2\tcramp\tnone"
        )
    severity, minutes = (5, 2 * cramps) if cramps else ("n/a", "n/a")
    rows["diary"].append(f"{person}\t{night}\t{cramps}\t{severity}\t{minutes}")


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
