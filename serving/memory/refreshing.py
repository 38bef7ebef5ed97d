"""Which leads are to be scored anew though nothing happened to them: their day has come, or another model scored them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, false, or_, select, update

from features.contract import DAY, MINUTE
from features.store.schema import leads, standings
from serving.memory.adding import later_than_all

RESCORE_AFTER = MINUTE
"""How long the score of another version stands at least, so that two services that differ do not take turns without end."""


def waiting(connection: Connection, fingerprint: str, moment: int, limit: int) -> list[str]:
    """Up to ``limit`` leads to score anew.

    Args:
        connection: within a transaction.
        fingerprint: of what scores now.
        moment: now, microseconds UTC.
        limit: how many at most.
    """
    due, *others = _conditions(fingerprint, moment)
    found = list(connection.execute(select(standings.c.lead_id).where(due).order_by(standings.c.refresh_at).limit(limit)).scalars())
    for other in others:
        if len(found) < limit:
            found += connection.execute(select(standings.c.lead_id).where(other).limit(limit - len(found))).scalars()
    return list(dict.fromkeys(found))


def claim(connection: Connection, lead_ids: Sequence[str], fingerprint: str, moment: int) -> dict[str, int]:
    """Lock and stamp those of the leads that still wait and that nobody else holds; another worker may have been first.

    Returns:
        The stamps by lead.
    """
    free = select(leads.c.lead_id).where(leads.c.lead_id.in_(lead_ids)).order_by(leads.c.lead_id).with_for_update(skip_locked=True)
    held = list(connection.execute(free).scalars())
    still = select(standings.c.lead_id).where(standings.c.lead_id.in_(held), or_(*_conditions(fingerprint, moment)))
    mine = list(connection.execute(still).scalars())
    stamped = update(leads).where(leads.c.lead_id.in_(mine)).values(changed_at=later_than_all(moment))
    return {row[0]: row[1] for row in connection.execute(stamped.returning(leads.c.lead_id, leads.c.changed_at))}


def postpone(connection: Connection, lead_id: str, fingerprint: str, moment: int) -> None:
    """Leave a lead that cannot be scored as it stands, for a day."""
    values = {"refresh_at": moment + DAY, "fingerprint": fingerprint}
    connection.execute(update(standings).where(standings.c.lead_id == lead_id).values(values))


def _conditions(fingerprint: str, moment: int) -> list[ColumnElement[bool]]:
    """Three, each of which an index answers: the day has come; another version, before or after this one by its fingerprint."""
    is_open, rested = standings.c.closed == false(), standings.c.as_of < moment - RESCORE_AFTER
    others = (standings.c.fingerprint < fingerprint, standings.c.fingerprint > fingerprint)
    return [and_(is_open, standings.c.refresh_at <= moment), *(and_(is_open, other, rested) for other in others)]
