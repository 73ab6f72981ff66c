"""Recordings into other formats, and back through programs that are not ours."""

import base64
import json
import runpy
import shutil
import subprocess
import sys
import zlib
from datetime import datetime
from pathlib import Path

import edfio
import numpy as np
import pyedflib
import pytest
from mcap.reader import make_reader

from firmware_bridge.emulator import index_source
from recordings import (
    Channel,
    RecordingInfo,
    Stream,
    content_hash,
    open_recording,
    write_edf,
)
from recordings.journal import JournalSettings, RecordKind, create_site_key, open_journal

nights = runpy.run_path(str(Path(__file__).with_name("recorded_nights.py")))
write_journal = nights["write_journal"]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return write_journal(tmp_path_factory.mktemp("night") / "P042.ncj")


@pytest.fixture
def journal(original, tmp_path):
    return shutil.copytree(original, tmp_path / "P042.ncj")


def test_a_journal_is_known_by_what_is_in_it_wherever_its_folder_was_renamed(
    run, journal, tmp_path
):
    renamed = journal.rename(tmp_path / "night of P042")
    recording = open_recording(renamed)
    assert recording.info.duration_s > 0
    (named, among) = (written(run, path, "--to", "mcap") for path in (renamed, tmp_path))
    assert [file.name for file in named] == [file.name for file in among] == ["night of P042.mcap"]
    code, _, errors = run("analyze", renamed, "--out", tmp_path / "results", "--no-picture")
    assert code == 0, errors
    assert run("recover", tmp_path)[0] == 0


def files_of(shown):
    return [Path(line.split("  ", 1)[1]) for line in shown.splitlines() if "written" in line]


def written(run, *words):
    code, shown, errors = run("convert", *words)
    assert code == 0, errors
    return files_of(shown)


def write_night(path, seconds=20):
    rng = np.random.default_rng(1)
    emg = np.rint(rng.normal(0, 100, (2, 500 * seconds))).astype(np.float32)
    acc = np.zeros((3, 100 * seconds), np.float32)
    channels = tuple(Channel(f"EMG {n}", "uV", 1.0, (-2048.0, 2047.0)) for n in "AB")
    axes = tuple(Channel(f"ACC {axis}", "g", 0.00025, (-8.0, 8.0)) for axis in "XYZ")
    info = RecordingInfo(
        path.stem,
        datetime(2026, 1, 13, 2),
        Stream("emg", 500.0, channels, 500 * seconds),
        Stream("acc", 100.0, axes, 100 * seconds),
    )
    path.parent.mkdir(exist_ok=True)
    write_edf(path, info, emg, acc, patient_code="Jane_Doe", equipment="Dr_Who")
    return path


def patch(path, fields):
    """Put other bytes into a file, by place."""
    content = bytearray(path.read_bytes())
    for place, text in fields.items():
        content[place : place + len(text)] = text
    path.write_bytes(content)


# --------------------------------------------------------------------------- journal to files


def test_every_count_of_a_journal_is_in_its_place_in_the_file(run, journal, tmp_path):
    emg_file, acc_file = written(run, journal, "--out", tmp_path / "tree")
    assert emg_file.relative_to(tmp_path / "tree").as_posix() == (
        "sub-P042/ses-20260112/emg/sub-P042_ses-20260112_task-sleep_acq-left_recording-emg_emg.edf"
    )
    source = index_source("npg-lite-band")
    with pyedflib.EdfReader(str(emg_file)) as file:
        counts = np.array([file.readSignal(row, digital=True) for row in range(3)])
        onsets, lengths, texts = file.readAnnotations()
    gap = next(k for k, text in enumerate(texts) if text == "BAD_ACQ_SKIP")
    assert onsets[gap] == pytest.approx(11.4, abs=0.3)
    assert float(lengths[gap]) == pytest.approx(5.0, abs=0.3)
    assert "cramp now" in texts
    begin = round(onsets[gap] * 500)
    first = int(np.flatnonzero((counts[:, 0] == source.counts("emg", 0, 500).T).all(axis=1))[0])
    assert np.array_equal(counts[:, :begin], source.counts("emg", first, begin))
    after = begin + round(float(lengths[gap]) * 500)
    assert np.array_equal(
        counts[:, after : after + 9000], source.counts("emg", first + after, 9000)
    )
    other = edfio.read_edf(emg_file)
    assert np.array_equal(other.signals[0].digital, counts[0])
    assert edfio.read_edf(acc_file).signals[0].sampling_frequency == 100


