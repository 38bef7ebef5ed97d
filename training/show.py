"""Results as tables on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from features.contract import Finding

_COLOURS = {"error": "red", "warning": "yellow", "info": "cyan", "hot": "red", "warm": "yellow", "cold": "blue"}
FIGURES = {
    "auc": "AUC",
    "average_precision": "average precision",
    "log_loss": "log loss",
    "brier": "Brier",
    "ece": "ECE",
    "lift_at_10": "lift at the top 10 %",
}


def findings(some: Iterable[Finding]) -> Table:
    """What was noticed about a data set, a row each."""
    table = _table("", "table", "column", "count", "what", "example", "what to do")
    for one in some:
        severity = f"[{_COLOURS[one.severity]}]{one.severity}[/]"
        cells = (one.table, one.column, f"{one.count:,}", f"{one.detail} ({one.code})", one.example, one.hint)
        table.add_row(severity, *map(escape, cells))
    return table


def comparison(columns: Mapping[str, Mapping[str, Any]]) -> Table:
    """Figures with their 95 % intervals, a column for each of model, rules, ..."""
    first = next(iter(columns.values()))
    table = _table(f"{first['rows']:,} test snapshots, {first['positives']:,} won", *columns)
    for name, words in FIGURES.items():
        table.add_row(words, *(_with_interval(figures, name) for figures in columns.values()))
    return table


def _with_interval(figures: Mapping[str, Any], name: str) -> str:
    value = figures[name]
    if value is None:
        return "-"
    low, high = figures["intervals"][name]
    return f"{value:.3f} [{low:.3f}, {high:.3f}]".replace("[", r"\[")


def bands(some: Iterable[Mapping[str, Any]]) -> Table:
    """The bands: from which probability, how many leads, how many of them are won."""
    table = _table("band", "from probability", "share of leads", "won within the horizon")
    for band in some:
        rate = "-" if band["rate"] is None else f"{band['rate']:.1%} [{band['rate_low']:.1%}, {band['rate_high']:.1%}]".replace("[", r"\[")
        table.add_row(_coloured(band["name"]), f"{band['lower']:.3f}", f"{band['share']:.1%}", rate)
    return table


def verdicts(gates: Iterable[Mapping[str, Any]]) -> Table:
    """The gates and how each was passed."""
    table = _table("gate", "", "why")
    for gate in gates:
        table.add_row(gate["name"], "[green]holds[/]" if gate["passed"] else "[red]fails[/]", escape(gate["detail"]))
    return table


def training(result: Mapping[str, Any]) -> Group:
    """A training: figures, bands, gates, and what became of the version."""
    fate = "promoted: it is the champion now" if result["promoted"] else "not promoted: the champion stays"
    end = f"Version {result['version']} {fate}. {result['seconds']:.1f} s."
    return Group(comparison({"model": result["test"], "rules": result["rules"]}), bands(result["bands"]), verdicts(result["gate"]), end)


def versions(some: Sequence[Mapping[str, Any]]) -> Table | str:
    """The registered versions, the newest first."""
    if not some:
        return "No version is registered yet. `leadheat train DATASET` makes the first."
    table = _table("version", "alias", "created", "data", "AUC", "AUC of the rules", "why")
    for one in reversed(some):
        test, rules = one["figures"].get("test", {}), one["figures"].get("rules", {})
        aucs = [f"{figures['auc']:.3f}" if figures.get("auc") is not None else "-" for figures in (test, rules)]
        created = one["created_at"][:16].replace("T", " ")
        table.add_row(one["version"], ", ".join(one["aliases"]), created, one["figures"].get("data", ""), *aucs, escape(one["reason"]))
    return table


def hottest(scores: pa.Table, how_many: int) -> Table:
    """The leads with the highest probabilities, and why."""
    table = _table("lead", "probability", "", "rules", "why")
    for row in scores.sort_by([("probability", "descending"), ("lead_id", "ascending")]).slice(0, how_many).to_pylist():
        reasons = [one for one in row["reasons"] or [] if one["signal"] != "other"][:3]
        why = "; ".join(f"{one['words']} ({one['contribution']:+.1f})" for one in reasons)
        rules = f"{row['points']:.0f} points, {_coloured(row['rules_temperature'])}"
        table.add_row(escape(row["lead_id"]), f"{row['probability']:.1%}", _coloured(row["temperature"]), rules, escape(why))
    return table


def _coloured(temperature: str) -> str:
    return f"[{_COLOURS[temperature]}]{temperature}[/]"


def _table(*columns: str) -> Table:
    table = Table(header_style="bold", border_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def demo(result: Mapping[str, Any], figures: Mapping[str, Mapping[str, Any]], place: Path, *, kept: bool) -> Group:
    """The end of the demo: figures, the hottest leads, and what to do next."""
    world = f"Simulated world: {result['hot']:,} hot, {result['warm']:,} warm and {result['cold']:,} cold open leads."
    there = f"cd {place}" if kept else "leadheat demo --keep my-demo && cd my-demo"
    curl = """curl -s localhost:3000/score -d '{"lead": {"lead_id": "a"}, "interactions": []}'"""
    steps = (f"Next: {there}", "      leadheat models", "      leadheat serve   and then   " + curl, f"({result['seconds']:.1f} s)")
    return Group(comparison(figures), world, hottest(pq.read_table(place / "scores.parquet"), 5), *map(escape, steps))
