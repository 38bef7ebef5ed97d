"""What a merge keeps of two leads beside their histories, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select, update

from features.contract import DAY, iso, now
from features.store.schema import leads, outbox, standings
from models.fallback import RulesScorer
from serving.handover.outbox import events
from serving.memory.memory import Memory
from tests.remembering import remembering
from tests.test_memory import visit

BEGINNING = 0


@pytest.fixture
def memory(store_url: str) -> Iterator[Memory]:
    with remembering(store_url, RulesScorer()) as made:
        yield made.memory


def hand_over(memory: Memory, lead_id: str, *, days_ago: int = 0, delivered: bool = False) -> None:
    """Have a lead handed over some days ago."""
    memory.take_interactions([visit(lead_id, type="demo_request")], "web", explain=False)
    with memory.writing() as connection:
        for table, moment in ((standings, "handed_over_at"), (outbox, "created_at")):
            earlier = {moment: table.c[moment] - days_ago * DAY}
            connection.execute(update(table).where(table.c.lead_id == lead_id).values(earlier))
        if delivered:
            done = {"next_attempt_at": None, "delivered_at": outbox.c.created_at}
            connection.execute(update(outbox).where(outbox.c.lead_id == lead_id).values(done))


def states(memory: Memory) -> list[tuple[object, object]]:
    """Of all hand-overs, the earliest first: whose they are, and how far they came."""
    with memory.reading() as connection:
        found = sorted(events(connection, None, None, 10), key=lambda one: str(one["created_at"]))
    return [(one["lead_id"], one["state"]) for one in found]


def with_sales_since(memory: Memory, lead_id: str) -> int | None:
    with memory.reading() as connection:
        since: int | None = connection.execute(select(standings.c.handed_over_at).where(standings.c.lead_id == lead_id)).scalar_one()
    return since


def test_the_beginning_of_1970_is_a_creation_like_any_other(memory: Memory) -> None:
    memory.put_leads([{"lead_id": "ann", "created_at": BEGINNING}, {"lead_id": "bob", "created_at": now()}], "crm")
    memory.merge("ann", "bob")
    view = memory.lead("bob")
    assert view is not None
    assert view.created_at == iso(0)


def test_a_creation_that_nobody_knows_stays_unknown(memory: Memory) -> None:
    memory.take_interactions([visit("ann"), visit("bob")], "web", explain=False)
    memory.merge("ann", "bob")
    with memory.reading() as connection:
        assert connection.execute(select(leads.c.created_at).where(leads.c.lead_id == "bob")).scalar_one() is None


def test_who_was_handed_over_is_not_handed_over_again_under_another_id(memory: Memory) -> None:
    hand_over(memory, "ann", days_ago=100, delivered=True)
    since = with_sales_since(memory, "ann")
    memory.take_interactions([visit("bob")], "web", explain=False)
    memory.merge("ann", "bob")
    memory.take_interactions([visit("bob", hours=0.1, type="demo_request")], "web", explain=False)
    assert states(memory) == [("bob", "delivered")]
    assert with_sales_since(memory, "bob") == since


@pytest.mark.parametrize(
    ("absorbed", "survivor", "after"),
    [
        ("delivered", "delivered", ["delivered", "delivered"]),
        ("delivered", "waiting", ["delivered", "cancelled"]),
        ("waiting", "delivered", ["cancelled", "delivered"]),
        ("waiting", "waiting", ["cancelled", "waiting"]),
        ("waiting", "", ["waiting"]),
    ],
)
def test_sales_is_told_once_of_two_that_are_one(memory: Memory, absorbed: str, survivor: str, after: list[str]) -> None:
    hand_over(memory, "ann", days_ago=3, delivered=absorbed == "delivered")
    since = with_sales_since(memory, "ann")
    if survivor:
        hand_over(memory, "bob", days_ago=1, delivered=survivor == "delivered")
    else:
        memory.take_interactions([visit("bob")], "web", explain=False)
    memory.merge("ann", "bob")
    assert states(memory) == [("bob", state) for state in after]
    assert with_sales_since(memory, "bob") == since


def test_an_opt_out_reaches_what_waits_of_the_absorbed_lead(memory: Memory) -> None:
    hand_over(memory, "ann")
    memory.take_interactions([visit("bob")], "web", explain=False)
    memory.merge("ann", "bob")
    memory.take_interactions([visit("bob", hours=0.1, type="unsubscribe")], "web", explain=False)
    assert states(memory) == [("bob", "cancelled")]
