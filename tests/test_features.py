"""The exact promises of the features: each holds with ``==``, on thousands of random histories."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.catalogue import FeatureSettings
from features.columns import Categorical
from features.compute import _plan, compute, encode
from features.contract import DAY, HOUR, WEEK
from features.history import History
from features.intake import history_of
from features.native import calling
from features.records import InteractionRecord, LeadRecord
from features.schema import Schema
from features.vocabulary import fit_features
from tests.naive import MEASURES, naive
from tests.naive_view import known_at
from tests.random_histories import DICE, World, matrix, same, shifted, tables_of, worlds

SCHEMA = Schema(("amount",), ("channel",), ("employees",), ("industry",))
EXAMPLES = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@EXAMPLES
@given(worlds())
def test_every_feature_equals_its_definition(world: World) -> None:
    same(matrix(world, world.leads), naive(world.features, world.leads, world.snapshots), world.features.names)


@EXAMPLES
@given(worlds(), DICE)
def test_any_split_order_or_number_of_threads_gives_the_same_numbers(world: World, dice: random.Random) -> None:
    whole = matrix(world, world.leads)
    history = world.history
    same(compute(world.features, history, world.lead, world.as_of, dice.randint(2, 5)), whole, world.features.names)
    order = np.array(dice.sample(range(len(whole)), len(whole)))
    same(compute(world.features, history, world.lead[order], world.as_of[order]), whole[order], world.features.names)
    low, high = sorted(dice.choices(range(len(world.leads) + 1), k=2))
    mine = (world.lead >= low) & (world.lead < high)
    part = history.slice(low, high)
    same(compute(world.features, part, world.lead[mine] - low, world.as_of[mine], 2), whole[mine], world.features.names)


@EXAMPLES
@given(worlds(), DICE, st.booleans())
def test_a_lead_alone_equals_the_lead_in_the_table_whatever_the_order_of_rows(world: World, dice: random.Random, order: bool) -> None:  # noqa: FBT001
    leads = world.leads if order else [each(lead, lambda event: event._replace(order=0)) for lead in world.leads]
    tables = tables_of(leads, world.features.schema, dice, order=order)
    batch = compute(world.features, History.from_tables(tables, world.features.schema, dice.randint(1, 3)), world.lead, world.as_of)
    for position, lead in enumerate(leads):
        mine = world.lead == position
        alone = compute(world.features, history_of([lead], world.features.schema), world.lead[mine] * 0, world.as_of[mine])
        same(alone, batch[mine], world.features.names)


@EXAMPLES
@given(worlds(leads=4), DICE)
def test_a_moment_among_many_of_its_lead_gives_what_it_gives_alone(world: World, dice: random.Random) -> None:
    """Sweeps go on, begin anew and stand still: between moments that differ by a microsecond, and where something old becomes known."""
    lead, as_of = swept(world, dice)
    together = compute(world.features, world.history, lead, as_of)
    alone = [compute(world.features, world.history, lead[i : i + 1], as_of[i : i + 1])[0] for i in range(len(lead))]
    same(together, np.stack(alone), world.features.names)
    events, plan, mixed = encode(world.features, world.history), _plan(world.features), np.empty_like(together)
    calling.fill(plan, events, lead, as_of, np.array(dice.sample(range(len(lead)), len(lead))), mixed)
    same(mixed, together, world.features.names)


def swept(world: World, dice: random.Random) -> tuple[np.ndarray, np.ndarray]:
    """Some 40 moments of each lead, most of them close to when something happened or became known, some of them twice."""
    history = world.history
    moments = []
    for one in range(len(history)):
        rows = slice(history.start[one], history.start[one + 1])
        known = [*history.occurred_at[rows].tolist(), *history.known_at[rows].tolist(), int(world.as_of[0])]
        moments += [(one, dice.choice(known) + dice.choice((0, 1, -1, DAY, 7 * DAY, 90 * DAY))) for _ in range(40)]
    dice.shuffle(moments)
    lead, as_of = np.array(moments, np.int64).T.copy()
    return lead, as_of


@EXAMPLES
@given(worlds(), DICE)
def test_the_order_of_records_does_not_matter(world: World, dice: random.Random) -> None:
    mixed = [lead._replace(interactions=dice.sample(list(lead.interactions), len(lead.interactions))) for lead in world.leads]
    same(matrix(world, mixed), matrix(world, world.leads), world.features.names)


@EXAMPLES
@given(worlds(leads=12), DICE)
def test_nothing_at_or_after_the_moment_is_seen(world: World, dice: random.Random) -> None:
    for (position, as_of), before in zip(world.snapshots, matrix(world, world.leads), strict=True):
        lead = rewritten_future(dice, world.leads[position], as_of)
        after = compute(world.features, history_of([lead], world.features.schema), np.zeros(1, np.int64), np.array([as_of]))
        same(after, before[None], world.features.names)


def rewritten_future(dice: random.Random, lead: LeadRecord, as_of: int) -> LeadRecord:
    """The lead with what could not be known at ``as_of`` deleted, changed, and added to."""
    past = [event for event in lead.interactions if max(event.occurred_at, known_at(event)) < as_of]
    future = [event for event in lead.interactions if event not in past and dice.random() < 0.5]
    changed = [event._replace(type="call", direction=2, attributes={"amount": 1e9, "channel": "fair"}) for event in future]
    at_once = InteractionRecord("demo", as_of, None, 1, -1)
    late = InteractionRecord("visit", as_of - dice.randrange(9 * DAY), as_of + dice.randrange(2), 1)
    created = lead.created_at if lead.created_at is None or lead.created_at < as_of else as_of + dice.randrange(DAY)
    return lead._replace(created_at=created, interactions=[*changed, at_once, late, *past])


@EXAMPLES
@given(worlds(), st.integers(-600, 600))
def test_whole_weeks_later_nothing_changes(world: World, weeks: int) -> None:
    later = history_of([shifted(lead, weeks * WEEK) for lead in world.leads], world.features.schema)
    same(
        compute(world.features, later, world.lead, world.as_of + weeks * WEEK),
        matrix(world, world.leads),
        world.features.names,
    )


def each(lead: LeadRecord, change: Callable[[InteractionRecord], InteractionRecord]) -> LeadRecord:
    return lead._replace(interactions=[change(event) for event in lead.interactions])


def test_a_decayed_count_is_the_sum_of_the_powers() -> None:
    ages = [DAY // 3, DAY, 7 * DAY, 7 * DAY, 20 * DAY, 400 * DAY]
    lead = LeadRecord("L", None, {}, [InteractionRecord("visit", -age) for age in ages])
    features = fit_features(history_of([lead], Schema()), FeatureSettings(half_lives=(7 * DAY,), min_count=1), {})
    row = compute(features, history_of([lead], Schema()), np.zeros(1, np.int64), np.zeros(1, np.int64))[0]
    expected = sum(2 ** (-age / (7 * DAY)) for age in ages)
    assert row[features.column("decayed(visit, 7d)")] == pytest.approx(expected, rel=1e-7)


def test_a_decayed_count_stays_a_number_over_thousands_of_half_lives() -> None:
    years = [InteractionRecord("visit", day * 365 * DAY + hour * HOUR) for day in range(4) for hour in range(3)]
    history = history_of([LeadRecord("L", None, {}, years)], Schema())
    features = fit_features(history, FeatureSettings(half_lives=(HOUR,), min_count=1), {})
    as_of = np.array([3 * HOUR, 365 * DAY + 3 * HOUR, 3 * 365 * DAY + 3 * HOUR, 4 * 365 * DAY])
    rows = compute(features, history, np.zeros(4, np.int64), as_of)
    assert rows[:, features.column("decayed(visit, 1h)")].tolist() == [0.875, 0.875, 0.875, 0.0]


def test_windows_hold_their_beginning_and_not_their_end() -> None:
    lead = LeadRecord("L", DAY, {}, [InteractionRecord("visit", DAY, None, 1)])
    history = history_of([lead], Schema())
    features = fit_features(history, FeatureSettings(windows=(DAY, 3 * DAY), min_count=1), {})
    moments = np.array([DAY, DAY + 1, 2 * DAY, 2 * DAY + 1, 3 * DAY + 1])
    rows = compute(features, history, np.zeros(5, np.int64), moments)
    assert rows[:, features.column("count(visit, 1d)")].tolist() == [0, 1, 1, 0, 0]
    assert rows[:, features.column("count(visit, ever)")].tolist() == [0, 1, 1, 1, 1]
    np.testing.assert_array_equal(rows[:, features.column("trend(all, 1d)")], np.array([np.nan, 1, 1, -1, np.nan], np.float32))
    np.testing.assert_array_equal(np.isnan(rows[:, features.column("age_days")]), [True, False, False, False, False])


def test_a_lead_without_history_gets_zeros_and_missing_values() -> None:
    features = fit_features(history_of([LeadRecord("L")], SCHEMA), FeatureSettings(), {})
    row = compute(features, history_of([LeadRecord("L")], SCHEMA), np.zeros(1, np.int64), np.zeros(1, np.int64))[0]
    zeros = {"count", "decayed", "active_days", "sessions", "outbound_since_inbound", "distinct_types", "sum", "distinct"}
    assert {feature.measure for feature, value in zip(features.features, row, strict=True) if value == 0} == zeros
    assert {feature.measure for feature, value in zip(features.features, row, strict=True) if np.isnan(value)} == MEASURES.keys() - zeros


def test_an_interaction_without_a_type_counts_as_other() -> None:
    visit, rare = InteractionRecord("visit", DAY), InteractionRecord("rare", 2 * DAY)
    features = fit_features(history_of([LeadRecord("L", interactions=[visit, visit])], Schema()), FeatureSettings(min_count=1), {})
    known = history_of([LeadRecord("L", interactions=[visit, rare])], Schema())
    unknown = replace(known, type=Categorical(np.array([0, -1], np.int32), ("visit",)))
    row, other = (compute(features, one, np.zeros(1, np.int64), np.array([3 * DAY]))[0] for one in (unknown, known))
    assert row[features.column("count(other, ever)")] == 1
    counted = [i for i, name in enumerate(features.names) if not name.startswith("last_type")]
    np.testing.assert_array_equal(row[counted], other[counted])


def test_one_lead_with_100_000_interactions() -> None:
    dice = np.random.default_rng(5)
    moments, types, directions = (dice.integers(0, high, 100_000).tolist() for high in (90 * DAY, 3, 3))
    events = [InteractionRecord(f"t{kind}", moment, None, way) for kind, moment, way in zip(types, moments, directions, strict=True)]
    leads = [LeadRecord("short", 0, {}, events[:2]), LeadRecord("long", 0, {}, events)]
    features = fit_features(history_of(leads, Schema()), FeatureSettings(windows=(7 * DAY,), half_lives=(DAY,), max_types=1), {})
    lead, as_of = np.array([1, 0, 1]), np.array([50 * DAY, 60 * DAY, 100 * DAY])
    actual = compute(features, history_of(leads, Schema()), lead, as_of, threads=2)
    same(actual, naive(features, leads, zip(lead.tolist(), as_of.tolist(), strict=True)), features.names)
    tables = tables_of(leads, Schema(), random.Random(5), order=False)  # noqa: S311
    same(compute(features, History.from_tables(tables, threads=2), lead, as_of), actual, features.names)
