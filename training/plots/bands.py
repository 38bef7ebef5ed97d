"""Do the bands keep their promise?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from models.temperature import Band
from training.plots.style import FAINT, INK, TEMPERATURES, finish, new_figure, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def bands(expected: Sequence[Band], actual: Sequence[Band], title: str = "Do the bands keep their promise?") -> Figure:
    """For cold, warm and hot: the rate that was expected, the rate that came, both with 95 % intervals, and the bands' shares."""
    figure = new_figure(8.4, 4.8)
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
        finish(axes)
        percent(axes, x=False, y=True)
    figure.suptitle(title, fontsize=12, fontweight="bold", color=INK)
    rates.plot([], [], color=INK, marker="o", linestyle="", markerfacecolor="white", label="expected, from calibration")
    rates.plot([], [], color=INK, marker="o", linestyle="", label="actual, in the test")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


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
