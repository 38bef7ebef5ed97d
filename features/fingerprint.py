"""A fingerprint of tables that tells their content, and neither the order of rows and columns nor how files are laid out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Content:
    """What a table, or a share of its rows, holds: the names and types of its columns, the number of its rows, and their sums.

    A row's columns, in the order of their names, are mixed to 64 bits; the rows' values are added up after two further mixings, so that
    the sums do not depend on the order of the rows (a multiset hash of 128 bits).
    """

    columns: tuple[tuple[str, str], ...]
    rows: int
    sums: tuple[int, int]

    @classmethod
    def of(cls, table: pa.Table) -> Content:
        """The content of a table."""
        from features.mixing import hashes, sums  # with Numba, which a service's worker does without

        rows = hashes(table)
        first, second = sums(rows)
        return cls(tuple(sorted((name, str(table[name].type)) for name in table.column_names)), len(rows), (int(first), int(second)))

    @classmethod
    def sum(cls, shares: Sequence[Content]) -> Content:
        """The content of one table from those of its shares, of which there is at least one."""
        first, second = (sum(values) % 2**64 for values in zip(*(one.sums for one in shares), strict=True))
        return cls(shares[0].columns, sum(one.rows for one in shares), (first, second))


def fingerprint(contents: Mapping[str, Content]) -> str:
    """The sha256 of the tables' names, columns, types and rows, each table taken as a set of rows that may repeat."""
    told = {
        name: {"columns": one.columns, "rows": one.rows, "sums": [f"{total:016x}" for total in one.sums]} for name, one in contents.items()
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
