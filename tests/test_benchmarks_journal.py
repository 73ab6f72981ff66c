"""The parts of the journal's benchmark that compute; nothing here is killed or cut."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.journal.table import Cost, Loss, costs_text, losses_text
from benchmarks.journal.traffic import ACC, EMG, PAYLOAD_PER_S, PER_S, check, record, until


def test_the_traffic_is_that_of_the_sensor_it_names():
    minute = list(until(60))
    assert abs(len(minute) - 60 * PER_S) <= 1
    assert abs(sum(len(r.payload) for r in minute) - 60 * PAYLOAD_PER_S) < 400
    assert {(r.characteristic, len(r.payload)) for r in minute} == {(EMG, 232), (ACC, 158)}
    times = [r.monotonic_ns for r in minute]
    assert times == sorted(times)


def test_a_wrong_or_doubled_record_is_seen():
    night = list(until(10))
    assert check(night).n_wrong == 0
    assert check([*night, night[-1]]).n_wrong == 1
    changed = replace(night[3], payload=night[3].payload[:-1] + b"\xff")
    read = check([*night[:3], changed, *night[4:]])
    assert (read.n_right, read.n_wrong) == (len(night) - 1, 1)
    assert read.last_s == record(len(night) - 1).monotonic_ns / 1e9


def test_a_loss_is_told_in_seconds_and_wrong_records():
    text = losses_text(
        [Loss("cut", 3, 3, [0.0, 1.0, 0.5], 0), Loss("full", 0, 0, [], 0, "not measured: no")]
    )
    assert "| cut    |     3 |      3 |           0.50 |         1.00 |             0 |" in text
    assert text.endswith("full: not measured: no.\n")
    assert costs_text([Cost("bytes", "1")]).endswith("| bytes |      1 |\n")
