"""What a report is made from: a version, the data it was judged on, its figures, and what was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from features.contract import DAY, Finding, from_micros
from features.dataset import Dataset
from models.scorer import LeadScorer
from models.settings import Settings
from models.temperature import Band, Bands
from training.bootstrap import Difference
from training.evaluate import Evaluation
from training.examine import Examination, examine
from training.plots.importance import Importance
from training.promises import Proved, prove
from training.unseen import Unseen

SAMPLE = 2_000
"""At most so many test rows are explained to find each signal's weight."""
OWN_WORDS = {
    "activity": "how much happened",
    "inbound": "what they did in all",
    "outbound": "what we did in all",
    "time": "how old the lead is",
    "latest steps": "the latest steps",
    "first touch": "the first touch",
    "other": "unknown types",
}
"""Words for the signals that no settings name (``models.reasons``)."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that a report tells.

    Attributes:
        scorer: the version.
        dataset: what it was judged on.
        settings: of the data set.
        evaluation: of version and rules on the test part.
        findings: about the data set, of audit and reading.
        gates: their verdicts, as ``models.gate.Gate.to_dict`` gives them.
        fate: what became of the version, in words, where that is known already.
        command: what repeats this report; by default, the training.
        run_id: of the training in MLflow.
        examination: of the evaluation, where it is made already.
        against_champion: paired differences to the champion at that time, where there was one to compare with.
    """

    scorer: LeadScorer
    dataset: Dataset
    settings: Settings
    evaluation: Evaluation
    findings: Sequence[Finding] = ()
    gates: Sequence[Mapping[str, Any]] = ()
    fate: str = ""
    command: str = "leadheat train DATASET"
    run_id: str = ""
    examination: Examination | None = None
    against_champion: Mapping[str, Difference] | None = None

    @property
    def bands(self) -> Bands:
        """The version's.

        Raises:
            ValueError: it scores by the rules alone, which no report is made of.
        """
        if self.scorer.bands is None:
            raise ValueError("a scorer without a model has no bands, and is never evaluated")
        return self.scorer.bands

    @property
    def horizon_days(self) -> float:
        """How far ahead the version looks."""
        return self.scorer.horizon / DAY

    @property
    def seed(self) -> int:
        """Of everything random."""
        return self.evaluation.seed

    @cached_property
    def actual(self) -> tuple[Band, ...]:
        """The bands as the test part shows them."""
        snapshots = self.evaluation.snapshots
        return self.bands.observed(self.evaluation.probability, snapshots.label, snapshots.lead)

    @cached_property
    def proved(self) -> Proved:
        """The bands and what their policy promised, held against the test part."""
        test = Unseen.of(self.evaluation.snapshots, self.evaluation.probability)
        return prove(self.scorer.settings.temperature, self.bands, test)

    @property
    def period(self) -> tuple[str, str]:
        """The first and the last day on which test leads were looked at, as ISO dates."""
        as_of = self.evaluation.snapshots.as_of
        first, last = (from_micros(moment).date().isoformat() for moment in (as_of.min(), as_of.max()))
        return first, last

    @cached_property
    def leads(self) -> int:
        """How many different leads the test part holds."""
        return len(np.unique(self.evaluation.snapshots.lead))

    @cached_property
    def order(self) -> np.ndarray:
        """int64[m]: the test rows by lead id and moment."""
        snapshots = self.evaluation.snapshots
        return np.lexsort((snapshots.as_of, snapshots.lead))

    @cached_property
    def examined(self) -> Examination:
        """The evaluation slice by slice, through time, and by what it is worth."""
        return self.examination or examine(self.evaluation, self.scorer, self.dataset, self.settings)

    @cached_property
    def importance(self) -> list[Importance]:
        """Every signal's weight on a seeded sample of the test rows, the weightiest first."""
        rows = self.order[np.sort(np.random.default_rng(self.seed).permutation(len(self.order))[:SAMPLE])]
        sums, _ = self.scorer.contributions(self.evaluation.scored, rows)
        words = {signal.name: signal.words for signal in self.scorer.features.signals}
        raises, lowers = np.maximum(sums, 0).mean(axis=0), np.maximum(-sums, 0).mean(axis=0)
        weights = raises + lowers
        helped = (sums > 0).mean(axis=0)
        names = self.scorer.explainer.signals
        return [
            Importance(
                signal=names[i],
                words=words.get(names[i]) or OWN_WORDS.get(names[i]) or names[i].removeprefix("lead.").replace("_", " "),
                weight=float(weights[i]),
                raises=float(raises[i]),
                lowers=float(lowers[i]),
                helped=float(helped[i]),
            )
            for i in np.argsort(-weights, kind="stable")
        ]
