"""Recordings and results in other places: fetched, analysed, and brought back wholly or not."""

import json
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import fsspec
import numpy as np
import pytest
from moto.server import ThreadedMotoServer

from nightcramp.analysis import Choices, Status
from nightcramp.batch import analyse_files, find_sources, read_manifest
from nightcramp.batch.storage import fetch, publish
from nightcramp.errors import OutputError, RecordingError, UsageError
from recordings import Channel, RecordingInfo, Stream, write_edf

CHOICES = Choices(picture=False)
RATE_HZ = 250


def write_night(path, seconds=90, seed=1):
    rng = np.random.default_rng(seed)
    emg = np.round(rng.normal(0, 30, (1, seconds * RATE_HZ))).astype(np.float32) / 10
    channel = Channel("EMG GM", "uV", 0.1, (-3000.0, 3000.0))
    stream = Stream("emg", float(RATE_HZ), (channel,), emg.shape[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_edf(path, RecordingInfo(path.stem, datetime(2026, 1, 12, 22), stream), emg, None)
    return path


@pytest.fixture
def memory(tmp_path, monkeypatch):
    """An empty store in memory, and a temporary folder that must be empty afterwards."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    store = fsspec.filesystem("memory")
    store.store.clear()
    store.pseudo_dirs[:] = [""]
    yield store
    assert not list(scratch.iterdir()), "a scratch folder was left behind"
    store.store.clear()


@pytest.fixture
def bucket(monkeypatch):
    """A bucket of an S3 server in this process."""
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    store = fsspec.filesystem("s3", skip_instance_cache=True)
    store.mkdir("trial")
    yield store
    server.stop()


def put_tree(store, root, files):
    for path in files:
        store.makedirs(root, exist_ok=True)
        store.put_file(str(path), f"{root}/{path.name}")


def files_of(store, root):
    return {Path(name).name: store.cat_file(name) for name in store.find(root)}


def analyse(places, out, choices=CHOICES, **how):
    return list(analyse_files(find_sources(places), out, choices, **{"jobs": 1, **how}))


def local_results(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_remote_nights_give_the_bytes_of_local_ones(tmp_path, memory):
    nights = [write_night(tmp_path / "in" / f"sub-{n}_emg.edf", seed=n) for n in (1, 2)]
    put_tree(memory, "/study/emg", nights)
    remote = analyse(["memory://study"], "memory://results")
    analyse([str(tmp_path / "in")], tmp_path / "out")
    assert [outcome.source for outcome in remote] == [
        "memory:///study/emg/sub-1_emg.edf",
        "memory:///study/emg/sub-2_emg.edf",
    ]
    found = files_of(memory, "/results")
    (manifest,) = [name for name in found if name.startswith("run-")]
    lines = found.pop(manifest).decode().splitlines()
    assert len(lines) == 4
    assert found == local_results(tmp_path / "out")


def test_what_is_done_is_skipped_and_what_is_replaced_is_set_aside_remotely_too(tmp_path, memory):
    put_tree(memory, "/in", [write_night(tmp_path / "n.edf")])
    analyse(["memory://in"], "memory://out", Choices(picture=True))
    before = files_of(memory, "/out")
    (skipped,) = analyse(["memory://in"], "memory://out", Choices(picture=True))
    assert skipped.status is Status.SKIPPED
    other = Choices(emg=("EMG GM",), picture=False)
    for version in (2, 3):
        (outcome,) = analyse(["memory://in"], "memory://out", other)
        makers = json.loads(memory.cat_file("/out/n_night.json"))["made_by"]
        assert makers["version"] == 2
        if version == 2:
            assert outcome.status is Status.ANALYSED
    assert outcome.status is Status.SKIPPED
    old_id = json.loads(before["n_night.json"])["made_by"]["analysis_id"]
    aside = f"/out/superseded/n/{old_id}"
    assert memory.cat_file(f"{aside}/n_events.tsv") == before["n_events.tsv"]
    assert memory.exists(f"{aside}/n.png")
    assert not memory.exists("/out/n.png"), "a picture of another analysis beside the new one"
    third = Choices(emg=("EMG GM",), acc=(), model=None, picture=False)
    put_tree(memory, "/in", [write_night(tmp_path / "n.edf", seed=9)])
    analyse(["memory://in"], "memory://out", third)
    assert json.loads(memory.cat_file("/out/n_night.json"))["made_by"]["version"] == 3


def test_files_that_have_a_say_in_the_reading_are_fetched_with_a_recording(tmp_path, memory):
    night = write_night(tmp_path / "sub-1_emg.edf")
    table = tmp_path / "sub-1_channels.tsv"
    table.write_text("name\ttype\tunits\nEMG GM\tEMG\tuV\n")
    stranger = tmp_path / "notes.txt"
    stranger.write_text("x" * 100)
    put_tree(memory, "/in", [night, table, stranger])
    (outcome,) = analyse(["memory://in"], tmp_path / "out")
    makers = outcome.summary["made_by"]
    assert list(makers["companions"]) == ["sub-1_channels.tsv"]
    (skipped,) = analyse([str(tmp_path / "sub-1_emg.edf")], tmp_path / "out")
    assert skipped.status is Status.SKIPPED, "remote or local, it is the same analysis"


def test_a_bad_remote_file_is_named_by_its_url_and_stops_no_other(tmp_path, memory):
    put_tree(memory, "/in", [write_night(tmp_path / "good.edf")])
    memory.pipe_file("/in/bad.edf", b"nothing of the kind")
    outcomes = {
        outcome.name: outcome
        for outcome in analyse(
            ["memory:///in/bad.edf", "memory:///in/none.edf", "memory:///in/good.edf"],
            tmp_path / "out",
        )
    }
    assert outcomes["good"].status is Status.ANALYSED
    assert outcomes["bad"].message.startswith("memory:///in/bad.edf")
    assert "scratch" not in outcomes["bad"].message
    assert "memory:///in/none.edf: cannot be fetched (no such file)" in outcomes["none"].message
    (manifest,) = (tmp_path / "out" / "runs").iterdir()
    hashes = {entry["name"]: entry["source_sha256"] for entry in read_manifest(manifest).inputs}
    assert len(str(hashes["bad"])) == 64


def test_a_file_that_arrives_incomplete_is_refused(tmp_path, memory, monkeypatch):
    memory.pipe_file("/in/n.edf", b"x" * 1000)
    monkeypatch.setattr(type(memory), "size", lambda *_: 2000)
    with pytest.raises(RecordingError, match="1000 of 2000 bytes"):
        fetch("memory://in/n.edf", tmp_path)


def test_results_that_cannot_be_sent_leave_what_stood_there(tmp_path, memory, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).write_text("new")
    memory.pipe_file("/out/a", b"old")
    real = type(memory).open

    def fail(self, path, mode="rb", **how):
        if path.endswith("b") and mode == "wb":
            raise PermissionError("no more room")
        return real(self, path, mode, **how)

    monkeypatch.setattr(type(memory), "open", fail)
    with pytest.raises(OutputError, match="no more room"):
        publish([tmp_path / "a", tmp_path / "b"], tmp_path, "memory://out")
    assert memory.cat_file("/out/a") == b"old"
    assert not memory.exists("/out/b")


@pytest.mark.parametrize("place", ["memory://nowhere", "nosuch://bucket/x", "gs://bucket/x"])
def test_places_that_cannot_be_searched_are_wrong_use(memory, place, monkeypatch):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(UsageError, match=place):
        find_sources([place])


@pytest.mark.slow
def test_nights_in_a_bucket_are_analysed_by_processes_into_the_bucket(tmp_path, bucket, run):
    nights = [write_night(tmp_path / f"sub-{n}_emg.edf", seed=n) for n in (1, 2, 3)]
    for number, night in enumerate(nights, start=1):
        bucket.put_file(str(night), f"trial/in/sub-{number}/emg/{night.name}")
    bucket.pipe_file("trial/in/sub-4/emg/sub-4_emg.edf", b"nothing of the kind")
    words = ("analyze", "s3://trial/in", "--out", "s3://trial/out", "--no-picture", "--jobs", 2)
    code, shown, errors = run(*words)
    assert code == 1
    assert "3 of 4 recordings judged; results in s3://trial/out" in shown
    assert "s3://trial/in/sub-4/emg/sub-4_emg.edf" in errors
    analyse([str(night) for night in nights], tmp_path / "out")
    found = {
        name: data for name, data in files_of(bucket, "trial/out").items() if "run-" not in name
    }
    assert found == local_results(tmp_path / "out")
    code, shown, _ = run(*words)
    assert shown.count("skipped") == 3
