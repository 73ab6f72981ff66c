"""The writer: disks that fail, clocks that jump, programs that are killed, two at a time."""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import re
import signal
import struct
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest

from nightcramp.errors import BusyError, OutputError, UsageError
from recordings.journal import (
    AlarmKind,
    Disk,
    JournalLabel,
    JournalRecord,
    JournalSettings,
    JournalWriter,
    RecordKind,
    create_site_key,
    json_of,
    lock_recorder,
    open_journal,
    recover,
)

LABEL = JournalLabel("calfband", "nightcramp 0.1", {"participant": "P042"})
SECOND = 10**9
PATIENCE_S = 60.0
"""Far more than is needed: a test that fails takes long, one that succeeds does not."""
SYNC = b"\x8aNCJ\r\n\x1a\n"


class HandClock:
    def __init__(self):
        self.now_ns = self.wall_lead_ns = 0

    def monotonic_ns(self):
        return self.now_ns

    def wall_ns(self):
        return 10**18 + self.now_ns + self.wall_lead_ns


class FaultyDisk(Disk):
    """Fails as told; counts calls; knows what a power cut would leave."""

    def __init__(self):
        self.calls = Counter()
        self.faults = {}
        self.safe = {}
        self.paths = {}

    def _meet(self, call):
        self.calls[call] += 1
        fault = self.faults.get(call)  # once: the test ends faults while the writer runs
        if fault is not None:
            raise OSError(fault, os.strerror(fault))

    def create(self, path):
        self._meet("create")
        file = super().create(path)
        self.paths[file] = path
        return file

    def write(self, file, data, offset):
        if (fault := self.faults.get("torn")) is not None:
            super().write(file, data[: len(data) // 2], offset)
            self.calls["torn"] += 1
            raise OSError(fault, "torn")
        self._meet("write")
        super().write(file, data, offset)

    def sync(self, file):
        self._meet("sync")
        super().sync(file)
        self.safe[self.paths[file]] = self.paths[file].read_bytes()

    def reserve(self, file, n_bytes):
        self._meet("reserve")
        return super().reserve(file, n_bytes)

    def free(self, folder):
        return 1_000_000


class Bench:
    """A writer with everything around it in hand."""

    def __init__(self, folder, **numbers):
        self.folder = folder
        self.clock, self.disk = HandClock(), FaultyDisk()
        self.alarms, self.durable, self.sent = [], [], []
        self.alarmed = threading.Condition()
        settings = JournalSettings(**{"reserve_bytes": 0, **numbers})
        self.writer = JournalWriter(
            folder,
            LABEL,
            clock=self.clock,
            settings=settings,
            on_alarm=self._on_alarm,
            on_durable=self.durable.append,
            disk=self.disk,
        )

    def _on_alarm(self, alarm):
        with self.alarmed:
            self.alarms.append(alarm)
            self.alarmed.notify_all()

    def send(self, n=4, step_ns=SECOND // 4, n_bytes=100):
        for _ in range(n):
            self.clock.now_ns += step_ns
            payload = len(self.sent).to_bytes(4, "big") + os.urandom(n_bytes)
            record = JournalRecord(
                RecordKind.NOTIFICATION,
                self.clock.monotonic_ns(),
                self.clock.wall_ns(),
                "emg",
                payload,
            )
            self.sent.append(record)
            self.writer.append(record)

    def wait_for(self, *kinds):
        """Return when exactly these alarms have come since the last time, in any order."""
        with self.alarmed:
            assert self.alarmed.wait_for(lambda: len(self.alarms) >= len(kinds), PATIENCE_S)
            told, self.alarms = self.alarms, []
        assert sorted(alarm.kind for alarm in told) == sorted(kinds)
        return told[-1].text

    def stored(self):
        journal = open_journal(self.folder)
        records = [r for r in journal.records() if r.kind is RecordKind.NOTIFICATION]
        return records, journal.damage


@pytest.fixture
def in_berlin(monkeypatch):
    """The time zone of this computer is Berlin's."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def bench(tmp_path):
    made = []

    def make(**numbers):
        made.append(Bench(tmp_path / "night.ncj", **numbers))
        return made[-1]

    yield make
    for one in made:
        one.disk.faults.clear()
        one.writer.close()


def test_a_full_disk_is_told_and_nothing_is_lost_or_doubled_when_there_is_space_again(bench):
    b = bench()
    b.send()
    b.writer.sync()
    b.disk.faults = {"write": errno.ENOSPC}
    b.send(40)
    text = b.wait_for(AlarmKind.DISK_FULL)
    assert "No space left" in text
    assert "kept in memory" in text
    b.send(40)
    b.disk.faults = {"torn": errno.ENOSPC}  # half a block fits, the rest does not
    b.writer.flush()
    until(lambda: b.disk.calls["torn"])
    b.send(4)
    b.disk.faults = {}
    b.writer.sync()
    b.wait_for(AlarmKind.DISK_WORKS_AGAIN)
    b.send()
    b.writer.close()
    assert b.stored() == (b.sent, [])
    assert len(list(b.folder.iterdir())) == 1


@pytest.mark.parametrize("call", ["sync", "write", "torn"])
def test_after_an_error_of_the_disk_what_was_not_safe_is_written_again_elsewhere(bench, call):
    b = bench()
    b.send(8)
    b.writer.sync()
    b.send(8)
    b.disk.faults = {call: errno.EIO}
    b.writer.flush()
    b.wait_for(AlarmKind.DISK_FAILED)
    b.send(8)
    b.disk.faults = {}
    b.writer.sync()
    b.wait_for(AlarmKind.DISK_WORKS_AGAIN)
    b.writer.close()
    records, damage = b.stored()
    assert records == b.sent
    assert {d.seconds_lost for d in damage} <= {0.0}
    # Had the system thrown away what it could not write, the new segment would still hold it.
    segments = sorted(b.folder.iterdir())
    assert len(segments) == 2
    segments[0].write_bytes(b.disk.safe[segments[0]])
    assert b.stored() == (b.sent, [])


def test_what_is_written_again_is_encrypted_anew(bench, tmp_path):
    create_site_key(tmp_path / "site.key", tmp_path / "site.pub")
    b = bench(site_key=tmp_path / "site.pub")
    b.send(4)
    b.disk.faults = {"sync": errno.EIO}
    b.writer.flush()
    b.wait_for(AlarmKind.DISK_FAILED)
    b.disk.faults = {}
    b.writer.close()
    texts = [ciphertexts(b.folder / name) for name in ("0001.ncj", "0002.ncj")]
    assert texts[0].keys() & texts[1].keys() == {1}
    assert texts[0][1] != texts[1][1]  # a nonce that is used twice would give the key away
    assert list(open_journal(b.folder, key=tmp_path / "site.key").records()) == b.sent


def ciphertexts(segment):
    """Return the encrypted body of each block of records by its sequence."""
    data = segment.read_bytes()
    found = {}
    for place in (match.start() for match in re.finditer(re.escape(SYNC + b"\x01\x01"), data)):
        [sequence] = struct.unpack_from("<Q", data, place + 16)
        [n_bytes] = struct.unpack_from("<I", data, place + 68)
        found[sequence] = data[place + 80 : place + 80 + n_bytes - 16]
    return found


def test_a_disk_that_is_gone_and_comes_back_elsewhere_costs_nothing(bench, tmp_path):
    b = bench()
    b.send(8)
    b.writer.sync()
    b.disk.faults = {"write": errno.EIO, "create": errno.EROFS, "sync": errno.EIO}
    b.send(80)
    b.wait_for(AlarmKind.DISK_FAILED)
    for _ in range(3):
        b.writer.flush()
    b.send(80)
    b.disk.faults = {}
    b.writer.close()
    assert b.stored() == (b.sent, [])


def test_memory_is_bounded_and_what_was_dropped_is_noted_in_its_place(bench):
    b = bench(memory_bytes=100_000)
    b.disk.faults = {"write": errno.ENOSPC}
    b.send(400)
    b.wait_for(AlarmKind.DISK_FULL, AlarmKind.MEMORY_FULL)
    b.disk.faults = {}
    b.writer.sync()
    b.wait_for(AlarmKind.DISK_WORKS_AGAIN)
    kept = len(b.sent)
    b.send(20)
    b.writer.close()
    records = list(open_journal(b.folder).records())
    [note] = [record for record in records if record.kind is RecordKind.NOTE]
    dropped = json_of(note)["records"]
    before = records[: records.index(note)]
    assert before == b.sent[: kept - dropped]
    assert records[len(before) + 1 :] == b.sent[kept:]
    assert 200 < len(before) < 260
    assert json_of(note)["first_monotonic_ns"] == b.sent[len(before)].monotonic_ns


def test_what_was_dropped_is_noted_even_if_nothing_comes_after_it(bench):
    b = bench(memory_bytes=100_000)
    b.disk.faults = {"write": errno.ENOSPC}
    b.send(400)
    b.disk.faults = {}
    b.writer.close()
    *records, note = open_journal(b.folder).records()
    assert records == b.sent[: len(records)]
    assert json_of(note)["records"] == 400 - len(records) > 100
    assert json_of(note)["last_monotonic_ns"] == b.sent[-1].monotonic_ns


def test_space_that_will_not_last_the_night_is_told_at_its_beginning(tmp_path):
    alarms = []

    class SmallDisk(FaultyDisk):
        def reserve(self, file, n_bytes):
            raise OSError(errno.ENOSPC, "full")

    writer = JournalWriter(
        tmp_path / "n.ncj", LABEL, clock=HandClock(), on_alarm=alarms.append, disk=SmallDisk()
    )
    writer.close()
    assert [alarm.kind for alarm in alarms] == [AlarmKind.SPACE_LOW]
    assert "133 MB less than the night will need" in alarms[0].text


def test_a_disk_too_small_for_the_night_keeps_room_for_other_files(tmp_path):
    asked = []

    class SmallDisk(Disk):
        def reserve(self, file, n_bytes):
            asked.append(n_bytes)
            if n_bytes > 20 << 20:
                raise OSError(errno.ENOSPC, "full")
            return True

        def free(self, folder):
            return 20 << 20

    alarms = []
    settings = JournalSettings(reserve_bytes=64 << 20)
    JournalWriter(
        tmp_path / "n.ncj",
        LABEL,
        clock=HandClock(),
        settings=settings,
        on_alarm=alarms.append,
        disk=SmallDisk(),
    ).close()
    assert asked == [64 << 20, 12 << 20]
    assert [alarm.kind for alarm in alarms] == [AlarmKind.SPACE_LOW]


def test_closing_on_a_full_disk_says_what_is_lost_and_leaves_the_rest_readable(bench):
    b = bench()
    b.send(8)
    b.writer.sync()
    b.disk.faults = {"write": errno.ENOSPC}
    b.send(8)
    b.wait_for(AlarmKind.DISK_FULL)
    with pytest.raises(OutputError, match="could not be closed, because the disk takes nothing"):
        b.writer.close(timeout_s=0.1)
    assert b.stored() == (b.sent[:8], [])
    assert not open_journal(b.folder).sealed


def test_a_disk_that_takes_nothing_is_told_to_who_waits_for_it(bench):
    b = bench()
    b.disk.faults = {"write": errno.ENOSPC}
    b.send()
    with pytest.raises(OutputError, match="has not taken the records"):
        b.writer.sync(timeout_s=0.05)


def test_a_disk_that_cannot_be_written_to_at_the_start_is_an_error_and_frees_the_lock(tmp_path):
    class FullDisk(Disk):
        def write(self, file, data, offset):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OutputError, match=r"n\.ncj: a journal cannot be written here \(No space"):
        JournalWriter(tmp_path / "n.ncj", LABEL, clock=HandClock(), disk=FullDisk())
    assert list((tmp_path / "n.ncj").iterdir()) == []
    JournalWriter(tmp_path / "n.ncj", LABEL, clock=HandClock()).close()


@pytest.mark.parametrize("sync_s", [1, 5])
def test_what_is_said_to_be_durable_is_on_the_disk_and_no_older_than_promised(bench, sync_s):
    b = bench(sync_s=sync_s)
    for _ in range(40):
        b.send(1)
        b.writer._inbox.wake()
        safe_before = b.clock.now_ns - sync_s * SECOND
        waiting = threading.Event()
        while b.writer.durable_ns < safe_before:
            waiting.wait(0.005)
    promised_ns = max(b.durable)  # the writer goes on: what it says later may not have been cut
    records = list(open_journal(after_power_cut(b)).records())
    assert records
    assert records == b.sent[: len(records)]
    assert records[-1].monotonic_ns >= promised_ns
    assert b.durable == sorted(b.durable)
    assert b.disk.calls["sync"] <= 10 / sync_s + 2


def after_power_cut(bench):
    """Return a copy of the journal that holds what was synchronised."""
    folder = bench.folder.with_name("after.ncj")
    folder.mkdir()
    for path, data in bench.disk.safe.items():
        (folder / path.name).write_bytes(data)
    return folder


def test_a_segment_is_begun_in_an_order_that_a_power_cut_cannot_spoil(tmp_path):
    steps = []

    class TellingDisk(Disk):
        def create(self, path):
            steps.append(f"create {path.name}")
            return super().create(path)

        def write(self, file, data, offset):
            steps.append("write")
            super().write(file, data, offset)

        def sync(self, file):
            steps.append("sync")
            super().sync(file)

        def sync_folder(self, folder):
            steps.append(f"sync folder {folder.name}")
            super().sync_folder(folder)

        def settle(self, path):
            steps.append(f"settle {path.name}")
            super().settle(path)

    folder = tmp_path / "nights" / "n.ncj"
    JournalWriter(folder, LABEL, clock=HandClock(), disk=TellingDisk()).close()
    name = ["sync folder nights"]
    header = ["create 0001.ncj", "write", "sync", "sync folder n.ncj"]
    assert steps == [*name, *header, "write", "write", "sync"], "then header and seal"
    steps.clear()
    first = folder / "0001.ncj"
    first.write_bytes(first.read_bytes()[:-1])  # its writer was killed
    JournalWriter(folder, LABEL, clock=HandClock(), disk=TellingDisk()).close()
    assert steps[:4] == [*name, "settle 0001.ncj", "sync", "create 0002.ncj"]


def test_many_large_records_at_once_can_be_read_again(bench):
    b = bench()
    b.send(20, step_ns=SECOND // 1000, n_bytes=(1 << 20) - 4)
    b.writer.sync()
    assert b.stored() == (b.sent, [])


def test_a_quiet_sensor_is_written_too_when_time_has_passed(bench):
    b = bench()
    b.send(1)
    b.clock.now_ns += 10 * SECOND
    waiting = threading.Event()
    while not b.durable:
        b.writer._inbox.wake()
        waiting.wait(0.005)
    assert b.durable == [b.sent[0].monotonic_ns]


def test_blocks_are_of_one_second_and_segments_are_ended_safely(bench):
    b = bench(segment_s=10)
    b.send(100)
    b.writer.sync()
    b.writer.close()
    assert b.stored() == (b.sent, [])
    whole = b"".join(path.read_bytes() for path in b.folder.iterdir())
    assert len(list(b.folder.iterdir())) == 3
    # A block that is synchronised before its second is over is followed by one of the rest.
    assert 25 <= whole.count(SYNC + b"\x01\x01") <= 25 + b.disk.calls["sync"] < 40
    for path in sorted(b.folder.iterdir()):
        assert b.disk.safe[path] == path.read_bytes()


def test_a_clock_that_goes_backwards_or_is_stepped_is_recorded_and_loses_nothing(bench):
    b = bench()
    b.send(8)
    b.clock.wall_lead_ns = -3600 * SECOND
    b.send(8)
    b.clock.now_ns -= 100 * SECOND
    b.send(8)
    b.writer.close()
    records, damage = b.stored()
    assert (records, damage) == (b.sent, [])
    told = [json_of(r) for r in open_journal(b.folder).records() if r.kind is RecordKind.CLOCK]
    assert told == [
        {"event": "wall_step", "step_ns": -3600 * SECOND},
        {"event": "monotonic_backwards", "step_ns": -100 * SECOND + SECOND // 4},
    ]
    assert len(list(b.folder.iterdir())) == 2  # so that times within a segment rise


def test_summer_time_is_no_step(bench, in_berlin):
    b = bench()
    b.send(8)
    b.writer.close()
    kinds = {record.kind for record in open_journal(b.folder).records()}
    assert kinds == {RecordKind.NOTIFICATION}


def test_appending_never_waits_for_a_disk_that_hangs(bench):
    b = bench()
    hanging, released = threading.Event(), threading.Event()

    def sync(file):
        hanging.set()
        released.wait(10)

    b.disk.sync = sync
    b.send(4)
    b.writer.flush()
    assert hanging.wait(5)
    b.send(500)
    released.set()
    del b.disk.sync
    b.writer.close()
    assert b.stored() == (b.sent, [])


def test_a_closed_writer_and_a_monstrous_record_are_refused(bench):
    b = bench()
    monster = JournalRecord(RecordKind.NOTE, 0, 0, None, bytes((1 << 20) + 1))
    with pytest.raises(UsageError, match="1048576 are the most"):
        b.writer.append(monster)
    b.writer.close()
    with pytest.raises(UsageError, match="the journal is closed"):
        b.send(1)


def test_an_error_of_the_program_in_the_writer_is_not_silent(bench, monkeypatch):
    b = bench()
    seen = []
    monkeypatch.setattr(threading, "excepthook", seen.append)
    monkeypatch.setattr("recordings.journal.writer.body_of", lambda *_: 1 / 0)
    b.send()
    b.writer.flush()
    assert "End it and start it again" in b.wait_for(AlarmKind.WRITER_STOPPED)
    b.writer._thread.join(5)
    assert seen[0].exc_type is ZeroDivisionError
    b.writer._is_done = True


@pytest.fixture
def tmpfs(tmp_path):
    """A file system of 1 MB, full when that is full."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(path):
    """Take what room is left."""
    with path.open("wb", buffering=0) as file:
        while True:
            try:
                file.write(bytes(4096))
            except OSError:
                return


def until(condition):
    """Wait for what happens in its own time; a loaded machine takes longer."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def plain_writer(folder, **numbers):
    alarms, clock = [], HandClock()
    writer = JournalWriter(
        folder, LABEL, clock=clock, settings=JournalSettings(**numbers), on_alarm=alarms.append
    )
    return writer, alarms, clock


def noise(writer, clock, n, n_bytes=2000):
    sent = []
    for _ in range(n):
        clock.now_ns += SECOND // 4
        sent.append(
            JournalRecord(
                RecordKind.NOTIFICATION, clock.now_ns, clock.wall_ns(), "emg", os.urandom(n_bytes)
            )
        )
        writer.append(sent[-1])
    return sent


def test_a_really_full_disk_loses_and_doubles_nothing(tmpfs):
    writer, alarms, clock = plain_writer(tmpfs / "n.ncj", reserve_bytes=0)
    sent = noise(writer, clock, 40)
    writer.sync()
    fill(tmpfs / "other")
    sent += noise(writer, clock, 40)
    writer.flush()
    until(lambda: alarms)
    with pytest.raises(OutputError):
        writer.sync(timeout_s=0.05)
    assert [alarm.kind for alarm in alarms] == [AlarmKind.DISK_FULL]
    (tmpfs / "other").unlink()
    sent += noise(writer, clock, 40)
    writer.sync()
    assert [alarm.kind for alarm in alarms[1:]] == [AlarmKind.DISK_WORKS_AGAIN]
    writer.close()
    journal = open_journal(tmpfs / "n.ncj")
    assert list(journal.records()) == sent
    assert journal.damage == []


def test_reserved_space_lasts_though_another_program_fills_the_disk_and_is_given_back(tmpfs):
    writer, alarms, clock = plain_writer(tmpfs / "n.ncj", reserve_bytes=400_000, segment_s=10)
    fill(tmpfs / "other")
    sent = noise(writer, clock, 120)
    writer.sync()
    sent += noise(writer, clock, 20)
    writer.close()
    assert alarms == []
    assert list(open_journal(tmpfs / "n.ncj").records()) == sent
    files = list((tmpfs / "n.ncj").iterdir())
    assert len(files) > 2
    assert sum(file.stat().st_blocks * 512 for file in files) < 290_000 + 4096 * len(files)


def test_on_a_disk_that_is_read_only_a_journal_is_read_and_left_alone(tmpfs):
    writer, _, clock = plain_writer(tmpfs / "n.ncj", reserve_bytes=0)
    sent = noise(writer, clock, 20)
    writer.close()
    segment = tmpfs / "n.ncj" / "0001.ncj"
    segment.write_bytes(segment.read_bytes()[:-9])
    subprocess.run(["mount", "-o", "remount,ro", tmpfs], check=True)
    assert list(open_journal(tmpfs / "n.ncj").records()) == sent
    for use in (plain_writer, lambda folder: recover(folder, clock)):
        with pytest.raises(OutputError, match=r"n\.ncj.*Read-only file system"):
            use(tmpfs / "n.ncj")


def test_space_kept_by_a_killed_writer_is_given_back_at_the_next_start(tmpfs):
    folder = tmpfs / "n.ncj"
    run_child(folder, "reserve", kill_after=1)
    assert (folder / "0001.ncj").stat().st_blocks * 512 > 300_000
    plain_writer(folder, reserve_bytes=0)[0].close()
    assert (folder / "0001.ncj").stat().st_blocks * 512 < 100_000


CHILD = """
import resource, sys
from pathlib import Path
from recordings.journal import *
folder, mode = Path(sys.argv[1]), sys.argv[2]
class Clock:
    now_ns = 0
    def monotonic_ns(self): return self.now_ns
    def wall_ns(self): return 10**18 + self.now_ns
clock = Clock()
if mode == "limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000))
tell = lambda ns: print(ns, flush=True)
label = JournalLabel("calfband", "nightcramp 0.1", {"participant": "P042"})
settings = JournalSettings(reserve_bytes=400_000 if mode == "reserve" else 0, sync_s=1)
writer = JournalWriter(folder, label, clock=clock, settings=settings, on_durable=tell)
for n in range(2000 if mode == "limit" else 10**9):
    clock.now_ns = n * 50_000_000
    writer.append(JournalRecord(RecordKind.NOTIFICATION, clock.now_ns, n, "emg", b"%d" % n * 20))
    if n % 100 == 0:
        writer.sync()
writer.close()
"""


def run_child(folder, mode, *, kill_after=None):
    """Run a writer in a process of its own; kill it when it has told so often what is durable."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, folder, mode], stdout=subprocess.PIPE, text=True
    )
    with child, child.stdout:
        lines = list(itertools.islice(child.stdout, kill_after))
        if kill_after:
            child.send_signal(signal.SIGKILL)
    return [int(line) for line in lines], child.returncode


@pytest.mark.parametrize("kill_after", [2, 17, 60])
def test_a_killed_writer_loses_nothing_it_said_was_durable(tmp_path, kill_after):
    folder = tmp_path / "n.ncj"
    told, code = run_child(folder, "run", kill_after=kill_after)
    assert code == -signal.SIGKILL
    journal = open_journal(folder)
    records = list(journal.records())
    assert [r.payload for r in records] == [b"%d" % n * 20 for n in range(len(records))]
    assert records[-1].monotonic_ns >= told[-1]
    assert len(journal.damage) <= 1
    writer, _, clock = plain_writer(folder, reserve_bytes=0)  # the lock died with its holder
    clock.now_ns = records[-1].monotonic_ns
    more = noise(writer, clock, 8)
    writer.close()
    journal = open_journal(folder)
    kept = [r for r in journal.records() if r.kind is RecordKind.NOTIFICATION]
    assert kept == records + more
    assert writer.found.n_records == len(records)


def test_a_file_that_may_not_grow_further_is_followed_by_another(tmp_path):
    _, code = run_child(tmp_path / "n.ncj", "limit")
    assert code == 0
    journal = open_journal(tmp_path / "n.ncj")
    assert [r.payload for r in journal.records()] == [b"%d" % n * 20 for n in range(2000)]
    assert len(journal.segments) > 1
    assert journal.sealed


def test_a_second_writer_is_told_who_holds_the_journal(tmp_path, in_berlin):
    folder = tmp_path / "n.ncj"
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, folder, "run"], stdout=subprocess.PIPE, text=True
    )
    with child, child.stdout:
        assert child.stdout.readline()
        with pytest.raises(
            BusyError, match=rf"in use by -c \(process {child.pid}\) since 2001-09-09 03:46\. End"
        ):
            plain_writer(folder)
        child.kill()
    plain_writer(folder, reserve_bytes=0)[0].close()


def test_a_recorder_folder_has_one_recorder(tmp_path):
    clock = HandClock()
    holder = lock_recorder(tmp_path, clock)
    with pytest.raises(BusyError, match=f"process {os.getpid()}"):
        lock_recorder(tmp_path, clock)
    holder.release()
    assert list(tmp_path.iterdir()) == []
    lock_recorder(tmp_path, clock).release()


def test_a_lock_that_its_holder_removes_while_another_waits_for_it_is_taken_anew(
    tmp_path, monkeypatch
):
    real, removed = fcntl.flock, []

    def flock(file, operation):
        if not removed:
            removed.append((tmp_path / "recorder.lock").unlink())
        real(file, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    with lock_recorder(tmp_path, HandClock()), pytest.raises(BusyError):
        lock_recorder(tmp_path, HandClock())


def test_a_lock_in_a_folder_that_is_not_there_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match="cannot be written to"):
        lock_recorder(tmp_path / "none", HandClock())
