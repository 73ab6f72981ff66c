"""The morning: the night in plain sentences, the diary in the night's folder and in the study's."""

import gzip
import json
import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from nightcramp.app import AppSettings, create_app
from nightcramp.app.diary import (
    Cramp,
    DiaryEntry,
    NightKey,
    add_entry,
    is_late,
    new_entry,
    nights_without_diary,
    read_entries,
)
from nightcramp.app.night_story import SETTLING, Loss, Night, as_length, read_results, tell
from nightcramp.app.security import csrf_of
from nightcramp.app.study_diary import (
    counts_are_closed,
    is_enrolled,
    sensors_of,
    write_study_diary,
)
from nightcramp.app.texts import catalogue, day, text
from nightcramp.app.tonight import Choice, Tonight, write_tonight
from nightcramp.errors import InputError
from nightcramp.study_compaction import compact
from sensing import Quality
from trial import load_study
from trial.schema import EPISODES, NIGHTS

TOKEN = "t"  # noqa: S105
NIGHT = date(2026, 3, 10)
KEY = NightKey("P042", NIGHT)
ENTRY = DiaryEntry("2026-03-11T06:30:00+00:00", False, (Cramp(4, 2.5), Cramp(9, 1.0)), "walking")
LOST = Loss("lift_off", datetime(2026, 3, 11, 4, 10), 1200)
NIGHT_TOLD = Night(27600, 26400, 3, 9.0, (LOST,))

STUDY = """title = "A study"
weeks = 8
run_in_weeks = 2
time_zone = "Europe/Berlin"
blinding = "{blinding}"
estimand = "Cramps per week."
"""


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "study.toml").write_text(_plan("blinded"))
    people = "participant_id\tsite\trandomised_on\tage\tsex\nP042\tA\t2026-03-01\t75\tf\n"
    (folder / "participants.tsv").write_text(people)
    for name, columns in (("nights", NIGHTS), ("episodes", EPISODES)):
        header = "\t".join(column.name for column in columns if not column.optional)
        (folder / f"{name}.tsv").write_text(header + "\n")
    return folder


def _plan(blinding):
    return STUDY.format(blinding=blinding)


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    (folder / "P042_2026-03-10_left.ncj").mkdir(parents=True)
    return folder


def client_of(home, study=None):
    app = create_app(AppSettings(home, study, token=TOKEN))
    client = TestClient(app, base_url="http://127.0.0.1", follow_redirects=False)
    client.get("/", params={"token": TOKEN})
    client.headers.update({"origin": "http://127.0.0.1", "x-csrf-token": csrf_of(TOKEN)})
    return client


def answers(**changes):
    return {
        "participant": "P042", "night": "2026-03-10", "cramps": "2", "severity1": "4",
        "minutes1": "2,5", "severity2": "9", "minutes2": "", "helped": " walking ", **changes,
    }  # fmt: skip


def test_the_night_is_told_in_plain_sentences():
    assert tell(NIGHT_TOLD, closed=False) == [
        "Recorded 7 h 40 min.",
        "Sensor fell off at 4:10 for 20 minutes.",
        "For 7 h 20 min of that, a cramp would have been seen.",
        "The sensor saw 3 cramps, 9 minutes together.",
    ]


@pytest.mark.parametrize("closed", [True, False])
def test_a_night_in_which_nothing_could_be_seen_is_not_called_free_of_cramps(closed):
    assert tell(Night(1800, 0, 0, 0.0, ()), closed=closed) == [
        "Recorded 30 minutes.",
        "At no time of that could a cramp have been seen, so nobody knows whether there was one.",
    ]


def test_counts_stay_closed_where_the_study_is_blinded():
    many, none = (tell(replace(NIGHT_TOLD, cramps=n), closed=True) for n in (3, 0))
    assert many == none
    assert "closed until the study is over" in many[-1]


def test_short_losses_are_not_told_and_unknown_ones_are():
    losses = (replace(LOST, seconds=20), replace(LOST, reason="solar wind"))
    told = tell(replace(NIGHT_TOLD, losses=losses), closed=True)
    assert [line for line in told if "4:10" in line] == [
        "The signal could not be used at 4:10 for 20 minutes."
    ]


