"""A backtest learns at each origin what a training at that time would have learnt, and judges on what came next."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer
from rich.console import Console

from features.contract import DataError, ModelError, from_micros
from features.snapshots import SnapshotSettings
from models.settings import Settings
from tests.small_data import dataset_of, day, lead
from tests.small_world import SmallWorld, with_model
from training.backtest import Backtest, backtest
from training.evaluate import evaluate
from training.learn import learn
from training.plots.backtest import backtest as draw
from training.show.backtested import backtest as table
from training.split import all_looks, split

FOLDS = 2


def settings_of(world: SmallWorld) -> Settings:
    """Few trees, for the sake of time."""
    return with_model(world.settings, rounds=15, patience=5)


@pytest.fixture(scope="module")
def done(world: SmallWorld) -> Backtest:
    return backtest(world.dataset, settings_of(world), FOLDS)


def test_the_windows_cover_the_later_half_and_nothing_is_learnt_that_was_not_known(done: Backtest, world: SmallWorld) -> None:
    everything = all_looks(world.dataset, world.settings.snapshots).matured
    first, second = done.folds
    assert first.until < second.origin
    assert second.until == everything.as_of.max()
    assert first.rows + second.rows == (everything.as_of >= first.origin).sum()
    assert first.rows + second.rows == pytest.approx(len(everything) / 2, rel=0.1)
    assert first.rows == pytest.approx(second.rows, rel=0.2)
    for fold in done.folds:
        assert fold.train_until is not None
        assert fold.train_until + world.settings.snapshots.horizon <= fold.origin
    assert first.train_rows < second.train_rows


def test_a_fold_is_a_training_of_that_day(done: Backtest, world: SmallWorld) -> None:
    fold, settings = done.folds[0], settings_of(world)
    assert settings.snapshots.train is not None
    dates = {"train": (settings.snapshots.train[0], fold.origin - 1), "test": {"from": fold.origin, "to": fold.until}}
    snapshots = SnapshotSettings.model_validate(settings.snapshots.model_dump(by_alias=True) | dates)
    parts = split(world.dataset, snapshots, settings.model.calibration_share)
    judged = evaluate(learn(world.dataset, parts, settings), world.dataset, parts.test)
    assert judged.model == fold.model
    assert judged.rules == fold.rules
    assert judged.against_rules == fold.against_rules


def test_all_folds_together_hold_all_their_snapshots(done: Backtest) -> None:
    told = done.to_dict()
    assert done.model["rows"] == sum(fold.rows for fold in done.folds)
    assert done.rules["positives"] == sum(fold.positives for fold in done.folds)
    briers = [fold.model["brier"] * fold.rows for fold in done.folds]
    assert done.model["brier"] == pytest.approx(sum(briers) / done.model["rows"])
    assert told["together"]["against_rules"]["auc"]["difference"] == pytest.approx(done.model["auc"] - done.rules["auc"])
    json.dumps(told, allow_nan=False)


def test_the_verdict_counts_the_folds(done: Backtest) -> None:
    first, second = done.folds
    better = {"auc": replace(first.against_rules["auc"], verdict="better")}
    worse = {"auc": replace(first.against_rules["auc"], verdict="worse")}
    refused = replace(second, refused="too few")
    some = replace(done, folds=tuple(replace(first, against_rules=one) for one in (better, worse, better)))
    assert some.verdict == "By AUC the model is better than the rules in 2 of 3 folds, worse in 1."
    some = replace(done, folds=(replace(first, against_rules=better), refused))
    assert some.verdict == "By AUC the model is better than the rules in 1 of 1 folds; 1 could not be judged."


def test_the_table_fits_and_the_picture_shows_each_fold(done: Backtest) -> None:
    out = io.StringIO()
    refused = replace(done.folds[0], refused="7 won leads are too few to learn from.")
    Console(file=out, width=80).print(table(replace(done, folds=(*done.folds, refused)).to_dict()))
    lines = out.getvalue().splitlines()
    dates = [from_micros(fold.origin).date().isoformat() for fold in done.folds]
    assert [line.split()[0] for line in lines if line.startswith("20")] == [*dates, dates[0], f"{dates[0]}:"]
    for fold, line in zip(done.folds, (line for line in lines if line.startswith("20")), strict=False):
        assert line.rstrip().endswith(fold.against_rules["auc"].verdict)
        assert f"{fold.model['auc']:.3f}" in line
    above, below = draw(done).axes
    aucs = [np.asarray(one.lines[0].get_ydata()).tolist() for one in above.containers if isinstance(one, ErrorbarContainer)]
    assert aucs == [[fold.model["auc"] for fold in done.folds], [fold.rules["auc"] for fold in done.folds]]
    assert [label.get_text() for label in below.get_xticklabels()] == dates


def test_too_few_moments_or_wins_are_refused_in_words(world: SmallWorld) -> None:
    people = [lead(number, number + 0.5, name=f"lead {number}") for number in range(1, 41)]
    dataset = dataset_of(people, [(f"lead {number}", number + 10, True) for number in range(1, 41, 3)], 101)
    snapshots = SnapshotSettings.model_validate({"horizon": "5d", "every": "7d"})
    settings = world.settings.model_copy(update={"snapshots": snapshots})
    with pytest.raises(DataError, match="for 6 folds only, not for 30"):
        backtest(dataset, settings, 30)
    with pytest.raises(ModelError, match=r"No fold can be learnt from: .* too few"):
        backtest(dataset, settings, 2)


def test_looks_reach_from_the_first_of_training_to_the_last_of_the_test() -> None:
    people = [lead(number, number + 0.5, number + 9, name=f"lead {number}") for number in range(1, 41)]
    dataset = dataset_of(people, [], 101)
    dates = {"horizon": "5d", "every": "2d", "train": ["2026-01-11", "2026-01-20"], "test": {"from": "2026-01-25", "to": "2026-02-04"}}
    grid = all_looks(dataset, SnapshotSettings.model_validate(dates))
    assert sorted(set(grid.as_of.tolist())) == [day(number) for number in range(11, 36, 2)]
    irregular = all_looks(dataset, SnapshotSettings.model_validate(dates | {"after_each_interaction": True}))
    assert (irregular.as_of.min(), irregular.as_of.max()) == (day(11) + 1, day(34.5) + 1)
