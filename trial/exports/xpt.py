"""SAS transport files of version 5, as SAS technical note TS-140 lays them out.

Records of 80 bytes; numbers are IBM doubles (hexadecimal exponent), text is padded with blanks.
Text is UTF-8, which for plain letters is the ASCII that the note speaks of.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING

from nightcramp.errors import UsageError
from trial.exports.dataset import Kind

if TYPE_CHECKING:
    from datetime import datetime

    from trial.exports.dataset import Contents, Dataset, Value, Variable
    from trial.exports.origin import Origin

__all__ = ["ibm_double", "transport_file", "xpt_files"]

_RECORD = 80
_LONGEST_TEXT = 200
_SAS, _LIBRARY, _DATA = b"SAS     ", b"SASLIB  ", b"SASDATA "
_MADE_BY = b"9.4     nghtcrmp"  # version of the SAS system and operating system, 8 bytes each
_NUMERIC, _CHARACTER = 1, 2
_NAMESTR = struct.Struct(">hhhh8s40s8shhh2x8shhi52x")
_MISSING = b"." + bytes(7)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def xpt_files(contents: Contents, origin: Origin) -> dict[str, bytes]:
    """Return one transport file for each dataset.

    Raises
    ------
    UsageError
        If a text is too long for the format.
    """
    made = origin.provenance.created_utc
    return {
        f"{dataset.name.lower()}.xpt": transport_file(dataset, made)
        for dataset in contents.datasets
    }


def transport_file(dataset: Dataset, made: datetime) -> bytes:
    """Return a dataset as a transport file with one member.

    Parameters
    ----------
    dataset : Dataset
    made : datetime
        Stands in the headers, with a year of two digits.

    Raises
    ------
    UsageError
        If a text is longer than 200 bytes, or a number beyond what the format can hold.
    """
    stamp = f"{made:%d}{_MONTHS[made.month - 1]}{made:%y:%H:%M:%S}".encode("ascii")
    widths = [_width(dataset, place) for place in range(len(dataset.variables))]
    head = [
        _header(b"LIBRARY"),
        _SAS + _SAS + _LIBRARY + _MADE_BY + b" " * 24 + stamp,
        stamp,
        _header(b"MEMBER", b"000000000000000001600000000140"),
        _header(b"DSCRPTR"),
        _SAS + _text(dataset.name, 8) + _DATA + _MADE_BY + b" " * 24 + stamp,
        stamp + b" " * 16 + _text(dataset.label, 40),
        _header(b"NAMESTR", b"000000%04d00000000000000000000" % len(widths)),
    ]
    blocks = [
        *(_padded(record) for record in head),
        _padded(_descriptions(dataset.variables, widths)),
        _padded(_header(b"OBS")),
        _padded(b"".join(_row(row, dataset.variables, widths) for row in dataset.rows)),
    ]
    return b"".join(blocks)


def ibm_double(value: float) -> bytes:
    """Return a number as an IBM double: sign, exponent of 16 above 64, 56 bits of fraction.

    Every 64-bit number of the processor whose size lies between 16**-65 and 16**63 keeps its value.

    Raises
    ------
    UsageError
        If it is larger or smaller, or no number.
    """
    if value == 0:
        return bytes(8)
    mantissa, exponent = math.frexp(abs(value))
    power = -(-exponent // 4)
    if not math.isfinite(value) or not -64 <= power <= 63:
        raise UsageError(f"{value!r} cannot be written to a SAS transport file")
    fraction = int(math.ldexp(mantissa, 56 + exponent - 4 * power))
    sign = 0x80 if value < 0 else 0
    return ((sign | power + 64) << 56 | fraction).to_bytes(8, "big")


def _header(kind: bytes, numbers: bytes = b"0" * 30) -> bytes:
    return b"HEADER RECORD*******" + kind.ljust(8) + b"HEADER RECORD!!!!!!!" + numbers


def _descriptions(variables: tuple[Variable, ...], widths: list[int]) -> bytes:
    """Return the NAMESTR records, one for each variable."""
    records, position = [], 0
    for number, (variable, width) in enumerate(zip(variables, widths, strict=True), start=1):
        names = (_text(variable.name, 8), _text(variable.label, 40), b" " * 8)
        kind = _NUMERIC if _is_number(variable) else _CHARACTER
        record = _NAMESTR.pack(kind, 0, width, number, *names, 0, 0, 0, b" " * 8, 0, 0, position)
        records.append(record)
        position += width
    return b"".join(records)


def _row(row: tuple[Value, ...], variables: tuple[Variable, ...], widths: list[int]) -> bytes:
    cells = zip(row, variables, widths, strict=True)
    return b"".join(
        _number(value) if _is_number(variable) else _text("" if value is None else value, width)
        for value, variable, width in cells
    )


def _number(value: Value) -> bytes:
    return _MISSING if value is None else ibm_double(float(value))


def _is_number(variable: Variable) -> bool:
    return variable.kind in {Kind.INTEGER, Kind.DECIMAL}


def _width(dataset: Dataset, place: int) -> int:
    """Return the bytes that the values of a variable need."""
    if _is_number(dataset.variables[place]):
        return 8
    values = [row[place] for row in dataset.rows if row[place] is not None]
    width = max((len(str(value).encode()) for value in values), default=1)
    if width > _LONGEST_TEXT:
        longest = max(values, key=lambda value: len(str(value).encode()))
        raise UsageError(
            f"{dataset.variables[place].name} {longest!r} has {width} bytes, and a SAS transport "
            f"file holds {_LONGEST_TEXT}: shorten it in the study's table, or export another format"
        )
    return width


def _text(value: Value, width: int) -> bytes:
    return str(value).encode("utf-8").ljust(width)


def _padded(data: bytes) -> bytes:
    return data.ljust(-(-len(data) // _RECORD) * _RECORD)
