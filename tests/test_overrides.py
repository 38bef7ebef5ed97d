"""What a person decides instead of the model: what follows from it, what it cannot do, and how it ends."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, Engine

from features.contract import DAY, NEVER
from features.intake import history_of
from features.records import InteractionRecord, LeadRecord
from features.store.engine import reading, writing
from features.store.schema import leads
from models.answer import Answer
from models.lifecycle import DECIDED
from models.score import OverriddenField
from serving.memory.stored import read_leads
from serving.overrides import Override, apply, next_expiry, put_override, remove_override
from tests.small_world import SmallWorld

NOW = 1_700_000_000_000_000


def override(field: OverriddenField, value: str, until: int = NOW + DAY) -> Override:
    return Override(field, value, "met them at the fair", "Eva", NOW, until)


def scored(world: SmallWorld, *kinds: str) -> Answer:
    """A lead that did all this ten days ago."""
    done = [InteractionRecord(kind, NOW - 10 * DAY + at, direction=1) for at, kind in enumerate(kinds)]
    return world.scorer.answer(history_of([LeadRecord("a", NOW - 20 * DAY, None, done)], world.scorer.schema), NOW)


def test_without_a_decision_the_score_is_the_models(world: SmallWorld) -> None:
    answer = scored(world, "page_visit")
    assert apply(answer, [], NOW) is answer.score
    assert answer.score.overridden == []


def test_a_temperature_by_hand_has_its_consequences_and_the_model_keeps_its_view(world: SmallWorld) -> None:
    answer = scored(world, "page_visit")
    assert answer.score.temperature == "cold"
    score = apply(answer, [override("temperature", "hot")], NOW)
    assert (score.temperature, score.stage, score.hand_over.due, score.cools_on) == ("hot", "sql", True, None)
    assert score.hand_over.why == "the temperature is hot; a person decided so"
    assert score.next_step.rule == "belongs to sales; a person decided so"
    assert (score.probability, score.log_odds, score.reasons) == (answer.score.probability, answer.score.log_odds, answer.score.reasons)
    (told,) = score.overridden
    assert (told.field, told.value, told.model, told.reason, told.by) == ("temperature", "hot", "cold", "met them at the fair", "Eva")
    assert told.until == "2023-11-15T22:13:20.000000+00:00"
    assert "overridden" in score.flags
    assert answer.score.temperature == "cold"
    assert "overridden" not in answer.score.flags


@pytest.mark.parametrize(
    ("kinds", "stage", "due", "rule"),
    [
        (["page_visit"], "sql", True, "belongs to sales; a person decided so"),
        (["page_visit"], "pql", True, "belongs to sales; a person decided so"),
        (["demo_request"], "sql", True, "a strong signal"),
        (["demo_request"], "unqualified", False, "warm, beyond the top of the funnel; a person decided so"),
        (["demo_request"], "mql", False, "warm, beyond the top of the funnel; a person decided so"),
    ],
)
def test_a_stage_by_hand_decides_the_hand_over(world: SmallWorld, kinds: list[str], stage: str, due: bool, rule: str) -> None:  # noqa: FBT001
    score = apply(scored(world, *kinds), [override("stage", stage), override("temperature", "warm")], NOW)
    assert (score.stage, score.hand_over.due, score.hand_over.why) == (stage, due, "a person decided so")
    assert score.next_step.rule == rule


def test_a_next_step_by_hand_says_that_it_is_one(world: SmallWorld) -> None:
    answer = scored(world, "page_visit")
    score = apply(answer, [override("next_step", "Lunch on Friday")], NOW)
    assert (score.next_step.words, score.next_step.rule) == ("Lunch on Friday", DECIDED)
    assert score.overridden[0].model == answer.score.next_step.words
    assert score.stage == answer.score.stage


def test_consent_outranks_every_decision(world: SmallWorld) -> None:
    decisions = [override("temperature", "hot"), override("stage", "sql"), override("next_step", "Call anyway")]
    score = apply(scored(world, "demo_request", "unsubscribe"), decisions, NOW)
    assert not score.contactable.allowed
    assert (score.stage, score.hand_over.due, score.respond_within_minutes) == ("unqualified", False, None)
    assert score.next_step.rule == "opted out"
    assert [one.field for one in score.overridden] == ["temperature"]


def test_a_decision_ends_when_it_expires(world: SmallWorld) -> None:
    answer, decision = scored(world, "page_visit"), override("temperature", "hot", NOW + 5)
    assert apply(answer, [decision], NOW + 4).temperature == "hot"
    assert apply(answer, [decision], NOW + 5) == answer.score
    assert next_expiry([decision, override("stage", "sql")], NOW) == NOW + 5
    assert next_expiry([decision], NOW + 5) == NEVER


def overrides_of(connection: Connection, lead_id: str) -> list[Override]:
    """As who scores the lead reads them."""
    return sorted(read_leads(connection, [lead_id])[lead_id].overrides, key=lambda one: one.field)


def test_a_store_keeps_one_decision_for_each_field(engine: Engine) -> None:
    first, other, second = override("stage", "sql"), override("next_step", "Wait"), override("stage", "mql", NOW + 9)
    with writing(engine) as connection:
        connection.execute(leads.insert(), [{"lead_id": one, "changed_at": 0} for one in "ab"])
        for one in (first, other, second):
            put_override(connection, "a", one)
        put_override(connection, "b", first)
    with reading(engine) as connection:
        assert overrides_of(connection, "a") == [other, second]
    with writing(engine) as connection:
        assert remove_override(connection, "a", "stage")
        assert not remove_override(connection, "a", "stage")
    with reading(engine) as connection:
        assert overrides_of(connection, "a") == [other]
        assert overrides_of(connection, "b") == [first]
