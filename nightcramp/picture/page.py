"""The sheet of paper: everything on it is placed in inches from its lower left corner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matplotlib.figure import Figure

from nightcramp.picture import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

WIDTH: Final = 11.69
HEIGHT: Final = 8.27
LEFT: Final = 0.35
RIGHT: Final = 11.34
TOP: Final = 7.97
BOTTOM: Final = 0.28


class Page:
    """An A4 sheet, landscape, on which axes and words are placed.

    Attributes
    ----------
    figure : Figure
        What is drawn so far.
    """

    def __init__(self) -> None:
        self.figure = Figure(figsize=(WIDTH, HEIGHT), facecolor="white")

    def axes(self, name: str, left: float, bottom: float, width: float, height: float) -> Axes:
        """Place axes without frame or fill; `name` identifies them in the SVG."""
        box = (left / WIDTH, bottom / HEIGHT, width / WIDTH, height / HEIGHT)
        ax = self.figure.add_axes(box, label=name, gid=name.lower().replace(" ", "-"))
        ax.patch.set_visible(False)
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines["bottom"].set_color(style.HAIRLINE)
        return ax

    def text(  # noqa: PLR0913 - a place, words and how they look
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = style.SMALL,
        colour: str = style.INK,
        weight: str = "normal",
        ha: str = "left",
        va: str = "baseline",
    ) -> Text:
        """Place words."""
        return self.figure.text(
            x / WIDTH, y / HEIGHT, words, size=size, color=colour, weight=weight, ha=ha, va=va
        )
