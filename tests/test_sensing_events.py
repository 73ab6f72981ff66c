"""Episodes from scores, and leg movements from amplitudes, where the answer is known."""

import numpy as np
import pytest

from sensing import Censored, EmgFormat, EventKind, EvidenceWeights, FrontEnd, Segmenter
from sensing.leg_movements import LegMovementScorer, mark_periodic
from sensing.segmentation import SegmentationRules
from sensing.types import Event

RATE_HZ = 500.0
FORM = EmgFormat(("GM",), RATE_HZ, True, (0.1,), ((-3000.0, 3000.0),))
RULES = SegmentationRules(on=0.7, off=0.4, certain_rest_s=25.0)


def signal(seconds, *bursts, gaps=(), seed=5):
    """Noise of 3 uV with bursts (onset, duration, times the floor) and gaps (onset, duration)."""
    rng = np.random.default_rng(seed)
    samples = rng.normal(0, 3, (1, round(seconds * RATE_HZ)))
    for onset_s, duration_s, ratio in bursts:
        samples[:, round(onset_s * RATE_HZ) : round((onset_s + duration_s) * RATE_HZ)] *= ratio
    for onset_s, duration_s in gaps:
        samples[:, round(onset_s * RATE_HZ) : round((onset_s + duration_s) * RATE_HZ)] = np.nan
    return samples


def episodes(samples, *high, rules=RULES, unsure=(0, 0)):
    """Segment with scores of 0.9 in the intervals `high`, 0.45 in `unsure` and 0 elsewhere."""
    front_end = FrontEnd(FORM)
    segmenter = Segmenter(FORM, front_end.bin_s, rules, EvidenceWeights.of_scores())
    found = []
    for output in (front_end.push(samples), front_end.finish()):
        end_s = output.frame_end_bin * front_end.bin_s
        inside = np.zeros(len(end_s), dtype=bool)
        for first_s, last_s in high:
            inside |= (end_s > first_s) & (end_s <= last_s)
        scores = np.where((end_s > unsure[0]) & (end_s <= unsure[1]), 0.45, 0.0)
        scores = np.where(inside, 0.9, scores)
        scores = np.where(output.valid, scores, np.nan).astype(np.float32)
        found += segmenter.push(output, scores)
    return found + segmenter.finish()


def test_edges_are_found_on_the_envelope_to_a_quarter_of_a_second():
    (cramp,) = episodes(signal(120, (40.0, 31.4, 10)), (48, 74))
    assert cramp.kind is EventKind.CRAMP
    assert cramp.onset_s == pytest.approx(40.0, abs=0.25)
    assert cramp.duration_s == pytest.approx(31.4, abs=0.35)
    assert cramp.censored is Censored.NONE
    assert cramp.intensity == pytest.approx(10, rel=0.25)
    assert cramp.rms_uv == pytest.approx(30, rel=0.15)


@pytest.mark.parametrize(
    ("duration_s", "kind"),
    [(9.0, None), (12.0, EventKind.POSSIBLE_CRAMP), (16.0, EventKind.CRAMP)],
)
def test_short_episodes_are_dropped_or_only_possible(duration_s, kind):
    found = episodes(signal(100, (40.0, duration_s, 10)), (42, 40 + duration_s))
    assert [event.kind for event in found] == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("strong_score", "channel", "times"), [(0.7, "soleus", 12), (0.1, "GM", 3)]
)
def test_an_episode_is_told_of_the_strongest_channel_that_shows_it(strong_score, channel, times):
    form = EmgFormat(("GM", "soleus"), RATE_HZ, True, (0.1,) * 2, ((-3000.0, 3000.0),) * 2)
    strong = signal(120, (40, 30, 12), seed=6)
    front_end = FrontEnd(form)
    segmenter = Segmenter(form, front_end.bin_s, RULES, EvidenceWeights.of_scores())
    found = []
    for output in (
        front_end.push(np.concatenate([signal(120, (40, 30, 3)), strong])),
        front_end.finish(),
    ):
        end_s = output.frame_end_bin * front_end.bin_s
        high = ((end_s > 44) & (end_s <= 70)).astype(np.float32)
        scores = np.stack([0.9 * high, strong_score * high])
        found += segmenter.push(output, np.where(output.valid, scores, np.nan).astype(np.float32))
    (event,) = found + segmenter.finish()
    assert event.channel == channel
    assert event.intensity == pytest.approx(times, rel=0.25)


