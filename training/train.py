"""Training from end to end: audit, split, learn, judge, track, and let the gate decide."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from features.dataset import Dataset
from models.gate import Gate
from models.registry import Registry
from models.scorer import LeadScorer
from models.settings import Settings
from training.candidate import Candidate, decide, put_forward
from training.check import audited
from training.evaluate import Evaluation
from training.learn import learn_with_unseen
from training.split import Split, split

logger = logging.getLogger("leadheat.training")


@dataclass(frozen=True, eq=False)
class Training:
    """What a training gave: the parts it used, the registered candidate, and what became of it."""

    parts: Split
    candidate: Candidate
    promoted: bool
    seconds: float

    @property
    def scorer(self) -> LeadScorer:
        """What was learnt."""
        return self.candidate.scorer

    @property
    def evaluation(self) -> Evaluation:
        """On the test part."""
        return self.candidate.evaluation

    @property
    def gates(self) -> list[Gate]:
        """All verdicts."""
        return self.candidate.gates

    @property
    def version(self) -> str:
        """The number it is registered under."""
        return self.candidate.version

    def to_dict(self) -> dict[str, Any]:
        """What ``leadheat train --json`` prints."""
        return {
            **self.candidate.to_dict(),
            "promoted": self.promoted,
            "train": {"rows": len(self.parts.train), "positives": int(self.parts.train.label.sum())},
            "seconds": round(self.seconds, 3),
        }


def train(dataset: Dataset, settings: Settings, registry: Registry, *, promote: bool = True, allow: Sequence[str] = ()) -> Training:
    """Audit a data set, train on it, track the run, and promote the new version where every gate holds.

    Args:
        dataset: what to learn from.
        settings: how.
        registry: where the run and the version are kept.
        promote: let the gates decide; otherwise the version stays the challenger.
        allow: codes of the audit's errors that shall not stop the training; the run and the version record them.

    Raises:
        DataError: the audit found an error that is not allowed.
        LeadheatError: the data or the number of wins do not allow it, or the registry cannot be reached. The champion stays as it was.
    """
    started = time.monotonic()
    parts = split(dataset, settings.snapshots, settings.model.calibration_share)
    logger.info("auditing %s", dataset.name)
    findings = audited(dataset, settings, parts, allow)
    findings.refuse()
    with registry.run(dataset.name) as run:
        run.log_settings(settings.model_dump(mode="json", by_alias=True))
        run.log_json("audit.json", findings.to_dict())
        run.log_tags({"audit_allowed": ", ".join(findings.overruled)})
        learnt = learn_with_unseen(dataset, parts, settings).with_facts(audit=findings.to_facts())
        candidate = put_forward(learnt, dataset, parts.test, settings, registry, run, findings.findings)
    promoted = decide(candidate, registry, promote=promote)
    return Training(parts, candidate, promoted, time.monotonic() - started)
