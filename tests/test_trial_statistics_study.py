"""From the files of a study to its final analysis, without a number lost on the way."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pytest

from trial import load_study
from trial.calendar import assign_weeks
from trial.statistics import TrialSpec, analyse, analysis_data, simulate_trial
from trial.weeks import nightly_table, weekly_table

SPEC = TrialSpec(treated=12, controls=12, weeks=2, run_in_weeks=1, sites=1)

PLAN = """
title = "A simulated trial"
weeks = 2
run_in_weeks = 1
time_zone = "UTC"
blinding = "blinded"
data = "simulated"
estimand = "Cramps per week."
"""


def write_study(data, folder):
    """Write simulated nights under treatment, and one run-in night each, as a study's files."""
    first = pd.Timestamp(data.nights["night"].min())
    lines = {
        "participants": ["participant_id\tsite\trandomised_on\tage\tsex"],
        "arms": ["participant_id\tarm"],
        "nights": ["participant_id\tnight\tstart_utc\trecorded_hours\tanalysable_hours\treason"],
        "episodes": [
            "participant_id\tnight\tonset_utc\tduration_s\tconfidence\tstatus\tversion\tcensored"
        ],
        "diary": ["participant_id\tnight\tcramps\tseverity\tminutes"],
    }
    for person in data.people.itertuples():
        lines["participants"].append(f"{person.participant_id}\tS0\t{first:%Y-%m-%d}\t70\tF")
        lines["arms"].append(f"{person.participant_id}\t{person.arm}")
        write_night(lines, person.participant_id, first - timedelta(days=3), 7.0, 2)
    for row in data.nights.itertuples():
        if row.hours > 0:
            write_night(lines, row.participant_id, row.night, row.hours, row.events)
        if pd.notna(row.diary_cramps):
            severity = "n/a" if pd.isna(row.severity) else f"{row.severity:g}"
            lines["diary"].append(
                f"{row.participant_id}\t{row.night:%Y-%m-%d}\t{row.diary_cramps:g}\t{severity}\tn/a"
            )
    (folder / "study.toml").write_text(PLAN, encoding="utf-8")
    for name, rows in lines.items():
        (folder / f"{name}.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def write_night(lines, person, night, hours, events):
    start = pd.Timestamp(night) + timedelta(hours=21)
    stamp = f"{start:%Y-%m-%dT%H:%M:%S}Z"
    lines["nights"].append(f"{person}\t{night:%Y-%m-%d}\t{stamp}\t{hours!r}\t{hours!r}\tn/a")
    for number in range(events):
        onset = start + timedelta(seconds=hours * 3600 * (number + 0.25) / events)
        seconds = min(40.0, hours * 3600 / events / 4)
        lines["episodes"].append(
            f"{person}\t{night:%Y-%m-%d}\t{onset:%Y-%m-%dT%H:%M:%S.%f}Z\t{seconds:.3f}\t0.9\tauto"
            f"\t1\t{'offset' if number else 'none'}"
        )


@pytest.fixture(scope="module")
def simulated():
    return simulate_trial(SPEC, 4)


@pytest.fixture(scope="module")
def read(simulated, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    write_study(simulated, folder)
    study = load_study(folder, arms=folder / "arms.tsv")
    return analysis_data(
        weekly_table(study),
        reference="placebo",
        episodes=assign_weeks(study.counted_episodes, study),
        nights=nightly_table(study),
    )


def test_weeks_come_back_as_they_were_simulated(simulated, read):
    keys, values = ["participant_id", "week"], ["exposure", "events", "nights"]
    one, other = (data.weeks.sort_values(keys).reset_index(drop=True) for data in (simulated, read))
    assert other[keys].equals(one[keys].astype(other[keys].dtypes))
    assert other[values].to_numpy() == pytest.approx(one[values].to_numpy(), rel=1e-6)


def test_people_have_their_arm_and_the_rate_of_their_run_in(simulated, read):
    people = read.people.set_index("participant_id")
    expected = simulated.people.set_index("participant_id")["arm"]
    assert people["arm"].to_dict() == expected.to_dict()
    assert people["baseline_rate"].tolist() == pytest.approx([2 / 7 * 56] * 24)


def test_cramps_and_diary_come_along(simulated, read):
    assert len(read.episodes) == len(simulated.episodes)
    assert read.episodes["censored"].any()
    worn = simulated.nights[simulated.nights["hours"] > 0]
    assert len(read.nights) == len(worn)
    assert read.nights["diary_cramps"].sum() == worn["diary_cramps"].sum()


def test_the_whole_analysis_runs_on_it(read):
    found = analyse(read)
    assert found.randomised == 24
    assert found.primary.estimate("rate ratio").value < 1
    assert found.sensor_against_diary.nights > 50
