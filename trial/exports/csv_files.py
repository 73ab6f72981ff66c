"""Tables as comma-separated text (RFC 4180, UTF-8), and the data dictionary of an export."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from trial.exports.origin import json_bytes
from trial.tables import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from trial.exports.dataset import Contents, Value, Variable
    from trial.exports.origin import Origin

__all__ = ["csv_bytes", "csv_files", "dictionary_files"]

WITHHELD = "withheld: the study is blinded and the arm could be guessed from it"

_HEADER = (
    *("dataset", "variable", "label", "type", "unit", "terms"),
    *("key", "definition", "availability"),
)


def csv_files(contents: Contents, _origin: Origin) -> dict[str, bytes]:
    """Return one table for each dataset; missing values are ``n/a``."""
    return {
        f"{dataset.name.lower()}.csv": csv_bytes(
            [variable.name for variable in dataset.variables],
            ([MISSING if value is None else value for value in row] for row in dataset.rows),
        )
        for dataset in contents.datasets
    }


def dictionary_files(contents: Contents) -> dict[str, bytes]:
    """Return the data dictionary as CSV and as JSON; it names what is withheld as well."""
    rows = list(_dictionary(contents))
    listed = [dict(zip(_HEADER, row, strict=True)) for row in rows]
    about = {dataset.name: dataset.label for dataset in contents.datasets}
    document = {"missing": MISSING, "datasets": about, "variables": listed}
    return {"dictionary.csv": csv_bytes(_HEADER, rows), "dictionary.json": json_bytes(document)}


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    """Return a table as CSV; decimals are written so that they are read back as they were."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


def _dictionary(contents: Contents) -> Iterator[tuple[Value, ...]]:
    for dataset in contents.datasets:
        for variable in dataset.variables:
            yield _entry(dataset.name, variable, "exported")
    for name, variable in contents.withheld:
        yield _entry(name, variable, WITHHELD)


def _entry(dataset: str, variable: Variable, availability: str) -> tuple[Value, ...]:
    return (
        *(dataset, variable.name, variable.label, variable.kind.value, variable.unit),
        *("; ".join(variable.terms), variable.key or None, variable.definition, availability),
    )
