"""A study folder is read as it is or refused as a whole, with every bad row named."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightcramp.errors import InputError, TableError
from trial import load_study, read_study_plan
from trial.cells import code, number
from trial.plan import Blinding, DataOrigin, FirstTreatmentNight

PLAN = """
title = "A study"
weeks = 2
run_in_weeks = 1
time_zone = "Europe/Vienna"
blinding = "blinded"
estimand = "Cramps per week."
"""
TABLES = {
    "participants.tsv": """
participant_id site randomised_on age sex
P01 A 2026-03-02 70 F
P02 B 2026-03-02 71 M
""",
    "nights.tsv": """
participant_id night start_utc recorded_hours analysable_hours reason
P01 2026-03-02 2026-03-02T21:00:00Z 8 7.5 lift_off
P02 2026-03-02 2026-03-02T21:30:00+00:00 7 7 n/a
P02 2026-03-03 n/a 0 0 not_worn
""",
    "episodes.tsv": """
participant_id night onset_utc duration_s confidence status version
P01 2026-03-02 2026-03-03T01:00:00.250Z 60 0.9 auto 1
""",
    "diary.tsv": """
participant_id night cramps severity minutes
P01 2026-03-02 1 5 1.5
P02 2026-03-02 0 n/a n/a
""",
    "arms.tsv": """
participant_id arm
P01 active
P02 placebo
""",
}


class Folder:
    """A study folder whose cells can be spoilt."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.arms = path / "arms.tsv"
        (path / "study.toml").write_text(PLAN, encoding="utf-8")
        for name, text in TABLES.items():
            (path / name).write_text(text.lstrip().replace(" ", "\t"), encoding="utf-8")

    def rows(self, name: str) -> list[list[str]]:
        lines = (self.path / name).read_text(encoding="utf-8").splitlines()
        return [line.split("\t") for line in lines]

    def write(self, name: str, rows: list[list[str]]) -> None:
        text = "".join("\t".join(row) + "\n" for row in rows)
        (self.path / name).write_text(text, encoding="utf-8")

    def spoil(self, name: str, line: int, column: str, text: str) -> None:
        rows = self.rows(name)
        rows[line - 1][rows[0].index(column)] = text
        self.write(name, rows)

    def append(self, name: str, *cells: str) -> None:
        self.write(name, [*self.rows(name), list(cells)])

    def drop_column(self, name: str, column: str) -> None:
        rows = self.rows(name)
        place = rows[0].index(column)
        self.write(name, [row[:place] + row[place + 1 :] for row in rows])

    def replace_in_plan(self, old: str, new: str) -> None:
        file = self.path / "study.toml"
        file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    def problems(self, *, arms: bool = False) -> tuple[InputError, ...]:
        with pytest.raises(TableError) as caught:
            load_study(self.path, arms=self.arms if arms else None)
        return caught.value.problems

    def problem(self, *, arms: bool = False) -> InputError:
        (problem,) = self.problems(arms=arms)
        return problem


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_a_study_that_keeps_the_rules_is_read_as_it_stands(folder: Folder) -> None:
    study = load_study(folder.path, arms=folder.arms)
    assert study.plan.title == "A study"
    assert study.plan.blinding is Blinding.BLINDED
    assert study.plan.first_treatment_night is FirstTreatmentNight.SAME
    assert study.plan.data is DataOrigin.RECORDED
    assert study.nights["recorded_hours"].tolist() == [8, 7, 0]
    assert study.nights["start_utc"].isna().tolist() == [False, False, True]
    assert study.episodes.loc[0, "onset_utc"] == pd.Timestamp("2026-03-03T01:00:00.25Z")
    assert study.diary["cramps"].tolist() == [1, 0]
    assert study.participants.set_index("participant_id")["arm"].to_dict() == {
        "P01": "active",
        "P02": "placebo",
    }


