"""The recorder as the page sees it: begun, marked, ended, gone, refused; and the night's texts."""

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from nightcramp.app import AppSettings, create_app
from nightcramp.app.heard import Heard
from nightcramp.app.recorder_process import NIGHT_BYTES, RecorderProcess, State
from nightcramp.app.security import csrf_of
from nightcramp.app.status import read_status
from nightcramp.app.tonight import Choice, Tonight, read_tonight, write_tonight
from nightcramp.errors import BusyError, InputError, OutputError

TOKEN = "t"  # noqa: S105
CHOICE = Choice("profile-v1", "C0:11:22:33:44:55", "Calf 01", "left", "P042")
OTHER = Choice("profile-v1", "C0:11:22:33:44:66", "Calf 02", "right", "P042")

NOBODY = 2**22 + 1
"""A process number that Linux never gives."""

NIGHTS = runpy.run_path(str(Path(__file__).with_name("recorded_nights.py")))

# Does what the recorder does as far as the page can see: writes its status, hears signals.
RECORDER = """
import json, os, pathlib, signal, sys, time
home = pathlib.Path(sys.argv[1])
status = {"schema": "nightcramp-status/1", "process": os.getpid(), "state": "recording",
          "marks": 0, "free_bytes": 10**10, "sensors": json.loads(sys.argv[2]),
          "started_ns": time.time_ns()}
def write():
    status["updated_ns"] = time.time_ns()
    (home / "beside").write_text(json.dumps(status))
    (home / "beside").replace(home / "status.json")
def mark(*_):
    status["marks"] += 1
def end(*_):
    status["state"] = "ended"
signal.signal(signal.SIGUSR1, mark)
signal.signal(signal.SIGINT, end)
while status["state"] == "recording":
    write()
    time.sleep(0.02)
write()
"""
STREAMING = {"title": "Calf", "leg": "left", "state": "streaming", "says": None, "alarm": None,
             "contact": "good", "recorded_s": 27600.0, "data_age_s": 0.1, "battery_percent": 80,
             "battery_hours": 20.0}  # fmt: skip


def soon(wanted):
    """Wait until something holds."""
    for _ in range(1000):
        if wanted():
            return
        time.sleep(0.02)
    pytest.fail("it did not come about")


@pytest.fixture
def settings(tmp_path):
    return AppSettings(tmp_path, token=TOKEN)


@pytest.fixture
def begin(settings, monkeypatch):
    """Return what begins a night with a recorder whose sensors stand as said."""
    recorders = []

    def begin(recorder, *sensors, program=RECORDER):
        told = json.dumps(sensors or (STREAMING,))
        command = [sys.executable, "-c", program, str(settings.home), told]
        monkeypatch.setattr(RecorderProcess, "_command", lambda *_: command)
        recorders.append(recorder)
        return recorder.begin((CHOICE,))

    yield begin
    for recorder in recorders:
        recorder._child.kill()
        recorder._child.wait()


@pytest.fixture
def recorder(settings):
    return RecorderProcess(settings)


@pytest.fixture
def client(settings):
    return client_of(settings)


def client_of(settings):
    client = TestClient(create_app(settings), base_url="http://127.0.0.1", follow_redirects=False)
    client.get("/", params={"token": TOKEN})
    client.headers.update({"origin": "http://127.0.0.1", "x-csrf-token": csrf_of(TOKEN)})
    return client


def bedside(client):
    return client.app.state.bedside


def test_a_night_is_begun_marked_and_ended(recorder, begin, settings):
    assert recorder.state() is State.NONE
    begin(recorder)
    assert recorder.state() in (State.STARTING, State.RECORDING)
    soon(lambda: recorder.state() is State.RECORDING)
    assert recorder.mark()
    soon(lambda: json.loads((settings.home / "status.json").read_text())["marks"] == 1)
    assert recorder.end()
    soon(lambda: recorder.state() is State.ENDED)
    assert not recorder.mark()
    assert not recorder.end()


