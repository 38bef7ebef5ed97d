"""The registered versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from models.commands.tables import table


def versions(some: Sequence[Mapping[str, Any]]) -> Table | str:
    """The registered versions, the newest first."""
    if not some:
        return "No version is registered yet. `leadheat train DATASET` makes the first."
    shown = table("Versions", "", "alias", "created", "data", "AUC", "rules", "why")
    for one in reversed(some):
        test, rules = one["figures"].get("test", {}), one["figures"].get("rules", {})
        aucs = [f"{figures['auc']:.3f}" if figures.get("auc") is not None else "-" for figures in (test, rules)]
        created = one["created_at"][:16].replace("T", " ")
        data = escape(one["figures"].get("data", ""))
        shown.add_row(one["version"], ", ".join(one["aliases"]), created, data, *aucs, escape(_why(one)))
    return shown


def _why(version: Mapping[str, Any]) -> str:
    """What was decided last; and, where a version was forced, why, and what did not hold."""
    if not version["forced"]:
        return str(version["reason"])
    failed = ", ".join(gate["name"].replace("_", " ") for gate in version["gates"] if not gate["passed"]) or "its gates"
    forced = f"forced in spite of {failed}: {version['forced']}"
    return forced if version["reason"] == version["forced"] else f"{version['reason']}; {forced}"
