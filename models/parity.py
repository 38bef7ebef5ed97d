"""Whether the service says of a lead what the batch says of it: every feature, number, band and reason, to the last bit.

The service's way starts at the body of ``POST /score``: JSON is read, checked and made into a history of one lead. The batch's way
starts at the histories of a data set. Both end at the same scorer; nothing in between may differ.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from features.columns import Attributes
from features.compute import compute
from features.contract import UNKNOWN_TIME, LeadheatError, from_micros
from features.history import DIRECTIONS, History
from features.intake import history_of
from models.request import read_request

if TYPE_CHECKING:
    from models.score import Score
    from models.scorer import Integers, LeadScorer

REFUSED = "the service refuses the lead"
"""Told instead of a feature's name where the body that a lead gives is not accepted."""
_WAYS = {code: name for name, code in DIRECTIONS.items()}


@dataclass(frozen=True, slots=True)
class Parity:
    """``sampled`` leads were compared; ``differing`` are the features and fields that differ in some of them, the most frequent first."""

    sampled: int
    differing: tuple[str, ...]


def parity(batch: LeadScorer, service: LeadScorer, history: History, lead: Integers, as_of: Integers) -> Parity:
    """Score m snapshots both ways and compare.

    Args:
        batch: the scorer as it was learnt.
        service: the same as the service has it, loaded from its folder.
        history: of a data set, with all attributes and types that it has.
        lead: int64[m], positions in ``history``.
        as_of: int64[m], microseconds UTC.

    Raises:
        DataError: an attribute is not of the kind that the model has learnt.
    """
    whole = history.with_schema(batch.schema)
    X = compute(batch.features, whole, lead, as_of)
    rows = batch.score_many(whole, lead, as_of, explain=True).to_pylist()
    differing: Counter[str] = Counter()
    for i, (number, moment) in enumerate(zip(lead.tolist(), as_of.tolist(), strict=True)):
        differing.update(_differences(service, body(history, number, moment), moment, X[i], rows[i]))
    return Parity(len(lead), tuple(name for name, _ in differing.most_common()))


def body(history: History, number: int, as_of: int) -> str:
    """The body of ``POST /score`` that tells all of a lead, also what happened at or after ``as_of``.

    Interactions at one moment state their ``order``, because a declared one is not among what a history keeps. What lacks
    consent is not among it either; what needs consent and has it says so.
    """
    alone = history.slice(number, number + 1)
    created = int(alone.created_at[0])
    lead = {"lead_id": alone.lead_ids[0].as_py(), "attributes": _values(alone.lead_attributes, 0)}
    if created != UNKNOWN_TIME:
        lead["created_at"] = _moment(created)
    interactions = [_interaction(alone, row) for row in range(len(alone.occurred_at))]
    return json.dumps({"lead": lead, "interactions": interactions, "as_of": _moment(as_of)})


def _interaction(alone: History, row: int) -> dict[str, Any]:
    occurred, known = int(alone.occurred_at[row]), int(alone.known_at[row])
    kind = alone.type.levels[alone.type.codes[row]]
    told = {
        "type": kind,
        "occurred_at": _moment(occurred),
        "order": row,
        "direction": _WAYS.get(int(alone.direction[row])),
        "attributes": _values(alone.attributes, row) | _consent(alone, kind),
    }
    return told if known == occurred else told | {"recorded_at": _moment(known)}


def _consent(history: History, kind: str) -> dict[str, str]:
    """The attributes by which an interaction that counts tells its consent."""
    return {rule.attribute: rule.values[0] for rule in history.consented if rule.attribute is not None and rule.asks(kind)}


def _values(attributes: Attributes, row: int) -> dict[str, float | str]:
    """What is known; nothing is said of what is missing."""
    numbers = {name: float(values[row]) for name, values in attributes.numeric.items()}
    texts = {name: column.levels[column.codes[row]] for name, column in attributes.categorical.items() if column.codes[row] >= 0}
    return {name: value for name, value in numbers.items() if not math.isnan(value)} | texts


def _moment(micros: int) -> str:
    return from_micros(micros).isoformat()


def _differences(service: LeadScorer, asked: str, as_of: int, x: np.ndarray, row: dict[str, Any]) -> Iterator[str]:
    """The features and fields in which the answer to a body differs from the batch's row."""
    try:
        history = history_of([read_request(asked).record()], service.schema)
    except LeadheatError:
        yield REFUSED
        return
    own = compute(service.features, history, np.zeros(1, np.int64), np.array([as_of]))[0]
    if own.shape != x.shape:
        yield "the number of features"
        return
    differ = (own.view(np.uint32) != x.view(np.uint32)) & ~(np.isnan(own) & np.isnan(x))
    yield from (service.features.names[column] for column in np.flatnonzero(differ))
    told = _fields(service.score(history, as_of), explained=row["reasons"] is not None)
    yield from (name for name, value in told.items() if value != row[name])


def _fields(score: Score, *, explained: bool) -> dict[str, Any]:
    """A score in the columns of the batch's table; the batch gives reasons for warm and hot leads only."""
    reasons = [{"signal": one.signal, "words": one.words, "contribution": one.contribution} for one in score.reasons]
    return {
        "lead_id": score.lead_id,
        "probability": score.probability,
        "horizon_days": score.horizon_days,
        "score": score.score,
        "temperature": score.temperature,
        "log_odds": score.log_odds,
        "points": score.baseline.points,
        "rules_temperature": score.baseline.temperature,
        "agreement": score.agreement,
        "stage": score.stage,
        "funnel": score.funnel,
        "next_step": score.next_step.words,
        "respond_within_minutes": score.respond_within_minutes,
        "contactable": score.contactable.allowed,
        "contactable_why": score.contactable.why,
        "fingerprint": score.model.fingerprint,
    } | ({"base": score.base, "reasons": reasons} if explained else {})
