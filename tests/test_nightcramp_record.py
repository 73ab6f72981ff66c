"""Nights recorded over the emulated radio, in one process and in virtual time."""

import asyncio
import errno
import json
import time
from dataclasses import replace
from datetime import datetime
from functools import partial

import numpy as np
import pytest

from firmware_bridge import DEVICES, Reply
from firmware_bridge.emulator import (
    EMULATED,
    FRONT_ENDS,
    Air,
    ArraySource,
    BumbleAdapter,
    Sampled,
    SensorHost,
    Truth,
    VirtualClock,
    index_source,
    parse_faults,
    play_faults,
    radio_of,
    run_virtual,
)
from firmware_bridge.profile import Opcode
from models import Detector, load_classifier
from models.simulator import SENSORS, NightPlan, draw_participant, simulate_night
from nightcramp.analysis import acc_format, emg_format
from nightcramp.errors import BusyError, OutputError, RecordingError, UsageError
from nightcramp.event_tables import read_events
from nightcramp.live import EpisodeFinder, LiveDetection, NoFinder, detect_records
from nightcramp.recorder import ending
from nightcramp.recorder import night as night_module
from nightcramp.recorder.ending import finish_night
from nightcramp.recorder.fetching import LONGEST_S, STALLED_S, Fetching
from nightcramp.recorder.joining import Asked, read_asked, write_asked
from nightcramp.recorder.keys import Keys
from nightcramp.recorder.night import Means, NightRecorder
from nightcramp.recorder.plan import Wishes, night_date, parse_sensor, plan_night
from nightcramp.recorder.status import SCHEMA
from nightcramp.recorder.worker import InlineWorker, ThreadWorker, ask
from recordings import open_recording
from recordings.journal import (
    Disk,
    JournalLabel,
    JournalWriter,
    RecordKind,
    create_site_key,
    json_of,
    lock_recorder,
    open_journal,
)
from recordings.journal_recording import open_journal_recording
from sensing import EventKind

CRAMPS = (EventKind.CRAMP, EventKind.POSSIBLE_CRAMP)
CUT = '[[fault]]\nat_s = 50\nkind = "disconnect"\n'


@pytest.fixture(scope="module")
def classifier():
    return load_classifier()


@pytest.fixture(scope="module")
def cramp_night():
    wired = replace(SENSORS["reference"], loss=None)
    plan = NightPlan(150 / 3600, datetime(2026, 1, 12, 22), cramps=1, density=0.2)
    return simulate_night(draw_participant(4), plan, wired, seed=17)


class Watcher:
    """A screen that remembers."""

    def __init__(self):
        self.messages = []
        self.figures = []

    def tell(self, message):
        self.messages.append(message)

    def show(self, figures):
        self.figures.append(figures)

    def of_kind(self, kind):
        return [message for message in self.messages if message.kind == kind]


class Bed:
    """An air with sensors on it, and a computer that records them."""

    def __init__(self, folder, *, worker=InlineWorker, finder=NoFinder):
        self.folder = folder
        self.screen = Watcher()
        self.sensors = []
        self.nights = []
        self._worker = worker
        self._finder = finder
        self._tasks = []

    async def __aenter__(self):
        self.clock, self.air = VirtualClock(asyncio.get_running_loop()), Air()
        adapter = BumbleAdapter()
        await adapter.attach(await self.air.plug())
        self.radio = radio_of(adapter)
        return self

    async def __aexit__(self, *error):
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def switch_on(self, device, source=None, *, faults="", **host):
        sensor = EMULATED[device](source or index_source(device))
        served = SensorHost(sensor, self.air.plug, Truth(self.clock, None), **host)
        self.sensors.append(sensor)
        self._tasks.append(asyncio.ensure_future(served.run()))
        if faults:
            script = parse_faults(faults, sensor.faults)
            self._tasks.append(asyncio.ensure_future(play_faults(served, script, file="test")))
        return served

    def plan(self, *sensors, seconds, **wishes):
        given = Wishes(sensors, out=self.folder, hours=seconds / 3600, **wishes)
        return plan_night(given, self.clock)

    def recorder(self, plan):
        means = Means(self.clock, self.screen, lambda _: self._finder(), lambda _: self._worker())
        self.nights.append(NightRecorder(plan, means))
        return self.nights[-1]

    async def record(self, plan, *, check=False):
        return await self.recorder(plan).run(self.radio, check=check)


def recorded(folder, program, **bed):
    """Run a program with a bed, in virtual time; returns what it returns."""

    async def main():
        async with Bed(folder, **bed) as made:
            return await program(made)

    return run_virtual(main(), limit_s=3600)


def night_source(device, night):
    emg = Sampled(night.emg * np.float32(1e-6), night.emg_rate_hz)
    return ArraySource(FRONT_ENDS[device], {"emg": emg, "acc": Sampled(night.acc, 100.0)})


