"""Numbers and dates as a reader expects them: formatted once, before any template sees them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from trial.estimates import Mean, Rate

__all__ = [
    "NOT_KNOWN",
    "WITHHELD",
    "as_percent",
    "counted",
    "day",
    "interval",
    "mean_with_sd",
    "number",
    "p_value",
    "part_of",
    "people",
    "people_behind",
    "share",
    "signed",
    "value_of",
    "with_interval",
]

NOT_KNOWN = "n/a"
WITHHELD = "withheld"

_NO_BREAK = "\N{NO-BREAK SPACE}"
_THIN = "\N{NARROW NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"


def number(value: float | None, digits: int) -> str:
    """Return a number with a fixed number of decimals, a true minus, and thin thousands."""
    if value is None or math.isnan(value):
        return NOT_KNOWN
    text = f"{value:,.{digits}f}" if abs(value) >= 10_000 else f"{value:.{digits}f}"
    return text.replace("-", _MINUS).replace(",", _THIN)


def counted(count: int | None) -> str:
    """Return a count."""
    return number(count, 0)


def people(count: int) -> str:
    """Return a number of participants, with the word."""
    return f"{counted(count)} participant" + ("" if count == 1 else "s")


def signed(week: int) -> str:
    """Return the number of a week, with a true minus before the treatment."""
    return str(week).replace("-", _MINUS)


def share(part: float, whole: float) -> str:
    """Return a part of a whole in percent; what is not nothing is never called 0 %."""
    if not whole:
        return NOT_KNOWN
    percent = 100 * part / whole
    text = "<1" if 0 < percent < 1 else number(percent, 0)
    return f"{text}{_NO_BREAK}%"


def as_percent(value: float | None) -> str:
    """Return a share, or a difference of two, in percent."""
    if value is None:
        return NOT_KNOWN
    return f"{number(100 * value, 0)}{_NO_BREAK}%"


def p_value(value: float | None) -> str:
    """Return a p value; below one in a thousand its size says nothing more."""
    if value is None:
        return NOT_KNOWN
    return "<0.001" if value < 0.001 else number(value, 3)


def part_of(part: float, whole: float) -> str:
    """Return a part, and in brackets its share of the whole unless it is nothing."""
    return f"{number(part, 0)} ({share(part, whole)})" if part else number(part, 0)


def value_of(estimate: Rate | Mean, digits: int = 2) -> str:
    """Return an estimate without its interval."""
    return WITHHELD if estimate.withheld else number(estimate.value, digits)


def interval(low: float | None, high: float | None, digits: int = 2) -> str:
    """Return the limits of an interval, or nothing without one."""
    if low is None or high is None:
        return ""
    return f"{number(low, digits)} to {number(high, digits)}"


def with_interval(estimate: Rate | Mean, digits: int = 2) -> str:
    """Return an estimate with its interval in brackets."""
    if estimate.withheld:
        return WITHHELD
    limits = interval(estimate.low, estimate.high, digits)
    return number(estimate.value, digits) + (f" ({limits})" if limits else "")


def people_behind(mean: Mean) -> str:
    """Return the number of participants behind a mean."""
    return WITHHELD if mean.withheld else counted(mean.participants)


def mean_with_sd(mean: Mean, digits: int = 2) -> str:
    """Return a mean with its standard deviation in brackets."""
    if mean.withheld:
        return WITHHELD
    spread = "" if mean.sd is None else f" ({number(mean.sd, digits)})"
    return number(mean.value, digits) + spread


def day(night: pd.Timestamp | None) -> str:
    """Return a date with the month in letters, which cannot be mistaken."""
    if night is None or pd.isna(night):
        return NOT_KNOWN
    return f"{night.day}{_NO_BREAK}{night:%b}{_NO_BREAK}{night.year}"
