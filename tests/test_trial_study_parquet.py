"""A study's tables as Parquet: the same study, the same rules, faults named by file and row."""

import sys
from datetime import date

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.trial_study import write_trial
from nightcramp.errors import InputError, TableError, UsageError
from nightcramp.study_compaction import compact, expand
from trial import load_study, part_name, part_rows, study_status
from trial.statistics import TrialSpec

PLAN = """\
title = "Two sites"
weeks = 1
run_in_weeks = 0
time_zone = "Europe/Vienna"
blinding = "{blinding}"
estimand = "Cramps per week"
"""
PEOPLE = """\
participant_id	site	randomised_on	age	sex
A1	North	2026-01-10	70	f
B/2	South	2026-01-10	71	m
C3	South	n/a	72	f
"""
NIGHTS = """\
participant_id	night	start_utc	recorded_hours	analysable_hours	reason	end_utc	note
A1	2026-01-10	2026-01-10T21:00:00Z	8.0000	7.5	motion	2026-01-11T05:00:00Z	calm
A1	2026-01-11	n/a	0	0	not_worn	n/a	n/a
B/2	2026-01-10	2026-01-10T21:30:00.500Z	7.25	7.25	n/a	n/a	n/a
B/2	2026-01-12	2026-01-12T21:30:00.000Z	6.125	0	noisy	n/a	n/a
"""
EPISODES = """\
participant_id	night	onset_utc	duration_s	confidence	status	version	kind
A1	2026-01-10	2026-01-10T23:00:00.123Z	61.25	0.9	auto	m1	cramp
A1	2026-01-10	2026-01-11T01:00:00.000Z	30	n/a	confirmed	m1	cramp
B/2	2026-01-10	2026-01-11T02:00:00.000Z	45.5	0.75	auto	m1	possible_cramp
"""
DIARY = """\
participant_id	night	cramps	severity	minutes
A1	2026-01-10	2	5	4.5
B/2	2026-01-10	0	n/a	n/a
"""


@pytest.fixture
def study(tmp_path):
    return write_study(tmp_path / "study")


def write_study(folder, blinding="open"):
    folder.mkdir()
    tables = {"participants": PEOPLE, "nights": NIGHTS, "episodes": EPISODES, "diary": DIARY}
    (folder / "study.toml").write_text(PLAN.format(blinding=blinding))
    for name, text in tables.items():
        (folder / f"{name}.tsv").write_text(text)
    return folder


def frames_of(study):
    loaded = load_study(study)
    keys = ["participant_id", "night"]
    return [
        frame.sort_values(keys, kind="stable").reset_index(drop=True)
        for frame in (loaded.nights, loaded.episodes, loaded.diary)
    ]


def change(file, function):
    """Rewrite a part with its table changed."""
    pq.write_table(function(pq.read_table(file, partitioning=None)), file)


def faults(study):
    with pytest.raises(TableError) as raised:
        load_study(study)
    return "\n".join(str(problem) for problem in raised.value.problems)


def test_a_study_in_parquet_is_the_study_that_it_was(study):
    before = frames_of(study)
    assert compact(study) == {"nights": 4, "episodes": 3, "diary": 2}
    assert not (study / "nights.tsv").exists()
    assert (study / "before_parquet" / "nights.tsv").read_text() == NIGHTS
    assert sorted(path.name for path in (study / "nights").iterdir()) == [
        "A1.parquet",
        "B%2F2.parquet",
    ]
    for old, new in zip(before, frames_of(study), strict=True):
        pd.testing.assert_frame_equal(old, new)


def test_parquet_cells_have_the_types_of_their_columns(study):
    compact(study)
    schema = pq.read_schema(study / "nights" / "A1.parquet")
    assert schema.field("night").type == pa.date32()
    assert schema.field("start_utc").type == pa.timestamp("us", "UTC")
    assert schema.field("recorded_hours").type == pa.float64()
    assert schema.field("note").type == pa.string(), "columns nobody knows are kept as text"


def test_there_and_back_changes_no_value(study):
    before = frames_of(study)
    compact(study)
    expand(study)
    for old, new in zip(before, frames_of(study), strict=True):
        pd.testing.assert_frame_equal(old, new)
    assert "\tcalm\n" in (study / "nights.tsv").read_text()
    assert (study / "before_text" / "nights" / "A1.parquet").is_file()
    compact(study)
    assert (study / "before_parquet" / "2_nights.tsv").is_file(), "nothing is overwritten"


def test_the_hash_of_the_inputs_follows_every_part(study):
    compact(study)
    first = load_study(study).input_hash
    assert load_study(study).input_hash == first
    change(
        study / "diary" / "A1.parquet", lambda table: table.set_column(2, "cramps", pa.array([3.0]))
    )
    assert load_study(study).input_hash != first


