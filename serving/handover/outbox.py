"""Hand-overs to sales as events in the store, each written in the transaction of the change that it tells of.

A lead is *with sales* from the moment at which its score says that it is to be handed over (``Score.hand_over``) until one says that it is
not, or it is won or lost. An event is written when a lead comes to be with sales, and not again while it stays there. One that leaves and
comes back within ``qualification.hand_over_again`` of its latest event is taken to have been there all the time; later it is handed over
anew. An event that is not delivered yet is cancelled when the lead opts out, or a person decides that it is not for sales; it counts as
never written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Literal, NamedTuple, get_args

from sqlalchemy import ColumnElement, Connection, and_, case, false, func, insert, or_, select, true, update

from features.contract import iso
from features.store.engine import as_json
from features.store.schema import outbox
from models.lifecycle import DECIDED, NOT_PERMITTED
from models.score import Score

EVENT = "msg_"
"""How the id of an event begins."""
HANDED_OVER = "lead.handed_over"
VERSION = 1
"""Of the payload: it grows when a receiver would have to read it otherwise, not when something is added."""
CANCELLED = "cancelled"
"""How the ``problem`` of a cancelled event begins."""
MERGED = "merged with a lead that was handed over"

State = Literal["waiting", "delivered", "failed", "cancelled"]
STATES: tuple[State, ...] = get_args(State)

_ended = and_(outbox.c.next_attempt_at.is_(None), outbox.c.delivered_at.is_(None))
_cancelled = func.coalesce(outbox.c.problem, "").startswith(CANCELLED)
_state: ColumnElement[str] = case(
    (outbox.c.delivered_at.is_not(None), "delivered"),
    (outbox.c.next_attempt_at.is_not(None), "waiting"),
    (_cancelled, "cancelled"),
    else_="failed",
)
_SHOWN = select(*(column for column in outbox.c if column.name != "payload"), _state.label("state"))


def hand_over(connection: Connection, score: Score, moment: int, since: int | None, again: int, told: Callable[[], Score]) -> int | None:
    """Write the event, or cancel it, as a new score wants it.

    Args:
        connection: in the transaction that holds the lead.
        score: as shown, with what a person decided.
        moment: of the score, microseconds UTC.
        since: since when the lead has been with sales by the score before; None where it was not.
        again: ``qualification.hand_over_again``, microseconds.
        told: gives the same score with its reasons, which are asked for only where an event is written.

    Returns:
        Since when the lead is with sales; None where it is not.
    """
    if not score.hand_over.due or "closed" in score.flags:
        if score.hand_over.why in (NOT_PERMITTED, DECIDED):
            cancel(connection, score.lead_id, score.hand_over.why)
        return None
    if since is not None:
        return since
    mine = (outbox.c.lead_id == score.lead_id, outbox.c.kind == HANDED_OVER, ~and_(_ended, _cancelled))
    latest: int | None = connection.execute(select(func.max(outbox.c.created_at)).where(*mine)).scalar_one()
    if latest is not None and moment < latest + again:
        return latest
    event_id = f"{EVENT}{moment:016x}{token_hex(8)}"
    row = {"event_id": event_id, "lead_id": score.lead_id, "kind": HANDED_OVER, "payload": _payload(event_id, moment, told())}
    connection.execute(insert(outbox).values(row | {"created_at": moment, "attempts": 0, "next_attempt_at": moment}))
    return moment


def cancel(connection: Connection, lead_id: str, why: str) -> None:
    """Deliver none of a lead's events that wait."""
    waiting = (outbox.c.lead_id == lead_id, outbox.c.next_attempt_at.is_not(None))
    connection.execute(update(outbox).where(*waiting).values(next_attempt_at=None, problem=f"{CANCELLED}: {why}"))


def join(connection: Connection, since: Mapping[str, int], absorbed: str, survivor: str) -> None:
    """Let the events of a lead that is merged into another count as the other's, and tell sales once of whom both stand for.

    Where one of them was handed over and that is told, or will be, what waits of the other is cancelled. What still waits is delivered
    as it was written, under the id that the lead had then: an attempt at it may have arrived, and one event never says two things. For
    that id the service answers with the survivor.

    Args:
        connection: in the transaction that holds both.
        since: since when each has been with sales, microseconds UTC, by lead; those that are not are not in it.
        absorbed: the lead that is no more.
        survivor: the lead that both are now.
    """
    current = or_(*(and_(outbox.c.lead_id == one, outbox.c.created_at >= moment) for one, moment in since.items()), false())
    told = {(row[0], row[1]) for row in connection.execute(select(outbox.c.lead_id, _state).where(current))}
    if (absorbed, "delivered") in told:
        cancel(connection, survivor, MERGED)
    elif told & {(survivor, "delivered"), (survivor, "waiting")}:
        cancel(connection, absorbed, MERGED)
    connection.execute(update(outbox).where(outbox.c.lead_id == absorbed).values(lead_id=survivor))


def events(connection: Connection, state: State | None, after: str | None, limit: int) -> list[dict[str, object]]:
    """Events, the latest first: their columns but the payload, and their ``state``.

    Args:
        connection: within a transaction.
        state: only those in it.
        after: only those that follow this event.
        limit: at most so many.
    """
    chosen = (true() if state is None else _state == state, true() if after is None else outbox.c.event_id < after)
    rows = connection.execute(_SHOWN.where(*chosen).order_by(outbox.c.event_id.desc()).limit(limit)).mappings()
    return [dict(row) for row in rows]


def event(connection: Connection, event_id: str) -> dict[str, object]:
    """One event, which is there, as ``events`` has it."""
    return dict(connection.execute(_SHOWN.where(outbox.c.event_id == event_id)).mappings().one())


class Backlog(NamedTuple):
    """How many events are in each state, and the moment, microseconds UTC, of the oldest that waits."""

    counts: dict[State, int]
    oldest: int | None


def backlog(connection: Connection) -> Backlog:
    """What there is in the outbox."""
    grouped = select(_state, func.count(), func.min(outbox.c.created_at)).group_by(_state)
    found = {row[0]: (row[1], row[2]) for row in connection.execute(grouped)}
    return Backlog({state: found.get(state, (0,))[0] for state in STATES}, found.get("waiting", (0, None))[1])


def retry(connection: Connection, event_id: str, moment: int) -> State | None:
    """Have an event that waits or has failed tried anew, at once and with all its attempts.

    Returns:
        The state that it was in, which must be one of the two for anything to happen; None where there is no such event.
    """
    state: State | None = connection.execute(
        select(_state).where(outbox.c.event_id == event_id).with_for_update(of=outbox)
    ).scalar_one_or_none()  # type: ignore[assignment]
    if state in ("waiting", "failed"):
        anew = {"next_attempt_at": moment, "attempts": 0, "problem": None}
        connection.execute(update(outbox).where(outbox.c.event_id == event_id).values(anew))
    return state


def _payload(event_id: str, moment: int, score: Score) -> str:
    """As the Standard Webhooks specification recommends: type, timestamp, data. The lead's own data are not in it, but for the reasons."""
    told = {"score": json.loads(score.to_json())}
    when = iso(moment)
    return as_json({"version": VERSION, "id": event_id, "type": HANDED_OVER, "timestamp": when, "data": told})
