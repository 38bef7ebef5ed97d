"""Training from end to end: split, learn, judge, track, and let the gate decide."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from features.catalogue import FeatureSet
from features.contract import LeadheatError, from_micros
from features.dataset import Dataset
from models.gate import Gate, gate, passed, reason
from models.registry import CHAMPION, Registry
from models.run import TrainingRun
from models.scorer import LeadScorer
from models.settings import Settings
from models.temperature import Band
from training.bootstrap import Difference
from training.evaluate import Evaluation, evaluate
from training.learn import learn, with_facts
from training.plots import bands, probability
from training.split import Split, split

logger = logging.getLogger("leadheat.training")


@dataclass(frozen=True, eq=False)
class Training:
    """What a training gave: the scorer, its evaluation, the verdicts, and where it is tracked."""

    scorer: LeadScorer
    parts: Split
    evaluation: Evaluation
    gates: list[Gate]
    run_id: str
    version: str
    promoted: bool
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """What ``leadheat train --json`` prints."""
        return {
            "run_id": self.run_id,
            "version": self.version,
            "promoted": self.promoted,
            "gate": [verdict.to_dict() for verdict in self.gates],
            "train": {"rows": len(self.parts.train), "positives": int(self.parts.train.label.sum())},
            "test": self.evaluation.model,
            "rules": self.evaluation.rules,
            "bands": [asdict(band) for band in _bands(self.scorer)],
            "notes": list(self.scorer.bands.notes) if self.scorer.bands else [],
            "seconds": round(self.seconds, 3),
        }


def train(dataset: Dataset, settings: Settings, registry: Registry, *, promote: bool = True) -> Training:
    """Train on a data set, track the run, and promote the new version where every gate holds.

    Raises:
        LeadheatError: the data or the number of wins do not allow it, or the registry cannot be reached. The champion stays as it was.
    """
    started = time.monotonic()
    parts = split(dataset, settings.snapshots, settings.model.calibration_share)
    with registry.run(dataset.name) as run:
        run.log_settings(settings.model_dump(mode="json", by_alias=True))
        scorer = learn(dataset, parts, settings)
        logger.info("judging it on %d later snapshots", len(parts.test))
        evaluation = evaluate(scorer, dataset, parts.test, seed=settings.model.seed)
        against = _against_champion(registry, dataset, parts, evaluation, settings)
        verdicts = gate(evaluation.model, settings.gate, evaluation.against_rules, against)
        observed_until = from_micros(dataset.observed_until).date().isoformat()
        scorer = with_facts(scorer, test=evaluation.model, rules=evaluation.rules, observed_until=observed_until)
        logger.info("tracking it in MLflow")
        version, scorer = _track(run, scorer, evaluation, verdicts)
    promoted = promote and passed(verdicts)
    if promoted:
        registry.promote(version, reason(verdicts))
    else:
        registry.refuse(version, reason(verdicts) if promote else "not to be promoted, as asked for")
    return Training(scorer, parts, evaluation, verdicts, run.run_id, version, promoted, time.monotonic() - started)


def _track(run: TrainingRun, scorer: LeadScorer, evaluation: Evaluation, verdicts: list[Gate]) -> tuple[str, LeadScorer]:
    """Log figures, plots and the model folder; returns the version's number and the scorer with its fingerprint."""
    with tempfile.TemporaryDirectory() as scratch:
        saved = scorer.save(Path(scratch) / "model")
        run.log_tags({"data": scorer.facts["data"]["fingerprint"], "model": saved.fingerprint})
        run.log_figures({"test": evaluation.model, "rules": evaluation.rules})
        run.log_json("facts.json", scorer.facts)
        for name, figure in _plots(scorer, evaluation).items():
            run.log_plot(name, figure)
        summary = {"test": evaluation.model, "rules": evaluation.rules, "data": scorer.facts["data"]["name"]}
        gates = [verdict.to_dict() for verdict in verdicts]
        version = run.log_model(Path(scratch) / "model", saved.fingerprint, example_body(scorer.features), summary, gates)
    return version, saved


def _plots(scorer: LeadScorer, evaluation: Evaluation) -> Mapping[str, Any]:
    y, lead, series = evaluation.snapshots.label, evaluation.lead, evaluation.predictions
    expected = _bands(scorer)
    actual = scorer.bands.observed(evaluation.probability, y, lead) if scorer.bands else ()
    return {"calibration": probability.calibration(series), "gains": probability.gains(series), "bands": bands.bands(expected, actual)}


def _bands(scorer: LeadScorer) -> tuple[Band, ...]:
    return scorer.bands.bands if scorer.bands else ()


def _against_champion(
    registry: Registry, dataset: Dataset, parts: Split, evaluation: Evaluation, settings: Settings
) -> Mapping[str, Difference] | None:
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
    other = scorer.numbers(history, parts.test.lead, parts.test.as_of).probability
    return evaluation.against(other)


def example_body(features: FeatureSet) -> dict[str, Any]:
    """A body of ``POST /score`` in the model's own vocabulary, made up and nobody's."""
    attributes: dict[str, Any] = dict.fromkeys(features.lead_numeric, 1.0)
    attributes |= {name: levels[0] for name, levels in features.lead_levels.items() if levels}
    times = [f"2026-01-{day:02d}T09:00:00+00:00" for day in range(5, 8)]
    interactions = [{"type": kind, "occurred_at": moment} for kind, moment in zip(features.types, times, strict=False)]
    lead = {"lead_id": "example", "created_at": "2026-01-02T09:00:00+00:00", "attributes": attributes}
    return {"lead": lead, "interactions": interactions, "as_of": "2026-01-09T09:00:00+00:00"}
