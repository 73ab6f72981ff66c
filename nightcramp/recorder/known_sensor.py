"""Which sensor a journal is recorded from, for a recorder that goes on with it.

``sensor.json`` in the journal's folder. The journal says the same in its link records, but where
it is encrypted for the site the recorder cannot read them.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING

from firmware_bridge.link import Identity
from nightcramp.errors import OutputError
from recordings import write_text

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

NAME = "sensor.json"


def read_sensor(journal: Path) -> Identity | None:
    """Return the sensor that a journal was recorded from last; None if that is not known."""
    path = journal / NAME
    try:
        return _identity(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError) as error:
        log.warning("%s cannot be read (%s): any sensor of its kind is taken", path, error)
        return None


def write_sensor(journal: Path, sensor: Identity) -> bool:
    """Keep which sensor it is; returns whether the disk took it."""
    try:
        write_text(journal / NAME, json.dumps(asdict(sensor), ensure_ascii=False))
    except OutputError as error:
        log.warning("%s", error)
        return False
    return True


def _identity(content: dict[str, str | None]) -> Identity:
    address, name, serial = content["address"], content["name"], content["serial"]
    if not isinstance(address, str):
        raise TypeError("no address")
    return Identity(address, name, serial)
