"""The rules alone: what scores while there is no model."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from features.consent import ConsentRule
from features.contract import DAY
from features.history import History
from features.intake import history_of
from features.records import InteractionRecord, LeadRecord
from features.schema import Schema
from models.answer import Answer
from models.asked import Asked
from models.calibration import Calibration
from models.feature_set import fit_feature_set
from models.score import Score
from models.scorer import LeadScorer
from models.settings import ScoringSettings
from models.temperature import Temperature

HORIZON = 30 * DAY


class RulesScorer:
    """Scores by the points of the rules; they know the declared signals and, beside them, well-known names of types.

    Args:
        settings: of a data set, or the defaults.
        horizon: microseconds, told with every score.
        consent: the rules by which interactions count only with consent.
    """

    fingerprint = ""
    """No files, no fingerprint."""

    def __init__(self, settings: ScoringSettings | None = None, horizon: int = HORIZON, consent: tuple[ConsentRule, ...] = ()) -> None:
        self.settings = settings or ScoringSettings()
        self._horizon = horizon
        self._scorer_of = lru_cache(maxsize=256)(self._for_types)
        fit, grounds = self.settings.rules.fit, dict(self.settings.consent.grounds()).values()
        numeric = sorted(name for name, points in fit.items() if not isinstance(points, dict))
        categorical = {name for name, points in fit.items() if isinstance(points, dict)}
        categorical |= {ground.attribute for ground in grounds if ground.attribute is not None and ground.attribute not in numeric}
        self.schema = Schema(lead_numeric=tuple(numeric), lead_categorical=tuple(sorted(categorical)), consent=consent)

    def score(self, history: History, as_of: int, previous: Temperature | None = None, *, explain: bool = True) -> Score:
        """Score the first lead of a history; arguments as of ``LeadScorer.score``."""
        return self.answer(history, as_of, previous, explain=explain).score

    def answer(self, history: History, as_of: int, previous: Temperature | None = None, *, explain: bool = True) -> Answer:
        """The same with the features that the score rests on, which are other ones for other types."""
        return self.fitted(history).answer(history, as_of, previous, explain=explain)

    def fitted(self, history: History) -> LeadScorer:
        """The rules as a scorer that knows the types of a history."""
        return self._scorer_of(tuple(sorted(history.type.levels)))

    def asked(self) -> Asked:
        """What takes in leads that are to be answered together."""
        return _AskedApart(self)

    def _for_types(self, types: tuple[str, ...]) -> LeadScorer:
        """A scorer whose vocabulary is what this lead did: rules need not have seen a type before."""
        needed = {**self.settings.consent.levels_needed(), **self.settings.rules.levels_needed()}
        values = [{name: level} for name in self.schema.lead_categorical for level in needed.get(name, ())]
        leads = [LeadRecord("", 0, value) for value in values]
        leads.append(LeadRecord("", 0, None, [InteractionRecord(kind, 0) for kind in types]))
        seen = history_of(leads, self.schema)
        settings = self.settings.model_copy(update={"features": self.settings.features.model_copy(update={"min_count": 1})})
        features = fit_feature_set(seen, settings)
        return LeadScorer(features, None, Calibration(), None, np.empty(0), self._horizon, settings, {})


class _AskedApart:
    """Leads that the rules answer one by one, for each brings a vocabulary of its own.

    Args:
        scorer: the rules.
    """

    def __init__(self, scorer: RulesScorer) -> None:
        self._scorer = scorer
        self._asked: list[tuple[History, int, bool]] = []

    def add(self, lead: LeadRecord, as_of: int, explain: bool) -> None:  # noqa: FBT001
        """See ``Asked``."""
        self._asked.append((history_of([lead], self._scorer.schema), as_of, explain))

    def answers(self) -> list[Answer]:
        """See ``Asked``."""
        return list(map(self.answer, range(len(self._asked))))

    def answer(self, number: int) -> Answer:
        """See ``Asked``."""
        history, as_of, explain = self._asked[number]
        return self._scorer.answer(history, as_of, explain=explain)
