"""A whole night in a real browser, by keyboard alone: from the scan to the morning's diary."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recordings.journal import RecordKind, json_of, open_journal

CHROMIUM = os.environ.get("NIGHTCRAMP_CHROMIUM") or shutil.which("chromium")
AXE = Path(__file__).with_name("axe.min.js")
WIDTHS = (375, 768, 1280)
ENLARGED = 195
"""A phone whose type was made twice as large."""
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update",
             "--disable-sync"]  # fmt: skip

# Of every element with words of its own, the size of its type; of every target, its smaller side.
SMALL_TYPE = """() => [...document.querySelectorAll('main *, header *')]
  .filter(e => e.getClientRects().length)
  .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
  .filter(e => !e.closest('svg') && parseFloat(getComputedStyle(e).fontSize) < 18)
  .map(e => e.textContent)"""
SMALL_TARGETS = """() => [...document.querySelectorAll('button, a, input, textarea, select')]
  .map(e => e.matches('[type=radio]') ? e.closest('label') : e)
  .filter(e => !e.matches('[type=hidden], .skip'))
  .map(e => [e.textContent || e.name, e.getBoundingClientRect()])
  .filter(([_, box]) => Math.min(box.width, box.height) < 48).map(([name]) => name)"""

playwright = pytest.importorskip(
    "playwright.sync_api", reason="the browser is driven by playwright"
)
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: set NIGHTCRAMP_CHROMIUM to one"),
    pytest.mark.slow,
]


@contextlib.contextmanager
def program(*words):
    """Run ``nightcramp``; it does not outlive the test."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "nightcramp", *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def speed():
    """Return how much faster than the clock on the wall a night goes by."""
    return 10


@pytest.fixture
def sensor(speed):
    """Yield an emulated sensor: its process, and the address of its air."""
    words = ("profile-v1", "--hours", 0.3, "--listen", "127.0.0.1:0", "--speed", speed)
    with program("emulate", *words) as process:
        yield process, re.search(r"tcp:\S+", process.stdout.readline())[0]


@pytest.fixture
def second(sensor, speed):
    """Yield a second emulated sensor in the air of the first: its process."""
    air = sensor[1].removeprefix("tcp:")
    words = ("--hours", 0.3, "--seed", 7, "--name", "Calf 02", "--speed", speed)
    with program("emulate", "profile-v1", *words, "--join", air) as process:
        process.stdout.readline()
        yield process


@pytest.fixture
def home(tmp_path):
    """Yield the folder of nights; no recorder is left behind in it."""
    yield tmp_path / "home"
    with contextlib.suppress(OSError, ValueError):
        recorder = json.loads((tmp_path / "home/tonight.json").read_text())["process"]
        if recorder > 0:
            os.kill(recorder, signal.SIGKILL)


class Window:
    """A browser with one window, and what went wrong in it."""

    def __init__(self, driver):
        self.browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        self.page = self.browser.new_page(viewport={"width": WIDTHS[1], "height": 900})
        self.page.set_default_timeout(60_000)
        self.faults = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", self._see)

    def _hear(self, said):
        if said.type in ("error", "warning"):
            self.faults.append(said.text)

    def _see(self, asked):
        if "//127.0.0.1:" not in asked.url:
            self.faults.append(asked.url)

    def sees(self, words, within="body"):
        try:
            self.page.locator(within).get_by_text(words).first.wait_for()
        except playwright.TimeoutError:
            pytest.fail(f"expected {words!r}, saw: {self.page.inner_text('main')}")

    def press(self, name, key="Enter"):
        """Walk to what is called so by the tab key alone, and press it."""
        for _ in range(60):
            called = self.page.evaluate(
                "() => { const e = document.activeElement;"
                " return e.ariaLabel || e.labels?.[0]?.innerText || e.innerText || '' }"
            )
            if called.strip().startswith(name):
                self.page.keyboard.press(key)
                return
            self.page.keyboard.press("Tab")
        pytest.fail(f"{name!r} cannot be reached by keyboard")

    def write(self, name, words):
        self.press(name, "End")
        self.page.keyboard.type(words)

    def inspect(self):
        """Hold the page against what people need: no matter how wide, large, and to axe's rules."""
        for width in (ENLARGED, *WIDTHS):
            self.page.set_viewport_size({"width": width, "height": 900})
            wide = self.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{self.page.url} is {wide} wide on a screen of {width}"
            assert self.page.evaluate(SMALL_TYPE) == []
            assert self.page.evaluate(SMALL_TARGETS) == []
        self.page.set_viewport_size({"width": WIDTHS[1], "height": 900})
        # Not as a script element: the page allows none but its own.
        self.page.evaluate(AXE.read_text(encoding="utf-8") + ";void 0")
        found = self.page.evaluate("axe.run().then(found => found.violations)")
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []

    def close(self):
        assert self.faults == []
        self.browser.close()


