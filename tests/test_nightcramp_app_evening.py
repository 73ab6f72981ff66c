"""The evening: the trace, the set-up contractions, a sensor that cannot be had, the page itself."""

import asyncio
import re
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from starlette.testclient import TestClient

from firmware_bridge import Notification, Samples, StreamSpec
from nightcramp.app import AppSettings, create_app
from nightcramp.app.heard import Heard
from nightcramp.app.security import csrf_of
from nightcramp.app.setup_round import STEPS, Phase, SetupRound
from nightcramp.app.trace import BINS_PER_S, KEPT_S, Trace
from nightcramp.recorder.battery import Forecast
from nightcramp.recorder.meter import Bins
from nightcramp.recorder.setup_check import QUIET_S

RATE_HZ = 1000
TOKEN = "t"  # noqa: S105


class Decoder:
    """Hands on what was put in for bytes."""

    def __init__(self):
        self.packets = []

    def decode(self, characteristic, payload):
        return [self.packets.pop(0)]

    def reset(self):
        self.packets.clear()


def trace_of(*pieces, scale=0.5, offset=100):
    """Return the trace of a sensor that sends these pieces."""
    stream = StreamSpec("emg", pieces[0].shape[0], RATE_HZ, scale=scale, unit="uV", offset=offset)
    decoder = Decoder()
    trace = Trace(SimpleNamespace(decoder=lambda: decoder, streams=(stream,)))
    for piece in pieces:
        decoder.packets.append(Samples("emg", piece.astype(np.int32)))
        trace.take(Notification("", 0, 0, b""))
    return trace


def counts(seconds, amplitude=0, channels=2):
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    wave = 5000 + amplitude * np.sin(2 * np.pi * 100 * time_s)
    return np.tile(wave, (channels, 1))


def test_the_trace_shows_the_amplitude_and_not_the_offset():
    band = trace_of(counts(2, amplitude=400)).since(0)
    assert band.upto == 2 * BINS_PER_S
    assert max(band.high[BINS_PER_S:]) == pytest.approx(200, rel=0.05)
    assert min(band.low[BINS_PER_S:]) == pytest.approx(-200, rel=0.05)
    still = trace_of(counts(2)).since(0)
    assert max(map(abs, still.low + still.high)) < 1


def test_the_trace_is_the_same_however_its_samples_are_cut():
    whole = counts(2, amplitude=400)
    cut = [whole[:, at : at + 37] for at in range(0, whole.shape[1], 37)]
    assert trace_of(*cut).since(0) == trace_of(whole).since(0)


def test_the_trace_gives_each_bin_once_and_keeps_ten_seconds():
    trace = trace_of(counts(1))
    first = trace.since(0)
    assert trace.since(first.upto).high == []
    assert len(trace.since(first.upto - 3).high) == 3
    assert len(trace_of(counts(30)).since(0).high) == KEPT_S * BINS_PER_S


def test_one_channel_that_swings_is_seen_among_others():
    both = counts(2)
    both[1] = counts(2, amplitude=400)[1]
    assert max(trace_of(both).since(0).high) > 150


class Clock:
    """Time that passes at once."""

    speed = 1.0

    def __init__(self):
        self.now_ns = 0

    def monotonic_ns(self):
        return self.now_ns

    async def sleep(self, seconds):
        self.now_ns += round(seconds * 1e9)


class Calf:
    """A muscle that contracts when it is asked to."""

    def __init__(self, clock, rise):
        self.clock, self.rise, self.asked = clock, rise, []

    async def bins_between(self, start_ns, stop_ns):
        assert stop_ns < self.clock.now_ns, "the front end has not given these samples out yet"
        self.asked.append((start_ns / 1e9, stop_ns / 1e9))
        n = round((stop_ns - start_ns) / 1e8)
        pressed = stop_ns - start_ns < QUIET_S * 1e9
        rms = np.full((1, n), 5.0 * (self.rise if pressed else 1), np.float32)
        good, floor = np.zeros((1, n), np.uint8), np.full((1, n), 5.0, np.float32)
        return Bins(np.arange(n) / 10, rms, np.zeros_like(rms), floor, good, True)

    def battery(self):
        return Forecast(80, 20.0)


