"""Leads and interactions as records, what is a number in them, and the order in which they count."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import compress, groupby
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from features.columns import LARGEST, text
from features.consent import ConsentRule
from features.contract import DataError
from features.history import DIRECTIONS, UNKNOWN
from features.native.reading import LEAD_FIELDS, ROW_FIELDS
from features.schema import Schema

MOST_UNKNOWN = 100
"""So many attributes of its interactions that are not known are told of a lead: who makes up names has no end of them."""
_LAST_DIRECTION = 3
_OCCURRED_AT = attrgetter("occurred_at")
DIRECTION_OF: dict[Any, int] = {None: UNKNOWN, UNKNOWN: UNKNOWN} | DIRECTIONS | {code: code for code in DIRECTIONS.values()}


class InteractionRecord(NamedTuple):
    """One interaction; moments in microseconds UTC, ``direction`` as in ``features.history.DIRECTIONS`` (0 unknown)."""

    type: str
    occurred_at: int
    recorded_at: int | None = None
    direction: int = 0
    order: int = 0
    interaction_id: str | None = None
    attributes: dict[str, Any] | None = None


class LeadRecord(NamedTuple):
    """One lead with its interactions, in any order; ``created_at`` in microseconds UTC.

    Each interaction is an ``InteractionRecord``, or a dict with those of its fields that are known and the direction in words: to make
    fifty records of what came as JSON would cost more than their features.
    """

    lead_id: str
    created_at: int | None = None
    attributes: dict[str, Any] | None = None
    interactions: Sequence[Any] = ()


if (InteractionRecord._fields, LeadRecord._fields) != (ROW_FIELDS, LEAD_FIELDS):
    raise ImportError("the fields of records are not those that features.native.reading names")


class NumberError(DataError):
    """A numeric attribute holds something else; ``what`` says so without naming the attribute."""

    def __init__(self, name: str, value: object) -> None:
        self.what = f"must be a number, not {value!r:.80}"
        super().__init__(f"Attribute {name!r} {self.what}.", "Send a number, or leave it out.")


def _record(row: InteractionRecord | Mapping[str, Any]) -> InteractionRecord:
    """A row as a record."""
    if isinstance(row, InteractionRecord):
        return row
    record = InteractionRecord(**row)
    return record._replace(direction=DIRECTION_OF[record.direction], order=record.order or 0)


def permitted(rows: Sequence[InteractionRecord], rules: Sequence[ConsentRule]) -> tuple[list[InteractionRecord], list[int]]:
    """A lead's rows without those whose own attributes had to tell their consent and do not, and when these were known."""
    told = [all(rule.told_by(row.attributes) for rule in rules if rule.asks(row.type)) for row in rows]
    return list(compress(rows, told)), [_known_at(row) for row, counts in zip(rows, told, strict=True) if not counts]


def _known_at(row: InteractionRecord) -> int:
    return row.occurred_at if row.recorded_at is None else max(row.occurred_at, row.recorded_at)


def sorted_once(rows: Iterable[InteractionRecord | Mapping[str, Any]], schema: Schema) -> list[InteractionRecord]:
    """By time, then by content as ``History.from_tables`` does; a repeated ``interaction_id`` counts once, as first known."""
    counted = (row for row in map(_record, rows) if not schema.excludes(row.type))
    by_time = groupby(sorted(_first_known(counted, schema), key=_OCCURRED_AT), _OCCURRED_AT)
    return [row for _, tied in by_time for row in _settled(list(tied), schema)]


def _settled(tied: list[InteractionRecord], schema: Schema) -> list[InteractionRecord]:
    """Interactions at one moment, by their content."""
    return tied if len(tied) == 1 else sorted(tied, key=partial(_content, schema=schema))


