"""A night gives the same episodes live, replayed at any speed, and from the file made of it.

Every emulated sensor measures the same simulated night over the emulated radio, in virtual time:
its own bytes, the real host stack, the link that connects again, the journal. The night has cramps
in it, and everything that may go wrong on the way.
"""

import asyncio
import contextlib
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge import DEVICES, MissingStretch
from firmware_bridge.emulator import (
    EMULATED,
    FRONT_ENDS,
    Air,
    ArraySource,
    BumbleAdapter,
    LinkModel,
    Sampled,
    SensorHost,
    Truth,
    VirtualClock,
    parse_faults,
    play_faults,
    radio_of,
    run_virtual,
)
from firmware_bridge.link import Link, Sought
from models import load_classifier
from models.simulator import SENSORS, NightPlan, draw_participant, simulate_night
from nightcramp.analysis import detect
from nightcramp.errors import RecordingError
from nightcramp.live import EpisodeFinder, LiveDetection
from nightcramp.replaying import cramps_of, open_night, play
from recordings import journal_to_bids, open_recording
from recordings.journal import (
    JournalLabel,
    JournalWriter,
    RecordKind,
    json_record,
    record_of,
)

FAULTS = """
[[fault]]
at_s = 62
kind = "fade"
seconds = 1.5
[[fault]]
at_s = 85
kind = "disconnect"
[[fault]]
at_s = 104
kind = "lost_notifications"
seconds = 4
share = 0.05
[[fault]]
at_s = 109
kind = "wrong_lengths"
seconds = 2
share = 0.1
[[fault]]
at_s = 112
kind = "duplicates"
seconds = 2
share = 0.1
[[fault]]
at_s = 120
kind = "reboot"
seconds = 1
"""
INTERVAL_S = {"umyo": 0.0125}
"""A uMyo loses nearly all its samples at the interval that computers ask for."""

AT_TWO_SPEEDS = ("profile-v1", "npg-lite-250hz", "umyo", "movesense")


@pytest.fixture(scope="module")
def night():
    wired = replace(SENSORS["reference"], loss=None)
    plan = NightPlan(130 / 3600, datetime(2026, 1, 12, 22), cramps=1, density=0.2)
    return simulate_night(draw_participant(4), plan, wired, seed=13)


@pytest.fixture(scope="module")
def classifier():
    return load_classifier()


class Recorder:
    """Takes what the link delivers: into the journal first, then through live detection."""

    def __init__(self, journal, detection):
        self.journal = journal
        self.detection = detection
        self.items = []
        self.episodes = []

    def notification(self, notification):
        self._take(record_of(notification))

    def event(self, event):
        told = {"state": event.state, "cause": event.cause}
        self._take(json_record(RecordKind.LINK, event.monotonic_ns, event.wall_ns, told))

    def _take(self, record):
        self.journal.append(record)
        self._keep(self.detection.record(record))

    def finish(self):
        self._keep(self.detection.finish())

    def _keep(self, step):
        self.items += step.items
        self.episodes += step.episodes


async def record(device, night, folder, finder):
    """Let a sensor measure the night, and a computer record it."""
    loop = asyncio.get_running_loop()
    clock, air = VirtualClock(loop), Air(LinkModel(interval_s=INTERVAL_S.get(device)))
    emg = Sampled(night.emg * np.float32(1e-6), night.emg_rate_hz)
    source = ArraySource(FRONT_ENDS[device], {"emg": emg, "acc": Sampled(night.acc, 100.0)})
    sensor = EMULATED[device](source)
    host = SensorHost(sensor, air.plug, Truth(clock, None))
    adapter = BumbleAdapter()
    await adapter.attach(await air.plug())
    label = JournalLabel(device, "test")
    with JournalWriter(folder, label, clock=clock) as journal:
        recorder = Recorder(journal, LiveDetection(DEVICES[device], finder))
        link = Link(Sought(DEVICES[device]), recorder, radio=radio_of(adapter), clock=clock)
        playing = play_faults(host, parse_faults(FAULTS))
        running = [asyncio.ensure_future(each) for each in (host.run(), playing)]
        linked = asyncio.ensure_future(link.run())
        await clock.sleep(night.emg.shape[1] / night.emg_rate_hz)
        link.stop()
        await linked
        for task in running:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        recorder.finish()
    return recorder


def said(items):
    """What an assembler said, to the bit."""
    return [
        (type(item), *(_plain(getattr(item, name)) for name in type(item).__dataclass_fields__))
        for item in items
    ]


def _plain(value):
    return value.tobytes() if isinstance(value, np.ndarray) else value


@dataclass(frozen=True)
class Recorded:
    """A night in a journal, and what was said of it while it was recorded."""

    device: str
    journal: Path
    items: list
    episodes: list
    results: list


@pytest.fixture(scope="module", params=EMULATED)
def recorded(request, night, classifier, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param) / "night.ncj"
    finder = EpisodeFinder(classifier)
    recorder = run_virtual(record(request.param, night, folder, finder), limit_s=3600)
    episodes = [episode.event for episode in recorder.episodes]
    return Recorded(request.param, folder, said(recorder.items), episodes, finder.results)


def replayed(journal, classifier, clock=None):
    """Everything said in a replay, its episodes as they came, and its results."""

    async def program():
        night = open_night(journal, classifier)
        moments = [moment async for moment in play(night, clock and clock())]
        episodes = [event for moment in moments for event in moment.episodes]
        return said(item for moment in moments for item in moment.items), episodes, night.results()

    return run_virtual(program()) if clock else asyncio.run(program())


def ten_times():
    return VirtualClock(asyncio.get_running_loop(), speed=10.0)


def assert_same(result, expected):
    """Every event but the padding at the end of a file, and every score."""
    seconds = expected.seconds.score.size
    assert cramps_of(result) == cramps_of(expected)
    assert np.allclose(result.seconds.score[:seconds], expected.seconds.score, 0, 1e-5, True)
    assert np.array_equal(
        result.seconds.quality[:, : seconds - 1], expected.seconds.quality[:, : seconds - 1]
    )


def test_the_night_went_wrong_as_it_should(recorded):
    """Cramps were seen, samples were lost and the link came again, or nothing is tested here."""
    lost = [fields for kind, *fields in recorded.items if kind is MissingStretch]
    assert {"link_lost"} <= {str(fields[3]) for fields in lost}
    assert bool(recorded.episodes) == ("emg" in FRONT_ENDS[recorded.device])
    assert len(recorded.results) == ("emg" in FRONT_ENDS[recorded.device])


def test_a_replay_at_any_speed_says_what_was_said_live(recorded, classifier):
    for clock in (None, ten_times) if recorded.device in AT_TWO_SPEEDS else (None,):
        items, episodes, results = replayed(recorded.journal, classifier, clock)
        assert items == recorded.items
        assert episodes == recorded.episodes
        for result, expected in zip(results, recorded.results, strict=True):
            assert result.events == expected.events
            assert np.array_equal(result.seconds.score, expected.seconds.score, equal_nan=True)


def test_the_file_made_of_a_journal_holds_the_same_episodes(recorded, classifier, tmp_path):
    files = journal_to_bids(recorded.journal, tmp_path)
    if "emg" not in FRONT_ENDS[recorded.device]:
        with pytest.raises(RecordingError, match="EMG"):
            open_recording(files[0])
        return
    result = detect(open_recording(files[0]), classifier)
    assert_same(result, recorded.results[0])
    assert cramps_of(result) == recorded.episodes