def decision_delays_s(journal, recording, classifier):
    """How long after the last sample it needs each decision comes at most, by the host's clock."""
    detector = Detector(classifier, emg_format(recording.info), acc_format(recording.info))
    evidence = []
    for block in recording.blocks(0.25):
        evidence += [block.onset_s] * len(detector.push(block.emg, block.acc))
    live = LiveDetection(DEVICES[journal.header.label.device], EpisodeFinder(classifier))
    decided = [
        record.monotonic_ns / 1e9 - episode.start_s
        for record in journal.records(one_clock=True)
        for episode in live.record(record).episodes
    ]
    return [late - early for late, early in zip(decided, evidence, strict=True)]


def kinds_of(journal):
    return [record.kind for record in open_journal(journal).records()]


def links_of(journal):
    records = open_journal(journal).records()
    return [json_of(record)["state"] for record in records if record.kind is RecordKind.LINK]


def test_a_night_with_a_cut_is_a_sealed_journal_a_file_and_the_same_episodes(
    tmp_path, cramp_night, classifier
):
    async def program(bed):
        source = night_source("npg-lite-band", cramp_night)
        bed.switch_on("npg-lite-band", source, faults=CUT)
        plan = bed.plan("npg-lite-band", seconds=140, participant="P042", legs=("left",))
        (journal,) = await bed.record(plan)
        return plan, journal, bed.screen

    plan, journal, screen = recorded(tmp_path, program, finder=lambda: EpisodeFinder(classifier))
    opened = open_journal(journal)
    assert opened.sealed
    assert links_of(journal).count("streaming") == 2
    live = [found.event for found in screen.figures[-1].sensors[0].signal.episodes]
    again = detect_records(
        LiveDetection(DEVICES["npg-lite-band"], EpisodeFinder(classifier)),
        opened.records(one_clock=True),
    )
    told = screen.of_kind("episode")
    assert len(told) == len(again) > 0
    assert [message.fields["onset_s"] for message in told] == [
        round(episode.event.onset_s, 3) for episode in again
    ]
    assert set(live) <= {episode.event for episode in again}

    (end,) = finish_night(plan, lambda _: None)
    assert not end.failed
    recording = open_recording(end.files[0])
    assert recording.info.gaps
    (events,) = (tmp_path / "results").glob("*_events.tsv")
    judged = [event for event in read_events(events) if event.kind in CRAMPS]
    assert [(event.onset_s, event.duration_s, event.kind) for event in judged] == [
        (round(e.event.onset_s, 3), round(e.event.duration_s, 3), e.event.kind) for e in again
    ]
    assert list((tmp_path / "results").glob("*.png"))
    assert "cramps" in end.message(0).text
    assert max(decision_delays_s(opened, recording, classifier)) <= 1.0


def test_the_status_file_tells_how_the_night_stands(tmp_path):
    async def program(bed):
        bed.switch_on("npg-lite-band")
        await bed.record(bed.plan("npg-lite-band", seconds=45))
        return bed.screen.figures

    figures = recorded(tmp_path, program)
    status = json.loads((tmp_path / "status.json").read_text())
    assert status["schema"] == SCHEMA
    assert status["state"] == "ended"
    (sensor,) = status["sensors"]
    assert sensor["journal"].endswith(".ncj")
    assert sensor["recorded_s"] == pytest.approx(42, abs=3)
    assert sensor["battery_percent"] == 100
    assert len(sensor["envelope"]) == 60
    assert figures[20].sensors[0].state == "streaming"
    assert figures[20].sensors[0].data_age_s < 1
    assert not list(tmp_path.glob(".status*"))


class Obedient:
    """A leg that does what the recorder asks of it."""

    def __init__(self, screen, clock):
        self._screen, self._clock = screen, clock

    def counts(self, stream, first, n):
        front = FRONT_ENDS["npg-lite-band"][stream]
        rng = np.random.default_rng([first, n])
        if stream == "acc":
            return np.tile([[0], [0], [16000]], n).astype(np.int32)
        size = np.where(self._presses(np.arange(first, first + n) / front.rate_hz), 120, 6)
        return (front.offset + rng.normal(0, size, (front.channels, n))).astype(np.int32)

    def _presses(self, seconds):
        """Whether each moment lies between being asked to press and being asked to relax."""
        at_ns = self._clock.wall_ns() - self._clock.monotonic_ns() + seconds * 1e9
        asked = [(m.wall_ns, "press" in m.text) for m in self._screen.of_kind("check")]
        pressing = np.zeros(len(seconds), dtype=bool)
        for since_ns, is_press in asked:
            pressing[at_ns >= since_ns] = is_press
        return pressing


def test_a_set_up_is_checked_at_the_beginning_and_kept_in_the_journal(tmp_path):
    async def program(bed):
        bed.switch_on("npg-lite-band", Obedient(bed.screen, bed.clock))
        (journal,) = await bed.record(bed.plan("npg-lite-band", seconds=130), check=True)
        return journal, bed.screen.of_kind("check")

    journal, said = recorded(tmp_path, program)
    notes = [json_of(r) for r in open_journal(journal).records() if r.kind is RecordKind.NOTE]
    (check,) = [note for note in notes if note["event"] == "setup_check"]
    assert check["passed"], said[-1].text
    assert check["parts"]["contractions"]["value"] > 10
    assert "set-up check passed" in said[-1].text


