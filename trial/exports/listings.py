"""What is listed of participants beside nights and cramps, as domains of SDTM: AE, CM, DV, DE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trial.exports.dataset import Dataset, Kind, Variable
from trial.exports.rows import identified, in_words, nothing, sequence
from trial.exports.variables import IDENTIFIERS, sequence_variable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from trial.study import Study

__all__ = ["list_tables"]

_SEVERITIES = ("MILD", "MODERATE", "SEVERE")
_FLAGS = {"yes": "Y", "no": "N"}
_OUTCOMES = {
    "recovered": "RECOVERED/RESOLVED",
    "recovering": "RECOVERING/RESOLVING",
    "not_recovered": "NOT RECOVERED/NOT RESOLVED",
    "sequelae": "RECOVERED/RESOLVED WITH SEQUELAE",
    "fatal": "FATAL",
    "unknown": "UNKNOWN",
}


@dataclass(frozen=True, slots=True)
class _Listed:
    """A variable of a list and where its values come from.

    Attributes
    ----------
    column : str
        Of the study's table.
    variable : Variable
    words : mapping or None
        The study's words to those of the export; None where they are the same.
    """

    column: str
    variable: Variable
    words: Mapping[str, str] | None = None


def _text(column: str, name: str, label: str, definition: str) -> _Listed:
    return _Listed(column, Variable(name, label, Kind.TEXT, definition))


def _date(column: str, name: str, label: str, definition: str) -> _Listed:
    return _Listed(column, Variable(name, label, Kind.DATE, definition))


def _term(column: str, variable: tuple[str, str, str], words: Mapping[str, str]) -> _Listed:
    """Return a variable with controlled terms; `variable` is its name, label and definition."""
    name, label, definition = variable
    about = Variable(name, label, Kind.TEXT, definition, terms=tuple(words.values()))
    return _Listed(column, about, words)


def _capitals(*words: str) -> dict[str, str]:
    return {word: word.upper().replace("_", " ") for word in words}


_SEVERITY_WORDS = _capitals("mild", "moderate", "severe")

_ADVERSE_EVENTS = (
    _text("term", "AETERM", "Reported Term for the Adverse Event", "As the site wrote it."),
    _date("started_on", "AESTDTC", "Start Date/Time of Adverse Event", "First day."),
    _date("ended_on", "AEENDTC", "End Date/Time of Adverse Event", "Last day."),
    _term(
        "severity",
        ("AESEV", "Severity/Intensity", "CDISC terminology: AESEV (C66769)."),
        _SEVERITY_WORDS,
    ),
    _term("serious", ("AESER", "Serious Event", "CDISC terminology: No Yes (C66742)."), _FLAGS),
    _term(
        "related",
        ("AEREL", "Causality", "Whether the treatment caused it."),
        _capitals("no", "possible", "yes"),
    ),
    _term(
        "outcome",
        ("AEOUT", "Outcome of Adverse Event", "CDISC terminology: OUT (C66768)."),
        _OUTCOMES,
    ),
)

_CONCOMITANT = (
    _text("product", "CMTRT", "Reported Name of Drug, Med, or Therapy", "As the site wrote it."),
    _term(
        "kind",
        ("CMCAT", "Category for Medication", "What kind of product it is."),
        _capitals(
            *("magnesium", "quinine", "calcium", "vitamin_d", "vitamin_k"),
            *("vitamin_k_antagonist", "diuretic", "statin", "other"),
        ),
    ),
    _date("started_on", "CMSTDTC", "Start Date/Time of Medication", "First day."),
    _date("stopped_on", "CMENDTC", "End Date/Time of Medication", "Last day."),
)

_DEVIATIONS = (
    _text("description", "DVTERM", "Protocol Deviation Term", "As the site wrote it."),
    _term(
        "kind",
        ("DVCAT", "Category for Protocol Deviation", "What was deviated from."),
        _capitals("eligibility", "consent", "treatment", "visit", "device", "safety", "other"),
    ),
    _term(
        "severity",
        ("DVSEV", "Severity of the Deviation", "Minor or major."),
        _capitals("minor", "major"),
    ),
    _date("noted_on", "DVSTDTC", "Start Date/Time of Deviation", "Day it was noted."),
)

_DEVICE_EVENTS = (
    _text("description", "DETERM", "Reported Term for Device Event", "As the site wrote it."),
    _term(
        "kind",
        ("DECAT", "Category of Device Event", "What happened."),
        _capitals("skin_reaction", "battery", "lost_connection", "firmware", "damaged", "other"),
    ),
    _term("severity", ("DESEV", "Device Event Severity", "How grave it was."), _SEVERITY_WORDS),
    _date("noted_on", "DESTDTC", "Start Date/Time of Device Event", "Day it was noted."),
)


def list_tables(study: Study, study_id: str) -> list[Dataset]:
    """Return a dataset for each list that the study has."""
    listings = study.listings
    lists = (
        ("AE", "Adverse Events", _ADVERSE_EVENTS, listings.adverse_events, "started_on"),
        ("CM", "Concomitant Medications", _CONCOMITANT, listings.concomitant, "started_on"),
        ("DV", "Protocol Deviations", _DEVIATIONS, listings.deviations, "noted_on"),
        ("DE", "Device Events", _DEVICE_EVENTS, listings.device_events, "noted_on"),
    )
    return [
        _dataset(name, label, listed, _in_order(table, day), study_id)
        for name, label, listed, table, day in lists
        if table is not None
    ]


def _in_order(table: pd.DataFrame, day: str) -> pd.DataFrame:
    return table.sort_values(["participant_id", day], kind="stable").reset_index(drop=True)


def _dataset(
    name: str, label: str, listed: tuple[_Listed, ...], rows: pd.DataFrame, study_id: str
) -> Dataset:
    frame = identified(rows, study_id, name)
    frame[f"{name}SEQ"] = sequence(rows)
    for one in listed:
        column = rows.get(one.column, nothing(rows))
        frame[one.variable.name] = column if one.words is None else in_words(column, one.words)
    chosen = (*IDENTIFIERS, sequence_variable(name), *(one.variable for one in listed))
    return Dataset.of(name, label, chosen, frame)
