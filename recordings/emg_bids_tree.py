"""Names and side files of an EMG-BIDS tree (BIDS 1.11, BEP042), made to be added to.

A tree holds any number of participants, nights and legs; what others wrote stays. Nothing in it
names a person: participants are pseudonyms.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightcramp.errors import OutputError, RecordingError
from recordings.atomic import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

BIDS_VERSION = "1.11.1"
TASK = "sleep"
MISSING = "n/a"

_NO_LABEL = re.compile(r"[^A-Za-z0-9]")

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class BidsName:
    """Which recording a file belongs to.

    Attributes
    ----------
    participant, session : str
        Letters and digits; see `bids_label`.
    leg : str
        ``left`` or ``right``; empty if it is not known.
    run : int or None
        None if there is only one.
    """

    participant: str
    session: str
    leg: str
    run: int | None = None

    @property
    def folder(self) -> str:
        """Folder of the night, from the root of the tree."""
        return f"sub-{self.participant}/ses-{self.session}"

    @property
    def night(self) -> str:
        """Beginning of the names of what belongs to the whole night."""
        return f"sub-{self.participant}_ses-{self.session}"

    def file(self, recording: str | None, suffix: str) -> str:
        """Name of a file, from the folder of the night.

        Parameters
        ----------
        recording : str or None
            ``emg`` or ``acc``; None where one file holds both.
        suffix : str
            ``emg.edf``, ``channels.tsv`` and so on.
        """
        entities = [self.night, f"task-{TASK}"]
        entities += [f"acq-{self.leg}"] if self.leg else []
        entities += [f"run-{self.run}"] if self.run is not None else []
        entities += [f"recording-{recording}"] if recording else []
        return f"emg/{'_'.join(entities)}_{suffix}"


def bids_label(text: str) -> str:
    """Text as a BIDS label: letters and digits only; ``unknown`` if none is left."""
    return _NO_LABEL.sub("", text) or "unknown"


def make_folder(folder: Path) -> None:
    """Make a folder and those above it; raises OutputError if that is refused."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: the folder cannot be made ({error.strerror or error}). "
            "Check that you may write there and that the disk has space."
        ) from error


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write a side file."""
    write_text(path, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def refuse_another(path: Path, origin: object) -> None:
    """Keep a recording of the tree from being overwritten by another one of the same name.

    Parameters
    ----------
    path : Path
        Side file of the samples that are to be written.
    origin : object
        What they are made of, as their side file will tell it: ``Journal`` or ``SourceSHA256``.

    Raises
    ------
    OutputError
        If such a file stands there and was made of anything else.
    """
    if path.exists() and _origin(path) != origin:
        raise OutputError(
            f"{path.with_suffix('')}: another recording of this participant, night and leg stands "
            "in the tree, and nothing is overwritten. Give each its own pseudonym with "
            "--participant, or another folder with --out."
        )


def _origin(path: Path) -> object:
    try:
        made_by = json.loads(path.read_bytes())["Nightcramp"]
        return made_by.get("Journal", made_by.get("SourceSHA256"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # somebody else's


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Write a tab-separated table; what a row lacks is ``n/a``."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval=MISSING, delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def add_rows(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Put rows into a table, in place of those with the same first column; sorted by it.

    Raises
    ------
    RecordingError
        If the table that stands there cannot be read.
    """
    key = columns[0]
    known = {row[key]: row for row in _read_rows(path, key)}
    known |= {row[key]: known.get(row[key], {}) | row for row in rows}
    others = [name for row in known.values() for name in row if name not in columns]
    write_table(path, [*columns, *dict.fromkeys(others)], [known[name] for name in sorted(known)])


def describe_dataset(root: Path, generated_by: str) -> None:
    """Write what every tree must say of itself, unless it does already."""
    path = root / "dataset_description.json"
    if not path.exists():
        content = {
            "Name": "Nights of surface EMG and acceleration of the calf",
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "raw",
            "GeneratedBy": [{"Name": generated_by}],
        }
        write_json(path, content)
    readme = root / "README"
    if not readme.exists():
        write_text(readme, _README)


def _read_rows(path: Path, key: str) -> list[Row]:
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", restval=MISSING))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RecordingError(f"cannot be read ({error})", file=path) from error
    if any(key not in row or None in row for row in rows):
        raise RecordingError(f"a row lacks the column {key!r} or has too many", file=path)
    return rows


_README = """\
Nights of surface EMG and acceleration of the leg.

Each night of a participant is a session, named by its evening's date (noon to noon, local time).

Where a side file names a journal under "Nightcramp", the recording is of a wearable sensor on the
calf. Samples are the sensor's own counts, one to one. Time that never arrived is padded and
annotated BAD_ACQ_SKIP; the channel LINK tells the share of each second that is no gap, in percent.
The file begins on a whole second; the exact beginning, the offset from UTC and the sensor's clock
stand in the side file.

Where it names the hash of a source, the recording is a copy of a file, its samples byte for byte;
what the header said of the patient and the recorder is left out, and repeated labels are numbered.
"""
