"""The audit log of a study: who did what to its results, when and why, in ``audit.jsonl``.

Entries are only ever appended. Each holds the hash of the one before it, so that whatever is
changed, removed or moved later is found and named by its line; the hash of the last entry stands
in ``audit.head`` too, so that a log cut at its end is found as well.
"""

from trial.audit.entry import AuditAction, AuditEntry
from trial.audit.file import AuditBrokenError, append_audit, audit_head, read_audit, verify_audit
from trial.audit.verification import AuditFault, AuditFindings

__all__ = [
    "AuditAction",
    "AuditBrokenError",
    "AuditEntry",
    "AuditFault",
    "AuditFindings",
    "append_audit",
    "audit_head",
    "read_audit",
    "verify_audit",
]
