"""Who changes band between two versions, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from models.commands.tables import coloured, table


def migration(result: Mapping[str, Any]) -> Group:
    """What ``leadheat migration`` prints."""
    before, after = result["from"], result["to"]
    head = (
        f"{result['leads']:,} open leads at {result['as_of'][:16].replace('T', ' ')} UTC, version {before} to {after}: "
        f"{result['warmer']:,} become warmer, {result['cooler']:,} cooler."
    )
    return Group(head, *map(escape, result["notes"]), _cells(result), _moves(result["moves"]), _signals(result["signals"]))


def _cells(result: Mapping[str, Any]) -> Table:
    title = "Leads by band, from rows to columns (wins expected before, then after)"
    shown = table(title, "", *map(coloured, result["bands"]), "all", fixed=True)
    rows = [_row(result, name, i) for i, name in enumerate(result["bands"])]
    for row in rows:
        shown.add_row(*row)
    shown.add_row("all", *(_cell(result, list(range(3)), [column]) for column in range(3)), _cell(result, list(range(3)), list(range(3))))
    return shown


def _row(result: Mapping[str, Any], name: str, i: int) -> list[str]:
    return [coloured(name), *(_cell(result, [i], [column]) for column in range(3)), _cell(result, [i], list(range(3)))]


def _cell(result: Mapping[str, Any], rows: list[int], columns: list[int]) -> str:
    leads, before, after = (
        sum(result[key][row][column] for row in rows for column in columns) for key in ("count", "expected_before", "expected_after")
    )
    return f"{leads:,} ({before:.1f}, {after:.1f})" if leads else "-"


def _moves(moves: Iterable[Mapping[str, Any]]) -> Table:
    shown = table("The leads that move furthest", "", "from", "to", "reasons that changed")
    for one in moves:
        ends = [f"{coloured(one[when])} {one[f'probability_{when}']:.0%}" for when in ("before", "after")]
        changes = (f"{change['words']} ({change['after'] - change['before']:+.2f})" for change in one["changes"])
        shown.add_row(escape(one["lead_id"]), *ends, escape("; ".join(changes)))
    return shown


def _signals(signals: list[Mapping[str, Any]], most: int = 10) -> Table:
    shown = table("What counts differently, in log-odds (mean absolute)", "signal", "before", "after", "difference", "known to", fixed=True)
    for one in signals[:most]:
        numbers = [f"{one[key]:.3f}" for key in ("before", "after", "difference")]
        shown.add_row(escape(one["signal"]), *numbers, one["known_to"])
    return shown
