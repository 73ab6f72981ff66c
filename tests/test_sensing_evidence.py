"""What a whole episode says for a cramp, and the rest that must go before one."""

import numpy as np
import pytest

from sensing import MEASURES, AccFormat, EmgFormat, EventKind, EvidenceWeights, FrontEnd, Segmenter
from sensing.rest import RestWatch
from sensing.segmentation import SegmentationRules

RATE_HZ, ACC_HZ = 500.0, 50.0
FORM = EmgFormat(("GM",), RATE_HZ, True, (0.1,), ((-3000.0, 3000.0),))
RULES = SegmentationRules(on=0.7, off=0.4, certain_rest_s=25.0)


class Witness:
    """Keeps the measures it is asked about."""

    def __init__(self):
        self.measures = []

    def probability(self, measures):
        self.measures.append(dict(zip(MEASURES, measures.tolist(), strict=True)))
        return 0.99


def emg(seconds, *bursts, seed=5):
    """Noise of 3 uV with bursts (onset, duration, times the floor, seconds of rise and of fall)."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    gain = np.ones_like(time_s)
    for onset_s, duration_s, ratio, rise_s, fall_s in bursts:
        up = np.clip((time_s - onset_s) / max(rise_s, 1e-3), 0, 1)
        down = np.clip((onset_s + duration_s - time_s) / max(fall_s, 1e-3), 0, 1)
        gain = np.maximum(gain, 1 + (ratio - 1) * np.minimum(up, down))
    return rng.normal(0, 3, (1, len(time_s))) * gain


def acceleration(seconds, *, turn_at_s=None, shake=(), rate_hz=ACC_HZ, seed=6):
    """A leg at rest, turned by 60 degrees from `turn_at_s` on, shaken at (onset, duration)."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    angle = np.where(time_s >= (turn_at_s or np.inf), np.radians(60), 0.0)
    g = np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)])
    size = np.full_like(time_s, 0.002)
    for onset_s, duration_s in shake:
        size[(time_s >= onset_s) & (time_s < onset_s + duration_s)] = 0.2
    return g + rng.normal(size=g.shape) * size


def measure(samples, acc=None, *, high, chunk_s=None, acc_hz=ACC_HZ):
    """Return the measures of the one episode whose scores are 0.9 in the interval `high`."""
    front_end = FrontEnd(FORM, AccFormat(acc_hz, scaled=True) if acc is not None else None)
    witness = Witness()
    segmenter = Segmenter(FORM, front_end.bin_s, RULES, witness)
    step = round((chunk_s or samples.shape[1] / RATE_HZ) * RATE_HZ)
    outputs = []
    for first in range(0, samples.shape[1], step):
        part = slice(round(first * acc_hz / RATE_HZ), round((first + step) * acc_hz / RATE_HZ))
        outputs.append(
            front_end.push(samples[:, first : first + step], None if acc is None else acc[:, part])
        )
        push(segmenter, outputs[-1], front_end.bin_s, high)
    push(segmenter, front_end.finish(), front_end.bin_s, high)
    segmenter.finish()
    (measures,) = witness.measures
    return measures


def push(segmenter, output, bin_s, high):
    end_s = output.frame_end_bin * bin_s
    scores = np.where((end_s > high[0]) & (end_s <= high[1]), 0.9, 0.0)
    return segmenter.push(output, np.where(output.valid, scores, np.nan).astype(np.float32))


def test_ramps_tell_what_comes_at_will_from_what_grows_and_fades():
    sudden = measure(emg(160, (60, 40, 10, 0.1, 0.1)), high=(64, 100))
    slow = measure(emg(160, (60, 40, 10, 8, 12)), high=(64, 100))
    assert np.exp(sudden["rise"]) < 1.2
    assert np.exp(sudden["fall"]) < 1.2
    assert np.exp(slow["rise"]) == pytest.approx(0.63 * 8, abs=2.0)
    assert np.exp(slow["fall"]) == pytest.approx(0.63 * 12, abs=3.0)


def test_scores_rest_and_missing_movement_are_measured():
    found = measure(emg(160, (60, 40, 10, 0.1, 0.1)), high=(60, 100))
    assert found["scores"] == pytest.approx(np.log(0.9 / 0.1), abs=0.3)
    assert np.isnan(found["elsewhere"]), "there is one channel"
    assert found["rest_before"] == pytest.approx(50, abs=1.5), "the first ten seconds are warm-up"
    assert np.isnan([found[name] for name in MEASURES[MEASURES.index("movement_at_onset") :]]).all()