@settings(deadline=None)  # the first call reads the catalogue
@given(st.floats(0, 100_000))
def test_a_length_never_says_sixty_minutes(seconds):
    said = as_length(seconds)
    assert "60 min" not in said
    assert said not in ("1 minutes", "1 seconds", "0 minutes")


def test_a_short_cramp_is_told_in_seconds():
    told = tell(replace(NIGHT_TOLD, cramps=1, cramp_minutes=0.35), closed=False)
    assert told[-1] == "The sensor saw one cramp of 21 seconds."


def test_the_story_is_read_from_the_results(tmp_path):
    name = "sub-P042_ses-20260310_task-sleep_acq-left_recording-emg"
    summary = {"schema": "nightcramp-night/1", "start": "2026-03-10T22:10:00", "cramps": 1,
               "recorded_hours": 7.5, "analysable_hours": 7.0, "cramp_minutes": 2.0}  # fmt: skip
    (tmp_path / f"{name}_night.json").write_text(json.dumps(summary))
    rows = [
        (0, 10, "not_analysable", "warm_up"),
        (21600, 600, "not_analysable", "lift_off"),
        (22230, 570, "not_analysable", "lift_off"),
        (22800, 900, "not_analysable", "unsettled"),
        (100, 40, "cramp", "n/a"),
    ]
    lines = ["onset\tduration\ttrial_type\tdetail", *("\t".join(map(str, row)) for row in rows)]
    (tmp_path / f"{name}_events.tsv").write_text("\n".join(lines) + "\n")
    night = read_results(tmp_path, KEY)["left"]
    assert tell(night, closed=True)[1:-2] == ["Sensor fell off at 4:10 for 20 minutes."]
    assert (night.recorded_s, night.cramps) == (27000, 1)
    assert read_results(tmp_path, NightKey("P0", NIGHT)) == {}


def test_both_legs_are_told_and_a_leg_of_which_nothing_was_made(home):
    summary = {"schema": "nightcramp-night/1", "start": "2026-03-10T22:10:00", "cramps": 1,
               "recorded_hours": 7.5, "analysable_hours": 7.0, "cramp_minutes": 2.0}  # fmt: skip
    name = "sub-P042_ses-20260310_task-sleep_acq-left_recording-emg"
    results = home / "results"
    results.mkdir()
    (results / f"{name}_night.json").write_text(json.dumps(summary))
    (results / f"{name}_events.tsv").write_text("onset\tduration\ttrial_type\tdetail\n")
    (home / "P042_2026-03-10_right.ncj").mkdir()
    choices = tuple(Choice("profile-v1", side, side, side, "P042") for side in ("left", "right"))
    write_tonight(home, Tonight(choices, NIGHT.isoformat(), over=True))
    page = client_of(home).get("/morning").text
    left, right = page.index("Left leg"), page.index("Right leg")
    assert left < page.index("The sensor saw one cramp of 2 minutes.") < right
    assert right < page.index("Nothing was made of what this sensor recorded.")
    (home / "P042_2026-03-10_right.ncj").rmdir()
    assert "Right leg" not in client_of(home).get("/morning").text, "it was chosen afterwards"


@pytest.mark.parametrize(
    ("line", "worn"), [("", 1), ('leg = "both"\n', 2), ('leg = "left"\n', 2), ("leg = 3\n", None)]
)
def test_the_study_says_how_many_sensors_are_worn(study, line, worn):
    plan = study / "study.toml"
    plan.write_text(line + plan.read_text())
    assert sensors_of(study) == worn
    assert sensors_of(None) is None


def test_an_answer_is_late_from_noon_on():
    assert not is_late(NIGHT, datetime(2026, 3, 11, 11, 59))
    assert is_late(NIGHT, datetime(2026, 3, 11, 12, 0))
    assert new_entry(NIGHT, (), {}).late
    assert not new_entry(datetime.now().astimezone().date(), (), {}).late


def test_a_later_answer_is_added_and_overwrites_nothing(home):
    changed = replace(ENTRY, cramps=(), helped="", note="none after all")
    add_entry(home, KEY, ENTRY)
    path = add_entry(home, KEY, changed)
    assert read_entries(home, KEY) == (ENTRY, changed)
    assert json.loads(path.read_text())["severity_scale"] == "1 to 10"


