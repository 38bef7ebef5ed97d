"""Tables as they lie in their sources, and which row of which file each of their rows came from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import pyarrow as pa

from features.layout import Kind

_PART, _NUMBER = pa.field("part of the source", pa.int32()), pa.field("number in the part", pa.int64())
"""The columns that say where a row came from, while it travels."""


def with_places(schema: pa.Schema) -> pa.Schema:
    """The columns of rows that carry along where they came from."""
    return schema.append(_PART).append(_NUMBER)


def without_places(rows: pa.Table, place: Callable[[int, int], str]) -> tuple[pa.Table, Callable[[int], str]]:
    """The rows as they were, and where each came from by its position, in words; ``place`` knows it by part and number."""
    part, number = (np.asarray(rows[field.name]) for field in (_PART, _NUMBER))
    return rows.drop_columns([_PART.name, _NUMBER.name]), lambda position: place(int(part[position]), int(number[position]))


@dataclass(frozen=True)
class Part:
    """One file of a table.

    Attributes:
        rows: what was read.
        skipped: the rows of the file, in its own count, that are not among them.
        untyped: the file tells no types, so that all columns are text.
        numbered: its rows have an order, in which people can count them.
    """

    name: str
    rows: pa.Table
    skipped: tuple[int, ...] = ()
    untyped: bool = False
    numbered: bool = True

    def place(self, position: int) -> str:
        """File and row, for people, of a row that was read; of a database's table its name."""
        return f"{self.name}, row {self.row(position)}" if self.numbered else self.name

    def row(self, position: int) -> int:
        """The row in the file, counted as a spreadsheet would (a CSV's header is row 1), of a row that was read."""
        row = position + (2 if self.untyped else 1)
        for skipped in self.skipped:
            row += skipped <= row
        return row


@dataclass(frozen=True, eq=False)
class RawTable:
    """A table as it lies in its source, or a share of its rows.

    Attributes:
        rows: all columns with the types of the source; those of a CSV are text, and empty text is missing.
        place: where a row came from, by its position in ``rows``, in words: file and row.
        untyped: all columns are text because the files do not tell their types.
        skipped: how many rows could not be read at all.
        skipped_at: the place of the first of them.
        kinds: what each attribute holds, by our name, where that is decided over more rows than these; else these rows decide.
    """

    rows: pa.Table
    place: Callable[[int], str]
    untyped: bool = False
    skipped: int = 0
    skipped_at: str = ""
    kinds: Mapping[str, Kind] | None = None

    @classmethod
    def of_parts(cls, parts: list[Part]) -> RawTable:
        """The rows of one or several files, in the order of the parts."""
        broken = next((part for part in parts if part.skipped), None)
        return cls(
            rows=pa.concat_tables([part.rows for part in parts], promote_options="permissive"),
            place=_places(parts),
            untyped=all(part.untyped for part in parts),
            skipped=sum(len(part.skipped) for part in parts),
            skipped_at="" if broken is None else f"{broken.name}, row {broken.skipped[0]}",
        )


def _places(parts: list[Part]) -> Callable[[int], str]:
    starts = list(accumulate((part.rows.num_rows for part in parts[:-1]), initial=0))

    def place(position: int) -> str:
        part = bisect_right(starts, position) - 1
        return parts[part].place(position - starts[part])

    return place