def test_a_night_from_the_scan_to_the_diary_by_keyboard(sensor, speed, home):
    emulator, radio = sensor
    words = ("app", "--no-browser", "--port", 0, "--home", home, "--radio", radio, "--speed", speed)
    with playwright.sync_playwright() as driver:
        with program(*words) as page:
            address = page.stdout.readline().split()[-1]
            first = Window(driver)
            first.page.goto(address)
            evening(first)
            night_begins(first)
            link_is_cut(first, emulator)
            first.close()
        # Browser and page are closed, the recorder is not. The page is another process now.
        with program(*words) as page:
            second = Window(driver)
            second.page.goto(page.stdout.readline().split()[-1])
            recorder_is_killed(second, home)
            morning(second)
            second.close()
    check_files(home)


# Two seconds of silence are a lost link. Five processes share the processors here: at ten times the
# speed, one that waits 0.2 s for its turn would lose both.
@pytest.mark.parametrize("speed", [3])
def test_both_legs_from_the_evening_to_the_morning_by_keyboard(sensor, second, speed, home):
    words = ("app", "--no-browser", "--port", 0, "--home", home, "--radio", sensor[1])
    with playwright.sync_playwright() as driver, program(*words, "--speed", speed) as page:
        window = Window(driver)
        window.page.goto(page.stdout.readline().split()[-1])
        add_the_other_leg(window)
        both_legs_at_night(window, second)
        window.press("Good morning: end the night")
        window.sees("End the night?")
        window.press("Yes, end the night")
        window.sees(re.compile("cramp (would )?have been seen"))  # a short night may show none
        assert window.page.locator("#told h3").all_inner_texts() == ["Left leg", "Right leg"]
        window.inspect()
        window.page.goto(window.page.url.replace("/morning", "/evening"))
        window.sees("The same sensors as last time?")
        window.inspect()
        window.close()
    assert len(list((home / "results").glob("*_night.json"))) == 2
    assert [marks_of(journal) for journal in home.glob("*.ncj")] == [1, 1]


@pytest.mark.parametrize("speed", [3])
def test_a_leg_that_is_added_at_night_leaves_the_other_whole(sensor, second, speed, home):
    words = ("app", "--no-browser", "--port", 0, "--home", home, "--radio", sensor[1])
    with playwright.sync_playwright() as driver, program(*words, "--speed", speed) as page:
        window = Window(driver)
        window.page.goto(page.stdout.readline().split()[-1])
        wear_on_the_right(window)
        window.sees("The contact is good.")
        window.press("Start night")
        window.sees("Recording. Recorded so far")
        first_leg_goes_on = json.loads((home / "status.json").read_text())["process"]
        add_a_leg_at_night(window)
        assert json.loads((home / "status.json").read_text())["process"] == first_leg_goes_on
        window.press("Cramp now", "Space")
        window.sees("Marked at")
        left, right = sorted(home.glob("*.ncj"))
        written_by = time.monotonic() + 10
        while [marks_of(left), marks_of(right)] != [1, 1] and time.monotonic() < written_by:
            time.sleep(0.2)
        assert links_of(right) == ["scanning", "connecting", "setting_up", "streaming"]
        # Whatever ends the recorder now, the night goes on with both.
        os.kill(first_leg_goes_on, signal.SIGKILL)
        window.sees("What was recorded until then is safe.")
        window.press("Go on recording")
        for leg in ("Left", "Right"):
            window.sees(f"{leg} leg: Recording. Recorded so far")
        window.press("Good morning: end the night")
        window.sees("End the night?")
        window.press("Yes, end the night")
        window.sees(re.compile("cramp (would )?have been seen"))
        assert window.page.locator("#told h3").all_inner_texts() == ["Left leg", "Right leg"]
        window.close()
    assert len(list((home / "results").glob("*_night.json"))) == 2
    assert [marks_of(left), marks_of(right)] == [1, 1]


def marks_of(journal):
    return sum(each.kind is RecordKind.MARK for each in open_journal(journal).records())


def links_of(journal):
    links = (each for each in open_journal(journal).records() if each.kind is RecordKind.LINK)
    return [json_of(each)["state"] for each in links]


def add_a_leg_at_night(window):
    window.inspect()
    window.press("Add the left leg")
    window.sees("The recording of the right leg is not stopped")
    window.inspect()
    with window.page.expect_navigation():
        window.press("Look for sensors")
    window.sees("One sensor is heard")
    window.inspect()
    window.press("Add the left leg")
    window.sees("The leg is added.")
    for leg in ("Left", "Right"):
        window.sees(f"{leg} leg: Recording. Recorded so far")
    window.inspect()


