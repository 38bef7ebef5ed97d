"""Policies side by side: what each promises and what the test part shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from models.commands.tables import coloured, table

AT_ONCE = 3
"""Policies that stand beside each other at 80 columns."""
_CHANGES = "[dim]* of band per lead and week, looked at every day; then those that take back the one before within a week.[/]"


def policies(result: Mapping[str, Any]) -> Group:
    """What ``leadheat bands`` prints: the policies side by side, what is to be said of them, and the tables to paste."""
    calibration, test = result["calibration"], result["test"]
    head = (
        f"Version {result['version']}: chosen on {_part(calibration)}, proved on {_part(test)}. "
        f"Rates with 95 % intervals by lead; [green]kept[/] or [red]broken[/] is what the test part says."
    )
    shown: list[Any] = [head]
    every = result["policies"]
    for start in range(0, len(every), AT_ONCE):
        shown += ["", _beside(every[start : start + AT_ONCE])]
    shown.append(_CHANGES)
    for one in result["policies"]:
        shown += [f"[bold]{one['name']}[/]: {escape(note)}" for note in one["notes"]]
    pasted = [one for one in result["policies"] if one["name"] != "stored"]
    return Group(*shown, *(f"\n[dim]# {one['name']}[/]\n{escape(one['toml'])}".rstrip() for one in pasted))


def _part(part: Mapping[str, Any]) -> str:
    return f"{part['rows']:,} snapshots of {part['from']} to {part['to']}"


def _beside(some: Sequence[Mapping[str, Any]]) -> Table:
    shown = table("", "", *(_name(one) for one in some), fixed=True)
    for row in zip(*map(_column, some), strict=True):
        shown.add_row(row[0][0], *(cell for _, cell in row))
    return shown


def _name(one: Mapping[str, Any]) -> str:
    return one["policy"] if one["name"] == one["policy"] else f"{one['name']}: {one['policy']}"


def _column(one: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The rows of a policy: words and cell."""
    promised = {promise["name"]: promise for promise in one["promises"]}
    for band in reversed(one["bands"][1:]):
        name = band["name"]
        yield f"{coloured(name)} from", "never" if band["lower"] >= 1 else f"{band['lower']:.1%}"
        yield "  share, then in test", f"{band['stated_share']:.1%}, {band['share']:.1%}"
        day = one["per_day"][name]
        yield "  leads a day", f"{day['calibration']:.1f}, {day['test']:.1f}"
        yield "  won, stated", _rate(band, "stated")
        yield "  won, in test", _rate(band, "rate")
        yield "  the rate lies", band["place"]
        yield "  policy, in test", _promise(promised.get(name))
    wins = one["wins"]
    yield f"of {wins['all']:,} won: {coloured('hot')}", f"{wins['hot']:,} ({wins['hot'] / max(wins['all'], 1):.0%})"
    yield "  hot or warm", f"{wins['hot_or_warm']:,} ({wins['hot_or_warm'] / max(wins['all'], 1):.0%})"
    for words, key in (("changes*, plain", "without_hysteresis"), ("  with hysteresis", "with_hysteresis")):
        changes, back = one["flicker"][key]["changes"], one["flicker"][key]["taken_back"]
        yield words, "-" if changes is None else f"{changes:.3f}, {back:.3f}"


def _rate(band: Mapping[str, Any], key: str) -> str:
    if band[key] is None:
        return "-"
    return f"{band[key]:.1%} ({band[f'{key}_low']:.0%}-{band[f'{key}_high']:.0%})"


def _promise(promise: Mapping[str, Any] | None) -> str:
    if promise is None:
        return "-"
    colour = {"kept": "green", "broken": "red"}.get(promise["verdict"], "yellow")
    shows = "" if promise["actual"] is None else f"{promise['actual']:.3g}: "
    return f"{shows}[{colour}]{promise['verdict']}[/]"
