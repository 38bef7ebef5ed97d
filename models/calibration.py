"""From the model's margin to log-odds and a probability that means what it says.

Scoring needs numpy alone. Every calibration is strictly increasing, so it never changes who comes before whom; how one is
fitted and chosen is told in ``models.calibrate``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from features.contract import ModelError

Floats = npt.NDArray[np.float64]
Method = Literal["none", "offset", "sigmoid", "isotonic"]
METHODS: tuple[Method, ...] = ("none", "offset", "sigmoid", "isotonic")
"""The simplest first."""

_LEAST = np.nextafter(0.0, 1.0)
_MOST = np.nextafter(1.0, 0.0)


class _Pieces(NamedTuple):
    """The straight pieces of a curve: piece i begins at ``edges[i - 1]`` and runs through (``knot[i]``, ``level[i]``)."""

    edges: Floats
    knot: Floats
    level: Floats
    slope: Floats
    ceiling: Floats


@dataclass(frozen=True)
class Calibration:
    """A strictly increasing map from the margin (the model's raw log-odds) to calibrated log-odds.

    ==========  =====================================================================================
    none        log_odds = margin
    offset      log_odds = margin + intercept; follows a base rate that moved
    sigmoid     log_odds = slope * margin + intercept, slope > 0 (Platt 1999)
    isotonic    log_odds = curve(margin) + intercept; the curve is straight between the points (knots, levels), both strictly
                increasing, and goes on with ``slope`` beyond the first and the last
    ==========  =====================================================================================

    Two margins keep their order always, and stay apart as long as they differ by more than rounding.

    Raises:
        ModelError: the parameters are not finite or the map would not increase.
    """

    method: Method = "none"
    slope: float = 1.0
    intercept: float = 0.0
    knots: tuple[float, ...] = ()
    levels: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.method not in METHODS or not self._increases():
            raise ModelError(
                f'The calibration "{self.method}" is not a strictly increasing map.',
                "Slopes must be above 0, knots and levels finite, equally many and increasing; restore the model folder or train again.",
            )

    def _increases(self) -> bool:
        if not (math.isfinite(self.slope) and math.isfinite(self.intercept) and self.slope > 0 and len(self.knots) == len(self.levels)):
            return False
        curve = np.array([self.knots, self.levels], dtype=np.float64)
        enough = len(self.knots) > 1 if self.method == "isotonic" else not self.knots
        return enough and bool(np.isfinite(curve).all() and (np.diff(curve) > 0).all())

    def log_odds(self, margin: Floats) -> Floats:
        """Calibrated log-odds, float64[m], of margins, float64[m]."""
        if self.method == "none":
            return np.asarray(margin, dtype=np.float64)
        if self.method == "isotonic":
            return self._along_curve(np.asarray(margin, dtype=np.float64)) + self.intercept
        return self.slope * np.asarray(margin, dtype=np.float64) + self.intercept

    def probability(self, margin: Floats) -> Floats:
        """Calibrated probability, float64[m], strictly between 0 and 1, of margins, float64[m]."""
        return to_probability(self.log_odds(margin))

    def shifted(self, delta: float) -> Calibration:
        """The same calibration with ``delta`` added to all log-odds."""
        method: Method = "offset" if self.method == "none" else self.method
        return replace(self, method=method, intercept=self.intercept + delta)

    def _along_curve(self, margin: Floats) -> Floats:
        pieces = self._pieces
        piece = np.searchsorted(pieces.edges, margin, side="right")
        value = pieces.level[piece] + pieces.slope[piece] * (margin - pieces.knot[piece])
        return np.minimum(value, pieces.ceiling[piece])  # rounding may not carry a piece above the start of the next

    @cached_property
    def _pieces(self) -> _Pieces:
        knots, levels = np.array(self.knots), np.array(self.levels)
        slope = np.concatenate(([self.slope], np.diff(levels) / np.diff(knots), [self.slope]))
        return _Pieces(
            edges=knots,
            knot=np.concatenate((knots[:1], knots)),
            level=np.concatenate((levels[:1], levels)),
            slope=slope,
            ceiling=np.append(levels, np.inf),
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values; ``from_dict`` gives an equal calibration back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Calibration:
        """The calibration that ``to_dict`` wrote.

        Raises:
            ModelError: keys or values are not those of a calibration.
        """
        try:
            return cls(
                method=values["method"],
                slope=float(values["slope"]),
                intercept=float(values["intercept"]),
                knots=tuple(float(knot) for knot in values["knots"]),
                levels=tuple(float(level) for level in values["levels"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            hint = "Restore the model folder or train again."
            raise ModelError(f"The calibration of this model cannot be read: {error!r}.", hint) from error


def to_probability(log_odds: Floats) -> Floats:
    """1 / (1 + exp(-log_odds)), float64[m], kept strictly between 0 and 1 where rounding would reach them."""
    small = np.exp(-np.abs(log_odds))
    probability: Floats = np.where(log_odds >= 0, 1.0, small) / (1.0 + small)
    return np.minimum(np.maximum(probability, _LEAST), _MOST)  # np.clip takes twice as long for one lead
