"""Features of the present activity as a whole, where the answer is known."""

import numpy as np
import pytest

from sensing import FEATURE_NAMES, EmgFormat, FrontEnd

RATE_HZ = 500
FORM = EmgFormat(("GM",), RATE_HZ, True, (0.1,), ((-3000.0, 3000.0),))


def features_at(time_s, course, seconds=400, seed=4):
    """Return the features of the last frame before `time_s` of noise that follows a course."""
    rng = np.random.default_rng(seed)
    at = np.arange(seconds * RATE_HZ) / RATE_HZ
    front_end = FrontEnd(FORM)
    output = front_end.push((rng.normal(0, 3, at.size) * course(at))[None])
    end_s = output.frame_end_bin[output.active_frame] * front_end.bin_s
    row = output.features[np.flatnonzero(end_s <= time_s)[-1]]
    return dict(zip(FEATURE_NAMES, row.tolist(), strict=True))


def contraction(rise_s, onset_s=320.0, size=20.0):
    """Return the course of a contraction that stays once it has grown."""
    return lambda at: 1 + size * np.clip((at - onset_s) / rise_s, 0, 1)


@pytest.mark.parametrize("rise_s", [0.1, 6.0, 16.0])
def test_growth_is_the_time_to_half_of_the_usual_amplitude(rise_s):
    grown = features_at(370, contraction(rise_s))
    assert grown["whole_growth_s"] == pytest.approx(0.42 * rise_s, abs=1.0)
    assert grown["whole_level"] == pytest.approx(np.log2(21), abs=0.2)


def test_a_cramp_that_waxes_and_wanes_differs_from_a_steady_hold():
    steady = contraction(0.5)
    waxing = features_at(370, lambda at: steady(at) * np.exp(0.5 * np.sin(2 * np.pi * at / 9)))
    steady = features_at(370, steady)
    assert waxing["whole_waxing"] > 0.35
    assert steady["whole_waxing"] < 0.15
    assert waxing["whole_flutter"] > steady["whole_flutter"]


def test_activity_that_weakens_is_below_its_peak_and_trends_down():
    fading = features_at(
        370, lambda at: contraction(0.5)(at) * np.exp(-np.maximum(at - 320, 0) / 30)
    )
    assert fading["whole_trend"] < -0.5
    assert fading["whole_below_peak"] > 0.5


def test_activity_older_than_five_minutes_has_no_known_growth():
    old = features_at(390, contraction(0.5, onset_s=60.0))
    assert np.isnan(old["whole_growth_s"])