def test_who_stands_up_turned_the_leg_before_the_calf_worked():
    samples = emg(160, (60, 40, 10, 0.1, 0.1))
    stood = measure(samples, acceleration(160, turn_at_s=56), high=(62, 100))
    woken = measure(samples, acceleration(160, turn_at_s=70), high=(62, 100))
    assert stood["turn_at_onset"] == pytest.approx(60, abs=5)
    assert woken["turn_at_onset"] < 5
    assert woken["tilt"] == pytest.approx(60, abs=5)


def test_movement_at_the_onset_is_told_from_the_awakening_that_follows():
    samples = emg(160, (60, 40, 10, 0.1, 0.1))
    moved = measure(samples, acceleration(160, shake=[(59, 1.5)]), high=(62, 100))
    woken = measure(samples, acceleration(160, turn_at_s=80, shake=[(80, 5)]), high=(62, 100))
    still = measure(samples, acceleration(160), high=(62, 100))
    assert moved["movement_at_onset"] > woken["movement_at_onset"] + 2
    assert woken["movement_later"] > moved["movement_later"] + 2
    assert woken["tilt"] == pytest.approx(60, abs=5)
    assert moved["tilt"] < 5
    assert np.exp(woken["still_s"]) == pytest.approx(20, abs=1.0)
    assert np.exp(still["still_s"]) == pytest.approx(1000), "never"


@pytest.mark.parametrize("rate_hz", [10.0, 12.5, 25.0, 100.0])
def test_an_accelerometer_of_any_rate_shows_movement(rate_hz):
    samples = emg(160, (60, 40, 10, 0.1, 0.1))
    shaken = acceleration(160, shake=[(80, 5)], rate_hz=rate_hz)
    moved = measure(samples, shaken, high=(62, 100), acc_hz=rate_hz)
    still = measure(samples, acceleration(160, rate_hz=rate_hz), high=(62, 100), acc_hz=rate_hz)
    assert 0.1 < 10 ** moved["movement_later"] < 2.0
    assert np.exp(moved["still_s"]) == pytest.approx(20, abs=1.0)
    assert 10 ** still["movement_later"] < 3e-4
    assert np.exp(still["still_s"]) == pytest.approx(1000), "never"


def test_what_the_leg_does_ten_seconds_after_the_end_no_longer_counts():
    samples = emg(200, (60, 40, 10, 0.1, 0.1))
    soon = measure(samples, acceleration(200, shake=[(105, 3)]), high=(62, 100))
    late = measure(samples, acceleration(200, shake=[(115, 3)]), high=(62, 100))
    assert soon["movement_later"] > late["movement_later"] + 2


@pytest.mark.parametrize("chunk_s", [0.3, 1.7, 33.3])
def test_measures_do_not_depend_on_chunks(chunk_s):
    samples, acc = emg(150, (60, 30, 8, 2, 6)), acceleration(150, turn_at_s=70, shake=[(70, 4)])
    np.testing.assert_equal(
        measure(samples, acc, high=(62, 90), chunk_s=chunk_s), measure(samples, acc, high=(62, 90))
    )


def test_what_the_leg_does_after_an_episode_was_judged_is_no_part_of_it():
    samples = emg(160, (60, 60, 10, 0.1, 0.1))
    samples[:, round(99 * RATE_HZ) :] = np.nan  # judged at 100.5 s: no sample came back in time
    turned = acceleration(160, turn_at_s=100.45)
    whole = measure(samples, turned, high=(62, 99))
    assert whole["tilt"] < 5
    np.testing.assert_equal(measure(samples, turned, high=(62, 99), chunk_s=0.5), whole)


def test_what_cannot_be_measured_counts_as_usual():
    count = len(MEASURES)
    weights = EvidenceWeights((5.0,) * count, (2.0,) * count, (1.0,) * count, 0.7)
    unknown = np.full(count, np.nan, dtype=np.float32)
    usual = np.full(count, 5.0, dtype=np.float32)
    assert weights.probability(unknown) == pytest.approx(1 / (1 + np.exp(-0.7)), abs=1e-4)
    assert weights.probability(unknown) == weights.probability(usual)
    assert weights.probability(usual + 2) == pytest.approx(1 / (1 + np.exp(-0.7 - count)), abs=1e-4)


@pytest.mark.parametrize("gap_s", [10.0, 60.0])
def test_what_begins_soon_after_a_sure_cramp_is_that_cramp_going_on(gap_s):
    second_s = 100 + gap_s
    samples = emg(260, (60, 40, 10, 0.1, 0.1), (second_s, 40, 10, 0.1, 0.1))
    samples[:, round(100 * RATE_HZ) : round((second_s - 3) * RATE_HZ)] = np.nan
    front_end = FrontEnd(FORM)
    segmenter = Segmenter(FORM, front_end.bin_s, RULES, Witness())
    kinds = []
    for output in (front_end.push(samples), front_end.finish()):
        end_s = output.frame_end_bin * front_end.bin_s
        inside = ((end_s > 62) & (end_s <= 100)) | ((end_s > second_s) & (end_s <= second_s + 40))
        scores = np.where(output.valid, np.where(inside, 0.9, 0.0), np.nan).astype(np.float32)
        kinds += [event.kind for event in segmenter.push(output, scores)]
    again = EventKind.CRAMP if gap_s > 30 else EventKind.POSSIBLE_CRAMP
    assert kinds == [EventKind.CRAMP, again]


