"""Where recordings are from: a table beside the truth, or what their names say."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from models.evaluation import Origin
from nightcramp.event_tables import MISSING, read_rows
from recordings import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONDITIONS = "conditions.tsv"
"""One row for each recording: name, participant_id, suite, sensor, data."""

COLUMNS = ("name", "participant_id", "suite", "sensor", "data")

_DATA = {True: "simulated", False: "recorded", None: ""}

_SIMULATED_NAME = re.compile(r"(?P<who>sim-\d+)_(?P<suite>[a-z-]+)_(?P<sensor>[a-z0-9-]+)")
_BIDS_SUBJECT = re.compile(r"(sub-[A-Za-z0-9]+)")


def read_conditions(folder: Path) -> dict[str, Origin]:
    """Return where the recordings of a truth folder are from, by name; empty without the table.

    Raises
    ------
    InputError
        If the table cannot be read, or lacks a column.
    """
    file = folder / CONDITIONS
    if not file.is_file():
        return {}
    return {row["name"]: _origin(row) for _, row in read_rows(file, COLUMNS)}


def write_conditions(folder: Path, origins: Mapping[str, Origin]) -> None:
    """Write the table of a truth folder."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter="\t", lineterminator="\n")
    writer.writerow(COLUMNS)
    for name, origin in origins.items():
        data = _DATA[origin.simulated]
        cells = (origin.participant, origin.suite, origin.sensor, data)
        writer.writerow([name, *(cell or MISSING for cell in cells)])
    write_text(folder / CONDITIONS, buffer.getvalue())


def origin_of_name(name: str) -> Origin:
    """Return what a name tells: those of simulated nights all, BIDS names the participant."""
    simulated = _SIMULATED_NAME.fullmatch(name)
    if simulated:
        suite, sensor = (simulated[part].replace("-", "_") for part in ("suite", "sensor"))
        return Origin(simulated["who"], suite, sensor, simulated=True)
    subject = _BIDS_SUBJECT.match(name)
    return Origin(participant=subject[1] if subject else "")


def _origin(row: Mapping[str, str]) -> Origin:
    known = {name: "" if cell == MISSING else cell for name, cell in row.items()}
    return Origin(
        participant=known["participant_id"],
        suite=known["suite"],
        sensor=known["sensor"],
        simulated={"simulated": True, "recorded": False}.get(known["data"]),
    )
