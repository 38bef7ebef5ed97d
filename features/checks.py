"""Checks of a table: each notes what is wrong as a finding, and sets aside the rows that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import Finding, Severity
from features.files import RawTable
from features.layout import Layout, as_text, attribute, matches
from features.times import read_times

REFUSED_SHARE = 0.05
"""With a larger share of unusable rows in a table, a data set is refused."""
_LONGEST_EXAMPLE = 60


class TableCheck:
    """One table on its way from the file's columns to ours.

    Attributes:
        name: interactions, leads or outcomes.
        source: our name of a column -> the file's.
        columns: our columns so far, over the rows that are left.
        findings: all that was noticed.
        unusable: how many rows were set aside or lost a value that a person wrote.
    """

    def __init__(self, raw: RawTable, layout: Layout) -> None:
        self.name = layout.table
        self.raw = raw
        self.layout = layout
        self.source = layout.columns | layout.attributes
        self.columns: dict[str, pa.ChunkedArray] = {}
        self.findings = layout.findings
        self.unusable = raw.skipped
        self._left: np.ndarray | None = None

    def __len__(self) -> int:
        return self.raw.rows.num_rows if self._left is None else len(self._left)

    def given(self, theirs: str) -> pa.ChunkedArray:
        """A column of the file, by its name there, over the rows that are left."""
        values = self.raw.rows[theirs]
        return values if self._left is None else values.take(pa.array(self._left))

    def say(self, severity: Severity, code: str, column: str, detail: str, hint: str = "", *, count: int = 1, example: str = "") -> None:
        """Note a finding about the table as a whole or about one column."""
        self.findings.append(Finding(severity, code, self.name, self.source.get(column, column), count, detail, hint, example))

    def note(self, severity: Severity, code: str, column: str, rows: np.ndarray, detail: str, hint: str = "") -> int:
        """Note a finding about the ``rows`` (bool[n]), if there are any, with the first of them as the example; returns how many."""
        count = int(np.count_nonzero(rows))
        if count:
            example = self._example(column, int(np.argmax(rows)))
            self.say(severity, code, column, detail, hint, count=count, example=example)
        return count

    def put(self, column: str, values: pa.Array | pa.ChunkedArray) -> None:
        """Add a column of ours."""
        self.columns[column] = values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])

    def set_aside(self, code: str, column: str, rows: np.ndarray, detail: str, hint: str = "", *, harmless: bool = False) -> None:
        """Note a finding about the ``rows`` (bool[n]) and go on without them; ``harmless`` ones do not count as unusable."""
        count = self.note("info" if harmless else "warning", code, column, rows, detail, hint)
        if not count:
            return
        self.unusable += 0 if harmless else count
        self._drop(rows)

    def _drop(self, rows: np.ndarray) -> None:
        if not rows.any():
            return
        kept = np.flatnonzero(~rows)
        self._left = kept if self._left is None else self._left[kept]
        mask = pa.array(~rows)
        self.columns = {name: values.filter(mask) for name, values in self.columns.items()}

    def _example(self, column: str, row: int) -> str:
        position = row if self._left is None else int(self._left[row])
        place = self.raw.place(position)
        if column not in self.source:
            return place
        value = self.raw.rows[self.source[column]][position].as_py()
        text = "(empty)" if value is None else repr(value) if isinstance(value, str) else str(value)
        return f"{place}: {text[:_LONGEST_EXAMPLE]}"

    def refuse_if_broken(self) -> None:
        """Add an error when the table is empty or too much of it cannot be used."""
        rows = self.raw.rows.num_rows + self.raw.skipped
        if self.raw.skipped:
            self._say_skipped()
        if rows == 0:
            severity: Severity = "error" if self.name == "leads" else "warning"
            self.say(severity, "empty_table", "", f"the table {self.name} has no rows", "Is it the right file?")
        elif self.unusable > REFUSED_SHARE * rows:
            detail = f"{self.unusable:,} of {rows:,} rows cannot be used ({self.unusable / rows:.1%}, more than {REFUSED_SHARE:.0%})"
            self.say("error", "too_many_unusable", "", detail, "Mend what the warnings about this table name.", count=self.unusable)

    def _say_skipped(self) -> None:
        part = next(part for part in self.raw.parts if part.skipped)
        detail = "rows have more or fewer columns than the header; set aside"
        hint = "Put values that contain the delimiter into double quotes."
        self.say("warning", "ragged_row", "", detail, hint, count=self.raw.skipped, example=f"{part.name}, row {part.skipped[0]}")

    def take_ids(self, column: str) -> None:
        """Add a column of ids as text, and set the rows without one aside."""
        if column in self.source:
            self.put(column, as_text(self.given(self.source[column])))
            self.set_aside("missing_id", column, is_null(self.columns[column]), "rows have no " + column + "; set aside")

    def take_times(self, column: str, zone: str | None, *, required: bool = False) -> None:
        """Add a column of moments. Rows without one are set aside if it is ``required``, otherwise the moment is missing."""
        if column not in self.source:
            return
        moments = read_times(self.given(self.source[column]), zone)
        self.put(column, moments.values)
        zone_hint = 'Write under [data] where the times were noted: timezone = "Europe/Berlin".'
        self.note("error", "naive_time", column, moments.naive, "times bear no time zone", zone_hint)
        then = "set aside" if required else "taken as missing"
        iso_hint = "Write times as 2026-01-31T08:00:00Z (ISO 8601)."
        self.unusable += self.note("warning", "unparseable_time", column, moments.unparseable, "times cannot be read; " + then, iso_hint)
        self.unusable += self.note("warning", "time_out_of_range", column, moments.out_of_range, "times lie outside 1970 to 2200; " + then)
        if required:
            self.unusable += self.note("warning", "missing_time", column, moments.missing, "rows have no " + column + "; set aside")
            self._drop(is_null(moments.values) & ~moments.naive)

    def take_attributes(self, excluded: Sequence[str], categorical: Sequence[str]) -> None:
        """Add the attributes that can be used and are not excluded by the shell patterns."""
        for own, theirs in self.layout.attributes.items():
            if matches(self.name, own, excluded):
                continue
            values = attribute(self.given(theirs), infer=self.raw.untyped, categorical=bool(matches(self.name, own, categorical)))
            if isinstance(values, str):
                self.say("info", "unusable_attribute", own, f"the attribute {theirs!r} is left out: {values}")
            else:
                self.put(own, values)

    def table(self) -> pa.Table:
        """Our columns."""
        return pa.table(self.columns)


def is_null(values: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """bool[n]: where there is no value."""
    return np.asarray(values.is_null())


def codes_of(values: pa.ChunkedArray) -> np.ndarray:
    """int32[n]: equal values have equal codes, a missing one has -1."""
    codes: np.ndarray = values.combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy()
    return codes


def first_of_each(table: pa.Table, key: str, by: list[str]) -> np.ndarray:
    """bool[n]: for each value of ``key`` its first row by the columns ``by``, and every row without a value.

    Ties are settled by what the rows hold, never by their order.
    """
    codes = codes_of(table[key])
    repeated = np.flatnonzero((np.bincount(codes + 1)[codes + 1] > 1) & (codes >= 0))
    kept = np.ones(len(codes), dtype=bool)
    if len(repeated):
        rest = sorted({*table.column_names} - {key, *by})
        ranks = pc.sort_indices(table.take(pa.array(repeated)), sort_keys=[(name, "ascending") for name in (key, *by, *rest)]).to_numpy()
        ranked = repeated[ranks]
        kept[ranked[1:][codes[ranked[1:]] == codes[ranked[:-1]]]] = False
    return kept
