"""Opening the arms of a study: with a reason, with an allocation that fits, and into the log."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from nightcramp.errors import InputError, TableError, UsageError
from trial import load_study
from trial.audit import AuditAction, append_audit, read_audit

if TYPE_CHECKING:
    from pathlib import Path

    from trial import Study
    from trial.audit import AuditEntry

__all__ = [
    "allocation_change",
    "load_with_arms",
    "log_unblinding",
    "require_reason",
    "unblinded_by",
]


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
    """Append to the audit log that the arms are opened; raises as `append_audit` does.

    An allocation other than the one that was opened last has the earlier one as ``before``.
    """
    allocation = hashlib.sha256(arms.read_bytes()).hexdigest()
    last = next(reversed(_unblindings(study)), None)
    before = None if last is None else _allocation(last)
    append_audit(
        study,
        who=who,
        action=AuditAction.UNBLINDED,
        subject="allocation",
        before=None if before in (None, allocation) else {"arms_sha256": before},
        after={"for": purpose, "arms_sha256": allocation},
        reason=reason,
    )


def allocation_change(study: Path) -> str | None:
    """Return a warning if the last unblinding opened another allocation than the one before it."""
    *_, earlier, last = [None, None, *_unblindings(study)]
    if earlier is None or last is None or last.before is None:
        return None
    return (
        f"this allocation is not the one that {earlier.who} opened on {earlier.at_utc:%Y-%m-%d} "
        f"(entry {earlier.sequence} of the audit log): participants were added, or changed arms, "
        "or the file was written anew; compare both files before you rely on the arms"
    )


def unblinded_by(study: Path, who: str, reason: str) -> str:
    """Return by whom and why the arms were opened, and whether the allocation has changed."""
    change = allocation_change(study)
    return f"{who}: {reason}" + ("" if change is None else f" (warning: {change})")


def _unblindings(study: Path) -> list[AuditEntry]:
    return [entry for entry in read_audit(study) if entry.action == AuditAction.UNBLINDED]


def _allocation(unblinding: AuditEntry) -> str | None:
    after = unblinding.after
    return str(after["arms_sha256"]) if isinstance(after, Mapping) else None
