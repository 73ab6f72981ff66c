"""Which signals are taken as EMG and as acceleration, by name, by BIDS and by label."""

from __future__ import annotations

from datetime import date, time
from typing import TYPE_CHECKING

import edfio
import numpy as np
import pytest

from nightcramp.errors import RecordingError
from recordings import EdfRecording, RecordingInfo, open_recording
from recordings.labels import axis_of, is_acc_label, is_emg_label

if TYPE_CHECKING:
    from pathlib import Path

DURATION_S = 12
ACC = ("ACC X", "ACC Y", "ACC Z")


def write(
    path: Path, rates: dict[str, int], units: dict[str, str] | None = None, start: str = "22:00:00"
) -> Path:
    """Write a file in which the samples of the n-th channel are n, n+1, ... modulo 1000."""
    units = units or {}
    signals = [
        edfio.EdfSignal.from_digital(
            ((np.arange(rate * DURATION_S) + n) % 1000).astype(np.int16),
            rate,
            label=label,
            physical_dimension=units.get(label, "g" if "acc" in label.lower() else "uV"),
        )
        for n, (label, rate) in enumerate(rates.items())
    ]
    recording = edfio.Recording(startdate=date(2026, 11, 22))
    edfio.Edf(signals, recording=recording, starttime=time.fromisoformat(start)).write(path)
    return path


def labels(info: RecordingInfo) -> tuple[list[str], list[str]]:
    acc = info.acc.channels if info.acc else ()
    return [channel.label for channel in info.emg.channels], [channel.label for channel in acc]


def acc_of(recording: EdfRecording) -> np.ndarray:
    return np.concatenate([b.acc for b in recording.blocks(5.0) if b.acc is not None], axis=1)


@pytest.mark.parametrize(
    "label",
    [
        "EMG GM", "EMG", "emg 1", "EMG LAT", "EMG_Tib", "Leg EMG", "LEMG1", "gastrocnemius",
        "Gastroc L", "GM", "GL", "GA", "SOL", "soleus", "TA", "tib", "Tibialis ant", "calf",
        "Left calf", "leg", "LEG/L", "L Leg", "RLEG", "Leg1", "LAT", "RAT", "PLMl", "PLMr", "PLM1",
        "TIB Dx", "TIB Sx", "Lleg-Rleg", "LG", "EMG wrist flex", "RTIB",
        "LtLeg", "RtGastroc",
    ],
)  # fmt: skip
def test_a_leg_or_limb_label_is_emg(label: str) -> None:
    assert is_emg_label(label)
    assert not is_acc_label(label)


@pytest.mark.parametrize(
    "label",
    [
        "EEG C3-A2", "EOG L", "ECG", "EKG II", "Resp thorax", "THOR", "ABDO", "Flow", "SpO2",
        "Pulse", "EMG chin", "Chin 1", "EMG submental", "Snore", "Temp leg", "Leg temperature",
        "Status", "Light", "Legend", "Position", "Leg ACC X", "gyro x", "EMG rms", "Signal",
        "Label", "Battery", "C3", "A1", "", "X", "M1", "EMGchin", "EMGsubmental",
        "EMG Diaphragm", "EMG intercost",
    ],
)  # fmt: skip
def test_any_other_label_is_not_emg(label: str) -> None:
    assert not is_emg_label(label)


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("ACC X", ("acc", "x")), ("Accelerometer-x", ("accelerometer", "x")),
        ("accel_y", ("accel", "y")), ("AccZ", ("acc", "z")), ("ACC_X left", ("acc left", "x")),
        ("Left ACC-Y", ("left acc", "y")), ("accx2", ("acc2", "x")), ("x-axis acc", ("acc", "x")),
        ("accelerationZ", ("acceleration", "z")), ("ACC 1", None), ("ACC", None),
    ],
)  # fmt: skip
def test_a_label_tells_the_sensor_and_the_axis_of_an_acceleration(
    label: str, expected: tuple[str, str] | None
) -> None:
    assert is_acc_label(label)
    assert axis_of(label) == expected


