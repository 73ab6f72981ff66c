"""EDF and BDF files byte by byte: what is read, where it is put, and which files are refused."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest

from nightcramp.errors import RecordingError
from recordings import Annotation, EdfRecording, Gap, open_recording

if TYPE_CHECKING:
    from pathlib import Path

RATE = 200


@dataclass(frozen=True)
class Signal:
    label: str = "EMG GM"
    unit: str = "uV"
    physical: tuple[str, str] = ("-3276.8", "3276.7")
    digital: tuple[str, str] = ("-32768", "32767")
    samples: str = str(RATE)
    data: bytes = b""  # all data records; zeros if empty


@dataclass(frozen=True)
class File:
    """Fields of a file, to be spoiled one by one; `lists` are the annotations of each record."""

    signals: tuple[Signal, ...] = (Signal(),)
    lists: tuple[bytes, ...] = ()
    n_records: int = 12
    record_s: str = "1"
    fields: dict[str, str] = field(default_factory=dict)
    bdf: bool = False

    def to_bytes(self) -> bytes:
        signals = self.signals
        kind = "BDF" if self.bdf else "EDF"
        if self.lists:
            width = -(-max(map(len, self.lists)) // 6) * 6
            data = b"".join(text.ljust(width, b"\0") for text in self.lists)
            samples = str(width // (3 if self.bdf else 2))
            label = f"{kind} Annotations"
            signals += (Signal(label, "", ("-1", "1"), samples=samples, data=data),)
        fields = {
            "patient": "X X X X",
            "recording": "Startdate 22-NOV-2026 X X X",
            "date": "22.11.26",
            "time": "22.30.00",
            "size": str(256 * (len(signals) + 1)),
            "reserved": f"{kind}+C" if self.lists else "",
            "n_records": str(self.n_records),
            "record_s": self.record_s,
            "n_signals": str(len(signals)),
        } | self.fields
        widths = (80, 80, 8, 8, 8, 44, 8, 8, 4)
        head = b"\xffBIOSEMI" if self.bdf else b"0       "
        head += b"".join(_pad(t, w) for t, w in zip(fields.values(), widths, strict=True))
        for width, texts in (
            (16, [s.label for s in signals]),
            (80, [""] * len(signals)),
            (8, [s.unit for s in signals]),
            (8, [s.physical[0] for s in signals]),
            (8, [s.physical[1] for s in signals]),
            (8, [s.digital[0] for s in signals]),
            (8, [s.digital[1] for s in signals]),
            (80, [""] * len(signals)),
            (8, [s.samples for s in signals]),
            (32, [""] * len(signals)),
        ):
            head += b"".join(_pad(text, width) for text in texts)
        return head + b"".join(
            self._part(signal, record) for record in range(self.n_records) for signal in signals
        )

    def _part(self, signal: Signal, record: int) -> bytes:
        size = int(signal.samples) * (3 if self.bdf else 2) if signal.samples.isdigit() else 0
        return signal.data[record * size : (record + 1) * size].ljust(size, b"\0")

    def write(self, folder: Path, name: str = "night.edf") -> Path:
        path = folder / name
        path.write_bytes(self.to_bytes())
        return path


def _pad(text: str, width: int) -> bytes:
    return text.encode("latin-1").ljust(width)[:width]


def counts(n: int) -> npt.NDArray[np.int16]:
    """Counts that differ from sample to sample, so that a shifted one is seen."""
    return ((np.arange(n) * 37) % 30011 - 15000).astype("<i2")


def emg_of(recording: EdfRecording, block_s: float = 3.7) -> npt.NDArray[np.float32]:
    return np.concatenate([block.emg for block in recording.blocks(block_s)], axis=1)


def acc_of(recording: EdfRecording, block_s: float = 3.7) -> npt.NDArray[np.float32]:
    blocks = [block.acc for block in recording.blocks(block_s) if block.acc is not None]
    return np.concatenate(blocks, axis=1)


def timekeeping(onsets: list[float], extra: dict[int, bytes] | None = None) -> tuple[bytes, ...]:
    extra = extra or {}
    return tuple(
        f"+{onset:g}\x14\x14\0".encode() + extra.get(i, b"") for i, onset in enumerate(onsets)
    )


# --- what is read -------------------------------------------------------------------------------


def test_16_bit_samples_are_count_times_step(tmp_path: Path) -> None:
    data = counts(12 * RATE)
    recording = open_recording(File((Signal(data=data.tobytes()),)).write(tmp_path))
    np.testing.assert_array_equal(emg_of(recording)[0], (data * 0.1).astype(np.float32))
    channel = recording.info.emg.channels[0]
    assert (channel.label, channel.unit, channel.resolution) == ("EMG GM", "uV", 0.1)
    assert channel.limits == (-3276.8, 3276.7)


def test_24_bit_samples_are_count_times_step_down_to_the_sign(tmp_path: Path) -> None:
    values = [0, 1, -1, 8388607, -8388608, 256, -256, 65536, -65537, 1234567]
    data = b"".join(struct.pack("<i", v)[:3] for v in values * (12 * RATE // len(values)))
    signal = Signal(physical=("-8388608", "8388607"), digital=("-8388608", "8388607"), data=data)
    recording = open_recording(File((signal,), bdf=True).write(tmp_path, "night.bdf"))
    np.testing.assert_array_equal(emg_of(recording)[0][: len(values)], np.float32(values))
    assert recording.info.emg.channels[0].resolution == 1.0


def test_an_inverted_physical_range_inverts_the_samples(tmp_path: Path) -> None:
    data = counts(12 * RATE)
    signal = Signal(physical=("3276.8", "-3276.7"), data=data.tobytes())
    recording = open_recording(File((signal,)).write(tmp_path))
    np.testing.assert_array_equal(emg_of(recording)[0], (data * -0.1).astype(np.float32))
    assert recording.info.emg.channels[0].resolution == pytest.approx(0.1)
    assert recording.info.emg.channels[0].limits == (-3276.7, 3276.8)


def test_an_offset_between_counts_and_units_is_kept(tmp_path: Path) -> None:
    data = (np.arange(12 * RATE) % 4096).astype("<i2")
    signal = Signal("EMG", "mV", ("-1.65", "1.65"), ("0", "4095"), data=data.tobytes())
    recording = open_recording(File((signal,)).write(tmp_path))
    expected = (-1650 + data.astype(np.float64) * 3300 / 4095).astype(np.float32)
    np.testing.assert_allclose(emg_of(recording)[0], expected, rtol=1e-6, atol=1e-4)
    assert recording.info.emg.channels[0].limits == (-1650.0, 1650.0)


@pytest.mark.parametrize(
    ("unit", "delivered", "factor"),
    [
        ("uV", "uV", 1), ("UV", "uV", 1), ("\xb5V", "uV", 1), ("microV", "uV", 1),
        ("mV", "uV", 1e3), ("V", "uV", 1e6), ("nV", "uV", 1e-3),
        ("uVolts", "uV", 1), ("mVolt", "uV", 1e3), ("Volts", "uV", 1e6), ("microvol", "count", 1),
        ("", "count", 1), ("counts", "count", 1), ("adc", "count", 1), ("LSB", "count", 1),
        ("g", "count", 1),
    ],
)  # fmt: skip
def test_emg_is_delivered_in_microvolts_or_counts(
    tmp_path: Path, unit: str, delivered: str, factor: float
) -> None:
    data = counts(12 * RATE)
    recording = open_recording(File((Signal(unit=unit, data=data.tobytes()),)).write(tmp_path))
    channel = recording.info.emg.channels[0]
    assert (channel.unit, channel.scaled) == (delivered, delivered == "uV")
    assert channel.resolution == pytest.approx(0.1 * factor)
    assert channel.limits == pytest.approx((-3276.8 * factor, 3276.7 * factor))
    np.testing.assert_allclose(emg_of(recording)[0], data * 0.1 * factor, rtol=1e-6)


@pytest.mark.parametrize(
    ("unit", "delivered", "factor"),
    [
        ("g", "g", 1), ("mg", "g", 1e-3), ("m/s2", "g", 1 / 9.80665), ("m/s^2", "g", 1 / 9.80665),
        ("m/s\xb2", "g", 1 / 9.80665), ("counts", "count", 1), ("", "count", 1),
    ],
)  # fmt: skip
def test_acceleration_is_delivered_in_g_or_counts(
    tmp_path: Path, unit: str, delivered: str, factor: float
) -> None:
    axes = tuple(
        Signal(
            f"ACC {axis}", unit, ("-32768", "32767"), samples="10", data=(counts(120) + i).tobytes()
        )
        for i, axis in enumerate("XYZ")
    )
    recording = open_recording(File((Signal(), *axes)).write(tmp_path))
    assert recording.info.acc is not None
    assert recording.info.acc.channels[0].unit == delivered
    expected = np.stack([counts(120) + i for i in range(3)]) * factor
    np.testing.assert_allclose(acc_of(recording), expected, rtol=1e-6)


def test_rates_follow_from_the_duration_of_a_data_record(tmp_path: Path) -> None:
    recording = open_recording(
        File((Signal(samples="997"),), n_records=6, record_s="2.5").write(tmp_path)
    )
    assert recording.info.emg.rate_hz == 398.8
    assert recording.info.emg.n_samples == 6 * 997
    assert recording.info.duration_s == pytest.approx(15.0)


def test_one_data_record_larger_than_a_piece_of_reading_is_read_in_parts(tmp_path: Path) -> None:
    data = counts(600_000)
    signals = (
        Signal(samples="600000", data=data.tobytes()),
        Signal("EEG C3", samples="10"),
        Signal("EMG TA", samples="600000", data=data[::-1].tobytes()),
    )
    path = File(signals, n_records=1, record_s="300").write(tmp_path)
    emg = emg_of(open_recording(path), block_s=41.3)
    np.testing.assert_array_equal(emg, np.float32(np.stack((data, data[::-1])) * 0.1))


# --- start ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recording_field", "date", "expected"),
    [
        ("Startdate 22-NOV-2026 X X X", "22.11.26", datetime.fromisoformat("2026-11-22T22:30")),
        ("Startdate 02-mar-2090 X X X", "02.03.yy", datetime.fromisoformat("2090-03-02T22:30")),
        ("some hospital", "02.01.85", datetime.fromisoformat("1985-01-02T22:30")),
        ("some hospital", "01.01.85", None),
        ("some hospital", "31.12.84", datetime.fromisoformat("2084-12-31T22:30")),
        ("Startdate 32-NOV-2026 X X X", "22.11.26", datetime.fromisoformat("2026-11-22T22:30")),
        ("Startdate X X X X", "22.11.26", None),
        ("Startdate 01-JAN-1985 X X X", "01.01.85", datetime.fromisoformat("1985-01-01T22:30")),
        ("some hospital", "31.02.26", None),
        ("some hospital", "X", None),
    ],
)
def test_the_start_is_the_one_the_header_means(
    tmp_path: Path, recording_field: str, date: str, expected: datetime | None
) -> None:
    fields = {"recording": recording_field, "date": date}
    info = open_recording(File(fields=fields).write(tmp_path)).info
    assert info.start == expected
    assert any("start is unknown" in note for note in info.notes) == (expected is None)


def test_contradicting_start_dates_are_noted(tmp_path: Path) -> None:
    info = open_recording(File(fields={"date": "23.11.26"}).write(tmp_path)).info
    assert info.start == datetime.fromisoformat("2026-11-22T22:30")
    assert any("2026-11-23" in note for note in info.notes)


def test_a_time_that_is_none_leaves_the_start_unknown(tmp_path: Path) -> None:
    assert open_recording(File(fields={"time": "25.00.00"}).write(tmp_path)).info.start is None


# --- annotations, gaps ----------------------------------------------------------------------------


def test_annotations_count_from_the_first_sample_and_a_fraction_moves_the_start(
    tmp_path: Path,
) -> None:
    extra = {1: b"+3.75\x151.5\x14turned over\x14lights\x14\0", 2: b"-2\x14before\x14\0"}
    lists = timekeeping([0.25 + i for i in range(12)], extra)
    info = open_recording(File(lists=lists).write(tmp_path)).info
    assert info.start == datetime.fromisoformat("2026-11-22T22:30:00.250000")
    assert info.annotations == (
        Annotation(3.5, 1.5, "turned over"),
        Annotation(3.5, 1.5, "lights"),
        Annotation(-2.25, 0.0, "before"),
    )
    assert info.gaps == ()
    assert info.emg.n_samples == 12 * RATE


@pytest.mark.parametrize("bdf", [False, True])
def test_a_discontinuous_file_has_its_records_at_their_time(tmp_path: Path, *, bdf: bool) -> None:
    onsets = [0.5 + i + (60.25 if i >= 4 else 0) + (0.1 if i >= 9 else 0) for i in range(12)]
    onsets[0] = 0.5
    data = counts(12 * RATE)
    raw = data.tobytes()
    if bdf:
        raw = b"".join(struct.pack("<i", int(v))[:3] for v in data)
    axes = tuple(
        Signal(f"ACC {a}", "g", ("-32768", "32767"), samples="10", data=raw) for a in "XYZ"
    )
    lists = tuple(f"+{onset}\x14\x14\0".encode() for onset in onsets)
    file = File(
        (Signal(data=raw), *axes),
        lists,
        fields={"reserved": f"{'BDF' if bdf else 'EDF'}+D"},
        bdf=bdf,
    )
    recording = open_recording(file.write(tmp_path))
    info = recording.info
    assert info.gaps == (
        Gap(4.0, 60.25, "EDF+D"),
        Gap(pytest.approx(69.25), pytest.approx(0.1), "EDF+D"),
    )
    emg = emg_of(recording)[0]
    expected = np.full(round(72.35 * RATE), np.nan, dtype=np.float32)
    for record, onset in enumerate(onsets):
        at = round((onset - 0.5) * RATE)
        expected[at : at + RATE] = data[record * RATE : (record + 1) * RATE] * 0.1
    np.testing.assert_array_equal(emg, expected)
    acc = acc_of(recording)[2]
    assert len(acc) == 724  # the samples before 72.35 s
    np.testing.assert_array_equal(acc[:40], data[:40])
    assert np.isnan(acc[40:642]).all()
    np.testing.assert_array_equal(acc[642:692], data[40:90])


def test_onsets_rounded_to_milliseconds_make_no_gaps(tmp_path: Path) -> None:
    record_s = 200 / 333
    lists = tuple(f"+{i * record_s:.3f}\x14\x14\0".encode() for i in range(30))
    file = File(lists=lists, n_records=30, record_s="0.600601", fields={"reserved": "EDF+D"})
    info = open_recording(file.write(tmp_path)).info
    assert info.gaps == ()
    assert info.emg.n_samples == 30 * RATE


def test_a_clock_that_runs_fast_never_puts_one_record_over_another(tmp_path: Path) -> None:
    onsets = [i * 0.9985 + (0.004 if i >= 10 else 0) for i in range(12)]
    lists = tuple(f"+{onset:.4f}\x14\x14\0".encode() for onset in onsets)
    data = counts(12 * RATE)
    file = File((Signal(data=data.tobytes()),), lists, fields={"reserved": "EDF+D"})
    emg = emg_of(open_recording(file.write(tmp_path)))[0]
    np.testing.assert_array_equal(emg[~np.isnan(emg)], np.float32(data * 0.1))


def test_overlapping_records_of_a_discontinuous_file_are_refused(tmp_path: Path) -> None:
    lists = timekeeping([0, 1, 2, 3, 3.5, 5, 6, 7, 8, 9, 10, 11])
    file = File(lists=lists, fields={"reserved": "EDF+D"})
    with pytest.raises(RecordingError, match=r"data record 5: .* begins at 3\.5 s"):
        open_recording(file.write(tmp_path))


def test_a_discontinuous_record_that_does_not_say_its_time_is_refused(tmp_path: Path) -> None:
    lists = (*timekeeping([0, 1, 2]), b"", *timekeeping([4, 5, 6, 7, 8, 9, 10, 11]))
    file = File(lists=lists, fields={"reserved": "EDF+D"})
    with pytest.raises(RecordingError, match=r"data record 4: .*does not say when"):
        open_recording(file.write(tmp_path))
    with pytest.raises(RecordingError, match="does not say when"):
        open_recording(File(fields={"reserved": "EDF+D"}).write(tmp_path))


def test_a_continuous_file_with_odd_onsets_is_taken_as_continuous_and_noted(tmp_path: Path) -> None:
    lists = timekeeping([0, 1, 2, 30, 31, 32, 33, 34, 35, 36, 37, 38])
    info = open_recording(File(lists=lists).write(tmp_path)).info
    assert info.duration_s == 12
    assert any("data record 4" in note for note in info.notes)


@pytest.mark.parametrize("text", ["BAD_ACQ_SKIP", "bad_acq_skip", "Bad_ACQ_Skip "])
def test_padded_time_becomes_a_gap(tmp_path: Path, text: str) -> None:
    data = counts(12 * RATE) | 1
    axes = tuple(Signal(f"ACC {a}", "g", samples="10", data=data.tobytes()) for a in "XYZ")
    lists = timekeeping(list(range(12)), {3: f"+3.5\x154.25\x14{text}\x14\0".encode()})
    recording = open_recording(File((Signal(data=data.tobytes()), *axes), lists).write(tmp_path))
    assert recording.info.gaps == (Gap(3.5, 4.25, "BAD_ACQ_SKIP"),)
    assert recording.info.annotations == ()
    lost = np.isnan(emg_of(recording)[0])
    assert lost[700:1550].all()
    assert lost.sum() == 850
    lost = np.isnan(acc_of(recording)).all(axis=0)
    assert lost[35:78].all()
    assert lost.sum() == 43


def test_padded_time_of_one_channel_is_missing_in_that_channel_alone(tmp_path: Path) -> None:
    data = (counts(12 * RATE) | 1).tobytes()
    lists = timekeeping(list(range(12)), {3: b"+3\x152\x14BAD_ACQ_SKIP@@EMG TA\x14\0"})
    signals = (Signal(data=data), Signal("EMG TA", data=data))
    recording = open_recording(File(signals, lists).write(tmp_path))
    assert recording.info.gaps == ()
    assert np.isnan(emg_of(recording)).sum(axis=1).tolist() == [0, 2 * RATE]
    assert any("'EMG TA' alone lacks 2 s" in note for note in recording.info.notes)


def test_gaps_are_told_in_order_without_overlap_and_within_the_recording(tmp_path: Path) -> None:
    extra = {
        0: b"+8\x1520\x14BAD_ACQ_SKIP\x14\0",
        1: b"+1\x153\x14BAD_ACQ_SKIP\x14\0+2\x154\x14BAD_ACQ_SKIP\x14\0",
        2: b"+9\x14BAD_ACQ_SKIP\x14\0",
    }
    info = open_recording(File(lists=timekeeping(list(range(12)), extra)).write(tmp_path)).info
    assert [(gap.onset_s, gap.duration_s) for gap in info.gaps] == [(1, 3), (4, 2), (8, 4)]
    assert info.annotations == (Annotation(9.0, 0.0, "BAD_ACQ_SKIP"),)


def test_broken_annotations_are_noted_and_the_others_kept(tmp_path: Path) -> None:
    extra = {
        2: b"2.5\x14no sign\x14\0",
        4: b"+4.5\x14kept\x14\0",
        5: b"+" + b"9" * 400 + b"\x14\x14\0",
    }
    info = open_recording(File(lists=timekeeping(list(range(12)), extra)).write(tmp_path)).info
    assert info.annotations == (Annotation(4.5, 0.0, "kept"),)
    assert any("cannot be read" in note for note in info.notes)


# --- sizes that disagree with the header ----------------------------------------------------------


def test_a_cut_file_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    data = counts(20 * RATE)
    whole = File((Signal(data=data.tobytes()),), n_records=20).to_bytes()
    path = tmp_path / "night.edf"
    path.write_bytes(whole[: 512 + 15 * RATE * 2 + 123])
    recording = open_recording(path)
    assert recording.info.duration_s == 15
    assert recording.info.gaps == ()
    assert any("cut: 15 of 20" in note for note in recording.info.notes)
    np.testing.assert_array_equal(emg_of(recording)[0], (data[: 15 * RATE] * 0.1).astype("f4"))


def test_an_unfinished_file_tells_its_length_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "night.edf"
    path.write_bytes(File(fields={"n_records": "-1"}).to_bytes() + b"\0" * 7)
    info = open_recording(path).info
    assert info.duration_s == 12
    assert any("never finished: it holds 12" in note and "7 bytes" in note for note in info.notes)


def test_bytes_after_the_last_record_are_noted(tmp_path: Path) -> None:
    path = tmp_path / "night.edf"
    path.write_bytes(File().to_bytes() + b"\0" * 1000)
    info = open_recording(path).info
    assert info.duration_s == 12
    assert any("1000 bytes after" in note for note in info.notes)


def test_a_file_that_shrinks_while_it_is_read_is_a_recording_error(tmp_path: Path) -> None:
    path = File().write(tmp_path)
    recording = open_recording(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(RecordingError, match=r"night\.edf: the file ends at byte"):
        emg_of(recording)
    path.unlink()
    with pytest.raises(RecordingError, match="cannot be read"):
        emg_of(recording)


# --- refused --------------------------------------------------------------------------------------

BAD_FILES = {
    "a version that is none": (File().to_bytes().replace(b"0", b"7", 1), "not an EDF or BDF"),
    "an empty file": (b"", r"the file is empty\. Copy it again"),
    "a text": (b"onset\tduration\n" * 50, "not an EDF or BDF"),
    "a header cut in the fixed part": (File().to_bytes()[:100], "header is cut: 100 bytes"),
    "a header cut in the signals": (File().to_bytes()[:400], "header is cut: 400 bytes of 512"),
    "no data": (File().to_bytes()[:512], "no whole data record"),
    "half a record": (File().to_bytes()[:600], "no whole data record"),
    "no records": (File(n_records=0).to_bytes(), "no whole data record"),
    "no records stated": (File(fields={"n_records": "0"}).to_bytes(), "no whole data record"),
    "-5 records": (File(fields={"n_records": "-5"}).to_bytes(), "number of data records: -5"),
    "no signals": (File(fields={"n_signals": "0", "size": "256"}).to_bytes(), "has 0 signals"),
    "-1 signals": (File(fields={"n_signals": "-1", "size": "0"}).to_bytes(), "has -1 signals"),
    "words for a number": (
        File(fields={"n_signals": "two"}).to_bytes(),
        "header, number of signals: 'two' is not a whole number",
    ),
    "digits that are not ASCII": (
        File(fields={"n_records": "\xb2\xb3"}).to_bytes(),
        "header, number of data records: .* is not a whole number",
    ),
    "another header size": (File(fields={"size": "768"}).to_bytes(), "header size: .*512.* 768"),
    "records without duration": (File(record_s="0").to_bytes(), "must last longer than 0"),
    "records of negative duration": (File(record_s="-1").to_bytes(), "must last longer than 0"),
    "records of no number": (File(record_s="nan").to_bytes(), "duration of a data record: 'nan'"),
    "records of an infinite number": (File(record_s="inf").to_bytes(), "'inf' is not a number"),
    "an exponent beyond sense": (File(record_s="1e999999").to_bytes(), "is not a number"),
    "records of an hour and more": (File(record_s="9e9").to_bytes(), "must last 10 s to 168 h"),
    "9 s": (File(n_records=9).to_bytes(), "lasts 9 s, but must last 10 s to 168 h"),
    "eight days": (File(record_s="57600").to_bytes(), "lasts 691200 s"),
    "no samples": (
        File((Signal(), Signal("EMG 2", samples="0"))).to_bytes(),
        "samples per data record of 'EMG 2': 0 is not above 0",
    ),
    "samples that are no number": (
        File((Signal(samples="many"),)).to_bytes(),
        "samples per data record of 'EMG GM': 'many' is not a whole number",
    ),
    "an empty physical range": (
        File((Signal(physical=("5", "5.0")),)).to_bytes(),
        "channel 'EMG GM': the physical range, 5 to 5.0, is empty",
    ),
    "an empty digital range": (
        File((Signal(digital=("7", "7")),)).to_bytes(),
        "channel 'EMG GM': the digital range, 7 to 7, is empty",
    ),
    "a physical range beyond float32": (
        File((Signal(unit="V", physical=("-9e99", "9e99")),)).to_bytes(),
        "physical range reaches beyond 1e\\+30 uV",
    ),
    "a falling digital range": (
        File((Signal(digital=("100", "-100")),)).to_bytes(),
        "the digital range, 100 to -100, must rise",
    ),
    "a digital range of 17 bits": (
        File((Signal(digital=("0", "65535")),)).to_bytes(),
        "digital range, 0 to 65535, must rise within -32768 to 32767",
    ),
    "a physical range that is no number": (
        File((Signal(physical=("-1", "one")),)).to_bytes(),
        "physical maximum of 'EMG GM': 'one' is not a number",
    ),
    "a decimal comma": (
        File((Signal(physical=("-1,5", "1,5")),)).to_bytes(),
        "'-1,5' is not a number, expected one with a point for decimals. Write the file again",
    ),
    "100 Hz": (File((Signal(samples="100"),)).to_bytes(), "20 Hz upwards needs 200 to 4000"),
    "5000 Hz": (File((Signal(samples="5000"),)).to_bytes(), "'EMG GM' at 5000 Hz"),
    "no EMG": (
        File((Signal("EEG C3"), Signal("Resp"))).to_bytes(),
        "no channel that looks like EMG among 'EEG C3', 'Resp'.* --emg",
    ),
    "annotations alone": (
        File((), timekeeping([0, 1]), n_records=2).to_bytes(),
        "holds annotations but no signals",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_with_file_place_and_reason(tmp_path: Path, name: str) -> None:
    content, reason = BAD_FILES[name]
    path = tmp_path / "night.edf"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=f"(?s)night\\.edf: .*{reason}") as caught:
        open_recording(path)
    assert caught.value.file == path


def test_a_dead_channel_is_left_out_where_others_can_be_used(tmp_path: Path) -> None:
    dead = Signal("EMG GL", physical=("0", "0"))
    path = tmp_path / "night.edf"
    path.write_bytes(File((dead, Signal("EMG GM"))).to_bytes())
    info = open_recording(path).info
    assert [channel.label for channel in info.emg.channels] == ["EMG GM"]
    (note,) = (note for note in info.notes if note.startswith("left out"))
    assert "channel 'EMG GL': the physical range, 0 to 0, is empty" in note
    with pytest.raises(RecordingError, match="'EMG GL': the physical range"):
        open_recording(path, emg=["EMG GM", "EMG GL"])


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"none\.edf: cannot be read \(No such file"):
        open_recording(tmp_path / "none.edf")
    with pytest.raises(RecordingError, match="cannot be read"):
        open_recording(tmp_path)


def test_a_broken_range_of_a_channel_that_is_not_used_does_not_matter(tmp_path: Path) -> None:
    signals = (Signal(), Signal("Light", physical=("0", "0")))
    assert open_recording(File(signals).write(tmp_path)).info.duration_s == 12


def test_a_discontinuous_file_is_judged_by_the_time_it_spans(tmp_path: Path) -> None:
    lists = timekeeping([i * 60_000 for i in range(12)])
    with pytest.raises(RecordingError, match="lasts 660001 s"):
        open_recording(File(lists=lists, fields={"reserved": "EDF+D"}).write(tmp_path))


def test_junk_in_texts_is_read_as_text(tmp_path: Path) -> None:
    signals = (replace(Signal(), label="EMG \xe4\xff", unit="\xff"),)
    channel = open_recording(File(signals).write(tmp_path)).info.emg.channels[0]
    assert (channel.label, channel.unit) == ("EMG \xe4\xff", "count")