SPOILT_CELLS = [
    ("participants.tsv", 2, "randomised_on", "2026-02-30", "not in the calendar"),
    ("participants.tsv", 3, "randomised_on", "31/12/2026", "spreadsheet's format"),
    ("participants.tsv", 3, "randomised_on", "2.3.26", "spreadsheet's format"),
    ("participants.tsv", 2, "randomised_on", "46083", "spreadsheet's day number"),
    ("participants.tsv", 2, "randomised_on", "20260302", "YYYY-MM-DD"),
    ("participants.tsv", 2, "randomised_on", "", "empty cell"),
    ("participants.tsv", 2, "age", "seventy", "years from 0 to 130"),
    ("participants.tsv", 2, "site", "n/a", "must not miss"),
    ("participants.tsv", 2, "sex", " F", "without blanks around it"),
    ("nights.tsv", 2, "recorded_hours", "7,5", "decimal comma"),
    ("nights.tsv", 2, "recorded_hours", "-1", "negative number"),
    ("nights.tsv", 2, "recorded_hours", "24.1", "the night has 24 from noon to noon"),
    ("nights.tsv", 2, "recorded_hours", "inf", "hours from 0 to 25"),
    ("nights.tsv", 2, "recorded_hours", "nan", "hours from 0 to 25"),
    ("nights.tsv", 2, "recorded_hours", "n/a", "must not miss"),
    ("nights.tsv", 2, "analysable_hours", "8.01", "no more than the 8 recorded"),
    ("nights.tsv", 2, "start_utc", "2026-03-02T21:00:00", "without a time zone"),
    ("nights.tsv", 2, "start_utc", "02/03/2026 21:00", "spreadsheet's format"),
    ("nights.tsv", 2, "start_utc", "2026-03-02T25:00:00Z", "not in the calendar"),
    ("nights.tsv", 3, "start_utc", "n/a", "found n/a in a night with recorded hours"),
    ("nights.tsv", 3, "reason", "", "empty cell"),
    ("nights.tsv", 3, "participant_id", "P09", "a participant of participants.tsv"),
    ("episodes.tsv", 2, "duration_s", "0", "more than 0 s"),
    ("episodes.tsv", 2, "duration_s", "-4", "negative number"),
    ("episodes.tsv", 2, "confidence", "1.2", "a probability from 0 to 1"),
    ("episodes.tsv", 2, "status", "maybe", "auto, confirmed, rejected"),
    ("episodes.tsv", 2, "onset_utc", "2026-03-02T20:59:00Z", "before the start of the night"),
    ("diary.tsv", 2, "severity", "11", "a severity from 1 to 10"),
    ("diary.tsv", 2, "cramps", "1.5", "a whole number of cramps"),
    ("diary.tsv", 2, "cramps", "-1", "negative number"),
    ("diary.tsv", 3, "participant_id", "P 2", "a code without blanks"),
    ("participants.tsv", 2, "randomised_on", "3-Apr-26", "spreadsheet's format"),
    ("participants.tsv", 2, "randomised_on", "45987", "spreadsheet's day number"),
    ("participants.tsv", 2, "randomised_on", "03/04/2026", "spreadsheet's format"),
    ("nights.tsv", 2, "start_utc", "45987.90625", "spreadsheet's format"),
    ("nights.tsv", 2, "recorded_hours", "07. Mai", "took for a date"),
    ("nights.tsv", 2, "recorded_hours", "8.5.26", "took for a date"),
    ("nights.tsv", 2, "recorded_hours", "1.000,5", "expected hours from 0 to 25"),
    ("nights.tsv", 2, "recorded_hours", "25.1", "hours from 0 to 25"),
    ("diary.tsv", 2, "severity", "0", "a severity from 1 to 10"),
    ("diary.tsv", 3, "severity", "4", "found 4 in a night whose cramps are 0"),
    ("diary.tsv", 3, "minutes", "4", "found 4 in a night whose cramps are 0"),
    ("diary.tsv", 3, "night", "2025-03-02", "before the plan begins on 2026-02-23"),
    ("diary.tsv", 3, "night", "2026-03-16", "after the last night of the plan, 2026-03-15"),
]