class Sleeping(NoFinder):
    def take(self, items):
        time.sleep(0.05)
        return []


class Broken(NoFinder):
    def take(self, items):
        raise ZeroDivisionError("no reason")


class Hanging(NoFinder):
    def take(self, items):
        time.sleep(60)
        return []


async def short_night(bed):
    bed.switch_on("npg-lite-band")
    (journal,) = await bed.record(bed.plan("npg-lite-band", seconds=40))
    return journal, bed.screen


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp("whole"), short_night)[0]


@pytest.mark.parametrize("finder", [Sleeping, Hanging])
def test_a_slow_detector_neither_delays_nor_ends_the_recording(
    tmp_path, monkeypatch, finder, whole
):
    monkeypatch.setattr(night_module, "CLOSE_S", 0.2)
    begin = time.monotonic()
    slow, screen = recorded(
        tmp_path, short_night, finder=finder, worker=partial(ThreadWorker, "slow")
    )
    assert time.monotonic() - begin < 15
    assert open_journal(slow).sealed
    assert kinds_of(slow) == kinds_of(whole)
    assert "finished file is judged instead" in screen.messages[-1].text


def test_a_detector_that_fails_ends_nothing_and_is_told(tmp_path, caplog, whole):
    broken, screen = recorded(tmp_path, short_night, finder=Broken)
    assert kinds_of(broken) == kinds_of(whole)
    signal = screen.figures[-1].sensors[0].signal
    assert "ZeroDivisionError: no reason" in signal.trouble
    assert signal.recorded_s > 30
    assert "live detection failed" in caplog.text


def test_the_participant_s_mark_is_kept_apart_from_detections(tmp_path):
    async def program(bed):
        bed.switch_on("npg-lite-band")
        plan = bed.plan("npg-lite-band", seconds=45)
        running = asyncio.ensure_future(bed.record(plan))
        await bed.clock.sleep(40)
        bed.nights[0].mark()
        await running
        return plan, bed.screen

    plan, screen = recorded(tmp_path, program)
    journal = plan.sensors[0].journal
    marks = [r for r in open_journal(journal).records() if r.kind is RecordKind.MARK]
    assert [json_of(mark) for mark in marks] == [{"mark": "cramp_now", "by": "participant"}]
    assert screen.figures[-1].marks == 1
    assert screen.figures[-1].sensors[0].signal.episodes == ()
    (end,) = finish_night(plan, lambda _: None)
    (mark,) = [m for m in open_recording(end.files[0]).info.annotations if "cramp" in m.text]
    assert mark.onset_s == pytest.approx(38, abs=3)


def test_a_second_start_goes_on_in_the_same_journal_and_knows_what_was(
    tmp_path, cramp_night, classifier
):
    async def program(bed):
        bed.switch_on("npg-lite-band", night_source("npg-lite-band", cramp_night))
        (first,) = await bed.record(bed.plan("npg-lite-band", seconds=50))
        await bed.clock.sleep(5)
        (second,) = await bed.record(bed.plan("npg-lite-band", seconds=80))
        return first, second, bed.screen

    first, second, screen = recorded(tmp_path, program, finder=lambda: EpisodeFinder(classifier))
    assert first == second
    opened = open_journal(first)
    assert opened.sealed
    assert len(opened.segments) == 2
    assert "goes on; nothing is lost" in screen.of_kind("journal")[0].text
    assert screen.figures[-1].sensors[0].signal.recorded_s > 120
    again = detect_records(
        LiveDetection(DEVICES["npg-lite-band"], EpisodeFinder(classifier)),
        opened.records(one_clock=True),
    )
    found = {round(episode.event.onset_s, 3) for episode in again}
    assert {message.fields["onset_s"] for message in screen.of_kind("episode")} <= found


def test_what_a_sensor_kept_is_fetched_and_only_then_forgotten(tmp_path):
    cut = '[[fault]]\nat_s = 40\nkind = "link_loss"\nseconds = 20\n'

    async def program(bed):
        bed.switch_on("profile-v1", faults=cut)
        (journal,) = await bed.record(bed.plan("profile-v1", seconds=130))
        return journal, bed.screen.figures[-1].sensors[0].signal

    journal, signal = recorded(tmp_path, program)
    assert links_of(journal).count("streaming") == 2
    assert signal.missing == 0
    assert signal.recorded_s > 115


LONG_CUT = '[[fault]]\nat_s = 30\nkind = "link_loss"\nseconds = 60\n'


def shown(bed):
    return [figures.state for figures in bed.screen.figures]


