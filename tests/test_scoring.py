"""Stored leads that are scored in one go, on SQLite and on PostgreSQL: each as it is alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, select

from features.contract import DAY, HOUR, now
from features.store.schema import changes, outbox, standings
from models.fallback import RulesScorer
from serving.champion import Scorer
from serving.memory.memory import Memory
from serving.memory.scoring import rescore_all
from serving.overrides import Override, put_override
from tests.remembering import interactions_of, remembering
from tests.small_world import SmallWorld
from tests.test_memory import visit

STAMP = now()


@pytest.fixture(params=["model", "rules"])
def scorer(request: pytest.FixtureRequest, world: SmallWorld) -> Scorer:
    return world.scorer if request.param == "model" else RulesScorer()


@pytest.fixture
def filled(store_url: str, scorer: Scorer, world: SmallWorld) -> Iterator[Memory]:
    """Leads that differ in all that decides about a standing."""
    with remembering(store_url, scorer) as made:
        memory = made.memory
        rows = [row for number in range(3, 8) for row in interactions_of(world.alone(number), f"lead {number}")]
        soon = {"occurred_at": STAMP + HOUR}
        rows += [visit("fresh", hours=0.5, type="demo_request"), visit("later", type="offer_request"), {**visit("later"), **soon}]
        rows += [visit("lost", hours=3), visit("decided", hours=3)]
        memory.take_interactions(rows, "web", explain=False)
        memory.put_leads([{"lead_id": "nobody", "created_at": STAMP - DAY}], "web", explain=False)
        memory.put_outcomes([{"lead_id": "lost", "outcome": "lost", "closed_at": STAMP - HOUR}], "web", explain=False)
        with memory.writing() as connection:
            put_override(connection, "decided", Override("temperature", "hot", "met them", "ann", STAMP, STAMP + HOUR))
            connection.execute(changes.delete())
        yield memory


@contextmanager
def undone(memory: Memory) -> Iterator[Connection]:
    """A transaction that leaves no trace."""
    with memory.writing() as connection:
        yield connection
        connection.rollback()


def written(connection: Connection, *lead_ids: str) -> list[dict[str, Any]]:
    """What is written of leads: where they stand, the path to it, and their hand-overs."""
    rows: list[dict[str, Any]] = []
    for table, order in ((standings, standings.c.lead_id), (changes, changes.c.lead_id), (outbox, outbox.c.lead_id)):
        found = connection.execute(select(table).where(table.c.lead_id.in_(lead_ids)).order_by(order)).mappings()
        rows += [{name: value for name, value in row.items() if name not in ("event_id", "payload")} for row in found]
    return rows


@pytest.mark.parametrize("explain", [True, False])
def test_leads_together_stand_where_each_stands_alone(filled: Memory, scorer: Scorer, *, explain: bool) -> None:
    lead_ids = sorted(["fresh", "later", "lost", "decided", "nobody", *(f"lead {number}" for number in range(3, 8))])
    stamps = dict.fromkeys(lead_ids, STAMP)
    with undone(filled) as connection:
        together = rescore_all(connection, stamps, "time", scorer, repeatable=False, explain=explain)
        rows = written(connection, *lead_ids)
    assert len(together) == len(stamps)
    for lead_id in lead_ids:
        with undone(filled) as connection:
            alone = rescore_all(connection, {lead_id: STAMP}, "time", scorer, repeatable=False, explain=explain)
            assert alone == {lead_id: together[lead_id]}
            assert written(connection, lead_id) == [row for row in rows if row["lead_id"] == lead_id]
    assert len({row["refresh_at"] for row in rows if "refresh_at" in row}) > 1
    assert together["lost"].flags[-1] == "closed"
    assert together["decided"].temperature == "hot"