@pytest.mark.parametrize(("file", "line", "column", "text", "words"), SPOILT_CELLS)
def test_a_spoilt_cell_is_named_with_file_line_and_column(
    folder: Folder, file: str, line: int, column: str, text: str, words: str
) -> None:
    folder.spoil(file, line, column, text)
    problem = folder.problem()
    assert problem.file == folder.path / file
    assert problem.place == f"line {line}, column {column}"
    assert words in str(problem)


NAMES = ["Meier", "anna-schmidt", "Müller", "S-Meier", "mom"]
BIRTH_DATES = ["19480312", "12031948", "P-1948-03-12", "12.03.1948", "12251948", "19481225x"]
CODES = ["P01", "S01-003", "CH_ZRH_012", "A", "JD", "Patient7", "20260001", "S19480000", "100312"]


@pytest.mark.parametrize("text", [*NAMES, *BIRTH_DATES])
def test_a_code_that_tells_who_it_is_is_refused(text: str) -> None:
    words = "like a name" if text in NAMES else "like a date of birth"
    with pytest.raises(InputError, match=words) as caught:
        code(text)
    assert "S01-007" in str(caught.value)


@pytest.mark.parametrize("text", CODES)
def test_a_code_that_tells_nothing_is_taken(text: str) -> None:
    assert code(text) == text


def test_a_participant_of_two_sites_is_named_with_both(folder: Folder) -> None:
    folder.append("participants.tsv", "P01", "B", "2026-03-02", "70", "F")
    problem = folder.problem()
    assert problem.place == "line 4, column participant_id"
    assert "of site 'B' is on line 2 already, at site 'A'" in str(problem)


@pytest.mark.parametrize(
    ("cells", "column"),
    [(("p-01", "A"), "participant_id"), (("P03", "a"), "site"), (("P03", "B_"), "site")],
)
def test_what_differs_in_capitals_or_signs_only_is_one_spelt_twice(
    folder: Folder, cells: tuple[str, str], column: str
) -> None:
    folder.append("participants.tsv", *cells, "2026-03-02", "70", "F")
    problem = folder.problem()
    assert problem.place == f"line 4, column {column}"
    assert "an earlier line spells" in str(problem)


def with_stops(folder: Folder, *cells: str) -> None:
    rows = folder.rows("participants.tsv")
    head, *others = [[*row, "n/a"] for row in rows]
    head[-1] = "treatment_stopped_on"
    for row, cell in zip(others, cells, strict=True):
        row[-1] = cell
    folder.write("participants.tsv", [head, *others])


def test_treatment_cannot_stop_before_randomisation(folder: Folder) -> None:
    with_stops(folder, "2026-03-02", "2026-03-01")
    problem = folder.problem()
    assert problem.place == "line 3, column treatment_stopped_on"
    assert "before randomisation on 2026-03-02" in str(problem)
    folder.spoil("participants.tsv", 3, "randomised_on", "n/a")
    assert "without a date of randomisation" in str(folder.problem())


def test_a_misspelt_column_does_not_pass_for_one_to_ignore(folder: Folder) -> None:
    rows = folder.rows("episodes.tsv")
    folder.write("episodes.tsv", [[*row, "none"] for row in rows])
    folder.spoil("episodes.tsv", 1, "none", "censord")
    assert "'censord' is not known, but much like 'censored'" in str(folder.problem())


@pytest.mark.parametrize(
    ("night", "start", "hours", "words"),
    [
        ("2026-03-28", "2026-03-28T11:00:00Z", 23, "the night has 23 from noon to noon"),
        ("2026-10-24", "2026-10-24T10:00:00Z", 25, "expected hours from 0 to 25"),
        ("2026-03-02", "2026-03-02T11:00:00Z", 24, "the night has 24 from noon to noon"),
    ],
)
def test_a_night_is_as_long_as_the_clocks_make_it(
    folder: Folder, night: str, start: str, hours: int, words: str
) -> None:
    for file in ("nights.tsv", "episodes.tsv", "diary.tsv"):
        folder.write(file, folder.rows(file)[:1])
    folder.replace_in_plan("weeks = 2", 'nights_outside_plan = "left out"\nweeks = 2')
    folder.append("nights.tsv", "P01", night, start, str(hours), "8", "n/a")
    assert load_study(folder.path).nights["recorded_hours"].tolist() == [hours]
    folder.spoil("nights.tsv", 2, "recorded_hours", f"{hours}.01")
    assert words in str(folder.problem())


