"""From snapshots to a scorer: which model so many won leads can bear, and the same bytes every time."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.columns import Categorical
from features.contract import ModelError
from models.margin import BoosterMargin, LinearMargin
from tests.shuffled import shuffled
from tests.small_world import SmallWorld, with_model, with_won
from training.evaluate import evaluate
from training.learn import learn, learn_with_unseen
from training.simulation.oracle import oracle_figures

# On one processor, with sets and rows in another order, in a process of its own.
LEARN_AGAIN = """
import os, sys
from pathlib import Path
os.cpu_count = lambda: 1
from training.learn import learn_with_unseen
from tests.small_world import prepared
settings, dataset, parts = prepared(Path(sys.argv[1]))
learn_with_unseen(dataset, parts, settings).scorer.save(Path(sys.argv[2]))
"""


def test_two_trainings_with_one_seed_give_the_same_bytes_whatever_the_order_of_rows(world: SmallWorld, tmp_path: Path) -> None:
    mixed = shuffled(world.folder / "data", tmp_path / "mixed")
    command = [sys.executable, "-c", LEARN_AGAIN, str(mixed), str(tmp_path / "again")]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONHASHSEED": "7"}, timeout=300)
    first, again = ({file.name: file.read_bytes() for file in folder.iterdir()} for folder in (world.folder / "model", tmp_path / "again"))
    assert first.keys() == again.keys()
    assert [name for name in first if first[name] != again[name]] == []


def test_another_seed_learns_another_model(world: SmallWorld, tmp_path: Path) -> None:
    other = learn(world.dataset, world.parts, with_model(world.settings, seed=1)).save(tmp_path / "other")
    assert other.fingerprint != world.scorer.fingerprint


@pytest.mark.parametrize("won", [0, 1, 29])
def test_too_few_won_leads_are_refused_with_how_many_are_missing(world: SmallWorld, won: int) -> None:
    words = f"{won} won leads are too few to learn from: {30 - won} are missing, so the rules stay in charge"
    with pytest.raises(ModelError, match=words):
        learn(world.dataset, with_won(world.parts, won), world.settings)


@pytest.mark.parametrize(
    ("part", "label", "words"),
    [("calibrate", 0, "No snapshot of the calibration part"), ("learn", 1, "Every snapshot of the learning part")],
)
def test_a_part_in_which_all_end_alike_is_refused(world: SmallWorld, part: str, label: int, words: str) -> None:
    snapshots = getattr(world.parts, part)
    one_sided = replace(world.parts, **{part: snapshots.take(snapshots.label == label)})
    with pytest.raises(ModelError, match=f"{words}, .*, was won within the horizon") as refused:
        learn(world.dataset, one_sided, world.settings)
    assert "observed_until" in refused.value.hint


def test_too_few_wins_in_the_sample_of_the_simple_model_leave_it_out(world: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.learn.LINEAR_ROWS", len(world.parts.train) // 30)
    learnt = learn_with_unseen(world.dataset, world.parts, with_model(world.settings, rounds=5))
    assert isinstance(learnt.scorer.margin, BoosterMargin)
    assert learnt.scorer.facts["linear"] is None


def test_few_won_leads_give_logistic_regression(world: SmallWorld) -> None:
    scorer = world.logistic
    assert isinstance(scorer.margin, LinearMargin)
    assert scorer.facts["kind"] == "logistic"
    assert evaluate(scorer, world.dataset, world.parts.test).model["auc"] > 0.6


def test_thirty_won_leads_are_enough_for_the_model_that_the_settings_insist_on(world: SmallWorld) -> None:
    scorer = learn(world.dataset, with_won(world.parts, 30), with_model(world.settings, kind="boosting"))
    assert isinstance(scorer.margin, BoosterMargin)


def test_enough_won_leads_give_boosting(world: SmallWorld) -> None:
    assert isinstance(world.scorer.margin, BoosterMargin)
    assert world.scorer.facts["train"]["won_leads"] >= world.settings.model.boosting_from


def test_what_happened_after_training_changes_nothing(world: SmallWorld, tmp_path: Path) -> None:
    history, end = world.dataset.history, int(world.parts.train.as_of.max())
    later = history.known_at >= end
    kind = Categorical(np.where(later, len(history.type.levels), history.type.codes), (*history.type.levels, "zeppelin"))
    changed = replace(world.dataset, history=replace(history, type=kind))
    parts, settings = with_won(world.parts, 30), with_model(world.settings, kind="boosting")
    first, again = (
        learn(dataset, parts, settings).save(tmp_path / name) for dataset, name in ((world.dataset, "first"), (changed, "again"))
    )
    assert later.sum() > 1_000
    assert first.fingerprint == again.fingerprint


def test_the_world_can_be_learnt_but_not_beyond_its_truth(world: SmallWorld) -> None:
    model = evaluate(world.scorer, world.dataset, world.parts.test).model
    oracle = oracle_figures(world.folder / "data", world.dataset, world.parts.test)
    assert 0.7 < model["auc"] < oracle["auc"]


def test_the_figures_are_those_of_the_same_rows_and_labels(world: SmallWorld) -> None:
    judged = evaluate(world.scorer, world.dataset, world.parts.test)
    assert judged.model["rows"] == judged.rules["rows"] == len(world.parts.test)
    assert judged.model["positives"] == judged.rules["positives"] == int(world.parts.test.label.sum())
    low, high = judged.model["intervals"]["auc"]
    assert low < judged.model["auc"] < high
