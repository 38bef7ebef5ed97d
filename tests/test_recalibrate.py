"""A recalibrated version is the champion with another calibration and other bands, from snapshots that its trees have never seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest

from features.contract import DataError, ModelError, parse_moment
from features.dataset import Dataset
from models.calibrate import choose_calibration
from models.calibration import Calibration
from models.calibration_fit import recalibrate as shift
from models.registry import Registry
from models.scorer import LeadScorer
from models.settings import Settings
from models.temperature import TemperatureSettings
from tests.moved_world import MovedWorld
from training.monitoring.joined import learnt_until
from training.recalibrate import calibrated_anew, recalibrate, unlearnt
from training.split import split
from training.train import Training

pytestmark = pytest.mark.slow


@dataclass(frozen=True, eq=False)
class Moved:
    """The moved world after its champion was recalibrated."""

    dataset: Dataset
    early: Settings
    late: Settings
    champion: Training
    registry: Registry
    again: Training


@pytest.fixture(scope="module")
def moved(moved_world: MovedWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    with pytest.MonkeyPatch.context() as patch:
        registry = moved_world.registry(tmp_path_factory.mktemp("recalibrated"), patch)
        again = recalibrate(moved_world.dataset, moved_world.late, registry)
        yield Moved(moved_world.dataset, moved_world.early, moved_world.late, moved_world.champion, registry, again)


def test_trees_and_features_stay_and_the_rates_follow(moved: Moved) -> None:
    old, new = moved.champion.scorer, moved.again.scorer
    folders = [moved.registry.fetch(done.version) for done in (moved.champion, moved.again)]
    assert (folders[0] / "model.txt").read_bytes() == (folders[1] / "model.txt").read_bytes()
    assert new.features.fingerprint == old.features.fingerprint
    assert new.fingerprint != old.fingerprint
    test = moved.again.evaluation.snapshots
    stale = old.numbers(moved.dataset.history.with_schema(old.schema), test.lead, test.as_of).probability
    actual, fresh = test.label.mean(), moved.again.evaluation.probability
    assert abs(fresh.mean() / actual - 1) < 0.5 * abs(stale.mean() / actual - 1)
    assert new.bands is not None
    assert old.bands is not None
    assert new.bands.base_rate > 1.3 * old.bands.base_rate
    np.testing.assert_array_equal(new.reference, np.sort(new.reference))


def test_it_goes_through_the_same_gate_and_takes_the_champions_place(moved: Moved) -> None:
    assert moved.again.promoted, moved.again.gates
    by_name = {gate.name: gate for gate in moved.again.gates}
    assert {"audit_clean", "calibrated", "no_segment_badly_worse", "parity", "latency"} <= by_name.keys()
    assert by_name["not_worse_than_champion_auc"].figure == pytest.approx(0, abs=1e-9)
    assert by_name["not_worse_than_champion_brier"].passed
    version = moved.registry.version("champion")
    assert (version.version, version.judged_against, version.replaces) == (
        moved.again.version,
        moved.champion.version,
        moved.champion.version,
    )


def test_it_says_where_it_comes_from_and_on_what_it_was_recalibrated(moved: Moved) -> None:
    facts = moved.again.scorer.facts
    told = facts["recalibrated"]
    assert (told["from_version"], told["from_fingerprint"]) == (moved.champion.version, moved.champion.scorer.fingerprint)
    assert told["learnt_on"] == moved.champion.scorer.facts["data"]
    assert facts["train"] == moved.champion.scorer.facts["train"]
    assert told["won_leads"] >= 10
    horizon = moved.late.snapshots.horizon
    assert parse_moment(facts["train"]["to"]) + horizon < parse_moment(told["from"]) < parse_moment(told["to"])
    assert parse_moment(told["to"]) + horizon <= int(moved.again.evaluation.snapshots.as_of.min())
    assert moved.again.to_dict()["recalibrated"] == told
    assert learnt_until(moved.again.scorer) > parse_moment(told["to"]) + horizon > learnt_until(moved.champion.scorer)


def test_only_snapshots_are_taken_whose_outcomes_the_trees_have_not_seen(moved: Moved) -> None:
    parts = split(moved.dataset, moved.late.snapshots, moved.late.model.calibration_share)
    rows = unlearnt(moved.champion.scorer, parts)
    assert len(rows) == moved.again.scorer.facts["recalibrated"]["rows"] > 0
    later = replace(moved.champion.scorer, facts={"train": {"to": "2024-09-30"}})
    assert 0 < len(unlearnt(later, parts)) < len(rows)
    assert unlearnt(later, parts).as_of.min() >= parse_moment("2024-09-30") + moved.late.snapshots.horizon


def test_the_policy_is_that_of_the_settings_and_the_rest_the_champions(moved: Moved) -> None:
    policy = TemperatureSettings(policy="value", contact_cost=10, win_value=200)
    settings = moved.late.model_copy(update={"temperature": policy})
    parts = split(moved.dataset, settings.snapshots, settings.model.calibration_share)
    again = calibrated_anew(moved.champion.scorer, moved.dataset, settings, parts).scorer
    assert again.settings.temperature == policy
    assert again.bands is not None
    assert again.bands.thresholds[1] == 10 / 200
    assert again.settings.rules == moved.champion.scorer.settings.rules
    assert again.calibration == moved.again.scorer.calibration


def test_a_recalibrated_version_can_be_recalibrated(moved: Moved) -> None:
    parts = split(moved.dataset, moved.late.snapshots, moved.late.model.calibration_share)
    served = LeadScorer.load(moved.registry.fetch(moved.again.version), moved.again.version)
    again = calibrated_anew(served, moved.dataset, moved.late, parts).scorer
    told = again.facts["recalibrated"]
    assert told["from_version"] == moved.again.version
    assert told["learnt_on"] == moved.champion.scorer.facts["data"]
    assert again.facts["calibration"]["method"] == again.calibration.method


def test_too_little_that_is_new_is_refused_and_nothing_is_registered(moved: Moved) -> None:
    before = len(moved.registry.versions())
    with pytest.raises(DataError, match=r"Too little has matured to recalibrate: 0 won leads"):
        recalibrate(moved.dataset, moved.early, moved.registry)
    assert len(moved.registry.versions()) == before


def test_other_data_are_refused(moved: Moved) -> None:
    with pytest.raises(ModelError, match="another world"):
        recalibrate(replace(moved.dataset, name="another world"), moved.late, moved.registry)


def test_without_a_champion_there_is_nothing_to_recalibrate(moved: Moved, registry: Registry) -> None:
    with pytest.raises(ModelError, match="no champion yet"):
        recalibrate(moved.dataset, moved.late, registry)


def test_a_calibration_that_fits_stays_and_one_that_is_off_is_shifted() -> None:
    rng = np.random.default_rng(0)
    margin, current = rng.normal(-1, 1, 5_000), Calibration("sigmoid", 0.7, -0.5)
    chance = 1 / (1 + np.exp(-current.log_odds(margin)))
    y = (rng.random(5_000) < chance).astype(int)
    assert choose_calibration(margin, y, current=current).calibration == current
    moved = (rng.random(5_000) < 1 / (1 + np.exp(-current.log_odds(margin) - 1))).astype(int)
    choice = choose_calibration(margin, moved, current=current)
    assert choice.calibration == shift(current, margin, moved)
    assert choice.calibration.slope == current.slope
    assert choice.calibration.intercept - current.intercept == pytest.approx(1, abs=0.1)