def test_a_night_is_not_begun_twice(recorder, begin, settings):
    begin(recorder)
    for other in (recorder, RecorderProcess(settings)):
        with pytest.raises(BusyError, match="already"):
            other.begin((CHOICE,))


def test_another_page_finds_the_night_that_runs(recorder, begin, settings):
    begin(recorder)
    soon(lambda: RecorderProcess(settings).state() is State.RECORDING)
    assert RecorderProcess(settings).end()
    soon(lambda: recorder.state() is State.ENDED)


def test_a_recorder_that_was_killed_goes_on_with_the_same_choice(recorder, begin):
    begun = begin(recorder)
    soon(lambda: recorder.state() is State.RECORDING)
    os.kill(begun.process, signal.SIGKILL)
    soon(lambda: recorder.state() is State.GONE)
    again = recorder.go_on()
    assert (again.choices, again.night) == (begun.choices, begun.night)
    soon(lambda: recorder.state() is State.RECORDING)


def test_a_recorder_that_refuses_says_why(recorder, begin):
    text = "import sys; sys.exit('nightcramp: the sensor is of no known kind')"
    begin(recorder, program=text)
    soon(lambda: recorder.state() is State.REFUSED)
    assert recorder.last_words() == "the sensor is of no known kind"


def test_a_recorder_that_says_nothing_any_more_is_gone(recorder, begin, settings):
    begun = begin(recorder)
    soon(lambda: recorder.state() is State.RECORDING)
    os.kill(begun.process, signal.SIGSTOP)
    time.sleep(0.05)
    old = time.time() - 60
    write_tonight(settings.home, Tonight((CHOICE,), begun.night, begun.process, 1))
    os.utime(settings.home / "status.json", (old, old))
    assert recorder.state() is State.GONE


def test_there_is_nothing_to_go_on_with_before_the_first_night(recorder):
    with pytest.raises(BusyError, match="no night"):
        recorder.go_on()


def test_a_disk_without_room_for_a_night_is_told_before_it_begins(recorder, monkeypatch):
    monkeypatch.setattr("nightcramp.app.recorder_process.free_bytes", lambda _: NIGHT_BYTES - 1)
    with pytest.raises(OutputError, match="almost full"):
        recorder.begin((CHOICE,))
    assert recorder.state() is State.NONE


def test_the_recorder_is_told_everything_that_was_chosen(tmp_path):
    emulated = RecorderProcess(AppSettings(tmp_path, radio="tcp:127.0.0.1:9740", speed=20))
    words = " ".join(emulated._command(Tonight((CHOICE,))))
    assert "--sensor profile-v1@C0:11:22:33:44:55 --leg left --participant P042" in words
    assert "--radio tcp:127.0.0.1:9740 --speed 20" in words
    both = " ".join(emulated._command(Tonight((CHOICE, OTHER))))
    assert "--leg left --sensor profile-v1@C0:11:22:33:44:66 --leg right --participant P042" in both
    assert "--radio" not in RecorderProcess(AppSettings(tmp_path))._command(Tonight((CHOICE,)))


def test_the_real_recorder_takes_this_command(tmp_path):
    nobody = Tonight((Choice("none", "x", "", "left", "P1"),))
    command = RecorderProcess(AppSettings(tmp_path))._command(nobody)
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "unknown device 'none'" in run.stderr
    assert run.returncode == 2


def test_what_was_chosen_is_kept(tmp_path):
    assert read_tonight(tmp_path) is None
    told = Tonight((CHOICE, OTHER), "2026-11-22", 17, 18)
    write_tonight(tmp_path, told)
    assert read_tonight(tmp_path) == told


def test_a_choice_of_before_the_second_sensor_is_understood(tmp_path):
    old = {"choice": asdict(CHOICE), "night": "2026-11-22", "process": 17, "begun_ns": 18}
    (tmp_path / "tonight.json").write_text(json.dumps({**old, "over": True}))
    assert read_tonight(tmp_path) == Tonight((CHOICE,), "2026-11-22", 17, 18, over=True)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"choice": {}}', '{"choice": 1, "night": 2}'])
