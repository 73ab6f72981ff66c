"""Corrections as appended records, blinded scoring and adjudication, labels and study episodes."""

import csv
import itertools
import json
import runpy
from datetime import UTC
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from models import CLASS_NAMES
from models.labels import label_frames
from nightcramp.errors import BusyError, InputError, NightcrampError, UsageError
from nightcramp.event_tables import read_events, read_truth
from nightcramp.labelled import find_labelled
from nightcramp.review.agreement import EpochAgreement, merged, pooled, scorer_agreement
from nightcramp.review.corrections import Change, Status, episodes_now, in_effect
from nightcramp.review.labels import export_labels
from nightcramp.review.nights import ReviewNight, find_night, find_nights
from nightcramp.review.reported import Reported, diary_of
from nightcramp.review.scoring import (
    adjudication,
    compare_scorers,
    final_episodes,
    refuse_unblinding,
    scorer_log,
    scoring_state,
)
from nightcramp.review.study_episodes import export_episodes
from nightcramp.scoring import score_results
from nightcramp.study import collect
from nightcramp.study_compaction import compact
from nightcramp.study_tables import read_rows
from sensing import Event, EventKind
from trial import load_study
from trial.audit import AuditAction, read_audit, verify_audit

nights = runpy.run_path(str(Path(__file__).with_name("reviewed_nights.py")))
cramp, write_results = nights["cramp"], nights["write_results"]

NAME = "sub-P001_ses-20260301_task-sleep"
FOUND = (
    cramp(100, 40),
    cramp(300, 12, EventKind.POSSIBLE_CRAMP),
    Event(500, 3, EventKind.LEG_MOVEMENT, "EMG GM1"),
    cramp(900, 80),
    Event(3000, 600, EventKind.NOT_ANALYSABLE, detail="lift_off"),
)


@pytest.fixture
def night(tmp_path):
    write_results(tmp_path / "results", NAME, FOUND)
    return find_night(NAME, tmp_path / "results")


def do(log, action, episode=None, who="Ada", **fields):
    return log.make(Change(action, episode, **fields), who=who, seen=len(log.corrections()))


def undo(log, who="Ada"):
    return log.undo(who=who, seen=len(log.corrections()))


def statuses(log):
    return {one.id: one.status.value for one in log.episodes()}


def score(night, who, *spans):
    log = scorer_log(night, who)
    for onset_s, duration_s in spans:
        do(log, AuditAction.ADDED, who=who, onset_s=onset_s, duration_s=duration_s)
    do(log, AuditAction.SCORED, who=who)


# Corrections


def test_only_cramps_and_possible_cramps_are_reviewed(night):
    assert statuses(night.corrections()) == {"m1": "auto", "m2": "auto", "m3": "auto"}


def test_a_correction_changes_what_stands_and_not_what_the_machine_found(night):
    before = (night.results / f"{NAME}_events.tsv").read_bytes()
    log = night.corrections()
    do(log, AuditAction.CONFIRMED, "m1")
    do(log, AuditAction.REJECTED, "m2", reason="turned over")
    do(log, AuditAction.MOVED, "m3", onset_s=890.0, duration_s=95.0)
    do(log, AuditAction.ADDED, onset_s=2000.0, duration_s=20.0)
    do(log, AuditAction.COMMENTED, "m3", reason="ends slowly")
    assert statuses(log) == {
        "m1": "confirmed", "m2": "rejected", "m3": "confirmed", "a4": "confirmed",
    }  # fmt: skip
    moved = next(one for one in log.episodes() if one.id == "m3")
    assert (moved.event.onset_s, moved.event.duration_s) == (890.0, 95.0)
    assert moved.event.intensity is None, "was measured over another span"
    assert moved.comments == ("ends slowly (Ada)",)
    assert (night.results / f"{NAME}_events.tsv").read_bytes() == before


def test_a_confirmed_possible_cramp_is_a_cramp(night):
    log = night.corrections()
    do(log, AuditAction.CONFIRMED, "m2")
    assert next(one for one in log.episodes() if one.id == "m2").event.kind is EventKind.CRAMP


