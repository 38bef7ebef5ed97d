"""Tuning: folds that never see what is later, trials that survive an interruption, and settings that are taken only when clearly better."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow import MlflowClient

from features.columns import Categorical
from features.contract import DAY, DataError
from features.snapshots import Snapshots
from models.learning import regularised
from models.registry import Registry
from models.settings import Settings, parse_settings
from tests.benchmarks.ablation import GROUPS
from tests.naive import MEASURES
from tests.small_world import SmallWorld, with_model, with_won
from training.split import Split
from training.tuning.folds import FEWEST_WON, rolling_origin
from training.tuning.objective import Objective
from training.tuning.space import CONFIGURED, SETS, rounded, snippet, space, tried
from training.tuning.study import BEFORE_PRUNING, Result, Trial, opened
from training.tuning.tune import Tuned, _chosen, tune

FOLDS = 3
SPACE = space("boosting")


@st.composite
def parts(draw: st.DrawFn) -> Snapshots:
    """A training part of random leads and moments, half of it won, so that most folds tell something."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    rows, days = draw(st.integers(200, 400)), draw(st.integers(5, 100))
    order = np.argsort(lead := rng.integers(0, rows // 2, rows), kind="stable")
    return Snapshots(lead[order], rng.integers(0, days, rows) * DAY, rng.integers(0, 2, rows).astype(np.int8))


@given(parts(), st.integers(1, 6), st.integers(1, 20))
def test_folds_learn_from_what_was_known_before_and_are_judged_on_what_came_next(part: Snapshots, count: int, horizon: int) -> None:
    try:
        folds = rolling_origin(part, horizon * DAY, count)
    except DataError:
        return
    assert 1 <= len(folds) <= count
    for fold in folds:
        assert fold.train.as_of.max() + horizon * DAY <= fold.validate.as_of.min()
        assert min(fold.train.won_leads, fold.validate.won_leads) >= FEWEST_WON
    for earlier, later in pairwise(folds):
        assert earlier.validate.as_of.max() < later.validate.as_of.min()
        assert len(earlier.train) <= len(later.train)
    assert max(fold.validate.as_of.max() for fold in folds) <= part.as_of.max()
    assert sum(len(fold.validate) for fold in folds) <= 0.5 * len(part) + (part.as_of == np.median(part.as_of)).sum() + 1


def test_a_training_part_that_is_shorter_than_its_horizon_cannot_be_folded() -> None:
    part = Snapshots(np.arange(100), np.arange(100) * DAY, np.ones(100, np.int8))
    with pytest.raises(DataError, match="no part of it has 10 won leads"):
        rolling_origin(part, 100 * DAY, 3)


@pytest.fixture(scope="module")
def small(world: SmallWorld) -> tuple[Settings, Split]:
    """Settings of few trees, and a part of the leads."""
    return with_model(world.settings, kind="boosting", rounds=12, patience=5, learning_rate=0.2), with_won(world.parts, 80)


def test_what_is_later_than_a_fold_changes_nothing_of_its_loss(world: SmallWorld, small: tuple[Settings, Split]) -> None:
    settings, split = small
    fold = rolling_origin(split.train, settings.snapshots.horizon, FOLDS)[0]
    history, end = world.dataset.history, int(fold.validate.as_of.max())
    later = history.known_at >= end
    kind = Categorical(np.where(later, len(history.type.levels), history.type.codes), (*history.type.levels, "zeppelin"))
    changed = replace(world.dataset, history=replace(history, type=kind))
    first, again = (Objective(data, [fold], settings, 100).loss(settings, 0) for data in (world.dataset, changed))
    assert later.sum() > 1_000
    assert len(first) == len(fold.validate)
    np.testing.assert_array_equal(first, again)


def test_a_loss_is_that_of_calibrated_probabilities(world: SmallWorld, small: tuple[Settings, Split]) -> None:
    settings, split = small
    folds = rolling_origin(split.train, settings.snapshots.horizon, FOLDS)
    objective = Objective(world.dataset, folds, settings, 100)
    losses = [objective.loss(settings, number) for number in range(len(folds))]
    assert all((loss > 0).all() for loss in losses)
    rate = folds[-1].validate.label.mean()
    assert losses[-1].mean() < -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate)) + 0.02
    gain, error = objective.gain([loss + 0.5 for loss in losses], losses)
    assert gain == pytest.approx(0.5)
    assert error == pytest.approx(0, abs=1e-12)


def test_what_is_left_out_does_not_count(world: SmallWorld, small: tuple[Settings, Split]) -> None:
    settings, split = small
    folds = rolling_origin(split.train, settings.snapshots.horizon, FOLDS)[:1]
    objective = Objective(world.dataset, folds, settings, 100)
    whole, without = (objective.margin(settings, 0, left_out) for left_out in ((), ("count", "decayed")))
    assert (whole != without).any()
    age = objective.margin(settings, 0, MEASURES.keys() - {"created_weekday"})
    assert 1 < len(np.unique(age)) <= 8  # seven days and none
    np.testing.assert_array_equal(objective.margin(settings, 0), whole)


def test_every_measure_is_in_one_group_of_the_ablation() -> None:
    assert sorted(measure for group in GROUPS.values() for measure in group) == sorted(MEASURES)


