"""A journal, and the files made of it, are the same night: every count, gap, mark and clock."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import edfio
import mne
import numpy as np
import pyedflib
import pytest

from firmware_bridge import DEVICES, Notification, SampleFlag, Subscribe, Write, profile
from firmware_bridge.emulator import EMULATED, index_source
from models import load_classifier
from nightcramp.analysis import Choices, Status, analyse_file, detect
from nightcramp.errors import RecordingError
from recordings import (
    JournalRecording,
    journal_to_bids,
    open_journal_recording,
    open_recording,
    read_journal,
    stream_format,
)
from recordings.journal import (
    JournalLabel,
    JournalWriter,
    RecordKind,
    json_record,
    record_of,
)

EMG, IMU = (
    "beb5483e-36e1-4688-b7f5-ea07361b26a8",
    "5a153fa9-7be0-400c-8ef8-d84502b31c4d",
)
SECOND = 10**9
WALL_NS = 1_795_386_000 * SECOND + 250_000_000
"""2026-11-22T22:20:00.25 UTC."""
METADATA = {"participant": "P-042", "leg": "left", "time_zone": "Europe/Vienna"}


class Clock:
    """Stands where it is put."""

    now_ns = 0

    def monotonic_ns(self):
        return self.now_ns

    def wall_ns(self):
        return WALL_NS + self.now_ns


def keep(folder, device, records, metadata=METADATA):
    label = JournalLabel(device, "nightcramp 0.1", metadata)
    with JournalWriter(folder, label, clock=Clock()) as writer:
        for record in records:
            writer.append(record)
    return folder


def notified(characteristic, at_s, payload):
    at_ns = round(at_s * SECOND)
    return record_of(Notification(characteristic, at_ns, WALL_NS + at_ns, payload))


def link(at_s, state):
    at_ns = round(at_s * SECOND)
    return json_record(RecordKind.LINK, at_ns, WALL_NS + at_ns, {"state": state})


def mark(at_s):
    at_ns = round(at_s * SECOND)
    return json_record(RecordKind.MARK, at_ns, WALL_NS + at_ns, {"mark": "cramp now"})


def numbered(base, values, dtype):
    """Samples of the band: a counter byte, then big-endian words."""
    n, channels = values.shape
    table = np.empty((n, 1 + 2 * channels), np.uint8)
    table[:, 0] = np.arange(base, base + n) % 256
    table[:, 1:] = np.ascontiguousarray(values, dtype).view(np.uint8).reshape(n, -1)
    return table.tobytes()


def emg_counts(first, n):
    index = np.arange(first, first + n)
    return np.stack([2048 + index % 1000, (index * 7) % 4096, 4095 - index % 3000], axis=1)


def acc_counts(first, n):
    index = np.arange(first, first + n)
    return np.stack([index % 30000, -(index % 20000), 16000 + index % 100], axis=1)


def band(seconds, gaps=(), acc_hz=100.0):
    """Records of a band that arrive without delay; both its counters begin anew after a gap.

    At an `acc_hz` of 0 they are those of a board without acceleration.
    """
    rows = [(k * 0.04 + 0.04, EMG, 20 * k) for k in range(int(seconds / 0.04))]
    rows += [((5 * k + 5) / acc_hz, IMU, 5 * k) for k in range(int(seconds * acc_hz / 5))]
    rows.sort()
    records, base, breaks = [link(99.0, "setting_up")], {}, list(gaps)
    for at_s, characteristic, first in rows:
        while breaks and at_s >= sum(breaks[0]):
            onset_s, length_s = breaks.pop(0)
            records += [link(100 + onset_s + 0.4, "lost")]
            records += [link(100 + onset_s + length_s - 0.01, "setting_up")]
            base = {}
        if any(onset < at_s < onset + length for onset, length in gaps):
            continue
        number = first - base.setdefault(characteristic, first)
        counts = (
            numbered(number, emg_counts(first, 20), ">u2")
            if characteristic == EMG
            else numbered(number, acc_counts(first, 5), ">i2")
        )
        records.append(notified(characteristic, 100 + at_s, counts))
    return records


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    """Five minutes with two drop-outs, a mark in the middle, and acceleration a little fast."""
    records = band(300, gaps=((100.0, 12.5), (200.0, 3.0)), acc_hz=100.02)
    at = next(k for k, record in enumerate(records) if record.monotonic_ns > 250 * SECOND)
    records.insert(at, mark(250.0))
    folder = tmp_path_factory.mktemp("journals") / "night.ncj"
    return keep(folder, "npg-lite-band", records)


@pytest.fixture(scope="module")
def tree(journal, tmp_path_factory):
    root = tmp_path_factory.mktemp("tree")
    return root, journal_to_bids(journal, root)


@pytest.fixture(scope="module")
def recording(journal):
    return open_recording(journal)


def blocks_of(recording, block_s=37.3):
    return list(recording.blocks(block_s))


def same_bits(one, other):
    if one is None or other is None:
        return one is other
    return np.array_equal(one.view(np.uint32), other.view(np.uint32))


def assert_same(one, other):
    """Recordings with equal facts and the same bits in every block."""
    assert one.info.start == other.info.start
    for stream in ("emg", "acc"):
        assert getattr(one.info, stream) == getattr(other.info, stream)
    assert [(g.onset_s, g.duration_s) for g in one.info.gaps] == [
        (g.onset_s, g.duration_s) for g in other.info.gaps
    ]
    assert one.info.annotations == other.info.annotations
    pairs = zip(blocks_of(one), blocks_of(other), strict=True)
    assert all(a.onset_s == b.onset_s and same_bits(a.emg, b.emg) for a, b in pairs)
    pairs = zip(blocks_of(one), blocks_of(other), strict=True)
    assert all(same_bits(a.acc, b.acc) for a, b in pairs)


def test_a_journal_gives_the_blocks_of_the_files_made_of_it_to_the_bit(recording, tree):
    assert isinstance(recording, JournalRecording)
    assert_same(recording, open_recording(tree[1][0]))


def test_a_journal_gives_the_samples_that_were_sent(recording):
    info = recording.info
    assert info.start == datetime(2026, 11, 22, 23, 21, 40)
    assert [channel.label for channel in info.emg.channels] == ["EMG 1", "EMG 2", "EMG 3"]
    assert info.emg.channels[0].limits == (-2048.0, 2047.0)
    assert info.acc.rate_hz == 100.0
    first, second, *_ = info.gaps
    assert (first.onset_s, first.cause) == (pytest.approx(100.0, abs=0.05), "link_lost")
    assert first.duration_s == pytest.approx(12.5, abs=0.05)
    assert second.duration_s == pytest.approx(3.0, abs=0.08)
    (annotation,) = info.annotations
    assert (annotation.text, annotation.onset_s) == ("cramp now", pytest.approx(150.0, abs=0.05))
    block = next(recording.blocks(90.0))
    assert np.array_equal(block.emg.T, emg_counts(0, 45_000) - 2048)
    assert np.nanmax(np.abs(block.acc[2] - (16000 + np.arange(9000) % 100) / 16000)) < 0.01


def test_parts_and_chosen_channels_are_those_of_the_whole(journal, recording, tree):
    (whole,) = recording.blocks(400)
    third = open_journal_recording(journal, emg=["emg 3"])
    (part,) = third.blocks(20, start_s=95, stop_s=115)
    assert np.array_equal(part.emg[0], whole.emg[2, 47_500:57_500], equal_nan=True)
    assert np.array_equal(part.acc, whole.acc[:, 9500:11_500], equal_nan=True)
    assert_same(third, open_recording(tree[1][0], emg=["EMG 3"]))
    with pytest.raises(RecordingError, match="no emg channel 'EMG 4'"):
        open_journal_recording(journal, emg=["EMG 4"])


def test_one_mixed_file_holds_the_same_samples(recording, tmp_path):
    (path,) = journal_to_bids(recording.source, tmp_path, single_file=True)
    mixed = open_recording(path)
    assert mixed.info.emg == recording.info.emg
    for a, b in zip(blocks_of(mixed), blocks_of(recording), strict=True):
        assert same_bits(a.emg, b.emg)
        assert same_bits(a.acc, b.acc)
    gaps = [(g.onset_s, g.duration_s) for g in mixed.info.gaps]
    assert len(gaps) >= 2
    assert all(any(abs(a - g.onset_s) < 0.05 for g in recording.info.gaps) for a, _ in gaps)


def digital(recording):
    """Counts of the EMG and which of them are there, by position."""
    spool = recording.emg
    present = np.ones(spool.n, bool)
    for first, stop in spool.spans(0, spool.n):
        present[first:stop] = False
    return spool.read(0, spool.n), present


def test_edfio_pyedflib_and_mne_read_the_same_counts_and_gaps(recording, tree):
    counts, present = digital(recording)
    path = tree[1][0]
    skips = [(g.onset_s, g.duration_s) for g in recording.info.gaps]
    with_edfio = edfio.read_edf(path)
    with_pyedflib = pyedflib.EdfReader(str(path))
    with_mne = mne.io.read_raw_edf(path, verbose="error")
    for row, label in enumerate(("EMG 1", "EMG 2", "EMG 3")):
        assert np.array_equal(with_edfio.get_signal(label).digital[present], counts[row, present])
        read = with_pyedflib.readSignal(row, digital=True)
        assert np.array_equal(read[present], counts[row, present])
        # Unscaled counts reach MNE as they are, relative to the middle of the converter's range.
        values = with_mne.get_data(label)[0]
        assert np.abs(values[present] + 2048 - counts[row, present]).max() < 1e-6
    told = [(a.onset, a.duration) for a in with_edfio.annotations if a.text == "BAD_ACQ_SKIP"]
    assert np.allclose(told, skips)
    onsets, durations, texts = with_pyedflib.readAnnotations()
    chosen = texts == "BAD_ACQ_SKIP"
    assert np.allclose(np.column_stack((onsets, durations))[chosen], skips, atol=1e-6)
    marks = [a for a in with_mne.annotations if a["description"] == "BAD_ACQ_SKIP"]
    assert np.allclose([(a["onset"], a["duration"]) for a in marks], skips, atol=1e-6)
    with_pyedflib.close()


def test_24_bit_counts_are_the_same_in_edfio_pyedflib_and_mne(tmp_path):
    journal = keep(tmp_path / "night.ncj", "ganglion-fw3", emulated("ganglion-fw3", 60))
    path, _ = journal_to_bids(journal, tmp_path / "tree")
    counts, present = digital(open_journal_recording(journal))
    assert np.abs(counts).max() > 2**15
    signal = edfio.read_bdf(path).get_signal("EMG 2")
    assert np.array_equal(signal.digital[present], counts[1, present])
    with pyedflib.EdfReader(str(path)) as reader:
        assert np.array_equal(reader.readSignal(1, digital=True)[present], counts[1, present])
    raw = mne.io.read_raw_bdf(path, verbose="error")
    channel = open_recording(path).info.emg.channels[1]
    values = raw.get_data("EMG 2", units="uV")[0][present]
    again = np.rint((values - channel.limits[0]) / channel.resolution) - 2**23
    assert np.array_equal(again, counts[1, present])


@pytest.mark.parametrize("device", sorted(DEVICES))
def test_the_scale_of_every_sensor_can_be_told_in_a_header(device):
    for spec in DEVICES[device].streams:
        form = stream_format(spec, spec.rate_hz, Path("night.ncj"))
        counts = np.linspace(*spec.limits, 1000).astype(np.int32).reshape(1, -1)
        exact = (counts - spec.offset) * (spec.scale or 1.0)
        told = form.samples(np.tile(counts, (spec.channels, 1)))[:1]
        assert np.abs(told - exact).max() <= 2e-6 * np.abs(exact).max()
        if spec.scale in (None, 0.25, 2.75):
            assert np.array_equal(told, exact.astype(np.float32))


def test_the_front_door_analyses_a_journal(journal, tree, tmp_path):
    outcomes = []
    for name, path in (("journal", journal), ("file", tree[1][0])):
        outcomes.append(analyse_file(path, name, tmp_path, Choices(picture=False)))
    assert [outcome.status for outcome in outcomes] == [Status.ANALYSED] * 2
    of_journal, of_file = (outcome.summary for outcome in outcomes)
    assert of_journal["analysable_hours"] == of_file["analysable_hours"]
    assert (tmp_path / "journal_events.tsv").read_text() == (
        tmp_path / "file_events.tsv"
    ).read_text()


def test_the_link_channel_tells_the_share_of_each_second(recording, tree):
    _, present = digital(recording)
    link_channel = edfio.read_edf(tree[1][0]).get_signal("LINK")
    assert link_channel.sampling_frequency == 1
    shares = np.rint(100 * present.reshape(-1, 500).mean(axis=1))
    assert np.array_equal(link_channel.digital, shares)
    assert {0, 100} < set(shares)


def test_the_side_files_tell_the_exact_start_the_clock_and_where_it_came_from(recording, tree):
    root, (emg, acc) = tree
    folder = root / "sub-P042" / "ses-20261122" / "emg"
    name = "sub-P042_ses-20261122_task-sleep_acq-left_recording-emg"
    assert emg == folder / f"{name}_emg.edf"
    assert acc == folder / f"{name.replace('recording-emg', 'recording-acc')}_emg.edf"
    sidecar = json.loads((folder / f"{name}_emg.json").read_text())
    ours = sidecar["Nightcramp"]
    start = datetime.fromisoformat(ours["Start"])
    assert start.utcoffset().total_seconds() == ours["UTCOffset"] == 3600
    assert start.timestamp() == pytest.approx(WALL_NS / SECOND + 100.0, abs=0.05)
    assert ours["StartInHeader"] == "2026-11-22T23:21:40"
    stream = ours["Streams"]["emg"]
    assert stream["Clock"]["Rate"] == pytest.approx(500.0, rel=1e-4)
    assert stream["Clock"]["Knots"][0][0] == 0
    assert stream["CountScale"] is None
    assert ours["Journal"] == recording.source.header.journal_id.hex()
    events = (folder / f"{name}_events.tsv").read_text().splitlines()
    assert events[0].split("\t") == ["onset", "duration", "trial_type", "cause", "error"]
    assert [line.split("\t")[2] for line in events[1:4]] == ["gap", "mark", "gap"]
    scans = (root / "sub-P042/ses-20261122/sub-P042_ses-20261122_scans.tsv").read_text()
    assert scans.count("2026-11-22T23:21:40") == 2


def emulated(device, seconds, drop_out=(40.0, 47.0)):
    """Records of an emulated sensor that is heard without delay, with one drop-out."""
    sensor = EMULATED[device](index_source(device))
    down_s, up_s = drop_out
    records, linked, ready_s = [], False, 0.0
    for tick in range(int(seconds * 50)):
        now_s = tick / 50
        if not linked and not down_s <= now_s < up_s:
            linked = True
            records.append(link(100 + now_s, "setting_up"))
            ready_s = set_up(sensor, DEVICES[device], now_s, records)
        if linked and now_s == down_s:
            linked = False
            sensor.disconnected(now_s)
            records.append(link(100 + now_s + 0.4, "lost"))
        if now_s >= ready_s:
            emissions = sensor.due(now_s, 20 if linked else 0)
            records += [notified(e.characteristic, 100 + now_s, e.payload) for e in emissions]
    return records


def set_up(sensor, spec, now_s, records):
    """Connect and do what the set-up says; answers to reads are records. When it is done."""
    sensor.connected(now_s, 247)
    there = {c.uuid for service in sensor.services for c in service.characteristics}
    for step in spec.setup:
        if step.characteristic not in there:
            assert step.optional
        elif isinstance(step, Write):
            sensor.write(step.characteristic, step.payload, now_s)
            now_s += step.pause_s
        elif isinstance(step, Subscribe):
            sensor.subscribed(step.characteristic, True, now_s)
        else:
            payload = sensor.read(step.characteristic, now_s)
            records.append(notified(step.characteristic, 100 + now_s, payload))
    return now_s


WITH_EMG = [name for name in EMULATED if not name.startswith(("polar", "movesense"))]


@pytest.mark.parametrize("device", WITH_EMG)
def test_journal_and_files_of_every_sensor_are_the_same_night(device, tmp_path):
    journal = keep(tmp_path / "night.ncj", device, emulated(device, 60))
    recording = open_recording(journal)
    (path, *_) = journal_to_bids(journal, tmp_path / "tree")
    assert path.suffix == (".bdf" if device.startswith("ganglion") else ".edf")
    assert_same(recording, open_recording(path))
    kinds = {spec.kind for spec in DEVICES[device].streams} or {"emg", "acc"}
    assert (recording.info.acc is not None) == ("acc" in kinds)


def test_acceleration_of_another_sensor_is_on_the_grid_of_the_emg(tmp_path):
    emg = keep(tmp_path / "emg.ncj", "npg-lite-3ch", emulated("npg-lite-3ch", 70))
    acc = keep(tmp_path / "acc.ncj", "movesense", emulated("movesense", 70, (50.0, 55.0)))
    recording = open_journal_recording(emg, companion=acc)
    assert recording.info.acc.rate_hz == 52.0
    (block,) = recording.blocks(100.0)
    missing = np.flatnonzero(np.isnan(block.acc[0])) / 52.0
    assert missing[(missing > 1) & (missing < 65)].min() == pytest.approx(50.0, abs=0.5)
    path, _ = journal_to_bids(read_journal(emg, companion=acc), tmp_path / "tree")
    assert_same(recording, open_recording(path))


def test_a_gap_of_more_than_half_an_hour_begins_a_new_run(tmp_path):
    def kept(name, length_s):
        records = band(2300, gaps=((100.0, length_s), (2150.0, 100.0)), acc_hz=0)
        return keep(tmp_path / name, "npg-lite-3ch", records)

    (whole,) = journal_to_bids(kept("short.ncj", 1700.0), tmp_path / "one")
    assert "run-" not in whole.name
    journal = kept("long.ncj", 1900.0)
    first, second = journal_to_bids(journal, tmp_path / "two")
    assert ["run-1" in first.name, "run-2" in second.name] == [True, True]
    recording = open_recording(journal)
    one, two = open_recording(first), open_recording(second)
    start_s = (two.info.start - one.info.start).total_seconds()
    assert (one.info.duration_s, start_s) == (100, pytest.approx(2000, abs=1))
    assert start_s + two.info.duration_s == recording.info.duration_s == 2300
    (part,) = recording.blocks(9999, start_s=start_s)
    (read,) = two.blocks(9999)
    assert same_bits(part.emg, read.emg)


def test_a_run_that_begins_after_the_change_to_winter_time_is_dated_by_it(tmp_path, monkeypatch):
    # Clocks in Vienna went from 03:00 back to 02:00 in the gap; it began at 02:58:40.
    before = datetime(2026, 10, 25, 0, 57, tzinfo=UTC)
    monkeypatch.setattr(sys.modules[__name__], "WALL_NS", round(before.timestamp()) * SECOND)
    records = band(2300, gaps=((100.0, 1900.0),), acc_hz=0)
    journal = keep(tmp_path / "night.ncj", "npg-lite-3ch", records)
    one, two = journal_to_bids(journal, tmp_path / "tree")
    assert open_recording(one).info.start == datetime(2026, 10, 25, 2, 58, 40)
    assert open_recording(two).info.start == datetime(2026, 10, 25, 2, 31, 59)
    ours = json.loads(two.with_suffix(".json").read_text())["Nightcramp"]
    start, start_utc = (datetime.fromisoformat(ours[name]) for name in ("Start", "StartUTC"))
    assert start == start_utc
    assert (start_utc - before).total_seconds() == pytest.approx(2099, abs=0.1)
    assert ours["UTCOffset"] == 3600


def info_bytes(rate_hz, acc_hz=None):
    streams = [
        profile.StreamInfo(kind, channels, 16, hz, 0.25, 0.0, 20, 450, unit, True)
        for kind, channels, hz, unit in (
            (profile.StreamId.EMG, 1, rate_hz, profile.UnitCode.MICROVOLT),
            (profile.StreamId.ACC, 3, acc_hz, profile.UnitCode.G),
        )
        if hz is not None
    ]
    return profile.encode_info(profile.Info(7, 0, tuple(streams)))


def framed(first, session, n=100, channels=1):
    stream = profile.StreamId.EMG if channels == 1 else profile.StreamId.ACC
    values = np.tile(np.arange(first, first + n, dtype=np.int32) % 30_000, (channels, 1))
    frame = profile.Frame(
        stream, SampleFlag.NONE, 0, session, first, 0, profile.Encoding.INT16, values
    )
    return profile.encode_frame(frame)


def test_a_sensor_that_describes_itself_anew_begins_a_new_run(tmp_path):
    records = []
    for at_s, rate_hz, session in ((100, 1000.0, 1), (200, 500.0, 2)):
        records += [link(at_s, "setting_up"), notified(profile.INFO, at_s, info_bytes(rate_hz))]
        records += [
            notified(profile.LIVE, at_s + 1 + 100 * k / rate_hz, framed(100 * k, session))
            for k in range(400)
        ]
    journal = keep(tmp_path / "night.ncj", "profile-v1", records)
    files = journal_to_bids(journal, tmp_path / "tree")
    rates = [open_recording(path).info.emg.rate_hz for path in files]
    assert rates == [1000.0, 500.0]
    recording = open_recording(journal)
    assert_same(recording, open_recording(files[0]))
    assert any("1 more parts" in note for note in recording.info.notes)


@pytest.mark.parametrize(("emg_hz", "acc_hz"), [(976.563, 104.167), (1000.5, 104.0), (200.4, 12.5)])
def test_rates_with_fractions_of_a_hertz_can_be_told_in_files(emg_hz, acc_hz, tmp_path):
    rows = [((k + 1) * 100 / emg_hz, framed(100 * k, 1)) for k in range(int(60.3 * emg_hz / 100))]
    rows += [
        ((k + 1) * 10 / acc_hz, framed(10 * k, 1, n=10, channels=3))
        for k in range(int(60.3 * acc_hz / 10))
    ]
    rows.sort(key=lambda row: row[0])
    records = [link(99, "setting_up"), notified(profile.INFO, 99, info_bytes(emg_hz, acc_hz))]
    records += [notified(profile.LIVE, 100 + at_s, frame) for at_s, frame in rows]
    recording = open_recording(keep(tmp_path / "night.ncj", "profile-v1", records))
    assert recording.info.emg.rate_hz == round(emg_hz)
    assert recording.info.acc.rate_hz == pytest.approx(acc_hz, abs=0.05)
    emg, _ = journal_to_bids(recording.source, tmp_path / "tree")
    assert_same(recording, open_recording(emg))


def test_the_detector_finds_the_same_in_the_journal_and_in_the_files(recording, tree):
    classifier = load_classifier()
    one, other = (detect(night, classifier) for night in (recording, open_recording(tree[1][0])))
    assert one.events == other.events
    assert np.array_equal(one.seconds.rms, other.seconds.rms, equal_nan=True)
    assert np.array_equal(one.seconds.gravity, other.seconds.gravity, equal_nan=True)


def test_what_cannot_be_opened_says_why(tmp_path):
    unknown = keep(tmp_path / "a.ncj", "armband-9", [link(99, "setting_up")])
    with pytest.raises(RecordingError, match="'armband-9' is not known"):
        open_recording(unknown)
    empty = keep(tmp_path / "b.ncj", "npg-lite-3ch", [link(99, "setting_up")])
    with pytest.raises(RecordingError, match="holds no samples"):
        open_recording(empty)
    cut = [notified(EMG, 100 + n / 50, bytes(20)) for n in range(500)]  # as at an MTU of 23
    cut_short = keep(tmp_path / "f.ncj", "npg-lite-3ch", cut)
    with pytest.raises(RecordingError, match=r"500 notifications.*wrong length \(20 bytes, expec"):
        open_recording(cut_short)
    short = keep(tmp_path / "c.ncj", "npg-lite-3ch", band(5, acc_hz=0))
    with pytest.raises(RecordingError, match="must last 10 s"):
        open_recording(short)
    nowhere = keep(
        tmp_path / "d.ncj", "npg-lite-3ch", band(15, acc_hz=0), {"time_zone": "Mars/Olympus"}
    )
    with pytest.raises(RecordingError, match="no time zone"):
        open_recording(nowhere)
    still = keep(tmp_path / "e.ncj", "movesense", emulated("movesense", 70))
    with pytest.raises(RecordingError, match="holds no EMG"):
        open_recording(still)


def test_counts_beyond_the_range_are_brought_into_it_and_noted(tmp_path):
    records = band(20, acc_hz=0)
    wild = numbered(500 * 20, np.full((20, 3), 9000), ">u2")
    records.append(notified(EMG, 120.04, wild))
    recording = open_recording(keep(tmp_path / "night.ncj", "npg-lite-3ch", records))
    assert any("beyond the converter's range" in note for note in recording.info.notes)
    assert max(np.nanmax(block.emg) for block in recording.blocks()) == 2047


def test_no_file_of_the_tree_names_more_than_the_pseudonym(tree):
    header = tree[1][0].read_bytes()[:256].decode("ascii")
    assert header[8:88].split() == ["P042", "X", "X", "X"]
    assert header[88:168].split() == ["Startdate", "22-NOV-2026", "X", "X", "npg-lite-band"]


@pytest.mark.parametrize("single", [False, True])
def test_the_bids_validator_accepts_the_tree(recording, tmp_path, single):
    journal_to_bids(recording.source, tmp_path, single_file=single)
    other = METADATA | {"leg": "right"}
    folder = keep(tmp_path / ".." / f"right{single}.ncj", "npg-lite-band", band(30), other)
    journal_to_bids(folder, tmp_path, single_file=single)
    validator = subprocess.run(
        [Path(sys.executable).with_name("bids-validator-deno"), "--json", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    found = json.loads(validator.stdout)["issues"]["issues"]
    assert [issue for issue in found if issue["severity"] == "error"] == []
