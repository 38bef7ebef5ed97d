"""A candidate: a scorer that is judged on the test part, registered with its verdicts, and promoted or refused."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from features.catalogue import FeatureSet
from features.contract import Finding, from_micros
from features.dataset import Dataset
from features.snapshots import Snapshots
from models.gate import Gate, passed, reason
from models.registry import GateError, Registry
from models.run import TrainingRun
from models.scorer import LeadScorer
from models.settings import Settings
from training.evaluate import Evaluation, evaluate
from training.judge import Judgement, judge
from training.learn import Learnt, with_facts
from training.migration import migrate
from training.plots.style import png
from training.promises import prove
from training.report.evidence import Evidence
from training.report.exhibits import exhibits
from training.report.html import report
from training.unseen import FILE, Unseen

REPORT = "report.html"
"""What the report is called among the artifacts of a run."""
logger = logging.getLogger("leadheat.training")


@dataclass(frozen=True, eq=False)
class Candidate:
    """A registered version: its scorer, its evaluation, what it was held against, the run it is tracked in, and who would change band.

    ``report`` is where its report lies. ``migration`` is ``training.migration.Migration.to_facts`` from the champion; None where there is
    none to compare with.
    """

    scorer: LeadScorer
    evaluation: Evaluation
    judgement: Judgement
    run_id: str
    version: str
    report: str
    migration: dict[str, Any] | None = None

    @property
    def gates(self) -> list[Gate]:
        """All verdicts."""
        return self.judgement.gates

    def to_dict(self) -> dict[str, Any]:
        """What every command that makes a version tells of it with ``--json``."""
        some = self.scorer.bands
        return {
            "run_id": self.run_id,
            "version": self.version,
            "report": self.report,
            "gate": [verdict.to_dict() for verdict in self.gates],
            "test": self.evaluation.model,
            "rules": self.evaluation.rules,
            **_differences(self.evaluation, self.judgement),
            "linear": self.scorer.facts.get("linear"),
            "tuning": self.scorer.facts.get("tuning"),
            "bands": [asdict(band) for band in some.bands] if some else [],
            "notes": list(some.notes) if some else [],
            "policy": self.scorer.facts["policy"],
            "migration": self.migration,
        }


def put_forward(
    learnt: Learnt,
    dataset: Dataset,
    test: Snapshots,
    settings: Settings,
    registry: Registry,
    run: TrainingRun,
    findings: Sequence[Finding] = (),
    command: str = "leadheat train DATASET",
) -> Candidate:
    """Judge a scorer on the test part and register it as a version, the challenger, with all that was found, and a report of it.

    The rows that its bands were chosen on are kept with the run, so that others can be chosen on the same.
    """
    logger.info("judging it on %d later snapshots", len(test))
    evaluation = evaluate(learnt.scorer, dataset, test, seed=settings.model.seed)
    observed_until = from_micros(dataset.observed_until).date().isoformat()
    told = {"test": evaluation.model, "rules": evaluation.rules, "observed_until": observed_until}
    scorer = with_facts(learnt.scorer, **told, policy=_proved(learnt.scorer, evaluation))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        saved = scorer.save(folder)
        judgement = judge(saved, LeadScorer.load(folder), evaluation, dataset, settings, registry)
        logger.info("tracking it in MLflow")
        learnt.unseen.write(Path(scratch) / FILE)
        run.log_file(Path(scratch) / FILE)
        gates = [verdict.to_dict() for verdict in judgement.gates]
        evidence = Evidence(
            saved,
            dataset,
            settings,
            evaluation,
            findings,
            gates,
            command=command,
            run_id=run.run_id,
            against_champion=judgement.against_champion,
        )
        _report(evidence, run, Path(scratch) / REPORT)
        moved = _moved(judgement.opponent.scorer, saved, dataset)
        if moved:
            run.log_json("migration.json", moved)
        version = _track(run, saved, folder, evaluation, judgement)
    return Candidate(saved, evaluation, judgement, run.run_id, version, run.place_of(REPORT), moved and moved | {"to": version})


def _differences(evaluation: Evaluation, judgement: Judgement) -> dict[str, Any]:
    """How the version differs from rules and champion, figure by figure, JSON-ready."""
    rules = {name: one.to_dict() for name, one in evaluation.against_rules.items()}
    if judgement.against_champion is None:
        return {"against_rules": rules, "against_champion": None}
    champion = {name: one.to_dict() for name, one in judgement.against_champion.items()}
    return {"against_rules": rules, "against_champion": {"version": judgement.champion, "differences": champion}}


def _moved(champion: LeadScorer | None, scorer: LeadScorer, dataset: Dataset) -> dict[str, Any] | None:
    """Who changes band between the champion and the scorer, of the leads that are open at the end of the data."""
    if champion is None or champion.margin is None:
        return None
    return migrate(champion, scorer, dataset, dataset.observed_until + 1, top=0).to_facts()


def _proved(scorer: LeadScorer, evaluation: Evaluation) -> dict[str, Any] | None:
    """The bands and their policy in the test part, JSON-ready."""
    if scorer.bands is None:
        return None
    return prove(scorer.settings.temperature, scorer.bands, Unseen.of(evaluation.snapshots, evaluation.probability)).to_dict()


def decide(candidate: Candidate, registry: Registry, *, promote: bool = True) -> bool:
    """Promote a candidate for which every gate holds, or note why not; returns whether it is the champion now."""
    why = reason(candidate.gates) if promote else "not to be promoted, as asked for"
    if promote and passed(candidate.gates):
        try:
            registry.promote(candidate.version, why)
        except GateError as refusal:  # another champion came up meanwhile
            why = f"refused: {refusal.message}"
        else:
            return True
    registry.refuse(candidate.version, why)
    return False


def _track(run: TrainingRun, scorer: LeadScorer, folder: Path, evaluation: Evaluation, judgement: Judgement) -> str:
    """Log figures, verdicts and the model folder; returns the version's number."""
    gates = [verdict.to_dict() for verdict in judgement.gates]
    run.log_tags({"data": scorer.facts["data"]["fingerprint"], "model": scorer.fingerprint})
    run.log_figures({"test": evaluation.model, "rules": evaluation.rules, "gate": {gate["name"]: gate["figure"] for gate in gates}})
    run.log_json("facts.json", scorer.facts)
    run.log_json("differences.json", _differences(evaluation, judgement))
    run.log_json("gates.json", {"champion": judgement.champion, "gates": gates})
    summary = {"test": evaluation.model, "rules": evaluation.rules, "data": scorer.facts["data"]["name"], "train": scorer.facts["train"]}
    return run.log_model(folder, scorer.fingerprint, example_body(scorer.features), summary, gates, judgement.champion)


def _report(evidence: Evidence, run: TrainingRun, file: Path) -> None:
    """Log the report, and its pictures each by itself."""
    shown = exhibits(evidence)
    for exhibit in shown:
        picture = file.with_name(f"{exhibit.key}.png")
        picture.write_bytes(png(exhibit.figure))
        run.log_file(picture, "plots")
    file.write_text(report(evidence, shown), encoding="utf-8")
    run.log_file(file)


def example_body(features: FeatureSet) -> dict[str, Any]:
    """A body of ``POST /score`` in the model's own vocabulary, made up and nobody's."""
    attributes: dict[str, Any] = dict.fromkeys(features.lead_numeric, 1.0)
    attributes |= {name: levels[0] for name, levels in features.lead_levels.items() if levels}
    times = [f"2026-01-{day:02d}T09:00:00+00:00" for day in range(5, 8)]
    interactions = [{"type": kind, "occurred_at": moment} for kind, moment in zip(features.types, times, strict=False)]
    lead = {"lead_id": "example", "created_at": "2026-01-02T09:00:00+00:00", "attributes": attributes}
    return {"lead": lead, "interactions": interactions, "as_of": "2026-01-09T09:00:00+00:00"}
