"""What was noticed about a data set."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from features.audit.codes import CODES
from features.contract import Finding
from models.commands.tables import coloured


def findings(some: Sequence[Finding]) -> Group:
    """What was noticed about a data set: what it is called, then where it is and how often, then what to do about it."""
    parts: list[RenderableType] = ["[bold]Findings[/]"]
    for (severity, place, code), group in groupby(some, key=lambda one: (one.severity, one.table, one.code)):
        same = list(group)
        heading = (
            f"{coloured(severity)}{' in ' if place else ''}{place}: [bold]{code}[/]{', ' if code in CODES else ''}{CODES.get(code, '')}"
        )
        parts += ["", heading, Padding(_places(same), (0, 0, 0, 2))]
        later = {one.hint for one in some[some.index(same[-1]) + 1 :]}
        for hint in dict.fromkeys(one.hint for one in same if one.hint and one.hint not in later):
            parts.append(Padding(_advice(hint), (0, 0, 0, 2)))
    return Group(*parts, "")


def _places(same: Sequence[Finding]) -> Table:
    """Where the findings of one code are, how many rows each has, and the evidence."""
    shown = Table.grid(padding=(0, 2, 0, 0))
    shown.add_column(overflow="fold", max_width=30)
    shown.add_column(justify="right", no_wrap=True)
    shown.add_column(overflow="fold")
    for one in same:
        evidence = f"{escape(one.detail)}\n[dim]{escape(one.example)}[/]" if one.example else escape(one.detail)
        shown.add_row(escape(one.column or one.table), f"{one.count:,}", evidence)
    return shown


def _advice(hint: str) -> str:
    """The hint with its line of settings apart; a list in TOML stays valid where it is broken into lines."""
    words, place, line = hint.partition("]: ")
    return f"{escape(words + ']:')}\n[green]{escape(line)}[/]" if place else f"[green]{escape(hint)}[/]"
