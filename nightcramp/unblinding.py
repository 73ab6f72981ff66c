"""Opening the arms of a study: with a reason, with an allocation that fits, and into the log."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from nightcramp.errors import InputError, TableError, UsageError
from trial import load_study
from trial.audit import AuditAction, append_audit

if TYPE_CHECKING:
    from pathlib import Path

    from trial import Study

__all__ = ["load_with_arms", "log_unblinding", "require_reason"]


def require_reason(arms: Path | None, unblind: str | None) -> None:
    """Raise UsageError if the arms are given without a reason, or a reason without the arms."""
    if arms is not None and not (unblind or "").strip():
        raise UsageError(
            "--arms opens the blind, and nothing opens it without a reason: say why with "
            '--unblind "reason", or leave --arms out'
        )
    if unblind is not None and arms is None:
        raise UsageError("--unblind opens the arms: give the allocation with --arms")


def load_with_arms(study: Path, arms: Path | None) -> Study:
    """Read a study; an allocation that does not fit it is a wrong choice of file.

    Raises
    ------
    UsageError
        If nothing but the allocation is at fault; it names every bad row.
    TableError
        Naming every bad row of the study's tables.
    InputError
        If a file is missing.
    """
    try:
        return load_study(study, arms=arms)
    except InputError as error:
        problems = error.problems if isinstance(error, TableError) else (error,)
        if arms is not None and all(problem.file == arms for problem in problems):
            raise UsageError(str(error)) from error
        raise


def log_unblinding(study: Path, arms: Path, *, who: str, purpose: str, reason: str) -> None:
    """Append to the audit log that the arms are opened; raises as `append_audit` does."""
    append_audit(
        study,
        who=who,
        action=AuditAction.UNBLINDED,
        subject="allocation",
        after={"for": purpose, "arms_sha256": hashlib.sha256(arms.read_bytes()).hexdigest()},
        reason=reason,
    )
