"""The page: a night at the bedside, and its review, in a browser on the same machine."""

from __future__ import annotations

from nightcramp.app.server import create_app
from nightcramp.app.settings import AppSettings

__all__ = ["AppSettings", "create_app"]
