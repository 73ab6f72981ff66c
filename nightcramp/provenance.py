"""Who makes a result of a study: this program, its classifier, and the state of the audit log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from models import load_classifier
from nightcramp.version import code_version
from trial import Provenance
from trial.audit import audit_head

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["study_provenance"]


def study_provenance(study: Path, unblinded: str | None = None) -> Provenance:
    """Return the provenance of a result that is made now.

    Parameters
    ----------
    study : Path
        Study folder, for the head of its audit log.
    unblinded : str, optional
        By whom and why the arms were opened.

    Raises
    ------
    AuditBrokenError
        If the audit log was changed or cut.
    """
    classifier = load_classifier()
    return Provenance(
        code_version=code_version(),
        model_version=classifier.description.version,
        model_hash=classifier.sha256,
        created_utc=datetime.now(UTC).replace(microsecond=0),
        audit_head=audit_head(study),
        unblinded=unblinded,
    )
