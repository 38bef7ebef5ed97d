"""The ids under which one person is held: a lead and all that were merged with it."""

from __future__ import annotations

from sqlalchemy import Connection, or_, select

from features.store.schema import leads


def family(connection: Connection, lead_id: str, *, held: bool = False) -> list[str]:
    """The lead itself and all that were merged with it, directly or by way of others, sorted.

    Args:
        connection: within a transaction.
        lead_id: need not be there.
        held: whether their rows are locked until the transaction ends.
    """
    found: set[str] = {lead_id}
    while True:
        statement = select(leads.c.lead_id, leads.c.merged_into).order_by(leads.c.lead_id)
        statement = statement.where(or_(leads.c.lead_id.in_(found), leads.c.merged_into.in_(found)))
        rows = connection.execute(statement.with_for_update() if held else statement).all()
        more = {one for row in rows for one in row if one is not None}
        if more <= found:
            return sorted(found)
        found |= more
