"""Batch and service are compared to the last bit, and the clock is watched; what differs is named."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from features.catalogue import FeatureSet
from features.contract import DAY, parse_moment
from features.intake import history_of
from features.records import InteractionRecord, LeadRecord
from features.schema import Schema
from models.calibration import Calibration
from models.latency import latency
from models.parity import REFUSED, body, parity
from models.request import read_request
from models.scorer import LeadScorer
from tests.small_world import SmallWorld

NOW = parse_moment("2026-01-31")


@pytest.fixture(scope="module")
def rows(world: SmallWorld) -> tuple[np.ndarray, np.ndarray]:
    """Leads and moments, warm and hot ones among them, and such that much happens to them later."""
    table = world.scorer.numbers(world.dataset.history.with_schema(world.scorer.schema), world.parts.test.lead, world.parts.test.as_of)
    order = np.argsort(-table.probability, kind="stable")[:: len(table.probability) // 60]
    return world.parts.test.lead[order], world.parts.test.as_of[order]


def test_the_service_and_the_batch_agree_to_the_last_bit(world: SmallWorld, rows: tuple[np.ndarray, np.ndarray]) -> None:
    served = LeadScorer.load(world.folder / "model")
    found = parity(world.scorer, served, world.dataset.history, *rows)
    assert (found.sampled, found.differing) == (len(rows[0]), ())


def test_a_body_gives_the_history_back(world: SmallWorld) -> None:
    own, of_leads = world.dataset.history.attributes, world.dataset.history.lead_attributes
    kinds = (own.numeric, own.categorical, of_leads.numeric, of_leads.categorical)
    numeric, categorical, lead_numeric, lead_categorical = (tuple(sorted(names)) for names in kinds)
    everything = Schema(numeric, categorical, lead_numeric, lead_categorical)
    for number in range(0, len(world.dataset.history), 50):
        alone = world.alone(number)
        again = history_of([read_request(body(world.dataset.history, number, NOW)).record()], everything)
        for name in ("start", "occurred_at", "known_at", "direction", "created_at"):
            np.testing.assert_array_equal(getattr(again, name), getattr(alone, name))
        assert [again.type.levels[code] for code in again.type.codes] == [alone.type.levels[code] for code in alone.type.codes]
        for name, values in alone.attributes.numeric.items():
            np.testing.assert_array_equal(again.attributes.numeric[name], values)


def test_interactions_at_one_moment_keep_their_declared_order() -> None:
    same = [InteractionRecord(kind, DAY, order=place) for place, kind in enumerate(["visit", "call", "ask"])]
    history = history_of([LeadRecord("a", 0, {"size": 7.0}, same)], Schema(lead_numeric=("size",)))
    told = json.loads(body(history, 0, NOW))
    assert [one["type"] for one in told["interactions"]] == ["visit", "call", "ask"]
    again = history_of([read_request(json.dumps(told)).record()], Schema(lead_numeric=("size",)))
    assert [again.type.levels[code] for code in again.type.codes] == ["visit", "call", "ask"]
    assert again.lead_attributes.numeric["size"].tolist() == [7.0]


def test_another_calibration_in_the_service_is_found(world: SmallWorld, rows: tuple[np.ndarray, np.ndarray]) -> None:
    served = replace(world.scorer, calibration=Calibration().shifted(1e-9))
    found = parity(world.scorer, served, world.dataset.history, *rows)
    assert "log_odds" in found.differing
    assert "base" in found.differing
    assert "points" not in found.differing


def test_another_window_in_the_service_is_found_feature_by_feature(world: SmallWorld, rows: tuple[np.ndarray, np.ndarray]) -> None:
    features = world.scorer.features
    windows = tuple(window + DAY if window == 30 * DAY else window for window in features.windows)
    other = FeatureSet.from_dict({**features.to_dict(), "windows": windows})
    found = parity(world.scorer, replace(world.scorer, features=other), world.dataset.history, *rows)
    assert "count(all, 31d)" in found.differing
    assert not any("7d" in name for name in found.differing if name.startswith("count("))


def test_a_lead_that_the_service_would_refuse_is_a_difference(world: SmallWorld) -> None:
    kinds = [InteractionRecord("x" * 201, DAY)]
    history = history_of([LeadRecord("a", 0, {}, kinds)], Schema())
    found = parity(world.scorer, world.scorer, history, np.zeros(1, np.int64), np.array([NOW]))
    assert found.differing == (REFUSED,)


def test_the_clock_is_watched_after_a_warm_up(world: SmallWorld) -> None:
    history = world.dataset.history.with_schema(world.scorer.schema)
    watched = latency(world.scorer, ((history.slice(i, i + 1), world.now) for i in range(30)))
    assert watched.scored == 30
    assert 0 < watched.median_ms <= watched.p95_ms
