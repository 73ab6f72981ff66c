"""Journals: what goes in comes out, from any moment, with any key, along with the writer."""

from __future__ import annotations

import hashlib
import json
import random
import struct
import zlib
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_bridge import Notification
from nightcramp.errors import OutputError, RecordingError, UsageError
from recordings.journal import (
    JournalLabel,
    JournalRecord,
    JournalSettings,
    JournalWriter,
    RecordKind,
    create_site_key,
    examine,
    json_of,
    json_record,
    notification_of,
    open_journal,
    record_of,
    recover,
)
from recordings.journal.scan import SegmentFile

EMG = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
LABEL = JournalLabel("calfband", "nightcramp 0.1", {"participant": "P042", "leg": "left"})
SYNC = b"\x8aNCJ\r\n\x1a\n"
SECOND = 10**9
WALL_NS = 1_795_384_800 * SECOND
GOLDEN = Path(__file__).parent / "data" / "golden.ncj"


class StillClock:
    """Stands where it is put."""

    def __init__(self, monotonic_ns=0):
        self.now_ns = monotonic_ns

    def monotonic_ns(self):
        return self.now_ns

    def wall_ns(self):
        return WALL_NS + self.now_ns


def notification(at_ns, payload=b"\x01\x02", characteristic=EMG):
    return JournalRecord(RecordKind.NOTIFICATION, at_ns, WALL_NS + at_ns, characteristic, payload)


