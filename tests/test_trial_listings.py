"""Adverse events, products, deviations, device events and screening: read, checked and counted."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.trial_study import write_trial
from nightcramp.errors import TableError
from trial import load_study
from trial.calendar import assign_weeks
from trial.consort import course, screened
from trial.listed import Count, count_listings
from trial.release import released_weeks
from trial.report.listing_tables import tabulate_listings
from trial.statistics import TrialSpec
from trial.summary import summarise

SPEC = TrialSpec(treated=6, controls=6, weeks=2, run_in_weeks=1, sites=2)


@pytest.fixture
def folder(tmp_path):
    return write_trial(tmp_path / "trial", 11, SPEC)


def people_of(folder):
    table = pd.read_csv(folder / "participants.tsv", sep="\t", na_values="n/a")
    return table.dropna(subset="randomised_on")["participant_id"].tolist()


def rewrite(folder, name, header, *rows):
    """Replace a table by a few rows."""
    text = "\n".join("\t".join(row) for row in (header, *rows)) + "\n"
    (folder / f"{name}.tsv").write_text(text, encoding="utf-8")


EVENTS = ("participant_id", "started_on", "ended_on", "term", "severity", "serious", "related",
          "outcome")  # fmt: skip


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (("2025-03-02", "2025-03-01", "Fall", "mild", "no", "no", "n/a"), "before started_on"),
        (("2025-03-02", "n/a", "Fall", "bad", "no", "no", "n/a"), "mild, moderate, severe"),
        (("2025-03-02", "n/a", "Fall", "severe", "no", "no", "fatal"), "expected 'yes'"),
        (("2.3.2025", "n/a", "Fall", "mild", "no", "no", "n/a"), "spreadsheet"),
    ],
)
def test_a_faulty_adverse_event_is_named_with_its_line(folder, row, fault):
    rewrite(folder, "adverse_events", EVENTS, (people_of(folder)[0], *row))
    with pytest.raises(TableError, match=fault) as caught:
        load_study(folder)
    assert "adverse_events.tsv: line 2" in str(caught.value)


def test_an_event_of_a_stranger_or_told_twice_is_refused(folder):
    fall = ("2025-03-02", "n/a", "Fall", "mild", "no", "no", "n/a")
    name = people_of(folder)[0]
    rewrite(folder, "adverse_events", EVENTS, ("X-9", *fall), (name, *fall), (name, *fall))
    with pytest.raises(TableError, match=r"(?s)'X-9'.*on line 3 already") as caught:
        load_study(folder)
    assert len(caught.value.problems) == 2


def test_a_product_that_is_stopped_before_it_is_started_is_refused(folder):
    header = ("participant_id", "product", "kind", "started_on", "stopped_on")
    row = (people_of(folder)[0], "Magnesium", "magnesium", "2025-03-02", "2025-02-02")
    rewrite(folder, "concomitant", header, row)
    with pytest.raises(TableError, match="before started_on 2025-03-02"):
        load_study(folder)


def test_a_study_does_without_lists(folder):
    for name in ("adverse_events", "concomitant", "deviations", "device_events"):
        (folder / f"{name}.tsv").unlink()
    listed = count_listings(load_study(folder).listings, people_of(folder))
    assert listed.adverse_events is listed.concomitant is listed.deviations is None


def test_people_are_counted_once_and_entries_each(folder):
    one, other, third = people_of(folder)[:3]
    rewrite(
        folder,
        "adverse_events",
        EVENTS,
        (one, "2025-03-02", "n/a", "Fall", "mild", "no", "possible", "n/a"),
        (one, "2025-03-09", "n/a", "Fall", "severe", "yes", "no", "recovered"),
        (other, "2025-03-02", "n/a", "Cough", "mild", "no", "n/a", "n/a"),
        (third, "2025-03-02", "n/a", "Cough", "mild", "no", "no", "n/a"),
    )
    listed = count_listings(load_study(folder).listings, [one, other])
    assert listed.adverse_events == (
        Count("any", 2, 3),
        Count("serious", 1, 1),
        Count("related or possibly related", 1, 1),
        Count("severe", 1, 1),
        Count("fatal", 0, 0),
    )
    assert listed.adverse_event_terms == (Count("Cough", 1, 1), Count("Fall", 1, 2))


def test_terms_stand_as_the_site_wrote_them_with_the_counts_of_each_arm(folder):
    """An arm with more terms than the table has rows is not cut before it is counted."""
    people = people_of(folder)
    arm_of = dict(pd.read_csv(folder / "arms.tsv", sep="\t").itertuples(index=False))
    one = next(name for name in people if arm_of[name] == "placebo")
    others = [name for name in people if arm_of[name] != "placebo"]
    terms = ["COVID-19", "Knee replacement, left (TKR)", *(f"AB term {n:02d}" for n in range(30))]
    given = [(one, term) for term in terms[1:]] + [(name, terms[1]) for name in others]
    given += [(who, terms[0]) for who in others] + [(who, terms[-1]) for who in (*others, one)]
    rows = [(who, "2025-03-02", "n/a", term, "mild", "no", "no", "n/a") for who, term in given]
    rewrite(folder, "adverse_events", EVENTS, *dict.fromkeys(rows))
    product = (one, "D3", "vitamin_d", "2025-03-02", "n/a")
    rewrite(
        folder,
        "concomitant",
        ("participant_id", "product", "kind", "started_on", "stopped_on"),
        product,
    )
    summary = summarise(load_study(folder, arms=folder / "arms.tsv"))
    tables = tabulate_listings(summary)
    table = tables["adverse_event_terms"]
    assert "the 20 most frequent of 32" in table.caption
    cells = {row[0]: row[1:] for row in table.bodies[0].rows}
    assert {"COVID-19", "Knee replacement, left (TKR)"} <= set(cells)
    placebo = table.head.index("placebo") - 1
    assert cells["AB term 29"][placebo].endswith(", 1")
    assert [row[0] for row in tables["concomitant"].bodies[0].rows] == ["Vitamin D"]


def test_everybody_assessed_is_randomised_or_excluded_for_a_reason(folder):
    found = screened(load_study(folder))
    assert found.randomised == 12
    assert found.assessed - found.randomised == sum(r.participants for r in found.excluded) == 6
    texts = {reason.reason for reason in found.excluded}
    assert texts <= {
        "not met: At least two documented cramps in two weeks",
        "Takes a vitamin K antagonist",
        "other, or not randomised yet",
    }


def test_everybody_who_started_stopped_or_completed(folder):
    study = load_study(folder)
    found = course(study, study.randomised["participant_id"])
    stopped = sum(reason.participants for reason in found.stopped)
    assert stopped == study.randomised["treatment_stopped_on"].notna().sum()
    assert found.started == 12
    assert found.completed + stopped == 12


def test_weeks_are_released_in_blocks_and_only_when_they_are_over(folder):
    study = load_study(folder)
    sizes = released_weeks(study).groupby("week").size()
    assert set(sizes) == {10}
    assert sizes.index.tolist() == [-1, 1, 2]
    weeks = released_weeks(study)
    assert not weeks.duplicated().any()
    first = study.randomised.sort_values(["randomised_on", "participant_id"])["participant_id"]
    assert set(weeks.loc[weeks["week"] == -1, "participant_id"]) <= set(first.iloc[:12])
    assert np.isin(weeks["participant_id"], study.randomised["participant_id"]).all()


def test_a_pooled_interval_does_not_tell_who_of_a_block_had_the_cramps(tmp_path):
    """Cramps pass from each of a block to the next one: what is written of rates stays the same."""
    study = load_study(write_trial(tmp_path, 3, TrialSpec(treated=14, controls=13, weeks=3)))
    blocks = released_weeks(study).merge(
        study.randomised[["participant_id", "first_treatment_night"]], on="participant_id"
    )
    of_block = blocks.groupby(["week", "block"], sort=False)
    heirs = blocks.assign(
        heir=of_block["participant_id"].transform(lambda names: np.roll(names, 1)),
        later=of_block["first_treatment_night"].transform(lambda days: np.roll(days, 1))
        - blocks["first_treatment_night"],
    )
    moved = assign_weeks(study.episodes, study).merge(heirs, on=["participant_id", "week"])
    moved = moved.assign(participant_id=moved["heir"], night=moved["night"] + moved["later"])
    other = replace(study, episodes=moved[[*study.episodes]])
    assert len(of_block) == 5 * len(blocks["week"].unique())
    assert not period_totals(other).equals(period_totals(study))
    for found, same in zip(spans(study), spans(other), strict=True):
        assert found == pytest.approx(same)
        assert found["low"] is not None


def period_totals(study):
    return study.counted_episodes.groupby("participant_id").size()


def spans(study):
    """Return the rates of each week and period."""
    pooled = summarise(study).pooled
    return [asdict(span.outcomes.frequency) for span in (*pooled.periods, *pooled.weeks)]


def test_sensor_and_diary_are_compared_in_shares_alone_while_blinded(tmp_path):
    """Counts of nights with an answer would leave the cramps of who gives none."""
    folder = write_trial(tmp_path, 3, TrialSpec(treated=14, controls=13, weeks=3))
    blinded = summarise(load_study(folder))
    assert blinded.sensor_diary is None
    shares = blinded.sensor_diary_shares
    assert set(asdict(shares)) == {"participants", "nights", "sensor_of_diary", "diary_of_sensor"}
    plan = folder / "study.toml"
    plan.write_text(plan.read_text("utf-8").replace('"blinded"', '"open"'), encoding="utf-8")
    opened = summarise(load_study(folder))
    counts = opened.sensor_diary
    assert opened.sensor_diary_shares == counts.shares()
    assert counts.sensor_cramps > 0
    assert shares.sensor_of_diary == pytest.approx(
        counts.both / (counts.both + counts.diary_only), abs=0.03
    )
