"""What is written is read back count for count, by us and by other readers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import edfio
import numpy as np
import numpy.typing as npt
import pyedflib
import pytest

from nightcramp.errors import OutputError, UsageError
from recordings import (
    Annotation,
    ArrayRecording,
    Channel,
    Gap,
    Recording,
    RecordingInfo,
    Stream,
    open_recording,
    write_edf,
)

if TYPE_CHECKING:
    from pathlib import Path

Samples = npt.NDArray[np.float32]

SECONDS = 15
LABELS = ("EMG GM", "EMG TA")


def night(
    seconds: float = SECONDS, *, rate: float = 1000, step: float = 0.2, unit: str = "uV"
) -> tuple[RecordingInfo, Samples, Samples]:
    """A recording of counts that reach both ends of the range."""
    rng = np.random.default_rng(7)
    counts = rng.integers(-32768, 32768, (2, round(seconds * rate)))
    counts[:, :2] = -32768, 32767
    limits = (round(-32768 * step, 9), round(32767 * step, 9))
    emg = tuple(Channel(label, unit, step, limits) for label in LABELS)
    acc = tuple(Channel(f"ACC {axis}", "g", 2**-12, (-7.8125, 7.8125)) for axis in "XYZ")
    acc_counts = rng.integers(-32000, 32001, (3, round(seconds * 100)))
    info = RecordingInfo(
        name="night",
        start=datetime.fromisoformat("2026-11-22T22:30:05"),
        emg=Stream("emg", float(rate), emg, counts.shape[1]),
        acc=Stream("acc", 100.0, acc, acc_counts.shape[1]),
        annotations=(Annotation(2.5, 1.25, "turned over"), Annotation(0.0, 0.0, "Licht größer")),
    )
    return info, (counts * step).astype(np.float32), (acc_counts * 2**-12).astype(np.float32)


def joined(recording: Recording, block_s: float = 4.3) -> tuple[Samples, Samples | None]:
    blocks = list(recording.blocks(block_s))
    acc = [block.acc for block in blocks if block.acc is not None]
    return (
        np.concatenate([block.emg for block in blocks], axis=1),
        np.concatenate(acc, axis=1) if acc else None,
    )


@pytest.mark.parametrize("step", [0.2, 0.05, 0.1, 0.195, 0.25, 0.001, 0.3, 0.5, 1.0])
def test_counts_come_back_exactly(tmp_path: Path, step: float) -> None:
    info, emg, acc = night(step=step)
    path = tmp_path / "night.edf"
    write_edf(path, info, emg, acc)
    recording = open_recording(path)
    read_emg, read_acc = joined(recording)
    np.testing.assert_array_equal(read_emg, emg)
    np.testing.assert_array_equal(read_acc, acc)
    assert recording.info == replace(info, annotations=recording.info.annotations)
    assert set(recording.info.annotations) == set(info.annotations)


def test_other_readers_see_the_same_counts_times_and_texts(tmp_path: Path) -> None:
    info, emg, acc = night()
    path = tmp_path / "night.edf"
    write_edf(path, info, emg, acc, patient_code="P0042", equipment="calfband-1.2")
    counts = np.rint(emg / 0.2).astype(np.int16)
    other = edfio.read_edf(path)
    assert other.startdatetime == info.start
    assert (other.patient.code, other.patient.name) == ("P0042", "X")
    assert other.recording.equipment_code == "calfband-1.2"
    assert {(a.onset, a.text) for a in other.annotations} == {
        (2.5, "turned over"),
        (0, "Licht größer"),
    }
    np.testing.assert_array_equal(other.get_signal("EMG TA").digital, counts[1])
    np.testing.assert_allclose(other.get_signal("EMG TA").data, emg[1], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(other.get_signal("ACC Z").data, acc[2], rtol=1e-6, atol=1e-9)
    with pyedflib.EdfReader(str(path)) as third:
        assert third.getStartdatetime() == info.start
        assert third.getPatientCode() == "P0042"
        assert third.getPatientName() in ("X", "")
        assert third.getSignalLabels() == [*LABELS, "ACC X", "ACC Y", "ACC Z"]
        assert third.getPhysicalDimension(0) == "uV"
        np.testing.assert_array_equal(third.readSignal(0, digital=True), counts[0])
        onsets, durations, texts = third.readAnnotations()
        assert (2.5, 1.25, "turned over") in set(zip(onsets, durations, texts, strict=True))


@pytest.mark.parametrize("unit", ["uV", "count"])
def test_an_array_and_the_file_of_it_give_the_same_blocks(tmp_path: Path, unit: str) -> None:
    info, emg, acc = night(unit=unit)
    emg[:, 3210:5000] = np.nan
    acc[:, 321:500] = np.nan
    path = tmp_path / "night.edf"
    write_edf(path, info, emg, acc)
    recording = open_recording(path)
    assert recording.info.gaps == (Gap(3.21, 1.79, "BAD_ACQ_SKIP"),)
    array = ArrayRecording(replace(info, gaps=recording.info.gaps), emg, acc)
    for ours, theirs in zip(array.blocks(2.7), recording.blocks(2.7), strict=True):
        assert ours.onset_s == theirs.onset_s
        for mine, other in ((ours.emg, theirs.emg), (ours.acc, theirs.acc)):
            assert mine is not None
            assert other is not None
            assert mine.dtype == other.dtype == np.float32
            assert mine.flags.c_contiguous
            assert other.flags.c_contiguous
            np.testing.assert_array_equal(mine, other)


def test_missing_samples_are_stored_as_zero_and_annotated_where_they_begin(tmp_path: Path) -> None:
    info, emg, acc = night()
    emg[:, 3210:5000] = np.nan
    acc[:, 321:500] = np.nan
    path = tmp_path / "night.edf"
    write_edf(path, info, emg, acc)
    other = edfio.read_edf(path)
    assert not other.get_signal("EMG GM").digital[3210:5000].any()
    samples = sum(signal.samples_per_data_record for signal in other._signals)
    position = path.read_bytes().find(b"+3.21\x151.79\x14BAD_ACQ_SKIP\x14\0")
    assert (position - other.bytes_in_header_record) // (2 * samples) == 3


def test_samples_missing_in_one_stream_or_channel_leave_the_others(tmp_path: Path) -> None:
    info, emg, acc = night()
    emg[1, 1000:1500] = np.nan
    emg[:, 4000:5000] = np.nan
    acc[:, 700:800] = np.nan
    acc[0, 1499] = np.nan
    emg[0, -1] = np.nan
    path = tmp_path / "night.edf"
    write_edf(path, info, emg, acc)
    recording = open_recording(path)
    read_emg, read_acc = joined(recording)
    np.testing.assert_array_equal(read_emg, emg)
    np.testing.assert_array_equal(read_acc, acc)
    assert recording.info.gaps == ()  # the accelerometer went on while the EMG was lost


def test_a_last_record_that_is_not_full_is_padded_and_told(tmp_path: Path) -> None:
    info, emg, acc = night(12.4)
    path = tmp_path / "night.edf"
    write_edf(path, info, emg, acc)
    recording = open_recording(path)
    assert recording.info.emg.n_samples == 13_000
    assert recording.info.gaps == (Gap(12.4, pytest.approx(0.6), "BAD_ACQ_SKIP"),)
    read, _ = joined(recording)
    np.testing.assert_array_equal(read[:, :12_400], emg)
    assert np.isnan(read[:, 12_400:]).all()


def test_rates_that_are_not_whole_take_longer_records(tmp_path: Path) -> None:
    info, emg, _ = night(rate=997.3, seconds=20)
    info = replace(info, acc=None)
    write_edf(tmp_path / "a.edf", info, emg, None)
    recording = open_recording(tmp_path / "a.edf")
    assert recording.info.emg == info.emg
    np.testing.assert_array_equal(joined(recording)[0], emg)
    odd = replace(info, emg=replace(info.emg, rate_hz=997.001234))
    with pytest.raises(OutputError, match="Resample"):
        write_edf(tmp_path / "b.edf", odd, emg, None)


def test_a_hidden_start_stays_hidden_and_gaps_annotated_before_are_not_doubled(
    tmp_path: Path,
) -> None:
    info, emg, acc = night()
    stale = (Annotation(1.0, 2.0, "BAD_ACQ_SKIP"),)
    write_edf(tmp_path / "a.edf", replace(info, start=None, annotations=stale), emg, acc)
    read = open_recording(tmp_path / "a.edf").info
    assert read.start is None
    assert (read.gaps, read.annotations) == ((), ())
    with pytest.raises(edfio.AnonymizedDateError):
        _ = edfio.read_edf(tmp_path / "a.edf").startdate


def test_values_between_two_counts_go_to_the_nearer_one(tmp_path: Path) -> None:
    info, emg, acc = night()
    write_edf(tmp_path / "a.edf", info, emg * np.float32(0.5), acc)
    read, _ = joined(open_recording(tmp_path / "a.edf"))
    assert np.abs(read - emg * np.float32(0.5)).max() <= 0.1001


def with_channel(info: RecordingInfo, **changes: object) -> RecordingInfo:
    first, *others = info.emg.channels
    changed = replace(first, **changes)  # type: ignore[arg-type]
    return replace(info, emg=replace(info.emg, channels=(changed, *others)))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"resolution": 0.1234567, "limits": (-4045.4288, 4045.305)},
            "exactly in the 8 characters",
        ),
        ({"resolution": 2**-12, "limits": (-8.0, 32767 / 4096)}, "exactly in the 8 characters"),
        ({"resolution": 0.05, "limits": (-400_000.0, 400_000.0)}, "do not fit EDF's 16 bits"),
        ({"limits": (5.0, 5.0)}, "do not fit"),
        ({"label": "EMG of the gastrocnemius"}, "16 characters of ASCII"),
        ({"label": "EMG TA"}, "same label: 'EMG TA', 'EMG TA'"),
        ({"label": "EMG groß"}, "cannot stand in an EDF header as label"),
        ({"limits": (-100.0, 100.0)}, r"'EMG GM': sample 0 is -6553\.6 uV, beyond the limits"),
    ],
)
def test_what_an_edf_file_cannot_tell_exactly_is_refused(
    tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    info, emg, acc = night()
    path = tmp_path / "night.edf"
    path.write_bytes(b"old")
    with pytest.raises(OutputError, match=rf"night\.edf: .*{reason}"):
        write_edf(path, with_channel(info, **changes), emg, acc)
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["night.edf"]


@pytest.mark.parametrize(
    "start",
    [datetime.fromisoformat("2026-01-01T00:00:00.000001"), datetime.fromisoformat("1984-12-31")],
)
def test_a_start_that_the_header_cannot_hold_is_refused(tmp_path: Path, start: datetime) -> None:
    info, emg, acc = night()
    with pytest.raises(OutputError, match="whole seconds from 1985 to 2084"):
        write_edf(tmp_path / "a.edf", replace(info, start=start), emg, acc)


@pytest.mark.parametrize("codes", [{"patient_code": "Anna B"}, {"equipment": ""}])
def test_codes_are_single_words(tmp_path: Path, codes: dict[str, str]) -> None:
    info, emg, acc = night()
    with pytest.raises(OutputError, match="must be one word"):
        write_edf(tmp_path / "a.edf", info, emg, acc, **codes)


def test_an_annotation_with_control_characters_is_refused(tmp_path: Path) -> None:
    info, emg, acc = night()
    info = replace(info, annotations=(Annotation(1.0, 0.0, "a\x14b"),))
    with pytest.raises(OutputError, match="control characters"):
        write_edf(tmp_path / "a.edf", info, emg, acc)


def test_infinite_samples_are_refused(tmp_path: Path) -> None:
    info, emg, acc = night()
    acc[1, 5] = np.inf
    with pytest.raises(OutputError, match="'ACC Y': sample 5 is inf"):
        write_edf(tmp_path / "a.edf", info, emg, acc)


def test_arrays_of_another_shape_than_the_streams_are_wrong_use(tmp_path: Path) -> None:
    info, emg, acc = night()
    with pytest.raises(UsageError, match=r"2 channels of 15000 samples.*\(2, 14999\)"):
        ArrayRecording(info, emg[:, :-1], acc)
    with pytest.raises(UsageError, match="acc stream has 3 channels"):
        write_edf(tmp_path / "a.edf", info, emg, acc[:2])
    with pytest.raises(UsageError, match="exactly if"):
        ArrayRecording(info, emg, None)


def test_blocks_of_an_array_are_copies(tmp_path: Path) -> None:
    info, emg, acc = night()
    recording = ArrayRecording(info, emg, acc)
    for block in recording.blocks(5.0):
        block.emg[:] = 0
    assert np.abs(emg).max() > 0


@pytest.mark.parametrize(
    "bad", [{"block_s": 0.0}, {"block_s": float("nan")}, {"start_s": 9, "stop_s": 8}]
)
def test_impossible_blocks_are_wrong_use(bad: dict[str, float]) -> None:
    info, emg, acc = night()
    with pytest.raises(UsageError):
        list(ArrayRecording(info, emg, acc).blocks(**bad))