def test_emg_and_acceleration_are_found_by_label_among_others(tmp_path: Path) -> None:
    rates = {"EEG C3": 250, "ACC Z": 50, "EMG TA": 500, "ACC X": 50, "soleus": 500, "ACC Y": 50}
    recording = open_recording(write(tmp_path / "a.edf", rates))
    assert labels(recording.info) == (["EMG TA", "soleus"], list(ACC))
    assert acc_of(recording)[:, 0].tolist() == [3, 5, 1]
    assert recording.info.notes == ()


@pytest.mark.parametrize(
    ("chin", "head"),
    [
        ("EMG", "EEG1"),
        ("EMG", "EOG-L"),
        ("EMG1-EMG2", "C4-A1"),
        ("EMG 1", "LOC"),
        ("EMG-Ref", "F3M2"),
    ],
)
def test_beside_eeg_an_emg_without_a_muscle_is_the_chin(
    tmp_path: Path, chin: str, head: str
) -> None:
    info = open_recording(write(tmp_path / "psg.edf", {head: 256, chin: 256, "Leg": 256})).info
    assert labels(info)[0] == ["Leg"]
    assert any(f"the chin as it stands beside EEG: '{chin}'" in note for note in info.notes)
    alone = write(tmp_path / "alone.edf", {head: 256, chin: 256, "EKG": 256})
    with pytest.raises(RecordingError, match="left out, EMG of the chin"):
        open_recording(alone)
    assert labels(open_recording(alone, emg=[chin]).info)[0] == [chin]


@pytest.mark.parametrize("other", ["EMG C3", "ECG", "Temp", "Leg", "ACC X"])
def test_without_eeg_an_emg_without_a_muscle_is_taken(tmp_path: Path, other: str) -> None:
    path = write(tmp_path / "night.edf", {"EMG 1": 500, other: 500})
    assert "EMG 1" in labels(open_recording(path).info)[0]


def test_named_channels_win_over_labels_in_any_case(tmp_path: Path) -> None:
    rates = {"EMG TA": 500, "Foo": 500, "bar": 500, "u": 50, "v": 50, "w": 50} | dict.fromkeys(
        ACC, 50
    )
    path = write(tmp_path / "a.edf", rates)
    info = open_recording(path, emg=["BAR", "Foo", "foo"], acc=["w", "u", "V"]).info
    assert labels(info) == (["bar", "Foo"], ["w", "u", "v"])
    assert labels(open_recording(path, emg=[], acc=[]).info) == (["EMG TA"], list(ACC))


def test_an_exact_name_wins_over_one_in_another_case(tmp_path: Path) -> None:
    path = write(tmp_path / "a.edf", {"emg": 500, "EMG": 500})
    assert labels(open_recording(path, emg=["EMG"]).info)[0] == ["EMG"]


def test_a_named_channel_that_is_absent_is_refused_with_the_labels_of_the_file(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "a.edf", {"EMG TA": 500, "EEG C3": 500})
    with pytest.raises(
        RecordingError, match=r"no channel 'GM'; the file has 'EMG TA', 'EEG C3'.*--emg"
    ):
        open_recording(path, emg=["GM"])
    with pytest.raises(RecordingError, match=r"no channel 'ACC X'.*--acc"):
        open_recording(path, acc=list(ACC))


def test_named_axes_that_are_not_three_of_one_rate_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.edf", {"EMG": 500, "ACC X": 50, "ACC Y": 50, "ACC Z": 25})
    for acc in (["ACC X", "ACC Y"], list(ACC)):
        with pytest.raises(RecordingError, match="three axes of one rate"):
            open_recording(path, acc=acc)
    info = open_recording(path).info
    assert info.acc is None
    assert any("no acceleration: it takes three axes" in note for note in info.notes)


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ({"EMG 1": 1000, "EMG 2": 500, "EMG 3": 500}, ["EMG 2", "EMG 3"]),
        ({"EMG 1": 500, "EMG 2": 1000}, ["EMG 2"]),
        ({"EMG 1": 100, "EMG 2": 100, "EMG 3": 500}, ["EMG 3"]),
    ],
)
def test_of_several_rates_the_most_common_usable_one_is_kept(
    tmp_path: Path, rates: dict[str, int], expected: list[str]
) -> None:
    info = open_recording(write(tmp_path / "a.edf", rates)).info
    assert labels(info)[0] == expected
    (note,) = (note for note in info.notes if "not sampled at" in note)
    assert all(repr(label) in note for label in rates if label not in expected)


