"""Do the bands keep their promise?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from models.temperature import Band
from training.plots.style import FAINT, INK, PAPER, TEMPERATURES, finish, new_figure, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_THICK = 0.46


def bands(expected: Sequence[Band], actual: Sequence[Band], title: str = "Do the bands keep their promise?") -> Figure:
    """For cold, warm and hot, from below: the interval that was promised as a box, and the rate that came with its 95 % interval.

    Beside each band stand the probabilities that it covers, and its share: expected and actual.
    """
    figure = new_figure(4.5, 3.2)
    axes = figure.subplots()
    for at, (promise, outcome) in enumerate(zip(expected, actual, strict=True)):
        _promised(axes, at, promise)
        _came(axes, at, outcome)
    axes.set(xlabel="won within the horizon", xlim=(0, None), ylim=(-0.6, len(expected) - 0.4), title=title)
    axes.set_yticks(range(len(expected)), [_label(promise, outcome) for promise, outcome in zip(expected, actual, strict=True)])
    axes.plot([], [], color=FAINT, alpha=0.35, linewidth=9, label="promised, with its interval")
    axes.plot([], [], color=INK, marker="o", markersize=5, linewidth=1.4, label="what came, with its interval")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8, labelcolor=INK)
    finish(axes)
    axes.grid(visible=False, axis="y")
    percent(axes, x=True, y=False)
    return figure


def _promised(axes: Axes, at: int, band: Band) -> None:
    """A box over the promised interval with a line at the expected rate."""
    if band.rate is None or band.rate_low is None or band.rate_high is None:
        return
    color = TEMPERATURES[band.name]
    axes.barh(at, band.rate_high - band.rate_low, _THICK, band.rate_low, color=color, alpha=0.28, linewidth=0)
    axes.plot([band.rate] * 2, [at - _THICK / 2, at + _THICK / 2], color=color, linewidth=2, solid_capstyle="butt")


def _came(axes: Axes, at: int, band: Band) -> None:
    """A point with its interval, and the rate above it."""
    label: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "va": "bottom", "fontsize": 8}
    if band.rate is None or band.rate_low is None or band.rate_high is None:
        axes.annotate("no leads", (0, at), (22, -4), color=FAINT, **label)
        return
    reach = [[max(band.rate - band.rate_low, 0)], [max(band.rate_high - band.rate, 0)]]
    color = TEMPERATURES[band.name]
    axes.errorbar(
        band.rate, at, xerr=reach, color=INK, marker="o", markersize=6.5, markerfacecolor=color, markeredgecolor=PAPER, elinewidth=1.4
    )
    axes.annotate(f"{band.rate:.1%}", (band.rate, at), (0, 15), color=INK, fontweight="bold", **label)


def _label(expected: Band, actual: Band) -> str:
    return f"{expected.name}: {_range(expected)}\n{actual.share:.1%} of looks, {expected.share:.1%} expected"


def _range(band: Band) -> str:
    if band.lower >= 1:
        return "does not occur"
    return f"from {band.lower:.1%}" if band.upper >= 1 else f"{band.lower:.1%} to {band.upper:.1%}"
