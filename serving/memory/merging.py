"""Merging: one lead takes the history of another over."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table, and_, delete, exists, select, update

from features.store.schema import attributes, interactions, leads, outcomes, overrides, standings

_KEYS: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (interactions, ("key",)),
    (attributes, ("name",)),
    (outcomes, ("closed_at", "outcome")),
    (overrides, ("field",)),
)
"""What is moved, and what makes two rows of it the same."""


def absorb(connection: Connection, absorbed: str, survivor: str) -> None:
    """Move all that is stored of one lead to another; both are locked.

    Of what both have, the survivor keeps its own, but of an interaction the one that came first. The earlier creation holds. What was
    said of the absorbed lead (``changes``) stays under its id.
    """
    _keep_what_came_first(connection, absorbed, survivor)
    for table, keys in _KEYS:
        _move(connection, table, keys, absorbed, survivor)
    created = [
        one for one in connection.execute(select(leads.c.created_at).where(leads.c.lead_id.in_([absorbed, survivor]))).scalars() if one
    ]
    connection.execute(update(leads).where(leads.c.lead_id == survivor).values(created_at=min(created, default=None)))
    connection.execute(delete(standings).where(standings.c.lead_id == absorbed))
    into_absorbed = (leads.c.merged_into == absorbed) | (leads.c.lead_id == absorbed)
    connection.execute(update(leads).where(into_absorbed).values(merged_into=survivor))


def _keep_what_came_first(connection: Connection, absorbed: str, survivor: str) -> None:
    other = interactions.alias()
    earlier = exists().where(
        other.c.lead_id == absorbed, other.c.key == interactions.c.key, other.c.received_at < interactions.c.received_at
    )
    connection.execute(delete(interactions).where(interactions.c.lead_id == survivor, earlier))


def _move(connection: Connection, table: Table, keys: tuple[str, ...], absorbed: str, survivor: str) -> None:
    other: Any = table.alias()
    there = exists().where(other.c.lead_id == survivor, and_(*(other.c[key] == table.c[key] for key in keys)))
    connection.execute(update(table).where(table.c.lead_id == absorbed, ~there).values(lead_id=survivor))
    connection.execute(delete(table).where(table.c.lead_id == absorbed))
