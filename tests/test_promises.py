"""What the bands promised is held against the test part, by hand-made cases whose answer is known."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from features.contract import DAY
from models.temperature import TemperatureSettings
from training.promises import Promise, Proof, Proved, prove, told
from training.unseen import Unseen

DAYS = 10
LEVELS = np.array([0.05, 0.2, 0.6])


def looks(rates: tuple[float, float, float], leads: tuple[int, int, int] = (600, 300, 100)) -> Unseen:
    """Cold, warm and hot leads, so many of each, looked at on ten days; the stated shares of each are won, always."""
    level = np.repeat(np.arange(3), leads)
    won = np.concatenate([np.arange(count) < rate * count for rate, count in zip(rates, leads, strict=True)])
    as_of = np.repeat(np.arange(DAYS) * DAY, sum(leads))
    return Unseen(np.tile(LEVELS[level], DAYS), np.tile(won, DAYS).astype(np.int8), as_of, np.tile(np.arange(sum(leads)), DAYS))


CALIBRATION = looks((0.05, 0.2, 0.6))


def proved(test: Unseen, **table: Any) -> Proved:
    settings = TemperatureSettings(**table)
    bands = CALIBRATION.bands(settings)
    assert bands.of(LEVELS).tolist() == [0, 1, 2]
    found = prove(settings, bands, test)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["kept"] == found.kept
    return found


def hot(found: Proved) -> tuple[Promise, Proof]:
    promise = next(promise for promise in found.promises if promise.name == "hot")
    return promise, found.bands[2]


POLICIES = [
    {"policy": "lift", "warm": 1.2, "hot": 3.0},
    {"policy": "capacity", "hot_per_day": 100, "warm_per_day": 300},
    {"policy": "precision", "warm": 0.15, "hot": 0.5},
    {"policy": "value", "contact_cost": 50, "win_value": 100, "nurture_cost": 15},
]


@pytest.mark.parametrize("table", POLICIES, ids=lambda table: table["policy"])
def test_the_rows_that_the_bands_were_chosen_on_keep_every_promise(table: dict[str, Any]) -> None:
    found = proved(CALIBRATION, **table)
    assert [promise.verdict for promise in found.promises] == ["kept", "kept"]
    assert [band.place for band in found.bands] == ["inside"] * 3
    assert found.kept
    assert list(told(found)) == []


def test_capacity_counts_leads_a_day() -> None:
    twice = looks((0.05, 0.2, 0.6), (600, 300, 200))
    promise, _ = hot(proved(twice, **POLICIES[1]))
    assert (promise.promised, promise.actual, promise.verdict, promise.at_most) == (100, 200, "broken", True)
    slightly = looks((0.05, 0.2, 0.6), (600, 300, 103))
    assert hot(proved(slightly, **POLICIES[1]))[0].verdict == "missed by chance"


def test_a_lead_that_is_looked_at_twice_on_a_day_counts_once() -> None:
    once = CALIBRATION
    twice = Unseen(*(np.concatenate((values, values)) for values in (once.probability, once.label, once.as_of, once.lead)))
    assert hot(proved(twice, **POLICIES[1]))[0].actual == 100


def test_a_share_is_proved_as_a_share() -> None:
    promise, _ = hot(proved(looks((0.05, 0.2, 0.6), (600, 300, 300)), policy="capacity", hot_share=0.1, warm_share=0.3))
    assert promise.actual == pytest.approx(0.25)
    assert promise.verdict == "broken"


def test_precision_is_the_rate_of_the_band() -> None:
    promise, band = hot(proved(looks((0.05, 0.2, 0.3)), **POLICIES[2]))
    assert (promise.promised, promise.verdict) == (0.5, "broken")
    assert promise.actual == pytest.approx(0.3)
    assert band.place == "below"
    promise, band = hot(proved(looks((0.05, 0.2, 0.48)), **POLICIES[2]))
    assert promise.verdict == "missed by chance"
    assert band.place == "outside by chance"
    assert hot(proved(looks((0.05, 0.2, 0.9)), **POLICIES[2]))[1].place == "above"


def test_lift_is_a_multiple_of_the_base_rate_of_the_same_part() -> None:
    """All rates fall to a third: the lift stays, though no rate is what was stated."""
    found = proved(looks((0.05 / 3, 0.2 / 3, 0.6 / 3)), **POLICIES[0])
    promise, band = hot(found)
    assert promise.actual == pytest.approx(hot(proved(CALIBRATION, **POLICIES[0]))[0].actual)
    assert promise.verdict == "kept"
    assert band.place == "below"
    assert "hot: 20.0% were won in the test part, below" in "\n".join(told(found))


def test_the_interval_of_a_lift_is_that_of_a_bootstrap_by_lead() -> None:
    promise, _ = hot(proved(CALIBRATION, **POLICIES[0]))
    rng, ratios = np.random.default_rng(0), []
    first = slice(0, 1000)  # every day shows the same leads and outcomes
    p, y = CALIBRATION.probability[first], CALIBRATION.label[first]
    for _ in range(2_000):
        drawn = rng.integers(0, len(p), len(p))
        is_hot = p[drawn] == LEVELS[2]
        ratios.append(y[drawn][is_hot].mean() / y[drawn].mean())
    assert (promise.low, promise.high) == pytest.approx(tuple(np.percentile(ratios, [2.5, 97.5])), rel=0.03)


def test_value_is_what_a_contact_brings_after_its_cost() -> None:
    promise, band = hot(proved(looks((0.05, 0.2, 0.3)), **POLICIES[3]))
    assert promise.actual == pytest.approx(0.3 * 100 - 50)
    assert band.rate_high is not None
    assert promise.high == pytest.approx(band.rate_high * 100 - 50)
    assert promise.verdict == "broken"
    (words,) = (text for text in told(proved(looks((0.05, 0.2, 0.3)), **POLICIES[3])) if "promised" in text)
    assert words.startswith("hot: at least 0 gain per contact was promised; the test part shows -20 (")


def test_a_band_without_leads_is_not_seen_and_breaks_nothing() -> None:
    promise, band = hot(proved(looks((0.05, 0.2, 0.6), (600, 300, 0)), **POLICIES[2]))
    assert (promise.verdict, band.place) == ("not seen", "not seen")
    nobody_won = proved(looks((0.0, 0.0, 0.0)), **POLICIES[0])
    assert [promise.verdict for promise in nobody_won.promises] == ["not seen", "not seen"]
    assert not any(math.isinf(promise.high or 0) for promise in nobody_won.promises)
