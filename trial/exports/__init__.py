"""Exports of a study for statisticians, data managers and hospital systems.

A study is tabulated once (`tabulate`), as datasets of described variables; every format writes the
same datasets. What the blinding withholds is left out there, before any format sees it.
"""

from trial.exports.dataset import Contents, Dataset, Kind, Variable
from trial.exports.origin import Origin
from trial.exports.registry import FORMATS, ExportFormat, export_files
from trial.exports.tabulation import tabulate

__all__ = [
    "FORMATS",
    "Contents",
    "Dataset",
    "ExportFormat",
    "Kind",
    "Origin",
    "Variable",
    "export_files",
    "tabulate",
]
