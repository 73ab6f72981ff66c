"""Laws that hold for every block length and every damage."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightcramp.errors import RecordingError
from recordings import (
    ArrayRecording,
    Block,
    Channel,
    Recording,
    RecordingInfo,
    Stream,
    open_recording,
    write_edf,
)

if TYPE_CHECKING:
    from pathlib import Path

SECONDS, EMG_HZ, ACC_HZ = 12, 333.0, 52.0


@cache
def array() -> ArrayRecording:
    rng = np.random.default_rng(5)
    emg = rng.integers(-500, 500, (2, int(SECONDS * EMG_HZ))).astype(np.float32)
    acc = rng.integers(-500, 500, (3, int(SECONDS * ACC_HZ))).astype(np.float32)
    emg[:, 1000:1100] = np.nan
    emg[1, 50:60] = np.nan
    acc[:, 160:170] = np.nan
    channel = ("count", 1.0, (-500.0, 500.0))
    info = RecordingInfo(
        name="night",
        start=datetime.fromisoformat("2026-11-22T22:00"),
        emg=Stream("emg", EMG_HZ, tuple(Channel(f"EMG {i}", *channel) for i in "12"), emg.shape[1]),
        acc=Stream(
            "acc", ACC_HZ, tuple(Channel(f"ACC {a}", *channel) for a in "XYZ"), acc.shape[1]
        ),
    )
    return ArrayRecording(info, emg, acc)


@pytest.fixture(scope="module")
def edf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("properties") / "night.edf"
    write_edf(path, array().info, array().emg, array().acc)
    return path


def joined(blocks: list[Block]) -> tuple[np.ndarray, np.ndarray]:
    acc = [block.acc for block in blocks if block.acc is not None]
    return np.concatenate([b.emg for b in blocks], axis=1), np.concatenate(acc, axis=1)


@pytest.mark.parametrize("kind", ["array", "file"])
@settings(deadline=None, max_examples=60)
@given(
    block_s=st.floats(0.004, 30), start_s=st.floats(-1, SECONDS), length_s=st.floats(0.1, SECONDS)
)
def test_blocks_of_any_length_join_to_the_same_samples(
    edf: Path, kind: str, block_s: float, start_s: float, length_s: float
) -> None:
    recording: Recording = array() if kind == "array" else open_recording(edf)
    whole_emg, whole_acc = array().emg, array().acc
    assert whole_acc is not None
    stop_s = start_s + length_s
    blocks = list(recording.blocks(block_s, start_s=start_s, stop_s=stop_s))
    begin = round(max(start_s, 0) * EMG_HZ)
    end = min(round(stop_s * EMG_HZ), whole_emg.shape[1])
    if begin >= end:
        assert not blocks
        return
    emg, acc = joined(blocks)
    np.testing.assert_array_equal(emg, whole_emg[:, begin:end])
    first = int(np.ceil(begin / EMG_HZ * ACC_HZ - 1e-3))
    last = int(np.ceil(end / EMG_HZ * ACC_HZ - 1e-3))
    np.testing.assert_array_equal(acc, whole_acc[:, first:last])
    for block, position in zip(
        blocks, np.cumsum([0, *(b.emg.shape[1] for b in blocks)]), strict=False
    ):
        assert block.onset_s == pytest.approx((begin + position) / EMG_HZ)


@settings(deadline=None, max_examples=400)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_but_never_fails_otherwise(
    edf: Path, data: st.DataObject
) -> None:
    raw = bytearray(edf.read_bytes())
    if data.draw(st.booleans()):
        raw = raw.replace(b"EDF+C", b"EDF+D", 1)
    header = 256 * 7
    for _ in range(data.draw(st.integers(1, 6))):
        limit = header if data.draw(st.booleans()) else len(raw)
        raw[data.draw(st.integers(0, limit - 1))] = data.draw(
            st.sampled_from(b" 0123456789+-.eE\0\x14\x15\xffDX")
        )
    if data.draw(st.booleans()):
        raw = raw[: data.draw(st.integers(0, len(raw)))]
    path = edf.with_name("damaged.edf")
    path.write_bytes(raw)
    try:
        recording = open_recording(path)
    except RecordingError:
        return
    blocks = recording.blocks(7.0)
    assert sum(block.emg.shape[1] for block in blocks) == recording.info.emg.n_samples
