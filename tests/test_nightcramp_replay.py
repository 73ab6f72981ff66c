"""A night is replayed: in its own time or at once, from any moment on, to a clear end."""

import asyncio
import io
import json
import runpy
import shutil
import sys
import types
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge.emulator import FRONT_ENDS, ArraySource, Sampled, VirtualClock, run_virtual
from models import load_classifier
from models.simulator import SENSORS, NightPlan, draw_participant, simulate_night
from nightcramp.errors import UsageError
from nightcramp.lsl import LslBridge
from nightcramp.replay_lines import JsonLines
from nightcramp.replaying import open_night, play, seconds_of
from recordings import journal_to_bids
from recordings.journal import JournalLabel, JournalSettings, JournalWriter, create_site_key

nights = runpy.run_path(str(Path(__file__).with_name("recorded_nights.py")))
write_journal = nights["write_journal"]
CRAMP_S = 130
SECONDS = 160


@pytest.fixture(scope="module")
def classifier():
    return load_classifier()


KINDS, COUNTS = {"cramp", "possible_cramp"}, ("1 cramp, 0", "0 cramps, 1")
"""One channel, two minutes: which of the two is the detector's affair."""


@pytest.fixture(scope="module")
def night():
    """Two minutes with one cramp."""
    wired = replace(SENSORS["reference"], loss=None)
    plan = NightPlan(CRAMP_S / 3600, datetime(2026, 1, 12, 22), cramps=1, density=0.2)
    return simulate_night(draw_participant(4), plan, wired, seed=17)


def write_worn(folder, device, night):
    """Write the journal of a sensor that was worn in a simulated night."""
    signals = {
        "emg": Sampled(night.emg * np.float32(1e-6), night.emg_rate_hz),
        "acc": Sampled(night.acc, night.acc_rate_hz),
    }
    source = ArraySource(FRONT_ENDS[device], signals)
    return write_journal(folder, device, SECONDS, source=source)


@pytest.fixture(scope="module")
def journal(night, tmp_path_factory):
    """The night and half a minute more, on one channel."""
    return write_worn(tmp_path_factory.mktemp("night") / "P042.ncj", "umyo", night)


@pytest.fixture(scope="module")
def companion(night, tmp_path_factory):
    """The acceleration of the same night by another sensor."""
    return write_worn(tmp_path_factory.mktemp("night") / "P042_companion.ncj", "movesense", night)


@pytest.fixture(scope="module")
def tree(journal, tmp_path_factory):
    return journal_to_bids(journal, tmp_path_factory.mktemp("tree"))


def lines(run, *words):
    code, shown, errors = run("replay", *words, "--json")
    assert code == 0, errors
    return [json.loads(line) for line in shown.splitlines()]


@pytest.fixture(scope="module")
def whole(journal, classifier):
    """All that a replay of the journal tells."""
    night, out = open_night(journal, classifier), io.StringIO()
    shown, at_s = JsonLines(out), 0.0
    shown.begin(night)
    for moment in night.moments():
        shown.moment(moment)
        at_s = moment.at_s
    shown.end(night, at_s)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def of(told, record):
    return [line for line in told if line["record"] == record]


def without_times(told):
    return [{name: line[name] for name in line if name != "at_s"} for line in told]


# ------------------------------------------------------------------------------ what it shows


def test_a_replay_tells_the_link_the_marks_the_gaps_and_the_cramps(whole):
    told = whole
    states = [line["state"] for line in of(told, "link")]
    assert states == ["setting_up", "lost", "setting_up", "stopped"]
    assert of(told, "mark")[0]["mark"] == "cramp now"
    assert {line["stream"] for line in of(told, "declared")} == {"emg", "acc"}
    (episode,) = of(told, "episode")
    assert episode["kind"] in KINDS
    assert told[-1]["record"] == "end"
    assert without_times([{"record": "episode", **told[-1]["episodes"][0]}]) == without_times(
        [episode]
    )
    times = [line["at_s"] for line in told]
    assert times == sorted(times)


def test_an_episode_is_told_when_it_has_ended_and_not_before(whole):
    (episode,) = of(whole, "episode")
    end_s = episode["onset_s"] + episode["duration_s"]
    assert end_s < episode["at_s"] < end_s + 15


def test_people_read_sentences_and_a_clear_end(run, journal):
    code, shown, _ = run("replay", journal)
    assert code == 0
    assert shown.startswith("replay of P042; times are HH:MM:SS since it began\n")
    assert "link: lost (disconnected)" in shown
    assert "EMG: 1 x 1117 Hz" in shown
    assert shown.splitlines()[-1].endswith("analysable")
    assert any(f"end: {counts} possible" in shown.splitlines()[-1] for counts in COUNTS)


def test_a_file_replays_the_episodes_of_its_journal(run, whole, tree):
    expected = of(whole, "end")[0]["episodes"]
    told = lines(run, tree[0])
    assert of(told, "end")[0]["episodes"] == expected
    assert without_times(of(told, "episode")) == [
        {"record": "episode", **episode} for episode in expected
    ]


