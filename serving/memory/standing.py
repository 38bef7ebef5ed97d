"""Where a lead stands: the row that the worklist is made of, from a score and the history behind it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from sqlalchemy import Connection

from features.contract import DAY, MINUTE, NEVER
from features.history import INBOUND, OUTBOUND, History
from features.store.schema import changes, standings
from models.score import Score
from models.scorer import LeadScorer
from models.strength import strength_of
from models.temperature import NAMES
from serving.memory.adding import inserting
from serving.memory.stored import StoredLead
from serving.overrides import next_expiry

AFTER_AN_EDGE = 1_000_000
"""Microseconds after the end of a window at which a feature, float32, has surely left it."""


def standing_row(
    lead: StoredLead, score: Score, history: History, scorer: LeadScorer, as_of: int, band: int, closed_at: int
) -> dict[str, Any]:
    """The row of ``standings`` that follows from a score.

    Args:
        lead: as stored; its standing is the one before.
        score: as shown, with whatever a person overrides.
        history: what the score rests on.
        scorer: fitted to the history.
        as_of: microseconds UTC.
        band: the temperature by the model: the next score's hysteresis starts there.
        closed_at: when the lead closes.
    """
    shown = NAMES.index(score.temperature)
    before = lead.standing
    same = before is not None and (2 - before["coldness"], before["stage"]) == (shown, score.stage)
    return {
        "lead_id": lead.lead_id,
        "as_of": as_of,
        "refresh_at": refresh_at(lead, history, scorer, as_of, closed_at),
        "version": score.model.version,
        "fingerprint": score.model.fingerprint,
        "closed": closed_at < as_of,
        "temperature": band,
        "stage": score.stage,
        "probability": score.probability,
        "due": _due(score, history, scorer, as_of),
        "coldness": 2 - shown,
        "unlikely": -score.baseline.points if score.probability is None else 1 - score.probability,
        "changed_at": before["changed_at"] if before is not None and same else as_of,
        "handed_over_at": None if before is None else before["handed_over_at"],
        "answer": score.to_json(),
    }


def write_standings(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Put rows in the place of those before."""
    insert = inserting(connection, standings)
    others = {name: insert.excluded[name] for name in standings.c.keys() if name != "lead_id"}  # noqa: SIM118 - columns, no dictionary
    connection.execute(insert.on_conflict_do_update(index_elements=["lead_id"], set_=others), rows)


def change_row(before: Any, row: dict[str, Any], cause: str) -> dict[str, Any] | None:
    """The row of ``changes``, where band, stage or version became another."""
    now = (row["coldness"], row["stage"], row["version"], row["fingerprint"])
    if before is not None and (before["coldness"], before["stage"], before["version"], before["fingerprint"]) == now:
        return None
    if cause == "time" and before is not None and before["fingerprint"] != row["fingerprint"]:
        cause = "model"
    told = {name: row[name] for name in ("lead_id", "stage", "probability", "version")}
    return told | {"at": row["as_of"], "cause": cause, "temperature": 2 - row["coldness"]}


def write_changes(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Add rows to the path of the temperature."""
    if rows:
        connection.execute(changes.insert(), rows)


def refresh_at(lead: StoredLead, history: History, scorer: LeadScorer, as_of: int, closed_at: int) -> int:
    """When the score would be another though nothing happened.

    That is within a day, since days are counted and bands cool, and sooner where a signal stops to be fresh, something was announced for
    later, or what a person decided ends.
    """
    policy = scorer.settings.qualification
    waiting = history.occurred_at[_waited_for(scorer, history)]
    edges = [waiting + within + AFTER_AN_EDGE for within in (policy.fresh_within, policy.strong_within)]
    ends = [as_of + DAY, closed_at + 1, next_expiry(lead.overrides, as_of) + 1]
    moments = np.concatenate([*edges, history.known_at + 1, np.array(ends, np.int64)])
    return int(moments[moments > as_of].min())


def _due(score: Score, history: History, scorer: LeadScorer, as_of: int) -> int:
    """By when to answer: counted from the first signal that nobody has answered yet."""
    if score.respond_within_minutes is None:
        return NEVER
    seen = history.known_at < as_of
    answers = history.occurred_at[seen & (history.direction == OUTBOUND)]
    answered_at = int(answers[-1]) if len(answers) else as_of - NEVER
    since = max(answered_at, as_of - scorer.settings.qualification.fresh_within)
    waiting = seen & (history.occurred_at >= since)
    signals = history.occurred_at[waiting & _waited_for(scorer, history)]
    first = int(signals[0]) if len(signals) else as_of
    return first + score.respond_within_minutes * MINUTE


def _waited_for(scorer: LeadScorer, history: History) -> Any:
    """bool[n]: the interactions by which a lead waits for an answer, those of medium and strong signals."""
    codes = _codes_of_signals(scorer, history.type.levels)
    return codes[history.type.codes, history.direction]


@lru_cache(maxsize=4096)
def _codes_of_signals(scorer: LeadScorer, types: tuple[str, ...]) -> Any:
    """bool[types, directions]."""
    asking = [one for one in scorer.features.signals if strength_of(one) in ("medium", "strong")]
    return np.array(
        [[any(one.takes(kind, way) for one in asking) and way != OUTBOUND for way in (0, INBOUND, OUTBOUND)] for kind in types], bool
    ).reshape(len(types), 3)