def test_nights_of_one_participant_do_not_overlap(folder: Folder) -> None:
    folder.append("nights.tsv", "P01", "2026-03-03", "2026-03-03T11:30:00Z", "8", "8", "n/a")
    load_study(folder.path)
    folder.spoil("nights.tsv", 2, "recorded_hours", "15")
    problem = folder.problem()
    assert problem.place == "line 5, column start_utc"
    assert "by line 2 'P01' was recorded until 2026-03-03T12:00:00Z" in str(problem)
    folder.spoil("nights.tsv", 5, "participant_id", "P02")
    folder.spoil("nights.tsv", 4, "night", "2026-03-04")
    load_study(folder.path)


def test_an_episode_lies_before_the_end_of_its_night_where_that_is_known(folder: Folder) -> None:
    rows = folder.rows("nights.tsv")
    ends = ["end_utc", "2026-03-03T05:00:00Z", "2026-03-03T04:30:00Z", "n/a"]
    folder.write("nights.tsv", [[*row, end] for row, end in zip(rows, ends, strict=True)])
    load_study(folder.path)
    folder.spoil("episodes.tsv", 2, "onset_utc", "2026-03-03T05:00:01Z")
    problem = folder.problem()
    assert problem.place == "line 2, column onset_utc"
    assert "after the end of the night at 2026-03-03T05:00:00Z" in str(problem)


def test_an_episode_lasts_no_longer_than_its_night_was_recorded(folder: Folder) -> None:
    folder.spoil("episodes.tsv", 2, "duration_s", "42000")
    problem = folder.problem()
    assert problem.place == "line 2, column duration_s"
    assert "longer than the 8 recorded hours" in str(problem)


def test_an_episode_ends_with_its_night_where_that_is_known(folder: Folder) -> None:
    rows = folder.rows("nights.tsv")
    ends = ["end_utc", "2026-03-03T05:00:00Z", "2026-03-03T04:30:00Z", "n/a"]
    folder.write("nights.tsv", [[*row, end] for row, end in zip(rows, ends, strict=True)])
    folder.spoil("episodes.tsv", 2, "onset_utc", "2026-03-03T04:59:00Z")
    folder.spoil("episodes.tsv", 2, "duration_s", "100")
    load_study(folder.path)
    folder.spoil("episodes.tsv", 2, "duration_s", "600")
    problem = folder.problem()
    assert problem.place == "line 2, column duration_s"
    assert "beyond the end of the night at 2026-03-03T05:00:00Z" in str(problem)


@pytest.mark.parametrize(
    ("end", "words"),
    [("2026-03-02T21:00:00Z", "after the start"), ("2026-03-03T04:00:00Z", "7.00 h after")],
)
def test_a_night_ends_after_what_was_recorded(folder: Folder, end: str, words: str) -> None:
    rows = folder.rows("nights.tsv")
    ends = ["end_utc", end, "n/a", "n/a"]
    folder.write("nights.tsv", [[*row, cell] for row, cell in zip(rows, ends, strict=True)])
    assert words in "\n".join(str(problem) for problem in folder.problems())


def test_nights_outside_the_plan_may_be_left_out_if_the_plan_says_so(folder: Folder) -> None:
    folder.append("nights.tsv", "P01", "2026-02-22", "n/a", "0", "0", "not_worn")
    folder.append("nights.tsv", "P01", "2026-03-16", "n/a", "0", "0", "not_worn")
    places = [problem.place for problem in folder.problems()]
    assert places == ["line 5, column night", "line 6, column night"]
    folder.replace_in_plan("weeks = 2", 'nights_outside_plan = "left out"\nweeks = 2')
    assert len(load_study(folder.path).nights) == 5


