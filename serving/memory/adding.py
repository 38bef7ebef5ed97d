"""What is added to the store: leads that are locked and stamped, interactions and outcomes that count once, attributes."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table, bindparam, case, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from features.contract import now
from features.history import DIRECTIONS, UNKNOWN
from features.store.engine import as_json
from features.store.schema import attributes, interactions, leads, outcomes, standings

PORTION = 1_000
"""Rows of one statement."""


def inserting(dialect: str, table: Table) -> Any:
    """``INSERT`` of a dialect, which knows ``ON CONFLICT``."""
    return (sqlite.insert if dialect == "sqlite" else postgresql.insert)(table)


@cache
def _adding(dialect: str, table: Table) -> Any:
    """Adds rows and returns the last part of the key of each that was not there."""
    *_, last = table.primary_key
    return inserting(dialect, table).on_conflict_do_nothing().returning(last)


def lock(connection: Connection, lead_ids: Collection[str]) -> dict[str, tuple[int, str | None]]:
    """Lock leads until the transaction ends, unknown ones are made, and stamp each with a moment later than all before.

    They are locked in the order of their ids, so that no two transactions wait for each other.

    Returns:
        By id: the stamp, microseconds UTC, and the lead that it was merged into.
    """
    moment, ids = now(), sorted(lead_ids)
    found: dict[str, tuple[int, str | None]] = {}
    for first in range(0, len(ids), PORTION):
        rows = [{"lead_id": one, "changed_at": moment} for one in ids[first : first + PORTION]]
        found |= {row[0]: (row[1], row[2]) for row in connection.execute(_locking(connection.dialect.name), rows)}
    return found


@cache
def _locking(dialect: str) -> Any:
    insert = inserting(dialect, leads)
    stamped = {"changed_at": later_than_all(insert.excluded.changed_at)}
    statement = insert.on_conflict_do_update(index_elements=[leads.c.lead_id], set_=stamped)
    return statement.returning(leads.c.lead_id, leads.c.changed_at, leads.c.merged_into)


def later_than_all(moment: Any) -> Any:
    """The stamp of a change at a moment, or just after the lead's latest one where the clock says an earlier time."""
    return case((leads.c.changed_at >= moment, leads.c.changed_at + 1), else_=moment)


def known(connection: Connection, lead_ids: Collection[str]) -> bool:
    """Whether all of the leads are there."""
    return len(connection.execute(select(leads.c.lead_id).where(leads.c.lead_id.in_(list(lead_ids)))).all()) == len(lead_ids)


def stamp(connection: Connection, lead_id: str) -> dict[str, int]:
    """Lock and stamp one lead, as ``lock`` does, if it is there and was not merged into another."""
    mine = leads.update().where(leads.c.lead_id == lead_id, leads.c.merged_into.is_(None))
    statement = mine.values(changed_at=later_than_all(now()))
    return {row[0]: row[1] for row in connection.execute(statement.returning(leads.c.lead_id, leads.c.changed_at))}


def key_of(one: Mapping[str, Any]) -> str:
    """What makes a repeated interaction one: its id, or a hash of its content; they cannot be taken for each other."""
    given = one.get("interaction_id")
    if given is not None:
        return f"id:{given}"
    known = {name: value for name, value in (one.get("attributes") or {}).items() if value is not None}
    content = [one["type"], one["occurred_at"], one.get("direction"), one.get("order") or 0, known]
    return f"content:{hashlib.blake2b(as_json(content).encode(), digest_size=16).hexdigest()}"


def add_interactions(connection: Connection, rows: Sequence[Mapping[str, Any]], stamps: Mapping[str, int], origin: str) -> int:
    """Add what is not there yet; returns how many that were.

    Args:
        connection: in whose transaction the leads are locked.
        rows: as they came.
        stamps: when the store took them, by lead.
        origin: where they came from.
    """
    # A dictionary keeps the last of equal keys, and the first is wanted.
    values = {(one["lead_id"], key := key_of(one)): _row(key, one, stamps[one["lead_id"]], origin) for one in reversed(rows)}
    return len(_returned(connection, _adding(connection.dialect.name, interactions), list(values.values())))


