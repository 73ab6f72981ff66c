"""The corrections of one night on disk, each in the audit log before it takes effect."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from nightcramp.errors import BusyError, InputError, OutputError, UsageError
from nightcramp.review.corrections import (
    DONE,
    Change,
    Correction,
    Episode,
    check_change,
    episodes_now,
    in_effect,
    is_done,
)
from recordings import write_text
from trial.audit import AuditAction, append_audit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = "nightcramp-review/1"


@dataclass(frozen=True, slots=True)
class Heading:
    """First line of a log: what its corrections are about.

    Attributes
    ----------
    recording : str
    analysis_id : str
        The analysis whose episodes are reviewed.
    duration_s : float
        Length of the night.
    scorer : str or None
        Whose log it is, where each person has one.
    """

    recording: str
    analysis_id: str
    duration_s: float
    scorer: str | None = None


@dataclass(frozen=True, slots=True)
class Logbook:
    """A log of corrections and the episodes it starts from.

    Attributes
    ----------
    file : Path
        Made with the first correction.
    audit : Path
        Folder of the audit log.
    heading : Heading
    base : tuple of Episode
        Before any correction.
    is_final : bool
        Whether nothing may be changed any more once the work on the night is finished.
    """

    file: Path
    audit: Path
    heading: Heading
    base: tuple[Episode, ...]
    is_final: bool

    def corrections(self) -> tuple[Correction, ...]:
        """Return all corrections, those undone and those that undo among them.

        Raises
        ------
        InputError
            If the file is not what was written here.
        """
        return read_log(self.file)[1] if self.file.is_file() else ()

    def episodes(self) -> tuple[Episode, ...]:
        """Return the episodes as they stand."""
        return episodes_now(self.base, self.corrections())

    @property
    def is_done(self) -> bool:
        """Whether the work on the night is finished."""
        return is_done(self.corrections())

    def make(self, change: Change, *, who: str, seen: int) -> Correction:
        """Make a change.

        Parameters
        ----------
        change : Change
        who : str
        seen : int
            How many corrections there were when the person decided.

        Raises
        ------
        BusyError
            If somebody else made a correction since.
        UsageError
            If the change makes no sense, or the work on the night is finished.
        AuditBrokenError, OutputError
            If the audit log or this one cannot be written; then nothing has changed.
        """
        with self._locked():
            log = self._log_as_seen(seen)
            if is_done(log) and change.action is not AuditAction.COMMENTED:
                raise UsageError(f"the work on {self.heading.recording} is finished")
            episodes = episodes_now(self.base, log)
            check_change(change, episodes, self.heading.duration_s)
            if change.action is AuditAction.ADDED:
                change = replace(change, episode=f"a{len(log) + 1}")
            return self._append(log, change, who=who, undoes=None)

    def undo(self, *, who: str, seen: int) -> Correction:
        """Take back the newest correction that still stands; raises as `make` does."""
        with self._locked():
            log = self._log_as_seen(seen)
            standing = in_effect(log)
            if not standing:
                raise UsageError("there is nothing to undo")
            newest = standing[-1]
            if self.is_final and is_done(log):
                raise UsageError(f"the work on {self.heading.recording} is finished for good")
            change = Change(AuditAction.UNDONE, newest.change.episode)
            return self._append(log, change, who=who, undoes=newest.sequence)

    def _log_as_seen(self, seen: int) -> tuple[Correction, ...]:
        log = self.corrections()
        if len(log) != seen:
            raise BusyError(
                f"{self.heading.recording} was changed meanwhile, last by {log[-1].who}"
                if log
                else f"{self.heading.recording} has no corrections any more: load the page again"
            )
        return log

    def _append(
        self, log: tuple[Correction, ...], change: Change, *, who: str, undoes: int | None
    ) -> Correction:
        correction = Correction(len(log) + 1, datetime.now(UTC), who, change, undoes, audit="")
        after = episodes_now(self.base, (*log, correction))
        entry = append_audit(
            self.audit,
            who=who,
            action=change.action,
            subject=self._subject(change),
            before=_brief(episodes_now(self.base, log), change),
            after=_brief(after, change),
            reason=change.reason,
        )
        correction = replace(correction, at_utc=entry.at_utc, audit=entry.hash)
        standing = self.file.read_text(encoding="utf-8") if log else _line(self.heading)
        write_text(self.file, standing + _line(correction))
        return correction

    def _subject(self, change: Change) -> str:
        scorer = f"/scorer {self.heading.scorer}" if self.heading.scorer else ""
        episode = f"/episode {change.episode}" if change.episode else ""
        return f"{self.heading.recording}{scorer}{episode}"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the log against other programs; the lock ends with this one, however it ends."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise OutputError(
                f"{self.file.parent}: cannot be written to ({error.strerror})"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def read_log(file: Path) -> tuple[Heading, tuple[Correction, ...]]:
    """Read a log of corrections.

    Raises
    ------
    InputError
        If it cannot be read or a line is not what was written here.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({error})", file=file) from error
    if not lines:
        raise InputError("the file is empty, expected a log of corrections", file=file)
    number = 1
    try:
        heading = _parse_heading(json.loads(lines[0]))
        corrections = []
        for number, line in enumerate(lines[1:], start=2):  # noqa: B007 (named in the error)
            corrections.append(_parse_correction(json.loads(line)))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"not a line of a log of corrections ({error})",
            file=file,
            place=f"line {number}",
            advice="Put the file back from a copy; the audit log says what it held",
        ) from error
    return heading, tuple(corrections)


def _line(part: Heading | Correction) -> str:
    fields = asdict(part)
    if isinstance(part, Heading):
        fields = {"schema": SCHEMA, **fields}
    else:
        fields |= fields.pop("change")
        fields["at_utc"] = part.at_utc.isoformat()
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")) + "\n"


def _parse_heading(fields: dict[str, object]) -> Heading:
    if fields.pop("schema", None) != SCHEMA:
        raise ValueError(f"expected the schema {SCHEMA}")
    return Heading(**cast("dict[str, str]", fields))  # type: ignore[arg-type]


def _parse_correction(fields: dict[str, object]) -> Correction:
    change = Change(
        AuditAction(str(fields["action"])),
        cast("str | None", fields["episode"]),
        cast("float | None", fields["onset_s"]),
        cast("float | None", fields["duration_s"]),
        str(fields["reason"]),
    )
    return Correction(
        sequence=int(str(fields["sequence"])),
        at_utc=datetime.fromisoformat(str(fields["at_utc"])),
        who=str(fields["who"]),
        change=change,
        undoes=cast("int | None", fields["undoes"]),
        audit=str(fields["audit"]),
    )


def _brief(episodes: tuple[Episode, ...], change: Change) -> dict[str, float | str] | None:
    """Return what an audit entry says of an episode; of a finished night how many count."""
    if change.action in DONE:
        return {"confirmed": sum(one.status == "confirmed" for one in episodes)}
    for one in episodes:
        if one.id == change.episode:
            return {
                "onset_s": round(one.event.onset_s, 3),
                "duration_s": round(one.event.duration_s, 3),
                "kind": one.event.kind.value,
                "status": one.status.value,
            }
    return None
