"""Scoring stored leads, within the transaction that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection

from features.history import History
from features.records import history_of
from models.answer import Answer
from models.score import Score
from models.scorer import LeadScorer
from models.temperature import NAMES, Temperature
from serving import overrides
from serving.champion import Scorer
from serving.handover.outbox import hand_over
from serving.memory import standing
from serving.memory.stored import StoredLead, read_leads


class Scored(NamedTuple):
    """A stored lead's score as it is shown, with what a person decided; the model's answer, and what that rests on."""

    shown: Score
    answer: Answer
    history: History
    scorer: LeadScorer


def rescore_all(
    connection: Connection, stamps: Mapping[str, int], cause: str, scorer: Scorer, *, repeatable: bool, explain: bool = True
) -> dict[str, Score]:
    """Score leads anew and write where they stand.

    Args:
        connection: of ``Memory.writing``, in whose transaction the leads are locked.
        stamps: of their latest change, by id; each is scored one microsecond later.
        cause: as in ``features.store.schema.changes``.
        scorer: scores all of them.
        repeatable: whether a lead stays open when it is won.
        explain: with reasons.

    Returns:
        The scores by lead.
    """
    leads = read_leads(connection, list(stamps), scorer.schema)
    scores: dict[str, Score] = {}
    rows, steps = [], []
    for lead_id, lead in leads.items():
        as_of, closed_at = stamps[lead_id] + 1, lead.closed_at(repeatable=repeatable)
        shown, answer, history, fitted = score(lead, scorer, as_of, closed_at, explain=explain)
        band = NAMES.index(answer.score.temperature)
        row = standing.standing_row(lead, shown, history, fitted, as_of, band, closed_at)
        told = partial(_explained, shown if explain else None, lead, scorer, as_of, closed_at)
        again = fitted.settings.qualification.hand_over_again
        row["handed_over_at"] = hand_over(connection, shown, as_of, row["handed_over_at"], again, told)
        step = standing.change_row(lead.standing, row, cause)
        rows.append(row)
        steps += [step] if step else []
        scores[lead_id] = shown
        connection.info["answers"].append(answer)
    if rows:
        standing.write_standings(connection, rows)
    standing.write_changes(connection, steps)
    return scores


def score(lead: StoredLead, scorer: Scorer, as_of: int, closed_at: int, *, explain: bool = True) -> Scored:
    """A stored lead's score; its band before is the stored one."""
    history = history_of([lead.record()], scorer.schema)
    fitted = scorer.fitted(history)
    answer = fitted.answer(history, as_of, previous_band(lead), explain=explain)
    if closed_at < as_of:
        answer.score.flags.append("closed")
    return Scored(overrides.apply(answer, lead.overrides, as_of), answer, history, fitted)


def _explained(shown: Score | None, lead: StoredLead, scorer: Scorer, as_of: int, closed_at: int) -> Score:
    """The score with its reasons, which may be there already."""
    return score(lead, scorer, as_of, closed_at).shown if shown is None else shown


def previous_band(lead: StoredLead) -> Temperature | None:
    """The band before, by the model."""
    return None if lead.standing is None else NAMES[lead.standing["temperature"]]
