"""Two versions in parts of the leads: the figures, their errors, and that chance alone does not look like harm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from models.gate import GateSettings, no_segment_badly_worse
from tests.small_world import SmallWorld
from training.bootstrap import paired
from training.evaluate import Evaluation, evaluate
from training.segments import _compared, auc_influence, segment_differences

SETTINGS = GateSettings()


@pytest.fixture(scope="module")
def judged(world: SmallWorld) -> Evaluation:
    return evaluate(world.scorer, world.dataset, world.parts.test)


def made_up(rng: np.random.Generator, leads: int, looks: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Leads with an intent of their own, looked at several times: lead, true log-odds, label."""
    lead = np.repeat(np.arange(leads), looks)
    log_odds = (rng.normal(-1.5, 1.0, leads))[lead] + rng.normal(0, 0.3, len(lead))
    return lead, log_odds, (rng.random(len(lead)) < 1 / (1 + np.exp(-log_odds))).astype(np.int8)


def probability(log_odds: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-log_odds)))


def test_the_auc_is_that_of_others_and_the_influences_cancel() -> None:
    rng = np.random.default_rng(0)
    y, p = (rng.random(500) < 0.2).astype(np.int8), np.round(rng.random(500), 2)
    auc, influence = auc_influence(y, p)
    assert auc == pytest.approx(roc_auc_score(y, p), abs=1e-12)
    assert influence.sum() == pytest.approx(0, abs=1e-12)


def test_the_errors_are_those_of_resampled_leads() -> None:
    rng = np.random.default_rng(1)
    lead, log_odds, y = made_up(rng, 600)
    mine, other = probability(log_odds + rng.normal(0, 0.5, len(y))), probability(log_odds + rng.normal(0, 1.0, len(y)))
    (_, auc, auc_error), (_, loss, loss_error) = _compared(y, lead, mine, other, probable=True)
    by_resampling = paired(y, mine, other, lead)
    assert auc == pytest.approx(by_resampling["auc"].difference)
    assert auc_error == pytest.approx((by_resampling["auc"].high - by_resampling["auc"].low) / 3.92, rel=0.1)
    scale = log_loss(y, np.full(len(y), y.mean()))
    assert loss == pytest.approx(-by_resampling["log_loss"].difference / scale)
    assert loss_error == pytest.approx((by_resampling["log_loss"].high - by_resampling["log_loss"].low) / 3.92 / scale, rel=0.1)


def test_chance_alone_seldom_looks_like_harm() -> None:
    """Two versions that err alike, in 12 segments with about 25 won leads each: at most 5 of 100 are called worse (here with no margin)."""
    rng, refused = np.random.default_rng(2), 0
    for _ in range(100):
        found = []
        for _segment in range(12):
            lead, log_odds, y = made_up(rng, 60, looks=2)
            mine, other = (probability(log_odds + rng.normal(0, 0.7, len(y))) for _ in range(2))
            found += [("", "", *one) for one in _compared(y, lead, mine, other, probable=True)]
        from models.gate import SegmentDifference

        refused += not no_segment_badly_worse("champion", [SegmentDifference(*one) for one in found], GateSettings(segment_margin=0)).passed
    assert refused <= 5


def test_a_version_beside_itself_differs_nowhere(world: SmallWorld, judged: Evaluation) -> None:
    found = segment_differences(world.dataset, judged.snapshots, judged.probability, judged.probability, probable=True)
    assert {one.by for one in found} >= {"month", "age", "history"}
    assert {one.figure for one in found} == {"AUC", "log loss"}
    assert all(one.difference == 0 == one.error for one in found)
    assert no_segment_badly_worse("champion", found, SETTINGS).passed


def test_points_are_compared_by_who_comes_first_alone(world: SmallWorld, judged: Evaluation) -> None:
    found = segment_differences(world.dataset, judged.snapshots, judged.probability, judged.rules_probability, probable=False)
    assert {one.figure for one in found} == {"AUC"}


def test_small_parts_are_left_out(world: SmallWorld, judged: Evaluation) -> None:
    nobody = replace(judged.snapshots, label=np.zeros_like(judged.snapshots.label))
    assert segment_differences(world.dataset, nobody, judged.probability, judged.probability, probable=True) == []
