"""The reports of a study onto disk, and into its audit log."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from nightcramp.errors import OutputError, UsageError
from nightcramp.new_folder import new_folder, refuse_existing
from nightcramp.provenance import study_provenance
from nightcramp.unblinding import (
    load_with_arms,
    log_unblinding,
    require_reason,
    unblinded_by,
)
from recordings import write_bytes
from trial import (
    RunKind,
    document,
    load_study,
    page_to_pdf,
    participant_sheet,
    published_tables,
    render_page,
    render_participant,
    work_out,
)
from trial.audit import AuditAction, append_audit, audit_head

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from trial import Study

__all__ = ["write_participant_summary", "write_report"]

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def write_report(
    study: Path | str,
    out: Path | str,
    *,
    who: str,
    arms: Path | str | None = None,
    unblind: str | None = None,
    run: RunKind = RunKind.WEEKLY,
    pdf: bool = False,
) -> Mapping[str, object]:
    """Write report.html, outcomes.json and the tables of a study; return the outcomes.

    Every table ``NAME.csv`` has its data dictionary in ``NAME_dictionary.csv``. With the arms
    opened the report is report_unblinded.html, and an entry in the audit log that says who opened
    them and why comes before it. The folder appears when it is complete, and after the log has the
    hash of every file.

    Parameters
    ----------
    study : Path or str
        Study folder.
    out : Path or str
        Folder for the report; must not exist.
    who : str
        For the audit log.
    arms : Path or str, optional
        Allocation; without it arms stay closed.
    unblind : str, optional
        Why the arms are opened; must come with them.
    run : RunKind
        Whether the arms are compared.
    pdf : bool
        Whether to write the report as PDF too.

    Raises
    ------
    UsageError
        If the folder exists, arms are given without a reason or the other way round, the arms do
        not fit the study, or they are to be compared while they are closed; as `AuditBrokenError`
        if the audit log was changed or cut.
    TableError
        Naming every bad row of the study's tables.
    OutputError
        If the report cannot be written.
    """
    study, out = Path(study), Path(out)
    arms = None if arms is None else Path(arms)
    refuse_existing(out)
    require_reason(arms, unblind)
    if run is not RunKind.WEEKLY and arms is None:
        raise UsageError("--final and --dmc compare the arms: give the allocation with --arms")
    audit_head(study)
    loaded = load_with_arms(study, arms)
    if arms is not None:
        log_unblinding(study, arms, who=who, purpose=f"{run} report", reason=unblind or "")
    provenance = study_provenance(study, unblinded_by(study, who, unblind) if unblind else None)
    results = work_out(loaded, run)
    outcomes = document(results, provenance)
    name = "report_unblinded" if arms is not None else "report"
    page = render_page(results, provenance)
    files = {f"{name}.html": page.encode()}
    if pdf:
        files[f"{name}.pdf"] = page_to_pdf(page)
    for table, rows in published_tables(loaded, results.summary).items():
        files[f"{table}.csv"] = rows.to_csv(index=False, na_rep="n/a").encode()
    files["outcomes.json"] = f"{json.dumps(outcomes, indent=2, ensure_ascii=False)}\n".encode()
    with new_folder(out) as folder:
        for file, content in files.items():
            write_bytes(folder / file, content)
        _log_report(study, who, f"{run} report", loaded, {out / f: c for f, c in files.items()})
    return outcomes


def write_participant_summary(
    study: Path,
    out: Path,
    participant: str,
    *,
    who: str,
    week: int | None = None,
    night: date | None = None,
    pdf: bool = False,
) -> tuple[Path, ...]:
    """Write what a participant is told of a night or week; return the files.

    Parameters
    ----------
    study : Path
        Study folder.
    out : Path
        Folder for the files; other participants' may lie there already.
    participant : str
    who : str
        For the audit log.
    week : int, optional
    night : date, optional
        Either; by default the latest week that has begun.
    pdf : bool
        Whether to write it as PDF too.

    Raises
    ------
    UsageError
        If there is no such participant, week or night, or the file exists; as `AuditBrokenError`
        if the audit log was changed or cut.
    TableError
        Naming every bad row of the study's tables.
    OutputError
        If it cannot be written.
    """
    audit_head(study)
    loaded = load_study(study)
    sheet = participant_sheet(loaded, participant, week=week, night=night)
    when = f"week{sheet.week}" if sheet.is_week else f"{sheet.nights[0].night:%Y-%m-%d}"
    stem = f"{_UNSAFE.sub('-', participant)}_{when}"
    page = render_participant(sheet, loaded, study_provenance(study))
    files = {out / f"{stem}.html": page.encode()}
    if pdf:
        files[out / f"{stem}.pdf"] = page_to_pdf(page)
    for file in files:
        refuse_existing(file)
    _log_report(study, who, f"{participant}/{when}", loaded, files)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: the folder cannot be made ({error.strerror})") from error
    for file, content in files.items():
        write_bytes(file, content)
    return tuple(files)


def _log_report(
    study: Path, who: str, subject: str, loaded: Study, files: Mapping[Path, bytes]
) -> None:
    append_audit(
        study,
        who=who,
        action=AuditAction.REPORTED,
        subject=subject,
        after={
            "input_sha256": loaded.input_hash,
            "files": {str(file): _sha256(content) for file, content in files.items()},
        },
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
