"""Histories from tables: sorted, coded, complete, and checked against the schema of a model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from features.columns import LARGEST, Categorical
from features.contract import DAY, UNKNOWN_TIME, DataError
from features.history import History
from features.schema import Schema
from features.sorting import settle_ties
from features.sources import Tables
from tests.random_histories import moments


def tables(interactions: dict[str, Any], leads: dict[str, Any] | None = None) -> Tables:
    rows = pa.table({"direction": pa.nulls(len(interactions["lead_id"]), pa.string()), **interactions})
    people = pa.table(leads or {"lead_id": ["b", "a", "none"], "created_at": moments([5, None, 7])})
    return Tables(rows, people, people.slice(0, 0), 0, (), "")


FIVE = {
    "lead_id": ["a", "b", "a", "b", "a"],
    "occurred_at": moments([3 * DAY, 9 * DAY, -DAY, 9 * DAY, 3 * DAY]),
    "recorded_at": moments([None, 8 * DAY, 2 * DAY, 20 * DAY, 3 * DAY]),
    "type": ["visit", "call", "visit", "call", "call"],
    "direction": pa.array(["inbound", None, "inbound", "outbound", "outbound"]),
    "amount": pa.array([1.5, None, float("inf"), 2 * LARGEST, -3.0]),
    "channel": pa.array(["web", "fair", None, "web", ""]),
}


def test_interactions_are_sorted_by_lead_and_time_and_ties_by_content() -> None:
    history = History.from_tables(tables(FIVE))
    assert history.lead_ids.to_pylist() == ["b", "a", "none"]
    assert history.start.tolist() == [0, 2, 5, 5]
    assert history.occurred_at.tolist() == [9 * DAY, 9 * DAY, -DAY, 3 * DAY, 3 * DAY]
    assert history.known_at.tolist() == [20 * DAY, 9 * DAY, 2 * DAY, 3 * DAY, 3 * DAY]
    assert [history.type.levels[code] for code in history.type.codes] == ["call", "call", "visit", "call", "visit"]
    assert history.direction.tolist() == [2, 0, 1, 2, 1]
    np.testing.assert_array_equal(history.attributes.numeric["amount"], [np.nan, np.nan, np.nan, -3, 1.5])
    assert history.created_at.tolist() == [5, UNKNOWN_TIME, 7]
    assert history.lead_of_row.tolist() == [0, 0, 1, 1, 1]


def test_a_declared_order_comes_before_the_content() -> None:
    at_once = {"lead_id": ["a"] * 3, "occurred_at": moments([DAY] * 3), "type": ["x", "y", "z"]}
    history = History.from_tables(tables({**at_once, "order": pa.array([2, 9, -1], pa.int64())}))
    assert [history.type.levels[code] for code in history.type.codes] == ["z", "x", "y"]


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_any_number_of_threads_sorts_alike(threads: int) -> None:
    dice = np.random.default_rng(threads)
    lead_ids = [f"L{i}" for i in range(40)]
    long_and_short = np.minimum(dice.geometric(0.05, 5000), 40) - 1
    rows = {
        "lead_id": pa.array(lead_ids).take(pa.array(long_and_short)),
        "occurred_at": moments(dice.integers(0, 50, 5000).tolist()),
        "type": pa.array(["x", "y"]).take(pa.array(dice.integers(0, 2, 5000))),
    }
    data = tables(rows, {"lead_id": lead_ids, "created_at": moments([None] * 40)})
    one, many = History.from_tables(data), History.from_tables(data, threads=threads)
    assert (np.diff(one.occurred_at)[np.diff(one.lead_of_row) == 0] >= 0).all()
    for name in ("start", "occurred_at", "direction"):
        np.testing.assert_array_equal(getattr(many, name), getattr(one, name))
    np.testing.assert_array_equal(many.type.codes, one.type.codes)


def test_a_slice_is_the_history_of_some_leads() -> None:
    part = History.from_tables(tables(FIVE)).slice(1, 3)
    assert (len(part), part.lead_ids.to_pylist(), part.start.tolist()) == (2, ["a", "none"], [0, 3, 3])
    assert part.occurred_at.tolist() == [-DAY, 3 * DAY, 3 * DAY]
    assert part.attributes.categorical["channel"].codes.tolist()[0] == -1
    assert part.created_at.tolist() == [UNKNOWN_TIME, 7]


def test_nothing_happened_and_nobody_came() -> None:
    nothing = {"lead_id": pa.array([], pa.string()), "occurred_at": moments([]), "type": pa.array([], pa.string())}
    history = History.from_tables(tables(nothing), threads=2)
    assert (len(history), history.start.tolist(), len(history.occurred_at)) == (3, [0, 0, 0, 0], 0)
    nobody = History.from_tables(tables(nothing, {"lead_id": pa.array([], pa.string()), "created_at": moments([])}))
    assert (len(nobody), nobody.start.tolist()) == (0, [0])


def test_a_schema_takes_what_a_model_knows_and_fills_what_is_gone() -> None:
    history = History.from_tables(tables(FIVE), Schema(("amount", "gone"), ("away",), ("size",), ("industry",)))
    assert {*history.attributes.numeric} == {"amount", "gone"}
    assert np.isnan(history.attributes.numeric["gone"]).all()
    assert history.attributes.categorical["away"].codes.tolist() == [-1] * 5
    assert np.isnan(history.lead_attributes.numeric["size"]).all()
    assert history.lead_attributes.categorical["industry"].codes.tolist() == [-1] * 3


def test_numbers_where_a_model_knows_texts_become_texts() -> None:
    schema = Schema((), ("amount",))
    values = History.from_tables(tables({**FIVE, "amount": pa.array([1.0, 2.5, None, float("nan"), -3.0])}), schema)
    amount = values.attributes.categorical["amount"]
    assert amount.levels == ("-3", "1", "2.5")
    assert sorted(amount.codes.tolist()) == [-1, -1, 0, 1, 2]


def test_texts_where_a_model_knows_numbers_are_refused() -> None:
    with pytest.raises(DataError, match="Column 'channel' held numbers when the model was trained"):
        History.from_tables(tables(FIVE), Schema(("channel",)))


def test_levels_are_sorted_and_recoded_into_a_vocabulary() -> None:
    column = Categorical.of_arrow(pa.chunked_array([["web", None], ["fair"], ["ads", "web"]]))
    assert column.levels == ("ads", "fair", "web")
    assert column.codes.tolist() == [2, -1, 1, 0, 2]
    assert column.recode(("fair", "web")).tolist() == [1, -1, 0, 2, 1]
    assert Categorical(column.codes, ("fair", "web", "ads")).recode(("fair", "web")).tolist() == [2, -1, 1, 0, 2]


@pytest.mark.parametrize("levels", [1, 127, 128, 300])
def test_texts_are_put_in_order_however_many_there_are(levels: int) -> None:
    texts = [f"level-{number:03d}" for number in range(levels)] + [None]
    column = Categorical.of_arrow(pa.chunked_array([texts]))
    backwards = column.ordered(lambda codes: codes[::-1])
    assert [None if code < 0 else backwards.levels[code] for code in backwards.codes] == texts[::-1]
    assert backwards.codes.dtype == np.int32


def test_ties_are_settled_by_content_within_their_run_only() -> None:
    times = np.array([1, 1, 1, 2, 3, 3, 3, 5, 5])
    rank, start = np.array([8, 7, 6, 5, 4, 3, 2, 1, 0]), np.array([0, 2, 2, 5, 9])
    settle_ties(rank, times, start, [np.array([9, 8, 1, 2, 2, 0, 0, 1, 2])])
    assert rank.tolist() == [7, 8, 6, 5, 4, 2, 3, 1, 0]