def test_the_file_of_a_journal_gives_the_samples_of_the_journal(run, journal, tmp_path):
    (file,) = written(run, journal, "--to", "edf", "--out", tmp_path / "files")
    assert file == tmp_path / "files" / "P042_emg.edf"
    assert list((tmp_path / "files").iterdir()) == [file]
    both = (open_recording(path).blocks() for path in (file, journal))
    for mine, yours in zip(*both, strict=True):
        n = yours.emg.shape[1]
        assert np.array_equal(mine.emg[:, :n], yours.emg, equal_nan=True)


def test_acceleration_of_a_companion_takes_the_place_of_the_sensor_s_own(run, journal, tmp_path):
    other = write_journal(tmp_path / "P042_companion.ncj", "movesense")
    words = ("--companion", other, "--out", tmp_path / "tree")
    emg_file, acc_file = written(run, journal, *words)
    with pyedflib.EdfReader(str(acc_file)) as file:
        assert file.getSampleFrequency(0) == 52
        assert file.getEquipment() == "movesense"
        counts = np.array([file.readSignal(row, digital=True) for row in range(3)])
        onsets, lengths, texts = file.readAnnotations()
    source = index_source("movesense")
    # The first second may begin with what was never sent; the rest is the sensor's, count by count.
    sent = source.counts("acc", 0, 520).T
    first = int(np.flatnonzero((sent == counts[:, 52]).all(axis=1))[0])
    assert np.array_equal(counts[:, 52:520], source.counts("acc", first, 468))
    gap = max(k for k, text in enumerate(texts) if text == "BAD_ACQ_SKIP" and lengths[k] > 2)
    with pyedflib.EdfReader(str(emg_file)) as file:
        begins = dict(zip(*file.readAnnotations()[::2], strict=True))
        assert file.getEquipment() == "npg-lite-band"
    (begin,) = (at for at, text in begins.items() if text == "BAD_ACQ_SKIP" and 5 < at < 20)
    assert onsets[gap] == pytest.approx(begin, abs=0.1), "both were out of reach at once"
    for file, model in ((emg_file, "NPG-Lite-band"), (acc_file, "Movesense")):
        told = json.loads(file.with_suffix(".json").read_text())
        assert model in told["ManufacturersModelName"]
        ours = told["Nightcramp"]
        assert (ours["Device"], ours["Companion"]["Device"]) == ("npg-lite-band", "movesense")
        assert ours["JournalSHA256"] == content_hash(journal)
        assert ours["Companion"]["JournalSHA256"] == content_hash(other)
    (both,) = written(run, journal, *words[:2], "--to", "edf", "--out", tmp_path / "files")
    assert open_recording(both).info.acc.rate_hz == 52


def test_one_file_of_a_tree_holds_both_streams(run, journal, tmp_path):
    (file,) = written(run, journal, "--single-file", "--out", tmp_path)
    assert "recording-" not in file.name
    assert open_recording(file).info.acc.rate_hz == 100


def test_by_default_the_tree_stands_beside_the_journal(run, journal):
    assert all(journal.parent / "bids" in file.parents for file in written(run, journal))


def test_mcap_holds_every_record_of_a_journal(run, journal, tmp_path):
    (file,) = written(run, journal, "--to", "mcap", "--out", tmp_path)
    expected = list(open_journal(journal).records())
    with file.open("rb") as stream:
        reader = make_reader(stream, validate_crcs=True)
        messages = list(reader.iter_messages(log_time_order=False))
        (metadata,) = reader.iter_metadata()
    assert len(messages) == len(expected)
    for (schema, channel, message), record in zip(messages, expected, strict=True):
        told = json.loads(message.data)
        assert (message.log_time, told["monotonic_ns"]) == (record.wall_ns, record.monotonic_ns)
        if record.kind is RecordKind.NOTIFICATION:
            assert channel.topic == f"/notification/{record.characteristic}"
            assert base64.b64decode(told["payload"]) == record.payload
        else:
            assert channel.topic == f"/{record.kind}"
            assert told["content"] == json.loads(record.payload)
        assert set(json.loads(schema.data)["required"]) == told.keys()
    assert metadata.metadata["device"] == "npg-lite-band"
    assert metadata.metadata["participant"] == "P042"


def test_an_encrypted_journal_needs_the_key_of_the_site(run, tmp_path):
    create_site_key(tmp_path / "private.pem", tmp_path / "public.pem")
    create_site_key(tmp_path / "other.pem", tmp_path / "other_public.pem")
    settings = JournalSettings(site_key=tmp_path / "public.pem")
    journal = write_journal(tmp_path / "P042.ncj", seconds=40, settings=settings)
    for words, text in (((), "key"), (("--key", tmp_path / "other.pem"), "another key")):
        code, _, errors = run("convert", journal, "--out", tmp_path / "tree", *words)
        assert code == 1
        assert text in errors
        assert "P042.ncj" in errors
    for target in ("bids", "edf", "mcap"):
        key = ("--key", tmp_path / "private.pem")
        assert written(run, journal, "--to", target, "--out", tmp_path / target, *key)


