"""How night pictures look: page, type, colours, and the matplotlib settings they need.

Colours are those of Okabe and Ito (2008, "Color Universal Design"), which stay apart for
colour-blind readers; what must also stay apart in grey differs in pattern, weight or shape.
"""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Final

import matplotlib as mpl

from sensing import Quality

if TYPE_CHECKING:
    from collections.abc import Iterator

BLACK: Final = "#000000"
ORANGE: Final = "#E69F00"
SKY_BLUE: Final = "#56B4E9"
GREEN: Final = "#009E73"
YELLOW: Final = "#F0E442"
BLUE: Final = "#0072B2"
VERMILLION: Final = "#D55E00"
PURPLE: Final = "#CC79A7"
WHITE: Final = "#FFFFFF"

INK: Final = "#1A1A1A"
SECONDARY: Final = "#595959"
HAIRLINE: Final = "#D9D9D9"
SHADE: Final = "#EFEFEF"

TINT: Final = "#FBE7DB"
DEEP_TINT: Final = "#F0B48E"

AXIS_COLOURS: Final = (BLACK, ORANGE, GREEN)
ANALYSABLE: Final = "#CFE3DC"

# Face, hatch and hatch colour of every state of a second.
QUALITY_LOOKS: Final[dict[Quality, tuple[str, str, str]]] = {
    Quality.GOOD: (ANALYSABLE, "", ANALYSABLE),
    Quality.GAP: (WHITE, "//////", BLACK),
    Quality.WARM_UP: (WHITE, "\\\\\\\\\\\\", SECONDARY),
    Quality.FLAT: (WHITE, "------", BLACK),
    Quality.SATURATED: (PURPLE, "xxxxxx", BLACK),
    Quality.LIFT_OFF: (ORANGE, "", ORANGE),
    Quality.HUM: (YELLOW, "||||||", BLACK),
    Quality.NOISY: (SKY_BLUE, "\\\\\\\\\\\\", BLACK),
    Quality.MOTION: (BLUE, "", BLUE),
    Quality.ISOLATED: (WHITE, "++++++", BLACK),
    Quality.UNSETTLED: (WHITE, "......", SECONDARY),
}

SMALL: Final = 7.0
NORMAL: Final = 8.0
MEDIUM: Final = 11.0
LARGE: Final = 14.0

PNG_DPI: Final = 150


@contextmanager
def settings() -> Iterator[None]:
    """Hold matplotlib's own defaults and the picture's settings; the user's come back after it.

    A reader's ``matplotlibrc`` must not change what a trial files away. Signs that the PNG's font
    lacks become boxes there and stay themselves in the SVG; nobody needs to be warned of that.
    """
    defaults = {key: value for key, value in mpl.rcParamsDefault.items() if "backend" not in key}
    with mpl.rc_context(defaults), _own_settings(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
        yield


def _own_settings() -> AbstractContextManager[None]:
    return mpl.rc_context(
        {
            "axes.linewidth": 0.5,
            "axes.edgecolor": SECONDARY,
            "font.family": ["DejaVu Sans", "sans-serif"],
            "font.sans-serif": ["DejaVu Sans"],
            "font.size": SMALL,
            "hatch.linewidth": 0.5,
            "lines.linewidth": 0.6,
            "lines.solid_joinstyle": "bevel",
            "svg.fonttype": "none",
            "svg.hashsalt": "nightcramp",
            "text.color": INK,
            "text.parse_math": False,
            "xtick.color": SECONDARY,
            "xtick.labelcolor": INK,
            "xtick.major.size": 2.5,
            "xtick.major.width": 0.5,
            "ytick.color": SECONDARY,
            "ytick.labelcolor": INK,
            "ytick.major.pad": 2.0,
            "ytick.major.size": 2.5,
            "ytick.major.width": 0.5,
        }
    )
