"""What the detector's own errors could do to a trial's result is said, and said right."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pandas as pd
import pytest

from benchmarks.trial_statistics import PLANTED, less_false_alarms, primary
from trial import load_study
from trial.recounting import LEAST_S, SURE, recounted
from trial.report.detector_table import detector_sentence, tabulate_detector_errors
from trial.report.forest import forest_rows
from trial.statistics import (
    DetectorErrors,
    Refusal,
    TrialPlan,
    TrialSpec,
    analyse,
    detector_errors,
    operating_characteristics,
    sample_size,
    simulate_trial,
)

SPEC = TrialSpec(treated=40, controls=40, weeks=4, sites=1)


@pytest.fixture(scope="module")
def data():
    return simulate_trial(SPEC, 3)


@pytest.fixture(scope="module")
def analysis(data):
    return analyse(data, {"possible_cramps": data, "sure_cramps": data})


def test_without_false_alarms_the_rates_are_those_of_the_primary_analysis(analysis):
    found, reference, treatment = analysis.detector_errors.steps[0], *analysis.primary.arms
    assert (found.reference, found.treatment) == (reference.adjusted, treatment.adjusted)
    assert found.estimate.value == pytest.approx(treatment.adjusted / reference.adjusted)
    # With a log link the marginal ratio is that of the model, and about as exact.
    of_model = analysis.primary.estimate("rate ratio")
    assert found.estimate.value == pytest.approx(of_model.value, rel=0.1)
    assert found.estimate.standard_error == pytest.approx(of_model.standard_error, rel=0.25)


def test_seven_times_the_nightly_rate_leaves_every_week_and_the_ratio_follows(data):
    (less,) = detector_errors(primary(data), false_alarms=(0.04,)).steps
    (none,) = detector_errors(primary(data), false_alarms=(0.0,)).steps
    assert none.reference - less.reference == pytest.approx(0.28)
    assert none.treatment - less.treatment == pytest.approx(0.28)
    assert less.estimate.value == pytest.approx(less.treatment / less.reference)
    assert less.estimate.low < less.estimate.value < less.estimate.high


def test_a_week_of_sessions_has_fewer_hours_for_false_alarms(data):
    (less,) = detector_errors(primary(data), hours_per_week=12.0, false_alarms=(0.1,)).steps
    assert primary(data).arms[0].adjusted - less.reference == pytest.approx(0.15)


def test_more_false_alarms_than_were_counted_leave_no_ratio(data):
    (too_many,) = detector_errors(primary(data), false_alarms=(0.5,)).steps
    assert too_many.treatment < 0
    assert too_many.estimate is None


def test_false_alarms_of_the_reference_arm_alone_that_would_make_the_benefit(analysis):
    found = analysis.detector_errors
    apart = analysis.primary.estimate("difference per week")
    assert apart.high + 7 * found.more_false_alarms == pytest.approx(0, abs=1e-12)
    assert found.less_found == analysis.primary.estimate("rate ratio").high


def test_without_a_benefit_there_is_none_to_lose():
    found = detector_errors(primary(simulate_trial(replace(SPEC, rate_ratio=1.0), 4)))
    assert found.more_false_alarms is None
    assert found.less_found is None
    made = analyse(simulate_trial(replace(SPEC, rate_ratio=1.0), 4))
    assert detector_sentence(made).startswith("There is no significant benefit")


def test_a_refused_primary_analysis_is_replaced_by_what_was_done_instead(data):
    events = data.weeks["events"].mask(data.weeks["week"] == 2, 0.0)
    instead = primary(replace(data, weeks=data.weeks.assign(events=events)))
    assert isinstance(instead, Refusal)
    found = detector_errors(instead)
    assert isinstance(found, DetectorErrors)
    assert found.steps[0].reference == instead.alternative[0].arms[0].adjusted


def test_without_any_model_it_is_refused_for_the_reason_of_the_primary_analysis():
    few = analyse(simulate_trial(TrialSpec(treated=5, controls=5, weeks=2, sites=1), 5))
    assert few.detector_errors.reason == few.primary.reason
    assert tabulate_detector_errors(few) is None
    assert detector_sentence(few) == ""


def test_planted_false_alarms_bias_the_ratio_and_not_the_difference_and_can_be_taken_off():
    spec = TrialSpec(treated=52, controls=48, false_alarms=PLANTED)
    analyses = {"as counted": primary, "less": less_false_alarms}
    found = operating_characteristics(spec, analyses, trials=30, seed=6)
    rows = {(row.analysis, row.quantity): row for row in found}
    counted = (0.96 + 7 * PLANTED) / (3.63 + 7 * PLANTED)
    assert rows["as counted", "rate ratio"].mean == pytest.approx(counted, rel=0.05)
    assert rows["as counted", "rate ratio"].coverage.value < 0.5
    assert abs(rows["as counted", "difference per week"].bias) < 0.05
    assert abs(rows["less", "rate ratio"].bias) < 3 * rows["less", "rate ratio"].bias_error
    assert rows["less", "rate ratio"].coverage.value > 0.8  # 24 of 30: once in 2000 if it is 0.95


def test_a_sample_size_grows_with_false_alarms():
    base = TrialPlan(0.7, reference_rate=2.6)
    diluted = TrialPlan(0.7, reference_rate=2.6, false_alarms=0.1)
    assert diluted.distance == pytest.approx(-math.log((0.7 * 2.6 + 0.7) / (2.6 + 0.7)))
    assert sample_size(diluted).controls > 1.3 * sample_size(base).controls


def test_the_report_tells_it_in_a_sentence_a_table_and_the_forest(analysis):
    sentence = detector_sentence(analysis)
    more = analysis.detector_errors.more_false_alarms
    assert f"raised {more:.2f} false alarms more" in sentence
    assert "with placebo than with vitamin K2" in sentence
    table = tabulate_detector_errors(analysis)
    (body,) = table.bodies
    assert table.head[1:3] == ("placebo, per week", "vitamin K2, per week")
    assert len(body.rows) == len(analysis.detector_errors.steps)
    assert body.rows[-1][2:] == ("fewer were counted", "not estimable", "n/a")
    names = [row.name for row in forest_rows(analysis)]
    assert names[-2:] == ["Possible cramps counted too", "Cramps of confidence 0.9 or more only"]


EPISODES = pd.DataFrame(
    {
        "kind": ["cramp", "cramp", "cramp", "possible_cramp", "possible_cramp", "possible_cramp"],
        "confidence": [SURE, 0.8, 0.8, 0.5, 0.5, 0.5],
        "status": ["auto", "auto", "confirmed", "auto", "auto", "rejected"],
        "duration_s": [60.0, 60.0, 60.0, LEAST_S, LEAST_S - 1, 60.0],
    }
)


def counts(tmp_path, episodes):
    study = replace(empty_study(tmp_path), episodes=episodes)
    return {name: len(other.counted_episodes) for name, other in recounted(study).items()}


def empty_study(folder):
    """Load a study of one participant without nights."""
    tables = {
        "participants": "participant_id site randomised_on age sex\nP1 S1 2026-03-02 70 F",
        "nights": "participant_id night start_utc recorded_hours analysable_hours reason",
        "episodes": "participant_id night onset_utc duration_s confidence status version kind",
        "diary": "participant_id night cramps severity minutes",
    }
    for name, text in tables.items():
        (folder / f"{name}.tsv").write_text(text.replace(" ", "\t") + "\n", encoding="utf-8")
    (folder / "study.toml").write_text(
        'title = "A study"\nweeks = 2\nrun_in_weeks = 1\ntime_zone = "Europe/Vienna"\n'
        'blinding = "open"\nestimand = "Cramps per week."\n',
        encoding="utf-8",
    )
    return load_study(folder)


def test_episodes_are_recounted_by_other_rules(tmp_path):
    # Of the possible ones the second is too short, and a person rejected the third; of the cramps
    # below the limit one was confirmed.
    assert counts(tmp_path, EPISODES) == {"possible_cramps": 4, "sure_cramps": 2}


def test_a_rule_that_changes_nothing_is_not_tried(tmp_path):
    without_kind = EPISODES.drop(columns="kind").assign(confidence=math.nan)
    assert counts(tmp_path, without_kind) == {}
    assert counts(tmp_path, EPISODES.assign(kind="cramp", confidence=SURE)) == {}


def test_the_size_of_a_trial_on_the_command_line(run):
    words = ("study", "size", "--rate-ratio", 0.7, "--reference-rate", 2.6, "--wear", 0.75)
    words += ("--dispersion", 0.16)
    found = [
        json.loads(run(*words, "--false-alarms", rate, "--json")[1])["controls"]
        for rate in (0, 0.07)
    ]
    assert found == [40, 56]  # as the page on statistics says
    code, shown, _ = run(*words, "--controls", 40)
    assert code == 0
    assert shown.startswith("40 controls and 40 treated find a rate ratio of 0.7 with a power of 9")
    code, _, errors = run("study", "size", "--rate-ratio", 1)
    assert code == 2
    assert "rate_ratio must be above 0 and not 1" in errors