def test_a_night_that_ends_fetches_first_what_the_sensor_kept(tmp_path):
    async def program(bed):
        bed.switch_on("profile-v1", faults=LONG_CUT)
        (journal,) = await bed.record(bed.plan("profile-v1", seconds=115))
        (told,) = [each for each in bed.screen.of_kind("night") if "awaited_s" in each.fields]
        return journal, told, shown(bed), bed.screen.figures[-1].sensors[0].signal

    journal, told, states, signal = recorded(tmp_path, program)
    assert "min that a sensor kept. Ending again ends at once." in told.text
    assert told.fields["awaited_s"] > 30
    assert states[-1] == "ended"
    assert "fetching" in states
    assert (signal.missing, signal.awaited_s) == (0, 0)
    assert {gap.cause for gap in open_journal_recording(journal).info.gaps} <= {"ended"}


@pytest.mark.parametrize("is_said_again", [True, False])
def test_a_night_that_must_end_at_once_fetches_nothing_more(tmp_path, is_said_again):
    async def program(bed):
        bed.switch_on("profile-v1", faults=LONG_CUT)
        night = bed.recorder(bed.plan("profile-v1", seconds=3600))
        running = asyncio.ensure_future(night.run(bed.radio, check=False))
        await bed.clock.sleep(115)
        night.end("key", at_once=not is_said_again)
        if is_said_again:
            await bed.clock.sleep(2)
            night.end("key")
        begun_ns = bed.clock.monotonic_ns()
        await running
        return (bed.clock.monotonic_ns() - begun_ns) / 1e9, shown(bed)

    seconds, states = recorded(tmp_path, program)
    assert seconds < 5
    assert ("fetching" in states) == is_said_again
    assert states[-1] == "ended"


@pytest.mark.parametrize(
    "then",
    [
        '[[fault]]\nat_s = 118\nkind = "link_loss"\nseconds = 3600\n',
        '[[fault]]\nat_s = 20\nkind = "memory_fault"\n',
    ],
)
def test_a_sensor_that_sends_nothing_more_does_not_keep_a_night_from_its_end(tmp_path, then):
    async def program(bed):
        bed.switch_on("profile-v1", faults=LONG_CUT + then)
        begun_ns = bed.clock.monotonic_ns()
        await bed.record(bed.plan("profile-v1", seconds=115))
        return (bed.clock.monotonic_ns() - begun_ns) / 1e9, shown(bed)

    seconds, states = recorded(tmp_path, program)
    assert seconds < 115 + STALLED_S + 20
    assert states[-1] == "ended"


def test_fetching_goes_on_while_there_is_progress_and_not_for_ever():
    assert not Fetching(0.0).goes_on(0.0, 0.0)
    fetching = Fetching(0.0)
    assert fetching.goes_on(60.0, 0.0)
    assert fetching.goes_on(50.0, STALLED_S - 1)
    assert fetching.goes_on(50.0, 2 * STALLED_S - 2)
    assert not fetching.goes_on(55.0, 2 * STALLED_S)
    slow = Fetching(0.0)
    seconds = [s for s in range(0, 3600, 10) if slow.goes_on(1e6 - s, s)]
    assert max(seconds) == LONGEST_S - 10


def commands_answered(journal):
    """Codes of the commands that the sensor answered."""
    decoder = DEVICES["profile-v1"].decoder()
    records = [r for r in open_journal(journal).records() if r.kind is RecordKind.NOTIFICATION]
    packets = [p for r in records for p in decoder.decode(r.characteristic, r.payload)]
    return [packet.request for packet in packets if isinstance(packet, Reply)]


@pytest.mark.parametrize("is_durable", [True, False])
def test_a_sensor_may_forget_only_what_would_survive_a_power_cut(tmp_path, monkeypatch, is_durable):
    def durable_ns(writer):
        return 2**62 if is_durable else 0

    monkeypatch.setattr(JournalWriter, "durable_ns", property(durable_ns))

    async def program(bed):
        bed.switch_on("profile-v1")
        return await bed.record(bed.plan("profile-v1", seconds=75))

    (journal,) = recorded(tmp_path, program)
    assert (Opcode.ACK in commands_answered(journal)) == is_durable


def test_two_legs_are_two_journals(tmp_path):
    async def program(bed):
        for name in ("Left", "Right"):
            bed.switch_on("myo", name=name, address=f"C0:00:00:00:00:0{len(name)}")
        plan = bed.plan("myo:Left", "myo:Right", seconds=35, legs=("left", "right"))
        return await bed.record(plan), bed.screen

    journals, screen = recorded(tmp_path, program)
    assert [journal.stem.rpartition("_")[2] for journal in journals] == ["left", "right"]
    for journal in journals:
        assert open_journal(journal).sealed
        assert kinds_of(journal).count(RecordKind.NOTIFICATION) > 1000
    assert [sensor.leg for sensor in screen.figures[-1].sensors] == ["left", "right"]


async def answered(bed):
    """Wait until the recorder has answered who asked for a sensor; return what it refused."""
    async with asyncio.timeout(10):
        while (asked := read_asked(bed.folder)) is not None and not asked.refused:
            await bed.clock.sleep(0.5)
    return asked.refused if asked else ""


