"""The demo: the whole way to a champion on a simulated world, beside the rules and beside the best possible prediction."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.registry import Registry
from models.scorer import LeadScorer
from models.settings import read_settings
from training.check import Checked, check
from training.simulation.oracle import oracle_figures
from training.simulation.simulate import simulate
from training.train import Training, train

logger = logging.getLogger("leadheat.training")


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """What came out: the checked data, the training, its champion, and the figures of the true probabilities."""

    checked: Checked
    training: Training
    scorer: LeadScorer
    oracle: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """What ``leadheat demo --json`` prints of it."""
        model, rules = self.training.evaluation.model, self.training.evaluation.rules
        return {
            "simulated": True,
            "auc": model["auc"],
            "auc_rules": rules["auc"],
            "auc_oracle": self.oracle["auc"],
            "brier": model["brier"],
            "ece": model["ece"],
            "champion_version": self.scorer.version,
        }


def prepare(place: Path) -> Path:
    """Keep the state of this process in one folder, so that a demo never touches a real champion."""
    place.mkdir(parents=True, exist_ok=True)
    os.environ["LEADHEAT_HOME"] = str(place / ".leadheat")
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{place / 'leadheat.db'}"
    return place


def rehearse(place: Path, leads: int, seed: int) -> Rehearsal:
    """Simulate, check, train, promote and compare; ``place`` receives the world and the models.

    Raises:
        LeadheatError: the world is too small to learn from.
    """
    world = place / "world"
    logger.info("simulating %d leads", leads)
    simulate(world, leads, seed)
    source = read_settings(world)
    logger.info("checking what was simulated")
    checked = check(source)
    dataset, registry = checked.usable(), Registry()
    done = train(dataset, source.settings, registry)
    if not done.promoted:
        registry.promote(done.version, "the demo goes on with what it has", force=True)
    scorer = LeadScorer.load(registry.fetch(done.version), done.version)
    return Rehearsal(checked, done, scorer, oracle_figures(world, dataset, done.parts.test))
