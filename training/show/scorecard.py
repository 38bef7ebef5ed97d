"""A scorecard: its lines, what its points stand for, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from models.commands.tables import coloured, table
from training.show.figures import comparison

_COMPARED = ("auc", "average_precision", "log_loss", "brier", "ece")


def scorecard(result: Mapping[str, Any]) -> Group:
    """What ``leadheat scorecard`` prints."""
    half_life = result["rules"]["half_life"]
    what = f"An interaction loses half its points in {half_life}; {result['doubling']} points double the odds of winning."
    warm, hot = result["thresholds"]["warm"], result["thresholds"]["hot"]
    edges = f"{coloured('warm')} from {warm:g} points, {coloured('hot')} from {hot:g}, by the policy of the model."
    notes = map(escape, result["notes"])
    return Group(_lines(result), what, edges, *notes, _meaning(result["table"]), comparison(result["test"]), _costs(result), _bands(result))


def _lines(result: Mapping[str, Any]) -> Table:
    shown = table(f"Scorecard of version {result['version']}", "", "points", "at most", fixed=True)
    for line in result["lines"]:
        shown.add_row(escape(line["words"]), f"{line['points']:+d}", f"{line['at_most']:+d}" if line["kind"] == "signal" else "")
    return shown


def _meaning(marks: list[Mapping[str, Any]]) -> Table:
    shown = table("What points stand for", "points", "probability", "test leads from here on", fixed=True)
    for mark in marks:
        shown.add_row(f"{mark['points']}", f"{mark['probability']:.1%}", f"{mark['share_from_here']:.1%}")
    return shown


def _costs(result: Mapping[str, Any]) -> Table:
    shown = table("The scorecard minus the others", "", "minus champion", "", "minus rules", "", fixed=True)
    for name in _COMPARED:
        cells = []
        for other in ("against_champion", "against_rules"):
            one = result[other][name]
            known = None not in (one["difference"], one["low"], one["high"])
            cells += [f"{one['difference']:+.3f} ({one['low']:+.3f}, {one['high']:+.3f})" if known else "-", one["verdict"]]
        shown.add_row(name.replace("_", " "), *cells)
    return shown


def _bands(result: Mapping[str, Any]) -> Table:
    shown = table(
        "Temperatures in the test part: share, and how many were won",
        "",
        *map(coloured, ("cold", "warm", "hot")),
        "as the champion",
        fixed=True,
    )
    for name, bands in result["bands"].items():
        cells = [bands[band] for band in ("cold", "warm", "hot")]
        rates = ["-" if cell["rate"] is None else f"{cell['share']:.1%}, {cell['rate']:.1%}" for cell in cells]
        shown.add_row(name, *rates, f"{bands['as_the_model']:.0%}")
    return shown