def joining(sensor, leg, then=None):
    """Return a night of a left leg that is asked for one more sensor in its course."""

    async def program(bed):
        for name in ("Left", "Right"):
            bed.switch_on("profile-v1", name=name, address=f"C0:00:00:00:00:0{len(name)}")
        plan = bed.plan("profile-v1:Left", seconds=60, legs=("left",), participant="P042")
        night = bed.recorder(plan)
        write_asked(bed.folder, Asked("profile-v1:Left", "right"))  # to a recorder that is no more
        running = asyncio.ensure_future(night.run(bed.radio, check=False))
        await bed.clock.sleep(20)
        if then:
            then(bed)
        write_asked(bed.folder, Asked(sensor, leg))
        refused = await answered(bed)
        night.mark()
        await running
        return refused, night, bed.screen

    return program


def test_a_second_leg_is_taken_in_while_the_first_goes_on_without_a_gap(tmp_path):
    refused, night, screen = recorded(tmp_path, joining("profile-v1:Right", "right"))
    assert refused == ""
    legs = [[sensor.leg for sensor in figures.sensors] for figures in screen.figures]
    assert (legs[5], legs[-1]) == (["left"], ["left", "right"])
    left, right = [sensor.journal for sensor in night.plan.sensors]
    assert [each.name[:5] for each in (left, right)] == ["P042_"] * 2
    assert links_of(left) == ["scanning", "connecting", "setting_up", "streaming", "stopped"]
    for journal in (left, right):
        assert open_journal(journal).sealed
        assert kinds_of(journal).count(RecordKind.MARK) == 1
    recordings = [open_journal_recording(journal) for journal in (left, right)]
    assert {gap.cause for gap in recordings[0].info.gaps} <= {"ended"}
    assert recordings[0].info.duration_s - recordings[1].info.duration_s == pytest.approx(20, abs=5)


@pytest.mark.parametrize(
    ("sensor", "leg", "why"),
    [
        ("profile-v1:Right", "left", "on the other leg of left and right"),
        ("none:Right", "right", "unknown device 'none'"),
    ],
)
def test_a_sensor_that_cannot_be_taken_in_is_refused_and_the_night_goes_on(
    tmp_path, sensor, leg, why
):
    refused, night, screen = recorded(tmp_path, joining(sensor, leg))
    assert why in refused
    assert [each.fields["error"] for each in screen.of_kind("sensor")] == [refused]
    (left,) = night.plan.sensors
    assert links_of(left.journal)[-2:] == ["streaming", "stopped"]
    assert read_asked(tmp_path).refused == refused, "it is not tried again and again"


def test_the_journal_of_another_kind_of_sensor_is_refused_and_the_night_goes_on(tmp_path):
    def spoil(bed):
        right = bed.plan("gforce-12bit", seconds=9, legs=("right",), participant="P042").sensors[0]
        JournalWriter(right.journal, right.label, clock=bed.clock).close()

    refused, night, _ = recorded(tmp_path, joining("profile-v1:Right", "right", spoil))
    assert "the journal of another recording" in refused
    (left,) = night.plan.sensors
    assert links_of(left.journal)[-2:] == ["streaming", "stopped"]


def test_a_wish_that_cannot_be_understood_is_told_once_and_dropped(tmp_path):
    async def program(bed):
        bed.switch_on("myo")
        running = asyncio.ensure_future(bed.record(bed.plan("myo", seconds=20, legs=("left",))))
        await bed.clock.sleep(10)
        (tmp_path / "join.json").write_text("{")
        await running
        return bed.screen

    (told,) = recorded(tmp_path, program).of_kind("sensor")
    assert "join.json: cannot be understood" in told.text
    assert not (tmp_path / "join.json").exists()


def test_a_journal_that_was_cut_off_as_it_began_keeps_no_night_from_going_on(tmp_path):
    plan = plan_night(Wishes(("myo",), out=tmp_path), Stopped(2026, 11, 22, 23, 0))
    journal = plan.sensors[0].journal
    journal.mkdir()
    (journal / "0001.ncj").write_bytes(b"")
    assert plan_night(Wishes(("myo",), out=tmp_path), Stopped(2026, 11, 22, 23, 0)) == plan


def test_a_companion_gives_its_acceleration(tmp_path, classifier):
    async def program(bed):
        bed.switch_on("gforce-12bit", address="C0:00:00:00:00:01")
        bed.switch_on("polar-h10", address="C0:00:00:00:00:02")
        plan = bed.plan("gforce-12bit", seconds=60, companion="polar-h10")
        await bed.record(plan)
        return plan

    plan = recorded(
        tmp_path, program, finder=lambda: EpisodeFinder(classifier, with_companion=True)
    )
    assert [s.journal.stem.endswith("companion") for s in plan.sensors] == [False, True]
    (end,) = finish_night(plan, lambda _: None)
    assert end.error == ""
    assert open_recording(end.files[0]).info.acc is not None


