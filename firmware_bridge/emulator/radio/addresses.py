"""Random static addresses, as sensors without an address of their own maker use them.

The two most significant bits of a random static address are 1 (Core Specification 6.B.1.3.2.1).
"""

from __future__ import annotations

import hashlib
import re

from nightcramp.errors import UsageError

_FORM = re.compile(r"[C-F][0-9A-F](:[0-9A-F]{2}){5}")
_STATIC = 0xC0


def address_of(text: str) -> str:
    """Return the address that follows from a text."""
    first, *rest = hashlib.sha256(text.encode()).digest()[:6]
    return _written([first | _STATIC, *rest])


def next_address(address: str) -> str:
    """Return another address, whose last byte is one higher."""
    *rest, last = bytes.fromhex(address.replace(":", ""))
    return _written([*rest, (last + 1) % 256])


def check_address(text: str) -> str:
    """Return an address in capitals; `UsageError` if it is no random static address."""
    if not _FORM.fullmatch(text.upper()):
        raise UsageError(
            f"{text!r} is no random static address: expected six pairs of hexadecimal digits, the "
            "first from C0 to FF, for example F0:F1:F2:F3:F4:F5."
        )
    return text.upper()


def _written(octets: list[int]) -> str:
    return ":".join(f"{octet:02X}" for octet in octets)
