"""The ``[rules]`` table: points by signal and by what a lead is, and from when on a lead is warm or hot."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from features.catalogue import FeatureSet
from features.contract import DAY, Duration, SettingsError, Strict
from features.nearest import aside
from features.signals import Signal
from models.consent import CONSENT
from models.strength import POINTS, strength_of

Points = Annotated[float, Field(ge=-1e6, le=1e6)]


class Range(Strict):
    """Points for a numeric attribute in ``[at_least, below)``; a side that is left out is open."""

    points: Points
    at_least: float | None = None
    below: float | None = None

    @property
    def bounds(self) -> tuple[float, float]:
        """The two sides, infinite where they are open."""
        return -np.inf if self.at_least is None else self.at_least, np.inf if self.below is None else self.below

    @property
    def words(self) -> str:
        """The range for people: ``below 50``, ``50 to 250``, ``250 or more``."""
        if self.at_least is None:
            return "any number" if self.below is None else f"below {self.below:g}"
        return f"{self.at_least:g} or more" if self.below is None else f"{self.at_least:g} to {self.below:g}"


class RulesSettings(Strict):
    """The ``[rules]`` table; points and signals that are left out follow from the signals' strength.

    Attributes:
        points: of one fresh interaction, by signal; negative ones lower the sum.
        caps: the most that a signal may add (or take, if negative); where it is left out, three times its points.
        half_life: after which an interaction counts half.
        fit: points by level of a lead's attribute, or by range where the attribute is a number.
        hot_at_once: the signals that make a lead hot when seen within ``hot_within``; by default the strong ones that add points.
        hot_within: how long a lead stays hot after such a signal.
        warm: from so many points on a lead is warm.
        hot: from so many points on a lead is hot.
    """

    points: dict[str, Points] | None = None
    caps: dict[str, Annotated[float, Field(gt=0, le=1e6)]] = Field(default_factory=dict)
    half_life: Duration = 30 * DAY
    fit: dict[str, dict[str, Points] | tuple[Range, ...]] = Field(default_factory=dict)
    hot_at_once: tuple[str, ...] | None = None
    hot_within: Duration = 7 * DAY
    warm: Points = 10.0
    hot: Points = 40.0

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.warm >= self.hot:
            raise ValueError(f"warm ({self.warm:g} points) must be less than hot ({self.hot:g} points)")
        for attribute, fit in self.fit.items():
            bounds = [] if isinstance(fit, dict) else sorted(part.bounds for part in fit)
            if any(low >= high for low, high in bounds):
                raise ValueError(f"a range of {attribute} is empty: at_least must be less than below")
            if any(left[1] > right[0] for left, right in pairwise(bounds)):
                raise ValueError(f"the ranges of {attribute} overlap: a value earns points from one range only")
        return self

    def signals_needed(self) -> set[str]:
        """The signals named here: they need columns of their own, however rare they are."""
        return {*(self.points or ()), *self.caps, *(self.hot_at_once or ())}

    def levels_needed(self) -> dict[str, set[str]]:
        """The levels named here, by attribute of the lead: they need codes of their own, however rare they are."""
        return {attribute: set(fit) for attribute, fit in self.fit.items() if isinstance(fit, dict)}

    def resolved(self, signals: Sequence[Signal]) -> RulesSettings:
        """The same settings with everything written out that follows from the signals' strength.

        Consent has signals of its own beside the declared ones: an opt-out that is declared as a signal costs points once.
        """
        own = [signal for signal in signals if not signal.name.startswith(CONSENT)]
        told = {kind for signal in own for kind in signal.types}
        own += [signal for signal in signals if signal.name.startswith(CONSENT) and not told.issuperset(signal.types)]
        strengths = {signal.name: strength for signal in own if (strength := strength_of(signal))}
        points = {name: POINTS[strength] for name, strength in strengths.items()} if self.points is None else self.points
        strong = tuple(name for name, strength in strengths.items() if strength == "strong" and points.get(name, 0.0) > 0)
        caps = {name: 3 * abs(value) for name, value in points.items() if value} | self.caps
        hot_at_once = strong if self.hot_at_once is None else self.hot_at_once
        return self.model_copy(update={"points": points, "caps": caps, "hot_at_once": hot_at_once})

    def check(self, features: FeatureSet) -> None:
        """Nothing, where a feature set has all that the rules name.

        Raises:
            SettingsError: the rules name a signal, an attribute or a level that the feature set does not have.
        """
        signals = [signal.name for signal in features.signals]
        problems = [_unknown("signal", name, signals) for name in sorted(self.signals_needed() - set(signals))]
        for name, fit in self.fit.items():
            levels = features.lead_levels.get(name)
            if levels is None and name not in features.lead_numeric:
                problems.append(_unknown("attribute", name, [*features.lead_numeric, *features.lead_levels]))
            elif isinstance(fit, dict) != (levels is not None):
                problems.append(
                    f"the points of {name} must be given by {'range: it is a number' if levels is None else 'level: it is no number'}"
                )
            elif isinstance(fit, dict):
                problems += [_unknown(f"level of {name}", level, levels or ()) for level in sorted(set(fit) - set(levels or ()))]
        if problems:
            raise SettingsError(f"The rules do not fit the data: {'; '.join(problems)}.", "Correct the [rules] table of leadheat.toml.")


def _unknown(kind: str, name: str, known: Sequence[str]) -> str:
    return f'there is no {kind} "{name}"{aside(name, known, 0.0)}'
