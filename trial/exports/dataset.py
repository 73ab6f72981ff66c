"""A dataset as every export writes it: described variables, and rows of plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ["Contents", "Dataset", "Kind", "Value", "Variable", "moment_text"]

Value = str | int | float | None


class Kind(StrEnum):
    """What a variable holds; dates and moments are ISO 8601 text, moments in UTC."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    DATETIME = "datetime"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a dataset.

    Attributes
    ----------
    name : str
        At most 8 capital letters and digits, as SAS transport files demand.
    label : str
        At most 40 characters, for the same reason.
    kind : Kind
    definition : str
    unit : str
        Empty where there is none.
    terms : tuple of str
        The words it may hold, where they are controlled.
    key : int
        Its place among the variables that identify a row, from 1; 0 if it is none of them.
    """

    name: str
    label: str
    kind: Kind
    definition: str
    unit: str = ""
    terms: tuple[str, ...] = ()
    key: int = 0


@dataclass(frozen=True, slots=True)
class Dataset:
    """One table of an export.

    Attributes
    ----------
    name, label : str
        As for a variable.
    variables : tuple of Variable
    rows : tuple of tuple
        One value for each variable, None where it is missing.
    """

    name: str
    label: str
    variables: tuple[Variable, ...]
    rows: tuple[tuple[Value, ...], ...]

    @classmethod
    def of(
        cls, name: str, label: str, variables: Sequence[Variable], frame: pd.DataFrame
    ) -> Dataset:
        """Return a dataset of the columns of a frame that are named like the variables."""
        columns = [_column(frame[variable.name], variable.kind) for variable in variables]
        return cls(name, label, tuple(variables), tuple(zip(*columns, strict=True)))

    def records(self) -> Iterator[Mapping[str, Value]]:
        """Yield the rows with the names of their variables."""
        names = [variable.name for variable in self.variables]
        for row in self.rows:
            yield dict(zip(names, row, strict=True))


@dataclass(frozen=True, slots=True)
class Contents:
    """What an export holds of a study.

    Attributes
    ----------
    study_id, title : str
    datasets : tuple of Dataset
    withheld : tuple of (str, Variable)
        Dataset and variable of what the blinding keeps back.
    reasons_withheld : int
        Nights whose reason for missing time is kept back, since the site wrote it in its own words.
    """

    study_id: str
    title: str
    datasets: tuple[Dataset, ...]
    withheld: tuple[tuple[str, Variable], ...] = ()
    reasons_withheld: int = 0

    def dataset(self, name: str) -> Dataset | None:
        """Return the dataset of that name, None if it is withheld."""
        return next((dataset for dataset in self.datasets if dataset.name == name), None)


def moment_text(moment: datetime) -> str:
    """Return a moment in UTC as ISO 8601, with microseconds only where there are any."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _column(column: pd.Series, kind: Kind) -> list[Value]:
    write, cells = _WRITERS[kind], column.to_numpy(dtype=object)
    return [
        None if missing else write(value)
        for value, missing in zip(cells, column.isna(), strict=True)
    ]


def _integer(value: object) -> int:
    return int(float(str(value)))


def _decimal(value: object) -> float:
    """Return a number without what a sum leaves behind its twelfth digit."""
    return float(f"{float(str(value)):.12g}")


def _date(value: object) -> str:
    return pd.Timestamp(str(value)).date().isoformat()


def _moment(value: object) -> str:
    return moment_text(pd.Timestamp(str(value)).to_pydatetime())


_WRITERS: dict[Kind, Callable[[object], Value]] = {
    Kind.TEXT: str,
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.DATE: _date,
    Kind.DATETIME: _moment,
}