def test_every_correction_is_in_the_audit_log_with_before_and_after(night):
    log = night.corrections()
    do(log, AuditAction.MOVED, "m1", onset_s=90.0, duration_s=50.0, reason="begins earlier")
    undo(log, who="Bea")
    moved, undone = read_audit(night.results)
    assert (moved.who, moved.action, moved.reason) == ("Ada", "moved", "begins earlier")
    assert moved.subject == f"{NAME}/episode m1"
    assert (moved.before["onset_s"], moved.after["onset_s"]) == (100.0, 90.0)
    assert moved.after["status"] == "confirmed"
    assert (undone.who, undone.action, undone.before) == ("Bea", "undone", moved.after)
    assert undone.after == moved.before
    assert [one.audit for one in log.corrections()] == [moved.hash, undone.hash]
    assert log.corrections()[0].at_utc.tzinfo is UTC
    assert not verify_audit(night.results).faults


def test_without_an_audit_log_nothing_is_corrected(night):
    log = night.corrections()
    do(log, AuditAction.CONFIRMED, "m1")
    audit = night.results / "audit.jsonl"
    audit.write_text(audit.read_text().replace("Ada", "Eve"))
    with pytest.raises(NightcrampError):
        do(log, AuditAction.REJECTED, "m1")
    assert statuses(log)["m1"] == "confirmed"


def test_corrections_of_a_study_are_in_the_study_s_audit_log(tmp_path):
    study = tmp_path / "trial"
    study.mkdir()
    write_results(tmp_path / "results", NAME, FOUND)
    do(find_night(NAME, tmp_path / "results", study).corrections(), AuditAction.CONFIRMED, "m1")
    assert len(read_audit(study)) == 1
    assert not (tmp_path / "results" / "audit.jsonl").exists()


def test_a_stale_page_changes_nothing(night):
    log = night.corrections()
    do(log, AuditAction.CONFIRMED, "m1", who="Bea")
    with pytest.raises(BusyError, match="Bea"):
        log.make(Change(AuditAction.REJECTED, "m1"), who="Ada", seen=0)
    assert statuses(log)["m1"] == "confirmed"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Change(AuditAction.CONFIRMED, "m9"), "no episode"),
        (Change(AuditAction.COMMENTED, reason="  "), "empty"),
        (Change(AuditAction.ADDED), "needs an onset"),
        (Change(AuditAction.ADDED, None, 3599.5, 2.0), "within the night"),
        (Change(AuditAction.ADDED, None, -1.0, 20.0), "within the night"),
        (Change(AuditAction.ADDED, None, 10.0, 0.2), "1 s or more"),
        (Change(AuditAction.ADDED, None, 110.0, 20.0), "overlap with episode m1"),
        (Change(AuditAction.MOVED, "m2", 120.0, 20.0), "overlap with episode m1"),
        (Change(AuditAction.SCORED), "2 episodes are undecided"),
    ],
)
def test_what_could_not_be_counted_is_refused_in_words(night, change, words):
    log = night.corrections()
    do(log, AuditAction.CONFIRMED, "m1")
    with pytest.raises(UsageError, match=words):
        log.make(change, who="Ada", seen=1)
    assert len(log.corrections()) == 1


def test_a_damaged_log_is_named_by_its_line(night):
    log = night.corrections()
    do(log, AuditAction.CONFIRMED, "m1")
    with log.file.open("a") as file:
        file.write('{"sequence":2}\n')
    with pytest.raises(InputError, match="line 3"):
        log.episodes()


def test_a_later_analysis_does_not_change_what_is_reviewed(night):
    do(night.corrections(), AuditAction.CONFIRMED, "m3")
    aside = night.results / "superseded" / NAME / "aaaa"
    aside.mkdir(parents=True)
    for ending in ("events.tsv", "night.json"):
        (night.results / f"{NAME}_{ending}").replace(aside / f"{NAME}_{ending}")
    write_results(night.results, NAME, (cramp(5, 20),), analysis_id="bbbb")
    assert statuses(night.corrections()) == {"m1": "auto", "m2": "auto", "m3": "confirmed"}


