"""Merging leads, refreshing scores and the order of the worklist, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, update

from features.contract import DAY, DataError, from_micros, iso, now, parse_moment
from features.history import History
from features.intake import history_of
from features.records import LeadRecord
from features.schema import Schema
from features.snapshots import open_leads
from features.store.schema import standings
from serving.memory import scoring
from serving.memory.memory import Memory
from serving.memory.worklist import WorklistQuery
from tests.remembering import Remembering, attributes_of, clock, interactions_of
from tests.small_world import SmallWorld
from tests.test_memory import one_of, same, visit

NOW = now()


def test_merged_leads_have_one_history_and_one_score(memory: Memory, world: SmallWorld) -> None:
    ann, bob = interactions_of(world.alone(7), "ann"), interactions_of(world.alone(8), "bob")
    memory.take_interactions([*ann, *bob], "crm")
    memory.put_leads([{"lead_id": "ann", "attributes": {"industry": "retail", "size": 3.0}}], "crm")
    memory.put_leads([{"lead_id": "bob", "created_at": NOW, "attributes": {"industry": "banking", "role": "cto"}}], "form")
    merged = memory.merge("bob", "ann")
    assert merged is not None
    assert (merged.lead_id, merged.merged) == ("ann", True)
    view = memory.lead("bob")
    assert view is not None
    assert (view.lead_id, view.merged_from, view.interactions_stored) == ("ann", ["bob"], len(ann) + len(bob))
    assert {(one.name, one.value, one.origin) for one in view.attributes} == {
        ("industry", "retail", "crm"),
        ("role", "cto", "form"),
        ("size", 3.0, "crm"),
    }
    assert view.created_at == iso(NOW)
    attributes = {"industry": "retail", "role": "cto", "size": 3.0}
    whole = LeadRecord("ann", NOW, attributes, [one_of(row) for row in [*ann, *bob]])
    same(merged.score, world.scorer.score(history_of([whole], world.scorer.schema), parse_moment(merged.score.as_of)))
    assert view.changes[0].cause in ("merge", "lead", "interaction")


def test_what_comes_under_the_old_id_goes_to_the_survivor(memory: Memory) -> None:
    memory.take_interactions([visit("a"), visit("b", interaction_id="1"), visit("c")], "web")
    assert memory.merge("a", "b") is not None
    assert memory.merge("b", "c") is not None
    taken = memory.take_interactions([visit("a", interaction_id="1"), visit("b", hours=5), visit("c", hours=6)], "web")
    assert (taken.stored, taken.duplicates, [one.lead_id for one in taken.scores]) == (2, 1, ["c"])
    assert sum(memory.worklist(WorklistQuery()).counts.values()) == 1


def test_a_merge_that_was_done_or_would_make_a_circle_changes_nothing(memory: Memory) -> None:
    memory.take_interactions([visit("a"), visit("b")], "web")
    assert memory.merge("a", "b") is not None
    for one, other in (("a", "b"), ("b", "a"), ("a", "a")):
        again = memory.merge(one, other)
        assert again is not None
        assert (again.lead_id, again.merged) == ("b", False)
    assert memory.merge("a", "nobody") is None
    assert memory.lead("nobody") is None


def test_merging_both_ways_at_once_leaves_one_lead(memory: Memory) -> None:
    for number in range(5):
        one, other = f"a{number}", f"b{number}"
        memory.take_interactions([visit(one, hours=1), visit(other, hours=2)], "web")
        with ThreadPoolExecutor(3) as pool:
            merges = [pool.submit(memory.merge, *pair) for pair in ((one, other), (other, one))]
            merges.append(pool.submit(memory.take_interactions, [visit(one, hours=3), visit(other, hours=4)], "web"))  # type: ignore[arg-type]
        assert all(done.result() is not None for done in merges)
        view = memory.lead(one)
        assert view is not None
        assert view.interactions_stored == 4


def waits(memory: Memory, **values: Any) -> None:
    with memory.writing() as connection:
        connection.execute(update(standings).values(as_of=standings.c.as_of - DAY, **values))


@pytest.mark.parametrize(("beside", "closed"), [(-1, True), (0, False), (1, False)])
def test_a_lead_is_open_at_the_moment_of_its_outcome_and_closed_a_microsecond_later(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, beside: int, *, closed: bool
) -> None:
    set_clock = clock(monkeypatch)
    set_clock(NOW)
    as_of = NOW + 1
    closed_at = as_of + beside
    (score,) = memory.put_outcomes([{"lead_id": "ann", "outcome": "won", "closed_at": closed_at}], "crm").scores
    assert parse_moment(score.as_of) == as_of
    assert ("closed" in score.flags) == closed
    assert sum(memory.worklist(WorklistQuery()).counts.values()) == (0 if closed else 1)
    with memory.reading() as connection:
        row = connection.execute(select(standings.c.closed, standings.c.refresh_at)).one()
    assert row.closed == closed
    assert closed or row.refresh_at == closed_at + 1, "scored anew as soon as it is closed"
    set_clock(NOW + 10)
    assert memory.refresh(10) == (0 if closed else 1)
    assert sum(memory.worklist(WorklistQuery()).counts.values()) == 0


def test_leads_whose_day_has_come_are_scored_anew(memory: Memory, made: Remembering) -> None:
    memory.take_interactions([visit(f"l{number}") for number in range(5)], "web")
    assert memory.refresh(10) == 0
    waits(memory, refresh_at=0)
    before = len(made.logged)
    assert (memory.refresh(3), memory.refresh(3), memory.refresh(3)) == (3, 2, 0)
    assert len(made.logged) == before + 5


def test_a_lead_is_refreshed_by_one_of_several(memory: Memory, made: Remembering) -> None:
    memory.take_interactions([visit(f"l{number}") for number in range(20)], "web", explain=False)
    waits(memory, refresh_at=0)
    before = len(made.logged)
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(memory.refresh, [20] * 8)) == 20
    assert len(made.logged) == before + 20


def test_another_version_scores_all_that_is_open(memory: Memory, made: Remembering) -> None:
    memory.take_interactions([visit("a"), visit("b")], "web")
    memory.put_outcomes([{"lead_id": "b", "outcome": "lost", "closed_at": NOW - DAY}], "crm")
    waits(memory)
    made.scorer = replace(made.scorer, version="8", fingerprint="f" * 64)  # type: ignore[type-var]
    assert (memory.refresh(10), memory.refresh(10)) == (1, 0)
    view = memory.lead("a")
    assert view is not None
    assert (view.changes[0].cause, view.changes[0].version) == ("model", "8")


def test_a_lead_that_cannot_be_scored_keeps_no_other_waiting(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    def of_all_but_a(leads: Sequence[LeadRecord], schema: Schema) -> History:
        if any(lead.lead_id == "a" for lead in leads):
            raise DataError("This lead cannot be scored.")
        return history_of(leads, schema)

    memory.take_interactions([visit("a"), visit("b")], "web")
    waits(memory, refresh_at=0)
    monkeypatch.setattr(scoring, "history_of", of_all_but_a)
    assert memory.refresh(10) == 1
    assert memory.refresh(10) == 0


def test_the_worklist_begins_with_what_is_due_and_goes_on_with_what_is_hot(memory: Memory) -> None:
    for number in range(12):
        memory.take_interactions([visit(f"l{number:02}", hours=hour) for hour in range(1, number + 2)], "web", explain=False)
    with memory.writing() as connection:
        connection.execute(update(standings).values(due=10))
        for number, (due, coldness, unlikely) in enumerate([(5, 2, 0.9), (4, 2, 0.9), (9, 0, 0.5), (9, 0, 0.4), (9, 1, 0.1)]):
            row = standings.c.lead_id == f"l{number:02}"
            connection.execute(update(standings).where(row).values(due=due, coldness=coldness, unlikely=unlikely))
    seen: list[str] = []
    page = memory.worklist(WorklistQuery(limit=4))
    seen += [one.lead_id for one in page.leads]
    while page.next is not None:
        page = memory.worklist(WorklistQuery(limit=4, after=page.next))
        seen += [one.lead_id for one in page.leads]
    assert seen[:5] == ["l01", "l00", "l03", "l02", "l04"]
    assert len(seen) == len(set(seen)) == 12
    assert sum(page.counts.values()) == 12


def test_the_worklist_is_filtered(memory: Memory) -> None:
    owners = [
        {"lead_id": f"l{number}", "attributes": {"owner": "eva" if number % 2 else "max", "size": float(number)}} for number in range(4)
    ]
    memory.put_leads(owners, "crm", explain=False)
    with memory.writing() as connection:
        connection.execute(
            update(standings).where(standings.c.lead_id == "l3").values(changed_at=standings.c.changed_at + DAY, stage="sql")
        )

    def shown(**filters: Any) -> set[str]:
        return {one.lead_id for one in memory.worklist(WorklistQuery(**filters)).leads}

    assert shown(owner="eva") == {"l1", "l3"}
    assert shown(segment=["size:3"]) == {"l3"}
    assert shown(segment=["size:3", "owner:max"]) == set()
    assert shown(stage="sql") == {"l3"}
    assert shown(temperature="hot") == set()
    assert shown(changed_since=(datetime.now(UTC) + timedelta(hours=1)).isoformat()) == {"l3"}


def test_the_curve_ends_where_the_lead_is_and_names_what_moved_it(memory: Memory, world: SmallWorld) -> None:
    memory.take_interactions(interactions_of(world.alone(7), "ann"), "crm")
    view = memory.lead("ann")
    assert view is not None
    assert view.curve[-1].at == view.score.as_of
    assert view.curve[-1].probability == view.score.probability
    assert [one.at for one in view.curve] == sorted({one.at for one in view.curve})
    history = history_of(
        [LeadRecord("ann", None, None, [one_of(row) for row in interactions_of(world.alone(7), "ann")])], world.scorer.schema
    )
    for one in (view.curve[0], view.curve[len(view.curve) // 2]):
        assert one.probability == world.scorer.score(history, parse_moment(one.at), explain=False).probability
    assert view.moved
    greatest = [abs(one.change) for one in view.moved]
    assert greatest == sorted(greatest, reverse=True)


def test_a_stored_lead_cools_on_the_day_that_was_said_held_by_its_band_until_then(
    memory: Memory, world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock, scorer = clock(monkeypatch), world.scorer
    assert scorer.bands is not None
    number, day = cools_late(world)
    set_clock(world.now)
    own, created = attributes_of(world.alone(number)), int(world.dataset.history.created_at[number])
    memory.put_leads([{"lead_id": "ann", "created_at": created, "attributes": own}], "crm", explain=False)
    memory.take_interactions(interactions_of(world.alone(number), "ann"), "crm", explain=False)
    held = 0
    for days in range(day + 1):
        set_clock(world.now + days * DAY + days * 1_000_000)
        memory.refresh(10)
        view = memory.lead("ann")
        assert view is not None
        score, as_of = view.score, parse_moment(view.score.as_of)
        before = scorer.score(world.alone(number), as_of - 7 * DAY, explain=False)
        assert score.log_odds is not None
        assert before.log_odds is not None
        change = score.log_odds - before.log_odds
        assert score.trend == ("heating" if change > 0.25 else "cooling" if change < -0.25 else "steady")
        assert (score.temperature == "warm") == (days < day)
        if days < day:
            assert score.cools_on == from_micros(world.now + day * DAY).date().isoformat()
            held += score.probability is not None and score.probability < scorer.bands.thresholds[0]
    assert held > 0


def cools_late(world: SmallWorld) -> tuple[int, int]:
    """A lead that is warm at the end of the world, and in how many days it cools, held in its band for some of them."""
    leads = open_leads(world.dataset, world.now)
    days, bands = np.arange(31), world.scorer.bands
    assert bands is not None
    leads = leads[world.dataset.history.created_at[leads] < world.now - 8 * DAY]
    moments = np.tile(world.now + days * DAY, len(leads))
    scored = world.scorer.numbers(world.dataset.history, np.repeat(leads, len(days)), moments)
    chances = scored.probability.reshape(len(leads), len(days))
    warm = bands.along(scored.probability, np.repeat(leads, len(days))).reshape(chances.shape) == 1
    day, held = warm.argmin(axis=1), (warm & (chances < bands.thresholds[0])).any(axis=1)
    row = np.flatnonzero(warm[:, 0] & held & (day > 1) & (warm.sum(axis=1) == day))[0]
    return int(leads[row]), int(day[row])
