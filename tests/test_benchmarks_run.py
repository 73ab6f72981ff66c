"""The parts of the benchmarks that compute; nothing here is timed."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.figure import draw
from benchmarks.live import LiveStep, summarise
from benchmarks.nights import stretch
from benchmarks.ours import START_UP_JOB, beyond_start_up
from benchmarks.report import Run, put_into_page
from benchmarks.table import Row, best, figures, markdown

ROWS = [
    Row("nightcramp", START_UP_JOB, 0, 1.0, 1.0, 1.1, 140.0),
    Row("nightcramp", "EDF file → events", 8, 3.0, 4.0, 4.2, 170.0),
    Row("SciPy sosfilt 1.0", "band pass", 8, 0.5),
    Row("LibEMG 2.0", "features", 8, 30.0),
    Row("nightcramp", "EDF file → events", 24, 9.0, 10.0, 10.5, 173.4),
]


@pytest.fixture(scope="module")
def samples():
    return np.arange(20, dtype=np.float32).reshape(2, 10)


def test_a_stretch_shorter_than_the_night_is_its_beginning(samples):
    assert stretch(samples, 4).tolist() == [[0, 1, 2, 3], [10, 11, 12, 13]]


def test_a_stretch_longer_than_the_night_repeats_it(samples):
    longer = stretch(samples, 25)
    assert longer.shape == (2, 25)
    assert (longer == samples[:, np.arange(25) % 10]).all()


def test_ratios_compare_programs_on_the_same_night():
    lines = markdown(ROWS).splitlines()
    assert [cell.strip() for cell in lines[3].split("|")[1:8]] == [
        "8 h",
        "nightcramp",
        "EDF file → events",
        "6.00",
        "0.10",
        "9,600",
        "3.00",
    ]
    assert [cell.strip() for cell in lines[6].split("|")[4:6]] == ["–", "–"]


def test_all_lines_of_the_table_are_equally_long():
    assert len({len(line) for line in markdown(ROWS).splitlines()}) == 1


def test_what_could_not_be_measured_keeps_its_row_and_says_why():
    text = markdown([*ROWS, Row("Other", "job", 8, note="not available here (no wheel)")])
    assert "| Other " in text
    assert "Other, 8 h: not available here (no wheel)." in text


def test_start_up_is_taken_off_our_own_jobs_only():
    taken_off = beyond_start_up(ROWS)
    assert [row.cpu_s for row in taken_off] == [1.0, 2.0, 0.5, 30.0, 8.0]
    assert [row.process_cpu_s for row in taken_off] == [row.process_cpu_s for row in ROWS]


def test_the_best_of_several_runs_is_the_cheapest_that_succeeded():
    runs = [Row("a", "b", 1), Row("a", "b", 1, 2.0), Row("a", "b", 1, 1.0)]
    assert best(runs) is runs[2]


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0.053, "0.05"), (12.34, "12.3"), (1234.5, "1,234")]
)
def test_numbers_have_the_decimals_that_can_be_trusted(value, text):
    assert figures(value) == text


def test_the_core_share_is_mean_time_over_the_interval():
    live = LiveStep(**summarise(np.array([0.1, 0.1, 0.1, 0.5]), 0.020))
    assert live.median_ms == pytest.approx(0.1)
    assert live.core_share == pytest.approx(0.01)
    assert live.notifications == 4


def test_a_run_replaces_the_results_on_the_page_and_nothing_else(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- results -->\nold\n<!-- end of results -->\nafter\n")
    run = Run("2026-01-12", 3, ROWS, LiveStep(0.1, 0.9, 0.2, 0.009, 1000))
    put_into_page(run.text(), page)
    text = page.read_text()
    assert text.startswith("before\n<!-- results -->\n| night")
    assert text.endswith("best of 3.\n<!-- end of results -->\nafter\n")
    assert "24 h against 8 h: +2.0 %" in text
    assert "old" not in text


def test_the_figure_draws_every_program_that_was_measured(tmp_path):
    path = tmp_path / "figure.svg"
    draw(ROWS, 8, [path])
    assert "<!-- LibEMG 2.0 -->" in path.read_text(encoding="utf-8")
