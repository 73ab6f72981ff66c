"""The review of nights in a real browser, by keyboard; and its answers without one."""

import http.client
import json
import os
import re
import runpy
import shutil
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn

from nightcramp.app import AppSettings, create_app
from nightcramp.app.review.desk import Desk
from nightcramp.app.review.list_page import _line
from nightcramp.app.security import csrf_of
from nightcramp.event_tables import read_events
from nightcramp.review.corrections import Change, Status
from nightcramp.review.labels import export_labels
from nightcramp.review.nights import find_night, find_nights
from nightcramp.review.scoring import final_episodes, scorer_log, scoring_state
from sensing import EventKind
from trial.audit import AuditAction, read_audit, verify_audit

nights = runpy.run_path(str(Path(__file__).with_name("reviewed_nights.py")))
cramp = nights["cramp"]

NAME = "sub-P001_ses-20260301_task-sleep"
FOUND = (cramp(60, 30), cramp(150, 12, EventKind.POSSIBLE_CRAMP), cramp(400, 40))
BLUES = ((60, 30), (150, 12), (400, 46))
TOKEN = "secret"  # noqa: S105 (of this test's own server)
WIDTHS = (375, 820, 1280)
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("recordings") / f"{NAME}_emg.edf"
    return nights["write_recording"](path, 600.0, bursts=BLUES)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, recording):
    """Results with the overview that the first look at a night makes."""
    folder = tmp_path_factory.mktemp("prepared")
    nights["write_results"](folder, NAME, FOUND, hours=600 / 3600, source=recording)
    Desk(AppSettings(home=recording.parent, results=folder)).open(find_night(NAME, folder))
    return folder


@pytest.fixture
def results(tmp_path, prepared):
    shutil.copytree(prepared, tmp_path / "results")
    return tmp_path / "results"


@pytest.fixture
def address(results, recording):
    """Where a server of the page listens; it ends with the test."""
    settings = AppSettings(home=recording.parent, results=results, token=TOKEN)
    config = uvicorn.Config(create_app(settings), port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        threading.Event().wait(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


# Answers


class Client:
    """A browser without a window."""

    def __init__(self, address):
        self.address = address
        self.cookies = {}
        self.get(f"/review/?token={TOKEN}")

    def ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc)
        jar = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request(method, path, body, {"Cookie": jar, **headers})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, rest = line.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        return answer.status, answer.headers, content

    def get(self, path):
        return self.ask("GET", path)

    def json(self, path):
        return json.loads(self.get(f"/review/nights/{NAME}/{path}")[2])

    def change(self, mode, **asked):
        headers = {"X-CSRF-Token": csrf_of(TOKEN), "Origin": self.address}
        status, _, content = self.ask(
            "POST", f"/review/nights/{NAME}/{mode}/change", json.dumps(asked), **headers
        )
        return status, json.loads(content)

    def become(self, name):
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": self.address,
        }
        self.ask("POST", "/review/name", f"csrf={csrf_of(TOKEN)}&who={name}", **headers)


@pytest.fixture
def client(address):
    return Client(address)


def test_a_blind_scorer_is_told_nothing_of_the_detector(client):
    seen = client.json("correct/view.json?from=0&to=600&width=300")
    blind = client.json("score/view.json?from=0&to=600&width=300")
    assert blind == {name: rows for name, rows in seen.items() if name != "score"}
    assert client.json("score/state.json")["episodes"] == []
    assert client.json("score/facts.json")["marks"] == []
    assert client.change("score", action="added", onset_s=60, duration_s=30, seen=0)[0] == 200
    for path in ("correct/state.json", "correct/view.json?from=0&to=9&width=9", "correct"):
        status, _, content = client.get(f"/review/nights/{NAME}/{path}")
        assert status in (409, 422)
        assert b"has not finished" in content
    assert b"hidden" in client.get("/review/")[2], "the list does not tell either"


def test_an_adjudicator_is_told_nothing_of_the_detector_either(client, results):
    score(results, "Ada", (60, 30))
    score(results, "Bea", (400, 40))
    assert "score" not in client.json("adjudicate/view.json?from=0&to=600&width=300")
    sources = {one["source"] for one in client.json("adjudicate/state.json")["episodes"]}
    assert sources == {"scorer 1", "scorer 2"}
    assert b"hidden" in client.get("/review/")[2]


