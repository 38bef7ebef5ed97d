"""The verdicts on a challenger: its figures on the test part held against the limits, the rules and the champion."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from features.contract import LeadheatError
from features.dataset import Dataset
from models.gate import Gate, gate
from models.registry import CHAMPION, Registry
from models.scorer import LeadScorer
from models.settings import Settings
from training.bootstrap import Difference
from training.evaluate import Evaluation

logger = logging.getLogger("leadheat.training")


def judge(evaluation: Evaluation, dataset: Dataset, settings: Settings, registry: Registry) -> list[Gate]:
    """All verdicts on a scorer that was evaluated on the test part of a data set."""
    against = _against_champion(evaluation, dataset, settings, registry)
    return gate(evaluation.model, settings.gate, evaluation.against_rules, against)


def _against_champion(evaluation: Evaluation, dataset: Dataset, settings: Settings, registry: Registry) -> Mapping[str, Difference] | None:
    """Paired differences to the champion on the same test snapshots; None where there is none that answers the same question."""
    champion = next((version for version in registry.versions() if CHAMPION in version.aliases), None)
    if champion is None:
        return None
    logger.info("comparing it with the champion, version %s", champion.version)
    scorer = LeadScorer.load(registry.fetch(champion.version), champion.version)
    if scorer.horizon != settings.snapshots.horizon or scorer.facts["data"]["name"] != dataset.name:
        logger.info("the champion answers another question: other data, or another horizon")
        return None
    try:
        history = dataset.history.with_schema(scorer.schema)
    except LeadheatError as error:
        logger.info("the champion cannot read these data: %s", error)
        return None
    test = evaluation.snapshots
    other = scorer.numbers(history, test.lead, test.as_of).probability
    return evaluation.against(other)