def test_weak_episodes_are_only_possible():
    kinds = [episodes(signal(120, (40, 30, size)), (44, 70))[0].kind for size in (1.8, 2.4)]
    assert kinds == [EventKind.POSSIBLE_CRAMP, EventKind.CRAMP]


@pytest.mark.parametrize(
    ("busy", "kind"),
    [
        ((), EventKind.CRAMP),
        ([(15 + 10 * number, 7, 10) for number in range(10)], EventKind.POSSIBLE_CRAMP),
    ],
)
def test_episodes_of_a_leg_that_was_busy_are_only_possible(busy, kind):
    rules = SegmentationRules(on=0.7, off=0.4, certain_rest_s=60.0)
    (cramp,) = episodes(signal(200, *busy, (130, 30, 10)), (134, 160), rules=rules)
    assert cramp.kind is kind


def test_scores_that_lag_behind_do_not_lengthen_an_episode():
    (cramp,) = episodes(signal(120, (40, 30, 10)), (46, 90))
    assert cramp.onset_s == pytest.approx(40, abs=0.25)
    assert cramp.offset_s == pytest.approx(70, abs=0.25)


def test_standing_up_after_a_cramp_is_not_part_of_it():
    (cramp,) = episodes(signal(160, (40, 30, 10), (70, 40, 3)), (44, 71), unsure=(71, 110))
    assert cramp.offset_s == pytest.approx(71, abs=1.0)


def test_the_tone_that_stays_after_a_strong_cramp_is_not_part_of_it():
    (cramp,) = episodes(signal(160, (40, 30, 40), (70, 20, 3)), (44, 90))
    assert cramp.offset_s == pytest.approx(70, abs=0.3)


def test_what_lasts_more_than_twenty_minutes_is_cut():
    bursts = [(40 + 8.4 * number, 6.5, 10) for number in range(155)]
    first, second = episodes(signal(1500, *bursts), (44, 1340))
    assert first.duration_s == pytest.approx(1200, abs=5)
    assert second.onset_s == pytest.approx(first.offset_s, abs=1)
    assert second.kind is EventKind.POSSIBLE_CRAMP, "it is not counted twice"


def test_doubt_within_a_cramp_does_not_end_it():
    (cramp,) = episodes(signal(160, (40, 60, 10)), (44, 60), (80, 100), unsure=(60, 80))
    assert cramp.offset_s == pytest.approx(100, abs=0.5)


def test_twitches_after_an_episode_are_not_its_end():
    samples = signal(120, (40, 30, 10), (74, 0.3, 10), (78, 0.3, 10))
    (cramp,) = episodes(samples, (44, 80))
    assert cramp.offset_s == pytest.approx(70, abs=0.3)


def test_two_episodes_with_rest_between_stay_two():
    found = episodes(signal(160, (40, 25, 10), (80, 25, 10)), (42, 65), (82, 105))
    assert len(found) == 2
    assert found[1].onset_s == pytest.approx(80, abs=0.25)


def test_a_dip_of_a_second_in_the_score_does_not_split():
    found = episodes(signal(120, (40, 40, 10)), (42, 60), (61, 80))
    assert len(found) == 1


def test_a_cramp_that_fades_and_comes_back_is_one():
    samples = signal(160, (40, 25, 10), (71, 30, 10))
    (cramp,) = episodes(samples, (42, 65), (73, 101))
    assert cramp.onset_s == pytest.approx(40, abs=0.25)
    assert cramp.offset_s == pytest.approx(101, abs=0.35)


def test_what_comes_after_a_cramp_joins_it_only_if_it_looks_like_one():
    samples = signal(160, (40, 25, 10), (71, 30, 10))
    assert [found.offset_s for found in episodes(samples, (42, 65))] == [
        pytest.approx(65, abs=0.35)
    ]


def test_a_gap_while_an_episode_might_come_back_neither_joins_nor_censors():
    samples = signal(200, (40, 25, 10), (90, 30, 10), gaps=[(70, 5)])
    first, second = episodes(samples, (42, 65), (92, 120))
    assert first.censored is second.censored is Censored.NONE
    assert first.offset_s == pytest.approx(65, abs=0.35)


def test_a_gap_ends_an_episode_censors_both_sides_and_is_never_bridged():
    samples = signal(200, (40, 80, 10), gaps=[(70, 20)])
    first, second = episodes(samples, (42, 120))
    assert first.censored is Censored.OFFSET
    assert first.offset_s == pytest.approx(70, abs=0.3)
    assert second.censored is Censored.ONSET
    assert second.onset_s == pytest.approx(90, abs=0.7)


