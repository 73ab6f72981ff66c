"""What a recorder is made of: set-up check, battery, screens, status, the look at the computer."""

import asyncio
import errno
import io
import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge import HostClock
from firmware_bridge.link import LinkCause, LinkEvent, LinkState
from nightcramp.errors import ModelError
from nightcramp.recorder import checkup
from nightcramp.recorder.battery import BatteryWatch, Forecast, battery_text
from nightcramp.recorder.checkup import check_clock, check_folder, check_model, check_space
from nightcramp.recorder.figures import (
    FoundEpisode,
    NightFigures,
    SensorFigures,
    SignalFigures,
)
from nightcramp.recorder.messages import Message, episode_message, link_message
from nightcramp.recorder.meter import Bins
from nightcramp.recorder.screen import JsonScreen, LineScreen, News, open_screen
from nightcramp.recorder.setup_check import Verdict, judge_setup
from nightcramp.recorder.status import StatusFile
from nightcramp.recorder.wording import night_lines, sparkline
from recordings.journal import lock_recorder
from sensing import Event, EventKind, Quality

NOW_NS = round(datetime(2026, 11, 22, 23, 4, 5, tzinfo=UTC).timestamp() * 1e9)

# ----------------------------------------------------------------------------- set-up check


def bins(seconds, rms=3.0, *, floor=3.0, quality=Quality.GOOD, hum=0.0, scaled=True):
    n = round(10 * seconds)
    shape = (2, n)
    return Bins(
        time_s=np.arange(n) / 10,
        rms=np.full(shape, rms, dtype=np.float32),
        hum=np.full(shape, hum, dtype=np.float32),
        floor=np.full(shape, floor, dtype=np.float32),
        quality=np.full(shape, quality, dtype=np.uint8),
        scaled=scaled,
    )


def verdicts(result):
    return {finding.part: finding.verdict for finding in result.findings}


STRONG = [bins(5, 60)] * 3
FULL = Forecast(100, 20.0, measured=True)


def test_a_good_set_up_passes_in_every_part():
    result = judge_setup(bins(60), STRONG, FULL)
    assert result.passed
    assert set(verdicts(result).values()) == {Verdict.GOOD}
    assert json.loads(json.dumps(result.to_json()))["parts"]["contractions"]["value"] == 20


@pytest.mark.parametrize(
    ("quiet", "contractions", "battery", "part", "text"),
    [
        (None, STRONG, FULL, "data", "switched on"),
        (bins(60, quality=Quality.LIFT_OFF), STRONG, FULL, "contact", "press the sensor on"),
        (bins(60, quality=Quality.FLAT), STRONG, FULL, "contact", "Clean the skin"),
        (bins(60, quality=Quality.HUM), STRONG, FULL, "hum", "chargers"),
        (bins(60, 25, floor=25), [bins(5, 500, floor=25)] * 3, FULL, "noise", "25 uV"),
        (bins(60, floor=np.nan), STRONG, FULL, "noise", "could not be measured"),
        (bins(60, 30), STRONG, FULL, "rest", "Lie still"),
        (bins(60), [bins(5, 6)] * 3, FULL, "contractions", "inner calf"),
        (bins(60), [bins(5, 60), None, None], FULL, "contractions", "could not be seen"),
        (bins(60), STRONG, Forecast(30, 4.0, measured=True), "battery", "Charge the sensor"),
    ],
)
def test_each_fault_of_a_set_up_is_named_with_what_to_do(quiet, contractions, battery, part, text):
    result = judge_setup(quiet, contractions, battery)
    assert not result.passed
    (finding,) = (each for each in result.findings if each.verdict is Verdict.FIX)
    assert finding.part == part
    assert text in finding.text


def test_one_good_channel_is_enough():
    both = bins(60)
    both.quality[1] = Quality.LIFT_OFF
    assert judge_setup(both, STRONG, FULL).passed


