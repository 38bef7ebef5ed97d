"""What was noticed about a data set."""

from __future__ import annotations

from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table

from features.contract import Finding
from training.show.tables import coloured, table


def findings(some: Iterable[Finding]) -> Table:
    """What was noticed about a data set, a row each."""
    shown = table("Findings", "", "where", "rows", "what, an example, and what to do")
    for one in some:
        what = "\n".join(filter(None, (f"{one.detail} ({one.code})", one.example, one.hint)))
        shown.add_row(coloured(one.severity), escape("\n".join(filter(None, (one.table, one.column)))), f"{one.count:,}", escape(what))
    return shown
