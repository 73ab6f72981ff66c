"""One night of several recordings: parts, two legs, sessions, and a change of the clocks."""

from __future__ import annotations

import csv
import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightcramp.outputs import MadeBy, events_text, json_text, night_summary
from nightcramp.study import collect
from recordings import Channel, RecordingInfo, Stream
from sensing import Censored, Event, EventKind, NightResult, Seconds
from trial import Stretch, hours_within, load_study, overlap, union, weekly_table, without
from trial.episodes import episode_flow

if TYPE_CHECKING:
    from pathlib import Path

PLAN = """
title = "A study"
weeks = 1
run_in_weeks = 0
time_zone = "Europe/Vienna"
blinding = "open"
estimand = "Cramps per week."
"""
EVENING = datetime(2026, 3, 28, 22)  # the clocks go forward at 02:00


class Site:
    """A study folder and a folder of results, written hour by hour."""

    def __init__(self, path: Path) -> None:
        self.study, self.results = path / "study", path / "results"
        self.study.mkdir()
        self.results.mkdir()
        (self.study / "participants.tsv").write_text(
            "participant_id\tsite\trandomised_on\tage\tsex\nP01\tA\t2026-03-28\t70\tF\n", "utf-8"
        )
        self.plan("")

    def plan(self, more: str) -> None:
        (self.study / "study.toml").write_text(PLAN + more, encoding="utf-8")

    def record(
        self,
        leg: str,
        *cramps: Event,
        blind: tuple[float, float] | None = None,
        start: datetime = EVENING,
        hours: float = 8,
        model: str = "d",
    ) -> None:
        """Write what analyze leaves for a recording; `blind` hours cannot be judged."""
        name = f"sub-P01_ses-{start:%Y%m%dT%H}_task-sleep" + (f"_recording-{leg}" if leg else "")
        seconds = round(hours * 3600)
        nothing = np.full((1, seconds), np.nan, dtype=np.float32)
        quality = np.zeros((1, seconds), dtype=np.uint8)
        lost = []
        if blind:
            first, last = (round(3600 * hour) for hour in blind)
            quality[0, first:last] = 5
            kind = EventKind.NOT_ANALYSABLE
            lost = [Event(float(first), float(last - first), kind, detail="lift_off")]
        second = Seconds(
            nothing, nothing, quality, np.repeat(nothing, 3, 0), nothing[0], nothing[0]
        )
        result = NightResult(float(seconds), (*lost, *cramps), second)
        stream = Stream("emg", 500.0, (Channel("GM", "uV", 0.1, (-3e3, 3e3)),), seconds * 500)
        info = RecordingInfo(name, start, stream)
        makers = MadeBy("a" * 16, f"{name}.edf", "b" * 64, {}, "0.1.0+c", "1", model * 64, {})
        (self.results / f"{name}_events.tsv").write_text(events_text(result.events))
        (self.results / f"{name}_night.json").write_text(
            json_text(night_summary(result, info, makers, 1, None))
        )

    def collect(self) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
        assert collect(self.study, self.results).failures == ()
        return tuple(self.rows(table) for table in ("nights", "episodes"))

    def rows(self, table: str) -> list[dict[str, str]]:
        with (self.study / f"{table}.tsv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def cramp(hour: float, minutes: float = 2, censored: Censored = Censored.NONE) -> Event:
    kind = EventKind.CRAMP
    return Event(hour * 3600, minutes * 60, kind, "GM", 0.9, 8.0, 24.0, censored=censored)


def test_hours_after_the_clocks_change_are_true_hours(site: Site) -> None:
    site.record("", cramp(1), cramp(6))
    (night,), episodes = site.collect()
    assert night["start_utc"] == "2026-03-28T21:00:00.000Z"
    assert night["end_utc"] == "2026-03-29T05:00:00.000Z"
    assert [row["onset_utc"][:16] for row in episodes] == ["2026-03-28T22:00", "2026-03-29T03:00"]
    assert night["recorded_hours"] == "8.0000"
    assert weekly_table(load_study(site.study))["episodes"].tolist() == [2]


def test_both_legs_are_refused_until_the_plan_says_what_counts(site: Site) -> None:
    site.record("left")
    site.record("right")
    (failure,) = collect(site.study, site.results).failures
    assert 'leg = "left", "right" or "both"' in failure
    assert site.rows("nights") == []


@pytest.mark.parametrize(("leg", "hours", "count"), [("left", "6.0000", 2), ("right", "8.0000", 1)])
def test_one_leg_counts_if_the_plan_says_so(site: Site, leg: str, hours: str, count: int) -> None:
    site.plan(f'leg = "{leg}"\n')
    site.record("left", cramp(4), cramp(5), blind=(0, 2))
    site.record("right", cramp(1))
    (night,), episodes = site.collect()
    assert night["analysable_hours"] == hours
    assert len(episodes) == count
    assert {row["exposed"] for row in episodes} == {"n/a"}


def test_a_night_of_the_other_leg_only_has_no_time(site: Site) -> None:
    site.plan('leg = "left"\n')
    site.record("right", cramp(1))
    (night,), episodes = site.collect()
    assert (night["recorded_hours"], night["reason"]) == ("0.0000", "leg_not_recorded")
    assert episodes == []
    load_study(site.study)


def test_the_exposure_of_both_legs_is_the_time_in_which_both_were_analysable(site: Site) -> None:
    site.plan('leg = "both"\n')
    site.record("left", cramp(4), cramp(6.5), blind=(0, 2))
    site.record("right", cramp(1), cramp(5), blind=(6, 7))
    (night,), episodes = site.collect()
    assert float(night["recorded_hours"]) == 8
    assert float(night["analysable_hours"]) == 5
    assert float(night["analysable_either_hours"]) == 8
    assert [(row["channel"], row["exposed"]) for row in episodes] == [
        ("right GM", "no"),
        ("left GM", "yes"),
        ("right GM", "yes"),
        ("left GM", "no"),
    ]
    study = load_study(site.study)
    week = weekly_table(study).iloc[0]
    assert week["rate"] == pytest.approx(2 / 5 * 56)
    assert (episode_flow(study).auto, episode_flow(study).not_exposed) == (2, 2)


def test_a_cramp_of_both_legs_is_one(site: Site) -> None:
    site.plan('leg = "both"\n')
    site.record("left", cramp(4, 3, Censored.ONSET))
    site.record("right", cramp(4 + 1 / 60, 5, Censored.OFFSET), cramp(7))
    _, episodes = site.collect()
    assert [row["duration_s"] for row in episodes] == ["360.00", "120.00"]
    assert episodes[0]["channel"] == "left GM, right GM"
    assert episodes[0]["censored"] == "both"
    assert episodes[0]["exposed"] == "yes"


def test_one_leg_alone_gives_no_exposure_where_both_count(site: Site) -> None:
    site.plan('leg = "both"\n')
    site.record("left", cramp(4))
    (night,), episodes = site.collect()
    assert (float(night["analysable_hours"]), night["reason"]) == (0, "leg_not_recorded")
    assert float(night["analysable_either_hours"]) == 8
    assert [row["exposed"] for row in episodes] == ["no"]
    assert weekly_table(load_study(site.study))["rate"].isna().all()


def test_a_recording_must_name_its_leg_where_the_plan_chooses(site: Site) -> None:
    site.plan('leg = "both"\n')
    site.record("")
    (failure,) = collect(site.study, site.results).failures
    assert "does not say which leg" in failure


def test_two_versions_do_not_make_one_night(site: Site) -> None:
    site.plan('leg = "both"\n')
    site.record("left")
    site.record("right", model="e")
    (failure,) = collect(site.study, site.results).failures
    assert "different versions" in failure


def test_sessions_get_their_share_of_the_hours(site: Site) -> None:
    site.plan("[sessions]\nper_week = 3\nhours = 4\n")
    head = "participant_id\tstart_utc\tend_utc\trecorded_hours\tanalysable_hours\treason\tnote\n"
    (site.study / "sessions.tsv").write_text(
        head
        + "P01\t2026-03-29T08:00:00Z\t2026-03-29T12:00:00Z\tn/a\tn/a\tn/a\tearly\n"
        + "P01\t2026-03-31T08:00:00Z\t2026-03-31T12:00:00Z\tn/a\tn/a\tn/a\tlate\n",
        encoding="utf-8",
    )
    start = datetime(2026, 3, 29, 9, 30)
    site.record("", cramp(0.25), cramp(1), blind=(2, 3), start=start, hours=6)
    collect(site.study, site.results)
    first, second = site.rows("sessions")
    assert (first["recorded_hours"], first["analysable_hours"]) == ("4.0000", "3.0000")
    assert (second["recorded_hours"], second["note"]) == ("n/a", "late")
    week = weekly_table(load_study(site.study)).iloc[0]
    assert (week["episodes"], week["analysable_hours"]) == (1, 3)


def test_a_session_without_a_time_zone_is_refused(site: Site) -> None:
    site.plan("[sessions]\nper_week = 3\nhours = 4\n")
    (site.study / "sessions.tsv").write_text(
        "participant_id\tstart_utc\tend_utc\trecorded_hours\tanalysable_hours\treason\n"
        "P01\t2026-03-29T08:00:00\t2026-03-29T12:00:00\tn/a\tn/a\tn/a\n",
        encoding="utf-8",
    )
    site.record("")
    with pytest.raises(Exception, match="no time in UTC"):
        collect(site.study, site.results)
    assert not (site.study / "nights.tsv").exists()


MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)


