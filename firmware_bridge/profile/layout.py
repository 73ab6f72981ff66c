"""What every part of the stream profile shares: UUIDs, version, streams."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firmware_bridge.packets import RejectReason

VERSION = 1
TICK_HZ = 32768
MAX_FRAME = 244


def _uuid(number: int) -> str:
    return f"334c{number:04x}-2cf0-4a9a-80f6-74c1d0973092"


SERVICE = _uuid(0x0001)
INFO = _uuid(0x0002)
CONTROL = _uuid(0x0003)
LIVE = _uuid(0x0004)
BACKLOG = _uuid(0x0005)
STATUS = _uuid(0x0006)


class StreamId(IntEnum):
    """Streams of the profile; the number is the low half of a frame's first byte."""

    EMG = 0
    ACC = 1
    MARK = 2


@dataclass(frozen=True, slots=True)
class Malformed:
    """Bytes that are not of the profile."""

    reason: RejectReason
    detail: str
