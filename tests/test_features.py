"""The exact promises of the features: each holds with ``==``, on thousands of random histories."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.compute import compute
from features.contract import DAY, WEEK
from features.history import History
from features.records import InteractionRecord, LeadRecord, history_of
from tests.naive import known_at, naive
from tests.random_histories import World, shifted, tables_of, worlds

EXAMPLES = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
DICE = st.randoms(use_true_random=True)


def same(actual: np.ndarray, expected: np.ndarray, names: Sequence[str]) -> None:
    """Assert equality to the last bit, NaN being equal to NaN, and name the columns that differ."""
    assert actual.dtype == expected.dtype == np.float32
    assert actual.shape == expected.shape
    differ = ~((actual == expected) | (np.isnan(actual) & np.isnan(expected)))
    places = [(names[column], int(row), actual[row, column], expected[row, column]) for row, column in np.argwhere(differ)[:5]]
    assert not places


def matrix(world: World, leads: Sequence[LeadRecord]) -> np.ndarray:
    """The features of the world's snapshots, had its leads been ``leads``."""
    return compute(world.features, history_of(leads, world.features.schema), world.lead, world.as_of)


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
