"""A fitted tree ensemble as ONNX, written node by node so that it says exactly the same.

Converters lag behind scikit-learn and protobuf; the node needed is small and fully specified
(ai.onnx.ml TreeEnsembleClassifier, version 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from models.classifier import METADATA_KEY

if TYPE_CHECKING:
    import numpy.typing as npt
    from sklearn.ensemble import HistGradientBoostingClassifier

    from models.classifier import ModelDescription

OPSET, ML_OPSET, IR_VERSION = 17, 3, 9
"""Versions every onnxruntime of the allowed range runs."""


def to_onnx(ensemble: HistGradientBoostingClassifier, description: ModelDescription) -> bytes:
    """Return the ONNX file of a fitted multi-class gradient-boosted ensemble.

    Parameters
    ----------
    ensemble : HistGradientBoostingClassifier
        Fitted on float32 features; missing values are NaN.
    description : ModelDescription
        Stored in the metadata of the file.
    """
    node = helper.make_node(
        "TreeEnsembleClassifier",
        inputs=["features"],
        outputs=["label", "probabilities"],
        domain="ai.onnx.ml",
        **_attributes(ensemble),
    )
    graph = helper.make_graph(
        [node],
        "nightcramp",
        [
            helper.make_tensor_value_info(
                "features", TensorProto.FLOAT, [None, len(description.feature_names)]
            )
        ],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
            helper.make_tensor_value_info(
                "probabilities", TensorProto.FLOAT, [None, len(description.class_names)]
            ),
        ],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    helper.set_model_props(model, {METADATA_KEY: description.to_json()})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _attributes(ensemble: HistGradientBoostingClassifier) -> dict[str, Any]:
    """Return the attributes of the ONNX node."""
    classes = len(ensemble.classes_)
    attributes: dict[str, list[object]] = {
        f"nodes_{name}": []
        for name in (
            "treeids",
            "nodeids",
            "featureids",
            "values",
            "modes",
            "truenodeids",
            "falsenodeids",
            "missing_value_tracks_true",
        )
    }
    attributes |= {f"class_{name}": [] for name in ("treeids", "nodeids", "ids", "weights")}
    # The fitted trees are no public attribute of scikit-learn; the test that compares both
    # models' answers guards this use of them.
    trees = [tree for iteration in ensemble._predictors for tree in iteration]
    for tree_id, tree in enumerate(trees):
        _add_tree(attributes, tree.nodes, tree_id, tree_id % classes)
    return {
        **attributes,
        "post_transform": "SOFTMAX",
        "base_values": np.ravel(ensemble._baseline_prediction).tolist(),
        "classlabels_int64s": list(range(classes)),
    }


def _add_tree(
    attributes: dict[str, list[object]], nodes: npt.NDArray[np.void], tree_id: int, class_id: int
) -> None:
    for node_id, node in enumerate(nodes):
        leaf = bool(node["is_leaf"])
        attributes["nodes_treeids"].append(tree_id)
        attributes["nodes_nodeids"].append(node_id)
        attributes["nodes_featureids"].append(0 if leaf else int(node["feature_idx"]))
        attributes["nodes_values"].append(0.0 if leaf else _below(float(node["num_threshold"])))
        attributes["nodes_modes"].append("LEAF" if leaf else "BRANCH_LEQ")
        attributes["nodes_truenodeids"].append(0 if leaf else int(node["left"]))
        attributes["nodes_falsenodeids"].append(0 if leaf else int(node["right"]))
        attributes["nodes_missing_value_tracks_true"].append(
            0 if leaf else int(node["missing_go_to_left"])
        )
        if leaf:
            attributes["class_treeids"].append(tree_id)
            attributes["class_nodeids"].append(node_id)
            attributes["class_ids"].append(class_id)
            attributes["class_weights"].append(float(node["value"]))


def _below(threshold: float) -> float:
    """Return the largest float32 that is not above `threshold`: comparisons stay the same."""
    nearest = np.float32(threshold)
    if float(nearest) > threshold:
        nearest = np.nextafter(nearest, np.float32(-np.inf))
    return float(nearest)
