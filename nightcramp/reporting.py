"""The weekly report of a study onto disk."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from models import load_classifier
from nightcramp.errors import OutputError
from nightcramp.version import code_version
from recordings import write_text
from trial import Provenance, load_study, outcomes, published_weekly, render_report

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def write_report(study: Path, out: Path, *, arms: Path | None = None) -> Mapping[str, object]:
    """Write report.html, weekly.csv and outcomes.json of a study; return the outcomes.

    Parameters
    ----------
    study : Path
        Study folder.
    out : Path
        Folder for the report; made if it does not exist.
    arms : Path, optional
        Allocation; without it arms stay closed.

    Raises
    ------
    TableError
        Naming every bad row.
    OutputError
        If the report cannot be written.
    """
    loaded = load_study(study, arms=arms)
    classifier = load_classifier()
    provenance = Provenance(
        code_version=code_version(),
        model_version=classifier.description.version,
        model_hash=classifier.sha256,
        created_utc=datetime.now(UTC).replace(microsecond=0),
    )
    result = outcomes(loaded, provenance)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: the folder cannot be made ({error.strerror})") from error
    write_text(out / "report.html", render_report(loaded, provenance))
    write_text(out / "weekly.csv", published_weekly(loaded).to_csv(index=False, na_rep="n/a"))
    write_text(out / "outcomes.json", json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    return result
