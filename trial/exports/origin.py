"""Who made an export and of what; ``provenance.json`` lies beside every one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trial.exports.dataset import moment_text

if TYPE_CHECKING:
    from trial.exports.dataset import Contents
    from trial.provenance import Provenance

__all__ = ["Origin", "json_bytes", "provenance_file"]


@dataclass(frozen=True, slots=True)
class Origin:
    """The makers of an export.

    Attributes
    ----------
    provenance : Provenance
        Versions of what made it; its audit head is that before the export's own entry.
    input_hash : str
        SHA-256 over the study's tables.
    arms_opened : bool
        Whether the allocation was read.
    """

    provenance: Provenance
    input_hash: str
    arms_opened: bool

    @property
    def created_utc(self) -> str:
        """When the export was made, as ISO 8601."""
        return moment_text(self.provenance.created_utc)


def provenance_file(contents: Contents, origin: Origin) -> bytes:
    """Return ``provenance.json``."""
    return json_bytes(
        {
            "study_id": contents.study_id,
            "title": contents.title,
            "created_utc": origin.created_utc,
            "software": {"name": "nightcramp", "version": origin.provenance.code_version},
            "model": {
                "version": origin.provenance.model_version,
                "sha256": origin.provenance.model_hash,
            },
            "input_sha256": origin.input_hash,
            "audit_head": origin.provenance.audit_head,
            "arms_opened": origin.arms_opened,
            "unblinded": origin.provenance.unblinded,
            "counts_withheld": bool(contents.withheld),
            "reasons_withheld": contents.reasons_withheld,
            "rows": {dataset.name: len(dataset.rows) for dataset in contents.datasets},
        }
    )


def json_bytes(document: object) -> bytes:
    """Return a document as JSON that a person can read as well."""
    return (json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()
