"""The ONNX file: what it holds, that it answers as the trees do, and what is wrong with others."""

import json

import numpy as np
import onnx
import pytest

import models.simulator
import models.training
from models import CLASS_NAMES, Classifier, TrainingSettings, TrueEvent, TruthKind, load_classifier
from models.classifier import METADATA_KEY, ModelDescription
from models.dataset import Frames, night_specs
from models.export import to_onnx
from models.labels import label_frames
from nightcramp.errors import ModelError, UsageError
from sensing import FEATURE_NAMES, MEASURES, EvidenceWeights, SegmentationRules

SMALL = TrainingSettings(
    version="test", nights=9, hours=0.8, tuning_nights=2, tuning_hours=0.34, trees=4, leaves=5
)


def description(**changes):
    values = {
        "version": "test",
        "feature_names": FEATURE_NAMES,
        "class_names": CLASS_NAMES,
        "normalisation": "none",
        "rates_hz": (200.0, 4000.0),
        "rules": SegmentationRules(),
        "measure_names": MEASURES,
        "evidence": EvidenceWeights.of_scores(),
        "training": {},
    }
    return ModelDescription(**values | changes)


@pytest.fixture(scope="module")
def ensemble():
    """Trees on made-up frames with missing values."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(3000, len(FEATURE_NAMES))).astype(np.float32)
    features[rng.random(features.shape) < 0.1] = np.nan
    labels = rng.integers(0, len(CLASS_NAMES), 3000)
    features[:, 3] += labels
    return models.training.fit(Frames(features, labels), SMALL), features


def test_the_onnx_file_answers_as_the_trees_do_also_on_missing_values(ensemble):
    trees, features = ensemble
    classifier = Classifier(to_onnx(trees, description()))
    expected = trees.predict_proba(features)
    np.testing.assert_allclose(classifier.probabilities(features), expected, atol=1e-6)


def test_values_equal_to_a_threshold_take_the_same_branch(ensemble):
    trees, _ = ensemble
    nodes = trees._predictors[0][0].nodes
    split = nodes[~nodes["is_leaf"].astype(bool)][0]
    around = np.zeros((3, len(FEATURE_NAMES)), dtype=np.float32)
    edge = np.float32(split["num_threshold"])
    around[:, split["feature_idx"]] = [
        np.nextafter(edge, np.float32(-np.inf)),
        edge,
        np.nextafter(edge, np.float32(np.inf)),
    ]
    classifier = Classifier(to_onnx(trees, description()))
    np.testing.assert_allclose(
        classifier.probabilities(around), trees.predict_proba(around), atol=1e-6
    )


def test_one_frame_scores_as_it_does_among_many(ensemble):
    trees, features = ensemble
    classifier = Classifier(to_onnx(trees, description()))
    together = classifier.probabilities(features[:200])
    alone = np.concatenate([classifier.probabilities(row[None]) for row in features[:200]])
    np.testing.assert_allclose(alone, together, atol=1e-6)


def test_threads_do_not_change_the_scores(ensemble):
    trees, features = ensemble
    content = to_onnx(trees, description())
    one, four = (Classifier(content, threads=count).probabilities(features) for count in (1, 4))
    np.testing.assert_allclose(one, four, atol=1e-5)


def test_the_shipped_model_is_small_and_says_what_it_is():
    classifier = load_classifier()
    shipped = classifier.description
    assert shipped.feature_names == FEATURE_NAMES
    assert shipped.class_names == CLASS_NAMES
    assert shipped.rates_hz == (200.0, 4000.0)
    assert 0 < shipped.rules.off < shipped.rules.on < 1
    assert len(shipped.training["data_sha256"]) == 64
    assert shipped.training["simulator"] == models.simulator.SIMULATOR_VERSION
    with pytest.raises(ModelError, match="cannot be read"):
        ModelDescription.from_json("{}")


def test_the_shipped_file_is_below_two_megabytes(pytestconfig):
    assert (pytestconfig.rootpath / "models" / "nightcramp.onnx").stat().st_size < 2_000_000


def test_no_frames_need_no_answer():
    empty = np.zeros((0, len(FEATURE_NAMES)), dtype=np.float32)
    assert load_classifier().probabilities(empty).shape == (0, len(CLASS_NAMES))


def test_probabilities_add_up_to_one():
    rng = np.random.default_rng(1)
    features = rng.normal(size=(50, len(FEATURE_NAMES))).astype(np.float32)
    np.testing.assert_allclose(load_classifier().probabilities(features).sum(axis=1), 1, atol=1e-5)


def test_a_file_that_is_no_model_is_named(tmp_path):
    path = tmp_path / "not.onnx"
    path.write_bytes(b"anything")
    with pytest.raises(ModelError, match=r"not\.onnx"):
        load_classifier(path)
    with pytest.raises(ModelError, match=r"missing\.onnx"):
        load_classifier(tmp_path / "missing.onnx")


def test_a_foreign_onnx_file_is_refused(ensemble, tmp_path):
    model = onnx.load_from_string(to_onnx(ensemble[0], description()))
    del model.metadata_props[:]
    path = tmp_path / "foreign.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="not a nightcramp model"):
        load_classifier(path)


def test_a_model_of_other_features_is_refused(ensemble, tmp_path):
    model = onnx.load_from_string(to_onnx(ensemble[0], description()))
    stated = json.loads(model.metadata_props[0].value)
    stated["feature_names"][0] = "another"
    onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps(stated)})
    path = tmp_path / "old.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="other features"):
        load_classifier(path)


def test_frames_belong_to_what_fills_them_and_a_cramp_wins():
    events = [
        TrueEvent(10, 20, TruthKind.HOLD),
        TrueEvent(20, 20, TruthKind.CRAMP),
        TrueEvent(0, 100, TruthKind.ARTEFACT, detail="sweat"),
    ]
    labels = label_frames(np.array([5.0, 15.0, 25.0, 40.4, 41.0]), events)
    named = [CLASS_NAMES[label] for label in labels]
    assert named == ["rest", "movement", "cramp", "cramp", "rest"]


def test_seed_families_share_neither_participants_nor_nights():
    families = [night_specs(family, 50, 1.0) for family in (1, 2, 3)]
    participants = [{spec.participant_seed for spec in specs} for specs in families]
    nights = [{spec.night_seed for spec in specs} for specs in families]
    for seeds in (participants, nights):
        assert len(set.union(*seeds)) == 150


@pytest.mark.slow
def test_training_twice_gives_the_same_file_in_any_number_of_processes():
    steps = []
    first = models.training.train(SMALL, jobs=1, progress=lambda *step: steps.append(step))
    second = models.training.train(SMALL, jobs=2, progress=lambda *_: None)
    assert first.content == second.content
    assert first.description.rules.off < first.description.rules.on
    assert ("training nights", 9, 9) in steps
    Classifier(first.content)


def test_training_without_its_packages_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(UsageError, match="extra 'train'"):
        models.training.train(SMALL, jobs=1, progress=lambda *_: None)
