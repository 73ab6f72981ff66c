"""Journals of other nights, in a recorder's folder, that were never closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightcramp.errors import RecordingError
from recordings.journal import SUFFIX, open_journal

if TYPE_CHECKING:
    from pathlib import Path

    from nightcramp.recorder.plan import NightPlan


def unclosed_journals(plan: NightPlan) -> list[Path]:
    """Find the journals beside those of a night that wait to be closed.

    Whoever asks holds the recorder's lock: what another recorder is writing is not closed either.
    """
    own = {sensor.journal for sensor in plan.sensors}
    journals = sorted(plan.folder.glob(f"*{SUFFIX}"))
    return [journal for journal in journals if journal not in own and not _is_sealed(journal)]


def _is_sealed(journal: Path) -> bool:
    try:
        return open_journal(journal).sealed
    except RecordingError:
        return False
