"""Reading rows of results, and writing them as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

SORTED = "_sorted"
"""How the names of contenders end who begin with sorted data."""
OURS = "leadheat"
BY_HAND = "numpy"
"""A contender that is no library's way but ours, written as cunningly as we can: told, too, but no peer."""


def prose(text: str) -> str:
    """A paragraph, however its lines are broken in the source."""
    return " ".join(text.split())


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a bar in a cell is no border."""
    rows = [head, ["---"] + ["---:"] * (len(head) - 1), *lines]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


def by_name(rows: Iterable[Row], name: str, key: str = "contender") -> Row | None:
    """The row of a contender that has a time."""
    return next((row for row in rows if row[key] == name and row.get("seconds")), None)


def fastest_peer(rows: Iterable[Row]) -> Row | None:
    """Of those who begin with unsorted data, leadheat and what is written by hand aside, the one with the least time."""
    return min(
        (
            row
            for row in rows
            if row.get("seconds") and not row["contender"].startswith((OURS, BY_HAND)) and not row["contender"].endswith(SORTED)
        ),
        key=lambda row: float(row["seconds"]),
        default=None,
    )


def verdict(ours: float, theirs: float) -> str:
    """Who is faster, and by how much."""
    ratio = theirs / ours
    return f"{ratio:.1f} times faster" if ratio >= 1 else f"{1 / ratio:.1f} times slower"


def seconds(row: Row) -> str:
    """The time of a row."""
    return f"{row['seconds']:.2f} s"


def features_table(world: Row, own: Row | None) -> str:
    """A line for each contender; ``own`` is the one that the others are measured by."""
    lines = []
    for row in world["rows"]:
        if row["failure"]:
            lines.append((row["title"], row["failure"], "", "", "", ""))
            continue
        ratio = "" if own is None or row is own else f"{row['seconds'] / own['seconds']:.2f}"
        memory = f"{row['peak_gb']:.2f} GB"
        lines.append((row["title"], str(row["columns"]), seconds(row), f"{row['processor_seconds']:.2f} s", memory, ratio))
    return table(("", "columns", "time", "processor", "memory", "times leadheat's"), lines)