def test_channels_without_a_unit_are_left_out_where_others_have_one(tmp_path: Path) -> None:
    rates = {"EMG 1": 500, "EMG 2": 500, "EMG 3": 500}
    info = open_recording(write(tmp_path / "a.edf", rates, {"EMG 1": "adc", "EMG 3": "mV"})).info
    assert labels(info)[0] == ["EMG 2", "EMG 3"]
    assert info.emg.scaled
    assert any("without a unit of voltage: 'EMG 1'" in note for note in info.notes)
    info = open_recording(write(tmp_path / "b.edf", rates, dict.fromkeys(rates, "adc"))).info
    assert labels(info)[0] == list(rates)
    assert not info.emg.scaled


def test_of_two_accelerometers_the_first_complete_one_is_taken(tmp_path: Path) -> None:
    rates = {"EMG": 500, "L ACC X": 50, "R ACC X": 50, "R ACC Y": 50, "R ACC Z": 50, "L ACC Y": 50}
    info = open_recording(write(tmp_path / "a.edf", rates)).info
    assert labels(info)[1] == ["R ACC X", "R ACC Y", "R ACC Z"]
    assert any("first accelerometer: 'L ACC X', 'L ACC Y'" in note for note in info.notes)


@pytest.mark.parametrize(
    ("rates", "units"),
    [
        ({"ACC X": 50, "ACC Y": 50}, {}),
        ({"ACC X": 50, "ACC Y": 50, "ACC Z": 25}, {}),
        (dict.fromkeys(ACC, 5), {}),
        (dict.fromkeys(ACC, 50), {"ACC Y": "adc"}),
        ({}, {}),
    ],
)
def test_without_a_usable_accelerometer_there_is_none_and_a_note(
    tmp_path: Path, rates: dict[str, int], units: dict[str, str]
) -> None:
    recording = open_recording(write(tmp_path / "a.edf", {"EMG": 500} | rates, units))
    assert recording.info.acc is None
    assert all(block.acc is None for block in recording.blocks())
    assert any("no acceleration" in note for note in recording.info.notes)


def test_three_accelerations_without_axes_are_taken_in_the_order_of_the_file(
    tmp_path: Path,
) -> None:
    rates = {"EMG": 500, "ACC 1": 50, "ACC 2": 50, "ACC 3": 50}
    assert labels(open_recording(write(tmp_path / "a.edf", rates)).info)[1] == list(rates)[1:]


BIDS_ROWS = (
    "name\ttype\tunits\tstatus\n"
    "Foo\tEMG\tuV\tgood\n"
    "bar\tEMG\tuV\tbad\n"
    "EMG TA\tMISC\tuV\tn/a\n"
    "u\tACCEL\tg\tn/a\n"
    "v\tACC\tg\tn/a\n"
    "w\tACCEL\tg\tn/a\n"
)


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("sub-01_task-sleep_recording-x_emg.edf", "sub-01_task-sleep_recording-x_channels.tsv"),
        ("sub-01_task-sleep_recording-x_emg.edf", "sub-01_task-sleep_channels.tsv"),
        ("night.edf", "night_channels.tsv"),
    ],
)
def test_a_bids_table_beside_the_file_decides(tmp_path: Path, name: str, table: str) -> None:
    rates = {"Foo": 500, "BAR": 500, "EMG TA": 500, "u": 50, "v": 50, "w": 50}
    path = write(tmp_path / name, rates)
    (tmp_path / table).write_text(BIDS_ROWS, encoding="utf-8-sig")
    info = open_recording(path).info
    assert labels(info) == (["Foo"], ["u", "v", "w"])
    assert any(f"called bad by {table}: 'BAR'" in note for note in info.notes)
    assert labels(open_recording(path, emg=["bar"]).info)[0] == ["BAR"]


def test_the_most_special_bids_table_wins(tmp_path: Path) -> None:
    path = write(tmp_path / "sub-01_recording-x_emg.edf", {"a": 500, "b": 500})
    (tmp_path / "sub-01_channels.tsv").write_text("name\ttype\na\tEMG\n")
    (tmp_path / "sub-01_recording-x_channels.tsv").write_text("name\ttype\nb\tEMG\n")
    assert labels(open_recording(path).info)[0] == ["b"]