@pytest.mark.parametrize("name", [CONFIGURED, *SETS])
@pytest.mark.parametrize("kind", ["boosting", "logistic"])
def test_what_is_printed_gives_the_settings_that_were_tried(world: SmallWorld, name: str, kind: str) -> None:
    values = {"features": name} | {key: getattr(one, "low", 1.0) for key, one in space(kind).items() if key != "features"}
    settings = with_model(world.settings, kind=kind)
    chosen = tried(settings, rounded(values))
    pasted = tomllib.loads(snippet(chosen, kind))
    whole = settings.model_dump(mode="json", by_alias=True)
    merged = {**whole, "model": whole["model"] | pasted["model"], "features": whole["features"] | pasted["features"]}
    assert parse_settings(merged, Settings, "test") == chosen
    assert regularised(chosen.model, 50) == chosen.model  # few won leads do not change it any more
    assert name == CONFIGURED or chosen.features.windows == SETS[name][0]


def bowl(calls: list[Mapping[str, Any]], stop_at: int = 10**9) -> Callable[[Mapping[str, Any], Callable[[float], bool]], Result | None]:
    """Judges values by how far they are from one point, in three folds; interrupted in the middle of a trial."""

    def judge(values: Mapping[str, Any], give_up: Callable[[float], bool]) -> Result | None:
        calls.append(values)
        loss = abs(np.log(values["l2"])) + abs(values["row_share"] - 0.8) + (values["features"] != "days")
        for fold in range(FOLDS):
            hopeless = give_up(loss + fold / 10)
            if len(calls) == stop_at:
                raise KeyboardInterrupt
            if hopeless:
                return None
        return Result(1 - loss, 0.1)

    return judge


def searched(count: int, seed: int = 0, stop_at: int = 10**9) -> list[Trial]:
    """The trials of a study, without how long they took."""
    with opened({"question": 1}, SPACE, seed) as study, pytest.raises(KeyboardInterrupt) if stop_at < count else nullcontext():
        study.search(count, bowl([], stop_at), lambda _: None, lambda _: None)
    with opened({"question": 1}, SPACE, seed) as study:
        return [trial._replace(seconds=0.0) for trial in study.trials]


def test_a_resumed_study_equals_an_uninterrupted_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADHEAT_HOME", str(tmp_path / "interrupted"))
    assert len(searched(11, stop_at=3)) == 2
    assert len(searched(11, stop_at=6)) == 7
    again = searched(11)
    monkeypatch.setenv("LEADHEAT_HOME", str(tmp_path / "whole"))
    whole = searched(11)
    assert again == whole
    pruned = [trial.number for trial in whole if trial.gain is None]
    assert pruned
    assert min(pruned) > BEFORE_PRUNING
    assert searched(3, seed=1) != whole[:3]


def test_a_finished_study_is_not_begun_again_and_a_longer_one_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADHEAT_HOME", str(tmp_path))
    calls: list[Mapping[str, Any]] = []
    told: list[Trial] = []
    for count in (2, 2, 3):
        with opened({"question": 2}, SPACE, 0) as study:
            study.search(count, bowl(calls), told.append, lambda _: None)
    assert [trial.number for trial in told] == [1, 2, 3]
    assert [trial.values for trial in told] == calls


@pytest.mark.parametrize(("gain", "error", "taken"), [(0.02, 0.01, True), (0.01, 0.01, False), (0.005, 0.01, False), (-0.1, 0.01, False)])
def test_settings_are_taken_only_when_they_are_clearly_better(world: SmallWorld, gain: float, error: float, taken: bool) -> None:  # noqa: FBT001
    values = {name: getattr(one, "low", "days" if name == "features" else 0.0) for name, one in SPACE.items()}
    worse = Trial(2, values | {"leaves": 63}, (0.6, 0.6), gain - 0.1, error, 1.0)
    pruned = Trial(3, values, (0.1,), None, None, 1.0)
    tuned = _chosen([Trial(1, values, (0.5, 0.5), gain, error, 1.0), worse, pruned], world.settings, "boosting", 2)
    assert tuned.best.number == 1
    assert tuned.taken is taken
    assert (tuned.settings == world.settings) is not taken
    assert bool(tuned.toml) is taken
    assert ("not clearly better" in tuned.words) is not taken


def test_every_trial_is_a_run_nested_in_the_training_s(world: SmallWorld, small: tuple[Settings, Split], registry: Registry) -> None:
    settings, split = small
    found = []
    for _ in range(2):
        with registry.run("tuned") as run:
            found.append(tune(world.dataset, split, settings, 2, run))
        assert nested(registry, run.run_id) == [told(trial) for trial in found[-1].trials]
    first, again = found
    assert again.trials == first.trials  # seconds and all: nothing was tried again
    assert first.to_dict() == again.to_dict()
    assert (first.settings == settings) is not first.taken
    assert beats(first) is first.taken


def told(trial: Trial) -> tuple[str, dict[str, str], list[float]]:
    return f"trial {trial.number}", {name: str(value) for name, value in trial.values.items()}, list(trial.losses)


def nested(registry: Registry, parent: str) -> list[tuple[str, dict[str, str], list[float]]]:
    """Name, parameters and fold losses of the runs inside of a run, by name."""
    client = MlflowClient(registry.uri)
    experiment = client.get_run(parent).info.experiment_id
    runs = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{parent}'")
    rows = [(run.info.run_name or "", run.data.params, [run.data.metrics[f"fold_{k}"] for k in range(1, FOLDS + 1)]) for run in runs]
    return sorted(rows, key=lambda row: row[0])


def beats(tuned: Tuned) -> bool:
    assert tuned.best.gain is not None
    assert tuned.best.error is not None
    return tuned.best.gain > tuned.best.error
