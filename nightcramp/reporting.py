"""The weekly report of a study onto disk."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from models import load_classifier
from nightcramp.errors import OutputError
from nightcramp.version import code_version
from recordings import write_text
from trial import Provenance, RunKind, load_study, outcomes, published_tables, render_report

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


COUNTS_OF_PARTICIPANTS = ("responses", "responses_dictionary")
"""Tables that only some runs may write: what an earlier one left must not lie beside the others."""


def write_report(
    study: Path, out: Path, *, arms: Path | None = None, run: RunKind = RunKind.WEEKLY
) -> Mapping[str, object]:
    """Write report.html, outcomes.json and the tables of a study; return the outcomes.

    Every table ``NAME.csv`` has its data dictionary in ``NAME_dictionary.csv``.

    Parameters
    ----------
    study : Path
        Study folder.
    out : Path
        Folder for the report; made if it does not exist.
    arms : Path, optional
        Allocation; without it arms stay closed.
    run : RunKind
        Whether the arms are compared.

    Raises
    ------
    TableError
        Naming every bad row.
    OutputError
        If the report cannot be written.
    UsageError
        If the arms are to be compared while they are closed.
    """
    loaded = load_study(study, arms=arms)
    classifier = load_classifier()
    provenance = Provenance(
        code_version=code_version(),
        model_version=classifier.description.version,
        model_hash=classifier.sha256,
        created_utc=datetime.now(UTC).replace(microsecond=0),
    )
    result = outcomes(loaded, provenance, run)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: the folder cannot be made ({error.strerror})") from error
    write_text(out / "report.html", render_report(loaded, provenance))
    tables = published_tables(loaded)
    for name, table in tables.items():
        write_text(out / f"{name}.csv", table.to_csv(index=False, na_rep="n/a"))
    _remove(out / f"{name}.csv" for name in COUNTS_OF_PARTICIPANTS if name not in tables)
    write_text(out / "outcomes.json", json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    return result


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{file}: cannot be removed ({error.strerror})") from error
