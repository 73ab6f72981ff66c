"""What the figures of the report have in common: paper, ink and looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from matplotlib.axes import Axes

__all__ = ["GREY", "INK", "LOOKS", "RUN_IN_LOOK", "Look", "paper", "style"]

INK, GREY = "#222222", "#6b6b6b"


@dataclass(frozen=True, slots=True)
class Look:
    """How a line differs from the others: by colour, dash and marker at once.

    Attributes
    ----------
    colour : str
    dash : str or tuple
        Line style as matplotlib knows it.
    marker : str
    """

    colour: str
    dash: str | tuple[int, tuple[float, ...]]
    marker: str


# Colours of Okabe and Ito (2008), told apart without red, without green and in grey.
LOOKS = (Look("#0072B2", "solid", "o"), Look("#D55E00", (0, (4, 2)), "s"))
RUN_IN_LOOK = Look(GREY, (0, (1, 1.5)), "")


def style() -> AbstractContextManager[None]:
    """Return a context in which everything that is drawn has the style of the report."""
    return mpl.rc_context(
        {
            "font.size": 9.0,  # points: 12 pixels where a drawing is shown at its own size
            "text.color": INK,
            "text.parse_math": False,  # a dollar sign in the name of an arm is one
            "axes.edgecolor": GREY,
            "axes.linewidth": 0.6,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "xtick.color": GREY,
            "xtick.labelcolor": INK,
            "xtick.major.width": 0.6,
            "ytick.color": GREY,
            "ytick.labelcolor": INK,
            "ytick.major.width": 0.6,
            "lines.linewidth": 1.4,
            "lines.markersize": 4.5,
            "hatch.linewidth": 0.4,
        }
    )


def paper(
    width: float, height: float, margins: tuple[float, float, float, float]
) -> tuple[Figure, Axes]:
    """Return an empty figure and axes on it.

    Parameters
    ----------
    width, height : float
        Of the figure, in points.
    margins : tuple of float
        Left, right, top and bottom of the axes, in points.
    """
    left, right, top, bottom = margins
    figure = Figure(figsize=(width / 72, height / 72), dpi=72)
    figure.patch.set_visible(False)
    axes = figure.add_axes(
        (
            left / width,
            bottom / height,
            (width - left - right) / width,
            (height - top - bottom) / height,
        )
    )
    axes.patch.set_visible(False)
    return figure, axes