def seconds(first, last, per_second=4):
    """Records whose payload is their number, at even distances."""
    numbers = range(first * per_second, last * per_second)
    return [notification(n * SECOND // per_second, n.to_bytes(4, "big") * 8) for n in numbers]


def write(folder, records, *, clock=None, label=LABEL, **numbers):
    chosen = JournalSettings(**{"reserve_bytes": 0, **numbers})
    with JournalWriter(folder, label, clock=clock or StillClock(), settings=chosen) as writer:
        for record in records:
            writer.append(record)
    return folder


def without_notes(records):
    """Records without those that the writer adds when it opens a journal again."""
    return [record for record in records if record.kind is not RecordKind.NOTE]


times = st.integers(0, 2**62)
any_record = st.builds(
    JournalRecord,
    st.sampled_from(RecordKind),
    times,
    times,
    st.none() | st.text(max_size=40),
    st.binary(max_size=600),
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(any_record, max_size=30))
def test_any_records_come_out_as_they_went_in(tmp_path_factory, records):
    folder = write(tmp_path_factory.mktemp("journal") / "night.ncj", records)
    journal = open_journal(folder)
    written = list(journal.records())
    told = [record for record in written if record.kind is RecordKind.CLOCK]
    ours = iter(written)
    assert all(record in ours for record in records)  # in this order, the clock's own between them
    assert len(written) - len(records) <= len(told)
    assert journal.damage == []
    assert journal.sealed


def test_a_notification_survives_untouched(tmp_path):
    sent = Notification(EMG, 5 * SECOND, WALL_NS + 5 * SECOND, bytes(range(256)))
    [record] = open_journal(write(tmp_path / "n.ncj", [record_of(sent)])).records()
    assert notification_of(record) == sent


def test_what_is_not_a_notification_is_json_and_says_so(tmp_path):
    sent = json_record(RecordKind.MARK, 1, 2, {"what": "Wadenkrampf jetzt – links"})
    [record] = open_journal(write(tmp_path / "n.ncj", [sent])).records()
    assert json_of(record) == {"what": "Wadenkrampf jetzt – links"}
    with pytest.raises(UsageError, match="holds no notification"):
        notification_of(record)
    with pytest.raises(UsageError, match="holds no JSON"):
        json_of(notification(0))


def test_the_header_says_which_recording_it_is(tmp_path):
    journal = open_journal(write(tmp_path / "n.ncj", seconds(0, 1)))
    assert journal.header.label == LABEL
    assert (journal.header.segment, journal.header.session) == (1, 1)
    assert not journal.encrypted


def test_a_new_segment_begins_after_the_set_time_and_nothing_is_between_them(tmp_path):
    records = seconds(0, 50)
    folder = write(tmp_path / "n.ncj", records, segment_s=10)
    journal = open_journal(folder)
    assert [segment.path.name for segment in journal.segments] == [
        f"000{n}.ncj" for n in range(1, 6)
    ]
    assert list(journal.records()) == records
    assert journal.damage == []
    # The chain runs through all of them: a block of another journal in between would break it.
    assert list(open_journal(folder / "0003.ncj").records()) == records


@pytest.mark.parametrize("start_s", [0.0, 0.3, 7, 9.99, 10, 29.5, 49.75])
def test_reading_begins_and_ends_at_any_moment_without_the_rest(tmp_path, start_s):
    records = seconds(0, 50)
    journal = open_journal(write(tmp_path / "n.ncj", records, segment_s=10))
    wanted = [r for r in records if start_s <= r.monotonic_ns / SECOND < start_s + 3]
    assert list(journal.records(start_s, start_s + 3)) == wanted
    assert journal.damage == []


def test_a_moment_late_in_the_night_is_found_by_reading_little(tmp_path, monkeypatch):
    noise = random.Random(3)
    records = [notification(n * SECOND, noise.randbytes(2000)) for n in range(5000)]
    folder = write(tmp_path / "n.ncj", records, segment_s=1e6)
    journal, read, whole = open_journal(folder), [], SegmentFile._pread

    def counted(file, offset, length):
        data = whole(file, offset, length)
        read.append(len(data))
        return data

    monkeypatch.setattr(SegmentFile, "_pread", counted)
    assert next(journal.records(start_s=4321)) == records[4321]
    assert sum(read) < (folder / "0001.ncj").stat().st_size / 3


def test_opened_again_it_goes_on_in_a_new_segment_and_says_why(tmp_path):
    folder = write(tmp_path / "n.ncj", seconds(0, 3))
    before = (folder / "0001.ncj").read_bytes()
    write(folder, seconds(3, 5), clock=StillClock(3 * SECOND))
    journal = open_journal(folder)
    assert without_notes(journal.records()) == seconds(0, 5)
    [note] = [json_of(r) for r in journal.records() if r.kind is RecordKind.NOTE]
    assert note == {"event": "reopened", "records": 12, "damage": []}
    assert journal.damage == []
    assert [segment.header.session for segment in journal.segments] == [1, 2]
    assert (folder / "0001.ncj").read_bytes() == before


@pytest.mark.parametrize("uptime_ns", [0, 130 * SECOND])
def test_after_a_new_start_of_the_host_the_times_can_go_on(tmp_path, monkeypatch, uptime_ns):
    folder = tmp_path / "n.ncj"
    write(folder, seconds(100, 105), clock=StillClock(100 * SECOND))
    monkeypatch.setattr("recordings.journal.session.boot_id", lambda: "another")
    late = [
        JournalRecord(
            RecordKind.NOTIFICATION, uptime_ns + at, WALL_NS + 140 * SECOND + at, EMG, b"late"
        )
        for at in (0, SECOND)
    ]
    rebooted = StillClock(uptime_ns)
    rebooted.wall_ns = lambda: WALL_NS + 140 * SECOND
    write(folder, late, clock=rebooted)
    journal = open_journal(folder)
    assert without_notes(journal.records()) == [*seconds(100, 105), *late]
    moved = without_notes(journal.records(one_clock=True))[-2:]
    assert [r.monotonic_ns for r in moved] == [140 * SECOND, 141 * SECOND]
    assert [r.payload for r in without_notes(journal.records(start_s=40.5))] == [b"late"]
    assert journal.seconds_at(2, uptime_ns + SECOND) == 41


def test_how_long_a_loss_over_a_new_start_of_the_host_was_no_clock_tells(tmp_path, monkeypatch):
    folder = write(tmp_path / "n.ncj", seconds(100, 105), clock=StillClock(100 * SECOND))
    monkeypatch.setattr("recordings.journal.session.boot_id", lambda: "another")
    write(folder, seconds(500, 510), clock=StillClock(500 * SECOND))
    segment = folder / "0002.ncj"
    data = bytearray(segment.read_bytes())
    first_of_records = [n for n in range(len(data)) if data.startswith(SYNC, n)][1]
    data[first_of_records + 100] ^= 1
    segment.write_bytes(data)
    journal = open_journal(folder)
    assert len(without_notes(journal.records())) < 4 * 15
    assert [damage.seconds_lost for damage in journal.damage] == [None]


def test_a_host_without_a_clock_chip_does_not_go_back_in_time(tmp_path, monkeypatch):
    folder = tmp_path / "n.ncj"
    clock = StillClock(100 * SECOND)
    with JournalWriter(folder, LABEL, clock=clock) as writer:
        for record in seconds(100, 105):
            writer.append(record)
        writer.sync(10)
        clock.now_ns = 105 * SECOND
    monkeypatch.setattr("recordings.journal.session.boot_id", lambda: "another")
    hour_ago_ns = WALL_NS - 3600 * SECOND
    late = [JournalRecord(RecordKind.NOTIFICATION, SECOND, hour_ago_ns, EMG, b"late")]
    rebooted = StillClock(SECOND)
    rebooted.wall_ns = lambda: hour_ago_ns
    write(folder, late, clock=rebooted)
    times = [r.monotonic_ns for r in without_notes(open_journal(folder).records(one_clock=True))]
    assert times[-1] >= max(times[:-1])


def test_a_live_view_sees_each_record_once_until_the_journal_is_sealed(tmp_path):
    writer = JournalWriter(
        tmp_path / "n.ncj",
        LABEL,
        clock=StillClock(),
        settings=JournalSettings(segment_s=4, reserve_bytes=0),
    )
    parts = iter([seconds(n, n + 2) for n in range(0, 20, 2)])

    def write_more():
        part = next(parts, None)
        if part is None:
            writer.close()
        else:
            for record in part:
                writer.append(record)
            writer.sync()
        return True

    journal = open_journal(tmp_path / "n.ncj")
    assert list(journal.follow(write_more)) == seconds(0, 20)
    assert journal.damage == []


def test_a_live_view_ends_when_it_is_told_to(tmp_path):
    with JournalWriter(tmp_path / "n.ncj", LABEL, clock=StillClock()) as writer:
        for record in seconds(0, 3):
            writer.append(record)
        writer.sync()
        journal = open_journal(tmp_path / "n.ncj")
        assert list(journal.follow(lambda: False)) == seconds(0, 3)


def test_a_live_view_waits_for_the_rest_of_a_block(tmp_path):
    folder = write(tmp_path / "n.ncj", seconds(0, 3))
    segment = folder / "0001.ncj"
    whole = segment.read_bytes()
    lengths = iter([*range(len(whole) - 700, len(whole), 37), len(whole)])

    def grow():
        segment.write_bytes(whole[: next(lengths)])
        return True

    segment.write_bytes(whole[:600])
    journal = open_journal(folder)
    assert list(journal.follow(grow)) == seconds(0, 3)
    assert journal.damage == []


@pytest.fixture
def keys(tmp_path):
    private, public = tmp_path / "site.key", tmp_path / "site.pub"
    create_site_key(private, public)
    return private, public


def test_an_encrypted_journal_is_read_with_the_key_of_the_site_alone(tmp_path, keys):
    private, public = keys
    folder = write(tmp_path / "n.ncj", seconds(0, 5), site_key=public)
    journal = open_journal(folder, key=private)
    assert journal.encrypted
    assert list(journal.records()) == seconds(0, 5)
    assert (5).to_bytes(4, "big") * 8 not in (folder / "0001.ncj").read_bytes()
    with pytest.raises(RecordingError, match=r"0001\.ncj: encrypted\. Give the site's private key"):
        list(open_journal(folder).records())
    create_site_key(tmp_path / "other.key", tmp_path / "other.pub")
    with pytest.raises(RecordingError, match="encrypted for another key"):
        list(open_journal(folder, key=tmp_path / "other.key").records())


def test_an_encrypted_journal_is_examined_and_goes_on_without_the_key(tmp_path, keys):
    private, public = keys
    folder = write(tmp_path / "n.ncj", seconds(0, 5), site_key=public)
    assert examine(open_journal(folder)).n_records == 20
    write(folder, seconds(5, 7), clock=StillClock(5 * SECOND))  # no key named: it stays encrypted
    journal = open_journal(folder, key=private)
    assert without_notes(journal.records()) == seconds(0, 7)
    first, second = (segment.header.envelope for segment in journal.segments)
    assert first.site_key == second.site_key
    assert first.sealed_key != second.sealed_key


def test_a_block_that_was_changed_with_right_check_sums_is_not_believed(tmp_path, keys):
    private, public = keys
    folder = write(tmp_path / "n.ncj", seconds(0, 3), site_key=public)
    segment = folder / "0001.ncj"
    data = bytearray(segment.read_bytes())
    place = data.find(SYNC, data.find(SYNC) + 1)
    data[place + 80] ^= 1
    n_bytes = struct.unpack_from("<I", data, place + 68)[0]
    body_check = zlib.crc32(data[place + 80 : place + 80 + n_bytes])
    data[place + 72 : place + 76] = struct.pack("<I", body_check)
    data[place + 76 : place + 80] = struct.pack("<I", zlib.crc32(data[place : place + 76]))
    segment.write_bytes(data)
    journal = open_journal(folder, key=private)
    assert list(journal.records()) == seconds(1, 3)
    assert [damage.kind for damage in journal.damage] == ["unreadable", "broken_chain"]


def test_keys_are_kept_from_others_and_never_overwritten(tmp_path, keys):
    private, public = keys
    assert private.stat().st_mode & 0o077 == 0
    with pytest.raises(UsageError, match="a key is never overwritten"):
        create_site_key(private, tmp_path / "new.pub")
    with pytest.raises(UsageError, match="expected an X25519 private key"):
        open_journal(write(tmp_path / "n.ncj", []), key=public)
    with pytest.raises(UsageError, match="expected an X25519 public key"):
        write(tmp_path / "o.ncj", [], site_key=private)
    with pytest.raises(UsageError, match="cannot be read"):
        write(tmp_path / "p.ncj", [], site_key=tmp_path / "none.pub")


def test_what_is_no_journal_is_refused_in_words(tmp_path):
    with pytest.raises(RecordingError, match=r"no journal: there is no segment 0001\.ncj"):
        open_journal(tmp_path)
    with pytest.raises(RecordingError, match=r"none\.ncj: cannot be read \(No such file"):
        open_journal(tmp_path / "none.ncj")
    (tmp_path / "0001.ncj").write_bytes(b"0       X X X X" * 900)
    with pytest.raises(RecordingError, match="no journal, or nothing left of it"):
        open_journal(tmp_path)


def test_segments_of_two_recordings_in_one_folder_are_refused(tmp_path):
    one = write(tmp_path / "one.ncj", seconds(0, 2))
    two = write(tmp_path / "two.ncj", seconds(0, 2))
    (one / "0002.ncj").write_bytes((two / "0001.ncj").read_bytes())
    with pytest.raises(RecordingError, match=r"0002\.ncj: of another recording .* than 0001\.ncj"):
        open_journal(one)


def test_a_recorder_does_not_go_on_with_another_recording(tmp_path):
    folder = write(tmp_path / "n.ncj", seconds(0, 2))
    before = (folder / "0001.ncj").read_bytes()
    other = JournalLabel("calfband", "nightcramp 0.2", {"participant": "P042", "leg": "right"})
    with pytest.raises(RecordingError, match=r"leg left.*leg right.*folder of its own"):
        write(folder, seconds(2, 3), label=other)
    assert [path.name for path in folder.iterdir()] == ["0001.ncj"]
    assert (folder / "0001.ncj").read_bytes() == before


def test_a_newer_format_is_refused_and_not_written_to(tmp_path):
    folder = write(tmp_path / "n.ncj", seconds(0, 2))
    segment = folder / "0001.ncj"
    data = bytearray(segment.read_bytes())
    data[8] = 2
    data[76:80] = struct.pack("<I", zlib.crc32(data[:76]))
    segment.write_bytes(data)
    for use in (open_journal, lambda path: write(path, [])):
        with pytest.raises(RecordingError, match="format version 2; this program knows 1"):
            use(folder)
    assert [path.name for path in folder.iterdir()] == ["0001.ncj"]


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"night\.ncj: a journal cannot be written here"):
        write(tmp_path / "file" / "night.ncj", [])


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(UsageError, match="more than nothing"):
        JournalSettings(block_s=0)


def read_by_the_documentation(data):
    """A reader in a few lines, from docs/journal.md alone."""

    def number(body, at):
        value = shift = 0
        while True:
            value |= (body[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if body[at - 1] < 128:
                return value, at

    place, previous, found = 0, bytes(16), []
    while place < len(data):
        assert data[place : place + 8] == SYNC
        header = struct.unpack_from("<8sBBBxHHQqq8s16sIIII", data, place)
        _, version, kind, flags, _, n_records, _, monotonic, wall, _, chain, _, size, *checks = (
            header
        )
        body = data[place + 80 : place + 80 + size]
        assert checks == [zlib.crc32(body), zlib.crc32(data[place : place + 76])]
        assert (version, chain) == (1, previous)
        previous = hashlib.sha256(data[place : place + 80 + size]).digest()[:16]
        place += 80 + size
        if kind != 1:
            found.append(json.loads(body))
            continue
        body = zstandard.ZstdDecompressor().decompress(body) if flags & 1 else body
        n_names, at = number(body, 0)
        names = [None]
        for _ in range(n_names):
            length, at = number(body, at)
            names.append(body[at : at + length].decode())
            at += length
        count, at = number(body, at)
        assert count == n_records
        for _ in range(count):
            code = body[at]
            step, at = number(body, at + 1)
            drift, at = number(body, at)
            name, at = number(body, at)
            length, at = number(body, at)
            step = step // 2 if step % 2 == 0 else -(step + 1) // 2
            drift = drift // 2 if drift % 2 == 0 else -(drift + 1) // 2
            monotonic, wall = monotonic + step, wall + step + drift
            found.append((code, monotonic, wall, names[name], body[at : at + length]))
            at += length
    return found


def golden_records():
    mark = json_record(RecordKind.MARK, 1_250_000_000, WALL_NS + SECOND, {"event": "cramp now"})
    return [*seconds(0, 2), mark, *seconds(2, 4)]


def test_the_documented_format_is_the_one_that_is_written(tmp_path):
    records = golden_records()
    folder = write(tmp_path / "n.ncj", records)
    header, *found, copy, seal = read_by_the_documentation((folder / "0001.ncj").read_bytes())
    kinds = list(RecordKind)
    assert header["device"] == "calfband"
    assert copy == header
    assert [(kinds[code], *rest) for code, *rest in found] == [
        (r.kind, r.monotonic_ns, r.wall_ns, r.characteristic, r.payload) for r in records
    ]
    assert (seal["records"], seal["kinds"]["mark"]) == (17, 1)


def test_a_journal_of_the_first_format_is_read_for_ever():
    journal = open_journal(GOLDEN)
    assert list(journal.records()) == golden_records()
    assert journal.header.label == LABEL
    assert journal.sealed


def test_a_sealed_journal_is_left_alone_by_recovery(tmp_path):
    folder = write(tmp_path / "n.ncj", seconds(0, 2))
    recovery = recover(folder, StillClock())
    assert not recovery.is_sealed_now
    assert recovery.found.sealed
    assert [path.name for path in folder.iterdir()] == ["0001.ncj"]
