"""A version on the test part: figures beside the rules, where it holds and where not, how calm it is, what it is worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from models.commands.tables import coloured, table
from training.show.figures import against, comparison, with_interval

_DESK = "[dim]Worked are the first of the list at each date, as many as there is time for until the next; none again within the horizon.[/]"
_CALM = "[dim]The score is the share of the snapshots that stand lower; bands are looked at every day, the model's with hysteresis.[/]"
_LONGEST = 14
_AT_MOST = 10
_BY = "--by month, age, history or an attribute of the leads shows its slices."
_STABILITY = {"mean_change": ("change between interactions, of 100", ".1f"), "per_lead_week": ("band changes per lead and week", ".3f")}


def judged(result: Mapping[str, Any], *, by: bool) -> Group:
    """What ``leadheat evaluate`` prints; ``by`` tells whether all slices are asked for, or only those that stand out."""
    name = f"version {result['version']}"
    shown: list[Any] = [comparison({name: result["test"], "rules": result["rules"]}, differences=result["against_rules"])]
    if result["against"]:
        shown += ["", against(name, result["against"])]
    shown += [
        "",
        reliability(result["reliability"]["model"]),
        "",
        decision(result["decision"], name),
        "",
        stability(result["stability"], name),
    ]
    return Group(*shown, "", *(slices(result["slices"]) if by else standing_out(result["slices"])))


def reliability(bins: Sequence[Mapping[str, Any]]) -> Table:
    """Expected and actual rates; an expected rate outside of the actual one's interval is marked."""
    shown = table("Reliability (with 95 % intervals)", "expected", "won", "", "snapshots", fixed=True)
    for one in bins:
        outside = "" if one["low"] <= one["expected"] <= one["high"] else "[yellow]outside[/]"
        shown.add_row(f"{one['expected']:.1%}", with_interval(one["rate"], one["low"], one["high"], ".1%"), outside, f"{one['rows']:,}")
    return shown


def decision(rows: Sequence[Mapping[str, Any]], name: str) -> Table:
    """What sales meet who work so many leads a day."""
    title = f"Wins met in {rows[0]['days']} days, of {rows[0]['possible']:,} (with 95 % intervals)"
    shown = table(title, "leads a day", "worked", name, "rules", "random", "", fixed=True)
    for one in rows:
        orders = [with_interval(wins["wins"], wins["low"], wins["high"], ",.0f") for wins in (one["model"], one["rules"], one["random"])]
        verdict = f"{one['difference']['difference']:+,.0f} {coloured(one['difference']['verdict'])}"
        shown.add_row(f"{one['per_day']:g}", f"{one['model']['worked']:,.0f}", *orders, verdict)
    return shown


def stability(both: Mapping[str, Mapping[str, Any]], name: str) -> Table:
    """How calm model and rules are."""
    shown = table("Stability (with 95 % intervals)", "", name, "rules", fixed=True)
    for key, (words, form) in _STABILITY.items():
        cells = [with_interval(one[key], one[f"{key}_low"], one[f"{key}_high"], form) for one in (both["model"], both["rules"])]
        shown.add_row(words, *cells)
    return shown


def standing_out(some: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The slices that are not as expected, the furthest off where there are many, or that there is none."""
    off = [one for one in some if one["verdict"] != "as expected"]
    furthest = sorted(off, key=_ratio, reverse=True)[:_AT_MOST]
    ways = len({one["by"] for one in some})
    if not off:
        return [f"In all {len(some)} slices, by {ways} attributes and times, as many were won as expected, chance allowed for.\n{_BY}"]
    told = f"In {len(off)} of {len(some)} slices not as many were won as expected"
    return [
        f"{told}; these {_AT_MOST} are the furthest off." if len(off) > _AT_MOST else f"{told}.",
        *slices([one for one in off if one in furthest]),
        _BY,
    ]


def _ratio(one: Mapping[str, Any]) -> float:
    """How many times more or fewer were won than expected; an odd win or two keep it finite."""
    ratio = (one["rate"] * one["rows"] + 1) / (one["expected"] * one["rows"] + 1)
    return float(max(ratio, 1 / ratio))


def slices(some: Sequence[Mapping[str, Any]]) -> list[Any]:
    """A table for each thing that the snapshots are broken down by."""
    shown: list[Any] = []
    for by, parts in groupby(some, key=lambda one: one["by"]):
        shown += [_by(by, parts), ""]
    if any(one["verdict"] != "as expected" for one in some):
        shown.append("[yellow]*[/] more or fewer were won than expected, beyond what chance explains over all slices (Holm, 5 %).")
    return shown


def _by(by: str, parts: Iterable[Mapping[str, Any]]) -> Table:
    shown = table(f"By {by} (with 95 % intervals)", "", "rows", "expected", "won", "AUC", "rules", "", fixed=True)
    shown.padding = 0  # seven columns leave no room for more
    for one in parts:
        won = with_interval(one["rate"], one["rate_low"], one["rate_high"], ".1%")
        marked = won if one["verdict"] == "as expected" else f"[yellow]{won}*[/]"
        auc = with_interval(one["auc"], one["auc_low"], one["auc_high"], ".2f")
        rules = ("-", "") if one["auc"] is None else (f"{one['rules_auc']:.2f}", coloured(one["difference"]["verdict"]))
        value = one["value"] if len(one["value"]) <= _LONGEST else f"{one['value'][: _LONGEST - 1]}…"
        shown.add_row(escape(value), f"{one['rows']:,}", f"{one['expected']:.1%}", marked, auc, *rules)
    return shown
