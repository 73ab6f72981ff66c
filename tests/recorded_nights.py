"""Journals for tests: what an emulated sensor sends, without radio or waiting."""

from firmware_bridge import DEVICES, Read, Subscribe, Write
from firmware_bridge.emulator import EMULATED, index_source
from firmware_bridge.emulator.sensor import Emission
from recordings.journal import (
    JournalLabel,
    JournalRecord,
    JournalWriter,
    RecordKind,
    json_record,
)

START_NS = 5_000_000_000
UTC_NS = 1_768_255_200_000_000_000
METADATA = {"participant": "P042", "leg": "left", "night": "2026-01-12", "time_zone": "Europe/Rome"}
INTERVAL_S = {"umyo": 0.0125}
"""Of connection events, where it is not 45 ms."""
QUIET = (12.0, 17.0)


class Stopped:
    """Clocks that stand."""

    def monotonic_ns(self):
        return START_NS

    def wall_ns(self):
        return UTC_NS


def records(device, seconds, source=None):
    """Yield the records of a sensor whose link is lost for five seconds."""
    sensor, spec = EMULATED[device](source or index_source(device)), DEVICES[device]
    sensor.connected(0.5, 247)
    for step in spec.setup:
        if isinstance(step, Subscribe):
            sensor.subscribed(step.characteristic, True, 0.5)
        elif isinstance(step, Write):
            sensor.write(step.characteristic, step.payload, 0.5)
    yield link(0.5, "setting_up")
    for step in filter(lambda step: isinstance(step, Read), spec.setup):
        answer = Emission(step.characteristic, sensor.read(step.characteristic, 0.5))
        yield notification(0.5, answer)
    yield from stream(sensor, seconds)
    yield link(seconds + 1, "stopped")


def stream(sensor, seconds):
    """Yield what comes at each connection event; nothing while the link is lost."""
    lost, interval_s = False, INTERVAL_S.get(sensor.device, 0.045)
    for event in range(int(seconds / interval_s)):
        now_s = 0.6 + event * interval_s
        sent = sensor.due(now_s, 16)
        if QUIET[0] <= now_s < QUIET[1]:
            if not lost:
                yield link(now_s, "lost", "disconnected")
            lost = True
            continue
        if lost:
            yield link(now_s, "setting_up")
            yield at(now_s, RecordKind.MARK, {"mark": "cramp now"})
        lost = False
        for emission in sent:
            yield notification(now_s, emission)


def at(now_s, kind, content):
    ns = round(now_s * 1e9)
    return json_record(kind, START_NS + ns, UTC_NS + ns, content)


def link(now_s, state, cause=None):
    return at(now_s, RecordKind.LINK, {"state": state, "cause": cause})


def notification(now_s, emission):
    ns = round(now_s * 1e9)
    kind = RecordKind.NOTIFICATION
    return JournalRecord(
        kind, START_NS + ns, UTC_NS + ns, emission.characteristic, emission.payload
    )


def write_journal(folder, device="npg-lite-band", seconds=60, *, metadata=METADATA, **settings):
    """Write a journal; `settings` are those of the writer."""
    source = settings.pop("source", None)
    label = JournalLabel(device, "test 1.0", metadata)
    with JournalWriter(folder, label, clock=Stopped(), **settings) as journal:
        for record in records(device, seconds, source):
            journal.append(record)
    return folder
