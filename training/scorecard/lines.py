"""The lines that a scorecard may have, each of them something that the ``[rules]`` table can say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt

from features.catalogue import FeatureSet
from features.contract import format_duration
from features.signals import Signal
from models.consent import CONSENT
from models.rules_settings import Range
from models.strength import strength_of

Matrix = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

COUNTS = ((4, 1), (2, 1), (1, 1), (1, 2), (1, 3), (1, 5), (1, 10))
"""What a fresh interaction counts, and the most that all together do. (4, 1) counts one fully for two half-lives, before it fades."""
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Of a numeric attribute, where its ranges may begin and end, rounded to two digits."""
FEWEST = 0.005
"""A line must say something of so large a share of the rows."""
_DIGITS = 2


@dataclass(frozen=True, slots=True)
class Line:
    """A signal, a level of an attribute, or a range of a numeric one.

    Each fresh interaction of a signal counts ``each``, all together at most ``most``; a level or a range counts 1. ``sign`` is 1 where the
    points must not be negative, -1 where they must not be positive, and 0 where they may be either.
    """

    kind: Literal["signal", "level", "range"]
    name: str
    words: str
    sign: int = 0
    each: int = 1
    most: int = 1
    level: str = ""
    at_least: float | None = None
    below: float | None = None

    @property
    def range(self) -> Range:
        """The range, without points."""
        return Range(points=0, at_least=self.at_least, below=self.below)

    def clashes(self, other: Line) -> bool:
        """Whether the two cannot stand in one table: one signal, one level, or ranges that overlap."""
        if (self.kind, self.name, self.level) != (other.kind, other.name, other.level):
            return False
        if self.kind != "range":
            return True
        (low, high), (other_low, other_high) = self.range.bounds, other.range.bounds
        return low < other_high and other_low < high


def possible_lines(features: FeatureSet, X: Matrix) -> list[Line]:
    """Every line that says something of enough rows of the matrix, float32[m, F], whatever the half-life."""
    every = [*_signals(features), *_levels(features), *_ranges(features, X)]
    seen = [_speaks(line, features, X) for line in every]
    return [
        line
        for line, mine in zip(every, seen, strict=True)
        if FEWEST <= mine.mean() <= 1 - FEWEST or (line.kind == "signal" and mine.mean() >= FEWEST)
    ]


def design(lines: Sequence[Line], features: FeatureSet, X: Matrix, half_life: int) -> Floats:
    """What each line counts, float64[m, lines]: capped decayed interactions, or 1 where level or range applies."""
    columns = np.empty((len(X), len(lines)))
    for place, line in enumerate(lines):
        if line.kind == "signal":
            decayed = X[:, features.column(f"decayed({line.name}, {format_duration(half_life)})")]
            columns[:, place] = np.minimum(np.nan_to_num(decayed) * float(line.each), line.most)
        else:
            columns[:, place] = _speaks(line, features, X)
    return columns


def _speaks(line: Line, features: FeatureSet, X: Matrix) -> npt.NDArray[np.bool_]:
    """Of which rows a line says something, bool[m]."""
    if line.kind == "signal":
        return np.asarray(X[:, features.column(f"count({line.name}, ever)")] > 0)
    value = X[:, features.column(f"lead.{line.name}")]
    if line.kind == "level":
        return np.asarray(value == features.lead_levels[line.name].index(line.level))
    low, high = np.array(line.range.bounds, np.float32)
    return np.asarray((value >= low) & (value < high))


def _signals(features: FeatureSet) -> Iterator[Line]:
    for signal in _own(features.signals):
        sign = {"negative": -1, None: 0}.get(strength_of(signal), 1)
        for each, most in COUNTS:
            yield Line("signal", signal.name, signal.words or signal.name, sign, each, most)


def _own(signals: Sequence[Signal]) -> list[Signal]:
    """Those that rules may count: a signal of consent only where its types are in no other."""
    own = [signal for signal in signals if not signal.name.startswith(CONSENT)]
    told = {kind for signal in own for kind in signal.types}
    return own + [signal for signal in signals if signal.name.startswith(CONSENT) and not told.issuperset(signal.types)]


def _levels(features: FeatureSet) -> Iterator[Line]:
    for name, levels in features.lead_levels.items():
        for level in levels:
            yield Line("level", name, f"{name} is {level}", level=level)


def _ranges(features: FeatureSet, X: Matrix) -> Iterator[Line]:
    for name in features.lead_numeric:
        value = X[:, features.column(f"lead.{name}")]
        known = value[~np.isnan(value)]
        if not len(known):
            continue
        cuts = sorted({float(f"{cut:.{_DIGITS}g}") for cut in np.quantile(known.astype(np.float64), QUANTILES).tolist()})
        for low, high in combinations((None, *cuts, None), 2):
            if low is None and high is None:
                continue
            line = Line("range", name, "", at_least=low, below=high)
            yield Line("range", name, f"{name} is {line.range.words}", at_least=low, below=high)