def test_a_name_that_leads_elsewhere_is_no_night(night):
    with pytest.raises(UsageError, match="holds no night"):
        find_night(f"../results/{NAME}", night.results)


ACTIONS = st.one_of(
    st.tuples(st.just("undo")),
    st.tuples(st.sampled_from([AuditAction.CONFIRMED, AuditAction.REJECTED]), st.integers(0, 5)),
    st.tuples(st.just(AuditAction.COMMENTED), st.integers(-1, 5)),
    st.tuples(st.just(AuditAction.MOVED), st.integers(0, 5), st.floats(0, 3600), st.floats(1, 900)),
    st.tuples(st.just(AuditAction.ADDED), st.floats(0, 3600), st.floats(1, 900)),
)


def _attempt(log, step):
    """Do what a step says; what is refused changes nothing."""
    standing = log.corrections()
    try:
        if step[0] == "undo":
            undo(log)
        elif step[0] is AuditAction.ADDED:
            do(log, step[0], onset_s=step[1], duration_s=step[2])
        else:
            known = [*log.episodes(), None]
            one = known[step[1] % len(known)]
            span = {"onset_s": step[2], "duration_s": step[3]} if len(step) > 2 else {}
            do(log, step[0], one.id if one else None, reason="why", **span)
    except NightcrampError:
        assert log.corrections() == standing


@settings(max_examples=25, deadline=None)
@given(st.lists(ACTIONS, max_size=8))
def test_any_sequence_replays_to_the_same_state_and_undoes_to_the_machine_s_events(
    tmp_path_factory, steps
):
    folder = tmp_path_factory.mktemp("sequence")
    write_results(folder, NAME, FOUND)
    night = ReviewNight(NAME, folder, folder)
    log = night.corrections()
    states = [log.episodes()]
    for step in steps:
        before = len(log.corrections())
        _attempt(log, step)
        states += [log.episodes()] * (len(log.corrections()) - before)
    for length, state in enumerate(states):
        assert episodes_now(log.base, log.corrections()[:length]) == state
    counted = [one.event for one in log.episodes() if one.status is Status.CONFIRMED]
    for one, other in itertools.pairwise(counted):
        assert one.offset_s <= other.onset_s, "no time counts twice"
    lines = log.file.read_text() if log.file.exists() else ""
    while in_effect(log.corrections()):
        undo(log)
    assert log.episodes() == log.base == find_night(NAME, folder).corrections().base
    if lines:
        assert log.file.read_text().startswith(lines), "nothing is overwritten"


# Two scorers


def test_epochs_that_could_not_be_judged_are_not_compared(night):
    score(night, "Ada", (100, 40))
    score(night, "Bea", (100, 40), (3100, 60))
    assert compare_scorers(night).epochs == EpochAgreement(2, 0, 0, 98)


def test_two_scorers_see_neither_the_detector_nor_each_other(night):
    first = scorer_log(night, "Ada")
    assert first.episodes() == ()
    do(first, AuditAction.ADDED, onset_s=100.0, duration_s=40.0)
    assert scorer_log(night, "Bea").episodes() == ()
    with pytest.raises(UsageError, match="has not finished"):
        refuse_unblinding(night, " ada")
    with pytest.raises(UsageError, match="once two people have finished"):
        compare_scorers(night)
    state = scoring_state(night)
    assert (state.scorers, state.finished, state.may_be_compared) == (("Ada",), (), False)


def test_a_finished_scoring_stands_for_good(night):
    score(night, "Ada", (100, 40))
    log = scorer_log(night, "Ada")
    with pytest.raises(UsageError, match="finished"):
        undo(log)
    with pytest.raises(UsageError, match="finished"):
        do(log, AuditAction.ADDED, onset_s=2000.0, duration_s=40.0)
    refuse_unblinding(night, "Ada")


