"""The demo: the whole way to a champion on a simulated world, beside the rules and beside the best possible prediction."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.dataset import Dataset
from models.registry import Registry
from models.scorer import LeadScorer
from models.settings import Source, read_settings
from training.oracle import oracle_figures
from training.simulate import simulate
from training.train import train


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """What came out: the champion, where its data are, and the figures of ``model``, ``rules`` and ``oracle``."""

    source: Source
    scorer: LeadScorer
    figures: dict[str, dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """What ``leadheat demo --json`` prints of it."""
        model, rules, oracle = (self.figures[name] for name in ("model", "rules", "oracle"))
        return {
            "auc": model["auc"],
            "auc_rules": rules["auc"],
            "auc_oracle": oracle["auc"],
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
    """Simulate, train, promote and compare; ``place`` receives the world and the models.

    Raises:
        LeadheatError: the world is too small to learn from.
    """
    simulate(place / "world", leads, seed)
    source, registry = read_settings(place / "world"), Registry()
    done = train(source, registry)
    if not done.promoted:
        registry.promote(done.version, "the demo goes on with what it has")
    scorer = LeadScorer.load(registry.fetch(done.version), done.version)
    dataset = Dataset.read(source.settings.data, source.root)
    oracle = oracle_figures(place / "world", dataset, done.parts.test)
    return Rehearsal(source, scorer, {"model": done.evaluation.model, "rules": done.evaluation.rules, "oracle": oracle})
