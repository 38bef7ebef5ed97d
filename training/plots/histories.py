"""What happened to leads, one line each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from features.contract import DAY, NEVER, UNKNOWN_TIME
from features.dataset import Dataset
from features.history import OUTBOUND
from features.signals import SignalSettings, matching
from training.plots.style import FAINT, GRID, INK, TEMPERATURES, finish, literal, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def histories(
    dataset: Dataset,
    leads: npt.ArrayLike,
    signals: Mapping[str, SignalSettings] | None = None,
    title: str = "What happened to these leads?",
) -> Figure:
    """The interactions of some leads by the days since each began, the first lead on top; a star ends a won lead, a cross a lost one.

    Args:
        dataset: with their histories and outcomes.
        leads: int64[k], positions of leads.
        signals: as declared; the types of the strong ones stand out.
        title: of the figure.
    """
    chosen = np.asarray(leads, np.int64)
    types = dataset.history.type.levels
    strong = {kind for one in (signals or {}).values() if one.strength == "strong" for kind in matching(one.types, types)}
    figure = new_figure(7.2, 1.1 + 0.27 * max(len(chosen), 3))
    axes = figure.subplots()
    for at, lead in enumerate(chosen.tolist()):
        _line(axes, -at, dataset, lead, [types.index(kind) for kind in sorted(strong)])
    for label, style in _MARKS.items():
        if label != "a strong signal" or strong:
            axes.plot([], [], linestyle="", label=label, **style)
    axes.set_yticks(-np.arange(len(chosen)), [literal(name) for name in dataset.history.lead_ids.take(chosen).to_pylist()])
    axes.set(xlabel="days since the lead began", ylim=(-len(chosen) + 0.4, 0.6), title=title)
    figure.legend(loc="outside lower center", ncols=5, frameon=False, fontsize=8, labelcolor=INK, handletextpad=0.3)
    finish(axes)
    axes.grid(visible=False, axis="y")
    axes.spines[["left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure


_MARKS: dict[str, dict[str, Any]] = {
    "we acted": {"marker": "|", "markersize": 7, "color": FAINT},
    "the lead acted": {"marker": "o", "markersize": 4, "color": TEMPERATURES["cold"]},
    "a strong signal": {"marker": "o", "markersize": 6, "color": TEMPERATURES["hot"]},
    "won": {"marker": "*", "markersize": 12, "color": INK},
    "lost": {"marker": "X", "markersize": 6, "color": FAINT},
}


def _line(axes: Axes, y: int, dataset: Dataset, lead: int, strong: Collection[int]) -> None:
    """One lead: from its beginning to its end, or to the end of what was observed."""
    own = dataset.history.slice(lead, lead + 1)
    created, closed = int(own.created_at[0]), int(dataset.outcomes.closed_at[lead])
    begin = created if created != UNKNOWN_TIME or not len(own.occurred_at) else int(own.occurred_at[0])
    begin = begin if begin != UNKNOWN_TIME else dataset.observed_until
    end = closed if closed != NEVER else dataset.observed_until
    axes.plot([0, (end - begin) / DAY], [y, y], color=GRID, linewidth=2, zorder=1, solid_capstyle="butt")
    days = (own.occurred_at - begin) / DAY
    ours = own.direction == OUTBOUND
    telling = ~ours & np.isin(own.type.codes, list(strong))
    for label, rows in (("we acted", ours), ("the lead acted", ~ours & ~telling), ("a strong signal", telling)):
        axes.plot(days[rows], np.full(rows.sum(), y), linestyle="", zorder=2, **_MARKS[label])
    if closed != NEVER:
        wins = dataset.outcomes.won_at[dataset.outcomes.won_start[lead] : dataset.outcomes.won_start[lead + 1]]
        axes.plot((closed - begin) / DAY, y, zorder=3, linestyle="", **_MARKS["won" if closed in wins else "lost"])
