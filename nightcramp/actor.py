"""Who sits at the keyboard, for the audit log."""

from __future__ import annotations

import getpass

from nightcramp.errors import UsageError

__all__ = ["actor"]


def actor(who: str | None) -> str:
    """Return who does something: the name that was given, else the login name.

    Raises
    ------
    UsageError
        If none was given and the system knows no login name.
    """
    if who is not None:
        return who
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError) as error:
        raise UsageError("this system has no login name for you: give one with --who") from error
