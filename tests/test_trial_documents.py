"""Every figure can be traced, every column is explained, tests come only when they may."""

from __future__ import annotations

import importlib
import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nightcramp.errors import InputError, TableError, UsageError
from trial import (
    Provenance,
    RunKind,
    final_analysis,
    load_study,
    outcomes,
    published_tables,
    read_study_plan,
    schema,
)
from trial.figures import FIGURES, figure_of
from trial.responses import response_table, summarise_responses

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parent.parent / "docs" / "study.md"
MADE = Provenance("1.2.3", "model-7", "ab" * 32, datetime(2026, 4, 1, 9, tzinfo=UTC))
FIRST = date(2026, 3, 2)
NOT_FIGURES = ("study", "provenance", "display_rule", "reference_hours", "statistics")


def write_study(folder: Path, people: int, *, blinding: str = "blinded") -> Path:
    """Write a study in which treated people have a third of the cramps, with a fixed draw."""
    rng = np.random.default_rng(11)
    tables = {
        "participants": ["participant_id site randomised_on age sex treatment_stopped_on"],
        "arms": ["participant_id arm"],
        "nights": ["participant_id night start_utc recorded_hours analysable_hours reason"],
        "episodes": [
            "participant_id night onset_utc duration_s confidence status version censored"
        ],
        "diary": ["participant_id night cramps severity minutes"],
    }
    for number in range(people):
        name, arm = f"P{number:03d}", ("active", "placebo")[number % 2]
        stop = FIRST + timedelta(days=3) if number == 4 else "n/a"
        tables["participants"].append(f"{name} S{number % 3} {FIRST} {65 + number % 20} F {stop}")
        tables["arms"].append(f"{name} {arm}")
        own = rng.gamma(4, 0.12)
        for day in range(-7, 14):
            night = FIRST + timedelta(days=day)
            if rng.random() < 0.1:
                tables["nights"].append(f"{name} {night} n/a 0 0 not_worn")
                continue
            tables["nights"].append(f"{name} {night} {night}T21:00:00Z 8 7 lift_off")
            cramps = rng.poisson(own / 3 if arm == "active" and day >= 0 else own)
            severity = rng.integers(2, 9) if cramps else "n/a"
            tables["diary"].append(f"{name} {night} {cramps} {severity} n/a")
            for hour in range(min(cramps, 2)):
                seconds, cut = rng.lognormal(4.2, 0.5), "offset" if rng.random() < 0.1 else "none"
                onset = f"{night}T{22 + hour}:00:00Z"
                row = f"{name} {night} {onset} {seconds:.1f} 0.9 auto 1 {cut}"
                tables["episodes"].append(row)
    for table, rows in tables.items():
        text = "".join(row.replace(" ", "\t") + "\n" for row in rows)
        (folder / f"{table}.tsv").write_text(text, encoding="utf-8")
    (folder / "study.toml").write_text(
        f"""
title = "A study"
weeks = 2
run_in_weeks = 1
time_zone = "Europe/Vienna"
blinding = "{blinding}"
estimand = "Cramps per week."
reference_arm = "placebo"
""",
        encoding="utf-8",
    )
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_study(tmp_path_factory.mktemp("study"), 40)


@pytest.fixture(scope="module")
def final(folder: Path) -> dict[str, object]:
    study = load_study(folder, arms=folder / "arms.tsv")
    return json.loads(json.dumps(outcomes(study, MADE, RunKind.FINAL), allow_nan=False))


