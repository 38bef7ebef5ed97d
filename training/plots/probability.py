"""Do the probabilities hold, and what does the ranking gain?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from training.metrics import Predictions
from training.plots.style import FAINT, MARKERS, SERIES, finish, new_figure, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DASHED = (0, (4, 3))


def calibration(series: Mapping[str, Predictions], title: str = "Do the probabilities hold?") -> Figure:
    """Expected against actual rates of each series ("model", "rules", ...), with 95 % intervals by lead; the diagonal is perfect.

    Below it stands how many rows have which probability.
    """
    figure = new_figure(4.5, 4.4)
    above, below = figure.subplots(2, 1, height_ratios=(4, 1), sharex=True)
    tables = {name: predictions.reliability() for name, predictions in series.items()}
    top = min(1.0, 1.08 * max(float(np.append(table.high, table.expected).max()) for table in tables.values()))
    above.plot([0, top], [0, top], color=FAINT, linewidth=1, linestyle=_DASHED, label="perfect")
    edges = np.linspace(0, top, 41)
    for at, ((name, table), color, marker) in enumerate(zip(tables.items(), SERIES, MARKERS, strict=False)):
        reach = np.abs(np.stack((table.rate - table.low, table.high - table.rate)))
        style = {"color": color, "marker": marker, "markersize": 4.5, "linewidth": 1.4, "elinewidth": 1, "zorder": 3 - at / 10}
        above.errorbar(table.expected, table.rate, reach, label=name, **style)
        share = np.histogram(series[name].p, edges)[0] / len(series[name].p)
        below.stairs(share, edges, color=color, linewidth=1.3, fill=False)
    above.set(xlim=(0, top), ylim=(0, top), ylabel="won within the horizon", title=title)
    below.set(xlabel="probability", ylabel="share of looks", ylim=(0, None))
    above.legend(frameon=False, loc="upper left", fontsize=8, labelcolor="linecolor")
    for axes in (above, below):
        finish(axes)
        percent(axes, x=True, y=True)
    return figure


def gains(series: Mapping[str, Predictions], title: str = "How many wins do the first calls find?") -> Figure:
    """The share of won rows among the rows with the highest probabilities, for each series; the diagonal is a random order."""
    figure = new_figure(4.5, 4.4)
    axes = figure.subplots()
    for (name, predictions), color in zip(series.items(), SERIES, strict=False):
        share, found = predictions.gains()
        axes.plot(share, found, color=color, linewidth=2, label=f"{name} (AUC {predictions.figures().auc:.3f})")
    first = next(iter(series.values()))
    base = float(first.y.mean())
    axes.plot([0, base, 1], [0, 1, 1], color=FAINT, linewidth=1, linestyle=":", label="perfect order")
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=_DASHED, label="random order")
    axes.set(xlim=(0, 1), ylim=(0, 1.01), xlabel="contacted, highest probability first", ylabel="wins among them", title=title)
    axes.legend(frameon=False, loc="lower right", fontsize=8, labelcolor="linecolor")
    finish(axes)
    percent(axes, x=True, y=True)
    return figure