def test_a_damaged_diary_is_named_and_kept(home):
    path = add_entry(home, KEY, ENTRY)
    path.write_text('{"entries": [{}]}')
    with pytest.raises(InputError, match=r"P042_2026-03-10_diary\.json"):
        add_entry(home, KEY, ENTRY)
    assert path.read_text() == '{"entries": [{}]}'


def test_recorded_nights_without_a_diary_are_named(home):
    (home / "P042_2026-03-12_left.ncj").mkdir()
    (home / "P042_2026-03-12_left_companion.ncj").mkdir()
    (home / "notes.ncj").mkdir()
    add_entry(home, KEY, ENTRY)
    later = NightKey("P042", date(2026, 3, 12))
    assert nights_without_diary(home, NIGHT) == [later]
    assert nights_without_diary(home, date(2026, 3, 13)) == []


def test_the_study_reads_what_the_diary_writes(study):
    write_study_diary(study, KEY, ENTRY)
    (row,) = load_study(study).diary.to_dict("records")
    assert (row["cramps"], row["severity"], row["minutes"]) == (2, 6.5, 3.5)
    write_study_diary(study, KEY, replace(ENTRY, cramps=(), late=True))
    (row,) = load_study(study).diary.to_dict("records")
    assert row["cramps"] == 0
    assert (study / "diary.tsv").read_text().splitlines()[1].endswith("\tyes")


def test_minutes_that_are_not_all_known_are_missing_and_not_summed(study):
    write_study_diary(study, KEY, replace(ENTRY, cramps=(Cramp(4, 2.5), Cramp(9))))
    assert load_study(study).diary["minutes"].isna().all()


def test_other_rows_and_columns_of_the_study_diary_stay(study):
    table = (
        "night\tparticipant_id\tcramps\tseverity\tminutes\tnurse\n2026-03-09\tP042\t1\t5\t2\tKim\n"
    )
    (study / "diary.tsv").write_text(table)
    write_study_diary(study, KEY, ENTRY)
    lines = (study / "diary.tsv").read_text().splitlines()
    assert lines[1] == "2026-03-09\tP042\t1\t5\t2\tKim\tn/a\tn/a"
    assert len(load_study(study).diary) == 2


def test_the_diary_of_a_study_kept_as_parquet_is_written_there(study):
    pytest.importorskip("pyarrow")
    write_study_diary(study, KEY, replace(ENTRY, cramps=()))
    compact(study)
    write_study_diary(study, KEY, ENTRY)
    assert not (study / "diary.tsv").exists()
    assert load_study(study).diary["cramps"].tolist() == [2]


def test_a_broken_study_diary_is_left_as_it_is(study):
    (study / "diary.tsv").write_text(
        "participant_id\tnight\tcramps\tseverity\tminutes\nP042\t2026-03-09\t1\n"
    )
    with pytest.raises(InputError, match="line 2"):
        write_study_diary(study, KEY, ENTRY)
    (study / "diary.tsv").write_text("participant_id\tnight\n")
    with pytest.raises(InputError, match="cramps is missing"):
        write_study_diary(study, KEY, ENTRY)


def test_a_study_is_blinded_unless_its_plan_says_that_it_is_open(study, tmp_path):
    assert counts_are_closed(study)
    (study / "study.toml").write_text(_plan("open"))
    assert not counts_are_closed(study)
    (study / "study.toml").write_text("blinding = 3")
    assert counts_are_closed(study)
    assert counts_are_closed(tmp_path / "no-such-study")
    assert not counts_are_closed(None)


def test_a_code_that_the_study_does_not_know_is_refused_in_the_evening(home, study):
    assert is_enrolled(study, "P042")
    form = {"sensor": "myo@A b", "leg": "left", "participant": "P043"}
    answer = client_of(home, study).post("/evening/choose", data=form)
    assert answer.status_code == 422
    assert "does not know the code P043" in answer.text


