"""A whole simulated trial as a study folder: tables only, no signals.

Cramps per week under placebo and treatment, stopping and wear follow `trial.statistics.TrialSpec`,
whose defaults are those of Tan and colleagues (JAMA Internal Medicine 2024).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from trial.statistics import TrialSpec

if TYPE_CHECKING:
    from pathlib import Path

TREATMENT, REFERENCE = "vitamin K2", "placebo"
FIRST_DAY = np.datetime64("2025-01-06")
RECRUITED_PER_DAY = 0.6
REASONS = ("lost_connection", "lift_off", "saturated", "hum")
REFUSALS = ("not_worn", "battery_empty", "not_worn", "withdrawn")
PLAN = """\
title = "Vitamin K2 for nocturnal leg cramps (simulated)"
weeks = {weeks}
run_in_weeks = {run_in_weeks}
time_zone = "Europe/Vienna"
blinding = "blinded"
data = "simulated"
reference_arm = "placebo"

[estimand]
population = "Adults of 65 years and older with two documented cramps in two weeks, as randomised"
treatment = "Vitamin K2 180 µg daily against placebo"
variable = "Cramps per week of 56 analysable hours over weeks 1 to {weeks}"
summary = "Rate ratio, and difference per week"

[[estimand.intercurrent_events]]
event = "Stop of treatment"
strategy = "treatment policy"

[[eligibility]]
code = "cramps"
text = "At least two documented cramps in two weeks"
kind = "inclusion"

[[eligibility]]
code = "vka"
text = "Takes a vitamin K antagonist"
kind = "exclusion"
hard_stop = true
"""

Floats = npt.NDArray[np.float64]


def write_trial(folder: Path, seed: int, spec: TrialSpec | None = None) -> Path:
    """Write every table of a finished trial; ``arms.tsv`` lies beside them. Returns the folder."""
    spec, rng = spec or TrialSpec(), np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    people = _people(spec, rng)
    nights = _nights(spec, people, rng)
    screened = _screened(len(people) // 2, people, rng)
    listed = people.drop(columns=["treated", "number", "last_week"])
    tables = {
        "arms": people.assign(arm=np.where(people["treated"], TREATMENT, REFERENCE))[
            ["participant_id", "arm"]
        ],
        "participants": pd.concat([listed, screened.drop(columns="failed")]),
        "eligibility": _eligibility(people, screened),
        "nights": _night_rows(nights),
        "episodes": _episodes(nights, rng),
        "diary": _diary(nights, rng),
        "adverse_events": _adverse_events(people, rng),
        "concomitant": _concomitant(people, rng),
        "deviations": _deviations(people, rng),
        "device_events": _device_events(people, rng),
    }
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.tsv", sep="\t", index=False, na_rep="n/a")
    plan = PLAN.format(weeks=spec.weeks, run_in_weeks=spec.run_in_weeks)
    (folder / "study.toml").write_text(plan, encoding="utf-8")
    return folder


def _people(spec: TrialSpec, rng: np.random.Generator) -> pd.DataFrame:
    """Return who was randomised; the order of recruiting says nothing of arm or site."""
    count = spec.treated + spec.controls
    treated = rng.permutation(np.arange(count) < spec.treated)
    wait = np.cumsum(rng.exponential(1 / RECRUITED_PER_DAY, size=count)).astype("int64")
    start = FIRST_DAY + (7 * spec.run_in_weeks + wait).astype("timedelta64[D]")
    site = rng.integers(1, spec.sites + 1, size=count)
    stops = rng.random(count) < np.where(treated, *spec.stopping)
    last = np.where(stops, rng.integers(0, spec.weeks, size=count), spec.weeks)
    end = start + (7 * last).astype("timedelta64[D]")
    stopped = np.where(stops, end, np.datetime64("NaT", "D"))
    reasons = rng.choice(["adverse event", "own wish", "moved away", "lost contact"], size=count)
    return pd.DataFrame(
        {
            "participant_id": [f"S{at}-{n:03d}" for n, at in enumerate(site, start=1)],
            "site": [f"S{at}" for at in site],
            "randomised_on": start,
            "age": np.clip(np.rint(rng.normal(72.3, 5.5, size=count)), 65, 95),
            "sex": rng.choice(["F", "M"], p=[0.54, 0.46], size=count),
            "treatment_stopped_on": stopped,
            "stop_reason": np.where(stops, reasons, None),
            "treated": treated,
            "number": np.arange(count),
            "last_week": last,
        }
    )


def _screened(count: int, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return people who were assessed and not randomised."""
    site = rng.choice(people["site"].unique(), size=count)
    return pd.DataFrame(
        {
            "participant_id": [f"{at}-{900 + n}" for n, at in enumerate(site)],
            "site": site,
            "age": np.clip(np.rint(rng.normal(73, 6, size=count)), 60, 95),
            "sex": rng.choice(["F", "M"], size=count),
            "failed": rng.choice(["cramps", "vka", "none"], p=[0.6, 0.25, 0.15], size=count),
        }
    )


