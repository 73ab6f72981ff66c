"""CDISC Dataset-JSON 1.1 (specification of 5 December 2024): one file for each dataset."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from trial.exports.dataset import Kind

if TYPE_CHECKING:
    from trial.exports.dataset import Contents, Dataset, Variable
    from trial.exports.origin import Origin

__all__ = ["dataset_json_files"]

VERSION = "1.1.0"

_TYPES = {
    Kind.TEXT: "string",
    Kind.INTEGER: "integer",
    Kind.DECIMAL: "double",
    Kind.DATE: "date",
    Kind.DATETIME: "datetime",
}


def dataset_json_files(contents: Contents, origin: Origin) -> dict[str, bytes]:
    """Return the files; missing values are null."""
    return {
        f"{dataset.name.lower()}.json": _encoded(_document(dataset, contents, origin))
        for dataset in contents.datasets
    }


def _document(dataset: Dataset, contents: Contents, origin: Origin) -> dict[str, object]:
    """Return a dataset with its attributes in the order that the specification recommends."""
    return {
        "datasetJSONCreationDateTime": origin.created_utc,
        "datasetJSONVersion": VERSION,
        "fileOID": f"{contents.study_id}.{dataset.name}.{origin.input_hash[:16]}",
        "sourceSystem": {"name": "nightcramp", "version": origin.provenance.code_version},
        "studyOID": contents.study_id,
        "itemGroupOID": f"IG.{dataset.name}",
        "records": len(dataset.rows),
        "name": dataset.name,
        "label": dataset.label,
        "columns": [_column(dataset, place) for place in range(len(dataset.variables))],
        "rows": dataset.rows,
    }


def _column(dataset: Dataset, place: int) -> dict[str, object]:
    variable = dataset.variables[place]
    column: dict[str, object] = {
        "itemOID": f"IT.{dataset.name}.{variable.name}",
        "name": variable.name,
        "label": variable.label,
        "dataType": _TYPES[variable.kind],
    }
    if variable.kind is Kind.TEXT:
        column["length"] = _length(dataset, place, variable)
    if variable.key:
        column["keySequence"] = variable.key
    return column


def _length(dataset: Dataset, place: int, variable: Variable) -> int:
    """Return the characters that the values, or the terms they keep to, need."""
    values = [str(row[place]) for row in dataset.rows if row[place] is not None]
    return max(map(len, (*values, *variable.terms)), default=1)


def _encoded(document: dict[str, object]) -> bytes:
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8")