def test_the_diary_goes_to_the_night_and_to_the_study(home, study):
    client = client_of(home, study)
    page = client.get("/morning/diary?participant=P042&night=2026-03-10&cramps=2").text
    assert "Tuesday, 10 March: 2 cramps" in page
    assert page.count("hardly noticed") == 2
    answer = client.post("/morning/diary", data=answers())
    assert answer.headers["location"] == "/morning?say=late"
    (entry,) = read_entries(home, KEY)
    assert entry.cramps == (Cramp(4, 2.5), Cramp(9, None))
    assert (entry.helped, entry.late) == ("walking", True)
    assert load_study(study).diary["severity"].tolist() == [6.5]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"severity1": ""}, "how bad it was"),
        ({"severity1": "0"}, "how bad it was"),
        ({"severity2": "11"}, "how bad it was"),
        ({"minutes1": "long"}, "minutes as a number"),
        ({"minutes1": "nan"}, "minutes as a number"),
        ({"minutes1": "-3"}, "minutes as a number"),
        ({"minutes1": "601"}, "minutes as a number"),
        ({"cramps": "21"}, "from 0 to 20"),
        ({"cramps": "²"}, "from 0 to 20"),
        ({"cramps": "-1"}, "from 0 to 20"),
        ({"night": "yesterday"}, "which night is meant"),
        ({"participant": "../../etc"}, "which night is meant"),
        ({"participant": ""}, "which night is meant"),
    ],
)
def test_an_answer_that_cannot_be_is_asked_again_and_nothing_is_kept(home, changes, told):
    answer = client_of(home).post("/morning/diary", data=answers(**changes))
    assert answer.status_code == 422
    assert told in answer.text
    assert not (home / "diary").exists()


def test_what_was_written_is_not_lost_by_a_mistake_and_is_never_markup(home):
    words = "<script>alert(1)</script>"
    answer = client_of(home).post("/morning/diary", data=answers(severity1="", helped=words))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
    assert words not in answer.text


def test_a_diary_that_was_written_is_not_asked_again(home):
    night = datetime.now().astimezone().date() - timedelta(days=1)
    choice = Choice("profile-v1", "A", "Calf", "left", "P042")
    write_tonight(home, Tonight((choice,), night.isoformat(), over=True))
    client = client_of(home)
    assert "Did you have cramps" in client.get("/morning").text
    add_entry(home, NightKey("P042", night), new_entry(night, (), {}))
    page = client.get("/morning").text
    assert "The diary of this night is done" in page
    assert "Did you have cramps" not in page


def test_every_text_that_a_template_names_is_in_the_catalogue():
    templates = files("nightcramp.app").joinpath("templates")
    known = catalogue()
    for template in templates.iterdir():
        if template.is_file():
            for key in re.findall(r"""text\(["']([a-z_.]+)["'][,)]""", template.read_text()):
                assert key in known or f"{key}.one" in known, f"{template.name}: {key}"


def test_every_state_of_the_signal_has_its_words():
    reasons = {quality.reason for quality in Quality}
    for reason in reasons:
        assert f"live.contact.{reason}" in catalogue()
    for reason in reasons - {"good", *SETTLING}:
        assert f"story.loss.{reason}" in catalogue()


def test_a_text_is_chosen_by_its_count():
    assert text("night.marks", count=1) == "You have marked one cramp."
    assert text("night.marks", count=2) == "You have marked 2 cramps."
    assert day(date(2026, 3, 10)) == "Tuesday, 10 March"
    with pytest.raises(KeyError):
        text("no.such.text")


def test_a_page_with_all_it_loads_is_small(home):
    client = client_of(home)
    for path in (
        "/evening",
        "/morning",
        "/morning/diary?participant=P1&night=2026-03-10&cramps=20",
    ):
        page = client.get(path).text
        loaded = [
            client.get(link).content for link in re.findall(r'(?:src|href)="(/static/[^"#]+)', page)
        ]
        loaded += [
            client.get(f"/static/{name}").content
            for name in ("icons.svg", "uplot.min.js", "uplot.min.css", "trace.js")
        ]
        weight = sum(len(gzip.compress(part)) for part in (page.encode(), *loaded))
        assert weight < 100 * 1024, f"{path} weighs {weight} bytes"