def _eligibility(people: pd.DataFrame, screened: pd.DataFrame) -> pd.DataFrame:
    fit = people[["participant_id", "randomised_on"]].assign(failed="none")
    day = fit["randomised_on"].min()
    everybody = pd.concat([fit, screened.assign(randomised_on=day)])
    answers = [
        everybody.assign(
            assessed_on=everybody["randomised_on"],
            criterion=code,
            answer=np.where(everybody["failed"] == code, wrong, right),
        )
        for code, right, wrong in (("cramps", "yes", "no"), ("vka", "no", "yes"))
    ]
    return pd.concat(answers)[["participant_id", "assessed_on", "criterion", "answer"]]


def _nights(spec: TrialSpec, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return each night: what happened, and what was seen of it."""
    weeks = spec.run_in_weeks + spec.weeks
    treated = people["treated"].to_numpy()[:, None]
    run_in = np.arange(weeks)[None, :] < spec.run_in_weeks
    effect = np.where(treated, spec.rate_ratio, 1.0)
    weekly = np.where(run_in, spec.run_in_rate, spec.reference_rate * effect)
    weekly = weekly * _gamma(spec.person_cv, (len(people), 1), rng)
    rate = np.repeat(weekly * _gamma(spec.week_cv, weekly.shape, rng) / 7, 7, axis=1)
    wear = rng.uniform(*spec.wear, size=(len(people), 1))
    day = np.arange(7 * weeks)
    attends = day < 7 * (spec.run_in_weeks + people["last_week"].to_numpy()[:, None])
    worn = attends & (rng.random(rate.shape) < wear)
    hours = np.where(worn, 8 * rng.uniform(0.85, 1.1, size=rate.shape), 0.0)
    cramps = rng.poisson(rate)
    lost = np.where(rng.random(rate.shape) < 0.2, rng.uniform(0.1, 0.6, size=rate.shape), 0.02)
    analysable = hours * (1 - lost)
    first = people["randomised_on"].to_numpy().astype("datetime64[D]")
    start = first[:, None] + (day - 7 * spec.run_in_weeks).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "participant_id": np.repeat(people["participant_id"].to_numpy(), len(day)),
            "night": start.ravel(),
            "hours": hours.ravel(),
            "analysable": analysable.ravel(),
            "attends": attends.ravel(),
            "cramps": cramps.ravel(),
            "seen": rng.binomial(cramps, np.minimum(analysable / 8, 1)).ravel(),
            "reason": np.where(
                worn, rng.choice(REASONS, size=rate.shape), rng.choice(REFUSALS, size=rate.shape)
            ).ravel(),
        }
    )


def _gamma(cv: float, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    return rng.gamma(cv**-2, cv**2, size=shape)


def _night_rows(nights: pd.DataFrame) -> pd.DataFrame:
    evening = nights["night"].dt.strftime("%Y-%m-%dT21:30:00Z")
    return pd.DataFrame(
        {
            "participant_id": nights["participant_id"],
            "night": nights["night"],
            "start_utc": evening.where(nights["hours"] > 0),
            "recorded_hours": nights["hours"].round(3),
            "analysable_hours": np.floor(1000 * nights["analysable"]) / 1000,
            "reason": nights["reason"],
        }
    )


def _episodes(nights: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    rows = nights.loc[nights.index.repeat(nights["seen"])].reset_index(drop=True)
    after = pd.to_timedelta(rng.uniform(0.01, 0.8, size=len(rows)) * rows["hours"], unit="h")
    onset = rows["night"] + pd.Timedelta(hours=21.5) + after
    minutes = np.exp(rng.normal(0.0, 0.75, size=len(rows)))
    status = rng.choice(["auto", "confirmed", "rejected"], p=[0.9, 0.08, 0.02], size=len(rows))
    table = pd.DataFrame(
        {
            "participant_id": rows["participant_id"],
            "night": rows["night"],
            "onset_utc": onset.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "duration_s": np.maximum(3, 60 * minutes).round(1),
            "confidence": rng.uniform(0.6, 1, size=len(rows)).round(3),
            "status": status,
            "version": "nightcramp 1",
            "kind": "cramp",
            "censored": rng.choice(["none", "offset"], p=[0.95, 0.05], size=len(rows)),
        }
    )
    table = table.assign(onset=onset, end=onset + pd.to_timedelta(table["duration_s"], unit="s"))
    table = table.sort_values(["participant_id", "onset"])
    goes_on = table["onset"] <= table.groupby("participant_id")["end"].shift()
    return table[~goes_on].drop(columns=["onset", "end"])


def _diary(nights: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    rows = nights[nights["attends"] & (rng.random(len(nights)) < 0.9)]
    cramps = rng.binomial(rows["cramps"], 0.85) + (rng.random(len(rows)) < 0.02)
    severity = np.clip(np.rint(rng.normal(5.5, 2, size=len(rows))), 1, 10)
    return pd.DataFrame(
        {
            "participant_id": rows["participant_id"],
            "night": rows["night"],
            "cramps": cramps,
            "severity": np.where(cramps > 0, severity, np.nan),
            "minutes": np.where(cramps > 0, cramps * 1.5, np.nan),
        }
    )


def _some(people: pd.DataFrame, share: float, rng: np.random.Generator) -> pd.DataFrame:
    """Return a share of the participants, each with a day in their treatment weeks."""
    rows = people[rng.random(len(people)) < share]
    days = pd.to_timedelta(rng.integers(0, 50, size=len(rows)), unit="D")
    return rows[["participant_id"]].assign(day=rows["randomised_on"] + days).drop_duplicates()


def _adverse_events(people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    rows = _some(pd.concat([people] * 3), 0.15, rng)
    terms = ["Headache", "Diarrhoea", "Nausea", "Common cold", "Fall", "Back pain", "Dizziness"]
    return pd.DataFrame(
        {
            "participant_id": rows["participant_id"],
            "started_on": rows["day"],
            "ended_on": rows["day"] + pd.Timedelta(days=3),
            "term": rng.choice(terms, size=len(rows)),
            "severity": rng.choice(
                ["mild", "moderate", "severe"], p=[0.7, 0.25, 0.05], size=len(rows)
            ),
            "serious": rng.choice(["no", "yes"], p=[0.95, 0.05], size=len(rows)),
            "related": rng.choice(["no", "possible", "yes"], p=[0.7, 0.25, 0.05], size=len(rows)),
            "outcome": rng.choice(["recovered", "recovering"], p=[0.9, 0.1], size=len(rows)),
        }
    )


def _concomitant(people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    rows = _some(pd.concat([people] * 2), 0.4, rng)
    kinds = ["magnesium", "statin", "diuretic", "vitamin_d", "calcium", "other"]
    kind = rng.choice(kinds, size=len(rows))
    return pd.DataFrame(
        {
            "participant_id": rows["participant_id"],
            "product": [f"{name.replace('_', ' ')} tablets" for name in kind],
            "kind": kind,
            "started_on": rows["day"],
            "stopped_on": None,
        }
    )


def _deviations(people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    rows = _some(people, 0.12, rng)
    return pd.DataFrame(
        {
            "participant_id": rows["participant_id"],
            "noted_on": rows["day"],
            "kind": rng.choice(["visit", "treatment", "device", "other"], size=len(rows)),
            "severity": rng.choice(["minor", "major"], p=[0.85, 0.15], size=len(rows)),
            "description": "Visit outside its window, or doses missed",
        }
    )


def _device_events(people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    rows = _some(pd.concat([people] * 2), 0.15, rng)
    kind = rng.choice(["skin_reaction", "battery", "lost_connection", "damaged"], size=len(rows))
    return pd.DataFrame(
        {
            "participant_id": rows["participant_id"],
            "noted_on": rows["day"],
            "kind": kind,
            "severity": np.where(kind == "skin_reaction", "mild", None),
            "description": None,
        }
    )
