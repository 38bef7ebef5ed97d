"""What all pictures share: colours, fonts, finishing, and PNGs with the same bytes for the same figure.

A function that draws returns a Matplotlib figure of its own and touches no global state; ``pyplot`` is never loaded.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT, GRID = "#1f2933", "#7b8794", "#e4e7eb"
SERIES = ("#1f6feb", "#d9822b", "#3f9c6b", "#8b5cf6")
TEMPERATURES = {"cold": "#4a90c2", "warm": "#e8a33d", "hot": "#d64545"}
MARKERS = ("o", "s", "D", "^")


def png(figure: Figure) -> bytes:
    """The figure as a PNG without a date or a version in it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, sizes in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=120, layout="constrained", facecolor="white")


def finish(axes: Axes) -> None:
    """Quiet spines and grid, and the fonts of title and labels."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=9, length=3)
    axes.grid(visible=True, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.title.set(fontsize=12, fontweight="bold", color=INK)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(fontsize=9.5, color=INK)


def percent(axes: Axes, *, x: bool, y: bool) -> None:
    """Ticks in percent."""
    from matplotlib.ticker import PercentFormatter

    if x:
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    if y:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