def watch(samples):
    front_end = FrontEnd(FORM)
    rest = RestWatch(front_end.bin_s)
    for output in (front_end.push(samples), front_end.finish()):
        rest.push(output)
    return rest


def test_rest_is_what_was_seen_quiet_in_the_last_five_minutes():
    quiet = watch(emg(500))
    assert quiet.rest_before(1000) == pytest.approx(90, abs=1), "ten seconds of warm-up"
    assert quiet.rest_before(4500) == pytest.approx(300, abs=1)
    busy = watch(emg(500, (50, 200, 10, 0.1, 0.1)))
    assert busy.rest_before(3000) == pytest.approx(300 - 200 - 10, abs=2)
    lost = emg(500)
    lost[:, round(100 * RATE_HZ) : round(200 * RATE_HZ)] = np.nan
    assert watch(lost).rest_before(3000) == pytest.approx(300 - 100 - 10, abs=2)


def test_time_is_unsettled_where_an_onset_could_not_begin_a_sure_cramp():
    rest = watch(emg(500, (200, 100, 10, 0.1, 0.1)))
    unsettled = rest.unsettled(90.0, 15.0, 500)
    assert np.flatnonzero(~unsettled)[0] == pytest.approx(100, abs=1)
    for second in range(500):
        bin_number = second * 10
        assert unsettled[second] == (
            rest.rest_before(bin_number) < 90.0 or rest.busy_before(bin_number) > 15.0
        )
    assert np.flatnonzero(unsettled[200:])[0] == pytest.approx(15, abs=2)
    assert unsettled[220:310].all()
    assert not unsettled[320:].any()


def test_work_is_what_was_seen_active_in_the_last_half_minute():
    rest = watch(emg(300, (200, 20, 10, 0.1, 0.1)))
    assert rest.busy_before(1900) < 1
    assert rest.busy_before(2100) == pytest.approx(10, abs=1)
    assert rest.busy_before(2400) == pytest.approx(10, abs=1)
    assert rest.busy_before(2600) < 1
    lost = emg(300)
    lost[:, round(180 * RATE_HZ) : round(200 * RATE_HZ)] = np.nan
    assert watch(lost).busy_before(2000) < 1, "what is missing was not seen to be work"


@pytest.mark.parametrize(("walked_s", "kind"), [(8.0, "cramp"), (25.0, "possible_cramp")])
def test_who_has_just_walked_stands_now(walked_s, kind):
    walk = (150 - walked_s - 2, walked_s, 20, 0.1, 0.1)
    samples = emg(240, walk, (150, 40, 5, 0.1, 0.1))
    front_end = FrontEnd(FORM)
    segmenter = Segmenter(FORM, front_end.bin_s, RULES, Witness())
    events = []
    for output in (front_end.push(samples), front_end.finish()):
        end_s = output.frame_end_bin * front_end.bin_s
        scores = np.where((end_s > 154) & (end_s <= 190), 0.9, 0.0)
        scores = np.where(output.valid, scores, np.nan).astype(np.float32)
        events += segmenter.push(output, scores)
    assert [event.kind for event in events] == [kind]
    assert events[0].onset_s == pytest.approx(150, abs=1)


@pytest.mark.parametrize(("other", "expected"), [(1.0, -3.3), (20.0, 1.0)])
def test_a_cramp_is_local_and_an_effort_is_not(other, expected):
    samples = np.concatenate(
        [emg(160, (60, 40, 10, 0.1, 0.1)), emg(160, (60, 40, other, 0.1, 0.1), seed=9)]
    )
    form = EmgFormat(("GM", "GL"), RATE_HZ, True, (0.1,) * 2, ((-3000.0, 3000.0),) * 2)
    front_end, witness = FrontEnd(form), Witness()
    segmenter = Segmenter(form, front_end.bin_s, RULES, witness)
    for output in (front_end.push(samples), front_end.finish()):
        end_s = output.frame_end_bin * front_end.bin_s
        high = np.where((end_s > 64) & (end_s <= 100), 0.9, 0.0)
        scores = np.where(output.valid, np.stack([high, 0 * high]), np.nan)
        segmenter.push(output, scores.astype(np.float32))
    segmenter.finish()
    assert witness.measures[0]["elsewhere"] == pytest.approx(expected, abs=0.3)
