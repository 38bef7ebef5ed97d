"""A version of its own from the champion: the same trees and features, a new calibration, and bands that are measured anew.

It follows a base rate that has moved, in a fraction of a training's time and without a new ranking for sales to get used to. Calibration
and bands are chosen on the newest snapshots that may be used: those of the calibration part, as a training would cut it, but only from
where no outcome was known to the trees yet; the test part lies a horizon later.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from features.compute import compute
from features.contract import DAY, DataError, ModelError, from_micros, parse_moment
from features.dataset import Dataset
from features.snapshots import Snapshots
from models.calibrate import choose_calibration
from models.registry import CHAMPION, Registry
from models.run import TrainingRun
from models.scorer import LeadScorer
from models.settings import Settings
from training.judge import another_question
from training.learn import Learnt, calibrate_rules
from training.split import Split, weights
from training.train import Training, make_version
from training.unseen import Unseen

logger = logging.getLogger("leadheat.training")

FEWEST_WON = 10
"""With fewer won leads that are new to the trees, no rate can be told."""


def recalibrate(dataset: Dataset, settings: Settings, registry: Registry, *, promote: bool = True, allow: Sequence[str] = ()) -> Training:
    """Make a version from the champion by calibrating it anew, and promote it where every gate holds.

    Trees, features, rules and words stay the champion's; the ``[temperature]`` table is that of ``settings``. Arguments as for ``train``.

    Raises:
        DataError: too little has matured since the trees were learnt, or the audit found an error that is not allowed.
        ModelError: there is no champion, or it answers another question than these settings.
    """
    scorer = champion_for(dataset, settings, registry)

    def make(parts: Split, _: TrainingRun) -> Learnt:
        return calibrated_anew(scorer, dataset, settings, parts)

    return make_version(dataset, settings, registry, make, promote=promote, allow=allow, command="leadheat recalibrate DATASET")


def champion_for(dataset: Dataset, settings: Settings, registry: Registry) -> LeadScorer:
    """The champion.

    Raises:
        ModelError: there is none, or it answers another question than these data and settings.
    """
    champion = registry.version(CHAMPION)
    scorer = LeadScorer.load(registry.fetch(champion.version), champion.version)
    if other := another_question(scorer, dataset, settings):
        hint = "Train a version; to let it take that one's place, promote it with --force and a reason."
        raise ModelError(f"The champion, version {champion.version}, answers another question: {other}.", hint)
    return scorer


def calibrated_anew(scorer: LeadScorer, dataset: Dataset, settings: Settings, parts: Split) -> Learnt:
    """The scorer with calibration and bands of the rows that ``unlearnt`` gives.

    Raises:
        DataError: they hold too few won leads.
    """
    rows, threads, seed = unlearnt(scorer, parts), os.cpu_count() or 1, settings.model.seed
    if scorer.margin is None or rows.won_leads < FEWEST_WON:
        raise DataError(
            f"Too little has matured to recalibrate: {rows.won_leads} won leads that the trees of version {scorer.version} have not seen.",
            f"{FEWEST_WON} are needed between the end of its training and the test part: wait, or train anew.",
        )
    logger.info("calibrating version %s anew on %d snapshots", scorer.version, len(rows))
    X = compute(scorer.features, dataset.history.with_schema(scorer.schema), rows.lead, rows.as_of, threads)
    margin, weight = scorer.margin.margin(X, threads), weights(rows, settings.snapshots.weight)
    choice = choose_calibration(margin, rows.label, rows.lead, weight, seed, scorer.calibration)
    unseen = Unseen.of(rows, choice.calibration.probability(margin))
    again = replace(
        scorer,
        calibration=choice.calibration,
        bands=unseen.bands(settings.temperature),
        reference=np.sort(unseen.probability),
        settings=scorer.settings.model_copy(update={"temperature": settings.temperature}),
        facts=scorer.facts
        | {
            "recalibrated": _facts(scorer, rows),
            "data": {"name": dataset.name, "fingerprint": dataset.fingerprint, "leads": len(dataset.history)},
            "calibration": choice.to_dict(),
            "rules_calibration": calibrate_rules(scorer.rules, X, rows, weight, seed),
        },
        version=None,
        fingerprint="",
    )
    return Learnt(again, unseen)


def unlearnt(scorer: LeadScorer, parts: Split) -> Snapshots:
    """The snapshots of the calibration part from whose moment on no outcome was known to the scorer's trees."""
    begin = parse_moment(scorer.facts["train"]["to"]) + DAY + scorer.horizon
    return parts.calibrate.take(parts.calibrate.as_of >= begin)


def _facts(scorer: LeadScorer, rows: Snapshots) -> dict[str, Any]:
    return {
        "from_version": scorer.version,
        "from_fingerprint": scorer.fingerprint,
        "learnt_on": scorer.facts["recalibrated"]["learnt_on"] if scorer.facts.get("recalibrated") else scorer.facts["data"],
        "rows": len(rows),
        "positives": int(rows.label.sum()),
        "won_leads": rows.won_leads,
        "from": from_micros(rows.as_of.min()).date().isoformat(),
        "to": from_micros(rows.as_of.max()).date().isoformat(),
    }
