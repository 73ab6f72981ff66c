"""Adverse events, products, deviations, device events and screening: read, checked and counted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.trial_study import write_trial
from nightcramp.errors import TableError
from trial import load_study
from trial.consort import course, screened
from trial.listed import Count, count_listings
from trial.release import released_weeks
from trial.statistics import TrialSpec

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
