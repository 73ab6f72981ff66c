"""Counts of a decoded stream in a temporary file: what is missing, and a full disk."""

import errno
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge import DEVICES, GapCause, MissingStretch, Stretch
from nightcramp.errors import OutputError
from recordings import stream_format
from recordings.emg_bids_edf import StreamPart, find_part_skips
from recordings.journal_spool import StreamSpool

EMG, ACC = DEVICES["ganglion-fw3"].streams


def spooled(spec, runs):
    """Return a spool of stretches and gaps that follow each other, and what is missing of it.

    `runs` are lengths, of samples and of missing samples in turn.
    """
    spool, missing = StreamSpool(stream_format(spec, spec.rate_hz, Path("night.ncj"))), []
    for k, n in enumerate(runs):
        if k % 2:
            cause = GapCause.LOST if k % 4 == 1 else GapCause.LINK
            spool.append(MissingStretch(spec.kind, spool.n, n, cause, 0.0, spool.n))
        else:
            counts = np.arange(spool.n, spool.n + n, dtype=np.int32) % 100
            spool.append(Stretch(spec.kind, spool.n, np.tile(counts, (spec.channels, 1))))
        missing += [bool(k % 2)] * n
    spool.flush()
    return spool, np.array(missing, np.bool_)


def runs(longest):
    return st.lists(st.integers(1, longest), min_size=1, max_size=12)


@settings(deadline=None)
@given(runs(9), st.integers(0, 110), st.integers(0, 110))
def test_a_part_knows_its_own_missing_samples(lengths, one, other):
    spool, missing = spooled(EMG, lengths)
    first, stop = sorted(min(place, spool.n) for place in (one, other))
    flags = np.zeros(stop - first, np.bool_)
    for begin, end in spool.spans(first, stop).tolist():
        flags[begin:end] = True
    assert np.array_equal(flags, missing[first:stop])
    samples = spool.samples(first, stop)
    assert np.array_equal(np.isnan(samples[0]), missing[first:stop])


@settings(deadline=None)
@given(runs(400), runs(20))
def test_skips_name_every_missing_sample_once_and_no_other(emg_lengths, acc_lengths):
    streams = [spooled(EMG, emg_lengths), spooled(ACC, acc_lengths)]
    duration_s = max(spool.n / spool.form.rate_hz for spool, _ in streams)
    parts = [StreamPart(spool, 0, spool.n) for spool, _ in streams]
    skips = find_part_skips(parts, duration_s)
    for spool, missing in streams:
        rate_hz = spool.form.rate_hz
        told = np.zeros(round(duration_s * rate_hz), int)
        for skip in skips:
            if skip.label in (None, spool.form.texts[0].label):
                ends = (skip.onset_s * rate_hz, (skip.onset_s + skip.duration_s) * rate_hz)
                first, stop = (int(np.ceil(end - 1e-3)) for end in ends)
                told[first:stop] += 1
        expected = np.ones(len(told), np.bool_)
        expected[: spool.n] = missing
        assert np.array_equal(told, expected)


def test_a_night_that_lost_one_packet_in_a_hundred_is_told_in_a_moment():
    hours = 8
    emg, _ = spooled(EMG, [198, 2] * (hours * 3600))
    acc, _ = spooled(ACC, [32, 1] * (hours * 1090))
    parts = [StreamPart(spool, 0, spool.n) for spool in (emg, acc)]
    begun_s = time.process_time()
    skips = find_part_skips(parts, hours * 3600.0)
    assert time.process_time() - begun_s < 10
    assert sum(skip.label == "EMG 1" for skip in skips) > 0.9 * hours * 3600


def test_a_disk_for_temporary_files_that_is_full_is_told(monkeypatch):
    class Full:
        def __init__(self, file):
            self._file = file
            self.close = file.close
            self.seek = file.seek

        def write(self, data):
            if self._file.tell() >= 1000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self._file.write(data[:600])  # as much as there was room for

    made = tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **how: Full(made(**how)))
    with pytest.raises(OutputError, match=r"No space left.*TMPDIR"):
        spooled(EMG, [400])


def test_no_folder_for_temporary_files_is_told(monkeypatch):
    def refuse(**_):
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(OutputError, match="No usable temporary directory"):
        spooled(EMG, [400])
