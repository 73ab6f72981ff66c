"""The text of a table as it lies on disk; what a spreadsheet made of it is named, not repaired."""

from __future__ import annotations

from nightcramp.errors import InputError

__all__ = ["decoded", "foreign_separator"]

_WORKBOOK = b"PK\x03\x04"  # first bytes of a ZIP archive, which an .xlsx or .ods file is
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"  # of an .xls file
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_SAVE_AS = "Save the table as tab-separated text in UTF-8"
_SEPARATORS = {";": "semicolons", ",": "commas", "|": "bars"}


def decoded(content: bytes) -> str:
    """Return the text of a UTF-8 file, with or without byte order mark.

    Raises
    ------
    InputError
        If the file is a workbook, or its text has another encoding.
    """
    if content.startswith((_WORKBOOK, _OLD_WORKBOOK)):
        raise InputError(
            "this is a spreadsheet's workbook, expected a text",
            advice=f"{_SAVE_AS}, not only under another name.",
        )
    if content.startswith(_UTF_16) or b"\0" in content:
        raise InputError(
            "the text is UTF-16, expected UTF-8",
            place="line 1",
            advice=f'{_SAVE_AS}; a spreadsheet\'s "Unicode text" is UTF-16.',
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"the text is not UTF-8 (byte {content[error.start]:#04x})",
            place=f"line {line}",
            advice=f"{_SAVE_AS}; this is often Windows-1252.",
        ) from None


def foreign_separator(header: str) -> str | None:
    """Return in words what separates the columns of a header without tabs, if it is known."""
    counts = {name: header.count(sign) for sign, name in _SEPARATORS.items()}
    most = max(counts, key=lambda name: counts[name])
    return most if counts[most] else None
