"""Which column of a file is which of ours, and what the other columns, the attributes, hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from features.contract import Finding, Severity
from features.data_settings import InteractionsSettings, TableSettings
from features.nearest import did_you_mean
from features.times import ISO_TIME, is_text, read_times

Kind = Literal["empty", "number", "text", "time", "other"]
"""What an attribute holds; ``other`` is a type of the source that none can have."""
OWN = {
    "interactions": ("lead_id", "occurred_at", "direction", "recorded_at", "interaction_id", "order"),
    "leads": ("lead_id", "created_at"),
    "outcomes": ("lead_id", "closed_at", "outcome"),
}
_RESERVED = frozenset((*OWN["interactions"], *OWN["leads"], "type"))


@dataclass
class Layout:
    """A table's columns.

    Attributes:
        columns: our name -> the file's.
        types: the file's columns that make up the type of an interaction.
        attributes: our name -> the file's.
        findings: what is missing, and what cannot be taken.
    """

    table: str
    names: list[str]
    columns: dict[str, str] = field(default_factory=dict)
    types: tuple[str, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def say(self, severity: Severity, code: str, column: str, detail: str, hint: str) -> None:
        """Note a finding about a column."""
        self.findings.append(Finding(severity, code, self.table, column, 1, detail, hint))

    def miss(self, own: str, theirs: str, severity: Severity = "error") -> None:
        """Note that a column is not there, and which may have been meant."""
        asked = f"the column {theirs!r}" + ("" if own == theirs else f" (our {own})")
        guess = did_you_mean(theirs, self.names, 0.5) or f"The file has: {', '.join(self.names)}."
        hint = f'{guess} Say which column it is under [data]: {self.table} = {{ columns = {{ {own} = "..." }} }}.'
        self.say(severity, "missing_column", theirs, f"{self.table} lacks {asked}", hint)


def lay_out(table: str, settings: TableSettings, names: list[str], required: Iterable[str]) -> Layout:
    """Find our columns among the ``names`` of a file's; what is required or configured and not there is an error finding."""
    layout = Layout(table, names)
    configured = settings.source()
    needed = {own: configured.get(own, own) for own in required} | configured
    if isinstance(settings, InteractionsSettings):
        layout.types = settings.type_columns()
    for own, theirs in [*needed.items(), *(("type", theirs) for theirs in layout.types)]:
        if theirs not in names:
            layout.miss(own, theirs)
    layout.columns = {own: theirs for own in OWN[table] if (theirs := configured.get(own, own)) in names}
    if layout.types and layout.types[0] in names:
        layout.columns["type"] = layout.types[0]
    if table != "outcomes":
        _find_attributes(layout, {theirs: own for own, theirs in configured.items()})
    return layout


def _find_attributes(layout: Layout, renamed: dict[str, str]) -> None:
    taken = {*layout.columns.values(), *layout.types}
    for theirs in layout.names:
        own = renamed.get(theirs, theirs)
        if theirs in taken:
            continue
        if own in _RESERVED:
            hint = f'Rename it if it is an attribute: columns = {{ {own}_of_lead = "{theirs}" }}.'
            layout.say("info", "reserved_name", theirs, f"{theirs!r} is a name of ours and no attribute; left out", hint)
        else:
            layout.attributes[own] = theirs


def matches(table: str, attribute: str, patterns: Iterable[str]) -> list[str]:
    """The patterns that fit an attribute, by its name or by ``table.name``."""
    return [pattern for pattern in patterns if fnmatchcase(attribute, pattern) or fnmatchcase(f"{table}.{attribute}", pattern)]


def as_text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Ids and categories as strings: whole numbers without a fraction, truths as true/false, and empty text as missing."""
    values = _plain(values)
    if pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
        values = _whole(values)
    text = values.cast(pa.string())
    empty = pc.equal(text, "")
    return pc.if_else(empty, None, text) if pc.any(empty).as_py() else text


def can_be_text(kind: pa.DataType) -> bool:
    """Whether ``as_text`` takes columns of this type: text, numbers and truths."""
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    number = pa.types.is_integer(inner) or pa.types.is_floating(inner) or pa.types.is_decimal(inner)
    return bool(is_text(inner) or number or pa.types.is_boolean(inner) or pa.types.is_null(inner))


def name_of(kind: pa.DataType) -> str:
    """A type for people; one that Arrow does not have is named as its database names it."""
    return kind.type_name if isinstance(kind, pa.OpaqueType) else str(kind)


def _plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values


def _whole(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Numbers as they are or, each that is whole, as text without a fraction."""
    try:
        return values.cast(pa.int64())
    except pa.ArrowInvalid:
        plain = values.cast(pa.float64())
        whole = pc.and_(pc.equal(plain, pc.floor(plain)), pc.less(pc.abs(plain), 2.0**63))
        integers = pc.cast(pc.if_else(whole, values, None), pa.int64(), safe=False)
        return pc.if_else(whole, integers.cast(pa.string()), values.cast(pa.string()))


def kind_of(values: pa.ChunkedArray, *, infer: bool) -> Kind:
    """What an attribute holds.

    Args:
        values: the column as it is in the source.
        infer: the source tells no types, so text that is all numbers is numeric, and text that is all times is a time.
    """
    if not can_be_text(values.type):
        return "other"
    if values.null_count == len(values):
        return "empty"
    values = _plain(values)
    if not is_text(values.type):
        return "text" if pa.types.is_boolean(values.type) else "number"
    text = as_text(values)
    if text.null_count == len(text):
        return "empty"
    return _inferred(text) if infer else "text"


def _inferred(text: pa.ChunkedArray) -> Kind:
    if _are_numbers(text):
        return "number"
    first = text.drop_null().slice(0, 1)
    return "time" if pc.match_substring_regex(first, ISO_TIME)[0].as_py() and not read_times(text, None).unparseable.any() else "text"


def join_kinds(kinds: Iterable[Mapping[str, Kind]]) -> dict[str, Kind]:
    """What the attributes of a table hold, from what those of its shares do: what is empty says nothing, and what differs is text."""
    joined: dict[str, Kind] = {}
    for one in kinds:
        for name, kind in one.items():
            known = joined.get(name, "empty")
            joined[name] = kind if known in ("empty", kind) else known if kind == "empty" else "text"
    return joined


def attribute(values: pa.ChunkedArray, kind: Kind, *, categorical: bool) -> pa.ChunkedArray | str:
    """An attribute as float64 (numeric) or string (categorical), or the reason why it can be neither.

    Args:
        values: the column as it is in the source.
        kind: what it holds, there and in all other shares.
        categorical: it is declared categorical.
    """
    if kind == "empty":
        return "it is empty"
    values = _plain(values)
    if kind in ("time", "other"):
        return f"it holds {'times' if kind == 'time' else name_of(values.type)}; only numbers, text and truths can be attributes"
    if categorical or kind == "text":
        return as_text(values)
    numbers = pc.cast(as_text(values) if is_text(values.type) else values, pa.float64(), safe=False)
    finite = pc.is_finite(numbers)
    return numbers if pc.all(finite).as_py() else pc.if_else(finite, numbers, None)


def _are_numbers(text: pa.ChunkedArray) -> bool:
    try:
        return bool(pc.all(pc.is_finite(pc.cast(text, pa.float64()))).as_py())
    except pa.ArrowInvalid:
        return False
