"""A scorecard: at most so many lines of whole points that say, as well as they can, what a model says.

The points are learnt from the model's probability of the training snapshots (distillation, Hinton, Vinyals & Dean 2015), which tells more
of each lead than whether it was won. Its temperatures follow the model's own policy, chosen on the calibration part with the probability
that the points stand for.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tomli_w

from features.catalogue import FeatureSet
from features.compute import compute
from features.contract import DAY, ModelError
from features.dataset import Dataset
from features.snapshots import Snapshots
from models.calibrate import choose_calibration
from models.calibration import Calibration
from models.policies import NEVER_REACHED
from models.rules import Rules
from models.rules_settings import Range, RulesSettings
from models.scorer import LeadScorer
from models.temperature import Bands
from training.scorecard.fitting import Fit, Problem, exchange, select
from training.scorecard.lines import Line, design, possible_lines
from training.scorecard.rounding import Points, whole_points
from training.split import Split, weights
from training.unseen import Unseen

logger = logging.getLogger("leadheat.training")

HALF_LIVES = (7 * DAY, 14 * DAY, 30 * DAY, 60 * DAY, 90 * DAY)
"""One of them is the scorecard's; the others are tried."""
MOST_ROWS = 30_000
"""With more training snapshots than this, every second, third, ... lead is learnt from."""
LINES = 20
"""The most lines that people read."""


@dataclass(frozen=True, eq=False)
class Scorecard:
    """A points table that stands for a model.

    Attributes:
        lines: with ``points`` beside them, those of what counts 1; the weightiest first.
        doubling: so many points double the odds.
        calibration: of the log-odds ``intercept + points * slope``, from the calibration part.
        bands: of that probability, by the model's policy.
        settings: the ``[rules]`` table.
    """

    lines: tuple[Line, ...]
    points: tuple[int, ...]
    doubling: int
    intercept: float
    slope: float
    calibration: Calibration
    bands: Bands
    settings: RulesSettings

    def probability(self, points: np.ndarray) -> np.ndarray:
        """What points stand for, float64[m]."""
        return self.calibration.probability(self.intercept + self.slope * points)

    def toml(self) -> str:
        """The ``[rules]`` table to paste into leadheat.toml."""
        return tomli_w.dumps({"rules": self.settings.model_dump(mode="json", exclude_none=True)})