def test_the_table_of_one_file_wins_over_that_of_its_series(tmp_path: Path) -> None:
    path = write(tmp_path / "night_01.edf", {"a": 500, "b": 500})
    (tmp_path / "night_channels.tsv").write_text("name\ttype\na\tEMG\n")
    assert labels(open_recording(path).info)[0] == ["a"]
    (tmp_path / "night_01_channels.tsv").write_text("name\ttype\nb\tEMG\n")
    assert labels(open_recording(path).info)[0] == ["b"]


@pytest.mark.parametrize(
    ("name", "table"),
    [("Bein_1.edf", "Bein_1_channels.tsv"), ("sub-1_run-2_emg.edf", "sub-1_run-2_channels.tsv")],
)
def test_the_table_that_a_refusal_advises_helps(tmp_path: Path, name: str, table: str) -> None:
    path = write(tmp_path / name, {"Bein li": 500})
    with pytest.raises(RecordingError, match=rf"Name the EMG channels in {table} beside the file"):
        open_recording(path)
    (tmp_path / table).write_text("name\ttype\nBein li\tEMG\n")
    assert labels(open_recording(path).info)[0] == ["Bein li"]


def test_a_bids_table_that_names_no_good_emg_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "night.edf", {"EMG": 500})
    (tmp_path / "night_channels.tsv").write_text("name\ttype\tstatus\nEMG\tEMG\tbad\n")
    with pytest.raises(RecordingError, match=r"night_channels\.tsv calls good EMG among 'EMG'"):
        open_recording(path)


@pytest.mark.parametrize("content", [b"label\tkind\nEMG\tEMG\n", b"name\ttype\n\xff\xfe\tEMG\n"])
def test_a_broken_bids_table_is_refused_by_its_name(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "night.edf", {"EMG": 500})
    (tmp_path / "night_channels.tsv").write_bytes(content)
    with pytest.raises(RecordingError, match=r"night_channels\.tsv: "):
        open_recording(path)


EMG_NAME, ACC_NAME = "sub-1_recording-emg_emg.edf", "sub-1_recording-acc_emg.edf"


@pytest.mark.parametrize(
    ("start", "first", "missing"),
    [("22:00:00", 0, 0), ("22:00:03", None, 3 * 50), ("21:59:58", 100, 2 * 50)],
)
def test_acceleration_of_the_second_file_is_put_at_its_time(
    tmp_path: Path, start: str, first: int | None, missing: int
) -> None:
    path = write(tmp_path / EMG_NAME, {"EMG": 500})
    write(tmp_path / ACC_NAME, dict.fromkeys(ACC, 50), start=start)
    recording = open_recording(path)
    assert recording.info.acc is not None
    assert recording.info.acc.n_samples == DURATION_S * 50
    acc = acc_of(recording)[0]
    assert np.isnan(acc).sum() == missing
    if first is None:
        assert np.flatnonzero(~np.isnan(acc))[0] == missing
        assert acc[missing : missing + 3].tolist() == [0, 1, 2]
    else:
        assert acc[:3].tolist() == [first, first + 1, first + 2]
    assert any(ACC_NAME in note for note in recording.info.notes)
    assert recording.info.gaps == ()


def test_own_acceleration_wins_over_a_second_file(tmp_path: Path) -> None:
    path = write(tmp_path / EMG_NAME, {"EMG": 500} | dict.fromkeys(ACC, 25))
    write(tmp_path / ACC_NAME, dict.fromkeys(ACC, 50))
    info = open_recording(path).info
    assert info.acc is not None
    assert info.acc.rate_hz == 25


def test_a_second_file_that_cannot_be_used_is_left_out_with_its_reason(tmp_path: Path) -> None:
    path = write(tmp_path / EMG_NAME, {"EMG": 500})
    write(tmp_path / ACC_NAME, dict.fromkeys(ACC, 50), start="23:00:00")
    info = open_recording(path).info
    assert info.acc is None
    assert any(f"{ACC_NAME}: it starts 3600 s after" in note for note in info.notes)
    (tmp_path / ACC_NAME).write_bytes(b"junk")
    info = open_recording(path).info
    assert any("not an EDF" in note for note in info.notes)
    with pytest.raises(RecordingError, match="not an EDF"):
        open_recording(path, acc=list(ACC))
