"""A drawing inside a page, as SVG: nothing fetched, no names that clash, and described in words."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import matplotlib as mpl

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["inline_svg"]

_NO_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}
_REFERENCE = re.compile(r"url\(#")
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_PLACES = frozenset({"d", "x", "y", "width", "height"})


def inline_svg(figure: Figure, name: str, title: str, description: str) -> str:
    """Return a figure as an ``<svg>`` element for an HTML page.

    Text stays text, in the font of the page. The same figure always gives the same bytes.

    Parameters
    ----------
    figure : Figure
    name : str
        Unique within the page; starts every identifier of the drawing.
    title, description : str
        What the figure is and what it shows, for readers who cannot see it.
    """
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "nightcramp"}):
        figure.savefig(buffer, format="svg", metadata=_NO_METADATA)
    root = ET.fromstring(buffer.getvalue())  # noqa: S314  drawn by ourselves a line above
    _drop_namespaces(root)
    _prefix_identifiers(root, name)
    _drop_default_style(root)
    _round_places(root)
    _describe(root, name, title, description)
    return ET.tostring(root, encoding="unicode")


def _drop_namespaces(root: ET.Element) -> None:
    """Leave plain names, which an HTML parser puts into the SVG namespace by itself."""
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {key.rpartition("}")[2]: text for key, text in element.attrib.items()}


def _prefix_identifiers(root: ET.Element, name: str) -> None:
    """Keep identifiers of two drawings in one page apart, and drop those that nothing uses."""
    used = set()
    for element in root.iter():
        for key, text in element.attrib.items():
            used.update(re.findall(r"url\(#([^)]+)\)", text))
            if key == "href" and text.startswith("#"):
                used.add(text[1:])
                element.set(key, f"#{name}-{text[1:]}")
            else:
                element.set(key, _REFERENCE.sub(f"url(#{name}-", text))
    for element in root.iter():
        identifier = element.attrib.pop("id", None)
        if identifier in used:
            element.set("id", f"{name}-{identifier}")


def _drop_default_style(root: ET.Element) -> None:
    """Remove the style sheet that would reach the whole page; the page has the same rule."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == "defs" and all(part.tag == "style" for part in child):
                parent.remove(child)


def _round_places(root: ET.Element) -> None:
    """Leave a hundredth of a point: nobody sees less, and a page holds many points."""
    for element in root.iter():
        for key in _PLACES & element.attrib.keys():
            element.set(key, _LONG_NUMBER.sub(_rounded, element.attrib[key]))


def _rounded(match: re.Match[str]) -> str:
    return f"{float(match[0]):.2f}".rstrip("0").rstrip(".")


def _describe(root: ET.Element, name: str, title: str, description: str) -> None:
    """Add title and description, and let the page decide the size."""
    for key in ("width", "height", "version"):
        del root.attrib[key]
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-desc")
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ET.Element(tag, {"id": f"{name}-{tag}"})
        element.text = text
        root.insert(place, element)
