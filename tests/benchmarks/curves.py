"""The picture of the scaling curves."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from tests.benchmarks.scaling import DENSITIES, WHATS
from training.plots.style import FAINT, MARKERS, SERIES, finish, new_figure


def draw(part: Mapping[str, Any]) -> bytes:
    """Time and memory over interactions, both logarithmic, as an SVG that is the same for the same results."""
    import matplotlib as mpl

    figure = new_figure(8, 3.4)
    left, right = figure.subplots(1, 2)
    for what, colour, marker in zip(WHATS, SERIES, MARKERS, strict=False):
        rows = [row for row in part["rows"] if row["what"] == what and row.get("seconds") and row["per_lead"] == DENSITIES[0]]
        slope = part["summary"][what]["exponent"]
        label = what if slope is None else f"{what}, exponent {slope:.2f}"
        size = [row["interactions"] for row in rows]
        left.plot(size, [row["seconds"] for row in rows], color=colour, marker=marker, label=label)
        right.plot(size, [row["peak_gb"] for row in rows], color=colour, marker=marker, label=what)
        if "fixed" in part["summary"][what]:
            cost = part["summary"][what]
            modelled = [cost["fixed"] + one * (cost["per_interaction"] + cost["per_lead"] / DENSITIES[0]) for one in size]
            left.plot(size, modelled, color=FAINT, linestyle=":", linewidth=1)
    for axes, title, unit in ((left, "Time", "seconds"), (right, "Memory", "gigabytes at most")):
        axes.set(title=title, xlabel=f"interactions, {DENSITIES[0]} a lead", ylabel=unit, xscale="log", yscale="log")
        axes.legend(fontsize=8, frameon=False)
        finish(axes)
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "leadheat"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()