def test_who_has_seen_the_detector_s_output_does_not_score(night):
    do(night.corrections(), AuditAction.CONFIRMED, "m1", who="Ada")
    with pytest.raises(UsageError, match="has seen"):
        scorer_log(night, "ADA")


def test_a_third_scorer_is_refused_and_a_scorer_does_not_adjudicate(night):
    score(night, "Ada", (100, 40))
    score(night, "Bea", (100, 40))
    with pytest.raises(UsageError, match="scored by Ada and Bea"):
        scorer_log(night, "Cem")
    with pytest.raises(UsageError, match="a third person"):
        adjudication(night, "Bea")
    do(night.corrections(), AuditAction.CONFIRMED, "m1", who="Dan")
    with pytest.raises(UsageError, match="has seen"):
        adjudication(night, "Dan")


def test_scorers_who_agree_need_no_adjudicator(night):
    score(night, "Ada", (100, 40), (900, 80))
    score(night, "Bea", (102, 40), (900, 90))
    assert scoring_state(night).is_adjudicated
    episodes, who = final_episodes(night)
    assert [(one.event.onset_s, one.event.duration_s) for one in episodes] == [(101, 40), (900, 85)]
    assert who == "Ada, Bea"


def test_an_adjudicator_decides_what_scorers_disagree_about(night):
    score(night, "Ada", (100, 40), (300, 20), (900, 80))
    score(night, "Bea", (102, 40), (940, 80), (2000, 30))
    log = adjudication(night, "Cem")
    queue = {one.id: (one.source, one.event.onset_s) for one in log.episodes()}
    assert queue == {
        "b1": ("both scorers", 101.0),
        "s1": ("scorer 1", 300.0),
        "s2": ("scorer 1", 900.0),
        "s3": ("scorer 2", 940.0),
        "s4": ("scorer 2", 2000.0),
    }
    do(log, AuditAction.REJECTED, "s1", who="Cem")
    do(log, AuditAction.CONFIRMED, "s2", who="Cem")
    with pytest.raises(UsageError, match="overlap with episode s2"):
        do(log, AuditAction.CONFIRMED, "s3", who="Cem")
    do(log, AuditAction.REJECTED, "s3", who="Cem")
    with pytest.raises(UsageError, match="1 episodes are undecided"):
        do(log, AuditAction.ADJUDICATED, who="Cem")
    do(log, AuditAction.CONFIRMED, "s4", who="Cem")
    assert final_episodes(night) is None
    do(log, AuditAction.ADJUDICATED, who="Cem")
    episodes, who = final_episodes(night)
    counted = [one.event.onset_s for one in episodes if one.status is Status.CONFIRMED]
    assert (counted, who) == ([101.0, 900.0, 2000.0], "Ada, Bea, Cem")


# Agreement


def events(*spans):
    return [Event(onset_s, duration_s, EventKind.CRAMP) for onset_s, duration_s in spans]


def test_agreement_of_events_by_hand():
    # Overlaps over union: 40/40; 10/50 = 0.2; none.
    first, second = events((0, 40), (100, 30), (500, 20)), events((0, 40), (120, 30))
    loose, strict = scorer_agreement(first, second, np.ones(600, dtype=bool)).events
    assert (loose.agreed, strict.agreed) == (2, 1)
    assert loose.f1 == pytest.approx(2 * 2 / 5)
    assert strict.f1 == pytest.approx(2 * 1 / 5)


def test_agreement_of_epochs_by_hand():
    # Epochs of 30 s: first 0, 1, 4; second 0, 4, 5; epoch 9 is not analysable.
    first, second = events((10, 40), (120, 30)), events((0, 30), (140, 20), (275, 10))
    analysable = np.ones(300, dtype=bool)
    analysable[270:] = False
    epochs = scorer_agreement(first, second, analysable).epochs
    assert epochs == EpochAgreement(both=2, first_only=1, second_only=1, neither=5)
    chance = (3 * 3 + 6 * 6) / 81
    assert epochs.kappa == pytest.approx((7 / 9 - chance) / (1 - chance))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_kappa_is_that_of_scikit_learn(epochs):
    first, second = (
        events(*((30 * place, 30) for place, epoch in enumerate(epochs) if epoch[scorer]))
        for scorer in (0, 1)
    )
    kappa = scorer_agreement(first, second, np.ones(30 * len(epochs), dtype=bool)).epochs.kappa
    one, other = zip(*epochs, strict=True)
    if len({*one, *other}) == 1:
        assert kappa is None
    else:
        assert kappa == pytest.approx(cohen_kappa_score(one, other))


