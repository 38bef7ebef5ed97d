"""A Score: all that leadheat says of one lead at one moment. The order of the fields is the order of the answer's keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import TypeAdapter

from features.signals import Funnel
from models.next_steps import Stage
from models.qualification import Agreement
from models.reasons import Reason
from models.temperature import Temperature

OverriddenField = Literal["temperature", "stage", "next_step"]
Trend = Literal["heating", "steady", "cooling", "new"]


@dataclass(slots=True)
class RulePoints:
    """One part of the baseline's points."""

    signal: str
    words: str
    points: float


@dataclass(slots=True)
class Baseline:
    """What the rules say of the same lead; ``reasons`` add up to ``points``, and are empty where none were asked for."""

    points: float
    temperature: Temperature
    reasons: list[RulePoints]


@dataclass(slots=True)
class HandOver:
    """Whether the lead belongs to sales, and why."""

    due: bool
    why: str


@dataclass(slots=True)
class Step:
    """What to do next, in words, and the ``rule`` that led to it."""

    words: str
    rule: str


@dataclass(slots=True)
class Contact:
    """Whether the lead may be contacted, and why."""

    allowed: bool
    why: str


@dataclass(slots=True)
class Overridden:
    """What a person decided instead of the model, which says ``model``; it holds ``until`` (ISO 8601 in UTC)."""

    field: OverriddenField
    value: str
    model: str
    reason: str
    by: str
    until: str


@dataclass(slots=True)
class ModelName:
    """Which model scored: ``version`` is None outside of the registry, ``fingerprint`` covers features, model and policy."""

    name: str
    version: str | None
    fingerprint: str


@dataclass(slots=True)
class Score:
    """One lead at one moment.

    Attributes:
        lead_id: as it came.
        as_of: ISO 8601 in UTC with microseconds.
        probability: calibrated chance of winning within the horizon; None where the rules score alone.
        horizon_days: how far ahead.
        score: 0 to 100, the share of the reference population with a lower probability; None where the rules score alone.
        temperature: the band.
        trend: against seven days before, by the same model.
        cools_on: ISO date on which the band is left if nothing happens within 90 days, else None; None too without reasons.
        reasons: with ``base`` they add up to ``log_odds``; empty where none were asked for.
        base: log-odds of the average lead in training, from which the reasons lead to ``log_odds``.
        log_odds: calibrated.
        baseline: what the rules say.
        agreement: of the two temperatures: ``agree``, ``model warmer`` or ``rules warmer``; None where the rules score alone.
        stage: unqualified, marketing (mql), sales (sql) or product qualified (pql).
        funnel: top, middle or bottom.
        hand_over: whether the lead belongs to sales.
        next_step: what to do.
        respond_within_minutes: None where nothing waits for an answer.
        contactable: whether the lead may be contacted, and why: of an opt-out, by which type and on which day (UTC).
        interactions_without_consent: how many interactions, known before ``as_of``, do not count because they lack the consent that they
            need (``[data] consent``).
        unknown_attributes: attributes that say something and that the model does not know, so that they change nothing: misspelt ones,
            and those that serve other ends. The lead's are told by their names, those of its interactions as ``interactions.name``,
            once and at most 100; none where the rules score alone.
        flags: what is unusual: ``no_model``, ``no_history``, ``unknown_types``, ``created_at_unknown``, ``created_later``,
            ``explored`` (to be worked by lot, see ``models.exploration``), ``overridden``.
        overridden: what a person decided instead, for a stored lead; the probability is always the model's.
        model: which one scored.
    """

    lead_id: str
    as_of: str
    probability: float | None
    horizon_days: float
    score: float | None
    temperature: Temperature
    trend: Trend
    cools_on: str | None
    reasons: list[Reason]
    base: float | None
    log_odds: float | None
    baseline: Baseline
    agreement: Agreement | None
    stage: Stage
    funnel: Funnel
    hand_over: HandOver
    next_step: Step
    respond_within_minutes: int | None
    contactable: Contact
    interactions_without_consent: int
    unknown_attributes: list[str]
    flags: list[str]
    overridden: list[Overridden]
    model: ModelName

    def to_json(self) -> str:
        """The score as JSON; numbers keep every bit."""
        return _ADAPTER.dump_json(self).decode()


_ADAPTER = TypeAdapter(Score)