class Distiller:
    """Learns scorecards that stand for one model.

    Args:
        scorer: with a model.
        dataset: of any schema.
        parts: the split that the model was learnt from.
        weighting: of ``[snapshots]``, by snapshot or by lead.

    Raises:
        ModelError: the version scores by the rules alone.
    """

    def __init__(self, scorer: LeadScorer, dataset: Dataset, parts: Split, weighting: str = "snapshot") -> None:
        if scorer.bands is None:
            raise ModelError(
                "This version scores by the rules alone: there is no model to distil.", "Train one with `leadheat train DATASET`."
            )
        self.scorer, self.parts = scorer, parts
        self._history = dataset.history.with_schema(scorer.schema)
        self._threads = os.cpu_count() or 1
        half_lives = tuple(sorted({*scorer.features.half_lives, *HALF_LIVES}))
        self.features: FeatureSet = replace(scorer.features, half_lives=half_lives)
        self.learnt_from = parts.train.take(parts.train.lead % (len(parts.train) // MOST_ROWS + 1) == 0)
        self._X = self.matrix(self.learnt_from)
        weight = weights(self.learnt_from, weighting)
        self._weight = np.ones(len(self.learnt_from)) if weight is None else weight
        self._lines = possible_lines(self.features, self._X)
        self._calibration_X = self.matrix(parts.calibrate)

    def matrix(self, snapshots: Snapshots) -> np.ndarray:
        """Features with every half-life, float32[m, F]."""
        return compute(self.features, self._history, snapshots.lead, snapshots.as_of, self._threads)

    def model_says(self) -> np.ndarray:
        """The model's probability of what is learnt from, float64[m]."""
        return self.scorer.numbers(self._history, self.learnt_from.lead, self.learnt_from.as_of, self._threads).probability

    def distil(self, target: np.ndarray, most: int = LINES) -> Scorecard:
        """The scorecard that comes nearest to a target (float64[m], probabilities or labels of ``learnt_from``) with so many lines."""
        fits = {half_life: select(self._problem(target, half_life), most) for half_life in HALF_LIVES}
        half_life = min(HALF_LIVES, key=lambda one: fits[one].loss)
        problem = self._problem(target, half_life)
        fit: Fit = exchange(problem, fits[half_life])
        return self._scorecard(whole_points(problem, fit), half_life)

    def _problem(self, target: np.ndarray, half_life: int) -> Problem:
        columns = design(self._lines, self.features, self._X, half_life)
        return Problem(self._lines, columns, target, self._weight)

    def _scorecard(self, found: Points, half_life: int) -> Scorecard:
        order = sorted(range(len(found.chosen)), key=lambda i: (-_reach(self._lines[found.chosen[i]], found.points[i]), i))
        lines = tuple(self._lines[found.chosen[i]] for i in order)
        points = tuple(found.points[i] for i in order)
        settings = _rules(lines, points, half_life)
        rows = self.parts.calibrate
        sums = Rules(settings, self.features).points(self._calibration_X)
        margin = found.intercept + found.slope * sums
        choice = choose_calibration(margin, rows.label, rows.lead, seed=self.scorer.settings.model.seed)
        bands = Unseen.of(rows, choice.calibration.probability(margin)).bands(self.scorer.settings.temperature)
        card = Scorecard(lines, points, found.doubling, found.intercept, found.slope, choice.calibration, bands, settings)
        warm, hot = _thresholds(card, sums)
        return replace(card, settings=settings.model_copy(update={"warm": float(warm), "hot": float(hot)}))


def _reach(line: Line, points: int) -> int:
    """The most that a line can do to a lead."""
    return abs(points) * line.most


def _rules(lines: tuple[Line, ...], points: tuple[int, ...], half_life: int) -> RulesSettings:
    """The lines as a ``[rules]`` table in which the sum alone decides: no signal makes hot at once."""
    both = list(zip(lines, points, strict=True))
    fit: dict[str, dict[str, float] | tuple[Range, ...]] = {}
    for name in dict.fromkeys(line.name for line in lines if line.kind != "signal"):
        mine = [(line, number) for line, number in both if line.name == name and line.kind != "signal"]
        if mine[0][0].kind == "level":
            fit[name] = {line.level: float(number) for line, number in mine}
        else:
            ranges = sorted(mine, key=lambda one: one[0].range.bounds)
            fit[name] = tuple(Range(points=number, at_least=line.at_least, below=line.below) for line, number in ranges)
    return RulesSettings(
        points={line.name: float(number * line.each) for line, number in both if line.kind == "signal"},
        caps={line.name: float(abs(number) * line.most) for line, number in both if line.kind == "signal"},
        half_life=half_life,
        fit=fit,
        hot_at_once=(),
    )


def reachable(card: Scorecard) -> tuple[int, int]:
    """The fewest and the most points that a lead can have."""
    signals = [number * line.most for line, number in zip(card.lines, card.points, strict=True) if line.kind == "signal"]
    fits = list(_of_attributes(card))
    return sum(min(one, 0) for one in signals) + sum(low for low, _ in fits), sum(max(one, 0) for one in signals) + sum(
        high for _, high in fits
    )


def _of_attributes(card: Scorecard) -> Iterator[tuple[int, int]]:
    """The fewest and the most points of each attribute, of which a lead has one value or none that counts."""
    for name in card.settings.fit:
        mine = [number for line, number in zip(card.lines, card.points, strict=True) if line.name == name and line.kind != "signal"]
        yield min(0, *mine), max(0, *mine)


def _thresholds(card: Scorecard, points: np.ndarray) -> tuple[int, int]:
    """The whole points from which a lead is warm and hot: of the two numbers around the bands' threshold, the one that about as many reach.

    ``points`` float64[m] are those of the rows that the bands were chosen on. A temperature that does not occur is out of reach.
    """
    low, high = reachable(card)
    whole = np.arange(low, high + 2)
    probability = card.probability(whole.astype(np.float64))
    warm, hot = (_nearest(edge, whole, probability, points, card) for edge in card.bands.thresholds)
    return warm, max(hot, warm + 1)


def _nearest(edge: float, whole: np.ndarray, probability: np.ndarray, points: np.ndarray, card: Scorecard) -> int:
    above = min(int(np.searchsorted(probability, edge)), len(whole) - 1)
    if edge >= NEVER_REACHED:
        return int(whole[above])
    reach = float((card.probability(points) >= edge).mean())
    around = whole[max(above - 1, 0) : above + 1].tolist()
    return int(min(around, key=lambda number: (abs(float((points >= number).mean()) - reach), -number)))


def to_table(card: Scorecard, points: np.ndarray, steps: int = 10) -> list[dict[str, Any]]:
    """What points stand for: whole numbers over the range of some leads' points, and which share of them reaches each.

    Args:
        card: with the calibration of its points.
        points: float64[m], those leads'.
        steps: about as many numbers.

    Returns:
        For each number ``points``, ``probability`` and ``share_from_here``; JSON-ready.
    """
    first, last = np.floor(np.quantile(points, 0.01)), np.ceil(np.quantile(points, 0.999))
    every = max(int(np.ceil((last - first) / steps)), 1)
    marks = np.arange(first, last + 1, every)
    reach = 1 - np.searchsorted(np.sort(points), marks) / len(points)
    return [
        {"points": int(mark), "probability": p, "share_from_here": share}
        for mark, p, share in zip(marks.tolist(), card.probability(marks).tolist(), reach.tolist(), strict=True)
    ]
