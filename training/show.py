"""Results as tables on a terminal, made to be read at 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich import box
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from features.contract import Finding
from training.bootstrap import Difference

if TYPE_CHECKING:
    from training.demo import Rehearsal

_COLOURS = {"error": "red", "warning": "yellow", "info": "cyan", "hot": "red", "warm": "yellow", "cold": "blue"}
FIGURES = {
    "auc": ("AUC", 3),
    "average_precision": ("average precision", 3),
    "log_loss": ("log loss", 3),
    "brier": ("Brier", 3),
    "ece": ("ECE", 3),
    "lift_at_10": ("lift at top 10 %", 2),
}
"""Words and digits of each figure."""
_STANDING = {"better": "better than", "worse": "worse than", "tie": "not clearly better than"}
_NEXT = """Next: {there}
  leadheat models            the versions, and why they were promoted
  leadheat serve             then, from another terminal:
  curl -s localhost:3000/score -H "Content-Type: application/json" -d '
    {{"lead": {{"lead_id": "a"}}, "as_of": "2025-03-31T00:00:00Z", "interactions": [
      {{"type": "demo_request", "direction": "inbound", "occurred_at": "2025-03-30T09:00:00Z"}}]}}'
Your own data: put a leadheat.toml beside them, leadheat check DATASET, leadheat train DATASET."""


def findings(some: Iterable[Finding]) -> Table:
    """What was noticed about a data set, a row each."""
    table = _table("Findings", "", "where", "rows", "what, an example, and what to do")
    for one in some:
        what = "\n".join(filter(None, (f"{one.detail} ({one.code})", one.example, one.hint)))
        table.add_row(_coloured(one.severity), escape("\n".join(filter(None, (one.table, one.column)))), f"{one.count:,}", escape(what))
    return table


def comparison(columns: Mapping[str, Mapping[str, Any]], what: str = "test") -> Table:
    """Figures with their 95 % intervals, a column for each of model, rules, ..."""
    first = next(iter(columns.values()))
    title = f"{first['rows']:,} {what} snapshots, {first['positives']:,} won (with 95 % intervals)"
    table = _table(title, "", *columns, fixed=True)
    for name, (words, digits) in FIGURES.items():
        table.add_row(words, *(_with_interval(figures, name, digits) for figures in columns.values()))
    return table


def _with_interval(figures: Mapping[str, Any], name: str, digits: int) -> str:
    value, (low, high) = figures[name], figures["intervals"][name]
    if value is None:
        return "-"
    return f"{value:.{digits}f}" + ("" if low is None or high is None else f" ({low:.{digits}f}-{high:.{digits}f})")


def bands(some: Iterable[Mapping[str, Any]], notes: Iterable[str]) -> Group:
    """The bands: from which probability, how many leads, how many of them are won; and what is to be said of them."""
    table = _table(
        "Temperatures, as seen in the calibration part", "", "from probability", "share of leads", "won within the horizon", fixed=True
    )
    for band in some:
        rate = "-" if band["rate"] is None else f"{band['rate']:.1%} ({band['rate_low']:.1%}-{band['rate_high']:.1%})"
        table.add_row(_coloured(band["name"]), f"{band['lower']:.3f}", f"{band['share']:.1%}", rate)
    return Group(table, *map(escape, notes))


def verdicts(gates: Iterable[Mapping[str, Any]]) -> Table:
    """The gates and how each was passed."""
    table = _table("Gates", "", "", "why")
    for gate in gates:
        table.add_row(gate["name"].replace("_", " "), "[green]holds[/]" if gate["passed"] else "[red]fails[/]", escape(gate["detail"]))
    return table


def training(result: Mapping[str, Any]) -> Group:
    """A training: figures, bands, gates, and what became of the version."""
    fate = "promoted: it is the champion now" if result["promoted"] else "not promoted; it stays the challenger"
    end = f"Version {result['version']} is {fate}. {result['seconds']:.1f} s."
    figures = comparison({"model": result["test"], "rules": result["rules"]})
    return Group(figures, bands(result["bands"], result["notes"]), verdicts(result["gate"]), end)


def versions(some: Sequence[Mapping[str, Any]]) -> Table | str:
    """The registered versions, the newest first."""
    if not some:
        return "No version is registered yet. `leadheat train DATASET` makes the first."
    table = _table("Versions", "", "alias", "created", "data", "AUC", "rules", "why")
    for one in reversed(some):
        test, rules = one["figures"].get("test", {}), one["figures"].get("rules", {})
        aucs = [f"{figures['auc']:.3f}" if figures.get("auc") is not None else "-" for figures in (test, rules)]
        created = one["created_at"][:16].replace("T", " ")
        data = escape(one["figures"].get("data", ""))
        table.add_row(one["version"], ", ".join(one["aliases"]), created, data, *aucs, escape(one["reason"]))
    return table


def hottest(scores: pa.Table, how_many: int, title: str) -> Table:
    """The leads with the highest probabilities, and why: what each signal adds to the log-odds."""
    table = _table(title, "lead", "chance", "", "rules", "why (and what it adds to the log-odds)")
    for row in scores.sort_by([("probability", "descending"), ("lead_id", "ascending")]).slice(0, how_many).to_pylist():
        reasons = [one for one in row["reasons"] or [] if one["signal"] != "other"][:3]
        why = "\n".join(f"{one['contribution']:+.1f} {one['words']}" for one in reasons)
        rules = f"{row['points']:.0f}, {_coloured(row['rules_temperature'])}"
        table.add_row(escape(row["lead_id"]), f"{row['probability']:.1%}", _coloured(row["temperature"]), rules, escape(why))
    return table


def demo(result: Mapping[str, Any], rehearsal: Rehearsal, scores: Path) -> Group:
    """The demo: what was noticed, how model, rules and the best possible compare, and whom to call first.

    Args:
        result: what ``--json`` prints.
        rehearsal: where it comes from.
        scores: the file of the open leads' scores.
    """
    evaluation, trained = rehearsal.training.evaluation, rehearsal.training.to_dict()
    noticed = findings(rehearsal.checked.findings) if rehearsal.checked.findings else "Check: nothing is wrong with these data."
    columns = {"model": evaluation.model, "rules": evaluation.rules, "best possible": rehearsal.oracle}
    counts = ", ".join(f"{result[name]:,} {_coloured(name)}" for name in ("hot", "warm", "cold"))
    return Group(
        "[bold]A simulated world: no person or company in it exists.[/]\n",
        noticed,
        "",
        comparison(columns, "simulated test"),
        verdict(evaluation.against_rules["auc"], rehearsal.oracle["auc"]) + "\n",
        bands(trained["bands"], trained["notes"]),
        "",
        hottest(pq.read_table(scores), 5, "The hottest of the open simulated leads"),
        f"{counts} open leads, by version {result['champion_version']}, the champion. {result['seconds']:.1f} s.\n",
    )


def next_steps(kept: Path | None) -> str:
    """What to do after the demo, whose folder may have been kept."""
    return escape(_NEXT.format(there=f"cd {kept}" if kept else "leadheat demo --keep my-demo && cd my-demo"))


def verdict(against_rules: Difference, best_possible: float) -> str:
    """How a model stands between the rules and the best that can be known, in words."""
    sure = f"{against_rules.difference:+.3f}, 95 % interval {against_rules.low:+.3f} to {against_rules.high:+.3f}"
    left = f"{best_possible - against_rules.a:.3f} is left to the best possible, which knows how this world works"
    return f"By AUC the model is {_STANDING[against_rules.verdict]} the rules ({sure}); {left}."


def _coloured(word: str) -> str:
    return f"[{_COLOURS[word]}]{word}[/]"


def _table(title: str, *columns: str, fixed: bool = False) -> Table:
    """A table without a frame; where it is ``fixed`` no cell is broken into lines."""
    table = Table(title=escape(title), title_justify="left", title_style="bold", header_style="dim", box=box.SIMPLE_HEAD)
    table.show_edge, table.pad_edge, table.padding = False, False, (0, 1, 0, 0)
    for i, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=fixed or i == 0)
    return table
