"""Merging: one lead takes the history of another over."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table, delete, exists, func, select, update

from features.store.schema import attributes, interactions, leads, outcomes, overrides, standings
from serving.handover.outbox import join

_KEYS: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (interactions, ("key",)),
    (attributes, ("name",)),
    (outcomes, ("closed_at", "outcome")),
    (overrides, ("field",)),
    (standings, ()),
)
"""What is moved, and what makes two rows of it the same."""


def absorb(connection: Connection, absorbed: str, survivor: str) -> None:
    """Move all that is stored of one lead to another; both are locked.

    Of what both have, the survivor keeps its own, but of an interaction the one that came first. The earlier creation holds, and the
    earlier hand-over to sales. What was said of the absorbed lead (``changes``) stays under its id.
    """
    _keep_what_came_first(connection, absorbed, survivor)
    _keep_with_sales(connection, absorbed, survivor)
    for table, keys in _KEYS:
        _move(connection, table, keys, absorbed, survivor)
    created = connection.execute(select(func.min(leads.c.created_at)).where(leads.c.lead_id.in_([absorbed, survivor]))).scalar_one()
    connection.execute(update(leads).where(leads.c.lead_id == survivor).values(created_at=created))
    into_absorbed = (leads.c.merged_into == absorbed) | (leads.c.lead_id == absorbed)
    connection.execute(update(leads).where(into_absorbed).values(merged_into=survivor))


def _keep_what_came_first(connection: Connection, absorbed: str, survivor: str) -> None:
    other = interactions.alias()
    earlier = exists().where(
        other.c.lead_id == absorbed, other.c.key == interactions.c.key, other.c.received_at < interactions.c.received_at
    )
    connection.execute(delete(interactions).where(interactions.c.lead_id == survivor, earlier))


def _keep_with_sales(connection: Connection, absorbed: str, survivor: str) -> None:
    with_sales = (standings.c.lead_id.in_([absorbed, survivor]), standings.c.handed_over_at.is_not(None))
    since = {row[0]: row[1] for row in connection.execute(select(standings.c.lead_id, standings.c.handed_over_at).where(*with_sales))}
    earlier = {"handed_over_at": min(since.values(), default=None)}
    connection.execute(update(standings).where(standings.c.lead_id == survivor).values(earlier))
    join(connection, since, absorbed, survivor)


def _move(connection: Connection, table: Table, keys: tuple[str, ...], absorbed: str, survivor: str) -> None:
    other: Any = table.alias()
    there = exists().where(other.c.lead_id == survivor, *(other.c[key] == table.c[key] for key in keys))
    connection.execute(update(table).where(table.c.lead_id == absorbed, ~there).values(lead_id=survivor))
    connection.execute(delete(table).where(table.c.lead_id == absorbed))
