"""Leads as the store has them, several at once in few queries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Connection, Text, bindparam, literal_column, null, select, union_all

from features.contract import NEVER
from features.records import InteractionRecord, LeadRecord
from features.store.schema import attributes, interactions, leads, outcomes, overrides, standings
from serving.overrides import Override


class Standing(NamedTuple):
    """What the next score needs of ``features.store.schema.standings``."""

    temperature: int
    coldness: int
    stage: str
    version: str | None
    fingerprint: str
    due: int
    changed_at: int
    handed_over_at: int | None


_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_LEADS = (
    select(leads.c.lead_id, leads.c.created_at, leads.c.changed_at, leads.c.merged_into, *(standings.c[name] for name in Standing._fields))
    .outerjoin(standings, standings.c.lead_id == leads.c.lead_id)
    .where(leads.c.lead_id.in_(_IDS))
)
_HISTORY = (
    select(interactions.c.lead_id, *(interactions.c[name] for name in InteractionRecord._fields))
    .where(interactions.c.lead_id.in_(_IDS))
    .order_by(interactions.c.occurred_at)
)
_OVERRIDE, _ATTRIBUTE, _OUTCOME = (literal_column(f"'{one}'", Text) for one in ("override", "attribute", "outcome"))
_BESIDE = union_all(
    select(overrides.c.lead_id, _OVERRIDE, *(overrides.c[name] for name in Override.__slots__)).where(overrides.c.lead_id.in_(_IDS)),
    select(attributes.c.lead_id, _ATTRIBUTE, attributes.c.name, attributes.c.value, null(), null(), null(), null()).where(
        attributes.c.lead_id.in_(_IDS)
    ),
    select(outcomes.c.lead_id, _OUTCOME, outcomes.c.outcome, null(), null(), null(), outcomes.c.closed_at, null()).where(
        outcomes.c.lead_id.in_(_IDS)
    ),
)
"""The tables that have few rows of a lead, in one query, since each costs a journey to the database."""


@dataclass(slots=True)
class StoredLead:
    """A lead and all that decides about its score.

    Attributes:
        changed_at: the stamp of its latest change, microseconds UTC.
        merged_into: the lead that took this one's history over.
        interactions: as records, by ``occurred_at``.
        outcomes: (closed_at, outcome).
        standing: by the score before; None for a lead that was never scored.
        overrides: what persons decided, what has expired too.
    """

    lead_id: str
    created_at: int | None
    changed_at: int
    merged_into: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    interactions: list[InteractionRecord] = field(default_factory=list)
    outcomes: list[tuple[int, str]] = field(default_factory=list)
    standing: Standing | None = None
    overrides: list[Override] = field(default_factory=list)

    def record(self) -> LeadRecord:
        """As the scorer takes it."""
        return LeadRecord(self.lead_id, self.created_at, self.attributes, self.interactions)

    def closed_at(self, *, repeatable: bool) -> int:
        """When the lead closes, ``NEVER`` while nothing closes it; with repeatable conversions only a loss does."""
        return min((moment for moment, outcome in self.outcomes if not repeatable or outcome == "lost"), default=NEVER)


def read_leads(connection: Connection, lead_ids: Sequence[str]) -> dict[str, StoredLead]:
    """The stored leads among ``lead_ids``, by id.

    Args:
        connection: within a transaction.
        lead_ids: at most some thousands.
    """
    ids = {"ids": list(lead_ids)}
    found: dict[str, StoredLead] = {}
    for lead_id, created_at, changed_at, merged_into, *before in connection.execute(_LEADS, ids).all():
        standing = None if before[0] is None else Standing(*before)
        found[lead_id] = StoredLead(lead_id, created_at, changed_at, merged_into, standing=standing)
    for lead_id, what, name, value, *more in connection.execute(_BESIDE, ids).all():
        lead = found[lead_id]
        if what == "attribute":
            lead.attributes[name] = json.loads(value)
        elif what == "outcome":
            lead.outcomes.append((more[2], name))
        else:
            lead.overrides.append(Override(name, value, *more))
    rows = connection.execute(_HISTORY, ids).all()
    if rows:
        owners, *columns, texts = zip(*rows, strict=True)
        values = json.loads(f"[{','.join(one or 'null' for one in texts)}]")  # one text is read faster than many
        for lead_id, interaction in zip(owners, map(InteractionRecord, *columns, values), strict=True):
            found[lead_id].interactions.append(interaction)
    return found
