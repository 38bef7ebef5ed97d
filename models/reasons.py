"""Reasons: what each signal adds to a lead's log-odds, in words, adding up to them exactly.

What the catalogue calls activity is told in three parts: ``inbound``, what the lead did; ``outbound``, what we did and how it was
answered; and ``activity``, what says nothing of who acted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
import numpy.typing as npt
from pydantic import Field

from features.catalogue import OTHER, Feature, FeatureSet, window_name
from features.contract import DAY, WEEK, Strict
from models.rules import ago, often

Floats = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float32]
EVERYTHING_ELSE = "other"


class ReasonSettings(Strict):
    """The ``[reasons]`` table.

    Attributes:
        show: how many reasons are told one by one; the rest is one reason, ``other``.
        never_plus: signals (or ``lead.ATTRIBUTE``) that must not be told as a reason for a lead, and are folded into ``other`` instead.
        never_minus: likewise for reasons against a lead.
    """

    show: int = Field(8, ge=1, le=100)
    never_plus: tuple[str, ...] = ()
    never_minus: tuple[str, ...] = ()


@dataclass(slots=True)
class Reason:
    """One reason: ``contribution`` to the calibrated log-odds, and the fact behind it in ``words``."""

    signal: str
    words: str
    contribution: float


class Explainer:
    """Turns contributions of columns into reasons; made once for a feature set.

    Args:
        features: the fitted feature set.
        settings: the ``[reasons]`` table.
    """

    def __init__(self, features: FeatureSet, settings: ReasonSettings) -> None:
        self._features = features
        self._settings = settings
        told_as = [_told_as(feature) for feature in features.features]
        self.signals = tuple(dict.fromkeys(told_as))
        place = {signal: i for i, signal in enumerate(self.signals)}
        self._signal_of = np.array([place[signal] for signal in told_as], np.intp)

    def by_signal(self, contributions: Floats) -> Floats:
        """Sums per signal, float64[m, signals], of what the columns add, float64[m, F] or [m, F + 1]."""
        rows, signals = len(contributions), len(self.signals)
        place = np.arange(rows)[:, None] * signals + self._signal_of
        columns = contributions[:, : len(self._signal_of)]
        sums = np.bincount(place.ravel(), weights=columns.ravel(), minlength=rows * signals)
        return np.asarray(sums, np.float64).reshape(rows, signals)

    def reasons(self, x: Matrix, sums: Floats) -> list[Reason]:
        """The reasons of one row, the weightiest first and ``other`` last.

        Args:
            x: the row's features, float32[F].
            sums: what each signal adds to the log-odds, float64[signals].
        """
        values = sums.tolist()
        weightiest = np.argsort(-np.abs(sums), kind="stable").tolist()
        told = list(islice((i for i in weightiest if values[i] != 0.0 and self._may_tell(self.signals[i], values[i])), self._settings.show))
        reasons = [Reason(self.signals[i], self._words[i](x), values[i]) for i in told]
        others = np.ones(len(sums), bool)
        others[told] = False
        rest = sums[others]
        if rest.any():
            reasons.append(Reason(EVERYTHING_ELSE, "everything else together", float(rest.sum())))
        return reasons

    def words(self, signal: str, x: Matrix) -> str:
        """The fact behind one of ``signals`` in a row's features, float32[F]."""
        return self._words[self.signals.index(signal)](x)

    def _may_tell(self, signal: str, contribution: float) -> bool:
        forbidden = self._settings.never_plus if contribution > 0 else self._settings.never_minus
        return signal not in forbidden

    @cached_property
    def _words(self) -> list[Callable[[Matrix], str]]:
        words = {signal.name: signal.words for signal in self._features.signals}
        return [self._speaker(signal, words.get(signal)) for signal in self.signals]

    def _speaker(self, signal: str, words: str | None) -> Callable[[Matrix], str]:
        """How to speak of one signal, given a row."""
        find = self._features.column
        if words is not None or signal == OTHER:
            count, last = find(f"count({signal}, ever)"), find(f"days_since_last({signal})")
            spoken = "an interaction of an unknown type" if words is None else words
            return lambda x: f"{spoken} {often(x[count])}{ago(x[last])}" if x[count] > 0 else f"not yet: {spoken}"
        own = {
            "activity": self._activity,
            "inbound": self._inbound,
            "outbound": self._outbound,
            "time": self._age,
            "latest steps": self._steps,
            "first touch": self._first_touch,
        }
        if signal in own:
            return own[signal]
        name = signal.removeprefix("lead.")
        column = next(i for i, feature in enumerate(self._features.features) if feature.signal == signal and _tells_value(feature))
        return lambda x: f"{name.replace('_', ' ')}: {self._value(column, x)}"

    def _activity(self, x: Matrix) -> str:
        find = self._features.column
        count = float(x[find("count(all, ever)")])
        if count == 0:
            return "no interaction so far"
        return f"{count:.0f} interaction{'s' * (count > 1)} in all, the latest {ago(x[find('days_since_last(all)')])}"

    def _inbound(self, x: Matrix) -> str:
        return (
            f"they acted {self._times('inbound', x)}" if x[self._features.column("count(inbound, ever)")] > 0 else "they have not acted yet"
        )

    def _outbound(self, x: Matrix) -> str:
        if x[self._features.column("count(outbound, ever)")] == 0:
            return "we have not reached out yet"
        waiting = float(x[self._features.column("outbound_since_inbound")])
        return f"we reached out {self._times('outbound', x)}" + (f", {waiting:.0f} unanswered" if waiting > 0 else "")

    def _times(self, stream: str, x: Matrix) -> str:
        """How often in all and lately, and when last."""
        find = self._features.column
        count, last = float(x[find(f"count({stream}, ever)")]), ago(float(x[find(f"days_since_last({stream})")]))
        if count == 1:
            return f"once, {last}"
        recent = [window for window in self._features.windows if DAY < window <= WEEK][-1:]
        lately = [f"{x[find(f'count({stream}, {window_name(window)})')]:.0f} in the last {window / DAY:g} days" for window in recent]
        return ", ".join([f"{count:.0f} times", *lately, f"last {last}"])

    def _age(self, x: Matrix) -> str:
        age = float(x[self._features.column("age_days")])
        return "age of the lead unknown" if np.isnan(age) else f"first known {ago(age)}"

    def _steps(self, x: Matrix) -> str:
        return f"latest step: {self._value(self._features.column('last_type_1'), x)}"

    def _first_touch(self, x: Matrix) -> str:
        return f"first touch: {self._value(self._features.column('first_type'), x)}"

    def _value(self, column: int, x: Matrix) -> str:
        feature, value = self._features.features[column], float(x[column])
        if np.isnan(value):
            return "none" if feature.measure in ("last_type", "first_type") else "not stated"
        return f"{value:g}" if feature.levels is None else feature.levels[int(value)].replace("_", " ")


def _told_as(feature: Feature) -> str:
    """The reason that a column belongs to."""
    if feature.signal != "activity":
        return feature.signal
    if feature.group == "inbound" or feature.measure == "inbound_share":
        return "inbound"
    if feature.group == "outbound" or feature.measure in ("outbound_since_inbound", "response_hours"):
        return "outbound"
    return "activity"


def _tells_value(feature: Feature) -> bool:
    """Whether a column shows what an attribute is, rather than a sum over it."""
    return feature.measure in ("lead", "last", "last_value")