def test_the_diary_may_ask_from_zero_if_the_plan_says_so(folder: Folder) -> None:
    folder.replace_in_plan("weeks = 2", 'severity_scale = "0 to 10"\nweeks = 2')
    folder.spoil("diary.tsv", 2, "severity", "0")
    folder.spoil("diary.tsv", 3, "severity", "0")
    assert load_study(folder.path).diary["severity"].tolist() == [0, 0]


def test_rows_in_another_order_are_the_same_study(folder: Folder) -> None:
    folder.append("nights.tsv", "P01", "2026-03-04", "2026-03-04T21:00:00Z", "8", "8", "n/a")
    plain = load_study(folder.path)
    head, *rows = folder.rows("nights.tsv")
    folder.write("nights.tsv", [head, *reversed(rows)])
    nights = load_study(folder.path).nights.sort_values(["participant_id", "night"])
    expected = plain.nights.sort_values(["participant_id", "night"])
    pd.testing.assert_frame_equal(nights.reset_index(drop=True), expected.reset_index(drop=True))


@pytest.mark.parametrize(
    ("file", "line", "column", "text", "right"),
    [
        ("nights.tsv", 2, "start_utc", "2026-03-02T10:59:59Z", "2026-03-01"),
        ("nights.tsv", 3, "night", "2026-03-04", "2026-03-02"),
        ("episodes.tsv", 2, "onset_utc", "2026-03-03T11:00:00Z", "2026-03-03"),
    ],
)
def test_a_night_must_be_that_of_its_moments_under_the_studys_time_zone(
    folder: Folder, file: str, line: int, column: str, text: str, right: str
) -> None:
    folder.spoil(file, line, column, text)
    problem = folder.problem()
    assert problem.place == f"line {line}, column night"
    assert f"expected {right}" in str(problem)
    assert "Europe/Vienna" in str(problem)


def test_the_same_night_or_participant_twice_names_the_earlier_line(folder: Folder) -> None:
    folder.append("participants.tsv", "P01", "A", "2026-03-02", "70", "F")
    folder.append("nights.tsv", "P02", "2026-03-03", "n/a", "0", "0", "n/a")
    folder.append("diary.tsv", "P01", "2026-03-02", "1", "5", "1")
    folder.append(
        "episodes.tsv", "P01", "2026-03-02", "2026-03-03T01:00:00.250Z", "9", "n/a", "auto", "1"
    )
    texts = [str(problem) for problem in folder.problems()]
    assert len(texts) == 4
    assert any(
        "line 4, column participant_id: 'P01' of site 'A' is on line 2 already" in t for t in texts
    )
    assert any("line 5, column night: 'P02' 2026-03-03 is on line 4 already" in t for t in texts)
    assert any("diary.tsv: line 4, column night: 'P01' 2026-03-02 is on line 2" in t for t in texts)
    assert any("episodes.tsv: line 3, column onset_utc" in t for t in texts)


def test_an_episode_needs_its_night(folder: Folder) -> None:
    folder.append(
        "episodes.tsv", "P01", "2026-03-05", "2026-03-06T01:00:00Z", "9", "0.9", "auto", "1"
    )
    problem = folder.problem()
    assert problem.place == "line 3, column night"
    assert "not in nights.tsv" in str(problem)


def test_an_episode_needs_time_in_which_it_could_be_seen_unless_it_was_rejected(
    folder: Folder,
) -> None:
    folder.spoil("nights.tsv", 2, "analysable_hours", "0")
    assert "without analysable hours" in str(folder.problem())
    folder.spoil("episodes.tsv", 2, "status", "rejected")
    load_study(folder.path)


