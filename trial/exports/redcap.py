"""REDCap: a data dictionary that makes the project, and records that are imported into it.

Every dataset is an instrument; all but the first repeat. A row keeps its instance from one export
to the next (the day of the night, the place of the week in the plan), so that importing again
updates and doubles nothing; episodes and lists are numbered by time: delete them first.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from trial.exports.csv_files import csv_bytes
from trial.exports.dataset import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trial.exports.dataset import Contents, Dataset, Value, Variable
    from trial.exports.origin import Origin

__all__ = ["DICTIONARY_HEADER", "redcap_files"]

DICTIONARY_HEADER = (
    "Variable / Field Name",
    "Form Name",
    "Section Header",
    "Field Type",
    "Field Label",
    "Choices, Calculations, OR Slider Labels",
    "Field Note",
    "Text Validation Type OR Show Slider Number",
    "Text Validation Min",
    "Text Validation Max",
    "Identifier?",
    "Branching Logic (Show field only if...)",
    "Required Field?",
    "Custom Alignment",
    "Question Number (surveys only)",
    "Matrix Group Name",
    "Matrix Ranking?",
    "Field Annotation",
)
"""Columns of a REDCap data dictionary, in their order."""

_FORMS = {
    "DM": "participant",
    "XN": "night",
    "CE": "episode",
    "XD": "diary",
    "AE": "adverse_event",
    "CM": "concomitant",
    "DV": "deviation",
    "DE": "device_event",
    "ADWK": "week",
}
_LEFT_OUT = frozenset({"STUDYID", "DOMAIN", "USUBJID"})  # the record is the participant
_FIRST_DAY = date(1999, 12, 31)  # REDCap counts instances from 1, up to 32767
_COMPLETE = 2
_CODE = re.compile(r"\w+", re.ASCII)
_VALIDATION = {
    Kind.TEXT: "",
    Kind.INTEGER: "integer",
    Kind.DECIMAL: "number",
    Kind.DATE: "date_ymd",
    Kind.DATETIME: "datetime_seconds_ymd",
}


def redcap_files(contents: Contents, _origin: Origin) -> dict[str, bytes]:
    """Return ``redcap_dictionary.csv`` and ``redcap_import.csv``."""
    fields = {
        (dataset.name, variable.name): _field_name(dataset, variable)
        for dataset in contents.datasets
        for variable in _fields(dataset)
    }
    forms = [f"{_FORMS[dataset.name]}_complete" for dataset in contents.datasets]
    header = ["record_id", "redcap_repeat_instrument", "redcap_repeat_instance"]
    header += [*fields.values(), *forms]
    rows = [
        [record.get(name) for name in header]
        for dataset in contents.datasets
        for record in _records(dataset, contents.study_id)
    ]
    return {
        "redcap_dictionary.csv": csv_bytes(DICTIONARY_HEADER, list(_dictionary(contents))),
        "redcap_import.csv": csv_bytes(header, rows),
    }


def _fields(dataset: Dataset) -> list[Variable]:
    return [variable for variable in dataset.variables if variable.name not in _LEFT_OUT]


def _field_name(dataset: Dataset, variable: Variable) -> str:
    return f"{_FORMS[dataset.name]}_{variable.name}".lower()


def _dictionary(contents: Contents) -> Iterator[list[Value]]:
    code = {"Field Type": "text", "Field Label": "Participant", "Required Field?": "y"}
    yield _line("record_id", "participant", code)
    for dataset in contents.datasets:
        for variable in _fields(dataset):
            name, form = _field_name(dataset, variable), _FORMS[dataset.name]
            yield _line(name, form, _description(variable))


def _line(name: str, form: str, about: Mapping[str, str]) -> list[Value]:
    known = {"Variable / Field Name": name, "Form Name": form, **about}
    return [known.get(column, "") for column in DICTIONARY_HEADER]


def _description(variable: Variable) -> dict[str, str]:
    about = {
        "Field Type": "text",
        "Field Label": variable.label,
        "Field Note": variable.definition + (f" Unit: {variable.unit}." if variable.unit else ""),
        "Text Validation Type OR Show Slider Number": _VALIDATION[variable.kind],
    }
    if variable.terms and all(_CODE.fullmatch(term) for term in variable.terms):
        choices = " | ".join(f"{term}, {term}" for term in variable.terms)
        about |= {"Field Type": "radio", "Choices, Calculations, OR Slider Labels": choices}
    return about


def _records(dataset: Dataset, study_id: str) -> Iterator[dict[str, Value]]:
    form = _FORMS[dataset.name]
    rows = list(dataset.records())
    weeks = sorted({int(str(row["AVISITN"])) for row in rows if "AVISITN" in row})
    for row in rows:
        record: dict[str, Value] = {
            "record_id": str(row["USUBJID"]).removeprefix(f"{study_id}-"),
            f"{form}_complete": _COMPLETE,
        }
        if dataset.name != "DM":
            record["redcap_repeat_instrument"] = form
            record["redcap_repeat_instance"] = _instance(dataset.name, row, weeks)
        for variable in _fields(dataset):
            record[_field_name(dataset, variable)] = _cell(row[variable.name], variable.kind)
        yield record


def _instance(dataset: str, row: Mapping[str, Value], weeks: list[int]) -> int:
    """Return the instance of a row; `weeks` are those of the plan, which every participant has."""
    match dataset:
        case "XN" | "XD":
            return (date.fromisoformat(str(row[f"{dataset}DTC"])) - _FIRST_DAY).days
        case "ADWK":
            return weeks.index(int(str(row["AVISITN"]))) + 1
        case _:
            return int(str(row[f"{dataset}SEQ"]))


def _cell(value: Value, kind: Kind) -> Value:
    """Return a value as REDCap's validation wants it: a moment without zone and fraction."""
    if kind is Kind.DATETIME and value is not None:
        return str(value).replace("T", " ")[:19]
    return value
