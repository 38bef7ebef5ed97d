"""Training from end to end: audit, split, learn, judge, track, and let the gate decide."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from features.dataset import Dataset
from models.gate import Gate
from models.registry import Registry
from models.run import TrainingRun
from models.scorer import LeadScorer
from models.settings import Settings
from training.candidate import Candidate, decide, put_forward
from training.check import audited
from training.evaluate import Evaluation
from training.learn import Learnt, learn_with_unseen
from training.split import Split, split

logger = logging.getLogger("leadheat.training")

Make = Callable[[Split, TrainingRun], Learnt]
"""Gives a scorer from the parts of a data set, and logs to the run how it came to it."""


@dataclass(frozen=True, eq=False)
class Training:
    """What a training, or a recalibration, gave: the parts of the data, the registered candidate, and what became of it."""

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
        """What ``leadheat train --json`` and ``leadheat recalibrate --json`` print."""
        facts = self.scorer.facts
        return {
            **self.candidate.to_dict(),
            "promoted": self.promoted,
            "train": {"rows": facts["train"]["rows"], "positives": facts["train"]["positives"]},
            "recalibrated": facts.get("recalibrated"),
            "seconds": round(self.seconds, 3),
        }


def train(
    dataset: Dataset, settings: Settings, registry: Registry, *, promote: bool = True, allow: Sequence[str] = (), trials: int = 0
) -> Training:
    """Audit a data set, train on it, track the run, and promote the new version where every gate holds.

    Args:
        dataset: what to learn from.
        settings: how.
        registry: where the run and the version are kept.
        promote: let the gates decide; otherwise the version stays the challenger.
        allow: codes of the audit's errors that shall not stop the training; the run and the version record them.
        trials: how many settings to try first (``training.tuning``); none by default.

    Raises:
        DataError: the audit found an error that is not allowed.
        LeadheatError: the data or the number of wins do not allow it, or the registry cannot be reached. The champion stays as it was.
    """
    make = partial(_learn, dataset, settings, trials)
    command = f"leadheat train DATASET --tune {trials}" if trials else "leadheat train DATASET"
    return make_version(dataset, settings, registry, make, promote=promote, allow=allow, command=command)


def _learn(dataset: Dataset, settings: Settings, trials: int, parts: Split, run: TrainingRun) -> Learnt:
    """Learn with the settings as they are, or with those that a tuning finds."""
    if not trials:
        return learn_with_unseen(dataset, parts, settings)
    from training.tuning.tune import tune

    tuned = tune(dataset, parts, settings, trials, run)
    logger.info(tuned.words)
    run.log_json("tuning.json", tuned.to_dict())
    if tuned.taken:
        run.log_text("tuned.toml", tuned.toml)
    return learn_with_unseen(dataset, parts, tuned.settings).with_facts(tuning=tuned.to_dict())


def make_version(
    dataset: Dataset,
    settings: Settings,
    registry: Registry,
    make: Make,
    *,
    promote: bool,
    allow: Sequence[str],
    command: str,
) -> Training:
    """Audit a data set, let ``make`` give a scorer, track it in a run, and let the gates decide.

    ``command`` repeats it; the other arguments and the errors are those of ``train``.
    """
    started = time.monotonic()
    parts = split(dataset, settings.snapshots, settings.model.calibration_share)
    logger.info("auditing %s", dataset.name)
    findings = audited(dataset, settings, parts, allow)
    findings.refuse()
    with registry.run(dataset.name) as run:
        run.log_json("audit.json", findings.to_dict())
        run.log_tags({"audit_allowed": ", ".join(findings.overruled), "command": command})
        learnt = make(parts, run).with_facts(audit=findings.to_facts())
        settings = settings.model_copy(update=dict(learnt.scorer.settings))
        run.log_settings(settings.model_dump(mode="json", by_alias=True))
        candidate = put_forward(learnt, dataset, parts.test, settings, registry, run, findings.findings, command)
    promoted = decide(candidate, registry, promote=promote)
    return Training(parts, candidate, promoted, time.monotonic() - started)