def test_what_is_asked_wrongly_changes_nothing_and_is_told(client, results):
    refused = [
        client.change("correct", action="confirmed", episode="m9", seen=0),
        client.change("correct", action="unblinded", seen=0),
        client.change("correct", action="added", onset_s="soon", duration_s=2, seen=0),
        client.change("correct", action="added", onset_s=float("nan"), duration_s=2, seen=0),
        client.change("correct", action="done", seen=0),
        client.change("elsewhere", action="confirmed", episode="m1", seen=0),
        client.change("correct"),
    ]
    assert {status for status, _ in refused} == {422}
    assert all(answer["problem"] for _, answer in refused)
    assert client.change("correct", action="confirmed", episode="m1", seen=4)[0] == 409
    assert find_night(NAME, results).corrections().corrections() == ()
    for query in ("", "?from=0&to=9", "?from=a&to=9&width=9", "?from=0&to=9&width=1e300"):
        assert client.get(f"/review/nights/{NAME}/correct/view.json{query}")[0] == 422
    for query in ("channel=7", "channel=-1", "channel=0&from=9999"):
        path = f"correct/spectrogram.png?from=0&to=9&width=9&{query}"
        assert client.get(f"/review/nights/{NAME}/{path}")[0] == 422 or "from" in query
    assert client.get("/review/nights/..%2F..%2Fetc/correct")[0] in (404, 409)


def test_nothing_is_changed_without_the_token_of_a_form(client, results):
    asked = json.dumps({"action": "confirmed", "episode": "m1", "seen": 0})
    path = f"/review/nights/{NAME}/correct/change"
    assert client.ask("POST", path, asked, Origin=client.address)[0] == 403
    headers = {"X-CSRF-Token": csrf_of(TOKEN), "Origin": "http://elsewhere.example"}
    assert client.ask("POST", path, asked, **headers)[0] == 403
    assert not (results / "audit.jsonl").exists()


def test_the_list_hides_cramps_in_a_blinded_study(tmp_path, results, recording):
    (night,) = find_nights(results)
    assert (_line(night, closed=False).cramps, _line(night, closed=True).cramps) == (2, None)


def test_a_night_that_cannot_be_read_does_not_hide_the_others(client, results):
    (results / "broken_night.json").write_text("{")
    page = client.get("/review/")[2].decode()
    assert "broken" in page
    assert f"{NAME}/correct" in page


def test_the_name_is_kept_for_the_log(client, results):
    client.become("Ada+L%C3%B8v")
    client.change("correct", action="confirmed", episode="m1", seen=0)
    assert read_audit(results)[-1].who == "Ada Løv"


def test_the_overview_is_kept_and_found_again(client, results):
    (kept,) = (results / "review" / NAME).glob("overview-*.npz")
    before = kept.stat().st_mtime_ns
    assert client.json("correct/view.json?from=100&to=101&width=500")["low"]["step"] == 1 / 250
    assert kept.stat().st_mtime_ns == before


def test_close_up_the_movement_is_that_of_the_samples(client):
    near = client.json("correct/view.json?from=100&to=110&width=500")
    assert near["moved_low"]["step"] == near["moved_high"]["step"] == 1 / 50
    assert len(near["moved_low"]["rows"]) == 3
    assert "moved_low" not in client.json("correct/view.json?from=0&to=600&width=500")


# In a browser


def _chromium():
    named = os.environ.get("NIGHTCRAMP_CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    path = _chromium()
    if not path:
        pytest.skip("no Chromium: name one in NIGHTCRAMP_CHROMIUM")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=path, args=list(SWITCHES))
        yield chromium
        chromium.close()


