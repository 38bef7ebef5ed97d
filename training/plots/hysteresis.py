"""A lead near a threshold: its band day by day, without and with hysteresis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.policies import NEVER_REACHED
from models.temperature import NAMES, Bands
from training.flicker import Daily
from training.plots.style import INK, TEMPERATURES, finish, new_figure, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DAY = np.timedelta64(1, "D")


def hysteresis(bands: Bands, daily: Daily, lead: int, title: str = "One lead, day by day") -> Figure:
    """The probability of a lead beside the thresholds, and below the band that it has each day, without and with hysteresis.

    Args:
        bands: with their hysteresis.
        daily: leads as they are seen every day.
        lead: one of them.
        title: of the figure.
    """
    from matplotlib.dates import ConciseDateFormatter

    rows = np.flatnonzero(daily.lead == lead)
    days, probability = daily.as_of[rows].astype("datetime64[us]"), daily.probability[rows]
    figure = new_figure(7.2, 3.8)
    above, below = figure.subplots(2, 1, height_ratios=(4, 1), sharex=True)
    above.step(np.append(days, days[-1] + _DAY), np.append(probability, probability[-1]), where="post", color=INK, linewidth=1.5)
    for name, enter, leave in zip(NAMES[1:], bands.thresholds, bands.exits, strict=True):
        if enter < NEVER_REACHED:
            above.axhline(enter, color=TEMPERATURES[name], linewidth=1.4, label=f"{name} from here")
            above.axhline(leave, color=TEMPERATURES[name], linewidth=1.2, linestyle=":", label="... until below here")
    with_it = bands.along(probability, daily.lead[rows])
    for y, temperature in ((1, bands.of(probability)), (0, with_it)):
        _strip(below, y, days, temperature)
    above.set(ylabel="probability", ylim=(0, None), title=title)
    below.set_yticks([1, 0], ["without hysteresis", "with hysteresis"])
    below.set(ylim=(-0.6, 1.6))
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=8, labelcolor=INK)
    below.xaxis.set_major_formatter(ConciseDateFormatter(below.xaxis.get_major_locator()))  # type: ignore[no-untyped-call]
    for axes in (above, below):
        finish(axes)
    percent(above, x=False, y=True)
    below.grid(visible=False)
    below.tick_params(axis="y", length=0)
    return figure


def _strip(axes: Axes, y: float, days: np.ndarray, temperature: np.ndarray) -> None:
    """A bar for each stretch of days in one band."""
    first = np.flatnonzero(np.diff(temperature, prepend=-1))
    ends = np.append(days, days[-1] + _DAY)[np.append(first[1:], len(days))]
    for begin, end, code in zip(days[first], ends, temperature[first], strict=True):
        axes.barh(y, end - begin, 0.7, begin, color=TEMPERATURES[NAMES[code]], linewidth=0)