@pytest.mark.parametrize(("status", "counts"), [("confirmed", True), ("rejected", False)])
def test_a_cramp_that_is_entered_twice_is_refused(
    folder: Folder, status: str, counts: bool
) -> None:
    folder.spoil("episodes.tsv", 2, "duration_s", "60")
    folder.append(
        "episodes.tsv", "P01", "2026-03-02", "2026-03-03T01:00:20Z", "50", "n/a", status, "1"
    )
    if counts:
        problem = folder.problem()
        assert problem.place == "line 3, column onset_utc"
        assert "by line 2 a cramp of 'P01' lasted until" in str(problem)
    else:
        load_study(folder.path)


def test_a_night_that_cannot_be_read_does_not_blame_its_episodes(folder: Folder) -> None:
    folder.spoil("nights.tsv", 2, "night", "2.3.2026")
    assert folder.problem().place == "line 2, column night"


def test_two_analyses_of_one_night_do_not_add_up(folder: Folder) -> None:
    folder.append(
        "episodes.tsv", "P01", "2026-03-02", "2026-03-03T02:00:00Z", "9", "0.9", "auto", "2"
    )
    problem = folder.problem()
    assert problem.place == "line 3, column version"
    assert "'2'" in str(problem)
    assert "'1'" in str(problem)


def test_every_bad_row_is_named_in_the_order_of_files_and_lines(folder: Folder) -> None:
    folder.spoil("episodes.tsv", 2, "status", "yes")
    folder.spoil("nights.tsv", 4, "reason", "")
    folder.spoil("nights.tsv", 2, "recorded_hours", "8,0")
    folder.spoil("participants.tsv", 3, "age", "-1")
    folder.replace_in_plan("weeks = 2", "weeks = 0")
    named = [(Path(str(p.file)).name, p.place) for p in folder.problems()]
    assert named == [
        ("study.toml", "key weeks"),
        ("participants.tsv", "line 3, column age"),
        ("nights.tsv", "line 2, column recorded_hours"),
        ("nights.tsv", "line 4, column reason"),
        ("episodes.tsv", "line 2, column status"),
    ]


@pytest.mark.parametrize("file", ["participants.tsv", "nights.tsv", "episodes.tsv", "diary.tsv"])
def test_each_missing_column_is_named(folder: Folder, file: str) -> None:
    columns = folder.rows(file)[0]
    for column in columns:
        Folder(folder.path).drop_column(file, column)
        (missing,) = [p for p in folder.problems() if p.place == "line 1"]
        assert f"the column {column!r} is missing" in str(missing)


def test_a_column_twice_is_refused(folder: Folder) -> None:
    rows = folder.rows("nights.tsv")
    folder.write("nights.tsv", [[*row, row[3]] for row in rows])
    problem = folder.problem()
    assert "'recorded_hours' is there 2 times" in str(problem)


def test_other_columns_are_left_alone(folder: Folder) -> None:
    rows = folder.rows("nights.tsv")
    notes = ["note", "31/12/2026", "", "?"]
    folder.write("nights.tsv", [[*row, note] for row, note in zip(rows, notes, strict=True)])
    assert "note" not in load_study(folder.path).nights


def test_a_row_of_the_wrong_length_is_named(folder: Folder) -> None:
    folder.append("diary.tsv", "P01", "2026-03-03", "1")
    problem = folder.problem()
    assert problem.place == "line 4"
    assert "3 cells, expected 5" in str(problem)


def test_byte_order_mark_windows_line_ends_quotes_and_empty_lines_are_understood(
    folder: Folder,
) -> None:
    plain = load_study(folder.path)
    for file in folder.path.glob("*.tsv"):
        text = file.read_text(encoding="utf-8").replace("not_worn", '"not_worn"')
        file.write_bytes(b"\xef\xbb\xbf" + (text + "\n\t\t\n").replace("\n", "\r\n").encode())
    study = load_study(folder.path)
    pd.testing.assert_frame_equal(study.nights, plain.nights)
    pd.testing.assert_frame_equal(study.participants, plain.participants)


