"""Does it hold for every kind of lead? A forest plot."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from training.breakdown import Slice
from training.plots.style import FAINT, INK, MODEL, PAPER, RULES, TEMPERATURES, finish, literal, new_figure, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 70
"""Slices that a figure shows at most; groupings beyond stay out as a whole."""
FEW_LEADS = 50
"""The rates of smaller slices do not widen the scale; what lies beyond its edge is told in numbers."""

_VERDICTS = {"as expected": INK, "more won": TEMPERATURES["hot"], "fewer won": TEMPERATURES["cold"]}
_HEAD = 1.25


def segments(slices: Sequence[Slice], auc: float | None = None, title: str = "Does it hold for every kind of lead?") -> Figure:
    """For each slice the actual rate with its interval beside the expected one, and the AUC of model and rules.

    Args:
        slices: of ``training.breakdown``, grouping by grouping.
        auc: of the model on all leads, as a line to compare with.
        title: of the figure.
    """
    shown = shown_of(slices)
    places, heads, bottom = _places(shown)
    figure = new_figure(9.0, 0.8 + 0.2 * bottom)
    rates, aucs = figure.subplots(1, 2, sharey=True, width_ratios=(1, 1))
    edge = 1.25 * max(end for one in shown for end in (one.expected, one.rate if one.leads >= FEW_LEADS else 0.0))
    for one, y in zip(shown, places, strict=True):
        _rate(rates, one, y, edge)
        _auc(aucs, one, y)
    rates.set_yticks([*places, *heads.values()], [*(literal(one.value) for one in shown), *(literal(by.replace("_", " ")) for by in heads)])
    rates.set(ylim=(bottom - 0.4, -0.9), xlim=(0, edge), xlabel="won within the horizon")
    aucs.set(xlabel="AUC")
    if auc is not None:
        aucs.axvline(auc, color=FAINT, linewidth=1, linestyle=(0, (4, 3)))
    for axes in (rates, aucs):
        finish(axes)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    for label in rates.get_yticklabels()[len(places) :]:
        label.set_fontweight("bold")
    percent(rates, x=True, y=False)
    _legend(rates, aucs)
    figure.suptitle(title, fontsize=10, fontweight="bold", color=INK)
    return figure


def shown_of(slices: Sequence[Slice]) -> list[Slice]:
    """The slices of as many whole groupings as a figure has room for."""
    shown: list[Slice] = []
    for _, group in groupby(slices, key=lambda one: one.by):
        members = list(group)
        if len(shown) + len(members) <= SHOWN:
            shown += members
    return shown


def _places(shown: Sequence[Slice]) -> tuple[list[float], dict[str, float], float]:
    """How far down each slice and each heading stands, and where the last one ends."""
    places, heads, y = [], dict[str, float](), 0.0
    for one in shown:
        if one.by not in heads:
            y += 0.0 if not heads else 0.6
            heads[one.by] = y
            y += _HEAD
        places.append(y)
        y += 1
    return places, heads, y


def _rate(axes: Axes, one: Slice, y: float, edge: float) -> None:
    color = _VERDICTS[one.verdict]
    axes.plot([one.rate_low, one.rate_high], [y, y], color=color, linewidth=1.3)
    if one.rate > edge:
        axes.annotate(f"{one.rate:.0%} ▸", (edge, y), (-2, 5), textcoords="offset points", ha="right", va="center", fontsize=7, color=color)
    axes.plot(one.expected, y, color=MODEL, marker="d", markersize=6.5, markerfacecolor=PAPER, linestyle="")
    axes.plot(one.rate, y, color=color, marker="o", markersize=4, linestyle="")


def _auc(axes: Axes, one: Slice, y: float) -> None:
    if one.auc is None or one.auc_low is None or one.auc_high is None:
        axes.annotate("too few won", (0.02, y), xycoords=("axes fraction", "data"), va="center", fontsize=7, color=FAINT)
        return
    axes.plot([one.auc_low, one.auc_high], [y, y], color=MODEL, linewidth=1.3)
    axes.plot(one.auc, y, color=MODEL, marker="o", markersize=4, linestyle="")
    if one.rules_auc is not None:
        axes.plot(one.rules_auc, y, color=RULES, marker="s", markersize=3.6, linestyle="")


def _legend(rates: Axes, aucs: Axes) -> None:
    rates.plot([], [], color=INK, marker="o", markersize=4, linewidth=1.3, label="came")
    rates.plot([], [], color=MODEL, marker="d", markersize=6.5, markerfacecolor=PAPER, linestyle="", label="expected")
    aucs.plot([], [], color=MODEL, marker="o", markersize=4, linewidth=1.3, label="model")
    aucs.plot([], [], color=RULES, marker="s", markersize=3.6, linestyle="", label="rules")
    for axes in (rates, aucs):
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=8, labelcolor=INK, borderaxespad=0.2)