@pytest.mark.slow
def test_a_validator_of_bids_finds_no_error_in_the_trees(run, journal, tmp_path):
    deno = Path(sys.executable).with_name("bids-validator-deno")
    if not deno.exists():
        pytest.skip("bids-validator-deno is not installed")
    tree = tmp_path / "tree"
    written(run, journal, write_night(tmp_path / "foreign night.edf"), "--out", tree)
    shown = subprocess.run([deno, tree, "--json"], capture_output=True, text=True, check=False)
    issues = json.loads(shown.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []


# ---------------------------------------------------------------------------- files to a tree


def test_a_file_goes_into_a_tree_without_a_name_and_with_every_sample(run, tmp_path):
    night = write_night(tmp_path / "Jane Doe.edf")
    words = ("--participant", "P-007", "--out", tmp_path / "tree")
    (file,) = written(run, night, *words)
    assert file.name == "sub-P007_ses-20260112_task-sleep_emg.edf"
    raw, copy = night.read_bytes(), file.read_bytes()
    assert b"Jane" in raw
    assert b"Jane" not in copy
    assert b"Who" not in copy
    assert raw[168:] == copy[168:]
    table = file.with_name(file.name.replace("emg.edf", "channels.tsv")).read_text()
    assert "EMG A\tEMG\tuV\t500\tgood" in table
    assert "ACC X\tACCEL\tg\t100\tgood" in table
    assert open_recording(file).info.duration_s == 20


def test_a_tree_goes_into_another_with_both_its_files(run, journal, tmp_path):
    first = written(run, journal, "--out", tmp_path / "one")
    second = written(run, first[0], "--out", tmp_path / "two")
    assert [file.read_bytes()[256:] for file in second] == [
        file.read_bytes()[256:] for file in first
    ]


def test_legs_runs_and_hidden_nights_of_a_tree_keep_apart_in_another(run, tmp_path):
    names = [
        "sub-1_ses-9_task-sleep_acq-left_emg",
        "sub-1_ses-9_task-sleep_acq-right_emg",
        "sub-1_ses-9_task-sleep_run-2_emg",
        "sub-1_ses-8_task-sleep_acq-right_emg",
    ]
    for name in names:
        night = write_night(tmp_path / "one" / f"{name}.edf")
        hidden = b"Startdate X X X X".ljust(80) if "acq-right" in name else None
        patch(night, {88: hidden, 168: b"01.01.85"} if hidden else {})
    files = written(run, tmp_path / "one", "--out", tmp_path / "two")
    assert [file.name.removesuffix("_emg.edf") for file in files] == [
        "sub-1_ses-8_task-sleep_acq-right",
        "sub-1_ses-20260112_task-sleep_acq-left",
        "sub-1_ses-9_task-sleep_acq-right",
        "sub-1_ses-20260112_task-sleep_run-2",
    ]


def test_side_files_of_acceleration_tell_of_its_own_file(run, tmp_path):
    night = write_night(tmp_path / "sub-1_recording-emg_emg.edf", 30)
    later = tmp_path / "sub-1_recording-acc_emg.edf"
    write_night(later)
    patch(later, {168: b"13.01.26", 176: b"02.00.03"})
    files = written(run, night, "--out", tmp_path / "tree")
    scans = (files[0].parents[1] / "sub-1_ses-20260112_scans.tsv").read_text()
    assert "recording-emg_emg.edf\t2026-01-13T02:00:00\n" in scans
    assert "recording-acc_emg.edf\t2026-01-13T02:00:03\n" in scans
    sides = [json.loads(file.with_suffix(".json").read_text()) for file in files]
    assert [side["RecordingDuration"] for side in sides] == [30, 20]


def test_channels_of_one_name_are_told_apart_in_a_tree(run, tmp_path):
    night = write_night(tmp_path / "night.edf")
    patch(night, {256 + 16: b"EMG A".ljust(16), 256 + 48: b"Acc x".ljust(16)})
    (file,) = written(run, night, "--out", tmp_path / "tree")
    assert file.read_bytes()[512:] == night.read_bytes()[512:]
    names = [signal.label for signal in edfio.read_edf(file).signals]
    assert names == ["EMG A", "EMG A-2", "ACC X", "Acc x-2", "ACC Z"]
    table = file.with_name(file.name.replace("emg.edf", "channels.tsv")).read_text()
    assert [row.split("\t")[0] for row in table.splitlines()[1:]] == names
    assert [channel.label for channel in open_recording(file).info.emg.channels] == names[:2]


def test_no_recording_of_a_tree_is_overwritten_by_another_of_its_name(run, tmp_path):
    longer, shorter = (tmp_path / f"{seconds}.edf" for seconds in (30, 20))
    write_night(longer, 30)
    write_night(shorter, 20)
    words = ("--participant", "P007", "--out", tmp_path / "tree")
    (file,) = written(run, longer, *words)
    code, shown, errors = run("convert", longer, shorter, *words)
    assert code == 1
    assert files_of(shown) == [file], "the same again is the same again"
    assert "another recording of this participant, night and leg" in errors
    assert open_recording(file).info.duration_s == 30


def test_journals_of_one_name_do_not_overwrite_each_other(run, journal, tmp_path):
    (tmp_path / "b").mkdir()
    other = shutil.copytree(journal, tmp_path / "b" / "P042.ncj")
    for target in ("edf", "mcap"):
        code, shown, errors = run(
            "convert", journal, other, "--to", target, "--out", tmp_path / target
        )
        assert code == 1
        assert len(files_of(shown)) == 1
        assert f"{other}: its files would have the name of those of {journal}" in errors


def test_the_journal_of_another_night_does_not_take_the_place_of_one(run, journal, tmp_path):
    other = write_journal(tmp_path / "other.ncj")
    written(run, journal, "--out", tmp_path / "tree")
    code, _, errors = run("convert", other, journal, "--out", tmp_path / "tree")
    assert code == 1
    assert errors.count("another recording") == 1


# -------------------------------------------------------------------------------- what is bad


def damaged(journal, what):
    segment = journal / "0001.ncj"
    raw = bytearray(segment.read_bytes())
    if what == "half":
        del raw[len(raw) // 2 :]
    else:
        raw[8] = 9
        raw[76:80] = zlib.crc32(raw[:76]).to_bytes(4, "little")
    segment.write_bytes(raw)


def test_half_a_segment_gives_what_is_left_and_says_what_is_missing(run, journal, tmp_path):
    damaged(journal, "half")
    file, _ = written(run, journal, "--out", tmp_path)
    told = json.loads(file.with_suffix(".json").read_text())["Nightcramp"]["Damage"]
    assert told
    assert 20 < open_recording(file).info.duration_s < 45


def test_one_bad_input_does_not_stop_the_others(run, journal, tmp_path):
    newer = shutil.copytree(journal, tmp_path / "newer.ncj")
    damaged(newer, "version")
    (tmp_path / "text.edf").write_text("not a recording")
    words = (newer, tmp_path / "text.edf", tmp_path / "none.edf", journal)
    code, shown, _ = run("convert", *words, "--out", tmp_path / "tree", "--json")
    results = json.loads(shown)["results"]
    assert code == 1
    assert [bool(result["files"]) for result in results] == [False, False, False, True]
    assert "version" in results[0]["error"]
    for result in results[:3]:
        assert Path(result["source"]).name in result["error"]


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("P042.ncj", "--to", "journal"), 2, "only the recorder can write one"),
        (("P042.ncj", "--to", "wav"), 2, "expected bids, edf or mcap"),
        (("night.edf", "--to", "mcap"), 1, "convert the journal"),
        (("night.edf", "--to", "edf"), 1, "already"),
        (("empty",), 2, "empty: the folder holds no .edf or .bdf file"),
        (("P042.ncj", "--out", "night.edf"), 1, "night.edf"),
        (("P042.ncj", "--to", "mcap", "--out", "night.edf"), 1, "cannot be made"),
        (("P042.ncj", "--key", "night.edf"), 1, "key"),
        (("night.edf", "--companion", "P042.ncj"), 2, "--companion goes with one journal"),
        (("P042.ncj", "--companion", "P042.ncj", "--to", "mcap"), 2, "MCAP keeps"),
    ],
)
def test_what_cannot_be_done_is_said(run, journal, tmp_path, monkeypatch, words, code, text):
    write_night(tmp_path / "night.edf")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    got, _, errors = run("convert", *words)
    assert got == code
    assert text in errors


def test_without_the_extra_it_says_what_to_install(run, journal, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mcap.writer", None)
    code, _, errors = run("convert", journal, "--to", "mcap", "--out", tmp_path)
    assert code == 1
    assert "pip install 'nightcramp[mcap]'" in errors