def test_settling_in_the_first_seconds_does_not_count():
    quiet = bins(60)
    quiet.quality[:, :140] = Quality.WARM_UP
    quiet.rms[:, :140] = 100
    assert judge_setup(quiet, STRONG, FULL).passed


def test_an_unscaled_sensor_is_judged_by_ratios_alone():
    quiet, strong = bins(60, 400, floor=400, scaled=False), bins(5, 8000, floor=400, scaled=False)
    assert judge_setup(quiet, [strong] * 3, FULL).passed


def test_a_battery_of_unknown_life_is_said_to_be_unknown_and_stops_nobody():
    result = judge_setup(bins(60), STRONG, Forecast(80))
    assert result.passed
    assert verdicts(result)["battery"] is Verdict.UNKNOWN
    assert "not known" in result.findings[-1].text


# ----------------------------------------------------------------------------- battery


def test_a_battery_is_forecast_by_its_drain_once_that_is_known():
    watch = BatteryWatch("npg-lite-band")
    assert watch.forecast == Forecast()
    watch.push(0, 90)
    assert watch.forecast == Forecast(90)
    watch.push(3600, 88)
    assert watch.forecast.hours is None
    watch.push(7200, 84)
    assert watch.forecast == Forecast(84, 28.0, measured=True)
    assert battery_text(watch.forecast) == "battery 84 %, about 28 h (by its drain)"
    watch.push(7300, 99)  # the charger was put in
    assert watch.forecast == Forecast(99)


def test_what_a_maker_states_stands_in_until_the_drain_is_known():
    watch = BatteryWatch("polar-h10")
    watch.push(0, 50)
    assert watch.forecast == Forecast(50, 200.0)
    assert watch.forecast.enough


# ----------------------------------------------------------------------------- screens


def figures(**signal):
    episode = FoundEpisode(Event(10.0, 42.0, EventKind.CRAMP, confidence=0.9), NOW_NS)
    given = {
        "recorded_s": 3725.0, "analysable_s": 3600.0, "missing": 0.012, "contact": "good",
        "envelope": (1.0, 5.0, 30.0), "floor": 1.0, "battery": Forecast(80),
        "episodes": (episode,),
    }  # fmt: skip
    sensor = SensorFigures(
        "NPG-Lite-band", "left", "a.ncj", LinkState.STREAMING, None, 0.2, 3.0, "",
        SignalFigures(**given | signal),
    )  # fmt: skip
    return NightFigures(NOW_NS, NOW_NS, None, "recording", "", 1, 10**10, (sensor,))


def test_the_terminal_says_link_battery_contact_time_and_episodes():
    text = "\n".join(night_lines(figures()))
    for part in ("streaming", "battery 80 %", "contact good", "recorded 1 h 02 min",
                 "analysable 1 h 00 min", "1.2% missing", "cramps 1", "cramp, 42 s",
                 "1 marked by you", "10.0 GB free"):  # fmt: skip
        assert part in text


def test_a_lost_link_is_told_with_its_cause_and_age():
    night = figures(trouble="live detection stopped (ValueError: x)")
    sensor = replace(
        night.sensors[0], state=LinkState.WAITING, cause=LinkCause.BLUETOOTH_OFF, data_age_s=61.0
    )
    text = "\n".join(night_lines(replace(night, sensors=(sensor,), prompt="lie still")))
    assert "last data 61 s ago" in text
    assert "Bluetooth is switched off" in text
    assert "live detection stopped (ValueError: x)" in text
    assert text.endswith(">> lie still")


def test_what_is_still_fetched_is_told_in_minutes_that_do_not_end_before_it_does():
    text = night_lines(replace(figures(awaited_s=61.0), state="fetching"))[0]
    assert "fetching what was kept, 2 min to go" in text


