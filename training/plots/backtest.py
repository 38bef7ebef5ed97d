"""How model and rules would have done, had they been trained then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.contract import from_micros
from training.backtest import Backtest
from training.plots.style import FAINT, MARKERS, SERIES, finish, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def backtest(done: Backtest, title: str = "Would it have been right?") -> Figure:
    """AUC of model and rules at each origin, with 95 % intervals; below, the model's less the rules': above the line it is better."""
    figure = new_figure(7.2, 5.2)
    above, below = figure.subplots(2, 1, height_ratios=(3, 2), sharex=True)
    folds = [fold for fold in done.folds if fold.refused is None and fold.model["auc"] is not None]
    places = np.arange(len(folds))
    for shift, name, color, marker in zip((-0.08, 0.08), ("model", "rules"), SERIES, MARKERS, strict=False):
        figures = [getattr(fold, name) for fold in folds]
        value = np.array([one["auc"] for one in figures])
        low, high = np.array([one["intervals"]["auc"] for one in figures]).T
        reach = (value - low, high - value)
        above.errorbar(places + shift, value, reach, color=color, marker=marker, markersize=5, linewidth=1.2, elinewidth=1, label=name)
    apart = [fold.against_rules["auc"] for fold in folds]
    value, low, high = (np.array([getattr(one, name) for one in apart]) for name in ("difference", "low", "high"))
    below.errorbar(
        places, value, (value - low, high - value), color=SERIES[0], marker=MARKERS[0], markersize=5, linestyle="", elinewidth=1.2
    )
    below.axhline(0, color=FAINT, linewidth=1, linestyle=(0, (4, 3)))
    above.set(ylabel="AUC", title=title)
    above.legend(frameon=False, fontsize=8.5)
    below.set(ylabel="model less rules", xlabel="trained on what was known on", xlim=(-0.5, len(folds) - 0.5))
    turn = {"rotation": 40, "ha": "right"} if len(folds) > 7 else {}
    below.set_xticks(places, [from_micros(fold.origin).date().isoformat() for fold in folds], **turn)
    for axes in (above, below):
        finish(axes)
    return figure
