"""Real recordings, none of which holds a cramp: every one that is reported is a false alarm."""

from collections import Counter

import numpy as np
import pytest

from models import load_classifier
from nightcramp.analysis import detect
from nightcramp.errors import RecordingError
from recordings import open_recording
from sensing import EventKind, Quality

KNOWN_FALSE_ALARMS = {"elderly": 0, "npgband": 0, "plux": 0, "myo": 0}
"""Most that a source may show; the model card explains those that are not zero."""


@pytest.fixture(scope="module")
def folder(pytestconfig):
    place = pytestconfig.rootpath.parent / "shared" / "data" / "real"
    if not place.is_dir():
        pytest.skip("the real recordings are not part of the repository")
    return place


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize("source", KNOWN_FALSE_ALARMS)
def test_real_recordings_show_no_cramps(folder, source):
    classifier = load_classifier()
    found, refused = Counter(), []
    files = sorted(folder.glob(f"{source}_*.edf"))
    assert files
    for file in files:
        try:
            recording = open_recording(file)
        except RecordingError as error:
            refused.append(str(error))
            continue
        for event in detect(recording, classifier).of_kind(EventKind.CRAMP):
            found[f"{file.name} at {event.onset_s:.0f} s for {event.duration_s:.0f} s"] += 1
    assert sum(found.values()) <= KNOWN_FALSE_ALARMS[source], dict(found)
    assert all("10 s" in reason for reason in refused), "only files of 5 s may be refused"


@pytest.mark.real_data
def test_repeated_contractions_are_never_fused_into_one(folder):
    result = detect(open_recording(folder / "plux_emg_fatigue.edf"), load_classifier())
    assert not result.of_kind(EventKind.CRAMP)
    assert len(result.of_kind(EventKind.LEG_MOVEMENT)) >= 15, "20 bursts of 4 to 5 s each"


@pytest.mark.real_data
def test_nothing_is_wrong_with_consumer_sensors_at_rest_but_that_they_are_short(folder):
    for file in sorted(folder.glob("npgband_*_rest_*.edf")):
        result = detect(open_recording(file), load_classifier())
        states = np.isin(result.seconds.quality, (Quality.GOOD, Quality.UNSETTLED))
        good = states.any(axis=0)
        assert good[10:].mean() > 0.9, file.name
