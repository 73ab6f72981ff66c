"""Windows other than seven nights a week in parallel arms: sessions, crossover, fewer nights."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightcramp.errors import TableError, UsageError
from trial import (
    Provenance,
    RunKind,
    Study,
    load_study,
    nightly_table,
    outcomes,
    period_table,
    published_tables,
    render_report,
    response_table,
    weekly_table,
)
from trial.calendar import planned_nights
from trial.episodes import episode_flow
from trial.summary import summarise

if TYPE_CHECKING:
    from pathlib import Path

MADE = Provenance("1.2.3", "model-7", "ab" * 32, datetime(2026, 4, 1, 9, tzinfo=UTC))
FIRST = date(2026, 3, 2)
PLAN = """
title = "A study"
weeks = {weeks}
run_in_weeks = {run_in}
time_zone = "Europe/Vienna"
blinding = "open"
estimand = "Cramps per week."
"""
HEADS = {
    "participants": "participant_id site randomised_on age sex",
    "nights": "participant_id night start_utc recorded_hours analysable_hours reason",
    "episodes": "participant_id night onset_utc duration_s confidence status version",
    "sessions": "participant_id start_utc end_utc recorded_hours analysable_hours reason",
    "diary": "participant_id night cramps severity minutes",
    "arms": "participant_id arm treatment_period",
}


def write(folder: Path, plan: str, **rows: list[str]) -> Path:
    """Write a study folder; cells of a row are separated by blanks."""
    (folder / "study.toml").write_text(plan, encoding="utf-8")
    for name in ("participants", "nights", "episodes", *rows):
        lines = [HEADS[name], *rows.get(name, [])]
        text = "".join(line.replace(" ", "\t") + "\n" for line in lines)
        (folder / f"{name}.tsv").write_text(text, encoding="utf-8")
    return folder


def night(name: str, day: int, hours: float = 8, reason: str = "n/a") -> str:
    evening = FIRST + timedelta(days=day)
    start = f"{evening}T21:00:00Z" if hours else "n/a"
    return f"{name} {evening} {start} {hours} {hours} {reason}"


def cramp(name: str, day: int, minute: int = 0) -> str:
    evening = FIRST + timedelta(days=day)
    return f"{name} {evening} {evening}T22:{minute:02d}:00Z 60 0.9 auto 1"


# Fewer nights than seven


def three_nights_a_week(folder: Path, nights: list[str]) -> Study:
    plan = PLAN.format(weeks=2, run_in=0) + "nights_per_week = 3\n"
    return load_study(write(folder, plan, participants=["P01 A 2026-03-02 70 F"], nights=nights))


def days_planned(study: Study) -> list[int]:
    return [(n - pd.Timestamp(FIRST)).days for n in planned_nights(study)["night"]]


def test_nights_that_were_recorded_are_the_planned_ones(tmp_path: Path) -> None:
    study = three_nights_a_week(
        tmp_path, [night("P01", 1), night("P01", 3), night("P01", 6), night("P01", 13)]
    )
    assert days_planned(study) == [1, 3, 6, 7, 9, 13]
    weeks = weekly_table(study)
    assert weeks["nights_planned"].tolist() == [3, 3]
    assert weeks["nights_recorded"].tolist() == [3, 1]


def test_a_night_beyond_the_plan_counts_as_planned_and_a_reason_before_none(tmp_path: Path) -> None:
    nights = [night("P01", day) for day in (0, 1, 2, 3)]
    study = three_nights_a_week(tmp_path, [*nights, night("P01", 12, 0, "battery")])
    assert days_planned(study) == [0, 1, 2, 3, 7, 9, 12]
    assert weekly_table(study)["nights_planned"].tolist() == [4, 3]
    assert study.plan.display.week_nights == 2
    assert weekly_table(study)["displayed"].tolist() == [True, False]


def test_the_rate_still_refers_to_seven_nights(tmp_path: Path) -> None:
    plan = PLAN.format(weeks=1, run_in=0) + "nights_per_week = 2\n"
    folder = write(
        tmp_path,
        plan,
        participants=["P01 A 2026-03-02 70 F"],
        nights=[night("P01", 0), night("P01", 3)],
        episodes=[cramp("P01", 0)],
    )
    assert weekly_table(load_study(folder))["rate"].tolist() == [pytest.approx(1 / 16 * 56)]


# Sessions

SESSIONS = PLAN.format(weeks=1, run_in=1) + "[sessions]\nper_week = 3\nhours = 4\n"


def dialysis(folder: Path) -> Path:
    """Write a participant with sessions of haemodialysis from 10:00 to 14:00, over noon."""
    sessions = []
    for day in (-6, -4, -2, 1, 3, 5):
        on = FIRST + timedelta(days=day)
        hours = "n/a n/a n/a" if day == 5 else "0 0 not_worn" if day == 3 else "4 3.5 lift_off"
        sessions.append(f"P01 {on}T09:00:00Z {on}T13:00:00Z {hours}")
    return write(
        folder,
        SESSIONS,
        participants=["P01 A 2026-03-02 70 F"],
        nights=[
            "P01 2026-03-02 2026-03-03T08:00:00Z 2.5 2.5 n/a",
            "P01 2026-03-03 2026-03-03T11:00:00Z 9 9 n/a",
        ],
        episodes=[
            "P01 2026-03-02 2026-03-03T08:30:00Z 60 0.9 auto 1",
            "P01 2026-03-02 2026-03-03T09:30:00Z 60 0.9 auto 1",
            "P01 2026-03-03 2026-03-03T12:59:59Z 1 0.9 auto 1",
            "P01 2026-03-03 2026-03-03T13:00:00Z 60 0.9 auto 1",
        ],
        sessions=sessions,
    )


def test_only_what_begins_in_a_session_counts_and_noon_does_not_part_it(tmp_path: Path) -> None:
    study = load_study(dialysis(tmp_path))
    assert study.counted_episodes["onset_utc"].dt.strftime("%H:%M:%S").tolist() == [
        "09:30:00",
        "12:59:59",
    ]
    assert study.counted_episodes["night"].dt.day.tolist() == [2, 2]
    assert episode_flow(study).not_exposed == 2
    assert episode_flow(study).auto == 2


def test_sessions_are_the_nights_of_every_table(tmp_path: Path) -> None:
    study = load_study(dialysis(tmp_path))
    weeks = weekly_table(study).set_index("week")
    assert weeks["nights_planned"].to_dict() == {-1: 3, 1: 2}
    assert weeks["nights_recorded"].to_dict() == {-1: 3, 1: 1}
    assert weeks["analysable_hours"].to_dict() == {-1: 10.5, 1: 3.5}
    assert weeks.loc[1, "rate"] == pytest.approx(2 / 3.5 * 12)
    assert summarise(study).reference_hours == 12
    assert study.plan.display.night_hours == 2
    page = render_report(study, MADE)
    assert "3 sessions of 4 hours" in page
    assert "12 analysable hours" in page


@pytest.mark.parametrize(
    ("row", "place", "words"),
    [
        ("P01 2026-03-05T13:00:00Z 2026-03-05T09:00:00Z n/a n/a n/a", "end_utc", "after the start"),
        ("P01 2026-03-05T09:00:00Z 2026-03-05T13:00:00Z 5 4 n/a", "recorded_hours", "4.00 h after"),
        ("P01 2026-03-05T09:00:00Z 2026-03-05T13:00:00Z 3 n/a n/a", "recorded_hours", "both"),
        ("P01 2026-03-05T09:00:00Z 2026-03-05T13:00:00Z 3 4 n/a", "analysable_hours", "no more"),
        ("P01 2026-03-03T12:00:00Z 2026-03-03T14:00:00Z n/a n/a n/a", "start_utc", "overlap"),
        ("P01 2026-03-03T19:00:00Z 2026-03-03T21:00:00Z n/a n/a n/a", None, None),
        ("P01 2026-03-04T08:00:00Z 2026-03-04T09:00:00Z n/a n/a n/a", None, None),
        ("P01 2026-04-05T09:00:00Z 2026-04-05T13:00:00Z n/a n/a n/a", "start_utc", "last night"),
        ("P01 2026-03-05T09:00:00 2026-03-05T13:00:00Z n/a n/a n/a", "start_utc", "time zone"),
    ],
)
def test_an_impossible_session_is_named(
    tmp_path: Path, row: str, place: str | None, words: str | None
) -> None:
    folder = dialysis(tmp_path)
    file = folder / "sessions.tsv"
    lines = file.read_text("utf-8").splitlines()
    lines[6] = row.replace(" ", "\t")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if place is None:
        load_study(folder)
        return
    with pytest.raises(TableError) as caught:
        load_study(folder)
    texts = [str(problem) for problem in caught.value.problems]
    assert any(f"sessions.tsv: line 7, column {place}" in text and words in text for text in texts)


def test_two_sessions_of_one_night_are_refused(tmp_path: Path) -> None:
    folder = dialysis(tmp_path)
    file = folder / "sessions.tsv"
    row = "P01 2026-03-02T20:00:00Z 2026-03-02T21:00:00Z n/a n/a n/a".replace(" ", "\t")
    file.write_text(file.read_text("utf-8") + row + "\n", encoding="utf-8")
    with pytest.raises(TableError, match=r"sessions\.tsv: line 8, column night"):
        load_study(folder)


def test_sessions_and_their_plan_come_together(tmp_path: Path) -> None:
    folder = dialysis(tmp_path)
    (folder / "sessions.tsv").rename(folder / "other.tsv")
    with pytest.raises(TableError, match=r"sessions\.tsv: no such file"):
        load_study(folder)
    (folder / "other.tsv").rename(folder / "sessions.tsv")
    (folder / "study.toml").write_text(PLAN.format(weeks=1, run_in=1), encoding="utf-8")
    with pytest.raises(TableError, match=r"no table \[sessions\]"):
        load_study(folder)


# Crossover


def crossover(folder: Path) -> Path:
    """Write three people in AB and three in BA: 1 cramp a week under A, 4 under B, 2 before."""
    plan = PLAN.format(weeks=2, run_in=1) + "[crossover]\nwashout_weeks = 1\n"
    people, nights, episodes, arms = [], [], [], []
    for number in range(6):
        name = f"P{number:02d}"
        people.append(f"{name} S{number % 2} {FIRST} 70 F")
        order = ("A", "B") if number < 3 else ("B", "A")
        arms += [f"{name} {arm} {period}" for period, arm in enumerate(order, start=1)]
        for day in range(-7, 35):
            nights.append(night(name, day))
            week = day // 7
            per_week = {"A": 1, "B": 4}
            count = 2 if week == -1 else 0 if week == 2 else per_week[order[week > 2]]
            episodes += [cramp(name, day, m) for m in range(count if day % 7 == 0 else 0)]
    return write(folder, plan, participants=people, nights=nights, episodes=episodes, arms=arms)


def test_the_order_of_rows_changes_nothing_that_is_written(tmp_path: Path) -> None:
    folder = crossover(tmp_path)
    documents = []
    for _ in range(2):
        document = outcomes(load_study(folder, arms=folder / "arms.tsv"), MADE)
        document.pop("provenance")
        documents.append(document)
        for name in ("nights", "episodes", "arms"):
            head, *rows = (folder / f"{name}.tsv").read_text("utf-8").splitlines()
            text = "\n".join([head, *reversed(rows)]) + "\n"
            (folder / f"{name}.tsv").write_text(text, encoding="utf-8")
    assert documents[0] == documents[1]


def test_a_crossover_has_two_periods_with_a_washout_between(tmp_path: Path) -> None:
    folder = crossover(tmp_path)
    weekly = weekly_table(load_study(folder, arms=folder / "arms.tsv"))
    one = weekly[weekly["participant_id"] == "P00"].set_index("week")
    assert one["period"].tolist() == ["run_in", *["treatment"] * 2, "washout", *["treatment"] * 2]
    assert one["treatment_period"].tolist() == [0, 1, 1, 0, 2, 2]
    assert one["arm"].fillna("-").tolist() == ["-", "A", "A", "-", "B", "B"]
    assert set(one["sequence"]) == {"A then B"}
    assert one["nights_planned"].tolist() == [7] * 6


def test_the_arms_of_a_crossover_hold_everybody_once(tmp_path: Path) -> None:
    folder = crossover(tmp_path)
    study = load_study(folder, arms=folder / "arms.tsv")
    summary = summarise(study)
    for group, rate in zip(summary.arms, (1, 4), strict=True):
        frequency = group.treatment.outcomes.frequency
        assert frequency.participants == 6
        assert frequency.value == pytest.approx(rate)
        assert group.run_in is None
    assert summary.pooled.treatment.outcomes.frequency.participants == 6
    assert summary.pooled.treatment.outcomes.frequency.value == pytest.approx(2.5)
    assert len(period_table(study)) == 6 * 3
    assert len(period_table(study, by_arm=True)) == 6 * 4
    responses = response_table(study).set_index(["participant_id", "arm"])
    assert responses.loc[("P00", "A"), "reduction"] == pytest.approx(0.5)
    assert responses.loc[("P05", "B"), "reduction"] == pytest.approx(-1)
    assert responses.loc[("P05", "A"), "weeks_to_effect"] == 1
    page = render_report(study, MADE)
    assert "B then A" in page
    assert "A, treatment" in page


def test_a_crossover_with_closed_arms_keeps_the_sequence_closed(tmp_path: Path) -> None:
    study = load_study(crossover(tmp_path))
    assert "sequence" not in weekly_table(study)
    assert "responses" not in published_tables(study)
    assert outcomes(study, MADE)["responses"] is None
    render_report(study, MADE)


def test_the_final_analysis_does_not_take_a_crossover_for_parallel_groups(tmp_path: Path) -> None:
    folder = crossover(tmp_path)
    study = load_study(folder, arms=folder / "arms.tsv")
    with pytest.raises(UsageError, match="period and sequence"):
        outcomes(study, MADE, RunKind.FINAL)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("P00\tB\t2\n", "", "'P00' has an arm for period 1 only"),
        ("P00\tB\t2\n", "P00\tA\t2\n", "'P00' has 'A' in both periods"),
        ("P00\tB\t2\n", "P00\tB\t3\n", "expected one of 1, 2"),
        ("P00\tB\t2\n", "P00\tB\t1\n", "on line 2 already"),
    ],
)
def test_everybody_crosses_over(tmp_path: Path, old: str, new: str, words: str) -> None:
    file = crossover(tmp_path) / "arms.tsv"
    file.write_text(file.read_text("utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(TableError) as caught:
        load_study(tmp_path, arms=file)
    assert words in str(caught.value)


def test_nobody_need_wear_a_sensor_in_the_washout(tmp_path: Path) -> None:
    folder = crossover(tmp_path)
    file = folder / "nights.tsv"
    washout = [str(FIRST + timedelta(days=day)) for day in range(14, 21)]
    kept = [
        row for row in file.read_text("utf-8").splitlines() if row.split("\t")[1] not in washout
    ]
    file.write_text("\n".join(kept) + "\n", encoding="utf-8")
    weeks = weekly_table(load_study(folder)).groupby("week")["nights_planned"].sum()
    assert weeks.to_dict() == {-1: 42, 1: 42, 2: 42, 3: 0, 4: 42, 5: 42}


# Every table


NIGHTS = st.lists(
    st.tuples(
        st.sampled_from(["P01", "P02", "P03"]),
        st.integers(-7, 13),
        st.sampled_from([0, 3.5, 6, 8]),
        st.integers(0, 3),
    ),
    max_size=30,
    unique_by=lambda row: row[:2],
)


@settings(
    deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(NIGHTS, st.randoms(use_true_random=False))
def test_weeks_are_the_sums_of_their_nights_in_any_order_of_rows(
    tmp_path: Path, rows: list[tuple[str, int, float, int]], random
) -> None:
    people = [f"P0{number} A {FIRST} 70 F" for number in (1, 2, 3)]
    nights = [night(name, day, hours) for name, day, hours, _ in rows]
    episodes = [
        cramp(name, day, m) for name, day, hours, n in rows for m in range(n if hours else 0)
    ]
    diary = [f"{name} {FIRST + timedelta(days=day)} {n} n/a n/a" for name, day, _, n in rows]
    texts = []
    for _ in range(2):
        plan = PLAN.format(weeks=2, run_in=1)
        folder = write(
            tmp_path, plan, participants=people, nights=nights, episodes=episodes, diary=diary
        )
        study = load_study(folder)
        texts.append(weekly_table(study).to_csv() + period_table(study).to_csv())
        for table in (nights, episodes, diary):
            random.shuffle(table)
    assert texts[0] == texts[1]
    sums = (
        nightly_table(study)
        .groupby(["participant_id", "week"])[
            ["recorded_hours", "analysable_hours", "episodes", "minutes", "cramps"]
        ]
        .sum()
    )
    weekly = weekly_table(study).set_index(["participant_id", "week"])
    for column, of_nights in (
        ("recorded_hours", "recorded_hours"),
        ("analysable_hours", "analysable_hours"),
        ("episodes", "episodes"),
        ("total_minutes", "minutes"),
        ("diary_cramps", "cramps"),
    ):
        weeks = weekly[column].astype("Float64").fillna(0.0).astype("float64")
        expected = sums[of_nights].reindex(weekly.index, fill_value=0.0)
        pd.testing.assert_series_equal(weeks, expected, check_names=False, check_dtype=False)


LOST = st.lists(
    st.tuples(
        st.integers(-7, 13),
        st.sampled_from([0.1, 3.5, 6, 8]),
        st.integers(0, 3),
        st.sampled_from(["seen", "in part", "not analysable", "not recorded", "not in the table"]),
    ),
    min_size=1,
    max_size=21,
    unique_by=lambda row: row[0],
)


@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(LOST)
def test_time_that_is_lost_is_never_counted_as_free_of_cramps(
    tmp_path: Path, rows: list[tuple[int, float, int, str]]
) -> None:
    """Lost time without a cramp in it raises the rate or leaves it, in whatever way it is lost."""
    cramps = [cramp("P01", day, m) for day, _, count, _ in rows for m in range(count)]
    full = [night("P01", day, hours) for day, hours, _, _ in rows]
    lost = []
    for day, hours, count, fate in rows:
        start = f"{FIRST + timedelta(days=day)}T21:00:00Z"
        place = f"P01 {FIRST + timedelta(days=day)}"
        if count or fate == "seen":
            lost.append(night("P01", day, hours))
        elif fate in ("in part", "not analysable"):
            rest = hours / 100 if fate == "in part" else 0
            lost.append(f"{place} {start} {hours} {rest} lift_off")
        elif fate == "not recorded":
            lost.append(f"{place} n/a 0 0 not_worn")
    people = [f"P01 A {FIRST} 70 F"]
    plan = PLAN.format(weeks=2, run_in=1)
    tables = []
    for nights in (full, lost):
        folder = write(tmp_path, plan, participants=people, nights=nights, episodes=cramps)
        study = load_study(folder)
        for table in (weekly_table(study), period_table(study)):
            hours = table["analysable_hours"]
            pd.testing.assert_series_equal(
                table["rate"].dropna(),
                (56 * table["episodes"].astype("Float64") / hours)[hours > 0].astype("float64"),
                check_names=False,
            )
            assert (table["rate"].isna() == (hours == 0)).all()
            assert (table["episodes"].isna() == (hours == 0)).all()
            tables.append(table)
    for before, after in zip(tables[:2], tables[2:], strict=True):
        known = after["rate"].notna()
        assert before["rate"].notna()[known].all()
        assert (after["rate"] >= before["rate"] * (1 - 1e-12))[known].all()
