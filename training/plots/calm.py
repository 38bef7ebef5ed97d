"""How calm is a score, beside that of the rules?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from training.plots.style import INK, SERIES, finish, new_figure
from training.stability import Stability

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def calm(both: Mapping[str, Stability], title: str = "Does it flicker?") -> Figure:
    """What one more interaction changes, and how often the band changes, each with its 95 % interval; less is calmer."""
    figure = new_figure(4.5, 3.5)
    above, below = figure.subplots(2, 1)
    for at, (one, color) in enumerate(zip(both.values(), SERIES, strict=False)):
        _bar(above, -at, (one.mean_change, one.mean_change_low, one.mean_change_high), color, ".1f")
        _bar(below, -at, (one.per_lead_week, one.per_lead_week_low, one.per_lead_week_high), color, ".3f")
    above.set(xlabel="change of the score (0 to 100) from one interaction to the next", title=title)
    below.set(xlabel="changes of band per lead and week")
    for axes in (above, below):
        axes.set_yticks([-at for at in range(len(both))], list(both))
        axes.set(xlim=(0, None), ylim=(-len(both) + 0.4, 0.6))
        finish(axes)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
    return figure


def _bar(axes: Axes, y: int, interval: tuple[float | None, float | None, float | None], color: str, form: str) -> None:
    value, low, high = interval
    if value is None or low is None or high is None:
        axes.annotate("nothing to tell it from", (0, y), (4, 0), textcoords="offset points", va="center", fontsize=8, color=INK)
        return
    axes.barh(y, value, 0.5, color=color, linewidth=0)
    axes.plot([low, high], [y, y], color=INK, linewidth=1.2)
    axes.annotate(f"{value:{form}}", (high, y), (5, 0), textcoords="offset points", va="center", fontsize=8, color=INK, fontweight="bold")
    axes.plot(1.15 * high, y, color=color, alpha=0)  # room for the number