def test_tables_with_faults_are_not_touched(study):
    (study / "nights.tsv").write_text(NIGHTS.replace("8.0000", "80"))
    with pytest.raises(TableError, match="80"):
        compact(study)
    assert not (study / "nights").exists()
    assert not list(study.glob(".*"))


def test_what_a_broken_off_run_left_is_done_again(study):
    (study / ".nights.part").mkdir()
    (study / ".nights.part" / "Z9.parquet").write_bytes(b"half")
    compact(study)
    assert not (study / "nights" / "Z9.parquet").exists()
    assert len(load_study(study).nights) == 4


def test_a_table_twice_is_refused(study):
    compact(study)
    (study / "nights.tsv").write_text(NIGHTS)
    with pytest.raises(InputError, match="beside it stands the folder nights"):
        load_study(study)


def test_nothing_to_do_is_wrong_use(study):
    with pytest.raises(UsageError):
        expand(study)
    compact(study)
    with pytest.raises(UsageError):
        compact(study)


def test_bad_values_are_named_by_file_row_and_column(study):
    compact(study)
    change(
        study / "nights" / part_name("B/2"),
        lambda table: table.set_column(3, "recorded_hours", pa.array([7.25, 99.0])),
    )
    change(
        study / "episodes" / "A1.parquet",
        lambda table: table.set_column(5, "status", pa.array(["auto", "perhaps"])),
    )
    told = faults(study)
    assert "B%2F2.parquet: row 2, column recorded_hours: found '99'" in told
    assert "A1.parquet: row 2, column status: found 'perhaps'" in told


def test_rules_between_rows_hold_as_well(study):
    compact(study)
    change(
        study / "nights" / "A1.parquet",
        lambda table: table.set_column(1, "night", pa.array([date(2026, 1, 10)] * 2)),
    )
    assert "A1.parquet: row 2, column night" in faults(study)


@pytest.mark.parametrize(
    ("column", "cells", "expected"),
    [
        (
            "night",
            pa.array(["2026-01-10", "2026-01-11"]),
            "'night' has the type VARCHAR, expected DATE",
        ),
        ("night", pa.array([None, None], pa.date32()), "found n/a, expected a value"),
        ("recorded_hours", None, "'recorded_hours' is missing"),
    ],
    ids=["text for a date", "no date", "no column"],
)
def test_columns_of_other_types_and_missing_ones_are_faults(study, column, cells, expected):
    compact(study)

    def spoil(table):
        place = table.column_names.index(column)
        if cells is None:
            return table.remove_column(place)
        return table.set_column(place, column, cells)

    for file in (study / "nights").iterdir():
        change(file, spoil)
    assert expected in faults(study)


def test_a_damaged_part_is_named(study):
    compact(study)
    (study / "nights" / "A1.parquet").write_bytes(b"PAR1 and nothing else")
    assert "A1.parquet" in faults(study)
    with pytest.raises(InputError, match=r"A1\.parquet"):
        part_rows(study / "nights" / "A1.parquet")


def test_parts_need_packages_that_are_named_with_their_command(study, monkeypatch):
    compact(study)
    for name in ("duckdb", "pyarrow"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, name, None)
            with pytest.raises(UsageError, match=r"pip install 'nightcramp\[large\]'"):
                load_study(study)


def test_any_tool_reads_the_parts_as_one_table(study):
    compact(study)
    parts = duckdb.read_parquet(f"{study}/nights/*.parquet")
    assert parts.aggregate("sum(analysable_hours)").fetchall() == [(14.75,)]


def test_the_status_counts_nights_by_site(study):
    status = study_status(load_study(study))
    north, south = status.sites
    assert (north.site, north.participants, north.randomised) == ("North", 1, 1)
    assert (north.nights_planned, north.nights_recorded, north.nights_analysed) == (3, 1, 1)
    assert (south.nights_planned, south.nights_recorded, south.nights_analysed) == (3, 2, 1)
    assert (south.participants, south.randomised) == (2, 1)
    assert (north.nights_to_review, south.nights_to_review) == (0, 1), "one is confirmed in part"
    assert status.total.nights_planned == 6
    assert str(status.data_cut) == "2026-01-12"


def test_the_status_of_a_blinded_study_tells_of_no_cramps(tmp_path, run):
    study = write_study(tmp_path / "blind", "blinded")
    status = study_status(load_study(study))
    assert {site.nights_to_review for site in (*status.sites, status.total)} == {None}
    code, shown, _ = run("study", "status", study, "--json")
    assert code == 0
    for word in ("cramp", "episode", "rate"):
        assert word not in shown


def test_two_statuses_of_a_blinded_study_do_not_tell_of_the_night_between(tmp_path):
    study = write_trial(tmp_path / "trial", 7, TrialSpec(treated=6, controls=6, weeks=2))
    before = study_status(load_study(study))
    episodes = (study / "episodes.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    (study / "episodes.tsv").write_text("".join(episodes[:-1]), encoding="utf-8")
    assert study_status(load_study(study)) == before