def test_a_clock_that_is_set_back_moves_nothing(tmp_path):
    async def program(bed):
        wall_ns = bed.clock.wall_ns
        hour_ns = 3600 * 10**9
        set_at_ns = bed.clock.monotonic_ns() + 20 * 10**9
        bed.clock.wall_ns = lambda: wall_ns() - hour_ns * (bed.clock.monotonic_ns() > set_at_ns)
        bed.switch_on("npg-lite-band")
        (journal,) = await bed.record(bed.plan("npg-lite-band", seconds=45))
        return journal, bed.screen.figures[-1].sensors[0]

    journal, sensor = recorded(tmp_path, program)
    records = list(open_journal(journal).records())
    assert [json_of(r)["step_ns"] for r in records if r.kind is RecordKind.CLOCK] == [
        pytest.approx(-3600e9, abs=1e9)
    ]
    assert sensor.signal.recorded_s == pytest.approx(42, abs=3)
    assert sensor.signal.missing == 0


def test_a_sensor_too_slow_to_be_judged_is_recorded_and_said_to_be(tmp_path, classifier):
    async def program(bed):
        bed.switch_on("movesense")
        (journal,) = await bed.record(bed.plan("movesense", seconds=40))
        return journal, bed.screen.figures[-1].sensors[0].signal

    journal, signal = recorded(tmp_path, program, finder=lambda: EpisodeFinder(classifier))
    assert kinds_of(journal).count(RecordKind.NOTIFICATION) > 100
    assert "no EMG" in signal.trouble


def test_a_second_recorder_is_told_who_has_the_folder(tmp_path):
    async def program(bed):
        with lock_recorder(tmp_path, bed.clock), pytest.raises(BusyError, match="process"):
            await bed.record(bed.plan("myo", seconds=10))

    recorded(tmp_path, program)


def test_a_journal_of_another_night_is_told_unless_another_recorder_is_writing_it(tmp_path):
    other = tmp_path / "P007_2025-01-01_left.ncj"

    async def program(bed):
        plan = bed.plan("myo", seconds=5)
        with JournalWriter(other, JournalLabel("myo", "test 1.0", {}), clock=bed.clock):
            with lock_recorder(tmp_path, bed.clock), pytest.raises(BusyError):
                await bed.record(plan)
            assert not bed.screen.messages
            await bed.record(plan)
        return bed.screen

    (told,) = recorded(tmp_path, program).of_kind("journal")
    assert told.text.startswith(f"{other.name} of another night was not closed")


def test_a_folder_that_cannot_be_is_refused_before_anything_begins(tmp_path):
    (tmp_path / "taken").write_text("")

    async def program(bed):
        with pytest.raises(OutputError, match="--out"):
            await bed.record(bed.plan("myo", seconds=10))

    recorded(tmp_path / "taken", program)


def test_a_full_disk_at_the_start_is_refused(tmp_path, monkeypatch):
    def full(self, path):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Disk, "create", full)

    async def program(bed):
        with pytest.raises(OutputError, match="No space left on device"):
            await bed.record(bed.plan("myo", seconds=10))

    recorded(tmp_path, program)


def test_the_journal_of_another_sensor_is_not_gone_on_with(tmp_path):
    async def program(bed):
        await bed.record(bed.plan("myo", seconds=5))
        with pytest.raises(RecordingError, match="another recording"):
            await bed.record(bed.plan("umyo", seconds=5))

    recorded(tmp_path, program)


def test_an_encrypted_night_goes_to_the_site(tmp_path):
    create_site_key(tmp_path / "private.pem", tmp_path / "public.pem")

    async def program(bed):
        bed.switch_on("npg-lite-band")
        plan = bed.plan("npg-lite-band", seconds=40, site_key=tmp_path / "public.pem")
        await bed.record(plan)
        await bed.record(bed.plan("npg-lite-band", seconds=20, site_key=tmp_path / "public.pem"))
        return plan, bed.screen.figures[-1].sensors[0].signal

    plan, signal = recorded(tmp_path / "out", program)
    assert signal.recorded_s < 25
    (end,) = finish_night(plan, lambda _: None)
    assert end.failed
    assert "private key" in end.error


def test_an_encrypted_night_asks_the_sensor_for_what_it_measured_while_no_program_ran(tmp_path):
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    create_site_key(private, public)

    async def program(bed):
        bed.switch_on("profile-v1")
        await bed.record(bed.plan("profile-v1", seconds=30, site_key=public))
        await bed.clock.sleep(20)
        (journal,) = await bed.record(bed.plan("profile-v1", seconds=150, site_key=public))
        return journal

    journal = recorded(tmp_path / "out", program)
    recording = open_journal_recording(journal, key=private)
    assert recording.info.emg.duration_s > 190
    assert not [gap for gap in recording.info.gaps if gap.duration_s > 1.0]


