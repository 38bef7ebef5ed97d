"""Leads that are read one by one make the history of all of them, in the vocabulary of the features, with nothing lost beyond it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from features.columns import Attributes, Categorical
from features.compute import compute, encode
from features.contract import DAY
from features.history import History
from features.intake import Intake, history_of
from features.records import InteractionRecord, LeadRecord, NumberError
from features.schema import Schema, Vocabulary
from tests.random_histories import DICE, World, worlds

EXAMPLES = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
SCHEMA = Schema(
    ("amount",), ("channel",), ("employees",), ("industry",), vocabulary=Vocabulary(("call", "visit"), (("web",),), (("steel",),))
)


def texts(column: Categorical) -> list[str | None]:
    return [column.levels[code] if code >= 0 else None for code in column.codes.tolist()]


def told(history: History) -> dict[str, Any]:
    """All that a history holds, whatever its codes are."""
    columns = {name: getattr(history, name).tolist() for name in ("start", "occurred_at", "known_at", "direction", "created_at")}
    own: dict[str, Attributes] = {"rows": history.attributes, "leads": history.lead_attributes}
    numbers = {(part, name): values.tobytes() for part, some in own.items() for name, values in some.numeric.items()}
    words = {(part, name): texts(values) for part, some in own.items() for name, values in some.categorical.items()}
    return {**columns, "ids": history.lead_ids.to_pylist(), "types": texts(history.type), "numbers": numbers, "words": words}


def plain(schema: Schema) -> Schema:
    """The same without a vocabulary."""
    return replace(schema, vocabulary=None)


@EXAMPLES
@given(worlds(), DICE)
def test_a_vocabulary_changes_no_word_and_no_feature(world: World, dice: Any) -> None:
    schema = world.features.schema
    coded, uncoded = history_of(world.leads, schema), history_of(world.leads, plain(schema))
    assert told(coded) == told(uncoded)
    assert coded.coded is not None
    assert uncoded.coded is None
    for one, other in zip(encode(world.features, coded), encode(world.features, uncoded), strict=True):
        assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    low, high = sorted(dice.choices(range(len(world.leads) + 1), k=2))
    part = coded.slice(low, high)
    assert told(part) == told(history_of(world.leads[low:high], plain(schema)))
    some = np.flatnonzero((world.lead >= low) & (world.lead < high))
    whole = compute(world.features, coded, world.lead[some], world.as_of[some])
    assert compute(world.features, part, world.lead[some] - low, world.as_of[some]).tobytes() == whole.tobytes()


@EXAMPLES
@given(worlds(), DICE)
def test_however_little_room_there_is_at_first_the_history_is_the_same(world: World, dice: Any) -> None:
    schema = dice.choice([world.features.schema, plain(world.features.schema)])
    intake = Intake(schema, dice.randrange(3), dice.randrange(30))
    for number, lead in enumerate(world.leads):
        assert len(intake) == number
        intake.add(lead)
    assert told(intake.history()) == told(history_of(world.leads, schema))


@EXAMPLES
@given(worlds(), DICE)
def test_what_is_excluded_is_never_read_whatever_the_vocabulary_knows(world: World, dice: Any) -> None:
    patterns = tuple(dice.sample(["mail/*", "visit", "demo", "no such type"], dice.randrange(1, 4)))
    leads = [lead._replace(interactions=sorted(lead.interactions, key=lambda row: row.occurred_at)) for lead in world.leads]
    excluding = replace(world.features.schema, excluded=patterns)
    history = history_of(leads, excluding)
    assert told(history) == told(history_of(leads, plain(world.features.schema)).with_schema(plain(excluding)))
    assert not any(map(excluding.excludes, filter(None, texts(history.type))))
    assert history.coded is not None
    for one, other in zip(history.coded.events, encode(world.features, replace(history)), strict=True):
        assert one.tobytes() == other.tobytes()


@EXAMPLES
@given(worlds(), DICE)
def test_what_is_refused_leaves_nothing_behind(world: World, dice: Any) -> None:
    intake = Intake(world.features.schema, 1, 1)
    odd = [InteractionRecord("never met", 5 * DAY, interaction_id="i"), InteractionRecord("visit", 2**70)]
    for lead in world.leads:
        if dice.random() < 0.5:
            with pytest.raises(OverflowError, match="too big"):
                intake.add(LeadRecord("odd", 7, {"industry": "unheard of", "more": 1}, odd))
        intake.add(lead)
    history = intake.history()
    assert told(history) == told(history_of(world.leads, world.features.schema))
    assert history.unknown == history_of(world.leads, world.features.schema).unknown


def test_what_is_beyond_the_vocabulary_keeps_its_name_and_counts_as_other() -> None:
    rows = [
        InteractionRecord(kind, day * DAY, attributes={"channel": way})
        for day, (kind, way) in enumerate([("fax", "web"), ("call", "fair")])
    ]
    leads = [LeadRecord("a", 0, {"industry": "steel"}, rows), LeadRecord("b", 0, {"industry": "trade"}, rows[::-1])]
    history = history_of(leads, SCHEMA)
    assert (texts(history.type), history.type.levels) == (["fax", "call"] * 2, ("call", "visit", "fax"))
    assert texts(history.attributes.categorical["channel"]) == ["web", "fair"] * 2
    assert texts(history.lead_attributes.categorical["industry"]) == ["steel", "trade"]
    assert history.coded is not None
    events = history.coded.events
    assert (events.type.tolist(), events.categorical.tolist(), events.lead_categorical.tolist()) == ([2, 0] * 2, [[0], [1]] * 2, [[0], [1]])


def test_what_is_made_of_a_history_is_coded_anew() -> None:
    rows = [InteractionRecord("call", day * DAY) for day in range(3)]
    history = history_of([LeadRecord("a", 0, None, rows)], SCHEMA)
    assert history.coded is not None
    for other in (history.known_before(DAY), history.only(np.array([True, False, True])), replace(history, known_at=history.known_at + 1)):
        assert other.coded is None


def test_a_number_that_is_none_is_refused_and_the_next_lead_is_read() -> None:
    intake = Intake(SCHEMA)
    with pytest.raises(NumberError, match="Attribute 'employees' must be a number"):
        intake.add(LeadRecord("a", 0, {"employees": "many"}))
    intake.add(LeadRecord("b", 0, {"employees": "12"}))
    history = intake.history()
    assert (history.lead_ids.to_pylist(), history.lead_attributes.numeric["employees"].tolist()) == (["b"], [12.0])


def test_a_vocabulary_of_other_attributes_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        Intake(replace(SCHEMA, categorical=("channel", "page")))


@pytest.mark.parametrize("row", [{"occurred_at": 0}, {"type": None, "occurred_at": 0}])
def test_an_interaction_without_a_type_is_refused(row: dict[str, Any]) -> None:
    for schema in (SCHEMA, plain(SCHEMA)):
        with pytest.raises(TypeError, match="Each interaction must be an InteractionRecord"):
            history_of([LeadRecord("a", 0, None, [row])], schema)
