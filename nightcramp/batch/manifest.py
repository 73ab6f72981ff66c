"""What became of every input of a run: JSON lines, written as it goes."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from nightcramp.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import TextIO

    from nightcramp.batch.night import Done, Task

MANIFEST_SCHEMA = "nightcramp-run/1"

RUNS = "runs"
"""Folder, within the results, of the manifests."""

NOT_REACHED = "not_reached"
"""Status of inputs whose turn did not come before the run was stopped."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that was read.

    Attributes
    ----------
    run : mapping
        How the run was started.
    inputs : list of mapping
        ``source name status seconds worker tries source_sha256 analysis_id message`` of each.
    end : mapping or None
        When it ended, and how many inputs there are of each status; None if the run was cut short.
    """

    run: Mapping[str, object]
    inputs: list[dict[str, object]]
    end: Mapping[str, object] | None


class ManifestWriter:
    """Writes a manifest; used as a context manager it ends it, whatever ends the run.

    Parameters
    ----------
    folder : Path
        Local folder for it; made if it does not exist.
    tasks : sequence of Task
        All inputs.
    facts : mapping
        How the run was started.

    Raises
    ------
    OutputError
        If it cannot be written.
    """

    def __init__(self, folder: Path, tasks: Iterable[Task], facts: Mapping[str, object]) -> None:
        now = datetime.now(UTC)
        self.path = folder / f"run-{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}.jsonl"
        self._open = {task.source: task.name for task in tasks}
        self._counts: dict[str, int] = {}
        with self._refusal_named():
            folder.mkdir(parents=True, exist_ok=True)
            self._file: TextIO = self.path.open("x", encoding="utf-8")
        first = {"schema": MANIFEST_SCHEMA, "started": _stamp(now), "inputs": len(self._open)}
        self._write({"run": {**first, **facts}})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for source, name in self._open.items():
            self._count(NOT_REACHED)
            self._write({"source": source, "name": name, "status": NOT_REACHED})
        self._write({"end": {"ended": _stamp(datetime.now(UTC)), **self._counts}})
        with self._refusal_named():
            os.fsync(self._file.fileno())
            self._file.close()

    def add(self, done: Done) -> None:
        """Write down what became of an input."""
        outcome = done.outcome
        makers = outcome.summary.get("made_by")
        del self._open[outcome.source]
        self._count(outcome.status)
        self._write(
            {
                "source": outcome.source,
                "name": outcome.name,
                "status": outcome.status,
                "seconds": round(done.seconds, 3),
                "worker": done.worker,
                "tries": done.tries,
                "source_sha256": done.source_sha256,
                "analysis_id": makers["analysis_id"] if isinstance(makers, dict) else None,
                "message": outcome.message,
            }
        )

    def _count(self, status: str) -> None:
        self._counts[status] = self._counts.get(status, 0) + 1

    def _write(self, line: Mapping[str, object]) -> None:
        with self._refusal_named():
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._file.flush()

    @contextlib.contextmanager
    def _refusal_named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"{self.path}: the run's manifest cannot be written ({error.strerror}). "
                "Check that you may write there and that the disk has space"
            ) from error


def read_manifest(file: Path) -> Manifest:
    """Read a manifest; the last line of a run that was killed may be cut, and is left out.

    Raises
    ------
    InputError
        If it cannot be read, or a line in it is damaged.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({error})", file=file) from error
    entries = [
        _entry(file, number, line)
        for number, line in enumerate(lines, start=1)
        if line.endswith("\n")
    ]
    run, *others = entries or [{}]
    if not isinstance(facts := run.get("run"), dict) or facts.get("schema") != MANIFEST_SCHEMA:
        raise InputError(f"not a manifest of the form {MANIFEST_SCHEMA}", file=file)
    inputs = [entry for entry in others if "source" in entry]
    end = others[-1].get("end") if others else None
    return Manifest(facts, inputs, end if isinstance(end, dict) else None)


def _entry(file: Path, number: int, line: str) -> dict[str, object]:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise InputError(f"not JSON ({error})", file=file, place=f"line {number}") from error
    if not isinstance(entry, dict):
        raise InputError("not a JSON object", file=file, place=f"line {number}")
    return entry


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
