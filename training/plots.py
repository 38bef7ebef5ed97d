"""Pictures of a trained version: do the probabilities hold, what does the ranking gain, do the bands keep their promise.

Each function returns a Matplotlib figure of its own and touches no global state; ``png`` gives the same bytes for the same figure.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from models.temperature import Band
from training.metrics import Predictions

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT, GRID = "#1f2933", "#7b8794", "#e4e7eb"
SERIES = ("#1f6feb", "#d9822b", "#3f9c6b", "#8b5cf6")
TEMPERATURES = {"cold": "#4a90c2", "warm": "#e8a33d", "hot": "#d64545"}
_MARKERS = ("o", "s", "D", "^")


def calibration(series: Mapping[str, Predictions], title: str = "Do the probabilities hold?") -> Figure:
    """Expected against actual rates of each series ("model", "rules", ...), with 95 % intervals by lead; the diagonal is perfect.

    Below it stands how many rows have which probability.
    """
    figure = _figure(6.4, 6.4)
    above, below = figure.subplots(2, 1, height_ratios=(4, 1), sharex=True)
    tables = {name: predictions.reliability() for name, predictions in series.items()}
    top = min(1.0, 1.08 * max(float(np.append(table.high, table.expected).max()) for table in tables.values()))
    above.plot([0, top], [0, top], color=FAINT, linewidth=1, linestyle=(0, (4, 3)), label="perfect")
    edges = np.linspace(0, top, 41)
    for (name, table), color, marker in zip(tables.items(), SERIES, _MARKERS, strict=False):
        reach = np.abs(np.stack((table.rate - table.low, table.high - table.rate)))
        above.errorbar(table.expected, table.rate, reach, color=color, marker=marker, markersize=5, linewidth=1.4, elinewidth=1, label=name)
        share = np.histogram(series[name].p, edges)[0] / len(series[name].p)
        below.stairs(share, edges, color=color, linewidth=1.4, fill=False)
    above.set(xlim=(0, top), ylim=(0, top), ylabel="won within the horizon", title=title)
    below.set(xlabel="probability", ylabel="share of leads", ylim=(0, None))
    above.legend(frameon=False, loc="upper left", fontsize=9)
    for axes in (above, below):
        _finish(axes)
        _percent(axes, x=True, y=True)
    return figure


def gains(series: Mapping[str, Predictions], title: str = "How many wins do the first calls find?") -> Figure:
    """The share of won rows among the rows with the highest probabilities, for each series; the diagonal is a random order."""
    figure = _figure(6.4, 5.2)
    axes = figure.subplots()
    for (name, predictions), color in zip(series.items(), SERIES, strict=False):
        share, found = predictions.gains()
        axes.plot(share, found, color=color, linewidth=2, label=f"{name} (AUC {predictions.figures().auc:.3f})")
    first = next(iter(series.values()))
    base = float(first.y.mean())
    axes.plot([0, base, 1], [0, 1, 1], color=FAINT, linewidth=1, linestyle=":", label="perfect order")
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=(0, (4, 3)), label="random order")
    axes.set(xlim=(0, 1), ylim=(0, 1.01), xlabel="leads contacted, highest probability first", ylabel="wins among them", title=title)
    axes.legend(frameon=False, loc="lower right", fontsize=9)
    _finish(axes)
    _percent(axes, x=True, y=True)
    return figure


def bands(expected: Sequence[Band], actual: Sequence[Band], title: str = "Do the bands keep their promise?") -> Figure:
    """For cold, warm and hot: the rate that was expected, the rate that came, both with 95 % intervals, and the bands' shares."""
    figure = _figure(8.4, 4.8)
    rates, shares = figure.subplots(1, 2, width_ratios=(3, 2))
    for at, (promise, outcome) in enumerate(zip(expected, actual, strict=True)):
        _rate(rates, at, promise, side=-1)
        _rate(rates, at, outcome, side=1)
        _share(shares, at, promise, side=-1)
        _share(shares, at, outcome, side=1)
    names = [band.name for band in expected]
    rates.set(ylabel="won within the horizon", ylim=(0, None), xlim=(-0.5, len(names) - 0.5))
    rates.set_xticks(range(len(names)), [f"{band.name}\n{_range(band)}" for band in expected])
    shares.set(ylabel="share of leads", ylim=(0, 1.1 * max(band.share for band in (*expected, *actual))))
    shares.set_xticks(range(len(names)), names)
    for axes in (rates, shares):
        _finish(axes)
        _percent(axes, x=False, y=True)
    figure.suptitle(title, fontsize=12, fontweight="bold", color=INK)
    rates.plot([], [], color=INK, marker="o", linestyle="", markerfacecolor="white", label="expected, from calibration")
    rates.plot([], [], color=INK, marker="o", linestyle="", label="actual, in the test")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as a PNG without a date or a version in it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=120, layout="constrained", facecolor="white")


def _finish(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=9, length=3)
    axes.grid(visible=True, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.title.set(fontsize=12, fontweight="bold", color=INK)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(fontsize=9.5, color=INK)


def _percent(axes: Axes, *, x: bool, y: bool) -> None:
    from matplotlib.ticker import PercentFormatter

    if x:
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    if y:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def _rate(axes: Axes, at: int, band: Band, *, side: int) -> None:
    """A point with its interval and its label; what was expected stands left (-1) and hollow, what came right (1) and filled."""
    x, color = at + 0.08 * side, TEMPERATURES[band.name]
    label: dict[str, Any] = {"textcoords": "offset points", "ha": "left" if side > 0 else "right", "va": "center", "fontsize": 8}
    if band.rate is None or band.rate_low is None or band.rate_high is None:
        axes.annotate("no leads", (x, 0), (8 * side, 8), color=FAINT, **label)
        return
    reach = [[max(band.rate - band.rate_low, 0)], [max(band.rate_high - band.rate, 0)]]
    fill = color if side > 0 else "white"
    axes.errorbar(x, band.rate, reach, color=color, marker="o", markersize=7, markerfacecolor=fill, elinewidth=1.6, capsize=3)
    axes.annotate(f"{band.rate:.1%}", (x, band.rate), (8 * side, 0), color=INK, **label)


def _share(axes: Axes, at: int, band: Band, *, side: int) -> None:
    x, color = at + 0.2 * side, TEMPERATURES[band.name]
    axes.bar(x, band.share, width=0.36, facecolor=color if side > 0 else "white", edgecolor=color, linewidth=1.4)
    axes.annotate(f"{band.share:.1%}", (x, band.share), (0, 3), textcoords="offset points", ha="center", fontsize=7, color=INK)


def _range(band: Band) -> str:
    if band.lower >= 1:
        return "does not occur"
    return f"from {band.lower:.1%}" if band.upper >= 1 else f"{band.lower:.1%} to {band.upper:.1%}"
