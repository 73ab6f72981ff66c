"""The formats of export."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trial.exports.csv_files import csv_files, dictionary_files
from trial.exports.dataset_json import dataset_json_files
from trial.exports.fhir import fhir_files
from trial.exports.origin import provenance_file
from trial.exports.redcap import redcap_files
from trial.exports.tabulation import tabulate
from trial.exports.xpt import xpt_files

if TYPE_CHECKING:
    from collections.abc import Callable

    from trial.exports.dataset import Contents
    from trial.exports.origin import Origin
    from trial.study import Study

__all__ = ["FORMATS", "ExportFormat", "export_files"]


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A format of export.

    Attributes
    ----------
    about : str
        What it is, for people.
    files : callable
        Contents and origin of an export to the files by name.
    """

    about: str
    files: Callable[[Contents, Origin], dict[str, bytes]]


FORMATS = {
    "csv": ExportFormat("comma-separated tables", csv_files),
    "redcap": ExportFormat("REDCap data dictionary and import file", redcap_files),
    "dataset-json": ExportFormat("CDISC Dataset-JSON 1.1", dataset_json_files),
    "xpt": ExportFormat("SAS transport files, version 5", xpt_files),
    "fhir": ExportFormat("HL7 FHIR R5 bundle of observations", fhir_files),
}
"""The formats by the name that the command line knows them by."""


def export_files(study: Study, study_id: str, name: str, origin: Origin) -> dict[str, bytes]:
    """Return the files of an export by name, with its data dictionary and provenance.

    Where the blinding demands it, whatever tells a participant's cramps is left out; the data
    dictionary says so.

    Parameters
    ----------
    study : Study
    study_id : str
        Code of the study, such as the number of the protocol.
    name : str
        One of `FORMATS`.
    origin : Origin

    Raises
    ------
    UsageError
        If a value cannot be written in this format.
    """
    contents = tabulate(study, study_id)
    return {
        **FORMATS[name].files(contents, origin),
        **dictionary_files(contents),
        "provenance.json": provenance_file(contents, origin),
    }
