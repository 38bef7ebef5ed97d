"""Thresholds keep what their policy says, and where they cannot, the bands say so."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.contract import DAY, ModelError
from models.calibration import to_probability
from models.intervals import ONE_SIDED_95, effective_rows, wilson
from models.policies import LEAST_LEADS, choose_bands
from models.temperature import NAMES, Band, Bands, TemperatureSettings


class World:
    """Calibrated leads that are looked at once a day for ten days."""

    def __init__(self, leads: int = 2_000, mean: float = -2.5, spread: float = 1.2, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.lead = np.tile(np.arange(leads), 10)
        self.as_of = np.repeat(np.arange(10) * DAY + DAY // 3, leads)
        self.p = to_probability(rng.normal(mean, spread, 10 * leads))
        self.y = (rng.random(10 * leads) < self.p).astype(np.int64)

    def bands(self, **table: Any) -> Bands:
        return choose_bands(TemperatureSettings(**table), self.p, self.y, self.as_of, self.lead)

    def rate(self, chosen: npt.NDArray[np.bool_]) -> float:
        return float(self.y[chosen].mean())


@pytest.fixture(scope="module")
def world() -> World:
    return World()


# What is told of the bands


def test_json_gives_equal_bands_back(world: World) -> None:
    for table in ({}, {"policy": "precision", "hot": 0.9}):
        bands = world.bands(**table)
        assert Bands.from_dict(json.loads(json.dumps(bands.to_dict(), allow_nan=False))) == bands


def test_every_band_tells_its_share_and_rate_with_an_interval_by_lead(world: World) -> None:
    bands = world.bands()
    temperature = bands.of(world.p)
    for index, band in enumerate(bands.bands):
        mine = temperature == index
        low, high = wilson(world.rate(mine), effective_rows(world.y[mine], world.lead[mine])[-1])
        expected = Band(NAMES[index], band.lower, band.upper, mine.sum(), mine.mean(), world.rate(mine), float(low), float(high))
        assert band == expected
    assert sum(band.share for band in bands.bands) == pytest.approx(1)
    assert [band.lower for band in bands.bands[1:]] == [band.upper for band in bands.bands[:-1]]
    assert bands.observed(world.p, world.y, world.lead) == bands.bands


# Lift


def test_lift_is_a_multiple_of_the_base_rate(world: World) -> None:
    bands = world.bands()
    assert bands.policy == "lift"
    assert bands.thresholds == (2 * world.y.mean(), 4 * world.y.mean())
    assert bands.notes == ()
    assert world.bands(warm=1.5, hot=3).thresholds == (1.5 * world.y.mean(), 3 * world.y.mean())


def test_a_lead_on_the_threshold_reaches_it() -> None:
    p = np.repeat([0.25, 0.0625], [2 * LEAST_LEADS, 6 * LEAST_LEADS])
    y = np.zeros(len(p), np.int64)
    y[:LEAST_LEADS] = 1  # one in eight, so that warm begins at exactly 0.25
    bands = choose_bands(TemperatureSettings(policy="lift", warm=2.0, hot=4.0), p, y, np.zeros(len(p), np.int64), np.arange(len(p)))
    assert (bands.thresholds[0], bands.bands[1].rows) == (0.25, 2 * LEAST_LEADS)
    assert not any("be warm" in note for note in bands.notes)


def test_lift_takes_the_top_of_what_the_data_reaches_and_says_so() -> None:
    often = World(mean=-0.8, spread=0.9)
    bands = often.bands()
    warm, hot = bands.thresholds
    assert warm == 2 * often.y.mean()
    assert bands.bands[2].rows == pytest.approx((often.p >= warm).sum() / 4, abs=1)
    assert bands.notes[0].startswith("Fewer than 30 leads reach 4 times the base rate")
    assert bands.notes[1].startswith(f"Hot is the top 25% of the warm instead, from {hot:.1%}")


def test_lift_without_any_warm_lead_takes_the_top_fifth() -> None:
    bands = World(mean=1.0, spread=0.5).bands()
    assert bands.bands[1].share + bands.bands[2].share == pytest.approx(0.2)
    assert bands.bands[2].share == pytest.approx(0.05)
    assert len(bands.notes) == 4


def test_no_band_is_invented_where_nothing_tells_leads_apart() -> None:
    same = World()
    same.p = np.full_like(same.p, 0.1)
    same.y = np.arange(len(same.y)) % 10 // 9
    bands = same.bands()
    assert bands.thresholds == (1.0, 1.0)
    assert [band.rows for band in bands.bands] == [len(same.y), 0, 0]
    assert bands.bands[2].rate is None
    assert "No lead was hot in the rows the bands were chosen on." in bands.notes


def test_lift_without_any_won_lead_leaves_all_cold() -> None:
    lost = World()
    lost.y[:] = 0
    bands = lost.bands()
    assert bands.thresholds == (1.0, 1.0)
    assert "None of these leads was won" in bands.notes[0]


# Capacity


@given(per_day=st.integers(1, 1_999), seed=st.integers(0, 50))
@settings(max_examples=40, deadline=None)
def test_capacity_is_used_and_never_passed_on_an_average_day(per_day: int, seed: int) -> None:
    world = World(seed=seed)
    hot = world.bands(policy="capacity", hot_per_day=per_day).bands[2]
    assert hot.rows / 10 == per_day


def test_capacity_counts_a_lead_once_a_day() -> None:
    world = World(leads=400)
    twice = choose_bands(
        TemperatureSettings(policy="capacity", hot_per_day=40),
        np.concatenate([world.p, world.p * 0.9]),
        np.tile(world.y, 2),
        np.concatenate([world.as_of, world.as_of + DAY // 4]),
        np.tile(world.lead, 2),
    )
    assert twice.thresholds[1] == world.bands(policy="capacity", hot_per_day=40).thresholds[1]


def test_capacity_by_share(world: World) -> None:
    bands = world.bands(policy="capacity", hot_share=0.05, warm_share=0.2)
    assert [band.share for band in bands.bands] == pytest.approx([0.75, 0.2, 0.05])
    default = world.bands(policy="capacity", hot_share=0.05)
    assert default.bands[1].share == pytest.approx(0.15)
    mixed = world.bands(policy="capacity", hot_per_day=20, warm_share=0.2)
    assert [band.rows for band in mixed.bands[1:]] == [4_000, 200]


def test_equal_leads_are_not_parted_to_fill_the_capacity() -> None:
    rounded = World()
    rounded.p = np.round(rounded.p, 1).clip(0.05, 0.95)
    bands = rounded.bands(policy="capacity", hot_per_day=100)
    assert bands.bands[2].rows <= 1_000
    assert (rounded.p >= np.nextafter(bands.thresholds[1], 0) - 0.11).sum() > 1_000
    rounded.p[:] = 0.3
    assert "No threshold lets only 1000 leads be hot" in rounded.bands(policy="capacity", hot_per_day=100).notes[0]


def test_more_capacity_than_leads_is_stated(world: World) -> None:
    bands = world.bands(policy="capacity", hot_per_day=5_000)
    assert [band.rows for band in bands.bands] == [0, 0, len(world.y)]
    assert "room for more hot leads than there are" in bands.notes[0]
    assert "No lead was warm in the rows the bands were chosen on." in bands.notes


# Precision


def test_precision_is_the_lowest_threshold_whose_lower_bound_holds(world: World) -> None:
    warm, hot = world.bands(policy="precision", hot=0.33, warm=0.15).thresholds

    def bound(threshold: float, upper: float) -> float:
        mine = (world.p >= threshold) & (world.p < upper)
        return float(wilson(world.rate(mine), effective_rows(world.y[mine], world.lead[mine])[-1], ONE_SIDED_95)[0])

    assert bound(hot, 1.0) >= 0.33
    assert bound(warm, hot) >= 0.15
    assert max(bound(lower, 1.0) for lower in np.unique(world.p[world.p < hot])[::50]) < 0.33
    assert max(bound(lower, hot) for lower in np.unique(world.p[world.p < warm])[::50]) < 0.15


def test_precision_holds_on_new_leads() -> None:
    """The bound errs on the safe side: of 40 worlds, nearly all keep the promise on leads that were not used to choose."""
    kept = 0
    for seed in range(40):
        fresh = World(seed=1_000 + seed)
        hot = World(leads=400, seed=seed).bands(policy="precision").thresholds[1]
        kept += fresh.rate(fresh.p >= hot) >= 0.33
    assert kept >= 36


def test_a_precision_that_cannot_be_had_leaves_the_band_empty_and_says_how_far_it_goes(world: World) -> None:
    bands = world.bands(policy="precision", hot=0.95, warm=0.3)
    assert bands.thresholds[1] == 1.0
    assert bands.bands[2].rows == 0
    assert bands.bands[1].rate_low is not None
    assert bands.bands[1].rate_low > 0.28
    assert "No threshold makes sure that 95% of the hot leads convert (95 % lower bound): the most is" in bands.notes[0]


def test_precision_needs_leads_and_not_rows_to_rest_on() -> None:
    few = World(leads=LEAST_LEADS - 1)
    few.y[:] = 1
    assert f"fewer than {LEAST_LEADS} leads to show" in few.bands(policy="precision").notes[0]


# Value


def test_value_is_cost_over_value(world: World) -> None:
    assert world.bands(policy="value", contact_cost=25, win_value=100).thresholds == (0.125, 0.25)
    assert world.bands(policy="value", contact_cost=25, win_value=100, nurture_cost=2).thresholds == (0.02, 0.25)
    dear = world.bands(policy="value", contact_cost=99.9, win_value=100)
    assert dear.notes == ("No lead was hot in the rows the bands were chosen on.",)


# What is refused


@pytest.mark.parametrize(
    ("p", "y", "lead", "message"),
    [
        ([], [], [], "at least one row"),
        ([0.1, 0.2], [1, 0], [1], "at least one row"),
        ([0.1, np.nan], [1, 0], [1, 2], "between 0 and 1"),
        ([0.1, 1.0], [1, 0], [1, 2], "between 0 and 1"),
        ([0.1, 0.2], [1, -1], [1, 2], "labels of 0 or 1"),
    ],
)
def test_unusable_rows_are_refused(p: list[float], y: list[int], lead: list[int], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        choose_bands(TemperatureSettings(), p, y, [0] * len(p), lead)