def test_channels_of_a_file_are_chosen_by_their_labels(run, whole, tree, tmp_path):
    content = bytearray(tree[0].read_bytes())
    content[256:272] = b"Lead A".ljust(16)  # label of the first channel
    foreign = tmp_path / "foreign.edf"
    foreign.write_bytes(content)
    code, _, errors = run("replay", foreign)
    assert code == 1
    assert "Lead A" in errors
    told = of(lines(run, foreign, "--emg", "lead a"), "end")[0]["episodes"]
    expected = of(whole, "end")[0]["episodes"]
    assert [each["onset_s"] for each in told] == [each["onset_s"] for each in expected]
    assert {each["channel"] for each in told} == {"Lead A"}


def test_two_sensors_worn_together_replay_as_one_night(run, journal, companion, whole, tmp_path):
    told = lines(run, journal, "--companion", companion)
    rates = {line["stream"]: line["rate_hz"] for line in of(told, "declared")}
    assert rates == {"emg": 1117, "acc": 52}
    assert not of(told, "reject")
    (episode,) = of(told, "episode")
    (alone,) = of(whole, "episode")
    assert episode["onset_s"] == pytest.approx(alone["onset_s"], abs=2)
    assert told[-1]["judged_s"] > SECONDS - 5
    words = ("--companion", companion, "--to", "edf", "--out", tmp_path)
    assert run("convert", journal, *words)[0] == 0
    (file,) = tmp_path.iterdir()
    assert lines(run, file)[-1]["episodes"] == told[-1]["episodes"]


# -------------------------------------------------------------------------- its time, its parts


def played(night, clock, start_s=0.0, stop_s=None):
    async def program():
        used = clock(asyncio.get_running_loop())
        moments = play(night, used, start_s, stop_s)
        return np.array([(m.at_s, used.monotonic_ns() / 1e9) async for m in moments])

    return run_virtual(program())


def test_what_happened_is_heard_when_it_happened(journal, tree, classifier):
    for path, speed in ((journal, 1.0), (tree[0], 10.0)):
        times = played(open_night(path, classifier), partial(VirtualClock, speed=speed))
        assert np.abs(np.diff(times[:, 0] - times[:, 1])).max() < 1e-6
        assert times[-1, 0] > SECONDS - 5


def test_a_slow_listener_does_not_shift_what_follows(journal, classifier):
    async def program():
        clock = VirtualClock(asyncio.get_running_loop())
        late = []
        async for moment in play(open_night(journal, classifier), clock):
            late.append(clock.monotonic_ns() / 1e9 - moment.at_s)
            if len(late) == 100:
                await asyncio.sleep(3.0)
        return late

    late = run_virtual(program())
    assert max(late) > 2.9
    assert late[-1] == pytest.approx(late[0], abs=1e-6)


def test_from_a_moment_on_everything_is_as_it_was_then(run, journal, whole):
    part = lines(run, journal, "--from", "00:00:50")
    assert part[1:] == [line for line in whole[1:] if line["at_s"] >= 50]


def test_up_to_a_moment_nothing_later_is_known(run, journal, tree):
    for path in (journal, tree[0]):
        told = lines(run, path, "--to", "01:00")
        assert max(line["at_s"] for line in told) <= 60
        assert of(told, "end")[0]["judged_s"] <= 60.001


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("01:02:03", 3723), ("2:03.5", 123.5), ("90", 90), ("26:00:00", 93_600)],
)
def test_times_are_hours_minutes_seconds(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["1:2:3:4", "00:61:00", "10:75", "-3", "noon", ""])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(UsageError, match="HH:MM:SS"):
        seconds_of(text)


# -------------------------------------------------------------------------------- what is bad


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("P042.ncj", "--from", "09:00:00"), 2, "it is 00:02:4"),
        (("P042.ncj", "--from", "00:01:00", "--to", "00:00:30"), 2, "--to must be later"),
        (("P042.ncj", "--speed", "fast"), 2, "--speed fast"),
        (("P042.ncj", "--speed", "0"), 2, "--speed 0"),
        (("P042.ncj", "--to-lsl"), 2, "--to-lsl needs --speed 1"),
        (("none.ncj",), 1, "none.ncj"),
        (("none.edf",), 1, "none.edf"),
        (("text.edf",), 1, "text.edf"),
        (("text.edf", "--key", "none.pem"), 2, "for journals"),
        (("text.edf", "--companion", "P042.ncj"), 2, "for journals"),
        (("P042.ncj", "--emg", "EMG1"), 2, "--emg and --acc are for files"),
        (("P042.ncj", "--companion", "none.ncj"), 1, "none.ncj"),
        (("P042.ncj", "--companion", "elsewhere.ncj"), 1, "their clocks cannot be compared"),
        (("P042.ncj", "--key", "none.pem"), 2, "none.pem"),
        (("P042.ncj", "--model", "text.edf"), 1, "text.edf"),
        (("thalmic.ncj",), 1, "'thalmic'"),
    ],
)
def test_what_cannot_be_played_is_said(run, journal, tmp_path, monkeypatch, words, code, text):
    shutil.copytree(journal, tmp_path / "P042.ncj")
    (tmp_path / "text.edf").write_text("not a recording")
    if "elsewhere.ncj" in words:
        monkeypatch.setattr("recordings.journal.session.boot_id", lambda: "another host")
        write_journal(tmp_path / "elsewhere.ncj", "movesense", 2)
    if "thalmic.ncj" in words:
        other = write_journal(tmp_path / "thalmic.ncj", "myo", 2)
        rename(other / "0001.ncj")
    monkeypatch.chdir(tmp_path)
    got, _, errors = run("replay", *words)
    assert got == code
    assert text in errors
    assert errors.count("\n") == 1


