"""Which looks a model learns from, is calibrated on and is judged by."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from features.contract import WEEK
from training.plots.style import GRID, INK, SERIES, finish, new_figure
from training.split import Split

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def parts(split: Split, title: str = "Learn, calibrate, test: in the order of time") -> Figure:
    """How many matured snapshots each week has in each part; grey are the gaps of one horizon between the parts."""
    figure = new_figure(7.2, 2.8)
    axes = figure.subplots()
    in_order = {"learn": split.learn.as_of, "calibrate": split.calibrate.as_of, "test": split.test.as_of}
    edges = np.arange(in_order["learn"].min(), in_order["test"].max() + 2 * WEEK, WEEK)
    for (name, as_of), color in zip(in_order.items(), SERIES, strict=False):
        count = np.histogram(as_of, edges)[0]
        axes.stairs(count, edges.astype("datetime64[us]"), fill=True, color=color, label=f"{name}: {len(as_of):,}")
    for before, after in pairwise(in_order.values()):
        gap = edges[np.searchsorted(edges, [before.max(), after.min()], side="right") - [0, 1]]
        axes.axvspan(*gap.astype("datetime64[us]"), color=GRID, linewidth=0, zorder=0)
    axes.plot([], [], color=GRID, linewidth=8, label=f"gaps: {split.purged:,} left out")
    axes.set(ylabel="snapshots a week", ylim=(0, None), title=title)
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=8, labelcolor=INK)
    finish(axes)
    axes.grid(visible=False, axis="x")
    return figure
