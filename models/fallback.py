"""The rules alone: what scores while there is no model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from features.columns import Schema
from features.consent import ConsentRule
from features.contract import DAY
from features.history import History
from features.records import InteractionRecord, LeadRecord, history_of
from models.answer import Answer
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
        return self._scorer_of(history.type.levels)

    def answers(self, leads: Sequence[LeadRecord], as_of: Sequence[int], explain: Sequence[bool]) -> list[Answer]:
        """The same for several leads, each at its moment, microseconds UTC, and with reasons or without."""
        asked = zip(leads, as_of, explain, strict=True)
        return [self.answer(history_of([lead], self.schema), moment, explain=told) for lead, moment, told in asked]

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
