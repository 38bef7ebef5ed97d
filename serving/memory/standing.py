"""Where a lead stands: the row that the worklist is made of, from a score and the history behind it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from features.contract import DAY, MINUTE, NEVER
from features.history import INBOUND, OUTBOUND, UNKNOWN, History
from features.store.schema import changes, standings
from models.score import Score
from models.scorer import Integers, LeadScorer
from models.strength import strength_of
from models.temperature import NAMES
from serving.memory.adding import inserting
from serving.memory.stored import Standing, StoredLead
from serving.overrides import next_expiry

if TYPE_CHECKING:
    from serving.memory.scoring import Scored

Bools = npt.NDArray[np.bool_]

AFTER_AN_EDGE = 1_000_000
"""Microseconds after the end of a window at which a feature, float32, has surely left it."""


def standing_rows(leads: Sequence[StoredLead], scored: Scored, as_of: Integers, closed_at: Integers) -> list[dict[str, Any]]:
    """The rows of ``standings`` that follow from scores.

    Args:
        leads: L of them as stored; the standing of each is the one before.
        scored: what they score now.
        as_of: int64[L], microseconds UTC.
        closed_at: int64[L], when each closes.
    """
    waiting = _waited_for(scored.scorer, scored.history)
    refresh_at = _refresh_at(leads, scored, waiting, as_of, closed_at).tolist()
    closed, moments = (closed_at < as_of).tolist(), as_of.tolist()
    rows = []
    for i, (lead, shown, answer) in enumerate(zip(leads, scored.shown, scored.answers, strict=True)):
        coldness, before = 2 - NAMES.index(shown.temperature), lead.standing
        same = before is not None and (before.coldness, before.stage) == (coldness, shown.stage)
        row = {
            "lead_id": lead.lead_id,
            "as_of": moments[i],
            "refresh_at": refresh_at[i],
            "version": shown.model.version,
            "fingerprint": shown.model.fingerprint,
            "closed": closed[i],
            "temperature": NAMES.index(answer.score.temperature),  # by the model: the next score's hysteresis starts there
            "stage": shown.stage,
            "probability": shown.probability,
            "due": _due(shown, scored, waiting, i, moments[i]),
            "coldness": coldness,
            "unlikely": -shown.baseline.points if shown.probability is None else 1 - shown.probability,
            "changed_at": before.changed_at if before is not None and same else moments[i],
            "handed_over_at": None if before is None else before.handed_over_at,
            "answer": shown.to_json(),
        }
        rows.append(row)
    return rows


def write_standings(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Put rows in the place of those before."""
    connection.execute(_replacing(connection.dialect.name), rows)


@cache
def _replacing(dialect: str) -> Any:
    insert = inserting(dialect, standings)
    others = {column.name: insert.excluded[column.name] for column in standings.c if column is not standings.c.lead_id}
    return insert.on_conflict_do_update(index_elements=["lead_id"], set_=others)


def write_changes(connection: Connection, leads: Sequence[StoredLead], rows: Sequence[dict[str, Any]], cause: str) -> None:
    """Add to the path of the temperature where band, stage or version of a lead became another."""
    steps = [_change_row(row, lead.standing, cause) for lead, row in zip(leads, rows, strict=True) if _moved(row, lead.standing)]
    if steps:
        connection.execute(changes.insert(), steps)


def _moved(row: dict[str, Any], before: Standing | None) -> bool:
    return before is None or any(getattr(before, name) != row[name] for name in ("coldness", "stage", "version", "fingerprint"))


def _change_row(row: dict[str, Any], before: Standing | None, cause: str) -> dict[str, Any]:
    if cause == "time" and before is not None and before.fingerprint != row["fingerprint"]:
        cause = "model"
    told = {name: row[name] for name in ("lead_id", "stage", "probability", "version")}
    return told | {"at": row["as_of"], "cause": cause, "temperature": 2 - row["coldness"]}


def _refresh_at(leads: Sequence[StoredLead], scored: Scored, waiting: Bools, as_of: Integers, closed_at: Integers) -> Integers:
    """When each score would be another though nothing happened.

    That is within a day, since days are counted and bands cool, and sooner where a signal stops to be fresh, something was announced for
    later, the lead closes, or what a person decided ends.
    """
    history, policy = scored.history, scored.scorer.settings.qualification
    expiry = np.array([next_expiry(lead.overrides, moment) for lead, moment in zip(leads, as_of.tolist(), strict=True)], np.int64)
    found: Integers = np.minimum(as_of + DAY, np.minimum(np.where(closed_at < as_of, NEVER, closed_at), expiry) + 1)
    of, since = history.lead_of_row, history.occurred_at[waiting] + AFTER_AN_EDGE
    edges = [(of[waiting], since + within) for within in (policy.fresh_within, policy.strong_within)]
    for lead, moments in [*edges, (of, history.known_at + 1)]:
        np.minimum.at(found, lead, np.where(moments > as_of[lead], moments, NEVER))
    return found


def _due(shown: Score, scored: Scored, waiting: Bools, lead: int, as_of: int) -> int:
    """By when to answer: counted from the first signal that nobody has answered yet."""
    if shown.respond_within_minutes is None:
        return NEVER
    history = scored.history
    rows = slice(history.start[lead], history.start[lead + 1])
    occurred_at, seen = history.occurred_at[rows], history.known_at[rows] < as_of
    answers = occurred_at[seen & (history.direction[rows] == OUTBOUND)]
    answered_at = int(answers[-1]) if len(answers) else as_of - NEVER
    since = max(answered_at, as_of - scored.scorer.settings.qualification.fresh_within)
    signals = occurred_at[seen & (occurred_at >= since) & waiting[rows]]
    first = int(signals[0]) if len(signals) else as_of
    return first + shown.respond_within_minutes * MINUTE


def _waited_for(scorer: LeadScorer, history: History) -> Bools:
    """bool[n]: the interactions by which a lead waits for an answer, those of medium and strong signals."""
    by_direction = np.array([_asks(scorer, kind) for kind in history.type.levels], bool).reshape(-1, 3)
    waited_for: Bools = by_direction[history.type.codes, history.direction]
    return waited_for


@lru_cache(maxsize=4096)
def _asks(scorer: LeadScorer, kind: str) -> tuple[bool, ...]:
    """Whether an interaction of a type waits for an answer, by its direction."""
    asking = [one for one in scorer.features.signals if strength_of(one) in ("medium", "strong")]
    return tuple(way != OUTBOUND and any(one.takes(kind, way) for one in asking) for way in (UNKNOWN, INBOUND, OUTBOUND))
