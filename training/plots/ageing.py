"""How a model ages: what was expected of its looks and what came, month by month, and how far the features have moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from models.monitoring import MonitorSettings
from training.monitoring.report import Drift, Rate, VersionReport
from training.plots.style import FAINT, INK, SERIES, TEMPERATURES, finish, literal, new_figure, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 12


def ageing(reports: Mapping[str, VersionReport], title: str = "Does it still keep its promise?") -> Figure:
    """For each period, by its name: the rate of all leads beside the expected one, and the rates of the bands beside the stated ones.

    Points have 95 % intervals; a stroke marks what was expected of all leads, a box the interval that was stated of a band.
    """
    figure = new_figure(7.6, 3.4)
    everyone, bands = figure.subplots(1, 2)
    for at, report in enumerate(reports.values()):
        _actual(everyone, at, report.overall, SERIES[0])
        if report.overall.expected is not None:
            everyone.plot([at - 0.3, at + 0.3], [report.overall.expected] * 2, color=INK, linewidth=2)
        for side, band in enumerate(report.bands, -1):
            color = TEMPERATURES[band.name]
            if band.stated_low is not None and band.stated_high is not None:
                bands.bar(at + 0.22 * side, band.stated_high - band.stated_low, 0.2, band.stated_low, color=color, alpha=0.3, linewidth=0)
            _actual(bands, at + 0.22 * side, band, color)
    for axes, head in ((everyone, "all leads"), (bands, "cold, warm and hot")):
        axes.set(ylim=(0, None), title=head)
        axes.set_xticks(range(len(reports)), [literal(name) for name in reports], rotation=30 if sum(map(len, reports)) > 40 else 0)
        finish(axes)
        axes.grid(visible=False, axis="x")
        percent(axes, x=False, y=True)
    everyone.set_ylabel("won within the horizon")
    everyone.plot([], [], color=INK, linewidth=2, label="expected")
    everyone.plot([], [], color=FAINT, alpha=0.4, linewidth=9, label="stated, with its interval")
    everyone.plot([], [], color=SERIES[0], marker="o", markersize=5, linewidth=1.4, label="came, with its interval")
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8, labelcolor=INK)
    figure.suptitle(title, fontsize=10, fontweight="bold", color=INK)
    return figure


def _actual(axes: Axes, x: float, rate: Rate, color: str) -> None:
    if rate.rate is not None and rate.rate_low is not None and rate.rate_high is not None:
        axes.plot([x, x], [rate.rate_low, rate.rate_high], color=color, linewidth=1.4)
        axes.plot(x, rate.rate, color=color, marker="o", markersize=5)


def drift(drifts: Sequence[Drift], settings: MonitorSettings, title: str = "Which features have moved?") -> Figure:
    """The features that have moved farthest (at most 12): how far, beside how far they may, and how much each contributes."""
    shown = sorted(drifts, key=lambda one: -one.psi)[:SHOWN]
    figure = new_figure(7.2, 1.0 + 0.25 * max(len(shown), 3))
    axes = figure.subplots()
    places = -np.arange(len(shown))
    limits = [settings.max_psi + one.chance for one in shown]
    far = [one.psi > limit for one, limit in zip(shown, limits, strict=True)]
    weighty = [one.importance >= settings.least_importance for one in shown]
    for name, color, rows in (
        ("too far, and it weighs", TEMPERATURES["hot"], [a and b for a, b in zip(far, weighty, strict=True)]),
        ("too far, but it hardly weighs", TEMPERATURES["warm"], [a and not b for a, b in zip(far, weighty, strict=True)]),
        ("not too far", FAINT, [not a for a in far]),
    ):
        if any(rows):
            axes.barh(places[rows], [one.psi for one, chosen in zip(shown, rows, strict=True) if chosen], 0.6, color=color, label=name)
    axes.plot(limits, places, color=INK, marker="|", markersize=11, linestyle="", label="the limit, allowing for chance")
    note: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center", "fontsize": 7}
    for y, one in zip(places, shown, strict=True):
        axes.annotate(f"weighs {one.importance:.1%}", (1, y), (4, 0), color=FAINT, **note)
    axes.set_yticks(places, [literal(one.name) for one in shown])
    axes.set(xlabel="population stability index", title=title)
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=8, labelcolor=INK)
    finish(axes)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    return figure