class Person:
    """Somebody at a keyboard, with a browser profile of their own."""

    def __init__(self, browser, address, width, name, **device):
        self.context = browser.new_context(viewport={"width": width, "height": 900}, **device)
        self.page = self.context.new_page()
        self.faults = []
        self.page.on("console", lambda message: self.faults.append(message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self._check(request.url, address))
        self.page.goto(f"{address}/review/?token={TOKEN}")
        self.reach("#who")
        self.press("Control+a")
        self.page.keyboard.type(name)
        with self.page.expect_navigation():
            self.press("Enter")

    def _check(self, url, address):
        if not url.startswith(address):
            self.faults.append(f"asked elsewhere: {url}")

    def reach(self, selector):
        """Go with Tab to what matches."""
        for _ in range(60):
            if self.page.evaluate("s => document.activeElement.matches(s)", selector):
                return
            self.press("Tab")
        pytest.fail(f"{selector} cannot be reached with Tab")

    def open(self, mode):
        self.reach(f'a[href$="/{mode}"].button')
        self.press("Enter")
        self.page.wait_for_selector("#night[data-ready=yes]")

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def hears(self, words):
        self.page.wait_for_function(
            "words => document.getElementById('said').textContent.includes(words)", arg=words
        )

    def finish(self):
        self.press("d")
        self.page.wait_for_selector("dialog[open]")
        self.reach("dialog button[value=yes]")
        self.press("Enter")
        self.hears("done")

    def leave(self):
        assert self.faults == []
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, "the page scrolls sideways"
        self.context.close()


def axe(page):
    page.evaluate(Path(__file__).with_name("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    return [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_night_is_corrected_by_keyboard_alone(browser, address, results, width, tmp_path):
    ada = Person(browser, address, width, "Ada")
    assert axe(ada.page) == []
    ada.open("correct")
    ada.press("n")
    ada.hears("Episode m1")
    ada.press("c")
    ada.hears("2 undecided")
    ada.press("k")
    ada.page.keyboard.type("turned over")
    ada.press("Escape", "r")
    ada.hears("1 undecided")
    ada.press("m", "ArrowLeft", "ArrowLeft", "e", "Shift+ArrowRight")
    ada.hears("Moving the offset of m3: 22:07:25.0, 46.0 s")
    ada.press("Enter")
    ada.hears("0 undecided")
    ada.press("0", "a", "Enter")
    ada.hears("Saved")
    ada.page.wait_for_selector('#episodes [data-id="a4"]')
    ada.press("u")
    ada.page.wait_for_selector('#episodes [data-id="a4"]', state="detached")
    ada.press("k")
    ada.page.keyboard.type("quiet night")
    ada.press("Enter")
    ada.page.wait_for_selector("#comments li")
    ada.finish()
    assert axe(ada.page) == []
    ada.leave()
    episodes, who = final_episodes(find_night(NAME, results))
    assert [(one.status.value, one.event.onset_s, one.event.duration_s) for one in episodes] == [
        ("confirmed", 60.0, 30.0),
        ("rejected", 150.0, 12.0),
        ("confirmed", 399.0, 46.0),
    ]
    assert who == "Ada"
    log = read_audit(results)
    assert [(entry.action, entry.reason) for entry in log][:2] == [
        ("confirmed", ""), ("rejected", "turned over"),
    ]  # fmt: skip
    assert not verify_audit(results).faults
    (labels,) = export_labels([find_night(NAME, results)], tmp_path / "bids", who="Ada").files
    assert [event.onset_s for event in read_events(labels)] == [60.0, 399.0]


def test_a_night_is_scored_by_keyboard_alone(browser, address, results):
    ada = Person(browser, address, 820, "Ada")
    ada.open("score")
    assert ada.page.locator("#episodes button").count() == 0
    # The new episode lies from 290 to 310 s; first its end is moved, then its beginning.
    ada.press("0", "a", "e", "Shift+ArrowRight", "ArrowRight", "e", "ArrowLeft", "Enter")
    ada.hears("Saved")
    ada.finish()
    assert axe(ada.page) == []
    ada.leave()
    night = find_night(NAME, results)
    (episode,) = scorer_log(night, "Ada").episodes()
    assert (episode.event.onset_s, episode.event.offset_s) == (289.5, 315.5)
    assert scoring_state(night).finished == ("Ada",)


@pytest.mark.parametrize("width", WIDTHS)
def test_disagreements_are_adjudicated_by_keyboard_alone(browser, address, results, width):
    score(results, "Ada", (60, 30), (150, 12))
    score(results, "Bea", (62, 30), (400, 40))
    cem = Person(browser, address, width, "Cem")
    cem.open("adjudicate")
    assert "kappa 0.23" in cem.page.inner_text("main")
    assert axe(cem.page) == []
    cem.press("n", "n")
    cem.hears("Episode s1")
    cem.press("r")
    cem.hears("1 undecided")
    cem.press("c")
    cem.hears("0 undecided")
    cem.finish()
    cem.leave()
    episodes, who = final_episodes(find_night(NAME, results))
    counted = [one.event for one in episodes if one.status is Status.CONFIRMED]
    assert [(event.onset_s, event.duration_s) for event in counted] == [(61, 30), (400, 40)]
    assert who == "Ada, Bea, Cem"


def score(results, who, *spans):
    log = scorer_log(find_night(NAME, results), who)
    for seen, (onset_s, duration_s) in enumerate(spans):
        added = Change(AuditAction.ADDED, onset_s=onset_s, duration_s=duration_s)
        log.make(added, who=who, seen=seen)
    log.make(Change(AuditAction.SCORED), who=who, seen=len(spans))


def test_mouse_alone_does_it_too(browser, address, results):
    ada = Person(browser, address, 1280, "Ada")
    ada.open("correct")
    page = ada.page
    page.click('#episodes [data-id="m3"]')
    ada.hears("Episode m3")
    page.click('[data-do="move"]')
    page.click('[data-do="edge"]')
    plot = page.locator(".u-over").first
    box = plot.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + 20)
    ada.hears("Moving the offset of m3")
    page.click('[data-do="save"]')
    ada.hears("Saved")
    (correction,) = find_night(NAME, results).corrections().corrections()
    assert correction.change.onset_s == 400.0
    assert correction.change.duration_s > 60
    shown = page.get_attribute("#night", "data-shown")
    page.mouse.move(box["x"] + 100, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 20, steps=4)
    page.mouse.up()
    page.wait_for_function("s => document.getElementById('night').dataset.shown !== s", arg=shown)
    ada.leave()


SEEN = """selector => {
  const element = document.querySelector(selector), box = element.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return element.contains(top);
}"""


def sees(person, tool):
    return person.page.evaluate(SEEN, f"[data-do={tool}]")


@pytest.mark.parametrize("width", WIDTHS[:2])
def test_tools_stay_in_sight_of_all_signals_and_cover_none_of_them(browser, address, width):
    ada = Person(browser, address, width, "Ada")
    ada.open("correct")
    for share in (0, 0.3, 0.6, 1):
        ada.page.evaluate(
            "share => scrollTo(0, share * document.documentElement.scrollHeight)", share
        )
        assert all(sees(ada, tool) for tool in ("confirm", "reject", "move", "done"))
    ends = ada.page.evaluate(
        "['.work', '.bar'].map(part => document.querySelector(part).getBoundingClientRect())"
        ".map(box => [box.top, box.bottom])"
    )
    assert ends[0][1] <= ends[1][0] + 1, "at the end the bar stands below what was above it"
    ada.page.evaluate("scrollTo(0, 500)")
    ada.page.click("[data-do=next]")
    ada.hears("Episode m1")
    assert ada.page.evaluate("scrollY") == pytest.approx(500, abs=60), "signals stay where they are"
    ada.page.click("[data-do=move]")
    assert all(sees(ada, tool) for tool in ("edge", "earlier", "save", "cancel"))
    assert not ada.page.is_visible("[data-do=confirm]")
    assert axe(ada.page) == []
    for selector in ("#reason", "#keys", "#episodes button"):
        ada.reach(selector)
        assert ada.page.evaluate(SEEN, ":focus"), f"{selector} is covered while it has the focus"
    ada.leave()


def test_movement_is_drawn_by_the_sample_close_up_and_by_the_second_far_out(browser, address):
    ada = Person(browser, address, 1280, "Ada")
    ada.open("correct")
    far = ada.page.get_by_text("Movement, g", exact=True)
    near = ada.page.get_by_text("Movement (acceleration without gravity), g: x blue, y orange")
    far.wait_for()
    ada.press("n")
    near.wait_for()
    assert far.count() == 0
    assert axe(ada.page) == []
    ada.press("0")
    far.wait_for()
    ada.leave()


def test_a_finger_drawn_sideways_over_the_signals_zooms(browser, address):
    ada = Person(browser, address, 375, "Ada", has_touch=True)
    ada.open("correct")
    box = ada.page.locator(".u-over").first.bounding_box()
    touches = ada.context.new_cdp_session(ada.page)
    y = box["y"] + box["height"] / 2
    for kind, share in (("touchStart", 0.25), ("touchMove", 0.4), ("touchMove", 0.5)):
        point = {"x": box["x"] + share * box["width"], "y": y}
        touches.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    touches.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    ada.page.wait_for_function("() => !night.dataset.shown.startsWith('0.0 ')")
    first, last = map(float, ada.page.evaluate("night.dataset.shown").split())
    assert (first, last) == pytest.approx((150, 300), abs=10)
    ada.leave()


def test_two_windows_are_told_of_each_other(browser, address, results):
    ada = Person(browser, address, 820, "Ada")
    ada.open("correct")
    other = Client(address)
    other.become("Bea")
    assert other.change("correct", action="rejected", episode="m1", seen=0)[0] == 200
    ada.press("n", "c")
    ada.hears("changed meanwhile, last by Bea")
    assert ada.page.locator('#episodes [data-id="m1"][data-status="rejected"]').count() == 1
    ada.faults = [fault for fault in ada.faults if not re.search("409", fault)]
    ada.leave()


def test_single_keys_can_be_switched_off(browser, address, results):
    ada = Person(browser, address, 820, "Ada")
    ada.open("correct")
    ada.reach("#keys")
    ada.press("Space", "n", "c")
    ada.page.wait_for_timeout(100)
    assert find_night(NAME, results).corrections().corrections() == ()
    ada.leave()
