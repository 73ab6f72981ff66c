"""What the page is started with."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Names that a browser on this computer may call it by."""


def new_token() -> str:
    """Return a secret that cannot be guessed."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class AppSettings:
    """What the page is started with.

    Attributes
    ----------
    home : Path
        Folder that nights are recorded to.
    study : Path or None
        Study folder: its diary is written, its blinding obeyed.
    results : Path or None
        Analysed nights; None is where the recorder puts them, ``results`` in `home`.
    radio : str or None
        ``tcp:HOST:PORT`` of emulated sensors; None for the Bluetooth of this computer.
    speed : float
        Of emulated sensors.
    sensors : int or None
        That a participant wears: 1, or 2, one on each leg; None for what the study says.
    token : str
        Secret in the address; who has it may use the page.
    hosts : tuple of str
        Names the page may be called by; requests to others are refused (DNS rebinding).
    """

    home: Path
    study: Path | None = None
    results: Path | None = None
    radio: str | None = None
    speed: float = 1.0
    sensors: int | None = None
    token: str = field(default_factory=new_token, repr=False)
    hosts: tuple[str, ...] = LOOPBACK

    @property
    def results_folder(self) -> Path:
        """Where analysed nights are."""
        return self.results or self.home / "results"