def test_an_encrypted_night_asks_for_what_a_sensor_kept_before_it_was_restarted(tmp_path):
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    create_site_key(private, public)

    async def program(bed):
        bed.switch_on("profile-v1", faults='[[fault]]\nat_s = 70\nkind = "reboot"\n')
        await bed.record(bed.plan("profile-v1", seconds=30, site_key=public))
        await bed.clock.sleep(60)
        (journal,) = await bed.record(bed.plan("profile-v1", seconds=150, site_key=public))
        return journal

    journal = recorded(tmp_path / "out", program)
    gaps = open_journal_recording(journal, key=private).info.gaps
    (restart,) = [gap for gap in gaps if gap.cause != "ended"]
    # It measures nothing from the restart to the next START, some 20 s later.
    assert restart.duration_s < 25


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OutputError("the disk is full"), "the disk is full."),
        (ValueError("a slip"), "by an error of the program (ValueError('a slip'))."),
        (KeyboardInterrupt(), "Interrupted."),
    ],
)
def test_an_end_that_fails_says_how_to_do_it_again(tmp_path, monkeypatch, error, told):
    def fail(*_):
        raise error

    monkeypatch.setattr(ending, "_convert", fail)

    async def program(bed):
        plan = bed.plan("myo", seconds=2)
        await bed.record(plan)
        return plan

    (end,) = finish_night(recorded(tmp_path, program), lambda _: None)
    assert end.failed
    assert f"{told} The journal is safe. To do it again: nightcramp convert" in end.error


def test_a_sensor_that_is_not_there_is_told_and_the_journal_says_so(tmp_path):
    async def program(bed):
        plan = bed.plan("myo", seconds=60)
        (journal,) = await bed.record(plan)
        return plan, journal, bed.screen

    plan, journal, screen = recorded(tmp_path, program)
    assert "cannot be heard" in screen.of_kind("link")[1].text
    assert "waiting" in links_of(journal)
    assert open_journal(journal).sealed
    (end,) = finish_night(plan, lambda _: None)
    assert end.error.endswith("the journal holds no samples. The journal stays as it is.")


# ------------------------------------------------------------------------------ plan and keys


def test_a_sensor_is_named_by_kind_name_or_address():
    assert parse_sensor("myo").spec is DEVICES["myo"]
    assert parse_sensor("myo:My band").name == "My band"
    assert parse_sensor("myo@C0:00:00:00:00:01").address == "C0:00:00:00:00:01"
    with pytest.raises(UsageError, match="did you mean"):
        parse_sensor("mio")
    with pytest.raises(UsageError, match="DEVICE:NAME"):
        parse_sensor("myo:")


class Stopped:
    """A clock that stands at one local time."""

    speed = 1.0

    def __init__(self, *moment):
        self.now = datetime(*moment)

    def monotonic_ns(self):
        return 5

    def wall_ns(self):
        return round(self.now.timestamp() * 1e9)


@pytest.mark.parametrize(
    ("moment", "night"),
    [((2026, 11, 22, 23, 0), "2026-11-22"), ((2026, 11, 23, 11, 59), "2026-11-22"),
     ((2026, 11, 23, 12, 0), "2026-11-23")],
)  # fmt: skip
def test_a_night_goes_from_noon_to_noon(moment, night, tmp_path):
    assert night_date(datetime(*moment)).isoformat() == night
    plan = plan_night(Wishes(("myo",), out=tmp_path), Stopped(*moment))
    assert plan.sensors[0].journal == tmp_path / f"anonymous_{night}.ncj"


def test_until_is_the_next_time_the_clock_shows_it():
    plan = plan_night(Wishes(("myo",), until="07:00"), Stopped(2026, 11, 22, 23, 0))
    assert plan.stop_wall_ns == round(datetime(2026, 11, 23, 7, 0).timestamp() * 1e9)
    plan = plan_night(Wishes(("myo",), until="7:00"), Stopped(2026, 11, 23, 2, 0))
    assert plan.stop_wall_ns == round(datetime(2026, 11, 23, 7, 0).timestamp() * 1e9)


@pytest.mark.parametrize(
    ("wishes", "text"),
    [
        (Wishes(("myo", "myo")), "as many legs"),
        (Wishes(("myo", "myo"), legs=("left", "left")), "each once"),
        (Wishes(("myo",), legs=("middle",)), "legs"),
        (Wishes(("myo",), participant="Anna Smith"), "never a name"),
        (Wishes(("myo",), until="25:00"), "HH:MM"),
        (Wishes(("myo",), until="07:00", hours=8), "exclude"),
        (Wishes(("myo", "myo"), legs=("left", "right"), companion="polar-h10"), "one --sensor"),
    ],
)
def test_wishes_that_make_no_sense_are_refused(wishes, text):
    with pytest.raises(UsageError, match=text):
        plan_night(wishes, Stopped(2026, 11, 22, 23, 0))


class Pressed:
    def __init__(self):
        self.done = []

    def mark(self):
        self.done.append("mark")

    def check(self):
        self.done.append("check")

    def end(self, why):
        self.done.append(why)