def test_a_damaged_choice_is_named_with_what_to_do(tmp_path, content):
    (tmp_path / "tonight.json").write_text(content)
    with pytest.raises(InputError, match=r"tonight\.json.*choose the sensor anew"):
        read_tonight(tmp_path)


def test_the_night_page_tells_how_it_stands(client, begin):
    begin(bedside(client).recorder)
    soon(lambda: bedside(client).state is State.RECORDING)
    assert client.get("/").headers["location"] == "/night"
    page = client.get("/night").text
    assert "Recorded so far: 7 h 40 min" in page
    assert "Cramp now" in page
    assert client.post("/night/mark").headers["location"] == "/night?say=marked"
    soon(lambda: "You have marked one cramp." in client.get("/night/state").text)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"state": "lost", "says": "Bluetooth is switched off on this computer."}, "switched off"),
        ({"state": "connecting"}, "being connected"),
        ({"alarm": "The disk is full; the journal waits in memory."}, "disk is full"),
        ({"contact": "flat"}, "does not touch the skin"),
        ({"contact": "lift_off"}, "has come off the skin"),
        ({"contact": "saturated"}, "a part of the sensor is loose"),
        ({"contact": "hum"}, "Hum from the mains"),
    ],
)
def test_a_fault_of_the_night_is_told_in_plain_words(client, begin, change, told):
    begin(bedside(client).recorder, {**STREAMING, **change})
    soon(lambda: bedside(client).state is State.RECORDING)
    page = client.get("/night/state").text
    assert told in page
    assert "goes on by itself" in page


@pytest.mark.parametrize("contact", ["unknown", "warm_up", "gap", "noisy", "motion", "unsettled"])
def test_what_passes_by_itself_wakes_nobody(client, begin, contact):
    begin(bedside(client).recorder, {**STREAMING, "contact": contact})
    soon(lambda: bedside(client).state is State.RECORDING)
    page = client.get("/night/state").text
    assert "Recorded so far: 7 h 40 min." in page
    assert "goes on by itself" not in page


def test_what_is_not_measured_yet_is_not_called_nothing(client, begin):
    begin(bedside(client).recorder, {**STREAMING, "recorded_s": 0.0})
    soon(lambda: bedside(client).state is State.RECORDING)
    page = client.get("/night/state").text
    assert "Recording." in page
    assert "Recorded so far" not in page


def test_a_disk_that_fills_up_is_told_as_it_is_now(client, begin, monkeypatch):
    begin(bedside(client).recorder)
    soon(lambda: bedside(client).state is State.RECORDING)
    assert "almost full" not in client.get("/night/state").text
    monkeypatch.setattr("nightcramp.app.bedside.free_bytes", lambda _: 3_000_000)
    page = client.get("/night/state").text
    assert "The disk is almost full: 3 MB are left." in page
    assert "goes on by itself" in page


def test_each_leg_is_told_by_its_name(client, begin):
    lost = {"leg": "right", "state": "lost", "says": "Bluetooth is switched off."}
    begin(bedside(client).recorder, STREAMING, {**STREAMING, **lost})
    soon(lambda: bedside(client).state is State.RECORDING)
    page = client.get("/night/state").text
    assert "Left leg: Recording. Recorded so far: 7 h 40 min." in page
    assert "Right leg: Bluetooth is switched off." in page
    assert "goes on by itself" in page


def test_a_sensor_that_lends_its_acceleration_is_no_second_leg(client, begin):
    companion = {**STREAMING, "title": "Chest", "recorded_s": 0.0}
    begin(bedside(client).recorder, STREAMING, companion)
    soon(lambda: bedside(client).state is State.RECORDING)
    page = client.get("/night/state").text
    assert page.count("Recorded so far: 7 h 40 min.") == 1
    assert "leg:" not in page


