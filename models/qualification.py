"""From the feature matrix to where each lead stands and what to do: stage, funnel position, next step, time to answer, consent.

A row of the matrix is boiled down to a few facts, an integer with a bit for each, and facts and temperature decide everything
(``models.lifecycle``). There are few different combinations, so a million leads cost little more than finding their facts, and
one lead goes the very same way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from features.catalogue import FeatureSet
from features.contract import DAY, MINUTE
from features.signals import Funnel, Signal, Strength
from models.consent import OPTED_OUT, ConsentSettings, Purpose, agreed, permitting_values, withdrew
from models.lifecycle import HOT, Fact, HandOver, NextStep, Permission, Situation, signals_within
from models.next_steps import DEFAULT_STEPS, Stage, Steps
from models.qualification_settings import QualificationSettings, Threshold
from models.strength import strength_of
from models.temperature import NAMES

Matrix = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bands = npt.NDArray[np.int8]

Agreement = Literal["rules warmer", "agree", "model warmer"]
AGREEMENT: tuple[Agreement, ...] = ("rules warmer", "agree", "model warmer")
_FIRST_ASKED = 1 << 14
"""The bit of the first signal that a next step asks for; the bits of ``Fact`` lie below."""
_PERMITS: dict[Purpose, Fact] = {"contact": Fact.CONTACT, "profile": Fact.PROFILE}
_FUNNEL: dict[Strength | None, Funnel] = {"strong": "bottom", "medium": "middle", "weak": "top"}


@dataclass(frozen=True, slots=True)
class Qualification:
    """Where a lead stands and what to do; ``respond_within_minutes`` is None where nothing waits for an answer."""

    stage: Stage
    funnel: Funnel
    hand_over: HandOver
    next_step: NextStep
    respond_within_minutes: int | None
    contactable: Permission


class _Between(NamedTuple):
    """The fact, a bit, holds while the column lies in ``[low, high]``."""

    fact: int
    column: str
    low: float
    high: float


class _Later(NamedTuple):
    """The fact holds while the latest interaction of one group is later than that of another."""

    fact: Fact
    group: str
    than: str


_ORDER = (_Later(Fact.ANSWERED, "outbound", "inbound"), _Later(Fact.RETURNED, agreed("contact"), OPTED_OUT))


class Qualifier:
    """The declared policy, ready for the matrix of one fitted feature set.

    Args:
        policy: the ``[qualification]`` table.
        consent: the ``[consent]`` table, whose signals have been declared to the feature set.
        features: the fitted feature set that makes the matrix.
        steps: the ``[[next_steps]]`` table, whole.

    Raises:
        SettingsError: consent names an attribute that the leads do not have.
    """

    def __init__(self, policy: QualificationSettings, consent: ConsentSettings, features: FeatureSet, steps: Steps = DEFAULT_STEPS) -> None:
        asked = sorted({one for row in steps for one in signals_within(row.when, policy)})
        self._asked = {one: _FIRST_ASKED << place for place, one in enumerate(asked)}
        between = [*_signal_facts(policy, features), *_consent_facts(consent, features)]
        between += [_Between(bit, f"days_since_last({name})", 0.0, within / DAY) for (name, within), bit in self._asked.items()]
        between.append(_Between(Fact.EXHAUSTED, "outbound_since_inbound", policy.most_touches, np.inf))
        self._columns = np.array([features.column(one.column) for one in between], dtype=np.intp)
        self._low = np.array([one.low for one in between], dtype=np.float32)
        self._high = np.array([one.high for one in between], dtype=np.float32)
        self._between = np.array([one.fact for one in between], dtype=np.int64)
        later = [one for one in _ORDER if {one.group, one.than} <= set(features.groups)]
        self._one = np.array([features.column(f"days_since_last({one.group})") for one in later], dtype=np.intp)
        self._than = np.array([features.column(f"days_since_last({one.than})") for one in later], dtype=np.intp)
        self._later = np.array([one.fact for one in later], dtype=np.int64)
        needed = {purpose for purpose, ground in consent.grounds() if ground.asked_for}
        self._granted = sum(int(fact) for purpose, fact in _PERMITS.items() if purpose not in needed)
        self._withdrawn = [(_PERMITS[purpose], *_since(purpose, features)) for purpose in _PERMITS if withdrew(purpose) in features.groups]
        self._policy = policy
        self._steps = steps
        self._decided: dict[tuple[int, int, Stage | None], Qualification] = {}

    def facts(self, X: Matrix, temperature: Bands, probability: Floats, score: Floats) -> Codes:
        """What is known of each row, int64[m]: bits of ``Fact``, and above them one for each signal that a next step asks for.

        Args:
            X: float32[m, F].
            temperature: int8[m], 0 cold, 1 warm, 2 hot.
            probability: float64[m], NaN where the rules score alone.
            score: float64[m], likewise.
        """
        value = X.take(self._columns, axis=1)
        lies = ((value >= self._low) & (value <= self._high)) * self._between
        later = (X.take(self._one, axis=1) < X.take(self._than, axis=1)) * self._later
        found: Codes = np.bitwise_or.reduce(lies, axis=1) | np.bitwise_or.reduce(later, axis=1) | int(self._granted)
        if isinstance(self._policy.hand_over, Threshold):
            found |= self._passed(self._policy.hand_over, temperature, probability, score) * np.int64(Fact.PASSED)
        for fact, withdrawn, agreed_again in self._withdrawn:
            since = X[:, withdrawn]
            back = False if agreed_again is None else X[:, agreed_again] < since
            found[~np.isnan(since) & ~np.asarray(back)] &= ~int(fact)
        return found

    def qualify(
        self, x: Matrix, temperature: int, probability: float = np.nan, score: float = np.nan, decided: Stage | None = None
    ) -> Qualification:
        """Decide for one row of the matrix, float32[F], as ``qualify_many`` does, by what a person ``decided`` where one did."""
        bands, numbers = np.array([temperature], np.int8), np.array([[probability], [score]])
        return self._decide(int(self.facts(x[np.newaxis], bands, *numbers)[0]), temperature, decided)

    def qualify_each(self, X: Matrix, temperature: Bands, probability: Floats, score: Floats) -> list[Qualification]:
        """Decide for a few rows, given as to ``facts``."""
        return list(map(self._decide, self.facts(X, temperature, probability, score).tolist(), temperature.tolist()))

    def qualify_many(self, X: Matrix, temperature: Bands, probability: Floats, score: Floats) -> tuple[Codes, list[Qualification]]:
        """Decide for many rows, given as to ``facts``.

        Returns:
            Positions, int64[m], in a list of the few different qualifications, and that list.
        """
        keys, position = np.unique(self.facts(X, temperature, probability, score) * len(NAMES) + temperature, return_inverse=True)
        return position, [self._decide(*divmod(key, len(NAMES))) for key in keys.tolist()]

    @staticmethod
    def _passed(threshold: Threshold, temperature: Bands, probability: Floats, score: Floats) -> npt.NDArray[np.bool_]:
        """Which rows reach the threshold; hot ones do where the rules score alone."""
        reached = np.isnan(probability) & (temperature >= HOT)
        for number, least in ((probability, threshold.probability), (score, threshold.score)):
            reached |= np.False_ if least is None else number >= least
        return reached

    def _decide(self, facts: int, temperature: int, decided: Stage | None = None) -> Qualification:
        key = facts, temperature, decided
        if key not in self._decided:
            seen = frozenset(one for one, bit in self._asked.items() if facts & bit)
            situation = Situation(Fact(facts % _FIRST_ASKED), temperature, self._policy, self._steps, seen, decided)
            within = situation.respond_within
            self._decided[key] = Qualification(
                stage=situation.stage,
                funnel=situation.funnel,
                hand_over=situation.hand_over,
                next_step=situation.next_step,
                respond_within_minutes=None if within is None else max(1, within // MINUTE),
                contactable=situation.contactable,
            )
        return self._decided[key]


def agreement(model: npt.NDArray[np.int8], rules: npt.NDArray[np.int8]) -> Codes:
    """How the temperatures of model and rules compare, int64[m]: positions in ``AGREEMENT``."""
    return np.sign(np.subtract(model, rules, dtype=np.int64)) + 1


def _signal_facts(policy: QualificationSettings, features: FeatureSet) -> Iterator[_Between]:
    for signal in features.signals:
        for fact, within in _facts_of(signal, policy):
            yield _Between(fact, f"days_since_last({signal.name})", 0.0, within / DAY)


def _facts_of(signal: Signal, policy: QualificationSettings) -> Iterator[tuple[Fact, int]]:
    strength = strength_of(signal)
    if strength == "strong":
        yield Fact.STRONG, policy.strong_within
        yield Fact.FRESH_STRONG, policy.fresh_within
    elif strength == "medium":
        yield Fact.FRESH_MEDIUM, policy.fresh_within
    elif strength == "negative" and _named(signal, policy.missed):
        yield Fact.MISSED, policy.recent_within
    if strength in _FUNNEL and _named(signal, policy.product):
        yield Fact.PRODUCT, policy.recent_within
    funnel = signal.funnel or _FUNNEL.get(strength)
    if strength in _FUNNEL and funnel in {"middle", "bottom"}:
        yield Fact.BOTTOM if funnel == "bottom" else Fact.MIDDLE, policy.recent_within


def _named(signal: Signal, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for name in (signal.name, *signal.types) for pattern in patterns)


def _since(purpose: Purpose, features: FeatureSet) -> tuple[int, int | None]:
    """The columns that tell since when a purpose is withdrawn, and since when permitted, if that can be."""
    again = agreed(purpose)
    return features.column(f"days_since_last({withdrew(purpose)})"), (
        features.column(f"days_since_last({again})") if again in features.groups else None
    )


def _consent_facts(consent: ConsentSettings, features: FeatureSet) -> Iterator[_Between]:
    if OPTED_OUT in features.groups:
        yield _Between(Fact.OPTED_OUT, f"days_since_last({OPTED_OUT})", 0.0, np.inf)
    for purpose, ground in consent.grounds():
        fact = _PERMITS[purpose]
        if agreed(purpose) in features.groups:
            yield _Between(fact, f"days_since_last({agreed(purpose)})", 0.0, np.inf)
        for value in permitting_values(ground, features):
            yield _Between(fact, f"lead.{ground.attribute}", value, value)
