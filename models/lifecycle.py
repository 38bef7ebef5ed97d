"""Where a lead stands and what to do next, decided by its temperature and a few facts.

The words are those of sales practice: a lead is handed to sales when its score passes a threshold *or* a strong signal appears;
a warm signal is answered within 15 to 30 minutes; cold leads get education, hot ones a person; six touches without an answer are
enough; nobody is contacted who has not permitted it or has opted out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntFlag
from typing import Literal, NamedTuple

from pydantic import Field

from features.contract import DAY, MINUTE, Duration, Strict
from features.signals import Funnel
from models.temperature import NAMES

Stage = Literal["unqualified", "mql", "sql", "pql"]

COLD, WARM, HOT = range(3)


class QualificationSettings(Strict):
    """The ``[qualification]`` table: when a lead goes to sales, and how fast it is answered.

    Attributes:
        hand_over: from this temperature on a lead is handed to sales; a strong signal hands it over at any temperature.
        strong_within: how long a strong signal counts.
        fresh_within: how long an inbound signal waits for a fast answer.
        answer_strong: how fast to answer a fresh strong signal.
        answer_medium: how fast to answer a fresh medium one.
        recent_within: how far back the funnel position, product use and missed appointments look.
        product: shell patterns of the signals that show use of the product.
        missed: shell patterns of the signals that show a missed appointment.
        most_touches: after so many touches without an answer a lead is left in peace.
    """

    hand_over: Literal["warm", "hot"] = "hot"
    strong_within: Duration = 14 * DAY
    fresh_within: Duration = DAY
    answer_strong: Duration = 15 * MINUTE
    answer_medium: Duration = 30 * MINUTE
    recent_within: Duration = 30 * DAY
    product: tuple[str, ...] = ("*trial_start*", "*trial_use*", "*trial_login*", "*product_use*", "*logged_in*")
    missed: tuple[str, ...] = ("*no_show*", "*no-show*", "*noshow*", "*missed*")
    most_touches: int = Field(default=6, ge=1)


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


class Permission(NamedTuple):
    """Whether we may, and why."""

    allowed: bool
    why: str


class NextStep(NamedTuple):
    """What to do in words, and the rule that led to it."""

    words: str
    rule: str


@dataclass(frozen=True)
class Situation:
    """One lead's facts and temperature (0 cold, 1 warm, 2 hot) under a policy, and all that follows from them."""

    facts: Fact
    temperature: int
    policy: QualificationSettings

    @property
    def contactable(self) -> Permission:
        """Whether the lead may be contacted."""
        if Fact.OPTED_OUT in self.facts and Fact.RETURNED not in self.facts:
            return Permission(allowed=False, why="opted out")
        if Fact.CONTACT not in self.facts:
            return Permission(allowed=False, why="no consent to be contacted is on record")
        return Permission(allowed=True, why="a ground to contact is on record or not asked for, and the lead has not opted out")

    @property
    def handed_over(self) -> bool:
        """Whether the lead belongs to sales: by its temperature or by a strong signal."""
        return Fact.STRONG in self.facts or self.temperature >= NAMES.index(self.policy.hand_over)

    @property
    def stage(self) -> Stage:
        """Product qualified before sales qualified before marketing qualified; whom we may not contact or score is none of them."""
        if not self.contactable.allowed or Fact.PROFILE not in self.facts:
            return "unqualified"
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
        """The first step of the table below whose rule holds."""
        return next(step for holds, step in _STEPS if holds(self))

    def has(self, fact: Fact) -> bool:
        """Whether a fact holds."""
        return fact in self.facts


_STEPS: tuple[tuple[Callable[[Situation], bool], NextStep], ...] = (
    (
        lambda s: s.has(Fact.OPTED_OUT) and not s.contactable.allowed,
        NextStep("Do not contact; wait until they come back by themselves", "opted out"),
    ),
    (
        lambda s: not s.contactable.allowed,
        NextStep("Do not contact before they agree; offer the opt-in where they visit", "no consent to be contacted"),
    ),
    (
        lambda s: not s.has(Fact.PROFILE),
        NextStep("Answer what they ask and use no score", "no consent to profiling"),
    ),
    (
        lambda s: s.has(Fact.FRESH_STRONG) and s.respond_within is not None,
        NextStep("Call now and offer two dates", "a fresh strong signal without an answer"),
    ),
    (
        lambda s: s.respond_within is not None,
        NextStep("Answer now what they came for and ask one question", "a fresh medium signal without an answer"),
    ),
    (
        lambda s: s.has(Fact.EXHAUSTED),
        NextStep("Wait and leave the next move to them", "enough touches without an answer"),
    ),
    (
        lambda s: s.has(Fact.MISSED),
        NextStep("Offer two new dates and remind them the day before", "missed an appointment"),
    ),
    (
        lambda s: s.has(Fact.ANSWERED | Fact.FRESH_STRONG),
        NextStep("Wait for their reply; ask again after two days", "a fresh strong signal, answered"),
    ),
    (
        lambda s: s.handed_over and s.has(Fact.PRODUCT),
        NextStep("Call and help them with the product", "uses the product and belongs to sales"),
    ),
    (
        lambda s: s.has(Fact.STRONG),
        NextStep("Call and offer two dates", "a strong signal"),
    ),
    (
        lambda s: s.handed_over,
        NextStep("Call and ask what they need", "the temperature hands over to sales"),
    ),
    (
        lambda s: s.temperature >= WARM and s.funnel != "top",
        NextStep("Send a case study and offer a talk", "warm, beyond the top of the funnel"),
    ),
    (
        lambda s: s.temperature >= WARM,
        NextStep("Invite to a webinar and send a white paper", "warm, at the top of the funnel"),
    ),
    (
        lambda _: True,
        NextStep("Keep informed by newsletter and articles; no call", "cold"),
    ),
)
