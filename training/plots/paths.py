"""How a lead's chance went over time, and what it and we did meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.temperature import Bands, Floats, Temperatures
from training.plots.style import FAINT, INK, PAPER, TEMPERATURES, finish, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TICKS = np.array([0.0001, 0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 0.99])
_COLORS = tuple(TEMPERATURES.values())


@dataclass(frozen=True, eq=False)
class Path:
    """One lead over a stretch of time; days are counted from the first moment.

    Attributes:
        days: of the k moments, ascending, float64[k].
        probability: at each, float64[k].
        temperature: at each, with hysteresis, int8[k].
        acted: days on which the lead did something, float64[...].
        contacted: days on which we did something, float64[...].
        end: the day on which the lead was closed, or None.
        won: whether it was won then.
    """

    days: Floats
    probability: Floats
    temperature: Temperatures
    acted: Floats
    contacted: Floats
    end: float | None
    won: bool


def path(lead: Path, bands: Bands, title: str = "") -> Figure:
    """The probability, on a scale of log-odds, before the bands' colours; marks below for the lead's interactions and ours."""
    figure = new_figure(3.6, 2.5)
    axes = figure.subplots()
    shown = np.append(lead.probability, [threshold for threshold in bands.thresholds if threshold < 1])
    low, high = _log_odds(max(shown.min(), 1e-5)) - 0.9, _log_odds(min(shown.max(), 1 - 1e-5)) + 0.6
    _shade(axes, bands, low, high)
    y = _log_odds(lead.probability)
    axes.step(lead.days, y, where="post", color=INK, linewidth=1.3)
    _marks(axes, lead, low, high)
    last = float(lead.days[-1])
    if lead.end is not None:
        marker: dict[str, Any] = {"marker": "*", "markersize": 13} if lead.won else {"marker": "X", "markersize": 8}
        color = TEMPERATURES["hot"] if lead.won else FAINT
        axes.plot(lead.end, y[-1], color=color, markeredgecolor=PAPER, zorder=5, clip_on=False, **marker)
        last = max(last, lead.end)
    ticks = _TICKS[(_log_odds(_TICKS) > low + 0.3) & (_log_odds(_TICKS) < high)]
    axes.set(xlim=(0, max(last, 1.0) * 1.03), ylim=(low, high), xlabel="days", title=title)
    axes.set_yticks(_log_odds(ticks), [f"{tick:.3g}%" for tick in ticks * 100])
    finish(axes)
    axes.grid(visible=False)
    return figure


def _shade(axes: Axes, bands: Bands, low: float, high: float) -> None:
    edges = [low, *(_log_odds(np.float64(threshold)) if threshold < 1 else high for threshold in bands.thresholds), high]
    for color, lower, upper in zip(_COLORS, edges[:-1], edges[1:], strict=True):
        axes.axhspan(lower, upper, color=color, alpha=0.2, linewidth=0)


def _marks(axes: Axes, lead: Path, low: float, high: float) -> None:
    """A triangle upwards for what the lead did, a short stroke for what we did."""
    step = (high - low) * 0.05
    axes.plot(lead.acted, np.full(len(lead.acted), low + 2.1 * step), color=INK, marker="^", markersize=4, linestyle="", clip_on=False)
    axes.plot(lead.contacted, np.full(len(lead.contacted), low + 0.8 * step), color=FAINT, marker="|", markersize=5, linestyle="")


def _log_odds(probability: Any) -> Any:
    return np.log(probability / (1 - probability))
