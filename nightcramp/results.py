"""The folder of results: which files belong to a recording, and what becomes of older versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightcramp.errors import InputError, OutputError
from nightcramp.outputs import read_night

if TYPE_CHECKING:
    from pathlib import Path

SUPERSEDED = "superseded"
"""Folder, within the results, of what earlier versions found."""


@dataclass(frozen=True, slots=True)
class ResultFiles:
    """The files of one recording's results.

    Attributes
    ----------
    folder : Path
    name : str
        What the files are named after.
    """

    folder: Path
    name: str

    @property
    def summary(self) -> Path:
        """Night summary; written last, so that its presence says that all is there."""
        return self.folder / f"{self.name}_night.json"

    @property
    def events(self) -> Path:
        """Events of all kinds."""
        return self.folder / f"{self.name}_events.tsv"

    @property
    def pictures(self) -> tuple[Path, Path]:
        """Picture of the night, as SVG and as PNG."""
        return self.folder / f"{self.name}.svg", self.folder / f"{self.name}.png"

    def find_equal(self, analysis_id: str, *, picture: bool) -> dict[str, object]:
        """Return the summary of a complete analysis with this id, else an empty one."""
        wanted = [self.events, *(self.pictures if picture else ())]
        summary = self._standing()
        same = analysis_id_of(summary) == analysis_id
        return summary if same and all(path.is_file() for path in wanted) else {}

    def other_night(self, source_sha256: str, start: str | None) -> str:
        """Say whose results `make_room` would move aside, if they are of another night.

        Parameters
        ----------
        source_sha256, start : str
            Content and beginning of the recording that is to take the name.

        Returns
        -------
        str
            Empty if there are none, or they are of this recording or another copy of this night.
        """
        standing = self._standing()
        made_by = standing.get("made_by")
        if not isinstance(made_by, dict) or made_by.get("source_sha256") == source_sha256:
            return ""
        if start is not None and standing.get("start") == start:
            return ""
        began = standing.get("start") or "at an unknown time"
        return (
            f"{self.name}: the results of another night of this name, which began {began}, were "
            f"moved to {SUPERSEDED}/{self.name}/{made_by.get('analysis_id')}. If both count, give "
            "the recordings names of their own or another --out"
        )

    def make_room(self, analysis_id: str) -> tuple[int, str | None]:
        """Move what another analysis left into a folder of its own: nothing is overwritten.

        Returns
        -------
        version : int
            Number of the analysis about to be written.
        supersedes : str or None
            Id of the analysis it takes the place of.
        """
        standing = analysis_id_of(self._standing())
        supersedes = standing if standing != analysis_id else None
        if standing != analysis_id:
            self._set_aside(standing or "unreadable")
        earlier = self.folder / SUPERSEDED / self.name
        version = 1 + (len(list(earlier.iterdir())) if earlier.is_dir() else 0)
        return version, supersedes

    def _set_aside(self, label: str) -> None:
        there = [path for path in (self.summary, self.events, *self.pictures) if path.is_file()]
        if there:
            aside = self.folder / SUPERSEDED / self.name / label
            try:
                aside.mkdir(parents=True, exist_ok=True)
                for path in there:
                    path.replace(aside / path.name)
            except OSError as error:
                raise OutputError(
                    f"{aside}: older results cannot be moved here ({error.strerror}). "
                    "Check that you may write there and that the disk has space"
                ) from error

    def _standing(self) -> dict[str, object]:
        """Return the summary that stands there; an empty one if none does or can be read."""
        try:
            return read_night(self.summary)
        except InputError:
            return {}


def analysis_id_of(summary: dict[str, object]) -> str | None:
    """Return which analysis wrote a night summary."""
    made_by = summary.get("made_by")
    analysis_id = made_by.get("analysis_id") if isinstance(made_by, dict) else None
    return None if analysis_id is None else str(analysis_id)
