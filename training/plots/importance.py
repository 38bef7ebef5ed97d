"""Which signals make leads warmer or colder?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from training.plots.style import FAINT, INK, TEMPERATURES, finish, literal, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 12


@dataclass(frozen=True)
class Importance:
    """What a signal does to the calibrated log-odds of the sampled rows.

    Attributes:
        signal: its name.
        words: how people speak of it.
        weight: the mean of the absolute contribution; ``raises`` + ``lowers``.
        raises: the mean of the positive part.
        lowers: the mean of the negative part, without its sign.
        helped: the share of rows that it raises.
    """

    signal: str
    words: str
    weight: float
    raises: float
    lowers: float
    helped: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return dict(vars(self))


def importance(signals: Sequence[Importance], title: str = "What makes leads hot, and what cools them?") -> Figure:
    """The weightiest signals (at most 12, the weightiest on top): to the right what each adds on average, to the left what it takes."""
    shown = list(signals[:SHOWN])[::-1]
    figure = new_figure(4.5, 0.8 + 0.25 * max(len(shown), 3))
    axes = figure.subplots()
    places = range(len(shown))
    axes.barh(places, [one.raises for one in shown], 0.62, color=TEMPERATURES["hot"], label="raises the odds")
    axes.barh(places, [-one.lowers for one in shown], 0.62, color=TEMPERATURES["cold"], label="lowers them")
    axes.axvline(0, color=FAINT, linewidth=0.8)
    axes.set_yticks(places, [literal(one.words) for one in shown])
    axes.set(xlabel="mean effect on the log-odds", ylim=(-0.6, len(shown) - 0.4), title=title)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:+.2g}" if value else "0")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8, labelcolor=INK)
    finish(axes)
    axes.grid(visible=False, axis="y")
    axes.spines[["left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure
