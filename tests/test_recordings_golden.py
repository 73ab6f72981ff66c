"""Files of two independent makers, and real ones, against what other readers say of them."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime, time
from pathlib import Path

import edfio
import numpy as np
import numpy.typing as npt
import pyedflib
import pytest

from nightcramp.errors import RecordingError
from recordings import Annotation, open_recording

SECONDS = 11
REAL = Path(__file__).parents[2] / "shared" / "data" / "real"


def emg_of(path: Path) -> npt.NDArray[np.float32]:
    return np.concatenate([block.emg for block in open_recording(path).blocks(2.3)], axis=1)


@pytest.mark.parametrize("plus", [False, True])
@pytest.mark.parametrize("ending", [".edf", ".bdf"])
@pytest.mark.parametrize("physical", [(-3276.8, 3276.7), (-64.9, 64.9), (0.0, 1000.0)])
def test_files_made_by_edfio_read_as_edfio_reads_them(
    tmp_path: Path, ending: str, physical: tuple[float, float], *, plus: bool
) -> None:
    rng = np.random.default_rng(3)
    make, signal, read = (
        (edfio.Edf, edfio.EdfSignal, edfio.read_edf)
        if ending == ".edf"
        else (edfio.Bdf, edfio.BdfSignal, edfio.read_bdf)
    )
    bits = 15 if ending == ".edf" else 23
    path = tmp_path / f"night{ending}"
    signals = [
        signal(
            rng.uniform(*physical, SECONDS * 500),
            500,
            label=label,
            physical_dimension="uV",
            physical_range=physical,
            digital_range=(-(1 << bits), (1 << bits) - 1),
        )
        for label in ("EMG GM", "EMG TA")
    ]
    make(
        signals,
        recording=edfio.Recording(startdate=date(2026, 11, 22)),
        starttime=time(22, 30),
        annotations=[edfio.EdfAnnotation(3.25, 1.5, "kräftig")] if plus else None,
    ).write(path)
    expected = np.stack([s.data for s in read(path).signals])
    np.testing.assert_allclose(emg_of(path), expected, rtol=1e-7, atol=1e-7 * physical[1])
    info = open_recording(path).info
    assert info.start == datetime.fromisoformat("2026-11-22T22:30")
    assert info.annotations == ((Annotation(3.25, 1.5, "kräftig"),) if plus else ())


KINDS = {
    "night.edf": pyedflib.FILETYPE_EDF,
    "plus.edf": pyedflib.FILETYPE_EDFPLUS,
    "night.bdf": pyedflib.FILETYPE_BDF,
    "plus.bdf": pyedflib.FILETYPE_BDFPLUS,
}


@pytest.mark.parametrize("name", KINDS)
def test_files_made_by_pyedflib_read_as_pyedflib_reads_them(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    bits = 15 if path.suffix == ".edf" else 23
    header = {
        "dimension": "mV",
        "physical_min": -5.0,
        "physical_max": 5.0,
        "digital_min": -(1 << bits),
        "digital_max": (1 << bits) - 1,
    }
    rng = np.random.default_rng(4)
    with pyedflib.EdfWriter(str(path), 2, KINDS[name]) as writer:
        writer.setStartdatetime(datetime.fromisoformat("2026-11-22T22:30"))
        for channel, (label, rate) in enumerate({"EMG GM": 400, "EEG C3": 200}.items()):
            writer.setSignalHeader(channel, header | {"label": label, "sample_frequency": rate})
        if name.startswith("plus"):
            writer.writeAnnotation(2.5, 1.5, "lights off")
        writer.writeSamples([rng.uniform(-5, 5, SECONDS * rate) for rate in (400, 200)])
    with pyedflib.EdfReader(str(path)) as reader:
        expected = reader.readSignal(0) * 1000
    info = open_recording(path).info
    np.testing.assert_allclose(emg_of(path), expected[np.newaxis], rtol=1e-6, atol=1e-4)
    assert (info.start, info.emg.rate_hz) == (datetime.fromisoformat("2026-11-22T22:30"), 400)
    assert info.emg.channels[0].limits == (-5000.0, 5000.0)
    texts = [(a.onset_s, a.duration_s, a.text) for a in info.annotations]
    assert texts == ([(2.5, 1.5, "lights off")] if name.startswith("plus") else [])


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.is_dir(), reason="the real recordings are not here")
def test_every_real_recording_reads_as_edfio_reads_it_or_is_too_short() -> None:
    paths = sorted(REAL.glob("*.edf"))
    assert paths
    for path in paths:
        other = edfio.read_edf(path)
        if other.duration < 10:
            with pytest.raises(RecordingError, match="lasts 5 s"):
                open_recording(path)
            continue
        channels = open_recording(path).info.emg.channels
        expected = np.stack([other.get_signal(channel.label).data for channel in channels])
        np.testing.assert_allclose(emg_of(path), expected, rtol=1e-6, atol=1e-5, err_msg=path.name)


STREAM = """
import resource, sys
from pathlib import Path
from recordings import open_recording
open_recording(Path(sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
recording = open_recording(Path(sys.argv[2]))
samples = sum(block.emg.shape[1] for block in recording.blocks())
print(samples, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_memory_stays_flat_over_a_file_of_100_mb(tmp_path: Path) -> None:
    def make(name: str, seconds: int) -> Path:
        data = np.zeros(seconds * 2000, dtype=np.int16)
        signals = [edfio.EdfSignal.from_digital(data, 2000, label=f"EMG {i}") for i in range(4)]
        path = tmp_path / name
        edfio.Edf(signals, annotations=[]).write(path)
        return path

    small, large = make("small.edf", 20), make("large.edf", 6400)
    assert large.stat().st_size > 100e6
    output = subprocess.run(
        [sys.executable, "-c", STREAM, small, large],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1],
    ).stdout  # fmt: skip
    samples, growth_mb = map(int, output.split())
    assert samples == 6400 * 2000
    assert growth_mb < 60