def _row(key: str, one: Mapping[str, Any], stamp: int, origin: str) -> dict[str, Any]:
    recorded_at, direction, values = one.get("recorded_at"), one.get("direction"), one.get("attributes")
    return {
        "lead_id": one["lead_id"],
        "key": key,
        "interaction_id": one.get("interaction_id"),
        "type": one["type"],
        "occurred_at": one["occurred_at"],
        "recorded_at": stamp if recorded_at is None else recorded_at,
        "received_at": stamp,
        "direction": UNKNOWN if direction is None else DIRECTIONS[direction],
        "order": one.get("order") or 0,
        "attributes": as_json(values) if values else None,
        "origin": origin,
    }


def add_outcomes(connection: Connection, rows: Iterable[Mapping[str, Any]], stamps: Mapping[str, int], origin: str) -> int:
    """Add outcomes (lead_id, outcome, closed_at) that are not there yet; returns how many that were."""
    values = {}
    for one in rows:
        row = {"lead_id": one["lead_id"], "closed_at": one["closed_at"], "outcome": one["outcome"]}
        values[tuple(row.values())] = row | {"received_at": stamps[one["lead_id"]], "origin": origin}
    return len(_returned(connection, _adding(connection.dialect.name, outcomes), list(values.values())))


def put_leads(connection: Connection, rows: Sequence[Mapping[str, Any]], stamps: Mapping[str, int], origin: str) -> int:
    """Set attributes of leads, and when they were created; returns how many leads are new or others than before.

    An attribute that is null is removed, one that is not named stays as it is.
    """
    known = select(leads.c.lead_id, leads.c.created_at).join(standings, standings.c.lead_id == leads.c.lead_id)
    before = {row[0]: row[1] for row in connection.execute(known.where(leads.c.lead_id.in_(list(stamps))))}
    created = {one["lead_id"]: one["created_at"] for one in rows if one.get("created_at") is not None}
    other = [{"lead": lead_id, "moment": moment} for lead_id, moment in created.items() if before.get(lead_id) != moment]
    if other:
        statement = leads.update().where(leads.c.lead_id == bindparam("lead")).values(created_at=bindparam("moment"))
        connection.execute(statement, other)
    values = {(one["lead_id"], name): value for one in rows for name, value in (one.get("attributes") or {}).items()}
    set_now = {place: value for place, value in values.items() if value is not None}
    changed = {one["lead"] for one in other} | (stamps.keys() - before.keys())
    origins = {(one["lead_id"], name): stated for one in rows for name, stated in one.get("origins", {}).items()}
    changed |= _set_attributes(connection, set_now, stamps, origins, origin) | _remove_attributes(
        connection, values.keys() - set_now.keys()
    )
    return len(changed)


def _set_attributes(
    connection: Connection,
    values: Mapping[tuple[str, str], Any],
    stamps: Mapping[str, int],
    origins: Mapping[tuple[str, str], str],
    origin: str,
) -> set[str]:
    """Set attributes by (lead_id, name); returns the leads of which one was another before."""
    rows = [
        {
            "lead_id": lead_id,
            "name": name,
            "value": as_json(value),
            "origin": origins.get((lead_id, name), origin),
            "set_at": stamps[lead_id],
        }
        for (lead_id, name), value in sorted(values.items(), key=itemgetter(0))
    ]
    return set(_returned(connection, _setting(connection.dialect.name), rows))


@cache
def _setting(dialect: str) -> Any:
    """Sets attributes and returns the lead of each that was another before."""
    insert = inserting(dialect, attributes)
    other = (insert.excluded.value != attributes.c.value) | (insert.excluded.origin != attributes.c.origin)
    changed = {name: insert.excluded[name] for name in ("value", "origin", "set_at")}
    statement = insert.on_conflict_do_update(index_elements=["lead_id", "name"], set_=changed, where=other)
    return statement.returning(attributes.c.lead_id)


def _remove_attributes(connection: Connection, places: Collection[tuple[str, str]]) -> set[str]:
    """Remove attributes; returns the leads that had them."""
    place, gone = tuple_(attributes.c.lead_id, attributes.c.name), sorted(places)
    removed: set[str] = set()
    for first in range(0, len(gone), PORTION):
        statement = attributes.delete().where(place.in_(gone[first : first + PORTION])).returning(attributes.c.lead_id)
        removed |= set(connection.execute(statement).scalars())
    return removed


def _returned(connection: Connection, insert: Any, rows: Sequence[dict[str, Any]]) -> list[Any]:
    """What the database says of each row that it took."""
    portions = [rows[first : first + PORTION] for first in range(0, len(rows), PORTION)]
    return [one for portion in portions for one in connection.execute(insert, portion).scalars()]
