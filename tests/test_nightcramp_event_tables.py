"""Tables of events that people write: what is let pass, and what is named instead of guessed."""

import json

import pytest

from models import TruthKind
from nightcramp.errors import InputError
from nightcramp.event_tables import read_events, read_truth
from nightcramp.outputs import NIGHT_SCHEMA
from nightcramp.scoring import score_results

HEADER = "onset\tduration\ttrial_type\tintensity\tdetail\n"


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "n_truth.tsv"
        path.write_bytes(text.encode())
        return path

    return write


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + HEADER + "600\t20\tcramp\tn/a\tn/a\n",
        (HEADER + "600\t20\tcramp\t\tn/a\n").replace("\n", "\r\n"),
        HEADER + "600\t20\tcramp\n",
        HEADER + "600\t20\tcramp\tn/a\tn/a\n\t\t\t\t\n\n",
        "trial_type\tonset\tduration\ncramp\t600\t20",
    ],
    ids=["byte order mark", "CRLF", "cells left out", "empty rows", "other order"],
)
def test_tables_are_read_as_spreadsheets_and_people_write_them(table, text):
    (cramp,) = read_truth(table(text))
    assert (cramp.onset_s, cramp.duration_s, cramp.kind) == (600.0, 20.0, TruthKind.CRAMP)
    assert cramp.intensity is None


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("n/a\t20\tcramp", "line 2: onset is 'n/a', expected seconds"),
        ("600", "line 2: duration is 'n/a', expected seconds"),
        ("nan\t20\tcramp", "line 2: onset is 'nan', expected seconds"),
        ("600\tinf\tcramp", "line 2: duration is 'inf', expected seconds"),
        ("600\t-5\tcramp", "line 2: duration is -5, expected no less than 0"),
        ("600,5\t20\tcramp", "line 2: onset is '600,5', expected seconds, with a point"),
        ("600\t20\tCramp", "line 2: trial_type is 'Cramp', expected one of cramp, "),
        ("600\t20\tcramp\tstrong", "line 2: intensity is 'strong', expected a number or n/a"),
        ('600\t20\tcramp\tn/a\t"left\n700\t20\tcramp', "line 2: the line cannot be taken apart"),
    ],
)
@pytest.mark.parametrize("read", [read_events, read_truth])
def test_a_row_that_says_nothing_certain_is_named(table, read, row, told):
    with pytest.raises(InputError, match=told):
        read(table(HEADER + row + "\n"))


def test_a_table_without_its_columns_says_what_to_write(table):
    with pytest.raises(InputError, match=r"column onset is missing\. Write onset, duration, "):
        read_truth(table("onset,duration,trial_type\n600,20,cramp\n"))


def test_a_table_in_another_encoding_says_how_to_save_it(tmp_path):
    path = tmp_path / "n_truth.tsv"
    path.write_bytes((HEADER + "600\t20\tcramp\tn/a\tétrange\n").encode("latin-1"))
    with pytest.raises(InputError, match=r"not UTF-8 text\. Save it as UTF-8"):
        read_truth(path)


@pytest.fixture
def results(tmp_path):
    """An hour in which nothing was found."""
    folder = tmp_path / "results"
    folder.mkdir()
    summary = {
        "schema": NIGHT_SCHEMA,
        "emg": {"rate_hz": 1000.0},
        "recorded_hours": 1.0,
        "analysable_hours": 1.0,
        "made_by": {},
    }
    (folder / "n_night.json").write_text(json.dumps(summary))
    (folder / "n_events.tsv").write_text(HEADER)
    return folder


@pytest.mark.parametrize("onset", [-21, 3602, 3_000_000])
def test_a_label_outside_of_its_recording_is_no_missed_cramp(table, results, onset):
    path = table(f"{HEADER}{onset}\t20\tcramp\n")
    with pytest.raises(InputError, match=r"outside of the recording, which is 3600\.0 s"):
        score_results(results, path.parent)


def test_a_label_that_reaches_over_an_edge_counts(table, results):
    path = table(f"{HEADER}-5\t20\tcramp\n3590\t20\tcramp\n")
    (judged,) = score_results(results, path.parent).scored
    assert len(judged.judged.truth) == 2


def test_a_cramp_that_two_scorers_marked_is_not_counted_twice(table):
    rows = "600\t20\tcramp\n90\t30\tgait\n100\t30\tgait\n590\t15\tcramp\n620\t20\tcramp\n"
    with pytest.raises(InputError, match=r"line 2: a cramp from 600 s .* 605 s \(line 5\)"):
        read_truth(table(HEADER + rows))
    assert len(read_truth(table(HEADER + rows.replace("590", "585")))) == 5


def test_where_nothing_can_be_compared_the_cause_is_told(table, results):
    path = table("start\tstop\n1\t2\n")
    with pytest.raises(InputError, match=r"(?s)no truth file.*n_truth\.tsv: line 1: the column"):
        score_results(results, path.parent)
    for number in range(9):
        table("").with_name(f"m{number}_truth.tsv").write_text(HEADER)
    path.unlink()
    with pytest.raises(InputError, match=r"(?s)m0_night\.json: cannot be read.*and 4 more"):
        score_results(results, path.parent)
