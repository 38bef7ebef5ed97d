"""Checks of a table: each notes what is wrong as a finding, and sets aside the rows that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import Finding, Severity
from features.layout import Kind, Layout, as_text, attribute, can_be_text, kind_of, matches, name_of
from features.notes import STRAY_TEXT, Notes, about
from features.numbers import strays
from features.raw import RawTable
from features.times import is_text, read_times

_LONGEST_EXAMPLE = 60
_STRAY = "values are no numbers, but most of the attribute's are meant as such; all of it is taken as text"
_PLAIN_NUMBERS = "Write numbers as 1234.5 and what is not known as nothing; or name the attribute in categorical_attributes under [data]."
_OBSERVED_UNTIL = 'Correct them, or write under [data] when the data end: observed_until = "2026-01-31".'


class TableCheck:
    """One table on its way from the file's columns to ours; its length is the number of rows that are left.

    Args:
        raw: the table as the file has it.
        layout: where our columns are found in it, and what was wrong with that.

    Attributes:
        name: interactions, leads or outcomes.
        source: our name of a column -> the file's.
        columns: our columns so far, over the rows that are left.
        kinds: what each attribute that is not excluded holds in these rows, by our name.
    """

    def __init__(self, raw: RawTable, layout: Layout) -> None:
        self.name = layout.table
        self.raw = raw
        self.layout = layout
        self.source = layout.columns | layout.attributes
        self.columns: dict[str, pa.ChunkedArray] = {}
        self.kinds: dict[str, Kind] = {}
        self._said = layout.findings
        self._denied: set[Finding] = set()
        self._counted: list[Finding] = []
        self._meant: dict[str, int] = {}
        self._left = np.ones(raw.rows.num_rows, dtype=bool)
        self._spoiled = np.zeros(raw.rows.num_rows, dtype=bool)
        self._refuse_what_cannot_be_text()

    def __len__(self) -> int:
        return int(np.count_nonzero(self._left))

    def _refuse_what_cannot_be_text(self) -> None:
        for own, theirs in [*self.layout.columns.items(), *(("type", name) for name in self.layout.types if name in self.layout.names)]:
            kind = self.raw.rows.schema.field(theirs).type
            if not own.endswith("_at") and not can_be_text(kind):
                self.say(
                    "error", "unusable_column", own, f"the column {theirs!r} ({own}) holds {name_of(kind)}", "It must hold text or numbers."
                )
                self.source.pop(own, None)

    def given(self, theirs: str) -> pa.ChunkedArray:
        """A column of the file, by its name there, over the rows that are left."""
        values = self.raw.rows[theirs]
        return values if self._left.all() else values.filter(pa.array(self._left))

    def say(
        self, severity: Severity, code: str, column: str, detail: str, hint: str = "", *, holds: bool = True, example: str = ""
    ) -> None:
        """Note a finding about the table as a whole or about one column, or that it does not hold, whatever other shares say."""
        finding = Finding(severity, code, self.name, self.source.get(column, column), 1, detail, hint, example)
        if holds:
            self._said.append(finding)
        else:
            self._denied.add(about(finding))

    def note(self, severity: Severity, code: str, column: str, rows: np.ndarray, detail: str, hint: str = "") -> None:
        """Note a finding about the ``rows`` (bool[n]), if there are any, with the first of them as the example."""
        if rows.any():
            example = self._example(column, int(np.argmax(rows)))
            count = int(np.count_nonzero(rows))
            self._counted.append(Finding(severity, code, self.name, self.source.get(column, column), count, detail, hint, example))

    def spoil(self, code: str, column: str, rows: np.ndarray, detail: str, hint: str = "") -> None:
        """Note a finding about the ``rows`` (bool[n]) and count them as unusable, though they may be kept."""
        self.note("warning", code, column, rows, detail, hint)
        self._spoiled[np.flatnonzero(self._left)[rows]] = True

    def set_aside(self, code: str, column: str, rows: np.ndarray, detail: str, hint: str = "") -> None:
        """Note a finding about the ``rows`` (bool[n]), count them as unusable and go on without them."""
        self.spoil(code, column, rows, detail, hint)
        self._drop(rows)

    def leave_out(self, code: str, column: str, rows: np.ndarray, detail: str) -> None:
        """Note that the ``rows`` (bool[n]) are not needed and go on without them."""
        self.note("info", code, column, rows, detail)
        self._drop(rows)

    def put(self, column: str, values: pa.Array | pa.ChunkedArray) -> None:
        """Add a column of ours."""
        self.columns[column] = values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])

    def _drop(self, rows: np.ndarray) -> None:
        if rows.any():
            self._left[self._left] = ~rows
            mask = pa.array(~rows)
            self.columns = {name: values.filter(mask) for name, values in self.columns.items()}

    def _example(self, column: str, row: int) -> str:
        position = int(np.flatnonzero(self._left)[row])
        place = self.raw.place(position)
        if column not in self.source:
            return place
        value = self.raw.rows[self.source[column]][position]
        if not value.is_valid:
            return f"{place}: (empty)"
        text = repr(value.as_py()) if is_text(value.type) else _written(value)
        return f"{place}: {text[:_LONGEST_EXAMPLE]}"

    def notes(self) -> Notes:
        """What was noticed."""
        skipped, counted = self.raw.skipped, list(self._counted)
        if skipped:
            detail = "rows have more or fewer columns than the header; set aside"
            hint = "Put values that contain the delimiter into double quotes."
            counted.append(Finding("warning", "ragged_row", self.name, "", skipped, detail, hint, self.raw.skipped_at))
        return Notes(
            said=tuple(self._said),
            denied=frozenset(self._denied),
            counted=tuple(counted),
            rows={self.name: self.raw.rows.num_rows + skipped},
            unusable={self.name: int(np.count_nonzero(self._spoiled)) + skipped},
            attributes={self.name: tuple(self.layout.attributes)},
            meant={f"{self.name}.{theirs}": more for theirs, more in self._meant.items()},
        )

    def take_ids(self, column: str) -> None:
        """Add a column of ids as text, and set the rows without one aside."""
        if column in self.source:
            self.put(column, as_text(self.given(self.source[column])))
            self.set_aside("missing_id", column, is_null(self.columns[column]), f"rows have no {column}; set aside")

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
        self.spoil("unparseable_time", column, moments.unparseable, f"times cannot be read; {then}", iso_hint)
        self.spoil("time_out_of_range", column, moments.out_of_range, f"times lie outside 1970 to 2200; {then}")
        late = np.asarray(pc.greater(moments.values, pa.scalar(datetime.now(UTC))).fill_null(pa.scalar(value=False)))
        self.note("warning", "future_time", column, late, "times lie in the future; so would the end of what was observed", _OBSERVED_UNTIL)
        if required:
            self.spoil("missing_time", column, moments.missing, f"rows have no {column}; set aside")
            self._drop(is_null(moments.values) & ~moments.naive)

    def take_attributes(self, excluded: Sequence[str], categorical: Sequence[str]) -> None:
        """Add the attributes that can be used and are not excluded by the shell patterns."""
        for own, theirs in self.layout.attributes.items():
            if matches(self.name, own, excluded):
                continue
            given, declared = self.given(theirs), bool(matches(self.name, own, categorical))
            self.kinds[own] = kind_of(given, infer=self.raw.untyped and not declared)
            kinds = self.kinds if self.raw.kinds is None else self.raw.kinds
            values = attribute(given, kinds[own], categorical=declared)
            if self.raw.untyped and kinds[own] == "text" and not declared:
                rows, self._meant[self.source[own]] = strays(given)
                self.note("warning", STRAY_TEXT, own, rows, _STRAY, _PLAIN_NUMBERS)
            if isinstance(values, str):
                self.say("info", "unusable_attribute", own, f"the attribute {theirs!r} is left out: {values}")
            else:
                self.put(own, values)

    def table(self) -> pa.Table:
        """Our columns."""
        return pa.table(self.columns)


def _written(value: pa.Scalar) -> str:
    if pa.types.is_timestamp(value.type):
        return str(np.datetime64(value.cast(pa.int64()).as_py(), value.type.unit))
    try:
        return str(value.cast(pa.string()).as_py())
    except pa.ArrowNotImplementedError:
        return f"a value of type {value.type}"


def is_null(values: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """bool[n]: where there is no value."""
    return np.asarray(values.is_null())


def codes_of(values: pa.ChunkedArray) -> np.ndarray:
    """int32[n]: equal values have equal codes, a missing one has -1."""
    coded = values.dictionary_encode()
    return np.concatenate([np.zeros(0, dtype=np.int32), *(chunk.indices.fill_null(-1).to_numpy() for chunk in coded.chunks)])


def _joint_codes(columns: list[pa.ChunkedArray]) -> np.ndarray:
    """int32[n]: rows that are equal in all columns have equal codes, a row that misses one has -1."""
    codes = codes_of(columns[0])
    for column in columns[1:]:
        others = codes_of(column).astype(np.int64)
        pairs = codes * (others.max(initial=0) + 1) + others
        codes = codes_of(pa.chunked_array([pa.array(pairs, mask=(codes < 0) | (others < 0))]))
    return codes


def first_of_each(table: pa.Table, keys: list[str], by: list[str]) -> np.ndarray:
    """bool[n]: of the rows that are equal in all ``keys`` the first by the columns ``by``, and every row that misses one of the keys.

    Ties are settled by what the rows hold, never by their order.
    """
    codes = _joint_codes([table[key] for key in keys])
    repeated = np.flatnonzero((np.bincount(codes + 1)[codes + 1] > 1) & (codes >= 0))
    kept = np.ones(len(codes), dtype=bool)
    if len(repeated):
        rest = sorted({*table.column_names} - {*keys, *by})
        ranks = pc.sort_indices(table.take(pa.array(repeated)), sort_keys=[(name, "ascending") for name in (*keys, *by, *rest)]).to_numpy()
        ranked = repeated[ranks]
        kept[ranked[1:][codes[ranked[1:]] == codes[ranked[:-1]]]] = False
    return kept