# Takes in what it is asked for, or refuses; as the recorder itself does.
JOINABLE = RECORDER.replace(
    "    write()\n    time",
    """    join = home / "join.json"
    if join.exists() and not (asked := json.loads(join.read_text()))["refused"]:
        if asked["sensor"].endswith("77"):
            asked["refused"] = "It is of another recording."
            join.write_text(json.dumps(asked))
        else:
            status["sensors"].append({**status["sensors"][0], "leg": asked["leg"]})
            write()
            join.unlink()
    write()
    time""",
)


def add(client, choice, **fields):
    fields = {"stamp": bedside(client).stamp, **fields}
    sensor = f"{choice.sensor} {choice.name}"
    return client.post("/night/other/choose", data={"sensor": sensor, **fields})


def test_a_leg_is_added_while_the_night_runs(client, begin, settings):
    begun = begin(bedside(client).recorder, program=JOINABLE)
    soon(lambda: bedside(client).state is State.RECORDING)
    assert "Add the right leg" in client.get("/night").text
    bedside(client).heard = [
        Heard(each.device, "Calf", each.address, each.name, strong=True) for each in (CHOICE, OTHER)
    ]
    page = client.get("/night/other").text
    assert "The recording of the left leg is not stopped" in page
    assert "Calf 02" in page
    assert "Calf 01" not in page, "it is worn"
    stamp = bedside(client).stamp
    assert add(client, OTHER).headers["location"] == "/night?say=added"
    assert read_tonight(settings.home).choices == (CHOICE, OTHER)
    assert bedside(client).stamp == stamp
    assert read_status(settings.home).process == begun.process, "the same recorder"
    page = client.get("/night?say=added").text
    assert "The leg is added." in page
    assert page.index("Left leg: Recording") < page.index("Right leg: Recording")
    assert "Add the" not in page
    for answer in (client.get("/night/other"), add(client, OTHER)):
        assert answer.headers["location"].startswith("/night")


def test_a_leg_that_is_refused_says_why_and_changes_nothing(client, begin, settings):
    begin(bedside(client).recorder, program=JOINABLE)
    soon(lambda: bedside(client).state is State.RECORDING)
    answer = add(client, replace(OTHER, address="C0:11:22:33:44:77"))
    assert (answer.status_code, "It is of another recording." in answer.text) == (422, True)
    assert read_tonight(settings.home).choices == (CHOICE,)
    assert not (settings.home / "join.json").exists()
    assert "taken already" in add(client, CHOICE).text
    assert add(client, OTHER, stamp="1").headers["location"] == "/night?say=stale"
    assert read_tonight(settings.home).choices == (CHOICE,)


def test_a_recorder_that_is_killed_before_it_took_the_leg_goes_on_with_both(
    client, begin, settings, monkeypatch
):
    monkeypatch.setattr("nightcramp.app.recorder_process.ANSWER_S", 0.3)
    begun = begin(bedside(client).recorder)  # it takes nothing
    soon(lambda: bedside(client).state is State.RECORDING)
    assert add(client, OTHER).headers["location"] == "/night?say=not_added_yet"
    page = client.get("/night?say=not_added_yet").text
    assert "The leg is not added yet" in page
    assert "Add the right leg" in page, "it is not called recorded"
    os.kill(begun.process, signal.SIGKILL)
    soon(lambda: bedside(client).state is State.GONE)
    assert "Add the" not in client.get("/night").text
    client.post("/night/go-on", data={"stamp": bedside(client).stamp})
    assert read_tonight(settings.home).choices == (CHOICE, OTHER)


def test_a_recorder_that_dies_of_what_it_is_asked_is_not_said_to_go_on(client, begin, settings):
    dying = RECORDER.replace(
        "    write()\n", "    write()\n    (home / 'join.json').exists() and 1 / 0\n"
    )
    begin(bedside(client).recorder, program=dying)
    soon(lambda: bedside(client).state is State.RECORDING)
    assert add(client, OTHER).headers["location"] == "/night"
    assert "What was recorded until then is safe." in client.get("/night").text
    assert read_tonight(settings.home).choices == (CHOICE, OTHER)