@pytest.mark.parametrize(("rise", "passed"), [(12, True), (2, False)])
def test_the_set_up_asks_for_rest_and_three_contractions_and_judges_them(rise, passed):
    clock = Clock()
    calf = Calf(clock, rise)
    setup = SetupRound(calf, clock)
    assert setup.phase is Phase.REST
    asyncio.run(setup.run())
    assert setup.phase is Phase.DONE
    assert setup.result.passed is passed
    ends = np.cumsum([step.seconds for step in STEPS])
    assert [stop for _, stop in calf.asked] == ends[:-1].tolist()


@pytest.fixture
def client(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        radio = f"tcp:127.0.0.1:{free.getsockname()[1]}"
    app = create_app(AppSettings(tmp_path, token=TOKEN, radio=radio))
    client = TestClient(app, base_url="http://127.0.0.1", follow_redirects=False)
    client.get("/", params={"token": TOKEN})
    client.headers.update({"origin": "http://127.0.0.1", "x-csrf-token": csrf_of(TOKEN)})
    return client


FIRST, SECOND, THIRD = (f"profile-v1@C0:11:22:33:44:5{n} Calf 0{n}" for n in (1, 2, 3))


def choose(client, sensor=FIRST, leg="left"):
    return client.post(
        "/evening/choose", data={"sensor": sensor, "leg": leg, "participant": "P042"}
    )


def held(client):
    return [(choice.name, choice.leg) for choice in client.app.state.bedside.held]


def test_a_sensor_for_the_other_leg_is_added_beside_the_first(client):
    with client:
        choose(client, leg="right")
        assert "Add the left leg" in client.get("/evening").text
        assert "Which sensor for the left leg?" in client.get("/evening/other").text
        client.post("/evening/other/choose", data={"sensor": SECOND})
        assert held(client) == [("Calf 01", "right"), ("Calf 02", "left")]
        page = client.get("/evening").text
        assert page.count("Does it hold?") == 2
        assert "Add the" not in page
        assert "The sensor was let go" not in client.get("/evening/live?leg=left").text
        client.post("/evening/other/leave", data={"leg": "right"})
        assert held(client) == [("Calf 02", "left")]
        assert "Add the right leg" in client.get("/evening").text
        client.post("/evening/other/leave", data={"leg": "left"})
        assert held(client) == [("Calf 02", "left")], "the only one is not left out"


def test_both_sensors_are_taken_again_in_one_step(client):
    with client:
        choose(client)
        client.post("/evening/other/choose", data={"sensor": SECOND})
        client.post("/evening/forget")
        page = client.get("/evening").text
        assert "The same sensors as last time?" in page
        assert "Calf 02, right leg, code P042" in page
        client.post("/evening/again")
        assert held(client) == [("Calf 01", "left"), ("Calf 02", "right")]


def test_nothing_is_taken_again_before_the_first_night(client):
    with client:
        assert client.post("/evening/again").headers["location"] == "/evening"
        assert held(client) == []


def test_no_sensor_is_worn_twice_and_no_leg_gets_two(client):
    with client:
        for path in ("/evening/other/choose", "/evening/other/look"):
            assert client.post(path).headers["location"] == "/evening", "no leg has one yet"
        choose(client)
        answer = client.post("/evening/other/choose", data={"sensor": FIRST})
        assert (answer.status_code, "taken already" in answer.text) == (422, True)
        client.post("/evening/other/choose", data={"sensor": SECOND})
        client.post("/evening/other/choose", data={"sensor": THIRD})
        assert held(client) == [("Calf 01", "left"), ("Calf 02", "right")]


def test_what_was_heard_is_offered_but_for_the_sensor_that_is_worn(client):
    with client:
        bedside = client.app.state.bedside
        choose(client)
        bedside.heard = [heard(1)]
        assert bedside.heard_others is None, "nobody has listened for another one yet"
        bedside.heard = [heard(1), heard(2)]
        assert bedside.heard_others == [heard(2)]
        assert "Calf 02" in client.get("/evening/other").text
        bedside.heard = []
        assert "No sensor is heard." in client.get("/evening/other").text


def heard(number):
    return Heard("profile-v1", "Calf", f"C0:11:22:33:44:5{number}", f"Calf 0{number}", True)


def test_where_one_sensor_is_worn_the_other_leg_is_not_offered(client):
    with client:
        bedside = client.app.state.bedside
        choose(client)
        client.post("/evening/other/choose", data={"sensor": SECOND})
        bedside._settings = replace(bedside._settings, sensors=1)
        client.post("/evening/forget")
        assert "The same sensor as last time?" in client.get("/evening").text
        client.post("/evening/again")
        assert held(client) == [("Calf 01", "left")]
        assert "Add the right leg" not in client.get("/evening").text


@pytest.mark.parametrize(("worn", "is_first"), [(2, True), (None, False)])
def test_where_two_sensors_are_worn_the_other_leg_comes_before_the_start(client, worn, is_first):
    with client:
        bedside = client.app.state.bedside
        bedside._settings = replace(bedside._settings, sensors=worn)
        choose(client)
        page = client.get("/evening").text
        assert (page.index("Add the right leg") < page.index("Start night")) is is_first


def test_what_the_test_found_of_the_first_leg_outlives_a_long_search_for_the_other(client):
    with client:
        choose(client)
        first = client.app.state.bedside.previews["left"]
        first.setup = SetupRound(first, Clock())
        client.portal.call(first.stop)
        client.post("/evening/other/choose", data={"sensor": SECOND})
        again = client.app.state.bedside.previews["left"]
        assert again is not first
        assert again.setup is first.setup


def test_one_leg_is_tested_at_a_time(client):
    with client:
        choose(client)
        client.post("/evening/other/choose", data={"sensor": SECOND})
        part = client.post("/evening/setup", data={"leg": "left"}, headers={"hx-request": "true"})
        assert "The test sees nothing" in part.text
        assert "Lie still." not in part.text  # nothing is asked for that nobody would see
        assert "The other leg is being tested." in client.get("/evening/live?leg=right").text


def test_without_bluetooth_the_evening_says_so_in_plain_words(client):
    answer = client.post("/evening/look")
    assert answer.status_code == 503
    assert "Nothing answers at" in answer.text
    assert "Traceback" not in answer.text


def test_no_night_begins_without_a_sensor(client):
    answer = client.post("/evening/begin", data={"stamp": "0"})
    assert answer.status_code == 503
    assert "Choose it again" in answer.text


def test_a_window_of_an_earlier_night_begins_nothing(client):
    answer = client.post("/evening/begin", data={"stamp": "17"})
    assert answer.headers["location"] == "/evening?say=stale"
    assert "out of date" in client.get("/evening?say=stale").text


@pytest.mark.parametrize("participant", ["Anna Meier", "", "P042/..", "x" * 21])
def test_a_name_is_not_taken_for_a_code(client, participant):
    form = {"sensor": "myo@C0:11:22:33:44:55 Myo", "leg": "left", "participant": participant}
    answer = client.post("/evening/choose", data=form)
    assert answer.status_code == 422
    assert "Never a name" in answer.text


def test_what_to_say_comes_from_the_catalogue_and_nowhere_else(client):
    page = client.get("/evening", params={"say": "<b>call this number</b>"}).text
    assert "call this number" not in page


def test_the_page_that_is_started_twice_is_opened_and_not_started(tmp_path):
    words = [sys.executable, "-m", "nightcramp", "app", "--no-browser", "--home", str(tmp_path)]
    with subprocess.Popen([*words, "--port", "0"], stdout=subprocess.PIPE, text=True) as first:
        try:
            address = first.stdout.readline()
            second = subprocess.run(words, capture_output=True, text=True, timeout=30, check=True)
            assert second.stdout == address
            port = re.search(r":(\d+)/", address)[1]
            other = [*words[:-1], str(tmp_path / "other"), "--port", port]
            third = subprocess.run(other, capture_output=True, text=True, timeout=30, check=False)
            assert third.returncode == 1
            assert "choose another port with --port" in third.stderr
        finally:
            first.send_signal(signal.SIGINT)
        assert first.wait(timeout=20) == 0
