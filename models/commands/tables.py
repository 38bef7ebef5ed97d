"""The look of all tables on a terminal: made to be read at 80 columns."""

from __future__ import annotations

from rich import box
from rich.markup import escape
from rich.table import Table

_COLOURS = {"error": "red", "warning": "yellow", "info": "cyan", "hot": "red", "warm": "yellow", "cold": "blue"}
_COLOURS |= {"better": "green", "worse": "red", "tie": "dim"}


def coloured(word: str) -> str:
    """A severity, a temperature or a verdict in its colour."""
    return f"[{_COLOURS[word]}]{word}[/]"


def table(title: str, *columns: str, fixed: bool = False) -> Table:
    """A table without a frame; where it is ``fixed`` no cell is broken into lines."""
    shown = Table(title=escape(title), title_justify="left", title_style="bold", header_style="dim", box=box.SIMPLE_HEAD)
    shown.show_edge, shown.pad_edge, shown.padding = False, False, (0, 1, 0, 0)
    for i, column in enumerate(columns):
        shown.add_column(column, overflow="fold", no_wrap=fixed or i == 0)
    return shown
