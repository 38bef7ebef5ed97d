"""What a person decides instead of the model, with a reason and an end: temperature, stage or next step of a stored lead.

A temperature by hand has the consequences that the model's would have: stage, hand-over and next step follow by the declared policy. A
stage by hand decides the hand-over: ``sql`` or ``pql`` hands the lead over now, ``unqualified`` or ``mql`` keeps it from sales. A rule
that would not apply without the decision says so. The probability is never touched, and consent comes before everything: whom we may not
contact or score, no person can hand over.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import cast, get_args

from sqlalchemy import Connection, delete, insert

from features.contract import NEVER, iso
from features.store.schema import overrides as table
from models.answer import Answer, standing
from models.lifecycle import DECIDED
from models.next_steps import Stage
from models.score import Overridden, OverriddenField, Score, Step
from models.temperature import NAMES, Temperature

FIELDS: tuple[OverriddenField, ...] = get_args(OverriddenField)
VALUES: dict[str, tuple[str, ...]] = {"temperature": tuple(NAMES), "stage": get_args(Stage)}
"""What a field may be; a next step is any text."""


@dataclass(frozen=True, slots=True)
class Override:
    """One decision; moments in microseconds UTC."""

    field: OverriddenField
    value: str
    reason: str
    by: str
    created_at: int
    expires_at: int


def put_override(connection: Connection, lead_id: str, override: Override) -> None:
    """Write a decision, in place of an earlier one on the same field."""
    remove_override(connection, lead_id, override.field)
    values = {name: getattr(override, name) for name in Override.__slots__}
    connection.execute(insert(table).values(lead_id=lead_id, **values))


def remove_override(connection: Connection, lead_id: str, field: str) -> bool:
    """Take a decision back; whether there was one."""
    return connection.execute(delete(table).where(table.c.lead_id == lead_id, table.c.field == field)).rowcount > 0


def next_expiry(overrides: Iterable[Override], now: int) -> int:
    """When the first of the decisions that hold now ends; ``NEVER`` where none holds."""
    return min((one.expires_at for one in overrides if one.expires_at > now), default=NEVER)


def apply(answer: Answer, overrides: Iterable[Override], now: int) -> Score:
    """The score as it is shown: where a person decided otherwise, ``overridden`` says what the model says.

    Args:
        answer: the model's.
        overrides: of the lead; those that have expired at ``now`` are passed over.
        now: microseconds UTC.
    """
    held = {one.field: one for one in overrides if one.expires_at > now}
    model = answer.score
    if not held:
        return model
    temperature = cast("Temperature", held["temperature"].value) if "temperature" in held else model.temperature
    stage = cast("Stage", held["stage"].value) if "stage" in held else None
    qualified = answer.qualify(NAMES.index(temperature), stage)
    score = replace(model, temperature=temperature, **standing(qualified))
    score.hand_over.why = _led_to(score.hand_over.why, model.hand_over.why)
    score.next_step.rule = _led_to(score.next_step.rule, model.next_step.rule)
    told: dict[OverriddenField, str] = {}
    if "temperature" in held:
        told["temperature"], score.cools_on = model.temperature, None
    if stage == qualified.stage:
        told["stage"] = model.stage
    if "next_step" in held and score.contactable.allowed:
        told["next_step"], score.next_step = model.next_step.words, Step(held["next_step"].value, DECIDED)
    score.flags = [*model.flags, "overridden"] if told else model.flags
    score.overridden = [_told(held[name], was) for name, was in told.items()]
    return score


def _led_to(rule: str, models: str) -> str:
    """The rule, with the person's part in it where the model's view leads to another."""
    return rule if rule in (models, DECIDED) else f"{rule}; {DECIDED}"


def _told(override: Override, model: str) -> Overridden:
    until = iso(override.expires_at)
    return Overridden(override.field, override.value, model, override.reason, override.by, until)