@pytest.mark.parametrize(("state", "is_told"), [("recording", True), ("ended", False)])
def test_when_a_night_will_end_is_told_until_it_has(state, is_told):
    text = night_lines(replace(figures(), state=state, until_ns=NOW_NS))[0]
    assert (f"{state} until" in text) is is_told


def test_little_free_space_is_told_in_megabytes():
    assert night_lines(replace(figures(), free_bytes=8_388_608))[0].endswith(
        "8 MB free, 1 marked by you"
    )


def test_a_night_that_has_ended_offers_no_keys():
    out = io.StringIO()
    out.isatty = lambda: True
    with open_screen(out, as_json=False) as screen:
        screen.show(figures())
        recording = out.getvalue()
        screen.show(replace(figures(), state="ended"))
    assert "q: end the night" in recording
    assert "q: end the night" not in out.getvalue()[len(recording) :]


def test_the_envelope_is_drawn_from_the_floor_up():
    assert sparkline(SignalFigures(envelope=(1.0, 30.0, 1000.0), floor=1.0)) == "▁██"
    assert sparkline(SignalFigures(envelope=(0.0,))) == "▁"


def link_event(state, cause=None):
    return LinkEvent(state, 5, NOW_NS, cause, "detail", 1, "C0:FF", "Band")


def test_attempts_that_repeat_themselves_are_told_once_until_data_flow():
    news = News()
    lost = link_message(link_event(LinkState.WAITING, LinkCause.NOT_FOUND), "left")
    flowing = link_message(link_event(LinkState.STREAMING), "left")
    assert [news.is_new(each) for each in (lost, lost, flowing, lost)] == [True, False, True, True]
    assert all(news.is_new(Message("mark", 0, "x")) for _ in range(2))


def test_why_a_link_was_lost_is_not_told_again_when_it_waits():
    news = News()
    events = (
        (LinkState.LOST, LinkCause.SILENCE),
        (LinkState.WAITING, LinkCause.SILENCE),
        (LinkState.SCANNING, None),
        (LinkState.WAITING, LinkCause.NOT_FOUND),
    )
    told = [news.is_new(link_message(link_event(*event), "left")) for event in events]
    assert told == [True, False, True, True]


def test_plain_lines_are_few_and_json_lines_are_whole():
    for screen_of, lines in ((LineScreen, 4), (JsonScreen, 1)):
        out = io.StringIO()
        screen = screen_of(out)
        screen.show(figures())
        screen.show(figures())
        assert len(out.getvalue().splitlines()) >= lines
        first = out.getvalue()
        screen.show(replace(figures(), wall_ns=NOW_NS + 61 * 10**9))
        assert len(out.getvalue()) > len(first)
    out = io.StringIO()
    with open_screen(out, as_json=True) as screen:
        screen.tell(link_message(link_event(LinkState.LOST, LinkCause.SILENCE), "left"))
        screen.tell(episode_message(figures().sensors[0].signal.episodes[0], "left", NOW_NS))
        screen.show(figures())
    link, episode, status = map(json.loads, out.getvalue().splitlines())
    assert (link["record"], link["cause"], link["sensor"]) == ("link", "silence", "left")
    assert (episode["trial_type"], episode["duration_s"]) == ("cramp", 42.0)
    assert status["sensors"][0]["episodes"][0]["trial_type"] == "cramp"


