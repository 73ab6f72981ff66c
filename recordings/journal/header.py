"""What a segment says of itself: the recording, the session that wrote it, the key's envelope."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nightcramp.errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = "ncj/1"

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class JournalLabel:
    """Which recording it is; one recording has one journal.

    Attributes
    ----------
    device : str
        Name of its `firmware_bridge.DeviceSpec`.
    recorder : str
        Program that wrote it, and its version.
    metadata : mapping
        What identifies the recording: pseudonym, night, leg and the like, by text or number. It is
        never encrypted: nothing here may name a person.
    """

    device: str
    recorder: str
    metadata: Mapping[str, str | int | float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Envelope:
    """The key of a session, closed so that only the site can open it.

    Attributes
    ----------
    site_key : bytes
        The public key it was closed with, X25519, 32 bytes.
    sealed_key : bytes
        Encapsulated key and ciphertext (RFC 9180, 6.1).
    """

    site_key: bytes
    sealed_key: bytes


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """The header of one segment.

    Attributes
    ----------
    label : JournalLabel
    journal_id : bytes
    segment : int
        From 1 on.
    session : int
        From 1 on; one more each time the journal was opened for writing.
    boot : str
        Changes when the host starts anew, and its monotonic clock with it; empty where the host
        does not tell.
    envelope : Envelope or None
        None if the session is not encrypted.
    """

    label: JournalLabel
    journal_id: bytes
    segment: int
    session: int
    boot: str
    envelope: Envelope | None

    def to_json(self) -> bytes:
        """Return the body of a header block."""
        content = {
            "format": FORMAT,
            "journal": self.journal_id.hex(),
            "segment": self.segment,
            "session": self.session,
            "boot": self.boot,
            "device": self.label.device,
            "recorder": self.label.recorder,
            "metadata": dict(self.label.metadata),
            "encryption": _envelope_to_json(self.envelope),
        }
        return json.dumps(content, ensure_ascii=False, indent=1).encode("utf-8")


def header_from_json(body: bytes, file: Path) -> SegmentHeader:
    """Return what the body of a header block says.

    Raises
    ------
    RecordingError
        If it is not what `SegmentHeader.to_json` writes.
    """
    try:
        content = json.loads(body)
        return SegmentHeader(
            label=JournalLabel(content["device"], content["recorder"], content["metadata"]),
            journal_id=bytes.fromhex(content["journal"]),
            segment=content["segment"],
            session=content["session"],
            boot=content["boot"],
            envelope=_envelope_from_json(content["encryption"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise RecordingError(f"a header that cannot be read ({error!r})", file=file) from error


def boot_id() -> str:
    """Return what tells this start of the host from others, as far as the host says."""
    return _BOOT_ID.read_text(encoding="ascii").strip() if _BOOT_ID.is_file() else ""


def _envelope_to_json(envelope: Envelope | None) -> dict[str, str] | None:
    if envelope is None:
        return None
    return {
        "scheme": "HPKE-X25519-HKDF-SHA256-AES-256-GCM",
        "site_key": base64.b64encode(envelope.site_key).decode("ascii"),
        "sealed_key": base64.b64encode(envelope.sealed_key).decode("ascii"),
    }


def _envelope_from_json(content: dict[str, str] | None) -> Envelope | None:
    if content is None:
        return None
    return Envelope(base64.b64decode(content["site_key"]), base64.b64decode(content["sealed_key"]))
