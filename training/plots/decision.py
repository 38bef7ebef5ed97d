"""How many wins do sales meet who work so many leads a day?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from training.decision import Capacity
from training.plots.style import FAINT, INK, MARKERS, SERIES, finish, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def decision(capacities: Sequence[Capacity], title: str = "What is the order worth to sales?") -> Figure:
    """The wins among the leads that were worked, by the leads that are worked a day: in the model's order, the rules' and by chance."""
    figure = new_figure(4.8, 3.7)
    axes = figure.subplots()
    per_day = [one.per_day for one in capacities]
    for at, (name, color, marker) in enumerate(zip(("model", "rules", "random"), (*SERIES[:2], FAINT), MARKERS, strict=False)):
        orders = [getattr(one, name) for one in capacities]
        wins = [order.wins for order in orders]
        reach = [[order.wins - order.low for order in orders], [order.high - order.wins for order in orders]]
        places = [k * 1.03 ** (at - 1) for k in per_day]
        axes.errorbar(places, wins, reach, color=color, marker=marker, markersize=5, linewidth=1.5, elinewidth=1, label=name)
    axes.axhline(capacities[0].possible, color=INK, linewidth=1, linestyle=(0, (4, 3)), label="all that could be met")
    axes.set_xscale("log")
    axes.set_xticks(per_day, [f"{k:g}" for k in per_day])
    axes.minorticks_off()
    axes.set(xlabel="leads that sales work a day", ylabel=f"wins among them in {capacities[0].days} days", ylim=(0, None), title=title)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8, labelcolor=INK)
    finish(axes)
    return figure
