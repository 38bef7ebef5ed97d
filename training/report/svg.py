"""A Matplotlib figure as SVG inside of an HTML page: its text is text, its colours are the theme's, and its ids are its own."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import matplotlib as mpl

from training.plots.style import COLOURS, any_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SETTINGS: Any = {"svg.fonttype": "none", "svg.hashsalt": "leadheat"}
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_DROPPED = ("metadata", "style")
_FAMILY = re.compile(r"font-family: [^;]*;? ?")
_FONT = re.compile(r"font: (?:(\d+|bold) )?([\d.]+)px [^;]*;? ?")
_URL = re.compile(r"url\(#([^)]+)\)")
_NUMBER = re.compile(r"-?\d+\.\d{3,}")


def inline(figure: Figure, key: str, words: str) -> str:
    """The ``<svg>`` element of a figure, ready for a page: the same bytes for the same figure.

    Args:
        figure: its colours should be those of ``plots.style.COLOURS``; each becomes ``var(--ROLE)``. Its title is taken away, for the page
            has its own.
        key: put before every id, so that figures of one page never share one.
        words: what a screen reader says.
    """
    if figure.get_suptitle():
        figure.suptitle("")
    for axes in figure.axes:
        axes.set_title("")
    buffer = io.StringIO()
    with mpl.rc_context(_SETTINGS), any_script():
        figure.savefig(buffer, format="svg", metadata=_NO_METADATA)
    root = ET.fromstring(buffer.getvalue())  # noqa: S314  Matplotlib wrote it
    _strip(root)
    used = _referred(root)
    for element in root.iter():
        element.tag = _plain(element.tag)
        attributes = ((_plain(name), value) for name, value in element.attrib.items())
        element.attrib = {name: _value(name, value, key) for name, value in attributes if name != "id" or value in used}
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib |= {"role": "img", "aria-label": words}
    return ET.tostring(root, encoding="unicode")


def _strip(parent: ET.Element) -> None:
    """Take out what is not drawn, and white space between the elements."""
    for child in list(parent):
        if _plain(child.tag) in _DROPPED:
            parent.remove(child)
        else:
            _strip(child)
    parent.tail = None
    if _plain(parent.tag) != "text" and not (parent.text or "").strip():
        parent.text = None


def _referred(root: ET.Element) -> set[str]:
    values = [(_plain(name), value) for element in root.iter() for name, value in element.attrib.items()]
    links = {value.removeprefix("#") for name, value in values if name == "href"}
    return links | {match[1] for _, value in values for match in _URL.finditer(value)}


def _plain(name: str) -> str:
    """Without the XML namespace, which HTML has no need of."""
    return name.rpartition("}")[2]


def _value(name: str, value: str, key: str) -> str:
    """An attribute with the page's ids, colours and fonts, and with no more digits than can be seen."""
    if name == "id":
        return f"{key}-{value}"
    if name == "href":
        return f"#{key}-{value.removeprefix('#')}"
    if name == "style":
        for role, colour in COLOURS.items():
            value = value.replace(colour, f"var(--{role})")
        value = _FAMILY.sub("", _FONT.sub(lambda font: f"font-size: {font[2]}px; font-weight: {font[1] or 400}; ", value))
    elif name in ("d", "points", "transform", "x", "y"):
        value = _NUMBER.sub(lambda number: f"{float(number[0]):.2f}", value).replace("\n", "")
    return _URL.sub(rf"url(#{key}-\1)", value)