def rename(segment):
    """Let a journal be one of a sensor that nobody knows, as a newer version might write."""
    folder = segment.parent
    shutil.rmtree(folder)
    with JournalWriter(folder, JournalLabel("thalmic", "later"), clock=nights["Stopped"]()):
        pass


def test_an_encrypted_journal_is_played_with_its_key_only(run, tmp_path):
    create_site_key(tmp_path / "private.pem", tmp_path / "public.pem")
    settings = JournalSettings(site_key=tmp_path / "public.pem")
    folder = write_journal(tmp_path / "P042.ncj", "npg-lite-250hz", 40, settings=settings)
    code, _, errors = run("replay", folder)
    assert code == 1
    assert "key" in errors
    assert lines(run, folder, "--key", tmp_path / "private.pem")[-1]["judged_s"] > 30


def test_half_a_journal_is_played_and_what_is_missing_is_said(run, journal, tmp_path):
    folder = shutil.copytree(journal, tmp_path / "P042.ncj")
    segment = folder / "0001.ncj"
    segment.write_bytes(segment.read_bytes()[: segment.stat().st_size // 2])
    code, shown, errors = run("replay", folder, "--json")
    assert code == 0
    end = json.loads(shown.splitlines()[-1])
    assert 50 < end["judged_s"] < 90
    assert end["remarks"]
    assert "0001.ncj: ends within a block" in errors


# -------------------------------------------------------------------- the lab streaming layer


class Layer(types.ModuleType):
    """What of pylsl is used, without a network."""

    def __init__(self):
        super().__init__("pylsl")
        self.outlets = {}
        layer = self

        class Element:
            def __init__(self):
                self.values = {}

            def append_child(self, _name):
                return self

            def append_child_value(self, name, value):
                self.values.setdefault(name, []).append(value)
                return self

        class StreamInfo:
            def __init__(self, name, kind, channels, rate_hz, value_format, source):
                self.name, self.kind, self.channels = name, kind, channels
                self.rate_hz, self.format, self.element = rate_hz, value_format, Element()

            def desc(self):
                return self.element

        class StreamOutlet:
            def __init__(self, info):
                self.info, self.chunks = info, []
                layer.outlets[info.name] = self

            def push_chunk(self, samples, timestamp):
                self.chunks.append((samples, timestamp))

            def push_sample(self, sample, timestamp):
                self.chunks.append((sample, timestamp))

        self.StreamInfo, self.StreamOutlet = StreamInfo, StreamOutlet

    def local_clock(self):
        return 1000.0


def test_samples_and_episodes_go_out_with_the_times_they_had(
    journal, tree, classifier, monkeypatch
):
    for path in (journal, tree[0]):
        layer = Layer()
        monkeypatch.setitem(sys.modules, "pylsl", layer)
        night = open_night(path, classifier)
        bridge = LslBridge(night)
        for moment in night.moments():
            bridge.moment(moment)
        emg = layer.outlets[f"{night.name} EMG"]
        assert (emg.info.kind, emg.info.channels, emg.info.rate_hz) == ("EMG", 1, 1117)
        assert emg.info.element.values == {"label": ["EMG 1"], "unit": ["uV"]}
        n = np.cumsum([len(samples) for samples, _ in emg.chunks])
        begins = np.array([stamp for _, stamp in emg.chunks]) - (n - 1) / 1117
        assert np.ptp(begins) < 1e-6  # one clock, nothing left out
        assert 1000 <= begins[0] + 2 < 1004
        assert np.isnan(np.concatenate([samples for samples, _ in emg.chunks])).any()
        (marker,) = [
            json.loads(text) for (text,), _ in layer.outlets[f"{night.name} events"].chunks
        ]
        assert marker["kind"] in KINDS
        acc = layer.outlets[f"{night.name} ACC"]
        assert acc.info.element.values["unit"] == ["g"] * 3
        assert sum(len(samples) for samples, _ in acc.chunks) == pytest.approx(n[-1] / 45, rel=0.2)


def test_without_the_extra_it_says_what_to_install(run, journal, monkeypatch):
    monkeypatch.setitem(sys.modules, "pylsl", None)
    code, _, errors = run("replay", journal, "--speed", "1", "--to-lsl")
    assert code == 2
    assert "pip install 'nightcramp[lsl]'" in errors
