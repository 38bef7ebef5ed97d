"""One lead, or a few, as records: how the service and MLflow hand histories in. No pandas, no Arrow tables, microseconds matter."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, chain, groupby, islice
from operator import attrgetter, lt
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from features.columns import LARGEST, Attributes, Schema, Texts, text
from features.consent import ConsentRule, Withheld
from features.contract import UNKNOWN_TIME, DataError
from features.history import History

_LAST_DIRECTION = 3
_OCCURRED_AT = attrgetter("occurred_at")
_NOTHING: Mapping[str, Any] = {}
_NUMBERS, _TEXTS = {float}, {str, type(None)}


class InteractionRecord(NamedTuple):
    """One interaction; moments in microseconds UTC, ``direction`` as in ``features.history.DIRECTIONS`` (0 unknown)."""

    type: str
    occurred_at: int
    recorded_at: int | None = None
    direction: int = 0
    order: int = 0
    interaction_id: str | None = None
    attributes: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class InteractionColumns(Sequence[InteractionRecord]):
    """The interactions of one lead, kept column by column: half the work for whoever has them so.

    ``columns`` are as long as one another, in the order of the fields of ``InteractionRecord``.
    """

    columns: tuple[Sequence[Any], ...]

    @classmethod
    def of(cls, rows: Sequence[InteractionRecord]) -> InteractionColumns:
        """Of any records."""
        if isinstance(rows, InteractionColumns):
            return rows
        return cls(tuple(zip(*rows, strict=True)) or ((),) * len(InteractionRecord._fields))

    def __len__(self) -> int:
        return len(self.columns[0])

    def __iter__(self) -> Iterator[InteractionRecord]:
        return map(InteractionRecord._make, zip(*self.columns, strict=True))

    def __getitem__(self, place: Any) -> Any:
        return list(self)[place]


class LeadRecord(NamedTuple):
    """One lead with its interactions, in any order; ``created_at`` in microseconds UTC."""

    lead_id: str
    created_at: int | None = None
    attributes: Mapping[str, Any] | None = None
    interactions: Sequence[InteractionRecord] = ()


def history_of(leads: Sequence[LeadRecord], schema: Schema) -> History:
    """The same ``History`` that the tables of these leads would give, to the last bit.

    Attributes that the schema does not name, and interactions of types that it excludes, are ignored; those that count only with consent
    are withheld where there is none.

    Raises:
        DataError: a numeric attribute holds something that is no number.
    """
    told = tuple(rule for rule in schema.consent if rule.attribute is not None)
    parts, withheld = [_sorted_once(lead.interactions, schema) for lead in leads], None
    if told:
        parts, withheld = _with_consent(parts, told)
    kinds, occurred, recorded, directions, _, _, values = _joined(parts)
    occurred_at = np.array(occurred, np.int64)
    late = recorded.count(None) < len(recorded)
    history = History(
        lead_ids=pa.array([lead.lead_id for lead in leads], pa.string()),
        start=np.array([0, *accumulate(map(len, parts))], np.int64),
        occurred_at=occurred_at,
        known_at=np.array(list(map(_known, occurred, recorded)), np.int64) if late else occurred_at,
        type=Texts(kinds),
        direction=np.array(directions, np.int8),
        attributes=_attributes(values, schema.numeric, schema.categorical),
        created_at=np.array([UNKNOWN_TIME if lead.created_at is None else lead.created_at for lead in leads], np.int64),
        lead_attributes=_attributes([lead.attributes for lead in leads], schema.lead_numeric, schema.lead_categorical),
        consented=told,
        withheld=withheld,
    )
    return history.with_consent(schema.consent)


def _joined(parts: Sequence[InteractionColumns]) -> Sequence[Sequence[Any]]:
    """The columns of all leads, one lead after the other."""
    if len(parts) == 1:
        return parts[0].columns
    columns = zip(*(part.columns for part in (parts or [InteractionColumns.of(())])), strict=True)
    return [list(chain.from_iterable(column)) for column in columns]


def _with_consent(parts: Sequence[InteractionColumns], rules: Sequence[ConsentRule]) -> tuple[list[InteractionColumns], Withheld]:
    """Each lead's rows without those whose own attributes had to tell their consent and do not, and when these were known."""
    kept: list[list[InteractionRecord]] = []
    lead, moments = [], []
    for number, part in enumerate(parts):
        kept.append([])
        for row in part:
            if all(rule.told_by(row.attributes) for rule in rules if rule.asks(row.type)):
                kept[-1].append(row)
            else:
                lead.append(number)
                moments.append(_known_at(row))
    return list(map(InteractionColumns.of, kept)), Withheld.of(np.array(lead, np.int64), np.array(moments, np.int64), len(parts))


def _known_at(row: InteractionRecord) -> int:
    return _known(row.occurred_at, row.recorded_at)


def _known(occurred_at: int, recorded_at: int | None) -> int:
    return occurred_at if recorded_at is None else max(occurred_at, recorded_at)


def _sorted_once(interactions: Sequence[InteractionRecord], schema: Schema) -> InteractionColumns:
    """By time, then by content as ``History.from_tables`` does; a repeated ``interaction_id`` counts once, as first known."""
    known = InteractionColumns.of(interactions)
    _, moments, _, _, _, ids, _ = known.columns
    missing = ids.count(None)
    once = len(set(ids)) == len(ids) - missing + (missing > 0)
    if once and not schema.excluded and all(map(lt, moments, islice(moments, 1, None))):
        return known
    rows = [row for row in known if not schema.excludes(row.type)]
    if not once:
        rows = _first_known(rows, schema)
    by_time = groupby(sorted(rows, key=_OCCURRED_AT), _OCCURRED_AT)
    return InteractionColumns.of([row for _, tied in by_time for row in _settled(list(tied), schema)])


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


def _attributes(rows: Sequence[Mapping[str, Any] | None], numeric: Iterable[str], categorical: Iterable[str]) -> Attributes:
    values = [row or _NOTHING for row in rows]
    return Attributes(
        {name: _numbers([row.get(name) for row in values], name) for name in numeric},
        {name: Texts(_texts([row.get(name) for row in values])) for name in categorical},
    )


def _texts(values: list[Any]) -> list[str | None]:
    """What ``text`` says of each value; most are texts already."""
    return values if _TEXTS.issuperset(map(type, values)) and "" not in values else list(map(text, values))


def _numbers(values: Sequence[Any], name: str) -> np.ndarray:
    """float64[n] of what ``number`` says of each value; NumPy reads all at once what is plainly numeric."""
    known = [math.nan if value is None else value for value in values]  # NumPy would take five times as long with ``None``
    if len(known) > 1 and _NUMBERS.issuperset(map(type, known)):
        numbers = np.array(known, np.float64)
        return np.where(np.abs(numbers) <= LARGEST, numbers, np.nan)
    return np.array([number(value, name) for value in known], np.float64)


def number(value: object, name: str) -> float:
    """A numeric attribute as float; NaN where it is missing or beyond ``LARGEST``.

    Raises:
        DataError: it is no number.
    """
    if value is None or value == "":
        return math.nan
    try:
        result = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"Attribute {name!r} must be a number, not {value!r}.", "Send a number, or leave it out.") from error
    return result if abs(result) <= LARGEST else math.nan
