"""One cell of a study table: text in, a typed value out, or a reason that helps to correct it.

A parser takes the text of a cell and returns its value; it raises `InputError` with the problem and
the advice, and the reader of the table adds file, line and column. No parser guesses: what could be
read in two ways is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime

from nightcramp.errors import InputError

CellValue = str | float | date | datetime
Parser = Callable[[str], CellValue]

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_LOCAL_DATE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-](\d{2}|\d{4})")
_DAY_NUMBER = re.compile(r"[345]\d{4}")  # 1982 to 2064, counted in days from 1900
_DAY_FRACTION = re.compile(r"[345]\d{4}[.,]\d+")
_MONTH_DATE = re.compile(
    r"(\d{1,4}[-. ]{1,2})?(jan|feb|m[aä]r|apr|ma[yi]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-z]*\.?"
    r"[-. ,]{0,2}\d{0,2}([-. ,]{1,2}\d{2,4})?",
    re.IGNORECASE,
)
_STAMP = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(?P<zone>Z|[+-]\d{2}:\d{2})?"
)
_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_COMMA_NUMBER = re.compile(r"-?\d+,\d+")
_WORD = re.compile(r"[^\W\d_]{3}")
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})[-_./]?(\d{2})[-_./]?(\d{2})(?!\d)")
_YEAR_LAST = re.compile(r"(?<!\d)(\d{2})[-_./]?(\d{2})[-_./]?(\d{4})(?!\d)")
_BIRTH_YEARS = range(1900, 2011)
_PSEUDONYM = "Give every participant a code that says nothing of the person, such as S01-007."


def text(cell: str) -> str:
    """Return the cell as it stands."""
    return cell


def code(cell: str) -> str:
    """Return a participant's code: it survives being copied by hand, and tells nobody who it is.

    Three or more letters without any digit are taken for a name; eight digits, or three groups of
    them, that are a day from 1900 to 2010 for a date of birth.
    """
    if any(character.isspace() for character in cell):
        raise InputError(f"found {cell!r}, expected a code without blanks")
    if _holds_birth_date(cell):
        raise InputError(
            f"found {cell!r}, which looks like a date of birth; expected a code", advice=_PSEUDONYM
        )
    if _WORD.search(cell) and not any(character.isdigit() for character in cell):
        raise InputError(
            f"found {cell!r}, which looks like a name; expected a code with a number in it",
            advice=_PSEUDONYM,
        )
    return cell


def _holds_birth_date(cell: str) -> bool:
    dates = list(_YEAR_FIRST.findall(cell))
    for one, other, year in _YEAR_LAST.findall(cell):
        dates += [(year, other, one), (year, one, other)]
    return any(_is_birth_date(*map(int, parts)) for parts in dates)


def _is_birth_date(year: int, month: int, day: int) -> bool:
    if year not in _BIRTH_YEARS:
        return False
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def one_of(*allowed: str) -> Parser:
    """Return a parser that accepts these words only."""

    def parse(cell: str) -> str:
        if cell not in allowed:
            raise InputError(f"found {cell!r}, expected one of {', '.join(allowed)}")
        return cell

    return parse


def calendar_date(cell: str) -> date:
    """Return a date written YYYY-MM-DD."""
    if _LOCAL_DATE.fullmatch(cell) or _MONTH_DATE.fullmatch(cell):
        raise InputError(
            f"found {cell!r}, a date in a spreadsheet's format; expected YYYY-MM-DD",
            advice="Format the column as text and write 2026-12-31 for 31 December 2026.",
        )
    if _DAY_NUMBER.fullmatch(cell):
        raise InputError(
            f"found {cell!r}, a spreadsheet's day number; expected a date YYYY-MM-DD",
            advice="Format the column as text and enter the date again.",
        )
    if not _ISO_DATE.fullmatch(cell):
        raise InputError(f"found {cell!r}, expected a date YYYY-MM-DD")
    try:
        return date.fromisoformat(cell)
    except ValueError:
        raise InputError(
            f"found {cell!r}, a day that is not in the calendar",
            advice="Look the date up in the source document.",
        ) from None


def instant(cell: str) -> datetime:
    """Return a moment with its offset from UTC, as UTC."""
    match = _STAMP.fullmatch(cell)
    if _LOCAL_DATE.match(cell) or _DAY_FRACTION.fullmatch(cell) or _DAY_NUMBER.fullmatch(cell):
        raise InputError(
            f"found {cell!r}, a time in a spreadsheet's format; expected 2026-03-01T21:45:00Z",
            advice="Format the column as text and enter the time again.",
        )
    if not match:
        raise InputError(f"found {cell!r}, expected a time such as 2026-03-01T21:45:00Z")
    if match["zone"] is None:
        raise InputError(
            f"found {cell!r}, a time without a time zone",
            advice="Write it in UTC and end it with Z: 2026-03-01T21:45:00Z.",
        )
    try:
        return datetime.fromisoformat(cell).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InputError(f"found {cell!r}, a time that is not in the calendar") from None


def number(low: float, high: float, unit: str) -> Callable[[str], float]:
    """Return a parser of decimal numbers from `low` to `high`, both included."""

    def parse(cell: str) -> float:
        expected = f"expected {unit} from {low:g} to {high:g}"
        if _COMMA_NUMBER.fullmatch(cell):
            raise InputError(
                f"found {cell!r}, a number with a decimal comma; {expected}",
                advice=f"Write {cell.replace(',', '.')}.",
            )
        if _LOCAL_DATE.fullmatch(cell) or _MONTH_DATE.fullmatch(cell):
            raise InputError(
                f"found {cell!r}, a number that a spreadsheet took for a date; {expected}",
                advice="Format the column as text and enter the number again.",
            )
        if not _NUMBER.fullmatch(cell):
            raise InputError(f"found {cell!r}, {expected}")
        value = float(cell)
        if not low <= value <= high:
            sign = ", a negative number" if value < 0 else ""
            raise InputError(f"found {cell!r}{sign}; {expected}")
        return value

    return parse


def count(high: int, unit: str) -> Callable[[str], float]:
    """Return a parser of whole numbers from 0 to `high`."""
    decimal = number(0, high, f"a whole number of {unit}")

    def parse(cell: str) -> float:
        value = decimal(cell)
        if not value.is_integer():
            raise InputError(f"found {cell!r}, expected a whole number of {unit}")
        return value

    return parse


def seconds(cell: str) -> float:
    """Return a duration above zero and of at most one day, in seconds."""
    value = number(0, 86_400, "seconds")(cell)
    if value == 0:
        raise InputError("found a duration of 0 s, expected more than 0 s")
    return value