def numbers(value: object, path: str = "") -> Iterator[str]:
    """Yield the place of every number of a document."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from numbers(item, f"{path}.{key}")
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from numbers(item, f"{path}.{position}")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path.removeprefix(".")


def test_every_number_of_the_document_has_a_function_and_a_definition(
    final: dict[str, object],
) -> None:
    places = [p for p in numbers(final) if p.partition(".")[0] not in NOT_FIGURES]
    assert len(places) > 1000
    assert [place for place in places if figure_of(place) is None] == []
    assert {figure_of(place) for place in places} <= set(FIGURES)
    assert set(final["figures"]) == {figure.path for figure in FIGURES}


def test_every_function_that_is_named_is_there(final: dict[str, object]) -> None:
    for figure in FIGURES:
        module, name = figure.function.rsplit(".", 1)
        assert callable(getattr(importlib.import_module(module), name))
    assert final["statistics"]["primary"]["made_by"] == "trial.statistics.frequency.compare_rates"


def test_the_final_run_compares_the_arms(final: dict[str, object]) -> None:
    primary = final["statistics"]["primary"]
    ratio = next(e for e in primary["estimates"] if e["measure"] == "rate ratio")
    assert ratio["low"] < ratio["value"] < ratio["high"] < 1
    assert final["run"] == "final"
    assert not any("tests no hypothesis" in text for text in final["limits"])
    crude = {arm["arm"]: arm["value"] for arm in primary["arms"]}
    for group in final["arms"]:
        rate = group["treatment"]["outcomes"]["frequency"]["value"]
        assert crude[group["arm"]] == pytest.approx(rate, rel=1e-6)


def test_the_analysis_knows_in_which_week_treatment_stopped(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trial.statistics.analyse", lambda data, _recounted: data)
    data = final_analysis(load_study(folder, arms=folder / "arms.tsv"))
    last = data.people.set_index("participant_id")["last_week"]
    assert last["P004"] == 1
    assert set(last.drop("P004")) == {2}


def test_a_weekly_run_only_describes_even_with_open_arms(folder: Path) -> None:
    document = outcomes(load_study(folder, arms=folder / "arms.tsv"), MADE)
    assert document["statistics"] is None
    assert document["run"] == "weekly"
    assert any("tests no hypothesis" in text for text in document["limits"])
    assert "p_value" not in json.dumps(document)


@pytest.mark.parametrize("run", [RunKind.FINAL, RunKind.DMC])
def test_closed_arms_are_not_compared(folder: Path, run: RunKind) -> None:
    with pytest.raises(UsageError, match="--arms"):
        outcomes(load_study(folder), MADE, run)


def test_the_arm_to_compare_with_must_be_named(tmp_path: Path) -> None:
    folder = write_study(tmp_path, 8)
    plan = folder / "study.toml"
    plan.write_text(plan.read_text("utf-8").replace('reference_arm = "placebo"\n', ""), "utf-8")
    study = load_study(folder, arms=folder / "arms.tsv")
    with pytest.raises(InputError, match='reference_arm = "active" or "placebo"'):
        outcomes(study, MADE, RunKind.FINAL)


@pytest.mark.parametrize("options", [["--final"], ["--dmc"], ["--final", "--dmc", "--arms", "x"]])
def test_the_command_refuses_a_comparison_without_arms(
    folder: Path, tmp_path: Path, run, options: list[str]
) -> None:
    assert run("report", folder, "--out", tmp_path / "out", *options)[0] == 2
    assert not (tmp_path / "out").exists()


def test_no_name_of_an_arm_leaks_from_the_plan(folder: Path) -> None:
    study = load_study(folder)
    written = json.dumps(outcomes(study, MADE))
    written += "".join(table.to_csv() for table in published_tables(study).values())
    assert "placebo" not in written
    assert "active" not in written.replace("inactive", "")


@pytest.mark.parametrize("opened", [False, True])
def test_every_column_of_every_table_is_explained(folder: Path, opened: bool) -> None:
    study = load_study(folder, arms=folder / "arms.tsv" if opened else None)
    tables = published_tables(study)
    assert ("responses" in tables) == opened
    assert list(tables)[::2] == ["weekly", "periods", "responses"][: 2 + opened]
    for name in list(tables)[::2]:
        explained = tables[f"{name}_dictionary"]
        assert explained["column"].tolist() == tables[name].columns.tolist()
        assert (explained[["type", "definition"]] != "").all(axis=None)
        assert not explained.to_csv().count("{")
        for column in tables[name]:
            assert f"`{column}`" in DOCS.read_text("utf-8"), column


def test_tables_of_a_blinded_study_hold_no_counts_of_participants(folder: Path) -> None:
    tables = published_tables(load_study(folder))
    assert "participant_id" not in tables["weekly"]
    assert not {"episodes", "rate", "mean_log_minutes"} & set(tables["periods"])


def test_responses_by_hand(tmp_path: Path) -> None:
    folder = write_study(tmp_path, 4, blinding="open")
    for name in ("episodes", "nights"):
        file = folder / f"{name}.tsv"
        file.write_text(file.read_text("utf-8").splitlines()[0] + "\n", encoding="utf-8")
    weeks = {"P000": (4, 2, 1), "P001": (4, 3, 0), "P002": (0, 1, 0), "P003": (2, None, 2)}
    for name, counts in weeks.items():
        for week, count in enumerate(counts):
            for day in range(0 if count is None else 7):
                night = FIRST + timedelta(days=7 * (week - 1) + day)
                with (folder / "nights.tsv").open("a", encoding="utf-8") as file:
                    file.write(f"{name}\t{night}\t{night}T21:00:00Z\t8\t8\tn/a\n")
                if day < count:
                    with (folder / "episodes.tsv").open("a", encoding="utf-8") as file:
                        onset = f"{night}T23:00:00Z"
                        file.write(f"{name}\t{night}\t{onset}\t60\t0.9\tauto\t1\tnone\n")
    table = response_table(load_study(folder)).set_index("participant_id")
    assert table["run_in_rate"].tolist() == [4, 4, 0, 2]
    assert table["treatment_rate"].tolist() == [1.5, 1.5, 0.5, 2]
    assert table["reduction"].round(3).tolist()[:2] == [0.625, 0.625]
    assert table["reduction"].isna().tolist() == [False, False, True, False]
    assert table["responder_50"].fillna(False).tolist() == [True, True, False, False]
    assert table["responder_75"].isna().tolist() == [False, False, True, False]
    assert table["weeks_displayed"].tolist() == [2, 2, 2, 1]
    assert table["cramp_free_weeks"].tolist() == [0, 1, 1, 0]
    assert table["weeks_to_effect"].fillna(0).tolist() == [1, 0, 0, 0]
    found = summarise_responses(table.reset_index())
    assert [(r.threshold, r.responders, r.participants) for r in found.responders] == [
        (25, 2, 3),
        (50, 2, 3),
        (75, 0, 3),
    ]
    assert found.cramp_free_weeks.value == pytest.approx(2 / 7)
    assert (found.time_to_effect.participants, found.time_to_effect.reached) == (3, 1)
    assert found.time_to_effect.median_weeks is None


def test_a_night_or_two_without_a_cramp_make_no_responder(tmp_path: Path) -> None:
    folder = write_study(tmp_path, 4, blinding="open")
    for name in ("episodes", "nights"):
        file = folder / f"{name}.tsv"
        file.write_text(file.read_text("utf-8").splitlines()[0] + "\n", encoding="utf-8")
    with (folder / "nights.tsv").open("a", encoding="utf-8") as file:
        for name, seen in (("P000", 3), ("P001", 4)):
            for day in range(-7, seen):
                night = FIRST + timedelta(days=day)
                file.write(f"{name}\t{night}\t{night}T21:00:00Z\t8\t8\tn/a\n")
    with (folder / "episodes.tsv").open("a", encoding="utf-8") as file:
        for name in ("P000", "P001"):
            night = FIRST - timedelta(days=1)
            file.write(f"{name}\t{night}\t{night}T23:00:00Z\t60\t0.9\tauto\t1\tnone\n")
    table = response_table(load_study(folder)).set_index("participant_id").loc[["P000", "P001"]]
    assert table["reduction"].tolist() == [1, 1]
    assert table["weeks_displayed"].tolist() == [0, 1]
    assert table["responder_75"].isna().tolist() == [True, False]


def test_the_median_time_to_effect_is_that_of_kaplan_and_meier(tmp_path: Path) -> None:
    table = response_table(load_study(write_study(tmp_path, 4, blinding="open"))).iloc[[0] * 5]
    table = table.assign(
        run_in_rate=4.0, weeks_displayed=4, last_week=[2, 3, 4, 4, 4], cramp_free_weeks=0
    )
    # 1 of 5 at week 1; of the 3 left at week 3 (one is censored at 2), 1: 0.8 × 2/3 = 0.533;
    # at week 4 of the 2 left, 1: 0.267.
    table["weeks_to_effect"] = np.array([np.nan, 3, 1, 4, np.nan])
    table["weeks_to_effect"] = table["weeks_to_effect"].astype("Int64")
    assert summarise_responses(table).time_to_effect.median_weeks == 4


def test_the_example_of_the_page_is_a_plan_and_its_keys_are_all_there_are(tmp_path: Path) -> None:
    page = DOCS.read_text("utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "study.toml").write_text(example, encoding="utf-8")
    plan = read_study_plan(tmp_path)
    assert plan.reference_arm == "placebo"
    assert len(plan.estimand.attributes) == 5
    (tmp_path / "study.toml").write_text(f"nothing = 1\n{example}", encoding="utf-8")
    with pytest.raises(TableError) as caught:
        read_study_plan(tmp_path)
    keys = str(caught.value).partition("expected ")[2].strip().split(", ")
    assert len(keys) > 15
    for key in keys:
        assert re.search(rf"\| `\[*{key}\]*` \|", page), key


def test_every_column_of_every_input_is_on_the_page() -> None:
    page = DOCS.read_text("utf-8")
    tables = (
        *(schema.PARTICIPANTS, schema.NIGHTS, schema.SESSIONS, schema.EPISODES),
        *(schema.ELIGIBILITY, schema.diary_columns(None), schema.arms_columns(None)),
    )
    for column in (column for table in tables for column in table):
        assert f"`{column.name}`" in page, column.name
