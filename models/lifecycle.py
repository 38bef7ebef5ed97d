"""Where a lead stands and what to do next, decided by its temperature and a few facts.

The words are those of sales practice: a lead is handed to sales when its score passes a threshold *or* a strong signal appears;
a warm signal is answered within 15 to 30 minutes; cold leads get education, hot ones a person; six touches without an answer are
enough; nobody is contacted who has not permitted it or has opted out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag
from typing import NamedTuple

from features.signals import Funnel
from models.next_steps import DEFAULT_STEPS, Missing, Stage, Steps, When
from models.qualification_settings import QualificationSettings
from models.temperature import NAMES

COLD, WARM, HOT = range(3)
NOT_PERMITTED, DECIDED = "it is not permitted", "a person decided so"
"""Why a lead is not handed over, or is, whatever the threshold and the signals say."""
HAS_OPTED_OUT = "opted out"
"""Why a lead may not be contacted that opted out; ``models.consent`` says by what and when."""


class Fact(IntFlag):
    """What is known of a lead beside its temperature.

    Attributes:
        STRONG: a strong signal within ``strong_within``.
        FRESH_STRONG: one within ``fresh_within``.
        FRESH_MEDIUM: a medium signal within ``fresh_within``.
        ANSWERED: our latest touch is later than the latest thing the lead did.
        PRODUCT: used the product within ``recent_within``.
        BOTTOM: a signal from the bottom of the funnel within ``recent_within``.
        MIDDLE: one from its middle.
        MISSED: missed an appointment within ``recent_within``.
        EXHAUSTED: ``most_touches`` touches since the lead last did something.
        OPTED_OUT: opted out at some time.
        RETURNED: agreed to be contacted after opting out.
        CONTACT: a ground to contact the lead is on record, or none is asked for.
        PROFILE: a ground to score the lead is on record, or none is asked for.
        PASSED: the probability, or the score, has reached the threshold for hand-over, where there is one.
    """

    STRONG = 1
    FRESH_STRONG = 2
    FRESH_MEDIUM = 4
    ANSWERED = 8
    PRODUCT = 16
    BOTTOM = 32
    MIDDLE = 64
    MISSED = 128
    EXHAUSTED = 256
    OPTED_OUT = 512
    RETURNED = 1024
    CONTACT = 2048
    PROFILE = 4096
    PASSED = 8192


class Permission(NamedTuple):
    """Whether we may, and why."""

    allowed: bool
    why: str


class HandOver(NamedTuple):
    """Whether the lead belongs to sales, and why."""

    due: bool
    why: str


class NextStep(NamedTuple):
    """What to do in words, and the rule that led to it."""

    words: str
    rule: str


@dataclass(frozen=True)
class Situation:
    """One lead's facts and temperature (0 cold, 1 warm, 2 hot) under a policy, and all that follows from them.

    Attributes:
        seen: which of the signals, within which time in microseconds, that ``steps`` ask for.
        decided: the stage that a person decided on; it never outranks what the lead has not permitted.
    """

    facts: Fact
    temperature: int
    policy: QualificationSettings
    steps: Steps = DEFAULT_STEPS
    seen: frozenset[tuple[str, int]] = frozenset()
    decided: Stage | None = None

    @property
    def contactable(self) -> Permission:
        """Whether the lead may be contacted."""
        if Fact.OPTED_OUT in self.facts and Fact.RETURNED not in self.facts:
            return Permission(allowed=False, why=HAS_OPTED_OUT)
        if Fact.CONTACT not in self.facts:
            return Permission(allowed=False, why="no consent to be contacted is on record")
        return Permission(allowed=True, why="a ground to contact is on record or not asked for, and the lead has not opted out")

    @property
    def missing(self) -> Missing | None:
        """What the lead has not permitted, if anything."""
        if not self.contactable.allowed:
            return "opted_out" if Fact.OPTED_OUT in self.facts else "not_agreed"
        return None if Fact.PROFILE in self.facts else "no_profiling"

    @property
    def handed_over(self) -> bool:
        """Whether the lead would belong to sales, were everything permitted: by the threshold, by a strong signal or by a person."""
        if self.decided is not None:
            return self.decided in ("sql", "pql")
        return Fact.STRONG in self.facts or self._passed

    @property
    def hand_over(self) -> HandOver:
        """Whether the lead belongs to sales: nobody does whom we may not contact or score."""
        if self.missing is not None:
            return HandOver(due=False, why=NOT_PERMITTED)
        if self.decided is not None:
            return HandOver(due=self.handed_over, why=DECIDED)
        if Fact.STRONG in self.facts:
            return HandOver(due=True, why="a strong signal")
        if not self._passed:
            return HandOver(due=False, why="no strong signal, and the threshold is not reached")
        threshold = self.policy.hand_over
        return HandOver(due=True, why=f"the temperature is {NAMES[self.temperature]}" if isinstance(threshold, str) else str(threshold))

    @property
    def _passed(self) -> bool:
        threshold = self.policy.hand_over
        return self.temperature >= NAMES.index(threshold) if isinstance(threshold, str) else Fact.PASSED in self.facts

    @property
    def stage(self) -> Stage:
        """Product qualified before sales qualified before marketing qualified; whom we may not contact or score is none of them."""
        if self.missing is not None:
            return "unqualified"
        if self.decided is not None:
            return self.decided
        if Fact.PRODUCT in self.facts and (self.handed_over or self.temperature >= WARM):
            return "pql"
        return "sql" if self.handed_over else "mql" if self.temperature >= WARM else "unqualified"

    @property
    def funnel(self) -> Funnel:
        """The deepest position of the signals seen lately."""
        return "bottom" if Fact.BOTTOM in self.facts else "middle" if Fact.MIDDLE in self.facts else "top"

    @property
    def respond_within(self) -> int | None:
        """Microseconds in which to answer a fresh signal; None where nothing waits for an answer."""
        if Fact.ANSWERED in self.facts or not self.contactable.allowed:
            return None
        if Fact.FRESH_STRONG in self.facts:
            return self.policy.answer_strong
        return self.policy.answer_medium if Fact.FRESH_MEDIUM in self.facts else None

    @property
    def next_step(self) -> NextStep:
        """The first step of the table whose conditions hold."""
        return next(NextStep(row.words, row.rule) for row in self.steps if self._meets(row.when))

    def has(self, fact: Fact) -> bool:
        """Whether a fact holds."""
        return fact in self.facts

    def _meets(self, when: When) -> bool:
        return (
            when.permission == self.missing
            and all(_any_of(asked, own) for asked, own in self._places(when))
            and all(asked is None or asked == self.has(fact) for asked, fact in _facts(when))
            and (when.handed_over is None or when.handed_over == self.handed_over)
            and (not when.signal or any(one in self.seen for one in signals_within(when, self.policy)))
        )

    def _places(self, when: When) -> Iterator[tuple[tuple[str, ...], str]]:
        yield when.temperature, NAMES[self.temperature]
        yield when.stage, self.stage
        yield when.funnel, self.funnel


def signals_within(when: When, policy: QualificationSettings) -> list[tuple[str, int]]:
    """The signals that a row asks for, and within which time in microseconds."""
    return [(signal, when.within or policy.recent_within) for signal in when.signal]


def _facts(when: When) -> Iterator[tuple[bool | None, Fact]]:
    if when.fresh is not None:
        yield True, Fact.FRESH_STRONG if when.fresh == "strong" else Fact.FRESH_MEDIUM
    yield when.answered, Fact.ANSWERED
    yield when.strong, Fact.STRONG
    yield when.product, Fact.PRODUCT
    yield when.missed, Fact.MISSED
    yield when.exhausted, Fact.EXHAUSTED


def _any_of(asked: tuple[str, ...], own: str) -> bool:
    return not asked or own in asked
