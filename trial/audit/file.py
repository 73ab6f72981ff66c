"""The audit log on disk: ``audit.jsonl`` and ``audit.head`` in the study's folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO

from nightcramp.errors import InputError, OutputError, UsageError
from trial.audit.entry import FIRST, AuditAction, Link, entry_line, parse_entry
from trial.audit.verification import Head, examine, is_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from trial.audit.entry import AuditEntry, Json
    from trial.audit.verification import AuditFindings

__all__ = ["AuditBrokenError", "append_audit", "audit_head", "read_audit", "verify_audit"]

LOG = "audit.jsonl"
HEAD = "audit.head"

_HASH = re.compile(r"[0-9a-f]{12,64}")
_MUST_SAY_WHY = frozenset({AuditAction.UNBLINDED})
_NEEDED = {
    "who": "a name: say who does this",
    "subject": "a subject: say what this is done to",
    "reason": "a reason: say in words why the blind is opened",
}


class AuditBrokenError(UsageError):
    """The audit log is not what was written, so nothing may be done that belongs into it.

    Parameters
    ----------
    file : Path
        The log.
    findings : AuditFindings
    """

    def __init__(self, file: Path, findings: AuditFindings) -> None:
        self.findings = findings
        first = findings.faults[0]
        others = len(findings.faults) - 1
        more = f" (and {others} more)" if others else ""
        super().__init__(
            f"{file}: {first}{more}. Nothing was done. Put both {LOG} and {HEAD} back from a copy "
            "that `nightcramp audit verify` finds whole, or move both aside as evidence: the next "
            "entry then begins a new log. Tell the study's monitor either way."
        )


def append_audit(
    study: Path,
    *,
    who: str,
    action: AuditAction,
    subject: str,
    before: Json = None,
    after: Json = None,
    reason: str = "",
) -> AuditEntry:
    """Append an entry to the audit log of a study; when this returns it would survive a power cut.

    Call it before what is done takes effect. Programs that append at the same time wait for each
    other.

    Parameters
    ----------
    study : Path
        Study folder.
    who : str
    action : AuditAction
    subject : str
        What it is done to, such as ``P007/2026-03-01/episode 3``.
    before, after : JSON value
        The subject before and after; None where there is nothing to say.
    reason : str
        Must be given for unblinding.

    Raises
    ------
    AuditBrokenError
        If what is there was changed or cut.
    UsageError
        If it is not said who, what or, where that is asked for, why.
    OutputError
        If the log cannot be written to.
    """
    fields = {
        "who": who,
        "action": action,
        "subject": subject,
        "before": before,
        "after": after,
        "reason": reason,
    }
    _require_words(fields)
    with _locked(study / LOG, for_writing=True) as file:
        log, head = file.read(), _head_text(study)
        if not is_whole(log, head):
            raise AuditBrokenError(study / LOG, examine(log, head))
        whole = log[: log.rfind(b"\n") + 1]
        line = _next_line(whole, fields)
        entry = parse_entry(line)
        file.seek(len(whole))
        file.truncate()
        file.write(line + b"\n")
        _synchronise(file)
        _replace(study / HEAD, str(Head(entry.sequence, entry.hash)))
    return entry


def read_audit(study: Path) -> list[AuditEntry]:
    """Return the entries of a study's audit log, the oldest first; none if there is no log.

    Raises
    ------
    AuditBrokenError
        If it was changed or cut.
    InputError
        If it cannot be read.
    """
    log, head = _read(study)
    findings = examine(log, head)
    if findings.faults:
        raise AuditBrokenError(study / LOG, findings)
    return [parse_entry(line) for line in log.split(b"\n")[:-1]]


def verify_audit(study: Path, *, head: str | None = None) -> AuditFindings:
    """Examine the audit log of a study.

    Parameters
    ----------
    study : Path
    head : str, optional
        A hash that was once the last one and was kept elsewhere, such as in a report's footer, or
        its first 12 digits or more: it must be in the log. Without it, a log of which both files
        were put back to an earlier state cannot be told from a whole one.

    Raises
    ------
    UsageError
        If `head` is no hash.
    InputError
        If the folder or the log cannot be read.
    """
    if head is not None and not _HASH.fullmatch(head):
        raise UsageError(f"{head!r} is no hash of an entry: expected 12 to 64 of the digits 0-9a-f")
    return examine(*_read(study), anchor=head)


def audit_head(study: Path) -> str | None:
    """Return the hash of the last entry, None if there is none.

    Raises
    ------
    AuditBrokenError
        If the log was changed or cut.
    InputError
        If it cannot be read.
    """
    log, head = _read(study)
    if not is_whole(log, head):
        raise AuditBrokenError(study / LOG, examine(log, head))
    last = Link.of(_last_line(log))
    return last.stated if last else None


def _require_words(fields: Mapping[str, Json]) -> None:
    for name in ("who", "subject"):
        if not str(fields[name]).isprintable():
            raise UsageError(f"{name} {fields[name]!r} of the audit log: expected printable text")
    needed = (
        ("who", "subject", "reason") if fields["action"] in _MUST_SAY_WHY else ("who", "subject")
    )
    for name in needed:
        if not str(fields[name]).strip():
            raise UsageError(f"the audit log needs {_NEEDED[name]}")


def _next_line(whole: bytes, fields: Mapping[str, Json]) -> bytes:
    before = Link.of(_last_line(whole))
    at_utc = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    numbered = {"sequence": whole.count(b"\n") + 1, "at_utc": at_utc, **fields}
    return entry_line(before.stated if before else FIRST, numbered)


def _last_line(log: bytes) -> bytes:
    end = log.rfind(b"\n")
    return log[log.rfind(b"\n", 0, max(end, 0)) + 1 : max(end, 0)]


def _read(study: Path) -> tuple[bytes, str | None]:
    """Return the log and its head; an empty log if there is none."""
    if not study.is_dir():
        raise InputError("no such folder", file=study, advice="Give the study's folder.")
    if not (study / LOG).exists():
        return b"", _head_text(study)
    with _locked(study / LOG, for_writing=False) as file:
        return file.read(), _head_text(study)


def _head_text(study: Path) -> str | None:
    try:
        return (study / HEAD).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


@contextmanager
def _locked(path: Path, *, for_writing: bool) -> Iterator[BinaryIO]:
    """Open the log, and keep others from writing it meanwhile."""
    try:
        with _opened(path, for_writing=for_writing) as file:
            fcntl.flock(file, fcntl.LOCK_EX if for_writing else fcntl.LOCK_SH)
            yield file
    except OSError as error:
        reason = error.strerror or str(error)
        if not for_writing:
            raise InputError(f"cannot be read ({reason})", file=path) from error
        raise OutputError(
            f"{path}: cannot be written to ({reason}). Check that the study's folder exists on a "
            "local disk with space, and that you may write there."
        ) from error


def _opened(path: Path, *, for_writing: bool) -> BinaryIO:
    flags = os.O_RDWR | os.O_CREAT if for_writing else os.O_RDONLY
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o644)
    return os.fdopen(descriptor, "r+b" if for_writing else "rb")


def _replace(path: Path, text: str) -> None:
    """Put a file in the place of another; the log's lock keeps others from doing so meanwhile."""
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("wb") as file:
        file.write(text.encode("ascii"))
        _synchronise(file)
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    with contextlib.suppress(OSError):  # not every file system can do it for a folder
        os.fsync(folder)
    os.close(folder)


def _synchronise(file: BinaryIO) -> None:
    """Return when what was written would survive a power cut."""
    file.flush()
    if sys.platform == "darwin":
        fcntl.fcntl(file, fcntl.F_FULLFSYNC)
    else:
        os.fsync(file.fileno())