def test_line_numbers_count_quoted_line_breaks(folder: Folder) -> None:
    rows = folder.rows("nights.tsv")
    rows[1][5] = '"lifted\noff"'
    rows[2][3] = "x"
    folder.write("nights.tsv", rows)
    assert folder.problem().place == "line 4, column recorded_hours"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \r\n", "is empty"),
        ("participant_id\tnight\n".encode("utf-16"), "UTF-16"),
        ("participant_id\tnight\n".encode("utf-16-le"), "UTF-16"),
        (b"participant_id;night\nP01;2026-03-02\n", "separated by semicolons, expected tabs"),
        (b"PK\x03\x04 and so on", "workbook"),
        (b"participant_id\tsite\nP01\tM\xfcnchen\n", "line 2: the text is not UTF-8"),
        (b"participant_id,site,randomised_on\n", "separated by commas"),
        (b"participant_id\n", "holds no tab"),
        (b'participant_id\tsite\n"P01\tA\n', "quotation mark"),
    ],
)
def test_a_file_that_is_no_table_is_refused(folder: Folder, content: bytes, words: str) -> None:
    (folder.path / "nights.tsv").write_bytes(content)
    assert words in "\n".join(str(problem) for problem in folder.problems())


def test_a_study_without_participants_is_refused(folder: Folder) -> None:
    for name in ("participants.tsv", "nights.tsv", "episodes.tsv", "diary.tsv"):
        folder.write(name, folder.rows(name)[:1])
    assert "no participant" in str(folder.problem())


def test_a_study_without_nights_yet_is_read(folder: Folder) -> None:
    for name in ("nights.tsv", "episodes.tsv", "diary.tsv"):
        folder.write(name, folder.rows(name)[:1])
    assert load_study(folder.path).nights.empty


def test_a_study_without_a_diary_is_read(folder: Folder) -> None:
    (folder.path / "diary.tsv").unlink()
    assert load_study(folder.path).diary.empty


def test_a_missing_folder_or_file_is_an_input_error(folder: Folder) -> None:
    with pytest.raises(InputError, match="no such folder"):
        load_study(folder.path / "elsewhere")
    (folder.path / "episodes.tsv").unlink()
    with pytest.raises(InputError, match=r"episodes\.tsv"):
        load_study(folder.path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('title = "A study"', "", "key title: the key title is missing"),
        ("weeks = 2", 'weeks = "two"', "a whole number of weeks"),
        ("weeks = 2", "weeks = true", "a whole number of weeks"),
        ("Europe/Vienna", "Europe/Wien", "IANA"),
        ('"blinded"', '"blind"', "'blinded', 'open'"),
        ("estimand =", "estimant =", "estimant"),
        ("weeks = 2", 'weeks = 2\nfirst_treatment_night = "tomorrow"', "night of randomisation"),
        ("weeks = 2", "weeks =", "not a TOML file"),
        ("weeks = 2", "weeks = 2\nnights_per_week = 8", "nights from 1 to 7"),
        ("weeks = 2", 'weeks = 2\nleg = "any"', "'left', 'right', 'both'"),
        ("weeks = 2", 'weeks = 2\nseverity_scale = "0-10"', "'1 to 10', '0 to 10'"),
        ("weeks = 2", "weeks = 2\nsessions = 3", "expected a table [sessions]"),
        ("weeks = 2", "weeks = 2\nsessions = {per_week = 3}", "the key hours is missing"),
        ("weeks = 2", "weeks = 2\ncrossover = {}", "key crossover.washout_weeks"),
        ("weeks = 2", "weeks = 2\ndisplay = {week_nights = 0}", "key display.week_nights"),
        ("weeks = 2", "weeks = 2\neligibility = 3", "expected tables [[eligibility]]"),
        ('"Cramps per week."', '{population = "All"}', "key estimand.treatment"),
        (
            '"Cramps per week."',
            '{intercurrent_events = [{event = "Stop", strategy = "ITT"}]}',
            "a strategy of ICH E9(R1): treatment policy",
        ),
    ],
)
def test_a_bad_plan_is_named_by_its_key(folder: Folder, old: str, new: str, words: str) -> None:
    folder.replace_in_plan(old, new)
    assert words in "\n".join(str(problem) for problem in folder.problems())
    with pytest.raises(TableError):
        read_study_plan(folder.path)


