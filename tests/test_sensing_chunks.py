"""The same samples in any chunks give the same bins, frames, seconds and episodes."""

import itertools
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import Detector, load_classifier
from sensing import AccFormat, EmgFormat, EventKind, FrontEnd

RATE_HZ, ACC_RATE_HZ = 200.0, 20.0
SECONDS = 100
FORM = EmgFormat(("one", "two"), RATE_HZ, True, (0.1, 0.1), ((-500.0, 500.0),) * 2)
ACC_FORM = AccFormat(ACC_RATE_HZ, scaled=True)


def recording(seed=3):
    """A minute and a half with bursts, a long contraction, hum, a gap and clipping."""
    rng = np.random.default_rng(seed)
    emg = rng.normal(0, 3, (2, round(SECONDS * RATE_HZ))).astype(np.float32)
    time_s = np.arange(emg.shape[1]) / RATE_HZ
    emg += (4 * np.sin(2 * np.pi * 50 * time_s)).astype(np.float32)
    emg[:, 3000:3200] *= 15
    emg[0, 5000:9600] *= 12
    emg[1, 5400:9000] *= 6
    emg[:, 11_000:11_431] = np.nan
    emg[1, 15_000:15_300] = 500
    acc = rng.normal(0, 0.002, (3, round(SECONDS * ACC_RATE_HZ))).astype(np.float32)
    acc[2] += 1
    acc[0, 500:560] += 0.3
    acc[:, 1200:1207] = np.nan
    return emg, acc


EMG, ACC = recording()


def cuts(rate_hz):
    count = round(SECONDS * rate_hz)
    return st.lists(st.integers(0, count), max_size=12).map(lambda cut: [0, *sorted(cut), count])


def pushes(emg_cuts, acc_cuts):
    """Interleave the chunks of both streams, either may run ahead."""
    emg_parts = [EMG[:, a:b] for a, b in itertools.pairwise(emg_cuts)]
    acc_parts = [ACC[:, a:b] for a, b in itertools.pairwise(acc_cuts)]
    for number in range(max(len(emg_parts), len(acc_parts))):
        emg = emg_parts[number] if number < len(emg_parts) else EMG[:, :0]
        acc = acc_parts[number] if number < len(acc_parts) else ACC[:, :0]
        yield emg, acc


def run_front_end(chunks):
    front_end = FrontEnd(FORM, ACC_FORM)
    outputs = [front_end.push(emg, acc) for emg, acc in chunks]
    outputs.append(front_end.finish())
    arrays = {
        field.name: np.concatenate([getattr(output.emg, field.name) for output in outputs], axis=1)
        for field in fields(outputs[0].emg)
    }
    for name in ("quality", "level", "gravity", "shake", "frame_end_bin", "valid"):
        arrays[name] = np.concatenate([getattr(output, name) for output in outputs], axis=-1)
    rows = np.concatenate([output.features for output in outputs])
    channel = np.concatenate([output.active_channel for output in outputs])
    end = np.concatenate([output.frame_end_bin[output.active_frame] for output in outputs])
    order = np.lexsort((end, channel))
    arrays |= {"rows": rows[order], "channel": channel[order], "end": end[order]}
    return arrays


WHOLE = run_front_end([(EMG, ACC)])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cuts(RATE_HZ), cuts(ACC_RATE_HZ))
def test_any_chunks_give_the_same_bits(emg_cuts, acc_cuts):
    chunked = run_front_end(pushes(emg_cuts, acc_cuts))
    for name, values in WHOLE.items():
        np.testing.assert_array_equal(chunked[name], values, err_msg=name)


def test_the_recording_of_this_test_has_something_to_say():
    assert len(WHOLE["rows"]) > 50
    assert set(np.unique(WHOLE["quality"])) >= {0, 1, 2, 4}


