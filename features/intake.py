"""Records to histories: how the service and MLflow hand leads in. No pandas, no Arrow tables, microseconds matter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np

from features.columns import LARGEST, Categorical, Stacked, text
from features.consent import Withheld
from features.history import Coded, History
from features.native.reading import BEYOND, DONE, MORE, UNORDERED, Beyond, Columns, Known, Named, Reading, take
from features.records import DIRECTION_OF, InteractionRecord, LeadRecord, number, permitted, sorted_once, unknown
from features.schema import Schema, Vocabulary


def history_of(leads: Sequence[LeadRecord], schema: Schema) -> History:
    """The same ``History`` that the tables of these leads would give, to the last bit; errors as of ``Intake.add``."""
    intake = Intake(schema, len(leads), sum(len(lead.interactions) for lead in leads))
    for lead in leads:
        intake.add(lead)
    return intake.history()


class Intake:
    """Leads that come one by one and are read as they come, to be one ``History``: what they came in need not be kept.

    Attributes that the schema does not name are ignored and told as ``unknown``; interactions of types that it excludes are ignored, and
    those that count only with consent are withheld where there is none.

    Args:
        schema: what to read, and in which codes.
        leads: how many may come before more room has to be made.
        rows: and how many interactions.
    """

    def __init__(self, schema: Schema, leads: int = 32, rows: int = 2_048) -> None:
        self._schema, self._reading = schema, _reading(schema)
        self._told = tuple(rule for rule in schema.consent if rule.attribute is not None)
        self._careful = bool(self._told) or _knows_what_is_excluded(schema)
        self._columns = Columns.of(self._reading, leads, rows)
        self._lead_ids: list[str] = []
        self._rows = 0
        self._withheld: list[tuple[int, int]] = []
        self._unknown: dict[int, tuple[str, ...]] = {}

    def __len__(self) -> int:
        return len(self._lead_ids)

    def add(self, lead: LeadRecord) -> None:
        """Read a lead; one that is refused leaves nothing behind.

        Raises:
            NumberError: a numeric attribute holds something else.
            TypeError: the lead or an interaction is no record.
            OverflowError: a moment does not fit into 64 bits.
        """
        rows: list[Any] = lead.interactions if type(lead.interactions) is list else list(lead.interactions)
        self._columns = self._columns.with_room(self._reading, len(self) + 1, self._rows + len(rows))
        withheld: list[int] = []
        told = UNORDERED if self._careful else self._take(lead, rows, self._straight)
        if told == BEYOND and not self._schema.excluded:
            self._columns = self._columns.with_beyond(self._reading)
            told = self._take(lead, rows, self._columns)
        if told not in (DONE, MORE):
            rows, withheld = permitted(sorted_once(rows, self._schema), self._told)
            self._columns = self._columns.with_beyond(self._reading)
            told = self._take(lead, rows, self._columns, settled=True)
        if told == MORE:
            self._unknown[len(self)] = unknown(lead, rows, self._schema)
        self._withheld += [(len(self), moment) for moment in withheld]
        self._lead_ids.append(lead.lead_id)
        self._rows += len(rows)

    @property
    def _straight(self) -> Columns:
        """For rows as they come: a type beyond the vocabulary may be one that is excluded, so there is no place for it."""
        return self._columns._replace(beyond=None) if self._schema.excluded else self._columns

    def _take(self, lead: LeadRecord, rows: list[Any], columns: Columns, *, settled: bool = False) -> int:
        return take(self._reading, lead, rows, columns, len(self), self._rows, settled=settled)

    def history(self) -> History:
        """The leads that came, in their order; the last thing that is asked of an intake."""
        columns, schema = self._columns, self._schema
        read = columns.part(len(self), self._rows)
        met = _with(_vocabulary(schema), columns.beyond)
        history = History(
            ids=self._lead_ids,
            start=read.start,
            occurred_at=read.occurred_at,
            known_at=read.known_at,
            type=Categorical(read.type, met.types),
            direction=read.direction,
            attributes=Stacked(schema.numeric, read.numeric, schema.categorical, read.categorical, met.levels),
            created_at=read.created_at,
            lead_attributes=Stacked(
                schema.lead_numeric, read.lead_numeric, schema.lead_categorical, read.lead_categorical, met.lead_levels
            ),
            consented=self._told,
            withheld=_withheld(self._withheld, len(self)) if self._told else None,
            unknown=tuple(self._unknown.get(lead, ()) for lead in range(len(self))) if any(self._unknown.values()) else (),
        )
        if schema.vocabulary is not None:
            object.__setattr__(history, "coded", Coded(schema, columns.within(self._reading, read)))
        return history.with_consent(schema.consent)


def _withheld(rows: Sequence[tuple[int, int]], leads: int) -> Withheld:
    lead, known_at = np.array(rows, np.int64).reshape(-1, 2).T
    return Withheld.of(lead, known_at, leads)


def _with(known: Vocabulary, beyond: Beyond | None) -> Vocabulary:
    if beyond is None:
        return known
    levels, lead_levels = map(_joined, known.levels, beyond.levels), map(_joined, known.lead_levels, beyond.lead_levels)
    return Vocabulary(_joined(known.types, beyond.types), tuple(levels), tuple(lead_levels))


def _joined(known: tuple[str, ...], others: Iterable[str]) -> tuple[str, ...]:
    return (*known, *others)


def _vocabulary(schema: Schema) -> Vocabulary:
    return schema.vocabulary or Vocabulary((), ((),) * len(schema.categorical), ((),) * len(schema.lead_categorical))


@lru_cache(maxsize=64)
def _reading(schema: Schema) -> Reading:
    """How rows are read for a schema."""
    known = _vocabulary(schema)
    of_rows = _named(schema.numeric, schema.categorical, known.levels)
    of_leads = _named(schema.lead_numeric, schema.lead_categorical, known.lead_levels)
    types = _positions(known.types)
    fields = InteractionRecord._fields
    return Reading(dict, InteractionRecord, LeadRecord, float, LARGEST, str, None, fields, DIRECTION_OF, text, types, of_rows, of_leads)


@lru_cache(maxsize=64)
def _knows_what_is_excluded(schema: Schema) -> bool:
    return any(map(schema.excludes, _vocabulary(schema).types))


def _named(numeric: tuple[str, ...], categorical: tuple[str, ...], levels: Iterable[tuple[str, ...]]) -> Named:
    known = tuple(_positions(own) for _, own in zip(categorical, levels, strict=True))
    return Named(numeric, tuple(partial(number, name=name) for name in numeric), categorical, known)


def _positions(levels: tuple[str, ...]) -> Known:
    """The code of each level, and of what is missing."""
    return {level: i for i, level in enumerate(levels)} | {None: -1}