def test_agreement_over_nights_is_that_of_all_their_events_and_epochs():
    one = scorer_agreement(events((0, 40)), events((0, 40)), np.ones(300, dtype=bool))
    other = scorer_agreement(events((0, 20)), events((100, 40)), np.ones(300, dtype=bool))
    both = pooled([one, other])
    assert [(found.agreed, found.f1) for found in both.events] == [(1, 0.5), (1, 0.5)]
    assert both.epochs == EpochAgreement(both=2, first_only=1, second_only=2, neither=15)


def test_nothing_scored_is_no_agreement_by_kappa():
    nothing = scorer_agreement([], [], np.ones(3600, dtype=bool))
    assert nothing.epochs.kappa is None
    assert [one.f1 for one in nothing.events] == [None, None]


def test_every_mark_comes_before_the_adjudicator_once():
    first, second = events((0, 40), (100, 30)), events((110, 30), (2, 40), (300, 9))
    marks = merged(first, second)
    assert [(one.id, one.status.value, one.event.onset_s) for one in marks] == [
        ("b1", "confirmed", 1.0), ("b2", "confirmed", 105.0), ("s1", "auto", 300.0),
    ]  # fmt: skip


# Labels and study


def test_labels_read_back_as_people_left_them(night, tmp_path):
    log = night.corrections()
    do(log, AuditAction.CONFIRMED, "m1")
    do(log, AuditAction.REJECTED, "m2")
    do(log, AuditAction.MOVED, "m3", onset_s=890.0, duration_s=95.0)
    do(log, AuditAction.ADDED, onset_s=495.0, duration_s=20.0)
    before = export_labels([night], tmp_path / "labels", who="Ada")
    assert (before.files, before.unfinished) == ((), (NAME,))
    do(log, AuditAction.SCORED)
    (file,) = export_labels([night], tmp_path / "labels", who="Ada").files
    assert file == tmp_path / f"labels/sub-P001/ses-20260301/emg/{NAME}_events.tsv"
    labels = read_events(file)
    assert [(event.kind.value, event.onset_s, event.duration_s) for event in labels] == [
        ("cramp", 100.0, 40.0),
        ("cramp", 495.0, 20.0),
        ("cramp", 890.0, 95.0),
        ("not_analysable", 3000.0, 600.0),
    ]
    assert json.loads(file.with_suffix(".json").read_text())["onset"]
    assert label_frames(np.array([120.5, 200.5, 500.5]), read_truth(truth_of(file))).tolist() == [
        CLASS_NAMES.index(name) for name in ("cramp", "rest", "cramp")
    ]
    (judged,) = score_results(night.results, tmp_path / "labels").scored
    assert [match.truth.onset_s for match in judged.evaluation.matches] == [100.0, 495.0, 890.0]
    assert len(judged.evaluation.false_alarms) == 0
    assert read_audit(night.audit)[-1].action == "exported"


def test_training_reads_the_labels_of_its_recordings(tmp_path):
    data = tmp_path / "data"
    source = nights["write_recording"](data / "recordings" / f"{NAME}_emg.edf", 60.0)
    write_results(tmp_path / "results", NAME, (cramp(10, 20),), hours=60 / 3600, source=source)
    night = find_night(NAME, tmp_path / "results")
    do(night.corrections(), AuditAction.MOVED, "m1", onset_s=8.0, duration_s=25.5)
    do(night.corrections(), AuditAction.SCORED)
    (file,) = export_labels([night], data / "labels", who="Ada").files
    (labelled,) = find_labelled([data])
    assert (labelled.participant, labelled.recording, labelled.events) == ("sub-P001", source, file)
    (label,) = labelled.load().events
    assert (label.kind, label.onset_s, label.duration_s) == (EventKind.CRAMP, 8.0, 25.5)