def _first_known(rows: Iterable[InteractionRecord], schema: Schema) -> list[InteractionRecord]:
    by_id: dict[object, list[InteractionRecord]] = {}
    for number, row in enumerate(rows):
        by_id.setdefault(number if row.interaction_id is None else row.interaction_id, []).append(row)
    return [same[0] if len(same) == 1 else min(same, key=lambda row: (_known_at(row), *_content(row, schema))) for same in by_id.values()]


def _moment(row: InteractionRecord) -> tuple[Any, ...]:
    return row.occurred_at, row.order, row.type, row.direction or _LAST_DIRECTION


def _content(row: InteractionRecord, schema: Schema) -> tuple[Any, ...]:
    """What orders interactions at one moment; what is missing comes last."""
    values = row.attributes or {}
    numbers = [number(values.get(name), name) for name in schema.numeric]
    texts = [text(values.get(name)) for name in schema.categorical]
    return (
        *_moment(row),
        *((math.isnan(one), 0.0 if math.isnan(one) else one) for one in numbers),
        *((one is None, one or "") for one in texts),
        _known_at(row),
    )


def number(value: object, name: str) -> float:
    """A numeric attribute as float; NaN where it is missing or beyond ``LARGEST``.

    Raises:
        NumberError: it is none.
    """
    if value is None or value == "":
        return math.nan
    try:
        result = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError) as error:
        raise NumberError(name, value) from error
    return result if abs(result) <= LARGEST else math.nan


def check_numbers(rows: Iterable[Mapping[str, Any]], numeric: Sequence[str]) -> None:
    """Nothing happens when the ``attributes`` of all rows, each with its ``lead_id``, are numbers where they should be.

    Raises:
        DataError: one is none.
    """
    for row in rows:
        values = row.get("attributes") or {}
        try:
            for name in numeric:
                number(values.get(name), name)
        except NumberError as error:
            raise DataError(f"{error.message[:-1]}, as lead {row['lead_id']!r} has it.", error.hint) from error


def numbers_only(lead: LeadRecord, schema: Schema) -> LeadRecord:
    """The lead without what is no number where the schema has one, for whom that cannot be mended."""
    rows = [row._replace(attributes=_numeric_only(row.attributes, schema.numeric)) for row in map(_record, lead.interactions)]
    return lead._replace(attributes=_numeric_only(lead.attributes, schema.lead_numeric), interactions=rows)


def _numeric_only(values: dict[str, Any] | None, numeric: Sequence[str]) -> dict[str, Any] | None:
    return values and {name: value for name, value in values.items() if name not in numeric or _is_number(value, name)}


def _is_number(value: object, name: str) -> bool:
    try:
        number(value, name)
    except NumberError:
        return False
    return True


def unknown(lead: LeadRecord, rows: Iterable[InteractionRecord | dict[str, Any]], schema: Schema) -> tuple[str, ...]:
    """The names of the attributes that say something and that the schema does not know, sorted.

    Args:
        lead: its own are told by their bare names.
        rows: its interactions that count; theirs are told as ``interactions.name``, the first ``MOST_UNKNOWN`` of them.
        schema: of who reads them.
    """
    of_lead = _further([lead.attributes or {}], schema.lead_attributes)
    given = [values for row in rows if (values := row.get("attributes") if isinstance(row, dict) else row.attributes)]
    of_rows = sorted(f"interactions.{name}" for name in _further(given, schema.row_attributes))
    return tuple(sorted({*map(str, of_lead), *of_rows[:MOST_UNKNOWN]}))


def _further(given: Sequence[Mapping[str, Any]], known: frozenset[str]) -> set[str]:
    """The names under which any of them says something, without those that are known."""
    silent, further = set().union(*given) - known, set[str]()
    for values in given:
        if not silent:  # most often after the first
            break
        for name, value in values.items():
            if name in silent and _says(value):
                silent.remove(name)
                further.add(name)
    return further


def _says(value: object) -> bool:
    """Whether a value, whatever it is, is not one of those that mean that nothing is known."""
    missing = value is None or (isinstance(value, str) and not value) or (isinstance(value, float | np.floating) and math.isnan(value))
    return not missing
