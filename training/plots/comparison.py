"""Model against rules, or against the champion: by how much, and who is right where they disagree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.temperature import NAMES, Floats
from training.bootstrap import Difference
from training.metrics import HIGHER_IS_BETTER
from training.plots.style import FAINT, GRID, INK, MODEL, PAPER, TEMPERATURES, finish, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Integers = npt.NDArray[np.int64]

FIGURES = {
    "auc": "AUC",
    "average_precision": "average precision",
    "lift_at_10": "lift at top 10%",
    "work_for_80": "work for 80% of wins",
    "log_loss": "log loss",
    "brier": "Brier score",
    "ece": "ECE",
}
"""Words of the figures that are compared, the ranking's first."""
FEWEST_ROWS = 30
"""Tiles of fewer rows are not coloured: their rate says little."""


def differences(against: Mapping[str, Difference], title: str = "Is the model better than the rules?") -> Figure:
    """The paired differences with their 95 % intervals, each on a scale of its own and turned so that better lies to the right."""
    names = [name for name in FIGURES if name in against and np.isfinite((against[name].low, against[name].high)).all()]
    figure = new_figure(4.5, 0.8 + 0.34 * max(len(names), 1))
    axes = figure.subplots()
    for at, name in enumerate(reversed(names)):
        _difference(axes, at, against[name], 1 if name in HIGHER_IS_BETTER else -1)
    axes.axvline(0, color=FAINT, linewidth=1)
    axes.set_yticks(range(len(names)), [FIGURES[name] for name in reversed(names)])
    axes.set(xlim=(-1.1, 1.5), ylim=(-0.6, len(names) - 0.4), title=title)
    axes.set_xticks([-0.6, 0, 0.6], ["◂ worse", "the same", "better ▸"])
    finish(axes)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    return figure


def _difference(axes: Axes, at: int, one: Difference, sign: int) -> None:
    scale = sign / (max(abs(one.low), abs(one.high)) or 1.0)
    middle, ends = one.difference * scale, sorted((one.low * scale, one.high * scale))
    color = {"better": MODEL, "worse": TEMPERATURES["hot"], "tie": FAINT}[one.verdict]
    axes.plot(ends, [at, at], color=color, linewidth=2.4, solid_capstyle="round")
    axes.plot(middle, at, color=color, marker="o", markersize=7, markeredgecolor=PAPER)
    axes.annotate(f"{one.difference:+.3f}", (1.5, at), ha="right", va="center", fontsize=8, color=INK)


def agreement(rate: Floats, rows: Integers, title: str = "Where model and rules disagree, who is right?") -> Figure:
    """Actual rates by the model's temperature (rows) and that of the rules (columns).

    Args:
        rate: won share, float64[3, 3], NaN where there are no rows; cold, warm, hot.
        rows: how many looks, int64[3, 3].
        title: of the figure.
    """
    figure = new_figure(4.5, 3.8)
    axes = figure.subplots()
    top = float(rate[rows >= FEWEST_ROWS].max(initial=0.0)) or 1.0
    for model in range(3):
        for rules in range(3):
            _cell(axes, rules, model, float(rate[model, rules]), int(rows[model, rules]), top)
    axes.set(xlim=(-0.5, 2.5), ylim=(-0.5, 2.5), xlabel="the rules say", ylabel="the model says", title=title)
    axes.set_xticks(range(3), NAMES)
    axes.set_yticks(range(3), NAMES)
    finish(axes)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    return figure


def _cell(axes: Axes, x: int, y: int, rate: float, rows: int, top: float) -> None:
    """A tile whose strength of colour is the rate."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Rectangle

    strength = 0.06 + 0.5 * rate / top if rows >= FEWEST_ROWS else 0.0
    edge = {"edgecolor": GRID, "linewidth": 0.8} if rows < FEWEST_ROWS else {"linewidth": 0}
    axes.add_patch(Rectangle((x - 0.48, y - 0.48), 0.96, 0.96, facecolor=(*to_rgb(TEMPERATURES["hot"]), strength), **edge))
    words = "no looks" if np.isnan(rate) else f"{rate:.1%} won"
    axes.annotate(words, (x, y), (0, 5), textcoords="offset points", ha="center", va="center", fontsize=10, fontweight="bold", color=INK)
    if rows:
        axes.annotate(f"{rows:,} looks", (x, y), (0, -9), textcoords="offset points", ha="center", va="center", fontsize=8, color=INK)
