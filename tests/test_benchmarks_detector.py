"""The comparison of detectors: nights as all kinds see them, and what each makes of nonsense."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from benchmarks.detector_comparison import Nights, Row, page_text
from benchmarks.detector_kinds import BoostedTrees, EnvelopeRule, TemporalNetwork
from benchmarks.detector_nights import as_frames, framed_night, with_history
from benchmarks.detector_points import Point, best_points
from models import CLASS_NAMES, TrainingSettings
from models.dataset import NightSpec, frames_of
from models.evaluation import false_alarms, score_each, sensitivity
from sensing import EvidenceWeights, SegmentationRules

CRAMP = CLASS_NAMES.index("cramp")
RULES = SegmentationRules(on=0.5)
FEW_TREES = TrainingSettings(trees=8, leaves=8)


def spec(seed, suite="dense", sensor="demo"):
    cramps = None if suite == "dense" else 0
    return NightSpec(seed, seed, sensor, suite, cramps, hours=0.4)


@pytest.fixture(scope="module")
def training():
    """Return nights that hold every class and every feature: two channels, and somebody walks."""
    specs = (spec(11), spec(12, sensor="myo"), spec(14, "toilet_trips"), spec(15), spec(16))
    return [framed_night(one) for one in specs]


@pytest.fixture(scope="module")
def others():
    return [framed_night(spec(seed)) for seed in (21, 22)]


def ranking(kind, nights):
    """Return the chance that a frame of a cramp scores above another one."""
    scores = np.concatenate([kind.score(night) for night in nights])
    cramp = np.concatenate([night.labels for night in nights]) == CRAMP
    test = stats.mannwhitneyu(scores[cramp], scores[~cramp])
    return test.statistic / cramp.sum() / (~cramp).sum()


def shuffled(nights):
    """Return nights whose labels, of all of them together, are dealt out anew."""
    labels = np.random.default_rng(0).permutation(np.concatenate([one.labels for one in nights]))
    ends = np.cumsum([len(one.labels) for one in nights])[:-1]
    dealt = np.split(labels, ends)
    return [replace(one, labels=part) for one, part in zip(nights, dealt, strict=True)]


def test_all_kinds_see_the_frames_the_classifier_is_trained_on(training):
    expected = frames_of(spec(11))
    frames = as_frames(training[:1])
    np.testing.assert_array_equal(frames.features, expected.features)
    np.testing.assert_array_equal(frames.labels, expected.labels)


def test_history_is_the_same_channel_so_many_frames_before(training):
    night = replace(training[0], features=np.nan_to_num(training[0].features))
    rows = with_history(night, (0, 1, 8)).reshape(len(night.frame), 3, -1)
    np.testing.assert_array_equal(rows[:, 0], night.features)
    place = {key: row for row, key in enumerate(zip(night.channel, night.frame, strict=True))}
    for number in (0, 50, len(night.frame) - 1):
        before = place.get((night.channel[number], night.frame[number] - 8))
        expected = 0.0 if before is None else night.features[before]
        np.testing.assert_array_equal(rows[number, 2], np.broadcast_to(expected, rows.shape[2]))


def test_scores_come_back_to_their_frames(training):
    night = training[0]
    scored = night.scored(lambda one: np.linspace(0, 1, len(one.frame), dtype=np.float32))
    scores = np.concatenate(scored.scores, axis=1)
    np.testing.assert_allclose(
        scores[night.channel, night.frame], np.linspace(0, 1, len(night.frame)), atol=1e-6
    )
    assert [part.shape[1] for part in scored.scores] == [
        len(output.frame_end_bin) for output in scored.outputs
    ]


@pytest.mark.parametrize(
    "detector", [EnvelopeRule(), BoostedTrees(FEW_TREES), TemporalNetwork()], ids=lambda d: d.name
)
def test_every_kind_tells_cramps_from_other_frames_of_nights_it_has_not_seen(
    detector, training, others
):
    detector.learn(training)
    assert ranking(detector, others) > 0.7


@pytest.mark.parametrize(
    "detector", [BoostedTrees(FEW_TREES), TemporalNetwork()], ids=lambda d: d.name
)
def test_what_learns_from_shuffled_labels_knows_nothing_and_finds_nothing(
    detector, training, others
):
    detector.learn(shuffled(training))
    share = np.mean(np.concatenate([night.labels for night in training]) == CRAMP)
    scores = np.concatenate([detector.score(night) for night in others])
    assert scores.mean() == pytest.approx(share, abs=0.1), "it can say no more than how many"
    scored = score_each(
        night.scored(detector.score).judge(RULES, EvidenceWeights.of_scores()) for night in others
    )
    assert sensitivity(scored, lambda _: True).count == 0
    assert false_alarms(scored).count == 0


def test_a_detector_that_never_says_cramp_finds_none_and_raises_no_alarm(others):
    zeros = score_each(
        night.scored(lambda one: np.zeros(len(one.frame), np.float32)).judge(
            RULES, EvidenceWeights.of_scores()
        )
        for night in others
    )
    found = sensitivity(zeros, lambda _: True)
    assert (found.count, found.value) == (0, 0.0)
    assert found.of > 0
    assert false_alarms(zeros).count == 0


def test_one_that_always_says_cramp_does_not_profit_from_it(others):
    ones = score_each(
        night.scored(lambda one: np.ones(len(one.frame), np.float32)).judge(
            RULES, EvidenceWeights.of_scores()
        )
        for night in others
    )
    assert false_alarms(ones).count > 0


def test_nights_without_a_cramp_have_false_alarms_but_no_sensitivity():
    night = framed_night(spec(31, "exercise"))
    scored = score_each(
        [night.scored(EnvelopeRule().score).judge(RULES, EvidenceWeights.of_scores())]
    )
    assert sensitivity(scored, lambda _: True).value is None
    assert false_alarms(scored).hours == pytest.approx(0.4, abs=0.01)


def test_operating_points_find_no_less_where_more_alarms_are_allowed(others):
    nights = [night.scored(EnvelopeRule().score) for night in others]
    tight, loose = best_points(nights, (5.0, 500.0))
    assert tight.per_night <= 5.0
    assert loose.cramps == tight.cramps > 0
    assert loose.found >= tight.found
    silent = [night.scored(lambda one: np.zeros(len(one.frame), np.float32)) for night in others]
    (nothing,) = best_points(silent, (0.5,))
    assert (nothing.found, nothing.alarms) == (0, 0)


def test_the_table_has_a_line_for_each_kind():
    rows = [Row("a", 0.5, [None, Point(9, 10, 1, 8.0, 2.5), Point(10, 10, 2, 8.0, 3.0)], 1.0, 2.0)]
    lines = page_text(rows, Nights([], [])).splitlines()
    assert (
        lines[2]
        == "| a | 0.500 | – | 9 of 10 (0.55 to 1.00) | 10 of 10 (0.69 to 1.00) | 3.0 s | 1 | 2.0 |"
    )
    assert len({line.count("|") for line in lines[:3]}) == 1
