"""Drift: a model's population in few numbers, the PSI by its formula, and how rarely chance alone reaches what it is allowed."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from features.contract import ModelError
from models.population import Population, bins_of, count
from tests.small_world import SmallWorld
from training.monitoring.drift import drift_of, drifts_of, score_drift_of

NAN = float("nan")


def test_bins_lie_between_quantiles_and_count_the_missing_apart() -> None:
    bins = bins_of(np.array([*range(1, 101), NAN, NAN], np.float32))
    assert bins.edges == tuple(range(10, 100, 10))
    assert bins.counts == (10,) * 10 + (2,)
    assert count(np.array([10, 10.5, -1e30, 1e30, NAN]), bins.edges).tolist() == [2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]


def test_equal_quantiles_are_one_edge_and_a_constant_can_be_left_both_ways() -> None:
    assert bins_of(np.array([0] * 95 + [1, 2, 3, 4, 5], np.float32)).edges[-1] == 0.0
    constant = bins_of(np.full(50, 3.0, np.float32))
    assert count(np.array([2.9, 3.0, 3.1]), constant.edges).tolist() == [1, 1, 1, 0]
    assert bins_of(np.full(5, NAN, np.float32)) == ((), (0, 5))
    assert bins_of(np.array([0, 0, 2, NAN], np.float32), levels=4).counts == (2, 0, 1, 0, 1)


def test_psi_is_by_its_formula() -> None:
    before = bins_of(np.arange(1, 1_001, dtype=np.float32))
    now = np.concatenate([np.arange(1, 501), np.arange(1, 501)]).astype(np.float32)
    drift = drift_of("x", before, now, (1_000, 1_000), 0.5, 0.01)
    smooth = 1_000 + 0.5 * 10
    p, q = [200.5 / smooth] * 5 + [0.5 / smooth] * 5, [100.5 / smooth] * 10
    assert drift.psi == pytest.approx(sum((a - b) * math.log(a / b) for a, b in zip(p, q, strict=True)))
    assert drift.chance == pytest.approx(0.002 * 21.666, rel=1e-4)
    assert (drift.missing, drift.missing_before) == (0.0, 0.0)


def test_chance_alone_reaches_what_it_is_allowed_as_rarely_as_was_asked() -> None:
    rng = np.random.default_rng(0)
    exceeded = 0
    for _ in range(1_000):
        before = bins_of(rng.normal(size=600))
        drift = drift_of("x", before, rng.normal(size=300), (600, 300), 1.0, 0.05)
        exceeded += drift.psi > drift.chance
    assert 20 <= exceeded <= 80


def test_the_population_of_a_model_is_its_calibration_part(world: SmallWorld) -> None:
    population, late = world.scorer.population, world.parts.calibrate
    assert population is not None
    assert population.rows == len(late)
    assert population.leads == len(np.unique(late.lead))
    assert sum(population.importance.values()) == pytest.approx(1.0)
    X = world.scorer.numbers(world.dataset.history, late.lead, late.as_of).X
    drifts = drifts_of(world.scorer, X, late.lead, 0.01)
    assert len(drifts) == len(world.scorer.features.names)
    assert max(drift.psi for drift in drifts) == 0.0
    scores = score_drift_of(world.scorer, world.scorer.reference, late.lead, 0.01)
    assert scores is not None
    assert scores.psi == 0.0


def test_a_population_survives_json_and_says_when_it_is_none(world: SmallWorld) -> None:
    assert world.scorer.population is not None
    told = world.scorer.population.to_dict()
    assert Population.from_dict(json.loads(json.dumps(told))) == world.scorer.population
    with pytest.raises(ModelError, match="population of this model cannot be read"):
        Population.from_dict({name: value for name, value in told.items() if name != "bins"})
