"""The routes of hand-overs: what waits, what was delivered, what was given up, and trying again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from starlette.requests import Request
from typing_extensions import TypedDict

from features.contract import Strict, iso_or_none, now
from serving.desk import Desk
from serving.endpoints import Endpoint
from serving.errors import RequestError, wrong
from serving.handover import outbox
from serving.handover.outbox import State
from serving.memory.memory import Memory

PAGE = 100


class HandoversQuery(Strict):
    """Which hand-overs: those in one ``state``, those ``after`` the last of the page before, at most ``limit``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: State | None = Field(default=None, description="Only hand-overs in this state.")
    after: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="The event_id of the last hand-over of the page before."
    )
    limit: int = Field(default=PAGE, ge=1, le=1_000, description="How many hand-overs a page holds at most.")


@dataclass(slots=True)
class Handover:
    """One hand-over; moments in ISO 8601 in UTC.

    Attributes:
        event_id: the ``webhook-id`` under which it is delivered.
        attempts: how many were made.
        next_attempt_at: None where none follows.
        problem: what the last attempt met, or why it was cancelled.
    """

    event_id: str
    lead_id: str
    kind: str
    state: State
    created_at: str
    attempts: int
    next_attempt_at: str | None
    delivered_at: str | None
    problem: str | None


class Handovers(TypedDict):
    """A page of hand-overs, the latest first, how many there are in each state, and what to ask for as ``after``: null at the end."""

    handovers: list[Handover]
    counts: dict[State, int]
    after: str | None


async def handovers(desk: Desk, _request: Request, asked: HandoversQuery) -> Handovers:
    """A page of hand-overs."""
    return await desk.run(_page, desk.memory, asked)


async def retry(desk: Desk, request: Request, _asked: None) -> Handover:
    """Try a hand-over again that waits or was given up."""
    return await desk.run(_retried, desk.memory, request.path_params["event_id"])


def _page(memory: Memory, asked: HandoversQuery) -> Handovers:
    if asked.after is not None and not asked.after.startswith(outbox.EVENT):
        raise wrong("after", "is no event_id of a hand-over", "Take it as the page before gave it, or leave it out.", "query")
    with memory.reading() as connection:
        found = outbox.events(connection, asked.state, asked.after, asked.limit + 1)
        counts = outbox.backlog(connection).counts
    page = [_handover(one) for one in found[: asked.limit]]
    return {"handovers": page, "counts": counts, "after": page[-1].event_id if len(found) > asked.limit else None}


def _retried(memory: Memory, event_id: str) -> Handover:
    with memory.writing() as connection:
        state = outbox.retry(connection, event_id, now())
        if state is None:
            raise RequestError(404, "There is no such hand-over.", "GET /handovers lists them.")
        if state not in ("waiting", "failed"):
            raise RequestError(409, f"This hand-over was {state}.", "Only what waits or was given up can be tried again.")
        return _handover(outbox.event(connection, event_id))


def _handover(row: Any) -> Handover:
    shown: dict[str, Any] = {name: iso_or_none(value) if name.endswith("_at") else value for name, value in row.items()}
    return Handover(**shown)


HANDOVERS = (
    Endpoint(
        "GET",
        "/handovers",
        handovers,
        None,
        Handovers,
        "read",
        "Hand-overs to sales and what became of them, the latest first.",
        query=HandoversQuery,
    ),
    Endpoint(
        "POST",
        "/handovers/{event_id}/retry",
        retry,
        None,
        Handover,
        "write",
        "Try a hand-over again, at once, that waits or was given up.",
        refusals={409: "It was delivered or cancelled."},
    ),
)