def test_an_estimand_by_its_attributes_is_one_text_too(folder: Folder) -> None:
    folder.replace_in_plan(
        '"Cramps per week."',
        '{population = "All.", treatment = "A against B", variable = "Cramps", summary = "Ratio", '
        'intercurrent_events = [{event = "Stop of treatment", strategy = "treatment policy"}]}',
    )
    estimand = read_study_plan(folder.path).estimand
    assert estimand.text == (
        "Population: All. Treatment: A against B. Variable: Cramps. Intercurrent events: Stop of "
        "treatment (treatment policy). Population-level summary: Ratio."
    )
    assert dict(estimand.attributes)["Treatment"] == "A against B"


def test_the_arm_to_compare_with_is_one_of_the_arms(folder: Folder) -> None:
    folder.replace_in_plan("weeks = 2", 'reference_arm = "Placebo"\nweeks = 2')
    load_study(folder.path)
    assert "expected the reference_arm of study.toml, 'Placebo'" in str(folder.problem(arms=True))


def test_the_plan_alone_can_be_read(folder: Folder) -> None:
    (folder.path / "nights.tsv").unlink()
    assert read_study_plan(folder.path).zone.key == "Europe/Vienna"


def test_an_arm_for_nobody_and_nobody_without_an_arm(folder: Folder) -> None:
    folder.spoil("arms.tsv", 3, "participant_id", "P07")
    texts = [str(problem) for problem in folder.problems(arms=True)]
    assert any("line 3, column participant_id: found 'P07'" in text for text in texts)
    assert any("'P02' is missing, expected an arm" in text for text in texts)
    assert len(texts) == 2


def test_an_arm_spelt_in_two_ways_is_found(folder: Folder) -> None:
    folder.append("participants.tsv", "P03", "A", "2026-03-02", "69", "F")
    folder.append("arms.tsv", "P03", "Placebo")
    problem = folder.problem(arms=True)
    assert "3 arms" in str(problem)
    assert "spelt in two ways" in str(problem)


def test_an_allocation_separated_by_semicolons_is_told_once(folder: Folder) -> None:
    folder.replace_in_plan("weeks = 2", 'reference_arm = "placebo"\nweeks = 2')
    folder.arms.write_text(folder.arms.read_text("utf-8").replace("\t", ";"), encoding="utf-8")
    assert "separated by semicolons" in str(folder.problem(arms=True))


def test_who_is_not_randomised_has_no_arm(folder: Folder) -> None:
    folder.spoil("participants.tsv", 3, "randomised_on", "n/a")
    problem = folder.problem(arms=True)
    assert problem.place == "line 3, column randomised_on"
    folder.write("arms.tsv", folder.rows("arms.tsv")[:2])
    assert load_study(folder.path, arms=folder.arms).randomised["participant_id"].tolist() == [
        "P01"
    ]


def test_arms_are_read_only_when_they_are_given(folder: Folder) -> None:
    folder.arms.write_bytes(b"\xff\xfe not a table")
    assert not load_study(folder.path).arms_opened


def test_the_input_hash_changes_with_any_byte_and_with_nothing_else(folder: Folder) -> None:
    before = load_study(folder.path).input_hash
    assert load_study(folder.path).input_hash == before
    folder.arms.unlink()
    assert load_study(folder.path).input_hash == before
    folder.spoil("diary.tsv", 2, "minutes", "1.6")
    assert load_study(folder.path).input_hash != before


@settings(deadline=None)
@given(st.floats(min_value=0, max_value=24, allow_nan=False))
def test_every_number_in_range_is_read_exactly(value: float) -> None:
    assert number(0, 24, "hours")(repr(value)) == value


@settings(deadline=None)
@given(st.text(max_size=12))
def test_no_text_is_ever_coerced_to_a_number(text: str) -> None:
    try:
        value = number(0, 24, "hours")(text)
    except InputError:
        return
    assert float(text) == value
    assert text.isascii()
