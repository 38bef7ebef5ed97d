"""The points baseline: what a salesperson would write down, computed from the same feature matrix as the model's.

A signal adds ``points * decayed(signal, half-life)``, but never more than its cap; attributes of the lead add fit points. The sum
is compared with two thresholds, and a strong signal seen lately makes a lead hot whatever the sum. What a part adds is a whole
multiple of 2**-20 points, so that the reasons add up to the points exactly, in any order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from features.catalogue import OTHER, FeatureSet
from features.contract import DAY, format_duration
from models.rules_settings import RulesSettings

Floats = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float32]

_GRAIN = 2.0**-20


@dataclass(frozen=True, slots=True)
class RuleReason:
    """One part of a lead's points, in words. All parts add up to the points exactly."""

    signal: str
    words: str
    points: float


class Rules:
    """The rules of a data set, ready for the matrix of one fitted feature set.

    Args:
        settings: the ``[rules]`` table; what it leaves out follows from the signals' strength.
        features: the fitted feature set that makes the matrix.

    Raises:
        SettingsError: the rules name a signal, an attribute or a level that the feature set does not have.
    """

    def __init__(self, settings: RulesSettings, features: FeatureSet) -> None:
        self.settings = settings.resolved(features.signals)
        self.settings.check(features)
        words = {signal.name: signal.words for signal in features.signals}
        names = [name for name, points in (self.settings.points or {}).items() if points]
        half_life = format_duration(self.settings.half_life)
        self._names = [(name, words[name]) for name in names]
        self._decayed = _columns(features, [f"decayed({name}, {half_life})" for name in names])
        self._last = _columns(features, [f"days_since_last({name})" for name in names])
        self._count = _columns(features, [f"count({name}, ever)" for name in names])
        self._points = np.array([(self.settings.points or {})[name] for name in names], dtype=np.float64)
        self._cap = np.array([self.settings.caps[name] for name in names], dtype=np.float64)
        self._hot = _columns(features, [f"days_since_last({name})" for name in self.settings.hot_at_once or ()])
        self._compile_fit(features)

    def _compile_fit(self, features: FeatureSet) -> None:
        ranges = [(name, part) for name, fit in self.settings.fit.items() if not isinstance(fit, dict) for part in fit]
        self._range_names = [(name, part.words) for name, part in ranges]
        self._range_columns = _columns(features, [f"lead.{name}" for name, _ in ranges])
        # The matrix is float32: 0.7 belongs to "0.7 or more" only if the side is rounded as the value was.
        self._low, self._high = np.array([part.bounds for _, part in ranges], dtype=np.float32).reshape(-1, 2).T
        self._range_points = np.array([part.points for _, part in ranges], dtype=np.float64)
        levels = {name: fit for name, fit in self.settings.fit.items() if isinstance(fit, dict)}
        self._level_names = [(name, (*features.lead_levels[name], OTHER)) for name in levels]
        self._level_columns = _columns(features, [f"lead.{name}" for name in levels])
        self._table = np.zeros((len(levels), max((len(known) for _, known in self._level_names), default=0) + 1))
        self._table_rows = np.arange(len(levels))
        for row, (name, known) in enumerate(self._level_names):
            self._table[row, 1 : len(known)] = [levels[name].get(level, 0.0) for level in known[:-1]]

    def contributions(self, X: Matrix) -> Floats:
        """What each part of the rules adds, float64[m, parts]: signals, then ranges, then levels."""
        decayed = np.fmax(X.take(self._decayed, axis=1), 0.0)
        parts = np.minimum(np.maximum(decayed * self._points, -self._cap), self._cap)
        if self.settings.fit:
            parts = np.concatenate((parts, self._fit_points(X)), axis=1)
        return np.rint(parts / _GRAIN) * _GRAIN

    def _fit_points(self, X: Matrix) -> Floats:
        value = X.take(self._range_columns, axis=1)
        ranges = np.where((value >= self._low) & (value < self._high), self._range_points, 0.0)
        codes = np.fmax(X.take(self._level_columns, axis=1), -1.0).astype(np.intp) + 1
        return np.concatenate((ranges, self._table[self._table_rows, codes]), axis=1)

    def points(self, X: Matrix) -> Floats:
        """The points of each row of the matrix float32[m, F], float64[m]: always finite."""
        total: Floats = np.add.reduce(self.contributions(X), axis=1)
        return total

    def hot_at_once(self, X: Matrix) -> npt.NDArray[np.bool_]:
        """Whether a signal that makes a lead hot at once was seen within ``hot_within``, bool[m]."""
        seen: npt.NDArray[np.bool_] = np.logical_or.reduce(X.take(self._hot, axis=1) <= self.settings.hot_within / DAY, axis=1)
        return seen

    def temperature(self, X: Matrix, points: Floats | None = None) -> npt.NDArray[np.int8]:
        """0 cold, 1 warm, 2 hot, int8[m]; ``points`` of these rows, where they are known already, save time."""
        points = self.points(X) if points is None else points
        bands: npt.NDArray[np.int8] = (points >= self.settings.warm).astype(np.int8) + (points >= self.settings.hot)
        bands[self.hot_at_once(X)] = 2
        return bands

    def reasons(self, x: Matrix, parts: Floats) -> list[RuleReason]:
        """The parts of one row's points, the largest first; those that add nothing are left out.

        Args:
            x: the row, float32[F].
            parts: what ``contributions`` says of it, float64[parts].
        """
        points = parts.tolist()
        order = np.argsort(-np.abs(parts), kind="stable").tolist()
        return [RuleReason(*self._part_words(i, x), points=points[i]) for i in order if points[i] != 0.0]

    def _part_words(self, part: int, x: Matrix) -> tuple[str, str]:
        if part < len(self._names):
            name, words = self._names[part]
            return name, f"{words} {often(float(x[self._count[part]]))}{ago(float(x[self._last[part]]))}"
        part -= len(self._names)
        if part < len(self._range_names):
            name, words = self._range_names[part]
            return f"lead.{name}", f"{name} is {words}"
        name, levels = self._level_names[part - len(self._range_names)]
        return f"lead.{name}", f"{name} is {levels[int(x[self._level_columns[part - len(self._range_names)]])]}"

    def fit(self, X: Matrix, y: object = None) -> Self:
        """Nothing: rules are written, not learnt. With ``decision_function`` the face of scikit-learn's classifiers."""
        return self

    def decision_function(self, X: Matrix) -> Floats:
        """The points: a ranking, not yet a probability."""
        return self.points(X)

    def to_dict(self) -> dict[str, Any]:
        """The rules as JSON-ready values, with everything written out that was derived."""
        return self.settings.model_dump(mode="json")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], features: FeatureSet) -> Self:
        """The rules that ``to_dict`` gave, for the same feature set."""
        return cls(RulesSettings.model_validate(data), features)


def _columns(features: FeatureSet, names: Sequence[str]) -> npt.NDArray[np.intp]:
    return np.array([features.column(name) for name in names], dtype=np.intp)


def often(count: float) -> str:
    """How often, for people, with a comma where the time of the last follows."""
    return f"{count:.0f} times, last " if count > 1 else ""


def ago(days: float) -> str:
    """How long ago, for people: ``5 hours ago``, ``2 days ago``."""
    if days < 1:
        hours = int(days * 24)
        return "less than an hour ago" if hours == 0 else f"{hours} hour{'s' * (hours > 1)} ago"
    number, unit = (int(days), "day") if days < 60 else (int(days / 30.44), "month")
    return f"{number} {unit}{'s' * (number > 1)} ago"
