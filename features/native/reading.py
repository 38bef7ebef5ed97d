"""From rows, as Python holds them, to columns, by machine code: once for all leads of a request."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate
from typing import Any, Literal, NamedTuple, overload

import numpy as np

from features.native import objects

DONE, UNORDERED, FAILED, ODD_ROW, ODD_LEAD = range(5)
"""What comes of ``take``: all is read; a lead's rows are out of order, or two share an id; an error was raised; a row or a lead is not what
``Reading`` names."""
ROW_FIELDS = ("type", "occurred_at", "recorded_at", "direction", "order", "interaction_id", "attributes")
LEAD_FIELDS = ("lead_id", "created_at", "attributes", "interactions")
"""The fields of a row, and of a lead, in their order: the machine code finds them by their places."""
_ASKED = {
    ODD_ROW: "Each interaction must be an InteractionRecord, or a dict of its fields, with a known direction and attributes in a dict.",
    ODD_LEAD: "Each lead must be a LeadRecord with attributes in a dict.",
}

_IGNORED = ctypes.byref(ctypes.c_int64())
"""Where a function puts a result that says nothing."""


class Named(NamedTuple):
    """Attributes by their names.

    Attributes:
        numeric: those that are numbers.
        to_number: for each of them, what makes a float of a value that is none.
        categorical: those that are texts.
    """

    numeric: tuple[str, ...]
    to_number: tuple[Callable[[object], float], ...]
    categorical: tuple[str, ...]


class Reading(NamedTuple):
    """How rows are read; types are told by their identity.

    Attributes:
        mapping: ``dict``: a row by the names of its fields, and attributes.
        row: the named tuple that a row may be instead.
        lead: the named tuple of a lead.
        number: ``float``, which is taken as it is up to ``largest`` either way, and is missing beyond.
        largest: see there.
        text: ``str``, which is taken as it is unless it is empty.
        nothing: None.
        fields: the names of a row's fields, in the order of ``row``.
        directions: from what a row says to a code.
        to_text: makes a text, or None, of a value that is neither.
        of_rows: the attributes to read of rows.
        of_leads: and of leads.
    """

    mapping: type
    row: type
    lead: type
    number: type
    largest: float
    text: type
    nothing: None
    fields: tuple[str, ...]
    directions: dict[Any, int]
    to_text: Callable[[object], str | None]
    of_rows: Named
    of_leads: Named


class Values(NamedTuple):
    """Attributes of n rows: ``numeric`` float64[attributes, n], and for each categorical one n texts or None."""

    numeric: np.ndarray
    categorical: tuple[list[str | None], ...]

    @classmethod
    def of(cls, named: Named, rows: int) -> Values:
        """Room for them."""
        return cls(np.empty((len(named.numeric), rows)), tuple([[None] * rows for _ in named.categorical]))


class Coding(NamedTuple):
    """Columns of n texts each, the positions of the texts that each knows, and where the codes go: int32[n, columns], C order."""

    columns: tuple[list[str | None], ...]
    positions: tuple[dict[str | None, int], ...]
    codes: np.ndarray


class Columns(NamedTuple):
    """Where n rows of L leads go.

    Attributes:
        start: int64[L + 1], the boundaries of each lead's rows.
        types: n texts.
        occurred_at: int64[n], microseconds UTC.
        known_at: int64[n], microseconds UTC, never before ``occurred_at``.
        direction: int8[n].
        of_rows: their attributes.
        lead_ids: L texts.
        created_at: int64[L], microseconds UTC, or ``UNKNOWN_TIME``.
        of_leads: their attributes.
        with_others: of each lead that has attributes besides those that are named all of its attributes, else None.
        seen: for the ids of one lead's rows.
    """

    start: np.ndarray
    types: list[Any]
    occurred_at: np.ndarray
    known_at: np.ndarray
    direction: np.ndarray
    of_rows: Values
    lead_ids: list[Any]
    created_at: np.ndarray
    of_leads: Values
    with_others: list[dict[str, Any] | None]
    seen: set[Any]

    @classmethod
    def of(cls, reading: Reading, counts: list[int]) -> Columns:
        """Room for them, of which each lead has so many."""
        start, leads = np.array([0, *accumulate(counts)], np.int64), len(counts)
        rows = int(start[-1])
        return cls(
            start=start,
            types=[None] * rows,
            occurred_at=np.empty(rows, np.int64),
            known_at=np.empty(rows, np.int64),
            direction=np.empty(rows, np.int8),
            of_rows=Values.of(reading.of_rows, rows),
            lead_ids=[None] * leads,
            created_at=np.empty(leads, np.int64),
            of_leads=Values.of(reading.of_leads, leads),
            with_others=[None] * leads,
            seen=set(),
        )


@overload
def take(reading: Reading, leads: Sequence[Any], rows: Sequence[list[Any]], *, settled: Literal[True]) -> Columns: ...
@overload
def take(reading: Reading, leads: Sequence[Any], rows: Sequence[list[Any]], *, settled: Literal[False]) -> Columns | None: ...
def take(reading: Reading, leads: Sequence[Any], rows: Sequence[list[Any]], *, settled: bool) -> Columns | None:
    """The rows of leads in columns, one lead after the other.

    Args:
        reading: how they are read.
        leads: of its ``lead``.
        rows: of each lead, in place of its own.
        settled: whether they come in their order, and once.

    Returns:
        None where that is not said and cannot be seen, since moments do not ascend, two are the same, or ids are.

    Raises:
        TypeError: a row or a lead is of another type, or a moment is no whole number.
        OverflowError: a moment does not fit into 64 bits.
        DataError: whatever ``to_number`` raises.
    """
    told, columns = ctypes.c_int64(), Columns.of(reading, list(map(len, rows)))
    _take()(ctypes.byref(told), None, reading, tuple(zip(leads, rows, strict=True)), columns, settled)
    if told.value in _ASKED:
        raise TypeError(_ASKED[told.value])
    return columns if told.value == DONE else None


def codes(*asked: Coding) -> None:
    """Write the position of each text, and one less than there are positions where it has none."""
    _codes()(_IGNORED, None, asked)


@cache
def _take() -> Callable[..., object]:
    return _function("leadheat_take", ctypes.py_object, ctypes.py_object, ctypes.py_object, ctypes.c_int64)


@cache
def _codes() -> Callable[..., object]:
    return _function("leadheat_codes", ctypes.py_object)


def _function(symbol: str, *arguments: Any) -> Callable[..., object]:
    """Called with the interpreter's lock held, and what it raises is raised."""
    return ctypes.PYFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *arguments)(objects.address(symbol))
