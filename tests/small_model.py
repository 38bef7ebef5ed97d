"""A real scorer that is learnt in a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from features.compute import compute
from features.contract import DAY, parse_moment
from features.intake import history_of
from features.records import InteractionRecord, LeadRecord
from features.schema import Schema
from models.calibration import Calibration
from models.conversion import BoostingClassifier
from models.feature_set import fit_feature_set
from models.learning import LearningSettings
from models.policies import choose_bands
from models.scorer import LeadScorer
from models.settings import ScoringSettings

NOW = parse_moment("2026-03-01")


def small_scorer(folder: Path, seed: int = 0) -> LeadScorer:
    """A scorer learnt from 400 leads, most of whom won if they asked for a demo; saved into ``folder``. Seeds differ in all."""
    rng = np.random.default_rng(seed)
    asked = rng.random(400) < 0.4
    history = history_of([_lead(rng, number, asked[number]) for number in range(400)], Schema(("value",), (), ("size",), ("industry",)))
    settings = ScoringSettings()
    features = fit_feature_set(history, settings)
    number, as_of = np.arange(400), np.full(400, NOW)
    X = compute(features, history, number, as_of)
    won = (asked & (rng.random(400) < 0.8)).astype(np.int64)
    margin = BoostingClassifier(LearningSettings(rows_per_leaf=20), rounds=20).fit(X, won).margin_
    probability = Calibration().probability(margin.margin(X))
    bands = choose_bands(settings.temperature, probability, won, as_of, number)
    facts = {"data": "small", "seed": seed}
    return LeadScorer(features, margin, Calibration(), bands, np.sort(probability), 14 * DAY, settings, facts).save(folder)


def _lead(rng: np.random.Generator, number: int, asked: np.bool_) -> LeadRecord:
    kinds = ["page_view", "newsletter_open", "demo_request"][: 3 if asked else 2]
    rows = [InteractionRecord(kind, NOW - int(rng.integers(1, 40 * DAY)), attributes={"value": float(rng.random())}) for kind in kinds]
    attributes = {"industry": str(rng.choice(["retail", "steel"])), "size": int(rng.integers(1, 100))}
    return LeadRecord(f"lead {number}", NOW - 60 * DAY, attributes, rows)
