"""When a lead is looked at, and what counts as the outcome.

A lead is created on day 3 and won on day 8; we look every midnight, three days ahead, and know what happened until day 12::

    day     1   2   3   4   5   6   7   8   9  10  11  12
    lead            C-------------------W               U
    look                x   x   x   x   x
                        [-----------)                       day 4: not yet won at the end of day 6
                            [-----------)                   day 5: won at the very end, which does not belong to the horizon
                                [-----------)               day 6: won
    label               0   0   1   1   1
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from features.contract import DAY, NEVER, UNKNOWN_TIME
from features.dataset import Dataset
from features.records import LeadRecord
from features.snapshots import Snapshots, SnapshotSettings, after_interactions, at_creation, grid, on_dates, open_leads
from tests.small_data import dataset_of, day, lead

HORIZON = 3 * DAY
MIDNIGHTS = grid(day(1), day(12), DAY)
WON, LOST = True, False


class Case(NamedTuple):
    """A lead, its closings (day, won), and the days on which it is looked at with their labels."""

    why: str
    lead: LeadRecord
    closings: list[tuple[float, bool]]
    expected: dict[float, int]
    repeatable: bool = False

    @property
    def dataset(self) -> Dataset:
        return dataset_of([self.lead], [("lead", *closing) for closing in self.closings], until=12, repeatable=self.repeatable)


def told(snapshots: Snapshots, unit: int = 0) -> dict[float, int]:
    """Days and labels; ``unit`` microseconds are taken off each moment."""
    days = 1 + (snapshots.as_of - unit - day(1)) / DAY
    return dict(zip(days.tolist(), snapshots.label.tolist(), strict=True))


OPEN_TO_THE_END: dict[float, int] = {4: 0, 5: 0, 6: 0, 7: 0, 8: 0, 9: 0, 10: -1, 11: -1, 12: -1}

GRID = [
    Case(
        "created at a look: not there yet; won at a look: still open",
        lead(3),
        [(8, WON)],
        {4: 0, 5: 0, 6: 1, 7: 1, 8: 1},
    ),
    Case("a lost lead leaves in the same way", lead(3), [(8, LOST)], {4: 0, 5: 0, 6: 0, 7: 0, 8: 0}),
    Case("matured until the horizon ends with what was observed", lead(3), [], OPEN_TO_THE_END),
    Case("what is won before the horizon has ended is not known earlier than what is lost", lead(9), [(11, WON)], {10: -1, 11: -1}),
    Case("repeatable: it stays after a win", lead(3), [(6, WON)], OPEN_TO_THE_END | {4: 1, 5: 1, 6: 1}, repeatable=True),
    Case("repeatable: every win counts", lead(3), [(5, WON), (9, WON)], OPEN_TO_THE_END | {4: 1, 5: 1, 7: 1, 8: 1, 9: 1}, repeatable=True),
    Case("repeatable: won within the horizon, though lost before", lead(3), [(5, LOST), (6, WON)], {4: 1, 5: 1}, repeatable=True),
    Case("repeatable: it leaves by being lost", lead(3), [(5, WON), (6, LOST)], {4: 1, 5: 1, 6: 0}, repeatable=True),
    Case("without a creation it begins with its first interaction", lead(None, 7, 3), [(5, LOST)], {4: 0, 5: 0}),
    Case("nobody knew of it before that was recorded", lead(None, (1, 4), (3, 3), (2, 6)), [(6, LOST)], {4: 0, 5: 0, 6: 0}),
    Case("its creation counts more than its interactions", lead(3, 1), [(5, LOST)], {4: 0, 5: 0}),
    Case("without either it was always there", lead(None), [(3, LOST)], {1: 0, 2: 0, 3: 0}),
    Case("closed when it was created: never seen open", lead(3), [(3, WON)], {}),
]


@pytest.mark.parametrize("case", GRID, ids=lambda case: case.why)
def test_on_a_grid(case: Case) -> None:
    assert told(on_dates(case.dataset, MIDNIGHTS, HORIZON)) == case.expected


AFTER_EACH = [
    Case("right after each interaction, until it is closed", lead(1, 2, 4, 7, 9), [(8, WON)], {2: 0, 4: 0, 7: 1}),
    Case("the horizon begins a moment after the interaction", lead(1, 5), [(8, WON)], {5: 1}),
    Case("two at one moment are one look", lead(1, 2, 2, 5), [], {2: 0, 5: 0}),
    Case("what is recorded late is looked at when it is known", lead(1, (2, 4), 5), [], {4: 0, 5: 0}),
    Case("not before the lead was created", lead(3, 2, 3, 4), [], {3: 0, 4: 0}),
    Case("an interaction at the moment of the win comes too late", lead(1, 8), [(8, WON)], {}),
    Case("no interaction, no look", lead(1), [(8, WON)], {}),
    Case("without a creation the first interaction is the first look", lead(None, 2, 4), [], {2: 0, 4: 0}),
]


@pytest.mark.parametrize("case", AFTER_EACH, ids=lambda case: case.why)
def test_after_each_interaction(case: Case) -> None:
    assert told(after_interactions(case.dataset, HORIZON), unit=1) == case.expected


AT_CREATION = [
    Case("once, whatever happens later", lead(3, 4, 5), [(5, WON)], {3: 1}),
    Case("the horizon begins a moment after the creation", lead(3), [(6, WON)], {3: 1}),
    Case("not without a creation", lead(None, 4, 5), [(5, WON)], {}),
    Case("not if it was closed by then", lead(3), [(3, WON)], {}),
    Case("its horizon must have been observed", lead(10), [(11, WON)], {10: -1}),
]


@pytest.mark.parametrize("case", AT_CREATION, ids=lambda case: case.why)
def test_at_creation(case: Case) -> None:
    assert told(at_creation(case.dataset, HORIZON), unit=1) == case.expected


def test_a_grid_has_both_its_ends() -> None:
    assert grid(day(1), day(7), 3 * DAY).tolist() == [day(1), day(4), day(7)]
    assert grid(day(1), day(7) - 1, 3 * DAY).tolist() == [day(1), day(4)]
    assert grid(day(7), day(1), DAY).tolist() == []


def test_fixed_dates_need_no_even_steps() -> None:
    dates = np.array([day(4), day(5.5), day(9)])
    assert told(on_dates(GRID[0].dataset, dates, HORIZON)) == {4: 0, 5.5: 1}


def test_matured_drops_what_nobody_knows_yet() -> None:
    snapshots = on_dates(GRID[2].dataset, MIDNIGHTS, HORIZON)
    assert len(snapshots) == 9
    assert told(snapshots.matured) == dict.fromkeys(range(4, 10), 0)


def test_a_step_of_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="a duration must be longer than nothing"):
        SnapshotSettings(every="0d")


names = [f"lead {number}" for number in range(4)]
days = st.integers(1, 12)
drawn_leads = st.tuples(st.none() | days, st.lists(days | st.tuples(days, days).map(lambda pair: (min(pair), max(pair))), max_size=4))
drawn_closings = st.lists(st.tuples(st.sampled_from(names), days, st.booleans()), max_size=8)


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    leads = [lead(created, *rows, name=name) for name, (created, rows) in zip(names, draw(st.tuples(*[drawn_leads] * 4)), strict=True)]
    return dataset_of(leads, draw(drawn_closings), until=draw(days), repeatable=draw(st.booleans()))


def naive(dataset: Dataset, moments: Callable[[int], list[int]], horizon: int) -> list[tuple[int, int, int]]:
    """Lead, moment and label, one lead and one moment at a time."""
    history, outcomes, found = dataset.history, dataset.outcomes, []
    for number in range(len(history)):
        wins = outcomes.won_at[outcomes.won_start[number] : outcomes.won_start[number + 1]].tolist()
        for as_of in moments(number):
            if born(dataset, number) < as_of <= outcomes.closed_at[number]:
                label = any(as_of <= win < as_of + horizon for win in wins)
                found.append((number, as_of, label if as_of + horizon <= dataset.observed_until else -1))
    return found


def born(dataset: Dataset, number: int) -> int:
    history = dataset.history
    if history.created_at[number] != UNKNOWN_TIME:
        return int(history.created_at[number])
    return min(known(dataset, number), default=UNKNOWN_TIME)


def known(dataset: Dataset, number: int) -> list[int]:
    rows: list[int] = dataset.history.known_at[dataset.history.start[number] : dataset.history.start[number + 1]].tolist()
    return rows


def created(dataset: Dataset, number: int) -> list[int]:
    moment = int(dataset.history.created_at[number])
    return [] if moment == UNKNOWN_TIME else [moment]


def rows(snapshots: Snapshots) -> list[tuple[int, int, int]]:
    return list(zip(snapshots.lead.tolist(), snapshots.as_of.tolist(), snapshots.label.tolist(), strict=True))


@given(datasets(), st.integers(1, 6))
def test_all_leads_at_once_are_what_a_loop_over_leads_and_moments_finds(dataset: Dataset, days_ahead: int) -> None:
    horizon = days_ahead * DAY
    assert rows(on_dates(dataset, MIDNIGHTS, horizon)) == naive(dataset, lambda _: MIDNIGHTS.tolist(), horizon)
    each = naive(dataset, lambda number: sorted({moment + 1 for moment in known(dataset, number)}), horizon)
    assert rows(after_interactions(dataset, horizon)) == each
    once = naive(dataset, lambda number: [moment + 1 for moment in created(dataset, number)], horizon)
    assert rows(at_creation(dataset, horizon)) == once


@given(datasets())
def test_the_open_leads_of_a_day_are_those_looked_at(dataset: Dataset) -> None:
    for as_of in MIDNIGHTS.tolist():
        assert open_leads(dataset, as_of).tolist() == on_dates(dataset, np.array([as_of]), DAY).lead.tolist()


@given(drawn_closings, st.booleans())
def test_what_ends_a_lead_closes_it_and_its_wins_are_in_order(closings: list[tuple[str, float, bool]], repeatable: bool) -> None:  # noqa: FBT001
    outcomes = dataset_of([lead(1, name=name) for name in names], closings, until=12, repeatable=repeatable).outcomes
    for number, name in enumerate(names):
        ends = [day(closed) for one, closed, won in closings if one == name and not (won and repeatable)]
        wins = [day(closed) for one, closed, won in closings if one == name and won]
        assert outcomes.closed_at[number] == min(ends, default=NEVER)
        assert outcomes.won_at[outcomes.won_start[number] : outcomes.won_start[number + 1]].tolist() == sorted(wins)