def stretches(spans: list[tuple[int, int]]) -> list[Stretch]:
    return [
        Stretch(MIDNIGHT + timedelta(minutes=min(s)), MIDNIGHT + timedelta(minutes=max(s)))
        for s in spans
    ]


def minutes(parts: list[Stretch]) -> set[int]:
    """Return the minutes in which the stretches are, one by one."""
    return {
        minute
        for part in parts
        for minute in range(60)
        if part.holds(MIDNIGHT + timedelta(minutes=minute))
    }


@settings(deadline=None)
@given(SPANS, SPANS)
def test_stretches_are_sets_of_moments(one: list, other: list) -> None:
    a, b = union(stretches(one)), union(stretches(other))
    assert minutes(a) == minutes(stretches(one))
    assert minutes(overlap(a, b)) == minutes(a) & minutes(b)
    whole = Stretch(MIDNIGHT, MIDNIGHT + timedelta(hours=1))
    assert minutes(without(whole, stretches(one))) == set(range(60)) - minutes(a)
    assert hours_within(a) == pytest.approx(len(minutes(a)) / 60)
    assert all(x.end < y.start for x, y in itertools.pairwise(a))
    assert hours_within(a) + hours_within(b) == pytest.approx(
        hours_within(overlap(a, b)) + hours_within(union([*a, *b]))
    )