def test_what_comes_later_changes_no_bit_of_what_was_said():
    alone = run_front_end([(EMG[:, : EMG.shape[1] // 2], ACC[:, : ACC.shape[1] // 2])])
    said = WHOLE["end"] <= alone["frame_end_bin"][-1]
    for name, values in alone.items():
        by_row = name in {"rows", "channel", "end"}
        followed = WHOLE[name][said] if by_row else WHOLE[name][..., : values.shape[-1]]
        np.testing.assert_array_equal(followed, values, err_msg=name)


def minutes(seed, count, size=3.0):
    """Return minutes of noise with a contraction in each, and acceleration."""
    rng = np.random.default_rng(seed)
    emg = rng.normal(0, size, (2, round(60 * count * RATE_HZ)))
    time_s = np.arange(emg.shape[1]) / RATE_HZ
    emg[:, time_s % 60 > 45] *= 6
    acc = rng.normal(0, 0.002, (3, round(60 * count * ACC_RATE_HZ)))
    acc[2] += 1
    return emg.astype(np.float32), acc.astype(np.float32)


def last_minute(chunks):
    """Return features of the last minute, by frame and channel."""
    arrays = run_front_end(chunks)
    recent = arrays["end"] > arrays["frame_end_bin"][-1] - 600
    return arrays["rows"][recent], arrays["level"][:, -600:], arrays["quality"][:, -600:]


def test_the_same_minute_gives_the_same_answer_whatever_file_it_stands_in():
    # Nothing looks back further than ten minutes, or knows where in a file it is.
    same = minutes(1, 12)
    alone = last_minute([same])
    assert len(alone[0]) > 30
    for before in (minutes(2, 1), minutes(3, 4, size=2.0), minutes(4, 7, size=4.0)):
        after_others = last_minute([before, same])
        for values, expected in zip(after_others, alone, strict=True):
            np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-6)


def detect(chunks):
    detector = Detector(load_classifier(), FORM, ACC_FORM)
    ended = [event for emg, acc in chunks for event in detector.push(emg, acc)]
    return ended, detector.finish()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cuts(RATE_HZ), cuts(ACC_RATE_HZ))
def test_any_chunks_give_the_same_night(emg_cuts, acc_cuts):
    _, whole = detect([(EMG, ACC)])
    _, chunked = detect(pushes(emg_cuts, acc_cuts))
    assert chunked.events == whole.events
    for field in fields(whole.seconds):
        np.testing.assert_allclose(
            getattr(chunked.seconds, field.name),
            getattr(whole.seconds, field.name),
            rtol=1e-6,
            atol=1e-5,
            err_msg=field.name,
        )


def test_half_second_steps_as_at_night_give_the_same_night():
    emg_cuts = list(range(0, EMG.shape[1] + 1, 9))
    acc_cuts = list(range(0, ACC.shape[1] + 1, 1))
    _, whole = detect([(EMG, ACC)])
    _, live = detect(pushes([*emg_cuts, EMG.shape[1]], [*acc_cuts, ACC.shape[1]]))
    assert live.events == whole.events


def test_a_detector_that_was_given_nothing_has_nothing_to_say():
    detector = Detector(load_classifier(), FORM, ACC_FORM)
    night = detector.finish()
    assert (night.duration_s, night.events, night.analysable_s) == (0.0, (), 0.0)


def test_time_in_which_no_sure_cramp_could_begin_is_not_analysable_but_in_what_was_judged():
    classifier = load_classifier()
    detector = Detector(classifier, FORM, ACC_FORM)
    rng = np.random.default_rng(4)
    emg = rng.normal(0, 3, (2, round(400 * RATE_HZ))).astype(np.float32)
    time_s = np.arange(emg.shape[1]) / RATE_HZ
    emg[0] *= 1 + 9 * np.clip(np.minimum((time_s - 250) / 5, (350 - time_s) / 15), 0, 1)
    detector.push(emg, None)
    result = detector.finish()
    least_s = classifier.description.rules.certain_rest_s
    (start, *_) = result.of_kind(EventKind.NOT_ANALYSABLE)[1:]
    assert start.detail == "unsettled"
    assert start.offset_s == pytest.approx(least_s + 10, abs=2), "the noise floor takes ten seconds"
    (judged,) = result.of_kind(EventKind.CRAMP) + result.of_kind(EventKind.POSSIBLE_CRAMP)
    assert (judged.onset_s, judged.offset_s) == pytest.approx((250, 350), abs=3)
    analysable = result.seconds.analysable
    assert analysable[110 : int(judged.offset_s)].all()
    assert not analysable[352:362].any(), "the leg was at work just now"
    assert analysable[367:].all()


def test_a_possible_cramp_that_began_too_soon_after_the_start_settles_nothing():
    detector = Detector(load_classifier(), FORM, ACC_FORM)
    rng = np.random.default_rng(4)
    emg = rng.normal(0, 3, (2, round(200 * RATE_HZ))).astype(np.float32)
    time_s = np.arange(emg.shape[1]) / RATE_HZ
    emg[0] *= 1 + 9 * np.clip(np.minimum((time_s - 50) / 5, (95 - time_s) / 15), 0, 1)
    detector.push(emg, None)
    result = detector.finish()
    (possible,) = result.of_kind(EventKind.POSSIBLE_CRAMP)
    assert possible.onset_s == pytest.approx(50, abs=3)
    assert not result.of_kind(EventKind.CRAMP)
    assert not result.seconds.analysable[:95].any()
