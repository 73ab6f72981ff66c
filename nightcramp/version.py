"""Which code made a result."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib import metadata, resources

JUDGING_PACKAGES = ("recordings", "sensing", "models")
"""Packages whose code decides what is found in a recording."""


@lru_cache(maxsize=1)
def code_version() -> str:
    """Return the release and a hash of the code that judges recordings, as ``1.2.3+abcdef012345``.

    The hash tells apart what two states of a working copy found.
    """
    digest = hashlib.sha256()
    for package in JUDGING_PACKAGES:
        for file in sorted(resources.files(package).iterdir(), key=lambda entry: entry.name):
            if file.name.endswith(".py"):
                digest.update(file.read_bytes())
    for file in sorted((resources.files("sensing") / "features").iterdir(), key=lambda e: e.name):
        if file.name.endswith(".py"):
            digest.update(file.read_bytes())
    return f"{release()}+{digest.hexdigest()[:12]}"


def release() -> str:
    """Return the release number."""
    return metadata.version("nightcramp")
