"""How far a study is, with what the runs of analyses could not do."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from nightcramp.analysis import Status
from nightcramp.batch import NOT_REACHED, RUNS, read_manifest
from nightcramp.judged import participant_of
from trial import load_study, study_status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from trial import SiteStatus, StudyStatus

UNKNOWN_SITE = "unknown"
"""Site of recordings whose name says no participant of the study."""

HEADINGS = (
    *("site", "participants", "randomised", "planned", "recorded", "analysed"),
    *("failed", "to review"),
)


@dataclass(frozen=True, slots=True)
class StudyProgress:
    """How far a study is.

    Attributes
    ----------
    status : StudyStatus
    failed : mapping or None
        Recordings whose last analysis failed, by site; None if no results were named.
    """

    status: StudyStatus
    failed: Mapping[str, int] | None

    def document(self) -> dict[str, object]:
        """Return it for machines."""
        cut = self.status.data_cut
        return {
            "data_cut": None if cut is None else cut.isoformat(),
            "sites": [self._row(site) for site in self.status.sites],
            "total": self._row(self.status.total),
            "failed_of_unknown_site": self._failed(UNKNOWN_SITE),
        }

    def text(self) -> str:
        """Return it as a table for people."""
        shown = [*self.status.sites, self.status.total]
        rows = [HEADINGS, *(tuple(map(_cell, self._row(site).values())) for site in shown)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])
            for row in rows
        ]
        cut = self.status.data_cut
        lines.append(f"nights up to that of {cut}" if cut else "no night of the plan has come yet")
        if unknown := self._failed(UNKNOWN_SITE):
            lines.append(f"{unknown} failed recordings name no participant of the study")
        return "\n".join(lines)

    def _row(self, site: SiteStatus) -> dict[str, object]:
        row = asdict(site)
        to_review = row.pop("nights_to_review")
        failed = self._failed(None if site is self.status.total else site.site)
        return row | {"recordings_failed": failed, "nights_to_review": to_review}

    def _failed(self, site: str | None) -> int | None:
        """Return the failed recordings of a site, or of all; None if they are not known."""
        if self.failed is None:
            return None
        return sum(self.failed.values()) if site is None else self.failed.get(site, 0)


def study_progress(study: Path, results: Sequence[Path] = ()) -> StudyProgress:
    """Return how far a study is.

    Parameters
    ----------
    study : Path
        Study folder.
    results : sequence of Path
        Folders that ``analyze`` wrote; the manifests in them say what failed.

    Raises
    ------
    InputError
        If the study or a manifest cannot be read.
    """
    status = study_status(load_study(study))
    if not results:
        return StudyProgress(status, None)
    people = [participant_of(name) for folder in results for name in failed_recordings(folder)]
    sites = (status.site_of.get(person or "", UNKNOWN_SITE) for person in people)
    return StudyProgress(status, Counter(sites))


def failed_recordings(results: Path) -> list[str]:
    """Return the names of recordings that failed in the last run that reached them."""
    last: dict[object, tuple[str, object]] = {}
    runs = [read_manifest(file) for file in (results / RUNS).glob("*.jsonl")]
    for run in sorted(runs, key=lambda run: str(run.run["started"])):
        for entry in run.inputs:
            if entry["status"] != NOT_REACHED:
                last[entry["source"]] = str(entry["name"]), entry["status"]
    return [name for name, status in last.values() if status == Status.FAILED]


def _cell(value: object) -> str:
    return "n/a" if value is None else str(value)
