"""What would each policy give? The same leads under different bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from models.policies import NEVER_REACHED
from models.temperature import Band
from training.bands import Outlook
from training.plots.style import FAINT, INK, TEMPERATURES, finish, literal, new_figure, percent
from training.promises import Proof

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_THICK = 0.5


def policies(outlooks: Sequence[Outlook], title: str = "What would each policy give?") -> Figure:
    """For each policy its bands, the hot one on top: the rate that was stated, as a box, the rate in the test part, and the leads a day."""
    figure = new_figure(7.6, 1.0 + 0.95 * len(outlooks))
    rates, counts = figure.subplots(1, 2, sharey=True, width_ratios=(5, 3))
    ticks: list[tuple[float, str, bool]] = []
    for number, one in enumerate(outlooks):
        top = -4.4 * number
        ticks.append((top, literal(one.name), True))
        for place, (band, proof) in enumerate(zip(one.bands.bands[::-1], one.proved.bands[::-1], strict=True), 1):
            ticks.append((top - place, _name(band), False))
            _rate(rates, top - place, proof)
            if band.name in one.per_day:
                _count(counts, top - place, band.name, one.per_day[band.name][1])
    rates.set_yticks([y for y, _, _ in ticks], [name for _, name, _ in ticks])
    rates.set(xlabel="won within the horizon", xlim=(0, None), ylim=(ticks[-1][0] - 0.6, 0.6))
    most = max(one.per_day[name][1] for one in outlooks for name in one.per_day)
    counts.set(xlabel="leads a day, in the test part", xlim=(0, 1.2 * most or 1))
    for axes in (rates, counts):
        finish(axes)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
    for label, (_, _, heading) in zip(rates.get_yticklabels(), ticks, strict=True):
        label.set_fontweight("bold" if heading else "normal")
    percent(rates, x=True, y=False)
    rates.plot([], [], color=FAINT, alpha=0.35, linewidth=9, label="stated, with its interval")
    rates.plot([], [], color=INK, marker="o", markersize=5, linewidth=1.4, label="in the test part, with its interval")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8, labelcolor=INK)
    figure.suptitle(title, fontsize=10, fontweight="bold", color=INK)
    return figure


def _name(band: Band) -> str:
    if band.lower >= NEVER_REACHED:
        return f"{band.name} does not occur"
    return f"{band.name} from {band.lower:.1%}" if band.lower > 0 else f"{band.name} below {band.upper:.1%}"


def _rate(axes: Axes, y: float, proof: Proof) -> None:
    """The stated interval as a box with a stroke at the rate, and the proved rate with its interval."""
    color = TEMPERATURES[proof.name]
    if proof.stated is not None and proof.stated_low is not None and proof.stated_high is not None:
        axes.barh(y, proof.stated_high - proof.stated_low, _THICK, proof.stated_low, color=color, alpha=0.28, linewidth=0)
        axes.plot([proof.stated] * 2, [y - _THICK / 2, y + _THICK / 2], color=color, linewidth=1.6)
    if proof.rate is not None and proof.rate_low is not None and proof.rate_high is not None:
        axes.plot([proof.rate_low, proof.rate_high], [y, y], color=INK, linewidth=1.2)
        axes.plot(proof.rate, y, color=color, marker="o", markersize=5.5, markeredgecolor=INK, markeredgewidth=0.8)


def _count(axes: Axes, y: float, name: str, number: float) -> None:
    axes.barh(y, number, _THICK, color=TEMPERATURES[name])
    axes.annotate(f"{number:.1f}", (number, y), (4, 0), textcoords="offset points", va="center", fontsize=7.5, color=INK)
