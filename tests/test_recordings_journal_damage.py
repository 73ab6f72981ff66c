"""Whatever happens to the bytes of a journal: what is whole is read, nothing wrong ever is."""

from __future__ import annotations

import json
import random
import struct
import zlib

import pytest

from nightcramp.errors import RecordingError
from recordings.journal import (
    JournalLabel,
    JournalRecord,
    JournalSettings,
    JournalWriter,
    RecordKind,
    examine,
    json_of,
    open_journal,
    recover,
)
from recordings.journal.scan import SegmentFile

LABEL = JournalLabel("calfband", "nightcramp 0.1", {"participant": "P042"})
SECOND = 10**9
SYNC = b"\x8aNCJ\r\n\x1a\n"


class StillClock:
    def monotonic_ns(self):
        return 0

    def wall_ns(self):
        return 10**18


def made(folder, n_seconds, *, per_second=4, n_bytes=8, **numbers):
    """A journal of numbered records of noise; returns its folder and the records."""
    noise = random.Random(7)
    records = [
        JournalRecord(
            RecordKind.NOTIFICATION,
            n * SECOND // per_second,
            10**18 + n * SECOND // per_second,
            "emg",
            noise.randbytes(n_bytes),
        )
        for n in range(n_seconds * per_second)
    ]
    settings = JournalSettings(**{"reserve_bytes": 0, **numbers})
    with JournalWriter(folder, LABEL, clock=StillClock(), settings=settings) as writer:
        for record in records:
            writer.append(record)
    return folder, records


def block_places(data):
    """Offsets of the blocks of a segment."""
    return [n for n in range(len(data)) if data.startswith(SYNC, n)]


def seen(folder):
    """What a reader finds: the records, and where they are missing."""
    journal = open_journal(folder)
    return list(journal.records()), journal.damage


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """A journal of three blocks of records; folder, bytes of its segment, records."""
    folder, records = made(tmp_path_factory.mktemp("short") / "n.ncj", 3)
    return folder, (folder / "0001.ncj").read_bytes(), records


def with_bytes(folder, data):
    (folder / "0001.ncj").write_bytes(data)
    return folder


def test_a_cut_at_every_byte_keeps_every_block_that_was_whole(short):
    folder, whole, records = short
    places = block_places(whole)
    assert len(places) == 6  # header, three of records, header, seal
    for length in range(places[1], len(whole)):
        found, damage = seen(with_bytes(folder, whole[:length]))
        n_blocks = sum(place <= length for place in places[2:5])
        assert found == records[: 4 * n_blocks]
        assert [d.kind for d in damage] == ([] if length in places else ["cut_short"])


def test_a_cut_within_the_first_header_leaves_no_journal_but_says_so(short):
    folder, whole, _ = short
    for length in range(block_places(whole)[1]):
        with pytest.raises(RecordingError, match="nothing left of it"):
            open_journal(with_bytes(folder, whole[:length]))


def test_a_flip_of_every_single_byte_loses_its_block_and_invents_nothing(short):
    folder, whole, records = short
    places = block_places(whole)
    noise = random.Random(11)
    for place in range(len(whole)):
        spoilt = bytearray(whole)
        spoilt[place] ^= noise.randrange(1, 256)
        found, [damage] = seen(with_bytes(folder, spoilt))
        block = sum(start <= place for start in places) - 1
        if block in (1, 2, 3):
            assert found == records[: 4 * (block - 1)] + records[4 * block :]
        else:  # a header has a copy, and a seal holds no records
            assert found == records
        assert damage.offset == places[block]
        assert damage.kind == "altered_bytes" or (damage.kind, block) == ("cut_short", 5)


@pytest.mark.parametrize("seconds", [12, 320])
def test_a_journal_that_was_cut_and_lost_its_first_page_is_still_known(tmp_path, seconds):
    folder, records = made(tmp_path / "n.ncj", seconds, n_bytes=100)
    whole = (folder / "0001.ncj").read_bytes()
    places = block_places(whole)
    torn = bytes(places[9]) + whole[places[9] : places[-2]]  # ten seconds, and how it was closed
    found, [damage] = seen(with_bytes(folder, torn))
    assert found == records[32:]
    assert damage.kind == "zeros"
    if seconds > 310:  # the copy after ten blocks is gone too
        found, _ = seen(with_bytes(folder, bytes(places[20]) + torn[places[20] :]))
        assert found == records[4 * 18 :]


