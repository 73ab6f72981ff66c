"""An export of a study onto disk, and into its audit log."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightcramp.errors import UsageError
from nightcramp.new_folder import new_folder, refuse_existing
from nightcramp.provenance import study_provenance
from nightcramp.unblinding import (
    load_with_arms,
    log_unblinding,
    require_reason,
    unblinded_by,
)
from recordings import write_bytes
from trial import reasons_withheld
from trial.audit import AuditAction, append_audit
from trial.exports import FORMATS, Origin, export_files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from trial import Study

__all__ = ["ExportRequest", "write_export"]

_STUDY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,19}")


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What is to be exported, by whom, and why.

    Attributes
    ----------
    study : Path
        Study folder.
    out : Path
        Folder for the files; must not exist.
    format : str
        One of `trial.exports.FORMATS`.
    who : str
        For the audit log.
    study_id : str or None
        Code of the study in the files; None for the name of its folder.
    arms : Path or None
        Allocation; None while the arms stay closed.
    unblind : str or None
        Reason for opening the arms.
    """

    study: Path
    out: Path
    format: str
    who: str
    study_id: str | None = None
    arms: Path | None = None
    unblind: str | None = None


def write_export(request: ExportRequest) -> Mapping[str, str]:
    """Export a study; return the SHA-256 of each file by its name.

    The folder appears when it is complete and after the audit log says so, with the hash of every
    file. Opening the arms is an entry of its own, made before any file is.

    Raises
    ------
    UsageError
        If the folder exists, the format is not known, the arms are given without a reason or a
        reason without the arms, the arms do not fit the study, or a value does not fit the format;
        as `AuditBrokenError` if the audit log was changed or cut.
    TableError
        Naming every bad row of the study's tables.
    OutputError
        If the files cannot be written.
    """
    _check(request)
    study_id = _study_id(request)
    study = load_with_arms(request.study, request.arms)
    if request.arms is not None:
        log_unblinding(
            request.study,
            request.arms,
            who=request.who,
            purpose=f"export {request.format}",
            reason=request.unblind or "",
        )
    files = export_files(study, study_id, request.format, _origin(request, study))
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    with new_folder(request.out) as folder:
        for name, content in files.items():
            write_bytes(folder / name, content)
        append_audit(
            request.study,
            who=request.who,
            action=AuditAction.EXPORTED,
            subject=f"export {request.format}",
            after={
                "folder": str(request.out),
                "study_id": study_id,
                "input_sha256": study.input_hash,
                "files": hashes,
                "reasons_withheld": reasons_withheld(study),
            },
            reason=request.unblind or "",
        )
    return hashes


def _check(request: ExportRequest) -> None:
    if request.format not in FORMATS:
        raise UsageError(f"--format {request.format!r}: expected one of {', '.join(FORMATS)}")
    refuse_existing(request.out)
    require_reason(request.arms, request.unblind)


def _study_id(request: ExportRequest) -> str:
    if request.study_id is None:
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", request.study.resolve().name).strip("._-")
        return plain[:20] or "STUDY"
    if not _STUDY_ID.fullmatch(request.study_id):
        raise UsageError(
            f"--study-id {request.study_id!r}: expected up to 20 letters, digits, dots, hyphens "
            "and underscores, such as the number of the protocol"
        )
    return request.study_id


def _origin(request: ExportRequest, study: Study) -> Origin:
    reason = request.unblind
    unblinded = unblinded_by(request.study, request.who, reason) if reason else None
    provenance = study_provenance(request.study, unblinded)
    return Origin(provenance, study.input_hash, study.arms_opened)
