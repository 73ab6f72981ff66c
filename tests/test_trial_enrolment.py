"""Who should not be in the trial is named; who is in danger is named at any visit."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from nightcramp.errors import TableError
from trial import Concern, check_enrolment, check_study, load_study, read_study_plan

CHECKLIST = Path(__file__).parent.parent / "docs" / "eligibility_tan_2024.toml"
FIRST = date(2026, 3, 2)
PLAN = """
title = "A study"
weeks = 1
run_in_weeks = 2
time_zone = "Europe/Vienna"
blinding = "blinded"
estimand = "Cramps per week."
"""


class Folder:
    """A study of two participants who may take part, with the checklist of Tan and colleagues."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "study.toml").write_text(PLAN + CHECKLIST.read_text("utf-8"), encoding="utf-8")
        self.write("participants", "participant_id site randomised_on age sex")
        for name in ("P01", "P02"):
            self.append("participants", name, "A", FIRST, 70, "F")
        self.write(
            "nights", "participant_id night start_utc recorded_hours analysable_hours reason"
        )
        self.write(
            "episodes", "participant_id night onset_utc duration_s confidence status version"
        )
        self.write("diary", "participant_id night cramps severity minutes")
        self.write("eligibility", "participant_id assessed_on criterion answer")
        for name in ("P01", "P02"):
            self.append("diary", name, FIRST - timedelta(days=3), 2, "n/a", "n/a")
            for criterion in read_study_plan(path).eligibility:
                self.answer(name, -5, criterion.code, criterion.right_answer)

    def write(self, table: str, head: str) -> None:
        (self.path / f"{table}.tsv").write_text(head.replace(" ", "\t") + "\n", encoding="utf-8")

    def append(self, table: str, *cells: object) -> None:
        with (self.path / f"{table}.tsv").open("a", encoding="utf-8") as file:
            file.write("\t".join(map(str, cells)) + "\n")

    def answer(self, name: str, day: int, code: str, answer: str) -> None:
        self.append("eligibility", name, FIRST + timedelta(days=day), code, answer)

    def replace(self, table: str, old: str, new: str) -> None:
        file = self.path / table
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    def findings(self) -> list[tuple[str, Concern, str]]:
        found = check_enrolment(load_study(self.path))
        return [(f.participant_id, f.concern, f.criterion) for f in found]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_the_checklist_stops_at_a_vitamin_k_antagonist(folder: Folder) -> None:
    plan = read_study_plan(folder.path)
    assert [c.code for c in plan.eligibility if c.hard_stop] == ["vitamin_k_antagonist"]
    assert {c.code for c in plan.eligibility} >= {"age_65", "diuretics", "restless_legs"}
    assert plan.screening is not None
    assert (plan.screening.episodes, plan.screening.weeks) == (2, 2)


def test_who_may_take_part_is_not_named(folder: Folder) -> None:
    assert folder.findings() == []


@pytest.mark.parametrize("day", [-4, 0, 20])
def test_a_vitamin_k_antagonist_is_a_safety_stop_at_any_visit(folder: Folder, day: int) -> None:
    folder.answer("P02", day, "vitamin_k_antagonist", "yes")
    folder.answer("P01", -4, "diuretics", "yes")
    assert folder.findings()[0] == ("P02", Concern.SAFETY_STOP, "vitamin_k_antagonist")
    assert "do not start or continue" in check_enrolment(load_study(folder.path))[0].text


def test_the_last_answer_up_to_randomisation_decides(folder: Folder) -> None:
    folder.answer("P01", -7, "diuretics", "yes")
    assert folder.findings() == []
    folder.answer("P01", 0, "diuretics", "yes")
    assert folder.findings() == [("P01", Concern.NOT_ELIGIBLE, "diuretics")]


def test_a_criterion_that_is_broken_later_is_told_apart(folder: Folder) -> None:
    folder.answer("P01", 3, "diuretics", "yes")
    assert folder.findings() == [("P01", Concern.NO_LONGER_ELIGIBLE, "diuretics")]
    folder.answer("P01", 4, "diuretics", "no")
    assert folder.findings() == []


@pytest.mark.parametrize("answer", [None, "n/a"])
def test_an_answer_must_not_be_missing_at_randomisation(folder: Folder, answer: str | None) -> None:
    row = f"P01\t{FIRST - timedelta(days=5)}\tage_65\tyes\n"
    folder.replace("eligibility.tsv", row, "" if answer is None else row.replace("yes", answer))
    folder.answer("P01", 1, "age_65", "yes")
    assert folder.findings() == [("P01", Concern.NOT_ANSWERED, "age_65")]


@pytest.mark.parametrize(
    ("night", "cramps", "enough"),
    [(-1, 2, True), (-14, 2, True), (-15, 2, False), (0, 2, False), (-3, 1, False)],
)
def test_two_episodes_in_the_two_weeks_before_treatment(
    folder: Folder, night: int, cramps: int, enough: bool
) -> None:
    old = f"P01\t{FIRST - timedelta(days=3)}\t2"
    folder.replace("diary.tsv", old, f"P01\t{FIRST + timedelta(days=night)}\t{cramps}")
    if night == -15:
        folder.replace("study.toml", "weeks = 1", 'nights_outside_plan = "left out"\nweeks = 1')
    found = [] if enough else [("P01", Concern.TOO_FEW_EPISODES, "screening")]
    assert folder.findings() == found