def test_on_a_full_disk_only_the_time_of_the_status_moves(tmp_path, monkeypatch):
    path, status = tmp_path / "status.json", StatusFile(tmp_path)
    status.write(figures())
    said = path.read_text()
    os.utime(path, (1, 1))

    def refuse(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", refuse)
    StatusFile(tmp_path).write(figures())
    assert path.stat().st_mtime == 1, "the status of an earlier recorder shows no life"
    status.write(figures())
    assert path.stat().st_mtime > 1
    assert path.read_text() == said


def test_a_status_that_cannot_be_written_is_no_error(tmp_path):
    StatusFile(tmp_path).write(figures())
    assert json.loads((tmp_path / "status.json").read_text())["marks"] == 1
    StatusFile(tmp_path / "gone").write(figures())


# ----------------------------------------------------------------------------- the computer


class SteppedClock:
    """A clock whose time of day is changed while it is looked at."""

    speed = 1.0

    def __init__(self, start, step_s):
        self.monotonic, self.wall = 0, round(start.timestamp() * 1e9)
        self._step_ns = round(step_s * 1e9)

    def monotonic_ns(self):
        return self.monotonic

    def wall_ns(self):
        return self.wall

    async def sleep(self, seconds):
        self.monotonic += round(seconds * 1e9)
        self.wall += round(seconds * 1e9) + self._step_ns


@pytest.mark.parametrize(
    ("start", "step_s", "ok", "text"),
    [
        (datetime(2026, 11, 22, tzinfo=UTC), 0, True, "runs evenly"),
        (datetime(2026, 11, 22, tzinfo=UTC), -30, False, "-30.00 s"),
        (datetime(1970, 1, 1, tzinfo=UTC), 0, False, "Set it"),
    ],
)
def test_a_clock_that_is_wrong_or_changed_is_found(start, step_s, ok, text):
    finding = asyncio.run(check_clock(SteppedClock(start, step_s)))
    assert finding.ok is ok
    assert text in finding.text


def test_a_folder_is_tried_with_a_journal_and_left_as_it_was(tmp_path):
    assert check_folder(tmp_path / "new" / "folder", HostClock()).ok
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_found(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(checkup.tempfile, "TemporaryDirectory", refuse)
    finding = check_folder(tmp_path, HostClock())
    assert not finding.ok
    assert "Permission denied" in finding.text


def test_too_little_space_is_found(tmp_path, monkeypatch):
    assert check_space(tmp_path).ok
    monkeypatch.setattr(checkup, "NIGHT_BYTES", 1 << 60)
    assert "Free space" in check_space(tmp_path).text


def test_the_model_is_loaded_and_named_by_its_hash(monkeypatch):
    finding = check_model()
    assert finding.ok
    assert len(finding.text.rpartition("SHA-256 ")[2]) == 65

    def missing():
        raise ModelError("the package lacks its classifier")

    monkeypatch.setattr("models.load_classifier", missing)
    assert not check_model().ok


def test_the_doctor_says_what_is_in_the_way(run, tmp_path, monkeypatch):
    monkeypatch.setattr(checkup, "WATCHED_S", 0.05)
    monkeypatch.setattr(checkup, "SCAN_S", 0.05)
    code, out, _ = run("doctor", "--out", tmp_path, "--radio", "tcp:127.0.0.1:1", "--json")
    report = json.loads(out)
    assert code == 1
    assert not report["parts"]["bluetooth"]["ok"]
    assert {name for name, part in report["parts"].items() if not part["ok"]} == {"bluetooth"}
    code, out, _ = run("doctor", "--out", tmp_path, "--radio", "tcp:127.0.0.1:1")
    assert code == 1
    assert out.count("ok ") == 5
    assert "FIX  bluetooth" in out


def test_a_second_start_in_the_same_folder_says_who_records(run, tmp_path):
    with lock_recorder(tmp_path, HostClock()):
        words = ("--sensor", "myo", "--out", tmp_path, "--no-live", "--no-check")
        code, _, errors = run("record", *words)
    assert code == 1
    assert f"process {os.getpid()}" in errors
    assert not list(tmp_path.glob("*.ncj"))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--sensor", "mio"), "did you mean"),
        (("--sensor", "myo", "--speed", "5"), "--speed is for emulated sensors"),
        (("--sensor", "myo", "--site-key", "no.pem", "--no-check", "--no-live"), "no.pem"),
    ],
)
def test_a_wrong_command_tries_nothing(run, tmp_path, words, text, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, errors = run("record", *words)
    assert code == 2
    assert text in errors
