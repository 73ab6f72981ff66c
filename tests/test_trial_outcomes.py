"""Outcomes have the participant as their unit, honest denominators, and keep the blind."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightcramp.errors import UsageError
from trial import Provenance, load_study, outcomes, published_weekly, render_report
from trial.estimates import mean_of_participants, pooled_rate
from trial.provenance import hash_tables
from trial.summary import summarise
from trial.weeks import weekly_table

if TYPE_CHECKING:
    from trial import Study

MONDAY = date(2026, 1, 5)
MADE = Provenance("1.2.3", "model-7", "ab" * 32, datetime(2026, 4, 1, 9, tzinfo=UTC))
ARMS = ("verum-arm", "sham-arm")
MakeStudy = Callable[..., Path]


@pytest.fixture
def make_study(tmp_path: Path) -> MakeStudy:
    """Return a function that writes a study with given cramps for each participant and week."""

    def make(
        cramps: dict[str, list[int]], *, blinding: str = "blinded", all_last: int | None = None
    ) -> Path:
        (tmp_path / "study.toml").write_text(
            f"""
title = "A <study> & more"
weeks = 2
run_in_weeks = 1
time_zone = "UTC"
blinding = "{blinding}"
data = "simulated"
estimand = "Cramps per week."
""",
            encoding="utf-8",
        )
        people = ["participant_id\tsite\trandomised_on\tage\tsex"]
        arms = ["participant_id\tarm"]
        nights = ["participant_id\tnight\tstart_utc\trecorded_hours\tanalysable_hours\treason"]
        diary = ["participant_id\tnight\tcramps\tseverity\tminutes"]
        episodes = [
            "participant_id\tnight\tonset_utc\tduration_s\tconfidence\tstatus\tversion\tcensored"
        ]
        for number, (name, weeks) in enumerate(cramps.items()):
            people.append(f"{name}\tS{number % 2}\t{MONDAY}\t{70 + number}\tF")
            arms.append(f"{name}\t{ARMS[number % 2]}")
            for day in range(7 * len(weeks)):
                night = MONDAY + timedelta(days=day - 7)
                nights.append(f"{name}\t{night}\t{night}T22:00:00Z\t8\t8\tn/a")
                diary.append(f"{name}\t{night}\t0\tn/a\t0")
            seconds = all_last or 60 * (number + 1)
            for week, count in enumerate(weeks):
                night = MONDAY + timedelta(days=7 * (week - 1))
                onsets = (f"{22 + ten // 6}:{ten % 6}0:00" for ten in range(count))
                episodes += [
                    f"{name}\t{night}\t{night}T{onset}Z\t{seconds}\t0.9\tauto\t1\tnone"
                    for onset in onsets
                ]
        tables = {
            "participants": people,
            "arms": arms,
            "nights": nights,
            "episodes": episodes,
            "diary": diary,
        }
        for table, lines in tables.items():
            (tmp_path / f"{table}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return tmp_path

    return make


def written(study: Study) -> list[str]:
    """Return everything that may be written of a study."""
    return [
        render_report(study, MADE),
        json.dumps(outcomes(study, MADE), allow_nan=False),
        published_weekly(study).to_csv(index=False, na_rep="n/a"),
    ]


def test_a_pooled_rate_by_hand() -> None:
    rate = pooled_rate(np.array([2.0, 4.0, 6.0, 9.0]), np.array([56.0, 56.0, 56.0, 0.0]), per=56)
    factor = math.exp(4.30265273 * math.sqrt(3 / 2 * (4 + 0 + 4)) / 12)
    assert rate.value == pytest.approx(4)
    assert rate.participants == 3
    assert rate.events == 12
    assert rate.exposure == 168
    assert rate.low == pytest.approx(4 / factor)
    assert rate.high == pytest.approx(4 * factor)


def test_an_interval_needs_three_participants() -> None:
    two = pooled_rate(np.array([3.0, 5.0]), np.array([28.0, 28.0]), per=56)
    assert (two.value, two.low, two.high, two.participants) == (8, None, None, 2)
    rate = pooled_rate(np.array([3.0]), np.array([28.0]), per=56)
    assert (rate.value, rate.low, rate.high, rate.participants) == (6, None, None, 1)
    mean = mean_of_participants(np.array([3.0, np.nan]))
    assert (mean.value, mean.sd, mean.low, mean.participants) == (3, None, None, 1)


def test_without_exposure_there_is_no_rate_and_no_count() -> None:
    rate = pooled_rate(np.array([0.0, 0.0]), np.array([0.0, 0.0]), per=56)
    assert (rate.value, rate.events, rate.participants) == (None, None, 0)
    assert mean_of_participants(np.array([np.nan])).value is None


def test_no_cramp_in_much_time_has_an_upper_limit() -> None:
    rate = pooled_rate(np.zeros(2), np.array([100.0, 100.0]), per=56)
    assert (rate.value, rate.low) == (0, 0)
    assert math.exp(-(rate.high or 0) / 56 * 200) == pytest.approx(0.025)
    assert pooled_rate(np.zeros(2), np.ones(2), per=56, are_counts=False).high is None


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.floats(0.5, 500)), min_size=3, max_size=30),
    st.integers(2, 5),
)
def test_splitting_the_exposure_unit_scales_a_rate_and_copies_of_people_narrow_it(
    people: list[tuple[int, float]], copies: int
) -> None:
    events, hours = (np.array(column, dtype=np.float64) for column in zip(*people, strict=True))
    one = pooled_rate(events, hours, per=56)
    more = pooled_rate(np.tile(events, copies), np.tile(hours, copies), per=56)
    assert one.value is not None
    assert more.value == pytest.approx(one.value)
    assert one.low is not None
    assert one.high is not None
    assert one.low <= one.value * (1 + 1e-9)
    assert one.high >= one.value * (1 - 1e-9)
    if one.value:
        assert pooled_rate(events, hours, per=28).value == pytest.approx(one.value / 2)
        assert (more.high or 0) <= one.high * (1 + 1e-9)


@pytest.mark.parametrize(("people", "lowest"), [(12, 0.91), (100, 0.925)])
def test_the_interval_covers_the_truth_when_people_differ(people: int, lowest: float) -> None:
    rng = np.random.default_rng(7)
    true, hits, trials = 2.7, 0, 1000
    for _ in range(trials):
        hours = np.clip(rng.normal(320, 90, people), 8, None)
        frailty = rng.gamma(1 / 0.3, 0.3, people)
        events = rng.poisson(true / 56 * frailty * hours).astype(np.float64)
        rate = pooled_rate(events, hours, per=56)
        hits += (rate.low or 0) <= true <= (rate.high or 0)
    assert lowest <= hits / trials <= 0.975


def test_outcomes_by_hand(make_study: MakeStudy) -> None:
    folder = make_study({"P1": [1, 0, 2], "P2": [0, 0, 0], "P3": [3, 4, 0]}, blinding="open")
    pooled = summarise(load_study(folder)).pooled
    treatment, run_in = pooled.treatment.outcomes, pooled.run_in.outcomes
    assert run_in.frequency.value == pytest.approx(4 / 168 * 56)
    assert treatment.frequency.value == pytest.approx(6 / 336 * 56)
    assert treatment.frequency.participants == 3
    assert treatment.cramp_minutes.value == pytest.approx((2 * 1 + 4 * 3) / 336 * 56)
    assert treatment.cramp_minutes.events == pytest.approx(14)
    assert pooled.flow.nights_planned == pooled.flow.nights_recorded == 63
    assert [week.outcomes.frequency.events for week in pooled.weeks] == [4, 4, 2]


def test_a_duration_is_a_mean_of_participants_not_of_cramps(make_study: MakeStudy) -> None:
    folder = make_study({"P1": [0, 1, 0], "P2": [0, 9, 0], "P3": [0, 0, 1]}, blinding="open")
    mean = summarise(load_study(folder)).pooled.treatment.outcomes.mean_minutes
    assert mean.value == pytest.approx((1 + 2 + 3) / 3)
    assert mean.sd == pytest.approx(1)
    assert mean.participants == 3


def test_arms_appear_only_when_they_are_opened(make_study: MakeStudy) -> None:
    folder = make_study({"P1": [1, 0, 0], "P2": [1, 2, 2], "P3": [1, 1, 0], "P4": [1, 3, 3]})
    closed, opened = load_study(folder), load_study(folder, arms=folder / "arms.tsv")
    assert outcomes(closed, MADE)["arms"] == []
    arms = summarise(opened).arms
    assert [arm.arm for arm in arms] == sorted(ARMS)
    assert [arm.treatment.outcomes.frequency.events for arm in arms] == [10, 1]
    for text in written(opened):
        assert all(arm in text for arm in ARMS)


@pytest.mark.parametrize("blinding", ["blinded", "open"])
def test_an_allocation_that_was_not_given_leaves_no_trace(
    make_study: MakeStudy, blinding: str
) -> None:
    cramps = {f"P{number}": [1, number % 3, 1] for number in range(6)}
    folder = make_study(cramps, blinding=blinding)
    with_file = written(load_study(folder))
    (folder / "arms.tsv").unlink()
    assert written(load_study(folder)) == with_file
    for text in with_file:
        assert not any(arm in text for arm in ARMS)


def test_a_blinded_study_writes_no_cramps_of_single_participants(make_study: MakeStudy) -> None:
    cramps = {f"P{number}": [number, 7, 2] for number in range(6)}
    folder = make_study(cramps)
    study = load_study(folder)
    document = outcomes(study, MADE)
    allowed = {
        *("participant_id", "site", "period", "nights_planned", "nights_recorded"),
        *("nights_analysable", "recorded_hours", "analysable_hours", "diary_nights"),
    }
    people = document["participants"]
    assert isinstance(people, list)
    assert all(set(row) == allowed for row in people)
    assert "guessed" in str(document["counts_withheld"])
    assert "participant_id" not in published_weekly(study)
    assert published_weekly(study)["episodes"].tolist() == [10, 35, 10]
    page = render_report(study, MADE)
    assert "left out because the trial is blinded" in page
    assert "Per week, run-in" not in page


@pytest.mark.parametrize("order", [(4, 3, 2, 1, 0), (1, 2, 0, 4, 3)])
def test_what_a_blinded_study_writes_does_not_depend_on_whose_cramps_they_are(
    make_study: MakeStudy, order: tuple[int, ...]
) -> None:
    histories = [[1, 0, 5], [1, 5, 0], [2, 2, 2], [0, 0, 0], [3, 1, 7]]
    texts = []
    for mixed in (range(5), order):
        cramps = {f"P{number}": histories[which] for number, which in enumerate(mixed)}
        study = load_study(make_study(cramps, all_last=45))
        unsigned = (study.input_hash, study.input_hash[:16])
        texts.append([reduce(lambda t, h: t.replace(h, ""), unsigned, t) for t in written(study)])
    assert texts[0] == texts[1]


@pytest.mark.parametrize("how", ["open", "arms"])
def test_counts_are_written_in_an_open_study_and_once_arms_are_opened(
    make_study: MakeStudy, how: str
) -> None:
    cramps = {f"P{number}": [number, 7, 2] for number in range(4)}
    folder = make_study(cramps, blinding="open" if how == "open" else "blinded")
    study = load_study(folder, arms=folder / "arms.tsv" if how == "arms" else None)
    assert published_weekly(study)["episodes"].tolist() == weekly_table(study)["episodes"].tolist()
    assert outcomes(study, MADE)["counts_withheld"] is None
    assert "Per week, run-in" in render_report(study, MADE)


def test_a_pool_of_two_is_withheld_while_blinded(make_study: MakeStudy) -> None:
    folder = make_study({"P1": [1, 3, 0], "P2": [2, 4, 1]})
    rate = summarise(load_study(folder)).pooled.treatment.outcomes.frequency
    assert rate.withheld
    assert (rate.value, rate.low, rate.high, rate.events) == (None, None, None, None)
    assert rate.participants == 2
    assert summarise(load_study(folder)).sensor_diary_shares is None
    assert published_weekly(load_study(folder))["episodes"].isna().all()
    assert summarise(load_study(folder, arms=folder / "arms.tsv")).pooled.treatment.outcomes


def test_a_withheld_week_cannot_be_had_by_subtraction(make_study: MakeStudy) -> None:
    folder = make_study({f"P{number}": [1, 3, *[2] * (number < 2)] for number in range(6)})
    pooled = summarise(load_study(folder)).pooled
    assert [week.outcomes.frequency.participants for week in pooled.weeks] == [5, 5, 2]
    assert [week.outcomes.frequency.withheld for week in pooled.weeks] == [False, False, True]
    assert pooled.treatment.outcomes.frequency.events == 15
    assert pooled.weeks[2].outcomes.mean_minutes.participants is None


def test_the_document_says_what_made_it_and_is_json(make_study: MakeStudy) -> None:
    folder = make_study({f"P{number}": [1, 0, 2] for number in range(5)})
    study = load_study(folder)
    document = json.loads(json.dumps(outcomes(study, MADE), allow_nan=False))
    assert document["schema"] == "nightcramp.outcomes/3"
    assert document["provenance"] == {
        "code_version": "1.2.3",
        "model_version": "model-7",
        "model_hash": "ab" * 32,
        "created_utc": "2026-04-01T09:00:00+00:00",
        "audit_head": None,
        "unblinded": None,
        "input_hash": study.input_hash,
    }
    assert document["study"]["data"] == "simulated"
    assert "simulated" in document["limits"][0]
    assert document["data_cut"] == str(MONDAY + timedelta(days=13))
    assert document["pooled"]["treatment"]["outcomes"]["frequency"]["events"] == 10


def test_a_result_made_at_an_unknown_moment_is_refused() -> None:
    with pytest.raises(UsageError, match="time zone"):
        Provenance("1", "1", "ab", datetime(2026, 4, 1, 9))


def test_a_hash_tells_files_apart_that_share_their_bytes() -> None:
    assert hash_tables({"a": b"12", "b": b"3"}) != hash_tables({"a": b"1", "b": b"23"})
    assert hash_tables({"a": b"1", "b": b"2"}) != hash_tables({"a": b"1", "c": b"2"})
    assert hash_tables({"a": b"1", "b": b"2"}) == hash_tables({"b": b"2", "a": b"1"})
