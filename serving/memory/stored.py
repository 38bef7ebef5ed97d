"""Leads as the store has them, several at once in few queries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BindParameter, Connection, RowMapping, bindparam, select

from features.columns import Schema
from features.contract import NEVER
from features.records import InteractionRecord, LeadRecord
from features.store.schema import attributes, interactions, leads, outcomes, overrides, standings
from serving.overrides import Override

_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_LEADS = select(leads.c.lead_id, leads.c.created_at, leads.c.changed_at, leads.c.merged_into).where(leads.c.lead_id.in_(_IDS))
_HISTORY = (
    interactions.c.lead_id,
    interactions.c.type,
    interactions.c.occurred_at,
    interactions.c.recorded_at,
    interactions.c.direction,
    interactions.c.order,
    interactions.c.interaction_id,
)
_PLAIN = select(*_HISTORY).where(interactions.c.lead_id.in_(_IDS)).order_by(interactions.c.occurred_at)
_WITH_ATTRIBUTES = select(*_HISTORY, interactions.c.attributes).where(interactions.c.lead_id.in_(_IDS)).order_by(interactions.c.occurred_at)
_ATTRIBUTES = select(attributes.c.lead_id, attributes.c.name, attributes.c.value).where(attributes.c.lead_id.in_(_IDS))
_OUTCOMES = select(outcomes.c.lead_id, outcomes.c.closed_at, outcomes.c.outcome).where(outcomes.c.lead_id.in_(_IDS))
_STANDINGS = select(standings).where(standings.c.lead_id.in_(_IDS))
_OVERRIDES = select(overrides.c.lead_id, *(overrides.c[name] for name in Override.__slots__)).where(overrides.c.lead_id.in_(_IDS))


@dataclass(slots=True)
class StoredLead:
    """A lead and all that decides about its score.

    Attributes:
        changed_at: the stamp of its latest change, microseconds UTC.
        merged_into: the lead that took this one's history over.
        interactions: as records, by ``occurred_at``; their attributes only where the scorer reads any.
        outcomes: (closed_at, outcome).
        standing: the row of ``standings``; None for a lead that was never scored.
        overrides: what persons decided, what has expired too.
    """

    lead_id: str
    created_at: int | None
    changed_at: int
    merged_into: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    interactions: list[InteractionRecord] = field(default_factory=list)
    outcomes: list[tuple[int, str]] = field(default_factory=list)
    standing: RowMapping | None = None
    overrides: list[Override] = field(default_factory=list)

    def record(self) -> LeadRecord:
        """As the scorer takes it."""
        return LeadRecord(self.lead_id, self.created_at, self.attributes, self.interactions)

    def closed_at(self, *, repeatable: bool) -> int:
        """When the lead closes, ``NEVER`` while nothing closes it; with repeatable conversions only a loss does."""
        return min((moment for moment, outcome in self.outcomes if not repeatable or outcome == "lost"), default=NEVER)


def read_leads(connection: Connection, lead_ids: Sequence[str], schema: Schema) -> dict[str, StoredLead]:
    """The stored leads among ``lead_ids``, by id.

    Args:
        connection: within a transaction.
        lead_ids: at most some thousands.
        schema: the scorer's; JSON is read only where it names attributes.
    """
    ids = {"ids": list(lead_ids)}
    found = {lead_id: StoredLead(lead_id, *rest) for lead_id, *rest in connection.execute(_LEADS, ids)}
    _add_history(connection, ids, found, schema)
    for (lead_id, name, _), value in _with_json(connection.execute(_ATTRIBUTES, ids)):
        found[lead_id].attributes[name] = value
    for lead_id, *outcome in connection.execute(_OUTCOMES, ids):
        found[lead_id].outcomes.append(tuple(outcome))
    for standing in connection.execute(_STANDINGS, ids).mappings():
        found[standing["lead_id"]].standing = standing
    for lead_id, *override in connection.execute(_OVERRIDES, ids):
        found[lead_id].overrides.append(Override(*override))
    return found


def _add_history(connection: Connection, ids: Mapping[str, Any], found: Mapping[str, StoredLead], schema: Schema) -> None:
    if schema.numeric or schema.categorical or any(rule.attribute is not None for rule in schema.consent):
        for (lead_id, *rest, _), values in _with_json(connection.execute(_WITH_ATTRIBUTES, ids)):
            found[lead_id].interactions.append(InteractionRecord._make((*rest, values)))
        return
    for lead_id, *rest in connection.execute(_PLAIN, ids):
        found[lead_id].interactions.append(InteractionRecord._make((*rest, None)))


def _with_json(rows: Iterable[Any]) -> Iterable[tuple[Any, Any]]:
    """Rows, each with what the JSON in its last column says: one text is read faster than many."""
    fetched = list(rows)
    return zip(fetched, json.loads(f"[{','.join(row[-1] or 'null' for row in fetched)}]"), strict=True)