def test_where_one_sensor_is_worn_no_leg_is_added_at_night(client, begin, settings):
    bedside(client)._settings = replace(settings, sensors=1)
    begin(bedside(client).recorder, program=JOINABLE)
    soon(lambda: bedside(client).state is State.RECORDING)
    assert "Add the" not in client.get("/night").text
    assert client.get("/night/other").headers["location"] == "/night"
    assert client.post("/night/other/look").headers["location"] == "/night"
    assert add(client, OTHER).headers["location"] == "/night"
    assert read_tonight(settings.home).choices == (CHOICE,)


def test_a_recorder_that_somebody_else_started_is_not_added_to(client, begin, settings):
    begun = begin(bedside(client).recorder, program=JOINABLE)
    soon(lambda: bedside(client).state is State.RECORDING)
    write_tonight(settings.home, replace(begun, process=NOBODY))
    assert "Add the" not in client.get("/night").text


def test_a_clock_that_is_set_in_the_night_is_told(client, begin, monkeypatch):
    begin(bedside(client).recorder)
    soon(lambda: bedside(client).state is State.RECORDING)
    assert "clock was changed" not in client.get("/night/state").text
    bedside(client)._wall_offset_ns -= 3600 * 10**9
    assert "clock was changed" in client.get("/night/state").text


def test_a_second_start_from_another_window_leads_to_the_night(client, begin):
    begin(bedside(client).recorder)
    for path in ("/evening/begin", "/evening/look", "/evening/choose"):
        answer = client.post(path, data={"sensor": "myo@A b", "leg": "left", "participant": "P1"})
        assert answer.headers["location"] == "/night?say=already"
    assert "Nothing was started twice" in client.get("/night?say=already").text
    assert client.get("/evening").headers["location"] == "/night?say=already"


def test_a_window_of_an_earlier_night_ends_nothing(client, begin):
    begin(bedside(client).recorder)
    soon(lambda: bedside(client).state is State.RECORDING)
    assert client.post("/night/end", data={"stamp": "1"}).headers["location"] == "/night?say=stale"
    assert bedside(client).state is State.RECORDING
    stamp = bedside(client).stamp
    assert client.post("/night/end", data={"stamp": stamp}).headers["location"] == "/morning"
    assert bedside(client).state in (State.FINISHING, State.ENDED)


def test_the_morning_says_that_a_sensor_still_sends_what_it_kept(client, begin, settings):
    fetching = RECORDER.replace('status["state"] = "ended"', 'status["state"] = "fetching"')
    fetching = fetching.replace('== "recording"', '!= "ended"')
    begin(bedside(client).recorder, {**STREAMING, "awaited_s": 301.0}, program=fetching)
    soon(lambda: bedside(client).state is State.RECORDING)
    assert bedside(client).recorder.end()
    other = RecorderProcess(settings)  # a page that did not end the night itself
    soon(lambda: other.state() is State.FINISHING)
    assert not other.end()  # said twice it would end at once
    assert "still sending what it kept: 6 minutes" in client.get("/morning/story").text
    bedside(client).recorder._child.kill()
    bedside(client).recorder._child.wait()
    assert other.state() is State.GONE


def test_a_recorder_that_is_gone_is_offered_to_go_on(client, begin):
    begun = begin(bedside(client).recorder)
    soon(lambda: bedside(client).state is State.RECORDING)
    os.kill(begun.process, signal.SIGKILL)
    soon(lambda: bedside(client).state is State.GONE)
    page = client.get("/night").text
    assert "What was recorded until then is safe." in page
    assert "Go on recording" in page
    assert "Cramp now" not in page
    answer = client.post("/night/go-on", data={"stamp": bedside(client).stamp})
    assert answer.headers["location"] == "/night"
    soon(lambda: bedside(client).state is State.RECORDING)


