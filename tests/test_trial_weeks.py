"""Nights become weeks by dates, and missing never becomes zero."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightcramp.errors import UsageError
from sensing import Quality
from trial import Study, load_study, night_of, reasons_withheld, weekly_table
from trial.agreement import SensorDiary, sensor_beside_diary
from trial.blinding import REASONS
from trial.calendar import assign_weeks, data_cut
from trial.plan import Blinding, DisplayRule, Estimand, StudyPlan
from trial.wear import attention_list, lost_time, nights_outside_plan
from trial.weeks import nightly_table, period_table

if TYPE_CHECKING:
    from pathlib import Path

VIENNA = ZoneInfo("Europe/Vienna")
RANDOMISED = date(2026, 3, 23)  # the clocks change in the night of 28 March


class Builder:
    """Writes a study folder from single nights."""

    def __init__(self, folder: Path, **plan: object) -> None:
        self.folder = folder
        self.plan = {
            "title": "A study",
            "weeks": 2,
            "run_in_weeks": 2,
            "time_zone": "Europe/Vienna",
            "blinding": "open",
            "estimand": "Cramps per week.",
        } | plan
        self.tables: dict[str, list[tuple[object, ...]]] = {
            "participants": [("participant_id", "site", "randomised_on", "age", "sex")],
            "nights": [
                (
                    *("participant_id", "night", "start_utc"),
                    *("recorded_hours", "analysable_hours", "reason"),
                )
            ],
            "episodes": [
                (
                    *("participant_id", "night", "onset_utc", "duration_s"),
                    *("confidence", "status", "version", "kind", "censored"),
                )
            ],
            "diary": [("participant_id", "night", "cramps", "severity", "minutes")],
        }

    def participant(self, name: str, randomised_on: object = RANDOMISED, site: str = "A") -> None:
        self.tables["participants"].append((name, site, randomised_on, 70, "F"))

    def night(
        self,
        name: str,
        day: int,
        hours: float,
        analysable: float | None = None,
        reason: str = "n/a",
    ) -> None:
        """Add the night `day` days after the first treatment night."""
        night = RANDOMISED + timedelta(days=day)
        start = evening(night).isoformat() if hours else "n/a"
        row = (name, night, start, hours, hours if analysable is None else analysable, reason)
        self.tables["nights"].append(row)

    def cramp(
        self,
        name: str,
        day: int,
        seconds: float,
        *,
        status: str = "auto",
        kind: str = "cramp",
        censored: str = "none",
    ) -> None:
        night = RANDOMISED + timedelta(days=day)
        before = sum(row[:2] == (name, night) for row in self.tables["episodes"])
        onset = evening(night) + timedelta(minutes=30 + before)
        row = (name, night, onset.isoformat(), seconds, 0.9, status, "1", kind, censored)
        self.tables["episodes"].append(row)

    def diary(self, name: str, day: int, cramps: object, severity: object = "n/a") -> None:
        row = (name, RANDOMISED + timedelta(days=day), cramps, severity, "n/a")
        self.tables["diary"].append(row)

    def load(self) -> Study:
        text = "".join(f"{key} = {value!r}\n" for key, value in self.plan.items())
        (self.folder / "study.toml").write_text(text, encoding="utf-8")
        for name, rows in self.tables.items():
            lines = "".join("\t".join(map(str, row)) + "\n" for row in rows)
            (self.folder / f"{name}.tsv").write_text(lines, encoding="utf-8")
        return load_study(self.folder)


def evening(night: date) -> datetime:
    return datetime.combine(night, time(22), tzinfo=VIENNA).astimezone(UTC)


@pytest.fixture
def build(tmp_path: Path) -> Builder:
    return Builder(tmp_path)


def week_of(study: Study, name: str, week: int) -> pd.Series:
    table = weekly_table(study)
    return table[(table["participant_id"] == name) & (table["week"] == week)].squeeze()


@settings(deadline=None)
@given(
    st.datetimes(*(datetime.combine(date(year, 6, 1), time()) for year in (1980, 2037))),
    st.sampled_from(["Europe/Vienna", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns"]),
)
def test_a_night_runs_from_local_noon_to_local_noon(moment: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    start = moment.replace(tzinfo=UTC)
    night = night_of(start, zone)
    local = start.astimezone(zone).replace(tzinfo=None)
    noon = datetime.combine(night, time(12))
    assert noon <= local < noon + timedelta(days=1)


def test_noon_is_the_first_moment_of_a_night_whatever_the_clock_did() -> None:
    for day in (date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 24), date(2026, 10, 25)):
        noon = datetime.combine(day, time(12), tzinfo=VIENNA)
        assert night_of(noon, VIENNA) == day
        assert night_of(noon - timedelta(microseconds=1), VIENNA) == day - timedelta(days=1)


def test_a_moment_without_a_time_zone_has_no_night() -> None:
    with pytest.raises(UsageError, match="no time zone"):
        night_of(datetime(2026, 3, 1, 22), VIENNA)


@settings(deadline=None)
@given(st.integers(-60, 60), st.integers(0, 5), st.integers(1, 8))
def test_weeks_are_sevens_of_nights_with_no_week_zero(day: int, run_in: int, weeks: int) -> None:
    study = a_study_in_memory(run_in, weeks)
    night = pd.Timestamp(RANDOMISED + timedelta(days=day)).as_unit("s")
    row = assign_weeks(pd.DataFrame({"participant_id": ["P01"], "night": [night]}), study)
    if not -7 * run_in <= day < 7 * weeks:
        assert row.empty
        return
    week, period = row["week"].item(), row["period"].item()
    first = 7 * (week - 1) if week > 0 else 7 * week
    assert week != 0
    assert first <= day <= first + 6
    assert period == ("run_in" if day < 0 else "treatment")


def a_study_in_memory(run_in: int, weeks: int) -> Study:
    people = pd.DataFrame(
        {
            "participant_id": ["P01"],
            "site": ["A"],
            "randomised_on": [pd.Timestamp(RANDOMISED).as_unit("s")],
        }
    )
    empty = pd.DataFrame()
    plan = StudyPlan("A study", weeks, run_in, VIENNA, Blinding.OPEN, Estimand("Cramps per week."))
    return Study(plan, people, empty, empty, empty, "")


def test_a_clock_change_moves_no_night_into_another_week(build: Builder) -> None:
    build.participant("P01")
    for day in range(-14, 14):
        build.night("P01", day, 8)
    table = weekly_table(build.load())
    assert table["week"].tolist() == [-2, -1, 1, 2]
    assert table["nights_recorded"].tolist() == [7, 7, 7, 7]
    assert table["first_night"].dt.date.tolist() == [
        RANDOMISED + timedelta(days=day) for day in (-14, -7, 0, 7)
    ]


def test_the_first_treatment_night_may_be_the_night_after(tmp_path: Path) -> None:
    build = Builder(tmp_path, first_treatment_night="night after randomisation")
    build.participant("P01")
    build.night("P01", 0, 8)
    build.night("P01", 1, 8)
    study = build.load()
    assert week_of(study, "P01", -1)["nights_recorded"] == 1
    assert week_of(study, "P01", 1)["nights_recorded"] == 1


def test_a_week_by_hand(build: Builder) -> None:
    build.participant("P01")
    build.night("P01", 0, 8, 7)
    build.night("P01", 1, 8, 4)
    build.night("P01", 2, 8, 3.5, "lift_off")
    build.night("P01", 3, 0, 0, "battery")
    build.night("P01", 13, 0, 0, "not_worn")
    build.cramp("P01", 0, 60)
    build.cramp("P01", 0, 120, status="confirmed", censored="offset")
    build.cramp("P01", 2, 30)
    build.cramp("P01", 1, 600, status="rejected")
    build.cramp("P01", 1, 600, kind="possible_cramp")
    build.diary("P01", 0, 2, 6)
    build.diary("P01", 1, 0)
    build.diary("P01", 2, 1, 3)
    build.diary("P01", 4, "n/a")
    week = week_of(build.load(), "P01", 1)
    assert week["episodes"] == 3
    assert week["censored"] == 1
    assert week["nights_planned"] == 7
    assert week["nights_recorded"] == 3
    assert week["nights_analysable"] == 2
    assert week["recorded_hours"] == 24
    assert week["analysable_hours"] == pytest.approx(14.5)
    assert week["rate"] == pytest.approx(3 / 14.5 * 56)
    assert week["mean_minutes"] == pytest.approx(3.5 / 3)
    assert week["median_minutes"] == 1
    assert week["total_minutes"] == pytest.approx(3.5)
    assert week["diary_nights"] == 3
    assert week["diary_cramps"] == 3
    assert week["mean_severity"] == pytest.approx(4.5)
    assert not week["displayed"]


def test_a_severity_beside_no_cramp_is_in_no_mean(tmp_path: Path) -> None:
    build = Builder(tmp_path, severity_scale="0 to 10")
    build.participant("P01")
    build.diary("P01", 0, 1, 4)
    build.diary("P01", 1, 0, 0)
    assert week_of(build.load(), "P01", 1)["mean_severity"] == 4


def test_missing_is_not_zero(build: Builder) -> None:
    build.participant("P01")
    build.night("P01", 0, 8)
    build.night("P01", 7, 8, 0, "saturated")
    build.diary("P01", 0, 0)
    study = build.load()
    seen, unseen, never = (week_of(study, "P01", week) for week in (1, 2, -1))
    assert seen["episodes"] == 0
    assert seen["rate"] == 0
    assert seen["total_minutes"] == 0
    assert seen["diary_cramps"] == 0
    assert np.isnan(seen["mean_minutes"])
    for week in (unseen, never):
        assert pd.isna(week[["episodes", "rate", "total_minutes", "censored"]]).all()
        assert pd.isna(week[["diary_cramps", "mean_severity"]]).all()
        assert week["analysable_hours"] == 0
        assert week["diary_nights"] == 0
    assert unseen["recorded_hours"] == 8
    assert never["nights_planned"] == 7
    nights = nightly_table(study)
    assert nights["episodes"].tolist() == pytest.approx([0, np.nan], nan_ok=True)
    assert nights["minutes"].tolist() == pytest.approx([0, np.nan], nan_ok=True)


def test_nights_after_the_data_cut_are_not_planned_yet(build: Builder) -> None:
    build.participant("P01")
    build.night("P01", 2, 8)
    study = build.load()
    assert data_cut(study) == pd.Timestamp(RANDOMISED + timedelta(days=2))
    assert week_of(study, "P01", 1)["nights_planned"] == 3
    assert week_of(study, "P01", 2)["nights_planned"] == 0


def test_who_is_not_randomised_has_no_weeks(tmp_path: Path) -> None:
    build = Builder(tmp_path, nights_outside_plan="left out")
    build.participant("P01")
    build.participant("P02", randomised_on="n/a")
    build.night("P02", 0, 8)
    build.night("P01", 14, 8)
    study = build.load()
    assert set(weekly_table(study)["participant_id"]) == {"P01"}
    assert nights_outside_plan(study) == 2


def test_a_display_rule_marks_weeks_and_changes_no_rate(build: Builder) -> None:
    build.participant("P01")
    for day in range(4):
        build.night("P01", day, 8, 4.5)
    build.cramp("P01", 0, 60)
    study = build.load()
    plans = [replace(study.plan, display=DisplayRule(hours, 4)) for hours in (4, 5)]
    by_rule = [weekly_table(replace(study, plan=plan)) for plan in plans]
    assert [table["displayed"].sum() for table in by_rule] == [1, 0]
    pd.testing.assert_series_equal(by_rule[0]["rate"], by_rule[1]["rate"])


def test_without_a_censored_column_nobody_claims_to_know(build: Builder) -> None:
    build.participant("P01")
    build.night("P01", 0, 8)
    build.cramp("P01", 0, 60)
    build.tables["episodes"] = [row[:-1] for row in build.tables["episodes"]]
    assert weekly_table(build.load())["censored"].isna().all()


def test_periods_add_up_the_weeks(build: Builder) -> None:
    build.participant("P01")
    for day in range(-14, 14):
        build.night("P01", day, 8, 6)
        if day % 3 == 0:
            build.cramp("P01", day, 60)
    study = build.load()
    weekly, periods = weekly_table(study), period_table(study).set_index("period")
    sums = ["nights_planned", "nights_recorded", "analysable_hours", "episodes", "total_minutes"]
    for period, weeks in weekly.groupby("period"):
        for column in sums:
            assert periods.loc[period, column] == pytest.approx(weeks[column].sum())


def test_lost_time_keeps_its_reasons(build: Builder) -> None:
    build.participant("P01")
    build.night("P01", 0, 8, 6, "lift_off")
    build.night("P01", 1, 8, 7, "lift_off")
    build.night("P01", 2, 0, 0, "battery")
    build.night("P01", 3, 8, 7.5)
    build.night("P01", 5, 8)
    lost = {item.reason: (item.nights, item.hours) for item in lost_time(build.load())}
    assert lost["lift_off"] == (0, 3)
    assert lost["battery"] == (1, 0)
    assert lost["no reason given"] == (0, 0.5)
    assert lost["not reported"] == (14 + 1, 0)


def test_while_blinded_no_reason_is_told_in_a_site_s_own_words(tmp_path: Path) -> None:
    build = Builder(tmp_path, blinding="blinded")
    build.participant("P01")
    for day, reason in enumerate(("three bad cramps", "battery empty", "lift_off", "n/a")):
        build.night("P01", day, 0, 0, reason)
    study = build.load()
    lost = {item.reason: item.nights for item in lost_time(study)}
    told = {"other": 1, "battery empty": 1, "lift_off": 1, "no reason given": 1}
    assert lost == told | {"not reported": 14}
    assert reasons_withheld(study) == 1


def test_every_reason_of_the_detector_may_be_told() -> None:
    assert {quality.reason for quality in Quality if quality is not Quality.GOOD} <= REASONS


def test_sensor_and_diary_are_compared_on_nights_that_have_both(build: Builder) -> None:
    build.participant("P01")
    for day, hours, cramps, answer in (
        *((0, 8, 2, 1), (1, 8, 2, 0), (2, 8, 0, 3), (3, 8, 0, 0), (4, 8, 1, 0)),
        *((5, 3, 0, 4), (6, 8, 5, "n/a")),
    ):
        build.night("P01", day, hours)
        build.diary("P01", day, answer)
        for _ in range(cramps):
            build.cramp("P01", day, 30)
    build.diary("P01", 7, 2)
    assert sensor_beside_diary(build.load()) == SensorDiary(
        participants=1,
        nights=5,
        both=1,
        sensor_only=2,
        diary_only=1,
        neither=1,
        sensor_cramps=5,
        diary_cramps=4,
    )


def test_the_attention_list_names_who_records_badly_now(build: Builder) -> None:
    for name in ("P01", "P02", "P03"):
        build.participant(name)
    build.participant("P04", RANDOMISED - timedelta(days=60))
    for day in range(7):
        build.night("P01", day, 8)
        build.night("P02", day, *((8, 8) if day < 2 else (0, 0, "not_worn")))
    people = attention_list(build.load())
    assert people["participant_id"].tolist() == ["P03", "P02"]
    assert people["nights_analysable"].tolist() == [0, 2]
    assert people["last_reason"].tolist()[1] == "not_worn"
    assert people["last_recorded"].dt.date.tolist()[1] == RANDOMISED + timedelta(days=1)
