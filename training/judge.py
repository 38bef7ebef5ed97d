"""The verdicts on a challenger: what was measured of it held against the limits, the rules and the champion."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.contract import LeadheatError, format_duration
from features.dataset import Dataset
from models.gate import (
    Gate,
    SegmentDifference,
    audit_clean,
    beside_champion,
    beside_rules,
    calibrated,
    enough_positives,
    fast_enough,
    no_segment_badly_worse,
    same_everywhere,
)
from models.latency import latency
from models.parity import parity
from models.registry import CHAMPION, Registry
from models.scorer import LeadScorer
from models.settings import Settings
from training.bootstrap import Difference
from training.evaluate import Evaluation
from training.segments import segment_differences

logger = logging.getLogger("leadheat.training")

SAMPLED = 100
"""Leads that are scored one by one to compare the service with the batch, and to watch the clock."""


@dataclass(frozen=True)
class Opponent:
    """The champion beside a challenger: its ``version`` (empty where there is none), and its ``probability`` of the test snapshots.

    ``probability`` float64[m] and ``scorer`` are None where it cannot be compared; ``about`` says why, or what it was compared on.
    """

    version: str = ""
    probability: np.ndarray | None = None
    about: str = ""
    scorer: LeadScorer | None = None


@dataclass(frozen=True)
class Judgement:
    """All verdicts, the champion that they compare with, and how the challenger differs from it."""

    gates: list[Gate]
    opponent: Opponent
    against_champion: Mapping[str, Difference] | None

    @property
    def champion(self) -> str:
        """The champion's version; empty where there was none."""
        return self.opponent.version


def judge(
    scorer: LeadScorer, served: LeadScorer, evaluation: Evaluation, dataset: Dataset, settings: Settings, registry: Registry
) -> Judgement:
    """Hold a challenger against every gate.

    Args:
        scorer: the challenger as it was learnt.
        served: the same, loaded from its folder as the service loads it.
        evaluation: of the challenger on the test part.
        dataset: where the test part comes from.
        settings: the ``[gate]`` table, and what the challenger is asked.
        registry: where the champion is.
    """
    opponent = face_champion(evaluation, dataset, settings, registry)
    against = None if opponent.probability is None else evaluation.against(opponent.probability)
    gates = [
        enough_positives(evaluation.model, settings.gate),
        audit_clean(scorer.facts.get("audit")),
        calibrated(evaluation.model, settings.gate),
        beside_rules(evaluation.against_rules["auc"], settings.gate),
        *beside_champion(against, opponent.about),
        no_segment_badly_worse(*_in_segments(evaluation, opponent, dataset), settings.gate),
        *_in_service(scorer, served, evaluation, dataset, settings),
    ]
    return Judgement(gates, opponent, against)


def face_champion(evaluation: Evaluation, dataset: Dataset, settings: Settings, registry: Registry) -> Opponent:
    """What the champion says of the same test snapshots, or why it cannot be asked."""
    champion = next((version for version in registry.versions() if CHAMPION in version.aliases), None)
    if champion is None:
        return Opponent()
    logger.info("comparing it with the champion, version %s", champion.version)
    scorer, named = LeadScorer.load(registry.fetch(champion.version), champion.version), f"the champion, version {champion.version},"
    if other := another_question(scorer, dataset, settings):
        return Opponent(champion.version, about=f"{named} answers another question: {other}")
    try:
        history = dataset.history.with_schema(scorer.schema)
    except LeadheatError as error:
        return Opponent(champion.version, about=f"{named} cannot read these data: {error.message}")
    test = evaluation.snapshots
    probability = scorer.numbers(history, test.lead, test.as_of).probability
    return Opponent(champion.version, probability, f"{named} scored the same {len(test)} snapshots", scorer)


def another_question(scorer: LeadScorer, dataset: Dataset, settings: Settings) -> str:
    """What a version was made to answer and what is asked now, in words; empty where that is the same."""
    answers, asked = _question(scorer.facts["data"]["name"], scorer.horizon), _question(dataset.name, settings.snapshots.horizon)
    return "" if answers == asked else f"{answers}; this is {asked}"


def _question(data: str, horizon: int) -> str:
    return f'"{data}" within {format_duration(horizon)}'


def _in_segments(evaluation: Evaluation, opponent: Opponent, dataset: Dataset) -> tuple[str, list[SegmentDifference]]:
    """The comparisons in every part of the leads: with the champion, or with the rules where it cannot be asked."""
    test, mine = evaluation.snapshots, evaluation.probability
    if opponent.probability is None:
        return "rules", segment_differences(dataset, test, mine, evaluation.rules_probability, probable=False)
    return "champion", segment_differences(dataset, test, mine, opponent.probability, probable=True)


def _in_service(scorer: LeadScorer, served: LeadScorer, evaluation: Evaluation, dataset: Dataset, settings: Settings) -> list[Gate]:
    """Whether the version says in service what it said in batch, and how fast."""
    logger.info("scoring some leads as the service does")
    lead, as_of = sample(evaluation, settings.model.seed)
    history = dataset.history.with_schema(served.schema)
    alone = ((history.slice(number, number + 1), moment) for number, moment in zip(lead.tolist(), as_of.tolist(), strict=True))
    return [same_everywhere(parity(scorer, served, dataset.history, lead, as_of)), fast_enough(latency(served, alone), settings.gate)]


def sample(evaluation: Evaluation, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Some test leads, each at one of its snapshots (positions and moments, int64[k] each)."""
    rng, test = np.random.default_rng(seed), evaluation.snapshots
    mixed = np.lexsort((test.as_of, test.lead))[rng.permutation(len(test))]
    first = np.unique(test.lead[mixed], return_index=True)[1]
    rows = mixed[rng.permutation(first)[:SAMPLED]]
    return test.lead[rows], test.as_of[rows]
