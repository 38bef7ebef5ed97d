"""LeadScorer: the one object that scores, for training, batch, the service and MLflow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.catalogue import FeatureSet
from features.compute import compute
from features.history import History
from features.schema import Schema
from models.answer import Answer, answers
from models.asked import Asked, AskedTogether
from models.calibration import Calibration, to_probability
from models.margin import Margin
from models.population import Population
from models.qualification import Qualifier
from models.reasons import Explainer
from models.rules import Rules
from models.score import Score
from models.settings import ScoringSettings
from models.table import score_table
from models.temperature import NAMES, Bands, Temperature

if TYPE_CHECKING:
    from pathlib import Path

    from models.cells import Cells, Hashes

Floats = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

_SMALL_STEP = 1e-6
"""Margins closer than this are the same when a slope is taken between them."""

__all__ = ["LeadScorer", "Score", "Scored"]


class Scored(NamedTuple):
    """Numbers for m snapshots.

    ``X`` float32[m, F]; ``margin`` raw and ``log_odds`` calibrated, float64[m]; ``probability`` float64[m]; ``score`` float64[m], 0 to 100;
    ``temperature`` int8[m]; ``points`` of the rules float64[m]; ``rules_temperature`` int8[m].
    """

    X: Matrix
    margin: Floats
    log_odds: Floats
    probability: Floats
    score: Floats
    temperature: npt.NDArray[np.int8]
    points: Floats
    rules_temperature: npt.NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class LeadScorer:
    """Feature set, model, calibration, bands, reasons, rules and settings in one.

    Attributes:
        features: the fitted catalogue.
        margin: the learnt model, or None: then the rules score alone.
        calibration: of the margin.
        bands: of the calibrated probability; None without a model.
        reference: ascending float64[k], probabilities of the reference population: open leads in training.
        horizon: microseconds.
        settings: the parts of ``leadheat.toml`` that decide about features and scores.
        facts: what ``GET /model`` tells besides: figures, when trained on what; JSON-ready.
        version: in the registry, where it came from there.
        fingerprint: SHA-256 of the saved files; empty for a scorer that was never saved.
        population: the features of the reference population, to measure drift from.
    """

    features: FeatureSet
    margin: Margin | None
    calibration: Calibration
    bands: Bands | None
    reference: Floats
    horizon: int
    settings: ScoringSettings
    facts: dict[str, Any]
    version: str | None = None
    fingerprint: str = ""
    population: Population | None = None

    @property
    def schema(self) -> Schema:
        """The attributes that a history must carry."""
        return self.features.schema

    @cached_property
    def rules(self) -> Rules:
        """The baseline."""
        return Rules(self.settings.rules, self.features)

    @cached_property
    def explainer(self) -> Explainer:
        """Words for contributions."""
        return Explainer(self.features, self.settings.reasons)

    @cached_property
    def qualifier(self) -> Qualifier:
        """Stage, next step and consent."""
        return Qualifier(self.settings.qualification, self.settings.consent, self.features, self.settings.next_steps)

    @classmethod
    def load(cls, folder: Path, version: str | None = None) -> LeadScorer:
        """Read a model folder.

        Raises:
            ModelError: the folder is not whole, was changed after saving, or is of a newer format.
        """
        from models.folder import load

        return load(folder, version)

    def save(self, folder: Path) -> LeadScorer:
        """Write a model folder: JSON and LightGBM's text, nothing that can run. Returns the scorer with its fingerprint."""
        from models.folder import save

        return save(self, folder)

    def fitted(self, _: History) -> LeadScorer:
        """What scores a history: this, whatever its types."""
        return self

    def numbers(self, history: History, lead: Integers, as_of: Integers, threads: int = 1, previous: npt.ArrayLike | None = None) -> Scored:
        """Score m snapshots in numbers.

        Args:
            history: with this scorer's ``schema``.
            lead: int64[m], positions in ``history``.
            as_of: int64[m], microseconds UTC.
            threads: the result is the same for any number.
            previous: the temperatures before, int8[m], -1 where there was none.
        """
        return self.numbers_of(compute(self.features, history, lead, as_of, threads), threads, previous)

    def numbers_of(self, X: Matrix, threads: int = 1, previous: npt.ArrayLike | None = None) -> Scored:
        """The same for features that are computed already, float32[m, F]."""
        points = self.rules.points(X)
        by_rules = self.rules.temperature(X, points)
        if self.margin is None or self.bands is None:
            unknown = np.full(len(X), np.nan)
            return Scored(X, unknown, unknown, unknown, unknown, by_rules, points, by_rules)
        margin = self.margins(X, threads)
        log_odds = self.calibration.log_odds(margin)
        probability = to_probability(log_odds)
        below = self.reference.searchsorted(probability).astype(np.float64)
        return Scored(
            X=X,
            margin=margin,
            log_odds=log_odds,
            probability=probability,
            score=below * (100.0 / max(len(self.reference), 1)),
            temperature=self.bands.of(probability, previous),
            points=points,
            rules_temperature=by_rules,
        )

    def margins(self, X: Matrix, threads: int = 1) -> Floats:
        """The model's margin of each row, float64[m]; NaN without a model."""
        return np.full(len(X), np.nan) if self.margin is None else self.margin.margin(X, threads)

    def strength(self, X: Matrix, threads: int = 1) -> Floats:
        """The calibrated log-odds of each row, float64[m], or the points of the rules where they score alone."""
        return self.rules.points(X) if self.margin is None else self.calibration.log_odds(self.margins(X, threads))

    def signal_sums(self, X: Matrix, threads: int = 1) -> Floats:
        """What each signal adds to the margin, and last its base, float64[m, signals + 1]; zeros without a model."""
        if self.margin is None:
            return np.zeros((len(X), len(self.explainer.signals) + 1))
        raw = self.margin.contributions(X, threads)
        return np.column_stack([self.explainer.by_signal(raw), raw[:, -1]])

    @cached_property
    def cells(self) -> Cells | None:
        """Which rows have the same margin and signal sums; None where the model does not tell."""
        return None if self.margin is None else self.margin.cells(self.features.fingerprint)

    def cells_of(self, X: Matrix) -> Hashes | None:
        """What tells the cells of each row, uint64[m, 2]; None where the model does not tell."""
        return None if self.cells is None else self.cells.of(X)

    def contributions(self, scored: Scored, rows: Integers, threads: int = 1) -> tuple[Floats, Floats]:
        """What each signal adds to the calibrated log-odds of some rows, float64[k, signals], and the base, float64[k]."""
        return self.calibrated(self.signal_sums(scored.X[rows], threads), scored, rows)

    def calibrated(self, signal_sums: Floats, scored: Scored, rows: Integers) -> tuple[Floats, Floats]:
        """The same of what ``signal_sums`` gave for these rows.

        A sigmoid scales margins and contributions alike. A curve scales each row's so that base and contributions still add up:
        by (curve(margin) - curve(base)) / (margin - base), or by its slope at the base where the two are the same.
        """
        if self.margin is None:
            return signal_sums[:, :-1], signal_sums[:, -1]
        base, margin = signal_sums[:, -1], scored.margin[rows]
        end = np.where(np.abs(margin - base) < _SMALL_STEP, base + _SMALL_STEP, margin)
        scale = (self.calibration.log_odds(end) - self.calibration.log_odds(base)) / (end - base)
        sums = signal_sums[:, :-1] * scale[:, None]
        return sums, scored.log_odds[rows] - sums.sum(axis=1)

    def score(self, history: History, as_of: int, previous: Temperature | None = None, *, explain: bool = True) -> Score:
        """Score the first lead of a history.

        Args:
            history: of one lead, with this scorer's ``schema`` (``features.intake.history_of``).
            as_of: microseconds UTC.
            previous: the temperature before, for hysteresis.
            explain: with reasons and projection, which cost most of the time.
        """
        return self.answer(history, as_of, previous, explain=explain).score

    def answer(self, history: History, as_of: int, previous: Temperature | None = None, *, explain: bool = True) -> Answer:
        """The same with the features that the score rests on, for who logs it."""
        before = None if previous is None else [NAMES.index(previous)]
        return answers(self, history.slice(0, 1), np.array([as_of], np.int64), before, explain=explain)[0]

    def asked(self) -> Asked:
        """What takes in leads that are to be answered together."""
        return AskedTogether(self)

    def score_many(self, history: History, lead: Integers, as_of: Integers, threads: int = 1, *, explain: bool = False) -> pa.Table:
        """Score m snapshots into a table, a row each; with ``explain`` also reasons for warm and hot leads.

        See ``models.table`` for the columns. The numbers are those of ``score``, to the last bit.
        """
        return score_table(self, history, lead, as_of, threads, explain=explain)
