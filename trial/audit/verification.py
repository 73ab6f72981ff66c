"""Whether an audit log is what was written: every line, their order, and the end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from trial.audit.entry import FIRST, Link, parse_entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["AuditFault", "AuditFindings", "Head", "examine", "is_whole"]

_START = Link(previous=FIRST, stated=FIRST, computed=FIRST)
_HEAD = re.compile(r"(\d+) ([0-9a-f]{64})\n", re.ASCII)


@dataclass(frozen=True, slots=True)
class AuditFault:
    """A place where the log is not what was written.

    Attributes
    ----------
    line : int
        Of ``audit.jsonl``, counted from 1; one past the last if the end is at fault.
    problem : str
        A sentence for a person.
    """

    line: int
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.problem}"


@dataclass(frozen=True, slots=True)
class AuditFindings:
    """What was found in an audit log.

    Attributes
    ----------
    entries : int
        Whole lines.
    head : str or None
        Hash of the last entry; None if there is none, or if it cannot be told.
    faults : tuple of AuditFault
        By line.
    unfinished : bool
        Whether an append was interrupted before it took effect, as by a power cut. The next one
        puts it right; it is no fault.
    """

    entries: int
    head: str | None
    faults: tuple[AuditFault, ...] = ()
    unfinished: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """Which entry was the last, as ``audit.head`` says."""

    sequence: int
    hash: str

    @classmethod
    def parse(cls, text: str) -> Head | None:
        """Return the head that a file holds, None if it holds something else."""
        match = _HEAD.fullmatch(text)
        return cls(int(match[1]), match[2]) if match else None

    def __str__(self) -> str:
        return f"{self.sequence} {self.hash}\n"


def examine(content: bytes, head_text: str | None, *, anchor: str | None = None) -> AuditFindings:
    """Examine a log.

    Parameters
    ----------
    content : bytes
        Of ``audit.jsonl``.
    head_text : str or None
        Content of ``audit.head``, None if there is no such file.
    anchor : str, optional
        A hash that was once the last one and was kept elsewhere, or its beginning: it must be in
        the log.
    """
    lines = content.split(b"\n")
    rest = lines.pop()
    links = [Link.of(line) for line in lines]
    faults = list(_faults_of_lines(lines, links))
    end = _fault_of_end(links, head_text)
    if end is not None:
        faults.append(AuditFault(len(lines) + 1, end))
    if anchor is not None and not any(link and link.computed.startswith(anchor) for link in links):
        problem = f"no entry has the hash {anchor}: it was removed, or belongs to another log"
        faults.append(AuditFault(len(lines) + 1, problem))
    last = links[-1] if links else None
    return AuditFindings(
        entries=len(lines),
        head=last.stated if last else None,
        faults=tuple(faults),
        unfinished=bool(rest) or _is_behind(links, head_text),
    )


def is_whole(content: bytes, head_text: str | None) -> bool:
    """Tell by the hashes alone whether a log is what was written; `examine` says what is not."""
    links = [Link.of(line) for line in content.split(b"\n")[:-1]]
    broken = any(_fault_of_link(*pair) for pair in pairwise([_START, *links]))
    return not broken and _fault_of_end(links, head_text) is None


def _faults_of_lines(lines: Sequence[bytes], links: Sequence[Link | None]) -> Iterator[AuditFault]:
    expected: int | None = 1
    for number, (before, link) in enumerate(pairwise([_START, *links]), start=1):
        problem, sequence = _fault_of_link(before, link), None
        if problem is None:
            problem, sequence = _fault_of_entry(lines[number - 1], expected)
        expected = None if sequence is None else sequence + 1
        if problem is not None:
            yield AuditFault(number, problem)


def _fault_of_entry(line: bytes, expected: int | None) -> tuple[str | None, int | None]:
    """Return what is wrong with an entry whose hashes are right, and the number that it has."""
    try:
        sequence = parse_entry(line).sequence
    except ValueError as error:
        return f"is not an entry of an audit log ({error})", None
    if expected is not None and sequence != expected:
        return f"has the number {sequence}, expected {expected}", sequence
    return None, sequence


def _fault_of_link(before: Link | None, link: Link | None) -> str | None:
    """Return what is wrong with a line; `before` is None where the one before it is no entry."""
    if link is None:
        return "is not an entry of an audit log"
    if link.stated != link.computed:
        return "was changed after it had been written"
    if before is not None and link.previous not in {before.stated, before.computed}:
        return "does not follow the line before it: lines were removed, added or moved here"
    return None


def _fault_of_end(links: Sequence[Link | None], head_text: str | None) -> str | None:
    """Return what is wrong with the end of a log, by its head."""
    if _is_behind(links, head_text) or (head_text is None and not links):
        return None
    head = None if head_text is None else Head.parse(head_text)
    if head is None:
        state = "missing" if head_text is None else "damaged"
        return f"audit.head is {state}, so it is not known whether entries were cut off here"
    if head.sequence != len(links):
        what = "it was cut" if head.sequence > len(links) else "lines were added"
        return f"the log ends here, and audit.head names entry {head.sequence} as the last: {what}"
    last = links[-1] if links else _START
    if last is not None and head.hash in {last.stated, last.computed}:
        return None
    return "audit.head names another hash for the last entry: one of the two was changed"


def _is_behind(links: Sequence[Link | None], head_text: str | None) -> bool:
    """Whether the head still names the last entry but one: the append got no further."""
    if not links:
        return False
    head = Head(0, FIRST) if head_text is None else Head.parse(head_text)
    last = links[-1]
    if head is None or last is None:
        return False
    return head.sequence == len(links) - 1 and head.hash == last.previous