def wear_on_the_right(window):
    window.press("Look for sensors")
    window.sees("If you wear two, begin with either")
    window.page.get_by_label("Calf 02").check()
    window.press("left leg", "ArrowDown")
    window.page.get_by_label("Your code").fill("P042")
    window.press("Use this sensor")


def add_the_other_leg(window):
    wear_on_the_right(window)
    window.sees("Does it hold? Calf 02, right leg")
    window.press("Add the left leg")
    window.sees("Which sensor for the left leg?")
    window.inspect()
    with window.page.expect_navigation():
        window.press("Look again")
    window.sees("One sensor is heard")
    window.press("Use this sensor")
    for leg in ("left", "right"):
        window.sees("The contact is good.", within=f"#live-{leg}")
    assert window.page.evaluate("document.querySelectorAll('.trace canvas').length") == 2
    window.inspect()
    window.press("Start night")


def both_legs_at_night(window, second):
    for leg in ("Left", "Right"):
        window.sees(f"{leg} leg: Recording. Recorded so far")
    window.inspect()
    window.press("Cramp now", "Space")
    window.sees("Marked at")
    second.send_signal(signal.SIGSTOP)
    try:
        window.sees("Right leg: The sensor")
        window.sees("Left leg: Recording.")
        window.inspect()
    finally:
        second.send_signal(signal.SIGCONT)
    window.sees("Right leg: Recording.")


def evening(window):
    window.sees("Which sensor?")
    window.inspect()
    window.press("Look for sensors")
    window.sees("One sensor is heard")
    window.inspect()
    window.press("left leg", "Space")
    window.page.get_by_label("Your code").fill("")
    window.write("Your code", "P042")
    window.press("Use this sensor")
    window.sees("The contact is good.")
    assert window.page.evaluate("document.querySelectorAll('.trace canvas').length") == 1
    window.press("Begin the test")
    window.sees("Lie still.")
    window.inspect()
    window.sees("Test once more")
    window.inspect()
    window.press("Start night")


def night_begins(window):
    window.sees("Recording. Recorded so far")
    window.inspect()
    window.press("Cramp now", "Space")
    window.sees("Marked at")
    window.sees("You have marked one cramp.")


def link_is_cut(window, emulator):
    emulator.send_signal(signal.SIGSTOP)
    try:
        window.sees("The recording goes on by itself")
        window.inspect()
    finally:
        emulator.send_signal(signal.SIGCONT)
    window.sees("Recording. Recorded so far")


def recorder_is_killed(window, home):
    window.sees("Recording. Recorded so far")
    status = json.loads((home / "status.json").read_text())
    os.kill(status["process"], signal.SIGKILL)
    window.sees("What was recorded until then is safe.")
    window.inspect()
    window.press("Go on recording")
    window.sees("Recording. Recorded so far")


def morning(window):
    window.press("Good morning: end the night")
    window.sees("End the night?")
    window.inspect()
    window.press("Yes, end the night")
    window.sees("Did you have cramps")
    window.inspect()
    window.sees("a cramp would have been seen")
    window.press("2 cramps")
    window.sees("Cramp 2")
    window.inspect()
    for place, severity in ((1, 4), (2, 9)):
        window.page.locator(f"input[name=severity{place}]").first.focus()
        for _ in range(severity - 1):
            window.page.keyboard.press("ArrowRight")
        window.page.keyboard.press("Space")
        window.page.locator(f"#minutes{place}").focus()
        window.page.keyboard.type("2.5")
    window.write("What helped?", "stretching")
    window.write("Medicine", "magnesium")
    window.press("Save the diary")
    window.sees("The diary is saved. Thank you.")
    window.inspect()


def check_files(home):
    (diary,) = (home / "diary").iterdir()
    (entry,) = json.loads(diary.read_text())["entries"]
    assert entry["cramps"] == [{"severity": 4, "minutes": 2.5}, {"severity": 9, "minutes": 2.5}]
    assert (entry["helped"], entry["medicine"]) == ("stretching", "magnesium")
    (journal,) = home.glob("*.ncj")
    opened = open_journal(journal)
    assert opened.sealed
    records = list(opened.records())
    assert sum(each.kind is RecordKind.MARK for each in records) == 1
    states = [json_of(each).get("state") for each in records if each.kind is RecordKind.LINK]
    assert states.count("streaming") >= 3
    assert "lost" in states
    assert len(list((home / "results").glob("*_night.json"))) == 1
    time.sleep(0.2)
    assert not (home / "recorder.lock").exists()
