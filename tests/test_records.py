"""Records give the same histories as tables do, and say what is wrong with them."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from features.columns import text
from features.compute import compute
from features.contract import DAY, UNKNOWN_TIME, DataError, parse_moment
from features.data_settings import DataSettings
from features.history import DIRECTIONS, History
from features.intake import history_of
from features.records import InteractionRecord, LeadRecord, number
from features.schema import Schema
from features.sources import read_tables
from tests.naive import naive
from tests.random_histories import DICE, World, matrix, same, worlds

SCHEMA = Schema(("amount",), ("channel",), ("employees",), ("industry",))


def test_rows_are_sorted_by_time_and_what_is_not_in_the_schema_is_ignored() -> None:
    late = InteractionRecord("call", 2 * DAY, 5 * DAY, 2, attributes={"amount": "7", "colour": "red"})
    early = InteractionRecord("visit", DAY, 0, 1, attributes={"channel": "web", "amount": math.inf})
    lead = LeadRecord("L1", None, {"employees": 12, "industry": ""}, [late, early])
    history = history_of([LeadRecord("L0", 3), lead], SCHEMA)
    assert history.lead_ids.to_pylist() == ["L0", "L1"]
    assert history.start.tolist() == [0, 0, 2]
    assert history.occurred_at.tolist() == [DAY, 2 * DAY]
    assert history.known_at.tolist() == [DAY, 5 * DAY]
    assert [history.type.levels[code] for code in history.type.codes] == ["visit", "call"]
    assert history.direction.tolist() == [1, 2]
    np.testing.assert_array_equal(history.attributes.numeric["amount"], [np.nan, 7])
    assert history.attributes.categorical["channel"].codes.tolist() == [0, -1]
    assert history.created_at.tolist() == [3, UNKNOWN_TIME]
    np.testing.assert_array_equal(history.lead_attributes.numeric["employees"], [np.nan, 12])
    assert history.lead_attributes.categorical["industry"].codes.tolist() == [-1, -1]
    assert "colour" not in {*history.attributes.numeric, *history.attributes.categorical}


def test_types_that_the_schema_excludes_are_never_seen() -> None:
    rows = [InteractionRecord("WON/signed", DAY), InteractionRecord("visit", 2 * DAY), InteractionRecord("WON/paid", 3 * DAY)]
    everything = history_of([LeadRecord("L0", 0, None, rows), LeadRecord("L1", 0, None, rows[:1])], Schema())
    schema = Schema(excluded=("WON/*",))
    for history in (
        history_of([LeadRecord("L0", 0, None, rows), LeadRecord("L1", 0, None, rows[:1])], schema),
        everything.with_schema(schema),
    ):
        assert history.start.tolist() == [0, 1, 1]
        assert history.occurred_at.tolist() == [2 * DAY]
        assert [history.type.levels[code] for code in history.type.codes] == ["visit"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, 3.0), ("2.5", 2.5), (True, 1.0), (None, math.nan), ("", math.nan), (math.inf, math.nan), (-1e31, math.nan), (1e30, 1e30)],
)
def test_a_number_is_read_or_missing(value: object, expected: float) -> None:
    np.testing.assert_equal(number(value, "amount"), expected)


@pytest.mark.parametrize("value", ["many", [1], {"n": 1}, 10**400])
def test_what_is_no_number_is_named(value: object) -> None:
    with pytest.raises(DataError, match="Attribute 'amount' must be a number"):
        number(value, "amount")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("web", "web"), (12.0, "12"), (12, "12"), (0.5, "0.5"), (True, "true"), (False, "false"), ("", None), (None, None), (math.nan, None)],
)
def test_a_text_is_written_as_tables_write_it(value: object, expected: str | None) -> None:
    assert text(value) == expected


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(worlds(), DICE)
def test_a_repeated_interaction_counts_once_as_it_was_first_known(world: World, dice: Any) -> None:
    def repeated(lead: LeadRecord) -> LeadRecord:
        events = [event._replace(interaction_id=dice.choice([None, "a", "b", "c"])) for event in lead.interactions]
        copies = [event._replace(recorded_at=event.occurred_at + dice.randrange(-1, 3) * DAY) for event in events if dice.random() < 0.5]
        return lead._replace(interactions=dice.sample([*events, *copies], len(events) + len(copies)))

    leads = [repeated(lead) for lead in world.leads]
    same(matrix(world, leads), naive(world.features, leads, world.snapshots), world.features.names)


def test_files_keep_the_same_one_of_repeated_interactions(tmp_path: Path) -> None:
    header = "lead_id,occurred_at,recorded_at,interaction_id,type,direction,zeal,amount\n"
    rows = [
        ("2026-01-02T00:00:00Z", "2026-01-05T00:00:00Z", "i1", "visit", "inbound", "b", 1.5),
        ("2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z", "i1", "visit", "inbound", "a", 9.5),
        ("2026-01-06T00:00:00Z", "2026-01-06T00:00:00Z", "i2", "visit", "", "b", 2.5),
        ("2026-01-06T00:00:00Z", "2026-01-06T00:00:00Z", "i2", "visit", "outbound", "c", 3.5),
        ("2026-01-07T00:00:00Z", "2026-01-07T00:00:00Z", "i3", "mail", "outbound", "b", 4.5),
        ("2026-01-07T00:00:00Z", "2026-01-07T00:00:00Z", "i3", "mail", "outbound", "a", 5.5),
    ]
    lines = [",".join(["L1", *map(str, row)]) for row in rows]
    (tmp_path / "interactions.csv").write_text(header + "\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "leads.csv").write_text("lead_id,created_at\nL1,2026-01-01T00:00:00Z\n", encoding="utf-8")
    described = {"interactions": {"path": "interactions.csv"}, "leads": {"path": "leads.csv"}}
    batch = History.from_tables(read_tables(DataSettings.model_validate(described), tmp_path))
    events = [
        InteractionRecord(kind, parse_moment(at), parse_moment(known), DIRECTIONS.get(way, 0), 0, key, {"zeal": zeal, "amount": amount})
        for at, known, key, kind, way, zeal, amount in rows
    ]
    alone = history_of([LeadRecord("L1", parse_moment("2026-01-01"), {}, events)], Schema(("amount",), ("zeal",)))
    assert batch.attributes.numeric["amount"].tolist() == alone.attributes.numeric["amount"].tolist() == [9.5, 3.5, 4.5]
    assert batch.occurred_at.tolist() == alone.occurred_at.tolist()
    assert batch.known_at.tolist() == alone.known_at.tolist()
    assert batch.direction.tolist() == alone.direction.tolist() == [1, 2, 2]


def test_an_id_that_two_leads_share_is_an_interaction_of_each(tmp_path: Path) -> None:
    events = [
        ("L1", "2026-01-02", "i1"),
        ("L1", "2026-01-03", "i2"),
        ("L2", "2026-01-04", "i1"),
        ("L2", "2026-01-05", "i1"),
        ("L2", "2026-01-06", ""),
    ]
    rows = [f"{lead},{at}T00:00:00Z,visit,{key}" for lead, at, key in events]
    (tmp_path / "interactions.csv").write_text("\n".join(["lead_id,occurred_at,type,interaction_id", *rows, ""]), encoding="utf-8")
    (tmp_path / "leads.csv").write_text("lead_id,created_at\nL1,2026-01-01T00:00:00Z\nL2,2026-01-01T00:00:00Z\n", encoding="utf-8")
    described = {"interactions": {"path": "interactions.csv"}, "leads": {"path": "leads.csv"}}
    batch = History.from_tables(read_tables(DataSettings.model_validate(described), tmp_path))
    assert batch.start.tolist() == [0, 2, 4]
    for position, name in enumerate(("L1", "L2")):
        own = [InteractionRecord("visit", parse_moment(at), interaction_id=key or None) for lead, at, key in events if lead == name]
        alone = history_of([LeadRecord(name, parse_moment("2026-01-01"), {}, own)], Schema())
        assert batch.slice(position, position + 1).occurred_at.tolist() == alone.occurred_at.tolist()


def as_it_came(event: InteractionRecord) -> dict[str, Any]:
    """An interaction as JSON would bring it: without what is not known, the direction in words."""
    told = event._asdict() | {"direction": {0: None, 1: "inbound", 2: "outbound"}[event.direction]}
    return {name: value for name, value in told.items() if value is not None}


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(worlds(), DICE)
def test_interactions_are_the_same_as_dicts_and_as_records(world: World, dice: Any) -> None:
    def half(lead: LeadRecord) -> LeadRecord:
        return lead._replace(interactions=[as_it_came(event) if dice.random() < 0.5 else event for event in lead.interactions])

    same(matrix(world, list(map(half, world.leads))), matrix(world, world.leads), world.features.names)


@pytest.mark.parametrize(
    ("lead", "told"),
    [
        (LeadRecord("L", interactions=["visit"]), "Each interaction must be an InteractionRecord, or a dict of its fields"),
        (LeadRecord("L", interactions=[InteractionRecord("visit", 0, direction=3)]), "with a known direction"),
        (LeadRecord("L", interactions=[{"type": "visit", "occurred_at": 0, "attributes": [1]}]), "and attributes in a dict"),
        (LeadRecord._make(["L", None, ("size", 1), []]), "Each lead must be a LeadRecord with attributes in a dict"),
        (LeadRecord("L", interactions=[{"type": "visit", "occurred_at": 0.5}]), "cannot be interpreted as an integer"),
        (
            LeadRecord("L", interactions=[{"type": "visit", "occurred_at": 0, "recorded_at": "today"}]),
            "cannot be interpreted as an integer",
        ),
        (LeadRecord("L", interactions=[{"type": "visit"}]), "cannot be interpreted as an integer"),
        (LeadRecord._make(["L", "today", None, []]), "cannot be interpreted as an integer"),
        (LeadRecord("L", interactions=[{"type": "visit", "occurred_at": 0, "interaction_id": ["i"]}]), "unhashable type"),
    ],
)
def test_what_is_no_record_is_refused(lead: LeadRecord, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        history_of([lead], SCHEMA)


def test_a_moment_beyond_64_bits_is_refused() -> None:
    with pytest.raises(OverflowError, match="too big"):
        history_of([LeadRecord("L", interactions=[InteractionRecord("visit", 2**63)])], SCHEMA)


def test_whatever_is_read_is_given_back() -> None:
    """What machine code counted wrongly would be freed while it is in use, or never."""
    kind, industry, channels, ids = (
        "vi" + "sit" * len(SCHEMA.numeric),
        4.0 * len("two"),
        ["".join(["web", str(n)]) for n in range(2)],
        ["i" * 30, "j" * 30],
    )
    rows = [InteractionRecord(kind, 2**40 + n, None, 1, 0, ids[n], {"amount": 12, "channel": channels[n]}) for n in range(2)]
    lead = LeadRecord("L", 2**40, {"employees": "12", "industry": industry}, rows)
    watched: list[object] = [kind, industry, *channels, *ids, lead, *rows]
    before = list(map(sys.getrefcount, watched))
    for _ in range(200):
        history = history_of([lead], SCHEMA)
        with pytest.raises(DataError, match="must be a number"):
            history_of([lead._replace(attributes={"employees": "many"})], SCHEMA)
    assert history.attributes.numeric["amount"].tolist() == [12.0, 12.0]
    assert history.lead_attributes.categorical["industry"].levels == ("12",)
    del history
    assert list(map(sys.getrefcount, watched)) == before


def test_no_leads_at_all_are_a_history_too() -> None:
    history = history_of([], SCHEMA)
    assert (len(history), history.start.tolist()) == (0, [0])


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(worlds(leads=8))
def test_what_was_known_before_a_moment_is_a_history_of_its_own(world: World) -> None:
    for position, as_of in world.snapshots:
        then = world.history.known_before(as_of)
        assert (then.known_at < as_of).all()
        lead, moment = np.array([position]), np.array([as_of])
        same(compute(world.features, then, lead, moment), compute(world.features, world.history, lead, moment), world.features.names)
