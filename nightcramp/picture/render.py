"""Night pictures as files: the same figure gives the same bytes."""

from __future__ import annotations

import re
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Final

from nightcramp.picture import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PATH_DATA: Final = re.compile(r'(?<= d=")[^"]+')
_FINE_DIGITS: Final = re.compile(r"(\.\d\d)\d+")


def render_svg(figure: Figure) -> str:
    """Write a figure as SVG, its words as text that can be searched and copied.

    Curves keep two of matplotlib's six decimals, a hundredth of a point: half the file.
    """
    sheet = StringIO()
    with style.settings():
        figure.savefig(sheet, format="svg", metadata={"Date": None, "Creator": "nightcramp"})
    return _PATH_DATA.sub(lambda path: _FINE_DIGITS.sub(r"\1", path[0]), sheet.getvalue())


def render_png(figure: Figure) -> bytes:
    """Write a figure as PNG, 150 dots an inch."""
    sheet = BytesIO()
    with style.settings():
        figure.savefig(sheet, format="png", dpi=style.PNG_DPI, metadata={"Software": "nightcramp"})
    return sheet.getvalue()