def test_a_night_of_another_day_does_not_stand_in_the_way_of_tonight(client, settings):
    write_tonight(settings.home, Tonight((CHOICE,), "2026-03-10", NOBODY, 1))
    status = {"schema": "nightcramp-status/1", "process": NOBODY, "state": "recording",
              "marks": 0, "free_bytes": 1, "sensors": [], "started_ns": 1,
              "updated_ns": 1}  # fmt: skip
    (settings.home / "status.json").write_text(json.dumps(status))
    assert bedside(client).state is State.GONE
    assert client.get("/").headers["location"] == "/evening"
    with client:
        assert client.get("/evening").status_code == 200
        soon(lambda: bedside(client).state is State.ENDED)


def test_a_damaged_choice_is_told_on_the_page_and_not_as_an_error_of_the_program(client, settings):
    (settings.home / "tonight.json").write_text("{")
    answer = client.get("/evening")
    assert answer.status_code == 503
    assert "choose the sensor anew" in answer.text


def test_a_night_whose_recorder_is_gone_is_put_in_order_by_the_page(client, settings):
    for leg in ("left", "right"):
        told = {**NIGHTS["METADATA"], "leg": leg}
        journal = settings.home / f"P042_2026-01-12_{leg}.ncj"
        NIGHTS["write_journal"](journal, "profile-v1", metadata=told)
    write_tonight(settings.home, Tonight((CHOICE, OTHER), "2026-01-12", NOBODY, 1))
    assert bedside(client).state is State.REFUSED
    with client:
        stamp = bedside(client).stamp
        assert client.post("/night/end", data={"stamp": stamp}).headers["location"] == "/morning"
        assert "being put together" in client.get("/morning").text
        soon(lambda: bedside(client).state is State.ENDED)
    assert len(list((settings.home / "results").glob("*_night.json"))) == 2
    page = client.get("/morning").text
    assert page.count("Recorded 1 minute.") == 2
    assert page.index("Left leg") < page.index("Right leg")


def test_one_leg_that_cannot_be_put_in_order_says_why_and_the_other_is(client, settings):
    for leg in ("left", "right"):
        told = {**NIGHTS["METADATA"], "leg": leg}
        journal = settings.home / f"P042_2026-01-12_{leg}.ncj"
        NIGHTS["write_journal"](journal, "profile-v1", metadata=told)
    (settings.home / "P042_2026-01-12_left.ncj" / "0001.ncj").write_bytes(b"nothing of a journal")
    write_tonight(settings.home, Tonight((CHOICE, OTHER), "2026-01-12", NOBODY, 1))
    with client:
        client.post("/night/end", data={"stamp": bedside(client).stamp})
        soon(lambda: bedside(client).state is State.ENDED)
    # Another server knows it too: the reason is kept with the night.
    page = client_of(settings).get("/morning").text
    assert page.count("Recorded 1 minute.") == 1
    assert "Nothing was made of what this sensor recorded." in page
    assert "P042_2026-01-12_left.ncj" in page


def test_a_left_night_that_cannot_be_put_in_order_says_why(client, settings, monkeypatch):
    full = "tonight.json: cannot be written (No space left on device)"

    def refuse(*_):
        raise OutputError(full)

    NIGHTS["write_journal"](settings.home / "P042_2026-01-12_left.ncj", "profile-v1")
    write_tonight(settings.home, Tonight((CHOICE,), "2026-01-12", NOBODY, 1))
    monkeypatch.setattr("nightcramp.app.bedside.finish_left_night", lambda *_: {"left": "No file."})
    monkeypatch.setattr("nightcramp.app.bedside.write_tonight", refuse)
    with client:
        client.post("/night/end", data={"stamp": bedside(client).stamp})
        soon(lambda: bedside(client).state is not State.FINISHING)
        page = client.get("/morning").text
    assert "No file." in page
    assert full in page
