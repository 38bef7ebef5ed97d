"""Leads in a store, without a service: a row of them in every table that holds something personal."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Connection, Double, Integer, Table

from features.contract import DAY, parse_moment
from features.intake import history_of
from features.records import LeadRecord
from features.store.schema import PERSONAL
from models.answer import Answer
from models.fallback import RulesScorer

MOMENT = parse_moment("2026-03-01")
TELLING = {
    ("attributes", "value"): '"a telling value"',
    ("interactions", "attributes"): '{"page":"/a telling page"}',
    ("standings", "answer"): '{"lead_id":"a telling answer"}',
    ("outbox", "payload"): '{"lead_id":"a telling payload"}',
    ("outcomes", "outcome"): "won",
}
"""What the columns hold that the export reads."""


def put(connection: Connection, lead_id: str, merged_into: str | None = None) -> None:
    """Two rows of a lead in every table, but one where the lead is the whole key."""
    for table in PERSONAL:
        rows = [row_of(table, lead_id, number) for number in range(1 if list(table.primary_key) == [table.c.lead_id] else 2)]
        if table.name == "leads":
            rows[0]["merged_into"] = merged_into
        connection.execute(table.insert(), rows)


def row_of(table: Table, lead_id: str, number: int) -> dict[str, Any]:
    """A row with something in every column."""
    row: dict[str, Any] = {}
    for column in table.columns:
        if isinstance(column.type, Boolean):
            row[column.name] = False
        elif isinstance(column.type, Double):
            row[column.name] = 0.25
        elif isinstance(column.type, Integer):
            row[column.name] = 1 if column.name in {"temperature", "direction", "coldness"} else MOMENT + number * DAY
        else:
            row[column.name] = TELLING.get((table.name, column.name), f"telling {column.name} {number}")
    return row | {"lead_id": lead_id} | ({"event_id": f"{lead_id} {number}"} if "event_id" in row else {}) | _whole(table)


def _whole(table: Table) -> dict[str, Any]:
    return {name: 3 for name in ("attempts",) if name in table.c}


def answer_of(lead_id: str) -> Answer:
    """A score of a lead by the rules."""
    return RulesScorer().answer(history_of([LeadRecord(lead_id)], RulesScorer().schema), MOMENT)
