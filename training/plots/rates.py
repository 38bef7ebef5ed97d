"""Which parts of the leads are won more often, or more seldom, than expected?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from training.breakdown import Slice
from training.plots.style import FAINT, INK, TEMPERATURES, finish, literal, new_figure, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

VERDICTS = {"more won": TEMPERATURES["hot"], "as expected": FAINT, "fewer won": TEMPERATURES["cold"]}


def rates(slices: Sequence[Slice], title: str = "Who is won more often than expected?") -> Figure:
    """The rate of each slice with its 95 % interval, below the name of what parts the leads; a stroke marks what was expected.

    A slice has its colour where chance does not explain the difference.
    """
    lines = _lines(slices)
    figure = new_figure(7.2, 1.1 + 0.24 * max(len(lines), 4))
    axes = figure.subplots()
    for at, (_, one) in enumerate(lines):
        if one is not None:
            _rate(axes, -at, one)
    axes.set_yticks(-np.arange(len(lines)), [literal(name) for name, _ in lines])
    axes.set(xlabel="won within the horizon", xlim=(0, None), ylim=(-len(lines) + 0.4, 0.6), title=title)
    for verdict, color in VERDICTS.items():
        if any(one.verdict == verdict for one in slices):
            axes.plot([], [], color=color, marker="o", markersize=5, linewidth=1.6, label=verdict)
    axes.plot([], [], color=INK, marker="|", markersize=9, linestyle="", label="expected")
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=8, labelcolor=INK)
    finish(axes)
    for label, (_, one) in zip(axes.get_yticklabels(), lines, strict=True):
        label.set_fontweight("bold" if one is None else "normal")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    percent(axes, x=True, y=False)
    return figure


def _lines(slices: Sequence[Slice]) -> list[tuple[str, Slice | None]]:
    """The lines from the top: a heading and its slices, or, where each heading has but one slice, that slice under the heading's name."""
    groups = [(by, list(some)) for by, some in groupby(slices, lambda one: one.by)]
    if all(len(some) == 1 for _, some in groups):
        return [(by, some[0]) for by, some in groups]
    return [line for by, some in groups for line in ((by, None), *((one.value, one) for one in some))]


def _rate(axes: Axes, y: int, one: Slice) -> None:
    color = VERDICTS[one.verdict]
    axes.plot([one.rate_low, one.rate_high], [y, y], color=color, linewidth=1.6, solid_capstyle="round")
    axes.plot(one.rate, y, color=color, marker="o", markersize=5.5)
    axes.plot(one.expected, y, color=INK, marker="|", markersize=9)
    place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
    axes.annotate(f"{one.leads:,} leads", (1, y), (4, 0), fontsize=7, color=FAINT, **place)
