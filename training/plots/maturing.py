"""How the rate of wins went over time, and from when on it cannot be known yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.contract import format_duration
from features.dataset import Dataset
from features.snapshots import Snapshots
from models.intervals import wilson
from training.plots.style import FAINT, GRID, INK, SERIES, finish, new_figure, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def base_rate(dataset: Dataset, snapshots: Snapshots, horizon: int, title: str = "How many of the open leads are won?") -> Figure:
    """The won share of the leads that were open at each moment, with its 95 % interval; where it has not matured, what is known so far.

    Args:
        dataset: what was observed.
        snapshots: on a grid of moments (``features.snapshots.on_dates``), matured or not.
        horizon: of their labels, microseconds.
        title: of the figure.
    """
    moments, code = np.unique(snapshots.as_of, return_inverse=True)
    rows = np.bincount(code)
    won = np.bincount(code, dataset.outcomes.won_within(snapshots.lead, snapshots.as_of, horizon))
    low, high = wilson(won / rows, rows)
    days, matured = moments.astype("datetime64[us]"), moments + horizon <= dataset.observed_until
    figure = new_figure(7.2, 3.4)
    axes = figure.subplots()
    axes.fill_between(days[matured], low[matured], high[matured], color=SERIES[0], alpha=0.15, linewidth=0)
    axes.plot(days[matured], (won / rows)[matured], color=SERIES[0], linewidth=1.8, label="matured, with its 95 % interval")
    if not matured.all():
        tail = np.flatnonzero(~matured | np.append(~matured[1:], np.False_))
        axes.plot(
            days[tail], (won / rows)[tail], color=FAINT, linewidth=1.4, linestyle=(0, (4, 3)), label="not matured: the wins known so far"
        )
        begin = np.array([dataset.observed_until - horizon, dataset.observed_until]).astype("datetime64[us]")
        axes.axvspan(*begin, color=GRID, alpha=0.6, linewidth=0, zorder=0)
    axes.set(ylabel=f"won within {format_duration(horizon)}", ylim=(0, None), title=title)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8, labelcolor=INK)
    finish(axes)
    percent(axes, x=False, y=True)
    return figure
