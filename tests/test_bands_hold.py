"""Calibrated where it counts: what is won of each band lies in the band's stated interval, or an alert says that it does not.

Three simulated worlds, two real data sets. In the third world the chance to win has grown eightfold by the end; uci_bank's base rate
moves from 5 % to 30 %. The actual rates are counted here from the raw outcomes of the test period.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from models.scorer import LeadScorer
from models.temperature import NAMES
from tests.monitored import codes
from tests.small_world import prepared
from tests.trained import Trained, trained
from training.learn import learn
from training.monitoring import Monitoring, monitor, rescore
from training.simulation.simulate import WorldSettings, simulate

pytestmark = pytest.mark.slow

LEADS = 3_000
WORLDS = {"plain": (21, 1.0), "another": (22, 1.0), "shifted": (23, 8.0)}
"""Seed and base rate factor of each simulated world."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("worlds")


@cache
def world(name: str, place: Path) -> Trained:
    seed, factor = WORLDS[name]
    simulate(place / name, LEADS, seed, WorldSettings(base_rate_factor=factor))
    settings, dataset, parts = prepared(place / name)
    return Trained(settings, dataset, parts, learn(dataset, parts, settings))


def watched(one: Trained, scorer: LeadScorer) -> Monitoring:
    named = replace(scorer, version="1", fingerprint="f" * 64)
    log = rescore(named, one.dataset, one.parts.test)
    return monitor(one.dataset, log, {named.fingerprint: named}, one.settings.monitor)


def bands_off(one: Trained, scorer: LeadScorer) -> set[str]:
    """The bands whose actual rate is not in the stated interval."""
    test, bands = one.parts.test, scorer.bands
    assert bands is not None
    probability = scorer.numbers(one.dataset.history.with_schema(scorer.schema), test.lead, test.as_of).probability
    edges = (0.0, *bands.thresholds, 1.0)
    off: set[str] = set()
    for code, band in enumerate(bands.bands):
        rows = (probability >= edges[code]) & (probability < edges[code + 1])
        if rows.any() and band.rate_low is not None and band.rate_high is not None:
            off |= set() if band.rate_low <= test.label[rows].mean() <= band.rate_high else {NAMES[code]}
    return off


def told(result: Monitoring) -> set[str]:
    return {alert.where for alert in result.alerts if alert.code in ("band_off", "band_outside")}


@pytest.mark.parametrize("name", WORLDS)
def test_in_simulated_worlds(name: str, place: Path) -> None:
    one = world(name, place)
    result = watched(one, one.scorer)
    assert told(result) == bands_off(one, one.scorer)
    assert codes(result) == ({"calibration_off"} if name == "shifted" else set())


def test_in_a_world_that_changes_after_the_training(place: Path) -> None:
    one, scorer = world("shifted", place), world("plain", place).scorer
    result = watched(one, scorer)
    assert told(result) == bands_off(one, scorer) == {"cold", "warm", "hot"}
    assert {"band_off", "calibration_off"} <= codes(result)
    assert {"unknown_types", "feature_missing", "skew"}.isdisjoint(codes(result))


def test_on_loan_applications() -> None:
    one = trained("bpic2012")
    result = watched(one, one.scorer)
    assert told(result) == bands_off(one, one.scorer)
    assert {"band_off", "calibration_off", "score_drift", "hot_inflation"}.isdisjoint(codes(result))


def test_on_a_campaign_whose_base_rate_moves() -> None:
    one = trained("uci_bank")
    result = watched(one, one.scorer)
    assert told(result) == bands_off(one, one.scorer) == {"cold", "warm", "hot"}
    assert {"band_off", "calibration_off"} <= codes(result)