@pytest.mark.parametrize("n_zeros", [1, 79, 80, 4096, 1_000_000])
def test_a_tail_of_zeros_is_stepped_over(short, n_zeros):
    folder, whole, records = short
    places = block_places(whole)
    found, damage = seen(with_bytes(folder, whole[: places[3]] + bytes(n_zeros)))
    assert found == records[:8]
    assert [(d.kind, d.offset, d.n_bytes) for d in damage] == [("zeros", places[3], n_zeros)]
    found, [torn] = seen(with_bytes(folder, whole[: places[3] + 100] + bytes(n_zeros)))
    assert found == records[:8]
    assert torn.seconds_lost == 0.75  # its header still tells how long the block was


def test_a_lost_page_costs_the_blocks_it_touches_and_tells_how_long(tmp_path):
    folder, records = made(tmp_path / "n.ncj", 60, per_second=20, n_bytes=240)
    data = bytearray((folder / "0001.ncj").read_bytes())
    for start in range(0, len(data) - 4096, 4096 * 13):
        spoilt = bytearray(data)
        spoilt[start : start + 4096] = bytes(4096)
        found, damage = seen(with_bytes(folder, spoilt))
        missing = sorted({r.monotonic_ns for r in records} - {r.monotonic_ns for r in found})
        assert all(record in records for record in found)
        assert len(damage) == 1
        assert 0 < len(missing) <= 40
        if start:  # with the beginning lost, nothing tells when it was
            assert damage[0].seconds_lost == pytest.approx(len(missing) / 20 + 0.05)


def test_a_sector_that_cannot_be_read_costs_no_more_than_itself(tmp_path, monkeypatch):
    folder, records = made(tmp_path / "n.ncj", 60, per_second=20, n_bytes=240)
    bad = range(40 * 4096, 41 * 4096)
    whole = SegmentFile._pread

    def pread(file, offset, length):
        if offset < bad.stop and offset + length > bad.start:
            raise OSError(5, "Input/output error")
        return whole(file, offset, length)

    monkeypatch.setattr(SegmentFile, "_pread", pread)
    found, damage = seen(folder)
    assert len(damage) == 1
    assert len(records) - len(found) <= 40
    assert all(record in records for record in found)


def test_bytes_that_were_put_in_or_taken_out_cost_only_the_blocks_they_touch(short):
    folder, whole, records = short
    places = block_places(whole)
    inside = places[2] + 90
    more, less = whole[:inside] + b"x" * 33 + whole[inside:], whole[:inside] + whole[inside + 9 :]
    for spoilt in (more, less):
        found, damage = seen(with_bytes(folder, spoilt))
        assert found == records[:4] + records[8:]
        assert len(damage) == 1
    found, [damage] = seen(with_bytes(folder, whole[:inside] + whole[places[1] :]))
    assert found == records  # an old block a second time is no second record


def test_blocks_taken_out_whole_or_changed_over_are_noticed_by_number_and_chain(short):
    folder, whole, records = short
    places = block_places(whole)
    found, [damage] = seen(with_bytes(folder, whole[: places[2]] + whole[places[3] :]))
    assert found == records[:4] + records[8:]
    assert (damage.kind, damage.seconds_lost) == ("missing_blocks", 1.25)
    swapped = whole[: places[1]] + whole[places[2] : places[3]] + whole[places[1] : places[2]]
    found, damage = seen(with_bytes(folder, swapped + whole[places[3] :]))
    assert found == records[4:]
    assert [d.kind for d in damage] == ["missing_blocks", "broken_chain"]


def test_a_block_replaced_by_another_with_right_check_sums_breaks_the_chain(short, tmp_path):
    folder, whole, _ = short
    forged = bytearray(whole)
    place, end = block_places(whole)[2:4]
    forged[end - 1] ^= 1
    forged[place + 72 : place + 76] = struct.pack("<I", zlib.crc32(forged[place + 80 : end]))
    forged[place + 76 : place + 80] = struct.pack("<I", zlib.crc32(forged[place : place + 76]))
    findings = examine(open_journal(with_bytes(folder, forged)))
    assert [d.kind for d in findings.damage] == ["broken_chain"]


def test_missing_segments_are_named_with_the_time_they_held(tmp_path):
    folder, records = made(tmp_path / "n.ncj", 50, segment_s=10)
    (folder / "0002.ncj").unlink()
    (folder / "0003.ncj").unlink()
    found, damage = seen(folder)
    assert found == records[:40] + records[120:]
    assert [(d.file.name, d.kind) for d in damage] == [
        ("0002.ncj", "missing_segment"),
        ("0003.ncj", "missing_segment"),
    ]
    assert sum(d.seconds_lost for d in damage) == pytest.approx(20.25)
    assert "this segment is missing; 20.2 s lost" in str(damage[0])


