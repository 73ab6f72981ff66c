"""The night at one value a second: the same however it came, and small while it lasts."""

import tracemalloc
from dataclasses import fields
from types import SimpleNamespace

import numpy as np

from sensing import SecondsBuilder

CHANNELS, BIN_S, SECONDS = 2, 0.1, 3000
BINS = round(SECONDS / BIN_S)
NO_SCORES = np.zeros(0, np.float32)
RANDOM = np.random.default_rng(5).random((8, BINS), dtype=np.float32)


def bins(first, stop):
    """What the front end says of some bins."""
    part = RANDOM[:, first:stop]
    return SimpleNamespace(
        quality=(part[:2] > 0.98).astype(np.uint8),
        emg=SimpleNamespace(missing=part[:2] > 0.99, power=part[2:4], floor=part[4:6] / 10),
        gravity=part[5:8],
        shake=part[7],
    )


def built(step):
    builder = SecondsBuilder(CHANNELS, BIN_S)
    for first in range(0, BINS, step):
        builder.push(bins(first, first + step), NO_SCORES)
    return builder


def test_seconds_are_the_same_to_the_bit_whether_they_come_one_by_one_or_at_once():
    single, whole = built(10).finish(), built(BINS).finish()
    assert single.quality.shape == (CHANNELS, SECONDS)
    for field in fields(whole):
        assert getattr(single, field.name).tobytes() == getattr(whole, field.name).tobytes()


def test_a_night_that_comes_second_by_second_takes_little_more_room_than_its_values():
    built(10)
    tracemalloc.start()
    builder = built(10)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    result = builder.finish()
    values = sum(getattr(result, field.name).nbytes for field in fields(result))
    assert taken < 2 * values + 300_000
