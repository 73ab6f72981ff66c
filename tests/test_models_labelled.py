"""Labelled recordings: found by name, split by participant, learnt from as people labelled them."""

import runpy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import models.training
from models import CLASS_NAMES, LabelledNight, SimulatedNight, TruthKind, classifier
from models.dataset import NightSpec, formats_of, make_night, outputs_of
from models.labelled import frames_of_labelled, split_by_participant
from models.training import TrainingSettings
from nightcramp.errors import UsageError
from nightcramp.labelled import find_labelled, find_unlabelled
from nightcramp.outputs import events_text
from sensing import Event, EventKind, FrontEnd

write_recording = runpy.run_path(str(Path(__file__).with_name("reviewed_nights.py")))[
    "write_recording"
]
SETTINGS = TrainingSettings(
    version="test", nights=9, hours=0.8, tuning_nights=1, tuning_hours=0.3, trees=3, leaves=5
)


@dataclass(frozen=True)
class Source:
    """A labelled recording in memory."""

    participant: str
    night: LabelledNight

    def load(self) -> LabelledNight:
        return self.night


@pytest.fixture(scope="module")
def simulated() -> SimulatedNight:
    return make_night(NightSpec(77_000_001, 77_500_001, "demo", "plm", 2, 0.5))


def labelled(night: SimulatedNight) -> LabelledNight:
    """What people would say of a simulated night: its cramps, and nothing else."""
    form, _ = formats_of(night)
    cramps = tuple(
        Event(true.onset_s, true.duration_s, EventKind.CRAMP)
        for true in night.events
        if true.kind is TruthKind.CRAMP
    )
    return LabelledNight("one", form, FrontEnd(form).bin_s, tuple(outputs_of(night)), cramps)


def test_nobody_is_learnt_from_and_tuned_on(simulated: SimulatedNight) -> None:
    night = labelled(simulated)
    sources = [Source(f"sub-{number % 7}", night) for number in range(21)]
    learnt, tuned_on = split_by_participant(sources)
    people = [{source.participant for source in part} for part in (learnt, tuned_on)]
    assert people[0].isdisjoint(people[1])
    assert (len(people[0]), len(people[1])) == (5, 2)
    assert len(learnt) + len(tuned_on) == 21
    assert split_by_participant(sources[:2]) == (sources[:2], [])


class Undecided:
    """Trees that hold everything for a cramp, then for gait."""

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        probabilities = np.zeros((len(features), len(CLASS_NAMES)))
        probabilities[:, CLASS_NAMES.index("cramp")] = 0.9
        probabilities[:, CLASS_NAMES.index("gait")] = 0.1
        return probabilities


def test_what_people_called_a_cramp_is_one_and_nothing_else_is(simulated: SimulatedNight) -> None:
    night = labelled(simulated)
    frames = frames_of_labelled(night, Undecided())
    said = {CLASS_NAMES[label] for label in np.unique(frames.labels)}
    assert said == {"cramp", "gait"}
    inside_s = sum(event.duration_s for event in night.events)
    share = (frames.labels == CLASS_NAMES.index("cramp")).sum() * 0.5
    assert 0.5 * inside_s < share <= 1.1 * inside_s


@pytest.mark.slow
def test_training_takes_labelled_recordings_and_says_so(simulated: SimulatedNight) -> None:
    night = labelled(simulated)
    sources = [Source(f"sub-{number}", night) for number in range(3)]
    model = models.training.train(SETTINGS, jobs=1, progress=lambda *_: None, labelled=sources)
    assert model.description.training["recordings"] == "2 learnt from, 1 tuned on"
    simulated_frames = sum(model.frames_of_class.values()) - 2 * sum(
        len(output.features) for output in night.outputs
    )
    assert 0 < simulated_frames < model.frames


def test_labels_are_found_beside_recordings_or_in_a_tree_of_their_own(tmp_path: Path) -> None:
    names = ["sub-A_task-sleep", "sub-B_task-sleep", "sub-C_task-sleep"]
    for name in names:
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / f"{name}_emg.edf").touch()
    (tmp_path / "labels").mkdir()
    beside = tmp_path / "data" / f"{names[0]}_events.tsv"
    apart = tmp_path / "labels" / f"{names[1]}_events.tsv"
    for file in (beside, apart):
        file.write_text(events_text([Event(3.0, 20.0, EventKind.CRAMP)]), encoding="utf-8")
    gaps = tmp_path / "data" / f"{names[1]}_events.tsv"
    gaps.write_text("onset\tduration\ttrial_type\tcause\n3\t1\tgap\tended\n", encoding="utf-8")
    by_hand = tmp_path / "data" / f"{names[2]}_events.tsv"
    by_hand.write_text("\ufeffonset\tduration\ttrial_type\r\n3\t20\tcramp\r\n", encoding="utf-8")
    found = find_labelled([tmp_path / "data", tmp_path / "labels"])
    assert [(one.participant, one.events) for one in found] == [
        ("sub-A", beside),
        ("sub-B", apart),
        ("sub-C", by_hand),
    ]
    alone = find_labelled([tmp_path / "data"])
    assert [one.participant for one in alone] == ["sub-A", "sub-C"]
    (left_out,) = find_unlabelled([tmp_path / "data"], alone)
    assert left_out.name == "sub-B_task-sleep_emg.edf"


def test_recordings_without_labels_are_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "sub-A_task-sleep_emg.edf").touch()
    with pytest.raises(UsageError, match="export the labels"):
        find_labelled([tmp_path])


def test_labels_that_cannot_be_learnt_from_are_named_before_training_begins(
    tmp_path: Path, run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = {"A": "300,5\t40", "B": "900\t40", "C": "3\t4"}
    for person, times in labels.items():
        write_recording(tmp_path / f"sub-{person}_emg.edf", 60.0)
        table = f"onset\tduration\ttrial_type\n{times}\tcramp\n"
        (tmp_path / f"sub-{person}_events.tsv").write_text(table, encoding="utf-8")
    monkeypatch.setattr("models.train", None)
    code, _, errors = run("train", "--out", tmp_path / "ours.onnx", "--recordings", tmp_path)
    assert code == 1
    assert "2 of 3 recordings cannot be learnt from" in errors
    assert "sub-A_events.tsv: line 2: onset is '300,5'" in errors
    assert "sub-B_events.tsv: a cramp from 900.0 s to 940.0 s lies outside" in errors


def test_a_classifier_that_is_not_the_published_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (classifier.SHIPPED_MODEL, classifier.SHIPPED_MODEL + classifier.HASH_ENDING):
        (tmp_path / name).write_bytes((Path(classifier.__file__).parent / name).read_bytes())
    monkeypatch.setattr("models.classifier.resources.files", lambda _package: tmp_path)
    classifier.load_classifier()
    file = tmp_path / classifier.SHIPPED_MODEL
    content = bytearray(file.read_bytes())
    content[1000] ^= 1
    file.write_bytes(content)
    with pytest.raises(classifier.ModelError, match="not the one it was published with"):
        classifier.load_classifier()


def test_training_finds_out_before_it_begins_that_its_file_cannot_be_written(
    tmp_path: Path, run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.train", None)
    code, _, errors = run("train", "--out", tmp_path / "none" / "ours.onnx")
    assert code == 1
    assert "ours.onnx: could not be written" in errors