def truth_of(file):
    return file.with_name(file.name.replace("_events", "_truth"))


def test_events_of_a_recorder_are_not_written_over(night, tmp_path):
    folder = tmp_path / "sub-P001" / "ses-20260301" / "emg"
    folder.mkdir(parents=True)
    standing = folder / f"{NAME}_events.tsv"
    standing.write_text("onset\tduration\ttrial_type\tcause\n")
    for episode in ("m1", "m2", "m3"):
        do(night.corrections(), AuditAction.REJECTED, episode)
    do(night.corrections(), AuditAction.SCORED)
    (failure,) = export_labels([night], tmp_path, who="Ada").failures
    assert "Choose another folder" in failure
    assert standing.read_text() == "onset\tduration\ttrial_type\tcause\n"


def test_a_night_without_cramps_is_a_label_too(tmp_path):
    write_results(tmp_path, "night", ())
    (night,) = find_nights(tmp_path)
    do(night.corrections(), AuditAction.SCORED)
    (file,) = export_labels([night], tmp_path / "labels", who="Ada").files
    assert read_events(file) == ()


STUDY = """
title = "Trial"
weeks = 1
run_in_weeks = 0
time_zone = "UTC"
blinding = "open"
estimand = "rate"
"""


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "trial"
    folder.mkdir()
    (folder / "study.toml").write_text(STUDY)
    (folder / "participants.tsv").write_text(
        "participant_id\tsite\trandomised_on\tage\tsex\nP001\tA\t2026-03-01\t70\tf\n"
    )
    return folder


def rows_of(file):
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def test_reviewed_nights_enter_the_study_and_collect_leaves_them(study, tmp_path):
    results = tmp_path / "results"
    write_results(results, NAME, FOUND)
    night = find_night(NAME, results, study)
    collect(study, results)
    log = night.corrections()
    do(log, AuditAction.MOVED, "m1", onset_s=90.0, duration_s=50.0)
    do(log, AuditAction.REJECTED, "m2")
    unfinished = export_episodes([night], study, who="Ada")
    assert (unfinished.nights, unfinished.unfinished) == (0, (NAME,))
    do(log, AuditAction.REJECTED, "m3")
    do(log, AuditAction.SCORED)
    exported = export_episodes([night], study, who="Ada")
    assert (exported.nights, exported.confirmed, exported.rejected) == (1, 1, 2)
    rows = rows_of(study / "episodes.tsv")
    assert [(row["onset_utc"], row["duration_s"], row["status"]) for row in rows] == [
        ("2026-03-01T22:01:30.000Z", "50.00", "confirmed"),
        ("2026-03-01T22:05:00.000Z", "12.00", "rejected"),
        ("2026-03-01T22:15:00.000Z", "80.00", "rejected"),
    ]
    assert {row["version"].endswith(", reviewed by Ada") for row in rows} == {True}
    assert len(load_study(study).episodes) == 3, "the table passes the study's checks"
    for model in ("aaaa", "bbbb"):
        write_results(results, NAME, (cramp(5, 20),), analysis_id=model)
        assert collect(study, results).kept
        assert rows_of(study / "episodes.tsv") == rows
    assert not verify_audit(study).faults


