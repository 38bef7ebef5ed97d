"""The demo: what was noticed, how model, rules and the best possible compare, whom to call first, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from models.commands.findings import findings
from models.commands.tables import coloured, table
from training.bootstrap import Difference
from training.demo import Rehearsal
from training.show.figures import comparison
from training.show.learnt import bands

_STANDING = {"better": "better than", "worse": "worse than", "tie": "not clearly better than"}
_NEXT = """Next: {there}
  leadheat models            the versions, and why they were promoted
  leadheat serve             then, from another terminal:
  curl -s localhost:3000/score -H "Content-Type: application/json" -d '
    {{"lead": {{"lead_id": "a"}}, "as_of": "2025-03-31T00:00:00Z", "interactions": [
      {{"type": "demo_request", "direction": "inbound", "occurred_at": "2025-03-30T09:00:00Z"}}]}}'
Your own data: put a leadheat.toml beside them, leadheat check DATASET, leadheat train DATASET."""


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
    counts = ", ".join(f"{result[name]:,} {coloured(name)}" for name in ("hot", "warm", "cold"))
    return Group(
        "[bold]A simulated world: no person or company in it exists.[/]\n",
        noticed,
        "",
        comparison(columns, "simulated test"),
        verdict(evaluation.against_rules["auc"], rehearsal.oracle["auc"]) + "\n",
        bands(trained["bands"], trained["notes"], trained["policy"]),
        "",
        hottest(pq.read_table(scores), 5, "The hottest of the open simulated leads"),
        f"{counts} open leads, by version {result['champion_version']}, the champion. {result['seconds']:.1f} s.\n",
        *_forced(rehearsal),
    )


def _forced(rehearsal: Rehearsal) -> list[str]:
    """What a demo that goes on in spite of the gates owes its reader."""
    failed = ", ".join(gate.name.replace("_", " ") for gate in rehearsal.training.gates if not gate.passed)
    return [f"[yellow]Not every gate holds ({failed}): anywhere else this version would have been refused.[/]\n"] if failed else []


def hottest(scores: pa.Table, how_many: int, title: str) -> Table:
    """The leads with the highest probabilities, and why: what each signal adds to the log-odds."""
    shown = table(title, "lead", "chance", "", "rules", "why (and what it adds to the log-odds)")
    for row in scores.sort_by([("probability", "descending"), ("lead_id", "ascending")]).slice(0, how_many).to_pylist():
        reasons = [one for one in row["reasons"] or [] if one["signal"] != "other"][:3]
        why = "\n".join(f"{one['contribution']:+.1f} {one['words']}" for one in reasons)
        rules = f"{row['points']:.0f}, {coloured(row['rules_temperature'])}"
        shown.add_row(escape(row["lead_id"]), f"{row['probability']:.1%}", coloured(row["temperature"]), rules, escape(why))
    return shown


def verdict(against_rules: Difference, best_possible: float) -> str:
    """How a model stands between the rules and the best that can be known, in words."""
    sure = f"{against_rules.difference:+.3f}, 95 % interval {against_rules.low:+.3f} to {against_rules.high:+.3f}"
    left = f"{best_possible - against_rules.a:.3f} is left to the best possible, which knows how this world works"
    return f"By AUC the model is {_STANDING[against_rules.verdict]} the rules ({sure}); {left}."


def next_steps(kept: Path | None) -> str:
    """What to do after the demo, whose folder may have been kept."""
    return escape(_NEXT.format(there=f"cd {kept}" if kept else "leadheat demo --keep my-demo && cd my-demo"))