@pytest.mark.parametrize("gap_s", [2, 4, 8])
def test_a_gap_of_seconds_is_never_bridged_either(gap_s):
    samples = signal(200, (40, 80, 10), gaps=[(70, gap_s)])
    first, second = episodes(samples, (42, 120))
    assert first.offset_s == pytest.approx(70, abs=0.3)
    assert second.onset_s == pytest.approx(70 + gap_s, abs=0.7)


@pytest.mark.parametrize(("gap_s", "kind"), [(20, EventKind.POSSIBLE_CRAMP), (35, EventKind.CRAMP)])
def test_a_cramp_seen_again_soon_after_a_gap_is_not_counted_twice(gap_s, kind):
    samples = signal(220, (40, 120, 10), gaps=[(70, gap_s)])
    first, second = episodes(samples, (42, 160))
    assert (first.kind, second.kind) == (EventKind.CRAMP, kind)


def test_a_muscle_at_rest_before_a_gap_is_not_censored():
    (cramp,) = episodes(signal(200, (40, 27, 10), gaps=[(70, 20)]), (42, 70))
    assert cramp.censored is Censored.NONE
    assert cramp.offset_s == pytest.approx(67, abs=0.3)


def test_an_episode_cut_by_the_end_of_the_recording_is_censored():
    (cramp,) = episodes(signal(80, (40, 40, 10)), (42, 80))
    assert cramp.censored is Censored.OFFSET
    assert cramp.offset_s == pytest.approx(80, abs=0.6)


def movements(samples, form=FORM, episodes=()):
    front_end = FrontEnd(form)
    scorer = LegMovementScorer(form, front_end.bin_s)
    for output in (front_end.push(samples), front_end.finish()):
        scorer.push(output)
    return scorer.finish(list(episodes))


@pytest.mark.parametrize(
    ("duration_s", "count"), [(0.3, 0), (1.0, 1), (9.0, 1), (12.0, 0)], ids=str
)
def test_leg_movements_last_half_a_second_to_ten_seconds(duration_s, count):
    found = movements(signal(80, (40, duration_s, 12)))
    assert len(found) == count
    if found:
        assert found[0].duration_s == pytest.approx(duration_s, abs=0.25)


def test_what_moves_within_an_episode_is_no_leg_movement():
    cramp = Event(38.0, 20.0, EventKind.CRAMP)
    samples = signal(120, (40, 1, 12), (70, 1, 12))
    (movement,) = movements(samples, episodes=[cramp])
    assert movement.onset_s == pytest.approx(70, abs=0.25)
    assert len(movements(samples)) == 2


def test_a_pause_of_less_than_half_a_second_does_not_end_a_movement():
    (movement,) = movements(signal(80, (40, 1, 12), (41.3, 1, 12)))
    assert movement.duration_s == pytest.approx(2.3, abs=0.25)
    assert len(movements(signal(80, (40, 1, 12), (41.8, 1, 12)))) == 2


def test_the_noise_of_a_high_floor_moves_no_leg():
    noisy = 9 * signal(300, (200, 2, 4))
    (movement,) = movements(noisy)
    assert movement.onset_s == pytest.approx(200, abs=0.25)


def test_four_movements_within_ninety_seconds_each_are_periodic():
    found = movements(signal(240, *[(30 + 25 * number, 2, 12) for number in range(4)]))
    assert [event.detail for event in found] == ["periodic"] * 4
    lone = movements(signal(240, *[(30 + 25 * number, 2, 12) for number in range(3)]))
    assert [event.detail for event in lone] == [None] * 3


@pytest.mark.parametrize("gap_s", [4.9, 90.1])
def test_movements_too_close_or_too_far_end_a_series(gap_s):
    onsets = [0, 20, 40, 40 + gap_s, 60 + gap_s, 80 + gap_s]
    found = mark_periodic([Event(onset, 1.0, EventKind.LEG_MOVEMENT) for onset in onsets])
    assert all(event.detail is None for event in found)


def test_a_movement_that_meets_a_gap_has_no_known_length_and_is_left_out():
    assert movements(signal(80, (40, 4, 12), gaps=[(42, 5)])) == []


def test_unscaled_recordings_use_multiples_of_the_floor():
    form = EmgFormat(("GM",), RATE_HZ, False, (0.1,), ((-3000.0, 3000.0),))
    assert len(movements(signal(80, (40, 2, 12)) / 7, form)) == 1
    assert movements(signal(80, (40, 2, 2)) / 7, form) == []
