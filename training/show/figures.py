"""Figures with their intervals, and how one prediction differs from another in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from models.commands.tables import coloured, table

FIGURES = {
    "auc": ("AUC", ".3f"),
    "average_precision": ("average precision", ".3f"),
    "log_loss": ("log loss", ".3f"),
    "brier": ("Brier", ".3f"),
    "brier_reliability": (" its reliability", ".4f"),
    "brier_resolution": (" its resolution", ".4f"),
    "ece": ("ECE", ".3f"),
    "lift_at_5": ("lift at top 5 %", ".2f"),
    "lift_at_10": ("lift at top 10 %", ".2f"),
    "lift_at_20": ("lift at top 20 %", ".2f"),
    "gain_at_5": ("wins in top 5 %", ".1%"),
    "gain_at_10": ("wins in top 10 %", ".1%"),
    "gain_at_20": ("wins in top 20 %", ".1%"),
    "work_for_80": ("80 % of wins in top", ".1%"),
}
"""Words and format of each figure."""
MAIN = ("auc", "average_precision", "log_loss", "brier", "ece", "lift_at_10")
"""The figures that are told of three predictions or more, whose columns leave little room."""


def comparison(
    columns: Mapping[str, Mapping[str, Any]], what: str = "test", differences: Mapping[str, Mapping[str, Any]] | None = None
) -> Table:
    """Figures with their 95 % intervals, a column for each of model, rules, ...; with ``differences`` the verdicts on the first."""
    first = next(iter(columns.values()))
    title = f"{first['rows']:,} {what} snapshots, {first['positives']:,} won (with 95 % intervals)"
    shown = table(title, "", *columns, *([""] if differences else []), fixed=True)
    for name in FIGURES if len(columns) < 3 else MAIN:
        words, form = FIGURES[name]
        told = [(figures[name], figures["intervals"][name]) for figures in columns.values()]
        cells = [with_interval(value, low, high, form) for value, (low, high) in told]
        shown.add_row(words, *cells, *([_verdict(differences[name])] if differences else []))
    return shown


def against(name: str, other: Mapping[str, Any]) -> Table:
    """A version less another, figure by figure."""
    theirs = f"version {other['version']}"
    shown = table(f"{name.capitalize()} less {theirs} (with 95 % intervals)", "", name, theirs, "difference", "", fixed=True)
    for figure, (words, form) in FIGURES.items():
        one = other["differences"][figure]
        cells = (number(one["a"], form), number(one["b"], form), _span(one, form))
        shown.add_row(words, *cells, _verdict(one))
    return shown


def number(value: float | None, form: str) -> str:
    """A value, or "-" for none."""
    return "-" if value is None else format(value, form)


def with_interval(value: float | None, low: float | None, high: float | None, form: str) -> str:
    """A value and its interval: ``0.812 (0.798-0.825)``, ``7.1% (5.2-9.6)``."""
    if value is None or low is None or high is None:
        return number(value, form)
    return f"{value:{form}} ({low:{form}}-{high:{form}})".replace("%-", "-").replace("%)", ")")


def _verdict(one: Mapping[str, Any]) -> str:
    return "" if one["difference"] is None else coloured(one["verdict"])


def _span(one: Mapping[str, Any], form: str) -> str:
    if one["difference"] is None or one["low"] is None:
        return "-"
    return f"{one['difference']:+{form}} ({one['low']:+{form}} to {one['high']:+{form}})"
