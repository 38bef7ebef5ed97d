"""All that is held of a lead, in one JSON document: for the person it is about, to read and to take elsewhere (GDPR, articles 15 and 20).

It is made from the tables that hold something personal, whatever they are, and from the score log::

    {"format": "leadheat lead", "version": 1, "exported_at": ..., "lead_id": ..., "lead_ids": [...],
     "leads": [...], "attributes": [...], "interactions": [...], ..., "scores": [...]}

A key for each table, a list of rows under each, sorted by the table's key; rows have the columns of ``features.store.schema``. Moments are
ISO 8601 in UTC, null where there is none; what the store keeps as JSON is a part of the document. ``lead_ids`` are all ids under which the
person is held: the one that leads were merged into, and those.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Table, select

from features.contract import NEVER, iso, now
from features.history import DIRECTIONS
from features.store.engine import reading
from features.store.schema import PERSONAL
from models import logged
from models.temperature import NAMES
from serving.family import family

FORMAT, VERSION = "leadheat lead", 1

_MOMENTS = frozenset({"at", "as_of", "due"})
_JSON = frozenset({("attributes", "value"), ("interactions", "attributes"), ("standings", "answer"), ("outbox", "payload")})
_WORDS: Mapping[str, Callable[[int], Any]] = {
    "direction": {code: name for name, code in DIRECTIONS.items()}.get,
    "temperature": NAMES.__getitem__,
}


def export(engine: Engine, lead_id: str) -> dict[str, Any] | None:
    """The document; None where nothing is held of the lead.

    Raises:
        StoreError: the store cannot be reached.
        DataError: the score log is damaged.
    """
    with reading(engine) as connection:
        ids = family(connection, lead_id)
        tables = {table.name: _rows(connection, table, ids) for table in reversed(PERSONAL)}
    scores = [{name: _plain(value) for name, value in row.items()} for row in logged.rows_of_leads(ids)]
    if not scores and not any(tables.values()):
        return None
    head = {"format": FORMAT, "version": VERSION, "exported_at": iso(now()), "lead_id": lead_id, "lead_ids": ids}
    return {**head, **tables, "scores": scores}


def _rows(connection: Connection, table: Table, ids: list[str]) -> list[dict[str, Any]]:
    rows = connection.execute(select(table).where(table.c.lead_id.in_(ids)).order_by(*table.primary_key)).mappings()
    return [{name: _told(table.name, name, value) for name, value in row.items()} for row in rows]


def _told(table: str, column: str, value: Any) -> Any:
    if value is None:
        return None
    if column.endswith("_at") or column in _MOMENTS:
        return iso(value) if value < NEVER else None
    if column in _WORDS:
        return _WORDS[column](value)
    return json.loads(value) if (table, column) in _JSON else value


def _plain(value: Any) -> Any:
    return value.isoformat(timespec="microseconds") if isinstance(value, datetime) else value
