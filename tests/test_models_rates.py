"""The same night at several sampling rates: what a chip at the leg and a laboratory record."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.signal import resample_poly

from models import Detector, TruthKind, load_classifier
from models.dataset import NightSpec, make_night
from sensing import EmgFormat, EventKind

RECORDED_HZ = 2000
RATES_HZ = (200, 500, 1000, RECORDED_HZ)

CLEAR = 6.0
"""Multiples of the noise floor from which every rate must see a cramp."""


@dataclass(frozen=True)
class Heard:
    """The truth of a night, and what was reported at each rate, possible cramps too."""

    truth: tuple
    at: dict


@pytest.fixture(scope="module", params=[2, 3])
def heard(request):
    seed = 8_200_000 + request.param
    night = make_night(NightSpec(seed, seed + 500_000, "lab", "quiet", 6, 1.5))
    return Heard(night.events, {rate_hz: episodes_at(night, rate_hz) for rate_hz in RATES_HZ})


def episodes_at(night, rate_hz):
    emg = resample_poly(np.nan_to_num(night.emg.astype(np.float64)), rate_hz, RECORDED_HZ, axis=1)
    form = EmgFormat(
        ("EMG",),
        float(rate_hz),
        scaled=True,
        resolution=(night.emg_resolution,),
        limits=(night.emg_limits,),
    )
    detector = Detector(load_classifier(), form)
    detector.push(emg.astype(np.float32))
    kinds = (EventKind.CRAMP, EventKind.POSSIBLE_CRAMP)
    return [event for event in detector.finish().events if event.kind in kinds]


def seen(episodes, true):
    return next(
        one for one in episodes if one.onset_s < true.offset_s and one.offset_s > true.onset_s
    )


def test_clear_cramps_are_the_same_at_every_rate(heard):
    clear = [
        true
        for true in heard.truth
        if true.kind is TruthKind.CRAMP and true.intensity >= CLEAR and true.duration_s >= 15
    ]
    assert len(clear) >= 3
    for true in clear:
        onsets = [seen(episodes, true).onset_s for episodes in heard.at.values()]
        assert max(onsets) - min(onsets) <= 1.0


def test_from_a_kilohertz_on_nothing_changes(heard):
    assert heard.at[1000]
    for one, other in zip(heard.at[1000], heard.at[2000], strict=True):
        assert one.onset_s == pytest.approx(other.onset_s, abs=1.0)
        assert one.offset_s == pytest.approx(other.offset_s, abs=1.0)
