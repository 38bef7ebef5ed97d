"""A backtest: a row for each fold, all of them together, and the verdict in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.markup import escape

from models.commands.tables import coloured, table
from training.show.figures import comparison, with_interval


def backtest(result: Mapping[str, Any]) -> Group:
    """What ``leadheat backtest`` prints."""
    shown = table("AUC, trained at each origin (with 95 % intervals)", "origin", "won", "model", "rules", "", fixed=True)
    refused = []
    for fold in result["folds"]:
        counts = (fold["origin"][:10], f"{fold['positives']:,} of {fold['rows']:,}")
        if fold["refused"]:
            shown.add_row(*counts, "-", "-", "")
            refused.append(f"{fold['origin'][:10]}: {escape(fold['refused'])}")
            continue
        told = [(one["auc"], one["intervals"]["auc"]) for one in (fold["model"], fold["rules"])]
        aucs = [with_interval(auc, low, high, ".3f") for auc, (low, high) in told]
        shown.add_row(*counts, *aucs, coloured(fold["against_rules"]["auc"]["verdict"]))
    together = result["together"]
    all_folds = comparison({"model": together["model"], "rules": together["rules"]}, "backtest", together["against_rules"])
    return Group(shown, *refused, "", all_folds, result["verdict"])