def test_half_a_segment_costs_half_a_segment(tmp_path):
    folder, records = made(tmp_path / "n.ncj", 50, n_bytes=400, segment_s=10)
    second = folder / "0002.ncj"
    second.write_bytes(second.read_bytes()[: second.stat().st_size // 2])
    found, [damage] = seen(folder)
    assert found[:56] == records[:56]
    assert found[-120:] == records[-120:]
    assert damage.file == second
    assert 4 < damage.seconds_lost < 7


def test_a_segment_on_its_own_is_read_and_what_stands_before_is_named(tmp_path):
    folder, records = made(tmp_path / "n.ncj", 50, segment_s=10)
    alone = tmp_path / "alone"
    alone.mkdir()
    (folder / "0003.ncj").rename(alone / "0003.ncj")
    journal = open_journal(alone / "0003.ncj")
    assert list(journal.records()) == records[80:120]
    assert [d.file.name for d in journal.damage] == ["0001.ncj", "0002.ncj"]


def test_an_empty_segment_is_no_reason_to_stop(tmp_path):
    folder, records = made(tmp_path / "n.ncj", 50, segment_s=10)
    (folder / "0003.ncj").write_bytes(b"")
    found, [damage] = seen(folder)
    assert found == records[:80] + records[120:]
    assert damage.seconds_lost == pytest.approx(10.25)


def test_bytes_of_another_journal_within_are_no_records(short, tmp_path):
    folder, whole, records = short
    other, _ = made(tmp_path / "other.ncj", 9)
    foreign = (other / "0001.ncj").read_bytes()
    place = block_places(whole)[2]
    found, damage = seen(with_bytes(folder, whole[:place] + foreign + whole[place:]))
    assert found == records
    assert [(d.kind, d.seconds_lost) for d in damage] == [("altered_bytes", 0.0)]


@pytest.mark.parametrize("off", [-9, -7, -4, -1, 0, 1])
def test_rubbish_of_any_length_is_stepped_over(short, off):
    folder, whole, records = short
    found, [damage] = seen(with_bytes(folder, b"\x8a" * ((1 << 18) + off) + whole))
    assert found == records
    assert (damage.offset, damage.n_bytes) == (0, (1 << 18) + off)


@pytest.mark.parametrize("kept", [0.35, 0.5, 0.77, 0.999])
def test_recovery_adds_a_segment_and_touches_no_other(short, tmp_path, kept):
    _, whole, records = short
    folder = tmp_path / "n.ncj"
    folder.mkdir()
    torn = whole[: round(kept * len(whole))]
    with_bytes(folder, torn)
    before, damage = seen(folder)
    recovery = recover(folder / "0001.ncj", StillClock())
    assert recovery.is_sealed_now
    assert recovery.found.damage == tuple(damage)
    assert (folder / "0001.ncj").read_bytes() == torn
    journal = open_journal(folder)
    *found, note = journal.records()
    assert found == before == records[: len(before)]
    content = json_of(note)
    assert content["event"] == "recovered"
    assert content["records"] == len(before)
    assert content["damage"] == json.loads(json.dumps([d.to_json() for d in damage]))
    assert journal.sealed
    assert not recover(folder, StillClock()).is_sealed_now


def test_a_night_goes_on_after_a_cut_and_nothing_is_missing_between(short, tmp_path):
    _, whole, records = short
    folder = tmp_path / "n.ncj"
    folder.mkdir()
    with_bytes(folder, whole[: block_places(whole)[3] + 50])
    settings = JournalSettings(reserve_bytes=0)
    with JournalWriter(folder, LABEL, clock=StillClock(), settings=settings) as writer:
        assert writer.found.n_records == 8
        for record in records[8:]:
            writer.append(record)
    found, [damage] = seen(folder)
    assert [r for r in found if r.kind is RecordKind.NOTIFICATION] == records
    assert damage.kind == "cut_short"


def test_a_recorder_begins_anew_where_nothing_is_left_of_the_first_segment(tmp_path):
    folder = tmp_path / "n.ncj"
    folder.mkdir()
    (folder / "0001.ncj").write_bytes(bytes(4096))
    made(folder, 3)
    found, damage = seen(folder)
    assert len(found) == 12
    assert [(d.file.name, d.kind) for d in damage] == [("0001.ncj", "zeros")]