@pytest.mark.parametrize("layout", ["text", "parts"])
@pytest.mark.parametrize("found", [(), (cramp(100, 40),)])
def test_a_night_reviewed_as_free_of_cramps_is_left_to_its_reviewer(study, tmp_path, layout, found):
    results = tmp_path / "results"
    write_results(results, NAME, ())
    collect(study, results)
    if layout == "parts":
        pytest.importorskip("pyarrow")
        compact(study)
    night = find_night(NAME, results, study)
    do(night.corrections(), AuditAction.SCORED)
    assert export_episodes([night], study, who="Ada").nights == 1
    before = [read_rows(study, name, ()) for name in ("nights", "episodes")]
    assert [row["reviewed_by"] for row in before[0]] == ["Ada"]
    write_results(results, NAME, found, analysis_id="bbbb")
    assert collect(study, results).kept == ("P001 2026-03-01",)
    assert [read_rows(study, name, ()) for name in ("nights", "episodes")] == before
    assert load_study(study).nights["reviewed_by"].tolist() == ["Ada"]
    assert read_audit(study)[-1].after == {"reviewed_by": "Ada", "episodes": []}


def test_reviewed_nights_enter_a_study_kept_in_parts(study, tmp_path):
    results = tmp_path / "results"
    write_results(results, NAME, FOUND)
    collect(study, results)
    pytest.importorskip("pyarrow")
    compact(study)
    night = find_night(NAME, results, study)
    for episode in ("m1", "m2", "m3"):
        do(night.corrections(), AuditAction.CONFIRMED, episode)
    do(night.corrections(), AuditAction.SCORED)
    assert export_episodes([night], study, who="Ada").confirmed == 3
    assert load_study(study).episodes["status"].tolist() == ["confirmed"] * 3


def test_a_night_that_was_not_collected_is_named(study, tmp_path):
    write_results(tmp_path / "results", NAME, ())
    night = find_night(NAME, tmp_path / "results", study)
    do(night.corrections(), AuditAction.SCORED)
    (study / "nights.tsv").write_text(
        "participant_id\tnight\tstart_utc\trecorded_hours\tanalysable_hours\treason\n"
    )
    (failure,) = export_episodes([night], study, who="Ada").failures
    assert "Run nightcramp study collect first" in failure


def test_what_the_participant_reported_is_found_by_participant_and_night(study, tmp_path):
    write_results(tmp_path / "results", NAME, ())
    night = find_night(NAME, tmp_path / "results", study)
    assert diary_of(night, study) is None
    (study / "diary.tsv").write_text(
        "participant_id\tnight\tcramps\tseverity\tminutes\n"
        "P001\t2026-03-02\t9\t9\t9\nP001\t2026-03-01\t2\t6\tn/a\n"
    )
    assert diary_of(night, study) == Reported("2", "6", "n/a")
    pytest.importorskip("pyarrow")
    collect(study, tmp_path / "results")
    compact(study)
    assert not (study / "diary.tsv").exists()
    assert diary_of(night, study) == Reported("2", "6", "n/a")


# Commands


def test_the_command_line_writes_labels_episodes_and_agreement(run, study, tmp_path):
    results = tmp_path / "results"
    write_results(results, NAME, FOUND)
    collect(study, results)
    night = find_night(NAME, results, study)
    code, out, error = run("review", "labels", results, "--out", tmp_path / "labels")
    assert (code, "0 nights" in out, f"not finished: {NAME}" in error) == (0, True, True)
    score(night, "Ada", (100, 40), (900, 80))
    score(night, "Bea", (100, 40), (900, 80))
    code, out, _ = run("review", "agreement", results, "--json")
    figures = json.loads(out)
    assert code == 0
    assert figures[NAME] == figures["all nights"]
    assert (figures[NAME]["f1_at_0.5"], figures[NAME]["kappa"]) == (1.0, 1.0)
    code, out, _ = run("review", "episodes", results, "--study", study, "--who", "Ada")
    assert (code, out) == (0, "1 nights: 2 episodes confirmed, 0 rejected\n")
    assert read_audit(study)[-1].who == "Ada"
    assert run("review", "labels", results, "--out", tmp_path / "labels", "--json")[0] == 0
    assert len(list((tmp_path / "labels").rglob("*_events.tsv"))) == 1
    (study / "nights.tsv").write_text("participant_id\tnight\n")
    code, _, error = run("review", "episodes", results, "--study", study)
    assert code == 1
    assert "failed: P001 2026-03-01: the night is not in nights.tsv" in error
