"""One page that shows a recording, what was found in it, and how far it can be trusted.

Importing this package imports matplotlib, which takes a while: do it when a picture is drawn.
"""

from nightcramp.picture.compose import draw_night
from nightcramp.picture.render import render_png, render_svg

__all__ = ["draw_night", "render_png", "render_svg"]