def test_the_screening_rule_may_count_the_sensors_episodes(folder: Folder) -> None:
    folder.replace("study.toml", 'source = "diary"', 'source = "sensor"')
    night = FIRST - timedelta(days=2)
    folder.append("nights", "P01", night, f"{night}T21:00:00Z", 8, 8, "n/a")
    for hour, status in ((22, "auto"), (23, "confirmed")):
        folder.append("episodes", "P01", night, f"{night}T{hour}:00:00Z", 60, 0.9, status, 1)
    assert folder.findings() == [("P02", Concern.TOO_FEW_EPISODES, "screening")]
    folder.replace("episodes.tsv", "confirmed", "rejected")
    assert len(folder.findings()) == 2


def test_a_finding_of_a_blinded_trial_tells_no_count(folder: Folder) -> None:
    folder.replace("diary.tsv", f"P01\t{FIRST - timedelta(days=3)}\t2", f"P01\t{FIRST}\t9")
    (finding,) = check_enrolment(load_study(folder.path))
    assert "9" not in finding.text


@pytest.mark.parametrize(
    ("cells", "column", "words"),
    [
        (("P01", FIRST, "age_56", "yes"), "criterion", "expected a code of the checklist"),
        (("P01", FIRST, "age_65", "ja"), "answer", "expected one of yes, no"),
        (("P01", FIRST - timedelta(days=5), "age_65", "no"), "assessed_on", "already"),
        (("P09", FIRST, "age_65", "yes"), "participant_id", "a participant of"),
    ],
)
def test_a_bad_answer_is_named(
    folder: Folder, cells: tuple[object, ...], column: str, words: str
) -> None:
    folder.append("eligibility", *cells)
    with pytest.raises(TableError) as caught:
        load_study(folder.path)
    (problem,) = caught.value.problems
    assert str(problem.place).endswith(f", column {column}")
    assert words in str(problem)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('code = "age_65"', 'code = "Age 65"', "key eligibility[1].code: found 'Age 65'"),
        ('code = "age_65"', 'code = "diuretics"', "key eligibility[4].code"),
        ('kind = "inclusion"', 'kind = "in"', "'inclusion', 'exclusion'"),
        ("hard_stop = true", 'hard_stop = "yes"', "expected true or false"),
        ("hard_stop = true", "hardstop = true", "the key hardstop is not known"),
        ("episodes = 2", "episodes = 0", "key screening.episodes"),
        ('source = "diary"', "", "key screening.source"),
    ],
)
def test_a_bad_checklist_is_named_by_its_key(
    folder: Folder, old: str, new: str, words: str
) -> None:
    folder.replace("study.toml", old, new)
    assert words in "\n".join(str(problem) for problem in check_study(folder.path).problems)


def test_check_counts_the_episodes_of_an_open_study_only(folder: Folder, run) -> None:
    assert check_study(folder.path).episodes is None
    assert json.loads(run("study", "check", folder.path, "--json")[1])["episodes"] is None
    folder.replace("study.toml", 'blinding = "blinded"', 'blinding = "open"')
    assert check_study(folder.path).episodes == 0
    assert "0 nights and 0 episodes up to" in run("study", "check", folder.path)[1]


def test_check_prints_everything_and_changes_nothing(folder: Folder, run) -> None:
    before = {file: file.read_bytes() for file in folder.path.iterdir()}
    code, shown, _ = run("study", "check", folder.path)
    assert code == 0
    assert shown.startswith("2 participants (2 randomised), 0 nights up to the night of ")
    assert shown.endswith("night of 2026-02-27: no fault, 0 findings\n")
    folder.answer("P01", 3, "vitamin_k_antagonist", "yes")
    code, shown, _ = run("study", "check", folder.path)
    assert code == 1
    assert shown.startswith("safety stop  P01: Takes a vitamin K antagonist")
    code, shown, _ = run("study", "check", folder.path, "--json")
    assert code == 1
    assert json.loads(shown)["findings"][0]["concern"] == "safety stop"
    folder.append("participants", "Meier", "A", "3.2.2026", 70, "F")
    folder.append("diary", "P01", "46083", 1, 5, "1,5")
    code, shown, _ = run("study", "check", folder.path)
    assert code == 1
    for words in ("looks like a name", "spreadsheet's format", "day number", "decimal comma"):
        assert words in shown
    assert shown.count("fault  ") == 4
    assert shown.endswith("\n4 faults; enrolment is checked once nothing is at fault\n")
    assert run("study", "check", folder.path / "nowhere")[0] == 1
    assert run("study", "check")[0] == 2
    assert before[folder.path / "study.toml"] == (folder.path / "study.toml").read_bytes()
