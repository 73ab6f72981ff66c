"""When a recording began: three fields of the header, which may contradict each other.

Source: EDF+ specification, sections 2.1.3.2 and 2.1.3.3 (edfplus.info).
"""

from __future__ import annotations

import re
from datetime import date, datetime, time

from nightcramp.errors import OutputError

# In English whatever the locale.
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_THREE_NUMBERS = re.compile(r"([0-9]{1,2})[.:/\- ]([0-9]{1,2})[.:/\- ]([0-9]{1,2})")
_FULL_DATE = re.compile(r"([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})")
_OLDEST, _NEWEST = date(1900, 1, 1), date(2999, 12, 31)
_FIRST_YEAR, _LAST_YEAR = 1985, 2084  # all that two digits can mean
_NO_DATE = date(1985, 1, 1)  # what is written where the date is hidden; EDF is of 1992
_HIDDEN = ("X", "01.01.85", "00.00.00")


def read_start(
    recording: str, start_date: str, start_time: str
) -> tuple[datetime | None, tuple[str, ...]]:
    """Return the start and what a person should know about it.

    Parameters
    ----------
    recording : str
        The recording field; in EDF+ it opens with ``Startdate dd-MMM-yyyy`` and then wins over the
        two-digit year of `start_date`, or with ``Startdate X``, which hides the date.
    start_date, start_time : str
        ``dd.mm.yy`` and ``hh.mm.ss``.

    Returns
    -------
    start : datetime or None
        None if the date is hidden or one of the fields makes no sense.
    notes : tuple of str
    """
    words = recording.split()
    stated = words[1] if len(words) > 1 and words[0] == "Startdate" else ""
    if stated == "X":
        return None, ("start is unknown: the file hides its date",)
    full, short = _full_date(stated), _short_date(start_date)
    if full is None and short == _NO_DATE:
        return None, (f"start is unknown: {start_date} stands for a date that is hidden",)
    day = full or short
    clock = _clock(start_time)
    if day is None or clock is None:
        return None, (f"start is unknown: the file says {start_date!r} {start_time!r}",)
    start = datetime.combine(day, clock)
    if full and short and full != short:
        return start, (f"start dates differ: {full} is taken, not {short}",)
    return start, ()


def start_texts(start: datetime | None) -> tuple[str, str, str]:
    """Return the date of the recording field, the start date and the start time of a header.

    Raises
    ------
    OutputError
        If the start is no whole second from 1985 to 2084; many tools misread fractions.
    """
    if start is None:
        return _HIDDEN
    if start.microsecond or not _FIRST_YEAR <= start.year <= _LAST_YEAR:
        raise OutputError(
            f"a recording that starts at {start} cannot be written: "
            f"EDF+ takes whole seconds from {_FIRST_YEAR} to {_LAST_YEAR}."
        )
    stated = f"{start.day:02}-{_MONTHS[start.month - 1]}-{start.year}"
    return stated, f"{start:%d.%m.%y}", f"{start:%H.%M.%S}"


def _full_date(text: str) -> date | None:
    match = _FULL_DATE.fullmatch(text)
    if match is None or match[2].upper() not in _MONTHS:
        return None
    return _date(int(match[3]), _MONTHS.index(match[2].upper()) + 1, int(match[1]))


def _short_date(text: str) -> date | None:
    match = _THREE_NUMBERS.fullmatch(text)
    if match is None:
        return None
    day, month, year = (int(group) for group in match.groups())
    century = 1900 if year >= _FIRST_YEAR % 100 else 2000
    return _date(century + year, month, day)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        found = date(year, month, day)
    except ValueError:
        return None
    return found if _OLDEST <= found <= _NEWEST else None


def _clock(text: str) -> time | None:
    match = _THREE_NUMBERS.fullmatch(text)
    if match is None:
        return None
    hour, minute, second = (int(group) for group in match.groups())
    try:
        return time(hour, minute, second)
    except ValueError:
        return None
