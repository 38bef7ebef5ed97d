"""All about one lead: what is stored, its score as of now, and the path of its temperature."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection, select

from features.contract import iso, iso_or_none, now
from features.history import DIRECTIONS
from features.store.schema import attributes, changes, interactions, leads, outcomes
from models.temperature import NAMES
from serving.champion import Scorer
from serving.memory.curve import curve
from serving.memory.scoring import Scored, score
from serving.memory.stored import StoredLead, read_leads
from serving.memory.views import AttributeView, ChangeView, InteractionView, LeadView, OutcomeView, OverrideView

INTERACTIONS_SHOWN = 500
CHANGES_SHOWN = 200

_DIRECTION = {code: name for name, code in DIRECTIONS.items()}


class Looked(NamedTuple):
    """A lead as it is stored, its score as of now with what that rests on, and what is told of both."""

    lead: StoredLead
    scored: Scored
    view: LeadView


def look(connection: Connection, lead_id: str, scorer: Scorer, *, repeatable: bool) -> Looked | None:
    """Look at a lead, or at the one that it was merged into; None where there is no such lead."""
    lead = read_leads(connection, [lead_id]).get(lead_id)
    if lead is not None and lead.merged_into is not None:
        lead = read_leads(connection, [lead.merged_into])[lead.merged_into]
    if lead is None:
        return None
    as_of = max(now(), lead.changed_at + 1)
    scored = score([lead], scorer, np.array([as_of], np.int64), np.array([lead.closed_at(repeatable=repeatable)], np.int64))
    drawn = curve(scored.scorer, scored.history, as_of)
    told = LeadView(
        lead_id=lead.lead_id,
        created_at=iso_or_none(lead.created_at),
        merged_from=_merged_from(connection, lead.lead_id),
        attributes=_attributes(connection, lead.lead_id),
        interactions_stored=len(lead.interactions),
        interactions=_interactions(connection, lead.lead_id),
        outcomes=_outcomes(connection, lead.lead_id),
        score=scored.shown[0],
        changes=_changes(connection, lead.lead_id),
        curve=drawn.points,
        moved=drawn.moved,
        overrides=_overrides(lead),
    )
    return Looked(lead, scored, told)


def _merged_from(connection: Connection, lead_id: str) -> list[str]:
    statement = select(leads.c.lead_id).where(leads.c.merged_into == lead_id).order_by(leads.c.lead_id)
    return list(connection.execute(statement).scalars())


def _attributes(connection: Connection, lead_id: str) -> list[AttributeView]:
    rows = connection.execute(select(attributes).where(attributes.c.lead_id == lead_id).order_by(attributes.c.name))
    return [AttributeView(row.name, json.loads(row.value), row.origin, iso(row.set_at)) for row in rows]


def _interactions(connection: Connection, lead_id: str) -> list[InteractionView]:
    latest = (interactions.c.occurred_at.desc(), interactions.c.order.desc(), interactions.c.key)
    statement = select(interactions).where(interactions.c.lead_id == lead_id).order_by(*latest).limit(INTERACTIONS_SHOWN)
    return [_interaction(row) for row in connection.execute(statement).mappings()]


def _interaction(row: Any) -> InteractionView:
    return InteractionView(
        type=row["type"],
        occurred_at=iso(row["occurred_at"]),
        recorded_at=iso(row["recorded_at"]),
        received_at=iso(row["received_at"]),
        direction=_DIRECTION.get(row["direction"]),  # type: ignore[arg-type]
        order=row["order"],
        interaction_id=row["interaction_id"],
        attributes=json.loads(row["attributes"] or "{}"),
        origin=row["origin"],
    )


def _outcomes(connection: Connection, lead_id: str) -> list[OutcomeView]:
    rows = connection.execute(select(outcomes).where(outcomes.c.lead_id == lead_id).order_by(outcomes.c.closed_at, outcomes.c.outcome))
    return [OutcomeView(row.outcome, iso(row.closed_at), row.origin) for row in rows]


def _changes(connection: Connection, lead_id: str) -> list[ChangeView]:
    rows = connection.execute(select(changes).where(changes.c.lead_id == lead_id).order_by(changes.c.at.desc()).limit(CHANGES_SHOWN))
    return [ChangeView(iso(row.at), row.cause, NAMES[row.temperature], row.stage, row.probability, row.version) for row in rows]


def _overrides(lead: StoredLead) -> list[OverrideView]:
    return [OverrideView(one.field, one.value, one.reason, one.by, iso(one.created_at), iso(one.expires_at)) for one in lead.overrides]
