"""Scoring stored leads, within the transaction that holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from features.history import History
from features.intake import history_of
from features.records import NumberError, numbers_only
from features.schema import Schema
from models.answer import Answer, answers
from models.score import Score
from models.scorer import Integers, LeadScorer
from models.temperature import NAMES, Temperature
from serving import overrides
from serving.champion import Scorer
from serving.handover.outbox import hand_over
from serving.memory import standing
from serving.memory.stored import StoredLead, read_leads


class Scored(NamedTuple):
    """Stored leads' scores as they are shown, with what persons decided; the model's answers, and what all of it rests on."""

    shown: list[Score]
    answers: list[Answer]
    history: History
    scorer: LeadScorer


def rescore_all(
    connection: Connection, stamps: Mapping[str, int], cause: str, scorer: Scorer, *, repeatable: bool, explain: bool = True
) -> dict[str, Score]:
    """Score leads anew, all in one go, and write where they stand.

    Args:
        connection: of ``Memory.writing``, in whose transaction the leads are locked.
        stamps: of their latest change, by id; each is scored one microsecond later.
        cause: as in ``features.store.schema.changes``.
        scorer: scores all of them.
        repeatable: whether a lead stays open when it is won.
        explain: with reasons.

    Returns:
        The scores by lead.

    Raises:
        DataError: one of them cannot be scored; nothing is written.
    """
    leads = list(read_leads(connection, list(stamps)).values())
    if not leads:
        return {}
    as_of = np.array([stamps[lead.lead_id] + 1 for lead in leads], np.int64)
    closed_at = np.array([lead.closed_at(repeatable=repeatable) for lead in leads], np.int64)
    scored = score(leads, scorer, as_of, closed_at, explain=explain)
    rows = standing.standing_rows(leads, scored, as_of, closed_at)
    again = scored.scorer.settings.qualification.hand_over_again
    for i, (shown, row) in enumerate(zip(scored.shown, rows, strict=True)):
        told = partial(_explained, shown if explain else None, leads[i], scorer, as_of[i : i + 1], closed_at[i : i + 1])
        row["handed_over_at"] = hand_over(connection, shown, row["as_of"], row["handed_over_at"], again, told)
    standing.write_standings(connection, rows)
    standing.write_changes(connection, leads, rows, cause)
    connection.info["answers"] += scored.answers
    return {one.lead_id: one for one in scored.shown}


def score(leads: Sequence[StoredLead], scorer: Scorer, as_of: Integers, closed_at: Integers, *, explain: bool = True) -> Scored:
    """The scores of L stored leads; the band before is the stored one.

    Args:
        leads: at least one.
        scorer: scores all of them.
        as_of: int64[L], microseconds UTC.
        closed_at: int64[L], when each closes.
        explain: with reasons.

    Raises:
        DataError: one of them cannot be scored.
    """
    history = _history(leads, scorer.schema)
    fitted = scorer.fitted(history)
    before = [-1 if lead.standing is None else lead.standing.temperature for lead in leads]
    made = answers(fitted, history, as_of, before, explain=explain)
    for i in np.flatnonzero(closed_at < as_of):
        made[i].score.flags.append("closed")
    shown = [overrides.apply(answer, lead.overrides, moment) for answer, lead, moment in zip(made, leads, as_of.tolist(), strict=True)]
    return Scored(shown, made, history, fitted)


def _history(leads: Sequence[StoredLead], schema: Schema) -> History:
    """What is stored was taken by the scorer of its time, to which a number may have been any text: such counts as missing now.

    Who asks about the lead, or tells the next thing that it did, cannot mend it, and is not refused for it.
    """
    records = [lead.record() for lead in leads]
    try:
        return history_of(records, schema)
    except NumberError:
        return history_of([numbers_only(one, schema) for one in records], schema)


def _explained(shown: Score | None, lead: StoredLead, scorer: Scorer, as_of: Integers, closed_at: Integers) -> Score:
    """The score with its reasons, which may be there already."""
    return score([lead], scorer, as_of, closed_at).shown[0] if shown is None else shown


def previous_band(lead: StoredLead) -> Temperature | None:
    """The band before, by the model."""
    return None if lead.standing is None else NAMES[lead.standing.temperature]