@pytest.mark.parametrize(
    ("typed", "done"),
    [("c", ["mark"]), (" x", ["mark"]), ("qn", []), ("qy", ["key"]), ("qqy", []), ("s", ["check"])],
)
def test_keys_mark_check_and_end_after_asking(typed, done):
    night, said = Pressed(), []
    keys = Keys(night, said.append)
    for key in typed:
        keys.press(key)
    assert night.done == done
    assert bool(said) == ("q" in typed)


def test_a_worker_answers_in_its_turn_and_survives_errors(caplog):
    worker = ThreadWorker("test")
    worker.submit(lambda: 1 / 0)
    assert ask(worker, lambda: 42).result(5) == 42
    with pytest.raises(ZeroDivisionError):
        ask(worker, lambda: 1 / 0).result(5)
    assert worker.close(5)
    assert "the recording goes on" in caplog.text


OURS, OTHERS = "C0:00:00:00:00:01", "C0:00:00:00:00:02"


def sensors_of(journal):
    """Addresses of the sensors that a journal holds data of."""
    events = [json_of(r) for r in open_journal(journal).records() if r.kind is RecordKind.LINK]
    return {event["address"] for event in events if event["state"] == "streaming"}


def restarted(folder, meanwhile, *sensors, seconds=60, **wishes):
    """Record our sensor, let something happen, record again; returns journal and messages."""

    async def program(bed):
        ours = bed.switch_on("myo", name="Calf-12", address=OURS)
        (journal,) = await bed.record(bed.plan("myo", seconds=20, **wishes))
        bed.screen.messages.clear()
        meanwhile(bed, ours)
        await bed.record(bed.plan(*(sensors or ["myo"]), seconds=seconds, **wishes))
        return journal, bed.screen.of_kind("link")

    return recorded(folder, program)


def swap(bed, ours):
    ours.power = False
    bed.switch_on("myo", name="Calf-13", address=OTHERS)


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_second_start_does_not_take_the_sensor_of_somebody_else(tmp_path, encrypted):
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    create_site_key(private, public)
    wishes = {"site_key": public} if encrypted else {}
    _, links = restarted(tmp_path, swap, **wishes)
    told = [message for message in links if message.fields["cause"] == "wrong_sensor"]
    assert not [message for message in links if message.fields["state"] == "streaming"]
    assert "not the one of this recording" in told[0].text
    assert "Calf-13" in told[0].text
    assert "Calf-12" in told[0].text


def test_a_second_start_goes_on_when_its_own_sensor_is_heard_beside_another(tmp_path):
    def join(bed, _ours):
        bed.switch_on("myo", name="Calf-12", address=OTHERS)

    journal, links = restarted(tmp_path, join)
    assert sensors_of(journal) == {OURS}
    assert {message.fields["cause"] for message in links} == {None}


def test_a_sensor_that_has_another_address_after_a_second_start_is_taken_by_its_name(tmp_path):
    def new_battery(bed, ours):
        ours.power = False
        bed.switch_on("myo", name="Calf-12", address=OTHERS)

    journal, links = restarted(tmp_path, new_battery)
    assert sensors_of(journal) == {OURS, OTHERS}
    (told,) = [message for message in links if message.fields["cause"]]
    assert told.fields["cause"] == "new_address"
    assert f"address {OTHERS}, until now {OURS}" in told.text


@pytest.mark.parametrize("wish", ["myo:Calf-13", f"myo@{OTHERS}"])
def test_a_sensor_is_exchanged_during_the_night_by_naming_the_new_one(tmp_path, wish):
    journal, links = restarted(tmp_path, swap, wish)
    assert sensors_of(journal) == {OURS, OTHERS}
    assert {message.fields["cause"] for message in links} == {None}


def test_after_an_exchange_the_new_sensor_is_the_one_that_is_meant(tmp_path):
    async def program(bed):
        ours = bed.switch_on("myo", name="Calf-12", address=OURS)
        await bed.record(bed.plan("myo", seconds=20))
        swap(bed, ours)
        await bed.record(bed.plan("myo:Calf-13", seconds=20))
        ours.power = True
        bed.screen.messages.clear()
        await bed.record(bed.plan("myo", seconds=20))
        return bed.screen.of_kind("link")

    links = recorded(tmp_path, program)
    assert {message.fields["address"] for message in links} == {None, OTHERS}


def test_which_sensor_it_is_is_kept_while_the_night_is_still_recorded(tmp_path):
    async def program(bed):
        bed.switch_on("myo", name="Calf-12", address=OURS)
        plan = bed.plan("myo", seconds=30)
        running = asyncio.ensure_future(bed.record(plan))
        await bed.clock.sleep(20)
        kept = json.loads((plan.sensors[0].journal / "sensor.json").read_text())
        await running
        return kept

    assert recorded(tmp_path, program) == {"address": OURS, "name": "Calf-12", "serial": None}


def test_a_file_of_the_sensor_that_cannot_be_read_is_told_and_the_night_goes_on(tmp_path):
    def damage(bed, _ours):
        (journal,) = bed.folder.glob("*.ncj")
        (journal / "sensor.json").write_text("{")

    journal, _ = restarted(tmp_path, damage)
    assert sensors_of(journal) == {OURS}
