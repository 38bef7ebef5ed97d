"""What all pictures share: colours, fonts, finishing, and PNGs with the same bytes for the same figure.

A function that draws returns a Matplotlib figure of its own and touches no global state; ``pyplot`` is never loaded. Colours have
roles (``COLOURS``), so that a picture can follow a light or a dark theme: ``training.report.svg`` puts the theme's in their place.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT, GRID, PAPER = "#1b222c", "#5f6a78", "#e3e6ea", "#fffffe"
MODEL, RULES, CHAMPION, OTHER = "#4a44c6", "#776c5f", "#157a6b", "#a8559b"
TEMPERATURES = {"cold": "#4f8fbf", "warm": "#e0a02f", "hot": "#cf4440"}
COLOURS = {
    "ink": INK,
    "faint": FAINT,
    "grid": GRID,
    "paper": PAPER,
    "model": MODEL,
    "rules": RULES,
    "champion": CHAMPION,
    "other": OTHER,
    **TEMPERATURES,
}
"""Every colour that a picture may have, each by its role and no two alike."""
SERIES = (MODEL, RULES, CHAMPION, OTHER)
MARKERS = ("o", "s", "D", "^")

_LONGEST = 36


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, sizes in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=144, layout="constrained", facecolor=PAPER)


def finish(axes: Axes) -> None:
    """Quiet spines and grid, and the fonts of title and labels."""
    axes.set_facecolor(PAPER)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=8, length=3, color=FAINT)
    axes.grid(visible=True, color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.title.set(fontsize=10, fontweight="bold", color=INK)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(fontsize=8.5, color=INK)


def percent(axes: Axes, *, x: bool, y: bool) -> None:
    """Ticks in percent."""
    for axis in [axes.xaxis] * x + [axes.yaxis] * y:
        axis.set_major_formatter(lambda value, _: f"{100 * value:.4g}%")


def literal(text: str) -> str:
    """A text from the data as a label: never mathematics, of one line, and cut where it is longer than a label can be."""
    plain = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    short = plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"
    return short.replace("$", r"\$")


def png(figure: Figure) -> bytes:
    """The figure as a PNG without a date or a version in it."""
    buffer = io.BytesIO()
    with any_script():
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


@contextmanager
def any_script() -> Iterator[None]:
    """Names from the data may be in a script that the font does not have: the letters are boxes then, and nobody need be warned."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield
