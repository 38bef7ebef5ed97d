"""One lead, or a few, as records: how the service and MLflow hand histories in. No pandas, no Arrow tables, microseconds matter."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from features.columns import LARGEST, Attributes, Schema, Texts, text
from features.consent import ConsentRule, Withheld
from features.contract import DataError
from features.history import DIRECTIONS, UNKNOWN, History
from features.native.reading import LEAD_FIELDS, ROW_FIELDS, Named, Reading, Values, take

_LAST_DIRECTION = 3
_OCCURRED_AT = attrgetter("occurred_at")
_DIRECTIONS: dict[Any, int] = {None: UNKNOWN, UNKNOWN: UNKNOWN} | DIRECTIONS | {code: code for code in DIRECTIONS.values()}


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


def history_of(leads: Sequence[LeadRecord], schema: Schema) -> History:
    """The same ``History`` that the tables of these leads would give, to the last bit.

    Attributes that the schema does not name, and interactions of types that it excludes, are ignored, and the leads' attributes are told
    as ``unknown``; interactions that count only with consent are withheld where there is none.

    Raises:
        NumberError: a numeric attribute holds something else.
        TypeError: a lead or an interaction is no record.
    """
    told = tuple(rule for rule in schema.consent if rule.attribute is not None)
    rows: list[list[Any]] = [lead.interactions if type(lead.interactions) is list else list(lead.interactions) for lead in leads]
    reading, columns, withheld = _reading(schema), None, None
    if not (told or schema.excluded):
        columns = take(reading, leads, rows, settled=False)
    if columns is None:
        rows = [_sorted_once(map(_record, some), schema) for some in rows]
        if told:
            rows, withheld = _with_consent(rows, told)
        columns = take(reading, leads, rows, settled=True)
    return History(
        lead_ids=pa.array(columns.lead_ids, pa.string()),
        start=columns.start,
        occurred_at=columns.occurred_at,
        known_at=columns.known_at,
        type=Texts(columns.types),
        direction=columns.direction,
        attributes=_attributes(reading.of_rows, columns.of_rows),
        created_at=columns.created_at,
        lead_attributes=_attributes(reading.of_leads, columns.of_leads),
        consented=told,
        withheld=withheld,
        unknown=_unknown(columns.with_others, schema.lead_attributes) if any(columns.with_others) else (),
    ).with_consent(schema.consent)


@lru_cache(maxsize=64)
def _reading(schema: Schema) -> Reading:
    """How rows are read for a schema."""
    named = (
        Named(numeric, tuple(partial(number, name=name) for name in numeric), categorical)
        for numeric, categorical in ((schema.numeric, schema.categorical), (schema.lead_numeric, schema.lead_categorical))
    )
    return Reading(dict, InteractionRecord, LeadRecord, float, LARGEST, str, None, InteractionRecord._fields, _DIRECTIONS, text, *named)


def _attributes(named: Named, values: Values) -> Attributes:
    return Attributes(
        dict(zip(named.numeric, values.numeric, strict=True)),
        dict(zip(named.categorical, map(Texts, values.categorical), strict=True)),
    )


def _unknown(leads: Iterable[Mapping[str, Any] | None], known: frozenset[str]) -> tuple[tuple[str, ...], ...]:
    """The names of what each lead's attributes say besides what is known."""
    return tuple(tuple(sorted(str(name) for name, value in (told or {}).items() if name not in known and _says(value))) for told in leads)


def _says(value: object) -> bool:
    """Whether a value, whatever it is, is not one of those that mean that nothing is known."""
    missing = value is None or (isinstance(value, str) and not value) or (isinstance(value, float | np.floating) and math.isnan(value))
    return not missing


def _record(row: InteractionRecord | Mapping[str, Any]) -> InteractionRecord:
    """A row as a record."""
    if isinstance(row, InteractionRecord):
        return row
    record = InteractionRecord(**row)
    return record._replace(direction=_DIRECTIONS[record.direction], order=record.order or 0)


def _with_consent(
    leads: Sequence[Sequence[InteractionRecord]], rules: Sequence[ConsentRule]
) -> tuple[list[list[InteractionRecord]], Withheld]:
    """Each lead's rows without those whose own attributes had to tell their consent and do not, and when these were known."""
    kept: list[list[InteractionRecord]] = []
    lead, moments = [], []
    for number, rows in enumerate(leads):
        kept.append([])
        for row in rows:
            if all(rule.told_by(row.attributes) for rule in rules if rule.asks(row.type)):
                kept[-1].append(row)
            else:
                lead.append(number)
                moments.append(_known_at(row))
    return kept, Withheld.of(np.array(lead, np.int64), np.array(moments, np.int64), len(leads))


def _known_at(row: InteractionRecord) -> int:
    return row.occurred_at if row.recorded_at is None else max(row.occurred_at, row.recorded_at)


def _sorted_once(rows: Iterable[InteractionRecord], schema: Schema) -> list[InteractionRecord]:
    """By time, then by content as ``History.from_tables`` does; a repeated ``interaction_id`` counts once, as first known."""
    counted = (row for row in rows if not schema.excludes(row.type))
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
    """Nothing happens when the ``attributes`` of all rows are numbers where they should be.

    Raises:
        NumberError: one is none.
    """
    for row in rows:
        values = row.get("attributes") or {}
        for name in numeric:
            number(values.get(name), name)


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
